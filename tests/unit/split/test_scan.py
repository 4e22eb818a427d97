"""The scan against sums in wide integers. The ring Z_2⁸ wraps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.split.scan import BLOCK_ROWS, Columns

seeds = st.integers(0, 2**32 - 1)


def _expected(blocks: np.ndarray, probes: np.ndarray) -> np.ndarray:
    return np.concatenate([probes.astype(int) @ block.astype(int) for block in blocks], axis=1) % 256


def _sums(blocks: np.ndarray, probes: np.ndarray, cuts: list[int]) -> np.ndarray:
    sums = np.full((len(probes), len(blocks) * BLOCK_ROWS), 99, np.int8)
    columns = Columns(probes)
    for first, last in pairwise(cuts):
        columns.scan(blocks, sums, first, last)
    return sums.view(np.uint8)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(1, 9), st.integers(1, 70), st.integers(0, 100))
def test_adds_and_subtracts_the_columns_of_each_probe(seed: int, count: int, dimension: int, density: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-128, 128, (3, dimension, BLOCK_ROWS), np.int8)
    taken = rng.integers(0, 100, (count, dimension)) < density
    probes = (taken * rng.choice([-1, 1], (count, dimension))).astype(np.int8)
    assert np.array_equal(_sums(blocks, probes, [0, 1, 3]), _expected(blocks, probes))


def test_every_lane_wraps_by_itself() -> None:
    blocks = np.full((1, 2, BLOCK_ROWS), 127, np.int8)
    blocks[0, :, ::2] = -128
    sums = _sums(blocks, np.asarray([[1, 1], [-1, -1], [1, -1]], np.int8), [0, 1])
    assert sums[:, :2].tolist() == [[0, 254], [0, 2], [0, 0]]
    assert (sums == np.tile(sums[:, :2], BLOCK_ROWS // 2)).all()


def test_only_the_blocks_asked_for_are_written() -> None:
    rng = np.random.default_rng(1)
    blocks = rng.integers(-128, 128, (3, 8, BLOCK_ROWS), np.int8)
    probes = rng.integers(-1, 2, (2, 8)).astype(np.int8)
    sums = _sums(blocks, probes, [1, 2])
    middle = slice(BLOCK_ROWS, 2 * BLOCK_ROWS)
    assert np.array_equal(sums[:, middle], _expected(blocks[1:2], probes))
    assert (np.delete(sums, middle, axis=1) == 99).all()
    assert (_sums(blocks, probes, [2, 2]) == 99).all()


@pytest.mark.parametrize(
    ("blocks", "sums", "first", "last", "problem"),
    [
        ((2, 8, BLOCK_ROWS // 2), (1, BLOCK_ROWS), 0, 1, "right size"),
        ((2, 8, BLOCK_ROWS), (1, BLOCK_ROWS), 0, 2, "no such"),
        ((2, 8, BLOCK_ROWS), (2, 2 * BLOCK_ROWS), 0, 2, "no such"),
        ((2, 8, BLOCK_ROWS), (1, 2 * BLOCK_ROWS), 0, 3, "no such"),
        ((2, 8, BLOCK_ROWS), (1, 2 * BLOCK_ROWS), -1, 1, "no such"),
        ((2, 7, BLOCK_ROWS), (1, 2 * BLOCK_ROWS), 0, 2, "dimension"),
    ],
)
def test_compiled_code_is_given_nothing_to_read_or_write_beyond(
    blocks: tuple[int, ...], sums: tuple[int, ...], first: int, last: int, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Columns(np.ones((1, 8), np.int8)).scan(np.zeros(blocks, np.int8), np.zeros(sums, np.int8), first, last)


def test_other_layouts_are_refused() -> None:
    columns, blocks = Columns(np.ones((1, 8), np.int8)), np.zeros((4, 8, BLOCK_ROWS), np.int8)
    with pytest.raises(ValueError, match="contiguous"):
        columns.scan(blocks[::2], np.zeros((1, 2 * BLOCK_ROWS), np.int8), 0, 2)
    with pytest.raises(ValueError, match="contiguous"):
        columns.scan(blocks[:2], np.zeros((1, 4 * BLOCK_ROWS), np.int8)[:, ::2], 0, 2)

"""Each kernel compiled and as plain Python, against an oracle. The rings wrap: that is meant, so numpy is told."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.split import kernels
from facekeep.split.kernels import (
    BUCKETS,
    DEALT,
    add,
    band_table,
    best_positions,
    deal,
    permute,
    token_table,
    trace,
)

seeds = st.integers(0, 2**32 - 1)


def _both(kernel: Callable[..., object]) -> list[Callable[..., object]]:
    plain = kernel.py_func  # type: ignore[attr-defined]

    def run(*arguments: object) -> object:
        with np.errstate(over="ignore"):
            return plain(*arguments)

    return [kernel, run]


@pytest.mark.parametrize("run", _both(add))
@pytest.mark.parametrize("negative", [False, True])
def test_add(run: Callable[..., object], negative: bool) -> None:
    rng = np.random.default_rng(1)
    sums, zeros = rng.integers(0, 256, 50, np.uint8), rng.integers(0, 256, 50, np.uint8)
    expected = sums.astype(int) + (-1 if negative else 1) * zeros.astype(int)
    run(sums, zeros, negative)
    assert sums.tolist() == (expected % 256).tolist()


@pytest.mark.parametrize("run", _both(token_table))
def test_token_table(run: Callable[..., object]) -> None:
    rng = np.random.default_rng(2)
    bands = rng.integers(0, 4, 65536, np.uint8)
    tokens = rng.integers(0, 2**63, (4, 2)).astype(np.uint64)
    pads = rng.integers(0, 2**63, (65536, 2)).astype(np.uint64)
    table = pads.copy()
    run(bands, tokens, 60000, table)
    assert np.array_equal(table ^ pads, tokens[np.roll(bands, -60000)])


@pytest.mark.parametrize("run", _both(band_table))
def test_band_table(run: Callable[..., object]) -> None:
    rng = np.random.default_rng(2)
    codewords = rng.integers(0, 256, 65536, np.uint8)
    starts = np.asarray([0, 1, 40000, 65535], np.uint16)
    pads = rng.integers(0, 256, (4, 65536), np.uint8)
    tables = pads.copy()
    run(np.tile(codewords, 2), starts, tables)
    for table, pad, start in zip(tables, pads, starts.tolist(), strict=True):
        assert np.array_equal(table ^ pad, np.roll(codewords, -start))


def _sandelius(buckets: np.ndarray, draws: np.ndarray) -> list[int]:
    out: list[int] = []
    for bucket in range(256):
        held = np.flatnonzero(buckets == bucket).tolist()
        for i in range(len(held) - 1, 0, -1):
            j = int(draws[len(out) + i]) * (i + 1) >> 32
            held[i], held[j] = held[j], held[i]
        out += held
    return out


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("count", "spread"), [(0, 256), (1, 256), (2, 1), (300, 4), (700, 256), (900, 1), (1100, 2)])
def test_permuting_and_tracing(plain: bool, count: int, spread: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run = 1 if plain else 0
    if plain:
        monkeypatch.setattr(kernels, "_drawn", kernels._drawn.py_func)
    rng = np.random.default_rng(count)
    buckets, draws = rng.integers(0, spread, count).astype(np.uint8), rng.integers(0, 2**32, count, np.uint32)
    expected = _sandelius(buckets, draws)
    marks = np.empty((-(-count // DEALT) + 1, BUCKETS), np.uint32)
    _both(deal)[run](buckets, marks)
    assert (marks[-1] - marks[0]).tolist() == np.bincount(buckets, minlength=256).tolist()
    values, seats = rng.integers(0, 256, 2 * count, np.uint8), rng.permutation(2 * count)[:count].astype(np.uint32)
    out, places = np.empty(count, np.uint8), np.empty(count, np.int32)
    _both(permute)[run](values, seats, buckets, draws, marks, out)
    assert out.tolist() == [int(values[seats[place]]) for place in expected]
    _both(trace)[run](buckets, draws, marks, np.arange(count, dtype=np.int32), places)
    assert places.tolist() == expected


@pytest.mark.parametrize("run", _both(best_positions))
@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 1200), st.integers(1, 120))
def test_best_positions(run: Callable[..., object], seed: int, count: int, support: int) -> None:
    rng = np.random.default_rng(seed)
    sums = rng.integers(-support, support + 1, count)
    left = rng.integers(0, 256, count, np.uint8)
    right = ((sums - left) % 256).astype(np.uint8)
    out = np.empty(int(rng.integers(1, count + 1)), np.int32)
    assert run(left, right, support, out) == 0
    assert out.tolist() == sorted(sorted(range(count), key=lambda i: (-sums[i], i))[: len(out)])


@pytest.mark.parametrize("run", _both(best_positions))
@pytest.mark.parametrize(("sum_", "outside"), [(120, 0), (-120, 0), (121, 1), (-121, 1), (127, 1), (-128, 1)])
def test_a_sum_outside_the_support_is_told(run: Callable[..., object], sum_: int, outside: int) -> None:
    left = np.asarray([7, 9], np.uint8)
    right = np.asarray([(sum_ - 7) % 256, 247], np.uint8)
    assert run(left, right, 120, np.empty(1, np.int32)) == outside

"""Each kernel compiled and as plain Python, against an oracle. The rings wrap: that is meant, so numpy is told."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.split import kernels
from facekeep.split.kernels import BLOCK_ROWS, best_positions, gather, scan, shuffle, token_table

seeds = st.integers(0, 2**32 - 1)


def _both(kernel: Callable[..., object]) -> list[Callable[..., object]]:
    plain = kernel.py_func  # type: ignore[attr-defined]

    def run(*arguments: object) -> object:
        with np.errstate(over="ignore"):
            return plain(*arguments)

    return [kernel, run]


@pytest.mark.parametrize("run", _both(gather))
@pytest.mark.parametrize("negative", [False, True])
def test_gather(run: Callable[..., object], negative: bool) -> None:
    rng = np.random.default_rng(1)
    sums, zeros = rng.integers(0, 256, 50, np.uint8), rng.integers(0, 256, 30, np.uint8)
    order = rng.permutation(50)[:30].astype(np.int32)
    out = np.empty(30, np.uint8)
    run(sums, order, zeros, negative, out)
    expected = sums[order].astype(int) + (-1 if negative else 1) * zeros.astype(int)
    assert out.tolist() == (expected % 256).tolist()


@pytest.mark.parametrize("run", _both(token_table))
def test_token_table(run: Callable[..., object]) -> None:
    rng = np.random.default_rng(2)
    bands = rng.integers(0, 4, 65536, np.uint8)
    tokens = rng.integers(0, 2**63, (4, 2)).astype(np.uint64)
    pads = rng.integers(0, 2**63, (65536, 2)).astype(np.uint64)
    table = pads.copy()
    run(bands, tokens, 60000, table)
    assert np.array_equal(table ^ pads, tokens[np.roll(bands, -60000)])


def _oracle(blocks: np.ndarray, plus: list[np.ndarray], minus: list[np.ndarray]) -> np.ndarray:
    wide = blocks.astype(int)
    rows = [
        np.concatenate([block[p].sum(0) - block[m].sum(0) for block in wide]) for p, m in zip(plus, minus, strict=True)
    ]
    return np.stack(rows) % 256


def _probes(rng: np.random.Generator, count: int, dimension: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    plus, minus = [], []
    for _ in range(count):
        columns = rng.permutation(dimension)
        cut, end = sorted(rng.integers(0, dimension + 1, 2))
        plus.append(np.sort(columns[:cut]).astype(np.int32))
        minus.append(np.sort(columns[cut:end]).astype(np.int32))
    return plus, minus


def _scan(blocks: np.ndarray, plus: list, minus: list) -> np.ndarray:
    sums = np.empty((len(plus), len(blocks) * BLOCK_ROWS), np.int8)
    ends = np.cumsum([len(p) for p in plus]), np.cumsum([len(m) for m in minus])
    for first, last in ((0, 1), (1, len(blocks))):
        scan(blocks, np.concatenate(plus), np.concatenate(minus), *ends, sums, first, last)
    return sums.view(np.uint8)


@settings(max_examples=15, deadline=None)
@given(seeds, st.integers(1, 5))
def test_scan_adds_and_subtracts_the_columns_of_each_probe(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(-128, 128, (2, 40, BLOCK_ROWS), np.int8)
    plus, minus = _probes(rng, count, 40)
    assert np.array_equal(_scan(blocks, plus, minus), _oracle(blocks, plus, minus))


def test_scan_as_plain_python(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    monkeypatch.setattr(kernels, "BLOCK_ROWS", 8)
    blocks = rng.integers(-128, 128, (2, 24, 8), np.int8)
    plus, minus = _probes(rng, 3, 24)
    sums = np.empty((3, 16), np.int8)
    ends = np.cumsum([len(p) for p in plus]), np.cumsum([len(m) for m in minus])
    with np.errstate(over="ignore"):
        monkeypatch.setattr(kernels, "_add_columns", kernels._add_columns.py_func)
        scan.py_func(blocks, np.concatenate(plus), np.concatenate(minus), *ends, sums, 0, 2)
    assert np.array_equal(sums.view(np.uint8), _oracle(blocks, plus, minus))


def _sandelius(slots: np.ndarray, buckets: np.ndarray, draws: np.ndarray) -> list[int]:
    out: list[int] = []
    used = 0
    for bucket in range(256):
        held = [int(slot) for slot, b in zip(slots, buckets, strict=True) if b == bucket]
        for i in range(len(held) - 1, 0, -1):
            j = int(draws[used + i]) * (i + 1) >> 32
            held[i], held[j] = held[j], held[i]
        used += len(held)
        out += held
    return out


@pytest.mark.parametrize("run", _both(shuffle))
@pytest.mark.parametrize(("count", "spread"), [(0, 256), (1, 256), (2, 1), (300, 4), (700, 256)])
def test_shuffle(run: Callable[..., object], count: int, spread: int) -> None:
    rng = np.random.default_rng(count)
    slots = rng.permutation(10 * count)[:count].astype(np.int32)
    buckets = rng.integers(0, spread, count).astype(np.uint8)
    draws = rng.integers(0, 2**32, count, np.uint32)
    out = np.empty(count, np.int32)
    run(slots, buckets, draws, out)
    assert out.tolist() == _sandelius(slots, buckets, draws)
    assert sorted(out.tolist()) == sorted(slots.tolist())


def test_every_permutation_of_a_few_rows_is_as_likely_as_any_other() -> None:
    rng = np.random.default_rng(4)
    slots, out = np.arange(4, dtype=np.int32), np.empty(4, np.int32)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(24_000):
        shuffle(slots, rng.integers(0, 256, 4, np.uint8), rng.integers(0, 2**32, 4, np.uint32), out)
        seen[tuple(out.tolist())] = seen.get(tuple(out.tolist()), 0) + 1
    assert len(seen) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in seen.values()) < 60  # 23 degrees of freedom


@pytest.mark.parametrize("run", _both(best_positions))
@settings(max_examples=60, deadline=None)
@given(seeds, st.integers(1, 300), st.integers(1, 120))
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

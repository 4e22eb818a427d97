"""The permutation of a search against its definition, and its uniformity."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from facekeep.split.kernels import DEALT
from facekeep.split.permutation import Permutation
from facekeep.split.prf import stream

keys = st.binary(min_size=32, max_size=32)


def _defined(key: bytes, count: int) -> np.ndarray:
    """docs/spec/split-gallery.md, section 11, by numpy's own stable sort."""
    drawn = stream(key, 5 * count)
    draws, buckets = drawn[: 4 * count].view("<u4"), drawn[4 * count :]
    order = np.argsort(buckets, kind="stable")
    at = 0
    for size in np.bincount(buckets, minlength=256).tolist():
        held = order[at : at + size]
        for i in range(size - 1, 0, -1):
            j = int(draws[at + i]) * (i + 1) >> 32
            held[[i, j]] = held[[j, i]]
        at += size
    return order


@settings(max_examples=40, deadline=None)
@given(keys, st.integers(0, 3000))
@example(bytes(32), 2 * DEALT + 5)
@example(bytes(32), DEALT)
@example(bytes(32), 200_000)
def test_values_and_places_follow_the_definition(key: bytes, count: int) -> None:
    expected = _defined(key, count)
    permutation = Permutation(key, count)
    rng = np.random.default_rng(1)
    values, seats = rng.integers(0, 256, count + 9, np.uint8), rng.permutation(count + 9)[:count].astype(np.int32)
    assert np.array_equal(permutation.apply(values, seats), values[seats[expected]])
    some = rng.integers(0, max(count, 1), 100 if count else 0).astype(np.int32)
    assert np.array_equal(permutation.places(some), expected[some])
    assert np.array_equal(Permutation(key, count).places(some), expected[some])  # nothing was applied before


def test_every_permutation_of_a_few_rows_is_as_likely_as_any_other() -> None:
    rng = np.random.default_rng(4)
    rows = 4
    every = np.arange(rows, dtype=np.int32)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(24_000):
        order = tuple(Permutation(rng.bytes(32), rows).places(every).tolist())
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 24
    assert sum((n - 1000) ** 2 / 1000 for n in seen.values()) < 60  # 23 degrees of freedom


def test_a_row_comes_to_every_part_of_a_large_gallery() -> None:
    rng = np.random.default_rng(5)
    values, seats = np.zeros(20_000, np.uint8), np.arange(20_000, dtype=np.int32)
    values[7] = 1
    places = [int(np.argmax(Permutation(rng.bytes(32), 20_000).apply(values, seats))) for _ in range(2_000)]
    counts = np.bincount(np.asarray(places) // 1_000, minlength=20)
    assert ((counts - 100) ** 2 / 100).sum() < 50  # 19 degrees of freedom

from hashlib import sha256
from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facekeep.split.transcript import chosen_hash, positions_hash, row_set_root, search_hash

H = bytes(range(32))
hashes = st.binary(min_size=32, max_size=32)
lists = st.lists(st.integers(0, 2**31 - 1), max_size=20).map(lambda values: np.asarray(values, np.int32))


def test_every_part_of_a_search_enters_its_hash() -> None:
    parts = [
        search_hash(b"t", b"p", 1, H, 5),
        search_hash(b"u", b"p", 1, H, 5),
        search_hash(b"t", b"q", 1, H, 5),
        search_hash(b"t", b"p", 2, H, 5),
        search_hash(b"t", b"p", 1, H[::-1], 5),
        search_hash(b"t", b"p", 1, H, 6),
        search_hash(b"tp", b"", 1, H, 5),  # parts are hashed first, so their border cannot move
        search_hash(b"", b"tp", 1, H, 5),
    ]
    assert all(a != b for a, b in combinations(parts, 2))


@given(hashes, lists, lists)
def test_lists_hash_alike_only_if_they_are_alike(before: bytes, one: np.ndarray, two: np.ndarray) -> None:
    same = np.array_equal(one, two)
    assert (positions_hash(before, one) == positions_hash(before, two)) == same
    assert (chosen_hash(before, one) == chosen_hash(before, two)) == same
    assert positions_hash(before, one) != chosen_hash(before, one)


def test_the_order_of_positions_counts() -> None:
    assert positions_hash(H, np.asarray([1, 2], np.int32)) != positions_hash(H, np.asarray([2, 1], np.int32))
    assert positions_hash(H, np.asarray([1, 2], np.int64)) == positions_hash(H, np.asarray([1, 2], np.int32))


def test_the_root_of_no_row() -> None:
    assert row_set_root([]) == sha256(b"facekeep/1/rows\x00").digest()

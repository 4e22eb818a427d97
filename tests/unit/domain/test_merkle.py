"""The trees of the ledger against RFC 9162: its definitions word by word, its ways to verify, and known heads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.merkle import (
    EMPTY,
    consistency_proof,
    grown,
    inclusion_proof,
    leaf_hash,
    node_hash,
    place_of,
    places_in,
    root,
)

# The eight entries, and the heads of their trees, with which implementations of Certificate Transparency are tested.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HEADS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(entries: Sequence[bytes], batches: Sequence[int] = ()) -> list[bytes]:
    """The nodes of a tree that grew in batches."""
    nodes: list[bytes] = []
    size = 0
    for count in (*batches, len(entries)):
        end = min(len(entries), size + count)
        for place, node in list(grown(size, entries[size:end], nodes.__getitem__)):
            assert place == len(nodes)
            nodes.append(node)
        size = end
    assert len(nodes) == places_in(len(entries))
    return nodes


def mth(entries: Sequence[bytes]) -> bytes:
    """Merkle tree head, RFC 9162, section 2.1.1, as it is written there."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\0" + entries[0]).digest()
    k = max(1 << power for power in range(len(entries).bit_length()) if 1 << power < len(entries))
    return hashlib.sha256(b"\1" + mth(entries[:k]) + mth(entries[k:])).digest()


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The head that a proof of inclusion leads to: RFC 9162, section 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        assert sn != 0
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return r


def consistent(old: int, size: int, old_head: bytes, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Both heads that a proof of consistency leads to: RFC 9162, section 2.1.4.2, for trees of two sizes."""
    path = [old_head, *path] if old & (old - 1) == 0 else list(path)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        assert sn != 0
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    assert sn == 0
    return fr, sr


def test_the_heads_of_certificate_transparency() -> None:
    nodes = tree(ENTRIES)
    assert [root(size, nodes.__getitem__).hex() for size in range(1, 9)] == HEADS
    assert root(0, nodes.__getitem__) == EMPTY == hashlib.sha256().digest()


def test_the_example_of_the_rfc() -> None:
    # RFC 9162, section 2.1.5: the tree of seven leaves, by the names of its nodes.
    entries = [f"d{number}".encode() for number in range(7)]
    nodes = tree(entries)
    a, b, c, d, e, f, j = map(leaf_hash, entries)
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - as in the RFC
    assert root(7, nodes.__getitem__) == node_hash(k, l)
    assert inclusion_proof(0, 7, nodes.__getitem__) == (b, h, l)
    assert inclusion_proof(3, 7, nodes.__getitem__) == (c, g, l)
    assert inclusion_proof(4, 7, nodes.__getitem__) == (f, j, k)
    assert inclusion_proof(6, 7, nodes.__getitem__) == (i, k)
    assert consistency_proof(3, 7, nodes.__getitem__) == (c, d, g, l)
    assert consistency_proof(4, 7, nodes.__getitem__) == (l,)
    assert consistency_proof(6, 7, nodes.__getitem__) == (i, j, k)


ENTRY_LISTS = st.lists(st.binary(max_size=4), max_size=70)


@given(ENTRY_LISTS, st.lists(st.integers(0, 9), max_size=9))
def test_every_head_is_that_of_the_definition_however_a_tree_grew(entries: list[bytes], batches: list[int]) -> None:
    nodes = tree(entries, batches)
    for size in range(len(entries) + 1):
        assert root(size, nodes.__getitem__) == mth(entries[:size])


@given(st.integers(1, 300), st.data())
def test_proofs_are_those_that_the_rfc_verifies(size: int, data: st.DataObject) -> None:
    entries = [number.to_bytes(2) for number in range(300)]
    nodes = tree(entries)
    index = data.draw(st.integers(0, size - 1))
    asked: list[int] = []

    def node(place: int) -> bytes:
        asked.append(place)
        return nodes[place]

    path = inclusion_proof(index, size, node)
    assert included(leaf_hash(entries[index]), index, size, path) == mth(entries[:size])
    assert len(asked) <= 2 * size.bit_length()
    assert max(asked, default=0) < places_in(size)
    old = data.draw(st.integers(1, size))
    asked.clear()
    path = consistency_proof(old, size, node)
    assert len(asked) <= 2 * size.bit_length()
    heads = mth(entries[:old]), mth(entries[:size])
    if old == size:
        assert path == ()
    else:
        assert consistent(old, size, heads[0], path) == heads


@given(st.integers(0, 12), st.integers(0, 200))
def test_places_are_the_order_in_which_nodes_come_to_be(level: int, index: int) -> None:
    last = (index + 1) * (1 << level) - 1
    assert places_in(last) <= place_of(level, index) < places_in(last + 1)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    nodes = tree(ENTRIES)
    with pytest.raises(ValueError, match="leaf of the tree"):
        inclusion_proof(index, size, nodes.__getitem__)


@pytest.mark.parametrize(("old", "size"), [(0, 3), (4, 3)])
def test_no_proof_between_trees_that_did_not_grow(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="as large or larger"):
        consistency_proof(old, size, tree(ENTRIES).__getitem__)


def test_no_tree_has_fewer_leaves_than_none() -> None:
    with pytest.raises(ValueError, match="none"):
        root(-1, [].__getitem__)

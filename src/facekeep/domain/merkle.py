"""Merkle trees as RFC 9162 has them: hashes, roots and proofs, over nodes that somebody else keeps.

A tree of ``size`` leaves has the head of RFC 9162, section 2.1.1, with SHA-256. What is kept of it are the heads of
its complete subtrees: node (level, index) covers the 2^level leaves from ``index·2^level`` on. Such a node never
changes, so that a tree only grows. Nodes are numbered by their *place*, the order in which they come to be complete
(each leaf, then every subtree that it completes); a tree of n leaves has the places 0 to 2n - popcount(n) - 1.

Invariants: the functions ask for nodes of the given size alone; a proof asks for no more than 2·log2(size) of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeAlias

__all__ = [
    "EMPTY",
    "HASH_BYTES",
    "Nodes",
    "consistency_proof",
    "grown",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "peaks",
    "place_of",
    "places_in",
    "root",
]

HASH_BYTES: Final = 32
EMPTY: Final = hashlib.sha256().digest()
"""The head of a tree without leaves."""

Nodes: TypeAlias = "Callable[[int], bytes]"
"""Gives the node at a place, 32 bytes."""


def leaf_hash(entry: bytes) -> bytes:
    """The node of a leaf: SHA-256(0 ‖ entry)."""
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two: SHA-256(1 ‖ left ‖ right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def places_in(size: int) -> int:
    """How many nodes a tree of this many leaves has."""
    return 2 * size - size.bit_count()


def place_of(level: int, index: int) -> int:
    """The place of a node: after all that was complete before its last leaf, and after the nodes below it."""
    return places_in((index + 1) * (1 << level) - 1) + level


def peaks(size: int) -> list[int]:
    """The places of the complete subtrees that a tree of this many leaves is made of, the largest first."""
    places, first = [], 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            places.append(place_of(level, first >> level))
            first += 1 << level
    return places


def grown(size: int, entries: Iterable[bytes], nodes: Nodes) -> Iterator[tuple[int, bytes]]:
    """The nodes that entries add to a tree, by place and in the order of places.

    Args:
        size: leaves that there are.
        entries: of the new leaves, in their order.
        nodes: of the tree as it is; asked for at most once a level.
    """
    fresh: dict[int, bytes] = {}
    for number, entry in enumerate(entries, size):
        node, level, index = leaf_hash(entry), 0, number
        while True:
            place = place_of(level, index)
            yield place, node
            if index % 2 == 0:
                fresh[level] = node
                break
            # The left neighbour is of this batch if it was the last of its level.
            left = fresh.pop(level, None)
            node = node_hash(nodes(place_of(level, index - 1)) if left is None else left, node)
            level, index = level + 1, index // 2


def root(size: int, nodes: Nodes) -> bytes:
    """The head of the tree of the first leaves, 32 bytes.

    Args:
        size: how many, 0 or more; the tree may have more.
        nodes: of the tree.
    """
    if size < 0:
        raise ValueError("a tree has no fewer leaves than none")
    return _head(0, size, nodes) if size else EMPTY


def inclusion_proof(index: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """What proves that a leaf is in the tree of the first leaves: RFC 9162, section 2.1.3.1.

    Args:
        index: of the leaf, from 0.
        size: leaves of the tree that the proof is for.
        nodes: of this tree, or of a larger one.

    Returns:
        Nodes, the lowest first.

    Raises:
        ValueError: there is no such leaf in such a tree.
    """
    if not 0 <= index < size:
        raise ValueError("a proof of inclusion is for a leaf of the tree")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        split = first + _half(end - first)
        if index < split:
            path.append(_head(split, end, nodes))
            end = split
        else:
            path.append(_head(first, split, nodes))
            first = split
    return tuple(reversed(path))


def consistency_proof(old: int, size: int, nodes: Nodes) -> tuple[bytes, ...]:
    """What proves that a tree only grew from the first ``old`` leaves: RFC 9162, section 2.1.4.1.

    Args:
        old: leaves of the smaller tree, at least 1.
        size: leaves of the larger one.
        nodes: of this tree, or of a larger one.

    Returns:
        Nodes, the lowest first; none if the trees are the same.

    Raises:
        ValueError: the smaller tree has no leaf, or more than the larger.
    """
    if not 0 < old <= size:
        raise ValueError("a proof of consistency is from a tree with leaves to one that is as large or larger")
    path: list[bytes] = []
    first, end, known = 0, size, True  # known: who asks has the head of the leaves from first to old
    while old < end:
        split = first + _half(end - first)
        if old <= split:
            path.append(_head(split, end, nodes))
            end = split
        else:
            path.append(_head(first, split, nodes))
            first, known = split, False
    if not known:
        path.append(_head(first, end, nodes))
    return tuple(reversed(path))


def _half(count: int) -> int:
    """The largest power of two below a count of 2 and more."""
    return 1 << (count - 1).bit_length() - 1


def _head(first: int, end: int, nodes: Nodes) -> bytes:
    """The head of the leaves from ``first``, which begin a subtree, to ``end``: from the right, peak by peak."""
    peaks: list[bytes] = []
    while first < end:
        level = (end - first).bit_length() - 1
        peaks.append(nodes(place_of(level, first >> level)))
        first += 1 << level
    head = peaks.pop()
    while peaks:
        head = node_hash(peaks.pop(), head)
    return head

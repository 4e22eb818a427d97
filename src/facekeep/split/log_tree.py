r"""The Merkle tree over the records of a half's log (RFC 9162), as far as it was asked for.

    commitment = SHA-256("facekeep-half-log-1\n" ‖ identifier of the store (16) ‖ record)

The commitments are the tree's entries. They are made of records as they were before they were sealed, so that the tree
stays the same when the log is sealed under another key. What is kept are the heads of the complete subtrees that the
tree is made of, at most one for each power of two: enough to grow, and for the head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from facekeep.domain.merkle import HASH_BYTES, grown, peaks, root
from facekeep.errors import FormatError

__all__ = ["LogTree", "commitment_of"]

_CONTEXT: Final = b"facekeep-half-log-1\n"


def commitment_of(store_id: bytes, record: bytes) -> bytes:
    """What stands for a record in the tree, 32 bytes."""
    return hashlib.sha256(_CONTEXT + store_id + record).digest()


class LogTree:
    """A tree that only grows."""

    def __init__(self, size: int = 0, kept: Sequence[bytes] = ()) -> None:
        """As it was left.

        Args:
            size: entries.
            kept: see :attr:`kept`.

        Raises:
            FormatError: these are not the subtrees of a tree of this size.
        """
        places = peaks(size) if size >= 0 else []
        if size < 0 or len(places) != len(kept) or any(len(node) != HASH_BYTES for node in kept):
            raise FormatError("the tree of a log does not parse")
        self.size = size
        self._nodes = dict(zip(places, kept, strict=True))

    @property
    def kept(self) -> tuple[bytes, ...]:
        """The heads of the complete subtrees that it is made of, the largest first."""
        return tuple(self._nodes.values())

    @property
    def root(self) -> bytes:
        """Its head, 32 bytes."""
        return root(self.size, self._nodes.__getitem__)

    def grow(self, commitments: Iterable[bytes]) -> None:
        """Add entries."""
        entries = list(commitments)
        self._nodes |= dict(grown(self.size, entries, self._nodes.__getitem__))
        self.size += len(entries)
        self._nodes = {place: self._nodes[place] for place in peaks(self.size)}

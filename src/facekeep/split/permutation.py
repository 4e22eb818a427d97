"""The secret order in which one search's coarse sums go to the selector, alike in both halves.

Only the sums are moved. Which row a position is, is worked out for the positions that the selector picks: an order of a
million rows would take four times the memory of their sums, and most of it would never be looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facekeep.split.kernels import BUCKETS, DEALT, deal, permute, trace
from facekeep.split.prf import stream


class Permutation:
    """A uniform permutation of n places, drawn from the stream of a key (docs/spec, section 11).

    It keeps the key and 1 KiB for 16,384 rows; the 5·n bytes of the stream are drawn again when they are needed.
    """

    __slots__ = ("_count", "_key", "_marks")

    def __init__(self, key: bytes, count: int) -> None:
        """Of ``count`` places, from a key of 32 bytes."""
        self._key, self._count = key, count
        self._marks: NDArray[np.uint32] | None = None

    def apply(self, values: NDArray[np.uint8], seats: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The values of the rows, permuted.

        Args:
            values: of every seat.
            seats: of the rows, in order of the row set, shape (n,).

        Returns:
            Shape (n,), writable.
        """
        buckets, draws, marks = self._drawn()
        out = np.empty(self._count, np.uint8)
        permute(values, seats.view(np.uint32), buckets, draws, marks, out)
        return out

    def places(self, positions: NDArray[np.int32]) -> NDArray[np.int32]:
        """Which place of the row set came to each position.

        Args:
            positions: each from 0 to n − 1, in any order.
        """
        buckets, draws, marks = self._drawn()
        out = np.empty(len(positions), np.int32)
        trace(buckets, draws, marks, positions, out)
        return out

    def _drawn(self) -> tuple[NDArray[np.uint8], NDArray[np.uint32], NDArray[np.uint32]]:
        drawn = stream(self._key, 5 * self._count)
        buckets = drawn[4 * self._count :]
        if self._marks is None:
            self._marks = np.empty((-(-self._count // DEALT) + 1, BUCKETS), np.uint32)
            deal(buckets, self._marks)
        return buckets, drawn[: 4 * self._count].view("<u4"), self._marks

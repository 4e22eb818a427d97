"""The coarse shares of one half in memory: column-major blocks of 1,024 rows, D bytes a row.

A ternary probe touches 120 of 512 columns; stored by columns, the others are never read. A row has a seat in the blocks
for as long as they are open: seats follow the order of pseudonyms, in which a search permutes its sums, so that these
are read one after the other and not here and there in a megabyte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facekeep.split.codes import CoarseCode
from facekeep.split.scan import BLOCK_ROWS, Columns

_NONE = -1


class CoarseBlocks:
    """Coarse shares by slot. Not safe for threads: the half holds its lock."""

    def __init__(self, dimension: int, capacity: int = 0) -> None:
        """Room for ``capacity`` rows; memory that no row has touched is not used by the operating system."""
        self._dimension = dimension
        self._blocks = np.empty((max(1, -(-capacity // BLOCK_ROWS)), dimension, BLOCK_ROWS), np.int8)
        self._used = 0
        self._seats = np.full(max(64, capacity), _NONE, np.int32)
        self._seated = 0

    @property
    def rows(self) -> int:
        """Number of seats that a scan covers, a multiple of 1,024."""
        return self._used * BLOCK_ROWS

    def seats(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        """Where the sums of rows stand in what ``scan`` gives; until ``arrange``."""
        return self._seats[slots]

    def arrange(self, slots: NDArray[np.int32]) -> None:
        """Give the rows other seats: the first slot the first one, and so on.

        Args:
            slots: all that hold a row; none may have been cleared.
        """
        before = self._seats[slots]
        for column in range(self._dimension):
            held = self._blocks[: self._used, column].reshape(-1)
            moved = np.zeros(self.rows, np.int8)
            moved[: len(before)] = held[before]
            self._blocks[: self._used, column] = moved.reshape(-1, BLOCK_ROWS)
        self._seats[slots] = np.arange(len(slots), dtype=np.int32)

    def fill(self, shares: Iterable[tuple[int, bytes]]) -> None:
        """Take in many rows, each a slot and D bytes; new slots are fastest, for a block is then turned at once."""
        current = -1
        buffer = np.zeros((BLOCK_ROWS, self._dimension), np.uint8)
        for slot, share in shares:
            block, offset = divmod(self._seat(slot), BLOCK_ROWS)
            if block != current:
                self._store(current, buffer)
                self._reserve(block)
                buffer[:] = self._blocks[block].T.view(np.uint8)
                current = block
            buffer[offset] = np.frombuffer(share, np.uint8)
        self._store(current, buffer)

    def put(self, slot: int, share: bytes) -> None:
        """Take in one row of D bytes, in place of what the slot held."""
        block, offset = divmod(self._seat(slot), BLOCK_ROWS)
        self._reserve(block)
        self._blocks[block, :, offset] = np.frombuffer(share, np.int8)

    def clear(self, slot: int) -> None:
        """Overwrite a row with zeros. The slot keeps its seat for the row that it holds next."""
        block, offset = divmod(self._seat(slot), BLOCK_ROWS)
        self._blocks[block, :, offset] = 0

    def _seat(self, slot: int) -> int:
        if slot >= len(self._seats):
            more = max(slot + 1, len(self._seats) * 5 // 4) - len(self._seats)
            self._seats = np.concatenate([self._seats, np.full(more, _NONE, np.int32)])
        seat = int(self._seats[slot])
        if seat == _NONE:
            seat = self._seats[slot] = self._seated
            self._seated += 1
        return seat

    def _store(self, block: int, buffer: NDArray[np.uint8]) -> None:
        if block >= 0:
            self._blocks[block] = buffer.T.view(np.int8)

    def _reserve(self, block: int) -> None:
        if block >= len(self._blocks):
            grown = np.empty((max(block + 1, len(self._blocks) * 5 // 4), *self._blocks.shape[1:]), np.int8)
            grown[: self._used] = self._blocks[: self._used]
            self._blocks = grown
        if block >= self._used:
            self._blocks[self._used : block + 1] = 0
            self._used = block + 1

    def scan(self, probes: Sequence[CoarseCode], threads: ThreadPoolExecutor | None, parts: int) -> NDArray[np.uint8]:
        """This half's share of the coarse score of every seat.

        Args:
            probes: ternary codes, each of shape (D,).
            threads: where to run further parts; None runs all in the caller's thread.
            parts: into how many parts to cut the blocks.

        Returns:
            Shape (probes, rows), in Z_2⁸; a seat without a row gives a meaningless value.
        """
        columns = Columns(np.stack(probes))
        blocks = self._blocks[: self._used]
        sums = np.empty((len(probes), self.rows), np.int8)
        cuts = np.linspace(0, self._used, (parts if threads else 1) + 1).astype(int).tolist()
        jobs = [(blocks, sums, first, last) for first, last in pairwise(cuts)]
        waiting = [threads.submit(columns.scan, *job) for job in jobs[1:]] if threads else []
        columns.scan(*jobs[0])
        for job in waiting:
            job.result()
        return sums.view(np.uint8)

"""The coarse shares of one half in memory: column-major blocks of 4,096 rows, D bytes a row.

A ternary probe touches 120 of 512 columns; stored by columns, the others are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facekeep.split.codes import CoarseCode
from facekeep.split.kernels import BLOCK_ROWS, scan


class CoarseBlocks:
    """Coarse shares by slot. Not safe for threads: the half holds its lock."""

    def __init__(self, dimension: int, capacity: int = 0) -> None:
        """Room for ``capacity`` rows; memory that no row has touched is not used by the operating system."""
        self._dimension = dimension
        self._blocks = np.empty((max(1, -(-capacity // BLOCK_ROWS)), dimension, BLOCK_ROWS), np.int8)
        self._used = 0

    @property
    def rows(self) -> int:
        """Number of slots that a scan covers, a multiple of 4,096."""
        return self._used * BLOCK_ROWS

    def fill(self, shares: Iterable[tuple[int, bytes]]) -> None:
        """Take in many rows, each a slot and D bytes; rising slots are fastest, for a block is then turned at once."""
        current = -1
        buffer = np.zeros((BLOCK_ROWS, self._dimension), np.uint8)
        for slot, share in shares:
            block, offset = divmod(slot, BLOCK_ROWS)
            if block != current:
                self._store(current, buffer)
                self._reserve(block)
                buffer[:] = self._blocks[block].T.view(np.uint8)
                current = block
            buffer[offset] = np.frombuffer(share, np.uint8)
        self._store(current, buffer)

    def put(self, slot: int, share: bytes) -> None:
        """Take in one row of D bytes, in place of what the slot held."""
        block, offset = divmod(slot, BLOCK_ROWS)
        self._reserve(block)
        self._blocks[block, :, offset] = np.frombuffer(share, np.int8)

    def clear(self, slot: int) -> None:
        """Overwrite a row with zeros."""
        block, offset = divmod(slot, BLOCK_ROWS)
        self._blocks[block, :, offset] = 0

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
        """This half's share of the coarse score of every slot.

        Args:
            probes: ternary codes, each of shape (D,).
            threads: where to run further parts; None runs all in the caller's thread.
            parts: into how many parts to cut the blocks.

        Returns:
            Shape (probes, rows), in Z_2⁸; a slot without a row gives a meaningless value.
        """
        plus = [np.flatnonzero(probe > 0).astype(np.int32) for probe in probes]
        minus = [np.flatnonzero(probe < 0).astype(np.int32) for probe in probes]
        sums = np.empty((len(probes), self.rows), np.int8)
        columns = (np.concatenate(plus), np.concatenate(minus))
        ends = (np.cumsum([len(p) for p in plus]), np.cumsum([len(m) for m in minus]))
        cuts = np.linspace(0, self._used, (parts if threads else 1) + 1).astype(int)
        jobs = [(self._blocks, *columns, *ends, sums, int(a), int(b)) for a, b in pairwise(cuts)]
        waiting = [threads.submit(scan, *job) for job in jobs[1:]] if threads else []
        scan(*jobs[0])
        for job in waiting:
            job.result()
        return sums.view(np.uint8)

"""How the roles reach each other: the protocols that become the network later.

The gate knows two halves and never the selector; a half knows the selector and its twin; the selector knows nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.errors import RefusedError
from facekeep.split.messages import (
    Claim,
    HalfStatus,
    LeftPart,
    LeftTables,
    LogHead,
    Released,
    RightPart,
    RightPicks,
    SearchRequest,
)
from facekeep.split.operators import OperatorKey
from facekeep.split.ratchet import Hello
from facekeep.split.word import SignedWord

BEST = 100
"""How many positions the selector picks: part of what a half expects of it."""


class SelectorPort(Protocol):
    """The selector as a half sees it (split.selector)."""

    def offer(self, search: bytes, side: bytes, tag: bytes, shares: NDArray[np.uint8], support: int) -> None:
        """Give this half's permuted shares."""
        ...

    def positions(self, search: bytes, side: bytes) -> NDArray[np.int32]:
        """Fetch the best positions."""
        ...


class DeltaSource(Protocol):
    """The left half as the right one sees it."""

    def deltas(self, transaction: TransactionId) -> Iterator[bytes]:
        """Sealed chunks of what the right half must subtract."""
        ...


LOG_TOGETHER = 8192
"""Commitments of a half's log that are asked for at once, at most."""


class HalfPort(Protocol):
    """What the coordinator and the gate ask of either half. Both halves have all of it; parts of rows differ."""

    def hello(self) -> Hello:
        """Begin a session with the twin."""
        ...

    def pair(self, other: Hello) -> None:
        """Finish a session with the twin."""
        ...

    def status(self) -> HalfStatus:
        """How the half is; takes time in proportion to its rows."""
        ...

    @property
    def epoch(self) -> int:
        """The present epoch."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def head_of(self, pseudonym: Pseudonym) -> RowHead | None:
        """What the half knows of a row, or None."""
        ...

    def alarms(self) -> tuple[Pseudonym, ...]:
        """Rows with too many rejected comparisons."""
        ...

    def log_head(self) -> LogHead:
        """Number of records in the log, all on disk, and the head of their tree."""
        ...

    def log_commitments(self, first: int, count: int) -> list[bytes]:
        """What stands for records in the tree of the log; fewer where it ends, at most ``LOG_TOGETHER`` at once."""
        ...

    def levels(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The thresholds and false match rates in this half's rules."""
        ...

    def operators(self) -> tuple[OperatorKey, ...]:
        """The keys that may sign for operators."""
        ...

    def begin(self, requests: Sequence[SearchRequest]) -> list[RefusedError | None]:
        """Check, log, count and start searches; one answer each, None where it was admitted."""
        ...

    def release(self, search: bytes, claims: Sequence[Claim]) -> list[Released]:
        """Give pseudonym and band for valid tokens, and end the search."""
        ...

    def stage_erase(self, transaction: TransactionId, pseudonyms: Sequence[Pseudonym]) -> None:
        """Prepare to remove rows."""
        ...

    def stage_marks(self, transaction: TransactionId, marks: Sequence[tuple[Pseudonym, int, RowFlag]]) -> None:
        """Prepare to give rows other purpose bits and flags."""
        ...

    def stage_switch(self, transaction: TransactionId, purpose: Purpose, on: bool) -> None:
        """Prepare to switch a purpose."""
        ...

    def stage_operators(self, transaction: TransactionId, change: SignedWord) -> None:
        """Prepare to give or take an operator's key, on the registrar's word."""
        ...

    def stage_refresh(self, transaction: TransactionId) -> None:
        """Prepare new shares of every row under a new epoch key. The left half first."""
        ...

    def commit(self, transaction: TransactionId) -> None:
        """Apply what was prepared."""
        ...

    def abort(self, transaction: TransactionId) -> None:
        """Forget what was prepared."""
        ...

    def staged(self) -> list[TransactionId]:
        """What is prepared and not ended."""
        ...

    def forgive(self, word: SignedWord) -> None:
        """Drop the counts of rows that two people reviewed, on the registrar's word."""
        ...

    def close(self) -> None:
        """End."""
        ...


class LeftPort(HalfPort, DeltaSource, Protocol):
    """The left half."""

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[LeftPart]) -> None:
        """Prepare new rows, each under another seed than the gate's."""
        ...

    def fine(self, search: bytes) -> LeftTables:
        """The one-time tables of bands."""
        ...

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> LeftTables:
        """The one-time tables of tokens."""
        ...


class RightPort(HalfPort, Protocol):
    """The right half."""

    def stage_enrol(self, transaction: TransactionId, rows: Iterable[RightPart]) -> None:
        """Prepare new rows; the left half must have prepared the same transaction."""
        ...

    def fine(self, search: bytes) -> RightPicks:
        """Indices and pads into the tables of bands."""
        ...

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> RightPicks:
        """Indices and pads into the tables of tokens."""
        ...

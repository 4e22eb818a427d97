"""What the roles say to each other. In process these are handed over as they are; docs/spec gives their encoding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym, RowHead
from facekeep.split.ticket import SignedTicket

LEFT = b"left"
RIGHT = b"right"


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What the gate sends to both halves alike.

    Attributes:
        nonce: names the search in later messages; it follows from the ticket's statement, 16 bytes.
        ticket: see there.
        probe: fine code, D little-endian int16.
        turn: the turn of the halves' ratchet that this search takes.
    """

    nonce: bytes
    ticket: SignedTicket
    probe: bytes = field(repr=False)
    turn: int


@dataclass(frozen=True, slots=True)
class LeftTables:
    """The left half's part of a one-time table.

    Attributes:
        tag: agreement tag, 16 bytes.
        tables: fine stage: shape (n, 65536), uint8; token stage: shape (k, 65536, 2), uint64.
    """

    tag: bytes
    tables: NDArray[np.uint8] | NDArray[np.uint64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RightPicks:
    """The right half's part of a one-time table.

    Attributes:
        tag: agreement tag, 16 bytes.
        indices: the entry to open in each table, shape (n,), uint16.
        pads: the pad of that entry; fine stage: shape (n,), uint8; token stage: shape (k, 16), uint8.
    """

    tag: bytes
    indices: NDArray[np.uint16] = field(repr=False)
    pads: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claim:
    """A token that the gate opened, presented for release.

    Attributes:
        index: which of the chosen positions, 0 to k − 1.
        token: 16 bytes.
    """

    index: int
    token: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Released:
    """What a half gives for a valid token.

    Attributes:
        index: which of the chosen positions.
        pseudonym: the row.
        band: 1 for the laxest level of the model, rising.
    """

    index: int
    pseudonym: Pseudonym
    band: int


@dataclass(frozen=True, slots=True)
class LeftPart:
    """What the gate gives the left half of a new row; the half draws another seed at once."""

    head: RowHead
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RightPart:
    """What the gate gives the right half of a new row."""

    head: RowHead
    coarse: bytes = field(repr=False)
    fine: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogHead:
    """The log of a half at some time.

    Attributes:
        size: records.
        root: head of their tree (split.log_tree), 32 bytes.
    """

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class HalfStatus:
    """How a half is; nothing in it is about a face.

    Attributes:
        store_id: 16 bytes.
        epoch: see split.ports.HalfStore.
        generation: likewise.
        rows: number of rows.
        root: 32 bytes over all rows and marks, equal in twins.
        alarms: rows with too many rejected comparisons.
        searches: records in the log.
    """

    store_id: bytes
    epoch: int
    generation: int
    rows: int
    root: bytes
    alarms: tuple[Pseudonym, ...]
    searches: int

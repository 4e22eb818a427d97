"""What is said in a search: requests, one-time tables, picks, claims, coarse sums, positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekeep.split.approval import APPROVAL_BYTES_MAX
from facekeep.split.bands import BANDS, RING
from facekeep.split.messages import Claim, LeftTables, Released, RightPicks, SearchRequest
from facekeep.split.onetime import TOKEN_BYTES
from facekeep.split.roles import BEST
from facekeep.split.searching import COARSE_ABOVE, OPEN_MAX
from facekeep.split.statement import CANDIDATES_MAX, OPENING_BYTES, PAYLOAD_BYTES_MAX
from facekeep.split.ticket import SignedTicket
from facekeep.split.wire.arrays import ArrayOf
from facekeep.split.wire.failures import OUTCOME
from facekeep.split.wire.primitives import (
    U8,
    U64,
    Codec,
    Reader,
    Writer,
    blob,
    fixed,
    listed,
    number,
    record,
    unwritable,
)
from facekeep.split.wire.values import NONCE, PSEUDONYM, SIDE, TAG, places

PROBE_BYTES_MAX = 2048
SUMS_MAX = 10_000_000
"""Rows of the largest row set whose coarse sums are sent."""

TABLES_MAX = COARSE_ABOVE
"""Places that a search without coarse stage compares at most; one with it compares 100."""

_TICKET = record(
    SignedTicket,
    ("statement", blob(PAYLOAD_BYTES_MAX)),
    ("approval", blob(APPROVAL_BYTES_MAX)),
    ("level", U8),
    ("opening", blob(OPENING_BYTES)),
    ("signature", fixed(64)),
)
_REQUEST = record(SearchRequest, ("nonce", NONCE), ("turn", U64), ("ticket", _TICKET), ("probe", blob(PROBE_BYTES_MAX)))
REQUESTS = listed(_REQUEST, OPEN_MAX, prefix=1)
OUTCOMES = listed(OUTCOME, OPEN_MAX, prefix=1)


def _tables(prefix: int, most: int, entries: ArrayOf[Any]) -> Codec[LeftTables]:
    count = number(prefix, 0, most)

    def write(writer: Writer, answer: LeftTables) -> None:
        TAG.write(writer, answer.tag)
        count.write(writer, len(answer.tables))
        entries.write(writer, answer.tables)

    def read(reader: Reader) -> LeftTables:
        return LeftTables(TAG.read(reader), entries.read(reader, count.read(reader)))

    return Codec(write, read, TAG.size_max + prefix + most * entries.stride)


def _picks(prefix: int, most: int, pads: ArrayOf[np.uint8]) -> Codec[RightPicks]:
    count, indices = number(prefix, 0, most), ArrayOf(np.uint16)

    def write(writer: Writer, answer: RightPicks) -> None:
        TAG.write(writer, answer.tag)
        count.write(writer, len(answer.indices))
        if len(answer.pads) != len(answer.indices):
            raise unwritable("indices and pads of different number")
        indices.write(writer, answer.indices)
        pads.write(writer, answer.pads)

    def read(reader: Reader) -> RightPicks:
        tag, length = TAG.read(reader), count.read(reader)
        return RightPicks(tag, indices.read(reader, length), pads.read(reader, length))

    return Codec(write, read, TAG.size_max + prefix + most * (indices.stride + pads.stride))


FINE_TABLES = _tables(2, TABLES_MAX, ArrayOf(np.uint8, (RING,)))
FINE_PICKS = _picks(2, TABLES_MAX, ArrayOf(np.uint8))
TOKEN_TABLES = _tables(1, CANDIDATES_MAX, ArrayOf(np.uint64, (RING, TOKEN_BYTES // 8)))
TOKEN_PICKS = _picks(1, CANDIDATES_MAX, ArrayOf(np.uint8, (TOKEN_BYTES,)))
POSITIONS = places(BEST)

CLAIMS = listed(record(Claim, ("index", U8), ("token", fixed(TOKEN_BYTES))), CANDIDATES_MAX, prefix=1)
RELEASED = listed(
    record(Released, ("index", U8), ("pseudonym", PSEUDONYM), ("band", number(1, 1, BANDS - 1))),
    CANDIDATES_MAX,
    prefix=1,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A half's share of the coarse sums of a search. See split.roles.SelectorPort.

    Attributes:
        search: nonce of the search, 16 bytes.
        side: b"left" or b"right".
        tag: agreement tag, 16 bytes.
        support: largest magnitude of a sum.
        shares: shape (n,), uint8.
    """

    search: bytes
    side: bytes
    tag: bytes
    support: int
    shares: NDArray[np.uint8] = field(repr=False)


_SHARES = ArrayOf(np.uint8)
_COUNT = number(4, 0, SUMS_MAX)


def _write_shares(writer: Writer, shares: NDArray[np.uint8]) -> None:
    _COUNT.write(writer, len(shares))
    _SHARES.write(writer, shares)


@dataclass(frozen=True, slots=True)
class Choice:
    """Places of a search for which tokens are asked.

    Attributes:
        search: nonce of the search, 16 bytes.
        chosen: the places, shape (k,), int32.
    """

    search: bytes
    chosen: NDArray[np.int32] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claiming:
    """Tokens presented for release.

    Attributes:
        search: nonce of the search, 16 bytes.
        claims: the tokens.
    """

    search: bytes
    claims: Sequence[Claim]


@dataclass(frozen=True, slots=True)
class Fetch:
    """A half that asks for the positions of a search.

    Attributes:
        search: nonce of the search, 16 bytes.
        side: b"left" or b"right".
    """

    search: bytes
    side: bytes


CHOICE = record(Choice, ("search", NONCE), ("chosen", places(CANDIDATES_MAX)))
CLAIMING = record(Claiming, ("search", NONCE), ("claims", CLAIMS))
FETCH = record(Fetch, ("search", NONCE), ("side", SIDE))
OFFER = record(
    Offer,
    ("search", NONCE),
    ("side", SIDE),
    ("tag", TAG),
    ("support", U8),
    ("shares", Codec(_write_shares, lambda reader: _SHARES.read(reader, _COUNT.read(reader)), 4 + SUMS_MAX)),
)

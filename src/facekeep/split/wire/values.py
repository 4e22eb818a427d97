"""Values that several messages hold: identifiers, heads of rows, sides, states of a half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.consent import Purpose
from facekeep.domain.row import (
    GALLERY_BYTES_MAX,
    PSEUDONYM_BYTES,
    TRANSACTION_BYTES,
    Pseudonym,
    RowFlag,
    RowHead,
    TransactionId,
)
from facekeep.split.messages import LEFT, RIGHT, HalfStatus, LogHead
from facekeep.split.operators import KEYS_MAX, PUBLIC_BYTES_MAX, KeyKind, OperatorKey
from facekeep.split.ratchet import Hello
from facekeep.split.roles import LOG_TOGETHER
from facekeep.split.statement import NAME_BYTES_MAX, NONCE_BYTES
from facekeep.split.wire.arrays import ArrayOf, rates
from facekeep.split.wire.primitives import (
    BOOL,
    U8,
    U32,
    U64,
    Codec,
    Reader,
    Writer,
    blob,
    fixed,
    listed,
    malformed,
    mapped,
    number,
    record,
    text,
    unwritable,
)

TAG_BYTES = 16
PSEUDONYMS_MAX = 1 << 20
TRANSACTIONS_MAX = 4096
LEVELS_MAX = 15
_SIDES = (LEFT, RIGHT)

NONCE = fixed(NONCE_BYTES)
TAG = fixed(TAG_BYTES)
PSEUDONYM = cast("Codec[Pseudonym]", fixed(PSEUDONYM_BYTES))
TRANSACTION = cast("Codec[TransactionId]", fixed(TRANSACTION_BYTES))
PSEUDONYMS = listed(PSEUDONYM, PSEUDONYMS_MAX, prefix=4)
TRANSACTIONS = listed(TRANSACTION, TRANSACTIONS_MAX, prefix=2)


def _write_side(writer: Writer, side: bytes) -> None:
    if side not in _SIDES:
        raise unwritable("another side than left and right")
    U8.write(writer, _SIDES.index(side))


SIDE: Codec[bytes] = Codec(_write_side, lambda reader: _SIDES[number(1, 0, 1).read(reader)], 1)

HELLO = record(Hello, ("side", SIDE), ("ephemeral", fixed(32)), ("signature", fixed(64)))

FLAGS = mapped(number(1, 0, max(RowFlag)), RowFlag, int)

HEAD = record(
    RowHead,
    ("pseudonym", PSEUDONYM),
    ("epoch", U32),
    ("version", U32),
    ("gallery", text(GALLERY_BYTES_MAX, 1, prefix=1)),
    ("purposes", U8),
    ("flags", FLAGS),
)


def _write_found(writer: Writer, head: RowHead | None) -> None:
    BOOL.write(writer, head is not None)
    if head is not None:
        HEAD.write(writer, head)


FOUND: Codec[RowHead | None] = Codec(
    _write_found, lambda reader: HEAD.read(reader) if BOOL.read(reader) else None, 1 + HEAD.size_max
)
"""A row's head, or None."""


def _read_purpose(reader: Reader) -> Purpose:
    bit = U8.read(reader)
    purpose = next((purpose for purpose in Purpose if purpose.bit == bit), None)
    if purpose is None:
        raise malformed("names a purpose that does not exist")
    return purpose


PURPOSE: Codec[Purpose] = Codec(lambda writer, purpose: U8.write(writer, purpose.bit), _read_purpose, 1)

STATUS = record(
    HalfStatus,
    ("store_id", fixed(16)),
    ("epoch", U32),
    ("generation", U64),
    ("rows", U32),
    ("root", fixed(32)),
    ("searches", U64),
    ("alarms", mapped(PSEUDONYMS, tuple, tuple)),
)

LOG_HEAD = record(LogHead, ("size", U64), ("root", fixed(32)))


@dataclass(frozen=True, slots=True)
class Span:
    """Some records of a log.

    Attributes:
        first: the first.
        count: how many.
    """

    first: int
    count: int


SPAN = record(Span, ("first", U64), ("count", number(2, 1, LOG_TOGETHER)))
COMMITMENTS = listed(fixed(32), LOG_TOGETHER, prefix=2)

Levels = tuple[tuple[int, ...], tuple[float, ...]]


def _write_levels(writer: Writer, levels: Levels) -> None:
    thresholds, fmrs = levels
    number(1, 0, LEVELS_MAX).write(writer, len(thresholds))
    for threshold in thresholds:
        U32.write(writer, threshold)
    rates(len(thresholds)).write(writer, fmrs)


def _read_levels(reader: Reader) -> Levels:
    count = number(1, 0, LEVELS_MAX).read(reader)
    return tuple(U32.read(reader) for _ in range(count)), rates(count).read(reader)


LEVELS: Codec[Levels] = Codec(_write_levels, _read_levels, 1 + LEVELS_MAX * 12)
"""Thresholds and false match rates, as many of each."""


_KINDS = (KeyKind.CLIENT, KeyKind.PASSKEY)

KEYS = listed(
    record(
        OperatorKey,
        ("kind", mapped(number(1, 0, 1), _KINDS.__getitem__, _KINDS.index)),
        ("public", mapped(blob(PUBLIC_BYTES_MAX), bytes.hex, bytes.fromhex)),
        ("operator", text(NAME_BYTES_MAX)),
        ("purposes", U8),
        ("not_after", U64),
        ("rp", text(4 * NAME_BYTES_MAX)),
        ("origin", text(4 * NAME_BYTES_MAX)),
    ),
    KEYS_MAX,
    prefix=2,
)
"""The keys of operators."""


def places(most: int) -> Codec[NDArray[np.int32]]:
    """At most that many positions, each from 0 to 2³¹ − 1."""
    count, entries = number(1, 0, most), ArrayOf(np.int32)

    def write(writer: Writer, values: NDArray[np.int32]) -> None:
        if values.ndim != 1 or (values < 0).any():
            raise unwritable("a position below 0")
        count.write(writer, len(values))
        entries.write(writer, values)

    def read(reader: Reader) -> NDArray[np.int32]:
        values = entries.read(reader, count.read(reader))
        if (values < 0).any():
            raise malformed("holds a position below 0")
        return values

    return Codec(write, read, 1 + 4 * most)


@dataclass(frozen=True, slots=True)
class Mark:
    """Purpose bits and flags that a row is to have.

    Attributes:
        pseudonym: the row.
        purposes: purpose bits, a byte.
        flags: marks.
    """

    pseudonym: Pseudonym
    purposes: int
    flags: RowFlag


MARK = record(Mark, ("pseudonym", PSEUDONYM), ("purposes", U8), ("flags", FLAGS))

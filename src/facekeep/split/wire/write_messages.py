"""What is said to change rows: parts of new rows, marks, switches, and chunks of deltas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, TransactionId
from facekeep.split.deltas import CHUNK_ROWS
from facekeep.split.masks import SEED_BYTES
from facekeep.split.messages import LeftPart, RightPart
from facekeep.split.wire.primitives import (
    BOOL,
    Codec,
    Reader,
    Writer,
    blob,
    fixed,
    listed,
    number,
    record,
    rest,
    unwritable,
)
from facekeep.split.wire.search_messages import SUMS_MAX
from facekeep.split.wire.values import HEAD, MARK, PSEUDONYMS, PSEUDONYMS_MAX, PURPOSE, TRANSACTION, Mark
from facekeep.split.word import WORD_BYTES_MAX, SignedWord

DIMENSION_MAX = 1024
ENROL_ROWS_MAX = 1 << 16
"""Rows of one ``stage_enrol``: a half holds them all before it stages any."""

ROWS_PER_FRAME = 256
CHUNKS_MAX = -(-SUMS_MAX // CHUNK_ROWS)
_SEAL = 12 + 16
_CHUNK_ROW = 24 + 3 * DIMENSION_MAX

LEFT_PART = record(LeftPart, ("head", HEAD), ("seed", fixed(SEED_BYTES)))

_DIMENSION = number(2, 1, DIMENSION_MAX)


def _write_right(writer: Writer, part: RightPart) -> None:
    HEAD.write(writer, part.head)
    _DIMENSION.write(writer, len(part.coarse))
    if len(part.fine) != 2 * len(part.coarse):
        raise unwritable("a row with codes of different dimensions")
    writer.put(part.coarse)
    writer.put(part.fine)


def _read_right(reader: Reader) -> RightPart:
    head, dimension = HEAD.read(reader), _DIMENSION.read(reader)
    return RightPart(head, bytes(reader.take(dimension)), bytes(reader.take(2 * dimension)))


RIGHT_PART = Codec(_write_right, _read_right, HEAD.size_max + 2 + 3 * DIMENSION_MAX)
LEFT_PARTS = listed(LEFT_PART, ROWS_PER_FRAME, prefix=2, least=1)
RIGHT_PARTS = listed(RIGHT_PART, ROWS_PER_FRAME, prefix=2, least=1)


CHUNK = rest(_SEAL + 1, _SEAL + CHUNK_ROWS * _CHUNK_ROW)
"""A sealed chunk of deltas, which fills its frame."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows that a transaction is about.

    Attributes:
        transaction: 16 bytes.
        pseudonyms: the rows.
    """

    transaction: TransactionId
    pseudonyms: Sequence[Pseudonym]


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks that a transaction gives.

    Attributes:
        transaction: 16 bytes.
        marks: one for each row.
    """

    transaction: TransactionId
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Switch:
    """A purpose that a transaction switches.

    Attributes:
        transaction: 16 bytes.
        purpose: which.
        on: whether it is on afterwards.
    """

    transaction: TransactionId
    purpose: Purpose
    on: bool


@dataclass(frozen=True, slots=True)
class Operators:
    """A change of the operators' keys.

    Attributes:
        transaction: 16 bytes.
        change: with the registrar's signature.
    """

    transaction: TransactionId
    change: SignedWord


ROWS = record(Rows, ("transaction", TRANSACTION), ("pseudonyms", PSEUDONYMS))
MARKS = record(Marks, ("transaction", TRANSACTION), ("marks", listed(MARK, PSEUDONYMS_MAX, prefix=4)))
SWITCH = record(Switch, ("transaction", TRANSACTION), ("purpose", PURPOSE), ("on", BOOL))
WORD = record(SignedWord, ("payload", blob(WORD_BYTES_MAX)), ("signature", fixed(64)))
OPERATORS = record(Operators, ("transaction", TRANSACTION), ("change", WORD))

"""Staged transactions inside the SQLite file of one half, and the cells that rows are kept in.

A function here works within the SQLite transaction of its caller and takes no lock. Cells are the sealed heads and deep
parts, in two tables under one ``id``. They are never deleted one by one: a dead cell is overwritten in place by as many
zeros and its id goes to ``spare``, to be used by the next row. Deleting them would let SQLite move neighbours between
pages, and leave copies of moved cells in the gaps, where ``secure_delete`` does not look.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from facekeep.domain.row import Change, PutRow, PutState, RemoveRow, TransactionId
from facekeep.errors import UsageError
from facekeep.store.half_rows import RowCodec, StagedDigest, damaged

__all__ = [
    "CHUNK",
    "PUT",
    "REMOVE",
    "STATE",
    "STATE_BYTES_MAX",
    "SealedChange",
    "StagedChange",
    "StagedTransaction",
    "check_state",
    "drop",
    "finish",
    "free_cells",
    "incomplete",
    "new_number",
    "read",
    "seal_change",
    "transactions",
    "write",
]

CHUNK: Final = 4096
"""Rows read, or written in one SQLite transaction, at a time: it bounds memory and the write-ahead log."""

STATE_BYTES_MAX: Final = 16 * 2**20
"""The longest named value, in bytes."""

PUT: Final = 1
"""Kind of a staged change: write a row."""
REMOVE: Final = 2
"""Kind of a staged change: remove a row."""
STATE: Final = 3
"""Kind of a staged change: write a named value."""

_READ: Final = (
    "SELECT s.seq, s.kind, s.tag, s.id, CASE s.kind WHEN 1 THEN h.head ELSE s.body END, p.slot, p.id"
    " FROM staged s NOT INDEXED LEFT JOIN heads h ON h.id = s.id LEFT JOIN places p ON p.tag = s.tag"
    " WHERE s.number = ? AND s.seq > ? ORDER BY s.seq LIMIT ?"
)


class SealedChange(NamedTuple):
    """A change ready to be staged. A tuple, since a gallery makes millions of them.

    Attributes:
        kind: PUT, REMOVE or STATE.
        tag: 16 bytes.
        sealed: the sealed head, mark or value.
        deep: the sealed deep part of a row that has one.
    """

    kind: int
    tag: bytes
    sealed: bytes
    deep: bytes | None


class StagedChange(NamedTuple):
    """A change as it was staged, beside the row that it concerns.

    Attributes:
        kind: PUT, REMOVE or STATE.
        tag: 16 bytes.
        cell: the id of the cells of a PUT, else None.
        sealed: as in SealedChange.
        slot: the slot of the row that is there now, if any.
        old_cell: the id of its cells, if any.
    """

    kind: int
    tag: bytes
    cell: int | None
    sealed: bytes
    slot: int | None
    old_cell: int | None


@dataclass(frozen=True, slots=True)
class StagedTransaction:
    """What the sealed record of a staged transaction says.

    Attributes:
        number: its number in this file.
        transaction: the id that the coordinator gave it.
        new_epoch: whether its commit begins an epoch.
        count: how many changes it has.
        digest: SHA-256 over them.
    """

    number: int
    transaction: TransactionId
    new_epoch: bool
    count: int
    digest: bytes


def check_state(name: str, value: bytes) -> None:
    """Refuse a named value that is too long.

    Raises:
        UsageError: the name is not of 1 to 255 bytes, or the value is over 16 MiB.
    """
    if not 1 <= len(name.encode()) <= 255 or len(value) > STATE_BYTES_MAX:
        raise UsageError("a named value has a name of 1 to 255 bytes and at most 16 MiB")


def seal_change(codec: RowCodec, change: Change) -> SealedChange:
    """Seal one change.

    Raises:
        UsageError: it is a named value that is too long.
    """
    match change:
        case PutRow():
            tag = codec.tag(change.head.pseudonym)
            return SealedChange(PUT, tag, *codec.seal_row(change, tag))
        case RemoveRow():
            tag = codec.tag(change.pseudonym)
            return SealedChange(REMOVE, tag, codec.seal_removal(tag), None)
        case PutState():
            check_state(change.name, change.value)
            tag = codec.state_tag(change.name)
            return SealedChange(STATE, tag, codec.seal_state(change.name, change.value, tag), None)


def new_number(database: sqlite3.Connection) -> int:
    """Begin a transaction that is not complete yet, and give its number."""
    (number,) = database.execute("SELECT coalesce(max(number), 0) + 1 FROM transactions").fetchone()
    database.execute("INSERT INTO transactions VALUES (?, NULL)", (number,))
    return int(number)


def write(database: sqlite3.Connection, number: int, changes: Sequence[SealedChange], digest: StagedDigest) -> None:
    """Stage changes after those that the transaction already has, and add them to its digest.

    Raises:
        UsageError: two changes concern the same row or value.
    """
    cells = iter(_take_cells(database, sum(change.kind == PUT for change in changes)))
    heads, deeps = [], []
    staged: list[tuple[int, int, bytes, int | None, bytes | None]] = []
    for change in changes:
        digest.add(change.kind, change.tag, change.sealed)
        if change.kind != PUT:
            staged.append((number, change.kind, change.tag, None, change.sealed))
            continue
        cell = next(cells)
        heads.append((cell, change.sealed))
        if change.deep is not None:
            deeps.append((cell, change.deep))
        staged.append((number, PUT, change.tag, cell, None))
    database.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?)", heads)
    database.executemany("INSERT OR REPLACE INTO deeps VALUES (?, ?)", deeps)
    try:
        database.executemany("INSERT INTO staged VALUES (NULL, ?, ?, ?, ?, ?)", staged)
    except sqlite3.IntegrityError:
        raise UsageError("a transaction has at most one change of each row and value") from None


def finish(
    database: sqlite3.Connection,
    codec: RowCodec,
    number: int,
    transaction: TransactionId,
    digest: StagedDigest,
    *,
    new_epoch: bool,
) -> None:
    """Complete a staged transaction: from here on it survives a crash."""
    sealed = codec.seal_transaction(number, transaction, digest, new_epoch=new_epoch)
    database.execute("UPDATE transactions SET sealed = ? WHERE number = ?", (sealed, number))


def transactions(database: sqlite3.Connection, codec: RowCodec) -> list[StagedTransaction]:
    """The complete transactions, in the order of staging.

    Raises:
        DamagedStoreError: the record of one does not open.
    """
    query = "SELECT number, sealed FROM transactions WHERE sealed IS NOT NULL ORDER BY number"
    records = database.execute(query).fetchall()
    return [StagedTransaction(number, *codec.open_transaction(number, sealed)) for number, sealed in records]


def incomplete(database: sqlite3.Connection) -> list[int]:
    """The numbers of transactions whose staging was cut short."""
    return [number for (number,) in database.execute("SELECT number FROM transactions WHERE sealed IS NULL").fetchall()]


def read(database: sqlite3.Connection, staged: StagedTransaction, side: str) -> Iterator[list[StagedChange]]:
    """The changes of a transaction in their order, in chunks. Only the end tells whether they were the ones staged.

    Raises:
        DamagedStoreError: changes were altered, are missing or were added.
    """
    digest, last = StagedDigest(), -1
    while chunk := database.execute(_READ, (staged.number, last, CHUNK)).fetchall():
        changes = [StagedChange._make(row[1:]) for row in chunk]
        for change in changes:
            digest.add(change.kind, change.tag, change.sealed)
        yield changes
        last = chunk[-1][0]
    if digest.count != staged.count or digest.digest() != staged.digest:
        raise damaged(side, "holds a transaction that was altered")


def drop(database: sqlite3.Connection, number: int, *, blank: bool) -> None:
    """Forget a transaction. ``blank`` destroys the rows it would have written; a commit has put them in use instead."""
    if blank:
        cells = "SELECT id FROM staged WHERE number = ? AND id IS NOT NULL"
        _blank(database, f"id IN ({cells})", (number,))
        database.execute(f"INSERT INTO spare {cells}", (number,))
    database.execute("DELETE FROM staged WHERE number = ?", (number,))
    database.execute("DELETE FROM transactions WHERE number = ?", (number,))


def free_cells(database: sqlite3.Connection, cells: Iterable[int] | None) -> None:
    """Destroy the contents of cells and keep their places for other rows; None means those of every committed row."""
    if cells is None:
        _blank(database, "id IN (SELECT id FROM places)", ())
        database.execute("INSERT INTO spare SELECT id FROM places")
        return
    parameters = [(cell,) for cell in cells]
    database.executemany("UPDATE heads SET head = zeroblob(length(head)) WHERE id = ?", parameters)
    database.executemany("UPDATE deeps SET deep = zeroblob(length(deep)) WHERE id = ?", parameters)
    database.executemany("INSERT INTO spare VALUES (?)", parameters)


def _blank(database: sqlite3.Connection, where: str, parameters: tuple[int, ...]) -> None:
    # Only constants of this module come here.
    database.execute(f"UPDATE heads SET head = zeroblob(length(head)) WHERE {where}", parameters)  # noqa: S608
    database.execute(f"UPDATE deeps SET deep = zeroblob(length(deep)) WHERE {where}", parameters)  # noqa: S608


def _take_cells(database: sqlite3.Connection, wanted: int) -> list[int]:
    cells = [cell for (cell,) in database.execute("SELECT id FROM spare ORDER BY id LIMIT ?", (wanted,)).fetchall()]
    database.executemany("DELETE FROM spare WHERE id = ?", ((cell,) for cell in cells))
    if len(cells) < wanted:
        (first,) = database.execute("SELECT coalesce(max(id), -1) + 1 FROM heads").fetchone()
        cells.extend(range(first, first + wanted - len(cells)))
    return cells

"""What a commit does to the tables of one half. Each function works within the SQLite transaction of its caller."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from typing import Final

from facekeep.domain.row import Applied
from facekeep.store import half_staging as staging
from facekeep.store.half_rows import BOUND_BYTES, RowCodec, damaged
from facekeep.store.half_staging import CHUNK, PUT, STATE, StagedTransaction

__all__ = ["apply_changes", "apply_epoch", "check_cells", "read_states", "reseal", "save_state"]

_CELLS: Final = (
    "SELECT p.slot, p.tag, p.id, h.head, d.deep FROM places p CROSS JOIN heads h ON h.id = p.id"
    " LEFT JOIN deeps d ON d.id = p.id WHERE p.slot > ? ORDER BY p.slot LIMIT ?"
)


def apply_changes(
    database: sqlite3.Connection, codec: RowCodec, staged: StagedTransaction, side: str
) -> tuple[list[Applied], int, dict[bytes, bytes], bool]:
    """Apply a transaction within its epoch.

    Returns:
        What changed, by how many rows the store grew, which named values were written (as in Counts), and whether any
        sealed row was destroyed.

    Raises:
        DamagedStoreError: a change does not open, or changes were altered.
    """
    applied: list[Applied] = []
    freed: list[tuple[int]] = []
    states: dict[bytes, bytes] = {}
    grown, destroyed = 0, False
    slots = _free_slots(database)
    for changes in staging.read(database, staged, side):
        new, moved, dead = [], [], []
        for change in changes:
            if change.kind == STATE:
                codec.open_state(change.tag, change.sealed)
                save_state(database, change.tag, change.sealed)
                states[change.tag] = change.sealed[-BOUND_BYTES:]
                continue
            if change.old_cell is not None:
                dead.append(change.old_cell)
            slot = change.slot
            if change.kind != PUT:
                if slot is not None:
                    freed.append((slot,))
                    applied.append(Applied(slot, None))
                continue
            if slot is None:
                slot = next(slots)
                new.append((slot, change.tag, change.cell))
            else:
                moved.append((change.cell, slot))
            applied.append(Applied(slot, codec.open_row(slot, change.tag, change.sealed)))
        database.executemany("INSERT INTO places VALUES (?, ?, ?)", new)
        database.executemany("UPDATE places SET id = ? WHERE slot = ?", moved)
        staging.free_cells(database, dead)
        grown += len(new)
        destroyed = destroyed or bool(dead)
    database.executemany("DELETE FROM places WHERE slot = ?", freed)
    database.executemany("INSERT INTO free VALUES (?)", freed)
    return applied, grown - len(freed), states, destroyed


def apply_epoch(
    database: sqlite3.Connection, old: RowCodec, new: RowCodec, staged: StagedTransaction, side: str
) -> tuple[int, dict[bytes, bytes]]:
    """Apply a transaction that begins an epoch: its rows take the place of all others, in slots from 0 on.

    The caller has made sure, by :func:`read_states`, that the named values are those that were written.

    Returns:
        How many rows there are now, and which named values (as in Counts).

    Raises:
        DamagedStoreError: a change does not open, or changes were altered.
    """
    states = _moved_states(database, old, new)
    for changes in staging.read(database, staged, side):
        for change in changes:
            if change.kind == STATE:
                new.open_state(change.tag, change.sealed)
                states[change.tag] = change.sealed
    staging.free_cells(database, None)
    database.execute("DELETE FROM places")
    database.execute("DELETE FROM free")
    database.execute(
        "INSERT INTO places SELECT row_number() OVER (ORDER BY seq) - 1, tag, id FROM staged"
        " WHERE number = ? AND kind = 1 ORDER BY seq",
        (staged.number,),
    )
    (count,) = database.execute("SELECT count(*) FROM places").fetchone()
    return int(count), _replace_states(database, states)


def reseal(database: sqlite3.Connection, old: RowCodec, new: RowCodec, count: int, side: str) -> dict[bytes, bytes]:
    """Seal every row and value again. Cells keep their lengths, so each is overwritten where it is.

    Returns:
        The named values (as in Counts).

    Raises:
        DamagedStoreError: a cell does not open, or there are not ``count`` rows.
    """
    last = -1
    while chunk := database.execute(_CELLS, (last, CHUNK)).fetchall():
        heads, deeps, tags = [], [], []
        for slot, tag, cell, sealed, deep in chunk:
            moved, head, moved_deep = new.reseal_row(sealed, deep, tag, old)
            heads.append((head, cell))
            tags.append((moved, slot))
            if moved_deep is not None:
                deeps.append((moved_deep, cell))
        database.executemany("UPDATE heads SET head = ? WHERE id = ?", heads)
        database.executemany("UPDATE deeps SET deep = ? WHERE id = ?", deeps)
        database.executemany("UPDATE places SET tag = ? WHERE slot = ?", tags)
        count -= len(chunk)
        last = chunk[-1][0]
    if count:
        raise damaged(side, "lacks rows that it counts, or the other way round")
    return _replace_states(database, _moved_states(database, old, new))


def save_state(database: sqlite3.Connection, tag: bytes, sealed: bytes) -> None:
    """Write a named value, new or in place of the one of the same name."""
    database.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (tag, sealed))


def read_states(database: sqlite3.Connection) -> dict[bytes, bytes]:
    """The named values as Counts has them."""
    return dict(database.execute("SELECT tag, substr(value, -16) FROM states NOT INDEXED").fetchall())


def check_cells(database: sqlite3.Connection, codec: RowCodec) -> None:
    """Open every row with its deep part, and every value.

    Raises:
        DamagedStoreError: one does not open.
    """
    last = -1
    while chunk := database.execute(_CELLS, (last, CHUNK)).fetchall():
        for _, tag, _, sealed, deep in chunk:
            codec.open_whole(tag, sealed, deep)
        last = chunk[-1][0]
    for tag, sealed in database.execute("SELECT tag, value FROM states"):
        codec.open_state(tag, sealed)


def _free_slots(database: sqlite3.Connection) -> Iterator[int]:
    """The lowest free slots first, then those behind the last; each is taken as it is drawn."""
    (behind,) = database.execute(
        "SELECT max((SELECT coalesce(max(slot), -1) FROM places), (SELECT coalesce(max(slot), -1) FROM free)) + 1"
    ).fetchone()
    while found := database.execute("SELECT slot FROM free ORDER BY slot LIMIT 1").fetchone():
        database.execute("DELETE FROM free WHERE slot = ?", found)
        yield found[0]
    yield from itertools.count(behind)


def _moved_states(database: sqlite3.Connection, old: RowCodec, new: RowCodec) -> dict[bytes, bytes]:
    states = {}
    for tag, sealed in database.execute("SELECT tag, value FROM states").fetchall():
        name, value = old.open_state(tag, sealed)
        moved = new.state_tag(name)
        states[moved] = new.seal_state(name, value, moved)
    return states


def _replace_states(database: sqlite3.Connection, states: dict[bytes, bytes]) -> dict[bytes, bytes]:
    database.execute("DELETE FROM states")
    database.executemany("INSERT INTO states VALUES (?, ?)", states.items())
    return {tag: sealed[-BOUND_BYTES:] for tag, sealed in states.items()}

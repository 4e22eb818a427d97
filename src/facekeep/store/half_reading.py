"""Reading one half's store: what does not change the file. :mod:`facekeep.store.half_store` has the rest.

Nothing is believed before it authenticates: not the counters, not the list of staged transactions, not the index by
which rows are found (``rows`` compares it with the table).
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Self

from facekeep.domain.row import Pseudonym, StoredRow, TransactionId
from facekeep.errors import UsageError
from facekeep.store import half_staging as staging
from facekeep.store.half_bounds import Bounds
from facekeep.store.half_commit import check_cells
from facekeep.store.half_file import HalfFile
from facekeep.store.half_keys import EpochKeys
from facekeep.store.half_rows import BOUND_BYTES, Counts, RoleCodec, RowCodec, damaged
from facekeep.store.half_staging import CHUNK, StagedTransaction
from facekeep.store.keys import KeyProvider

__all__ = ["HalfReading"]

_ROWS: Final = (
    "SELECT p.slot, q.slot, p.tag, h.head FROM places p NOT INDEXED"
    " CROSS JOIN places q INDEXED BY places_tag ON q.tag = p.tag"
    " CROSS JOIN heads h ON h.id = p.id WHERE p.slot > ? ORDER BY p.slot LIMIT ?"
)
_FIND: Final = "SELECT p.slot, h.head FROM places p CROSS JOIN heads h ON h.id = p.id WHERE p.tag = ?"
# All of them in one row: at each row that it gives, sqlite3 lets go of the interpreter and must get it back, which
# beside a busy thread takes up to five milliseconds each time. Joined bytes stay as they are, zeros among them.
_DEEP: Final = (
    "SELECT CAST(group_concat(printf('%08x%08x', p.slot, length(d.deep)) || p.tag || d.deep, '') AS BLOB)"
    " FROM places p CROSS JOIN deeps d ON d.id = p.id WHERE p.slot IN ({})"
)
_BOUNDS: Final = (
    "SELECT p.slot, substr(h.head, -16) FROM places p CROSS JOIN heads h ON h.id = p.id WHERE p.slot IN ({})"
)
_TOGETHER: Final = 100
_NO_ROWS: Final = "lacks rows that it counts, or the other way round"


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


class HalfReading:
    """The half of SqliteHalfStore that only reads; never made on its own."""

    def __init__(self, file: HalfFile, keys: KeyProvider, role_key: bytes, *, keep_id: bytes, store_id: bytes) -> None:
        self._file = file
        self._side = file.side
        self._keys = EpochKeys(keys, file.side)
        self._keep_id = keep_id
        self._store_id = store_id
        self._role_key = role_key
        self._role = RoleCodec(file.side, role_key, store_id=store_id, keep_id=keep_id)
        self._epoch = 0
        self._counts = Counts(0, 0, 0, {})
        self._codec: RowCodec
        self._bounds = Bounds()

    @property
    def side(self) -> str:
        """``left`` or ``right``."""
        return self._side

    @property
    def store_id(self) -> bytes:
        """16 random bytes, drawn when the store was made."""
        return self._store_id

    @property
    def epoch(self) -> int:
        """The epoch whose key seals the committed rows."""
        return self._epoch

    @property
    def generation(self) -> int:
        """Number of committed transactions."""
        return self._counts.generation

    def __len__(self) -> int:
        """Number of committed rows."""
        return self._counts.rows

    def rows(self) -> Iterator[StoredRow]:
        """Every committed row, in order of slot, read as a stream. The index of rows is checked on the way.

        Raises:
            DamagedStoreError: a row does not open, cannot be found by its pseudonym, or rows are missing.
            UsageError: the store was changed before the last row was read.
        """
        generation, count, last = self._counts.generation, 0, -1
        while True:
            with self._file.reading() as database:
                if self._counts.generation != generation:
                    raise UsageError(f"the {self._side} half was changed while its rows were read")
                codec, expected = self._codec, self._counts.rows
                chunk = database.execute(_ROWS, (last, CHUNK)).fetchall()
                for slot, _, _, sealed in chunk:  # before another thread can change the row
                    self._bounds.learn(slot, sealed[-BOUND_BYTES:])
            for slot, found, tag, sealed in chunk:
                if slot != found:
                    raise damaged(self._side, "has a damaged index")
                yield codec.open_row(slot, tag, sealed)
            count += len(chunk)
            if len(chunk) < CHUNK:
                break
            last = chunk[-1][0]
        if count != expected:
            raise damaged(self._side, _NO_ROWS)

    def find(self, pseudonym: Pseudonym) -> StoredRow | None:
        """The committed row of a pseudonym, or None. To be believed once :meth:`rows` has been read to its end."""
        with self._file.reading() as database:
            tag = self._codec.tag(pseudonym)
            found = database.execute(_FIND, (tag,)).fetchone()
            return None if found is None else self._codec.open_row(found[0], tag, found[1])

    def deep(self, slots: Sequence[int]) -> list[bytes]:
        """The deep parts of rows, in the order asked; a slot may be asked more than once.

        Raises:
            DamagedStoreError: a slot has no row, or its row no deep part, or one that does not open.
        """
        wanted = sorted({int(slot) for slot in slots})
        parts: dict[int, bytes] = {}
        with self._file.reading() as database:
            for start in range(0, len(wanted), _TOGETHER):
                some = wanted[start : start + _TOGETHER]
                if unknown := [slot for slot in some if slot not in self._bounds]:
                    for slot, bound in database.execute(_BOUNDS.format(_marks(unknown)), unknown).fetchall():
                        self._bounds.learn(slot, bound)
                (found,) = database.execute(_DEEP.format(_marks(some)), some).fetchone()
                for slot, tag, sealed in self._sealed_deeps(found or b""):
                    parts[slot] = self._codec.open_deep(tag, self._bounds[slot], sealed)
        if len(parts) != len(wanted):
            raise damaged(self._side, "lacks a row that was asked for")
        return [parts[int(slot)] for slot in slots]

    def _sealed_deeps(self, joined: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        at = 0
        while at < len(joined):
            try:
                slot, length = int(joined[at : at + 8], 16), int(joined[at + 8 : at + 16], 16)
            except ValueError:  # a cell of another length than it says, or none
                raise damaged(self._side, "holds a row whose deep part does not open") from None
            tag = joined[at + 16 : at + 32]
            at += 32 + length
            yield slot, tag, joined[at - length : at]

    def state(self, name: str) -> bytes | None:
        """A named value of the half, or None."""
        with self._file.reading() as database:
            tag = self._codec.state_tag(name)
            known = self._counts.states.get(tag)
            found = database.execute("SELECT value FROM states WHERE tag = ?", (tag,)).fetchone()
            if (found and found[0][-BOUND_BYTES:]) != known:
                raise damaged(self._side, "lacks a value that it had, or has an older one")
            return None if found is None else self._codec.open_state(tag, found[0])[1]

    def staged(self) -> list[TransactionId]:
        """The transactions staged and neither committed nor aborted, in the order of staging."""
        with self._file.reading() as database:
            return [staged.transaction for staged in self._transactions(database)]

    def sealed_by(self, role_key: bytes) -> bool:
        """Whether this is the role key that seals the store."""
        role = RoleCodec(self._side, role_key, store_id=self._store_id, keep_id=self._keep_id)
        return hmac.compare_digest(role.fingerprint, self._role.fingerprint)

    def backup(self, target: Path, between: Callable[[bool], None] = lambda _: None) -> None:
        """Copy the store into a new file of mode 0600, sealed as it is. It dies with the key of the present epoch.

        Args:
            target: where; there must be nothing.
            between: called between two steps of copying, is told whether the next one is the last. The store can be
                used and written meanwhile; the copy is of the moment when this returns.

        Raises:
            UsageError: there is already a file, or the store was closed meanwhile.
            DamagedStoreError: the copy cannot be written.
        """
        self._file.backup(target, between)

    def verify(self) -> None:
        """Read everything: SQLite's own check of the file, then every row, deep part, value and staged change.

        Raises:
            DamagedStoreError: something is damaged.
            UsageError: the store was changed meanwhile.
        """
        with self._file.reading() as database:
            self._file.check()
            for _ in self.rows():
                pass
            check_cells(database, self._codec)
            for staged in self._transactions(database):
                for _ in staging.read(database, staged, self._side):
                    pass

    def close(self) -> None:
        """Close the file. No method may be called afterwards."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _codec_of(self, epoch: int, role_key: bytes | None = None) -> RowCodec:
        key = self._role_key if role_key is None else role_key
        return RowCodec(self._side, key, self._keys.get(epoch), store_id=self._store_id, keep_id=self._keep_id)

    def _transactions(self, database: sqlite3.Connection) -> list[StagedTransaction]:
        found = staging.transactions(database, self._codec)
        if len(found) != self._counts.staged:
            raise damaged(self._side, "lacks a staged transaction")
        return found

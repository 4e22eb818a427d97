"""The SQLite file of one half: how it is made, opened, copied, and how its failures are told.

The file is held exclusively: a second process that opens it is refused, since a half keeps its rows in memory and two
of them would drift apart. Exclusive locking also keeps the index of the write-ahead log in memory, so the store has two
files at most: itself and its log, ``-wal``, which the last close removes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from facekeep.errors import DamagedStoreError, UsageError
from facekeep.store.half_rows import damaged

__all__ = ["FORMAT", "STEP_PAGES", "HalfFile", "reporting", "sync_directory"]

FORMAT: Final = 1
"""Version of the format, kept in SQLite's ``user_version``."""

STEP_PAGES: Final = 256
"""Pages that are copied in one step at most, 2 MiB: for as long nobody else uses the store."""

_APPLICATION_ID: Final = 0x464B4831  # "FKH1", so that file(1) and a careless restore can tell it from other databases.

_SCHEMA: Final = (
    # All tables are described in docs/reference/half-store.md.
    "CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), side TEXT NOT NULL, store BLOB NOT NULL,"
    " fingerprint BLOB NOT NULL, epoch BLOB NOT NULL, counts BLOB NOT NULL) STRICT",
    "CREATE TABLE heads (id INTEGER PRIMARY KEY, head BLOB NOT NULL) STRICT",
    "CREATE TABLE deeps (id INTEGER PRIMARY KEY, deep BLOB NOT NULL) STRICT",
    "CREATE TABLE spare (id INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE places (slot INTEGER PRIMARY KEY, tag BLOB NOT NULL, id INTEGER NOT NULL) STRICT",
    "CREATE UNIQUE INDEX places_tag ON places (tag)",
    "CREATE TABLE free (slot INTEGER PRIMARY KEY) STRICT",
    "CREATE TABLE states (tag BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "CREATE TABLE transactions (number INTEGER PRIMARY KEY, sealed BLOB) STRICT",
    "CREATE TABLE staged (seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, kind INTEGER NOT NULL, tag BLOB NOT NULL,"
    " id INTEGER, body BLOB) STRICT",
    "CREATE UNIQUE INDEX staged_tag ON staged (number, tag)",
)

_PRAGMAS: Final = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA secure_delete = ON",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8192",
    "PRAGMA wal_autocheckpoint = 2000",
)

_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextlib.contextmanager
def reporting(side: str) -> Iterator[None]:
    """Turn whatever SQLite says, and cells of impossible types, into the errors of this package.

    Raises:
        DamagedStoreError: the file is damaged, cannot be read or written, or the disk is full.
        UsageError: another process holds the file, or the store is closed.
    """
    try:
        yield
    except (sqlite3.Error, TypeError, OverflowError, UnicodeDecodeError) as error:
        # Unicode: a damaged schema comes back in SQLite's own message.
        raise _told(side, error) from None


def _told(side: str, error: BaseException) -> DamagedStoreError | UsageError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BUSY:
        return UsageError(
            f"the {side} half is in use by another process", hint="Close the other process, or talk to it instead."
        )
    if code == sqlite3.SQLITE_FULL:
        return damaged(
            side, "cannot be written: the disk is full", hint="Nothing was changed. Make room and try again."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        hint = "Check that the file is where it was and that this account may write it."
        return damaged(side, "is missing or may not be written", hint=hint)
    return damaged(side, "is damaged")


class HalfFile:
    """An open file, its lock and its transactions. Several threads may share it; a thread may enter again.

    Attributes:
        database: the connection, to be used within :meth:`reading` or :meth:`writing`.
        side: ``left`` or ``right``.
        lock: what every use of the connection holds; hold it for several uses that belong together.
    """

    def __init__(self, database: sqlite3.Connection, side: str) -> None:
        self.database = database
        self.side = side
        self.lock = threading.RLock()
        self._closed = False
        self._unclean = False
        self._copied = False

    @classmethod
    def create(cls, path: Path, side: str) -> HalfFile:
        """Make an empty store, readable by its owner alone from the first moment on.

        Raises:
            UsageError: there is already a file.
            DamagedStoreError: it cannot be written.
        """
        _claim(path, side)
        with reporting(side):
            database = _connect(path)
            try:
                database.execute("PRAGMA page_size = 8192")
                _prepare(database)
                database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                database.execute(f"PRAGMA user_version = {FORMAT}")
                database.execute("BEGIN IMMEDIATE")
                for statement in _SCHEMA:
                    database.execute(statement)
                database.execute("COMMIT")
            except BaseException:
                database.close()
                raise
        return cls(database, side)

    @classmethod
    def open(cls, path: Path, side: str) -> HalfFile:
        """Open a store and take its lock.

        Raises:
            DamagedStoreError: it is missing, no store of a half, or damaged.
            UsageError: another process holds it.
        """
        if not path.is_file():
            raise damaged(side, "is missing", hint="Put the file back where facekeep init made it.")
        with reporting(side):
            database = _connect(path)
            try:
                _prepare(database)
                # A write lock, taken once and kept: the connection is exclusive.
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
                _check_format(database, side)
            except BaseException:
                database.close()
                raise
        return cls(database, side)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and tell failures by the errors of :func:`reporting`.

        Raises:
            UsageError: the store is closed.
        """
        with self.lock, reporting(self.side):
            if self._closed:
                raise UsageError(f"the {self.side} half is closed")
            yield self.database

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock for one SQLite transaction, which is on disk at the end, or undone if anything is raised."""
        with self.reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some errors, a full disk among them.
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def soil(self) -> None:
        """Note that the write-ahead log may hold something that was destroyed."""
        self._unclean = True

    def scrub(self) -> None:
        """Fold the write-ahead log into the file and cut it to nothing, if :meth:`soil` was called before."""
        with self.reading() as database:
            if self._unclean:
                (busy, _, _) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                # The connection is exclusive, so only a cursor that is being read keeps the log busy; it is cut later.
                self._unclean = bool(busy)

    def backup(self, target: Path, between: Callable[[bool], None] = lambda _: None) -> None:
        """Copy the committed state into a new file, which is on disk when this returns.

        The copy is made in steps, between which others use the store. What they write goes into the copy too, since it
        is written through the same connection: the copy is of the moment when this returns.

        Args:
            target: where; there must be nothing.
            between: called between two steps, of which there are at least two, without the lock; is told whether
                the next one is the last, unless something is written before it. What it raises ends the copying.

        Raises:
            UsageError: there is already a file, or the store was closed meanwhile.
            DamagedStoreError: the copy cannot be written; what there is of it was removed.
        """

        def step(_status: int, left: int, _pages: int) -> None:
            if left == 0:
                return
            self.lock.release()
            try:
                between(left <= pages)
            finally:
                self.lock.acquire()
            if self._closed:
                raise UsageError(f"the {self.side} half was closed while it was copied", hint="Try again.")

        with self.reading() as database:
            if self._copied:
                raise UsageError(f"the {self.side} half is being copied already", hint="Wait until that is done.")
            (size,) = database.execute("PRAGMA page_count").fetchone()
            pages = max(1, min(STEP_PAGES, size // 2))
            _claim(target, self.side)
            self._copied = True
            try:
                with contextlib.closing(_connect(target)) as copy:
                    database.backup(copy, pages=pages, progress=step)
                    # A copy has no write-ahead log beside it, so it is one file, whole in itself.
                    copy.execute("PRAGMA journal_mode = DELETE").fetchall()
            except BaseException:
                target.unlink(missing_ok=True)
                raise
            finally:
                self._copied = False
                if self._closed:
                    database.close()

    def check(self) -> None:
        """SQLite's own check of the whole file.

        Raises:
            DamagedStoreError: it found something.
        """
        with self.reading() as database:
            if database.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise damaged(self.side, "is damaged")

    def close(self) -> None:
        """Close the file; closing it twice is once."""
        with self.lock, reporting(self.side):
            if not self._closed:
                self._closed = True
                if not self._copied:  # else whoever copies it closes it, at the next step
                    self.database.close()


def sync_directory(path: Path) -> None:
    """Put the name of a new file on disk."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _claim(path: Path, side: str) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        sync_directory(path)
    except FileExistsError:
        raise UsageError(
            f"there is already a file where the {side} half shall be written", hint="Choose a place that is empty."
        ) from None
    except OSError:
        hint = "Check that the directory exists and that this account may write in it."
        raise damaged(side, "cannot be written", hint=hint) from None


def _connect(path: Path) -> sqlite3.Connection:
    # mode=rw: a store that vanished between the check and here is not made anew, empty.
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=0, cached_statements=64
    )


def _check_format(database: sqlite3.Connection, side: str) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID or version != FORMAT:
        raise damaged(side, "has a format that this version does not read, or is another file")


def _prepare(database: sqlite3.Connection) -> None:
    for pragma in _PRAGMAS:
        database.execute(pragma).fetchall()

"""An SQLite file, the registry's or the gate's of evidence: how it is made, opened, written to and cleaned.

Every connection runs with ``journal_mode=WAL`` and ``synchronous=FULL`` (an acknowledged transaction survives a power
cut), ``secure_delete=ON`` (deleted rows are overwritten with zeros), ``foreign_keys=ON`` and ``temp_store=MEMORY`` (no
temporary file holds a row). SQLite gives its ``-wal`` and ``-shm`` files the mode of the database file, 0600.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from facekeep.errors import DamagedStoreError, FacekeepError, UsageError
from facekeep.store.vault import ROLE

__all__ = ["Database", "new_file", "sync_directory"]

_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",
    "trusted_schema=OFF",
    "cell_size_check=ON",
)
_BUSY_SECONDS: Final = 10
_WRITE: Final = "facekeep_write"


class Database:
    """One open file. Connections are pooled and may be used from any thread.

    Args:
        path: the file, which must exist.
        store: what errors call it.

    Raises:
        DamagedStoreError: there is no such file, or it cannot be opened.
    """

    def __init__(self, path: Path, *, store: str = ROLE) -> None:
        if not path.is_file():
            raise DamagedStoreError(f"there is no {store}", store=store, hint="Make a keep first: facekeep init DIR.")
        self._path = path
        self._store = store
        self._engine = create_engine("sqlite://", creator=lambda: _connect(path), poolclass=QueuePool)
        event.listen(self._engine, "begin", _begin)

    def close(self) -> None:
        """Close every connection; the last one moves what the log holds into the file and removes the log."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot of the file, for as long as the block lasts.

        Raises:
            DamagedStoreError: the file is damaged.
            UsageError: another process holds it.
        """
        with _named_errors(self._store), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and never happened when it raises.

        Raises:
            DamagedStoreError: the file is damaged, or the disk is full.
            UsageError: another process holds it.
        """
        engine: Engine = self._engine.execution_options(**{_WRITE: True})
        with _named_errors(self._store), engine.connect() as connection, connection.begin():
            yield connection

    def empty_log(self) -> bool:
        """Move the write-ahead log into the file and cut it to nothing, so that no old page lingers in it.

        Returns:
            Whether it is empty now; it is not while another connection reads an old snapshot.
        """
        with _named_errors(self._store), self._engine.connect() as connection:
            # By the driver's own cursor: SQLAlchemy would begin a transaction, in which there is no checkpoint.
            cursor = connection.connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            answer = cursor.fetchone()
            cursor.close()
        return answer is not None and answer[0] == 0

    @contextmanager
    def copying(self) -> Iterator[Callable[[Path], None]]:
        """What copies the file as it is at the beginning of the block into a new file, once, while others go on.

        The write-ahead log cannot be emptied until the block ends.
        """
        with _named_errors(self._store), closing(_connect(self._path)) as source:
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # takes the snapshot

            def copy(target: Path) -> None:
                new_file(target)
                with _named_errors(self._store), closing(_connect(target)) as copied:
                    source.backup(copied)
                    # One file, whole in itself.
                    copied.execute("PRAGMA journal_mode = DELETE").fetchall()

            yield copy

    def check(self) -> None:
        """Read the whole file and hold it against its own structure.

        Raises:
            DamagedStoreError: it is damaged.
        """
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
            dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if found != "ok" or dangling is not None:
            raise DamagedStoreError(f"the file of the {self._store} is damaged", store=self._store)


def new_file(path: Path) -> None:
    """Make an empty file that only its owner may read, whatever the umask.

    Raises:
        FileExistsError: there is one.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def sync_directory(directory: Path) -> None:
    """Make what was created, renamed or removed in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: the driver begins nothing by itself; _begin does (SQLAlchemy, "pysqlite" dialect notes).
    # mode=rw: a file that vanished must not be made anew.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    write: Any = connection.get_execution_options().get(_WRITE)
    # IMMEDIATE takes the write lock at once: what a transaction read stays true until it commits.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def _named_errors(store: str) -> Iterator[None]:
    try:
        yield
    except (DatabaseError, sqlite3.Error) as error:
        raise _named(error.orig if isinstance(error, DatabaseError) else error, store) from None


def _named(error: BaseException | None, store: str) -> FacekeepError:
    name = getattr(error, "sqlite_errorname", None) or "no SQLite error"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return UsageError(f"another process holds the {store}", hint="Wait until it is done, then try again.")
    hint = "See that the disk has room and may be written; if it has and may, restore a backup."
    if store != ROLE:
        hint = "See that the disk has room and may be written. What this file holds is in no backup."
    return DamagedStoreError(f"the file of the {store} cannot be read or written ({name})", store=store, hint=hint)

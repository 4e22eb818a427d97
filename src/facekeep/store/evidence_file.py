"""The file of evidence: how it is made and opened, and the statements that its store is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, delete, insert, select, update

from facekeep.domain.review import ReviewId
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.errors import DamagedStoreError
from facekeep.store.database import Database, new_file, sync_directory
from facekeep.store.evidence_keys import STORE, Bucket
from facekeep.store.evidence_rows import APPLICATION_ID, FORMAT, AnyRow, Held, metadata, outers, pictures
from facekeep.store.keys import new_key
from facekeep.store.sealing import Sealer

__all__ = [
    "delete_row",
    "delete_rows",
    "here",
    "insert_row",
    "made",
    "of_review",
    "opened",
    "outer_of",
    "renew_row",
    "rows_of",
]


def made(path: Path) -> Database:
    """A new file, which only its owner can read, in a folder of its own.

    Raises:
        DamagedStoreError: it cannot be written.
    """
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700)
        sync_directory(path.parent.parent)
    new_file(path)
    sync_directory(path.parent)
    return opened(path)


def opened(path: Path) -> Database:
    """The file, with its tables; what a crash left empty is made anew.

    Raises:
        DamagedStoreError: it is damaged, something else, or of a newer version.
    """
    database = Database(path, store=STORE)
    try:
        with database.writing() as connection:
            _set_up(connection)
    except BaseException:
        database.close()
        raise
    return database


def _set_up(connection: Connection) -> None:
    found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("application_id", "user_version")]
    if found == [0, 0] and not connection.exec_driver_sql("SELECT count(*) FROM sqlite_schema").scalar():
        metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {FORMAT}")
    elif found != [APPLICATION_ID, FORMAT]:
        hint = "Use the version of Facekeep that wrote it, or a newer one."
        raise DamagedStoreError("the file in the place of the evidence is something else", store=STORE, hint=hint)


def of_review(review: ReviewId) -> Select[Any]:
    """The rows of a review."""
    return select(pictures).where(pictures.c.review == review)


def rows_of(connection: Connection, which: Select[Any]) -> Sequence[AnyRow]:
    """Rows of ``pictures``, by review and number."""
    return connection.execute(which.order_by(pictures.c.review, pictures.c.item)).all()


def here(table: Table, row: AnyRow) -> ColumnElement[bool]:
    """Where a picture is in a table."""
    return and_(table.c.review == row.review, table.c.item == row.item)


def outer_of(connection: Connection, row: AnyRow) -> bytes:
    """The sealed picture that belongs to a row, as it is kept.

    Raises:
        DamagedStoreError: it is missing.
    """
    found: bytes | None = connection.scalar(select(outers.c.outer).where(here(outers, row)))
    if found is None:
        raise DamagedStoreError("a picture of the evidence is missing", store=STORE)
    return found


def insert_row(connection: Connection, held: Held, sealed: bytes, bucket: Bucket, sealer: Sealer) -> None:
    """Keep a picture in a bucket."""
    place = {"review": held.review, "item": held.index}
    connection.execute(insert(pictures).values(place | held.row(bucket, sealer)))
    connection.execute(insert(outers).values(place | {"outer": held.seal_outer(sealed)}))


def renew_row(
    connection: Connection,
    row: AnyRow,
    old: Held,
    wraps: Mapping[ReviewerKeyId, bytes],
    place: tuple[Bucket, Sealer],
) -> None:
    """Give a row a new outer key, these wraps and this bucket.

    Raises:
        DamagedStoreError: the picture does not open.
    """
    sealed = old.open_outer(outer_of(connection, row))
    new = replace(old, key=new_key(), wraps=wraps)
    connection.execute(update(pictures).where(here(pictures, row)).values(new.row(*place)))
    connection.execute(update(outers).where(here(outers, row)).values(outer=new.seal_outer(sealed)))


def delete_rows(connection: Connection, review: ReviewId) -> None:
    """Remove all that is kept of a review."""
    for table in (outers, pictures):
        connection.execute(delete(table).where(table.c.review == review))


def delete_row(connection: Connection, row: AnyRow) -> None:
    """Remove all that is kept of one picture."""
    for table in (outers, pictures):
        connection.execute(delete(table).where(here(table, row)))

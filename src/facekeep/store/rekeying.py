"""Sealing the registry anew: for a new epoch, or under a new role key as well.

Only what hangs on the registrar's keys is written: data keys, the registry's own cells, and, where the role key
changes, the blind indexes. The cells of people hang on their data keys and stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Column, Connection, bindparam, select, update

from facekeep.errors import DamagedStoreError
from facekeep.store import tables
from facekeep.store.account_reading import identity_bytes
from facekeep.store.records_of_consent import notice_in
from facekeep.store.transaction import state_record
from facekeep.store.vault import ROLE, Vault
from facekeep.store.view import PAGE, read_state

__all__ = ["rekey"]

_Record = Mapping[str, Any]
_Indexed = str | bytes

_INDEXED_ROOT: Final = (
    (tables.cases.c.title, lambda record: record["title"]),
    (tables.clients.c.name, lambda record: record["name"]),
    (tables.clients.c.secret, lambda record: record["digest"]),
    (tables.accounts.c.handle, lambda record: record["name"]),
    (tables.passkeys.c.credential, lambda record: record["credential"]),
    (tables.sessions.c.secret, lambda record: record["digest"]),
    (tables.invitations.c.secret, lambda record: record["digest"]),
    (tables.identities.c.identity, lambda record: identity_bytes(record["issuer"], record["subject"])),
    (tables.requests.c.request, lambda record: record["digest"]),
    (tables.notices.c.digest, lambda record: notice_in(record).digest),
)


def rekey(connection: Connection, old: Vault, new: Vault, *, epoch: int) -> None:
    """Seal everything under ``new`` that is sealed under ``old``, inside the transaction that ``connection`` is in.

    Raises:
        DamagedStoreError: a cell does not open.
    """
    state = read_state(connection, old)
    if old.role_check != new.role_check:
        _index_people(connection, old, new)
        for column, value_of in _INDEXED_ROOT:
            _index_root(connection, old, new, column, value_of)
    for identifier, cell in tables.ROOT_CELLS:
        for page in _pages(connection, identifier, cell):
            changed = [(row, old.reseal(new, cell, row, sealed)) for row, sealed in page]
            _write(connection, identifier, cell, changed)
    sealed = new.root.seal(tables.meta.c.sealed, new.store, state_record(state))
    connection.execute(
        update(tables.meta).values(epoch=epoch, role_check=new.role_check, epoch_check=new.epoch_check, sealed=sealed)
    )


def _index_people(connection: Connection, old: Vault, new: Vault) -> None:
    subjects, references = tables.subjects.c, tables.references.c
    for page in _pages(connection, subjects.id, subjects.key, subjects.sealed):
        people = {subject: old.unwrap(subjects.key, subject, wrapped) for subject, wrapped, _ in page}
        opened = [(subject, people[subject].open(subjects.sealed, subject, sealed)) for subject, _, sealed in page]
        labels = [(subject, new.index(subjects.label, record["label"])) for subject, record in opened]
        _write(connection, subjects.id, subjects.label, labels)
        # Pages are ranges of identifiers, so the references of a page's people are one query.
        owned = select(references.id, references.subject, references.sealed)
        rows = connection.execute(owned.where(references.subject.between(page[0][0], page[-1][0]))).all()
        if not {subject for _, subject, _ in rows} <= people.keys():
            raise DamagedStoreError("a reference belongs to nobody", store=ROLE)
        found = [(row, people[subject].open(references.sealed, row, sealed)) for row, subject, sealed in rows]
        pseudonyms = [(row, new.index(references.pseudonym, record["pseudonym"])) for row, record in found]
        _write(connection, references.id, references.pseudonym, pseudonyms)


def _index_root(
    connection: Connection, old: Vault, new: Vault, column: Column[Any], value_of: Callable[[_Record], _Indexed]
) -> None:
    identifier, cell = column.table.c.id, column.table.c.sealed
    for page in _pages(connection, identifier, cell):
        values = [(row, value_of(old.root.open(cell, row, sealed))) for row, sealed in page]
        _write(connection, identifier, column, [(row, new.index(column, value)) for row, value in values])


def _pages(connection: Connection, identifier: Column[Any], *cells: Column[Any]) -> Iterator[list[Any]]:
    """The rows of a table a page at a time, so that a large registry need not fit in memory."""
    last = b""
    while page := connection.execute(
        select(identifier, *cells).where(identifier > last).order_by(identifier).limit(PAGE)
    ).all():
        yield list(page)
        last = page[-1][0]


def _write(
    connection: Connection, identifier: Column[Any], column: Column[Any], values: list[tuple[bytes, bytes]]
) -> None:
    if values:  # with an empty list, SQLAlchemy would run the statement once, without values
        statement = update(identifier.table).where(identifier == bindparam("row")).values({column: bindparam("value")})
        connection.execute(statement, [{"row": row, "value": value} for row, value in values])

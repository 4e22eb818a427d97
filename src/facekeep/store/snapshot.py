"""One moment of the registry: a connection in a transaction, and the keys to what it shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select

from facekeep.errors import DamagedStoreError
from facekeep.store.vault import ROLE, Vault

__all__ = ["Snapshot", "moved"]


class Snapshot:
    """What every reader and writer of the registry looks rows up with."""

    def __init__(self, connection: Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def _row(self, column: Column[Any], value: bytes) -> Row[Any] | None:
        return self._connection.execute(select(column.table).where(column == value)).first()

    def _find(self, column: Column[Any], value: bytes | str) -> Row[Any] | None:
        return self._row(column, self._vault.index(column, value))

    def _rows(self, column: Column[Any], value: bytes) -> list[Row[Any]]:
        return list(self._connection.execute(select(column.table).where(column == value)).all())


def moved(table: Table) -> DamagedStoreError:
    """The error where a row is found under an index that is not its own."""
    return DamagedStoreError(f"the index of the {table.name} points at another row", store=ROLE)

"""The registry's cells: who seals which, and under what name they are found.

Two keys of the registrar, the role key and the epoch key, give the root sealer; it seals the registry's own cells and
the data key of each person, which seals that person's cells. Blind indexes hang on the role key only, so that an epoch
needs no new index.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Column

from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError, FormatError
from facekeep.store.records import PAD_BYTES, Value, pack, unpack
from facekeep.store.sealing import KEY_BYTES, Sealer, blind_index, cell_aad, derive_key

__all__ = ["ROLE", "Cells", "Vault", "role_check"]

ROLE: Final = "registry"
_NO_SALT: Final = bytes(KEY_BYTES)
_INDEXES: Final = (
    "credential",
    "digest",
    "handle",
    "identity",
    "label",
    "name",
    "pseudonym",
    "request",
    "secret",
    "title",
)


class Cells:
    """Seals and opens records for their places: table, row and column."""

    __slots__ = ("sealer",)

    def __init__(self, sealer: Sealer) -> None:
        self.sealer = sealer

    def seal(self, cell: Column[Any], row: bytes, record: Mapping[str, Value], *, least: int = PAD_BYTES) -> bytes:
        """A record as it is written into ``cell`` of the row with the identifier ``row``; see :func:`pack`."""
        return self.sealer.seal(pack(record, least=least), _place(cell, row))

    def open(self, cell: Column[Any], row: bytes, sealed: bytes) -> dict[str, Any]:
        """The record in a cell.

        Raises:
            DamagedStoreError: the cell was altered, moved, or written by another version.
        """
        try:
            return unpack(self.sealer.open(sealed, _place(cell, row)))
        except FormatError as error:
            raise DamagedStoreError(error.message, store=ROLE) from None


class Vault:
    """What the registrar can do with its two keys.

    Args:
        role_key: 32 bytes.
        epoch_key: 32 bytes.
        store: the identifier of the registry, 16 bytes.
    """

    __slots__ = ("_indexes", "epoch_check", "role_check", "root", "store")

    def __init__(self, role_key: bytes, epoch_key: bytes, store: bytes) -> None:
        self.store = store
        self.root = Cells(Sealer.derive(role_key, epoch_key, store=store, use=f"{ROLE}.cells"))
        self.role_check = role_check(role_key, store)
        check = derive_key(role_key, salt=epoch_key, purpose="check", use=f"{ROLE}.epoch", store=store)
        self.epoch_check = blind_index(check, b"")
        self._indexes = {
            use: derive_key(role_key, salt=_NO_SALT, purpose="index", use=f"{ROLE}.{use}", store=store)
            for use in _INDEXES
        }

    def index(self, column: Column[Any], value: bytes | str) -> bytes:
        """The blind index of ``value`` in one column, 16 bytes; the columns are those named in this module."""
        return blind_index(self._indexes[column.name], value.encode() if isinstance(value, str) else value)

    def wrap(self, cell: Column[Any], subject: SubjectId, data_key: bytes) -> bytes:
        """The data key of a person as it is kept."""
        return self.root.sealer.seal(data_key, _place(cell, subject))

    def unwrap(self, cell: Column[Any], subject: SubjectId, wrapped: bytes) -> Cells:
        """The cells of the person whose data key is given as kept.

        Raises:
            DamagedStoreError: the data key does not open.
        """
        return Cells(Sealer.of_key(self.root.sealer.open(wrapped, _place(cell, subject)), role=ROLE))

    def reseal(self, other: Vault, cell: Column[Any], row: bytes, sealed: bytes) -> bytes:
        """A root cell of this vault, sealed for the same place by another."""
        place = _place(cell, row)
        return other.root.sealer.seal(self.root.sealer.open(sealed, place), place)


def role_check(role_key: bytes, store: bytes) -> bytes:
    """A fingerprint of the role key, 16 bytes, by which a registry knows its own key among several."""
    return blind_index(derive_key(role_key, salt=_NO_SALT, purpose="check", use=f"{ROLE}.role", store=store), b"")


def _place(cell: Column[Any], row: bytes) -> bytes:
    return cell_aad("facekeep/1/registry", cell.table.name, row, cell.name)

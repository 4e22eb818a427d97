"""The ledger of the registry, read in one snapshot.

The tree is in the clear: its nodes are hashes of salted commitments and tell how many entries there are, and nothing
else. What opens a leaf, its salt and its entry, is sealed: under the data key of the person that it is about, or under
the registry's own keys if it is about nobody. With a person's data key go the openings of that person's entries; their
leaves stay, and nobody can show any more what they said.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Table, select

from facekeep.domain.ledger import LedgerEntry, Opening, SignedHead, WatchedLog, Witness
from facekeep.domain.merkle import leaf_hash, place_of, places_in
from facekeep.domain.retention import is_contact
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError
from facekeep.store import tables
from facekeep.store.snapshot import Snapshot
from facekeep.store.vault import ROLE, Cells

__all__ = ["LedgerReading", "head_row"]

_PAGE: Final = 1000
_SIZE_BYTES: Final = 8


class LedgerReading(Snapshot, ABC):
    """The part of a view that is about the ledger."""

    @abstractmethod
    def ledger_size(self) -> int:
        """How many leaves the tree has. As the registry remembers it: a tree that was cut does not pass for whole."""

    @abstractmethod
    def _cells(self, subject: SubjectId) -> Cells:
        """What seals under a person's data key."""

    def ledger_nodes(self, first: int, count: int) -> tuple[bytes, ...]:
        """Nodes of the tree by their places.

        Args:
            first: place of the first, from 0.
            count: how many; fewer are given where the tree ends.

        Raises:
            DamagedStoreError: one is missing.
        """
        end = min(first + count, places_in(self.ledger_size()))
        node = tables.ledger_nodes.c
        rows = self._connection.execute(
            select(node.hash).where(node.place >= first, node.place < end).order_by(node.place)
        ).all()
        if len(rows) != max(0, end - first):
            raise _damaged("a node of the ledger's tree is missing")
        return tuple(row.hash for row in rows)

    def ledger_openings(
        self, subject: SubjectId | None = None, *, after: bytes | None = None, limit: int = _PAGE
    ) -> tuple[tuple[bytes, int, Opening], ...]:
        """What opens leaves, each held against its leaf, a page at a time.

        Args:
            subject: whose, or None for those that are about nobody.
            after: the last identifier of the page before, or None for the first page.
            limit: how many at most; fewer than that means that this was the last page.

        Returns:
            Identifier, leaf and opening of each, in the order of the identifiers, which is a random one.

        Raises:
            NotFoundError: there is no such data subject.
            DamagedStoreError: an opening does not open its leaf.
        """
        table, cells = tables.ledger_entries, self._vault.root
        if subject is not None:
            table, cells = tables.ledger_own, self._cells(subject)
        chosen = select(table).order_by(table.c.id).limit(limit)
        if subject is not None:
            chosen = chosen.where(table.c.subject == subject)
        if after is not None:
            chosen = chosen.where(table.c.id > after)
        return tuple(self._opening_of(table, row, cells) for row in self._connection.execute(chosen).all())

    def _last_contact(
        self, subject: SubjectId, cells: Cells, known: datetime | None, beyond: datetime
    ) -> datetime | None:
        """The latest contact with a person, or one later than ``beyond``: the first that is found.

        Rows lie in a random order. Who had most of their contacts lately is done with after a few of them; of somebody
        who did not come for long every one is opened.
        """
        own = tables.ledger_own.c
        if known is not None and known > beyond:
            return known
        with self._connection.execute(select(own.id, own.sealed).where(own.subject == subject)) as rows:
            for row in rows:
                entry = _entry_of(cells.open(own.sealed, row.id, row.sealed))
                if is_contact(entry) and (known is None or entry.time > known):
                    known = entry.time
                    if known > beyond:
                        break
        return known

    def ledger_heads(self) -> tuple[SignedHead, ...]:
        """The heads that were signed, by their sizes."""
        cell = tables.ledger_heads.c.sealed
        rows = self._connection.execute(select(tables.ledger_heads).order_by(tables.ledger_heads.c.id)).all()
        return tuple(
            SignedHead(int.from_bytes(row.id), self._vault.root.open(cell, row.id, row.sealed)["note"]) for row in rows
        )

    def ledger_head(self, size: int) -> SignedHead | None:
        """The head of so many leaves, if one was signed, with its co-signatures."""
        row = self._row(tables.ledger_heads.c.id, head_row(size))
        if row is None:
            return None
        return SignedHead(size, self._vault.root.open(tables.ledger_heads.c.sealed, row.id, row.sealed)["note"])

    def ledger_witnesses(self) -> tuple[Witness, ...]:
        """Who may co-sign heads of this ledger, by name."""
        return tuple(sorted((witness for _, witness in self._witnesses()), key=lambda witness: witness.name))

    def watched_log(self, origin: str) -> WatchedLog | None:
        """What was co-signed of somebody else's log, or None."""
        return next((log for _, log in self._watched() if log.origin == origin), None)

    def _witnesses(self) -> list[tuple[bytes, Witness]]:
        cell = tables.ledger_witnesses.c.sealed
        rows = self._connection.execute(select(tables.ledger_witnesses)).all()
        opened = ((row.id, self._vault.root.open(cell, row.id, row.sealed)) for row in rows)
        return [(row, Witness(record["name"], record["key"], record["size"])) for row, record in opened]

    def _watched(self) -> list[tuple[bytes, WatchedLog]]:
        cell = tables.ledger_watched.c.sealed
        rows = self._connection.execute(select(tables.ledger_watched)).all()
        opened = ((row.id, self._vault.root.open(cell, row.id, row.sealed)) for row in rows)
        return [(row, WatchedLog(record["origin"], tuple(record["notes"]))) for row, record in opened]

    def _opening_of(self, table: Table, row: Row[Any], cells: Cells) -> tuple[bytes, int, Opening]:
        record = cells.open(table.c.sealed, row.id, row.sealed)
        try:
            opening = Opening(record["salt"], _entry_of(record))
        except (ValueError, KeyError):
            raise _damaged("an entry of the ledger is of another form") from None
        leaf = record["leaf"]
        if self.ledger_nodes(place_of(0, leaf), 1) != (leaf_hash(opening.commitment),):
            raise _damaged("an entry of the ledger is not what its leaf says")
        return row.id, leaf, opening


def _entry_of(record: Mapping[str, Any]) -> LedgerEntry:
    try:
        return LedgerEntry.read(record["entry"])
    except (ValueError, KeyError):
        raise _damaged("an entry of the ledger is of another form") from None


def head_row(size: int) -> bytes:
    """The identifier of a signed head's row."""
    return size.to_bytes(_SIZE_BYTES)


def _damaged(said: str) -> DamagedStoreError:
    return DamagedStoreError(said, store=ROLE)

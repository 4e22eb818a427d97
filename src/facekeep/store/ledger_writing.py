"""The ledger of the registry, written in the transaction of what it tells of: either both are there, or neither."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from sqlalchemy import Table, delete, insert, update

from facekeep.domain.ledger import SALT_BYTES, LedgerEntry, Opening, SignedHead, WatchedLog, Witness
from facekeep.domain.merkle import grown
from facekeep.domain.subject import SubjectId
from facekeep.errors import NotFoundError
from facekeep.store import tables
from facekeep.store.ledger_reading import LedgerReading, head_row
from facekeep.store.records import Value

__all__ = ["LedgerWriting"]

_ROW_BYTES = 16


class LedgerWriting(LedgerReading):
    """The part of a transaction that is about the ledger."""

    def record(
        self, entries: Sequence[LedgerEntry], subject: SubjectId | None = None
    ) -> tuple[tuple[int, Opening], ...]:
        """Add entries to the ledger, in their order.

        Args:
            entries: what was done, at least one.
            subject: whom they are about, and under whose data key they are sealed; None if they are about nobody.

        Returns:
            Leaf and opening of each.

        Raises:
            NotFoundError: there is no such data subject.
        """
        table, cells = tables.ledger_entries, self._vault.root
        if subject is not None:  # before anything is written: who asks may go on if there is none
            table, cells = tables.ledger_own, self._cells(subject)
        first = self.ledger_size()
        openings = [Opening(os.urandom(SALT_BYTES), entry) for entry in entries]
        nodes = grown(first, (opening.commitment for opening in openings), lambda place: self.ledger_nodes(place, 1)[0])
        self._connection.execute(insert(tables.ledger_nodes), [{"place": place, "hash": node} for place, node in nodes])
        rows = []
        for leaf, opening in enumerate(openings, first):
            row = {"id": os.urandom(_ROW_BYTES)} | ({} if subject is None else {"subject": bytes(subject)})
            record: dict[str, Value] = {"leaf": leaf, "salt": opening.salt, "entry": opening.entry.written}
            rows.append(row | {"sealed": cells.seal(table.c.sealed, row["id"], record)})
        self._connection.execute(insert(table), rows)
        self._set_ledgered(first + len(openings))
        return tuple(enumerate(openings, first))

    def keep_ledger_head(self, head: SignedHead) -> None:
        """Keep a head that was signed. One of as many leaves that is kept already stays."""
        row = head_row(head.size)
        if self._row(tables.ledger_heads.c.id, row) is None:
            sealed = self._vault.root.seal(tables.ledger_heads.c.sealed, row, {"note": head.note})
            self._connection.execute(insert(tables.ledger_heads).values(id=row, sealed=sealed))

    def cosign_ledger_head(self, head: SignedHead) -> None:
        """Keep a head with a further co-signature in place of the one of as many leaves.

        Raises:
            NotFoundError: there is none of so many.
        """
        row, cell = head_row(head.size), tables.ledger_heads.c
        if self._row(cell.id, row) is None:
            raise NotFoundError("no head of so many leaves was signed")
        sealed = self._vault.root.seal(cell.sealed, row, {"note": head.note})
        self._connection.execute(update(tables.ledger_heads).where(cell.id == row).values(sealed=sealed))

    def set_ledger_witness(self, witness: Witness) -> None:
        """Let a witness co-sign heads of this ledger; in place of one of the same name."""
        found = next((row for row, known in self._witnesses() if known.name == witness.name), None)
        record: dict[str, Value] = {"name": witness.name, "key": witness.key, "size": witness.size}
        self._set(tables.ledger_witnesses, found, record)

    def remove_ledger_witness(self, name: str) -> None:
        """Forget a witness; what it has co-signed stays.

        Raises:
            NotFoundError: there is none of this name.
        """
        found = next((row for row, known in self._witnesses() if known.name == name), None)
        if found is None:
            raise NotFoundError("there is no such witness", hint="List them: facekeep audit witness-list.")
        table = tables.ledger_witnesses
        self._connection.execute(delete(table).where(table.c.id == found))

    def set_watched_log(self, log: WatchedLog) -> None:
        """Remember what was co-signed of somebody else's log; in place of what was remembered of it."""
        found = next((row for row, known in self._watched() if known.origin == log.origin), None)
        self._set(tables.ledger_watched, found, {"origin": log.origin, "notes": list(log.notes)})

    def _set(self, table: Table, row: bytes | None, record: Mapping[str, Value]) -> None:
        if row is None:
            fresh = os.urandom(_ROW_BYTES)
            sealed = self._vault.root.seal(table.c.sealed, fresh, record)
            self._connection.execute(insert(table).values(id=fresh, sealed=sealed))
            return
        sealed = self._vault.root.seal(table.c.sealed, row, record)
        self._connection.execute(update(table).where(table.c.id == row).values(sealed=sealed))

    @abstractmethod
    def _set_ledgered(self, size: int) -> None:
        """Remember how many leaves there are."""

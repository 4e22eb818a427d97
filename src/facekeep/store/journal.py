"""The coordinator's log of a two-phase commit over three stores: the registry and the two halves.

A transaction is begun as *prepared*; while it is that, the next open undoes it. Once it is marked *committed*, which
happens in the same registry transaction as its other effects, the next open finishes it. It is ended when all three
stores are done. An entry holds identifiers and states, never a share, a template or a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from facekeep.domain.row import TransactionId
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError
from facekeep.store.records import Value
from facekeep.store.vault import ROLE

__all__ = ["JournalEntry", "JournalKind", "JournalState", "entry_of", "record_of"]


class JournalKind(StrEnum):
    """What a transaction does."""

    ENROL = "enrol"
    ERASE = "erase"
    REFRESH = "refresh"
    PURPOSES = "purposes"
    NEVER_RETURN = "never-return"


class JournalState(StrEnum):
    """How far a transaction has come."""

    PREPARED = "prepared"
    """It will be undone at the next open."""
    COMMITTED = "committed"
    """It will be finished at the next open."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One transaction that has begun and not ended.

    Attributes:
        id: 16 random bytes, known to all three stores.
        number: counts the transactions of this registry; entries are listed in its order.
        kind: what it does.
        state: how far it has come.
        subject: whom it is about, if one person.
        payload: the identifiers that it needs to be undone or finished.
    """

    id: TransactionId
    number: int
    kind: JournalKind
    state: JournalState
    subject: SubjectId | None
    payload: Mapping[str, Any]


def record_of(entry: JournalEntry) -> dict[str, Value]:
    """The record of an entry. The payload's names carry a mark, so that none can pass for a field of the entry."""
    head: dict[str, Value] = {"number": entry.number, "kind": entry.kind.value, "state": entry.state.value}
    return head | {"subject": entry.subject} | {f"+{name}": value for name, value in entry.payload.items()}


def entry_of(transaction: TransactionId, record: Mapping[str, Any]) -> JournalEntry:
    """The entry of a record.

    Raises:
        DamagedStoreError: the record was written by a version that knows other kinds or states.
    """
    try:
        return JournalEntry(
            id=transaction,
            number=record["number"],
            kind=JournalKind(record["kind"]),
            state=JournalState(record["state"]),
            subject=record["subject"],
            payload={name[1:]: value for name, value in record.items() if name.startswith("+")},
        )
    except (KeyError, ValueError):
        raise DamagedStoreError("an entry of the journal is not of this version", store=ROLE) from None

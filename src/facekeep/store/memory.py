"""The ports of a half in memory: for tests, and for keeps that shall leave nothing behind.

They keep the same promises as the sealed ones, and pass the same contract tests, but seal nothing: there is no disk
from which anything could be stolen.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from facekeep.domain.row import (
    TRANSACTION_BYTES,
    Applied,
    Change,
    Pseudonym,
    PutRow,
    PutState,
    RemoveRow,
    StoredRow,
    TransactionId,
)
from facekeep.errors import DamagedStoreError, UsageError
from facekeep.store.half_chain import RECORD_BYTES_MAX
from facekeep.store.half_keys import check_side
from facekeep.store.half_staging import check_state

__all__ = ["MemoryHalfLog", "MemoryHalfStore"]

_STORE_ID_BYTES: Final = 16


@dataclass(slots=True)
class _Contents:
    """What a file would hold, so that a fake can be closed and opened again."""

    store_id: bytes = field(default_factory=lambda: os.urandom(_STORE_ID_BYTES))
    epoch: int = 0
    generation: int = 0
    rows: dict[int, PutRow] = field(default_factory=dict)
    slots: dict[Pseudonym, int] = field(default_factory=dict)
    states: dict[str, bytes] = field(default_factory=dict)
    staged: dict[TransactionId, tuple[list[Change], bool]] = field(default_factory=dict)


class MemoryHalfStore:
    """A half's rows in memory. Implements ``facekeep.split.ports.HalfStore``; errors are those of SqliteHalfStore.

    Args:
        side: ``left`` or ``right``, named in errors.
    """

    def __init__(self, *, side: str) -> None:
        self._side = check_side(side)
        self._contents = _Contents()
        self._lock = threading.RLock()
        self._entered: dict[TransactionId, bool] = {}
        self._closed = False

    def reopened(self) -> MemoryHalfStore:
        """A store that holds what this one held, as if its file had been opened anew."""
        other = MemoryHalfStore(side=self._side)
        other._contents = self._contents
        return other

    @property
    def store_id(self) -> bytes:
        """16 random bytes, drawn when the store was made."""
        return self._contents.store_id

    @property
    def epoch(self) -> int:
        """The epoch of the committed rows."""
        return self._contents.epoch

    @property
    def generation(self) -> int:
        """Number of committed transactions."""
        return self._contents.generation

    def __len__(self) -> int:
        """Number of committed rows."""
        return len(self._contents.rows)

    def rows(self) -> Iterator[StoredRow]:
        """Every committed row, in order of slot.

        Raises:
            UsageError: the store was changed before the last row was read.
        """
        with self._lock:
            slots, generation = sorted(self._open().rows), self.generation
        for slot in slots:
            if self.generation != generation:
                raise UsageError(f"the {self._side} half was changed while its rows were read")
            yield self._stored(slot)

    def find(self, pseudonym: Pseudonym) -> StoredRow | None:
        """The committed row of a pseudonym, or None."""
        with self._lock:
            slot = self._open().slots.get(pseudonym)
            return None if slot is None else self._stored(slot)

    def deep(self, slots: Sequence[int]) -> list[bytes]:
        """The deep parts of rows, in the order asked."""
        with self._lock:
            rows = self._open().rows
            if not all(slot in rows and rows[slot].deep for slot in slots):
                raise DamagedStoreError(f"the {self._side} half lacks a row that was asked for", store=self._side)
            return [rows[slot].deep for slot in slots]

    def state(self, name: str) -> bytes | None:
        """A named value of the half, or None."""
        with self._lock:
            return self._open().states.get(name)

    def stage(self, transaction: TransactionId, changes: Iterable[Change], *, new_epoch: bool = False) -> None:
        """Keep a transaction without applying it; see SqliteHalfStore."""
        if len(transaction) != TRANSACTION_BYTES:
            raise UsageError(f"a transaction id has {TRANSACTION_BYTES} bytes")
        with self._lock:
            others = {other: begins for other, (_, begins) in self._open().staged.items() if other != transaction}
            others |= self._entered
            if transaction in self._entered or (others if new_epoch else any(others.values())):
                raise UsageError(
                    f"another transaction of the {self._side} half is in the way: a new epoch stands alone",
                    hint="Commit or abort what is staged, then try again.",
                )
            self._entered[transaction] = new_epoch
        try:
            kept = list(changes)
            _check_changes(kept)
            with self._lock:
                staged = self._open().staged
                staged.pop(transaction, None)
                staged[transaction] = (kept, new_epoch)
        finally:
            del self._entered[transaction]

    def commit(self, transaction: TransactionId) -> list[Applied]:
        """Apply a staged transaction and count a generation; see SqliteHalfStore."""
        with self._lock:
            contents = self._open()
            changes, new_epoch = contents.staged.pop(transaction, (None, False))
            if changes is None:
                return []
            if new_epoch:
                contents.rows.clear()
                contents.slots.clear()
                contents.epoch += 1
            contents.generation += 1
            free = (slot for slot in itertools.count() if slot not in contents.rows)
            removed = [change for change in changes if isinstance(change, RemoveRow)]
            # A slot freed by a transaction is used by the next one: until then it shows as removed.
            applied = {id(change): self._apply(change, free) for change in changes if not isinstance(change, RemoveRow)}
            applied |= {id(change): self._remove(change) for change in removed}
            ordered = (applied[id(change)] for change in changes)
            return [] if new_epoch else [one for one in ordered if one is not None]

    def abort(self, transaction: TransactionId) -> None:
        """Forget a staged transaction."""
        with self._lock:
            self._open().staged.pop(transaction, None)

    def staged(self) -> list[TransactionId]:
        """The transactions staged and neither committed nor aborted, in the order of staging."""
        with self._lock:
            return list(self._open().staged)

    def save_state(self, name: str, value: bytes) -> None:
        """Write a named value on its own, without counting a generation."""
        check_state(name, value)
        with self._lock:
            self._open().states[name] = bytes(value)

    def close(self) -> None:
        """No method may be called afterwards."""
        self._closed = True

    def _open(self) -> _Contents:
        if self._closed:
            raise UsageError(f"the {self._side} half is closed")
        return self._contents

    def _stored(self, slot: int) -> StoredRow:
        row = self._contents.rows[slot]
        return StoredRow(slot, row.head, row.quick)

    def _apply(self, change: Change, free: Iterator[int]) -> Applied | None:
        contents = self._contents
        if isinstance(change, PutState):
            contents.states[change.name] = bytes(change.value)
        if not isinstance(change, PutRow):
            return None
        pseudonym = change.head.pseudonym
        slot = contents.slots.get(pseudonym)
        if slot is None:
            slot = contents.slots[pseudonym] = next(free)
        contents.rows[slot] = change
        return Applied(slot, self._stored(slot))

    def _remove(self, change: RemoveRow) -> Applied | None:
        slot = self._contents.slots.pop(change.pseudonym, None)
        if slot is None:
            return None
        del self._contents.rows[slot]
        return Applied(slot, None)


class MemoryHalfLog:
    """A half's log in memory. Implements ``facekeep.split.ports.HalfLog``.

    Args:
        side: ``left`` or ``right``, named in errors.
    """

    def __init__(self, *, side: str) -> None:
        self._side = check_side(side)
        self._records: list[bytes] = []
        self._closed = False

    def reopened(self) -> MemoryHalfLog:
        """A log that holds what this one held, as if its file had been opened anew."""
        other = MemoryHalfLog(side=self._side)
        other._records = self._records
        return other

    def __len__(self) -> int:
        """Number of records."""
        return len(self._records)

    def append(self, record: bytes, *, durable: bool) -> None:
        """Add a record of 1 byte to 64 KiB."""
        self.append_many((record,), durable=durable)

    def append_many(self, records: Sequence[bytes], *, durable: bool) -> None:  # noqa: ARG002 (memory has no disk)
        """Add records in order."""
        if not all(1 <= len(record) <= RECORD_BYTES_MAX for record in records):
            raise UsageError(f"a record of the log has 1 to {RECORD_BYTES_MAX} bytes")
        self._open().extend(bytes(record) for record in records)

    def replay(self, start: int = 0) -> Iterator[bytes]:
        """The records from ``start`` on, up to the last at the time when the first is asked for."""
        yield from self._open()[max(start, 0) :]

    def close(self) -> None:
        """No method may be called afterwards."""
        self._closed = True

    def _open(self) -> list[bytes]:
        if self._closed:
            raise UsageError(f"the log of the {self._side} half is closed")
        return self._records


def _check_changes(changes: list[Change]) -> None:
    seen: set[tuple[str, bytes | str]] = set()
    for change in changes:
        match change:
            case PutRow():
                key: tuple[str, bytes | str] = ("row", change.head.pseudonym)
            case RemoveRow():
                key = ("row", change.pseudonym)
            case PutState():
                check_state(change.name, change.value)
                key = ("state", change.name)
        if key in seen:
            raise UsageError("a transaction has at most one change of each row and value")
        seen.add(key)

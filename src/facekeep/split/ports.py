"""What the roles of the split gallery need of the world and of each other.

The first two ports are implemented by ``facekeep.store``; the others by the roles themselves, in process today and over
the network later. No role's module imports another role's: they meet in these protocols only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from facekeep.domain.row import Applied, Change, Pseudonym, StoredRow, TransactionId


class HalfStore(Protocol):
    """The bytes at rest of one half. Every method raises DamagedStoreError when a record does not authenticate.

    Writes are two-phase: ``stage`` makes a transaction durable but invisible, ``commit`` applies it whole, ``abort``
    forgets it. Both are idempotent: a transaction that is not staged is taken as ended. A staged transaction survives
    ``kill -9`` and is listed by ``staged``.
    """

    @property
    def store_id(self) -> bytes:
        """16 random bytes, drawn when the store was made."""
        ...

    @property
    def epoch(self) -> int:
        """The epoch whose key seals the committed rows."""
        ...

    @property
    def generation(self) -> int:
        """Number of committed transactions; equal in both halves and the registry when nothing is under way."""
        ...

    def __len__(self) -> int:
        """Number of committed rows."""
        ...

    def rows(self) -> Iterator[StoredRow]:
        """Every committed row, in order of slot."""
        ...

    def find(self, pseudonym: Pseudonym) -> StoredRow | None:
        """The committed row of a pseudonym, or None."""
        ...

    def deep(self, slots: Sequence[int]) -> list[bytes]:
        """The deep parts of rows, in the order asked. Left halves have none and are never asked."""
        ...

    def state(self, name: str) -> bytes | None:
        """A named value of the half, or None."""
        ...

    def stage(self, transaction: TransactionId, changes: Iterable[Change], *, new_epoch: bool = False) -> None:
        """Make a transaction durable without applying it.

        Args:
            transaction: 16 bytes, chosen by the coordinator; re-staging the same id replaces what was staged.
            changes: at most one per pseudonym; consumed as a stream, so a gallery need not fit in memory twice.
            new_epoch: draw a new epoch key, seal the changes under it, and make it the store's epoch at commit. The
                changes must then write every row; the rows they leave out are removed at commit. Such a transaction
                stands alone: UsageError if another one is staged, and for others while it is.
        """
        ...

    def commit(self, transaction: TransactionId) -> list[Applied]:
        """Apply a staged transaction whole and durably, count a generation; a new epoch destroys the old key.

        Returns:
            What changed, in the order of the changes. Empty for a transaction that is not staged, and for one that
            began an epoch: every row has changed then and may be in another slot, so ``rows`` is to be read again.
        """
        ...

    def abort(self, transaction: TransactionId) -> None:
        """Forget a staged transaction, and the epoch key drawn for it."""
        ...

    def staged(self) -> list[TransactionId]:
        """The transactions staged and neither committed nor aborted."""
        ...

    def save_state(self, name: str, value: bytes) -> None:
        """Write a named value on its own, durably, without counting a generation."""
        ...

    def close(self) -> None:
        """Close the file. No method may be called afterwards."""
        ...


class HalfLog(Protocol):
    """The append-only log of one half. Records are sealed and chained: a changed or removed one is found."""

    def __len__(self) -> int:
        """Number of records."""
        ...

    def append(self, record: bytes, *, durable: bool) -> None:
        """Add a record of at most 64 KiB; return after it is on disk if ``durable``, at once otherwise."""
        ...

    def append_many(self, records: Sequence[bytes], *, durable: bool) -> None:
        """Add records in order, with one write and one flush."""
        ...

    def replay(self, start: int = 0) -> Iterator[bytes]:
        """The records from ``start`` on. Raises DamagedStoreError at the first that does not authenticate."""
        ...

    def close(self) -> None:
        """Flush and close the file."""
        ...

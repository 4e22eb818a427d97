"""The sealed SQLite store of one half of the split gallery.

Implements ``facekeep.split.ports.HalfStore``. The format, and what the file tells to a thief, is written down in
docs/reference/half-store.md; the packing of rows is in :mod:`facekeep.store.half_rows`.

Three thoughts carry it:

* *Sealed cells stay where they are.* Staging writes a row's cells to their final place and commit only points to them,
  so a row is written once; and a dead cell is overwritten in place by zeros and its place used again, so no page split
  leaves a copy of it behind.
* *The file is the truth about epochs, the key provider about what can still be read.* An epoch key is on disk before
  anything is sealed under it; the sealed epoch number is flipped in the same SQLite transaction as the rows; the old
  key is destroyed afterwards. Opening finishes whichever of these steps a crash cut short.
* *Nothing is believed before it authenticates*, and nothing goes missing: the sealed counters tell how many rows and
  staged transactions there are, and which named values.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from facekeep.domain.row import TRANSACTION_BYTES, Applied, Change, TransactionId
from facekeep.errors import KeyMissingError, UsageError
from facekeep.store import half_staging as staging
from facekeep.store.half_commit import apply_changes, apply_epoch, read_states, reseal, save_state
from facekeep.store.half_file import HalfFile
from facekeep.store.half_keys import SIDES, check_side, role_keys
from facekeep.store.half_reading import HalfReading
from facekeep.store.half_rows import BOUND_BYTES, Counts, RoleCodec, RowCodec, StagedDigest, damaged
from facekeep.store.half_staging import CHUNK, StagedTransaction, check_state, seal_change
from facekeep.store.keys import KeyProvider, new_key

__all__ = ["SqliteHalfStore"]

_STORE_ID_BYTES: Final = 16


class SqliteHalfStore(HalfReading):
    """The bytes at rest of one half. Open it with :meth:`create` or :meth:`open`; it may be shared between threads.

    Raises:
        DamagedStoreError: from every method: a cell does not authenticate, or the file cannot be read or written.
        UsageError: from every method after :meth:`close`.
    """

    def __init__(self, file: HalfFile, keys: KeyProvider, role_key: bytes, *, keep_id: bytes, store_id: bytes) -> None:
        super().__init__(file, keys, role_key, keep_id=keep_id, store_id=store_id)
        self._entered: dict[TransactionId, bool] = {}
        self._sealed_counts = self._written_counts = b""

    @classmethod
    def create(cls, path: Path, keys: KeyProvider, *, side: str, keep_id: bytes) -> SqliteHalfStore:
        """Make an empty store of epoch 0, mode 0600.

        The role key (named as the side) is used if it is there and drawn if not; the key of epoch 0 is drawn.

        Args:
            path: where; there must be nothing yet.
            keys: where the keys of this half are kept.
            side: ``left`` or ``right``.
            keep_id: the identifier of the keep; the store opens with no other.

        Raises:
            UsageError: there is already a file, or no such side.
            DamagedStoreError: the file cannot be written, or there is already a key of epoch 0.
        """
        file = HalfFile.create(path, check_side(side))
        try:
            if side not in keys.names():
                keys.put(side, new_key())
            store_id = os.urandom(_STORE_ID_BYTES)
            store = cls(file, keys, role_keys(keys, side)[0], keep_id=keep_id, store_id=store_id)
            store._keys.begin()
            store._codec = store._codec_of(0)
            meta = (
                side,
                store_id,
                store._role.fingerprint,
                store._role.seal_epoch(0),
                store._codec.seal_counts(store._counts),
            )
            with file.writing() as database:
                database.execute("INSERT INTO meta VALUES (1, ?, ?, ?, ?, ?)", meta)
            store._sealed_counts = meta[-1]
        except BaseException:
            file.close()
            raise
        return store

    @classmethod
    def open(cls, path: Path, keys: KeyProvider, *, side: str, keep_id: bytes) -> SqliteHalfStore:
        """Open a store, and finish what a crash cut short: an incomplete staging, the destruction of an epoch key.

        Args:
            path: the file.
            keys: where the keys of this half are kept.
            side: ``left`` or ``right``.
            keep_id: the identifier of the keep.

        Raises:
            DamagedStoreError: the file is missing, damaged, of the other half or of another keep.
            KeyMissingError: its keys are missing or do not open it; an old backup's epoch key was destroyed.
            UsageError: another process holds the file, or no such side.
        """
        file = HalfFile.open(path, check_side(side))
        try:
            with file.reading() as database:
                store_id, fingerprint, epoch, counts = _read_meta(database, side)
            for role_key in role_keys(keys, side):
                store = cls(file, keys, role_key, keep_id=keep_id, store_id=store_id)
                if store._role.fingerprint == fingerprint:
                    store._take_up(epoch, counts)
                    return store
        except BaseException:
            file.close()
            raise
        file.close()
        raise KeyMissingError(f"the key of the {side} half does not open it", store=side)

    def save_state(self, name: str, value: bytes) -> None:
        """Write a named value on its own, durably, without counting a generation.

        Raises:
            UsageError: the value is longer than 16 MiB.
        """
        check_state(name, value)
        with self._file.lock:
            with self._file.writing() as database:
                tag = self._codec.state_tag(name)
                sealed = self._codec.seal_state(name, value, tag)
                save_state(database, tag, sealed)
                counts = replace(self._counts, states=self._counts.states | {tag: sealed[-BOUND_BYTES:]})
                self._write_counts(database, self._codec, counts)
            self._take_over(counts)

    def stage(self, transaction: TransactionId, changes: Iterable[Change], *, new_epoch: bool = False) -> None:
        """Make a transaction durable without applying it. ``changes`` may read this store while it is consumed.

        Args:
            transaction: 16 bytes; re-staging the same id replaces what was staged, once it is staged whole.
            changes: at most one per pseudonym or name, consumed as a stream in chunks of 4,096.
            new_epoch: draw a new epoch key and seal the changes under it. Such a transaction stands alone: it is
                refused while another one is staged, and others are refused while it is.

        Raises:
            UsageError: another transaction is in the way, or two changes concern the same row or value.
        """
        if len(transaction) != TRANSACTION_BYTES:
            raise UsageError(f"a transaction id has {TRANSACTION_BYTES} bytes")
        number: int | None = None
        source, digest = iter(changes), StagedDigest()
        try:
            codec = self._enter(transaction, new_epoch=new_epoch)
            while True:
                chunk = [seal_change(codec, change) for change in itertools.islice(source, CHUNK)]
                with self._file.lock:
                    counts = self._counts
                    with self._file.writing() as database:
                        begun = staging.new_number(database) if number is None else number
                        staging.write(database, begun, chunk, digest)
                        if len(chunk) < CHUNK:
                            counts = self._drop(database, transaction)
                            counts = replace(counts, staged=counts.staged + 1)
                            staging.finish(database, self._codec, begun, transaction, digest, new_epoch=new_epoch)
                            self._write_counts(database, self._codec, counts)
                    # Only now is the number ours: had the disk been full, another thread might have been given it.
                    number = begun
                    if len(chunk) < CHUNK:
                        self._take_over(counts)
                if len(chunk) < CHUNK:
                    break
        except BaseException:
            self._leave(transaction, number)
            raise
        self._leave(transaction, None)

    def commit(self, transaction: TransactionId) -> list[Applied]:
        """Apply a staged transaction whole, durably, and count a generation.

        When it returns, what it replaced or removed is in no file of the store any more.

        Returns:
            What changed, in the order of the changes. Empty for a transaction that is not staged, and for one that
            began an epoch: every row has changed then, and may be in another slot; read :meth:`rows` again.
        """
        with self._file.lock:
            staged = self._staged(transaction)
            if staged is None:
                self._file.scrub()
                return []
            if staged.new_epoch:
                self._commit_epoch(staged)
                return []
            with self._file.writing() as database:
                applied, grown, states, destroyed = apply_changes(database, self._codec, staged, self._side)
                staging.drop(database, staged.number, blank=False)
                old = self._counts
                counts = Counts(old.generation + 1, old.rows + grown, old.staged - 1, old.states | states)
                self._write_counts(database, self._codec, counts)
            self._take_over(counts)
            for change in applied:
                self._bounds.forget(change.slot)
            if destroyed:
                self._file.soil()
            self._file.scrub()
            return applied

    def abort(self, transaction: TransactionId) -> None:
        """Forget a staged transaction, and the epoch key drawn for it. One that is not staged is taken as ended."""
        with self._file.lock:
            with self._file.writing() as database:
                counts = self._drop(database, transaction)
                self._write_counts(database, self._codec, counts)
            self._take_over(counts)
            self._undraw()
            self._file.scrub()

    def reseal(self, role_key: bytes) -> None:
        """Seal everything again under another role key, in one SQLite transaction. No key is put or deleted.

        Use :func:`facekeep.store.half_rotation.rotate_half`, which does this to the store and its log together.

        Raises:
            UsageError: a transaction is staged, or being staged; end it first.
        """
        with self._file.lock:
            if self._entered or self.staged():
                raise UsageError(f"the {self._side} half has a staged transaction; end it before its key is changed")
            role = RoleCodec(self._side, role_key, store_id=self._store_id, keep_id=self._keep_id)
            codec = self._codec_of(self._epoch, role_key)
            with self._file.writing() as database:
                self._check_states(database)
                states = reseal(database, self._codec, codec, self._counts.rows, self._side)
                counts = replace(self._counts, states=states)
                self._write_counts(database, codec, counts)
                meta = (role.fingerprint, role.seal_epoch(self._epoch))
                database.execute("UPDATE meta SET fingerprint = ?, epoch = ?", meta)
            self._role, self._role_key, self._codec = role, role_key, codec
            self._bounds.clear()
            self._take_over(counts)
            self._file.soil()
            self._file.scrub()

    def _take_up(self, epoch: bytes, counts: bytes) -> None:
        """Take up an existing file: its counters, and what a crash has left over."""
        self._epoch = self._role.open_epoch(epoch)
        self._codec = self._codec_of(self._epoch)
        self._sealed_counts = counts
        with self._file.reading() as database:
            self._counts = self._codec.open_counts(counts, read_states(database))
            # Before anything is dropped: a transaction that is counted, but looks incomplete, is a damaged one.
            self._transactions(database)
            cut_short = staging.incomplete(database)
        for number in cut_short:
            with self._file.writing() as database:
                staging.drop(database, number, blank=True)
        self._keys.settle(self._epoch)
        self._undraw()
        # The crash may have come between a commit and its scrubbing.
        self._file.soil()
        self._file.scrub()

    def _staged(self, transaction: TransactionId) -> StagedTransaction | None:
        with self._file.reading() as database:
            for staged in self._transactions(database):
                if staged.transaction == transaction:
                    return staged
        return None

    def _drop(self, database: sqlite3.Connection, transaction: TransactionId) -> Counts:
        """Forget a staged transaction; the counters as they are then."""
        staged = self._staged(transaction)
        if staged is None:
            return self._counts
        staging.drop(database, staged.number, blank=True)
        self._file.soil()
        return replace(self._counts, staged=self._counts.staged - 1)

    def _check_states(self, database: sqlite3.Connection) -> None:
        if read_states(database) != self._counts.states:
            raise damaged(self._side, "lacks a value that it had, or has an older one")

    def _enter(self, transaction: TransactionId, *, new_epoch: bool) -> RowCodec:
        """Admit a staging, and give the codec that it seals with."""
        with self._file.reading() as database:
            staged = {one.transaction: one.new_epoch for one in self._transactions(database)}
            again = staged.pop(transaction, False)
            others = staged | self._entered
            if transaction in self._entered or (others if new_epoch else any(others.values())):
                raise UsageError(
                    f"another transaction of the {self._side} half is in the way: a new epoch stands alone",
                    hint="Commit or abort what is staged, then try again.",
                )
            codec = self._codec
            if new_epoch:
                if not again:
                    self._keys.draw(self._epoch + 1)
                codec = self._codec_of(self._epoch + 1)
            self._entered[transaction] = new_epoch
            return codec

    def _leave(self, transaction: TransactionId, unfinished: int | None) -> None:
        with self._file.lock:
            self._entered.pop(transaction, None)
            if unfinished is not None:
                with self._file.writing() as database:
                    staging.drop(database, unfinished, blank=True)
                self._file.soil()
            self._undraw()
            self._file.scrub()

    def _write_counts(self, database: sqlite3.Connection, codec: RowCodec, counts: Counts) -> None:
        """Write the counters, in place of those that memory knows.

        Ctrl-C during a commit leaves memory behind the file. Were memory's counters then written, nobody could open
        the file again; so nothing more is, until it was opened anew.
        """
        self._written_counts = codec.seal_counts(counts)
        values = (self._written_counts, self._sealed_counts)
        if database.execute("UPDATE meta SET counts = ? WHERE counts = ?", values).rowcount != 1:
            raise damaged(self._side, "was interrupted in the middle of a write", hint="Open the keep again.")

    def _take_over(self, counts: Counts) -> None:
        """Believe what was written last: it is on disk now."""
        self._sealed_counts, self._counts = self._written_counts, counts

    def _undraw(self) -> None:
        """Destroy the key of the next epoch if no transaction needs it."""
        if not self._keys.drawn or any(self._entered.values()):
            return
        with self._file.reading() as database:
            needed = any(staged.new_epoch for staged in self._transactions(database))
        if not needed:
            self._keys.undraw(self._epoch + 1)

    def _commit_epoch(self, staged: StagedTransaction) -> None:
        codec = self._codec_of(self._epoch + 1)
        with self._file.writing() as database:
            self._check_states(database)
            rows, states = apply_epoch(database, self._codec, codec, staged, self._side)
            staging.drop(database, staged.number, blank=False)
            counts = Counts(self._counts.generation + 1, rows, self._counts.staged - 1, states)
            self._write_counts(database, codec, counts)
            database.execute("UPDATE meta SET epoch = ?", (self._role.seal_epoch(self._epoch + 1),))
        self._epoch, self._codec = self._epoch + 1, codec
        self._bounds.clear()
        self._take_over(counts)
        self._file.soil()
        self._keys.turn(self._epoch - 1)
        self._file.scrub()


def _read_meta(database: sqlite3.Connection, side: str) -> tuple[bytes, bytes, bytes, bytes]:
    meta = database.execute("SELECT side, store, fingerprint, epoch, counts FROM meta").fetchall()
    if len(meta) != 1 or meta[0][0] not in SIDES or not all(isinstance(value, bytes) for value in meta[0][1:]):
        raise damaged(side, "is damaged")
    found, store_id, fingerprint, epoch, counts = meta[0]
    if found != side:
        raise damaged(side, f"was swapped: in its place is a {found} half")
    return store_id, fingerprint, epoch, counts

"""The append-only log of one half: sealed records in one file, each chained to all before it.

Implements ``facekeep.split.ports.HalfLog``; the layout is in :mod:`facekeep.store.half_chain`. Opening hashes the file
and opens its last record only, since that one vouches for the others.
"""

from __future__ import annotations

import fcntl
import hmac
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.half_chain import (
    HEADER_BYTES,
    MAGIC,
    RECORD_BYTES_MAX,
    Mark,
    damaged_log,
    first_mark,
    log_header,
    log_sealer,
    open_record,
    seal_record,
    walk,
)
from facekeep.store.half_file import sync_directory
from facekeep.store.half_keys import SIDES, check_side, role_keys
from facekeep.store.keys import KeyProvider
from facekeep.store.sealing import Sealer

__all__ = ["FileHalfLog"]

_COPY_BYTES: Final = 1 << 20
_MARK_EVERY: Final = 1024
"""Every how many records memory holds a place from which a replay can begin."""


class FileHalfLog:
    """The log file of one half. Open it with :meth:`create` or :meth:`open`; it may be shared between threads.

    Raises:
        DamagedStoreError: from every method: a record does not authenticate, or the file cannot be read or written.
        UsageError: from every method after :meth:`close`.
    """

    def __init__(self, path: Path, descriptor: int, *, side: str, store_id: bytes, role_key: bytes) -> None:
        self._path = path
        self._side = side
        self._descriptor: int
        self._sealer: Sealer
        self._header: bytes
        self._end: Mark
        self._marks: list[Mark]
        self._store_id = store_id
        self._lock = threading.RLock()
        self._closed = False
        self._broken = False
        self._adopt(descriptor, role_key)

    @classmethod
    def create(cls, path: Path, keys: KeyProvider, *, side: str, store_id: bytes) -> FileHalfLog:
        """Make an empty log, mode 0600, on disk with its name when this returns.

        Args:
            path: where; there must be nothing yet.
            keys: where the role key of this half is kept.
            side: ``left`` or ``right``.
            store_id: the identifier of the store that the log belongs to.

        Raises:
            UsageError: there is already a file, or no such side.
            KeyMissingError: the role key is missing.
            DamagedStoreError: the file cannot be written.
        """
        role_key = role_keys(keys, check_side(side))[0]
        if path.exists():
            raise UsageError(f"there is already a file where the log of the {side} half shall be written")
        beside = path.with_name(path.name + ".new")
        _write_new(beside, side, [log_header(side, role_key, store_id)])
        _rename(beside, path, side)
        return cls.open(path, keys, side=side, store_id=store_id)

    @classmethod
    def open(
        cls, path: Path, keys: KeyProvider, *, side: str, store_id: bytes, expected_length: int = 0
    ) -> FileHalfLog:
        """Open a log, check its whole chain, and cut off a last record that a crash left incomplete.

        Args:
            path: the file.
            keys: where the role key of this half is kept.
            side: ``left`` or ``right``.
            store_id: the identifier of the store that the log belongs to.
            expected_length: how many records there are at least, as the store remembers.

        Raises:
            DamagedStoreError: the file is missing, damaged, shortened, or belongs to another half or store.
            KeyMissingError: the role key is missing or does not open it.
            UsageError: another process holds the file.
        """
        check_side(side)
        descriptor = _open_locked(path, side)
        try:
            role_key = _key_of(descriptor, keys, side, store_id)
            log = cls(path, descriptor, side=side, store_id=store_id, role_key=role_key)
            log._settle(expected_length)
        except BaseException:
            os.close(descriptor)
            raise
        return log

    def __len__(self) -> int:
        """Number of records."""
        return self._end.number

    def append(self, record: bytes, *, durable: bool) -> None:
        """Add a record of 1 byte to 64 KiB; return after it is on disk if ``durable``, at once otherwise.

        Raises:
            UsageError: the record is empty or too long.
            DamagedStoreError: it cannot be written; the log is as it was before.
        """
        self.append_many((record,), durable=durable)

    def append_many(self, records: Sequence[bytes], *, durable: bool) -> None:
        """Add records in order, with one write and one flush.

        After a crash the first of them may be there without the others.

        Raises:
            UsageError: a record is empty or too long.
            DamagedStoreError: they cannot be written; the log is as it was before.
        """
        if not all(1 <= len(record) <= RECORD_BYTES_MAX for record in records):
            raise UsageError(f"a record of the log has 1 to {RECORD_BYTES_MAX} bytes")
        with self._lock:
            self._check_open()
            written, end, marks = bytearray(), self._end, []
            for record in records:
                framed, end = seal_record(self._sealer, end, record)
                written += framed
                if end.number % _MARK_EVERY == 0:
                    marks.append(end)
            try:
                _write_all(self._descriptor, written)
                if durable:
                    os.fdatasync(self._descriptor)
            except OSError:
                self._undo_write()
                raise damaged_log(
                    self._side, "cannot be written", hint="Make room on the disk and try again."
                ) from None
            except BaseException:  # Ctrl-C: the next record would be chained to one that memory does not know
                self._undo_write()
                raise
            self._end = end
            self._marks.extend(marks)

    def replay(self, start: int = 0) -> Iterator[bytes]:
        """The records from ``start`` on, as a stream, up to the last at the time when the first is asked for.

        Raises:
            DamagedStoreError: at the first record that does not authenticate.
        """
        with self._lock:
            self._check_open()
            end, sealer = self._end, self._sealer
            mark = self._marks[min(max(start, 0) // _MARK_EVERY, len(self._marks) - 1)]
            # Sealing the log anew replaces the file; this descriptor keeps the one that was there.
            descriptor = _open_file(self._path, os.O_RDONLY, self._side)
        try:
            for after, sealed in walk(descriptor, mark, end.offset, self._side):
                if mark.number >= start:
                    yield open_record(sealer, mark, sealed, self._side)
                mark = after
        finally:
            os.close(descriptor)
        if mark.number != end.number:
            raise damaged_log(self._side, f"is damaged at record {mark.number}")

    def flush(self) -> None:
        """Put on disk what was appended without ``durable``."""
        with self._lock:
            self._check_open()
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                self._broken = True
                raise damaged_log(self._side, "cannot be written") from None

    @contextmanager
    def copying(self) -> Iterator[Callable[[Path], None]]:
        """What copies the log as it is at the beginning of the block into a new file of mode 0600, once.

        A log only grows, so that records are appended meanwhile. The copying raises UsageError if there is a file
        already, and DamagedStoreError if it cannot be written.
        """
        with self._lock:
            self._check_open()
            descriptor, end = os.dup(self._descriptor), self._end.offset

        def parts() -> Iterator[bytes]:
            at = 0
            while part := os.pread(descriptor, min(_COPY_BYTES, end - at), at):
                yield part
                at += len(part)
            if at < end:
                raise damaged_log(self._side, "was shortened while it was copied")

        def copy(target: Path) -> None:
            if target.exists():
                raise UsageError(f"there is already a file where the log of the {self._side} half shall be copied")
            _write_new(target, self._side, parts())

        try:
            yield copy
        finally:
            os.close(descriptor)

    def reseal(self, role_key: bytes) -> None:
        """Seal every record again under another role key: in a new file, which then takes the place of this one.

        Use :func:`facekeep.store.half_rotation.rotate_half`, which does this to the store and its log together.

        Raises:
            DamagedStoreError: a record does not open, or the new file cannot be written; the log is as it was before.
        """
        with self._lock:
            self._check_open()
            beside = self._path.with_name(self._path.name + ".new")
            header = log_header(self._side, role_key, self._store_id)
            _write_new(beside, self._side, self._resealed(header, role_key))
            descriptor = _open_locked(beside, self._side)
            try:
                _rename(beside, self._path, self._side)
            except DamagedStoreError:
                os.close(descriptor)
                raise
            os.close(self._descriptor)
            self._adopt(descriptor, role_key)

    def sealed_by(self, role_key: bytes) -> bool:
        """Whether this is the role key that seals the log."""
        return hmac.compare_digest(self._header, log_header(self._side, role_key, self._store_id))

    def close(self) -> None:
        """Flush and close the file."""
        with self._lock:
            if not self._closed:
                try:
                    if not self._broken:
                        self.flush()
                finally:
                    self._closed = True
                    os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _adopt(self, descriptor: int, role_key: bytes) -> None:
        """Take up a file: walk over it, find its end, and check its chain by its last record."""
        self._descriptor = descriptor
        self._sealer = log_sealer(self._side, role_key, self._store_id)
        self._header = log_header(self._side, role_key, self._store_id)
        self._end = before = first_mark(self._header)
        self._marks = [self._end]
        last = b""
        try:
            for mark, sealed in walk(descriptor, self._end, os.fstat(descriptor).st_size, self._side):
                before, self._end, last = self._end, mark, sealed
                if mark.number % _MARK_EVERY == 0:
                    self._marks.append(mark)
            if last:
                open_record(self._sealer, before, last, self._side)
        except DamagedStoreError:
            # A damaged record shows at the next one, whose chain is another then. Name the first that does not open.
            for _ in self.replay():
                pass
            raise

    def _settle(self, expected_length: int) -> None:
        """Cut off the beginning of a record whose writing a crash interrupted; walk has made sure that it is one."""
        if len(self) < expected_length:
            raise damaged_log(self._side, f"was shortened: it has {len(self)} records of {expected_length}")
        if self._end.offset < os.fstat(self._descriptor).st_size:
            try:
                os.ftruncate(self._descriptor, self._end.offset)
                os.fsync(self._descriptor)
            except OSError:
                raise damaged_log(self._side, "cannot be written") from None

    def _undo_write(self) -> None:
        """After a failed write: take away what there is of it. If even that fails, nothing more is written."""
        try:
            os.ftruncate(self._descriptor, self._end.offset)
            os.fsync(self._descriptor)
        except OSError:
            self._broken = True

    def _resealed(self, header: bytes, role_key: bytes) -> Iterator[bytes]:
        sealer = log_sealer(self._side, role_key, self._store_id)
        end = first_mark(header)
        yield header
        for record in self.replay():
            framed, end = seal_record(sealer, end, record)
            yield framed

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(f"the log of the {self._side} half is closed")
        if self._broken:
            raise damaged_log(self._side, "could not be written", hint="Close it, check the disk, and open it again.")


def _key_of(descriptor: int, keys: KeyProvider, side: str, store_id: bytes) -> bytes:
    """The role key that seals a log: the present one, or the next if a rotation was cut short."""
    header = os.pread(descriptor, HEADER_BYTES, 0)
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC) or header[7] != 0:
        raise damaged_log(side, "has a format that this version does not read, or is another file")
    if header[6] != SIDES.index(side) + 1:
        raise damaged_log(side, "was swapped: in its place is the log of another half")
    for role_key in role_keys(keys, side):
        if hmac.compare_digest(header, log_header(side, role_key, store_id)):
            return role_key
    raise KeyMissingError(f"the key of the {side} half does not open its log", store=side)


def _open_file(path: Path, flags: int, side: str) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except OSError:
        hint = "Put the file back where facekeep init made it; this account must be able to read and write it."
        raise damaged_log(side, "is missing or cannot be read", hint=hint) from None


def _open_locked(path: Path, side: str) -> int:
    descriptor = _open_file(path, os.O_RDWR | os.O_APPEND, side)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        hint = "Close the other process, or talk to it instead."
        raise UsageError(f"the log of the {side} half is in use by another process", hint=hint) from None
    return descriptor


def _write_all(descriptor: int, content: bytes | bytearray) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _write_new(path: Path, side: str, parts: Iterable[bytes]) -> None:
    """Write a file of mode 0600 that is on disk when this returns; what a crash left in its place is overwritten."""
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for part in parts:
                _write_all(descriptor, part)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        raise damaged_log(side, "cannot be written", hint="Check the directory and the room on its disk.") from None


def _rename(path: Path, target: Path, side: str) -> None:
    try:
        path.replace(target)
        sync_directory(target)
    except OSError:
        raise damaged_log(side, "cannot be written", hint="Check the directory and the room on its disk.") from None

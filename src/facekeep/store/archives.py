"""The archive of one store: a tar that age (v1, X25519) encrypts as it is written, and that is checked as it is read.

Neither side holds more than some kilobytes, nor writes anything in clear. All but the contents of files follows from
the manifest, which comes first: name, size and SHA-256 of each file, and a header that says nothing else. So reading
is comparing: there is one plaintext for a manifest and its files, and every other one is refused. Who has the identity
and no Facekeep opens an archive all the same: ``age -d -i IDENTITY left.age | tar x``.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import pyrage

from facekeep.domain.backups import MANIFEST_BYTES_MAX, STORES, ArchivedFile, Manifest, archive_name
from facekeep.errors import BadInputError, DamagedStoreError, UsageError

__all__ = ["Identities", "Recipients", "describe", "new_identity", "read_archive", "write_archive"]

_MANIFEST: Final = "manifest.json"
_BLOCK: Final = tarfile.BLOCKSIZE
_END: Final = bytes(2 * _BLOCK)
_PART: Final = 1 << 16


class _Sink(Protocol):
    def write(self, data: bytes) -> int: ...


class Recipients:
    """For whom an archive is encrypted: public keys of age, X25519 (``age1…``). Each of them alone opens it."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Read them.

        Raises:
            UsageError: there is none, or one of them is no such key. An identity given in place of a recipient is
                not shown.
        """
        found = []
        for text in texts:
            try:
                found.append(pyrage.x25519.Recipient.from_str(text))
            except pyrage.RecipientError:
                hint = "A recipient begins with age1. Make one with its identity: facekeep backup-identity FILE."
                raise UsageError("a recipient is not one of age (X25519)", hint=hint) from None
        if not found:
            raise UsageError("an archive has no recipient", hint="Name one for each store: --recipient-left age1….")
        self.keys: Final = tuple(found)

    @property
    def names(self) -> frozenset[str]:
        """As they are written, each once."""
        return frozenset(str(key) for key in self.keys)


class Identities:
    """What opens archives: private keys of age, X25519, as ``age-keygen`` and :func:`new_identity` write them."""

    def __init__(self, text: str) -> None:
        """Read a file of identities: one in a line; lines that begin with # are remarks.

        Raises:
            UsageError: there is none, or a line is something else. What it is is not shown.
        """
        lines = [line.strip() for line in text.splitlines()]
        try:
            self.keys: Final = tuple(
                pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")
            )
        except pyrage.IdentityError:
            hint = "Identities begin with AGE-SECRET-KEY-1, one in a line. Open one under a passphrase with age first."
            raise UsageError("a file of identities holds something else", hint=hint) from None
        if not self.keys:
            raise UsageError("a file of identities holds none", hint="Name what facekeep backup-identity made.")


def new_identity() -> tuple[str, str]:
    """A new identity as its file is written, and its recipient."""
    made = pyrage.x25519.Identity.generate()
    recipient = str(made.to_public())
    return f"# recipient: {recipient}\n{made}\n", recipient


def describe(path: Path, name: str) -> ArchivedFile:
    """A file as a manifest names it.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return ArchivedFile(name, os.fstat(file.fileno()).st_size, digest)


def write_archive(target: Path, manifest: Manifest, files: Mapping[str, Path], recipients: Recipients) -> str:
    """Write an archive that is on disk when this returns, mode 0600; gives its SHA-256 in hexadecimal digits.

    Args:
        target: where; there must be nothing.
        manifest: describes the files as they are.
        files: where each file of the manifest is.
        recipients: who can open it.

    Raises:
        OSError: it cannot be written, or a file cannot be read.
    """
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        writer = _Digesting(out)
        pyrage.encrypt_io(_Reader(_plaintext(manifest, files)), writer, recipients.keys)
        out.flush()
        os.fsync(out.fileno())
    return writer.digest.hexdigest()


def read_archive(path: Path, identities: Identities, store: str, into: Path) -> Manifest:
    """Open an archive and write its files, mode 0600, on disk when this returns.

    What was written before the archive was found to be damaged stays: the caller removes it.

    Args:
        path: of the archive.
        identities: one of which opens it.
        store: which store it is expected to be of.
        into: an empty folder.

    Raises:
        BadInputError: there is no such file, it is no archive, or none of the identities opens it.
        DamagedStoreError: it was cut or altered, or is of another store or version.
        OSError: its files cannot be written.
    """
    try:
        file = path.open("rb")
    except OSError:
        hint = f"A set has the archives {', '.join(map(archive_name, STORES))}; put them into one folder."
        raise BadInputError(f"the archive of {_called(store)} is not there or cannot be read", hint=hint) from None
    reader = _Unpacking(store, into)
    try:
        with file:
            pyrage.decrypt_io(file, reader, identities.keys)
        reader.finish()
    except pyrage.DecryptError:
        hint = f"Give the identity whose recipient the archive of this store was made for: --identity-{store} FILE."
        raise BadInputError(f"the archive of {_called(store)} does not open with this identity", hint=hint) from None
    except OSError as problem:
        if problem.errno is not None:  # of a file; age's own have no number
            raise
        raise _damaged(store, "was cut or altered") from None
    finally:
        reader.close()
    return reader.manifest


class _Reader:
    """Reads what comes in parts, as age asks for it."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = b""

    def read(self, size: int) -> bytes:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return b""
            self._rest = part
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


class _Digesting:
    """Writes, and hashes what it writes."""

    def __init__(self, sink: _Sink) -> None:
        self._sink = sink
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self._sink.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is held here."""


class _Unpacking:
    """Takes the plaintext of an archive as it comes, and writes its files."""

    def __init__(self, store: str, into: Path) -> None:
        self._store = store
        self._into = into
        self._steps = self._unpack()
        self._buffer = bytearray()
        self._wanted = next(self._steps)
        self._ended = False
        self._manifest: Manifest | None = None

    @property
    def manifest(self) -> Manifest:
        if self._manifest is None:
            raise _damaged(self._store, "was cut or altered")
        return self._manifest

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= self._wanted:
            if self._ended:
                raise _damaged(self._store, "was added to")
            part = bytes(self._buffer[: self._wanted])
            del self._buffer[: self._wanted]
            try:
                self._wanted = self._steps.send(part)
            except StopIteration:
                self._ended, self._wanted = True, 1
        return len(data)

    def flush(self) -> None:
        """Files are put on disk as each of them ends."""

    def finish(self) -> None:
        if not self._ended:
            raise _damaged(self._store, "was cut or altered")

    def close(self) -> None:
        self._steps.close()

    def _unpack(self) -> Generator[int, bytes, None]:
        """Asks for so many bytes, again and again."""
        header = yield _BLOCK
        size = self._size_of(header)
        text = yield size
        if (yield -size % _BLOCK) != bytes(-size % _BLOCK):
            raise _damaged(self._store, "was altered")
        try:
            manifest = Manifest.read(text)
        except ValueError:
            raise _damaged(self._store, "is of a version that this one does not read, or was altered") from None
        if manifest.store != self._store:
            raise _damaged(self._store, f"was swapped: it is that of {_called(manifest.store)}")
        self._manifest = manifest
        for file in manifest.files:
            if (yield _BLOCK) != _header(file.name, file.size):
                raise _damaged(self._store, "was altered")
            yield from self._extract(file)
            if (yield -file.size % _BLOCK) != bytes(-file.size % _BLOCK):
                raise _damaged(self._store, "was altered")
        if (yield len(_END)) != _END:
            raise _damaged(self._store, "was altered")

    def _size_of(self, header: bytes) -> int:
        """The size of the manifest, once its header is known to be one."""
        try:
            size = tarfile.TarInfo.frombuf(header, "ascii", "strict").size
        except (tarfile.HeaderError, UnicodeDecodeError):
            raise _damaged(self._store, "holds something else") from None
        if not 0 < size <= MANIFEST_BYTES_MAX or header != _header(_MANIFEST, size):
            raise _damaged(self._store, "holds something else")
        return size

    def _extract(self, file: ArchivedFile) -> Generator[int, bytes, None]:
        digest, left = hashlib.sha256(), file.size
        descriptor = os.open(self._into / file.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            while left:
                part = yield min(_PART, left)
                digest.update(part)
                out.write(part)
                left -= len(part)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != file.sha256:
            raise _damaged(self._store, "holds another file than its manifest names")


def _plaintext(manifest: Manifest, files: Mapping[str, Path]) -> Iterator[bytes]:
    text = manifest.written
    yield _header(_MANIFEST, len(text))
    yield text + bytes(-len(text) % _BLOCK)
    for file in manifest.files:
        yield _header(file.name, file.size)
        with files[file.name].open("rb") as content:
            while part := content.read(_PART):
                yield part
        yield bytes(-file.size % _BLOCK)
    yield _END


def _header(name: str, size: int) -> bytes:
    """The one header of a file of this name and size."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry.tobuf(tarfile.GNU_FORMAT, "ascii", "strict")


def _called(store: str) -> str:
    return "the registry" if store == "registry" else f"the {store} half"


def _damaged(store: str, what: str) -> DamagedStoreError:
    hint = "Take another copy of this archive, or another set. Nothing was restored."
    return DamagedStoreError(f"the archive of {_called(store)} {what}", store=store, hint=hint)

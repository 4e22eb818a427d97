r"""Keys as files that only their owner can read.

::

    keys/                     0700
    ├── registry/             0700, one directory per role, so that each can be moved to another disk or host
    │   ├── registry.key      0600
    │   └── registry.epoch.1.key
    ├── left/ …
    └── right/ …

A key file is ``"FKKEY\x01"`` (6 bytes) ‖ length (2 bytes, big-endian) ‖ key ‖ the first 8 bytes of SHA-256 over all
that stands before and the name. The checksum tells a file that was cut, damaged or renamed from a wrong key;
it protects nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from facekeep.errors import FormatError
from facekeep.store.keys import MAX_SECRET_BYTES, check_name, check_secret, is_name, missing, role_of, taken

__all__ = ["FileKeyProvider"]

_MAGIC: Final = b"FKKEY\x01"
_SUFFIX: Final = ".key"
_CHECK_BYTES: Final = 8
_MAX_FILE: Final = len(_MAGIC) + 2 + MAX_SECRET_BYTES + _CHECK_BYTES
_LOOSE: Final = stat.S_IRWXG | stat.S_IRWXO


class FileKeyProvider:
    """Keys in files below ``directory``, which is made if it is absent (mode 0700; its parent must exist).

    Raises:
        KeyMissingError: the directory is open to other accounts, or belongs to one.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        _make_private(directory, "keys")
        for path in directory.glob(f"*/*{_SUFFIX}"):
            if _was_destroyed(path):
                # A crash came between overwriting and unlinking: what is left would pass for a damaged key.
                path.unlink(missing_ok=True)

    def get(self, name: str) -> bytes:
        """See :class:`~facekeep.store.keys.KeyProvider`. A file that others may read counts as missing, and says so."""
        path = self._path(name)
        try:
            _check_private(path.parent.stat(), name, "directory", 0o700)
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            raise missing(name, "is not there") from None
        except OSError:
            hint = "Check that the key file is a plain file that this account may read."
            raise missing(name, "cannot be read", hint=hint) from None
        with os.fdopen(descriptor, "rb") as file:
            _check_private(os.fstat(file.fileno()), name, "file", 0o600)
            content = file.read(_MAX_FILE + 1)
        try:
            return _decode(name, content)
        except FormatError as error:
            raise missing(name, error.message, hint="Put the key file back from where you keep a copy.") from None

    def put(self, name: str, key: bytes) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`.

        The key is written beside its place and then linked into it: so a file under its name is always whole, and of
        two that are created at the same time one is refused.
        """
        path = self._path(name)
        content = _encode(name, check_secret(key))
        _make_private(path.parent, name)
        beside = path.with_name(f".{name}~{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(beside, path)
            except FileExistsError:
                raise taken(name) from None
        finally:
            beside.unlink()
            _sync_directory(path.parent)

    def delete(self, name: str) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`.

        The file is overwritten before it is unlinked. On a disk that remaps its blocks (any SSD) that is no guarantee;
        docs/reference/stores.md says what to do about it.
        """
        path = self._path(name)
        if not path.parent.is_dir():
            return
        # What a crash in the middle of put left beside the key is the same secret.
        for leftover in [*path.parent.glob(f".{name}~*"), path]:
            _destroy(leftover)
        _sync_directory(path.parent)

    def names(self) -> tuple[str, ...]:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        found = ((path.parent.name, path.name.removesuffix(_SUFFIX)) for path in self._directory.glob(f"*/*{_SUFFIX}"))
        return tuple(sorted(name for role, name in found if is_name(name) and role_of(name) == role))

    def _path(self, name: str) -> Path:
        return self._directory / role_of(check_name(name)) / (name + _SUFFIX)


def _encode(name: str, key: bytes) -> bytes:
    body = _MAGIC + len(key).to_bytes(2, "big") + key
    return body + hashlib.sha256(body + name.encode()).digest()[:_CHECK_BYTES]


def _decode(name: str, content: bytes) -> bytes:
    """The key in a file's content; a :class:`FormatError` whose message completes "the key NAME …"."""
    head = len(_MAGIC) + 2
    if not content.startswith(_MAGIC):
        raise FormatError("is not in a Facekeep key file")
    length = int.from_bytes(content[len(_MAGIC) : head], "big")
    if len(content) != head + length + _CHECK_BYTES:
        raise FormatError("is in a file that was cut or added to")
    key = content[head : head + length]
    if content != _encode(name, key):
        raise FormatError("is in a file that was altered or renamed")
    return key


def _make_private(directory: Path, name: str) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        _check_private(directory.stat(), name, "directory", 0o700)
    else:
        _sync_directory(directory.parent)


def _check_private(status: os.stat_result, name: str, kind: str, mode: int) -> None:
    if status.st_uid != os.geteuid():
        hint = f"Make the account that runs Facekeep the owner of the key {kind} (chown)."
        raise missing(name, f"is in a {kind} of another account", hint=hint)
    if status.st_mode & _LOOSE:
        hint = (
            f"Take group's and others' rights to the key {kind} away (chmod {mode:o}), and think of rotating the key."
        )
        raise missing(name, f"is in a {kind} that other accounts can reach", hint=hint)


def _destroy(path: Path) -> None:
    if path.is_symlink():
        # What it points at was never read as a key (see get), so it is not ours to overwrite.
        path.unlink()
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink(missing_ok=True)


def _was_destroyed(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False  # what cannot be read is told when the key is asked for
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(_MAX_FILE + 1)
    return content != b"" and not any(content)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Keys in the keyring of the operating system: Secret Service, KWallet, macOS Keychain, Windows Credential Locker."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from typing import Final

import keyring
import keyring.errors
from keyring.backend import KeyringBackend

from facekeep.errors import KeyMissingError
from facekeep.store.keys import check_name, check_secret, is_name, missing, taken

__all__ = ["KeyringKeyProvider"]

_INDEX: Final = "facekeep:index"  # the colon keeps it apart from all key names
_HINT: Final = "Unlock the keyring of this account, or keep this key in a file or under a passphrase."
_UNSAFE_MODULES: Final = ("keyring.backends.fail", "keyring.backends.null")


class KeyringKeyProvider:
    """Keys in the OS keyring, under one service name per keep.

    A keyring cannot list its entries, so one more entry holds the names, which are no secret. Two processes that create
    keys at the same moment may lose a name from that list, never a key.

    Args:
        service: what the entries are filed under; must differ from keep to keep.
        backend: the keyring to use; by default the one that the ``keyring`` library finds. A backend that keeps nothing
            or keeps plaintext is refused; of a chain, the first that is neither is taken.

    Raises:
        KeyMissingError: there is no keyring that is safe to use.
    """

    def __init__(self, service: str, backend: KeyringBackend | None = None) -> None:
        self._service = service
        self._backend = _safe(backend if backend is not None else keyring.get_keyring())

    def get(self, name: str) -> bytes:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        kept = self._read(check_name(name))
        if kept is None:
            raise missing(name, "is not in the keyring")
        try:
            return check_secret(base64.b64decode(kept, validate=True))
        except (binascii.Error, ValueError):
            raise missing(name, "is damaged in the keyring", hint="Restore the keyring from its backup.") from None

    def put(self, name: str, key: bytes) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`. The key is read back before this returns."""
        written = base64.b64encode(check_secret(key)).decode()
        if self._read(check_name(name)) is not None:
            raise taken(name)
        # The name first: an entry that no list names could never be found and destroyed again.
        self._list({*self._listed(), name})
        self._write(name, written)
        if self._read(name) != written:
            raise missing(name, "was not kept by the keyring", hint=_HINT)

    def delete(self, name: str) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        if self._read(check_name(name)) is not None:
            try:
                self._backend.delete_password(self._service, name)
            except keyring.errors.KeyringError:
                raise missing(name, "cannot be deleted from the keyring", hint=_HINT) from None
        listed = set(self._listed())
        if name in listed:
            self._list(listed - {name})

    def names(self) -> tuple[str, ...]:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        return tuple(sorted(name for name in self._listed() if self._read(name) is not None))

    def _listed(self) -> tuple[str, ...]:
        kept = self._read(_INDEX)
        try:
            names = json.loads(kept) if kept is not None else []
        except ValueError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) and is_name(name) for name in names):
            raise _unusable("the keyring's list of key names is damaged")
        return tuple(names)

    def _list(self, names: Iterable[str]) -> None:
        self._write(_INDEX, json.dumps(sorted(names)))

    def _read(self, entry: str) -> str | None:
        try:
            return self._backend.get_password(self._service, entry)
        except keyring.errors.KeyringError:
            raise _unusable("the keyring cannot be read") from None

    def _write(self, entry: str, value: str) -> None:
        try:
            self._backend.set_password(self._service, entry, value)
        except keyring.errors.KeyringError:
            raise _unusable("the keyring cannot be written to") from None


def _safe(backend: KeyringBackend) -> KeyringBackend:
    chain = getattr(backend, "backends", None)  # keyring's ChainerBackend, and nothing else, has these
    for candidate in [backend] if chain is None else chain:
        kind = type(candidate)
        if kind.__module__ not in _UNSAFE_MODULES and "plaintext" not in kind.__name__.lower():
            return candidate
    raise _unusable("this system has no keyring that keeps a secret")


def _unusable(message: str) -> KeyMissingError:
    return KeyMissingError(message, store="keyring", hint=_HINT)

"""Keys, and the port through which every role gets its own.

A name begins with its role, then says what the key is for: ``registry``, ``left``, ``left.epoch.3``. Providers are
interchangeable and pass the same contract tests. None of them invents a key: what is not there is an error.

Invariants: a key is created once and never overwritten; once ``put`` returns it survives a power cut; once ``delete``
returns it is gone from where the provider kept it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

from facekeep.errors import DamagedStoreError, KeyMissingError
from facekeep.store.sealing import KEY_BYTES

__all__ = [
    "MAX_SECRET_BYTES",
    "KeyProvider",
    "MemoryKeyProvider",
    "RoutedKeyProvider",
    "check_name",
    "check_secret",
    "is_name",
    "missing",
    "new_key",
    "role_of",
    "taken",
]

MAX_SECRET_BYTES: Final = 256
"""The longest secret that a provider takes, in bytes. A key has 32; one wrapped in a passphrase is longer."""

_NAME: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_MAX_NAME: Final = 64


@runtime_checkable
class KeyProvider(Protocol):
    """Where keys are kept."""

    def get(self, name: str) -> bytes:
        """The key of this name.

        Raises:
            KeyMissingError: there is none, or it may not or cannot be read.
            ValueError: ``name`` is not a key name.
        """
        ...

    def put(self, name: str, key: bytes) -> None:
        """Keep a new key, durably, before returning.

        Raises:
            DamagedStoreError: there is already a key of this name; it is left as it is.
            ValueError: ``name`` is not a key name, or ``key`` is not of 32 to 256 bytes.
        """
        ...

    def delete(self, name: str) -> None:
        """Destroy the key of this name, durably, before returning. Nothing happens if there is none.

        Raises:
            ValueError: ``name`` is not a key name.
        """
        ...

    def names(self) -> tuple[str, ...]:
        """The names of all keys kept here, sorted."""
        ...


def new_key() -> bytes:
    """A fresh key of 32 bytes from the operating system's generator."""
    return os.urandom(KEY_BYTES)


def is_name(name: str) -> bool:
    """Whether ``name`` is a key name: words of ``a-z0-9`` with single dots or hyphens between, 64 at most."""
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Give ``name`` back if it is a key name, see :func:`is_name`.

    Raises:
        ValueError: it is not. A name becomes part of a file name, so nothing else may pass.
    """
    if not is_name(name):
        raise ValueError("a key name is made of a-z and 0-9 with single dots or hyphens between, 64 characters at most")
    return name


def check_secret(key: bytes) -> bytes:
    """Give ``key`` back if its length is fit for keeping, 32 to 256 bytes.

    Raises:
        ValueError: it is not.
    """
    if not KEY_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError("a key to be kept has 32 to 256 bytes")
    return bytes(key)


def role_of(name: str) -> str:
    """The role that a key belongs to: the first word of its name."""
    return name.partition(".")[0]


def missing(name: str, why: str, *, hint: str | None = None) -> KeyMissingError:
    """The error of a key that cannot be had: ``why`` completes "the key NAME …"."""
    return KeyMissingError(f"the key {name!r} {why}", store=role_of(name), hint=hint)


def taken(name: str) -> DamagedStoreError:
    """The error of a key that would be overwritten."""
    return DamagedStoreError(
        f"there is already a key {name!r}",
        store=role_of(name),
        hint="Keys are never overwritten. Initialise in an empty folder, or run facekeep doctor.",
    )


class MemoryKeyProvider:
    """Keys that live as long as the process, for tests and for keeps that shall leave nothing behind."""

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes:
        """See :class:`KeyProvider`."""
        try:
            return self._keys[check_name(name)]
        except KeyError:
            raise missing(name, "is not there") from None

    def put(self, name: str, key: bytes) -> None:
        """See :class:`KeyProvider`."""
        check_name(name)
        with self._lock:
            if name in self._keys:
                raise taken(name)
            self._keys[name] = check_secret(key)

    def delete(self, name: str) -> None:
        """See :class:`KeyProvider`."""
        check_name(name)
        with self._lock:
            self._keys.pop(name, None)

    def names(self) -> tuple[str, ...]:
        """See :class:`KeyProvider`."""
        return tuple(sorted(self._keys))


class RoutedKeyProvider:
    """Sends each name to the provider of its longest prefix, for instance one half's epoch keys to the OS keyring.

    A prefix covers whole words: ``right.epoch`` covers ``right.epoch`` and ``right.epoch.3``, not ``right.epochs``.

    Args:
        routes: provider by prefix. A name that no prefix covers has no place and is refused.

    Raises:
        ValueError: there is no route, or a prefix is not a key name.
    """

    def __init__(self, routes: Mapping[str, KeyProvider]) -> None:
        if not routes:
            raise ValueError("a routed key provider needs a route")
        self._routes = dict(sorted(((check_name(p), r) for p, r in routes.items()), key=lambda route: -len(route[0])))

    def get(self, name: str) -> bytes:
        """See :class:`KeyProvider`."""
        return self._of(name).get(name)

    def put(self, name: str, key: bytes) -> None:
        """See :class:`KeyProvider`."""
        self._of(name).put(name, key)

    def delete(self, name: str) -> None:
        """See :class:`KeyProvider`."""
        self._of(name).delete(name)

    def names(self) -> tuple[str, ...]:
        """The names that can be had through this provider: a key in the wrong place does not count."""
        found: set[str] = set()
        # One provider may serve several routes, and listing it takes longest.
        for provider in {id(provider): provider for provider in self._routes.values()}.values():
            found.update(name for name in provider.names() if self._provider(name) is provider)
        return tuple(sorted(found))

    def _of(self, name: str) -> KeyProvider:
        provider = self._provider(check_name(name))
        if provider is None:
            raise missing(name, "has no place to be kept", hint="Name a provider for this role in the configuration.")
        return provider

    def _provider(self, name: str) -> KeyProvider | None:
        for prefix, provider in self._routes.items():
            if name == prefix or name.startswith(prefix + "."):
                return provider
        return None

"""Where the keys of a keep live: files apart from each other, the OS keyring, or wrapped in a passphrase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facekeep.errors import UsageError
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keyrings import KeyringKeyProvider
from facekeep.store.keys import KeyProvider, RoutedKeyProvider
from facekeep.store.keywraps import PassphraseKeyProvider

ROLES = ("registry", "left", "right", "gate", "registrar")


@dataclass(frozen=True, slots=True)
class KeyPlan:
    """Where keys live.

    Attributes:
        directory: folder of key files, a folder for each role; None for ``keys`` inside the keep.
        keyring: roles whose epoch keys live in the keyring of the operating system.
        passphrases: roles whose epoch keys are wrapped in a passphrase, 12 characters at least.
    """

    directory: Path | None = None
    keyring: frozenset[str] = frozenset()
    passphrases: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        roles = set(self.keyring) | set(self.passphrases)
        if roles - {"registry", "left", "right"}:
            raise UsageError("the keys of that role have no epoch", hint="Name registry, left or right.")
        if set(self.keyring) & set(self.passphrases):
            raise UsageError("an epoch key is either in the keyring or under a passphrase, not both")

    def provider(self, keep: Path, keep_id: bytes) -> KeyProvider:
        """The keys of a keep.

        Args:
            keep: the keep's folder.
            keep_id: 16 bytes; entries of the keyring are named after it.

        Raises:
            KeyMissingError: the keyring of this machine keeps nothing safe.
        """
        files = FileKeyProvider(self.directory or keep / "keys")
        routes: dict[str, KeyProvider] = dict.fromkeys(ROLES, files)
        for role in self.keyring:
            routes[f"{role}.epoch"] = KeyringKeyProvider(f"facekeep-{keep_id.hex()}")
        for role, passphrase in self.passphrases.items():
            routes[f"{role}.epoch"] = PassphraseKeyProvider(files, passphrase)
        return RoutedKeyProvider(routes)


@dataclass(frozen=True, slots=True)
class HeldKeys:
    """Keys that are at hand already, in place of a plan.

    Attributes:
        keys: they.
    """

    keys: KeyProvider = field(repr=False)

    def provider(self, _keep: Path, _keep_id: bytes) -> KeyProvider:
        """They."""
        return self.keys

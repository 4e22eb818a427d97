"""Which keys the registry has, and how they are replaced so that a crash at any moment leaves one true set.

========================  ===========================================================================================
``registry``              the role key
``registry.next``         its successor, while a rotation is under way
``registry.epoch.N``      the key of epoch N
========================  ===========================================================================================

The meta row decides: it holds the number of the epoch and a fingerprint of the role key, and changes in the same
transaction as all that the keys seal. New keys are kept durably *before* that transaction commits, old ones destroyed
*after* it. So the keys that the meta row names are the true ones, and the others are what a crash left: they are
destroyed, or, if ``registry.next`` is the true one, it is moved to its place.

Whoever changes keys holds the registry's write lock meanwhile, so that no other process takes the new keys of a change
under way for such leftovers.
"""

from __future__ import annotations

from typing import Final

from facekeep.errors import KeyMissingError
from facekeep.store.keys import KeyProvider, missing, new_key, role_of, taken
from facekeep.store.vault import ROLE, Vault, role_check

__all__ = ["ROLE_KEY", "RegistryKeys", "epoch_name"]

ROLE_KEY: Final = ROLE
_NEXT: Final = f"{ROLE}.next"
_EPOCH: Final = f"{ROLE}.epoch."


class RegistryKeys:
    """The registry's keys at their provider.

    Args:
        provider: where they are.
    """

    def __init__(self, provider: KeyProvider) -> None:
        self._provider = provider

    def first(self, store: bytes, *, again: bool) -> Vault:
        """Draw the keys of a new registry.

        Args:
            store: its identifier.
            again: whether a creation crashed here before; the keys it left sealed nothing and are destroyed.

        Raises:
            DamagedStoreError: there are keys of a registry already, perhaps of one that was moved away.
        """
        for name in (ROLE_KEY, epoch_name(1)):
            if again:
                self._provider.delete(name)
        if any(role_of(name) == ROLE for name in self._provider.names()):
            raise taken(ROLE_KEY)
        for name in (ROLE_KEY, epoch_name(1)):
            self._provider.put(name, new_key())
        return Vault(self._provider.get(ROLE_KEY), self._provider.get(epoch_name(1)), store)

    def find(self, *, store: bytes, epoch: int, role: bytes, pair: bytes) -> Vault:
        """The vault of the keys that a meta row names. Changes nothing.

        Args:
            store: the identifier of the registry.
            epoch: the number of its epoch.
            role: the fingerprint of its role key.
            pair: the fingerprint of role key and epoch key together.

        Raises:
            KeyMissingError: one of the keys is not there, or is not the registry's.
        """
        role_key = self._role_key(store, role)
        try:
            epoch_key = self._provider.get(epoch_name(epoch))
        except KeyMissingError as error:
            if any(name.startswith(_EPOCH) for name in self._provider.names()):
                hint = "The registry is an older copy whose key was destroyed by a refresh. Restore the newest one."
                raise missing(epoch_name(epoch), "is not there, but that of another epoch", hint=hint) from None
            raise error from None
        vault = Vault(role_key, epoch_key, store)
        if vault.epoch_check != pair:
            raise _wrong(epoch_name(epoch))
        return vault

    def is_settled(self, epoch: int) -> bool:
        """Whether there are no other keys of the registry than those of epoch ``epoch``."""
        return {name for name in self._provider.names() if role_of(name) == ROLE} == {ROLE_KEY, epoch_name(epoch)}

    def settle(self, *, store: bytes, epoch: int, role: bytes) -> None:
        """Destroy every key but those that the meta row names, and put the role key under its own name.

        Call it only under the registry's write lock, and once the meta row has opened with these keys. It may crash
        anywhere and be called again.
        """
        present = self._provider.names()
        if _NEXT in present:
            successor = self._provider.get(_NEXT)
            if role_check(successor, store) == role and (
                ROLE_KEY not in present or self._provider.get(ROLE_KEY) != successor
            ):
                # At every moment the true key is under one of the two names, and kept durably there.
                self._provider.delete(ROLE_KEY)
                self._provider.put(ROLE_KEY, successor)
            self._provider.delete(_NEXT)
        for name in present:
            if name.startswith(_EPOCH) and name != epoch_name(epoch):
                self._provider.delete(name)

    def next_epoch(self, epoch: int) -> None:
        """Keep a new key for epoch ``epoch``; one that a crash left there is destroyed first."""
        self._provider.delete(epoch_name(epoch))
        self._provider.put(epoch_name(epoch), new_key())

    def next_role(self) -> None:
        """Keep a new role key as the successor; one that a crash left there is destroyed first."""
        self._provider.delete(_NEXT)
        self._provider.put(_NEXT, new_key())

    def successor(self, *, store: bytes, epoch: int, rotated: bool) -> Vault:
        """The vault of the keys just drawn; the role key is the same unless it is ``rotated``."""
        role_key = self._provider.get(_NEXT if rotated else ROLE_KEY)
        return Vault(role_key, self._provider.get(epoch_name(epoch)), store)

    def _role_key(self, store: bytes, role: bytes) -> bytes:
        present = self._provider.names()
        for name in (ROLE_KEY, _NEXT):
            if name in present and role_check(key := self._provider.get(name), store) == role:
                return key
        if ROLE_KEY in present:
            raise _wrong(ROLE_KEY)
        # Asked for, so that the provider itself says why it cannot give it.
        return self._provider.get(ROLE_KEY)


def epoch_name(epoch: int) -> str:
    """The name of the key of an epoch."""
    return f"{_EPOCH}{epoch}"


def _wrong(name: str) -> KeyMissingError:
    hint = "The registry or the key was swapped or restored from elsewhere. Put the two that belong together back."
    return missing(name, "is not the one that this registry was sealed with", hint=hint)

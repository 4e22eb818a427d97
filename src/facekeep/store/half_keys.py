"""Which keys a half has, how they are named, and when the key of an epoch is drawn and destroyed.

=================  =====================================================================================
``left``           the role key; it seals everything, together with the key of the epoch
``left.epoch.3``   the key of epoch 3; destroyed when epoch 4 begins, and all copies of epoch 3 die with it
``left.next``      the role key that a rotation is moving to; there is one only while it is under way
=================  =====================================================================================

and likewise for ``right``.
"""

from __future__ import annotations

from typing import Final

from facekeep.errors import KeyMissingError, UsageError
from facekeep.store.keys import KeyProvider, new_key
from facekeep.store.sealing import KEY_BYTES

__all__ = ["NO_EPOCH", "SIDES", "EpochKeys", "check_side", "epoch_key_name", "half_key", "next_key_name", "role_keys"]

SIDES: Final = ("left", "right")
"""The two halves."""

NO_EPOCH: Final = bytes(KEY_BYTES)
"""Stands for the epoch key where something has to outlive epochs."""


def check_side(side: str) -> str:
    """Give ``side`` back if it is ``left`` or ``right``.

    Raises:
        UsageError: it is neither.
    """
    if side not in SIDES:
        raise UsageError("a half is left or right")
    return side


def epoch_key_name(side: str, epoch: int) -> str:
    """Under which name a key provider keeps the key of an epoch."""
    return f"{side}.epoch.{epoch}"


def next_key_name(side: str) -> str:
    """Under which name a key provider keeps the role key that a rotation is moving to."""
    return f"{side}.next"


def half_key(keys: KeyProvider, name: str, side: str) -> bytes:
    """A key of exactly 32 bytes.

    Raises:
        KeyMissingError: there is none, or it has another length.
    """
    key = keys.get(name)
    if len(key) != KEY_BYTES:
        raise KeyMissingError(f"the key {name!r} does not open the {side} half", store=side)
    return key


def role_keys(keys: KeyProvider, side: str) -> list[bytes]:
    """The role keys that may seal a half: the present one, and the next while a rotation is under way.

    Raises:
        KeyMissingError: there is neither.
    """
    names = keys.names()
    found = [half_key(keys, name, side) for name in (side, next_key_name(side)) if name in names]
    # If there is none, ask nevertheless: the provider knows best why it cannot be had.
    return found or [half_key(keys, side, side)]


class EpochKeys:
    """The keys of one half's epochs. It may be at work on one epoch, and on the next while a refresh is under way.

    Args:
        keys: where they are kept.
        side: ``left`` or ``right``.
    """

    def __init__(self, keys: KeyProvider, side: str) -> None:
        self._keys = keys
        self._side = side
        self._drawn = False

    def get(self, epoch: int) -> bytes:
        """The key of an epoch.

        Raises:
            KeyMissingError: it is not there, or was destroyed.
        """
        return half_key(self._keys, epoch_key_name(self._side, epoch), self._side)

    def begin(self) -> None:
        """Draw the key of epoch 0.

        Raises:
            DamagedStoreError: there is one already.
        """
        self._keys.put(epoch_key_name(self._side, 0), new_key())

    def settle(self, epoch: int) -> None:
        """Take up a store of this epoch: destroy the keys of older epochs, which a crash may have left.

        Call it only once the key of ``epoch`` has opened the store. Had an old backup been put in its place, that key
        would be missing, and the newer one is all that opens the store it displaced.
        """
        names = self._keys.names()
        prefix = epoch_key_name(self._side, 0)[:-1]
        for name in names:
            digits = name.removeprefix(prefix)
            if name.startswith(prefix) and digits.isdecimal() and int(digits) < epoch:
                self._keys.delete(name)
        self._drawn = epoch_key_name(self._side, epoch + 1) in names

    def draw(self, epoch: int) -> None:
        """Draw the key of an epoch to come, durably; one that was drawn for it before is destroyed."""
        name = epoch_key_name(self._side, epoch)
        self._drawn = True
        self._keys.delete(name)
        self._keys.put(name, new_key())

    @property
    def drawn(self) -> bool:
        """Whether the key of the next epoch may be there."""
        return self._drawn

    def undraw(self, epoch: int) -> None:
        """Destroy the key of an epoch that will not come."""
        self._keys.delete(epoch_key_name(self._side, epoch))
        self._drawn = False

    def turn(self, ended: int) -> None:
        """Destroy the key of the epoch that a commit has just ended."""
        self._drawn = False
        self._keys.delete(epoch_key_name(self._side, ended))

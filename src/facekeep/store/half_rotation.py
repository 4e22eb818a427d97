"""Changing the role key of one half: its store and its log together, whatever happens on the way.

The steps, each durable before the next: draw the key under ``left.next``; seal the store again under it; seal the log
again; delete ``left``; put the key there; delete ``left.next``. Store and log open with either key meanwhile, so a
crash leaves nothing unreadable, and :func:`settle_half` goes on from any of these points.
"""

from __future__ import annotations

from facekeep.errors import FacekeepError
from facekeep.store.half_keys import half_key, next_key_name
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import KeyProvider, new_key

__all__ = ["rotate_half", "settle_half"]


def rotate_half(store: SqliteHalfStore, log: FileHalfLog, keys: KeyProvider) -> None:
    """Draw a new role key, seal everything under it, and destroy the old one.

    Old backups of the store open no more; of the log neither.

    Args:
        store: the open store of a half, with no transaction staged.
        log: the open log of the same half.
        keys: where the keys of this half are kept.

    Raises:
        UsageError: a transaction is staged.
        DamagedStoreError: something does not open or cannot be written. Close both, and open them again:
            :func:`settle_half` undoes or finishes it then.
    """
    settle_half(store, log, keys)
    name = next_key_name(store.side)
    keys.put(name, new_key())
    try:
        store.reseal(half_key(keys, name, store.side))
    except FacekeepError:
        # The store still has the old key: this only destroys the new one. Not so after Ctrl-C, which may come right
        # after the commit: memory would then have us destroy the key that seals the file.
        settle_half(store, log, keys)
        raise
    settle_half(store, log, keys)


def settle_half(store: SqliteHalfStore, log: FileHalfLog, keys: KeyProvider) -> bool:
    """Finish or undo a rotation that was cut short. Call it after opening both.

    Returns:
        Whether there was one.

    Raises:
        UsageError: the store has to be sealed again, and a transaction is staged.
        DamagedStoreError: something does not open or cannot be written.
    """
    side, name = store.side, next_key_name(store.side)
    names = keys.names()
    if name not in names:
        return False
    key = half_key(keys, name, side)
    if store.sealed_by(key) or log.sealed_by(key):
        if not store.sealed_by(key):
            store.reseal(key)
        if not log.sealed_by(key):
            log.reseal(key)
        # Keys are never overwritten. Between these two, the key is under its other name, where it is looked for too.
        if side not in names or half_key(keys, side, side) != key:
            keys.delete(side)
            keys.put(side, key)
    keys.delete(name)
    return True

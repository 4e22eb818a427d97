r"""A key that lies wrapped in a passphrase, so that whoever copies the disk has nothing to open it with.

The wrapped form goes into another provider: ``"FKPP\x01"`` (5 bytes) ‖ log₂ N (1 byte) ‖ salt (16) ‖ the key sealed
(:mod:`facekeep.store.sealing`) under scrypt(passphrase, salt, N, r = 8, p = 1), RFC 7914. The name of the key is part
of the additional data.
"""

from __future__ import annotations

import os
import unicodedata
from typing import Final

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from facekeep.errors import DamagedStoreError, UsageError
from facekeep.store.keys import KeyProvider, check_secret, missing, role_of
from facekeep.store.sealing import KEY_BYTES, Sealer, cell_aad

__all__ = ["DEFAULT_COST", "MIN_PASSPHRASE", "PassphraseKeyProvider"]

DEFAULT_COST: Final = 17
"""log₂ of scrypt's N. 17 takes 128 MiB and a good third of a second, OWASP's advice for scrypt with r = 8, p = 1."""

MIN_PASSPHRASE: Final = 12
"""The shortest passphrase, in characters."""

_COSTS: Final = range(14, 21)  # 16 MiB to 1 GiB: a forged file must not exhaust the memory
_MAGIC: Final = b"FKPP\x01"
_SALT_BYTES: Final = 16
_HEAD: Final = len(_MAGIC) + 1 + _SALT_BYTES


class PassphraseKeyProvider:
    """Wraps each key in a passphrase before ``inner`` keeps it.

    Args:
        inner: the provider that keeps the wrapped keys.
        passphrase: 12 characters at least; compared in Unicode form NFKC. It is asked for by the caller, there is none
            by default.
        cost: log₂ of scrypt's N for new keys, 14 to 20. A kept key says its own.

    Raises:
        UsageError: the passphrase is too short, or the cost out of range.
    """

    def __init__(self, inner: KeyProvider, passphrase: str, *, cost: int = DEFAULT_COST) -> None:
        if len(passphrase) < MIN_PASSPHRASE:
            hint = f"Take {MIN_PASSPHRASE} characters or more, for instance five random words."
            raise UsageError("the passphrase is too short", hint=hint)
        if cost not in _COSTS:
            raise UsageError("the cost of a passphrase lies between 14 and 20")
        self._inner = inner
        self._passphrase = unicodedata.normalize("NFKC", passphrase).encode()
        self._cost = cost

    def get(self, name: str) -> bytes:
        """See :class:`~facekeep.store.keys.KeyProvider`. A wrong passphrase and an altered file look alike."""
        kept = self._inner.get(name)
        if not kept.startswith(_MAGIC) or len(kept) < _HEAD or kept[len(_MAGIC)] not in _COSTS:
            raise missing(
                name, "is not wrapped in a passphrase", hint="This key was kept without one; configure it so."
            )
        cost, salt = kept[len(_MAGIC)], kept[len(_MAGIC) + 1 : _HEAD]
        try:
            return self._sealer(name, cost, salt).open(kept[_HEAD:], _aad(name))
        except DamagedStoreError:
            hint = "Give the passphrase that this key was made with."
            raise missing(name, "does not open with this passphrase", hint=hint) from None

    def put(self, name: str, key: bytes) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`. Wrapping adds 50 bytes, which count for the inner provider."""
        salt = os.urandom(_SALT_BYTES)
        head = _MAGIC + bytes([self._cost]) + salt
        sealed = self._sealer(name, self._cost, salt).seal(check_secret(key), _aad(name))
        self._inner.put(name, head + sealed)

    def delete(self, name: str) -> None:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        self._inner.delete(name)

    def names(self) -> tuple[str, ...]:
        """See :class:`~facekeep.store.keys.KeyProvider`."""
        return self._inner.names()

    def _sealer(self, name: str, cost: int, salt: bytes) -> Sealer:
        key = Scrypt(salt=salt, length=KEY_BYTES, n=1 << cost, r=8, p=1).derive(self._passphrase)
        return Sealer.of_key(key, role=role_of(name))


def _aad(name: str) -> bytes:
    return cell_aad("facekeep/1/passphrase", name)

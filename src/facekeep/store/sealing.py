"""Sealing bytes for the disk, and looking them up without telling what they are.

A record is sealed with AES-256-GCM-SIV (RFC 8452) under a key that exists only while both of its parents do::

    key    = HKDF-SHA256(ikm = role key, salt = epoch key, info = "facekeep/1/seal/" ‖ use ‖ "/" ‖ store)
    sealed = nonce (12 random bytes) ‖ ciphertext ‖ tag (16 bytes)

Destroying the epoch key therefore makes every copy of what was sealed under it unreadable, backups among them, while
the role key lives on. GCM-SIV, because its nonces are drawn at random and a row is sealed again at every refresh:
should a nonce ever repeat, it shows at most that two plaintexts are equal, never their difference and never the key.

The additional data is not stored. It names the place that the record belongs to (table, row, column), so that a record
moved to another place does not open. :func:`cell_aad` writes it without ambiguity.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facekeep.errors import DamagedStoreError

__all__ = ["BLIND_INDEX_BYTES", "KEY_BYTES", "OVERHEAD_BYTES", "Sealer", "blind_index", "cell_aad", "derive_key"]

KEY_BYTES: Final = 32
"""Length of every key, in bytes."""

OVERHEAD_BYTES: Final = 28
"""How much longer a sealed record is than what it holds, in bytes: nonce and tag."""

BLIND_INDEX_BYTES: Final = 16
"""Length of a blind index, in bytes."""

_NONCE_BYTES: Final = 12
_USE: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_urandom: Final = os.urandom


class Sealer:
    """Seals and opens records of one use in one store. It is immutable and may be shared between threads.

    Build it with :meth:`derive` or, for a key that is itself kept sealed in a store, with :meth:`of_key`.
    """

    __slots__ = ("_decrypt", "_encrypt", "_role")

    def __init__(self, key: bytes, *, role: str) -> None:
        cipher = AESGCMSIV(_checked(key))
        # Bound methods: one attribute look-up less, 100,000 times over when a half is opened.
        self._encrypt = cipher.encrypt
        self._decrypt = cipher.decrypt
        self._role = role

    @classmethod
    def derive(cls, role_key: bytes, epoch_key: bytes, *, store: bytes, use: str) -> Sealer:
        """The sealer of one use, from the two keys that must both be at hand.

        Args:
            role_key: 32 bytes, the long-lived key of the role.
            epoch_key: 32 bytes, the key of the epoch, destroyed when the epoch ends.
            store: the identifier of the store, so that records of two keeps never open in each other.
            use: what is sealed, in lower-case words with dots between. The first word is the role whose store an error
                names: ``left.rows``, ``registry.cells``.

        Raises:
            ValueError: a key is not of 32 bytes, or the use is not of that form.
        """
        key = derive_key(role_key, salt=epoch_key, purpose="seal", use=use, store=store)
        return cls(key, role=use.partition(".")[0])

    @classmethod
    def of_key(cls, key: bytes, *, role: str) -> Sealer:
        """The sealer of a random key of 32 bytes, such as the data key of one person; ``role`` is named in errors."""
        return cls(key, role=role)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Seal ``plaintext`` (1 byte at least) for the place that ``aad`` names; 28 bytes longer than it was.

        Raises:
            ValueError: nothing is to be sealed. An empty record would tell its emptiness by its length.
        """
        if not plaintext:
            raise ValueError("an empty record cannot be sealed")
        nonce = _urandom(_NONCE_BYTES)
        return nonce + self._encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """What was sealed for the place that ``aad`` names.

        Raises:
            DamagedStoreError: the record was altered, moved, cut, or sealed under another key; which, is not told.
        """
        try:
            return self._decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError, TypeError):
            # TypeError: in a damaged table a cell may hold a number, a text or nothing at all.
            self._refuse()

    def __repr__(self) -> str:
        return f"Sealer(role={self._role!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealer holds a key and is never written out")

    def _refuse(self) -> NoReturn:
        message = f"a sealed record of the store {self._role!r} does not open"
        # "from None": the cause would tell a forger what was wrong.
        raise DamagedStoreError(message, store=self._role) from None


def derive_key(parent: bytes, *, salt: bytes, purpose: str, use: str, store: bytes) -> bytes:
    """A key of 32 bytes for one purpose (``seal``, ``index``) and one use in one store: HKDF-SHA256, RFC 5869.

    Args:
        parent: 32 bytes.
        salt: 32 bytes; an epoch key, or zeros for keys that outlive epochs, such as those of blind indexes.
        purpose: a lower-case word.
        use: lower-case words with dots between.
        store: the identifier of the store; it stands last, so that no two derivations share their info.

    Raises:
        ValueError: a key is not of 32 bytes, or purpose or use are not of that form.
    """
    if not _USE.fullmatch(purpose) or not _USE.fullmatch(use):
        raise ValueError("a purpose and a use are lower-case words with dots between")
    info = b"facekeep/1/" + purpose.encode() + b"/" + use.encode() + b"/" + store
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=_checked(salt), info=info).derive(_checked(parent))


def blind_index(key: bytes, value: bytes) -> bytes:
    """A keyed fingerprint of ``value``, 16 bytes: HMAC-SHA256 cut to its first half.

    Equal values have equal indexes, so a unique column can be searched; without the key an index tells nothing, not
    even to somebody who can guess every value. ``key`` comes from :func:`derive_key`, one per use.
    """
    return hmac.digest(_checked(key), value, hashlib.sha256)[:BLIND_INDEX_BYTES]


def cell_aad(*parts: bytes | str) -> bytes:
    """The additional data that names one place. Each part carries its length, so that no two places read alike."""
    written = bytearray()
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        written += len(encoded).to_bytes(2, "big") + encoded
    return bytes(written)


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return key

"""Sealing a picture of a review so that this machine can never open it again (docs/spec/review.md, "Evidence").

The key of a picture follows from two shares of 32 bytes. One goes to the recipients, wrapped with HPKE, and is dropped
here; the other stays in the store. Nobody opens a picture alone: neither who takes the store, nor a recipient whom the
service shows nothing.

Invariants: each picture has a key of its own, which seals once; the recipients' share and the key are in memory for as
long as :func:`seal` takes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facekeep.domain.review import REVIEW_ID_BYTES, PictureRole, ReviewId
from facekeep.domain.review_evidence import BLOCK_BYTES, SEALED_BYTES_MAX, SHARE_BYTES, TAG_BYTES, SealedPicture
from facekeep.domain.reviewer import PUBLIC_KEY_BYTES, ReviewerKeyId, key_id
from facekeep.errors import FormatError

__all__ = ["PNG_BYTES_MAX", "check_public", "key_id", "open_content", "open_with", "seal"]

_LENGTH_BYTES: Final = 4
PNG_BYTES_MAX: Final = SEALED_BYTES_MAX - TAG_BYTES - _LENGTH_BYTES
"""The longest picture that is sealed, in bytes."""

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_SHARE: Final = b"facekeep/review/1/share"
_CONTENT: Final = b"facekeep/review/1/content"
_NONCE: Final = bytes(12)  # each key seals once
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_NEW_KEY: Final = "Make a new key in the browser."


def seal(
    review: ReviewId, index: int, png: bytes, recipients: Sequence[bytes], *, role: PictureRole = PictureRole.PROBE
) -> SealedPicture:
    """Seal a masked picture to people.

    Args:
        review: of which review, 16 bytes.
        index: its number there, 0 to 255.
        png: the picture.
        recipients: public keys (X25519, 32 bytes), at least one; one that is named twice counts once.
        role: what the picture is.

    Raises:
        FormatError: a key is no point that anything can be sealed to.
        ValueError: there is no recipient, or it is no PNG of at most 160 KiB.
    """
    place = _place(review, index)
    if not png.startswith(_PNG) or len(png) > PNG_BYTES_MAX:
        raise ValueError(f"a picture is a PNG of at most {PNG_BYTES_MAX} bytes")
    if not recipients:
        raise ValueError("a picture is sealed to somebody")
    theirs, ours = os.urandom(SHARE_BYTES), os.urandom(SHARE_BYTES)
    whole = len(png).to_bytes(_LENGTH_BYTES, "big") + png
    padded = whole + bytes(-len(whole) % BLOCK_BYTES)
    sealed = AESGCM(_content_key(theirs, ours, place)).encrypt(_NONCE, padded, place)
    wraps = dict(_wrapped(theirs, place, public) for public in recipients)
    return SealedPicture(index, role, sealed, ours, wraps)


def open_with(
    private: X25519PrivateKey, review: ReviewId, index: int, *, sealed: bytes, share: bytes, wrapped: bytes
) -> bytes:
    """The PNG, opened as the page of a recipient does. For tests and for tools that check: the service has no such key.

    Args:
        private: the key of a recipient.
        review: of which review, 16 bytes.
        index: its number there.
        sealed: the picture.
        share: the server's share.
        wrapped: the other, wrapped for this recipient.

    Raises:
        FormatError: it does not open, whatever the reason, or is padded in another way.
    """
    recipient = key_id(private.public_key().public_bytes_raw())
    try:
        theirs = _SUITE.decrypt(wrapped, private, info=_SHARE + _place(review, index) + recipient)
    except (InvalidTag, ValueError):
        raise _shut() from None
    return open_content(theirs, review, index, sealed=sealed, share=share)


def open_content(theirs: bytes, review: ReviewId, index: int, *, sealed: bytes, share: bytes) -> bytes:
    """The PNG, by both shares. Likewise: the service never has the recipients'.

    Args:
        theirs: the recipients' share.
        review: of which review, 16 bytes.
        index: its number there.
        sealed: the picture.
        share: the server's share.

    Raises:
        FormatError: it does not open, whatever the reason, or is padded in another way.
    """
    place = _place(review, index)
    try:
        padded = AESGCM(_content_key(theirs, share, place)).decrypt(_NONCE, sealed, place)
    except (InvalidTag, ValueError):
        raise _shut() from None
    end = _LENGTH_BYTES + int.from_bytes(padded[:_LENGTH_BYTES], "big")
    if end == _LENGTH_BYTES or len(padded) != -(-end // BLOCK_BYTES) * BLOCK_BYTES or any(padded[end:]):
        raise FormatError("the picture has another padding than the format")
    return padded[_LENGTH_BYTES:end]


def check_public(public: bytes) -> bytes:
    """Give a public key back if something can be sealed to it.

    Raises:
        FormatError: it has another length than 32 bytes, or is a point with which every shared secret is zero.
    """
    if len(public) != PUBLIC_KEY_BYTES:
        raise FormatError(f"a public key has {PUBLIC_KEY_BYTES} bytes", hint=_NEW_KEY)
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError:
        raise FormatError("a public key is no point that anything can be sealed to", hint=_NEW_KEY) from None
    return bytes(public)


def _shut() -> FormatError:
    return FormatError("the picture does not open with this key")


def _wrapped(share: bytes, place: bytes, public: bytes) -> tuple[ReviewerKeyId, bytes]:
    recipient = key_id(check_public(public))
    key = X25519PublicKey.from_public_bytes(public)
    return recipient, _SUITE.encrypt(share, key, info=_SHARE + place + recipient)


def _content_key(theirs: bytes, ours: bytes, place: bytes) -> bytes:
    if len(theirs) != SHARE_BYTES or len(ours) != SHARE_BYTES:
        raise ValueError(f"a share has {SHARE_BYTES} bytes")
    return HKDF(hashes.SHA256(), 32, salt=ours, info=_CONTENT + place).derive(theirs)


def _place(review: ReviewId, index: int) -> bytes:
    if len(review) != REVIEW_ID_BYTES or not 0 <= index <= 255:
        raise ValueError(f"a review's identifier has {REVIEW_ID_BYTES} bytes, an index is a byte")
    return review + bytes([index])

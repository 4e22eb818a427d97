"""Secrets that whoever bears them is known by: tokens, links, sessions. Shown once, kept as digests."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final

__all__ = ["digest_of", "new_secret"]

_BYTES: Final = 32


def new_secret(prefix: str) -> str:
    """A secret of 256 random bits behind a prefix that tells its kind."""
    return prefix + secrets.token_urlsafe(_BYTES)


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, 32 bytes. With so many random bits, SHA-256 needs neither salt nor stretching."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()

"""The registrar's word: canonical JSON that the registrar signed, for a half to check by itself.

A gate cannot give itself what takes this word: both halves have pinned the registrar's public key. Each kind of word
is signed under a label of its own, which names its version too, so that one never passes for another.
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from facekeep.errors import FormatError, RefusedError

WORD_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class SignedWord:
    """A word as sent.

    Attributes:
        payload: canonical JSON.
        signature: Ed25519 by the registrar, 64 bytes.
    """

    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class WordKind:
    """What a word is about.

    Attributes:
        label: what is signed before the payload.
        fields: what the payload holds, all of it.
        what: how errors call it.
    """

    label: bytes
    fields: Set[str]
    what: str

    def signed(self, plain: dict[str, Any], registrar: Ed25519PrivateKey) -> SignedWord:
        """The registrar's word."""
        payload = rfc8785.dumps(plain)
        return SignedWord(payload, registrar.sign(self.label + payload))

    def opened(self, word: SignedWord, registrar: bytes, keep: str) -> dict[str, Any]:
        """The fields of a word, of which those beside ``keep`` are of any type yet.

        Raises:
            RefusedError: it is not signed by the registrar, or for another keep.
            FormatError: it is too long, or not canonical JSON of these fields.
        """
        try:
            Ed25519PublicKey.from_public_bytes(registrar).verify(word.signature, self.label + word.payload)
        except InvalidSignature as problem:
            raise RefusedError(
                f"{self.what} is not signed by the registrar", hint="Give it on the registrar's host."
            ) from problem
        plain = self._parsed(word.payload)
        if plain["keep"] != keep:
            raise RefusedError(f"{self.what} is for another keep")
        return plain

    def _parsed(self, payload: bytes) -> dict[str, Any]:
        if len(payload) > WORD_BYTES_MAX:
            raise FormatError(f"{self.what} is too long")
        try:
            plain: Any = json.loads(payload)
            canonical = type(plain) is dict and set(plain) == self.fields and rfc8785.dumps(plain) == payload
        except (ValueError, TypeError, RecursionError, rfc8785.CanonicalizationError) as problem:
            raise FormatError(f"{self.what} is no JSON") from problem
        if not canonical:
            raise FormatError(f"{self.what} is not in canonical form")
        return dict(plain)

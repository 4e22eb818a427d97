"""The keys by which operators sign, as each half keeps them in its rules, and the registrar's word on them.

A gate cannot give itself an operator: each change of these keys is signed by the registrar, whose public key both
halves have pinned, and numbered, so that an old one does not serve twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from functools import cached_property
from hashlib import sha256
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from facekeep.domain.consent import ALL_PURPOSE_BITS, Purpose
from facekeep.errors import FormatError, RefusedError, TicketError
from facekeep.split.rows import NEVER_RETURN_BIT
from facekeep.split.statement import NAME_BYTES_MAX, NEVER_RETURN, Statement
from facekeep.split.word import SignedWord, WordKind

KEYS_MAX = 1000
PUBLIC_BYTES_MAX = 128
EVERY_PURPOSE = ALL_PURPOSE_BITS | NEVER_RETURN_BIT
ANYBODY = ""
"""The operator of a key that signs for whoever is named: the keep's own desk."""

_LABEL = b"facekeep/1/operators\x00"
_KEY_LABEL = b"facekeep/1/operator-key\x00"


class KeyKind(StrEnum):
    """How a key signs."""

    CLIENT = "client"
    """Ed25519 over the statement."""
    PASSKEY = "passkey"
    """WebAuthn, ES256 or Ed25519."""


@dataclass(frozen=True)
class OperatorKey:
    """A key that may sign statements.

    Attributes:
        kind: how.
        public: SubjectPublicKeyInfo in DER, hexadecimal; Ed25519, or P-256 for passkeys.
        operator: identifier of whose it is; "" for anybody who is named.
        purposes: bits of the purposes that it may sign for, 128 for "never return".
        not_after: from when on it signs nothing, seconds since 1970, UTC; 0 for never.
        rp: of a passkey, the relying party; else "".
        origin: of a passkey, the page's origin; else "".
    """

    kind: KeyKind
    public: str
    operator: str
    purposes: int
    not_after: int
    rp: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        plain = isinstance(self.kind, KeyKind) and all(
            type(value) is str for value in (self.public, self.operator, self.rp, self.origin)
        )
        if not plain or type(self.purposes) is not int or type(self.not_after) is not int:
            raise FormatError("an operator's key has a field of the wrong type")
        if not 0 <= self.purposes <= EVERY_PURPOSE or self.purposes & ~EVERY_PURPOSE:
            raise FormatError("an operator's key names a purpose that does not exist")
        if not 0 <= self.not_after < 2**53:
            raise FormatError("an operator's key ends at no time that can be")
        if len(self.operator.encode()) > NAME_BYTES_MAX or len((self.rp + self.origin).encode()) > 4 * NAME_BYTES_MAX:
            raise FormatError("an operator's key holds too long a name")
        if {bool(self.rp), bool(self.origin)} != {self.kind is KeyKind.PASSKEY}:
            raise FormatError("a passkey, and no other key, has a relying party and an origin")
        if self.kind is KeyKind.CLIENT and not isinstance(self.public_key, Ed25519PublicKey):
            raise FormatError("a client signs by an Ed25519 key")

    @cached_property
    def public_key(self) -> Ed25519PublicKey | EllipticCurvePublicKey:
        """The key itself.

        Raises:
            FormatError: it is none, of another algorithm, or written in another way than the usual one.
        """
        try:
            raw = bytes.fromhex(self.public)
            key = load_der_public_key(raw) if len(raw) <= PUBLIC_BYTES_MAX else None
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise FormatError("an operator's key is no public key") from problem
        known = isinstance(key, Ed25519PublicKey) or (
            isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)
        )
        if (
            not known
            or not isinstance(key, Ed25519PublicKey | EllipticCurvePublicKey)
            or _der(key).hex() != self.public
        ):
            raise FormatError("an operator's key is no Ed25519 or P-256 key in its usual form")
        return key

    @cached_property
    def id(self) -> str:
        """What names the key, 32 hexadecimal digits."""
        return sha256(_KEY_LABEL + self.kind.encode() + b"\x00" + bytes.fromhex(self.public)).hexdigest()[:32]

    def check(self, statement: Statement, now: int) -> None:
        """Whether it may sign this.

        Raises:
            TicketError: its time is over, or it may not sign for this operator or purpose.
        """
        if self.not_after and self.not_after <= now:
            raise TicketError("an operator's key has expired", hint=_ASK)
        if self.operator not in (ANYBODY, statement.operator):
            raise TicketError("a statement is signed by another operator's key")
        if not self.purposes & _bit(statement.purpose):
            raise TicketError("an operator's key may not sign for this purpose", hint=_ASK)

    def to_plain(self) -> dict[str, object]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Any) -> OperatorKey:
        """As JSON held it.

        Raises:
            FormatError: it does not parse; unknown members are refused.
        """
        try:
            if set(plain) != {f.name for f in fields(cls)}:
                raise FormatError("an operator's key has an unknown field, or lacks one")
            return cls(**{**plain, "kind": KeyKind(plain["kind"])})
        except (ValueError, TypeError) as problem:
            raise FormatError("an operator's key does not parse") from problem


_ASK = "An administrator says which key signs for what: facekeep operator list."


def _bit(purpose: str) -> int:
    if purpose == NEVER_RETURN:
        return NEVER_RETURN_BIT
    return Purpose(purpose).bit


def _der(key: Ed25519PublicKey | EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def client_key(public: Ed25519PublicKey, operator: str, purposes: int, not_after: int = 0) -> OperatorKey:
    """The entry of a client's key."""
    return OperatorKey(KeyKind.CLIENT, _der(public).hex(), operator, purposes, not_after)


def client_key_id(public: Ed25519PublicKey) -> str:
    """The identifier of a client's key."""
    return client_key(public, ANYBODY, 0).id


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A change of the keys.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        serial: higher than that of every change before.
        grant: the key that may sign from now on, in place of the one with its identifier; None for a revocation.
        revoke: identifier of the key that may not any more; "" for a grant.
    """

    keep: str
    serial: int
    grant: OperatorKey | None = None
    revoke: str = ""

    def __post_init__(self) -> None:
        if type(self.serial) is not int:
            raise FormatError("a change of the operators' keys has no such number")


_CHANGE = WordKind(_LABEL, frozenset(field.name for field in fields(KeyChange)), "a change of the operators' keys")


def sign_change(change: KeyChange, registrar: Ed25519PrivateKey) -> SignedWord:
    """The registrar's word."""
    grant = None if change.grant is None else change.grant.to_plain()
    plain = {"keep": change.keep, "serial": change.serial, "grant": grant, "revoke": change.revoke}
    return _CHANGE.signed(plain, registrar)


def open_change(word: SignedWord, registrar: bytes, keep: str) -> KeyChange:
    """The change in a word.

    Raises:
        RefusedError: forged, malformed, or for another keep.
    """
    try:
        plain = _CHANGE.opened(word, registrar, keep)
        return KeyChange(keep, plain["serial"], *read_change(plain["grant"], plain["revoke"]))
    except FormatError as problem:
        raise RefusedError("a change of the operators' keys does not parse") from problem


def read_change(grant: Any, revoke: Any) -> tuple[OperatorKey | None, str]:
    """The key that a change gives, or the identifier of the one that it takes, as JSON held them.

    Raises:
        FormatError: they do not parse, or it is not one of the two.
    """
    if type(revoke) is not str:
        raise FormatError("a change of the operators' keys has a field of the wrong type")
    if (grant is None) == (revoke == ""):
        raise FormatError("a change of the operators' keys gives or takes one key")
    return None if grant is None else OperatorKey.from_plain(grant), revoke


def read_changed(word: SignedWord) -> tuple[OperatorKey | None, str]:
    """What a word says that a half has checked before. See :func:`read_change`."""
    plain = json.loads(word.payload)
    return read_change(plain["grant"], plain["revoke"])


def changed(keys: Mapping[str, OperatorKey], change: KeyChange) -> dict[str, OperatorKey]:
    """The keys after a change, by identifier.

    Raises:
        RefusedError: there would be too many.
    """
    left = {name: key for name, key in keys.items() if name != change.revoke}
    if change.grant is not None:
        left[change.grant.id] = change.grant
    if len(left) > KEYS_MAX:
        raise RefusedError(f"a keep has at most {KEYS_MAX:,} operators' keys", hint="Revoke those not in use.")
    return left

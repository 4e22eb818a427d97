"""Approvals: an operator's signature over a statement, by a client's key or by a passkey.

Each half checks them by itself, against the keys in its own rules. A client's key signs the statement; a passkey signs
an assertion of WebAuthn whose challenge is the statement's digest. Neither shows that the person understood what was
signed: what a browser shows comes from the service (docs/threat-model.md).
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from facekeep.errors import TicketError
from facekeep.split.operators import KeyKind, OperatorKey, client_key_id
from facekeep.split.statement import LABEL, statement_digest

SIGNATURE_BYTES = 64
AUTHENTICATOR_BYTES_MIN = 37
AUTHENTICATOR_BYTES_MAX = 512
CLIENT_DATA_BYTES_MAX = 2048
PASSKEY_SIGNATURE_BYTES_MAX = 80
APPROVAL_BYTES_MAX = 1 + 2 + AUTHENTICATOR_BYTES_MAX + 2 + CLIENT_DATA_BYTES_MAX + 2 + PASSKEY_SIGNATURE_BYTES_MAX
_BY_KEY, _BY_PASSKEY = 0, 1
_USER_PRESENT, _USER_VERIFIED = 0x01, 0x04
_FORGED = "a statement is not signed by the operator's key"


@dataclass(frozen=True, slots=True)
class KeyApproval:
    """A signature by a client's key.

    Attributes:
        signature: Ed25519, 64 bytes.
    """

    signature: bytes

    def to_bytes(self) -> bytes:
        """As it is sent, and hashed into the ticket."""
        return bytes([_BY_KEY]) + self.signature


@dataclass(frozen=True, slots=True)
class PasskeyApproval:
    """An assertion of a passkey, as WebAuthn gives it.

    Attributes:
        authenticator_data: 37 to 512 bytes.
        client_data: the JSON that the browser signed over, up to 2,048 bytes.
        signature: ES256 in DER, or Ed25519; up to 80 bytes.
    """

    authenticator_data: bytes
    client_data: bytes
    signature: bytes

    def to_bytes(self) -> bytes:
        """As it is sent, and hashed into the ticket."""
        parts = (self.authenticator_data, self.client_data, self.signature)
        return bytes([_BY_PASSKEY]) + b"".join(len(part).to_bytes(2, "big") + part for part in parts)


Approval = KeyApproval | PasskeyApproval


def approval_from_bytes(raw: bytes) -> Approval:
    """The approval as it was sent.

    Raises:
        TicketError: it does not parse.
    """
    if len(raw) == 1 + SIGNATURE_BYTES and raw[0] == _BY_KEY:
        return KeyApproval(raw[1:])
    if not raw or raw[0] != _BY_PASSKEY:
        raise TicketError("an operator's signature does not parse")
    parts, rest = [], raw[1:]
    bounds = (
        (AUTHENTICATOR_BYTES_MIN, AUTHENTICATOR_BYTES_MAX),
        (1, CLIENT_DATA_BYTES_MAX),
        (1, PASSKEY_SIGNATURE_BYTES_MAX),
    )
    for least, most in bounds:
        size = int.from_bytes(rest[:2], "big")
        part, rest = rest[2 : 2 + size], rest[2 + size :]
        if not least <= size <= most or len(part) != size:
            raise TicketError("an operator's signature does not parse")
        parts.append(part)
    if rest:
        raise TicketError("an operator's signature does not parse")
    return PasskeyApproval(*parts)


def check_approval(key: OperatorKey, statement: bytes, approval: Approval) -> None:
    """Hold an approval against the key that the statement names.

    Raises:
        TicketError: it is not by this key over this statement, or the person was not there and verified.
    """
    if isinstance(approval, KeyApproval):
        if key.kind is not KeyKind.CLIENT:
            raise TicketError(_FORGED)
        _verify(key, approval.signature, LABEL + statement)
        return
    if key.kind is not KeyKind.PASSKEY:
        raise TicketError(_FORGED)
    _check_client_data(key, statement, approval.client_data)
    _check_authenticator(key, approval.authenticator_data)
    _verify(key, approval.signature, approval.authenticator_data + sha256(approval.client_data).digest())


def _verify(key: OperatorKey, signature: bytes, message: bytes) -> None:
    public = key.public_key
    try:
        if isinstance(public, EllipticCurvePublicKey):
            public.verify(signature, message, ECDSA(hashes.SHA256()))
        else:
            public.verify(signature, message)
    except InvalidSignature as problem:
        raise TicketError(_FORGED) from problem


def _check_client_data(key: OperatorKey, statement: bytes, client_data: bytes) -> None:
    try:
        said = json.loads(client_data.decode("utf-8"), object_pairs_hook=_once)
        kind, challenge, origin = said["type"], said["challenge"], said["origin"]
        foreign = said.get("crossOrigin", False) is not False or "topOrigin" in said
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise TicketError("a passkey's client data does not parse") from problem
    if kind != "webauthn.get" or challenge != _base64url(statement_digest(statement)):
        raise TicketError("a passkey signed another statement, or none")
    if origin != key.origin or foreign:
        raise TicketError("a passkey was used on another page")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _check_authenticator(key: OperatorKey, data: bytes) -> None:
    if data[:32] != sha256(key.rp.encode()).digest():
        raise TicketError("a passkey was used for another relying party")
    if data[32] & _USER_PRESENT == 0 or data[32] & _USER_VERIFIED == 0:
        raise TicketError("a passkey was used without its person's verified presence")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A private key that signs statements: of a machine client, of a person at a terminal, or of the keep's own desk.

    Attributes:
        private: the key.
        id: identifier of its public part.
    """

    private: Ed25519PrivateKey = field(repr=False)
    id: str

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> ClientKey:
        """The signer of a key."""
        return cls(private, client_key_id(private.public_key()))

    @property
    def public(self) -> Ed25519PublicKey:
        """What the halves are given."""
        return self.private.public_key()

    def approve(self, statement: bytes) -> KeyApproval:
        """The signature over a statement."""
        return KeyApproval(self.private.sign(LABEL + statement))

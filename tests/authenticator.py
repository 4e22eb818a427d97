"""An authenticator in software: real keys, real signatures, assertions of the form of WebAuthn level 3."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from facekeep.split.approval import PasskeyApproval
from facekeep.split.operators import EVERY_PURPOSE, KeyKind, OperatorKey
from facekeep.split.statement import statement_digest

RP = "faces.example"
ORIGIN = "https://faces.example"
PRESENT, VERIFIED, EXTENDED = 0x01, 0x04, 0x80


def new_p256() -> EllipticCurvePrivateKey:
    return generate_private_key(SECP256R1())


@dataclass
class Authenticator:
    """A passkey of one person, and the page that asks for it. Its fields may be set to what they must not be."""

    key: EllipticCurvePrivateKey | Ed25519PrivateKey = field(default_factory=new_p256)
    operator: str = "op"
    purposes: int = EVERY_PURPOSE
    not_after: int = 0
    rp: str = RP
    flags: int = PRESENT | VERIFIED
    count: int = 0
    extensions: bytes = b""
    said: dict[str, object] = field(default_factory=dict)

    @property
    def entry(self) -> OperatorKey:
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return OperatorKey(KeyKind.PASSKEY, public.hex(), self.operator, self.purposes, self.not_after, RP, ORIGIN)

    @property
    def id(self) -> str:
        return self.entry.id

    def approve(self, statement: bytes) -> PasskeyApproval:
        return self.get(statement_digest(statement))

    def get(self, challenge: bytes) -> PasskeyApproval:
        """navigator.credentials.get() for a challenge."""
        self.count += 1
        encoded = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        said = {"type": "webauthn.get", "challenge": encoded, "origin": ORIGIN, "crossOrigin": False, **self.said}
        client_data = json.dumps(said, separators=(",", ":")).encode()
        data = sha256(self.rp.encode()).digest() + bytes([self.flags]) + self.count.to_bytes(4, "big") + self.extensions
        message = data + sha256(client_data).digest()
        if isinstance(self.key, Ed25519PrivateKey):
            return PasskeyApproval(data, client_data, self.key.sign(message))
        return PasskeyApproval(data, client_data, self.key.sign(message, ECDSA(hashes.SHA256())))

"""Self-signed certificates of the roles, and their pins. Nothing is written here: who asks keeps the key.

There is no authority to trust or to rob: each role knows the certificates of the roles it talks to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from facekeep.errors import FormatError

LIFETIME = timedelta(days=3650)
"""A pinned certificate is ended by taking away its pin, not by its date."""

_EARLIER = timedelta(days=1)  # clocks differ


@dataclass(frozen=True, slots=True)
class Made:
    """A new certificate.

    Attributes:
        certificate: PEM.
        key: its private key, PKCS #8 in PEM, not encrypted: write it with mode 0600, and nowhere else.
        pin: see :func:`pin_of`.
    """

    certificate: bytes
    key: bytes = field(repr=False)
    pin: bytes


def make(name: str, *, now: datetime, p256: bool = False) -> Made:
    """Draw a key and certify it by itself.

    Args:
        name: what people shall see in it, 1 to 64 characters; it is not checked by anyone.
        now: the present time, with time zone.
        p256: draw an ECDSA key on P-256, for a host without Ed25519, instead of an Ed25519 key.
    """
    key: EllipticCurvePrivateKey | Ed25519PrivateKey
    key = generate_private_key(SECP256R1()) if p256 else Ed25519PrivateKey.generate()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS_ONLY, critical=True)
    )
    certificate = builder.sign(key, SHA256() if p256 else None)
    return Made(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        _pin(certificate),
    )


_SIGNS_ONLY = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _pin(certificate: x509.Certificate) -> bytes:
    public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(public).digest()


def pin_of(certificate: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo of a certificate in DER, 32 bytes.

    Raises:
        FormatError: it is no certificate, or has a key of an unknown kind.
    """
    try:
        return _pin(x509.load_der_x509_certificate(certificate))
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise FormatError("a certificate does not parse", hint="Give one certificate.") from problem


def der_of(certificate: bytes) -> bytes:
    """The DER of a certificate in PEM.

    Raises:
        FormatError: it is not exactly one certificate.
    """
    try:
        (found,) = x509.load_pem_x509_certificates(certificate)
    except ValueError as problem:
        raise FormatError("a certificate does not parse", hint="Give one certificate in PEM.") from problem
    return found.public_bytes(Encoding.DER)

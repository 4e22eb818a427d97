"""The key files of operators: made where they are used, and read there; a keep is given the public part alone."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from facekeep.errors import BadInputError, UsageError
from facekeep.split.approval import ClientKey

__all__ = ["make_operator_key", "public_pem", "read_operator_key", "read_public_key"]

_BYTES_MAX = 16 << 10


def make_operator_key(path: Path) -> ClientKey:
    """Make a private key in a new file of mode 0600, PEM without a passphrase.

    Raises:
        UsageError: there is already a file, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise UsageError("there is already a file where the key shall be written", hint="Name a new file.") from None
    except OSError:
        raise UsageError("the key cannot be written", hint="Check that the folder exists and may be written.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return ClientKey.of(key)


def read_operator_key(path: Path) -> ClientKey:
    """The private key in a file, PEM.

    Raises:
        BadInputError: it is no Ed25519 key, or others may read the file.
    """
    try:
        with path.open("rb") as file:
            open_to_others = os.fstat(file.fileno()).st_mode & 0o077
            pem = file.read(_BYTES_MAX)
        if open_to_others:
            raise BadInputError("others may read the operator's key", hint="Give it mode 0600: chmod 600 FILE.")
        key = load_pem_private_key(pem, None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        raise BadInputError("the operator's key cannot be read", hint=_MAKE) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInputError("the operator's key is no Ed25519 key", hint=_MAKE)
    return ClientKey.of(key)


_MAKE = "Make one: facekeep operator key FILE."


def public_pem(key: ClientKey) -> bytes:
    """The public part, PEM."""
    return key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_public_key(data: bytes) -> bytes:
    """SubjectPublicKeyInfo in DER, of the same in PEM or DER.

    Raises:
        BadInputError: it is no public key.
    """
    try:
        load = load_pem_public_key if data.lstrip().startswith(b"-----") else load_der_public_key
        return load(data[:_BYTES_MAX]).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        hint = "Give what facekeep operator key wrote, or a passkey's public key (SubjectPublicKeyInfo)."
        raise BadInputError("this is no public key", hint=hint) from None

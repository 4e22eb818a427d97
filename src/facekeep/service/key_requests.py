"""Changes of operators' keys on their way between hosts: asked for at the gate, signed at the registrar, applied."""

from __future__ import annotations

import base64
import binascii
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.errors import BadInputError
from facekeep.split.operators import CHANGE_BYTES_MAX, KeyChange, SignedChange, read_change, sign_change

__all__ = ["read_request", "read_signed", "sign_request", "written"]


def read_request(payload: bytes) -> KeyChange:
    """What a request asks for.

    Raises:
        RefusedError: it does not parse.
    """
    return read_change(payload[: CHANGE_BYTES_MAX + 1])


def sign_request(change: KeyChange, registrar: bytes) -> SignedChange:
    """The change with the registrar's signature.

    Args:
        change: as asked for; look at it first.
        registrar: the registrar's private key, 32 bytes.
    """
    return sign_change(change, Ed25519PrivateKey.from_private_bytes(registrar))


def written(change: SignedChange) -> bytes:
    """A signed change as a file."""
    parts = {"payload": change.payload, "signature": change.signature}
    return json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()}, indent=1).encode()


def read_signed(data: bytes) -> SignedChange:
    """The signed change in a file.

    Raises:
        BadInputError: it is none.
    """
    try:
        plain = json.loads(data)
        return SignedChange(*(base64.b64decode(plain[name], validate=True) for name in ("payload", "signature")))
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise BadInputError("this is no signed change", hint="Give what facekeep operator sign wrote.") from None

"""From the key of a passkey as sign-in keeps it to the form in which the halves know it."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from facekeep.errors import BadInputError

__all__ = ["spki_of_cose"]


def spki_of_cose(cose: bytes) -> bytes:
    """SubjectPublicKeyInfo in DER, of a COSE_Key.

    Raises:
        BadInputError: it is of no algorithm that the library knows.
    """
    # A twentieth of a second, which commands that see no passkey need not pay.
    from webauthn.helpers import decode_credential_public_key as decoded  # noqa: PLC0415
    from webauthn.helpers import decoded_public_key_to_cryptography as key_of  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        key = key_of(decoded(cose))
    except (WebAuthnException, ValueError, TypeError, LookupError) as problem:
        raise BadInputError("a passkey's public key does not parse") from problem
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

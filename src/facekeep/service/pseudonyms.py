"""By which names the halves, their logs and the ledger know operators: by none that a person has."""

from __future__ import annotations

import hmac

from facekeep.domain.accounts import OF_PRINCIPALS, Operator, kind_of
from facekeep.domain.subject import normalised_label
from facekeep.errors import FormatError, UsageError

__all__ = ["pseudonym_of"]


def pseudonym_of(secret: bytes, who: Operator) -> str:
    """The pseudonym of an operator, 32 hexadecimal digits.

    Of a client or an account it is made of the identifier, which no other ever has: whoever takes a name that was
    another's inherits neither keys nor counts. Of who works at the keep itself it is made of the name; no name
    gives the pseudonym of an identifier.

    Args:
        secret: of the keep, 32 bytes.
        who: the operator.

    Raises:
        UsageError: the operator has no name, one that cannot be written, or one like a client's or an account's.
    """
    if not isinstance(who, str):
        return _pseudonym(secret, f"facekeep/1/principal/{kind_of(who)}/".encode() + who.id)
    try:
        known = normalised_label(who)
    except FormatError:
        raise UsageError(
            "an operator has a name of 1 to 128 characters", hint="Say who asks: the halves count by operator."
        ) from None
    if known.startswith(OF_PRINCIPALS):
        raise UsageError(
            "who works at the keep itself has no name that begins like a client's or an account's",
            hint="Take another name. A key of a client or an account: facekeep operator add NAME --kind …",
        )
    return _pseudonym(secret, b"facekeep/1/operator/" + known.encode())


def _pseudonym(secret: bytes, of: bytes) -> str:
    return hmac.digest(secret, of, "sha256")[:16].hex()

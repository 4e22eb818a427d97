"""Signing what the service states, after a look at whether it is what was asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from facekeep.domain.consent import Purpose
from facekeep.domain.subject import normalised_label
from facekeep.errors import RefusedError, TicketError
from facekeep.split.approval import Approval
from facekeep.split.asking import Signer
from facekeep.split.statement import Statement, statement_digest

_HINT = "Nothing was signed. Ask the administrator of the service why it states something else."


@dataclass(frozen=True, slots=True)
class Stated:
    """What the service asks an operator to sign.

    Attributes:
        id: digest of the statement, 64 hexadecimal digits.
        statement: canonical JSON (split.statement).
        salt: opens the commitment to the crop, 32 bytes.
        expires: until when the signature is waited for.
    """

    id: str
    statement: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    expires: datetime


def approve(stated: Stated, signer: Signer, *, purpose: Purpose, gallery: str = "", candidates: int = 1) -> Approval:
    """Sign a statement that says what was asked.

    Whom a claim is about, which case, and what picture was committed to cannot be seen here.

    Raises:
        RefusedError: it says something else.
    """
    try:
        statement = Statement.from_bytes(stated.statement)
    except TicketError as problem:
        raise RefusedError("the service states something that is no statement", hint=_HINT) from problem
    wanted = (signer.id, purpose.value, gallery and normalised_label(gallery), candidates, purpose.is_one_to_one)
    said = (
        statement.key,
        statement.purpose,
        statement.gallery,
        statement.candidates,
        statement.is_one_to_one,
    )
    if said != wanted or statement_digest(stated.statement).hex() != stated.id:
        raise RefusedError("the service states another search than was asked for", hint=_HINT)
    return signer.approve(stated.statement)

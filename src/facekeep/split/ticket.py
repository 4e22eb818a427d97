"""Tickets: the gate's signed word on one search, around the statement that an operator signed.

What a search is for stands in the statement alone; the ticket adds the operator's signature, the row of a claim that is
compared, and a threshold at least as strict as the statement's. Each half checks both signatures by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from facekeep.domain.row import Pseudonym
from facekeep.errors import TicketError
from facekeep.split.statement import CLOCK_SKEW_SECONDS, Statement, opened, search_nonce, statement_digest

_LABEL = b"facekeep/1/ticket\x00"


@dataclass(frozen=True, slots=True)
class SignedTicket:
    """A ticket as sent.

    Attributes:
        statement: payload of the operator's statement.
        approval: the operator's signature (split.approval).
        level: index of the threshold of this search.
        opening: of a 1:1 search, what shows that its row is claimed (split.statement); else empty.
        signature: Ed25519 by the gate over ``body``, 64 bytes.
    """

    statement: bytes
    approval: bytes
    level: int
    opening: bytes
    signature: bytes

    @property
    def body(self) -> bytes:
        """What the gate signs, and what the transcript of the search begins with."""
        return sha256(self.statement).digest() + sha256(self.approval).digest() + self.level.to_bytes(1) + self.opening


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one search is for, as a half has checked it.

    Attributes:
        statement: what the operator signed.
        digest: the statement's name in logs, 64 hexadecimal digits.
        level: index of the threshold, at least the statement's.
        row: of 1:1 the pseudonym to compare; None for 1:N.
        nonce: names the search, 16 bytes.
    """

    statement: Statement
    digest: str
    level: int
    row: Pseudonym | None
    nonce: bytes

    @property
    def is_one_to_one(self) -> bool:
        """Whether one claimed row is compared."""
        return self.row is not None


def sign(
    statement: bytes, approval: bytes, key: Ed25519PrivateKey, *, level: int, opening: bytes = b""
) -> SignedTicket:
    """The ticket as the gate sends it."""
    unsigned = SignedTicket(statement, approval, level, opening, b"")
    return SignedTicket(statement, approval, level, opening, key.sign(_LABEL + unsigned.body))


def open_ticket(signed: SignedTicket, gate: bytes, *, now: int) -> Ticket:
    """The ticket in a signed one. The operator's signature is still to be checked.

    Args:
        signed: as received.
        gate: the gate's pinned Ed25519 public key, 32 bytes.
        now: seconds since 1970, UTC, by the half's own clock.

    Raises:
        TicketError: forged, malformed, from the future, expired, or not within its statement.
    """
    try:
        Ed25519PublicKey.from_public_bytes(gate).verify(signed.signature, _LABEL + signed.body)
    except InvalidSignature as problem:
        raise TicketError("a ticket is not signed by the pinned gate") from problem
    statement = Statement.from_bytes(signed.statement)
    if statement.issued > now + CLOCK_SKEW_SECONDS:
        raise TicketError("a ticket comes from the future")
    if statement.expires <= now:
        raise TicketError("a ticket has expired")
    if signed.level < statement.level:
        raise TicketError("a ticket asks for a laxer threshold than its statement")
    place, row = 0, None
    if statement.is_one_to_one:
        place, row = opened(statement.claim, signed.opening)
    elif signed.opening or signed.level != statement.level:
        raise TicketError("a ticket for a gallery opens a claim, or has another threshold than its statement")
    nonce = search_nonce(bytes.fromhex(statement.nonce), place)
    return Ticket(statement, statement_digest(signed.statement).hex(), signed.level, row, nonce)

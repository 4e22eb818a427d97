"""Tickets: the gate's signed word on what a search is for. Each half checks every ticket by itself.

A ticket is canonical JSON (RFC 8785) signed with Ed25519; it serves one search of one probe and lives for minutes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from facekeep.domain.row import PSEUDONYM_BYTES
from facekeep.errors import TicketError

NONCE_BYTES = 16
LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 60
CANDIDATES_MAX = 10
NAME_BYTES_MAX = 128
PAYLOAD_BYTES_MAX = 4096
_LABEL = b"facekeep/1/ticket\x00"

NEVER_RETURN = "never-return"
"""Purpose and gallery of the list of people who asked never to be returned."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What one search is for.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        purpose: a purpose by its name, or "never-return".
        gallery: the only group to search, or "" for all.
        row: for 1:1 the pseudonym claimed, 32 hexadecimal digits; "" for 1:N.
        case: identifier of the case; "" where the purpose needs none.
        operator: identifier of who asks.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        level: index of the threshold in the model's list.
        candidates: how many rows may be released at most, 1 to 10.
        nonce: 32 hexadecimal digits, never used before.
        issued: seconds since 1970, UTC.
        expires: likewise, at most 300 s later.
    """

    keep: str
    purpose: str
    gallery: str
    row: str
    case: str
    operator: str
    model: str
    level: int
    candidates: int
    nonce: str
    issued: int
    expires: int

    @property
    def is_one_to_one(self) -> bool:
        """Whether one claimed row is compared."""
        return self.row != ""

    def __post_init__(self) -> None:
        identifiers = [(self.keep, 32), (self.nonce, 2 * NONCE_BYTES), (self.model, 64)]
        if self.is_one_to_one:
            identifiers.append((self.row, 2 * PSEUDONYM_BYTES))
        if any(len(text) != size or set(text) - set("0123456789abcdef") for text, size in identifiers):
            raise TicketError("a ticket holds an identifier of the wrong form")
        if any(len(text.encode()) > NAME_BYTES_MAX for text in (self.purpose, self.gallery, self.case, self.operator)):
            raise TicketError("a ticket holds too long a name")
        if not (0 <= self.level < 15 and 1 <= self.candidates <= CANDIDATES_MAX):
            raise TicketError("a ticket asks for a level or a number of candidates that does not exist")
        if not 0 < self.expires - self.issued <= LIFETIME_SECONDS:
            raise TicketError("a ticket lives too long, or not at all")


@dataclass(frozen=True, slots=True)
class SignedTicket:
    """A ticket as sent.

    Attributes:
        payload: canonical JSON.
        signature: 64 bytes.
    """

    payload: bytes
    signature: bytes


def sign(ticket: Ticket, key: Ed25519PrivateKey) -> SignedTicket:
    """The ticket as the gate sends it."""
    payload = rfc8785.dumps(asdict(ticket))
    return SignedTicket(payload, key.sign(_LABEL + payload))


def open_ticket(signed: SignedTicket, gate: bytes, *, now: int) -> Ticket:
    """The ticket in a signed one.

    Args:
        signed: as received.
        gate: the gate's pinned Ed25519 public key, 32 bytes.
        now: seconds since 1970, UTC, by the half's own clock.

    Raises:
        TicketError: forged, malformed, not canonical, from the future, or expired.
    """
    try:
        Ed25519PublicKey.from_public_bytes(gate).verify(signed.signature, _LABEL + signed.payload)
    except InvalidSignature as problem:
        raise TicketError("a ticket is not signed by the pinned gate") from problem
    ticket = _parse(signed.payload)
    if ticket.issued > now + CLOCK_SKEW_SECONDS:
        raise TicketError("a ticket comes from the future")
    if ticket.expires <= now:
        raise TicketError("a ticket has expired")
    return ticket


def _parse(payload: bytes) -> Ticket:
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise TicketError("a ticket is too long")
    try:
        fields = json.loads(payload)
        for name, kind in Ticket.__annotations__.items():
            if type(fields[name]).__name__ != kind:
                raise TicketError("a ticket has a field of the wrong type")
        ticket = Ticket(**fields)
        canonical = rfc8785.dumps(asdict(ticket))
    except (ValueError, TypeError, KeyError, RecursionError, rfc8785.CanonicalizationError) as problem:
        raise TicketError("a ticket does not parse") from problem
    if canonical != payload:
        raise TicketError("a ticket is not in canonical form")
    return ticket

"""Statements: what an operator signs before a search is made. One statement serves one probe and lives for minutes.

A statement is canonical JSON (RFC 8785). It names who asks, what for, under which case, which gallery, which threshold
and which of the operator's keys signs it; it commits to the crop that the probe was made of, under a salt. That makes
the operator accountable. It does not prove the probe: no half can see that the probe is of that crop.

A 1:1 statement commits to the rows that may be compared (up to 16, one for each reference of the person claimed)
without telling them: whoever signs it learns neither whether the person is enrolled nor with how many references.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

import rfc8785

from facekeep.domain.digits import is_hex
from facekeep.domain.row import PSEUDONYM_BYTES, Pseudonym
from facekeep.errors import TicketError, UsageError

NONCE_BYTES = 16
LIFETIME_SECONDS = 300
CLOCK_SKEW_SECONDS = 60
CANDIDATES_MAX = 10
NAME_BYTES_MAX = 128
PAYLOAD_BYTES_MAX = 4096
CLAIM_ROWS = 16
SALT_BYTES = 32
OPENING_BYTES = 1 + PSEUDONYM_BYTES + SALT_BYTES + 32 * CLAIM_ROWS
LABEL = b"facekeep/1/statement\x00"
_COMMITMENT = b"facekeep/1/commitment\x00"
_LEAF = b"facekeep/1/leaf\x00"
_CLAIM = b"facekeep/1/claim\x00"
_NONCE = b"facekeep/1/nonce\x00"

NEVER_RETURN = "never-return"
"""Purpose and gallery of the list of people who asked never to be returned."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What an operator asks for and answers for.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        purpose: a purpose by its name, or "never-return".
        gallery: the only group to search, or "" for all.
        claim: for 1:1 the commitment to the rows, 64 hexadecimal digits (``Claim``); "" for 1:N.
        case: identifier of the case; "" where the purpose needs none.
        operator: identifier of who asks.
        key: identifier of the key that signs, 32 hexadecimal digits (split.operators).
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        level: index of the threshold in the model's list; a half takes no laxer one.
        candidates: how many rows may be released at most, 1 to 10.
        commitment: to the crop (``commit``), 64 hexadecimal digits.
        nonce: 32 hexadecimal digits, never used before.
        issued: seconds since 1970, UTC.
        expires: likewise, at most 300 s later.
    """

    keep: str
    purpose: str
    gallery: str
    claim: str
    case: str
    operator: str
    key: str
    model: str
    level: int
    candidates: int
    commitment: str
    nonce: str
    issued: int
    expires: int

    @property
    def is_one_to_one(self) -> bool:
        """Whether claimed rows are compared, each by itself."""
        return self.claim != ""

    def __post_init__(self) -> None:
        identifiers = [(self.keep, 32), (self.nonce, 2 * NONCE_BYTES), (self.model, 64), (self.key, 32)]
        identifiers += [(self.commitment, 64)] + ([(self.claim, 64)] if self.is_one_to_one else [])
        if not all(is_hex(text, size) for text, size in identifiers):
            raise TicketError("a statement holds an identifier of the wrong form")
        if any(len(text.encode()) > NAME_BYTES_MAX for text in (self.purpose, self.gallery, self.case, self.operator)):
            raise TicketError("a statement holds too long a name")
        if not (0 <= self.level < 15 and 1 <= self.candidates <= CANDIDATES_MAX):
            raise TicketError("a statement asks for a level or a number of candidates that does not exist")
        if not 0 < self.expires - self.issued <= LIFETIME_SECONDS:
            raise TicketError("a statement lives too long, or not at all")

    def to_bytes(self) -> bytes:
        """The statement as it is signed and sent."""
        return rfc8785.dumps(asdict(self))

    @classmethod
    def from_bytes(cls, payload: bytes) -> Statement:
        """The statement in a payload.

        Raises:
            TicketError: malformed, or not in canonical form.
        """
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise TicketError("a statement is too long")
        try:
            fields = json.loads(payload)
            for name, kind in cls.__annotations__.items():
                if type(fields[name]).__name__ != kind:
                    raise TicketError("a statement has a field of the wrong type")
            statement = cls(**fields)
            canonical = statement.to_bytes()
        except (ValueError, TypeError, KeyError, RecursionError, rfc8785.CanonicalizationError) as problem:
            raise TicketError("a statement does not parse") from problem
        if canonical != payload:
            raise TicketError("a statement is not in canonical form")
        return statement


def statement_digest(payload: bytes) -> bytes:
    """SHA-256 over label and payload: the challenge of a passkey, and the statement's name in the logs; 32 bytes."""
    return sha256(LABEL + payload).digest()


def commit(digest: bytes) -> tuple[bytes, bytes]:
    """A salt, which opens the commitment, and the commitment to a crop.

    Args:
        digest: SHA-256 over the crop.
    """
    salt = os.urandom(SALT_BYTES)
    return salt, commitment_of(salt, digest)


def commitment_of(salt: bytes, digest: bytes) -> bytes:
    """The commitment that a salt opens, 32 bytes."""
    return sha256(_COMMITMENT + salt + digest).digest()


def search_nonce(nonce: bytes, place: int) -> bytes:
    """What names a search: a statement's nonce serves once for each place of its claim, 16 bytes."""
    return sha256(_NONCE + nonce + bytes([place])).digest()[:NONCE_BYTES]


@dataclass(frozen=True, slots=True)
class Claim:
    """The rows that a 1:1 statement allows, hidden.

    Attributes:
        rows: 1 to 16 rows.
        salt: 32 bytes.
        leaves: 16 digests of 32 bytes, one for each place; behind the rows random ones.
    """

    rows: tuple[Pseudonym, ...]
    salt: bytes
    leaves: bytes

    @classmethod
    def of(cls, rows: Sequence[Pseudonym]) -> Claim:
        """A claim on some rows.

        Raises:
            UsageError: none, or more than 16.
        """
        if not 1 <= len(rows) <= CLAIM_ROWS:
            raise UsageError(f"a claim is about 1 to {CLAIM_ROWS} references")
        salt = os.urandom(SALT_BYTES)
        leaves = b"".join(_leaf(salt, place, row) for place, row in enumerate(rows))
        return cls(tuple(rows), salt, leaves + os.urandom(32 * CLAIM_ROWS - len(leaves)))

    @property
    def digest(self) -> str:
        """What the statement holds, 64 hexadecimal digits."""
        return _claim(self.leaves)

    def opening(self, place: int) -> bytes:
        """What shows that a row is the one at a place."""
        return bytes([place]) + self.rows[place] + self.salt + self.leaves


def opened(claim: str, opening: bytes) -> tuple[int, Pseudonym]:
    """Place and row of an opening.

    Raises:
        TicketError: it does not open this claim.
    """
    if len(opening) != OPENING_BYTES or opening[0] >= CLAIM_ROWS:
        raise TicketError("a ticket opens its statement's claim in another form")
    place, row = opening[0], Pseudonym(opening[1 : 1 + PSEUDONYM_BYTES])
    salt = opening[1 + PSEUDONYM_BYTES :][:SALT_BYTES]
    leaves = opening[1 + PSEUDONYM_BYTES + SALT_BYTES :]
    if _claim(leaves) != claim or leaves[32 * place :][:32] != _leaf(salt, place, row):
        raise TicketError("a ticket is for a row that its statement does not claim")
    return place, row


def _leaf(salt: bytes, place: int, row: Pseudonym) -> bytes:
    return sha256(_LEAF + salt + bytes([place]) + row).digest()


def _claim(leaves: bytes) -> str:
    return sha256(_CLAIM + leaves).hexdigest()

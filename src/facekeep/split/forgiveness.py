"""Forgiveness: the registrar's word that two people reviewed why a person's references were rejected so often.

It drops the counts of the rows that it names, once, within a week. Both halves check it by themselves: a gate that
lies would otherwise invent two reviewers whenever a budget stops it (docs/adr/0015-the-registrars-word.md).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.digits import is_hex
from facekeep.domain.row import PSEUDONYM_BYTES, Pseudonym
from facekeep.errors import FormatError, RefusedError
from facekeep.split.statement import CLOCK_SKEW_SECONDS, NONCE_BYTES
from facekeep.split.word import SignedWord, WordKind

FORGIVEN_ROWS_MAX = 64
FORGIVENESS_SECONDS = 7 * 86_400
_OPERATOR_DIGITS = 32
_AGAIN = "Have another one signed: facekeep unlock."


@dataclass(frozen=True, slots=True)
class Forgiveness:
    """What the registrar says of a person's rows.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        rows: pseudonyms of 1 to 64 rows, 32 hexadecimal digits each, rising.
        reviewers: the pseudonyms of two different reviewers, likewise.
        nonce: 32 hexadecimal digits, never used before.
        issued: seconds since 1970, UTC.
        expires: likewise, at most a week later.
    """

    keep: str
    rows: tuple[str, ...]
    reviewers: tuple[str, ...]
    nonce: str
    issued: int
    expires: int

    def __post_init__(self) -> None:
        check_reviewed(self.rows, self.reviewers)
        if not (is_hex(self.keep, 32) and is_hex(self.nonce, 2 * NONCE_BYTES)):
            raise FormatError("a forgiveness holds an identifier of the wrong form")
        if type(self.issued) is not int or type(self.expires) is not int:
            raise FormatError("a forgiveness has a time of the wrong type")
        if not 0 <= self.issued < self.expires <= self.issued + FORGIVENESS_SECONDS:
            raise FormatError("a forgiveness lives too long, or not at all")

    @property
    def pseudonyms(self) -> tuple[Pseudonym, ...]:
        """The rows."""
        return tuple(Pseudonym(bytes.fromhex(row)) for row in self.rows)


FORGIVENESS = WordKind(
    b"facekeep/1/forgive\x00", frozenset(field.name for field in fields(Forgiveness)), "a forgiveness"
)


def check_reviewed(rows: tuple[str, ...], reviewers: tuple[str, ...]) -> None:
    """Whether this can be a review.

    Raises:
        RefusedError: there are not two different reviewers.
        FormatError: no row or too many, one twice, or not in order; or a pseudonym of the wrong form.
    """
    if len(reviewers) != 2 or len(set(reviewers)) != 2:
        raise RefusedError("a lock is released by two different reviewers", hint="Name both reviewers.")
    if not 1 <= len(rows) <= FORGIVEN_ROWS_MAX:
        raise FormatError("a forgiveness names no row, or too many")
    if not all(is_hex(row, 2 * PSEUDONYM_BYTES) for row in rows) or not all(
        is_hex(reviewer, _OPERATOR_DIGITS) for reviewer in reviewers
    ):
        raise FormatError("a forgiveness holds a pseudonym of the wrong form")
    if not all(before < after for names in (rows, reviewers) for before, after in pairwise(names)):
        raise FormatError("a forgiveness names a row twice, or is not in order")


def sign_forgiveness(forgiveness: Forgiveness, registrar: Ed25519PrivateKey) -> SignedWord:
    """The registrar's word."""
    plain = asdict(forgiveness) | {"rows": list(forgiveness.rows), "reviewers": list(forgiveness.reviewers)}
    return FORGIVENESS.signed(plain, registrar)


def open_forgiveness(word: SignedWord, registrar: bytes, keep: str, now: int) -> Forgiveness:
    """The forgiveness in a word.

    Raises:
        RefusedError: forged, malformed, for another keep, by one reviewer alone, or not of this time.
    """
    try:
        plain = FORGIVENESS.opened(word, registrar, keep)
        given = Forgiveness(**{**plain, "rows": _names(plain["rows"]), "reviewers": _names(plain["reviewers"])})
    except FormatError as problem:
        raise RefusedError("a forgiveness does not parse") from problem
    if given.issued > now + CLOCK_SKEW_SECONDS:
        raise RefusedError("a forgiveness is from the future", hint="Check that the clocks agree.")
    if given.expires <= now:
        raise RefusedError("a forgiveness has expired", hint=_AGAIN)
    return given


def read_forgiven(word: SignedWord) -> tuple[tuple[Pseudonym, ...], tuple[str, ...]]:
    """The rows and the reviewers of a word that a half has checked before."""
    plain = json.loads(word.payload)
    return tuple(Pseudonym(bytes.fromhex(row)) for row in plain["rows"]), _names(plain["reviewers"])


def used_before() -> RefusedError:
    """The refusal of a forgiveness that was taken already."""
    return RefusedError("a forgiveness was used before", hint=_AGAIN)


def _names(listed: object) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
        raise FormatError("a forgiveness has a field of the wrong type")
    return tuple(listed)

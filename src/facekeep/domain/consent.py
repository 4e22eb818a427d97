"""Purposes, notices and consents.

Invariants: a consent names one purpose and the hash of the notice that was shown; a purpose nobody consented to is off;
a withdrawn consent never comes back, a new one is given instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from facekeep.errors import FormatError

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")


class Purpose(StrEnum):
    """What a reference may be used for. Each has its own switch, in the registry and in both halves."""

    VERIFY = "verify"
    IDENTIFY = "identify"
    ATTENDANCE = "attendance"
    OWN_PHOTOS = "own-photos"
    MISSING_PERSON = "missing-person"
    PAYMENT = "payment"

    @property
    def bit(self) -> int:
        """This purpose in a row's purpose bits, a power of two. The order is part of the stored format: only append."""
        return 1 << list(Purpose).index(self)

    @property
    def is_one_to_one(self) -> bool:
        """Whether the purpose compares with one claimed data subject only, never with a gallery."""
        return self in (Purpose.VERIFY, Purpose.PAYMENT)


ALL_PURPOSE_BITS = sum(p.bit for p in Purpose)


def purpose_bits(purposes: Iterable[Purpose]) -> int:
    """The purpose bits of a row, 0 to 63."""
    bits = 0
    for purpose in purposes:
        bits |= purpose.bit
    return bits


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Notice:
    """The text that a data subject was shown before consenting (GDPR article 13).

    Attributes:
        text: whole.
        language: a tag of BCP 47, for instance ``de-AT``; "" if nobody said.
        purposes: what it speaks of; empty if nobody said, and then it may be shown for any.
    """

    text: str = field(repr=False)
    language: str = ""
    purposes: frozenset[Purpose] = frozenset()

    def __post_init__(self) -> None:
        if self.language and not _LANGUAGE.fullmatch(self.language):
            raise FormatError("a language is given by its tag", hint="For example en, or de-AT.")

    @property
    def digest(self) -> str:
        """SHA-256 of the UTF-8 text, 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_described(self) -> bool:
        """Whether somebody said what it speaks of, or in which language."""
        return bool(self.language or self.purposes)

    def speaks_of(self, purpose: Purpose) -> bool:
        """Whether a consent to this purpose may name it."""
        return not self.purposes or purpose in self.purposes


@dataclass(frozen=True, slots=True)
class KnownNotice:
    """A notice that a keep holds, named by its SHA-256, 64 hexadecimal digits, in place of its text."""

    digest: str


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent of one data subject.

    Attributes:
        purpose: what it allows.
        notice: SHA-256 of the notice shown, 64 hexadecimal digits.
        given: when, with time zone.
        withdrawn: when it was withdrawn, or None while it holds.
    """

    purpose: Purpose
    notice: str
    given: datetime
    withdrawn: datetime | None = None

    @property
    def holds(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn is None

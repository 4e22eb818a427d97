"""Purposes, notices and consents.

Invariants: a consent names one purpose and the hash of the notice that was shown; a purpose nobody consented to is off;
a withdrawn consent never comes back, a new one is given instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Notice:
    """The text that a data subject was shown before consenting (GDPR article 13)."""

    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the UTF-8 text, 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


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

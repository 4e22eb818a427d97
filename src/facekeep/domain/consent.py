"""Purposes, notices and consents.

Invariants: a consent names one purpose and the hash of the notice that was shown; a purpose nobody consented to is off;
a withdrawn consent never comes back, a new one is given instead. All that a notice says beside its text is in its hash
(docs/spec/notices.md), and no two notices have the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from facekeep.domain.canonical import canonical
from facekeep.domain.evidence import OPERATORS_WORD, Evidence, Guardian
from facekeep.domain.subject import is_text
from facekeep.errors import FormatError

PARTICULAR_MAX: Final = 10_000
"""Characters of each of retention, recipients and alternative."""

_CONTEXT: Final = b"\xfffacekeep-notice-1\n"
"""Begins what is hashed of a notice that says more than a text. No text begins so: FF is never in UTF-8."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
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
    """What a data subject was shown before consenting (GDPR article 13).

    Attributes:
        text: whole.
        language: a tag of BCP 47, for instance ``de-AT``; "" if nobody said.
        purposes: what it speaks of; empty if nobody said, and then it may be shown for any.
        retention: for how long the data are kept, at most 10,000 characters; "" if the text says it.
        recipients: who else gets any of them; the same.
        alternative: what whoever says no can do instead; the same.
        replaces: digest of the version before, or "" of a first one.
    """

    text: str = field(repr=False)
    language: str = ""
    purposes: frozenset[Purpose] = frozenset()
    retention: str = field(default="", repr=False)
    recipients: str = field(default="", repr=False)
    alternative: str = field(default="", repr=False)
    replaces: str = ""

    def __post_init__(self) -> None:
        if self.language and not _LANGUAGE.fullmatch(self.language):
            raise FormatError("a language is given by its tag", hint="For example en, or de-AT.")
        if not all(is_text(said, PARTICULAR_MAX) for said in (self.retention, self.recipients, self.alternative)):
            raise FormatError(f"retention, recipients and alternative have at most {PARTICULAR_MAX} characters each")
        if self.replaces and not _DIGEST.fullmatch(self.replaces):
            raise FormatError("a notice replaces another by its hash", hint="List them: facekeep notice list.")

    @property
    def digest(self) -> str:
        """SHA-256, 64 hexadecimal digits: of the UTF-8 text if it is all that is said, else of everything."""
        if not self.is_particular:
            return hashlib.sha256(self.text.encode()).hexdigest()
        whole = {
            "text": self.text,
            "language": self.language,
            "purposes": sorted(purpose.value for purpose in self.purposes),
            "retention": self.retention,
            "recipients": self.recipients,
            "alternative": self.alternative,
            "replaces": self.replaces,
        }
        return hashlib.sha256(_CONTEXT + canonical(whole)).hexdigest()

    @property
    def is_particular(self) -> bool:
        """Whether it says more than a text: then language and purposes are in its hash, too."""
        return bool(self.retention or self.recipients or self.alternative or self.replaces)

    @property
    def is_described(self) -> bool:
        """Whether somebody said what it speaks of, or in which language."""
        return bool(self.language or self.purposes)

    def speaks_of(self, purpose: Purpose) -> bool:
        """Whether a consent to this purpose may name it."""
        return not self.purposes or purpose in self.purposes


@dataclass(frozen=True, slots=True)
class KnownNotice:
    """A notice that a keep holds, named by its digest, 64 hexadecimal digits, in place of its text."""

    digest: str


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent of one data subject.

    Attributes:
        purpose: what it allows.
        notice: digest of the notice shown, 64 hexadecimal digits.
        given: when, with time zone; the last time, if it was given several times in the same words.
        withdrawn: when it was withdrawn, or None while it holds.
        evidence: what shows that it was given.
        guardian: who gave it for a minor, or None.
        of_age: by when the person is of age at the latest; None unless a guardian gave it.
        age_given: whether the relying party said an age, which is not kept.
    """

    purpose: Purpose
    notice: str
    given: datetime
    withdrawn: datetime | None = None
    evidence: Evidence = OPERATORS_WORD
    guardian: Guardian | None = None
    of_age: datetime | None = None
    age_given: bool = False

    def __post_init__(self) -> None:
        if (self.guardian is None) != (self.of_age is None):
            raise FormatError("a guardian's consent says until when the person is a minor, and no other does")

    @property
    def holds(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn is None

    def is_outgrown(self, now: datetime) -> bool:
        """Whether a guardian gave it, and the person is of age since. It holds: the person is to be asked anew."""
        return self.of_age is not None and now > self.of_age

    def says_as_much_as(self, other: Consent) -> bool:
        """Whether it says nothing but what another says, at whatever time."""
        return replace(self, given=other.given, withdrawn=other.withdrawn) == other


def is_minor(consents: Iterable[Consent], now: datetime) -> bool:
    """Whether the last consent of a person that came with an age was a minor's, who is not of age since."""
    told = [consent for consent in consents if consent.age_given]
    last = max(told, key=lambda consent: (consent.given, consent.of_age is None), default=None)
    return last is not None and last.of_age is not None and not last.is_outgrown(now)

"""How a consent came about: what shows that it was given, who gave it for a minor, and what a keep asks of both.

Invariants: an age is what the relying party says, in whole years on the day of the consent. Nothing here or elsewhere
estimates one, and none is kept: of a minor the day is, on which the guardian's word ends. A guardian speaks for minors
alone.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, Self

from facekeep.domain.subject import NAME_MAX, is_text
from facekeep.errors import ConsentError, FormatError, UsageError

__all__ = [
    "AGE_MAX",
    "EVIDENCE_PATTERN",
    "GUARDIAN_UNDER_MAX",
    "OPERATORS_WORD",
    "RELATION_MAX",
    "UNTOLD",
    "USUAL_RULES",
    "Circumstances",
    "ConsentRules",
    "Evidence",
    "EvidenceKind",
    "Guardian",
]

RELATION_MAX: Final = 128
AGE_MAX: Final = 150
GUARDIAN_UNDER_MAX: Final = 21
EVIDENCE_PATTERN: Final = "^(word|form:[0-9a-f]{64})$"
"""How evidence is written that a relying party can name. Of a capture and of an account the service says it itself."""
_PATTERN: Final = re.compile(f"{EVIDENCE_PATTERN}|^(capture|account):[0-9a-f]{{32}}$")


class EvidenceKind(StrEnum):
    """What shows that a consent was given."""

    WORD = "word"
    """The word of the operator, and nothing else."""
    CAPTURE = "capture"
    """A capture session, in which the person read the notice and agreed. The service fills it in, and takes it from
    nobody."""
    FORM = "form"
    """A signed form, of which the relying party has the scan."""
    ACCOUNT = "account"
    """The person, signed in to their own account. The service fills it in, and takes it from nobody."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What shows that a consent was given. The keep holds no scan; it names what somebody can be shown.

    Attributes:
        kind: of which kind.
        name: identifier of the capture session or the account, 32 hexadecimal digits; or SHA-256 of the scanned form,
            64; or "".
    """

    kind: EvidenceKind = EvidenceKind.WORD
    name: str = ""

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(self.written):
            raise _no_evidence()

    @property
    def written(self) -> str:
        """In one text: ``word``, ``capture:…``, ``form:…`` or ``account:…``."""
        return f"{self.kind.value}:{self.name}" if self.name else self.kind.value

    @classmethod
    def read(cls, written: str) -> Self:
        """The evidence that was written.

        Raises:
            FormatError: it is none.
        """
        kind, _, name = written.partition(":")
        if not _PATTERN.fullmatch(written):
            raise _no_evidence()
        return cls(EvidenceKind(kind), name)

    @classmethod
    def form(cls, scan: bytes) -> Self:
        """A signed form, by the bytes of its scan."""
        return cls(EvidenceKind.FORM, hashlib.sha256(scan).hexdigest())


OPERATORS_WORD: Final = Evidence()
"""Nothing but the word of the operator."""


@dataclass(frozen=True, slots=True)
class Guardian:
    """Who consents for a minor, as the relying party says.

    Attributes:
        name: a name, or by what the relying party finds it in its own books; 1 to 512 characters.
        relation: to the minor, at most 128 characters; "" if nobody said.
        evidence: what shows that this person may speak for the minor.
    """

    name: str = field(repr=False)
    relation: str = field(default="", repr=False)
    evidence: Evidence = OPERATORS_WORD

    def __post_init__(self) -> None:
        if not self.name.strip() or not is_text(self.name, NAME_MAX):
            raise FormatError(f"a guardian is named by 1 to {NAME_MAX} characters")
        if not is_text(self.relation, RELATION_MAX):
            raise FormatError(f"the relation of a guardian has at most {RELATION_MAX} characters")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the relying party says of a consent beside its purpose and notice.

    Attributes:
        evidence: what shows that it was given.
        guardian: who gives it for a minor, or None.
        age: of the person, in whole years on the day of the consent, 0 to 150; None if nobody said.
    """

    evidence: Evidence = OPERATORS_WORD
    guardian: Guardian | None = None
    age: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.age is not None and (isinstance(self.age, bool) or not 0 <= self.age <= AGE_MAX):
            raise FormatError(f"an age is given in whole years, 0 to {AGE_MAX}")


UNTOLD: Final = Circumstances()
"""Nobody said anything of how a consent came about."""


@dataclass(frozen=True, slots=True)
class ConsentRules:
    """What a keep asks of every consent.

    Attributes:
        guardian_under: who is younger in years consents by a guardian; 0 to 21, and 0 for nobody.
        age_required: whether an age has to be said at all.
    """

    guardian_under: int = 18
    age_required: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.guardian_under <= GUARDIAN_UNDER_MAX:
            raise FormatError(f"a guardian is asked for under an age of 0 to {GUARDIAN_UNDER_MAX} years")

    def of_age(self, circumstances: Circumstances, given: datetime) -> datetime | None:
        """See to it that a consent may be given so.

        Args:
            circumstances: how it comes about.
            given: when, with time zone.

        Returns:
            Of a minor, the end of the day (UTC) by which the person is of age at the latest; None of others.

        Raises:
            ConsentError: an age has to be said, a minor has no guardian, or somebody of age has one.
            UsageError: there is a guardian, and no age.
        """
        age, guardian = circumstances.age, circumstances.guardian
        if age is None:
            if self.age_required:
                raise ConsentError("this keep asks for the age of whoever consents", hint="Say it in whole years.")
            if guardian is not None:
                raise UsageError("a guardian speaks for a minor, whose age has to be said", hint="Say it too.")
            return None
        if age >= self.guardian_under:
            if guardian is not None:
                raise ConsentError(
                    "whoever is of age consents without a guardian",
                    hint="See facekeep consent rules. Name a form that another representative signed as evidence.",
                )
            return None
        if guardian is None:
            raise ConsentError(
                f"under {self.guardian_under} years a guardian has to consent",
                hint="Name the guardian, and what shows the guardian's consent.",
            )
        return _after(given.astimezone(UTC).date(), self.guardian_under - age)


USUAL_RULES: Final = ConsentRules()
"""Of a new keep. 18 years is the age of India's law; others ask for guardians up to 13 to 16, and none beyond 18."""


def _after(day: date, years: int) -> datetime:
    """The end of the day some years later: somebody whose birthday is the day itself has had it by then."""
    year = day.year + years
    try:
        last = day.replace(year=year)
    except ValueError:  # 29 February, in a year without one
        last = date(year, 3, 1)
    return datetime.combine(last, datetime.max.time().replace(microsecond=0), UTC)


def _no_evidence() -> FormatError:
    return FormatError(
        "this is no evidence of a consent",
        hint="word; or form: and the SHA-256 of a scan.",
    )

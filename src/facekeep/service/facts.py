"""What is known of a keep for its papers: one snapshot, in numbers and settings, without a label or a name.

Reports and law packs are pure functions of these values. Who is affected by a breach is the one list that names people;
it is apart (:class:`Presence`), and nothing else takes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from facekeep.domain.accounts import Role
from facekeep.domain.comparison import Level
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind
from facekeep.errors import UsageError
from facekeep.service.filing import Filing

__all__ = [
    "ConsentFacts",
    "KeepFacts",
    "KeyFacts",
    "NoticeFacts",
    "Presence",
    "Present",
    "PurposeFacts",
    "Quarter",
    "RecipientFacts",
    "RetentionFacts",
    "ReviewingFacts",
    "ToldOf",
]


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """A notice that consents name.

    Attributes:
        digest: SHA-256, 64 hexadecimal digits.
        language: a tag of BCP 47, or "".
        purposes: what it speaks of; empty if nobody said.
        items: what it tells apart from its text, by ``retention``, ``recipients``, ``alternative``; those alone that
            say something.
    """

    digest: str
    language: str
    purposes: frozenset[Purpose]
    items: Mapping[str, str] = field(default_factory=dict)

    def speaks_of(self, purpose: Purpose) -> bool:
        """Whether a consent to this purpose may name it."""
        return not self.purposes or purpose in self.purposes


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """A rule that lets go of what is too old, by itself.

    Attributes:
        law: what asks for it, as it is cited.
        basis: from when on it counts: ``last-contact``, ``consent-given`` or ``purpose-ended``.
        days: how many.
    """

    law: str
    basis: str
    days: int

    @property
    def said(self) -> str:
        """In words."""
        return f"{self.days:,} days after {self.basis.replace('-', ' ')} ({self.law})"


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """A purpose and its use.

    Attributes:
        purpose: which.
        on: whether it is switched on.
        people: how many consent to it now.
        notices: digests of the notices that those consents name.
        retention: the rules that let go of references for it by themselves.
    """

    purpose: Purpose
    on: bool
    people: int
    notices: frozenset[str]
    retention: tuple[RetentionFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """The consents of everybody, counted.

    Attributes:
        holding: not withdrawn.
        withdrawn: withdrawn.
        without_notice: of all, those whose notice the keep does not hold.
        beside_notice: of all, those to a purpose that their notice does not speak of.
        evidenced: of those that hold, how many have evidence beside an operator's word.
        by_guardians: of those that hold, how many a guardian gave for a minor.
        by_evidenced_guardians: of these, how many have evidence beside an operator's word that the guardian may.
    """

    holding: int
    withdrawn: int
    without_notice: int
    beside_notice: int
    evidenced: int
    by_guardians: int = 0
    by_evidenced_guardians: int = 0


@dataclass(frozen=True, slots=True)
class RecipientFacts:
    """An endpoint that is told of events.

    Attributes:
        host: without the path, which may hold a secret.
        events: of which kinds, sorted.
    """

    host: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReviewingFacts:
    """How people decide what machines could not, or must not.

    Attributes:
        organisations: how many have an operator, or a client with a token that is not over; where none has, the keep's
            own, which is one.
        able: of these, how many can have people decide, whoever of them asks: two reviewers with keys, of whom none is
            who asks.
        overseen: of these, how many have an officer.
        reviewers: how many reviewers have a key.
        open: reviews that wait to be decided.
        urgent_hours: for how long the oldest urgent one of these waits; None where none does.
        told: whether an endpoint or an address is told of urgent reviews.
    """

    organisations: int = 1
    able: int = 0
    overseen: int = 0
    reviewers: int = 0
    open: int = 0
    urgent_hours: float | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Where keys are.

    Attributes:
        beside: whether they lie in the keep's own folder.
        keyring: stores whose epoch keys are in the keyring of the operating system, sorted.
        passphrase: stores whose epoch keys are under a passphrase, sorted.
    """

    beside: bool
    keyring: tuple[str, ...] = ()
    passphrase: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """In a sentence."""
        place = "in the keep's own folder" if self.beside else "in a folder apart from the keep"
        parts = [f"Key files lie {place}, a folder for each role."]
        if self.keyring:
            parts.append(f"Epoch keys in the keyring of the operating system: {', '.join(self.keyring)}.")
        if self.passphrase:
            parts.append(f"Epoch keys under a passphrase: {', '.join(self.passphrase)}.")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class KeepFacts:
    """A keep at a moment.

    Attributes:
        made: the moment.
        version: of Facekeep.
        model: SHA-256 of the embedding model.
        levels: thresholds with their error rates, from lax to strict.
        measured_on: what these were measured on.
        people: data subjects, without canaries.
        canaries: references of nobody by which the keep watches itself.
        references: rows in each half.
        never_returned: how many joined "never return me".
        purposes: every purpose.
        consents: of everybody, counted.
        notices: all of them.
        open_cases: how many cases searches may be made for.
        accounts: how many people sign in, by role.
        clients: how many machine clients have a token that is not over.
        recipients: endpoints that are told of events.
        refreshed: when the present epoch began.
        apart: whether the roles are on hosts of their own.
        keys: where keys are, or None where nobody said.
        alarms: references with too many rejected comparisons.
        ledger: leaves of the ledger.
        filing: how near the keep is to the number of people that has to be filed in China.
        guardian_under: below which age, in years, a guardian has to consent; 0 for nobody.
        age_required: whether an age has to be said at all.
        log_days: after how many days entries of the ledger are removed; None if they are never.
        confirmations: how many different people have to confirm a hit before it counts; 0 if nothing asks for it.
        reviewing: how people decide.
    """

    made: datetime
    version: str
    model: str
    levels: tuple[Level, ...]
    measured_on: str
    people: int
    canaries: int
    references: int
    never_returned: int
    purposes: tuple[PurposeFacts, ...]
    consents: ConsentFacts
    notices: tuple[NoticeFacts, ...]
    open_cases: int
    accounts: Mapping[Role, int]
    clients: int
    recipients: tuple[RecipientFacts, ...]
    refreshed: datetime
    apart: bool
    keys: KeyFacts | None
    alarms: int
    ledger: int
    filing: Filing
    guardian_under: int = 0
    age_required: bool = False
    log_days: int | None = None
    confirmations: int = 0
    reviewing: ReviewingFacts = ReviewingFacts()

    @property
    def switched_on(self) -> tuple[PurposeFacts, ...]:
        """The purposes that are on."""
        return tuple(purpose for purpose in self.purposes if purpose.on)

    def notice(self, digest: str) -> NoticeFacts | None:
        """A notice by its digest."""
        return next((notice for notice in self.notices if notice.digest == digest), None)


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A quarter of a calendar year, in UTC; ``number`` is 1 to 4."""

    year: int
    number: int

    @classmethod
    def of(cls, time: datetime) -> Quarter:
        """The one that a time in UTC lies in."""
        return cls(time.year, (time.month + 2) // 3)

    @classmethod
    def read(cls, text: str) -> Quarter:
        """The one that is written as 2026-Q1.

        Raises:
            UsageError: it is written otherwise.
        """
        found = re.fullmatch(r"([0-9]{4})-Q([1-4])", text)
        if found is None or found[1] == "0000":
            raise UsageError("this is no quarter", hint="Write it as 2026-Q1.")
        return cls(int(found[1]), int(found[2]))

    @property
    def next(self) -> Quarter:
        """The one after it."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def before(self) -> Quarter:
        """The one before it."""
        return Quarter(self.year - (self.number == 1), (self.number + 2) % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year:04}-Q{self.number}"


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What an entry of the ledger is counted under.

    Attributes:
        kind: of the entry.
        quarter: of its time.
        purpose: that it names, or "".
        outcome: of a verification ``yes`` or ``no``, of an answer to an appeal likewise, of a search ``found`` or
            ``nobody``, else "".
    """

    kind: EntryKind
    quarter: Quarter
    purpose: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody whose data the stores held.

    Attributes:
        id: 32 hexadecimal digits.
        label: what operators call the person by.
        name: the name in the registry.
        since: when the first of what is held came to be, or None if nothing says so.
        references: how many.
        purposes: that the person consents to now.
        guardians: names of those who consented for a minor.
    """

    id: str
    label: str = field(repr=False)
    name: str = field(repr=False)
    since: datetime | None
    references: int
    purposes: tuple[Purpose, ...]
    guardians: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Presence:
    """Whose data the stores held in a window of time.

    Attributes:
        people: those who are still there, in a random order that stays the same.
        erased: how many were erased since the window began. Who they were cannot be known any more; some of them may
            have come after its end.
        reviews: of how many reviews there was evidence, as far as they are still known: a review goes with the person
            whom it is about, and 90 days after it was over.
    """

    people: tuple[Present, ...] = field(repr=False)
    erased: int
    reviews: int = 0

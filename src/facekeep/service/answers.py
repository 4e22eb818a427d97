"""What the facade answers. A band says how many strangers would pass; a score is never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from facekeep.domain.consent import Consent, Purpose
from facekeep.domain.ledger import EntryKind
from facekeep.domain.retention import Effect, Ending
from facekeep.domain.review import ViewReason
from facekeep.errors import FacekeepError


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An acknowledged enrolment.

    Attributes:
        label: whose.
        references: how many references were added.
        gallery: to which group.
        purposes: what they may be used for.
        never_returned: whether the person is on "never return me", so that no 1:N search gives them.
    """

    label: str = field(repr=False)
    references: int
    gallery: str
    purposes: tuple[Purpose, ...]
    never_returned: bool


@dataclass(frozen=True, slots=True)
class EnrolOutcome:
    """What became of one person of many: acknowledged, or why not."""

    label: str = field(repr=False)
    enrolment: Enrolment | None
    error: FacekeepError | None

    @property
    def enrolled(self) -> bool:
        """Whether the person is enrolled."""
        return self.enrolment is not None


@dataclass(frozen=True, slots=True)
class EnrolSummary:
    """What became of many people, in order."""

    outcomes: tuple[EnrolOutcome, ...]

    @property
    def enrolled(self) -> int:
        """How many are enrolled."""
        return sum(outcome.enrolled for outcome in self.outcomes)

    @property
    def failed(self) -> tuple[EnrolOutcome, ...]:
        """Those that are not."""
        return tuple(outcome for outcome in self.outcomes if not outcome.enrolled)


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of a 1:1 comparison. Every cause of "no" looks alike.

    Attributes:
        verified: whether the claim holds at the rate asked for.
        one_in: at most one in this many strangers would pass as far; None if not verified.
        extrapolated: whether that rate lies below what the calibration data can measure.
        acquired: whether a face of sufficient quality was found in the picture.
        reasons: why not, for the person in front of the camera.
    """

    verified: bool
    one_in: int | None = None
    extrapolated: bool = False
    acquired: bool = True
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentifiedCandidate:
    """One person whom a search returned. A lead for two people to check, never a finding.

    Attributes:
        label: who.
        name: the name in the registry.
        one_in: at most one in this many strangers would pass as far in one comparison.
        extrapolated: whether that rate lies below what the calibration data can measure.
    """

    label: str = field(repr=False)
    name: str = field(repr=False)
    one_in: int
    extrapolated: bool


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer of a 1:N search; no candidate means unknown.

    Attributes:
        candidates: best band first.
        fmr: false match rate of each comparison that kept the whole search below the rate asked for.
        searched: number of references in the keep, an upper bound of those searched.
        acquired: whether a face of sufficient quality was found.
        reasons: why not.
    """

    candidates: tuple[IdentifiedCandidate, ...]
    fmr: float
    searched: int
    acquired: bool = True
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubjectSummary:
    """A data subject in a list; ``id`` is random, 32 hexadecimal digits, and tells nothing."""

    id: str
    label: str = field(repr=False)
    name: str = field(repr=False)
    references: int
    purposes: tuple[Purpose, ...]
    enrolled: datetime | None


@dataclass(frozen=True, slots=True)
class SubjectDetails:
    """All that the registry holds of a data subject; ``id`` is random, 32 hexadecimal digits."""

    id: str
    label: str = field(repr=False)
    name: str = field(repr=False)
    galleries: tuple[str, ...]
    references: int
    purposes: tuple[Purpose, ...]
    enrolled: datetime | None
    consents: tuple[Consent, ...]
    never_returned: bool
    locked: bool


class AccessOutcome(StrEnum):
    """What whoever asked about a person learned."""

    VERIFIED = "verified"
    """That it was the person."""
    NOT_VERIFIED = "not-verified"
    """That it was not, or nothing: every cause of "no" looks alike."""
    UNTOLD = "untold"
    """Nothing yet: people were asked to look, and what the comparison said is told by what they decide."""
    RETURNED = "returned"
    """That the person is like whom they searched for: among the candidates, unless the person withdrew meanwhile."""
    SHOWN = "shown"
    """What the registry holds of the person, or the face in a review."""


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody asked about a person or looked at their record, as the ledger has it.

    Attributes:
        leaf: of the entry in the ledger, by which it is found in a bundle.
        time: when.
        kind: ``VERIFIED``, ``COMPARED_FOR_REVIEW``, ``RETURNED``, ``VIEWED``, ``EXPORTED`` or ``REVIEW_VIEWED``.
        purpose: what for; None of a look at the record, which needs none.
        case: identifier of the case, 32 hexadecimal digits, under which it can be asked about; "" if there was none.
            Not its title, which may be about others.
        operator: who, as others call them now; None of who has left, or works at the keep itself and opened no case
            under that name.
        outcome: what they learned.
        reason: why the face was shown to a reviewer; None of everything else.
    """

    leaf: int
    time: datetime
    kind: EntryKind
    purpose: Purpose | None
    case: str
    operator: str | None = field(repr=False)
    outcome: AccessOutcome
    reason: ViewReason | None = None


@dataclass(frozen=True, slots=True)
class ReferenceDetails:
    """A reference of a data subject.

    Attributes:
        id: 32 hexadecimal digits, which the halves do not know it by.
        gallery: the group.
        enrolled: when.
        locked: whether it saw too many rejected comparisons.
    """

    id: str
    gallery: str
    enrolled: datetime
    locked: bool


@dataclass(frozen=True, slots=True)
class GallerySummary:
    """A group of references that a search may be limited to.

    Attributes:
        name: 1 to 64 bytes of UTF-8.
        references: how many are in it.
    """

    name: str
    references: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased.

    Attributes:
        references: rows removed from each half.
        backups_readable_until: copies of the stores made before can be opened, by who has their keys, until the next
            refresh, which is due then at the latest. Of a keep whose refresh is overdue, counted from now.
        receipt: a bundle of the ledger that proves the entry of it (docs/spec/ledger.md). It names nobody.
    """

    references: int
    backups_readable_until: datetime
    receipt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A refresh that is done: new shares of every row, new epoch keys, old keys destroyed."""

    epoch: int
    rows: int


@dataclass(frozen=True, slots=True)
class KeepStatus:
    """How the keep is.

    Attributes:
        people: number of data subjects.
        references: number of rows in each half.
        epoch: of the halves.
        generation: number of transactions that the three stores did together.
        model: SHA-256 of the embedding model.
        refreshed: when the epoch began.
        alarms: number of references with too many rejected comparisons.
        switches: the purposes that are switched on.
    """

    people: int
    references: int
    epoch: int
    generation: int
    model: str
    refreshed: datetime
    alarms: int
    switches: tuple[Purpose, ...]


@dataclass(frozen=True, slots=True)
class Going:
    """Somebody, or a case, of which something goes.

    Attributes:
        id: 32 hexadecimal digits.
        label: of the person, or title of the case.
        endings: what goes and when, the first first.
    """

    id: str
    label: str = field(repr=False)
    endings: tuple[Ending, ...]

    @property
    def is_case(self) -> bool:
        """Whether it is a case."""
        return any(ending.effect is Effect.CASE_GOES for ending in self.endings)


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What a run of retention did.

    Attributes:
        purposes: how many consents ended.
        people: how many people were erased.
        references: how many people on "never return me" lost all other references.
        cases: how many cases were removed.
        finished: whether it looked at everybody; it did not if it was told to end before.
    """

    purposes: int = 0
    people: int = 0
    references: int = 0
    cases: int = 0
    finished: bool = True

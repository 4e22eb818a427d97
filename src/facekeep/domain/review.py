"""Reviews: a question that people decide, since the machine could not or must not, and what they are shown for it.

Invariants: a review is decided by votes of different reviewers and never by the machine (domain.review_vote); what it
holds of a person are identifiers and figures, no name, no words and no picture; its evidence ends with its deadline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from facekeep.domain.accounts import AccountId
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.subject import SubjectId
from facekeep.errors import UsageError

__all__ = [
    "CLAIM_LENGTH",
    "DEADLINE_DEFAULT",
    "DEADLINE_MAX",
    "DEADLINE_MIN",
    "EYES",
    "FORGOTTEN",
    "PROBES_MAX",
    "REVIEW_ID_BYTES",
    "URGENT_REASONS",
    "Decision",
    "FinalRefusal",
    "PictureRole",
    "ReasonCode",
    "Review",
    "ReviewId",
    "ReviewKind",
    "ReviewPicture",
    "ReviewReason",
    "ReviewState",
    "ReviewView",
    "ReviewedCapture",
    "ViewReason",
    "Vote",
    "deadline_at",
]

ReviewId = NewType("ReviewId", bytes)

REVIEW_ID_BYTES: Final = 16
DEADLINE_DEFAULT: Final = timedelta(hours=72)
DEADLINE_MIN: Final = timedelta(hours=1)
DEADLINE_MAX: Final = timedelta(hours=168)
CLAIM_LENGTH: Final = timedelta(minutes=15)
"""For how long a reviewer has a review, unless it is claimed again."""
EYES: Final = 2
"""Reviewers who have to agree."""
PROBES_MAX: Final = 3
FORGOTTEN: Final = "Reviews are forgotten 90 days after they were over."
"""What to say to whoever asks for a review that is not there."""


class ReviewKind(StrEnum):
    """What is asked."""

    PRESENTATION = "presentation"
    """Is this a live person before the camera?"""
    COMPARISON = "comparison"
    """Are these pictures of one person?"""


class ReviewReason(StrEnum):
    """Why people have to look."""

    NO_VITAL_SIGNS = "no-vital-signs"
    EYES_CLOSED = "eyes-closed"
    SECOND_FACE = "second-face"
    """Somebody else came into the picture."""
    HAND_OVER_FACE = "hand-over-face"
    INCONCLUSIVE = "inconclusive"
    """Presentation attack detection could not decide."""
    DOUBT_BAND = "doubt-band"
    """The comparison holds at a laxer false match rate than was asked for, and not at that."""
    LOW_QUALITY = "low-quality"
    """No crop of three tries was fit."""
    REFUSAL = "refusal"
    """The machine would have refused, which is never final alone."""
    APPEAL = "appeal"
    """The person objected to what people decided."""
    ASKED = "asked"
    """An integrator asked people to look."""


URGENT_REASONS: Final = frozenset(
    {
        ReviewReason.NO_VITAL_SIGNS,
        ReviewReason.EYES_CLOSED,
        ReviewReason.SECOND_FACE,
        ReviewReason.HAND_OVER_FACE,
    }
)
"""Somebody may be in need of help."""


class ReviewState(StrEnum):
    """How far a review is."""

    OPEN = "open"
    DECIDED = "decided"
    EXPIRED = "expired"
    """Nobody decided in time; the evidence is destroyed."""
    WITHDRAWN = "withdrawn"
    """It is not needed any more: the person took the alternative, or whoever asked took it back."""


class Decision(StrEnum):
    """What people say."""

    BONA_FIDE = "bona-fide"
    ATTACK = "attack"
    SAME_PERSON = "same-person"
    ANOTHER_PERSON = "another-person"
    UNUSABLE = "unusable"
    """It cannot be told from this."""

    def fits(self, kind: ReviewKind) -> bool:
        """Whether it answers what is asked."""
        if self is Decision.UNUSABLE:
            return True
        of_presentation = self in (Decision.BONA_FIDE, Decision.ATTACK)
        return of_presentation is (kind is ReviewKind.PRESENTATION)

    @property
    def needs_a_look(self) -> bool:
        """Whether only somebody who was shown the face may say it."""
        return self is not Decision.UNUSABLE  # who refuses by the figures alone does what the machine did

    @property
    def passes(self) -> bool:
        """Whether it is for the person, who has nothing to appeal against then."""
        return self in (Decision.BONA_FIDE, Decision.SAME_PERSON)


class ReasonCode(StrEnum):
    """Why somebody decided so."""

    LOOKS_LIVE = "looks-live"
    SCREEN = "screen"
    PAPER = "paper"
    MASK = "mask"
    REPLAY = "replay"
    SWAP = "swap"
    FEATURES_AGREE = "features-agree"
    FEATURES_DIFFER = "features-differ"
    TOO_DARK = "too-dark"
    BLURRED = "blurred"
    COVERED = "covered"
    OTHER = "other"


class ViewReason(StrEnum):
    """Why a face is shown to somebody."""

    FIGURES_UNDECIDED = "figures-undecided"
    """The figures alone do not decide it."""
    URGENT_SIGN = "urgent-sign"
    COMPARE_FACES = "compare-faces"
    CHECK_QUALITY = "check-quality"
    APPEAL = "appeal"
    CONCERN = "concern"


class PictureRole(StrEnum):
    """What a picture of the evidence is."""

    PROBE = "probe"
    """Of whoever was before the camera."""
    REFERENCE = "reference"
    """Of whom it is compared with."""


@dataclass(frozen=True, slots=True)
class ReviewPicture:
    """A picture of the evidence, without its pixels.

    Attributes:
        index: 0 to 255, of this review alone.
        role: what it is.
    """

    index: int
    role: PictureRole


@dataclass(frozen=True, slots=True)
class Vote:
    """What one reviewer said.

    Attributes:
        reviewer: account.
        decision: what.
        code: why.
        time: when, with time zone.
        seconds: for how long the reviewer had it claimed.
        round: 1, or 2 after an appeal.
    """

    reviewer: AccountId
    decision: Decision
    code: ReasonCode
    time: datetime
    seconds: int
    round: int = 1


@dataclass(frozen=True, slots=True)
class FinalRefusal:
    """That somebody is refused for good. There is none without two different people who decided so.

    Attributes:
        decision: what they decided.
        reviewers: the accounts that decided it, different ones.
    """

    decision: Decision
    reviewers: tuple[AccountId, ...]

    def __post_init__(self) -> None:
        if self.decision not in (Decision.ATTACK, Decision.ANOTHER_PERSON):
            raise ValueError("this is no refusal")
        if len(set(self.reviewers)) < EYES:
            raise ValueError("a refusal that is final takes two different people")

    @classmethod
    def of(cls, decision: Decision, votes: Sequence[Vote]) -> FinalRefusal:
        """The refusal that votes make.

        Raises:
            ValueError: they make none.
        """
        return cls(decision, tuple(vote.reviewer for vote in votes if vote.decision is decision))


@dataclass(frozen=True, slots=True)
class ReviewView:
    """That the face was shown to somebody.

    Attributes:
        reviewer: account.
        reason: why.
        time: when, with time zone.
    """

    reviewer: AccountId
    reason: ViewReason
    time: datetime


@dataclass(frozen=True, slots=True)
class ReviewedCapture:
    """What is needed of a capture session to say later what it came to.

    Attributes:
        session: identifier of the session, 32 hexadecimal digits.
        nonce: of the session, 32 hexadecimal digits.
        intent: of the order.
        purpose: of the order.
        assurance: that was ordered.
        notice: digest of what the person agreed to.
        statement: digest of what was confirmed, "" for nothing.
        fmr: of the comparison that was made; 0.0 for none.
        holds: whether the comparison held that was made when it was escalated; False for none. Told to nobody before
            people said that it was a live person.
        passkey: whether a passkey of the person answered.
        reasons: of the machine, as a session tells them.
        outcome: what it came to; None before.
        outcome_reasons: why.
    """

    session: str
    nonce: str
    intent: Intent
    purpose: Purpose
    assurance: Assurance
    notice: str
    statement: str
    fmr: float
    holds: bool
    passkey: bool
    reasons: tuple[str, ...]
    outcome: CaptureOutcome | None = None
    outcome_reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """A review as the registry holds it.

    Attributes:
        id: 16 random bytes.
        kind: what is asked.
        reasons: why, urgent ones first, at least one.
        organisation: whose reviewers decide; "" for the keep's own.
        subject: whom it is about, as far as that is known.
        owner: identifier of the client or account that ordered or filed it.
        owner_kind: ``client`` or ``account``.
        pictures: of the evidence, told even after it was destroyed.
        created: when, with time zone.
        deadline: when the evidence ends, at the full hour.
        state: how far it is.
        round: 1, or 2 after an appeal.
        votes: of both rounds, in their order.
        views: to whom the face was shown.
        recused: accounts that know the person.
        decision: what people decided last.
        decided: when.
        before: what was decided before an appeal.
        destroyed: when the evidence was destroyed.
        capture: of which capture session it is, if of one.
        known: the right answer, where it only measures reviewers.
    """

    id: ReviewId
    kind: ReviewKind
    reasons: tuple[ReviewReason, ...]
    organisation: str
    subject: SubjectId | None
    owner: AccountId
    owner_kind: str
    pictures: tuple[ReviewPicture, ...]
    created: datetime
    deadline: datetime
    state: ReviewState = ReviewState.OPEN
    round: int = 1
    votes: tuple[Vote, ...] = ()
    views: tuple[ReviewView, ...] = ()
    recused: tuple[AccountId, ...] = ()
    decision: Decision | None = None
    decided: datetime | None = None
    before: Decision | None = None
    destroyed: datetime | None = None
    capture: ReviewedCapture | None = field(default=None, repr=False)
    known: Decision | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if len(self.id) != REVIEW_ID_BYTES:
            raise ValueError(f"a review's identifier has {REVIEW_ID_BYTES} bytes")
        if not self.reasons:
            raise ValueError("a review has a reason")
        if (self.state is ReviewState.DECIDED) != (self.decision is not None):
            raise ValueError("what is decided has a decision, and nothing else")
        if self.capture is not None and self.capture.outcome is CaptureOutcome.REFUSED:
            if self.decision is None:
                raise ValueError("nobody is refused without a decision")
            FinalRefusal.of(self.decision, self.ballots)
        if self.deadline.minute or self.deadline.second or self.deadline.microsecond:
            raise ValueError("evidence ends at a full hour")

    def vote_of(self, account: AccountId) -> Vote | None:
        """What a reviewer said, in whatever round; None if they did not."""
        return next((vote for vote in self.votes if vote.reviewer == account), None)

    @property
    def is_against(self) -> bool:
        """Whether people decided something that the person could object to; not where it only measured them.

        Of pictures that were filed, either answer may be against whom it is about: who is the same person is the hit of
        a search, and who is another one has claimed in vain. Which it is, is known once the person objected to one.
        """
        if self.decision is None or self.known is not None:
            return False
        if self.capture is None:
            turned = self.before is not None and self.decision not in (self.before, Decision.UNUSABLE)
            return self.decision is not Decision.BONA_FIDE and not turned
        passed = self.decision.passes and self.capture.outcome is CaptureOutcome.PASSED
        return self.capture.outcome is not CaptureOutcome.OFF and not passed

    @property
    def can_be_appealed(self) -> bool:
        """Whether the person, if it is about one, could object to it, once, as long as there is evidence."""
        return self.is_against and self.round == 1

    @property
    def ballots(self) -> tuple[Vote, ...]:
        """The votes of this round."""
        return tuple(vote for vote in self.votes if vote.round == self.round)

    @property
    def urgent(self) -> bool:
        """Whether somebody may be in need of help: not in an appeal, as two people decided on it before."""
        return self.round == 1 and any(reason in URGENT_REASONS for reason in self.reasons)

    @property
    def measured(self) -> bool:
        """Whether it only measured reviewers, as far as that may be told: not while they might still decide it."""
        return self.known is not None and self.state is not ReviewState.OPEN

    @property
    def has_both(self) -> bool:
        """Whether there is a picture of either role, so that they can be compared."""
        return {picture.role for picture in self.pictures} == set(PictureRole)


def deadline_at(now: datetime, length: timedelta) -> datetime:
    """When evidence ends that begins now: at a full hour, at most an hour earlier than it may, and never within one.

    Args:
        now: with time zone.
        length: for how long, 1 to 168 hours.

    Raises:
        UsageError: it is another length.
    """
    if not DEADLINE_MIN <= length <= DEADLINE_MAX:
        raise UsageError("evidence lasts for 1 to 168 hours")
    end = now + max(length, DEADLINE_MIN * 2)
    return end.replace(minute=0, second=0, microsecond=0)

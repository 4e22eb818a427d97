"""What a capture comes to by what people decided. The machine passes; that somebody is refused, only people say."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_session import CaptureOutcome, CaptureReason
from facekeep.domain.review import Decision, FinalRefusal, Review, ReviewedCapture, ReviewState

__all__ = [
    "CLAIM",
    "COME_AGAIN",
    "EVIDENCE_LOST",
    "KNOWN_ANSWER",
    "NOT_REVIEWED",
    "PASSKEY_MISSING",
    "UNDECIDED",
    "concluded",
    "switched_off",
    "unanswered",
]

COME_AGAIN: Final = "come-again"
"""It was a live person; nobody is enrolled by evidence, so the person is captured anew or an operator enrols them."""
CLAIM: Final = "claim"
EVIDENCE_LOST: Final = "evidence-lost"
"""The keep was restored from a backup, which holds no evidence, before anybody decided."""
KNOWN_ANSWER: Final = CaptureReason.KNOWN_ANSWER.value
NOT_REVIEWED: Final = "not-reviewed"
"""Nobody decided in time."""
PASSKEY_MISSING: Final = "passkey-missing"
UNDECIDED: Final = "unusable"
"""People could not tell."""


def concluded(review: Review) -> Review:
    """A review that people decided, with what its capture comes to.

    Raises:
        ValueError: it is not decided, or a refusal has not two people behind it.
    """
    if review.decision is None:
        raise ValueError("only what is decided comes to something")
    if review.capture is None:
        return review
    if review.known is not None:
        return replace(review, capture=_ended(review.capture, CaptureOutcome.INCONCLUSIVE, KNOWN_ANSWER))
    return replace(review, capture=_after(review.decision, review, review.capture))


def switched_off(review: Review) -> Review:
    """A review that people decided, of a capture for which nobody may use a face any more."""
    if review.capture is None:
        return review
    return replace(review, capture=_ended(review.capture, CaptureOutcome.OFF))


def unanswered(review: Review, why: str = NOT_REVIEWED) -> Review:
    """A review that nobody decided: its capture stays undecided, with a reason. Where it was appealed, that stands."""
    if review.before is not None:
        first = [vote.time for vote in review.votes if vote.round == 1]
        stands = replace(review, state=ReviewState.DECIDED, round=1, decision=review.before, before=None)
        return concluded(replace(stands, decided=max(first)))
    if review.capture is None:
        return review
    return replace(review, capture=_ended(review.capture, CaptureOutcome.INCONCLUSIVE, why))


def _after(decision: Decision, review: Review, capture: ReviewedCapture) -> ReviewedCapture:
    match decision:
        case Decision.BONA_FIDE:
            return _live(capture)
        case Decision.SAME_PERSON:
            return _passed(capture)
        case Decision.ATTACK | Decision.ANOTHER_PERSON:
            FinalRefusal.of(decision, review.ballots)
            return _ended(capture, CaptureOutcome.REFUSED, *capture.reasons)
        case Decision.UNUSABLE:
            return _ended(capture, CaptureOutcome.INCONCLUSIVE, UNDECIDED)


def _live(capture: ReviewedCapture) -> ReviewedCapture:
    if capture.intent is Intent.ENROL:
        return _ended(capture, CaptureOutcome.INCONCLUSIVE, COME_AGAIN)
    if capture.intent is Intent.VERIFY and not capture.holds:
        return _ended(capture, CaptureOutcome.INCONCLUSIVE, CLAIM)
    return _passed(capture)


def _passed(capture: ReviewedCapture) -> ReviewedCapture:
    if capture.intent is Intent.ENROL:
        return _ended(capture, CaptureOutcome.INCONCLUSIVE, COME_AGAIN)
    if capture.assurance is Assurance.LIVE_PASSKEY and not capture.passkey:
        return _ended(capture, CaptureOutcome.INCONCLUSIVE, PASSKEY_MISSING)
    return _ended(capture, CaptureOutcome.PASSED)


def _ended(capture: ReviewedCapture, outcome: CaptureOutcome, *reasons: str) -> ReviewedCapture:
    return replace(capture, outcome=outcome, outcome_reasons=reasons)

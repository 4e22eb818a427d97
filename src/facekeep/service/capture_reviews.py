"""Captures that people have to look at: what is filed of them, how they stand, and how they are taken back (ADR 24).

Invariants: the machine refuses nobody; what people said is read from their review each time, and never kept beside it;
pixels are masked here and sealed by the keep, and nothing of them outlives the call that files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from facekeep.domain.accounts import Principal
from facekeep.domain.capture import Intent
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.capture_session import CaptureOutcome, CaptureReason, CaptureState
from facekeep.domain.review import (
    URGENT_REASONS,
    Review,
    ReviewedCapture,
    ReviewKind,
    ReviewReason,
    ReviewState,
)
from facekeep.domain.subject import SubjectId
from facekeep.errors import FacekeepError, NotFoundError, RateError, ReviewConflictError
from facekeep.service.capture_judging import Deed, Judge, Judged
from facekeep.service.capture_protocol import broken
from facekeep.service.capture_sessions import CaptureSession
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import NewReview

__all__ = ["CaptureReviews", "Standing", "standing_of"]

_BEYOND_PEOPLE: Final = frozenset({CaptureReason.LABEL_TAKEN})
"""Why a live face came to nothing, where no look at it helps."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a capture stands that went to people.

    Attributes:
        state: ``review`` until they decided, nobody did in time, or an appeal is decided.
        outcome: what it came to, or None.
        reasons: of the machine while it waits, and then why it came to that.
        review: identifier of the review, 32 hexadecimal digits.
        until: when the review ends, at the latest.
        of: the review.
    """

    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: tuple[str, ...]
    review: str
    until: datetime
    of: Review = field(repr=False)


def standing_of(review: Review | None) -> Standing | None:
    """How the capture of a review stands; None of one that was taken back, or is of no capture."""
    if review is None or review.capture is None:
        return None
    outcome = review.capture.outcome
    if outcome is None and review.state is not ReviewState.OPEN:
        return None
    state = CaptureState.REVIEW if outcome is None else CaptureState.DONE
    reasons = review.capture.reasons if outcome is None else review.capture.outcome_reasons
    return Standing(state, outcome, reasons, review.id.hex(), review.deadline, review)


class CaptureReviews:
    """Has people look at captures of a keep. Safe for threads."""

    def __init__(self, keep: Keep, judge: Judge) -> None:
        """Be ready.

        Args:
            keep: open.
            judge: masks, and compares.
        """
        self._keep = keep
        self._judge = judge

    def of(self, session: str, who: Principal) -> Standing | None:
        """How a capture of whoever ordered it stands with people; None if it did not go to them, or was taken back."""
        return standing_of(self._keep.review_of_capture(session, who))

    def can_look(self, session: CaptureSession) -> bool:
        """Whether people may look at a capture: never at a sign-in, which nobody ordered."""
        return session.what.sign_in is None and self._keep.can_review(session.who)

    def file(self, session: CaptureSession, judged: Judged, deed: Deed | None, person: bytes) -> bool:
        """Have people look at the last try of a capture.

        Args:
            session: which; nobody else goes on with it meanwhile.
            judged: what was found of the try.
            deed: what the comparison or enrolment came to, if there was one.
            person: public key of the person's browser, or empty.

        Returns:
            Whether they do: not if nothing of the try can be shown, no look would help, the known answer does not
            answer what it came to, or there are not two of them.
        """
        if deed is not None and _BEYOND_PEOPLE.intersection(deed.reasons):
            return False
        order, kind = session.what.order, _kind_of(deed)
        if order.known is not None and not order.known.fits(kind):
            return False
        pictures = self._judge.masked(judged)
        if not pictures:
            return False
        holds = False
        if kind is ReviewKind.PRESENTATION and order.intent is Intent.VERIFY:
            holds = self._holds(judged, session)
        try:
            review = self._keep.file_review(
                NewReview(
                    kind=kind,
                    reasons=_reasons_of(session, judged, deed),
                    owner=session.who,
                    subject=SubjectId(bytes.fromhex(session.subject)) if session.subject else None,
                    probes=pictures,
                    figures=_figures_of(order, judged, kind, deed),
                    person=person,
                    capture=_reviewed(session, kind, holds=holds),
                    known=order.known,
                )
            )
        except (NotFoundError, RateError):  # the person was erased meanwhile, or too much waits for people already
            return False
        return review is not None

    def _holds(self, judged: Judged, session: CaptureSession) -> bool:
        """Whether the claim holds; not where it cannot be compared, for that people look matters more."""
        try:
            return self._judge.holds(judged, session.what, session.who)
        except FacekeepError:
            return False

    def withdraw(self, session: str, who: Principal) -> None:
        """Take a capture back from people; its evidence is destroyed.

        Raises:
            NotFoundError: it did not go to them, or was taken back.
            CaptureError: somebody voted, appealed or reported something, or it is over.
        """
        self._end(session, who, partial(self._keep.withdraw_review, with_capture=True))

    def take_alternative(self, session: str, who: Principal) -> None:
        """Have people look no more, as the person took the way without a face.

        Raises:
            NotFoundError: it did not go to them, or was taken back.
            CaptureError: they have decided, or it is urgent.
        """
        self._end(session, who, self._keep.take_alternative)

    def _end(self, session: str, who: Principal, end: Callable[..., None]) -> None:
        standing = self.of(session, who)
        if standing is None:
            raise NotFoundError("there is no such capture", hint="Captures are gone ten minutes after their end.")
        try:
            end(standing.review, owner=who)
        except (ReviewConflictError, NotFoundError):
            raise broken(CaptureReason.OVER) from None


def _kind_of(deed: Deed | None) -> ReviewKind:
    failed = deed is not None and {CaptureReason.CLAIM, CaptureReason.DOUBT_BAND}.intersection(deed.reasons)
    return ReviewKind.COMPARISON if failed else ReviewKind.PRESENTATION


def _reasons_of(session: CaptureSession, judged: Judged, deed: Deed | None) -> tuple[ReviewReason, ...]:
    urgent = {reason.value for reason in URGENT_REASONS}
    found = [ReviewReason(reason.value) for reason in judged.pad.reasons if reason.value in urgent]
    told = () if deed is None else deed.reasons
    if CaptureReason.DOUBT_BAND in told:
        found.append(ReviewReason.DOUBT_BAND)
    if CaptureReason.QUALITY in told:
        found.append(ReviewReason.LOW_QUALITY)
    if session.refusals == session.attempts:
        found.append(ReviewReason.REFUSAL)
    return tuple(found) or (ReviewReason.INCONCLUSIVE,)


def _reviewed(session: CaptureSession, kind: ReviewKind, *, holds: bool) -> ReviewedCapture:
    order = session.what.order
    compared = kind is ReviewKind.PRESENTATION and order.intent is Intent.VERIFY
    return ReviewedCapture(
        session=session.name,
        nonce=session.nonce.hex(),
        intent=order.intent,
        purpose=order.purpose,
        assurance=order.assurance,
        notice=session.notice,
        statement="" if order.statement is None else order.statement.digest,
        fmr=order.fmr if compared else 0.0,
        holds=holds,
        passkey=session.passkey,
        reasons=session.reasons,
    )


def _figures_of(order: CaptureOrder, judged: Judged, kind: ReviewKind, deed: Deed | None) -> str:
    """What reviewers read before a face is shown; of a comparison nothing that is told to nobody yet."""
    comparison: dict[str, Any] | None = None
    if kind is ReviewKind.COMPARISON and deed is not None:
        doubted = CaptureReason.DOUBT_BAND in deed.reasons
        comparison = {"fmr": order.fmr, "holds_at": order.doubt_fmr if doubted else None}
    figures = {
        "intent": order.intent,
        "purpose": order.purpose,
        "assurance": order.assurance,
        "pad": judged.pad.plain(),
        "curves": [{"name": c.name, "unit": c.unit, "at": c.at, "values": c.values} for c in judged.curves],
        "comparison": comparison,
    }
    return json.dumps(figures, allow_nan=False, separators=(",", ":"))

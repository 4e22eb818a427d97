"""Reviews and what belongs to them as records of the registry, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.review import (
    Decision,
    PictureRole,
    ReasonCode,
    Review,
    ReviewedCapture,
    ReviewKind,
    ReviewPicture,
    ReviewReason,
    ReviewState,
    ReviewView,
    ViewReason,
    Vote,
)
from facekeep.domain.review_words import (
    Concern,
    ReportedConcern,
)
from facekeep.domain.reviewer import DutyDay, Reviewer, ReviewerKey
from facekeep.store.records import Value, read_time, write_time

__all__ = ["concern_in", "concern_record", "review_in", "review_record", "reviewer_in", "reviewer_record"]


def review_record(review: Review) -> dict[str, Value]:
    """A review as it is sealed; identifier and subject stand beside it."""
    return {
        "kind": review.kind.value,
        "reasons": [reason.value for reason in review.reasons],
        "organisation": review.organisation,
        "owner": review.owner,
        "owner_kind": review.owner_kind,
        "pictures": [[picture.index, picture.role.value] for picture in review.pictures],
        "created": write_time(review.created),
        "deadline": write_time(review.deadline),
        "state": review.state.value,
        "round": review.round,
        "votes": [
            [v.reviewer, v.decision.value, v.code.value, write_time(v.time), v.seconds, v.round] for v in review.votes
        ],
        "views": [[view.reviewer, view.reason.value, write_time(view.time)] for view in review.views],
        "recused": list(review.recused),
        "decision": _word(review.decision),
        "decided": _time(review.decided),
        "before": _word(review.before),
        "destroyed": _time(review.destroyed),
        "known": _word(review.known),
        "capture": None if review.capture is None else _capture_record(review.capture),
    }


def review_in(identifier: Any, subject: Any, record: Mapping[str, Any]) -> Review:
    """The review of a record."""
    return Review(
        id=identifier,
        kind=ReviewKind(record["kind"]),
        reasons=tuple(ReviewReason(reason) for reason in record["reasons"]),
        organisation=record["organisation"],
        subject=subject,
        owner=record["owner"],
        owner_kind=record["owner_kind"],
        pictures=tuple(ReviewPicture(index, PictureRole(role)) for index, role in record["pictures"]),
        created=read_time(record["created"]),
        deadline=read_time(record["deadline"]),
        state=ReviewState(record["state"]),
        round=record["round"],
        votes=tuple(
            Vote(reviewer, Decision(decision), ReasonCode(code), read_time(time), seconds, number)
            for reviewer, decision, code, time, seconds, number in record["votes"]
        ),
        views=tuple(
            ReviewView(reviewer, ViewReason(reason), read_time(time)) for reviewer, reason, time in record["views"]
        ),
        recused=tuple(record["recused"]),
        decision=_decision(record["decision"]),
        decided=_when(record["decided"]),
        before=_decision(record["before"]),
        destroyed=_when(record["destroyed"]),
        known=_decision(record["known"]),
        capture=None if record["capture"] is None else _capture_in(record["capture"]),
    )


def reviewer_record(reviewer: Reviewer) -> dict[str, Value]:
    """A reviewer as it is sealed."""
    return {
        "account": reviewer.account,
        "keys": [[key.public, write_time(key.added)] for key in reviewer.keys],
        "since": _time(reviewer.since),
        "days": [[each.day, each.seconds] for each in reviewer.days],
    }


def reviewer_in(record: Mapping[str, Any]) -> Reviewer:
    """The reviewer of a record."""
    return Reviewer(
        account=record["account"],
        keys=tuple(ReviewerKey(public, read_time(added)) for public, added in record["keys"]),
        since=_when(record["since"]),
        days=tuple(DutyDay(day, seconds) for day, seconds in record["days"]),
    )


def concern_record(concern: ReportedConcern) -> dict[str, Value]:
    """A concern as it is sealed; identifier and review stand beside it."""
    return {
        "concern": concern.concern.value,
        "text": concern.text,
        "reporter": concern.reporter,
        "reported": write_time(concern.reported),
        "officer": concern.officer,
        "answer": concern.answer,
        "answered": _time(concern.answered),
    }


def concern_in(identifier: Any, review: Any, record: Mapping[str, Any]) -> ReportedConcern:
    """The concern of a record."""
    return ReportedConcern(
        id=identifier,
        review=review,
        concern=Concern(record["concern"]),
        text=record["text"],
        reporter=record["reporter"],
        reported=read_time(record["reported"]),
        officer=record["officer"],
        answer=record["answer"],
        answered=_when(record["answered"]),
    )


def _capture_record(capture: ReviewedCapture) -> list[Value]:
    """In the order of the fields; a false match rate is written as text, since a record holds no fractions."""
    return [
        capture.session,
        capture.nonce,
        capture.intent.value,
        capture.purpose.value,
        capture.assurance.value,
        capture.notice,
        capture.statement,
        repr(capture.fmr),
        capture.holds,
        capture.passkey,
        list(capture.reasons),
        None if capture.outcome is None else capture.outcome.value,
        list(capture.outcome_reasons),
    ]


def _capture_in(written: Any) -> ReviewedCapture:
    names = [field.name for field in fields(ReviewedCapture)]
    given = dict(zip(names, written, strict=True))
    return ReviewedCapture(
        **{
            **given,
            "intent": Intent(given["intent"]),
            "purpose": Purpose(given["purpose"]),
            "assurance": Assurance(given["assurance"]),
            "fmr": float(given["fmr"]),
            "outcome": None if given["outcome"] is None else CaptureOutcome(given["outcome"]),
        }
    )


def _word(decision: Decision | None) -> str | None:
    return None if decision is None else decision.value


def _decision(word: str | None) -> Decision | None:
    return None if word is None else Decision(word)


def _time(when: datetime | None) -> str | None:
    return None if when is None else write_time(when)


def _when(written: str | None) -> datetime | None:
    return None if written is None else read_time(written)

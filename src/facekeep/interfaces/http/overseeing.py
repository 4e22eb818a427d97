"""What officers and whoever answers for reviewers see: what was reported, and how reviews go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, AccountId, Principal
from facekeep.domain.actions import Action
from facekeep.domain.review import ReviewReason
from facekeep.domain.review_words import (
    WORDS_MAX,
    Concern,
    ReportedConcern,
)
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import CapturesOf, KeepOf, may, person
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.capture_life import CaptureCounts
from facekeep.service.keep import Keep
from facekeep.service.review_statistics import ReviewerFigures, ReviewStatistics, Spread

__all__ = ["router"]

router = APIRouter(prefix="/v1")

_Names = Mapping[AccountId, str]


class ConcernAnswerRequest(Body):
    """What was done."""

    text: str = Field(min_length=1, max_length=WORDS_MAX)


class ReportedConcernAnswer(BaseModel):
    """What a reviewer reported, and what the officer answered."""

    id: str
    review: str
    concern: Concern
    text: str = Field(description="In the reviewer's own words.")
    reported: datetime
    reporter: str = Field(description="What others call who reported it; empty of who has left.")
    answer: str
    answered: datetime | None


class ConcernPage(BaseModel):
    """A page of concerns, oldest first."""

    concerns: list[ReportedConcernAnswer]
    next: Next


class SpreadAnswer(BaseModel):
    """Seconds; none where there is nothing to tell of."""

    median: float | None
    p90: float | None


class ReasonFiguresAnswer(BaseModel):
    """Of one reason."""

    opened: int
    decided: int = Field(description="By people; of appeals, by others.")
    views: int = Field(description="How often a face was shown.")


class ReviewerFiguresAnswer(BaseModel):
    """How one reviewer does."""

    name: str = Field(description="Empty of who has left.")
    votes: int
    agreed: int = Field(description="Votes that were what was decided.")
    disagreed: int
    known_right: int = Field(description="Votes that were right, where the answer is known and the review is over.")
    known_wrong: int
    median_seconds: float | None = Field(description="Between claim and vote.")
    views: int


class CaptureCountsAnswer(BaseModel):
    """Captures that ended or went to people since the service was started."""

    since: datetime
    captures: int = Field(description="In which a try was begun; sign-ins are none of them.")
    escalated: int = Field(description="Of these, so many went to people.")


class StatisticsAnswer(BaseModel):
    """Figures on the reviews of an organisation that were filed since a time. Totals include known questions."""

    since: datetime
    opened: int
    open: int
    urgent: int
    oldest_waiting_seconds: float | None = Field(description="Since it was filed; of an open one that is no appeal.")
    waiting: SpreadAnswer = Field(description="From filing to the first vote.")
    deciding: SpreadAnswer = Field(description="From filing to the decision.")
    decided: int
    expired: int = Field(description="Not decided in time.")
    appeals: int = Field(description="Whether or not others decided then.")
    overturned: int = Field(description="Of these, decided otherwise by others.")
    escalated: int = Field(description="Of all, captures that the machine could not decide, or must not.")
    captures: CaptureCountsAnswer | None = Field(
        description="Of the whole service, for its own organisation alone; what others do is not theirs to know."
    )
    views_per_review: float
    by_reason: dict[ReviewReason, ReasonFiguresAnswer]
    reviewers: list[ReviewerFiguresAnswer]


@router.get(
    "/review-concerns", response_model=ConcernPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED}
)
async def list_concerns(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_CONCERNS))],
    *,
    after: Annotated[str | None, Query(pattern="^[0-9]{20}-[0-9a-f]{32}$", description="`next` before.")] = None,
    limit: Limit = 50,
) -> Response:
    """A page of what the reviewers of the organisation reported, answered or not."""
    asks = person(who)
    every = await run_sync(lambda: keep.concerns(who=asks))
    found, following = page(every, _place, after, limit)
    names = await run_sync(keep.account_names)
    return tagged(request, ConcernPage(concerns=[_concern(each, names) for each in found], next=following))


def _place(concern: ReportedConcern) -> str:
    return f"{int(concern.reported.timestamp() * 1_000_000):020}-{concern.id.hex()}"


def _concern(concern: ReportedConcern, names: _Names) -> ReportedConcernAnswer:
    return ReportedConcernAnswer(
        id=concern.id.hex(),
        review=concern.review.hex(),
        concern=concern.concern,
        text=concern.text,
        reported=concern.reported,
        reporter=names.get(concern.reporter, ""),
        answer=concern.answer,
        answered=concern.answered,
    )


@router.post(
    "/review-concerns/{concern}/answer",
    status_code=201,
    response_model=ReportedConcernAnswer,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "request-under-way"),
    openapi_extra=documented_body(ConcernAnswerRequest, **KEYED),
)
async def answer_concern(
    concern: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ANSWER_CONCERN))]
) -> Response:
    """Say what was done about it, once."""
    asked, asks = await read(request, ConcernAnswerRequest), person(who)
    answer = partial(_answer, keep, concern, asked.text, asks)
    return await once(request, keep, who, asked, answer, about=lambda told: _subject(keep, told, asks))


def _subject(keep: Keep, told: ReportedConcernAnswer, who: Account) -> str | None:
    subject = keep.review_seen(told.review, who=who).review.subject
    return None if subject is None else subject.hex()


def _answer(keep: Keep, concern: str, text: str, who: Account) -> ReportedConcernAnswer:
    return _concern(keep.answer_concern(concern, text, who=who), keep.account_names())


@router.get(
    "/review-statistics",
    response_model=StatisticsAnswer,
    responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED},
)
async def review_statistics(
    request: Request,
    keep: KeepOf,
    captures: CapturesOf,
    who: Annotated[Principal, Depends(may(Action.READ_REVIEW_STATISTICS))],
    days: Annotated[int, Query(ge=1, le=90, description="Of what was filed in so many days.")] = 30,
) -> Response:
    """How the reviews of the own organisation go: how long they wait, how they end, how reviewers do."""
    found = await run_sync(lambda: keep.review_statistics(who.organisation, days=days))
    counts = None if who.organisation else captures.counts()
    return tagged(request, _statistics(found, counts, await run_sync(keep.account_names)))


def _statistics(found: ReviewStatistics, counts: CaptureCounts | None, names: _Names) -> StatisticsAnswer:
    return StatisticsAnswer(
        since=found.since,
        opened=found.opened,
        open=found.open,
        urgent=found.urgent,
        oldest_waiting_seconds=found.oldest,
        waiting=_spread(found.waiting),
        deciding=_spread(found.deciding),
        decided=found.decided,
        expired=found.expired,
        appeals=found.appeals,
        overturned=found.overturned,
        escalated=found.escalated,
        captures=None
        if counts is None
        else CaptureCountsAnswer(since=counts.since, captures=counts.captures, escalated=counts.escalated),
        views_per_review=found.views_per_review,
        by_reason={
            reason: ReasonFiguresAnswer(opened=each.opened, decided=each.decided, views=each.views)
            for reason, each in found.by_reason.items()
        },
        reviewers=[_reviewer(each, names) for each in found.reviewers],
    )


def _spread(found: Spread) -> SpreadAnswer:
    return SpreadAnswer(median=found.median, p90=found.p90)


def _reviewer(found: ReviewerFigures, names: _Names) -> ReviewerFiguresAnswer:
    return ReviewerFiguresAnswer(
        name=names.get(found.account, ""),
        votes=found.votes,
        agreed=found.agreed,
        disagreed=found.disagreed,
        known_right=found.known_right,
        known_wrong=found.known_wrong,
        median_seconds=found.seconds,
        views=found.views,
    )

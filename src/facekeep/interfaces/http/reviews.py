"""Reviews as reviewers and officers have them: listed, read, claimed, looked at, decided. People alone do it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, Principal, Role
from facekeep.domain.actions import Action
from facekeep.domain.review import (
    Decision,
    ReasonCode,
    ReviewKind,
    ReviewReason,
    ReviewState,
    ViewReason,
)
from facekeep.domain.review_words import (
    WORDS_MAX,
    Concern,
    ReportedConcern,
)
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import Limit, Next
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.review_answers import (
    Key,
    ReviewAnswer,
    ReviewDetailsAnswer,
    SealedPictureAnswer,
    details_answer,
    filed_answer,
    review_answer,
    sealed_answers,
)
from facekeep.interfaces.http.security import KeepOf, may, person
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep
from facekeep.service.keep_review_lists import Wanted
from facekeep.service.keep_reviewing import ReviewSeen
from facekeep.service.review_queue import place_of

__all__ = ["router"]

router = APIRouter(prefix="/v1/reviews")

_After = Annotated[
    str | None, Query(pattern="^([01]-[0-9]{12}-)?[0-9a-f]{32}$", description="`next` of the page before.")
]
_ID_DIGITS = 32
_CLAIMED = (*ALWAYS, "not-found", "review-conflict", "gone")


class ReviewPage(BaseModel):
    """A page of reviews: open ones in the order in which they are to be taken, others in one that stays the same."""

    reviews: list[ReviewAnswer]
    next: Next


class ViewRequest(Body):
    """Why a face is to be shown, and to which key. It is in the ledger before anything is shown."""

    reason: ViewReason = Field(description="The person is told it.")
    key: Key


class ViewAnswer(BaseModel):
    """What opens the pictures in this browser, and who it is shown to, for the watermark."""

    shown: datetime
    reviewer: str
    pictures: list[SealedPictureAnswer]


class VoteRequest(Body):
    """What a reviewer says."""

    decision: Decision
    code: ReasonCode = Field(description="Why.")


class ConcernRequest(Body):
    """What the officer is to know at once."""

    concern: Concern
    text: str = Field("", max_length=WORDS_MAX, description="In the reviewer's own words.")


class ConcernFiledAnswer(BaseModel):
    """What was reported."""

    id: str


@router.get("", response_model=ReviewPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_reviews(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_REVIEWS))],
    *,
    state: Annotated[ReviewState, Query(description="How far they are.")] = ReviewState.OPEN,
    kind: Annotated[ReviewKind | None, Query(description="Only what asks this.")] = None,
    reason: Annotated[ReviewReason | None, Query(description="Only what has this reason.")] = None,
    urgent: Annotated[bool | None, Query(description="Only what is urgent, or is not.")] = None,
    mine: Annotated[bool, Query(description="Only what the one who asks has claimed or voted in.")] = False,
    after: _After = None,
    limit: Limit = 50,
) -> Response:
    """A page of the organisation's reviews, without evidence: the urgent first, then whatever ends first."""
    asks, place, wanted = person(who), after or "", Wanted(kind, reason, urgent, mine)
    find = (
        partial(keep.reviews_waiting, asks, wanted, after=place, limit=limit + 1)
        if state is ReviewState.OPEN
        else partial(keep.reviews_over, asks, state, wanted, after=place[-_ID_DIGITS:], limit=limit + 1)
    )
    found = await run_sync(find)
    page = found[:limit]
    following = None if len(found) <= limit else _place(page[-1], state)
    return tagged(request, ReviewPage(reviews=[_listed(seen, asks) for seen in page], next=following))


def _place(seen: ReviewSeen, state: ReviewState) -> str:
    return place_of(seen.review) if state is ReviewState.OPEN else seen.review.id.hex()


def _listed(seen: ReviewSeen, who: Account) -> ReviewAnswer:
    return review_answer(seen, recused=who.id in seen.review.recused)


def _details(seen: ReviewSeen, who: Account) -> ReviewDetailsAnswer:
    return details_answer(seen, recused=who.id in seen.review.recused)


@router.get(
    "/{review}", response_model=ReviewDetailsAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED}
)
async def read_review(
    review: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.READ_REVIEW))]
) -> Response:
    """A review with what the machine measured, for reviewers; how far it is, for whoever filed it."""
    return tagged(request, await run_sync(_read, keep, review, who))


def _read(keep: Keep, review: str, who: Principal) -> ReviewDetailsAnswer:
    if isinstance(who, Account) and who.roles & {Role.REVIEWER, Role.OFFICER}:
        return _details(keep.review_seen(review, who=who), who)
    return filed_answer(keep.review_filed(review, owner=who))


@router.post("/{review}/claim", responses=documented(*_CLAIMED))
async def claim(
    review: str, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.CLAIM_REVIEW))]
) -> ReviewDetailsAnswer:
    """Have a review for a quarter of an hour, or for another one."""
    asks = person(who)
    return _details(await run_sync(lambda: keep.claim_review(review, who=asks)), asks)


@router.delete("/{review}/claim", status_code=204, response_class=Response, responses=documented(*ALWAYS, "not-found"))
async def release(
    review: str, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.RELEASE_REVIEW))]
) -> Response:
    """Give up a claim."""
    asks = person(who)
    await run_sync(lambda: keep.release_review(review, who=asks))
    return Response(status_code=204)


@router.post(
    "/{review}/recusal",
    status_code=204,
    response_class=Response,
    responses=documented(*ALWAYS, "not-found", "review-conflict"),
)
async def recuse(review: str, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.RECUSE_REVIEW))]) -> Response:
    """Say that one knows the person: one can neither open nor decide it any more."""
    asks = person(who)
    await run_sync(lambda: keep.recuse(review, who=asks))
    return Response(status_code=204)


@router.post(
    "/{review}/views",
    status_code=201,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "gone"),
    openapi_extra=documented_body(ViewRequest),
)
async def view(
    review: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.VIEW_REVIEW))]
) -> ViewAnswer:
    """Have the face shown, for a reason that the ledger and the person get. It opens in one browser alone."""
    asked, asks = await read(request, ViewRequest), person(who)
    shown = await run_sync(lambda: keep.show_review(review, asked.reason, key=asked.key, who=asks))
    return ViewAnswer(shown=shown.time, reviewer=asks.name, pictures=sealed_answers(shown.pictures))


@router.post(
    "/{review}/votes",
    status_code=201,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "gone"),
    openapi_extra=documented_body(VoteRequest),
)
async def vote(
    review: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.VOTE_REVIEW))]
) -> ReviewDetailsAnswer:
    """Say what one sees, once. Two who agree decide; where two do not, a third does."""
    asked, asks = await read(request, VoteRequest), person(who)
    return _details(await run_sync(lambda: keep.vote(review, asked.decision, asked.code, who=asks)), asks)


@router.post(
    "/{review}/concerns",
    status_code=201,
    response_model=ConcernFiledAnswer,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "request-under-way"),
    openapi_extra=documented_body(ConcernRequest, **KEYED),
)
async def report_concern(
    review: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.REPORT_CONCERN))]
) -> Response:
    """Tell the officer at once that somebody may be in danger, is a minor, or has died."""
    asked, asks = await read(request, ConcernRequest), person(who)

    def report() -> ConcernFiledAnswer:
        found: ReportedConcern = keep.report_concern(review, asked.concern, asked.text, who=asks)
        return ConcernFiledAnswer(id=found.id.hex())

    return await once(request, keep, who, asked, report)

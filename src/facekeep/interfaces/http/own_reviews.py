"""Reviews as the person whom they are about has them: who looked, when and why, at what; to speak, and to appeal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.review import Decision, ReviewKind, ReviewReason, ReviewState, ViewReason
from facekeep.domain.review_words import (
    WORDS_MAX,
    WordsKind,
)
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.review_answers import (
    Key,
    PictureAnswer,
    SealedPictureAnswer,
    picture_answers,
    sealed_answers,
    words_of,
)
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep
from facekeep.service.keep_own_reviews import OwnReview

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects/{subject}/reviews")

_SAYING = documented(*WITH_BODY, "not-found", "review-conflict", "request-under-way")


class OwnViewAnswer(BaseModel):
    """That the face was shown to somebody."""

    time: datetime
    reviewer: str = Field(description="What others call who looked; empty of who has left.")
    reason: ViewReason


class OwnReviewAnswer(BaseModel):
    """A review about the person."""

    id: str
    kind: ReviewKind
    reasons: list[ReviewReason]
    state: ReviewState
    created: datetime
    deadline: datetime
    decision: Decision | None
    decided: datetime | None
    views: list[OwnViewAnswer] = Field(description="Who was shown the face, in their order.")
    statement: str
    appeal: str
    against: bool = Field(description="Whether people decided something that is not for the person.")
    may_appeal: bool = Field(description="Whether the person can object to that, and two others could decide anew.")
    measured: bool = Field(
        description="Whether it only measured how well people decide, by what was known before, and says nothing of "
        "the person. Told once it is over."
    )
    pictures: list[PictureAnswer] = Field(
        description="Which reviewers can see still; none once they are destroyed. One to compare with that was added "
        "later is sealed to reviewers alone: it opens in no browser of the person."
    )


class OwnReviewsAnswer(BaseModel):
    """The reviews about the person, newest first."""

    reviews: list[OwnReviewAnswer]


class OwnViewRequest(Body):
    """With which key of this browser."""

    key: Key


class OwnPicturesAnswer(BaseModel):
    """What opens the pictures in the browser in which the person was captured."""

    pictures: list[SealedPictureAnswer]


class WordsRequest(Body):
    """What the person says to those who decide."""

    text: str = Field(min_length=1, max_length=WORDS_MAX, description="In the person's own words.")


@router.get("", response_model=OwnReviewsAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED})
async def list_own_reviews(
    subject: str, request: Request, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.LIST_SUBJECT_REVIEWS))]
) -> Response:
    """All reviews about a person, for that person alone: who looked, when and why, and what was decided."""
    found = await run_sync(keep.own_reviews, subject)
    return tagged(request, OwnReviewsAnswer(reviews=[_own(each) for each in found]))


def _own(own: OwnReview) -> OwnReviewAnswer:
    review = own.review
    return OwnReviewAnswer(
        id=review.id.hex(),
        kind=review.kind,
        reasons=list(review.reasons),
        state=review.state,
        created=review.created,
        deadline=review.deadline,
        decision=review.decision,
        decided=review.decided,
        views=[OwnViewAnswer(time=each.time, reviewer=each.reviewer, reason=each.reason) for each in own.views],
        statement=words_of(own.words, WordsKind.STATEMENT),
        appeal=words_of(own.words, WordsKind.APPEAL),
        against=own.against,
        may_appeal=own.may_appeal,
        measured=review.measured,
        pictures=picture_answers(own.pictures),
    )


@router.post(
    "/{review}/views",
    status_code=201,
    responses=documented(*WITH_BODY, "not-found", "gone"),
    openapi_extra=documented_body(OwnViewRequest),
)
async def view_own_review(
    subject: str,
    review: str,
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.VIEW_SUBJECT_REVIEW))],
) -> OwnPicturesAnswer:
    """Show a person what reviewers are shown, in the browser in which the person was captured."""
    asked = await read(request, OwnViewRequest)
    shown = await run_sync(lambda: keep.show_own_review(subject, review, key=asked.key))
    return OwnPicturesAnswer(pictures=sealed_answers(shown))


@router.post(
    "/{review}/statement",
    status_code=201,
    response_model=OwnReviewAnswer,
    responses=_SAYING,
    openapi_extra=documented_body(WordsRequest, **KEYED),
)
async def state_own_review(
    subject: str,
    review: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.STATE_SUBJECT_REVIEW))],
) -> Response:
    """Say something to those who decide, once, before they do."""
    asked = await read(request, WordsRequest)
    return await once(request, keep, who, asked, partial(_said, keep, keep.state_review, subject, review, asked.text))


@router.post(
    "/{review}/appeal",
    status_code=201,
    response_model=OwnReviewAnswer,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "request-under-way", "gone"),
    openapi_extra=documented_body(WordsRequest, **KEYED),
)
async def appeal_own_review(
    subject: str,
    review: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.APPEAL_SUBJECT_REVIEW))],
) -> Response:
    """Object to what people decided, once: others decide then, by the same evidence."""
    asked = await read(request, WordsRequest)
    return await once(request, keep, who, asked, partial(_said, keep, keep.appeal_review, subject, review, asked.text))


def _said(keep: Keep, say: Callable[[str, str, str], object], subject: str, review: str, text: str) -> OwnReviewAnswer:
    say(subject, review, text)
    return next(_own(each) for each in keep.own_reviews(subject) if each.review.id.hex() == review)

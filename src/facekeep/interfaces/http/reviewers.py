"""Reviewers and officers themselves: the keys that evidence is sealed to, and when they are on duty."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, Principal
from facekeep.domain.actions import Action
from facekeep.interfaces.http.bodies import Body, Unpadded, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may, person
from facekeep.service.keep_reviewers import ReviewerDetails

__all__ = ["router"]

router = APIRouter(prefix="/v1/reviewer")

_DAYS: Final = 30


class ReviewerKeyAnswer(BaseModel):
    """A key of a browser."""

    id: str
    added: datetime


class DutyDayAnswer(BaseModel):
    """How long somebody was on duty on a day."""

    day: str = Field(description="Of UTC, as ISO 8601 writes it.")
    seconds: int


class ReviewerAnswer(BaseModel):
    """Who asks, as a reviewer."""

    name: str
    organisation: str
    keys: list[ReviewerKeyAnswer]
    on_duty: bool
    since: datetime | None = Field(description="From when on, while they are.")
    hours: list[DutyDayAnswer] = Field(description="Of the last 30 on which they were, oldest first.")


class ReviewerKeyRequest(Body):
    """A public key of this browser; its private key stays there."""

    public: Unpadded = Field(description="X25519, 32 bytes, in base64url without padding.")


class NewKeyAnswer(BaseModel):
    """A key that evidence is sealed to from now on."""

    id: str = Field(description="The first 16 bytes of its SHA-256.")


class DutyRequest(Body):
    """Whether one is on duty."""

    on: bool


@router.get("", responses=documented(*ALWAYS))
async def read_reviewer(keep: KeepOf, who: Annotated[Principal, Depends(may(Action.READ_REVIEWER))]) -> ReviewerAnswer:
    """The keys of the one who asks, and when they were on duty."""
    asks = person(who)
    return _answer(asks, await run_sync(keep.reviewer, asks))


def _answer(who: Account, found: ReviewerDetails) -> ReviewerAnswer:
    reviewer = found.reviewer
    return ReviewerAnswer(
        name=who.name,
        organisation=who.organisation,
        keys=[ReviewerKeyAnswer(id=key.id.hex(), added=key.added) for key in reviewer.keys],
        on_duty=reviewer.since is not None,
        since=reviewer.since,
        hours=[DutyDayAnswer(day=each.day, seconds=each.seconds) for each in found.days[-_DAYS:]],
    )


@router.post(
    "/keys",
    status_code=201,
    response_model=NewKeyAnswer,
    responses=documented(*WITH_BODY, "request-under-way"),
    openapi_extra=documented_body(ReviewerKeyRequest, **KEYED),
)
async def add_key(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ADD_REVIEWER_KEY))]
) -> Response:
    """Have evidence sealed to a key of this browser from now on."""
    asked, asks = await read(request, ReviewerKeyRequest), person(who)

    def add() -> NewKeyAnswer:
        return NewKeyAnswer(id=keep.add_reviewer_key(asked.public, who=asks).id.hex())

    return await once(request, keep, who, asked, add)


@router.delete("/keys/{key}", status_code=204, response_class=Response, responses=documented(*ALWAYS, "not-found"))
async def remove_key(
    key: str, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.REMOVE_REVIEWER_KEY))]
) -> Response:
    """Have a key of one's own open nothing any more, as when a browser is lost."""
    asks = person(who)
    await run_sync(lambda: keep.revoke_reviewer_key(key, who=asks, by=asks))
    return Response(status_code=204)


@router.put(
    "/duty",
    status_code=204,
    response_class=Response,
    responses=documented(*WITH_BODY),
    openapi_extra=documented_body(DutyRequest),
)
async def set_duty(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.SET_REVIEWER_DUTY))]
) -> Response:
    """Go on duty, or off it: what comes is sealed to those who are on it."""
    asked, asks = await read(request, DutyRequest), person(who)
    await run_sync(lambda: keep.set_duty(on=asked.on, who=asks))
    return Response(status_code=204)

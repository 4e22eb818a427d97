"""Appeals as reviewers have them: listed, and answered by a person."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.appeals import APPEAL_TEXT_MAX, Appeal
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.own import AppealAnswer, appeal_answer
from facekeep.interfaces.http.paging import Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1/appeals")


class DecisionRequest(Body):
    """What a person decided about an appeal."""

    upheld: bool = Field(description="Whether the data subject is right.")
    text: str = Field(min_length=1, max_length=APPEAL_TEXT_MAX, description="Why, to the data subject.")


class FiledAppeal(AppealAnswer):
    """An appeal, and who filed it."""

    subject: str = Field(description="Identifier of the data subject.")


class FiledAppealPage(BaseModel):
    """A page of appeals, oldest first."""

    appeals: list[FiledAppeal]
    next: Next


@router.get("", response_model=FiledAppealPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_appeals(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_APPEALS))],
    *,
    after: Annotated[str | None, Query(pattern="^[0-9]{20}-[0-9a-f]{32}$", description="`next` before.")] = None,
    limit: Limit = 50,
    answered: Annotated[bool, Query(description="Whether those that were answered are listed too.")] = False,
) -> Response:
    """A page of appeals that wait for an answer."""
    every = [appeal for appeal in await run_sync(keep.appeals) if answered or appeal.answer is None]
    found, following = page(every, _place, after, limit)
    await run_sync(lambda: keep.tell_appeals_viewed(found, by=who))
    return tagged(request, FiledAppealPage(appeals=[_filed(appeal) for appeal in found], next=following))


def _place(appeal: Appeal) -> str:
    return f"{int(appeal.filed.timestamp() * 1_000_000):020}-{appeal.id.hex()}"


def _filed(appeal: Appeal) -> FiledAppeal:
    return FiledAppeal(subject=appeal.subject.hex(), **appeal_answer(appeal).model_dump())


@router.post(
    "/{appeal}/answer",
    status_code=201,
    response_model=FiledAppeal,
    responses=documented(*WITH_BODY, "not-found", "refused", "request-under-way"),
    openapi_extra=documented_body(DecisionRequest, **KEYED),
)
async def answer_appeal(
    appeal: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ANSWER_APPEAL))]
) -> Response:
    """Answer an appeal, once. The data subject reads the answer, and by whom is in the ledger."""
    asked = await read(request, DecisionRequest)
    do = partial(_answer, keep, appeal, asked, who)
    return await once(request, keep, who, asked, do, about=lambda answered: answered.subject)


def _answer(keep: Keep, appeal: str, asked: DecisionRequest, who: Principal) -> FiledAppeal:
    return _filed(keep.answer_appeal(appeal, upheld=asked.upheld, text=asked.text, operator=who))

"""Cases: the reasons of searches."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import Purpose
from facekeep.domain.search import Case
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, Nothing, once
from facekeep.interfaces.http.paging import After, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1/cases")


class CaseRequest(Body):
    """The reason of searches."""

    title: str = Field(min_length=1, max_length=128)
    purpose: Purpose = Purpose.IDENTIFY
    days: int = Field(30, ge=1, le=366)


class CaseAnswer(BaseModel):
    """A case, bounded in time."""

    id: str
    title: str
    purpose: Purpose
    opened_by: str
    opened: datetime
    expires: datetime
    closed: datetime | None


class CasePage(BaseModel):
    """A page of cases, in a random order that stays the same."""

    cases: list[CaseAnswer]
    next: Next


@router.get("", response_model=CasePage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_cases(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_CASES))],
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A page of cases."""
    found, following = page(await run_sync(keep.cases), lambda case: case.id.hex(), after, limit)
    return tagged(request, CasePage(cases=[_case(case) for case in found], next=following))


@router.get("/{case}", response_model=CaseAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED})
async def show(
    case: str, request: Request, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.READ_CASE))]
) -> Response:
    """A case."""
    return tagged(request, _case(await run_sync(keep.case, case)))


def _case(case: Case) -> CaseAnswer:
    return CaseAnswer(
        id=case.id.hex(),
        title=case.title,
        purpose=case.purpose,
        opened_by=case.opened_by,
        opened=case.opened,
        expires=case.expires,
        closed=case.closed,
    )


@router.post(
    "",
    status_code=201,
    response_model=CaseAnswer,
    responses=documented(*WITH_BODY, "request-under-way"),
    openapi_extra=documented_body(CaseRequest, **KEYED),
)
async def open_case(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.OPEN_CASE))]
) -> Response:
    """Open a case, the reason of searches."""
    asked = await read(request, CaseRequest)
    return await once(request, keep, who, asked, partial(_open_case, keep, asked, who))


def _open_case(keep: Keep, asked: CaseRequest, operator: Principal) -> CaseAnswer:
    title = keep.open_case(asked.title, operator=operator, purpose=asked.purpose, days=asked.days)
    return next(_case(case) for case in keep.cases() if case.title == title)


@router.post(
    "/{case}/closure",
    response_model=CaseAnswer,
    responses=documented(*KEYED_ON),
    openapi_extra=KEYED,
)
async def close_case(
    case: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.CLOSE_CASE))]
) -> Response:
    """Close a case: no search is made for it any more, and it never opens again. Takes no body."""
    return await once(request, keep, who, Nothing(), lambda: _case(keep.close_case(keep.case(case).title)), status=200)

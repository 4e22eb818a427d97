"""What a person has a right to: who asked about them, all that is held, never to be found, and to object."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, Principal
from facekeep.domain.actions import Action
from facekeep.domain.appeals import APPEAL_TEXT_MAX, Appeal, AppealKind
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind, Part
from facekeep.domain.review import ViewReason
from facekeep.domain.subject import subject_id
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, Nothing, once
from facekeep.interfaces.http.paging import Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.answers import Access, AccessOutcome
from facekeep.service.keep import Keep
from facekeep.service.own_page import Language, own_page

__all__ = ["AppealAnswer", "appeal_answer", "router"]

router = APIRouter(prefix="/v1/subjects/{subject}")

_After = Annotated[str | None, Query(pattern="^[0-9]{8}$", description="`next` of the page before.")]
_AfterLeaf = Annotated[str | None, Query(pattern="^[0-9]{12}$", description="`next` of the page before.")]


class AccessAnswer(BaseModel):
    """Somebody asked about the person, or looked at what is held."""

    leaf: int = Field(ge=0, description="Of the entry in the ledger.")
    time: datetime
    kind: EntryKind
    purpose: Purpose | None
    case: str | None = Field(description="Identifier of the case, under which the person can ask about it.")
    operator: str | None = Field(description="What others call who asked; none of who has left.")
    outcome: AccessOutcome
    reason: ViewReason | None = Field(description="Why a reviewer was shown the face; none of everything else.")


class AccessPage(BaseModel):
    """A page of accesses, newest first."""

    accesses: list[AccessAnswer]
    next: Next


class NeverReturnAnswer(BaseModel):
    """What was taken out of every search."""

    references: int


class AppealRequest(Body):
    """What a person objects to."""

    kind: AppealKind
    about: int | None = Field(None, ge=0, description="Leaf of an entry about the person, who alone may name it.")
    text: str = Field("", max_length=APPEAL_TEXT_MAX, description="In the person's own words.")


class AppealAnswer(BaseModel):
    """An appeal, and what a person answered."""

    id: str
    kind: AppealKind
    about: int | None
    text: str
    filed: datetime
    state: Literal["open", "answered"]
    upheld: bool | None = Field(description="Whether the person was right; none while it is open.")
    answer: str
    answered: datetime | None


class AppealPage(BaseModel):
    """A page of appeals, oldest first."""

    appeals: list[AppealAnswer]
    next: Next


def appeal_answer(appeal: Appeal) -> AppealAnswer:
    """An appeal as its person is told of it."""
    answer = appeal.answer
    return AppealAnswer(
        id=appeal.id.hex(),
        kind=appeal.kind,
        about=appeal.about,
        text=appeal.text,
        filed=appeal.filed,
        state="open" if answer is None else "answered",
        upheld=None if answer is None else answer.upheld,
        answer="" if answer is None else answer.text,
        answered=None if answer is None else answer.answered,
    )


@router.get(
    "/accesses",
    response_model=AccessPage,
    responses={**documented(*ALWAYS, "not-found", "invalid-request"), **NOT_MODIFIED},
)
async def accesses(
    subject: str,
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.READ_SUBJECT_ACCESSES))],
    after: _AfterLeaf = None,
    limit: Limit = 50,
) -> Response:
    """A page of who asked about a person or looked at what is held, for that person alone; newest first."""
    every = await run_sync(lambda: keep.accesses(keep.label_of(subject)))
    found = [access for access in every if after is None or access.leaf < int(after)]
    following = f"{found[limit - 1].leaf:012}" if len(found) > limit else None
    return tagged(request, AccessPage(accesses=[_access(each) for each in found[:limit]], next=following))


def _access(access: Access) -> AccessAnswer:
    return AccessAnswer(
        leaf=access.leaf,
        time=access.time,
        kind=access.kind,
        purpose=access.purpose,
        case=access.case or None,
        operator=access.operator,
        outcome=access.outcome,
        reason=access.reason,
    )


@router.get(
    "/export",
    response_class=Response,
    responses={
        200: {
            "description": "All that is held",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        **documented(*ALWAYS, "not-found", "invalid-request"),
    },
)
async def export(
    subject: str,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.EXPORT_SUBJECT))],
    format: Annotated[  # noqa: A002 - the name of a parameter of the query
        Literal["json", "html"], Query(description="json for machines, html to be read.")
    ] = "json",
    language: Annotated[Language, Query(description="Of the page; names in JSON are English.")] = Language.ENGLISH,
) -> Response:
    """All that is held of a person, for that person alone."""
    own = await run_sync(lambda: keep.own_data(keep.label_of(subject)))
    content, kind = (own.as_json(), "application/json") if format == "json" else (own_page(own, language), "text/html")
    # Not a name of anybody: file names end in places that nobody looks after.
    headers = {"Content-Disposition": f'attachment; filename="facekeep-own-data.{format}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


@router.put("/never-return", response_model=NeverReturnAnswer, responses=documented(*KEYED_ON), openapi_extra=KEYED)
async def join_never_return(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.JOIN_NEVER_RETURN))]
) -> Response:
    """Take a person out of every search of a gallery, whoever searches."""
    return await once(request, keep, who, Nothing(), partial(_join_never_return, keep, subject, who), status=200)


def _join_never_return(keep: Keep, subject: str, who: Principal) -> NeverReturnAnswer:
    return NeverReturnAnswer(references=keep.never_return_known(keep.label_of(subject), by=_other(who, subject)))


@router.get(
    "/appeals",
    response_model=AppealPage,
    responses={**documented(*ALWAYS, "not-found", "invalid-request"), **NOT_MODIFIED},
)
async def list_appeals(
    subject: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_SUBJECT_APPEALS))],
    *,
    after: _After = None,
    limit: Limit = 50,
) -> Response:
    """A page of what a person objected to, with the answers."""

    def appeals() -> list[tuple[int, Appeal]]:
        label = keep.label_of(subject)
        keep.tell_viewed(label, Part.APPEALS, by=who)
        return list(enumerate(keep.appeals_of(label)))

    # Appeals are only ever added, so that their number names them.
    found, following = page(await run_sync(appeals), lambda one: f"{one[0]:08}", after, limit)
    return tagged(request, AppealPage(appeals=[appeal_answer(appeal) for _, appeal in found], next=following))


@router.post(
    "/appeals",
    status_code=201,
    response_model=AppealAnswer,
    responses=documented(*WITH_BODY, "not-found", "request-under-way"),
    openapi_extra=documented_body(AppealRequest, **KEYED),
)
async def file_appeal(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.FILE_APPEAL))]
) -> Response:
    """Record that a person objects: it was somebody else, or it was not right. A person answers."""
    asked = await read(request, AppealRequest)
    return await once(request, keep, who, asked, partial(_file_appeal, keep, subject, asked, _other(who, subject)))


def _file_appeal(keep: Keep, subject: str, asked: AppealRequest, by: Principal | None) -> AppealAnswer:
    label = keep.label_of(subject)
    return appeal_answer(keep.file_appeal(label, asked.kind, about=asked.about, text=asked.text, by=by))


def _other(who: Principal, subject: str) -> Principal | None:
    """Who does it for the person; None if it is the person."""
    return None if isinstance(who, Account) and who.subject == subject_id(subject) else who

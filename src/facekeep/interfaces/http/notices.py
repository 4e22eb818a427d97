"""Notices: the texts that people are shown before they consent. They never change and never go."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import KnownNotice, Notice, Purpose
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import AfterHash, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep

__all__ = ["NoticeHash", "NoticeText", "check_one_notice", "notice_of", "router"]

router = APIRouter(prefix="/v1/notices")

NoticeText = Annotated[
    str, Field(max_length=1_000_000, description="The text that the person was shown; or give notice_hash.")
]
NoticeHash = Annotated[
    str, Field(pattern="^([0-9a-f]{64})?$", description="SHA-256 of a notice that is kept, in place of its text.")
]


def check_one_notice(text: str, digest: str) -> None:
    """See to it that there is one notice, by its text or by its hash.

    Raises:
        ValueError: there is none, or both were given.
    """
    if bool(text) == bool(digest):
        raise ValueError("Give either notice or notice_hash.")


def notice_of(text: str, digest: str) -> str | KnownNotice:
    """The notice that is meant."""
    return KnownNotice(digest) if digest else text


class NoticeRequest(Body):
    """A text that people are shown, and what it speaks of."""

    text: str = Field(min_length=1, max_length=1_000_000, description="Whole, as it is shown.")
    language: str = Field(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", description="A tag of BCP 47.")
    purposes: list[Purpose] = Field(min_length=1, max_length=len(Purpose), description="What it speaks of.")


class NoticeSummary(BaseModel):
    """A notice in a list."""

    hash: str = Field(description="SHA-256 of the text in UTF-8, by which consents name it.")
    language: str = Field(description="Empty if the text came with a consent, and nobody said.")
    purposes: list[Purpose] = Field(description="Consents to others are refused; empty if nobody said.")
    characters: int


class NoticeAnswer(NoticeSummary):
    """A notice."""

    text: str


class NoticePage(BaseModel):
    """A page of notices, in the order of their hashes."""

    notices: list[NoticeSummary]
    next: Next


@router.post(
    "",
    status_code=201,
    response_model=NoticeAnswer,
    responses=documented(*WITH_BODY, "consent-missing", "request-under-way"),
    openapi_extra=documented_body(NoticeRequest, **KEYED),
)
async def add_notice(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ADD_NOTICE))]
) -> Response:
    """Keep a notice. The same again changes nothing; the same text for other purposes is refused."""
    asked = await read(request, NoticeRequest)
    return await once(request, keep, who, asked, partial(_add, keep, asked))


def _add(keep: Keep, asked: NoticeRequest) -> NoticeAnswer:
    return _notice(keep.add_notice(asked.text, language=asked.language, purposes=asked.purposes))


@router.get("", response_model=NoticePage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_notices(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_NOTICES))],
    after: AfterHash = None,
    limit: Limit = 50,
) -> Response:
    """A page of notices, without their texts."""
    found, following = page(await run_sync(keep.notices), lambda notice: notice.digest, after, limit)
    summaries = [NoticeSummary(**_notice(notice).model_dump(exclude={"text"})) for notice in found]
    return tagged(request, NoticePage(notices=summaries, next=following))


@router.get("/{hash}", response_model=NoticeAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED})
async def show(
    hash: str,  # noqa: A002 - the name of a parameter of the path
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.READ_NOTICE))],
) -> Response:
    """A notice by its hash."""
    return tagged(request, _notice(await run_sync(keep.notice, hash)))


def _notice(notice: Notice) -> NoticeAnswer:
    return NoticeAnswer(
        hash=notice.digest,
        language=notice.language,
        purposes=[purpose for purpose in Purpose if purpose in notice.purposes],
        characters=len(notice.text),
        text=notice.text,
    )

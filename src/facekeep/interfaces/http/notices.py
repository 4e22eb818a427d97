"""Notices: the texts that people are shown before they consent. They never change and never go."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import PARTICULAR_MAX, KnownNotice, Notice, Purpose
from facekeep.domain.subject import SubjectId
from facekeep.errors import NotFoundError
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import AfterHash, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.keep import Keep

__all__ = ["NoticeHash", "NoticeText", "check_one_notice", "check_visible", "notice_of", "router"]

router = APIRouter(prefix="/v1/notices")

NoticeText = Annotated[
    str, Field(max_length=1_000_000, description="The text that the person was shown; or give notice_hash.")
]
NoticeHash = Annotated[
    str, Field(pattern="^([0-9a-f]{64})?$", description="Hash of a notice that is kept, in place of its text.")
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


_Particular = Annotated[str, Field(max_length=PARTICULAR_MAX)]


class NoticeRequest(Body):
    """What people are shown, and what it speaks of."""

    text: str = Field(min_length=1, max_length=1_000_000, description="Whole, as it is shown.")
    language: str = Field(pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$", description="A tag of BCP 47.")
    purposes: list[Purpose] = Field(min_length=1, max_length=len(Purpose), description="What it speaks of.")
    retention: _Particular = Field("", description="For how long the data are kept; empty if the text says it.")
    recipients: _Particular = Field("", description="Who else gets any of them; empty if the text says it.")
    alternative: _Particular = Field("", description="What whoever says no can do instead; empty if the text says it.")
    replaces: str = Field(
        "", pattern="^([0-9a-f]{64})?$", description="Hash of the version before, if there is one; it is replaced once."
    )


class NoticeSummary(BaseModel):
    """A notice in a list."""

    hash: str = Field(
        description="By which consents name it: SHA-256 of the text in UTF-8, or of all that is said if that is more "
        "(docs/spec/notices.md)."
    )
    language: str = Field(description="Empty if the text came with a consent, and nobody said.")
    purposes: list[Purpose] = Field(description="Consents to others are refused; empty if nobody said.")
    characters: int = Field(description="Of the text.")
    replaces: str = Field(description="Hash of the version before, or empty.")
    replaced_by: str = Field(description="Hash of the version after, or empty: then it is the newest.")


class NoticeAnswer(NoticeSummary):
    """A notice."""

    text: str
    retention: str
    recipients: str
    alternative: str


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
    notice = keep.add_notice(
        asked.text,
        language=asked.language,
        purposes=asked.purposes,
        retention=asked.retention,
        recipients=asked.recipients,
        alternative=asked.alternative,
        replaces=asked.replaces,
    )
    return _notice(notice, keep.replacement_of(notice.digest))


@router.get("", response_model=NoticePage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_notices(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_NOTICES))],
    after: AfterHash = None,
    limit: Limit = 50,
) -> Response:
    """A page of notices, without their texts. A data subject sees those for everybody, and those of own consents."""
    every = await run_sync(_visible, keep, who)
    newer = {notice.replaces: notice.digest for notice in every if notice.replaces}
    found, following = page(every, lambda notice: notice.digest, after, limit)
    summaries = [_summary(notice, newer.get(notice.digest, "")) for notice in found]
    return tagged(request, NoticePage(notices=summaries, next=following))


@router.get("/{hash}", response_model=NoticeAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED})
async def show(
    hash: str,  # noqa: A002 - the name of a parameter of the path
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.READ_NOTICE))],
) -> Response:
    """A notice by its hash. To a data subject there are those for everybody, and those of own consents."""

    def read_notice() -> NoticeAnswer:
        if isinstance(who, Account) and who.subject is not None:
            check_visible(keep, who.subject, hash)
        return _notice(keep.notice(hash), keep.replacement_of(hash))

    return tagged(request, await run_sync(read_notice))


def _visible(keep: Keep, who: Principal) -> tuple[Notice, ...]:
    every = keep.notices()
    if not isinstance(who, Account) or who.subject is None:
        return every
    own = {consent.notice for consent in keep.consents(keep.label_of(who.subject.hex()))}
    return tuple(notice for notice in every if notice.language or notice.digest in own)


def check_visible(keep: Keep, subject: SubjectId, digest: str) -> None:
    """See to it that a notice is for everybody, or of a consent of this person.

    A text that came with one person's consent, without a language, may tell of that person.

    Raises:
        NotFoundError: it is neither, or there is none.
    """
    if keep.notice(digest).language:
        return
    if digest not in {consent.notice for consent in keep.consents(keep.label_of(subject.hex()))}:
        raise NotFoundError("there is no such notice")


def _summary(notice: Notice, replaced_by: str) -> NoticeSummary:
    return NoticeSummary(
        hash=notice.digest,
        language=notice.language,
        purposes=[purpose for purpose in Purpose if purpose in notice.purposes],
        characters=len(notice.text),
        replaces=notice.replaces,
        replaced_by=replaced_by,
    )


def _notice(notice: Notice, replaced_by: str) -> NoticeAnswer:
    return NoticeAnswer(
        **_summary(notice, replaced_by).model_dump(),
        text=notice.text,
        retention=notice.retention,
        recipients=notice.recipients,
        alternative=notice.alternative,
    )

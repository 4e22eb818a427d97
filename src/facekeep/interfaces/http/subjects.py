"""Data subjects: enrol, list, show, erase, and their consents."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, RootModel

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import Consent, Purpose
from facekeep.interfaces.http.bodies import Body, Picture, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.problems import ALWAYS, documented
from facekeep.interfaces.http.security import KeepOf, may, operator_of
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.answers import SubjectDetails
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects")

_PAGE_MAX = 100
_BODY = (*ALWAYS, "body-too-large", "media-type", "invalid-request")
_Purposes = Annotated[list[Purpose], Field(min_length=1, max_length=len(Purpose))]


class EnrolmentRequest(Body):
    """A person with consent, and pictures of nobody else."""

    label: str = Field(min_length=1, max_length=128, description="What operators call the person by, unique.")
    name: str = Field("", max_length=512, description="Sealed in the registry.")
    gallery: str = Field("main", min_length=1, max_length=64, description="The group.")
    purposes: _Purposes = Field(description="What the person consented to.")
    notice: str = Field(min_length=1, max_length=1 << 20, description="The text that the person was shown.")
    pictures: list[Picture] = Field(min_length=1, max_length=16, description="One reference each.")


class EnrolmentAnswer(BaseModel):
    """An enrolment that is on disk in three stores."""

    id: str
    references: int
    gallery: str
    purposes: list[Purpose]
    never_returned: bool


class LookupRequest(Body):
    """Whom to find. In a body, since paths and their parameters end in the logs of proxies."""

    label: str = Field(min_length=1, max_length=128)


class ConsentRequest(Body):
    """A consent to one purpose."""

    purpose: Purpose
    notice: str = Field(min_length=1, max_length=1 << 20, description="The text that the person was shown.")


class ConsentAnswer(BaseModel):
    """A consent as recorded."""

    purpose: Purpose
    notice: str = Field(description="SHA-256 of the notice.")
    given: datetime
    withdrawn: datetime | None


class Consents(RootModel[list[ConsentAnswer]]):
    """All consents of a person, withdrawn ones too."""


class SubjectAnswer(BaseModel):
    """A data subject in a list."""

    id: str
    label: str
    name: str
    references: int
    purposes: list[Purpose] = Field(description="Consented to and switched on.")
    enrolled: datetime | None


class SubjectPage(BaseModel):
    """A page of data subjects, in a random order that stays the same."""

    subjects: list[SubjectAnswer]
    next: str | None = Field(description="Give it as ``after`` for the next page; null on the last.")


class SubjectDetailsAnswer(SubjectAnswer):
    """All that the registry holds of a data subject."""

    galleries: list[str]
    consents: list[ConsentAnswer]
    never_returned: bool
    locked: bool = Field(description="Whether a reference has too many rejected comparisons.")


class ErasureAnswer(BaseModel):
    """What was erased."""

    references: int
    backups_readable_until: datetime


@router.post(
    "",
    status_code=201,
    response_model=EnrolmentAnswer,
    responses=documented(*_BODY, "request-under-way", "consent-missing", "picture-unreadable", "picture-not-fit"),
    openapi_extra=documented_body(EnrolmentRequest, **KEYED),
)
async def enrol(request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ENROL))]) -> Response:
    """Enrol a person, or give a known person further references."""
    asked = await read(request, EnrolmentRequest)
    return await once(request, keep, who, asked, partial(_enrol, keep, asked, operator_of(who)))


def _enrol(keep: Keep, asked: EnrolmentRequest, operator: str) -> EnrolmentAnswer:
    done = keep.enrol(
        asked.label,
        asked.pictures,
        purposes=asked.purposes,
        notice=asked.notice,
        operator=operator,
        name=asked.name,
        gallery=asked.gallery,
    )
    return EnrolmentAnswer(
        id=keep.subject(done.label).id,
        references=done.references,
        gallery=done.gallery,
        purposes=list(done.purposes),
        never_returned=done.never_returned,
    )


@router.get("", response_model=SubjectPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_subjects(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_SUBJECTS))],
    after: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 50,
) -> Response:
    """A page of data subjects."""
    found = await run_sync(lambda: list(islice(keep.subjects(after=after), limit + 1)))
    page = [
        SubjectAnswer(
            id=s.id,
            label=s.label,
            name=s.name,
            references=s.references,
            purposes=list(s.purposes),
            enrolled=s.enrolled,
        )
        for s in found[:limit]
    ]
    return tagged(request, SubjectPage(subjects=page, next=page[-1].id if len(found) > limit else None))


@router.get(
    "/{subject}", response_model=SubjectDetailsAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED}
)
async def show(
    subject: str, request: Request, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.READ_SUBJECT))]
) -> Response:
    """All that the registry holds of a data subject."""
    return tagged(request, _details(await run_sync(lambda: keep.subject(keep.label_of(subject)))))


@router.post("/lookups", responses=documented(*_BODY, "not-found"), openapi_extra=documented_body(LookupRequest))
async def find(
    request: Request, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.FIND_SUBJECT))]
) -> SubjectDetailsAnswer:
    """All that the registry holds of a data subject, by label."""
    asked = await read(request, LookupRequest)
    return _details(await run_sync(keep.subject, asked.label))


def _details(found: SubjectDetails) -> SubjectDetailsAnswer:
    return SubjectDetailsAnswer(
        id=found.id,
        label=found.label,
        name=found.name,
        references=found.references,
        purposes=list(found.purposes),
        enrolled=found.enrolled,
        galleries=list(found.galleries),
        consents=[_consent(consent) for consent in found.consents],
        never_returned=found.never_returned,
        locked=found.locked,
    )


def _consent(consent: Consent) -> ConsentAnswer:
    return ConsentAnswer(
        purpose=consent.purpose, notice=consent.notice, given=consent.given, withdrawn=consent.withdrawn
    )


@router.delete("/{subject}", responses=documented(*ALWAYS, "not-found"))
async def erase(
    subject: str, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.ERASE_SUBJECT))]
) -> ErasureAnswer:
    """Erase a person from all three stores."""
    done = await run_sync(lambda: keep.erase(keep.label_of(subject)))
    return ErasureAnswer(references=done.references, backups_readable_until=done.backups_readable_until)


@router.post(
    "/{subject}/consents",
    status_code=201,
    response_model=Consents,
    responses=documented(*_BODY, "request-under-way", "not-found"),
    openapi_extra=documented_body(ConsentRequest, **KEYED),
)
async def give_consent(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.GIVE_CONSENT))]
) -> Response:
    """Record that a person consented to a purpose; gives all consents."""
    asked = await read(request, ConsentRequest)
    return await once(request, keep, who, asked, partial(_give_consent, keep, subject, asked))


def _give_consent(keep: Keep, subject: str, asked: ConsentRequest) -> Consents:
    label = keep.label_of(subject)
    keep.give_consent(label, asked.purpose, asked.notice)
    return Consents([_consent(consent) for consent in keep.consents(label)])


@router.delete("/{subject}/consents/{purpose}", responses=documented(*ALWAYS, "not-found", "invalid-request"))
async def withdraw_consent(
    subject: str, purpose: Purpose, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.WITHDRAW_CONSENT))]
) -> list[ConsentAnswer]:
    """Withdraw a consent: the next comparison leaves the person out. Gives all consents."""
    label = await run_sync(keep.label_of, subject)
    await run_sync(partial(keep.withdraw_consent, label, purpose))
    return [_consent(consent) for consent in await run_sync(keep.consents, label)]

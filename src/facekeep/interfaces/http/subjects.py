"""Data subjects: enrol, list, find, show, erase."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import islice
from typing import Annotated, Self

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, model_validator

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import Part
from facekeep.interfaces.http.bodies import Body, Gallery, Picture, documented_body, read
from facekeep.interfaces.http.circumstances import CircumstancesFields
from facekeep.interfaces.http.consents import ConsentAnswer, consent_answer
from facekeep.interfaces.http.notices import NoticeHash, NoticeText, check_one_notice, notice_of
from facekeep.interfaces.http.once import KEYED, Nothing, once
from facekeep.interfaces.http.paging import After, Limit, Next
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.answers import SubjectDetails
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects")

_Purposes = Annotated[list[Purpose], Field(min_length=1, max_length=len(Purpose))]


class EnrolmentRequest(CircumstancesFields):
    """A person with consent, and pictures of nobody else."""

    label: str = Field(min_length=1, max_length=128, description="What operators call the person by, unique.")
    name: str = Field("", max_length=512, description="Sealed in the registry.")
    gallery: Gallery = "main"
    purposes: _Purposes = Field(description="What the person consented to; who is known has to already.")
    notice: NoticeText = ""
    notice_hash: NoticeHash = ""
    pictures: list[Picture] = Field(min_length=1, max_length=16, description="One reference each.")

    @model_validator(mode="after")
    def _one_notice(self) -> Self:
        check_one_notice(self.notice, self.notice_hash)
        return self


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
    next: Next


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
    receipt: str = Field(description="A bundle of the ledger that proves it, docs/spec/ledger.md. It names nobody.")


@router.post(
    "",
    status_code=201,
    response_model=EnrolmentAnswer,
    responses=documented(
        *WITH_BODY, "request-under-way", "consent-missing", "picture-unreadable", "picture-marked", "picture-not-fit"
    ),
    openapi_extra=documented_body(EnrolmentRequest, **KEYED),
)
async def enrol(request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ENROL))]) -> Response:
    """Enrol a person, or give a known person further references. Of a known person no consent is recorded."""
    asked = await read(request, EnrolmentRequest)
    keep.check_canaries()  # before a key is taken for it: sent again later, it shall be done
    do = partial(_enrol, keep, asked, who)
    return await once(request, keep, who, asked, do, about=lambda enrolled: enrolled.id)


def _enrol(keep: Keep, asked: EnrolmentRequest, operator: Principal) -> EnrolmentAnswer:
    done = keep.enrol(
        asked.label,
        asked.pictures,
        purposes=asked.purposes,
        notice=notice_of(asked.notice, asked.notice_hash),
        operator=operator,
        name=asked.name,
        gallery=asked.gallery,
        circumstances=asked.circumstances,
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
    who: Annotated[Principal, Depends(may(Action.LIST_SUBJECTS))],
    after: After = None,
    limit: Limit = 50,
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
    await run_sync(lambda: keep.tell_listed(len(page), by=who))
    return tagged(request, SubjectPage(subjects=page, next=page[-1].id if len(found) > limit else None))


@router.get(
    "/{subject}", response_model=SubjectDetailsAnswer, responses={**documented(*ALWAYS, "not-found"), **NOT_MODIFIED}
)
async def show(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.READ_SUBJECT))]
) -> Response:
    """All that the registry holds of a data subject."""
    return tagged(request, _details(await run_sync(lambda: _shown(keep, keep.label_of(subject), who))))


@router.post("/lookups", responses=documented(*WITH_BODY, "not-found"), openapi_extra=documented_body(LookupRequest))
async def find(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.FIND_SUBJECT))]
) -> SubjectDetailsAnswer:
    """All that the registry holds of a data subject, by label."""
    asked = await read(request, LookupRequest)
    return _details(await run_sync(_shown, keep, asked.label, who))


def _shown(keep: Keep, label: str, who: Principal) -> SubjectDetails:
    keep.tell_viewed(label, Part.RECORD, by=who)
    return keep.subject(label)


def _details(found: SubjectDetails) -> SubjectDetailsAnswer:
    return SubjectDetailsAnswer(
        id=found.id,
        label=found.label,
        name=found.name,
        references=found.references,
        purposes=list(found.purposes),
        enrolled=found.enrolled,
        galleries=list(found.galleries),
        consents=[consent_answer(consent) for consent in found.consents],
        never_returned=found.never_returned,
        locked=found.locked,
    )


@router.delete(
    "/{subject}",
    response_model=ErasureAnswer,
    responses=documented(*KEYED_ON),
    openapi_extra=KEYED,
)
async def erase(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ERASE_SUBJECT))]
) -> Response:
    """Erase a person from all three stores."""
    do = partial(_erase, keep, subject)  # whose answer is about nobody any more
    return await once(request, keep, who, Nothing(), do, status=200, about=lambda _: None)


def _erase(keep: Keep, subject: str) -> ErasureAnswer:
    done = keep.erase(keep.label_of(subject))
    return ErasureAnswer(
        references=done.references, backups_readable_until=done.backups_readable_until, receipt=done.receipt
    )

"""References of a data subject: add, list, remove one."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.ledger import Part
from facekeep.interfaces.http.bodies import Body, Gallery, Picture, documented_body, read
from facekeep.interfaces.http.once import KEYED, Nothing, once
from facekeep.interfaces.http.paging import After, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.answers import ReferenceDetails
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1/subjects/{subject}/references")


class ReferencesRequest(Body):
    """Pictures of a known person, and of nobody else."""

    pictures: list[Picture] = Field(min_length=1, max_length=16, description="One reference each.")
    gallery: Gallery = "main"


class ReferencesAnswer(BaseModel):
    """What was added, and is on disk in three stores."""

    references: int
    gallery: str
    never_returned: bool


class ReferenceAnswer(BaseModel):
    """A reference."""

    id: str
    gallery: str
    enrolled: datetime
    locked: bool = Field(description="Whether it saw too many rejected comparisons.")


class ReferencePage(BaseModel):
    """A page of references, in a random order that stays the same."""

    references: list[ReferenceAnswer]
    next: Next


class RemovalAnswer(BaseModel):
    """What is left of the person's references."""

    references: int


@router.post(
    "",
    status_code=201,
    response_model=ReferencesAnswer,
    responses=documented(
        *WITH_BODY,
        "not-found",
        "request-under-way",
        "consent-missing",
        "picture-unreadable",
        "picture-marked",
        "picture-not-fit",
    ),
    openapi_extra=documented_body(ReferencesRequest, **KEYED),
)
async def add(
    subject: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.ADD_REFERENCES))]
) -> Response:
    """Give a known person further references, under what the person consents to already."""
    asked = await read(request, ReferencesRequest)
    keep.check_canaries()  # before a key is taken for it: sent again later, it shall be done
    return await once(request, keep, who, asked, partial(_add, keep, subject, asked, who))


def _add(keep: Keep, subject: str, asked: ReferencesRequest, operator: Principal) -> ReferencesAnswer:
    done = keep.add_references(keep.label_of(subject), asked.pictures, operator=operator, gallery=asked.gallery)
    return ReferencesAnswer(references=done.references, gallery=done.gallery, never_returned=done.never_returned)


@router.get(
    "", response_model=ReferencePage, responses={**documented(*ALWAYS, "not-found", "invalid-request"), **NOT_MODIFIED}
)
async def list_references(
    subject: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.LIST_REFERENCES))],
    *,
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A page of the references of a person."""

    def references() -> tuple[ReferenceDetails, ...]:
        label = keep.label_of(subject)
        keep.tell_viewed(label, Part.REFERENCES, by=who)
        return keep.references(label)

    every = await run_sync(references)
    found, following = page(every, lambda reference: reference.id, after, limit)
    answers = [ReferenceAnswer(id=r.id, gallery=r.gallery, enrolled=r.enrolled, locked=r.locked) for r in found]
    return tagged(request, ReferencePage(references=answers, next=following))


@router.delete(
    "/{reference}",
    response_model=RemovalAnswer,
    responses=documented(*KEYED_ON),
    openapi_extra=KEYED,
)
async def remove(
    subject: str,
    reference: str,
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.REMOVE_REFERENCE))],
) -> Response:
    """Remove one reference from all three stores; the person stays."""
    return await once(request, keep, who, Nothing(), partial(_remove, keep, subject, reference), status=200)


def _remove(keep: Keep, subject: str, reference: str) -> RemovalAnswer:
    label = keep.label_of(subject)
    keep.remove_reference(label, reference)
    return RemovalAnswer(references=len(keep.references(label)))

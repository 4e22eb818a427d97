"""Verifications, comparisons and identifications."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Self

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field, model_validator

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.capture import Assurance
from facekeep.domain.consent import Purpose
from facekeep.errors import ImageError, NotFoundError
from facekeep.interfaces.http.bodies import Body, Picture, documented_body, read
from facekeep.interfaces.http.problems import WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, check, may
from facekeep.service.answers import Identification, Verification
from facekeep.service.comparison import Search
from facekeep.service.keep import Keep

__all__ = [
    "COMPARING",
    "IdentificationAnswer",
    "IdentificationRequest",
    "VerificationAnswer",
    "VerificationRequest",
    "identification_answer",
    "label_of",
    "router",
    "search_of",
    "verification_answer",
]

router = APIRouter(prefix="/v1")

COMPARING = (*WITH_BODY, "purpose-off", "refused", "picture-unreadable", "picture-marked", "budget-used-up")
"""Problems of an operation that compares."""


class VerificationRequest(Body):
    """A claim and a picture. The claim is an identifier or a label."""

    subject: str = Field("", description="Identifier of the person that the picture claims to show.", max_length=64)
    label: str = Field("", description="Label of that person, in place of the identifier.", max_length=128)
    picture: Picture = Field(description="The probe.")
    fmr: float = Field(1e-4, gt=0, le=1e-4, description="False match rate of the whole answer.")
    purpose: Purpose = Field(Purpose.VERIFY, description="verify or payment.")

    @model_validator(mode="after")
    def _one_claim(self) -> Self:
        if bool(self.subject) == bool(self.label):
            raise ValueError("Give either subject or label.")
        return self


class VerificationAnswer(BaseModel):
    """Whether the claim holds. An unknown person, a missing consent, a lock and another face look alike."""

    verified: bool
    one_in: int | None = Field(description="At most one in this many strangers would pass as far.")
    extrapolated: bool = Field(description="Whether that rate lies below what the calibration data can measure.")
    acquired: bool = Field(description="Whether a face of sufficient quality was found.")
    reasons: list[str] = Field(description="Why not, for the person in front of the camera.")


class ComparisonRequest(Body):
    """Two pictures; nothing of either is kept."""

    picture: Picture = Field(description="One.")
    other_picture: Picture = Field(description="The other.")
    fmr: float = Field(1e-4, gt=0, le=1e-4, description="False match rate.")


class IdentificationRequest(Body):
    """A picture to search for."""

    picture: Picture = Field(description="The probe.")
    case: str = Field("", max_length=128, description="Title of an open case; attendance and own-photos need none.")
    fpir: float = Field(0.01, gt=0, lt=1, description="How often the search of a stranger may give anybody.")
    gallery: str = Field("", max_length=64, description="The only group to search; empty for all.")
    candidates: int = Field(5, ge=1, le=10, description="How many people at most.")
    purpose: Purpose = Field(Purpose.IDENTIFY, description="A purpose of 1:N search.")


class CandidateAnswer(BaseModel):
    """A lead for two people to check, never a finding."""

    label: str
    name: str
    one_in: int
    extrapolated: bool


class IdentificationAnswer(BaseModel):
    """Candidates, best band first; none means unknown."""

    candidates: list[CandidateAnswer]
    fmr: float = Field(description="False match rate of each comparison.")
    searched: int = Field(description="References in the keep, an upper bound of those searched.")
    acquired: bool
    reasons: list[str]


@router.post("/verifications", responses=documented(*COMPARING), openapi_extra=documented_body(VerificationRequest))
async def verify(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.VERIFY))]
) -> VerificationAnswer:
    """Say whether a picture shows the person it claims to show. Its assurance is ``photo``."""
    asked = await read(request, VerificationRequest)
    check(request, who, Action.VERIFY, purpose=asked.purpose, assurance=Assurance.PHOTO)
    return await run_sync(_verify, keep, asked, who)


def _verify(keep: Keep, asked: VerificationRequest, operator: Principal) -> VerificationAnswer:
    label = label_of(keep, asked)
    found = keep.verify(label, asked.picture, operator=operator, fmr=asked.fmr, purpose=asked.purpose)
    return verification_answer(found)


def label_of(keep: Keep, asked: VerificationRequest) -> str:
    """The label of a claim; nobody's is "": the comparison runs all the same, so that the answer tells nothing."""
    try:
        return asked.label or keep.label_of(asked.subject)
    except NotFoundError:
        return ""


def verification_answer(found: Verification) -> VerificationAnswer:
    """The answer as it is sent."""
    return VerificationAnswer(
        verified=found.verified,
        one_in=found.one_in,
        extrapolated=found.extrapolated,
        acquired=found.acquired,
        reasons=list(found.reasons),
    )


@router.post("/comparisons", responses=documented(*COMPARING), openapi_extra=documented_body(ComparisonRequest))
async def compare(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.COMPARE))]
) -> VerificationAnswer:
    """Say whether two pictures are of one person; nobody has to be enrolled, and nothing is kept."""
    asked = await read(request, ComparisonRequest)
    compared = partial(keep.compare, asked.picture, asked.other_picture, operator=who, fmr=asked.fmr)
    return verification_answer(await run_sync(compared))


@router.post(
    "/identifications",
    responses=documented(*COMPARING, "not-found"),
    openapi_extra=documented_body(IdentificationRequest),
)
async def identify(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.IDENTIFY))]
) -> IdentificationAnswer:
    """Search for the person in a picture, under a case where the purpose needs one."""
    asked = await read(request, IdentificationRequest)
    (found,) = await run_sync(keep.identify_many, [asked.picture], search_of(asked, who))
    if isinstance(found, ImageError):
        raise found
    return identification_answer(found)


def search_of(asked: IdentificationRequest, who: Principal) -> Search:
    """What is asked for, in the name of who asks."""
    return Search(who, asked.case, asked.fpir, asked.gallery, asked.candidates, asked.purpose)


def identification_answer(found: Identification) -> IdentificationAnswer:
    """The answer as it is sent."""
    return IdentificationAnswer(
        candidates=[
            CandidateAnswer(label=c.label, name=c.name, one_in=c.one_in, extrapolated=c.extrapolated)
            for c in found.candidates
        ],
        fmr=found.fmr,
        searched=found.searched,
        acquired=found.acquired,
        reasons=list(found.reasons),
    )

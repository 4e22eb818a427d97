"""Reviews as an integrator files them: by pictures, which are masked in memory; completed, and taken back."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated, Self

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, model_validator
from python_multipart.multipart import parse_options_header

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.review import DEADLINE_MAX, PROBES_MAX, Decision, ReviewKind, ReviewReason
from facekeep.interfaces.http.bodies import Body, Picture, documented_body, read, read_raw
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, Problem, documented
from facekeep.interfaces.http.review_answers import ReviewDetailsAnswer, filed_answer
from facekeep.interfaces.http.security import FilingOf, KeepOf, may
from facekeep.service.review_filing import KNOWN_REASONS, ReviewFiling

__all__ = ["MEDIA_TYPES", "router"]

router = APIRouter(prefix="/v1/reviews")

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/heic", "image/tiff")
"""What a picture that is a whole body may be called; it is looked at all the same."""
_PICTURE_BYTES_MAX = 32 << 20
_FILING = (*WITH_BODY, "review-conflict", "request-under-way", "picture-unreadable", "picture-not-fit")

_Probes = Annotated[list[Picture], Field(min_length=1, max_length=PROBES_MAX, description="Of one face each.")]
_Reference = Annotated[Picture, Field(description="Of one face, to compare with; empty for none.")]


class ReviewRequest(Body):
    """What people shall decide. Each picture is masked at once: reviewers see a face, and nothing around it."""

    kind: ReviewKind = Field(description="Whether it is a live person, or whether it is the same one.")
    subject: str = Field(
        "", max_length=32, description="Identifier of whom it is about, who is told; empty if unknown."
    )
    days: int = Field(3, ge=1, le=DEADLINE_MAX.days, description="For how long the evidence lasts at most.")
    probe: _Probes
    reference: _Reference = b""


class KnownRequest(Body):
    """A question whose answer is known. Reviewers cannot tell; how they answer is in the statistics alone."""

    kind: ReviewKind
    answer: Decision = Field(description="The right one, which answers what is asked.")
    reasons: list[ReviewReason] = Field(
        [ReviewReason.ASKED],
        min_length=1,
        max_length=len(KNOWN_REASONS),
        description=f"Why people have to look, as the queue has it: of {', '.join(KNOWN_REASONS)}.",
    )
    probe: _Probes
    reference: _Reference = b""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.answer.fits(self.kind):
            raise ValueError("This does not answer what is asked.")
        if not set(self.reasons) <= set(KNOWN_REASONS):
            raise ValueError(f"Reasons are of {', '.join(KNOWN_REASONS)}.")
        return self


class KnownAnswer(BaseModel):
    """What was filed."""

    id: str


@router.post(
    "",
    status_code=201,
    response_model=ReviewDetailsAnswer,
    responses=documented(*_FILING, "not-found"),
    openapi_extra=documented_body(ReviewRequest, **KEYED),
)
async def file_review(
    request: Request, keep: KeepOf, filing: FilingOf, who: Annotated[Principal, Depends(may(Action.CREATE_REVIEW))]
) -> Response:
    """Have two people of the own organisation decide about pictures."""
    asked = await read(request, ReviewRequest)
    about = asked.subject or None
    return await once(request, keep, who, asked, partial(_file, filing, asked, who), about=lambda _: about)


def _file(filing: ReviewFiling, asked: ReviewRequest, who: Principal) -> ReviewDetailsAnswer:
    length = timedelta(days=asked.days)
    return filed_answer(
        filing.file(asked.kind, asked.probe, asked.reference, owner=who, subject=asked.subject, length=length)
    )


@router.post(
    "/known",
    status_code=201,
    response_model=KnownAnswer,
    responses=documented(*_FILING),
    openapi_extra=documented_body(KnownRequest, **KEYED),
)
async def file_known(
    request: Request,
    keep: KeepOf,
    filing: FilingOf,
    who: Annotated[Principal, Depends(may(Action.CREATE_KNOWN_REVIEW))],
) -> Response:
    """Have people decide what is known, to learn how well they do."""
    asked = await read(request, KnownRequest)
    return await once(request, keep, who, asked, partial(_file_known, filing, asked, who))


def _file_known(filing: ReviewFiling, asked: KnownRequest, who: Principal) -> KnownAnswer:
    filed = filing.file(asked.kind, asked.probe, asked.reference, owner=who, known=asked.answer, reasons=asked.reasons)
    return KnownAnswer(id=filed.id.hex())


@router.put(
    "/{review}/reference",
    status_code=204,
    response_class=Response,
    responses=documented(*WITH_BODY, "not-found", "review-conflict", "gone", "picture-unreadable", "picture-not-fit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA_TYPES},
        }
    },
)
async def add_reference(
    review: str,
    request: Request,
    filing: FilingOf,
    who: Annotated[Principal, Depends(may(Action.ADD_REVIEW_REFERENCE))],
) -> Response:
    """Add a picture to compare with, for whoever filed the review or ordered its capture, before anybody voted."""
    kind = parse_options_header(request.headers.get("content-type", ""))[0].decode("latin-1")
    if kind not in MEDIA_TYPES:
        raise Problem("media-type", "The body is no picture.", f"Send one of {', '.join(MEDIA_TYPES)}.")
    picture = bytes(await read_raw(request, kind, _PICTURE_BYTES_MAX))
    await run_sync(lambda: filing.add_reference(review, picture, owner=who))
    return Response(status_code=204)


@router.delete(
    "/{review}",
    status_code=204,
    response_class=Response,
    responses=documented(*ALWAYS, "not-found", "review-conflict"),
)
async def withdraw_review(
    review: str, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.WITHDRAW_REVIEW))]
) -> Response:
    """Take back what one filed: its evidence is destroyed."""
    await run_sync(lambda: keep.withdraw_review(review, owner=who))
    return Response(status_code=204)

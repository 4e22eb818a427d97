"""Capture sessions as an integrator has them: ordered, read with their result, cancelled; and the key that signs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.capture import PAYEE_MAX, Assurance, Intent, Statement
from facekeep.domain.capture_order import NOTICES_MAX, RETURN_URL_MAX, CaptureOrder, Newcomer
from facekeep.domain.capture_session import EXPIRES_DEFAULT, EXPIRES_MAX, EXPIRES_MIN, CaptureOutcome, CaptureState
from facekeep.domain.consent import Purpose
from facekeep.domain.pad import PadDecision, PadReason, Verdict, Voice
from facekeep.domain.review import Decision
from facekeep.interfaces.http.bodies import Body, Gallery, documented_body, read
from facekeep.interfaces.http.circumstances import MinorFields
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, Problem, documented
from facekeep.interfaces.http.security import CapturesOf, KeepOf, SiteOf, check, may
from facekeep.interfaces.http.site import Site
from facekeep.service.capture_results import public_jwk
from facekeep.service.capture_views import CaptureDetails

__all__ = ["PadAnswer", "StatementFields", "router"]

router = APIRouter(prefix="/v1")

_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class StatementFields(Body):
    """What a person confirms."""

    amount: str = Field(max_length=20, description="Decimal, without sign or grouping: 12.50.")
    currency: str = Field(pattern="^[A-Z]{3}$", description="Code of ISO 4217.")
    payee: str = Field(min_length=1, max_length=PAYEE_MAX, description="Who gets it, visible characters in NFC.")


class NewcomerFields(MinorFields):
    """Somebody who is enrolled by the capture, which is the evidence of the consent."""

    label: str = Field(min_length=1, max_length=128, description="A label that nobody has yet.")
    name: str = Field("", max_length=512)
    purposes: list[Purpose] = Field(min_length=1, max_length=len(Purpose), description="What is consented to.")

    @property
    def ordered(self) -> Newcomer:
        """As the service takes it."""
        return Newcomer(self.label, self.name, tuple(self.purposes), self.named_guardian, self.age)


class CaptureRequest(Body):
    """What a person shall do before a camera. A verification and further references are about subject or label."""

    intent: Intent = Field(Intent.VERIFY, description="What the capture is for.")
    purpose: Purpose = Field(Purpose.VERIFY, description="verify or payment; not asked of somebody new.")
    subject: str = Field("", max_length=64, description="Identifier of the person it is about.")
    label: str = Field("", max_length=128, description="Label of that person, in place of the identifier.")
    newcomer: NewcomerFields | None = Field(None, description="Who is enrolled, in place of both, with intent enrol.")
    gallery: Gallery = Field("main")
    notices: list[_Digest] = Field(
        min_length=1, max_length=NOTICES_MAX, description="Hashes of notices, one for each language."
    )
    statement: StatementFields | None = Field(None, description="What is confirmed by a verification.")
    assurance: Literal["live", "live+passkey"] = Field("live", description="How sure it shall be.")
    alternatives: bool = Field(
        True, description="Whether a passkey may be taken in place of the face; not with live+passkey."
    )
    light: bool = Field(False, description="Whether the screen shows colours that the skin has to answer.")
    fmr: float = Field(1e-4, gt=0, le=1e-4, description="False match rate of a verification.")
    doubt_fmr: float | None = Field(
        None,
        gt=0,
        le=1e-4,
        description="Laxer rate at which a claim that fails is in doubt; null for ten times fmr, at most 1e-4.",
    )
    expires_in: int = Field(
        int(EXPIRES_DEFAULT.total_seconds()),
        ge=int(EXPIRES_MIN.total_seconds()),
        le=int(EXPIRES_MAX.total_seconds()),
        description="Seconds.",
    )
    return_url: str = Field("", max_length=RETURN_URL_MAX, description="Where the page leads when it is done; https.")

    known: Literal["bona-fide", "attack"] | None = Field(
        None, description="What people should say, to measure them by it: then it passes nobody. Not of an enrolment."
    )

    def order(self) -> CaptureOrder:
        """As the service takes it.

        Raises:
            UsageError: some of it does not fit the rest.
            FormatError: the statement is none.
        """
        given, newcomer = self.statement, self.newcomer
        return CaptureOrder(
            intent=self.intent,
            purpose=self.purpose if newcomer is None else newcomer.purposes[0],
            notices=tuple(self.notices),
            subject=self.subject,
            label=self.label,
            newcomer=None if newcomer is None else newcomer.ordered,
            gallery=self.gallery,
            statement=None if given is None else Statement(given.amount, given.currency, given.payee),
            assurance=Assurance(self.assurance),
            alternatives=self.alternatives,
            light=self.light,
            fmr=self.fmr,
            doubt_fmr=self.doubt_fmr or 0.0,
            expires_in=timedelta(seconds=self.expires_in),
            return_url=self.return_url,
            known=None if self.known is None else Decision(self.known),
        )


class NewCaptureAnswer(BaseModel):
    """A capture with its link, which is not shown again."""

    id: str
    link: str = Field(description="For the person's browser. Whoever opens it first has it, and nobody else.")
    nonce: str = Field(description="32 hexadecimal digits, which the result repeats.")
    expires: datetime
    tries: int


class FindingAnswer(BaseModel):
    """What one check found."""

    voice: Voice
    verdict: Verdict
    reasons: list[PadReason]
    figures: dict[str, float] = Field(description="What it measured, by names of docs/reference/pad.md.")


class PadAnswer(BaseModel):
    """What presentation attack detection found in the last try."""

    decision: PadDecision
    reasons: list[PadReason]
    findings: list[FindingAnswer]


class CaptureAnswer(BaseModel):
    """A capture as it is now."""

    id: str
    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: list[str] = Field(description="Why, of the last try while it goes on.")
    tries_left: int
    expires: datetime = Field(description="Of what went to people, when their review ends at the latest.")
    pad: PadAnswer | None
    result: str | None = Field(
        description="Once it is done: a JWS by the key of /v1/keys. Of people it is told for a day."
    )
    review: str | None = Field(description="Identifier of the review, of what went to people.")


class KeyAnswer(BaseModel):
    """A JSON Web Key (RFC 8037)."""

    kty: str
    crv: str
    x: str
    kid: str
    use: str
    alg: str


class KeySetAnswer(BaseModel):
    """A set of JSON Web Keys (RFC 7517)."""

    keys: list[KeyAnswer]


def _at(site: Site) -> Site:
    if not site.origin:
        raise Problem(
            "not-found", "No browser reaches this service.", "Start it with facekeep serve --origin https://…."
        )
    return site


@router.post(
    "/capture-sessions",
    status_code=201,
    responses=documented(*WITH_BODY, "purpose-off", "consent-missing", "not-found"),
    openapi_extra=documented_body(CaptureRequest),
)
async def create_capture(
    request: Request,
    captures: CapturesOf,
    site: SiteOf,
    who: Annotated[Principal, Depends(may(Action.CREATE_CAPTURE))],
) -> NewCaptureAnswer:
    """Have a person's browser capture a face. The link is shown this once."""
    asked = await read(request, CaptureRequest)
    origin, order = _at(site).origin, asked.order()
    for purpose in order.purposes:
        check(request, who, Action.CREATE_CAPTURE, purpose=purpose, assurance=order.assurance)
    if order.known is not None:
        check(request, who, Action.CREATE_KNOWN_REVIEW)
    if order.intent is Intent.ENROL:
        check(request, who, Action.ENROL)
        if order.newcomer is None:
            # As POST /v1/subjects/{subject}/references: policies name people by their identifiers, and not by labels.
            subject = await run_sync(captures.claimed, order)
            check(request, who, Action.ADD_REFERENCES, subject)
            order = replace(order, subject=subject, label="")
    made = await run_sync(captures.order, order, who)
    return NewCaptureAnswer(
        id=made.id, link=f"{origin}/capture#{made.secret}", nonce=made.nonce, expires=made.expires, tries=made.tries
    )


@router.get("/capture-sessions/{capture}", responses=documented(*ALWAYS, "not-found"))
async def read_capture(
    capture: str, captures: CapturesOf, site: SiteOf, who: Annotated[Principal, Depends(may(Action.READ_CAPTURE))]
) -> CaptureAnswer:
    """How a capture of one's own stands, and its signed result once it is done; what people looked at for 90 days."""
    return _told(await run_sync(captures.read, capture, who, site.origin))


@router.delete(
    "/capture-sessions/{capture}",
    status_code=204,
    response_class=Response,
    responses=documented(*ALWAYS, "not-found", "capture-refused"),
)
async def cancel_capture(
    capture: str, captures: CapturesOf, who: Annotated[Principal, Depends(may(Action.CANCEL_CAPTURE))]
) -> Response:
    """Forget a capture of one's own, and what it came to; people need not look at it any more."""
    await run_sync(captures.cancel, capture, who)
    return Response(status_code=204)


@router.get("/keys", responses=documented("too-many-requests"))
async def keys(keep: KeepOf) -> KeySetAnswer:
    """The keys that sign results, as a JWK set."""
    return KeySetAnswer.model_validate({"keys": [public_jwk(keep.results_key.public_key())]})


def _told(found: CaptureDetails) -> CaptureAnswer:
    return CaptureAnswer(
        id=found.id,
        state=found.state,
        outcome=found.outcome,
        reasons=list(found.reasons),
        tries_left=found.tries_left,
        expires=found.expires,
        pad=None if found.pad is None else PadAnswer.model_validate(found.pad.plain()),
        result=found.result,
        review=found.review,
    )

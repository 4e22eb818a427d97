"""What the page of a capture asks (docs/spec/capture.md): with the cookie of the opened link, from the site alone.

Each request names the capture that the page shows. Nothing of a frame is written anywhere: a body is read into memory,
judged, and dropped.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Literal, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.security import APIKeyCookie
from pydantic import BaseModel, ConfigDict, Field

from facekeep.domain.capture import FRAMES_MAX, Assurance, Colour, Intent, Step, StepKind
from facekeep.domain.capture_container import BODY_BYTES_MAX
from facekeep.domain.capture_session import EXPIRES_MAX, CaptureOutcome, CaptureState
from facekeep.domain.consent import Notice, Purpose
from facekeep.errors import FormatError
from facekeep.interfaces.http.bodies import Body, documented_body, read, read_raw
from facekeep.interfaces.http.capture_sessions import StatementFields
from facekeep.interfaces.http.problems import Problem, documented
from facekeep.interfaces.http.rates import admitted
from facekeep.interfaces.http.security import CapturesOf
from facekeep.interfaces.http.sign_in import CeremonyAnswer, FromSite, SignInRequest
from facekeep.service.capture_views import CaptureView
from facekeep.service.review_sealing import check_public

__all__ = ["MEDIA_TYPE", "NAMING", "PERSON_KEY", "judging_room", "router"]

router = APIRouter(prefix="/v1/capture")

MEDIA_TYPE: Final = "application/vnd.facekeep.capture"
PERSON_KEY: Final = "Facekeep-Person-Key"
"""The header by which a page gives its public key, so that the person sees what people see if they have to look."""
NAMING: Final = "Facekeep-Capture"
"""The header by which a page says which capture it shows. A browser has one cookie for all its captures, so a link that
is opened in another window changes whose it is; the header keeps a page from going on with what it does not show."""

_T = TypeVar("_T")
_JUDGING: Final = 4
"""Bodies that are on a thread at once; others wait without one, so that everybody else is served."""
_CEREMONY_BYTES: Final = 64 << 10
_COOKIE = APIKeyCookie(
    name="facekeep-capture",
    auto_error=False,
    scheme_name="capture",
    description="The capture that a browser opened; named __Host-facekeep-capture over HTTPS.",
)
_OPENING = ("unauthenticated", "other-site", "not-found", "too-many-requests", "unavailable", "busy")
_OPENING_BODY = (*_OPENING, "body-too-large", "media-type", "invalid-request")
_EMPTY = (*_OPENING, "another-capture")
_BODY = (*_OPENING_BODY, "another-capture")


def judging_room() -> CapacityLimiter:
    """Room for bodies that are judged, for one event loop."""
    return CapacityLimiter(_JUDGING)


async def _shown(
    request: Request,
    site: FromSite,
    captures: CapturesOf,
    _: Annotated[str | None, Depends(_COOKIE)],
    named: Annotated[
        str,
        Header(alias=NAMING, description="Identifier of the capture that the page shows. Only GET does without."),
    ] = "",
) -> str:
    """A dependency: the secret of the capture that a browser has, which counts its requests by itself.

    Raises:
        Problem: the page shows another capture than the browser has, or does not say which.
    """
    request.state.refusal = "unknown-capture"
    secret = site.capture_of(request)
    name = captures.name_of(secret)
    request.state.client = name
    admitted(request, name)
    request.state.refusal = "another-capture"
    # A page that was loaded anew does not know what it will show, and asks. All else is about what it shows.
    if named != name and (named or request.method != "GET"):
        raise Problem(
            "another-capture",
            "The request does not name the capture that this browser opened last.",
            f"Send its id in {NAMING}. A page that shows another capture cannot go on with that one.",
        )
    request.state.refusal = ""
    return secret


Capture = Annotated[str, Depends(_shown)]


class OpeningRequest(Body):
    """The link that a person was given."""

    link: str = Field(max_length=128, description="What is behind the # of the link.")


class TryRequest(Body):
    """The notice that the person agreed to."""

    notice: str = Field(pattern="^[0-9a-f]{64}$", description="Its digest, one of those that were shown.")


class StepRequest(Body):
    """What there is when a step ends."""

    model_config = ConfigDict(populate_by_name=True)

    number: int = Field(alias="try", ge=1, le=255, description="Which try.")
    frames: int = Field(ge=0, le=FRAMES_MAX, description="Frames taken so far in the try.")
    head: str = Field(pattern="^[0-9a-f]{64}$", description="Head of the chain over them.")


class NoticeFields(BaseModel):
    """A notice, whole."""

    digest: str
    language: str
    text: str
    retention: str = Field(description="For how long the data are kept; empty if the text says it.")
    recipients: str = Field(description="Who else gets any of them; empty if the text says it.")
    alternative: str = Field(description="What whoever says no can do instead; empty if the text says it.")


class CaptureViewAnswer(BaseModel):
    """A capture as its page sees it."""

    id: str = Field(description=f"What later requests name in {NAMING}.")
    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: list[str]
    tries_left: int
    intent: Intent
    purpose: Purpose
    assurance: Assurance
    asked_by: str = Field(description="The name of who asks.")
    statement: StatementFields | None
    notices: list[NoticeFields]
    camera: bool = Field(description="Whether the camera may be started.")
    alternative: Literal["passkey"] | None = Field(description="What may be taken in place of the face.")
    expires: datetime
    review_until: datetime | None = Field(description="By when people have looked at it, of what went to them.")
    return_url: str | None
    decided_by: Literal["passkey"] | None = Field(description="What is missing when the face is done.")


class StepFields(BaseModel):
    """What to do now."""

    index: int
    kind: StepKind
    seconds: float
    colours: list[Colour]


class TryAnswer(BaseModel):
    """A try that was begun."""

    number: int = Field(serialization_alias="try")
    nonce: str = Field(description="32 hexadecimal digits, which begin the chain.")
    step: StepFields


class StepAnswer(BaseModel):
    """What to do next; null when all was asked."""

    step: StepFields | None


@router.post("", status_code=201, responses=documented(*_OPENING_BODY), openapi_extra=documented_body(OpeningRequest))
async def open_capture(request: Request, response: Response, site: FromSite, captures: CapturesOf) -> CaptureViewAnswer:
    """Open a link, which works no more; the capture is this browser's from then on."""
    asked = await read(request, OpeningRequest)
    request.state.refusal = "unknown-capture"
    cookie, view = await run_sync(captures.open, asked.link)
    request.state.client = captures.name_of(cookie)
    site.give_capture(response, cookie, int(EXPIRES_MAX.total_seconds()))
    return _told(view)


@router.get("", responses=documented(*_EMPTY))
async def show_capture(captures: CapturesOf, capture: Capture) -> CaptureViewAnswer:
    """How the capture stands."""
    return _told(await run_sync(captures.view, capture))


@router.delete("", status_code=204, response_class=Response, responses=documented(*_EMPTY, "capture-refused"))
async def decline(captures: CapturesOf, capture: Capture) -> Response:
    """Say no. Nothing that was captured is kept."""
    await run_sync(captures.decline, capture)
    return Response(status_code=204)


@router.post(
    "/tries",
    status_code=201,
    responses=documented(*_BODY, "capture-refused", "consent-missing", "purpose-off"),
    openapi_extra=documented_body(TryRequest),
)
async def begin_try(request: Request, captures: CapturesOf, capture: Capture) -> TryAnswer:
    """Agree to a notice, and begin a try."""
    asked = await read(request, TryRequest)
    begun = await run_sync(captures.begin_try, capture, asked.notice)
    return TryAnswer(number=begun.number, nonce=begun.nonce, step=_step(0, begun.step))


@router.post("/steps", responses=documented(*_BODY, "capture-refused"), openapi_extra=documented_body(StepRequest))
async def next_step(request: Request, captures: CapturesOf, capture: Capture) -> StepAnswer:
    """Tell what was taken during a step, and get the next one."""
    asked = await read(request, StepRequest)
    index, step = await run_sync(captures.next_step, capture, asked.number, asked.frames, bytes.fromhex(asked.head))
    return StepAnswer(step=None if step is None else _step(index, step))


@router.put(
    "/frames",
    responses=documented(*_BODY, "capture-refused", "frame-too-wide", "picture-unreadable", "refused"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def send_frames(
    request: Request,
    captures: CapturesOf,
    capture: Capture,
    key: Annotated[
        str,
        Header(
            alias=PERSON_KEY,
            max_length=64,
            description="Public key of the browser, X25519, 32 bytes in base64url: what people see is sealed to it.",
        ),
    ] = "",
) -> CaptureViewAnswer:
    """Send the frames of a try. They are judged and dropped; masked faces are sealed to people who have to look."""
    person = _person(key)
    body = await read_raw(request, MEDIA_TYPE, BODY_BYTES_MAX)
    return _told(await _judged(request, partial(captures.take_frames, capture, body, person)))


@router.post("/passkey/options", status_code=201, responses=documented(*_EMPTY, "capture-refused"))
async def passkey_options(site: FromSite, captures: CapturesOf, capture: Capture) -> CeremonyAnswer:
    """Begin with a passkey: in place of the face, or after it where both are wanted."""
    name, options = await run_sync(captures.passkey_options, capture, site.origin)
    return CeremonyAnswer(ceremony=name, options=options)


@router.post("/passkey", responses=documented(*_BODY, "capture-refused"), openapi_extra=documented_body(SignInRequest))
async def take_passkey(request: Request, site: FromSite, captures: CapturesOf, capture: Capture) -> CaptureViewAnswer:
    """Give a passkey's answer."""
    asked = await read(request, SignInRequest, most=_CEREMONY_BYTES)
    request.state.refusal = "not-proved"
    return _told(await run_sync(captures.take_passkey, capture, asked.ceremony, asked.credential, site.origin))


def _person(key: str) -> bytes:
    """The public key of a page; empty for none.

    Raises:
        FormatError: it is no such key.
    """
    if not key:
        return b""
    try:
        public = base64.b64decode(key.encode() + b"=" * (-len(key) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise FormatError("a person's key is written in base64url") from None
    return check_public(public)


async def _judged(request: Request, judge: Callable[[], _T]) -> _T:
    limiter: CapacityLimiter = request.app.state.judging()
    return await run_sync(judge, limiter=limiter)


def _step(index: int, step: Step) -> StepFields:
    return StepFields(index=index, kind=step.kind, seconds=step.seconds, colours=list(step.colours))


def _notice(notice: Notice) -> NoticeFields:
    return NoticeFields(
        digest=notice.digest,
        language=notice.language,
        text=notice.text,
        retention=notice.retention,
        recipients=notice.recipients,
        alternative=notice.alternative,
    )


def _told(view: CaptureView) -> CaptureViewAnswer:
    said: dict[str, Any] = {
        name: getattr(view, name)
        for name in (
            "id",
            "state",
            "outcome",
            "tries_left",
            "intent",
            "purpose",
            "assurance",
            "asked_by",
            "camera",
            "expires",
            "review_until",
        )
    }
    return CaptureViewAnswer(
        **said,
        reasons=list(view.reasons),
        statement=None if view.statement is None else StatementFields(**asdict(view.statement)),
        notices=[_notice(each) for each in view.notices],
        alternative="passkey" if view.alternative else None,
        return_url=view.return_url or None,
        decided_by="passkey" if view.passkey_missing else None,
    )

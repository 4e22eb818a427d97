"""What goes wrong, as RFC 9457 tells it: a stable type, a title, a detail and a hint; never a stack, a path, an input.

docs/reference/http.md lists the types; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from facekeep import errors
from facekeep.errors import FacekeepError

__all__ = [
    "ALWAYS",
    "KEYED_ON",
    "MEDIA_TYPE",
    "PROBLEMS",
    "WITH_BODY",
    "Kind",
    "Problem",
    "ProblemDocument",
    "documented",
    "install",
    "told",
    "unexpected",
]

MEDIA_TYPE = "application/problem+json"
ALWAYS = ("unauthenticated", "forbidden", "too-many-requests", "unavailable", "busy")
"""What every operation that needs a token may answer."""
WITH_BODY = (*ALWAYS, "body-too-large", "media-type", "invalid-request")
"""What one that takes a body may answer too."""
KEYED_ON = (*ALWAYS, "not-found", "invalid-request", "request-under-way")
"""What a write may answer that takes no body and may bear a key."""
_URN = "urn:facekeep:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem.

    Attributes:
        name: the last part of its type, stable.
        status: HTTP status.
        title: the same words every time.
    """

    name: str
    status: int
    title: str


PROBLEMS = {
    kind.name: kind
    for kind in (
        Kind("unauthenticated", 401, "Nobody is known by this token or session"),
        Kind("forbidden", 403, "Who asks may not do this"),
        Kind("other-site", 403, "Another site made the browser ask"),
        Kind("consent-missing", 403, "The data subject has not consented to this purpose"),
        Kind("purpose-off", 403, "The purpose is switched off"),
        Kind("refused", 403, "A security check denied it"),
        Kind("not-found", 404, "There is no such thing"),
        Kind("method-not-allowed", 405, "The method does not fit the resource"),
        Kind("request-under-way", 409, "A request with this key is under way, or its outcome is not known"),
        Kind("signature-needed", 409, "It is done but for keys that the registrar, on another host, has to revoke"),
        Kind("due-at-once", 409, "Something would go at once, and nobody said that this is meant"),
        Kind("capture-refused", 409, "What was sent does not fit the capture, or it is over"),
        Kind("another-capture", 409, "Another capture was opened in this browser"),
        Kind("review-conflict", 409, "Who asks cannot do this in this review, or it is over"),
        Kind("gone", 410, "It was destroyed, as was said"),
        Kind("body-too-large", 413, "The body is larger than allowed"),
        Kind("media-type", 415, "The body is of a kind that is not understood"),
        Kind("invalid-request", 422, "The request does not have the form that it needs"),
        Kind("picture-unreadable", 422, "The picture cannot be read"),
        Kind("frame-too-wide", 422, "A crop shows more than the one face that it may"),
        Kind("picture-marked", 422, "The picture says that it was generated, or its face replaced"),
        Kind("picture-not-fit", 422, "The picture is not fit for enrolment"),
        Kind("too-many-requests", 429, "Requests come too fast"),
        Kind("budget-used-up", 429, "A budget of comparisons or searches is used up"),
        Kind("internal", 500, "Something is wrong in the server"),
        Kind("busy", 503, "The service has too much to do"),
        Kind("unavailable", 503, "A store cannot be used at present"),
    )
}

# The nearest ancestor of an error counts.
_OF_ERROR: Mapping[type[FacekeepError], str] = {
    errors.FacekeepError: "internal",
    errors.UsageError: "invalid-request",
    errors.DueAtOnceError: "due-at-once",
    errors.UnsignedError: "signature-needed",
    errors.RefusedError: "refused",
    errors.AuthenticationError: "unauthenticated",
    errors.ConsentError: "consent-missing",
    errors.PurposeOffError: "purpose-off",
    errors.CaptureError: "capture-refused",
    errors.ReviewConflictError: "review-conflict",
    errors.RateError: "too-many-requests",
    errors.BudgetError: "budget-used-up",
    errors.RepeatedError: "request-under-way",
    errors.BadInputError: "invalid-request",
    errors.FrameTooWideError: "frame-too-wide",
    errors.ImageError: "picture-unreadable",
    errors.MarkedPictureError: "picture-marked",
    errors.QualityError: "picture-not-fit",
    errors.ModelError: "internal",
    errors.NotFoundError: "not-found",
    errors.GoneError: "gone",
    errors.UnavailableError: "unavailable",
    errors.DamagedStoreError: "unavailable",
}


_HEADERS: Mapping[str, Mapping[str, str]] = {
    "unauthenticated": {"WWW-Authenticate": "Bearer"},
    "unavailable": {"Retry-After": "2"},  # seconds; a host that came back is noticed within one
}


class Fault(BaseModel):
    """One field that does not fit."""

    field: str
    message: str


class ProblemDocument(BaseModel):
    """A problem as it is sent."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    request_id: str
    faults: list[Fault] = []
    reasons: list[str] = []


@dataclass(slots=True)
class Problem(Exception):  # noqa: N818 - RFC 9457 calls it so
    """A problem that the edge itself finds; those below it raise FacekeepError."""

    name: str
    detail: str
    hint: str = ""
    faults: list[Fault] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)


def documented(*names: str) -> dict[int | str, dict[str, object]]:
    """The ``responses`` of an operation that may answer with these problems."""
    found: dict[int | str, dict[str, object]] = {}
    for name in names:
        kind = PROBLEMS[name]
        known = found.setdefault(kind.status, {"description": "", "content": {MEDIA_TYPE: {"schema": _SCHEMA}}})
        known["description"] = "; ".join(filter(None, [str(known["description"]), kind.title]))
    return found


_SCHEMA = {"$ref": "#/components/schemas/ProblemDocument"}


def install(app: FastAPI) -> None:
    """Make an application answer with problems only."""
    app.add_exception_handler(Problem, _of_edge)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(FacekeepError, _of_error)
    app.add_exception_handler(HTTPException, _of_framework)


def _of_edge(request: Request, problem: Exception) -> JSONResponse:
    if not isinstance(problem, Problem):
        raise problem
    return told(request, problem)


def told(request: Request, problem: Problem) -> JSONResponse:
    """A problem as an answer."""
    headers = dict(problem.headers)
    return _answer(request, problem.name, problem.detail, problem.hint, faults=problem.faults, headers=headers)


def _of_parameters(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [Fault(field=str(fault["loc"][-1]), message=fault["msg"]) for fault in error.errors()]
    return _answer(request, "invalid-request", "Some parameters do not fit.", "See faults.", faults=faults)


def _of_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, FacekeepError):
        raise error
    name = next(_OF_ERROR[kind] for kind in type(error).__mro__ if kind in _OF_ERROR)
    reasons = list(error.reasons) if isinstance(error, errors.QualityError | errors.MarkedPictureError) else []
    reasons = [error.reason] if isinstance(error, errors.CaptureError) else reasons
    headers = dict(_HEADERS.get(name, {}))
    return _answer(request, name, error.message, error.hint, reasons=reasons, headers=headers)


_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}


def _of_framework(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    name = _OF_STATUS.get(error.status_code, "invalid-request")
    return _answer(
        request, name, f"{PROBLEMS[name].title}.", "See /v1/openapi.json.", headers=dict(error.headers or {})
    )


def unexpected(request: Request) -> JSONResponse:
    """The problem where something failed that nobody meant; what, is for the server's own log."""
    return _answer(request, "internal", "The request could not be finished.", "Tell the operator the request_id.")


def _answer(
    request: Request,
    name: str,
    detail: str,
    hint: str,
    *,
    faults: list[Fault] | None = None,
    reasons: list[str] | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    kind = PROBLEMS[name]
    request.state.problem = name
    document = ProblemDocument(
        type=_URN + name,
        title=kind.title,
        status=kind.status,
        detail=detail,
        hint=hint,
        request_id=getattr(request.state, "request_id", ""),
        faults=faults or [],
        reasons=reasons or [],
    )
    return JSONResponse(
        document.model_dump(exclude_defaults=True), kind.status, media_type=MEDIA_TYPE, headers=headers or {}
    )

"""The application: every operation and its problems.

The description of the interface is at /v1/openapi.json; there is no page that loads scripts from elsewhere.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig

from facekeep.interfaces.http import (
    administering,
    appeals,
    capture,
    capture_page,
    capture_sessions,
    cases,
    comparing,
    consents,
    face,
    galleries,
    health,
    ledger,
    metrics,
    my_page,
    notices,
    overseeing,
    own,
    own_reviews,
    pages,
    references,
    retention,
    review_filing,
    review_page,
    reviewers,
    reviews,
    sessions,
    sign_in,
    signing,
    subjects,
    webhooks,
)
from facekeep.interfaces.http.elsewhere import Elsewhere
from facekeep.interfaces.http.elsewhere import router as elsewhere_routes
from facekeep.interfaces.http.examples import illustrate
from facekeep.interfaces.http.intake import Intake
from facekeep.interfaces.http.metrics import Metrics
from facekeep.interfaces.http.observing import Observed
from facekeep.interfaces.http.problems import ProblemDocument, install
from facekeep.interfaces.http.rates import UNLIMITED, Limited, Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.captures import CaptureService
from facekeep.service.face_sign_in import FaceSignIn
from facekeep.service.keep import Keep
from facekeep.service.policies import Policies
from facekeep.service.review_filing import ReviewFiling, shipped_filing
from facekeep.service.tending import Tending

__all__ = ["PARTS", "build"]

PARTS: Final = (
    health,
    metrics,
    sign_in,
    face,
    sessions,
    comparing,
    signing,
    capture_sessions,
    capture,
    cases,
    subjects,
    references,
    consents,
    own,
    appeals,
    reviews,
    review_filing,
    reviewers,
    overseeing,
    own_reviews,
    ledger,
    galleries,
    notices,
    webhooks,
    retention,
    administering,
)
"""The modules whose routers make the application, in the order in which they are described."""

# The framework's own spans hold whole paths and queries, its logs the messages of exceptions, and a variable of the
# environment would have it send them: ours are in tracing.
_NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def build(
    keep: Keep,
    rates: Rates | None = None,
    *,
    site: Site | None = None,
    policies: Policies | None = None,
    elsewhere: Elsewhere | None = None,
    tending: Tending | None = None,
    captures: CaptureService | None = None,
    filing: ReviewFiling | None = None,
    private: bool = False,
    mail: bool = False,
    face_sign_in: bool = False,
) -> FastAPI:
    """The application around an open keep.

    Args:
        keep: open.
        rates: how often somebody may ask; else the usual ones.
        site: where people sign in; without, only machine clients are served.
        policies: who may do what; else those of the package.
        elsewhere: a provider of identities by which people may sign in too.
        tending: looks after it, where its roles are on other hosts.
        captures: of the keep; else those with the models of the package.
        filing: of reviews; else that with the models of the package.
        private: whether webhooks may be in this network, or on this machine.
        mail: whether webhooks may be reached by mail.
        face_sign_in: whether people may sign in with a live face in place of a passkey.
    """
    app = FastAPI(
        title="Facekeep",
        version=version("facekeep"),
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    app.state.keep = keep
    app.state.site = site or Site("")
    app.state.elsewhere = elsewhere
    app.state.policies = policies or Policies.shipped()
    app.state.tending = tending
    app.state.captures = captures or shipped_captures(keep)
    app.state.filing = filing or shipped_filing(keep)
    app.state.face = FaceSignIn(keep, app.state.captures) if face_sign_in else None
    app.state.judging = cache(capture.judging_room)
    app.state.private = private
    app.state.mail = mail
    app.state.metrics = Metrics(keep)
    app.state.waiting = signing.Waiting()
    app.add_middleware(Intake)
    app.add_middleware(Limited, rates=rates or Rates())
    app.add_middleware(Observed, metrics=app.state.metrics)
    install(app)
    for part in PARTS:
        app.include_router(part.router)
    app.include_router(pages.router)
    app.include_router(capture_page.router)
    app.include_router(my_page.router)
    app.include_router(review_page.router)
    app.include_router(elsewhere_routes)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document["components"]["schemas"]
        definitions = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= definitions.pop("$defs")
        schemas["ProblemDocument"] = definitions
        # The framework describes its own answer to unfit parameters, which is never given.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        _forget_framework_answers(document["paths"])
        _tell_of_rates(document["paths"])
        illustrate(document)
        app.openapi_schema = document
    return app.openapi_schema


def _forget_framework_answers(paths: dict[str, Any]) -> None:
    """Take out the answers that the framework adds where a path has a parameter, which is any text here."""
    for item in paths.values():
        for operation in item.values():
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]


_HEADERS = {
    "RateLimit-Policy": "The limit that holds, as `q` requests in `w` seconds.",
    "RateLimit": "How many requests are left (`r`), and the seconds until all are (`t`).",
}


def _tell_of_rates(paths: dict[str, Any]) -> None:
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in _HEADERS.items()}
    wait = {"description": "Seconds until another request may come.", "schema": {"type": "integer", "minimum": 1}}
    for path, item in paths.items():
        if path in UNLIMITED:
            continue
        for operation in item.values():
            for status, answer in operation["responses"].items():
                answer["headers"] = {**headers, "Retry-After": wait} if status == "429" else headers

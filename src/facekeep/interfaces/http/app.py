"""The application: every operation, its problems, and a number for each request.

The description of the interface is at /v1/openapi.json; there is no page that loads scripts from elsewhere.
"""

from __future__ import annotations

import re
import secrets
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import MutableHeaders

from facekeep.interfaces.http import comparing, health, subjects
from facekeep.interfaces.http.problems import ProblemDocument, install
from facekeep.service.keep import Keep

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["build"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def build(keep: Keep) -> FastAPI:
    """The application around an open keep."""
    app = FastAPI(
        title="Facekeep",
        version=version("facekeep"),
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.keep = keep
    app.add_middleware(_Numbered)
    install(app)
    for part in (health, comparing, subjects):
        app.include_router(part.router)
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
        app.openapi_schema = document
    return app.openapi_schema


class _Numbered:
    """Gives each request a number, which its answer and its problems carry, and the headers that all answers have."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        number = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = number

        async def numbered(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = number
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        await self._app(scope, receive, numbered)

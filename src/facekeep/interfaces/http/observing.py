"""Around every request: its number, the headers of every answer, one line in the log, and a net for what nobody meant.

A line says which operation, by which client or account, with which outcome, what refused it, and how long; never what
was asked about whom. The operation is a path with the names of its parameters. Of an error that nobody meant it says
the type and the place: its message could hold anything.
"""

from __future__ import annotations

import re
import secrets
import time
import traceback
from typing import TYPE_CHECKING, Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from facekeep.interfaces.http.metrics import Metrics
from facekeep.interfaces.http.problems import unexpected
from facekeep.interfaces.http.tracing import request_span

if TYPE_CHECKING:
    from opentelemetry.trace import Span
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Observed"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_REFUSED = (401, 403)
_QUIET = ("GET /health/live", "GET /health/ready", "GET /metrics")
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_log = structlog.get_logger("facekeep.http")


class Observed:
    """The outermost part of the application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        number = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = number
        began, status = time.perf_counter(), 0

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = number
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=63072000")
            await send(message)

        with request_span(scope["headers"]) as span:
            try:
                await self._app(scope, receive, numbered)
            except Exception as error:  # noqa: BLE001 - the last net: told as a problem, and without its message logged
                _log.error("unexpected", request_id=number, error=type(error).__name__, place=_place(error))
                if status == 0:
                    await unexpected(Request(scope))(scope, receive, numbered)
            finally:
                self._tell(scope, status, time.perf_counter() - began, span)

    def _tell(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        state, route = scope["state"], scope.get("route")
        operation = f"{scope['method']} {route.path}" if route is not None else "unknown"
        problem = state.get("problem", "")
        refusal = state.get("refusal", "") if status in _REFUSED else ""
        self._metrics.answered(operation, status, seconds, problem)
        if refusal:
            self._metrics.refused(refusal)
        span.update_name(operation)
        span.set_attributes(
            {
                "http.request.method": scope["method"] if route is not None else "_OTHER",
                "http.route": route.path if route is not None else "",
                "http.response.status_code": status,
                "facekeep.problem": problem,
                "facekeep.request_id": state["request_id"],
            }
        )
        if operation not in _QUIET:
            _log.info(
                "request",
                request_id=state["request_id"],
                operation=operation,
                status=status,
                problem=problem,
                refusal=refusal,
                client=state.get("client", ""),
                milliseconds=round(seconds * 1000, 1),
            )


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames[-5:]))

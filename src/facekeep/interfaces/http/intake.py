"""How much of bodies is in memory at once, over all requests: who comes when there is no room is told to come again.

A body's own bound does not bound many of them: a hundred clients at once would fill the memory of the machine. What is
left of a body once it was answered is let go within about a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request

from facekeep.interfaces.http.problems import Problem, told
from facekeep.interfaces.memory import Sweeper

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HELD_BYTES_MAX", "Intake"]

HELD_BYTES_MAX = 512 << 20
"""Bytes of bodies at once. What is made of them (parts of a form, pixels) comes on top of it."""


class Intake:
    """The part of the application around all that reads bodies. For one event loop."""

    def __init__(self, app: ASGIApp, largest: int = HELD_BYTES_MAX) -> None:
        self._app = app
        self._largest = largest
        self._held = 0
        self._sweeper = Sweeper()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        stated = dict(scope["headers"]).get(b"content-length", b"0")
        if stated.isdigit() and self._held + int(stated) > self._largest and self._held:
            await told(Request(scope), _busy())(scope, receive, send)
            return
        held = 0

        async def counted() -> Message:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            if self._held + size > self._largest:
                raise _busy()
            self._held += size
            held += size
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held -= held
            if held:
                self._sweeper.soon()


def _busy() -> Problem:
    return Problem(
        "busy",
        "There is no room for another body just now.",
        "Send it again in a moment, as Retry-After says.",
        headers={"Retry-After": "1", "Connection": "close"},  # what was not read is not waited for
    )

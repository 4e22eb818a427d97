"""Bodies of many requests at once are bounded together, and the event loop waits for no computation."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from pathlib import Path

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from facekeep.domain import access
from facekeep.interfaces import memory
from facekeep.interfaces.http.intake import Intake
from facekeep.service.acquisition import Acquisition, Probe
from facekeep.service.keep import Keep
from tests.api.conftest import Asking


class Held:
    """An application that reads its body and answers when it is told to."""

    def __init__(self, largest: int) -> None:
        self.inside = Intake(self._answer, largest)
        self.go_on = anyio.Event()
        self.read = 0

    async def _answer(self, _: Scope, receive: object, send: object) -> None:
        while (message := await receive())["more_body"]:  # type: ignore[operator]
            self.read += len(message["body"])
        self.read += len(message["body"])
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]

    async def ask(self, *chunks: bytes, stated: int | None = None) -> list[Message]:
        sent: list[Message] = []
        left = list(chunks)

        async def receive() -> Message:
            body = left.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(left)}

        async def send(message: Message) -> None:
            sent.append(message)

        headers = [] if stated is None else [(b"content-length", str(stated).encode())]
        scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers, "state": {"request_id": "x"}}
        await self.inside(scope, receive, send)
        return sent


async def _bounded_together() -> None:
    app = Held(100)
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.ask, bytes(60), bytes(30))
            while app.read < 90:
                await anyio.lowlevel.checkpoint()
            # A stated length is refused before anything of it is read.
            start, body = await app.ask(bytes(11), stated=11)
            assert (start["status"], json.loads(body["body"])["type"]) == (503, "urn:facekeep:problem:busy")
            assert (b"retry-after", b"1") in start["headers"]
            # One that states none is refused where it passes the bound, by an exception that the application answers.
            with pytest.raises(Exception, match="no room"):
                await app.ask(bytes(10), bytes(1))
            app.go_on.set()
        # What was held is free again.
        assert [message["status"] for message in await app.ask(bytes(100), stated=100)] == [200]
        # A single body is never too much by what it states: its own bound is the handlers' matter.
        app.go_on = anyio.Event()
        app.go_on.set()
        with pytest.raises(Exception, match="no room"):
            await app.ask(bytes(101), stated=101)


def test_bodies_are_bounded_together() -> None:
    anyio.run(_bounded_together)


class Circle:
    """Refers to itself, as an error and the frame that raised it."""

    def __init__(self) -> None:
        self.me = self


def test_what_refers_to_itself_goes_after_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_SWEPT_AFTER_SECONDS", 0.01)

    async def asked(*chunks: bytes) -> None:
        app, gone = Held(100), anyio.Event()
        app.go_on.set()
        circle = Circle()
        weakref.finalize(circle, gone.set)
        del circle
        await app.ask(*chunks)
        with anyio.fail_after(10 if any(chunks) else 0.2):
            await gone.wait()

    gc.collect()
    gc.disable()
    try:
        anyio.run(asked, b"body")
        with pytest.raises(TimeoutError):
            anyio.run(asked, b"")  # nothing was sent: there is nothing to let go of
    finally:
        gc.enable()


def test_a_body_without_room_is_told_so(asking: Asking, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    client = asking(access.Scope.VERIFY)
    assert client.post("/v1/verifications", json={"subject": "x"}).status_code == 422
    stack = client.app.middleware_stack  # type: ignore[attr-defined]
    while not isinstance(stack, Intake):
        stack = stack.__dict__.get("app") or stack.__dict__["_app"]
    monkeypatch.setattr(stack, "_largest", 5)
    answer = client.post("/v1/verifications", json={"subject": "x"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:facekeep:problem:busy")
    assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")


def test_the_event_loop_waits_for_no_computation(
    asking: Asking, app: FastAPI, keep: Keep, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    for_probe = Acquisition.for_probe

    def slow(acquisition: Acquisition, picture: bytes) -> Probe:
        begun.set()
        assert go_on.wait(30)
        return for_probe(acquisition, picture)

    monkeypatch.setattr(Acquisition, "for_probe", slow)
    picture, who = (pictures / "obama2.jpg").read_bytes(), keep.subject("obama").id
    headers = {"Authorization": asking(access.Scope.VERIFY).headers["Authorization"]}

    async def both() -> None:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://keep", headers=headers) as client:

            async def verify() -> None:
                answer = await client.post("/v1/verifications", data={"subject": who}, files={"picture": picture})
                answers.append(answer.json()["verified"])

            answers: list[object] = []
            with anyio.fail_after(30):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(verify)
                    while not begun.is_set():
                        await anyio.lowlevel.checkpoint()
                    answers.append((await client.get("/health/live")).status_code)
                    answers.append((await client.get("/health/ready")).status_code)
                    go_on.set()
            assert answers == [200, 200, True]

    anyio.run(both)

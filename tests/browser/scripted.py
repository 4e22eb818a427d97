"""A server that serves the built capture page and the real models, and answers as a test has it answer.

It stands in for the service where a test needs an answer that the service gives only now and then: every outcome, every
reason, a line that breaks. What it is asked is held against docs/spec/capture.md: an order of requests that the
service would refuse is refused here too, and a chain that does not fit is noted.
"""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from facekeep.domain.capture import chain_start, chained
from facekeep.domain.capture_container import SentTry, decode
from tests.api.serving import served

ROOT = Path(__file__).resolve().parents[2] / "src/facekeep"
PAGE = ROOT / "interfaces/http/web/capture"
MODELS = ("fr_detect", "fr_landmark", "fr_eye")
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
LINK = "kJ3vQ2n8"
NOTICES = [
    {
        "digest": "a1" * 32,
        "language": "en",
        "text": "Who is responsible\nExample Bank, 1 Sample Street, Sampleton.\n\nWhat for\nTo confirm that it is you, "
        "by comparing your face with the one that you enrolled.\n\nHow long\nThe reference stays until you withdraw, "
        "at the longest for 24 months.\n\nYour rights\nYou can withdraw at any time, see what is kept, and have "
        "it erased.",
        "retention": "24 months\nor until you withdraw",
        "recipients": "<b>Nobody</b> but the bank",
        "alternative": "Your card and its code, at the same counter.",
    },
    {
        "digest": "b2" * 32,
        "language": "zh-Hans",
        "text": "责任方\n示例银行\n\n用途\n通过比对您的脸确认是您本人。",
        "retention": "",
        "recipients": "",
        "alternative": "您的银行卡和密码",
    },
]


def capture(**changes: Any) -> dict[str, Any]:
    """A capture as the service describes it when it is opened."""
    plain = {
        "id": "c3" * 16,
        "state": "open",
        "outcome": None,
        "reasons": [],
        "tries_left": 3,
        "intent": "verify",
        "purpose": "verify",
        "assurance": "live",
        "asked_by": "Example Bank",
        "statement": None,
        "notices": copy.deepcopy(NOTICES),
        "camera": True,
        "alternative": "passkey",
        "expires": (datetime.now(UTC) + timedelta(seconds=180)).isoformat(),
        "review_until": None,
        "return_url": "/back",
        "decided_by": None,
    }
    return plain | changes


@dataclass
class Script:
    """What is answered, and what was asked.

    Attributes:
        opened: the capture as it is opened.
        steps: kinds after look.
        decided: the capture's changes after frames were sent, one for each time.
        sent: what came.
        chains: whether each sent body reaches each head that was told at its count.
        keys: public keys that came with bodies, as they were written.
        declined: whether the person said no.
        fail: paths below /v1/capture, each with a status to answer once.
        seconds: that steps have, beside 16: tests share a machine that may be slow.
    """

    opened: dict[str, Any] = field(default_factory=capture)
    steps: tuple[str, ...] = ("turn-left", "blink", "smile")
    decided: list[dict[str, Any]] = field(default_factory=lambda: [{"state": "done", "outcome": "passed"}])
    sent: list[SentTry] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    chains: list[bool] = field(default_factory=list)
    agreed: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    declined: bool = False
    fail: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: {"look": 16.0, "light": 6.0})
    _nonce: bytes = b""
    _asked: int = 0
    _heads: list[tuple[int, str]] = field(default_factory=list)

    def begin(self, notice: str) -> dict[str, Any]:
        self.agreed.append(notice)
        self.opened["tries_left"] -= 1
        self._nonce, self._asked, self._heads = secrets.token_bytes(16), 0, []
        return {"try": len(self.agreed), "nonce": self._nonce.hex(), "step": self._step(0, "look")}

    def next(self, number: int, frames: int, head: str) -> dict[str, Any]:
        assert number == len(self.agreed)
        assert frames > (self._heads[-1][0] if self._heads else 0), "a step without a frame"
        self._heads.append((frames, head))
        self._asked += 1
        if self._asked > len(self.steps):
            return {"step": None}
        return {"step": self._step(self._asked, self.steps[self._asked - 1])}

    def _step(self, index: int, kind: str) -> dict[str, Any]:
        colours = ["red", "green", "blue", "white"] if kind == "light" else []
        return {"index": index, "kind": kind, "seconds": self.seconds.get(kind, 16.0), "colours": colours}

    def take(self, body: bytes) -> dict[str, Any]:
        sent = decode(body)
        heads, head = {0: chain_start(self._nonce).hex()}, chain_start(self._nonce)
        for count, frame in enumerate(sent.frames, 1):
            head = chained(head, [frame])
            heads[count] = head.hex()
        fits = all(heads.get(count) == told for count, told in self._heads)
        steps = [frame.step for frame in sent.frames]
        starts = [0, *(count for count, _ in self._heads)]
        fits &= all(step == index for index, (low, high) in enumerate(pairwise(starts)) for step in steps[low:high])
        self.chains.append(fits and starts[-1] == len(steps) and sent.number == len(self.agreed))
        self.sent.append(sent)
        self.bodies.append(body)
        self.opened |= self.decided[min(len(self.sent), len(self.decided)) - 1]
        return self.opened


def _another(request: Request, script: Script) -> bool:
    """Whether a page asks about another capture than the browser has, or does not say about which."""
    path, named = request.url.path, request.headers.get("facekeep-capture")
    if not path.startswith("/v1/") or (request.method, path) == ("POST", "/v1/capture"):
        return False
    return named != script.opened["id"] and not (named is None and request.method == "GET")


def application(script: Script) -> FastAPI:
    """The page, its models and the scripted answers."""
    app = FastAPI(openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, ask: Any) -> Response:
        path = request.url.path.removeprefix("/v1/capture")
        if path in script.fail and request.url.path.startswith("/v1/"):
            status = script.fail.pop(path)
            response: Response = JSONResponse({"type": "urn:facekeep:problem:frame-too-wide"}, status)
        elif _another(request, script):
            response = JSONResponse({"type": "urn:facekeep:problem:another-capture"}, 409)
        else:
            response = await ask(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/capture")
    async def page() -> Response:
        return FileResponse(PAGE / "index.html")

    @app.get("/capture/models/{name}.onnx")
    async def model(name: str) -> Response:
        assert name in MODELS
        return FileResponse(ROOT / "models" / f"{name}.onnx", media_type="application/octet-stream")

    @app.get("/capture/{path:path}")
    async def file(path: str, request: Request) -> Response:
        asked = PAGE / path
        assert asked.resolve().is_relative_to(PAGE)
        if asked.suffix in {".js", ".wasm", ".css"} and "br" in request.headers["accept-encoding"]:
            kind = {".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css"}[asked.suffix]
            packed = asked.with_name(f"{asked.name}.br")
            return FileResponse(packed, media_type=kind, headers={"Content-Encoding": "br"})
        return FileResponse(asked)

    @app.get("/back")
    async def back() -> Response:
        return Response("<!doctype html><title>Back</title><p>Back", media_type="text/html")

    @app.post("/v1/capture", status_code=201)
    async def opened(request: Request) -> Response:
        if (await request.json()) != {"link": LINK}:
            return JSONResponse({"type": "urn:facekeep:problem:not-found"}, 404)
        return JSONResponse(script.opened, 201)

    @app.get("/v1/capture")
    async def look() -> Response:
        return JSONResponse(script.opened)

    @app.post("/v1/capture/tries")
    async def begin(request: Request) -> Response:
        return JSONResponse(script.begin((await request.json())["notice"]), 201)

    @app.post("/v1/capture/steps")
    async def step(request: Request) -> Response:
        asked = await request.json()
        return JSONResponse(script.next(asked["try"], asked["frames"], asked["head"]))

    @app.put("/v1/capture/frames")
    async def frames(request: Request) -> Response:
        assert request.headers["content-type"] == "application/vnd.facekeep.capture"
        script.keys.append(request.headers.get("facekeep-person-key", ""))
        return JSONResponse(script.take(await request.body()))

    @app.delete("/v1/capture", status_code=204)
    async def decline() -> Response:
        script.declined = True
        script.opened |= {"state": "done", "outcome": "declined"}
        return Response(status_code=204)

    return app


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """Serve it for as long as a block lasts, and give the link that a person opens."""
    with served(application(script)) as origin:
        yield f"{origin}/capture#{LINK}"

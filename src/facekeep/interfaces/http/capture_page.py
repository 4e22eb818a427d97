"""The page of a capture, as ``make web`` built it, and the three models that it runs. Nothing comes from elsewhere.

Built files have digests in their names and never change; the page itself is asked for each time. Where a browser takes
it, what was compressed when the page was built is sent.
"""

from __future__ import annotations

import mimetypes
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from facekeep.face.models import ModelPack
from facekeep.interfaces.http.problems import Problem

__all__ = ["MODELS", "router"]

router = APIRouter(include_in_schema=False)

MODELS: Final = frozenset({"fr_detect", "fr_landmark", "fr_eye"})
"""What a browser needs to find a face and guide a person. It compares nothing."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Permissions-Policy": "camera=(self)"}
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK: Final = "no-cache"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_KINDS: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html"}
_WAYS: Final = (("br", ".br"), ("gzip", ".gz"))


@router.get("/capture")
async def capture_page(request: Request) -> Response:
    """The page. The secret of a link is behind a #, which browsers do not send."""
    return _answer(request, ("index.html",), _ASK)


@router.get("/capture/models/{name}.onnx")
async def model(request: Request, name: str) -> Response:
    """A model that the page runs, held against its digest before it is sent."""
    if name not in MODELS:
        raise _nothing()
    data, digest = await run_sync(_model, name)
    tag = f'"{digest}"'
    headers = {"ETag": tag, "Cache-Control": _ASK}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/capture/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """What the page loads."""
    return _answer(request, ("assets", name), _FOREVER)


@router.get("/capture/face-keep.js")
async def element(request: Request) -> Response:
    """The element ``<face-keep>`` for the pages of integrators, which may load it from any origin: it holds nothing."""
    response = _answer(request, ("face-keep.js",), _ASK)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@router.get("/capture/{name}")
async def beside(request: Request, name: str) -> Response:
    """What lies beside the page, as its icon."""
    return _answer(request, (name,), _ASK)


def _answer(request: Request, path: tuple[str, ...], cached: str) -> Response:
    if not _folder().joinpath("index.html").is_file():
        raise Problem(
            "unavailable", "The page of captures was not built.", "Build it: make web. A wheel has it already."
        )
    name = path[-1]
    if not _NAME.fullmatch(name) or name.endswith(tuple(ending for _, ending in _WAYS)):
        raise _nothing()
    way, data = _content(path, _way(request))
    headers = {**_HEADERS, "Cache-Control": cached, "Vary": "Accept-Encoding"}
    if way:
        headers["Content-Encoding"] = way
    ending = name[name.rfind(".") :]
    kind = _KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(data, media_type=kind, headers=headers)


def _way(request: Request) -> frozenset[str]:
    taken = set()
    for each in request.headers.get("accept-encoding", "").split(","):
        name, _, weight = each.partition(";")
        if weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}:
            taken.add(name.strip().lower())
    return frozenset(taken & {way for way, _ in _WAYS})


@cache
def _content(path: tuple[str, ...], taken: frozenset[str]) -> tuple[str, bytes]:
    """The smallest form that is taken and was made: how it is encoded, and the bytes."""
    file = _folder().joinpath(*path)
    for way, ending in _WAYS:
        packed = _folder().joinpath(*path[:-1], path[-1] + ending)
        if way in taken and packed.is_file():
            return way, packed.read_bytes()
    if not file.is_file():
        raise _nothing()
    return "", file.read_bytes()


@cache
def _model(name: str) -> tuple[bytes, str]:
    pack = ModelPack.load()
    return pack.read(name), pack.spec(name).sha256


def _folder() -> Traversable:
    return resources.files("facekeep.interfaces.http") / "web" / "capture"


def _nothing() -> Problem:
    return Problem("not-found", "There is no such file.", "See /capture.")

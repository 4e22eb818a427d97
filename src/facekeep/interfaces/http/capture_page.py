"""The page of a capture, as ``make web`` built it, and the three models that it runs. Nothing comes from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from facekeep.face.models import ModelPack
from facekeep.interfaces.http.built import ASK, Built
from facekeep.interfaces.http.rates import uncounted

__all__ = ["MODELS", "router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(uncounted)])

MODELS: Final = frozenset({"fr_detect", "fr_landmark", "fr_eye"})
"""What a browser needs to find a face and guide a person. It compares nothing."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_PAGE: Final = Built(
    "capture", "index.html", {"Content-Security-Policy": _POLICY, "Permissions-Policy": "camera=(self)"}
)


@router.get("/capture")
async def capture_page(request: Request) -> Response:
    """The page. The secret of a link is behind a #, which browsers do not send."""
    return _PAGE.show(request)


@router.get("/capture/models/{name}.onnx")
async def model(request: Request, name: str) -> Response:
    """A model that the page runs, held against its digest before it is sent."""
    if name not in MODELS:
        raise _PAGE.nothing()
    data, digest = await run_sync(_model, name)
    tag = f'"{digest}"'
    headers = {"ETag": tag, "Cache-Control": ASK}
    if tag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/capture/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """What the page loads."""
    return _PAGE.asset(request, name)


@router.get("/capture/face-keep.js")
async def element(request: Request) -> Response:
    """The element ``<face-keep>`` for the pages of integrators, which may load it from any origin: it holds nothing."""
    response = _PAGE.beside(request, "face-keep.js")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@router.get("/capture/{name}")
async def beside(request: Request, name: str) -> Response:
    """What lies beside the page, as its icon."""
    return _PAGE.beside(request, name)


@cache
def _model(name: str) -> tuple[bytes, str]:
    pack = ModelPack.load()
    return pack.read(name), pack.spec(name).sha256

"""The pages that people sign up and in at: plain HTML, one script, one style sheet, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from importlib import resources

from fastapi import APIRouter, Response

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@router.get("/sign-up")
async def sign_up_page() -> Response:
    """Where the link of an invitation leads. Its secret is behind a #, which browsers do not send."""
    return _file("sign-up.html", "text/html")


@router.get("/sign-in")
async def sign_in_page() -> Response:
    """Where people sign in and out."""
    return _file("sign-in.html", "text/html")


@router.get("/sign.js")
async def script() -> Response:
    """What both pages do."""
    return _file("sign.js", "text/javascript")


@router.get("/sign.css")
async def style() -> Response:
    """How both pages look."""
    return _file("sign.css", "text/css")


def _file(name: str, kind: str) -> Response:
    return Response(_bytes(name), media_type=kind, headers={"Content-Security-Policy": _POLICY})


@cache
def _bytes(name: str) -> bytes:
    return (resources.files("facekeep.interfaces.http") / "web" / name).read_bytes()

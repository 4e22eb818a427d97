"""The pages that people sign up and in at: plain HTML, one script, one style sheet, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources

from fastapi import APIRouter, Depends, Request, Response

from facekeep.interfaces.http.rates import uncounted

__all__ = ["page", "router"]

_ELSEWHERE = b"<!-- elsewhere -->"

router = APIRouter(include_in_schema=False, dependencies=[Depends(uncounted)])

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


@router.get("/sign-up")
async def sign_up_page() -> Response:
    """Where the link of an invitation leads. Its secret is behind a #, which browsers do not send."""
    return _file("sign-up.html", "text/html")


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """Where people sign in and out; with a way elsewhere, where there is one."""
    response = page("sign-in.html")
    if (elsewhere := request.app.state.elsewhere) is not None:
        link = f'<p id="elsewhere"><a href="/v1/elsewhere">Sign in at {escape(elsewhere.provider.host)}</a></p>'
        response = Response(
            _bytes("sign-in.html").replace(_ELSEWHERE, link.encode()),
            media_type="text/html",
            headers={"Content-Security-Policy": _POLICY},
        )
    return response


@router.get("/sign.js")
async def script() -> Response:
    """What both pages do."""
    return _file("sign.js", "text/javascript")


@router.get("/sign.css")
async def style() -> Response:
    """How both pages look."""
    return _file("sign.css", "text/css")


def page(name: str, status: int = 200) -> Response:
    """A page of the package."""
    return _file(name, "text/html", status)


def _file(name: str, kind: str, status: int = 200) -> Response:
    return Response(_bytes(name), status, media_type=kind, headers={"Content-Security-Policy": _POLICY})


@cache
def _bytes(name: str) -> bytes:
    return (resources.files("facekeep.interfaces.http") / "web" / name).read_bytes()

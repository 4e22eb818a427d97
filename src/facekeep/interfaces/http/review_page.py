"""The reviewers' console, as ``make web`` built it. Who is not signed in finds a way in there, and no more.

It is one page under all its addresses: what is asked under ``/v1`` is what the session that is signed in may. Pictures
are opened by its script and drawn, so that its policy lets in no picture but its icon.
"""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Depends, Request, Response

from facekeep.interfaces.http.built import Built
from facekeep.interfaces.http.rates import uncounted

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(uncounted)])

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_PAGE: Final = Built(
    "review", "review.html", {"Content-Security-Policy": _POLICY, "Permissions-Policy": "camera=(), microphone=()"}
)
_REVIEW: Final = re.compile(r"[0-9a-f]{32}")


@router.get("/review")
@router.get("/review/concerns")
async def console(request: Request) -> Response:
    """The page."""
    return _PAGE.show(request)


@router.get("/review/icon.svg")
async def icon(request: Request) -> Response:
    """The icon of the page."""
    return _PAGE.beside(request, "icon.svg")


@router.get("/review/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """What the page loads."""
    return _PAGE.asset(request, name)


@router.get("/review/{review}")
async def one(request: Request, review: str) -> Response:
    """The page, at one review. Whether there is one is not asked here."""
    if not _REVIEW.fullmatch(review):
        raise _PAGE.nothing()
    return _PAGE.show(request)

"""The page of the enrolled person, as ``make web`` built it. Who is not signed in can check files there, and no more.

It is one page under two addresses: what is asked under ``/v1`` is what the session that is signed in may.
"""

from __future__ import annotations

from importlib import resources
from typing import Final

from fastapi import APIRouter, Depends, Request, Response

from facekeep.interfaces.http.built import ASK, Built
from facekeep.interfaces.http.rates import uncounted

__all__ = ["router"]

router = APIRouter(include_in_schema=False, dependencies=[Depends(uncounted)])

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_PAGE: Final = Built("me", "me.html", {"Content-Security-Policy": _POLICY})


@router.get("/me")
@router.get("/me/check")
async def my_page(request: Request) -> Response:
    """The page."""
    return _PAGE.show(request)


@router.get("/me/assets/{name}")
async def asset(request: Request, name: str) -> Response:
    """What the page loads."""
    return _PAGE.asset(request, name)


@router.get("/me/icon.svg")
async def icon(request: Request) -> Response:
    """The icon of the page."""
    return _PAGE.beside(request, "icon.svg")


@router.get("/me/ledger_verifier.py")
async def verifier() -> Response:
    """What checks a bundle without the page: one file, which can be read before it is run."""
    return Response(
        resources.files("facekeep").joinpath("ledger_verifier.py").read_bytes(),
        media_type="text/x-python",
        headers={"Cache-Control": ASK},
    )

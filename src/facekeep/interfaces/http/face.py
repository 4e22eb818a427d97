"""Signing in with a live face: a name, a capture in this very browser, and a session in a cookie.

Offered only where the service was started with it (service.face_sign_in says why).
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.capture_session import EXPIRES_DEFAULT
from facekeep.errors import AuthenticationError
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.problems import Problem, documented
from facekeep.interfaces.http.sessions import SessionAnswer, answer_of
from facekeep.interfaces.http.sign_in import SIGN_IN_BYTES_MAX, SIGN_IN_EMPTY, SIGN_IN_WITH_BODY, FromSite
from facekeep.interfaces.http.site import Site
from facekeep.service.face_sign_in import FaceSignIn

__all__ = ["router"]

router = APIRouter(prefix="/v1")


class WaysAnswer(BaseModel):
    """How people sign in here."""

    passkey: bool
    face: bool = Field(description="Whether a live face may be taken in place of a passkey.")
    elsewhere: str | None = Field(description="The host of a provider of identities.")


class FaceSignInRequest(Body):
    """Who wants to sign in."""

    account: str = Field(min_length=1, max_length=128, description="The name of the account.")


class FaceSignInAnswer(BaseModel):
    """Where the capture is gone through, in this browser."""

    capture: str = Field(description="A path of this site; it leads to /me when it is done.")


def _face(request: Request, site: FromSite) -> tuple[FaceSignIn, Site]:
    face: FaceSignIn | None = request.app.state.face
    if face is None:
        raise Problem("not-found", "Nobody signs in with a face here.", "Start it with facekeep serve --face-sign-in.")
    return face, site


Face = Annotated[tuple[FaceSignIn, Site], Depends(_face)]


@router.get("/sessions/ways", responses=documented("not-found", "too-many-requests"))
async def ways(request: Request) -> WaysAnswer:
    """How people sign in here. Nobody has to be known to ask."""
    site, elsewhere = request.app.state.site, request.app.state.elsewhere
    return WaysAnswer(
        passkey=bool(site.origin),
        face=bool(site.origin) and request.app.state.face is not None,
        elsewhere=None if elsewhere is None else elsewhere.provider.host,
    )


@router.post(
    "/sessions/face/captures",
    status_code=201,
    responses=documented(*SIGN_IN_WITH_BODY, "purpose-off"),
    openapi_extra=documented_body(FaceSignInRequest),
)
async def begin_with_face(request: Request, response: Response, at: Face) -> FaceSignInAnswer:
    """Begin to sign in with a face: the capture is this browser's, and there is no link to it."""
    face, site = at
    asked = await read(request, FaceSignInRequest, most=SIGN_IN_BYTES_MAX)
    host = urlsplit(site.origin).netloc
    cookie = await run_sync(face.begin, asked.account, site.origin, host)
    site.give_capture(response, cookie, int(EXPIRES_DEFAULT.total_seconds()))
    return FaceSignInAnswer(capture="/capture")


@router.post("/sessions/face", status_code=201, responses=documented(*SIGN_IN_EMPTY))
async def sign_in_with_face(request: Request, response: Response, at: Face) -> SessionAnswer:
    """Sign in with what the capture of this browser found, once."""
    face, site = at
    secret = site.capture_of(request)
    if not secret:
        raise AuthenticationError("this browser has no capture", hint="Begin again.")
    done = await run_sync(face.finish, secret)
    request.state.client = done.account.id.hex()
    site.give(response, done.secret)
    return answer_of(done.account, done.session)

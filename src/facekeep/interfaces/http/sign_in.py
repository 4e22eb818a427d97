"""Signing in with passkeys: a challenge, its answer, and a session in a cookie. Nobody has to be known before.

Every request here has to come from the site's own pages, so that no other site signs a browser in as somebody else.
"""

from __future__ import annotations

from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.problems import Problem, documented
from facekeep.interfaces.http.security import KeepOf, SiteOf
from facekeep.interfaces.http.sessions import SessionAnswer, answer_of
from facekeep.interfaces.http.site import Site

__all__ = ["SIGN_IN_BYTES_MAX", "SIGN_IN_EMPTY", "SIGN_IN_WITH_BODY", "FromSite", "from_the_site", "router"]

router = APIRouter(prefix="/v1")

SIGN_IN_BYTES_MAX = 64 << 10
SIGN_IN_EMPTY = ("unauthenticated", "other-site", "not-found", "too-many-requests", "unavailable")
SIGN_IN_WITH_BODY = (*SIGN_IN_EMPTY, "body-too-large", "media-type", "invalid-request")


async def from_the_site(request: Request, site: SiteOf) -> Site:
    """A dependency: the site, if there is one and its own pages ask."""
    if not site.origin:
        raise Problem("not-found", "People cannot sign in here.", "Start it with facekeep serve --origin https://….")
    request.state.refusal = "other-site"
    site.check_same_site(request)
    request.state.refusal = "not-proved"
    return site


FromSite = Annotated[Site, Depends(from_the_site)]

_Link = Annotated[str, Field(max_length=128, description="The secret of the link.")]
_Ceremony = Annotated[str, Field(max_length=64, description="The name of the ceremony.")]
_Credential = Annotated[str, Field(max_length=32 << 10, description="What the browser gave, as JSON in a text.")]


class RegistrationOptionsRequest(Body):
    """A link by which somebody was invited."""

    link: _Link


class RegistrationRequest(Body):
    """A new passkey."""

    link: _Link
    ceremony: _Ceremony
    credential: _Credential


class SignInRequest(Body):
    """A passkey's answer to a challenge."""

    ceremony: _Ceremony
    credential: _Credential


class CeremonyAnswer(BaseModel):
    """What a browser needs to ask an authenticator."""

    ceremony: str
    options: dict[str, Any] = Field(description="publicKey of navigator.credentials, in its JSON form.")


@router.post(
    "/registrations/options",
    status_code=201,
    responses=documented(*SIGN_IN_WITH_BODY),
    openapi_extra=documented_body(RegistrationOptionsRequest),
)
async def begin_registration(request: Request, keep: KeepOf, site: FromSite) -> CeremonyAnswer:
    """Begin to register a passkey, by the link of an invitation."""
    asked = await read(request, RegistrationOptionsRequest, most=SIGN_IN_BYTES_MAX)
    begun = await run_sync(keep.begin_registration, asked.link, site.origin)
    return CeremonyAnswer(ceremony=begun.name, options=begun.options)


@router.post(
    "/registrations",
    status_code=201,
    responses=documented(*SIGN_IN_WITH_BODY),
    openapi_extra=documented_body(RegistrationRequest),
)
async def register(request: Request, response: Response, keep: KeepOf, site: FromSite) -> SessionAnswer:
    """Register a passkey and sign in; the link works no more."""
    asked = await read(request, RegistrationRequest, most=SIGN_IN_BYTES_MAX)
    done = await run_sync(keep.finish_registration, asked.link, asked.ceremony, asked.credential, site.origin)
    request.state.client = done.account.id.hex()
    site.give(response, done.secret)
    return answer_of(done.account, done.session)


@router.post("/sessions/options", status_code=201, responses=documented(*SIGN_IN_EMPTY))
async def begin_sign_in(keep: KeepOf, site: FromSite) -> CeremonyAnswer:
    """Begin to sign in."""
    begun = await run_sync(keep.begin_sign_in, site.origin)
    return CeremonyAnswer(ceremony=begun.name, options=begun.options)


@router.post(
    "/sessions", status_code=201, responses=documented(*SIGN_IN_WITH_BODY), openapi_extra=documented_body(SignInRequest)
)
async def sign_in(request: Request, response: Response, keep: KeepOf, site: FromSite) -> SessionAnswer:
    """Sign in with a passkey."""
    asked = await read(request, SignInRequest, most=SIGN_IN_BYTES_MAX)
    done = await run_sync(keep.finish_sign_in, asked.ceremony, asked.credential, site.origin)
    request.state.client = done.account.id.hex()
    site.give(response, done.secret)
    return answer_of(done.account, done.session)

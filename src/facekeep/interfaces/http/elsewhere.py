"""Signing in with an identity elsewhere: to the provider and back, and a session if an account is bound to it.

A way there is remembered for ten minutes and used once. The browser that comes back has to be the one that left: it
bears a cookie of its own for that, ``SameSite=Lax``, since it comes from the provider's site.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from facekeep.errors import AuthenticationError, FacekeepError
from facekeep.interfaces.http.pages import page
from facekeep.interfaces.http.problems import Problem
from facekeep.interfaces.http.provider import Provider
from facekeep.interfaces.http.security import KeepOf, SiteOf
from facekeep.interfaces.http.sign_in import FromSite
from facekeep.interfaces.http.site import Site

__all__ = ["BACK", "Elsewhere", "router"]

# Browsers go here by themselves: what they are answered are pages, which the description of the interface leaves out.
router = APIRouter(include_in_schema=False)

BACK: Final = "/v1/elsewhere/back"
_SECONDS: Final = 600
_WAYS_MAX: Final = 10_000
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class _Way:
    browser: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    until: float


class Elsewhere:
    """A provider, and who is on the way to it, in memory. Safe for threads."""

    def __init__(self, provider: Provider, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._clock = clock
        self._ways: OrderedDict[str, _Way] = OrderedDict()
        self._lock = threading.Lock()

    def leave(self) -> tuple[str, _Way]:
        """Remember a new way, under a random state."""
        state = secrets.token_urlsafe(32)
        way = _Way(
            browser=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(32),
            until=self._clock() + _SECONDS,
        )
        with self._lock:
            self._ways[state] = way
            while len(self._ways) > _WAYS_MAX:
                self._ways.popitem(last=False)
        return state, way

    def come_back(self, state: str, browser: str) -> _Way:
        """The way of a state, which is forgotten.

        Raises:
            AuthenticationError: there is none, it took too long, or another browser left.
        """
        with self._lock:
            way = self._ways.pop(state, None)
        same = way is not None and hmac.compare_digest(way.browser.encode(), browser.encode("utf-8", "replace"))
        if way is None or not same or way.until <= self._clock():
            raise AuthenticationError("nobody left from here by this way, or too long ago", hint="Sign in again.")
        return way


def _elsewhere(request: Request) -> Elsewhere:
    found: Elsewhere | None = request.app.state.elsewhere
    if found is None:
        raise Problem("not-found", "No identity elsewhere serves here.", "See docs/how-to/sign-in.md.")
    return found


def _cookie(site: Site) -> str:
    return f"{site.cookie}-way"


@router.get("/v1/elsewhere")
async def leave(request: Request, site: FromSite) -> Response:
    """Send a browser to the provider."""
    elsewhere = _elsewhere(request)
    state, way = elsewhere.leave()
    challenge = base64.urlsafe_b64encode(sha256(way.verifier.encode()).digest()).rstrip(b"=").decode()
    address = await elsewhere.provider.address(
        back=site.origin + BACK, state=state, nonce=way.nonce, challenge=challenge
    )
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _cookie(site), way.browser, max_age=_SECONDS, path="/", secure=site.secure, httponly=True, samesite="lax"
    )
    return response


@router.get(BACK)
async def come_back(request: Request, keep: KeepOf, site: SiteOf) -> Response:
    """Sign in whom the provider sends back, if an account is bound to that identity."""
    elsewhere = _elsewhere(request)
    try:
        secret = await _signed_in(request, keep, site, elsewhere)
    except FacekeepError as error:
        refused = isinstance(error, AuthenticationError)
        request.state.problem = "unauthenticated" if refused else "unavailable"
        request.state.refusal = "not-proved" if refused else ""
        response = page("not-signed-in.html", 401 if refused else 503)
    else:
        # The browser comes from the provider's site, and would not send the new cookie if it were sent on from there.
        response = page("signed-in.html")
        site.give(response, secret)
    response.delete_cookie(_cookie(site), path="/", secure=site.secure, httponly=True, samesite="lax")
    return response


async def _signed_in(request: Request, keep: KeepOf, site: Site, elsewhere: Elsewhere) -> str:
    told = {name: request.query_params.get(name, "")[:_LONGEST] for name in ("code", "state", "iss")}
    way = elsewhere.come_back(told["state"], request.cookies.get(_cookie(site), ""))
    issuer = elsewhere.provider.issuer
    if not told["code"] or told["iss"] not in {"", issuer}:  # RFC 9207: another provider's answer
        raise AuthenticationError("the provider signed nobody in", hint="Sign in again.")
    subject = await elsewhere.provider.subject(
        code=told["code"], back=site.origin + BACK, verifier=way.verifier, nonce=way.nonce
    )
    done = await run_sync(keep.sign_in_elsewhere, issuer, subject)
    request.state.client = done.account.id.hex()
    return done.secret

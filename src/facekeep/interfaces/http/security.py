"""Who asks, and whether they may: every operation names one action, and policies decide (service.policies).

Only health, version, the description of the interface and signing in need nobody. A machine client sends a token; a
person's browser sends the cookie of a session, and then says that the request comes from the service's own pages.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from facekeep.domain.accounts import Account, Principal
from facekeep.domain.actions import Action
from facekeep.domain.capture import Assurance
from facekeep.domain.consent import Purpose
from facekeep.domain.subject import named_subject
from facekeep.errors import AuthenticationError, RefusedError
from facekeep.interfaces.http.problems import Problem
from facekeep.interfaces.http.rates import admitted
from facekeep.interfaces.http.site import Site
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from facekeep.service.policies import Policies
from facekeep.service.review_filing import ReviewFiling

__all__ = ["CapturesOf", "FilingOf", "KeepOf", "SiteOf", "action_of", "check", "keep_of", "may", "person"]

_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="The token of a machine client.")
_COOKIE = APIKeyCookie(
    name="facekeep",
    auto_error=False,
    scheme_name="session",
    description="The session of a person who signed in; named __Host-facekeep over HTTPS.",
)


def keep_of(request: Request) -> Keep:
    """The keep that is served."""
    keep: Keep = request.app.state.keep
    return keep


def site_of(request: Request) -> Site:
    """The site that people sign in at."""
    site: Site = request.app.state.site
    return site


def captures_of(request: Request) -> CaptureService:
    """The captures of the keep that is served."""
    captures: CaptureService = request.app.state.captures
    return captures


def filing_of(request: Request) -> ReviewFiling:
    """Files reviews of the keep that is served."""
    filing: ReviewFiling = request.app.state.filing
    return filing


CapturesOf = Annotated[CaptureService, Depends(captures_of)]
FilingOf = Annotated[ReviewFiling, Depends(filing_of)]
KeepOf = Annotated[Keep, Depends(keep_of)]
SiteOf = Annotated[Site, Depends(site_of)]


def may(action: Action) -> Callable[..., Coroutine[Any, Any, Principal]]:
    """A dependency: who asks, if policies let them do this."""

    async def allowed(
        request: Request,
        keep: KeepOf,
        site: SiteOf,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        _: Annotated[str | None, Depends(_COOKIE)],
    ) -> Principal:
        who = await _who(request, keep, site, given)
        request.state.client = who.id.hex()
        admitted(request, who.id.hex())
        subject = request.path_params.get("subject", "")
        if subject:
            # Policies name people by their identifiers: one that could be written otherwise would get around them.
            named_subject(subject)
        check(request, who, action, subject)
        return who

    allowed.action = action  # type: ignore[attr-defined]
    return allowed


def person(who: Principal) -> Account:
    """Who asks for what people alone do; policies let nobody else so far.

    Raises:
        RefusedError: it is a machine client.
    """
    if not isinstance(who, Account):
        raise RefusedError("only people do this", hint="Sign in.")
    return who


def check(
    request: Request,
    who: Principal,
    action: Action,
    subject: str = "",
    *,
    purpose: Purpose | None = None,
    assurance: Assurance | None = None,
) -> None:
    """Refuse what policies do not let somebody do; once more, where the body says for what it is asked.

    Raises:
        Problem: they do not.
    """
    ruling = _policies(request).decide(who, action, subject, datetime.now(UTC), purpose=purpose, assurance=assurance)
    if not ruling.allowed:
        request.state.refusal = ruling.reason
        raise Problem(
            "forbidden",
            f"You may not do this: {action}.",
            "docs/reference/access.md says which roles and scopes may; an administrator gives them.",
        )


def allows(request: Request, who: Principal, action: Action, subject: str) -> bool:
    """Whether policies let somebody do something else too, of which an answer tells then."""
    return _policies(request).decide(who, action, subject, datetime.now(UTC)).allowed


def _policies(request: Request) -> Policies:
    policies: Policies = request.app.state.policies
    return policies


async def _who(request: Request, keep: Keep, site: Site, given: HTTPAuthorizationCredentials | None) -> Principal:
    if given is not None:
        request.state.refusal = "unknown-token"
        who: Principal = await run_sync(keep.authenticate, given.credentials)
    elif (secret := site.session_of(request)) is not None:
        request.state.refusal = "other-site"
        site.check_same_site(request)
        request.state.refusal = "unknown-session"
        who, _ = await run_sync(keep.signed_in, secret)
    else:
        request.state.refusal = "no-credentials"
        raise AuthenticationError("no token was sent, and nobody is signed in")
    request.state.refusal = ""
    return who


def action_of(route: APIRoute) -> Action | None:
    """What an operation does; None where it needs nobody."""
    actions = [getattr(part.call, "action", None) for part in route.dependant.dependencies]
    return next((action for action in actions if action is not None), None)

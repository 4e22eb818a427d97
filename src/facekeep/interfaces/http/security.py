"""Who asks, and what it may do.

Every operation names the scope that it needs; only health, version and the description of the interface need none.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from facekeep.domain.access import Client, Scope
from facekeep.errors import AuthenticationError
from facekeep.interfaces.http.problems import Problem
from facekeep.interfaces.http.rates import admitted
from facekeep.service.keep import Keep

__all__ = ["KeepOf", "keep_of", "operator_of", "scope_of", "scoped"]

_BEARER = HTTPBearer(auto_error=False, scheme_name="token", description="The token of a machine client.")


def keep_of(request: Request) -> Keep:
    """The keep that is served."""
    keep: Keep = request.app.state.keep
    return keep


KeepOf = Annotated[Keep, Depends(keep_of)]


def scoped(scope: Scope) -> Callable[..., Coroutine[Any, Any, Client]]:
    """A dependency: the client that asks, if it has the scope."""

    async def allowed(
        request: Request, keep: KeepOf, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
    ) -> Client:
        if given is None:
            raise AuthenticationError("no token was sent")
        client = await run_sync(keep.authenticate, given.credentials)
        request.state.client = client.id.hex()
        admitted(request, client.id.hex())
        if scope not in client.scopes:
            raise Problem(
                "forbidden", f"This needs the scope {scope}.", "Ask an administrator for a token that has it."
            )
        return client

    allowed.scope = scope  # type: ignore[attr-defined]
    return allowed


def scope_of(route: APIRoute) -> Scope | None:
    """The scope that an operation needs; None where it needs no token."""
    scopes = [getattr(part.call, "scope", None) for part in route.dependant.dependencies]
    return next((scope for scope in scopes if scope is not None), None)


def operator_of(client: Client) -> str:
    """The name by which the halves count a client's searches; they see a pseudonym of it only."""
    return f"client {client.name}"[:128]

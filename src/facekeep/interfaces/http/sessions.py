"""The session of whoever is signed in: told, and ended."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Account, Principal, Role, Session
from facekeep.domain.actions import Action
from facekeep.errors import AuthenticationError
from facekeep.interfaces.http.problems import ALWAYS, documented
from facekeep.interfaces.http.security import KeepOf, SiteOf, may

__all__ = ["SessionAnswer", "answer_of", "router"]

router = APIRouter(prefix="/v1")

_PLAIN = documented(*ALWAYS)


class SessionAnswer(BaseModel):
    """Who is signed in, and until when."""

    account: str = Field(description="The name of the account.")
    roles: list[Role]
    subject: str | None = Field(description="The identifier of the data subject that the person is.")
    expires: datetime = Field(description="When it ends, unless it is used again before; never after twelve hours.")


def answer_of(account: Account, session: Session) -> SessionAnswer:
    """A session as it is told."""
    return SessionAnswer(
        account=account.name,
        roles=sorted(account.roles),
        subject=None if account.subject is None else account.subject.hex(),
        expires=session.expires,
    )


@router.get("/session", responses=_PLAIN)
async def show_session(
    request: Request, keep: KeepOf, site: SiteOf, _: Annotated[Principal, Depends(may(Action.READ_SESSION))]
) -> SessionAnswer:
    """Who is signed in, and until when."""
    secret = site.session_of(request)
    if secret is None:
        raise AuthenticationError("nobody is signed in")
    return answer_of(*await run_sync(keep.signed_in, secret))


@router.delete("/session", status_code=204, response_class=Response, responses=_PLAIN)
async def end_session(
    request: Request, keep: KeepOf, site: SiteOf, _: Annotated[Principal, Depends(may(Action.END_SESSION))]
) -> Response:
    """Sign out."""
    secret = site.session_of(request)
    if secret is not None:
        await run_sync(keep.end_session, secret)
    response = Response(status_code=204)
    site.take(response)
    return response

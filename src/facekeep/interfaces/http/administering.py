"""Tokens of machine clients and accounts of people, for administrators. Secrets are in the first answer only.

Clients and accounts are named in paths by random identifiers. An answer that is kept for a request that may be
sent again is kept without its secret: a token or a link lies nowhere, not even sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.access import ORGANISATION_MAX, Client, Scope
from facekeep.domain.accounts import Account, Principal, Role
from facekeep.domain.actions import Action
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, Nothing, once, without
from facekeep.interfaces.http.paging import After, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, Problem, documented
from facekeep.interfaces.http.security import KeepOf, SiteOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged
from facekeep.service.accounts import AccountDetails, Invited
from facekeep.service.keep import Keep

__all__ = ["router"]

router = APIRouter(prefix="/v1")

_ENDING = (*KEYED_ON, "signature-needed")
"""What may be answered where somebody's keys are revoked along."""

_Id = Annotated[str, Field(description="32 hexadecimal digits.")]
_Organisation = Annotated[
    str, Field(max_length=ORGANISATION_MAX, description="Whose reviews it sees or files; empty for the keep's own.")
]


class TokenRequest(Body):
    """A new machine client."""

    name: str = Field(min_length=1, max_length=128, description="What operators call it, unique.")
    scopes: list[Scope] = Field(min_length=1, max_length=len(Scope), description="What it may do; not administer.")
    days: int = Field(30, ge=1, le=366, description="For how long.")
    organisation: _Organisation = ""


class TokenAnswer(BaseModel):
    """A machine client, without its token."""

    id: _Id
    name: str
    scopes: list[Scope]
    created: datetime
    expires: datetime
    organisation: _Organisation


class NewTokenAnswer(TokenAnswer):
    """A new machine client with its token, which is told this once."""

    token: str | None = Field(description="Null if the request is sent again.")


class TokenPage(BaseModel):
    """A page of machine clients, in an order that stays the same."""

    tokens: list[TokenAnswer]
    next: Next


class AccountRequest(Body):
    """A new account."""

    name: str = Field(min_length=1, max_length=128, description="What others call it, unique.")
    roles: list[Role] = Field(min_length=1, max_length=len(Role), description="What the person is.")
    subject: str = Field("", max_length=64, description="The data subject that the person is, with that role.")
    issuer: str = Field("", max_length=1024, description="Who else vouches for the person, by OpenID Connect.")
    issuer_subject: str = Field("", max_length=255, description="By which name (sub) the issuer knows the person.")
    organisation: _Organisation = ""


class RolesRequest(Body):
    """All roles that an account shall have."""

    roles: list[Role] = Field(min_length=1, max_length=len(Role))


class AccountAnswer(BaseModel):
    """An account."""

    id: _Id
    name: str
    roles: list[Role]
    subject: str | None = Field(description="The data subject that the person is.")
    created: datetime
    organisation: _Organisation


class IdentityAnswer(BaseModel):
    """An identity elsewhere."""

    issuer: str
    subject: str


class AccountDetailsAnswer(AccountAnswer):
    """An account, and how its person can sign in."""

    passkeys: int
    identities: list[IdentityAnswer]
    last_seen: datetime | None = Field(description="To the minute.")


class InvitedAnswer(AccountAnswer):
    """An account with the link by which its person registers a passkey, which is told this once."""

    link: str | None = Field(description="Null if the request is sent again.")
    link_expires: datetime


class AccountPage(BaseModel):
    """A page of accounts, in an order that stays the same."""

    accounts: list[AccountDetailsAnswer]
    next: Next


class DoneAnswer(BaseModel):
    """With whom it was done."""

    id: _Id


@router.get("/tokens", response_model=TokenPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_tokens(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_TOKENS))],
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A page of machine clients; never their tokens."""
    found, following = page(await run_sync(keep.clients), lambda client: client.id.hex(), after, limit)
    return tagged(request, TokenPage(tokens=[_token(client) for client in found], next=following))


@router.post(
    "/tokens",
    status_code=201,
    response_model=NewTokenAnswer,
    responses=documented(*WITH_BODY, "request-under-way"),
    openapi_extra=documented_body(TokenRequest, **KEYED),
)
async def create_token(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.CREATE_TOKEN))]
) -> Response:
    """Make a machine client with a token, which is told this once."""
    asked = await read(request, TokenRequest)
    if Scope.ADMINISTER in asked.scopes:
        request.state.refusal = "no-token-administers"
        raise Problem(
            "forbidden", "The service makes no token that administers.", "On its machine: facekeep token create."
        )
    return await once(request, keep, who, asked, partial(_create, keep, asked, who), kept=without("token"))


def _create(keep: Keep, asked: TokenRequest, by: Principal) -> NewTokenAnswer:
    issued = keep.issue_token(asked.name, asked.scopes, days=asked.days, organisation=asked.organisation, by=by)
    return NewTokenAnswer(**_token(issued.client).model_dump(), token=issued.token)


@router.delete("/tokens/{token}", response_model=DoneAnswer, responses=documented(*_ENDING), openapi_extra=KEYED)
async def revoke_token(
    token: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.REVOKE_TOKEN))]
) -> Response:
    """Revoke the token of a machine client, named by the client's identifier."""

    def do() -> DoneAnswer:
        keep.revoke_token(keep.client(token).name, by=who)
        return DoneAnswer(id=token)

    return await once(request, keep, who, Nothing(), do, status=200)


@router.get(
    "/accounts", response_model=AccountPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED}
)
async def list_accounts(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_ACCOUNTS))],
    after: After = None,
    limit: Limit = 50,
) -> Response:
    """A page of accounts of people."""
    found, following = page(await run_sync(keep.accounts), lambda one: one.account.id.hex(), after, limit)
    return tagged(request, AccountPage(accounts=[_details(details) for details in found], next=following))


@router.post(
    "/accounts",
    status_code=201,
    response_model=InvitedAnswer,
    responses=documented(*WITH_BODY, "request-under-way", "not-found"),
    openapi_extra=documented_body(AccountRequest, **KEYED),
)
async def create_account(
    request: Request, keep: KeepOf, site: SiteOf, who: Annotated[Principal, Depends(may(Action.CREATE_ACCOUNT))]
) -> Response:
    """Make an account, with a link by which its person registers a passkey, once, within three days."""
    asked = await read(request, AccountRequest)
    if bool(asked.issuer) != bool(asked.issuer_subject):
        raise Problem("invalid-request", "An identity elsewhere is an issuer and a subject.", "Give both, or none.")
    do = partial(_create_account, keep, asked, site.origin, who)
    return await once(request, keep, who, asked, do, kept=without("link"), about=_subject_of)


def _create_account(keep: Keep, asked: AccountRequest, origin: str, by: Principal) -> InvitedAnswer:
    label = keep.label_of(asked.subject) if asked.subject else None
    identity = (asked.issuer, asked.issuer_subject) if asked.issuer else None
    made = keep.invite(asked.name, asked.roles, label=label, identity=identity, organisation=asked.organisation, by=by)
    return _invited(made, origin)


@router.patch(
    "/accounts/{account}",
    response_model=AccountAnswer,
    responses=documented(*WITH_BODY, "request-under-way", "not-found", "signature-needed"),
    openapi_extra=documented_body(RolesRequest, **KEYED),
)
async def change_account(
    account: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.CHANGE_ACCOUNT))]
) -> Response:
    """Give an account other roles, from its next request on. One that may not search any more loses its keys."""
    asked = await read(request, RolesRequest)

    def do() -> AccountAnswer:
        return _account(keep.change_roles(keep.account(account).name, asked.roles, by=who))

    return await once(request, keep, who, asked, do, status=200, about=_subject_of)


@router.delete("/accounts/{account}", response_model=DoneAnswer, responses=documented(*_ENDING), openapi_extra=KEYED)
async def revoke_account(
    account: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.REVOKE_ACCOUNT))]
) -> Response:
    """Revoke an account with its passkeys, sessions and invitations."""
    do = partial(_end, keep, account, partial(keep.revoke_account, by=who))
    return await once(request, keep, who, Nothing(), do, status=200)


@router.delete(
    "/accounts/{account}/sessions", response_model=DoneAnswer, responses=documented(*KEYED_ON), openapi_extra=KEYED
)
async def sign_out_account(
    account: str, request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.SIGN_OUT_ACCOUNT))]
) -> Response:
    """End every session of an account; its person may sign in again."""
    return await once(request, keep, who, Nothing(), partial(_end, keep, account, keep.sign_out), status=200)


def _end(keep: Keep, account: str, how: Callable[[str], None]) -> DoneAnswer:
    how(keep.account(account).name)
    return DoneAnswer(id=account)


@router.post(
    "/accounts/{account}/invitations",
    status_code=201,
    response_model=InvitedAnswer,
    responses=documented(*WITH_BODY, "request-under-way", "not-found"),
    openapi_extra=documented_body(Nothing, **KEYED),
)
async def invite_again(
    account: str,
    request: Request,
    keep: KeepOf,
    site: SiteOf,
    who: Annotated[Principal, Depends(may(Action.INVITE_ACCOUNT))],
) -> Response:
    """Make a new link for an account; an older one works no more."""
    asked = await read(request, Nothing)
    do = partial(_invite_again, keep, account, site.origin, who)
    return await once(request, keep, who, asked, do, kept=without("link"), about=_subject_of)


def _subject_of(account: AccountAnswer) -> str | None:
    return account.subject


def _invite_again(keep: Keep, account: str, origin: str, by: Principal) -> InvitedAnswer:
    return _invited(keep.invite_again(keep.account(account).name, by=by), origin)


def _token(client: Client) -> TokenAnswer:
    return TokenAnswer(
        id=client.id.hex(),
        name=client.name,
        scopes=sorted(client.scopes),
        created=client.created,
        expires=client.expires,
        organisation=client.organisation,
    )


def _account(account: Account) -> AccountAnswer:
    return AccountAnswer(
        id=account.id.hex(),
        name=account.name,
        roles=sorted(account.roles),
        subject=None if account.subject is None else account.subject.hex(),
        created=account.created,
        organisation=account.organisation,
    )


def _details(details: AccountDetails) -> AccountDetailsAnswer:
    return AccountDetailsAnswer(
        **_account(details.account).model_dump(),
        passkeys=details.passkeys,
        identities=[IdentityAnswer(issuer=issuer, subject=subject) for issuer, subject in details.identities],
        last_seen=details.last_seen,
    )


def _invited(invited: Invited, origin: str) -> InvitedAnswer:
    return InvitedAnswer(
        **_account(invited.account).model_dump(),
        link=f"{origin}/sign-up#{invited.secret}",
        link_expires=invited.invitation.expires,
    )

"""What administrators ask: tokens and accounts, as values. See client.calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from facekeep.client.calls import Call, Json, Page, listed
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """A machine client.

    Attributes:
        id: 32 hexadecimal digits.
        name: what operators call it.
        scopes: what it may do.
        created: when.
        expires: from when on its token is refused.
        token: of a new client; "" in lists, and where the request was sent again.
        organisation: for whom it asks, "" for the keep's own.
    """

    id: str
    name: str = field(repr=False)
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime
    token: str = field(default="", repr=False)
    organisation: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AccountSummary:
    """An account of a person.

    Attributes:
        id: 32 hexadecimal digits.
        name: what others call it.
        roles: what the person is.
        subject: identifier of the data subject that the person is, or None.
        created: when.
        link: of a new invitation; "" elsewhere, and where the request was sent again.
        link_expires: from when on it is refused.
        passkeys: how many are registered; 0 but in lists.
        identities: issuer and subject of identities elsewhere, in lists.
        last_seen: when it was last signed in, in lists, to the minute.
        organisation: for whom the person works, "" for the keep's own.
    """

    id: str
    name: str = field(repr=False)
    roles: frozenset[Role]
    subject: str | None
    created: datetime
    link: str = field(default="", repr=False)
    link_expires: datetime | None = None
    passkeys: int = 0
    identities: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    last_seen: datetime | None = None
    organisation: str = field(default="", repr=False)


def tokens(after: str | None) -> Call[Page[TokenDetails]]:
    """See :meth:`facekeep.client.Client.tokens`."""
    return listed("/v1/tokens", "tokens", _token, after)


def create_token(name: str, scopes: Sequence[Scope], days: int, organisation: str, key: str) -> Call[TokenDetails]:
    """See :meth:`facekeep.client.Client.create_token`."""
    body = {"name": name, "scopes": [scope.value for scope in scopes], "days": days, "organisation": organisation}
    return Call("POST", "/v1/tokens", _token, json=body, key=key)


def revoke_token(token: str, key: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.revoke_token`."""
    return Call("DELETE", f"/v1/tokens/{quote(token, safe='')}", _nothing, key=key)


def accounts(after: str | None) -> Call[Page[AccountSummary]]:
    """See :meth:`facekeep.client.Client.accounts`."""
    return listed("/v1/accounts", "accounts", _account, after)


def create_account(
    name: str,
    roles: Sequence[Role],
    subject: str,
    identity: tuple[str, str] | None,
    *,
    organisation: str,
    key: str,
) -> Call[AccountSummary]:
    """See :meth:`facekeep.client.Client.create_account`."""
    issuer, issuer_subject = identity or ("", "")
    body = {"name": name, "roles": [role.value for role in roles], "subject": subject}
    more = {"issuer": issuer, "issuer_subject": issuer_subject, "organisation": organisation}
    return Call("POST", "/v1/accounts", _account, json={**body, **more}, key=key)


def change_account(account: str, roles: Sequence[Role], key: str) -> Call[AccountSummary]:
    """See :meth:`facekeep.client.Client.change_account`."""
    return Call("PATCH", _of(account), _account, json={"roles": [role.value for role in roles]}, key=key)


def revoke_account(account: str, key: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.revoke_account`."""
    return Call("DELETE", _of(account), _nothing, key=key)


def sign_out_account(account: str, key: str) -> Call[None]:
    """See :meth:`facekeep.client.Client.sign_out_account`."""
    return Call("DELETE", f"{_of(account)}/sessions", _nothing, key=key)


def invite_account(account: str, key: str) -> Call[AccountSummary]:
    """See :meth:`facekeep.client.Client.invite_account`."""
    return Call("POST", f"{_of(account)}/invitations", _account, json={}, key=key)


def _of(account: str) -> str:
    return f"/v1/accounts/{quote(account, safe='')}"


def _nothing(_: Any) -> None:
    return None


def _token(d: Json) -> TokenDetails:
    scopes = frozenset(map(Scope, d["scopes"]))
    created, expires = datetime.fromisoformat(d["created"]), datetime.fromisoformat(d["expires"])
    return TokenDetails(d["id"], d["name"], scopes, created, expires, d.get("token") or "", d["organisation"])


def _maybe(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _account(d: Json) -> AccountSummary:
    return AccountSummary(
        d["id"],
        d["name"],
        frozenset(map(Role, d["roles"])),
        d["subject"],
        datetime.fromisoformat(d["created"]),
        d.get("link") or "",
        _maybe(d.get("link_expires")),
        d.get("passkeys", 0),
        tuple((identity["issuer"], identity["subject"]) for identity in d.get("identities", ())),
        _maybe(d.get("last_seen")),
        d["organisation"],
    )

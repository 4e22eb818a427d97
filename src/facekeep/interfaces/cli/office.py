"""What commands about tokens and accounts work at: the keep on this machine, or one that is served elsewhere.

Commands name clients and accounts by their names; a server is asked by identifiers, which its lists give.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TypedDict

import typer

from facekeep.domain.subject import normalised_label
from facekeep.errors import NotFoundError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import connected
from facekeep.interfaces.cli.place import Place

if TYPE_CHECKING:
    from datetime import datetime

    from facekeep.client import AccountSummary, Client, TokenDetails
    from facekeep.domain.access import Client as MachineClient
    from facekeep.domain.access import Scope
    from facekeep.domain.accounts import Account, Role
    from facekeep.service.accounts import Invited
    from facekeep.service.keep import Keep

__all__ = ["DEFAULT_ORIGIN", "LocalOffice", "Office", "RemoteOffice", "office"]

DEFAULT_ORIGIN = "http://localhost:8744"


class _Parts(TypedDict):
    id: str
    name: str
    roles: frozenset[Role]
    subject: str | None
    created: datetime
    organisation: str


class Office(Protocol):
    """See :class:`facekeep.service.keep.Keep` for what each of these means and raises."""

    def tokens(self) -> Sequence[TokenDetails]:
        """All machine clients."""

    def create_token(self, name: str, scopes: Collection[Scope], days: int, organisation: str) -> TokenDetails:
        """Make one, with its token."""

    def revoke_token(self, name: str) -> None:
        """Revoke its token."""

    def accounts(self) -> Sequence[AccountSummary]:
        """All accounts."""

    def invite(
        self,
        name: str,
        roles: Collection[Role],
        label: str | None,
        identity: tuple[str, str] | None,
        organisation: str,
    ) -> AccountSummary:
        """Make one, with its link."""

    def invite_again(self, name: str) -> AccountSummary:
        """A new link."""

    def change_roles(self, name: str, roles: Collection[Role]) -> AccountSummary:
        """Give it other roles."""

    def revoke_account(self, name: str) -> None:
        """Revoke it."""

    def sign_out(self, name: str) -> None:
        """End its sessions."""


@contextmanager
def office(context: typer.Context, place: Place, origin: str | None = None) -> Iterator[Office]:
    """Work at a place until the block ends.

    Args:
        context: of the command.
        place: where.
        origin: where people sign in, for links; a server knows it by itself.

    Raises:
        UsageError: no place was named, or more than one; or an origin for a server.
    """
    parts = composition(context)
    address = place.served(parts.settings)
    if address is None:
        with parts.open(place.keep) as keep:
            yield LocalOffice(keep, origin or parts.settings.origin or DEFAULT_ORIGIN, parts.operator(None))
        return
    if origin is not None:
        raise UsageError("a server knows where people sign in", hint="Leave --origin away.")
    with connected(parts, place, address) as client:
        yield RemoteOffice(client)


class LocalOffice:
    """By an open keep."""

    def __init__(self, keep: Keep, origin: str, operator: str) -> None:
        self._keep = keep
        self._origin = origin
        self._operator = operator

    def tokens(self) -> Sequence[TokenDetails]:
        """See :class:`Office`."""
        return [_token(client) for client in self._keep.clients()]

    def create_token(self, name: str, scopes: Collection[Scope], days: int, organisation: str) -> TokenDetails:
        """See :class:`Office`."""
        issued = self._keep.issue_token(name, scopes, days=days, organisation=organisation, by=self._operator)
        return _token(issued.client, issued.token)

    def revoke_token(self, name: str) -> None:
        """See :class:`Office`."""
        self._keep.revoke_token(name, by=self._operator)

    def accounts(self) -> Sequence[AccountSummary]:
        """See :class:`Office`."""
        from facekeep.client import AccountSummary

        return [
            AccountSummary(
                **_parts(details.account),
                passkeys=details.passkeys,
                identities=details.identities,
                last_seen=details.last_seen,
            )
            for details in self._keep.accounts()
        ]

    def invite(
        self,
        name: str,
        roles: Collection[Role],
        label: str | None,
        identity: tuple[str, str] | None,
        organisation: str,
    ) -> AccountSummary:
        """See :class:`Office`."""
        made = self._keep.invite(
            name, roles, label=label, identity=identity, organisation=organisation, by=self._operator
        )
        return self._invited(made)

    def invite_again(self, name: str) -> AccountSummary:
        """See :class:`Office`."""
        return self._invited(self._keep.invite_again(name, by=self._operator))

    def change_roles(self, name: str, roles: Collection[Role]) -> AccountSummary:
        """See :class:`Office`."""
        from facekeep.client import AccountSummary

        return AccountSummary(**_parts(self._keep.change_roles(name, roles, by=self._operator)))

    def revoke_account(self, name: str) -> None:
        """See :class:`Office`."""
        self._keep.revoke_account(name, by=self._operator)

    def sign_out(self, name: str) -> None:
        """See :class:`Office`."""
        self._keep.sign_out(name)

    def _invited(self, invited: Invited) -> AccountSummary:
        from facekeep.client import AccountSummary

        # What is behind the # is not sent to servers, and is in no log of a proxy.
        link = f"{self._origin}/sign-up#{invited.secret}"
        return AccountSummary(**_parts(invited.account), link=link, link_expires=invited.invitation.expires)


class RemoteOffice:
    """By a client of the service, whose token has the scope ``administer``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def tokens(self) -> Sequence[TokenDetails]:
        """See :class:`Office`."""
        return self._client.tokens()

    def create_token(self, name: str, scopes: Collection[Scope], days: int, organisation: str) -> TokenDetails:
        """See :class:`Office`."""
        return self._client.create_token(name, sorted(scopes), days=days, organisation=organisation)

    def revoke_token(self, name: str) -> None:
        """See :class:`Office`."""
        found = next((token for token in self._client.tokens() if token.name == normalised_label(name)), None)
        if found is None:
            raise NotFoundError("there is no such client", hint="List them: facekeep token list.")
        self._client.revoke_token(found.id)

    def accounts(self) -> Sequence[AccountSummary]:
        """See :class:`Office`."""
        return self._client.accounts()

    def invite(
        self,
        name: str,
        roles: Collection[Role],
        label: str | None,
        identity: tuple[str, str] | None,
        organisation: str,
    ) -> AccountSummary:
        """See :class:`Office`."""
        # The label is looked up with the scope ``read``.
        subject = "" if label is None else self._client.find(label).id
        return self._client.create_account(
            name, sorted(roles), subject=subject, identity=identity, organisation=organisation
        )

    def invite_again(self, name: str) -> AccountSummary:
        """See :class:`Office`."""
        return self._client.invite_account(self._id(name))

    def change_roles(self, name: str, roles: Collection[Role]) -> AccountSummary:
        """See :class:`Office`."""
        return self._client.change_account(self._id(name), sorted(roles))

    def revoke_account(self, name: str) -> None:
        """See :class:`Office`."""
        self._client.revoke_account(self._id(name))

    def sign_out(self, name: str) -> None:
        """See :class:`Office`."""
        self._client.sign_out_account(self._id(name))

    def _id(self, name: str) -> str:
        found = next((account for account in self._client.accounts() if account.name == normalised_label(name)), None)
        if found is None:
            raise NotFoundError("there is no such account", hint="List them: facekeep account list.")
        return found.id


def _token(client: MachineClient, token: str = "") -> TokenDetails:
    from facekeep.client import TokenDetails

    return TokenDetails(
        client.id.hex(), client.name, client.scopes, client.created, client.expires, token, client.organisation
    )


def _parts(account: Account) -> _Parts:
    return {
        "id": account.id.hex(),
        "name": account.name,
        "roles": account.roles,
        "subject": None if account.subject is None else account.subject.hex(),
        "created": account.created,
        "organisation": account.organisation,
    }

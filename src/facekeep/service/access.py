"""Machine clients: their tokens are shown once and kept as digests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from facekeep.domain.access import Client, Scope
from facekeep.domain.ledger import EntryKind, deed, written
from facekeep.errors import AuthenticationError, NotFoundError, UsageError
from facekeep.service.bearer import digest_of, new_secret
from facekeep.store.registry import Registry

TOKEN_DAYS_MAX = 366
_PREFIX = "fkt1_"


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new client with its token, which cannot be shown again."""

    client: Client
    token: str = field(repr=False)


class AccessService:
    """Issues, checks and revokes the tokens of machine clients."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def issue(
        self,
        name: str,
        scopes: Iterable[Scope],
        days: int,
        now: datetime,
        by: str = "",
        *,
        organisation: str = "",
    ) -> IssuedToken:
        """Make a client.

        Args:
            name: what operators call it, unique in the keep.
            scopes: what it may do, at least one.
            days: for how long, 1 to 366.
            now: the time.
            by: the pseudonym of who makes it, or "".
            organisation: for whom it asks, "" for the keep's own.

        Raises:
            UsageError: no scope, too long, or the name is taken.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
        """
        allowed = frozenset(scopes)
        if not allowed:
            raise UsageError("a token may do nothing without a scope", hint=f"Scopes are {', '.join(Scope)}.")
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise UsageError(f"a token lives 1 to {TOKEN_DAYS_MAX} days")
        token = new_secret(_PREFIX)
        with self._registry.transaction() as tx:
            ends = now + timedelta(days=days)
            client = tx.add_client(
                name, allowed, digest_of(token), created=now, expires=ends, organisation=organisation
            )
            facts = {"client": client.id.hex(), "scopes": " ".join(sorted(allowed)), "until": written(ends)}
            tx.record([deed(EntryKind.TOKEN_CREATED, now, by, **facts)])
        return IssuedToken(client, token)

    def authenticate(self, token: str, now: datetime) -> Client:
        """The client of a token.

        Raises:
            AuthenticationError: there is none, or its time is over.
        """
        client = self._registry.client_by_digest(digest_of(token))
        if client is None or client.expires <= now:
            raise AuthenticationError("nobody is known by this token")
        return client

    def clients(self) -> tuple[Client, ...]:
        """All clients, oldest first; expired ones too, until they are revoked."""
        return self._registry.clients()

    def named(self, name: str) -> Client:
        """The client of a name.

        Raises:
            NotFoundError: there is none of this name.
        """
        client = self._registry.client_by_name(name)
        if client is None:
            raise NotFoundError("there is no such client", hint="List them: facekeep token list.")
        return client

    def revoke(self, name: str, now: datetime, by: str = "") -> None:
        """Forget a client; its token is refused from then on.

        Raises:
            NotFoundError: there is none of this name.
        """
        client = self.named(name)
        with self._registry.transaction() as tx:
            tx.remove_client(client.id)
            tx.record([deed(EntryKind.TOKEN_REVOKED, now, by, client=client.id.hex())])

"""What the registry holds of people who sign in, read in one snapshot."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from facekeep.domain.accounts import Account, AccountId, Invitation, Passkey, Role, Session
from facekeep.errors import NotFoundError
from facekeep.store import tables
from facekeep.store.records import read_time
from facekeep.store.snapshot import Snapshot, moved

__all__ = ["AccountReading", "identity_bytes"]


class AccountReading(Snapshot):
    """The part of a view that is about accounts."""

    def accounts(self) -> tuple[Account, ...]:
        """All accounts, oldest first."""
        found = (self._account_of(row) for row in self._connection.execute(select(tables.accounts)).all())
        return tuple(sorted(found, key=lambda account: (account.created, account.id)))

    def account(self, account: AccountId) -> Account:
        """The account of this identifier.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        row = self._row(tables.accounts.c.id, account)
        if row is None:
            raise NotFoundError("there is no such account", hint="List them: facekeep account list.")
        return self._account_of(row)

    def account_by_name(self, name: str) -> Account | None:
        """The account of this name, which is in its normal form, or None."""
        row = self._find(tables.accounts.c.handle, name)
        if row is None:
            return None
        found = self._account_of(row)
        if found.name != name:
            raise moved(tables.accounts)
        return found

    def account_by_identity(self, issuer: str, subject: str) -> Account | None:
        """The account that is bound to an identity elsewhere, or None.

        Args:
            issuer: who vouches for it, an address.
            subject: by which name it is known there.
        """
        row = self._find(tables.identities.c.identity, identity_bytes(issuer, subject))
        if row is None:
            return None
        record = self._vault.root.open(tables.identities.c.sealed, row.id, row.sealed)
        if (record["issuer"], record["subject"], record["account"]) != (issuer, subject, row.account):
            raise moved(tables.identities)
        return self.account(row.account)

    def identities_of(self, account: AccountId) -> tuple[tuple[str, str], ...]:
        """Issuer and subject of the identities elsewhere that an account is bound to, sorted."""
        rows = self._rows(tables.identities.c.account, account)
        found = (self._vault.root.open(tables.identities.c.sealed, row.id, row.sealed) for row in rows)
        return tuple(sorted((record["issuer"], record["subject"]) for record in found))

    def passkeys_of(self, account: AccountId) -> tuple[Passkey, ...]:
        """The passkeys of an account, oldest first."""
        found = (self._passkey_of(row) for row in self._rows(tables.passkeys.c.account, account))
        return tuple(sorted(found, key=lambda passkey: (passkey.created, passkey.id)))

    def passkey_by_credential(self, credential: bytes) -> Passkey | None:
        """The passkey that an authenticator names so, or None."""
        row = self._find(tables.passkeys.c.credential, credential)
        if row is None:
            return None
        found = self._passkey_of(row)
        if found.credential != credential:
            raise moved(tables.passkeys)
        return found

    def session_by_digest(self, digest: bytes) -> Session | None:
        """The session whose secret has this SHA-256, or None."""
        row = self._find(tables.sessions.c.secret, digest)
        if row is None:
            return None
        record = self._vault.root.open(tables.sessions.c.sealed, row.id, row.sealed)
        if (record["digest"], record["account"]) != (digest, row.account):
            raise moved(tables.sessions)
        return Session(row.id, row.account, read_time(record["created"]), read_time(record["seen"]))

    def sessions_of(self, account: AccountId) -> tuple[Session, ...]:
        """The sessions of an account, oldest first; those that are over too, until the next one begins."""
        opened = (
            (row, self._vault.root.open(tables.sessions.c.sealed, row.id, row.sealed))
            for row in self._rows(tables.sessions.c.account, account)
        )
        found = (Session(row.id, row.account, read_time(r["created"]), read_time(r["seen"])) for row, r in opened)
        return tuple(sorted(found, key=lambda session: (session.created, session.id)))

    def invitation_by_digest(self, digest: bytes) -> Invitation | None:
        """The invitation whose secret has this SHA-256, or None."""
        row = self._find(tables.invitations.c.secret, digest)
        if row is None:
            return None
        record = self._vault.root.open(tables.invitations.c.sealed, row.id, row.sealed)
        if (record["digest"], record["account"]) != (digest, row.account):
            raise moved(tables.invitations)
        return Invitation(row.id, row.account, read_time(record["created"]))

    def invitations_of(self, account: AccountId) -> tuple[Invitation, ...]:
        """The invitations of an account whose links were not used, oldest first; those that are too old too."""
        opened = (
            (row, self._vault.root.open(tables.invitations.c.sealed, row.id, row.sealed))
            for row in self._rows(tables.invitations.c.account, account)
        )
        found = (Invitation(row.id, row.account, read_time(record["created"])) for row, record in opened)
        return tuple(sorted(found, key=lambda invitation: (invitation.created, invitation.id)))

    def _account_of(self, row: Row[Any]) -> Account:
        record = self._vault.root.open(tables.accounts.c.sealed, row.id, row.sealed)
        if record["subject"] != row.subject:
            raise moved(tables.accounts)
        return Account(
            id=row.id,
            name=record["name"],
            roles=frozenset(Role(role) for role in record["roles"]),
            subject=record["subject"],
            created=read_time(record["created"]),
            organisation=record.get("organisation", ""),  # records of before there were organisations have none
        )

    def _passkey_of(self, row: Row[Any]) -> Passkey:
        record = self._vault.root.open(tables.passkeys.c.sealed, row.id, row.sealed)
        if record["account"] != row.account:
            raise moved(tables.passkeys)
        return Passkey(
            id=row.id,
            account=row.account,
            credential=record["credential"],
            public_key=record["public_key"],
            sign_count=record["sign_count"],
            created=read_time(record["created"]),
        )


def identity_bytes(issuer: str, subject: str) -> bytes:
    """Issuer and subject as one text that no other pair gives."""
    encoded = issuer.encode()
    return len(encoded).to_bytes(4, "big") + encoded + subject.encode()

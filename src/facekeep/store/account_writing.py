"""What the registry holds of people who sign in, written in one transaction."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, insert, update

from facekeep.domain.access import normalised_organisation
from facekeep.domain.accounts import (
    ACCOUNT_ID_BYTES,
    Account,
    AccountId,
    Invitation,
    InvitationId,
    Passkey,
    PasskeyId,
    Role,
    Session,
    SessionId,
)
from facekeep.domain.subject import SubjectId, normalised_label
from facekeep.errors import UsageError
from facekeep.store import tables
from facekeep.store.account_reading import AccountReading, identity_bytes
from facekeep.store.records import Value, write_time

__all__ = ["AccountWriting"]

_ROW_BYTES = 16


class AccountWriting(AccountReading):
    """The part of a transaction that is about accounts. Times are passed in, with time zone."""

    scrub: bool

    def add_account(
        self,
        name: str,
        roles: Iterable[Role],
        *,
        subject: SubjectId | None,
        created: datetime,
        organisation: str = "",
    ) -> Account:
        """Record an account.

        Raises:
            UsageError: there is already one with this name.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
            ValueError: roles, subject and organisation do not fit each other.
        """
        name = normalised_label(name)
        if self._find(tables.accounts.c.handle, name) is not None:
            raise UsageError(
                "there is already an account with this name",
                hint="For another link, invite it without a role; for somebody else, take another name.",
            )
        identifier = AccountId(os.urandom(ACCOUNT_ID_BYTES))
        organisation = normalised_organisation(organisation)
        account = Account(identifier, name, frozenset(roles), subject, created, organisation)
        self._connection.execute(
            insert(tables.accounts).values(
                id=account.id,
                handle=self._vault.index(tables.accounts.c.handle, name),
                subject=subject,
                sealed=self._sealed_account(account),
            )
        )
        return account

    def change_roles(self, account: AccountId, roles: Iterable[Role]) -> Account:
        """Give an account other roles.

        Raises:
            NotFoundError: there is no such account.
            ValueError: the roles do not fit the account.
        """
        changed = replace(self.account(account), roles=frozenset(roles))
        sealed = self._sealed_account(changed)
        self._connection.execute(update(tables.accounts).where(tables.accounts.c.id == account).values(sealed=sealed))
        return changed

    def remove_account(self, account: AccountId) -> None:
        """Forget an account with all that is its own. Nothing happens if there is none: it is gone as asked."""
        self._connection.execute(delete(tables.accounts).where(tables.accounts.c.id == account))
        self.scrub = True

    def bind_identity(self, account: AccountId, issuer: str, subject: str) -> None:
        """Let an identity elsewhere sign in as an account.

        Raises:
            UsageError: it is bound already.
        """
        identity = identity_bytes(issuer, subject)
        if self._find(tables.identities.c.identity, identity) is not None:
            raise UsageError("this identity is bound to an account already", hint="Revoke that account first.")
        row = os.urandom(_ROW_BYTES)
        record: dict[str, Value] = {"account": account, "issuer": issuer, "subject": subject}
        self._connection.execute(
            insert(tables.identities).values(
                id=row,
                account=account,
                identity=self._vault.index(tables.identities.c.identity, identity),
                sealed=self._vault.root.seal(tables.identities.c.sealed, row, record),
            )
        )

    def add_passkey(
        self, account: AccountId, *, credential: bytes, public_key: bytes, sign_count: int, created: datetime
    ) -> Passkey:
        """Record a passkey.

        Raises:
            UsageError: it is recorded already.
        """
        if self._find(tables.passkeys.c.credential, credential) is not None:
            raise UsageError("this passkey is registered already", hint="Sign in with it.")
        passkey = Passkey(PasskeyId(os.urandom(_ROW_BYTES)), account, credential, public_key, sign_count, created)
        self._connection.execute(
            insert(tables.passkeys).values(
                id=passkey.id,
                account=account,
                credential=self._vault.index(tables.passkeys.c.credential, credential),
                sealed=self._sealed_passkey(passkey),
            )
        )
        return passkey

    def count_passkey(self, passkey: Passkey, sign_count: int) -> None:
        """Note how often an authenticator has signed."""
        sealed = self._sealed_passkey(replace(passkey, sign_count=sign_count))
        self._connection.execute(
            update(tables.passkeys).where(tables.passkeys.c.id == passkey.id).values(sealed=sealed)
        )

    def add_session(self, account: AccountId, digest: bytes, created: datetime) -> Session:
        """Record a session under the SHA-256 of its secret, 32 bytes."""
        session = Session(SessionId(os.urandom(_ROW_BYTES)), account, created, created)
        self._connection.execute(
            insert(tables.sessions).values(
                id=session.id,
                account=account,
                secret=self._vault.index(tables.sessions.c.secret, digest),
                sealed=self._sealed_session(session, digest),
            )
        )
        return session

    def touch_session(self, session: Session, digest: bytes, seen: datetime) -> None:
        """Note when a session was used. Nothing happens if it is over: it stays over."""
        sealed = self._sealed_session(replace(session, seen=seen), digest)
        self._connection.execute(
            update(tables.sessions).where(tables.sessions.c.id == session.id).values(sealed=sealed)
        )

    def remove_session(self, session: SessionId) -> None:
        """Forget a session. Nothing happens if there is none."""
        self._connection.execute(delete(tables.sessions).where(tables.sessions.c.id == session))
        self.scrub = True

    def remove_sessions_of(self, account: AccountId) -> None:
        """Forget every session of an account."""
        self._connection.execute(delete(tables.sessions).where(tables.sessions.c.account == account))
        self.scrub = True

    def add_invitation(self, account: AccountId, digest: bytes, created: datetime) -> Invitation:
        """Record an invitation under the SHA-256 of its secret, 32 bytes; others of the account are forgotten."""
        self.remove_invitations_of(account)
        invitation = Invitation(InvitationId(os.urandom(_ROW_BYTES)), account, created)
        record: dict[str, Value] = {"account": account, "digest": digest, "created": write_time(created)}
        self._connection.execute(
            insert(tables.invitations).values(
                id=invitation.id,
                account=account,
                secret=self._vault.index(tables.invitations.c.secret, digest),
                sealed=self._vault.root.seal(tables.invitations.c.sealed, invitation.id, record),
            )
        )
        return invitation

    def remove_invitations_of(self, account: AccountId) -> None:
        """Forget every invitation of an account."""
        self._connection.execute(delete(tables.invitations).where(tables.invitations.c.account == account))
        self.scrub = True

    def _sealed_account(self, account: Account) -> bytes:
        record: dict[str, Value] = {
            "name": account.name,
            "roles": sorted(account.roles),
            "subject": account.subject,
            "created": write_time(account.created),
            "organisation": account.organisation,
        }
        return self._vault.root.seal(tables.accounts.c.sealed, account.id, record)

    def _sealed_passkey(self, passkey: Passkey) -> bytes:
        record: dict[str, Value] = {
            "account": passkey.account,
            "credential": passkey.credential,
            "public_key": passkey.public_key,
            "sign_count": passkey.sign_count,
            "created": write_time(passkey.created),
        }
        return self._vault.root.seal(tables.passkeys.c.sealed, passkey.id, record)

    def _sealed_session(self, session: Session, digest: bytes) -> bytes:
        record: dict[str, Value] = {
            "account": session.account,
            "digest": digest,
            "created": write_time(session.created),
            "seen": write_time(session.seen),
        }
        return self._vault.root.seal(tables.sessions.c.sealed, session.id, record)

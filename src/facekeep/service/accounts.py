"""People who sign in: invited by a link, signed in by a session; links and sessions are kept as digests.

How a person proves to be who was invited is for service.passkeys and service.identities; both end in a session here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from facekeep.domain.accounts import Account, AccountId, Invitation, Role, Session
from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.subject import normalised_label
from facekeep.errors import AuthenticationError, NotFoundError, UsageError
from facekeep.service.bearer import digest_of, new_secret
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction
from facekeep.store.view import View

_INVITATION = "fki1_"
_SESSION = "fks1_"
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Invited:
    """An account with the secret of its link, which cannot be shown again."""

    account: Account
    invitation: Invitation
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountDetails:
    """An account, and how its person can sign in.

    Attributes:
        account: who.
        passkeys: how many are registered.
        identities: issuer and subject of the identities elsewhere that it is bound to.
        last_seen: when a session of it was last used, to the minute; None for none that is still known.
    """

    account: Account
    passkeys: int
    identities: tuple[tuple[str, str], ...] = field(repr=False)
    last_seen: datetime | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that began, with its secret, which cannot be shown again."""

    account: Account
    session: Session
    secret: str = field(repr=False)


class AccountService:
    """Invites, lists, changes and revokes accounts, and keeps their sessions."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def invite(
        self,
        name: str,
        roles: Iterable[Role],
        now: datetime,
        by: str = "",
        *,
        label: str | None = None,
        identity: tuple[str, str] | None = None,
        organisation: str = "",
    ) -> Invited:
        """Make an account and the link by which its person registers a passkey.

        Args:
            name: what others call it, unique in the keep.
            roles: what the person is, at least one.
            now: the time.
            by: the pseudonym of who invites, or "".
            label: the data subject that the person is, exactly if that is the role.
            identity: issuer and subject of an identity elsewhere that may sign in as this account.
            organisation: for whom the person works, "" for the keep's own.

        Raises:
            UsageError: roles, label and organisation do not fit each other, or the name or the identity is taken.
            NotFoundError: there is no data subject of this label.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
        """
        wanted = frozenset(roles)
        _check_roles(wanted, bound=label is not None)
        if label is not None and organisation:
            raise UsageError("a data subject's account is of no organisation", hint="Leave the organisation away.")
        with self._registry.transaction() as tx:
            subject = None
            if label is not None:
                found = tx.subject_by_label(label)
                if found is None:
                    raise NotFoundError("there is no such data subject")
                subject = found.id
            account = tx.add_account(name, wanted, subject=subject, created=now, organisation=organisation)
            if identity is not None:
                tx.bind_identity(account.id, *identity)
            facts = {"account": account.id.hex(), "roles": _written(wanted)}
            tx.record([deed(EntryKind.ACCOUNT_CREATED, now, by, **facts)])
            return _invited(tx, account, now)

    def invite_again(self, name: str, now: datetime, by: str = "") -> Invited:
        """A new link for an account that there is; an older one works no more.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._registry.transaction() as tx:
            account = _named(tx, name)
            tx.record([deed(EntryKind.ACCOUNT_INVITED, now, by, account=account.id.hex())])
            return _invited(tx, account, now)

    def invited(self, secret: str, now: datetime) -> tuple[Account, Invitation]:
        """Whom a link invites; it stays good.

        Raises:
            AuthenticationError: it was used, is too old, or never was.
        """
        with self._registry.read() as view:
            return invited(view, secret, now)

    def accounts(self) -> tuple[AccountDetails, ...]:
        """All accounts, oldest first."""
        with self._registry.read() as view:
            return tuple(
                AccountDetails(
                    account,
                    len(view.passkeys_of(account.id)),
                    view.identities_of(account.id),
                    max((session.seen for session in view.sessions_of(account.id)), default=None),
                )
                for account in view.accounts()
            )

    def named(self, name: str) -> Account:
        """The account of a name.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._registry.read() as view:
            return _named(view, name)

    def with_roles(self, name: str, roles: Iterable[Role]) -> Account:
        """The account as it would be with other roles. Nothing is changed.

        Raises:
            NotFoundError: there is no such account.
            UsageError: the roles do not fit the account.
        """
        account, wanted = self.named(name), frozenset(roles)
        _check_roles(wanted, bound=account.subject is not None)
        return replace(account, roles=wanted)

    def change_roles(self, name: str, roles: Iterable[Role], now: datetime, by: str = "") -> Account:
        """Give an account other roles, from its next request on.

        Raises:
            NotFoundError: there is no such account.
            UsageError: the roles do not fit the account.
        """
        wanted = frozenset(roles)
        with self._registry.transaction() as tx:
            account = _named(tx, name)
            _check_roles(wanted, bound=account.subject is not None)
            facts = {"account": account.id.hex(), "roles": _written(wanted)}
            tx.record([deed(EntryKind.ACCOUNT_CHANGED, now, by, **facts)])
            return tx.change_roles(account.id, wanted)

    def revoke(self, name: str, now: datetime, by: str = "") -> None:
        """Forget an account with its passkeys, sessions and invitations.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._registry.transaction() as tx:
            account = _named(tx, name)
            tx.remove_account(account.id)
            tx.record([deed(EntryKind.ACCOUNT_REVOKED, now, by, account=account.id.hex())])

    def sign_out(self, name: str) -> None:
        """End every session of an account; its person may sign in again.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._registry.transaction() as tx:
            tx.remove_sessions_of(_named(tx, name).id)

    def begin_session(self, account: AccountId, now: datetime) -> tuple[str, Session]:
        """Sign an account in: the secret of the session, shown this once, and the session.

        Raises:
            NotFoundError: the account was revoked meanwhile.
        """
        with self._registry.transaction() as tx:
            return begin_session(tx, account, now)

    def sign_in_elsewhere(self, issuer: str, subject: str, now: datetime) -> SignedIn:
        """Sign in the account that is bound to an identity elsewhere, which has been proved.

        Raises:
            AuthenticationError: no account is bound to it.
        """
        with self._registry.transaction() as tx:
            account = tx.account_by_identity(issuer, subject)
            if account is None:
                raise AuthenticationError(
                    "no account is bound to this identity", hint="An administrator binds it: facekeep account invite."
                )
            secret, session = begin_session(tx, account.id, now)
            return SignedIn(account, session, secret)

    def authenticate(self, secret: str, now: datetime) -> tuple[Account, Session]:
        """The account that is signed in by the secret of a session.

        Raises:
            AuthenticationError: there is no such session, or it is over.
        """
        with self._registry.read() as view:
            session = view.session_by_digest(digest_of(secret))
            if session is None or session.expires <= now:
                raise AuthenticationError("nobody is signed in by this session", hint="Sign in again.")
            return view.account(session.account), session

    def is_to_be_touched(self, session: Session, now: datetime) -> bool:
        """Whether the use of a session has to be noted: once a minute is enough."""
        return now - session.seen >= _SEEN_EVERY

    def touch(self, secret: str, now: datetime) -> None:
        """Note that a session is used. One that ended meanwhile stays ended."""
        digest = digest_of(secret)
        with self._registry.transaction() as tx:
            session = tx.session_by_digest(digest)
            if session is not None and session.expires > now:
                tx.touch_session(session, digest, now)

    def end_session(self, secret: str) -> None:
        """Sign out. Nothing happens if there is no such session: it has ended as asked."""
        with self._registry.transaction() as tx:
            session = tx.session_by_digest(digest_of(secret))
            if session is not None:
                tx.remove_session(session.id)


def begin_session(tx: Transaction, account: AccountId, now: datetime) -> tuple[str, Session]:
    """Sign an account in; what is over of its sessions is forgotten. See :meth:`AccountService.begin_session`."""
    tx.account(account)
    for session in tx.sessions_of(account):
        if session.expires <= now:
            tx.remove_session(session.id)
    secret = new_secret(_SESSION)
    return secret, tx.add_session(account, digest_of(secret), now)


def invited(view: View, secret: str, now: datetime) -> tuple[Account, Invitation]:
    """Whom a link invites. See :meth:`AccountService.invited`."""
    invitation = view.invitation_by_digest(digest_of(secret))
    if invitation is None or invitation.expires <= now:
        raise AuthenticationError(
            "this link does not work: it was used, is too old, or never was",
            hint="Ask an administrator for a new one.",
        )
    return view.account(invitation.account), invitation


def _invited(tx: Transaction, account: Account, now: datetime) -> Invited:
    secret = new_secret(_INVITATION)
    return Invited(account, tx.add_invitation(account.id, digest_of(secret), now), secret)


def _named(tx: View, name: str) -> Account:
    account = tx.account_by_name(normalised_label(name))
    if account is None:
        raise NotFoundError("there is no such account", hint="List them: facekeep account list.")
    return account


def _written(roles: frozenset[Role]) -> str:
    return " ".join(sorted(roles))


def _check_roles(roles: frozenset[Role], *, bound: bool) -> None:
    if not roles:
        raise UsageError("an account may do nothing without a role", hint=f"Roles are {', '.join(Role)}.")
    if bound != (roles == {Role.DATA_SUBJECT}) or (Role.DATA_SUBJECT in roles and not bound):
        raise UsageError(
            "a data subject's account is bound to one subject and has no other role",
            hint="Name the subject with the role data-subject, and with that alone.",
        )

"""Who may ask a keep: machine clients with tokens, and people with accounts."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from facekeep.domain.access import Client, Scope
from facekeep.domain.accounts import Account, AccountId, Operator, Role, Session
from facekeep.errors import NotFoundError
from facekeep.service.access import AccessService, IssuedToken
from facekeep.service.accounts import AccountDetails, AccountService, Invited, SignedIn
from facekeep.service.keep_life import KeepLife
from facekeep.service.opening import Roles

if TYPE_CHECKING:
    from facekeep.service.passkeys import Ceremony, Challenges, PasskeyService


class KeepAccess(KeepLife):
    """What a keep does with those who ask it. See :class:`facekeep.service.keep.Keep`."""

    _challenges: Challenges | None = None

    def _begin(self) -> None:
        super()._begin()
        self._one_challenges = threading.Lock()

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        self._access = AccessService(roles.registry)
        self._accounts = AccountService(roles.registry)

    # Machine clients

    def issue_token(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        days: int,
        organisation: str = "",
        by: Operator | None = None,
    ) -> IssuedToken:
        """Make a machine client with a token, which is shown this once.

        Args:
            name: what operators call it, unique in the keep.
            scopes: what it may do, at least one.
            days: for how long, 1 to 366.
            organisation: for whom it asks, "" for the keep's own. It never changes.
            by: who asks, if anybody with a name does.

        Raises:
            UsageError: no scope, too long, or the name is taken.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
        """
        with self._using():
            at, who = self._now(), self._known_as(by)
            return self._access.issue(name, scopes, days, at, who, organisation=organisation)

    def authenticate(self, token: str) -> Client:
        """The machine client of a token.

        Raises:
            AuthenticationError: there is none, or its time is over.
        """
        with self._reading():
            return self._access.authenticate(token, self._now())

    def clients(self) -> tuple[Client, ...]:
        """All machine clients, oldest first."""
        with self._reading():
            return self._access.clients()

    def client(self, client: str) -> Client:
        """The machine client of an identifier, 32 hexadecimal digits.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        found = next((each for each in self.clients() if each.id.hex() == client), None)
        if found is None:
            raise NotFoundError("there is no such client", hint="List them: facekeep token list.")
        return found

    def client_named(self, name: str) -> Client:
        """The machine client of a name.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading():
            return self._access.named(name)

    def revoke_token(self, name: str, *, by: Operator | None = None) -> None:
        """Forget a machine client; its token is refused from then on.

        Args:
            name: of the client.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is none of this name.
        """
        with self._using():
            self._access.revoke(name, self._now(), self._known_as(by))

    # People

    def invite(
        self,
        name: str,
        roles: Iterable[Role],
        *,
        label: str | None = None,
        identity: tuple[str, str] | None = None,
        organisation: str = "",
        by: Operator | None = None,
    ) -> Invited:
        """Make an account and the secret of a link by which its person registers a passkey, once, within three days.

        Args:
            name: what others call it, unique in the keep.
            roles: what the person is, at least one.
            label: the data subject that the person is, exactly if that is the role.
            identity: issuer and subject of an identity elsewhere that may sign in as this account.
            organisation: for whom the person works, "" for the keep's own, as for a data subject. It never changes.
            by: who asks, if anybody with a name does.

        Raises:
            UsageError: roles, label and organisation do not fit each other, or the name or the identity is taken.
            NotFoundError: there is no data subject of this label.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
        """
        with self._using():
            at, who = self._now(), self._known_as(by)
            return self._accounts.invite(
                name, roles, at, who, label=label, identity=identity, organisation=organisation
            )

    def invite_again(self, name: str, *, by: Operator | None = None) -> Invited:
        """A new link for an account that there is; an older one works no more.

        Args:
            name: of the account.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._using():
            return self._accounts.invite_again(name, self._now(), self._known_as(by))

    def accounts(self) -> tuple[AccountDetails, ...]:
        """All accounts, oldest first."""
        with self._reading():
            return self._accounts.accounts()

    def account(self, account: str) -> Account:
        """The account of an identifier, 32 hexadecimal digits.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        found = next((each.account for each in self.accounts() if each.account.id.hex() == account), None)
        if found is None:
            raise NotFoundError("there is no such account", hint="List them: facekeep account list.")
        return found

    def account_named(self, name: str) -> Account:
        """The account of a name.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading():
            return self._accounts.named(name)

    def change_roles(self, name: str, roles: Iterable[Role], *, by: Operator | None = None) -> Account:
        """Give an account other roles, from its next request on.

        Args:
            name: of the account.
            roles: what its person is from then on.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is no such account.
            UsageError: the roles do not fit the account.
        """
        with self._using():
            return self._accounts.change_roles(name, roles, self._now(), self._known_as(by))

    def revoke_account(self, name: str, *, by: Operator | None = None) -> None:
        """Forget an account with its passkeys, sessions and invitations.

        Args:
            name: of the account.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._using():
            self._accounts.revoke(name, self._now(), self._known_as(by))

    def sign_out(self, name: str) -> None:
        """End every session of an account; its person may sign in again.

        Raises:
            NotFoundError: there is no such account.
        """
        with self._using():
            self._accounts.sign_out(name)

    # Passkeys

    def begin_registration(self, link: str, origin: str) -> Ceremony:
        """What a browser needs to make a passkey for whom a link invites.

        Raises:
            AuthenticationError: the link does not work.
        """
        with self._reading():
            return self._passkeys().begin_registration(link, origin, self._now())

    def finish_registration(self, link: str, ceremony: str, credential: str, origin: str) -> SignedIn:
        """Keep a new passkey and sign its person in; the link works no more. See service.passkeys.

        Raises:
            AuthenticationError: the link or the challenge does not work, or the answer does not prove a passkey.
            UsageError: the passkey is registered already.
        """
        with self._reading():
            proved = self._passkeys().prove_registration(link, ceremony, credential, origin, self._now())
        with self._using():
            return self._passkeys().register(proved, self._now())

    def begin_sign_in(self, origin: str) -> Ceremony:
        """What a browser needs to ask for any passkey of the site."""
        with self._reading():
            return self._passkeys().begin_sign_in(origin, self._now())

    def finish_sign_in(self, ceremony: str, credential: str, origin: str) -> SignedIn:
        """Sign in whose passkey answered. See service.passkeys.

        Raises:
            AuthenticationError: it proves nobody.
        """
        with self._reading():  # a made-up answer holds up nobody who searches
            proved = self._passkeys().prove_sign_in(ceremony, credential, origin, self._now())
        with self._using():
            return self._passkeys().sign_in(proved, self._now())

    def passkey_options(self, challenge: bytes, origin: str) -> dict[str, Any]:
        """What a browser needs to have any passkey of the site answer a challenge of the caller's own."""
        from facekeep.service.passkeys import asking_options  # noqa: PLC0415 - see _passkeys

        return asking_options(challenge, origin)

    def prove_passkey(self, challenge: bytes, credential: str, origin: str) -> Account:
        """Whose passkey answered a challenge that the caller gave out once. Nobody is signed in.

        Raises:
            AuthenticationError: it proves nobody.
        """
        with self._reading():
            proved = self._passkeys().prove(challenge, credential, origin)
        with self._using():
            return self._passkeys().count(proved)

    def _passkeys(self) -> PasskeyService:
        # A sixth of a second, which commands that sign nobody in need not pay.
        from facekeep.service.passkeys import Challenges, PasskeyService  # noqa: PLC0415

        with self._one_challenges:  # the lock of the keep is shared here
            if self._challenges is None:
                self._challenges = Challenges()
        return PasskeyService(self._roles.registry, self._challenges)

    def sign_in_elsewhere(self, issuer: str, subject: str) -> SignedIn:
        """Sign in the account that is bound to an identity elsewhere, which has been proved.

        Args:
            issuer: who vouches for it.
            subject: by which name it is known there.

        Raises:
            AuthenticationError: no account is bound to it. None is made.
        """
        with self._using():
            return self._accounts.sign_in_elsewhere(issuer, subject, self._now())

    # Sessions

    def begin_session(self, account: AccountId) -> tuple[str, Session]:
        """Sign an account in whose person has proved to be it: the secret of the session, shown this once.

        Raises:
            NotFoundError: the account was revoked meanwhile.
        """
        with self._using():
            return self._accounts.begin_session(account, self._now())

    def signed_in(self, secret: str) -> tuple[Account, Session]:
        """The account that is signed in by the secret of a session, which is noted as used.

        Raises:
            AuthenticationError: there is no such session, or it is over.
        """
        with self._reading():
            now = self._now()
            account, session = self._accounts.authenticate(secret, now)
        if self._accounts.is_to_be_touched(session, now):
            with self._using():
                self._accounts.touch(secret, now)
        return account, session

    def end_session(self, secret: str) -> None:
        """Sign out."""
        with self._using():
            self._accounts.end_session(secret)

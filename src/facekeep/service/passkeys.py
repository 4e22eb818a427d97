"""Passkeys (WebAuthn): registered by the link of an invitation, and signed in with; both end in a session.

A challenge is answered once and within five minutes. The authenticator has to verify the person (a PIN, a finger), not
only that somebody is there, and its count of signatures, if it has one, has to grow, so that a copy of a passkey is
noticed. Passkeys are discoverable: nobody says who they are before they sign in, so that nobody can ask who has an
account.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from facekeep.domain.accounts import Account, AccountId, Passkey
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.errors import AuthenticationError
from facekeep.service.accounts import SignedIn, begin_session, invited
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction

CHALLENGES_MAX: Final = 10_000
"""Challenges that wait for an answer; of more, the oldest are forgotten."""
CHALLENGE_LENGTH: Final = timedelta(minutes=5)

_CHALLENGE_BYTES: Final = 32
_NAME_BYTES: Final = 16
_MILLISECONDS: Final = int(CHALLENGE_LENGTH.total_seconds()) * 1000


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What a browser needs to ask an authenticator.

    Attributes:
        name: by which the answer refers to it.
        options: of ``navigator.credentials``, in their JSON form.
    """

    name: str
    options: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Waiting:
    challenge: bytes
    account: AccountId | None
    expires: datetime


@dataclass(frozen=True, slots=True)
class ProvedRegistration:
    """A new passkey that an authenticator has proved, by a link that worked then."""

    link: str = field(repr=False)
    made: VerifiedRegistration = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProvedSignIn:
    """A passkey, as it was known when it answered, and how often its authenticator says to have signed."""

    passkey: Passkey = field(repr=False)
    sign_count: int


class Challenges:
    """What waits to be answered, in memory. Safe for threads."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, account: AccountId | None, now: datetime) -> tuple[str, bytes]:
        """A new challenge, 32 random bytes, and its name."""
        name, challenge = os.urandom(_NAME_BYTES).hex(), os.urandom(_CHALLENGE_BYTES)
        with self._lock:
            self._waiting[name] = _Waiting(challenge, account, now + CHALLENGE_LENGTH)
            while len(self._waiting) > CHALLENGES_MAX:
                self._waiting.popitem(last=False)
        return name, challenge

    def take(self, name: str, account: AccountId | None, now: datetime) -> bytes:
        """The challenge of a name, which is forgotten.

        Raises:
            AuthenticationError: there is none, it is too old, or was for something else.
        """
        with self._lock:
            waiting = self._waiting.pop(name, None)
        if waiting is None or waiting.expires <= now or waiting.account != account:
            raise AuthenticationError("this challenge was answered, is too old, or never was", hint="Begin again.")
        return waiting.challenge


class PasskeyService:
    """Registers passkeys and signs people in, in two steps: what proves somebody only reads, what follows writes.

    Whoever proves nobody thus never holds up those who search. What was proved is held against the registry once more
    when it is written: a passkey or a link may have been revoked in between, or used by somebody else.
    """

    def __init__(self, registry: Registry, challenges: Challenges) -> None:
        self._registry = registry
        self._challenges = challenges

    def begin_registration(self, link: str, origin: str, now: datetime) -> Ceremony:
        """What a browser needs to make a passkey for whom a link invites.

        Args:
            link: the secret of the invitation; it stays good.
            origin: of the site.
            now: the time.

        Raises:
            AuthenticationError: the link does not work.
        """
        with self._registry.read() as view:
            account, _ = invited(view, link, now)
            known = [PublicKeyCredentialDescriptor(passkey.credential) for passkey in view.passkeys_of(account.id)]
        name, challenge = self._challenges.add(account.id, now)
        options = generate_registration_options(
            rp_id=_host(origin),
            rp_name="Facekeep",
            user_id=account.id,
            user_name=account.name,
            challenge=challenge,
            timeout=_MILLISECONDS,
            exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return Ceremony(name, json.loads(options_to_json(options)))

    def prove_registration(
        self, link: str, name: str, credential: str, origin: str, now: datetime
    ) -> ProvedRegistration:
        """What an authenticator answered, if it proves a new passkey. Uses the challenge up and writes nothing.

        Args:
            link: the secret of the invitation.
            name: of the ceremony.
            credential: what the browser gave, in its JSON form.
            origin: of the site.
            now: the time.

        Raises:
            AuthenticationError: the link or the challenge does not work, or the answer does not prove a passkey.
        """
        with self._registry.read() as view:
            account, _ = invited(view, link, now)
        challenge = self._challenges.take(name, account.id, now)
        try:
            made = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            raise _refused() from None
        return ProvedRegistration(link, made)

    def register(self, proved: ProvedRegistration, now: datetime) -> SignedIn:
        """Keep a new passkey and sign its person in; the link works no more.

        Raises:
            AuthenticationError: the link was used, or withdrawn, since.
            UsageError: the passkey is registered already.
        """
        made = proved.made
        with self._registry.transaction() as tx:
            account, _ = invited(tx, proved.link, now)
            tx.add_passkey(
                account.id,
                credential=made.credential_id,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                created=now,
            )
            tx.remove_invitations_of(account.id)
            tx.record([LedgerEntry(EntryKind.PASSKEY_ADDED, now, {"account": account.id.hex()})])
            secret, session = begin_session(tx, account.id, now)
        return SignedIn(account, session, secret)

    def begin_sign_in(self, origin: str, now: datetime) -> Ceremony:
        """What a browser needs to ask for any passkey of the site."""
        name, challenge = self._challenges.add(None, now)
        return Ceremony(name, asking_options(challenge, origin))

    def prove_sign_in(self, name: str, credential: str, origin: str, now: datetime) -> ProvedSignIn:
        """The passkey that answered, if it proves its person. Uses the challenge up and writes nothing.

        Args:
            name: of the ceremony.
            credential: what the browser gave, in its JSON form.
            origin: of the site.
            now: the time.

        Raises:
            AuthenticationError: the challenge does not work, the passkey is not known, its signature is wrong, its
                person was not verified, or its count did not grow.
        """
        return self.prove(self._challenges.take(name, None, now), credential, origin)

    def prove(self, challenge: bytes, credential: str, origin: str) -> ProvedSignIn:
        """The passkey that answered a challenge of the caller's own, which the caller gives out once. Writes nothing.

        Raises:
            AuthenticationError: see :meth:`prove_sign_in`.
        """
        given = _parsed(credential)
        with self._registry.read() as view:
            passkey = view.passkey_by_credential(given.raw_id)
        if passkey is None or given.response.user_handle != passkey.account:
            raise _refused()
        try:
            found = verify_authentication_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=_host(origin),
                expected_origin=origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            raise _refused() from None
        return ProvedSignIn(passkey, found.new_sign_count)

    def sign_in(self, proved: ProvedSignIn, now: datetime) -> SignedIn:
        """Sign in whose passkey answered.

        Raises:
            AuthenticationError: the passkey was revoked since, or another answer of it had this count or a later one.
        """
        with self._registry.transaction() as tx:
            account = self._counted(tx, proved)
            secret, session = begin_session(tx, account.id, now)
            return SignedIn(account, session, secret)

    def count(self, proved: ProvedSignIn) -> Account:
        """Whose passkey answered. Its count is noted, and nobody is signed in.

        Raises:
            AuthenticationError: see :meth:`sign_in`.
        """
        with self._registry.transaction() as tx:
            return self._counted(tx, proved)

    @staticmethod
    def _counted(tx: Transaction, proved: ProvedSignIn) -> Account:
        passkey = tx.passkey_by_credential(proved.passkey.credential)
        # What answered is what is known now, but for its count, which another answer may have moved.
        if passkey is None or replace(passkey, sign_count=proved.passkey.sign_count) != proved.passkey:
            raise _refused()
        if (proved.sign_count or passkey.sign_count) and proved.sign_count <= passkey.sign_count:
            raise _refused()
        tx.count_passkey(passkey, proved.sign_count)
        return tx.account(passkey.account)


def asking_options(challenge: bytes, origin: str) -> dict[str, Any]:
    """``publicKey`` of ``navigator.credentials.get``, in its JSON form, for any passkey of the site."""
    options = generate_authentication_options(
        rp_id=_host(origin),
        challenge=challenge,
        timeout=_MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return dict(json.loads(options_to_json(options)))


def _parsed(credential: str) -> AuthenticationCredential:
    try:
        return parse_authentication_credential_json(credential)
    except (WebAuthnException, ValueError):
        raise _refused() from None


def _host(origin: str) -> str:
    return urlsplit(origin).hostname or ""


def _refused() -> AuthenticationError:
    return AuthenticationError(
        "this passkey is not known here, or could not be verified",
        hint="Take the passkey that was registered here, or ask an administrator for a new link.",
    )

"""Signing in at the service with a live face, in place of a passkey.

Whoever begins says a name, and goes through a capture in that very browser: there is no link that could be sent to
somebody else to go through. A name that nobody has, a person who does not consent to be verified, and another face end
alike. Rejected comparisons count for the person's references as all do. The person reads in the ledger that somebody
tried to sign in, and not that it was themselves.

What it does not stop: whoever knows the name of an account can use up its person's rejected comparisons of the day, in
front of the camera with a face of their own. So it is off unless the service is started with it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from facekeep.domain.accounts import ACCOUNT_ID_BYTES, Account, AccountId, Role
from facekeep.domain.capture import Intent
from facekeep.domain.capture_order import NOTICES_MAX, CaptureOrder
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.subject import SUBJECT_ID_BYTES, SubjectId, normalised_label
from facekeep.errors import AuthenticationError, FormatError, NotFoundError, PurposeOffError, UsageError
from facekeep.service.accounts import SignedIn
from facekeep.service.capture_orders import Notices, Resolved, SignIn
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep

__all__ = ["FaceSignIn"]

_SHOWN_SECONDS: Final = 10.0
_NOBODY: Final = SubjectId(bytes(SUBJECT_ID_BYTES))


class FaceSignIn:
    """Begins and finishes signing in with a face. Safe for threads."""

    def __init__(self, keep: Keep, captures: CaptureService) -> None:
        """Be ready.

        Args:
            keep: open.
            captures: of the keep.
        """
        self._keep = keep
        self._captures = captures
        self._shared = Notices(keep)
        self._shown: tuple[float, tuple[Notice, ...]] = (-_SHOWN_SECONDS, ())
        self._id = AccountId(os.urandom(ACCOUNT_ID_BYTES))

    def begin(self, name: str, origin: str, host: str) -> str:
        """Begin, and give the secret of the capture's cookie.

        Args:
            name: of the account, as the person was told.
            origin: of the site, where the capture leads back to.
            host: by which the capture says who asks.

        Raises:
            PurposeOffError: verification is switched off for everybody.
            UsageError: the keep holds no notice that speaks of verification.
            RateError: there are too many captures.
        """
        if not self._keep.switches()[Purpose.VERIFY]:
            raise PurposeOffError("the purpose is switched off")
        account = self._account(name)
        subject = _NOBODY if account is None or account.subject is None else account.subject
        notices = self._notices()
        order = CaptureOrder(
            intent=Intent.VERIFY,
            purpose=Purpose.VERIFY,
            notices=tuple(notice.digest for notice in notices),
            subject=subject.hex(),
            alternatives=False,
            return_url=f"{origin}/me",
        )
        # All count as one caller, so that they do not take the room of those who order captures.
        service = Account(self._id, normalised_label(host), frozenset({Role.OPERATOR}), None, datetime.now(UTC))
        what = Resolved(order, subject.hex(), notices, SignIn(account))
        return self._captures.sign_in_here(what, service)

    def finish(self, cookie: str) -> SignedIn:
        """Sign in whose live face the capture found; it signs in once.

        Raises:
            AuthenticationError: it found nobody's, is not done, or the account is gone.
        """
        account = self._captures.take_sign_in(cookie)
        try:
            secret, session = self._keep.begin_session(account.id)
        except NotFoundError:
            raise AuthenticationError("this account is gone", hint="Ask an administrator for a new link.") from None
        return SignedIn(account, session, secret)

    def _account(self, name: str) -> Account | None:
        try:
            found = self._keep.account_named(name)
        except (NotFoundError, FormatError):
            return None
        return found if found.subject is not None else None

    def _notices(self) -> tuple[Notice, ...]:
        """What is shown: the newest version of every notice that says to speak of verification.

        Anybody may begin, so the keep is asked once in a while only, and a notice is in memory once for all.
        """
        when, found = self._shown
        if not found or monotonic() - when >= _SHOWN_SECONDS:
            every = self._keep.notices()
            replaced = {notice.replaces for notice in every}
            found = tuple(
                self._shared.of(notice.digest)
                for notice in every
                if notice.language and Purpose.VERIFY in notice.purposes and notice.digest not in replaced
            )[:NOTICES_MAX]
            self._shown = monotonic(), found
        if not found:
            raise UsageError(
                "there is no notice to show before a face is captured",
                hint="Add one that speaks of verify: facekeep notice add.",
            )
        return found

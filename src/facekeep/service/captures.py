"""Captures: ordered by an integrator, gone through by a person's browser, judged, told and signed (docs/adr/0016).

The service trusts neither the page nor its crops. It knows by its own clock when each step was asked and what existed
when it ended, it looks at nothing that is wider than a face, it does nothing with what presentation attack detection
does not call bona fide but have people look at it, and it does what the intent asks through the same doors as everybody
else: the halves check tickets, purposes and budgets, and log what they refuse. It refuses nobody: that is for people.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from facekeep.domain.accounts import Account, Principal
from facekeep.domain.capture import NONCE_BYTES, Assurance, Step
from facekeep.domain.capture_container import decode
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.capture_session import CaptureReason, CaptureState, MachineOutcome
from facekeep.errors import (
    AuthenticationError,
    ConsentError,
    NotFoundError,
    PurposeOffError,
    RateError,
)
from facekeep.service.capture_deciding import Deciding
from facekeep.service.capture_judging import Judge
from facekeep.service.capture_life import CaptureCounts, SessionLife
from facekeep.service.capture_orders import Notices, Resolved, claimed, resolve
from facekeep.service.capture_protocol import Attempt, broken
from facekeep.service.capture_results import claims_of, claims_of_review, signed_result, valid_until
from facekeep.service.capture_reviews import CaptureReviews, Standing
from facekeep.service.capture_sessions import KEPT_LENGTH, CaptureSession, Sessions
from facekeep.service.capture_steps import draw_steps
from facekeep.service.capture_views import (
    BegunTry,
    CaptureDetails,
    CaptureView,
    OrderedCapture,
    details_of,
    details_with,
    takes_alternative,
    view_of,
    wants_passkey,
)
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock, system_clock

__all__ = ["CaptureService"]

_CHALLENGE_LENGTH: Final = timedelta(minutes=5)
_CHALLENGE: Final = b"facekeep/capture/1/passkey"


class CaptureService:
    """All captures of a served keep. Safe for threads."""

    def __init__(
        self,
        keep: Keep,
        judge: Judge,
        *,
        clock: Clock = system_clock,
        draw: Callable[..., tuple[Step, ...]] = draw_steps,
    ) -> None:
        """Be ready.

        Args:
            keep: open, and open for longer than this.
            judge: judges what is sent.
            clock: the time.
            draw: which steps a try asks for.
        """
        self._keep = keep
        self._judge = judge
        self._clock = clock
        self._draw = draw
        self._sessions = Sessions()
        self._notices = Notices(keep)
        self._life = SessionLife(keep, clock)
        self._reviews = CaptureReviews(keep, judge)
        self._deciding = Deciding(keep, judge, self._life, self._reviews, clock)

    # By whoever orders

    def order(self, order: CaptureOrder, who: Principal) -> OrderedCapture:
        """Make a session.

        Raises:
            PurposeOffError: one of the purposes is switched off.
            UsageError: the order does not fit the keep.
            NotFoundError: further references are for somebody who is not known.
            RateError: there are too many sessions.
        """
        what = resolve(self._keep, order, self._notices)
        try:
            session, secret = self._sessions.add(what, who, self._clock())
        except RateError:
            self.tend()  # there may be some that are over
            session, secret = self._sessions.add(what, who, self._clock())
        return OrderedCapture(session.name, secret, session.nonce.hex(), session.expires, session.tries_left)

    def sign_in_here(self, what: Resolved, who: Principal) -> str:
        """Make a session that signs somebody in, and open it: the secret of the cookie. There is no link to send on.

        Raises:
            RateError: there are too many sessions.
        """
        try:
            _, secret = self._sessions.add(what, who, self._clock())
        except RateError:
            self._make_room()
            _, secret = self._sessions.add(what, who, self._clock())
        cookie, _ = self.open(secret)
        return cookie

    def _make_room(self) -> None:
        """Forget what is over, and of those who began to sign in and did nothing since whoever waits longest."""
        self.tend()
        idle = [s for s in self._sessions.all() if s.what.sign_in is not None and not s.attempts]
        if idle:
            self._sessions.remove(min(idle, key=lambda session: session.created))

    def take_sign_in(self, cookie: str) -> Account:
        """Whom the capture of a browser signs in, once: a live face was found, and it was that person's.

        Raises:
            AuthenticationError: it signs nobody in, or not any more: it was taken, or the person withdrew since.
        """
        session = self._sessions.of_cookie(cookie)
        with self._life.held(session) as found:
            wanted, what = found.what.sign_in, found.what
            passed = found.outcome is MachineOutcome.PASSED and found.reached is Assurance.LIVE
            if (
                wanted is None
                or wanted.account is None
                or not passed
                or not self._judge.allows(what.subject, what.order.purpose)
                or not self._sessions.remove(found)
            ):
                raise AuthenticationError(
                    "this capture signs nobody in", hint="Begin again, or take the passkey that was registered here."
                )
            return wanted.account

    def claimed(self, order: CaptureOrder) -> str:
        """The identifier of who an order is about; "" for nobody known.

        Raises:
            NotFoundError: further references are for somebody who is not known.
        """
        return claimed(self._keep, order)

    def read(self, session: str, who: Principal, issuer: str) -> CaptureDetails:
        """A session, with its signed result once it is done. One that went to people is known as long as their review.

        Args:
            session: its identifier.
            who: asks; to others than who ordered it, it does not exist.
            issuer: origin of the service.

        Raises:
            NotFoundError: there is none.
        """
        try:
            held = self._sessions.of(session, who)
        except NotFoundError:
            standing = self._reviews.of(session, who)
            if standing is None:
                raise
            return details_with(session, standing, None, self._reviewed_result(standing, issuer))
        with self._life.held(held) as found:
            standing = self._with_people(found)
            if standing is not None:
                return details_with(session, standing, found.pad, self._reviewed_result(standing, issuer))
            done = found.state is CaptureState.DONE
            result = signed_result(claims_of(found, issuer), self._keep.results_key) if done else None
            return details_of(found, result)

    def _reviewed_result(self, standing: Standing, issuer: str) -> str | None:
        """What people decided, signed, for as long as it is valid."""
        until = valid_until(standing.of) if standing.state is CaptureState.DONE else None
        if until is None or until <= self._clock():
            return None
        return signed_result(claims_of_review(standing.of, issuer), self._keep.results_key)

    def _with_people(self, session: CaptureSession) -> Standing | None:
        """How a session stands with people; None if it is not with them. Its lock is held."""
        if session.state is not CaptureState.REVIEW:
            return None
        standing = self._reviews.of(session.name, session.who)
        if standing is None:  # the person was erased, and everything about the person
            self._life.end(session, MachineOutcome.OFF, ())
        return standing

    def cancel(self, session: str, who: Principal) -> None:
        """Forget a session, and what it came to. Nobody is told, but people that they need not look any more.

        Raises:
            NotFoundError: there is none.
            CaptureError: what it asks for is being done just now, or people have decided.
        """
        try:
            held = self._sessions.of(session, who)
        except NotFoundError:
            self._reviews.withdraw(session, who)
            return
        with self._life.held(held) as found:
            if found.acting:
                raise broken(CaptureReason.OVER)
            if self._with_people(found) is not None:
                self._reviews.withdraw(session, who)
            self._life.end(found, MachineOutcome.DECLINED, ())
            found.untold.clear()
            self._sessions.remove(found)

    # By the browser

    def open(self, secret: str) -> tuple[str, CaptureView]:
        """Open a link: the secret of the cookie for whoever opened it, and the capture.

        Raises:
            AuthenticationError: the link was opened before, is too old, or never was.
        """
        session, cookie = self._sessions.open(secret)
        with self._life.held(session) as found:
            if found.state is CaptureState.DONE:
                raise AuthenticationError("this link is too old", hint="Ask whoever sent it for a new one.")
            found.state = CaptureState.OPEN
            if self._deciding.is_off(found):
                self._life.end(found, MachineOutcome.OFF, ())
            return cookie, view_of(found)

    def name_of(self, cookie: str) -> str:
        """The identifier of the capture that a browser has.

        Raises:
            AuthenticationError: it has none.
        """
        return self._sessions.of_cookie(cookie).name

    def view(self, cookie: str) -> CaptureView:
        """The capture that a browser has.

        Raises:
            AuthenticationError: it has none.
        """
        return self._view(self._sessions.of_cookie(cookie))

    def _view(self, session: CaptureSession) -> CaptureView:
        with self._life.held(session) as found:
            standing = self._with_people(found)
            return view_of(found, standing)

    def begin_try(self, cookie: str, notice: str) -> BegunTry:
        """Begin a try: the person agreed to a notice. One that was under way is used up.

        Args:
            cookie: of the browser.
            notice: digest of what the person agreed to, one of those that were shown.

        Raises:
            CaptureError: the capture is over, or a try is being judged.
            ConsentError: the notice is none of those that were shown.
            PurposeOffError: the purpose was switched off meanwhile.
        """
        with self._life.held(self._sessions.of_cookie(cookie)) as found:
            self._check_going(found)
            if notice not in {known.digest for known in found.what.notices}:
                raise ConsentError("this is no notice of this capture", hint="Agree to one that was shown.")
            if self._deciding.is_off(found):
                self._life.end(found, MachineOutcome.OFF, ())
                raise PurposeOffError("the purpose is switched off")
            if found.face or not found.tries_left:
                raise broken(CaptureReason.OVER)
            found.attempts += 1
            found.notice = notice
            found.reasons = ()
            found.attempt = Attempt(
                found.attempts,
                secrets.token_bytes(NONCE_BYTES),
                self._draw(light=found.what.order.light),
                self._clock(),
            )
            return BegunTry(found.attempts, found.attempt.nonce.hex(), found.attempt.steps[0])

    def next_step(self, cookie: str, number: int, count: int, head: bytes) -> tuple[int, Step | None]:
        """End a step of the try under way, and give the next with its place; None after the last.

        Args:
            cookie: of the browser.
            number: of the try.
            count: frames taken so far in the try.
            head: of the chain over them, 32 bytes.

        Raises:
            CaptureError: a rule is broken; the try is used up.
        """
        with self._life.held(self._sessions.of_cookie(cookie)) as found:
            attempt = self._under_way(found)
            with self._life.using_up(found):
                following = attempt.next_step(number, count, head, self._clock())
                return attempt.ended, following

    def take_frames(self, cookie: str, body: bytes | bytearray, person: bytes = b"") -> CaptureView:
        """Judge the frames of the try under way, and do what the intent asks if they are of a live face.

        Args:
            cookie: of the browser.
            body: the container.
            person: public key of the browser (X25519, 32 bytes), so that the person sees what people see; or empty.

        Raises:
            CaptureError: a rule is broken; the try is used up.
            FrameTooWideError: a crop shows more than it may; the try is used up.
            BadInputError: it is no container of pictures; the try is used up.
        """
        session = self._sessions.of_cookie(cookie)
        with self._life.held(session) as found:
            attempt = self._under_way(found)
            with self._life.using_up(found):
                sent = decode(body)
                attempt.check(sent)
            found.judging = True
        try:
            self._deciding.judged(session, sent, attempt, person)
        finally:
            with session.lock:
                session.judging = session.acting = False
            self._life.tell(session)
        return self._view(session)

    def decline(self, cookie: str) -> None:
        """The person says no. What was being judged is dropped.

        Raises:
            CaptureError: it is too late: it is over or with people, or what was agreed to is being done just now.
        """
        with self._life.held(self._sessions.of_cookie(cookie)) as found:
            if found.state in (CaptureState.DONE, CaptureState.REVIEW) or found.acting:
                raise broken(CaptureReason.OVER)
            self._life.end(found, MachineOutcome.DECLINED, ())

    # The passkey

    def passkey_options(self, cookie: str, origin: str) -> tuple[str, dict[str, Any]]:
        """What the browser needs to have a passkey answer: a name, and options of ``navigator.credentials``.

        The challenge is a digest over session, nonce and statement, so that the signature is one of this capture.

        Raises:
            CaptureError: the capture is over, or takes no passkey.
        """
        with self._life.held(self._sessions.of_cookie(cookie)) as found:
            self._check_takes_passkey(found)
            statement = found.what.order.statement
            bound = b"".join(
                (_CHALLENGE, found.id, found.nonce, bytes(32) if statement is None else bytes.fromhex(statement.digest))
            )
            challenge = sha256(bound + os.urandom(32)).digest()
            name = secrets.token_hex(16)
            found.challenge = name, challenge, self._clock() + _CHALLENGE_LENGTH
        return name, self._keep.passkey_options(challenge, origin)

    def take_passkey(self, cookie: str, name: str, credential: str, origin: str) -> CaptureView:
        """A passkey's answer: part of ``live+passkey``, before the face or after it, or else in place of the face.

        In place of the face it is taken while people have to look, too; then they need not any more.

        Args:
            cookie: of the browser.
            name: of the challenge, which is used up.
            credential: what the browser gave, in its JSON form.
            origin: of the site.

        Raises:
            CaptureError: the capture is over, or takes no passkey.
            AuthenticationError: it is not a passkey of the person that is claimed; or whoever ordered may not any more.
        """
        session = self._sessions.of_cookie(cookie)
        with self._life.held(session) as found:
            self._check_takes_passkey(found)
            asked, found.challenge = found.challenge, None
            if asked is None or asked[0] != name or asked[2] <= self._clock():
                raise AuthenticationError("this challenge was answered, is too old, or never was", hint="Begin again.")
        account = self._keep.prove_passkey(asked[1], credential, origin)
        if account.subject is None or account.subject.hex() != session.what.subject:
            raise AuthenticationError(
                "this passkey is not of the person who is asked", hint="Take the passkey of that person."
            )
        with self._life.held(session) as found:
            self._check_takes_passkey(found)
            off = self._deciding.is_off(found)
            if not off:
                self._deciding.check_orderer(found.who)
            if found.state is CaptureState.REVIEW:
                self._reviews.take_alternative(found.name, found.who)
            if off:
                self._life.end(found, MachineOutcome.OFF, ())
                return view_of(found)
            found.passkey = True
            if found.face:
                self._life.end(found, MachineOutcome.PASSED, (), reached=Assurance.LIVE_PASSKEY)
            elif takes_alternative(found):
                found.fmr = None  # no comparison holds that this rests on
                self._life.end(found, MachineOutcome.PASSED, (), reached=Assurance.PASSKEY)
            return view_of(found)

    # By itself

    def tend(self) -> None:
        """End what is too old, forget what ended long ago, and tell what could not be told before."""
        now = self._clock()
        for session in self._sessions.all():
            with self._life.held(session):
                pass
            with session.lock:
                old = session.ended is not None and session.ended + KEPT_LENGTH <= now
                # Nothing is taken any more, and the review has all that is read of it.
                old = old or (session.state is CaptureState.REVIEW and session.expires <= now)
                forgotten = old and not session.untold
            if forgotten:
                self._sessions.remove(session)

    def counts(self) -> CaptureCounts:
        """How many captures came to an end since the service started, and how many of them went to people."""
        return self._life.counts()

    # What holds of a session

    def _check_going(self, session: CaptureSession) -> None:
        if session.state in (CaptureState.DONE, CaptureState.REVIEW) or session.judging:
            raise broken(CaptureReason.OVER)

    def _under_way(self, session: CaptureSession) -> Attempt:
        self._check_going(session)
        if session.attempt is None:
            raise broken(CaptureReason.OVER)
        return session.attempt

    def _check_takes_passkey(self, session: CaptureSession) -> None:
        if session.state is CaptureState.REVIEW:
            # What people decide counts with the passkey that had answered by then: one in place of the face is taken.
            takes = takes_alternative(session) and self._clock() < session.expires
        else:
            self._check_going(session)
            takes = takes_alternative(session) or wants_passkey(session)
        if session.passkey or not takes:
            raise broken(CaptureReason.OVER)

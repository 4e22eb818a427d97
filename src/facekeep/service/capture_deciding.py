"""What becomes of a try: judged, done what the intent asks, or given to people; and whether it still may be.

Invariants: nobody is refused here; nothing is done for whoever may not ask any more, or where a purpose is off.
"""

from __future__ import annotations

from facekeep.domain.access import Client
from facekeep.domain.accounts import Principal
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_container import SentTry
from facekeep.domain.capture_session import CaptureReason, CaptureState, MachineOutcome
from facekeep.domain.pad import PadDecision
from facekeep.errors import AuthenticationError, BadInputError, FrameTooWideError, NotFoundError
from facekeep.service.capture_judging import Agreement, Deed, Judge, Judged
from facekeep.service.capture_life import SessionLife
from facekeep.service.capture_protocol import Attempt
from facekeep.service.capture_reviews import CaptureReviews
from facekeep.service.capture_sessions import CaptureSession
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock

__all__ = ["Deciding"]


class Deciding:
    """Decides what becomes of tries. Safe for threads."""

    def __init__(self, keep: Keep, judge: Judge, life: SessionLife, reviews: CaptureReviews, clock: Clock) -> None:
        """Be ready.

        Args:
            keep: open.
            judge: judges what is sent.
            life: moves sessions on.
            reviews: has people look.
            clock: the time.
        """
        self._keep = keep
        self._judge = judge
        self._life = life
        self._reviews = reviews
        self._clock = clock

    def judged(self, session: CaptureSession, sent: SentTry, attempt: Attempt, person: bytes) -> None:
        """Judge a try, and do what the intent asks if it is of a live face.

        Args:
            session: whose frames are being judged; its lock is not held.
            sent: what was sent, as it was fixed while it was taken.
            attempt: the try.
            person: public key of the browser, or empty.

        Raises:
            FrameTooWideError: a crop shows more than it may; the try is used up.
            BadInputError: a crop is no picture; the try is used up.
            AuthenticationError: whoever ordered it may not any more.
            RefusedError: a half refused.
        """
        judged = self._seen(session, sent, attempt)
        with session.lock:
            if session.state is CaptureState.DONE:  # declined or taken back meanwhile
                if judged.pad.urgent:  # whoever said no may not be whoever needs help; there is nothing to look at
                    self._life.alarm(session, judged.pad.reasons)
                return
            session.pad, session.urgent = judged.pad, judged.pad.urgent
            alive = judged.pad.decision is PadDecision.BONA_FIDE
            if not alive:
                attack = judged.pad.decision is PadDecision.ATTACK
                self._life.note(session, judged.pad.reasons, refused=attack)
                if session.urgent:
                    self._life.alarm(session, session.reasons)
                elif session.tries_left:
                    return
            session.acting = True
        if not alive:
            self._to_people(session, judged, None, person)
            return
        try:
            wanted = session.what.sign_in
            if wanted is None:
                self.check_orderer(session.who)
            agreed = Agreement(session.notice, session.name)
            deed = self._judge.act(judged, session.what, session.who, agreed)
        except BaseException:
            self._life.use_up(session, (), refused=False)
            raise
        with session.lock:
            if not deed.holds and not deed.off:
                self._life.note(session, deed.reasons, refused=not deed.undecided)
                if session.tries_left:
                    return
            else:
                self._done(session, deed)
                return
        self._to_people(session, judged, deed, person)

    def _seen(self, session: CaptureSession, sent: SentTry, attempt: Attempt) -> Judged:
        try:
            return self._judge.look(sent, attempt.steps)
        except FrameTooWideError:
            self._life.use_up(session, (CaptureReason.FRAME_TOO_WIDE,), refused=False)
            raise
        except BadInputError:
            self._life.use_up(session, (CaptureReason.UNREADABLE,), refused=False)
            raise
        except BaseException:
            self._life.use_up(session, (), refused=False)
            raise

    def _to_people(self, session: CaptureSession, judged: Judged, deed: Deed | None, person: bytes) -> None:
        """Have people look at the last try, if there are any; else it stays undecided. It is being acted on."""
        filed = False
        try:
            if self._reviews.can_look(session):
                self.check_orderer(session.who)
                with session.lock:
                    if self.is_off(session):
                        self._life.end(session, MachineOutcome.OFF, ())
                        return
                filed = self._reviews.file(session, judged, deed, person)
        finally:
            with session.lock:
                if filed:
                    self._life.to_people(session)
                else:
                    self._life.end(session, MachineOutcome.INCONCLUSIVE, session.reasons)

    def _done(self, session: CaptureSession, deed: Deed) -> None:
        if deed.off:
            self._life.end(session, MachineOutcome.OFF, ())
        elif session.what.order.known is not None:
            self._life.end(session, MachineOutcome.INCONCLUSIVE, (CaptureReason.KNOWN_ANSWER,))
        else:
            session.attempt, session.face, session.fmr = None, True, deed.fmr
            session.subject = deed.subject or session.subject
            doubts = tuple(reason.value for reason in session.pad.reasons) if session.pad is not None else ()
            wanted = session.what.order.assurance
            if wanted is not Assurance.LIVE_PASSKEY or session.passkey:
                self._life.end(session, MachineOutcome.PASSED, doubts, reached=wanted)

    def is_off(self, session: CaptureSession) -> bool:
        """Whether a purpose is off, for everybody or by the person, or nobody is known. The session's lock is held."""
        what = session.what
        switches = self._keep.switches()
        if not all(switches[purpose] for purpose in what.order.purposes):
            return True
        known = what.order.intent is not Intent.PROVE_LIVE and what.order.newcomer is None
        about_somebody = known and what.sign_in is None  # which never tells whether somebody is known
        return about_somebody and not self._judge.allows(what.subject, what.order.purpose)

    def check_orderer(self, who: Principal) -> None:
        """Whoever was revoked, whose token is over, or who has other roles or scopes since, asks for nothing any more.

        Which of them the order rested on is not asked: some permit, and some, as an auditor's, forbid.
        """
        try:
            if isinstance(who, Client):
                client = self._keep.client(who.id.hex())
                holds = who.scopes == client.scopes and self._clock() < client.expires
            else:
                holds = who.roles == self._keep.account(who.id.hex()).roles
        except NotFoundError:
            holds = False
        if not holds:
            raise AuthenticationError("whoever asked may not any more")

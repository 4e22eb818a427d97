"""How the session of a capture goes on and ends, and who is told: under its lock, whoever changes it.

Invariants: a session ends once; a broken rule uses up the try under way; events are told outside of the lock, and what
cannot be told now is kept for later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from facekeep.domain.capture import Assurance
from facekeep.domain.capture_session import CaptureOutcome, CaptureReason, CaptureState
from facekeep.domain.pad import PadOutcome
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import BadInputError, CaptureError, FacekeepError
from facekeep.service.capture_sessions import CaptureSession
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock

__all__ = ["SessionLife"]


class SessionLife:
    """Moves sessions on. Safe for threads."""

    def __init__(self, keep: Keep, clock: Clock) -> None:
        """Be ready.

        Args:
            keep: open; records events for those who want to be told.
            clock: the time.
        """
        self._keep = keep
        self._clock = clock

    @contextmanager
    def held(self, session: CaptureSession) -> Iterator[CaptureSession]:
        """A session that nobody else changes meanwhile, over if its time is; what ends in the block is told after."""
        try:
            with session.lock:
                self._expire(session, self._clock())
                yield session
        finally:
            self.tell(session)

    @contextmanager
    def using_up(self, session: CaptureSession) -> Iterator[None]:
        """A broken rule uses up the try under way. The session's lock is held."""
        try:
            yield
        except CaptureError as error:
            # Who sends other frames than were fixed may be an attacker; who is late is a person with a slow phone.
            self.use_up(session, (CaptureReason(error.reason),), refused=error.reason != CaptureReason.LATE)
            raise
        except BadInputError:
            self.use_up(session, (CaptureReason.UNREADABLE,), refused=False)
            raise

    def use_up(self, session: CaptureSession, reasons: tuple[str, ...], *, refused: bool) -> None:
        """The try under way came to nothing; the session ends if it was the last.

        Args:
            session: nothing happens if it is done.
            reasons: why.
            refused: whether it was refused, and not left undecided.
        """
        with session.lock:
            if session.state is CaptureState.DONE:
                return
            session.attempt = None
            session.refusals += refused
            session.reasons = tuple(str(reason) for reason in reasons)
            if not session.tries_left:
                every = session.refusals == session.attempts
                self.end(session, CaptureOutcome.REFUSED if every else CaptureOutcome.INCONCLUSIVE, session.reasons)

    def escalate(self, session: CaptureSession, found: PadOutcome) -> None:
        """End it undecided, as a person has to look at once. Its lock is held."""
        reasons = tuple(reason.value for reason in found.reasons)
        session.untold.append(_event(EventKind.CAPTURE_ESCALATED, session, self._clock(), reasons))
        self.end(session, CaptureOutcome.INCONCLUSIVE, reasons)

    def end(
        self,
        session: CaptureSession,
        outcome: CaptureOutcome,
        reasons: tuple[str, ...],
        *,
        reached: Assurance | None = None,
    ) -> None:
        """End it, unless it has ended. Its lock is held.

        Args:
            session: which.
            outcome: what it came to.
            reasons: why.
            reached: the assurance, if it passed.
        """
        if session.state is CaptureState.DONE:
            return
        # That the time is over may be noticed late.
        now = min(self._clock(), session.expires) if outcome is CaptureOutcome.EXPIRED else self._clock()
        session.state, session.outcome, session.reasons, session.ended = CaptureState.DONE, outcome, reasons, now
        session.attempt = session.challenge = None
        session.reached = reached
        if session.what.sign_in is None:  # nobody ordered that, and anybody can begin it
            session.untold.append(_event(EventKind.CAPTURE_FINISHED, session, now, reasons))

    def _expire(self, session: CaptureSession, now: datetime) -> None:
        # What came in time is judged in peace.
        if session.expires <= now and not session.judging:
            self.end(session, CaptureOutcome.EXPIRED, ())

    def tell(self, session: CaptureSession) -> None:
        """Tell of events, outside of the session's lock; what cannot be told now is told when captures are tended."""
        while True:
            with session.lock:
                if not session.untold:
                    return
                event = session.untold.pop(0)
            try:
                self._keep.tell(event)
            except FacekeepError:
                with session.lock:
                    session.untold.insert(0, event)
                return


def _event(kind: EventKind, session: CaptureSession, now: datetime, reasons: tuple[str, ...]) -> Event:
    about = {"capture": session.name, "reasons": " ".join(reasons)}
    return Event(kind, now, about if session.outcome is None else about | {"outcome": session.outcome.value})

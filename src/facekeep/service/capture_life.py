"""How the session of a capture goes on and ends, and who is told: under its lock, whoever changes it.

Invariants: a session ends once, and by itself never refused; a broken rule uses up the try under way; events are told
outside of the lock, and what cannot be told now is kept for later.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from facekeep.domain.capture import Assurance
from facekeep.domain.capture_session import CaptureReason, CaptureState, MachineOutcome
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import BadInputError, CaptureError, FacekeepError
from facekeep.service.capture_sessions import CaptureSession
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock

__all__ = ["CaptureCounts", "SessionLife"]


@dataclass(frozen=True, slots=True)
class CaptureCounts:
    """How many captures came to an end here. Sign-ins by face are none of them.

    Attributes:
        captures: sessions that ended or went to people, of those in which a try was begun.
        escalated: those of them that went to people.
        since: since when this is counted: these counts do not outlive the process.
    """

    captures: int
    escalated: int
    since: datetime


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
        self._lock = Lock()
        self._counts = CaptureCounts(0, 0, clock())

    def counts(self) -> CaptureCounts:
        """How many captures came to an end since this was made."""
        with self._lock:
            return self._counts

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
        """The try under way came to nothing that anybody could look at; after the last one, it stays undecided.

        Args:
            session: nothing happens if it is done.
            reasons: why.
            refused: whether it was refused, and not left undecided.
        """
        with session.lock:
            if session.state is CaptureState.DONE:
                return
            self.note(session, reasons, refused=refused)
            if not session.tries_left:
                self.end(session, MachineOutcome.INCONCLUSIVE, session.reasons)

    def note(self, session: CaptureSession, reasons: tuple[str, ...], *, refused: bool) -> None:
        """Note that the try under way came to nothing. Its lock is held, and it goes on.

        Args:
            session: which.
            reasons: why.
            refused: whether it was refused, and not left undecided.
        """
        session.attempt = None
        session.refusals += refused
        session.reasons = tuple(str(reason) for reason in reasons)

    def alarm(self, session: CaptureSession, reasons: tuple[str, ...]) -> None:
        """Have it told that a person has to look at once. Its lock is held, and it may have ended."""
        session.untold.append(Event(EventKind.CAPTURE_ESCALATED, self._clock(), _about(session, reasons)))

    def to_people(self, session: CaptureSession) -> None:
        """Have it wait for what people say. Its lock is held, and it is not over."""
        session.state = CaptureState.REVIEW
        session.attempt = session.challenge = None
        self._count(escalated=1)

    def end(
        self,
        session: CaptureSession,
        outcome: MachineOutcome,
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

        Raises:
            TypeError: it is an outcome that only people say.
        """
        if not isinstance(outcome, MachineOutcome):
            raise TypeError("a session ends by itself as a machine may end it")
        if session.state is CaptureState.DONE:
            return
        counted = session.state is CaptureState.REVIEW or not session.attempts or session.what.sign_in is not None
        # That the time is over may be noticed late.
        now = min(self._clock(), session.expires) if outcome is MachineOutcome.EXPIRED else self._clock()
        session.state, session.outcome, session.reasons, session.ended = CaptureState.DONE, outcome, reasons, now
        session.attempt = session.challenge = None
        session.reached = reached
        if not counted:
            self._count()
        if session.what.sign_in is None:  # nobody ordered that, and anybody can begin it
            about = _about(session, reasons) | {"outcome": outcome.value}
            session.untold.append(Event(EventKind.CAPTURE_FINISHED, now, about))

    def _expire(self, session: CaptureSession, now: datetime) -> None:
        # What came in time is judged in peace, and people have longer.
        if session.expires <= now and not session.judging and session.state is not CaptureState.REVIEW:
            self.end(session, MachineOutcome.EXPIRED, ())

    def _count(self, *, escalated: int = 0) -> None:
        with self._lock:
            before = self._counts
            self._counts = CaptureCounts(before.captures + 1, before.escalated + escalated, before.since)

    def tell(self, session: CaptureSession) -> None:
        """Tell of events, outside of the session's lock; what cannot be told now is told when captures are tended."""
        while True:
            with session.lock:
                if not session.untold:
                    return
                event = session.untold.pop(0)
            try:
                self._keep.tell(event, session.who.organisation)
            except FacekeepError:
                with session.lock:
                    session.untold.insert(0, event)
                return


def _about(session: CaptureSession, reasons: tuple[str, ...]) -> dict[str, str]:
    return {"capture": session.name, "reasons": " ".join(reasons)}

"""What others see of a capture session: who ordered it, and the browser that goes through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from facekeep.domain.capture import Assurance, Intent, Statement, Step
from facekeep.domain.capture_session import CaptureOutcome, CaptureState
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.pad import PadOutcome
from facekeep.service.capture_reviews import Standing
from facekeep.service.capture_sessions import CaptureSession

__all__ = [
    "BegunTry",
    "CaptureDetails",
    "CaptureView",
    "OrderedCapture",
    "details_of",
    "details_with",
    "takes_alternative",
    "view_of",
    "wants_passkey",
]


@dataclass(frozen=True, slots=True)
class OrderedCapture:
    """A session that was made; ``secret`` is of its link, and shown this once."""

    id: str
    secret: str = field(repr=False)
    nonce: str
    expires: datetime
    tries: int


@dataclass(frozen=True, slots=True)
class CaptureDetails:
    """A session as whoever ordered it sees it.

    Attributes:
        id: 32 hexadecimal digits.
        state: how far it is.
        outcome: what it came to, or None.
        reasons: why.
        tries_left: tries that may still begin.
        expires: from when on nothing is taken any more; of what went to people, when their review ends at the latest.
        pad: what presentation attack detection found in the last try; None before, and when the session is no more in
            memory.
        result: the signed result, once it is done and for as long as it is valid.
        review: identifier of the review, 32 hexadecimal digits, of what went to people.
    """

    id: str
    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: tuple[str, ...]
    tries_left: int
    expires: datetime
    pad: PadOutcome | None = field(repr=False)
    result: str | None = field(repr=False)
    review: str | None = None


@dataclass(frozen=True, slots=True)
class CaptureView:
    """A session as the browser sees it: no rate, no subject, nothing of how it was judged but the reasons.

    Attributes:
        id: of the session, 32 hexadecimal digits. It opens nothing.
        state: how far it is.
        outcome: what it came to, or None.
        reasons: why, of the last try while it goes on.
        tries_left: tries that may still begin.
        intent: what it is for.
        purpose: of it.
        assurance: wanted.
        asked_by: name of who asks.
        statement: what is confirmed, or None.
        notices: what the person reads, in some languages.
        camera: whether the camera may be started.
        alternative: whether a passkey may be taken in place of the face.
        expires: from when on nothing is taken any more.
        return_url: where to go when it is done, or "".
        passkey_missing: whether all but the passkey is done.
        review_until: by when people have looked at it, of what went to them.
    """

    id: str
    state: CaptureState
    outcome: CaptureOutcome | None
    reasons: tuple[str, ...]
    tries_left: int
    intent: Intent
    purpose: Purpose
    assurance: Assurance
    asked_by: str = field(repr=False)
    statement: Statement | None = field(repr=False)
    notices: tuple[Notice, ...] = field(repr=False)
    camera: bool
    alternative: bool
    expires: datetime
    return_url: str = field(repr=False)
    passkey_missing: bool
    review_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class BegunTry:
    """A try that was begun: its number, the nonce of its chain, 32 hexadecimal digits, and its first step."""

    number: int
    nonce: str
    step: Step


def details_of(session: CaptureSession, result: str | None) -> CaptureDetails:
    """A session as whoever ordered it sees it. Its lock is held."""
    return CaptureDetails(
        session.name,
        session.state,
        None if session.outcome is None else session.outcome.told,
        session.reasons,
        session.tries_left,
        session.expires,
        session.pad,
        result,
    )


def details_with(session: str, standing: Standing, pad: PadOutcome | None, result: str | None) -> CaptureDetails:
    """A capture that went to people, as whoever ordered it sees it.

    Args:
        session: its identifier.
        standing: how it stands.
        pad: what was found, while the session is in memory.
        result: the signed result, while it is valid.
    """
    return CaptureDetails(
        session, standing.state, standing.outcome, standing.reasons, 0, standing.until, pad, result, standing.review
    )


def wants_passkey(session: CaptureSession) -> bool:
    """Whether a passkey is missing. The session's lock is held."""
    return session.what.order.assurance is Assurance.LIVE_PASSKEY and not session.passkey


def takes_alternative(session: CaptureSession) -> bool:
    """Whether a passkey may stand in place of the face: never where both are wanted.

    Whether the person has one is not told to whoever opened a link.
    """
    order = session.what.order
    if order.assurance is Assurance.LIVE_PASSKEY or order.known is not None:
        return False
    # Where somebody may be in need of help, the phone of that person does not make the question go away.
    return order.intent is Intent.VERIFY and order.alternatives and not session.face and not session.urgent


def view_of(session: CaptureSession, standing: Standing | None = None) -> CaptureView:
    """A session as the browser sees it.

    Args:
        session: its lock is held.
        standing: how it stands with people, if it went to them.
    """
    order = session.what.order
    state, outcome, reasons, tries_left = session.state, session.outcome, session.reasons, session.tries_left
    told = None if outcome is None else outcome.told
    if standing is not None:
        state, told, reasons, tries_left = standing.state, standing.outcome, standing.reasons, 0
    going = state is not CaptureState.DONE
    return CaptureView(
        session.name,
        state,
        told,
        reasons,
        tries_left,
        order.intent,
        order.purpose,
        order.assurance,
        session.who.name,
        order.statement,
        session.what.notices,
        going and not session.face and tries_left > 0,
        going and takes_alternative(session),
        session.expires,
        order.return_url,
        going and session.face and wants_passkey(session),
        None if standing is None else standing.until,
    )

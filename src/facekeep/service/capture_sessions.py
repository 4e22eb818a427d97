"""Capture sessions, in the memory of this process alone: bounded in number and time, found by digests of secrets.

Invariants: of a link and of a cookie only the SHA-256 is kept; a link is forgotten when it is opened; a session that is
done changes no more. Each session has its own lock, which is held while it changes and never while a face is judged.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from facekeep.domain.accounts import Principal
from facekeep.domain.capture import NONCE_BYTES, Assurance
from facekeep.domain.capture_session import TRIES, CaptureState, MachineOutcome
from facekeep.domain.pad import PadOutcome
from facekeep.domain.webhooks import Event
from facekeep.errors import AuthenticationError, NotFoundError, RateError
from facekeep.service.bearer import digest_of, new_secret
from facekeep.service.capture_orders import Resolved
from facekeep.service.capture_protocol import Attempt

__all__ = ["KEPT_LENGTH", "SESSIONS_MAX", "SESSIONS_OF_ONE", "CaptureSession", "Sessions"]

SESSIONS_MAX: Final = 10_000
SESSIONS_OF_ONE: Final = 1_000
"""Of one client or account, so that none takes the room of all."""
KEPT_LENGTH: Final = timedelta(minutes=10)
"""For how long a session that is done can still be read."""

_ID_BYTES: Final = 16
_LINK: Final = "fkl1_"
_COOKIE: Final = "fkc1_"


@dataclass(slots=True)
class CaptureSession:
    """One session. Hold ``lock`` to look at it or change it.

    Attributes:
        id: 16 random bytes.
        nonce: 16 random bytes, which the result repeats.
        what: was ordered.
        who: ordered it.
        created: when.
        expires: from when on nothing is taken any more.
        lock: for all below.
        state: how far it is.
        outcome: what it came to by itself, once it is done.
        reasons: why; of the last try while it goes on.
        ended: when it was done.
        attempts: tries begun.
        refusals: those of them that were refused, not left undecided.
        attempt: the try under way.
        judging: whether the frames of the try are being judged.
        acting: whether what the intent asks is being done, from when on nobody takes it back.
        pad: what presentation attack detection found in the last try, whatever the session came to.
        urgent: whether somebody may be in need of help, so that people look first, whatever else the person offers.
        notice: digest of what the person agreed to, "" before.
        face: whether a live face was found, and what the intent asks of it holds.
        passkey: whether a passkey of the person answered.
        challenge: name and challenge that a passkey has to answer, and until when.
        reached: the assurance, once it passed.
        fmr: of the comparison that held.
        subject: identifier of who was claimed or enrolled, "" for nobody known.
        untold: events that nobody was told of yet.
    """

    id: bytes
    nonce: bytes
    what: Resolved = field(repr=False)
    who: Principal = field(repr=False)
    created: datetime
    expires: datetime
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    state: CaptureState = CaptureState.WAITING
    outcome: MachineOutcome | None = None
    reasons: tuple[str, ...] = ()
    ended: datetime | None = None
    attempts: int = 0
    refusals: int = 0
    attempt: Attempt | None = field(default=None, repr=False)
    judging: bool = False
    acting: bool = False
    pad: PadOutcome | None = field(default=None, repr=False)
    urgent: bool = False
    notice: str = ""
    face: bool = False
    passkey: bool = False
    challenge: tuple[str, bytes, datetime] | None = field(default=None, repr=False)
    reached: Assurance | None = None
    fmr: float | None = None
    subject: str = field(default="", repr=False)
    untold: list[Event] = field(default_factory=list, repr=False)

    @property
    def name(self) -> str:
        """The identifier as it is told, 32 hexadecimal digits."""
        return self.id.hex()

    @property
    def tries_left(self) -> int:
        """Tries that may still begin."""
        return TRIES - self.attempts


class Sessions:
    """All sessions. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, CaptureSession] = {}
        self._links: dict[bytes, CaptureSession] = {}
        self._cookies: dict[bytes, CaptureSession] = {}
        self._digests: dict[str, bytes] = {}
        self._of: Counter[bytes] = Counter()

    def add(self, what: Resolved, who: Principal, now: datetime) -> tuple[CaptureSession, str]:
        """A new session, and the secret of its link.

        Raises:
            RateError: there are too many.
        """
        secret = new_secret(_LINK)
        made = CaptureSession(
            id=secrets.token_bytes(_ID_BYTES),
            nonce=secrets.token_bytes(NONCE_BYTES),
            what=what,
            who=who,
            created=now,
            expires=now + what.order.expires_in,
            subject=what.subject,
        )
        with self._lock:
            if len(self._sessions) >= SESSIONS_MAX or self._of[who.id] >= SESSIONS_OF_ONE:
                raise RateError("there are too many captures", hint="Fetch results, and cancel what is not needed.")
            self._sessions[made.name] = made
            self._of[who.id] += 1
            self._index(self._links, made, secret)
        return made, secret

    def open(self, secret: str) -> tuple[CaptureSession, str]:
        """The session of a link, which works no more, and the secret of the cookie of whoever opened it.

        Raises:
            AuthenticationError: there is none.
        """
        cookie = new_secret(_COOKIE)
        with self._lock:
            found = self._links.pop(digest_of(secret), None)
            if found is None:
                raise AuthenticationError(
                    "this link was opened before, is too old, or never was", hint="Ask whoever sent it for a new one."
                )
            self._index(self._cookies, found, cookie)
        return found, cookie

    def of_cookie(self, secret: str) -> CaptureSession:
        """The session that a browser has.

        Raises:
            AuthenticationError: there is none.
        """
        with self._lock:
            found = self._cookies.get(digest_of(secret))
        if found is None:
            raise AuthenticationError(
                "this browser has no capture, or not any more", hint="Open the link, or ask for a new one."
            )
        return found

    def of(self, session: str, who: Principal) -> CaptureSession:
        """A session of whoever made it. To everybody else there is none.

        Args:
            session: its identifier, 32 hexadecimal digits.
            who: asks.

        Raises:
            NotFoundError: there is none.
        """
        with self._lock:
            found = self._sessions.get(session)
        if found is None or (type(found.who), found.who.id) != (type(who), who.id):
            raise NotFoundError("there is no such capture", hint="Captures are gone ten minutes after their end.")
        return found

    def all(self) -> tuple[CaptureSession, ...]:
        """Every session."""
        with self._lock:
            return tuple(self._sessions.values())

    def remove(self, session: CaptureSession) -> bool:
        """Forget a session, and say whether it was there: nothing happens if it is forgotten already."""
        with self._lock:
            if self._sessions.pop(session.name, None) is None:
                return False
            self._of[session.who.id] -= 1
            if not self._of[session.who.id]:
                del self._of[session.who.id]
            digest = self._digests.pop(session.name)
            self._links.pop(digest, None)
            self._cookies.pop(digest, None)
            return True

    def _index(self, index: dict[bytes, CaptureSession], session: CaptureSession, secret: str) -> None:
        digest = digest_of(secret)
        index[digest] = session
        self._digests[session.name] = digest

"""The rules of a try: steps in their order and time, and frames that were fixed while they were taken.

Each time the page asks for the next step it tells how many frames there are and the head of the chain over them. So the
server knows by its own clock what existed when, before any frame has left the browser; frames that come later have to
be those. Whoever breaks a rule has used up the try.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from facekeep.domain.capture import DEPTH_STEPS, FRAMES_MAX, SentFrame, Step, StepKind, chain_start, chained
from facekeep.domain.capture_container import SentTry
from facekeep.domain.capture_session import CaptureReason
from facekeep.errors import CaptureError

__all__ = ["GRACE_SECONDS", "RATE_MAX", "STEP_FRAMES_MIN", "THUMBNAILS_MAX", "THUMBNAILS_MIN", "Attempt", "broken"]

GRACE_SECONDS: Final = 2.0
"""For the network: added to each step, and how far a frame's time may be from the server's."""
THUMBNAILS_MAX: Final = 32
"""Of one try."""
THUMBNAILS_MIN: Final = 3
STEP_FRAMES_MIN: Final = 6
"""Frames of the first step and of each depth step, at the least."""
RATE_MAX: Final = 12
"""Frames in a second, over a try."""

_WORDS: Final = {
    CaptureReason.CHAIN: "the frames are not those that were fixed while they were taken",
    CaptureReason.LATE: "a step took too long, or the frames' times do not fit the server's",
    CaptureReason.ORDER: "this is not the order in which steps are asked for",
    CaptureReason.COUNT: "there are too many frames, or too few in a step, or too few thumbnails",
    CaptureReason.OVER: "no try is under way",
}


def broken(reason: CaptureReason) -> CaptureError:
    """The error of a broken rule."""
    return CaptureError(_WORDS[reason], reason=reason.value)


@dataclass(frozen=True, slots=True)
class _Mark:
    """What was fixed when a step ended: frames so far, the head over them, when."""

    count: int
    head: bytes = field(repr=False)
    at: datetime


@dataclass(slots=True)
class Attempt:
    """One try. For one thread at a time.

    Attributes:
        number: 1 for the first.
        nonce: 16 random bytes, which begin the chain.
        steps: what is asked, in this order.
        began: when the first step was asked.
    """

    number: int
    nonce: bytes = field(repr=False)
    steps: tuple[Step, ...] = field(repr=False)
    began: datetime
    _asked: list[datetime] = field(default_factory=list, repr=False)
    _marks: list[_Mark] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._asked.append(self.began)

    @property
    def ended(self) -> int:
        """Steps that ended; the place of the one under way."""
        return len(self._marks)

    def next_step(self, number: int, count: int, head: bytes, now: datetime) -> Step | None:
        """End the step under way, and give the next one; None when all were asked.

        Args:
            number: of the try, as the page says.
            count: frames taken so far in the try.
            head: of the chain over them, 32 bytes.
            now: the time.

        Raises:
            CaptureError: a rule is broken.
        """
        place = len(self._marks)
        if number != self.number or place == len(self.steps):
            raise broken(CaptureReason.ORDER)
        if (now - self._asked[place]).total_seconds() > self.steps[place].seconds + GRACE_SECONDS:
            raise broken(CaptureReason.LATE)
        if not (self._marks[-1].count if self._marks else 0) < count <= FRAMES_MAX:
            raise broken(CaptureReason.COUNT)
        self._marks.append(_Mark(count, head, now))
        if place + 1 == len(self.steps):
            return None
        self._asked.append(now)
        return self.steps[place + 1]

    def check(self, sent: SentTry) -> None:
        """Hold frames against what was fixed while they were taken.

        Raises:
            CaptureError: a rule is broken.
        """
        if sent.number != self.number or len(self._marks) != len(self.steps):
            raise broken(CaptureReason.ORDER)
        self._check_chain(sent.frames)
        self._check_count(sent.frames)
        self._check_times(sent.frames)

    def _check_chain(self, frames: Sequence[SentFrame]) -> None:
        head, done = chain_start(self.nonce), 0
        fits = len(frames) == self._marks[-1].count
        for step, mark in enumerate(self._marks):
            part = frames[done : mark.count]
            head, done = chained(head, part), mark.count
            fits = fits and hmac.compare_digest(head, mark.head) and all(frame.step == step for frame in part)
        if not fits:
            raise broken(CaptureReason.CHAIN)

    def _check_count(self, frames: Sequence[SentFrame]) -> None:
        seconds = frames[-1].at / 1000
        thumbnails = sum(bool(frame.thumbnail) for frame in frames)
        of_step = Counter(frame.step for frame in frames)
        # Who sends less than a voice needs would silence it.
        scarce = any(
            of_step[place] < STEP_FRAMES_MIN
            for place, step in enumerate(self.steps)
            if step.kind is StepKind.LOOK or step.kind in DEPTH_STEPS
        )
        many = thumbnails > THUMBNAILS_MAX or len(frames) > RATE_MAX * (seconds + 1)
        if many or scarce or thumbnails < THUMBNAILS_MIN:
            raise broken(CaptureReason.COUNT)

    def _check_times(self, frames: Sequence[SentFrame]) -> None:
        # When the camera's clock was 0, by the server's, is not known: the network only ever adds to it, so the
        # smallest difference is the best guess, and every other has to be near it.
        behind = [(mark.at - self.began).total_seconds() - frames[mark.count - 1].at / 1000 for mark in self._marks]
        zero = min(behind)
        begun = [0, *(mark.count for mark in self._marks[:-1])]
        early = [
            (asked - self.began).total_seconds() - frames[first].at / 1000 - zero
            for asked, first in zip(self._asked, begun, strict=True)
        ]
        if zero < -GRACE_SECONDS or max(behind) - zero > GRACE_SECONDS or max(early) > GRACE_SECONDS:
            raise broken(CaptureReason.LATE)

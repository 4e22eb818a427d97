"""What a capture session is and becomes: its states, its outcomes, and the reasons beside those of domain.pad.

Invariants: an outcome exists exactly of a session that is done; what a session ends as by itself is a
:class:`MachineOutcome`, among which there is no refusal: that somebody is refused, people say (domain.review).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

__all__ = [
    "EXPIRES_DEFAULT",
    "EXPIRES_MAX",
    "EXPIRES_MIN",
    "RESULT_TYPE",
    "TRIES",
    "CaptureOutcome",
    "CaptureReason",
    "CaptureState",
    "MachineOutcome",
]

EXPIRES_DEFAULT: Final = timedelta(seconds=180)
EXPIRES_MIN: Final = timedelta(seconds=30)
EXPIRES_MAX: Final = timedelta(seconds=900)
TRIES: Final = 3
RESULT_TYPE: Final = "facekeep-capture+jwt"
"""``typ`` of a signed result."""


class CaptureState(StrEnum):
    """How far a session is."""

    WAITING = "waiting"
    """Its link was not opened."""
    OPEN = "open"
    """A browser has it."""
    REVIEW = "review"
    """The machine did not decide, or would refuse: people have to look. Nothing is final."""
    DONE = "done"


class CaptureOutcome(StrEnum):
    """What a session came to, by itself or by people."""

    PASSED = "passed"
    """Bona fide, and what the intent asks was done; or the passkey proved the person in its place."""
    REFUSED = "refused"
    """Two people said that it was an attack, or another person."""
    INCONCLUSIVE = "inconclusive"
    """Not decided after all tries, or by an urgent reason, and nobody could be asked; or people could not tell."""
    DECLINED = "declined"
    """The person said no."""
    OFF = "off"
    """The purpose is switched off, for everybody or by this person. No camera was started, or it served for nothing."""
    EXPIRED = "expired"
    """The time was over."""


class MachineOutcome(StrEnum):
    """What a session comes to by itself: every outcome but a refusal."""

    PASSED = "passed"
    INCONCLUSIVE = "inconclusive"
    DECLINED = "declined"
    OFF = "off"
    EXPIRED = "expired"

    @property
    def told(self) -> CaptureOutcome:
        """As others are told."""
        return CaptureOutcome(self.value)


class CaptureReason(StrEnum):
    """Why a try came to nothing, where it is not for what presentation attack detection found."""

    CHAIN = "chain"
    """The frames are not those that were fixed while they were taken: others, more, fewer, or in another order."""
    LATE = "late"
    """A step took too long, or the frames' times disagree with the server's."""
    ORDER = "order"
    """Steps were asked for out of their order, or of another try."""
    COUNT = "count"
    """Too many frames or thumbnails, or a step without any."""
    OVER = "over"
    """There is no try under way, or the capture is over."""
    FRAME_TOO_WIDE = "frame-too-wide"
    """A crop shows more than a face."""
    UNREADABLE = "unreadable"
    """What was sent is no container of frames."""
    CLAIM = "claim"
    """The face is not of the person that it was claimed to be of."""
    DOUBT_BAND = "doubt-band"
    """The claim holds at the laxer rate of the order alone: too little to pass, and too much to be refused."""
    QUALITY = "quality"
    """No crop is fit to be compared, or kept as a reference."""
    KNOWN_ANSWER = "known-answer"
    """It was ordered to measure reviewers, and passes nobody."""
    LABEL_TAKEN = "label-taken"
    """Somebody else was enrolled under the label meanwhile."""

"""A page in Python, and a detector whose findings a test chooses: for what is not about how a face is judged.

The crops are made of real pictures as the page makes them, the chain and the container are real, and so is the gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from facekeep.domain.capture import Camera, Recording, SentFrame, chain_start, chained
from facekeep.domain.capture_container import SentTry, encode
from facekeep.domain.curves import Curve
from facekeep.domain.pad import Examined, Finding, PadReason, Verdict, Voice
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import Cropper
from facekeep.face.pad.crops import encode as jpeg_of
from facekeep.face.pad.gate import FrameGate

GENUINE = tuple(
    Finding(voice, Verdict.SUPPORTS) for voice in (Voice.CHALLENGE, Voice.PASSIVE, Voice.DEPTH, Voice.CONTINUITY)
)
ATTACK = (
    Finding(Voice.DEPTH, Verdict.REFUTES, (PadReason.FLAT,)),
    Finding(Voice.PASSIVE, Verdict.DOUBTS, (PadReason.PASSIVE_MODEL,)),
)
UNDECIDED = (Finding(Voice.PASSIVE, Verdict.SUPPORTS),)
LIFELESS = (*GENUINE, Finding(Voice.VITAL_SIGNS, Verdict.DOUBTS, (PadReason.NO_VITAL_SIGNS,)))

CURVES = (Curve("eyes-open", "", (0.0, 0.1), (0.9, 0.8)),)
"""What a chosen detector gives of every recording."""

CAMERA = Camera("Integrated Camera", 1280, 720, 30.0)


class Clock:
    """The time, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class ChosenDetector:
    """Finds what a test says, and keeps what it was shown.

    Attributes:
        finds: what it finds.
        best: places of the frames that serve best, as far as there are such.
        seen: recordings that it was shown.
        meanwhile: is called while it looks.
    """

    finds: tuple[Finding, ...] = GENUINE
    best: tuple[int, ...] = (0, 1, 2)
    seen: list[Recording] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def examine(self, recording: Recording) -> Examined:
        self.seen.append(recording)
        self.meanwhile()
        return Examined(self.finds, CURVES, tuple(place for place in self.best if place < len(recording.frames)))


@dataclass(frozen=True)
class Crops:
    """Crops of one picture, as they are sent."""

    face: bytes
    thumbnail: bytes
    box: tuple[int, int, int, int]
    width: int
    height: int


class Studio:
    """Makes crops of pictures."""

    def __init__(self, pack: ModelPack) -> None:
        self.gate = FrameGate.build(pack)
        self.masker = FaceMasker.build(pack)
        self._cropper = Cropper.build(pack)

    def crops(self, picture: Path) -> Crops:
        sample = decode(picture.read_bytes())
        made = self._cropper.make(sample)
        assert made is not None
        box = made.box
        return Crops(
            jpeg_of(made.face),
            jpeg_of(made.thumbnail),
            (int(box.left), int(box.top), int(box.width), int(box.height)),
            sample.width,
            sample.height,
        )


@dataclass
class Taker:
    """Takes the frames of a try, and remembers them.

    Attributes:
        crops: what every frame shows.
        clock: is moved on while frames are taken.
        number: of the try.
        nonce: of the try.
        frames: so far.
    """

    crops: Crops
    clock: Clock
    number: int
    nonce: bytes
    frames: list[SentFrame] = field(default_factory=list)
    _began: datetime | None = None

    def take(self, index: int, *, frames: int = 6, over: float = 3.0) -> None:
        """Take frames for some seconds of a step."""
        for place in range(frames):
            self.clock.wait(over / frames)
            self._began = self._began or self.clock.now
            self.frames.append(
                SentFrame(
                    round((self.clock.now - self._began).total_seconds() * 1000),
                    index,
                    self.crops.box,
                    self.crops.width,
                    self.crops.height,
                    self.crops.face,
                    self.crops.thumbnail if place % 3 == 0 else b"",
                )
            )

    @property
    def head(self) -> bytes:
        return chained(chain_start(self.nonce), self.frames)

    def body(self, frames: Sequence[SentFrame] | None = None) -> bytes:
        return encode(SentTry(self.number, CAMERA, tuple(self.frames if frames is None else frames)))


def retimed(frames: Sequence[SentFrame], times: Sequence[int]) -> list[SentFrame]:
    """The frames with other times."""
    return [replace(frame, at=at) for frame, at in zip(frames, times, strict=True)]


@contextmanager
def finding(detector: ChosenDetector, finds: tuple[Finding, ...]) -> Iterator[None]:
    """Have it find something else in a block."""
    before, detector.finds = detector.finds, finds
    try:
        yield
    finally:
        detector.finds = before

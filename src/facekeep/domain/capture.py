"""A capture: what a person is asked to confirm and to do, and the frames that answer it (docs/spec/capture.md).

Invariants: a statement's digest covers every figure and letter that the page showed; a frame's record covers its
pictures by their digests, so that the chain over records fixes every frame, its order and its step.
"""

from __future__ import annotations

import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import pairwise

from facekeep.domain.canonical import canonical
from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.errors import FormatError

__all__ = [
    "ACTIVE_STEPS",
    "DEPTH_STEPS",
    "FACE_SIDE",
    "FRAMES_MAX",
    "NONCE_BYTES",
    "THUMBNAIL_SIDE",
    "TURN_STEPS",
    "Admitted",
    "Assurance",
    "Camera",
    "Colour",
    "Intent",
    "RecordedFrame",
    "Recording",
    "SentFrame",
    "Statement",
    "Step",
    "StepKind",
    "chain_start",
    "chained",
]

NONCE_BYTES = 16
FACE_SIDE = 224
"""Pixels of the side of a face crop, at the most."""
THUMBNAIL_SIDE = 128
"""Pixels of the side of a liveness thumbnail, exactly."""
FRAMES_MAX = 240
"""Frames of one try."""
PAYEE_MAX = 140
"""Characters, as in a credit transfer of ISO 20022."""

_CHAIN = b"facekeep/capture/1/chain"
_RECORD = struct.Struct(">IBhhHHHH32s32s")
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class Intent(StrEnum):
    """What a capture is for, beside its purpose."""

    VERIFY = "verify"
    """The person claims to be somebody who is enrolled."""
    ENROL = "enrol"
    """The person becomes somebody who is enrolled, or gives further references."""
    PROVE_LIVE = "prove-live"
    """Only that a live person is there; nobody is compared, and nothing is kept."""


class Assurance(StrEnum):
    """How sure a verification is."""

    PHOTO = "photo"
    """The face of a picture. Anybody who has a picture reaches it."""
    LIVE = "live"
    """A live face, captured in a session."""
    LIVE_PASSKEY = "live+passkey"
    """A live face, and a passkey of the same person."""
    PASSKEY = "passkey"
    """A passkey in place of a face, where the person took the alternative. Nobody was looked at."""

    def reaches(self, wanted: Assurance) -> bool:
        """Whether this is at least as sure: ``photo`` < ``live`` < ``live+passkey``.

        A passkey alone is neither above nor below a face: it reaches itself, and both together reach it.
        """
        if wanted is Assurance.PASSKEY or self is Assurance.PASSKEY:
            return wanted is Assurance.PASSKEY and self in (Assurance.PASSKEY, Assurance.LIVE_PASSKEY)
        order = list(Assurance)
        return order.index(self) >= order.index(wanted)


class StepKind(StrEnum):
    """What a person is asked to do."""

    LOOK = "look"
    """Look at the camera and keep still: the first step of every try. Pulse and blinks are measured."""
    TURN_LEFT = "turn-left"
    """Turn the head to one's own left."""
    TURN_RIGHT = "turn-right"
    NOD = "nod"
    BLINK = "blink"
    SMILE = "smile"
    COME_CLOSER = "come-closer"
    LIGHT = "light"
    """Keep still while the screen shows colours."""


ACTIVE_STEPS = frozenset(StepKind) - {StepKind.LOOK, StepKind.LIGHT}
TURN_STEPS = frozenset({StepKind.TURN_LEFT, StepKind.TURN_RIGHT})
"""Steps by which a head differs clearly from a plane. Every try has one of them."""
DEPTH_STEPS = TURN_STEPS | {StepKind.COME_CLOSER}
"""Steps by which depth is measured. An approach tells less: alone it would leave some people without a word."""


class Colour(StrEnum):
    """What the screen shows in a step LIGHT, each for the same time."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    BLACK = "black"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        kind: what.
        seconds: by when it has to be done, from when it was asked.
        colours: what the screen shows, of a step LIGHT alone.
    """

    kind: StepKind
    seconds: float
    colours: tuple[Colour, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= 60:
            raise ValueError("a step has up to a minute")
        if bool(self.colours) != (self.kind is StepKind.LIGHT):
            raise ValueError("a step of light has colours, and no other")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person confirms by a capture, as it is shown and signed.

    Attributes:
        amount: decimal, without sign or grouping: ``12.50``.
        currency: code of ISO 4217, three capitals.
        payee: who gets it, 1 to 140 characters in NFC without control characters.
    """

    amount: str
    currency: str
    payee: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _AMOUNT.fullmatch(self.amount):
            raise FormatError("an amount is a decimal number", hint="For example 12.50: no sign, no grouping.")
        if not _CURRENCY.fullmatch(self.currency):
            raise FormatError("a currency is a code of three capitals", hint="For example EUR.")
        shown = unicodedata.normalize("NFC", self.payee)
        # Invisible characters and marks of direction would let one text be shown and another be meant.
        hidden = any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for letter in shown)
        if shown != self.payee or shown.strip() != shown or not 1 <= len(shown) <= PAYEE_MAX or hidden:
            raise FormatError("a payee has 1 to 140 visible characters", hint="In Unicode's form NFC.")

    @property
    def digest(self) -> str:
        """SHA-256 over its canonical JSON (RFC 8785), 64 hexadecimal digits.

        The canonical form of an object of three texts is what the standard library writes: keys sorted, no space.
        """
        return hashlib.sha256(canonical(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class SentFrame:
    """A frame as it was sent, its pictures not yet looked at.

    Attributes:
        at: milliseconds since the first frame of the try, by the camera's clock.
        step: index of the step during which it was taken.
        box: of the face, in whole pixels of the camera's picture, as the page claims.
        camera_width: pixels of the camera's picture, as the page claims.
        camera_height: the same.
        face: the face crop, JPEG.
        thumbnail: the liveness thumbnail, JPEG; empty for a frame without.
    """

    at: int
    step: int
    box: tuple[int, int, int, int]
    camera_width: int
    camera_height: int
    face: bytes = field(repr=False)
    thumbnail: bytes = field(default=b"", repr=False)

    def record(self) -> bytes:
        """What the chain covers: times and claims, and the SHA-256 of each picture (zeros for none)."""
        return _RECORD.pack(
            self.at,
            self.step,
            *self.box,
            self.camera_width,
            self.camera_height,
            hashlib.sha256(self.face).digest(),
            hashlib.sha256(self.thumbnail).digest() if self.thumbnail else bytes(32),
        )


def chain_start(nonce: bytes) -> bytes:
    """The head of a chain without frames, 32 bytes.

    Args:
        nonce: of the try, 16 bytes.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    return hashlib.sha256(_CHAIN + nonce).digest()


def chained(head: bytes, frames: Iterable[SentFrame]) -> bytes:
    """The head after further frames, 32 bytes: SHA-256 over the head before and the frame's record."""
    for frame in frames:
        head = hashlib.sha256(head + frame.record()).digest()
    return head


@dataclass(frozen=True, slots=True)
class Camera:
    """What the page says of the camera. A page that lies can say anything.

    Attributes:
        label: the name of the device.
        width: pixels.
        height: pixels.
        frame_rate: frames in a second, as the browser's settings say; 0 if they do not.
        intervals: milliseconds between the frames that the browser presented, at most 600 of them.
    """

    label: str = field(repr=False)
    width: int
    height: int
    frame_rate: float
    intervals: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame whose crops were admitted: each shows one face, which fills the part of it that it must.

    Attributes:
        at: seconds since the first frame of the try.
        step: index of the step during which it was taken.
        face: RGB, square, at most 224 × 224.
        face_box: of the face, in pixels of ``face``.
        thumbnail: RGB, 128 × 128, or None.
        box: of the face in the camera's picture, as the page claims.
        camera_width: pixels, as the page claims.
        camera_height: the same.
    """

    at: float
    step: int
    face: Pixels = field(repr=False)
    face_box: BoundingBox
    thumbnail: Pixels | None = field(repr=False)
    box: BoundingBox
    camera_width: int
    camera_height: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """What the gate let through of a body.

    Attributes:
        frames: those that show one face alone, at least one, in their order.
        places: of each of them, its place among the frames that were sent.
        second_faces: seconds since the first frame of the try, of each frame that was dropped for a second face.
    """

    frames: tuple[RecordedFrame, ...] = field(repr=False)
    places: tuple[int, ...]
    second_faces: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.frames or len(self.frames) != len(self.places):
            raise ValueError("what was admitted has frames, each with its place")


@dataclass(frozen=True, slots=True)
class Recording:
    """One try: what was asked, and the frames that answer it, in their order.

    Attributes:
        steps: in the order in which they were asked.
        frames: at least one; times grow, steps never go back.
        camera: what the page says of it; None where there was no page.
        second_faces: seconds since the first frame of the try at which a second face was seen, by the gate or by the
            page. What it was seen in is none of ``frames``: nobody looks at it any further.
    """

    steps: tuple[Step, ...]
    frames: tuple[RecordedFrame, ...] = field(repr=False)
    camera: Camera | None = None
    second_faces: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        times = [frame.at for frame in self.frames]
        steps = [frame.step for frame in self.frames]
        if not times or any(later <= earlier for earlier, later in pairwise(times)):
            raise ValueError("a recording has frames, each later than the one before")
        if steps != sorted(steps) or not 0 <= steps[0] <= steps[-1] < max(1, len(self.steps)):
            raise ValueError("frames follow the steps in their order")

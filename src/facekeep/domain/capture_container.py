"""The container in which the frames of one try come, and nothing else (docs/spec/capture.md, section Container).

Invariants: every length is held against what is there before anything is copied; nothing is left over; ``encode`` and
``decode`` undo each other. No picture is looked at here.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final, NoReturn

from facekeep.domain.capture import FRAMES_MAX, Camera, SentFrame
from facekeep.domain.subject import is_text
from facekeep.errors import FormatError

__all__ = ["BODY_BYTES_MAX", "INTERVALS_MAX", "LABEL_MAX", "PICTURE_BYTES_MAX", "SentTry", "decode", "encode"]

BODY_BYTES_MAX: Final = 12 << 20
DESCRIPTION_BYTES_MAX: Final = 64 << 10
PICTURE_BYTES_MAX: Final = 64 << 10
"""Of one crop."""
INTERVALS_MAX: Final = 600
"""Times between frames that a page tells."""
LABEL_MAX: Final = 256
"""Characters of a camera's name."""

_MAGIC: Final = b"fkcapt1\n"
_LENGTH: Final = struct.Struct(">I")
_COUNT: Final = struct.Struct(">H")
_FRAME: Final = struct.Struct(">IBhhHHHHII")
_SECOND_FACES: Final = "second_faces"
_TIME_MAX: Final = (1 << 32) - 1
_SIDE_MAX: Final = (1 << 16) - 1
_RATE_MAX: Final = 1000.0
_INTERVAL_MAX: Final = 3_600_000.0


@dataclass(frozen=True, slots=True)
class SentTry:
    """What a page sent of one try.

    Attributes:
        number: of the try, 1 or more.
        camera: what the page says of it.
        frames: 1 to 240, times growing from 0, steps never going back.
        second_faces: milliseconds since the first frame at which the page saw a second face and kept back what it saw;
            at most 240, growing. A page that lies can leave them out, and gains nothing by more of them.
    """

    number: int
    camera: Camera
    frames: tuple[SentFrame, ...] = field(repr=False)
    second_faces: tuple[int, ...] = ()


def decode(body: bytes | bytearray) -> SentTry:
    """Take a container apart.

    Args:
        body: as it came, of any length.

    Raises:
        FormatError: it is none.
    """
    if len(body) > BODY_BYTES_MAX:
        raise _unfit("it has more than 12 MiB")
    reader = _Reader(memoryview(body))
    if bytes(reader.take(len(_MAGIC))) != _MAGIC:
        raise _unfit("it does not begin as one")
    (length,) = reader.unpack(_LENGTH)
    if length > DESCRIPTION_BYTES_MAX:
        raise _unfit("its description is too long")
    number, camera, second_faces = _description(bytes(reader.take(length)))
    (count,) = reader.unpack(_COUNT)
    if not 1 <= count <= FRAMES_MAX:
        raise _unfit(f"it has 1 to {FRAMES_MAX} frames")
    frames: list[SentFrame] = []
    for _ in range(count):
        frame = _frame(reader)
        if frames and (frame.at <= frames[-1].at or frame.step < frames[-1].step):
            raise _unfit("times grow, and steps never go back")
        if not frames and frame.at != 0:
            raise _unfit("times begin with 0")
        frames.append(frame)
    if reader.left:
        raise _unfit("something follows the last frame")
    return SentTry(number, camera, tuple(frames), second_faces)


def encode(sent: SentTry) -> bytes:
    """Write a container, as a page does: for vectors, tests and clients that are no browser.

    Raises:
        FormatError: it would be none.
    """
    described: dict[str, Any] = {"try": sent.number, "camera": asdict(sent.camera)}
    if sent.second_faces:
        described[_SECOND_FACES] = list(sent.second_faces)
    description = json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    parts = [_MAGIC, _LENGTH.pack(len(description)), description, _COUNT.pack(min(len(sent.frames), _SIDE_MAX))]
    for frame in sent.frames:
        try:
            head = _FRAME.pack(
                frame.at,
                frame.step,
                *frame.box,
                frame.camera_width,
                frame.camera_height,
                len(frame.face),
                len(frame.thumbnail),
            )
        except struct.error:
            raise _unfit("a figure of a frame has no room") from None
        parts += [head, frame.face, frame.thumbnail]
    body = b"".join(parts)
    decode(body)
    return body


class _Reader:
    """Reads on, never beyond what is there."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._view) - self._at

    def take(self, length: int) -> memoryview:
        if length > self.left:
            raise _unfit("it ends early")
        self._at += length
        return self._view[self._at - length : self._at]

    def unpack(self, form: struct.Struct) -> tuple[int, ...]:
        return form.unpack(self.take(form.size))


def _frame(reader: _Reader) -> SentFrame:
    at, step, left, top, width, height, camera_width, camera_height, face, thumbnail = reader.unpack(_FRAME)
    if not (width and height and camera_width and camera_height):
        raise _unfit("a face and a picture have sides")
    if not 1 <= face <= PICTURE_BYTES_MAX or thumbnail > PICTURE_BYTES_MAX:
        raise _unfit("a frame has a face crop, and no crop has over 64 KiB")
    return SentFrame(
        at=at,
        step=step,
        box=(left, top, width, height),
        camera_width=camera_width,
        camera_height=camera_height,
        face=bytes(reader.take(face)),
        thumbnail=bytes(reader.take(thumbnail)),
    )


def _description(text: bytes) -> tuple[int, Camera, tuple[int, ...]]:
    try:
        plain = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _unfit("its description is no JSON") from None
    crowded = isinstance(plain, dict) and _SECOND_FACES in plain
    described = _fields(plain, ("try", "camera", *[_SECOND_FACES] * crowded))
    said = _fields(described["camera"], ("label", "width", "height", "frame_rate", "intervals"))
    number, label, intervals = described["try"], said["label"], said["intervals"]
    if not isinstance(label, str) or not is_text(label, LABEL_MAX):
        raise _unfit(f"a camera's name has at most {LABEL_MAX} characters")
    if not isinstance(intervals, list) or len(intervals) > INTERVALS_MAX:
        raise _unfit(f"at most {INTERVALS_MAX} intervals are told")
    return (
        _whole(number, 255),
        Camera(
            label,
            _whole(said["width"], _SIDE_MAX),
            _whole(said["height"], _SIDE_MAX),
            _figure(said["frame_rate"], _RATE_MAX),
            tuple(_figure(interval, _INTERVAL_MAX) for interval in intervals),
        ),
        _second_faces(described[_SECOND_FACES]) if crowded else (),
    )


def _second_faces(plain: Any) -> tuple[int, ...]:
    if not isinstance(plain, list) or not 1 <= len(plain) <= FRAMES_MAX:
        raise _unfit(f"a second face is told of at most {FRAMES_MAX} times, or not at all")
    if any(type(at) is not int or not 0 <= at <= _TIME_MAX for at in plain):
        raise _unfit("a time is whole milliseconds")
    if any(later <= earlier for earlier, later in pairwise(plain)):
        raise _unfit("times grow")
    return tuple(plain)


def _fields(plain: Any, names: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(plain, dict) or set(plain) != set(names):
        raise _unfit("its description has other fields")
    return plain


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise _unfit("a figure of its description is out of range")
    return value


def _figure(value: Any, most: float) -> float:
    if type(value) not in (int, float) or not 0 <= value <= most or not math.isfinite(value):
        raise _unfit("a figure of its description is out of range")
    return float(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is given twice")
    return fields


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def _unfit(why: str) -> FormatError:
    return FormatError(f"this is no container of frames: {why}", hint="Its form is in docs/spec/capture.md.")

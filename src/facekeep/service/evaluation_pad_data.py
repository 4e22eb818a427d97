"""Presentations to measure attack detection on: pictures, and recorded tries, bona fide and of each kind of attack.

``DIR/bona-fide/…`` and ``DIR/attack/KIND/…``. A picture is a presentation; so is a folder with ``steps.json``, a try.
Any other folder only groups. docs/how-to/evaluate.md has the form of ``steps.json``. Names of files are in no result
and no error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facekeep.domain.capture import (
    FRAMES_MAX,
    Admitted,
    Camera,
    Colour,
    RecordedFrame,
    Recording,
    SentFrame,
    Step,
    StepKind,
)
from facekeep.domain.capture_container import decode as decode_container
from facekeep.errors import FormatError, FrameTooWideError, ImageError, UsageError
from facekeep.face.images import decode
from facekeep.face.pad.crops import Cropper, encode
from facekeep.face.pad.gate import FrameGate
from facekeep.service.evaluation_data import PICTURE_SUFFIXES

__all__ = ["BONA_FIDE", "Presentation", "PresentationReader", "read_presentations"]

BONA_FIDE = ""
"""The kind of a presentation that is no attack."""
STEPS_FILE = "steps.json"
CONTAINER_SUFFIX = ".fkcapture"
_LARGEST_STEPS = 1 << 20


@dataclass(frozen=True, slots=True)
class Presentation:
    """One presentation.

    Attributes:
        path: a picture, or the folder of a try.
        kind: of attack (ISO/IEC 30107-3: species of attack instrument), or :data:`BONA_FIDE`.
        is_try: whether it is the folder of a try.
    """

    path: Path
    kind: str
    is_try: bool


def read_presentations(folder: Path) -> tuple[Presentation, ...]:
    """All presentations below a folder, in the order of their names.

    Raises:
        UsageError: there is none, or none that is bona fide or an attack.
    """
    found = [Presentation(path, BONA_FIDE, is_try) for path, is_try in _below(folder / "bona-fide")]
    for kind in _folders(folder / "attack"):
        found += [Presentation(path, kind.name, is_try) for path, is_try in _below(kind)]
    if not found:
        raise UsageError(
            "there is no presentation in this folder",
            hint="Put pictures or tries into bona-fide/ and attack/KIND/: docs/how-to/evaluate.md.",
        )
    return tuple(found)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _below(folder: Path) -> Iterator[tuple[Path, bool]]:
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if (path / STEPS_FILE).is_file():
                yield path, True
            else:
                yield from _below(path)
        elif path.suffix.lower() in PICTURE_SUFFIXES:
            yield path, False


class PresentationReader:
    """Reads presentations as a page and a gate make them into what is judged."""

    def __init__(self, cropper: Cropper, gate: FrameGate) -> None:
        self._cropper, self._gate = cropper, gate

    def picture(self, path: Path) -> RecordedFrame | None:
        """A picture of a camera, cropped and admitted; None where that fails: there is no face, or it is too small.

        Raises:
            FormatError: the file cannot be read.
        """
        sent = self._sent(_read(path), 0, 0, thumbnail=True)
        admitted = None if sent is None else self._admitted([sent])
        return None if admitted is None else admitted.frames[0]

    def recording(self, folder: Path) -> Recording | None:
        """A try; None where the gate refuses it, or where it has no face at all.

        Raises:
            FormatError: ``steps.json`` or a container breaks its form, or a file cannot be read.
        """
        steps, times = _steps(_read(folder / STEPS_FILE))
        containers = sorted(folder.glob(f"*{CONTAINER_SUFFIX}"))
        if len(containers) == 1:
            tried = decode_container(_read(containers[0]))
            return self._made(list(tried.frames), steps, tried.camera)
        pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
        if containers or len(pictures) != len(times) or not 1 <= len(pictures) <= FRAMES_MAX:
            raise FormatError(
                "a try is one container, or as many pictures as steps.json has frames",
                hint=f"At most {FRAMES_MAX} pictures, taken in the order of their names.",
            )
        made = [
            self._sent(_read(path), at, step, thumbnail=place % 4 == 0)
            for place, (path, (at, step)) in enumerate(zip(pictures, times, strict=True))
        ]
        return self._made([sent for sent in made if sent is not None], steps, None)

    def _made(self, sent: list[SentFrame], steps: tuple[Step, ...], camera: Camera | None) -> Recording | None:
        if not sent:
            return None
        if any(frame.step >= len(steps) for frame in sent):
            raise FormatError("a frame belongs to a step that steps.json does not have")
        admitted = self._admitted(sent)
        if admitted is None:
            return None
        try:
            return Recording(steps, admitted.frames, camera, admitted.second_faces)
        except ValueError:
            raise FormatError("the frames of a try do not follow its steps in time") from None

    def _admitted(self, sent: list[SentFrame]) -> Admitted | None:
        try:
            return self._gate.admit(sent)
        except (FrameTooWideError, ImageError):
            return None

    def _sent(self, data: bytes, at: int, step: int, *, thumbnail: bool) -> SentFrame | None:
        try:
            sample = decode(data)
        except ImageError:
            return None
        crops = self._cropper.make(sample)
        if crops is None:
            return None
        edges = (crops.box.left, crops.box.top, crops.box.width, crops.box.height)
        left, top, width, height = (round(value) for value in edges)
        small = encode(crops.thumbnail) if thumbnail else b""
        return SentFrame(at, step, (left, top, width, height), sample.width, sample.height, encode(crops.face), small)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise FormatError(
            "a file of a presentation cannot be read", hint="Check that this account may read it."
        ) from None


def _steps(data: bytes) -> tuple[tuple[Step, ...], list[tuple[int, int]]]:
    """The steps, and of each frame its time and step; none where the frames are in a container."""
    try:
        document = json.loads(data[: _LARGEST_STEPS + 1])  # of a longer one the end is missing, so that it is none
        steps = tuple(
            Step(StepKind(one["kind"]), float(one["seconds"]), tuple(Colour(word) for word in one.get("colours", ())))
            for one in document["steps"]
        )
        frames = [(int(one["at"]), int(one["step"])) for one in document.get("frames", ())]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise FormatError(
            "a steps.json does not have the form that it needs", hint="docs/how-to/evaluate.md has an example."
        ) from None
    if not steps or any(at < 0 or not 0 <= step < len(steps) for at, step in frames):
        raise FormatError("a steps.json has steps, and frames that belong to them")
    return steps, frames

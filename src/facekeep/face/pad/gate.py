"""The gate of a capture: the first that looks at the pictures of a body, and the only one before they are admitted.

The server does not trust the page. A page that sends the whole view, or a second face, is refused here, the whole body
with it, and no other code has seen its pixels. The order is the point: size and format by the headers, then the
decoder, then the light detector, on one picture at a time; what was admitted before a refusal is let go.
"""

from __future__ import annotations

from collections.abc import Sequence

from facekeep.domain.capture import FACE_SIDE, THUMBNAIL_SIDE, RecordedFrame, SentFrame
from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.errors import FormatError, FrameTooWideError, ImageError
from facekeep.face import jpeg
from facekeep.face.images import ImageLimits, decode
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import FACE_SIDE_MIN

__all__ = ["FACE_SHARE_MIN", "THUMBNAIL_SHARE_MIN", "FrameGate"]

FACE_SHARE_MIN = 0.5
"""Longer side of the face's box by the side of a face crop. Rightly made ones have 0.56 and more (537 of 537)."""
THUMBNAIL_SHARE_MIN = 0.3
"""The same of a thumbnail; rightly made ones have 0.34 and more."""
_CROP_BYTES = 64 * 1024
_ANOTHER = 0.9  # confidence of a further face; in one rightly made thumbnail of 537 something passed for one at 0.81
_LIMITS = ImageLimits(bytes=_CROP_BYTES, profile_bytes=0)


class FrameGate:
    """Admits frames. Several threads may use it at once."""

    def __init__(self, detector: LightDetector) -> None:
        self._detector = detector

    @classmethod
    def build(cls, pack: ModelPack) -> FrameGate:
        """Loads the light detector of the pack.

        Raises:
            ModelError: the model is missing or altered.
        """
        return cls(LightDetector.build(pack))

    def admit(self, frames: Sequence[SentFrame]) -> tuple[RecordedFrame, ...]:
        """Looks at every picture of a body.

        Args:
            frames: in their order, as they were sent.

        Returns:
            One for each, in their order.

        Raises:
            FrameTooWideError: a crop has another size than a crop has, shows no face, more than one, or one that fills
                too little of it.
            ImageError: a crop is no sound JPEG, or has more than 64 KiB.
            FormatError: a frame's claim about the camera's picture cannot be true.
        """
        admitted: list[RecordedFrame] = []
        try:
            for frame in frames:
                admitted.append(self._look_at(frame))  # noqa: PERF401 - let go one by one on a refusal
        except (FrameTooWideError, ImageError, FormatError) as error:
            admitted.clear()
            problem = error
        else:
            return tuple(admitted)
        # Raised anew, without the frames of the stack that hold pixels.
        raise problem.with_traceback(None)

    def _look_at(self, frame: SentFrame) -> RecordedFrame:
        box = BoundingBox(*(float(value) for value in frame.box))
        if min(box.width, box.height, frame.camera_width, frame.camera_height) < 1:
            raise FormatError("the box of a face and the camera's picture are at least a pixel wide and high")
        face = _open(frame.face, FACE_SIDE_MIN, FACE_SIDE)
        face_box = self._one_face(face, FACE_SHARE_MIN)
        thumbnail = None
        if frame.thumbnail:
            thumbnail = _open(frame.thumbnail, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
            self._one_face(thumbnail, THUMBNAIL_SHARE_MIN)
        return RecordedFrame(
            at=frame.at / 1000,
            step=frame.step,
            face=face,
            face_box=face_box,
            thumbnail=thumbnail,
            box=box,
            camera_width=frame.camera_width,
            camera_height=frame.camera_height,
        )

    def _one_face(self, pixels: Pixels, share: float) -> BoundingBox:
        faces = self._detector.detect(pixels)
        if not faces:
            raise FrameTooWideError("no face was found in a crop")
        if any(face.confidence >= _ANOTHER for face in faces[1:]):
            raise FrameTooWideError("a crop shows more than one face")
        box = faces[0].box
        if max(box.width, box.height) < share * pixels.shape[0]:
            raise FrameTooWideError("the face fills too little of a crop")
        return box


def _open(data: bytes, least: int, most: int) -> Pixels:
    """The pixels of a square JPEG with such a side; others are never decoded."""
    if not data.startswith(b"\xff\xd8"):
        raise ImageError("A crop is no JPEG.", hint="The page sends JPEG only.")
    if len(data) > _CROP_BYTES:
        raise ImageError(f"A crop has more than {_CROP_BYTES} bytes.", hint="The page sends smaller ones.")
    header = jpeg.clear(data, _LIMITS)
    if header.width != header.height or not least <= header.width <= most:
        raise FrameTooWideError("a crop has another size than crops have")
    return decode(data, _LIMITS).pixels

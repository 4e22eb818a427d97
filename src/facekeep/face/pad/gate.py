"""The gate of a capture: the first that looks at the pictures of a body, and the only one before they are admitted.

The server does not trust the page. A page that sends the whole view is refused here, the whole body with it, and no
other code has seen its pixels. The order is the point: size and format by the headers, then the decoder, then the light
detector, on one picture at a time; what was admitted before a refusal is let go.

A second face may be somebody who forces the first. So a frame that shows one is dropped, its pixels let go here, and
its time is told: a person has to look. Where too few frames are left that show one face alone, the whole body is
refused: a reviewer is shown a face alone or none, and there would be nothing to judge by.
"""

from __future__ import annotations

from collections.abc import Sequence

from facekeep.domain.capture import FACE_SIDE, THUMBNAIL_SIDE, Admitted, RecordedFrame, SentFrame
from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.errors import FormatError, FrameTooWideError, ImageError
from facekeep.face import jpeg
from facekeep.face.images import ImageLimits, decode
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import FACE_SIDE_MIN

__all__ = ["ALONE_MIN", "FACE_SHARE_MIN", "THUMBNAIL_SHARE_MIN", "FrameGate"]

FACE_SHARE_MIN = 0.5
"""Longer side of the face's box by the side of a face crop. Rightly made ones have 0.56 and more (537 of 537)."""
THUMBNAIL_SHARE_MIN = 0.3
"""The same of a thumbnail; rightly made ones have 0.34 and more."""
ALONE_MIN = 12
"""Frames with one face alone that a body needs beside those with a second one, or it is refused."""
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

    def admit(self, frames: Sequence[SentFrame]) -> Admitted:
        """Looks at every picture of a body.

        Args:
            frames: in their order, as they were sent.

        Returns:
            Those that show one face alone, and when a second one was seen.

        Raises:
            FrameTooWideError: a crop has another size than a crop has, shows no face, or one that fills too little of
                it; or too few frames show one face alone.
            ImageError: a crop is no sound JPEG, or has more than 64 KiB.
            FormatError: a frame's claim about the camera's picture cannot be true.
        """
        admitted: list[RecordedFrame] = []
        places: list[int] = []
        second_faces: list[float] = []
        try:
            for place, frame in enumerate(frames):
                seen = self._look_at(frame)
                if seen is None:
                    second_faces.append(frame.at / 1000)
                    continue
                admitted.append(seen)
                places.append(place)
            if second_faces and len(admitted) < ALONE_MIN:
                raise FrameTooWideError("most crops show more than one face")  # noqa: TRY301 - let go as all others
        except (FrameTooWideError, ImageError, FormatError) as error:
            seen = None
            admitted.clear()
            problem = error
        else:
            return Admitted(tuple(admitted), tuple(places), tuple(second_faces))
        # Raised anew, without the frames of the stack that hold pixels.
        raise problem.with_traceback(None)

    def _look_at(self, frame: SentFrame) -> RecordedFrame | None:
        """None where one of its crops shows a second face. What is too wide is refused even then."""
        box = BoundingBox(*(float(value) for value in frame.box))
        if min(box.width, box.height, frame.camera_width, frame.camera_height) < 1:
            raise FormatError("the box of a face and the camera's picture are at least a pixel wide and high")
        face = _open(frame.face, FACE_SIDE_MIN, FACE_SIDE)
        face_box, alone = self._face_in(face, FACE_SHARE_MIN)
        thumbnail = None
        if frame.thumbnail:
            thumbnail = _open(frame.thumbnail, THUMBNAIL_SIDE, THUMBNAIL_SIDE)
            alone &= self._face_in(thumbnail, THUMBNAIL_SHARE_MIN)[1]
        if not alone:
            return None
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

    def _face_in(self, pixels: Pixels, share: float) -> tuple[BoundingBox, bool]:
        """The box of the face that a crop is of, and whether it is alone."""
        faces = self._detector.detect(pixels)
        if not faces:
            raise FrameTooWideError("no face was found in a crop")
        others = [face for face in faces[1:] if face.confidence >= _ANOTHER]
        # Of two that the detector is sure of, the larger one is who the crop is of.
        box = max((faces[0], *others), key=lambda face: max(face.box.width, face.box.height)).box
        if max(box.width, box.height) < share * pixels.shape[0]:
            raise FrameTooWideError("the face fills too little of a crop")
        return box, not others


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

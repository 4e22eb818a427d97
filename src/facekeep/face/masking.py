"""The face and nothing else: what a reviewer may be shown of a picture (docs/spec/review.md, "Pictures").

Invariants: outside of the face's ellipse, beside the jaw and below it every pixel is the same grey, of whatever was
there; no side is over 224 pixels; a written picture holds pixels and no metadata.
"""

from __future__ import annotations

import io
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facekeep.domain.capture import FACE_SIDE, RecordedFrame
from facekeep.domain.sample import BiometricSample, BoundingBox, Pixels
from facekeep.errors import QualityError
from facekeep.face.detection import AdaptiveDetector
from facekeep.face.fine_points import FinePoints
from facekeep.face.geometry import JAW, MOUTH_CORNERS, Points, eye_centres, eye_distance, five_of, tilt
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import MadeCrops, crop, square_around
from facekeep.face.pipeline import DEFAULT_DETECTOR
from facekeep.face.ports import Detector

__all__ = ["GREY", "FaceMasker", "face_region", "mask_crop"]

GREY: Final = 128
"""Of each channel, where nothing is shown."""
_ELLIPSE: Final = 0.6  # half axes by the box's width and height, as a page cuts them (docs/spec/capture.md)
_CHIN: Final = 8
_SURROUNDINGS: Final = 2.4  # side of what the light detector searches, by that of the face's box
_SURROUNDINGS_SIDE: Final = 640  # of the same in pixels, at most
_EYES_MIN, _CHIN_MIN = 0.2, 0.4  # distance of the eyes, and of the chin from them, by the box's width at least
_FRACTION_BITS: Final = 4


def face_region(side: int, box: BoundingBox, points: Points) -> NDArray[np.bool_]:
    """The pixels of a crop that may be seen: inside of the ellipse, above the jaw and between its ends.

    Args:
        side: of the crop, in pixels.
        box: of the face, in pixels of the crop, as the light detector gives it.
        points: the 68, in the same.

    Returns:
        Shape (side, side).

    Raises:
        QualityError: the points are none of a face in this box, so that nobody knows where it ends.
    """
    eyes = eye_centres(points).mean(axis=0)
    down = points[list(MOUTH_CORNERS)].mean(axis=0) - eyes
    length = float(np.linalg.norm(down))
    width = max(1.0, box.width)
    below = float((points[_CHIN] - eyes) @ down) / max(length, 1e-6)
    inside = box.left <= eyes[0] <= box.left + box.width and box.top <= eyes[1] <= box.top + box.height
    upright = float(down[1]) > abs(float(down[0]))
    wide = eye_distance(points) >= _EYES_MIN * width and below >= max(_CHIN_MIN * width, length)
    if not (inside and upright and wide):
        raise QualityError("the face's outline was not found")
    # From the ends of the jaw straight up, as the face is held, beyond the picture.
    up = -down / length * 4 * side
    outline = np.concatenate([points[JAW], points[JAW][-1:] + up, points[JAW][:1] + up])
    region = np.zeros((side, side), np.uint8)
    # Centres of pixels lie half a pixel in.
    corners = np.rint((outline - 0.5) * (1 << _FRACTION_BITS)).astype(np.int32)
    cv2.fillPoly(region, [corners], 1, shift=_FRACTION_BITS)
    x = (np.arange(side) + 0.5 - box.centre[0]) / (_ELLIPSE * width)
    y = (np.arange(side) + 0.5 - box.centre[1]) / (_ELLIPSE * max(1.0, box.height))
    return region.astype(bool) & (x**2 + y[:, np.newaxis] ** 2 <= 1)


def mask_crop(face: Pixels, box: BoundingBox, points: Points) -> bytes:
    """A face crop of a capture as it may be shown.

    Args:
        face: RGB, square, at most 224 × 224.
        box: of the face, in pixels of ``face``.
        points: the 68, in the same, as :class:`~facekeep.face.pad.meter.FaceMeter` finds them.

    Returns:
        PNG of the same size, without metadata.

    Raises:
        QualityError: the points are none of a face in this box.
        ValueError: the crop is not square, or too large.
    """
    height, width = face.shape[:2]
    if height != width or not 1 <= width <= FACE_SIDE:
        raise ValueError(f"a face crop is square, with at most {FACE_SIDE} pixels a side")
    region = face_region(width, box, points)
    shown = np.where(region[:, :, np.newaxis], face, np.uint8(GREY))
    written = io.BytesIO()
    Image.fromarray(shown).save(written, "PNG", compress_level=9)
    return written.getvalue()


class FaceMasker:
    """Masks frames of a capture, and pictures that were given. Several threads may use it at once."""

    def __init__(self, detector: Detector, light: LightDetector, points: FinePoints) -> None:
        """Takes the models.

        Args:
            detector: counts the faces of a picture that was given.
            light: says where exactly the face is, as it does in a capture.
            points: finds the outline.
        """
        self._detector, self._light, self._points = detector, light, points

    @classmethod
    def build(cls, pack: ModelPack) -> FaceMasker:
        """Loads the models of the pack, on one thread each.

        Raises:
            ModelError: a model is missing or altered.
        """
        detector = AdaptiveDetector(pack.open(DEFAULT_DETECTOR, threads=1))
        return cls(detector, LightDetector.build(pack), FinePoints.build(pack))

    def frame(self, frame: RecordedFrame) -> bytes:
        """A frame of a capture as it may be shown.

        Args:
            frame: admitted by the gate.

        Returns:
            PNG, square, at most 224 × 224, without metadata.

        Raises:
            QualityError: the face's outline was not found.
        """
        return mask_crop(frame.face, frame.face_box, self._outline(frame.face, frame.face_box))

    def picture(self, sample: BiometricSample) -> bytes:
        """A picture of exactly one face as it may be shown: cropped, its eyes level, reduced and masked.

        Args:
            sample: decoded; it need not be a crop.

        Returns:
            PNG, square, 96 to 224 pixels a side, without metadata.

        Raises:
            QualityError: there is no face, more than one, or one that is too small.
        """
        faces = self._detector.detect(sample)
        if len(faces) != 1:
            problem = "no face was found in the picture" if not faces else "the picture shows more than one face"
            raise QualityError(problem, hint="Give a picture of one face, and of nobody else.")
        made = self._cut(sample, faces[0].box)
        found = self._light.detect(made.face)
        if not found:
            raise _not_found()
        box = max(found, key=lambda face: face.confidence).box
        return mask_crop(made.face, box, self._outline(made.face, box))

    def _cut(self, sample: BiometricSample, box: BoundingBox) -> MadeCrops:
        """The face as a page would have cropped it: by the light detector's box, which is another than that given."""
        around, offset, scale = _surroundings(sample, box)
        middle = [(centre - start) * scale for centre, start in zip(box.centre, offset, strict=True)]
        near = [
            face.box
            for face in self._light.detect(around)
            if abs(face.box.centre[0] - middle[0]) < box.width * scale / 2
            and abs(face.box.centre[1] - middle[1]) < box.height * scale / 2
        ]
        if not near:
            raise _not_found()
        seen = max(near, key=lambda each: each.width * each.height)
        square, _ = square_around(around, seen)
        roll = tilt(five_of(self._points.find(square)))
        whole = BoundingBox(
            seen.left / scale + offset[0], seen.top / scale + offset[1], seen.width / scale, seen.height / scale
        )
        made = crop(sample, whole, roll)
        if made is None:
            raise QualityError("the face is too small", hint="Give a picture in which the face is larger.")
        return made

    def _outline(self, face: Pixels, box: BoundingBox) -> Points:
        square, (left, top, side) = square_around(face, box)
        return self._points.find(square) * side + np.array([left, top], np.float64)


def _surroundings(sample: BiometricSample, box: BoundingBox) -> tuple[Pixels, tuple[int, int], float]:
    """The face with what is around it, its upper left corner in the picture, and its scale."""
    half = _SURROUNDINGS / 2 * max(box.width, box.height, 1.0)
    low = [max(0, int(middle - half)) for middle in box.centre]
    sides = sample.width, sample.height
    high = [min(size, int(middle + half) + 1) for middle, size in zip(box.centre, sides, strict=True)]
    around = sample.pixels[low[1] : high[1], low[0] : high[0]]
    scale = min(1.0, _SURROUNDINGS_SIDE / max(around.shape[:2]))
    if scale < 1:
        size = max(1, round(around.shape[1] * scale)), max(1, round(around.shape[0] * scale))
        around = np.asarray(cv2.resize(around, size, interpolation=cv2.INTER_AREA), np.uint8)
    return around, (low[0], low[1]), scale


def _not_found() -> QualityError:
    return QualityError("the face was not found well enough to show it alone")

"""The crops that a page sends, made in Python: for tests and measurements, and to say exactly what the page has to do.

docs/spec/capture.md, "Crops", is the contract. Whoever changes a figure here changes it there and in the page.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from facekeep.domain.capture import FACE_SIDE, THUMBNAIL_SIDE
from facekeep.domain.sample import BiometricSample, BoundingBox, Pixels
from facekeep.face.fine_points import FinePoints
from facekeep.face.geometry import five_of, tilt
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack

__all__ = ["FACE_REACH", "FACE_SIDE_MIN", "Cropper", "MadeCrops", "crop", "encode", "square_around"]

FACE_REACH = 1.5
"""Side of a face crop by the longer side of the face's box."""
FACE_SIDE_MIN = 96
"""Pixels of the side of a face crop, at the least."""
_THUMBNAIL_REACH = 2.7
_ELLIPSE = 0.6  # half axes by the box's width and height
_FACE_BLUR = 0.1  # standard deviations by the box's width
_THUMBNAIL_BLUR = 0.015
_THUMBNAIL_BOTTOM = 0.85  # below the centre, by the box's height: further down there is a body, and it is not sent
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class MadeCrops:
    """What a page makes of one picture of the camera.

    Attributes:
        face: RGB, square, 96² to 224².
        thumbnail: RGB, 128 × 128.
        box: of the face in the camera's picture, in whole pixels.
        roll: of the line between the eyes, in degrees, clockwise as seen.
    """

    face: Pixels = field(repr=False)
    thumbnail: Pixels = field(repr=False)
    box: BoundingBox
    roll: float


class Cropper:
    """Finds the face and cuts, as the page does."""

    def __init__(self, detector: LightDetector, points: FinePoints) -> None:
        self._detector, self._points = detector, points

    @classmethod
    def build(cls, pack: ModelPack) -> Cropper:
        """Loads the models of the pack.

        Raises:
            ModelError: a model is missing or altered.
        """
        return cls(LightDetector.build(pack), FinePoints.build(pack))

    def make(self, sample: BiometricSample) -> MadeCrops | None:
        """The crops of the largest face, or None if there is none, or it is too small."""
        faces = self._detector.detect(sample.pixels)
        if not faces:
            return None
        box = max(faces, key=lambda face: face.box.width * face.box.height).box
        square, _ = square_around(sample.pixels, box)
        return crop(sample, box, tilt(five_of(self._points.find(square))))


def square_around(pixels: Pixels, box: BoundingBox) -> tuple[Pixels, tuple[float, float, float]]:
    """The square around a box, as the model of the 68 points wants it; a copy of the edge where the picture ends.

    Returns:
        RGB of the square in the picture's own scale, and its left, top and side in the picture: a point found at the
        fraction *f* lies at (left, top) + *f* · side.
    """
    side = max(1, round(max(box.width, box.height)))
    left, top = (round(middle - side / 2) for middle in box.centre)
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return np.ascontiguousarray(pixels[rows[:, np.newaxis], columns]), (float(left), float(top), float(side))


def crop(sample: BiometricSample, box: BoundingBox, roll: float) -> MadeCrops | None:
    """Face crop and thumbnail.

    Args:
        sample: the camera's picture.
        box: of the face, as the light detector gives it.
        roll: of the line between the eyes, in degrees, clockwise as seen.

    Returns:
        None if the face is too small for a face crop.
    """
    whole = BoundingBox(*(float(round(value)) for value in (box.left, box.top, box.width, box.height)))
    side = min(FACE_SIDE, math.floor(FACE_REACH * max(whole.width, whole.height)))
    if side < FACE_SIDE_MIN or whole.width < 1 or whole.height < 1:
        return None
    return MadeCrops(_face(sample, whole, roll, side), _thumbnail(sample, whole, roll), whole, roll)


def encode(pixels: Pixels) -> bytes:
    """JPEG as a canvas writes it with quality 0.9: no metadata."""
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "JPEG", quality=_QUALITY)
    return written.getvalue()


def _face(sample: BiometricSample, box: BoundingBox, roll: float, side: int) -> Pixels:
    scale = side / (FACE_REACH * max(box.width, box.height))
    # Painted larger and averaged down: turning and shrinking at once would pick single pixels.
    finer = max(1, math.ceil(1 / scale - 1e-6))
    painted = side * finer
    turn = np.asarray(cv2.getRotationMatrix2D(box.centre, roll, scale * finer), np.float64)
    turn[:, 2] += painted / 2 - np.array(box.centre)
    # Centres of pixels lie half a pixel in.
    turn[:, 2] += turn[:, :2] @ [0.5, 0.5] - 0.5
    large = cv2.warpAffine(sample.pixels, turn, (painted, painted))
    face = large if finer == 1 else cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)
    axes = _ELLIPSE * box.width * scale, _ELLIPSE * box.height * scale
    return _blurred(np.asarray(face, np.uint8), (side / 2, side / 2), axes, 0.0, _FACE_BLUR * box.width * scale)


def _thumbnail(sample: BiometricSample, box: BoundingBox, roll: float) -> Pixels:
    reach = min(_THUMBNAIL_REACH, (sample.height - 1) / box.height, (sample.width - 1) / box.width)
    width, height = box.width * reach, box.height * reach
    left = round(min(max(box.centre[0] - width / 2, 0.0), sample.width - width))
    top = round(min(max(box.centre[1] - height / 2, 0.0), sample.height - height))
    region = sample.pixels[max(0, top) : top + round(height), max(0, left) : left + round(width)]
    shrinks = max(region.shape[:2]) > THUMBNAIL_SIDE
    small = cv2.resize(
        region, (THUMBNAIL_SIDE, THUMBNAIL_SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    across, down = THUMBNAIL_SIDE / region.shape[1], THUMBNAIL_SIDE / region.shape[0]
    centre = (box.centre[0] - left) * across, (box.centre[1] - top) * down
    axes = _ELLIPSE * box.width * across, _ELLIPSE * box.height * down
    soft = _blurred(np.asarray(small, np.uint8), centre, axes, roll, _THUMBNAIL_BLUR * box.width * across)
    last = math.floor(centre[1] + _THUMBNAIL_BOTTOM * box.height * down)
    if last < THUMBNAIL_SIDE:
        soft[last:] = soft[last]
    return soft


def _blurred(
    pixels: Pixels, centre: tuple[float, float], axes: tuple[float, float], roll: float, sigma: float
) -> Pixels:
    """The picture, blurred outside of an ellipse that is turned clockwise by ``roll`` degrees."""
    height, width = pixels.shape[:2]
    x = np.arange(width) + 0.5 - centre[0]
    y = (np.arange(height) + 0.5 - centre[1])[:, np.newaxis]
    turn = math.radians(roll)
    along, across = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    inside = (along / axes[0]) ** 2 + (across / axes[1]) ** 2 <= 1
    soft = cv2.GaussianBlur(pixels, (0, 0), max(sigma, 1e-3), borderType=cv2.BORDER_REPLICATE)
    return np.where(inside[:, :, np.newaxis], pixels, np.asarray(soft, np.uint8))

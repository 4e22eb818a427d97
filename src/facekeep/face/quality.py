"""Measuring the quality of a face.

Geometry comes from the detector's five points and 68 finer ones, light and sharpness from the face turned upright, the
eyes from a small classifier. The head-pose model of the pack is not used: its angles jump in steps of three degrees, it
takes 12 ms, and yaw from the points agrees with it (correlation 0.98). docs/reference/quality.md has the figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.quality import MeasureName, QualityPolicy, QualityReport
from facekeep.domain.sample import BiometricSample, BoundingBox, DetectedFace
from facekeep.face.fine_points import EyeState, FinePoints
from facekeep.face.geometry import EYES, Points, eye_distance, five_of, lip_gap, nose, pitch_of, tilt, yaw_of
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session

_Bytes = NDArray[np.uint8]
_Grey = NDArray[np.float32]

_SIDE = 256  # of the upright face, from which all else is taken
_LIGHT_SIDE = 128
_INNER = np.s_[16:116, 26:102]  # the face without its surroundings, in the upright face of 128 pixels
_BLACK, _WHITE = 25, 247  # limits of under- and over-exposure in ISO/IEC 29794-5
_FINE, _COARSE = 1.0, 16.0  # sigmas in the upright face of 128 pixels; the eyes are about 45 apart there

_YAW_SLOPE_OF_FIVE = 1.67
_FAR = 45.0  # degrees of yaw from which the detector's points are believed: the fine ones know no profiles


class QualityAssessor:
    """Measures faces. Several threads may use it at once."""

    def __init__(self, landmarks: Session, eyes: Session) -> None:
        """Wraps two loaded models.

        Args:
            landmarks: a model of the role landmarks, 68 points as fractions of its input.
            eyes: a model of the role eye state, logits (closed, open).

        Raises:
            ModelError: a model has another role.
        """
        self._landmarks, self._eyes = FinePoints(landmarks), EyeState(eyes)

    @classmethod
    def build(cls, pack: ModelPack) -> QualityAssessor:
        """Loads the models of the pack, on one thread each: they take a millisecond.

        Raises:
            ModelError: a model is missing or altered.
        """
        return cls(pack.open("fr_landmark", threads=1), pack.open("fr_eye", threads=1))

    def assess(
        self,
        sample: BiometricSample,
        subject: DetectedFace | None,
        faces: Sequence[DetectedFace],
        policy: QualityPolicy,
    ) -> QualityReport:
        """Measures the subject's face and sets it against a policy.

        Args:
            sample: the picture.
            subject: whose picture it is, one of ``faces``; None if there is none.
            faces: all faces found.
            policy: what is accepted.

        Returns:
            All measures; the face count alone if there is no subject.
        """
        values = {MeasureName.FACE_COUNT: float(len(faces))}
        if subject is None:
            return policy.judge(values)
        upright = _Upright.of(sample, subject)
        points = self._landmarks.find(upright.face) * _SIDE
        values[MeasureName.SINGLE_FACE] = _largest_other(subject, faces)
        values[MeasureName.CROP] = _inside(sample, subject.box)
        pose = _Pose.of(subject, points)
        # Seen from the side, the eyes come closer together; the standard asks for their distance in space.
        foreshortening = math.cos(math.radians(max(-60.0, min(60.0, pose.yaw))))
        values[MeasureName.INTER_EYE_DISTANCE] = eye_distance(points) * upright.scale / foreshortening
        values |= _light(upright.face)
        values |= {MeasureName.YAW: pose.yaw, MeasureName.PITCH: pose.pitch, MeasureName.ROLL: pose.roll}
        values[MeasureName.EYES_OPEN] = min(self._eyes.open(upright.face, points[eye]) for eye in EYES)
        values[MeasureName.MOUTH_CLOSED] = lip_gap(points)
        return policy.judge(values)


@dataclass(frozen=True, slots=True)
class _Upright:
    """The square around a face's box, turned so that the detector's eyes are level.

    Attributes:
        face: RGB, 256 × 256.
        scale: pixels of the picture in one of these.
    """

    face: _Bytes
    scale: float

    @classmethod
    def of(cls, sample: BiometricSample, subject: DetectedFace) -> _Upright:
        box = subject.box
        side = max(box.width, box.height, 1.0)
        reach = side * 0.75  # half the diagonal and a little
        left, right = _cut(box.centre[0] - reach, box.centre[0] + reach, sample.width)
        top, bottom = _cut(box.centre[1] - reach, box.centre[1] + reach, sample.height)
        region, scale = sample.pixels[top:bottom, left:right], 1.0
        # Halved until it is near the size wanted: turning a large selfie at once would skip most of its pixels, and
        # averaging by 2 × 2 is seven times as fast as averaging by the very factor.
        while side * scale > 2 * _SIDE and min(region.shape[:2]) > 1:
            height, width = region.shape[0] // 2, region.shape[1] // 2
            even = region[: 2 * height, : 2 * width]
            region = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            scale /= 2
        middle = (box.centre[0] - left) * scale, (box.centre[1] - top) * scale
        turn = np.asarray(cv2.getRotationMatrix2D(middle, _tilt(subject), _SIDE / (side * scale)), np.float64)
        turn[:, 2] += [_SIDE / 2 - middle[0], _SIDE / 2 - middle[1]]
        # What lies outside is a copy of the edge, so that a face at the border does not count as underexposed.
        face = cv2.warpAffine(region, turn, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        return cls(np.asarray(face, np.uint8), side / _SIDE)


@dataclass(frozen=True, slots=True)
class _Pose:
    """Degrees, with the signs of ISO/IEC 39794-5: yaw to the subject's left, pitch downwards, roll to its right."""

    yaw: float
    pitch: float
    roll: float

    @classmethod
    def of(cls, subject: DetectedFace, points: Points) -> _Pose:
        five = five_of(points)
        across, down = nose(five)
        coarse, _ = nose(subject.landmarks.points.astype(np.float64))
        yaw, far = yaw_of(across), yaw_of(coarse, _YAW_SLOPE_OF_FIVE)
        if abs(math.degrees(far)) > _FAR:
            yaw = far
        # The detector's eyes lag behind a turn by a fifth; the fine ones, seen nearly upright, say by how much.
        roll = _tilt(subject) + tilt(five)
        return cls(math.degrees(yaw), math.degrees(pitch_of(down, yaw)), -math.remainder(roll, 360))


def _tilt(subject: DetectedFace) -> float:
    """Angle of the line between the eyes, in degrees, clockwise as seen."""
    return tilt(subject.landmarks.points.astype(np.float64))


def _cut(low: float, high: float, length: int) -> tuple[int, int]:
    """A range of at least one pixel within 0 to ``length``."""
    start = int(min(max(low, 0.0), length - 1.0))
    return start, max(start + 1, math.ceil(min(high, float(length))))


def _largest_other(subject: DetectedFace, faces: Sequence[DetectedFace]) -> float:
    """Side of the largest other face by that of the subject, 0 if there is none."""
    area = max(1e-6, subject.box.width * subject.box.height)
    others = (face.box.width * face.box.height for face in faces if face is not subject)
    return math.sqrt(max(others, default=0.0) / area)


def _inside(sample: BiometricSample, box: BoundingBox) -> float:
    """The part of the box that lies inside the picture."""
    width = min(box.left + box.width, sample.width) - max(box.left, 0)
    height = min(box.top + box.height, sample.height) - max(box.top, 0)
    return max(0.0, width) * max(0.0, height) / max(1e-6, box.width * box.height)


def _light(face: _Bytes) -> dict[MeasureName, float]:
    small = cv2.resize(face, (_LIGHT_SIDE, _LIGHT_SIDE), interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    inner = grey[_INNER]
    middle = inner.shape[1] // 2
    return {
        MeasureName.SHARPNESS: _sharpness(grey.astype(np.float32)),
        MeasureName.LUMINANCE: float(inner.mean()) / 255,
        MeasureName.UNDER_EXPOSURE: float((inner <= _BLACK).mean()),
        MeasureName.OVER_EXPOSURE: float((inner >= _WHITE).mean()),
        MeasureName.ILLUMINATION: _overlap(inner[:, :middle], inner[:, middle:]),
    }


def _sharpness(grey: _Grey) -> float:
    """Deviation of the detail below a pixel or two by that of all detail, 0 to 1.

    Relative to the contrast of the face itself, so that dark skin or flat light is not taken for blur; in the scale of
    the face, so that a large blurred picture is not taken for a sharp one.
    """
    fine = grey - cv2.GaussianBlur(grey, (0, 0), _FINE)
    all_detail = grey - cv2.GaussianBlur(grey, (0, 0), _COARSE)
    return float(fine[_INNER].std() / max(1e-3, float(all_detail[_INNER].std())))


def _overlap(left: _Bytes, right: _Bytes) -> float:
    """Intersection of two histograms of 32 bins, 0 to 1."""
    first, second = (np.bincount((half >> 3).ravel(), minlength=32) / half.size for half in (left, right))
    return float(np.minimum(first, second).sum())

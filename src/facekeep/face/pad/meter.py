"""Measuring the face in each frame of a capture: points, pose, eyes, mouth.

Steadiness comes before all else, as the voices follow movements: the points are found once in the detector's box, then
in four squares around themselves, shifted a little, and averaged. Where the detector's box jumps by a few pixels, the
figures stay (docs/reference/pad.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame
from facekeep.domain.sample import Pixels
from facekeep.face.fine_points import EyeState, FinePoints
from facekeep.face.geometry import (
    EYES,
    Points,
    eye_distance,
    five_of,
    lip_gap,
    mouth_width,
    nose,
    pitch_of,
    tilt,
    yaw_of,
)
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import FACE_REACH
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["FaceMeter"]

_SIDE = 128  # of the squares; twice the model's input, so that it is averaged down and not picked from
_REACH = 1.1  # of a square around points, by their longer extent
_SHIFT = 0.03
_EYE_DISTANCES = 2.1  # in the width of a face's box: the mean of 248 crops of the London set
_COVERABLE = (slice(31, 36), slice(48, 68))  # the base of the nose, and the lips
_SHIFTS = ((-1, -1), (1, -1), (-1, 1), (1, 1))


class FaceMeter:
    """Measures frames. Several threads may use it at once."""

    def __init__(self, points: FinePoints, eyes: EyeState) -> None:
        self._points, self._eyes = points, eyes

    @classmethod
    def build(cls, pack: ModelPack) -> FaceMeter:
        """Loads the models of the pack, on one thread each.

        Raises:
            ModelError: a model is missing or altered.
        """
        return cls(FinePoints.build(pack), EyeState.build(pack))

    def measure(self, frame: RecordedFrame) -> FrameMeasures:
        """One frame.

        Args:
            frame: admitted by the gate, from which its box comes.
        """
        box = frame.face_box
        first = self.in_square(frame.face, box.centre, max(box.width, box.height))
        low, high = first.min(axis=0), first.max(axis=0)
        middle, side = (low + high) / 2, max(1.0, float((high - low).max())) * _REACH
        shifted = [middle + _SHIFT * side * np.array(shift) for shift in _SHIFTS]
        found = np.stack([self.in_square(frame.face, (float(x), float(y)), side) for x, y in shifted])
        points = np.asarray(found.mean(axis=0), np.float64)
        five = five_of(points)
        across, down = nose(five)
        yaw = yaw_of(across)
        return FrameMeasures(
            at=frame.at,
            step=frame.step,
            points=points,
            yaw=math.degrees(yaw),
            pitch=math.degrees(pitch_of(down, yaw)),
            roll=-tilt(five),
            eyes_open=min(self._eyes.open(frame.face, points[eye]) for eye in EYES),
            mouth_width=mouth_width(points),
            lip_gap=lip_gap(points),
            face_width=_face_width(frame, points, yaw),
            disagreement=_disagreement(found, points),
        )

    def measure_all(self, frames: Sequence[RecordedFrame]) -> tuple[FrameMeasures, ...]:
        """All frames, in their order."""
        return tuple(self.measure(frame) for frame in frames)

    def in_square(self, face: Pixels, centre: tuple[float, float], side: float) -> Points:
        """Points in pixels of the crop, found in a square of it; beyond its edge is a copy of the edge."""
        scale = _SIDE / side
        # Centres of pixels lie half a pixel in.
        shift = [_SIDE / 2 - middle * scale + 0.5 * (scale - 1) for middle in centre]
        cut = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        square = cv2.warpAffine(face, cut, (_SIDE, _SIDE), borderMode=cv2.BORDER_REPLICATE)
        fractions = self._points.find(np.asarray(square, np.uint8))
        return fractions * side + np.asarray(centre, np.float64) - side / 2


def _disagreement(found: NDArray[np.float64], points: Points) -> float:
    """Of the points found in each square, shape (squares, 68, 2), from their means."""
    apart = ((found - points) ** 2).sum(axis=2)
    return min(float(np.sqrt(apart[:, part].mean())) for part in _COVERABLE) / max(eye_distance(points), 1e-3)


def _face_width(frame: RecordedFrame, points: Points, yaw: float) -> float:
    """In pixels of the camera's picture: boxes grow by less than the face does, so the eyes tell it.

    The scale of the crop follows from the box that the page claims.
    """
    scale = FACE_REACH * max(frame.box.width, frame.box.height) / float(frame.face.shape[0])
    return _EYE_DISTANCES * eye_distance(points) * scale / max(0.5, math.cos(yaw))

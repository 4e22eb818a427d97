"""The two small models that look closely: 68 points of a face, and whether an eye is open."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BoundingBox, DetectedFace, Landmarks
from facekeep.errors import ModelError
from facekeep.face.geometry import Points, five_of
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session

__all__ = ["EyeState", "FinePoints", "face_at"]

_EYE_MARGIN = 1.6  # side of the square around an eye, in widths of the eye; as its model was trained


class FinePoints:
    """Finds 68 points. Several threads may use it at once."""

    def __init__(self, session: Session) -> None:
        """Wraps a loaded model.

        Args:
            session: a model of the role landmarks, 68 points as fractions of its input.

        Raises:
            ModelError: the model has another role.
        """
        _of_role(session, ModelRole.LANDMARKS)
        self._session = session

    @classmethod
    def build(cls, pack: ModelPack) -> FinePoints:
        """Loads the model of the pack, on one thread: it takes a millisecond.

        Raises:
            ModelError: the model is missing or altered.
        """
        return cls(pack.open("fr_landmark", threads=1))

    def find(self, face: NDArray[np.uint8]) -> Points:
        """The points of the face that fills a picture.

        Args:
            face: RGB, the square around the face's box.

        Returns:
            As fractions of its sides, shape (68, 2), −1 to 2.

        Raises:
            ModelError: the model gave no 68 finite points.
        """
        described = self._session.spec.input
        small = cv2.resize(face, (described.width or 64, described.height or 64), interpolation=cv2.INTER_AREA)
        (output,) = self._session.run(described.tensor(np.asarray(small, np.uint8)[np.newaxis]))
        if output.size != 136 or not np.isfinite(output).all():
            raise ModelError(f"the model {self._session.spec.name} did not give 68 points")
        return np.clip(output.reshape(68, 2).astype(np.float64), -1, 2)


class EyeState:
    """Tells open eyes from closed ones. Several threads may use it at once."""

    def __init__(self, session: Session) -> None:
        """Wraps a loaded model.

        Args:
            session: a model of the role eye state, logits (closed, open).

        Raises:
            ModelError: the model has another role.
        """
        _of_role(session, ModelRole.EYE_STATE)
        self._session = session

    @classmethod
    def build(cls, pack: ModelPack) -> EyeState:
        """Loads the model of the pack, on one thread.

        Raises:
            ModelError: the model is missing or altered.
        """
        return cls(pack.open("fr_eye", threads=1))

    def open(self, face: NDArray[np.uint8], eye: Points) -> float:
        """The classifier's figure that an eye is open, 0 to 1.

        Args:
            face: RGB, with the eyes about level.
            eye: six points around the eye in pixels of ``face``, the corners first and fourth.
        """
        described = self._session.spec.input
        centre = eye[[1, 2, 4, 5]].mean(axis=0)
        side = max(4.0, float(np.linalg.norm(eye[3] - eye[0])) * _EYE_MARGIN)
        width, height = described.width or 24, described.height or 24
        cut = cv2.getRectSubPix(face, (round(side), round(side)), (float(centre[0]), float(centre[1])))
        small = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA if side > width else cv2.INTER_LINEAR)
        (output,) = self._session.run(described.tensor(np.asarray(small, np.uint8)[np.newaxis]))
        closed, opened = (float(value) for value in output.ravel()[:2])
        return 1 / (1 + math.exp(max(-60.0, min(60.0, closed - opened))))


def face_at(box: BoundingBox, points: Points) -> DetectedFace:
    """A face as a detector gives it, for alignment: its box, and five points of the 68.

    Args:
        box: in pixels of the picture.
        points: in the same, shape (68, 2).
    """
    return DetectedFace(box, Landmarks(five_of(points).astype(np.float32)), 1.0)


def _of_role(session: Session, role: ModelRole) -> None:
    if session.spec.role is not role:
        raise ModelError(f"the model {session.spec.name} is not of the role {role}")

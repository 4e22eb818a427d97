"""Finding faces with the light detector: a box in three milliseconds, and no points.

The browser runs the same model; here it serves the gate, which looks at crops that a browser sent.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.errors import ModelError
from facekeep.face.detection import without_overlaps
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session

__all__ = ["LightDetector", "LightFace"]

_CONFIDENCE = 0.7
_OVERLAP = 0.3
_MOST_CANDIDATES = 500  # after the sort; a face has some dozens


@dataclass(frozen=True, slots=True)
class LightFace:
    """A face that has a box alone.

    Attributes:
        box: where it is, in pixels of the picture.
        confidence: the detector's own figure from 0 to 1; it orders faces and means nothing else.
    """

    box: BoundingBox
    confidence: float


class LightDetector:
    """A model of the form Ultra-Light RFB. Several threads may use it at once."""

    def __init__(self, session: Session, *, confidence: float = _CONFIDENCE) -> None:
        """Wraps a loaded model.

        Args:
            session: a model of the role light-detector.
            confidence: the figure from which on something counts as a face, 0 to 1.

        Raises:
            ModelError: the model has another role.
        """
        if session.spec.role is not ModelRole.LIGHT_DETECTOR:
            raise ModelError(f"the model {session.spec.name} is no light detector")
        if not 0 < confidence < 1:
            raise ValueError("a confidence lies between 0 and 1")
        self._session = session
        self._confidence = confidence

    @classmethod
    def build(cls, pack: ModelPack) -> LightDetector:
        """Loads the model of the pack, on one thread.

        Raises:
            ModelError: the model is missing or altered.
        """
        return cls(pack.open("fr_detect", threads=1))

    def detect(self, pixels: Pixels) -> tuple[LightFace, ...]:
        """The faces of a picture, the most confident first; empty if there is none.

        Args:
            pixels: RGB, shape (height, width, 3). It is squeezed into the model's 4:3, as the model's trainers do.
        """
        described = self._session.spec.input
        size = described.width or 320, described.height or 240
        shrinks = pixels.shape[1] > size[0] or pixels.shape[0] > size[1]
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        outputs = self._session.run(described.tensor(np.asarray(small, np.uint8)[np.newaxis]))
        if outputs[0].shape[-1] != 2 or outputs[1].shape != (1, outputs[0].shape[1], 4):
            raise ModelError("the light detector's outputs are not 1×k×2 scores and 1×k×4 boxes")
        scores, boxes = outputs[0][0, :, 1], outputs[1][0]
        finite = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        sure = np.flatnonzero(finite & (scores >= self._confidence))
        sure = sure[np.argsort(-scores[sure], kind="stable")[:_MOST_CANDIDATES]]
        kept = sure[without_overlaps(boxes[sure], scores[sure], _OVERLAP)]
        sides = np.array([pixels.shape[1], pixels.shape[0]] * 2, np.float64)
        return tuple(_face(boxes[index].astype(np.float64) * sides, float(scores[index])) for index in kept)


def _face(edges: np.ndarray[tuple[int, ...], np.dtype[np.float64]], score: float) -> LightFace:
    left, top, right, bottom = (float(edge) for edge in edges)
    return LightFace(BoundingBox(left, top, right - left, bottom - top), min(1.0, score))

"""Finding faces, at a size that adapts to the picture.

A selfie is searched at a few hundred pixels first; a larger size follows only if no face was found or the found one is
so small that its points would be poor. Faces come back in the picture's own pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample, BoundingBox, DetectedFace, Landmarks, Pixels
from facekeep.errors import ModelError
from facekeep.face.model_spec import ModelRole, OutputForm
from facekeep.face.runtime import Session

_Floats = NDArray[np.float32]

_STRIDE = 4  # of CenterFace's outputs, in pixels of its input
_LARGEST_LOG_SIZE = 10.0  # exp of it is far over any picture; keeps a hostile model's output finite
_MOST_CANDIDATES = 2000


@dataclass(frozen=True, slots=True)
class DetectionSettings:
    """How faces are searched.

    Attributes:
        first_side: the long side that a picture is searched at first, in pixels, 32 to 4096.
        largest_side: the long side that is never exceeded, at least ``first_side``.
        eye_distance: inter-eye distance in pixels of the searched size below which a larger size is searched.
        confidence: the detector's figure from which on something counts as a face, 0 to 1.
        overlap: intersection over union above which two boxes are one face, 0 to 1.
    """

    first_side: int = 256
    largest_side: int = 1280
    eye_distance: float = 16.0
    confidence: float = 0.5
    overlap: float = 0.3

    def __post_init__(self) -> None:
        if not 32 <= self.first_side <= self.largest_side <= 4096:
            raise ValueError("32 ≤ first_side ≤ largest_side ≤ 4096 pixels")
        if not (0 < self.confidence < 1 and 0 < self.overlap < 1 and self.eye_distance >= 0):
            raise ValueError("confidence and overlap lie between 0 and 1, the eye distance is not negative")


@dataclass(frozen=True, slots=True)
class _Found:
    """Faces in pixels of the searched size: boxes k×4 (left, top, right, bottom), scores k, points k×5×2."""

    boxes: _Floats
    scores: _Floats
    points: _Floats

    def take(self, chosen: NDArray[np.intp]) -> _Found:
        return _Found(self.boxes[chosen], self.scores[chosen], self.points[chosen])


class AdaptiveDetector:
    """A detector of the pack, run at the sizes that a picture needs. Several threads may use it at once."""

    def __init__(self, session: Session, settings: DetectionSettings | None = None) -> None:
        """Wrap a loaded model.

        Args:
            session: a model of the role detector.
            settings: how to search.

        Raises:
            ModelError: the model is no detector.
        """
        if session.spec.role is not ModelRole.DETECTOR:
            raise ModelError(f"the model {session.spec.name} is no detector")
        self._session = session
        self._settings = settings or DetectionSettings()

    def detect(self, sample: BiometricSample) -> tuple[DetectedFace, ...]:
        """The faces of a picture, the most confident first; empty if there is none."""
        faces: tuple[DetectedFace, ...] = ()
        side: int | None = self._settings.first_side
        while side is not None:
            scale, found = self._search(sample.pixels, side)
            faces = _in_the_picture(found, scale) or faces
            side = self._next_side(sample, side, found)
        return faces

    def _next_side(self, sample: BiometricSample, side: int, found: _Found) -> int | None:
        """The larger side that is needed, or None if this one did, or nothing larger can help."""
        settings = self._settings
        limit = min(settings.largest_side, max(sample.width, sample.height))
        if self._session.spec.input.width is not None or side >= limit:
            return None
        if not len(found.scores):
            return min(2 * side, limit)
        # The widest eye distance stands for the subject: small faces behind do not make a selfie slow.
        widest = float(np.linalg.norm(found.points[:, 1] - found.points[:, 0], axis=1).max())
        if widest >= settings.eye_distance:
            return None
        return min(max(2 * side, int(np.ceil(side * settings.eye_distance / max(widest, 1.0)))), limit)

    def _search(self, pixels: Pixels, side: int) -> tuple[float, _Found]:
        described = self._session.spec.input
        canvas, scale = _fit(pixels, side, described.multiple, described.width, described.height)
        outputs = self._session.run(described.tensor(canvas[np.newaxis]))
        decode = {OutputForm.CENTERFACE: _decode_centerface, OutputForm.FACES: _decode_faces}
        found = decode[self._session.spec.output.form](outputs, self._settings.confidence)
        return scale, found.take(without_overlaps(found.boxes, found.scores, self._settings.overlap))


def _fit(
    pixels: Pixels, side: int, multiple: int, width: int | None, height: int | None
) -> tuple[NDArray[np.uint8], float]:
    """The picture scaled to the long side (or into width × height), filled up with black to the right and below."""
    rows, columns = pixels.shape[:2]
    scale = side / max(rows, columns) if width is None or height is None else min(width / columns, height / rows)
    new_columns, new_rows = max(1, round(columns * scale)), max(1, round(rows * scale))
    canvas = np.zeros(
        (
            height or -(-new_rows // multiple) * multiple,
            width or -(-new_columns // multiple) * multiple,
            3,
        ),
        np.uint8,
    )
    # Averaging when shrinking: interpolation between neighbours alone would make noise out of fine detail.
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    canvas[:new_rows, :new_columns] = cv2.resize(pixels, (new_columns, new_rows), interpolation=interpolation)
    return canvas, scale


def _decode_centerface(outputs: Sequence[_Floats], confidence: float) -> _Found:
    heat, log_size, offset, shift = outputs[0][0, 0], outputs[1][0], outputs[2][0], outputs[3][0]
    rows, columns = np.nonzero(heat >= confidence)
    scores = heat[rows, columns]
    if len(scores) > _MOST_CANDIDATES:
        best = np.argsort(-scores, kind="stable")[:_MOST_CANDIDATES]
        rows, columns, scores = rows[best], columns[best], scores[best]
    heights, widths = np.exp(np.minimum(log_size[:, rows, columns], _LARGEST_LOG_SIZE)) * _STRIDE
    centres_y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE
    centres_x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE
    left, top = centres_x - widths / 2, centres_y - heights / 2
    boxes = np.stack([left, top, left + widths, top + heights], axis=1)
    # Points are fractions of the box, y before x.
    points_x = shift[1::2, rows, columns] * widths + left
    points_y = shift[0::2, rows, columns] * heights + top
    return _sound(boxes, scores, np.stack([points_x.T, points_y.T], axis=2))


def _decode_faces(outputs: Sequence[_Floats], confidence: float) -> _Found:
    boxes, scores, points = outputs
    if boxes.shape != (len(scores), 4) or points.shape != (len(scores), 10) or scores.ndim != 1:
        raise ModelError("the detector's outputs are not k×4 boxes, k scores and k×10 points")
    sure = np.flatnonzero(scores >= confidence)
    sure = sure[np.argsort(-scores[sure], kind="stable")[:_MOST_CANDIDATES]]
    return _sound(boxes[sure], scores[sure], points[sure].reshape(-1, 5, 2))


def _sound(boxes: _Floats, scores: _Floats, points: _Floats) -> _Found:
    """Only finite faces with an area, as float32."""
    finite = np.isfinite(boxes).all(axis=1) & np.isfinite(points).all(axis=(1, 2)) & np.isfinite(scores)
    good = np.flatnonzero(finite & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    return _Found(
        boxes[good].astype(np.float32), np.clip(scores[good], 0, 1).astype(np.float32), points[good].astype(np.float32)
    )


def without_overlaps(boxes: _Floats, scores: _Floats, overlap: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression; equal scores in the order of the picture, so that results repeat.

    Args:
        boxes: shape (k, 4): left, top, right, bottom.
        scores: shape (k,).
        overlap: intersection over union above which two boxes are one face.

    Returns:
        Which boxes stay, the best first.
    """
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    waiting = np.argsort(-scores, kind="stable")
    kept = []
    while len(waiting):
        first, rest = waiting[0], waiting[1:]
        kept.append(first)
        widths = np.minimum(right[first], right[rest]) - np.maximum(left[first], left[rest])
        heights = np.minimum(bottom[first], bottom[rest]) - np.maximum(top[first], top[rest])
        shared = np.maximum(widths, 0) * np.maximum(heights, 0)
        waiting = rest[shared <= overlap * (areas[first] + areas[rest] - shared)]
    return np.array(kept, np.intp)


def _in_the_picture(found: _Found, scale: float) -> tuple[DetectedFace, ...]:
    faces = []
    for box, score, points in zip(found.boxes / scale, found.scores, found.points / scale, strict=True):
        left, top, right, bottom = (float(edge) for edge in box)
        where = BoundingBox(left, top, right - left, bottom - top)
        faces.append(DetectedFace(where, Landmarks(points.astype(np.float32)), float(score)))
    return tuple(faces)

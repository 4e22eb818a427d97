"""How far a face that moved is explained by a head, and how far by a sheet of paper.

Two views of a plane differ by a homography, two views of a sheet bent once by little more: to second order both are a
polynomial of degree 2 in the points of the first view. Two views of a head under weak perspective differ by an affine
map and a shift along one direction in proportion to each point's depth. So the points of a later view are set against a
polynomial of the earlier ones **and** the depth of a generic head: what the depth alone explains, no plane and no bent
sheet does. The earlier view's own points are the person's shape across; only the depths are the generic head's.

All is in inter-eye distances after the eyes were laid on each other, so it does not matter that the points are known up
to a similarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.face.geometry import Points, eye_centres

__all__ = ["HEAD", "Approach", "Turn", "approach", "eye_aligned", "turn"]

HEAD: Points = np.array(
    [
        # The jaw from the ear on the left of the picture over the chin to the other: half the face's breadth is
        # 72 mm, the ears lie 75 mm behind the eyes, the chin 108 mm below them.
        *[(-72, -2, -75), (-71, 16, -72), (-69, 34, -66), (-65, 51, -58), (-57, 68, -46), (-46, 84, -30)],
        *[(-32, 97, -12), (-16, 105, 0), (0, 108, 6), (16, 105, 0), (32, 97, -12), (46, 84, -30)],
        *[(57, 68, -46), (65, 51, -58), (69, 34, -66), (71, 16, -72), (72, -2, -75)],
        # Brows: the ridge stands 1 cm before the eyes in the middle, and falls back at the temples.
        *[(-55, -14, -5), (-47, -22, 3), (-37, -25, 8), (-26, -23, 10), (-14, -19, 11)],
        *[(14, -19, 11), (26, -23, 10), (37, -25, 8), (47, -22, 3), (55, -14, -5)],
        # Nose: from its root to the tip, which stands 30 mm before the eyes and 15 mm before the upper lip.
        *[(0, -2, 10), (0, 10, 15), (0, 22, 22), (0, 33, 30)],
        *[(-14, 42, 9), (-7, 45, 13), (0, 47, 15), (7, 45, 13), (14, 42, 9)],
        # Eyes: 63 mm apart, the outer corners 7 mm behind their middle.
        *[(-46, 0, -7), (-36, -4, 2), (-26, -4, 2), (-16, 1, -1), (-26, 4, 1), (-36, 4, 1)],
        *[(16, 1, -1), (26, -4, 2), (36, -4, 2), (46, 0, -7), (36, 4, 1), (26, 4, 1)],
        # Lips: 50 mm wide, the middle 17 mm before the eyes, the corners bent back around the teeth.
        *[(-25, 66, 4), (-15, 60, 10), (-6, 57, 15), (0, 58.5, 17), (6, 57, 15), (15, 60, 10), (25, 66, 4)],
        *[(15, 73, 9), (6, 77, 13), (0, 78, 15), (-6, 77, 13), (-15, 73, 9)],
        *[
            (-21, 66, 6),
            (-8, 63.5, 13),
            (0, 64, 15),
            (8, 63.5, 13),
            (21, 66, 6),
            (8, 68, 13),
            (0, 69, 15),
            (-8, 68, 13),
        ],
    ],
    np.float64,
)
"""A generic adult head: 68 points in millimetres, x to the right of the picture, y down, z towards the camera, from the
middle between the eyes. Own figures, rounded, from what is commonly known of faces; docs/reference/pad.md holds them
against real heads."""

_EYE_DISTANCE = 63.0  # millimetres, of HEAD
_DEPTH: Points = HEAD[:, 2] / _EYE_DISTANCE
_INNER = np.arange(17, 68)  # the jaw's points slide along its outline when a head turns, and are left out
_ROUNDS = 4  # of reweighting; the weights no longer change by then
_HUBER = 1.5  # deviations from which a point counts less


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn shows.

    Attributes:
        relief: sine of the turn as the relief tells it: 0 for a plane or without a turn, about sin(angle) for a head.
        foreshortening: sine of the turn as the shortening across tells it, for a plane and a head alike, 0 to 1.
        share: relief / hypot(relief, foreshortening): near 0.7 for a head, near 0 for a plane; 0 without any turn.
        plane_residual: root mean square of what the best homography leaves, in inter-eye distances.
        head_residual: the same for the best rigid head; as many numbers are fitted for both.
    """

    relief: float
    foreshortening: float
    share: float
    plane_residual: float
    head_residual: float


@dataclass(frozen=True, slots=True)
class Approach:
    """What an approach shows.

    Attributes:
        relief: how much nearer points grew more than farther ones, for each inter-eye distance of depth: 0 for a plane,
            for a head e/d₂ − e/d₁ with e its inter-eye distance and d₁, d₂ its distances before and after.
    """

    relief: float


def eye_aligned(points: Points) -> Points | None:
    """Points from the middle between the eyes, in inter-eye distances, the eyes level.

    Args:
        points: 68 points of any scale and turn, shape (68, 2).

    Returns:
        Shape (68, 2); None if the eyes lie in one place or a point is not finite.
    """
    if not np.isfinite(points).all():
        return None
    left, right = eye_centres(points)
    across = right - left
    distance = float(np.linalg.norm(across))
    if distance < 1e-6:
        return None
    cosine, sine = across / distance
    turned = (points - (left + right) / 2) @ np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray(turned / distance, np.float64)


def turn(before: Points, after: Points) -> Turn:
    """How a face turned between two views.

    Args:
        before: 68 points, eye-aligned, of a face seen about frontally.
        after: the same points later, eye-aligned.
    """
    first, second, depth = before[_INNER], after[_INNER], _DEPTH[_INNER]
    x, y = first.T
    one = np.ones_like(x)
    fitted = _robust(np.column_stack([one, x, y, x * x, x * y, y * y, depth]), second)
    # At the middle between the eyes the polynomial's slope is the affine map, whose singular values a turn by an angle
    # makes 1 and its cosine, times the change of scale.
    larger, smaller = np.linalg.svd(fitted[1:3].T, compute_uv=False)
    scale = max(float(larger), 1e-6)
    relief = float(np.linalg.norm(fitted[-1])) / scale
    foreshortening = float(np.sqrt(max(0.0, 1 - (float(smaller) / scale) ** 2)))
    whole = float(np.hypot(relief, foreshortening))
    head = np.column_stack([one, x, y, depth])
    left_by_head = second - head @ np.linalg.lstsq(head, second, rcond=None)[0]
    return Turn(
        relief=relief,
        foreshortening=foreshortening,
        share=relief / whole if whole > 1e-6 else 0.0,
        plane_residual=_left_by_homography(first, second),
        head_residual=_rms(left_by_head),
    )


def approach(before: Points, after: Points) -> Approach:
    """How a face grew between two views.

    A point at depth z before the eyes is shown (1 + z/d₂)/(1 + z/d₁) times as far from the middle as the eyes are:
    to first order 1 + (e/d₂ − e/d₁) z, times an affine map for how the face turned, and a shift along the depth for
    the same and for where the camera's axis passes.

    Args:
        before: 68 points, eye-aligned.
        after: the same points nearer to the camera, eye-aligned.
    """
    x, y = before.T
    one, none = np.ones_like(x), np.zeros((len(x), 4))
    moved = np.column_stack([one, x, y, _DEPTH])
    grown = np.concatenate([x * _DEPTH, y * _DEPTH])[:, np.newaxis]
    design = np.hstack([np.vstack([np.hstack([moved, none]), np.hstack([none, moved])]), grown])
    fitted = np.linalg.lstsq(design, after.T.ravel(), rcond=None)[0]
    return Approach(float(fitted[-1]))


def _robust(design: Points, wanted: Points) -> Points:
    """Least squares in which points far off count less (Huber's weights, deviation from the median)."""
    weights = np.ones(len(design))
    fitted: Points = np.zeros((design.shape[1], wanted.shape[1]))
    for _ in range(_ROUNDS):
        root = np.sqrt(weights)[:, np.newaxis]
        fitted = np.asarray(np.linalg.lstsq(design * root, wanted * root, rcond=None)[0], np.float64)
        off = np.linalg.norm(wanted - design @ fitted, axis=1)
        limit = _HUBER * (1.4826 * float(np.median(off)) + 1e-9)
        weights = np.minimum(1.0, limit / np.maximum(off, 1e-12))
    return fitted


def _left_by_homography(first: Points, second: Points) -> float:
    """0 where OpenCV finds none, which it does of points in one line alone."""
    # Times 100, as its own stopping rule is meant for pixels. It may give None, which its types do not say.
    found: NDArray[np.float64] | None = cv2.findHomography(first * 100, second * 100, 0)[0]  # type: ignore[assignment]
    if found is None:
        return 0.0
    shown = cv2.perspectiveTransform((first * 100)[np.newaxis], found)[0]
    return _rms(shown / 100 - second)


def _rms(vectors: Points) -> float:
    return float(np.sqrt((np.asarray(vectors, np.float64) ** 2).sum(axis=1).mean()))

"""What the 68 points of a face say of its pose, its eyes and its mouth. Numbered from 0, in the order of 300-W.

Shared by quality, which judges a picture, and by the meter of a capture, which follows a movement.
docs/reference/quality.md has the figures.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "EYES",
    "JAW",
    "Points",
    "eye_centres",
    "eye_distance",
    "five_of",
    "lip_gap",
    "mouth_width",
    "nose",
    "pitch_of",
    "tilt",
    "yaw_of",
]

Points = NDArray[np.float64]

EYES = (slice(36, 42), slice(42, 48))
"""The points around the left and the right eye as seen; corners first and fourth."""
JAW = slice(0, 17)
NOSE_TIP, MOUTH_CORNERS = 30, (48, 54)

# How far the nose tip stands out, in inter-eye distances, as tangents per unit; docs/reference/quality.md.
_YAW_SLOPE = 1.47
_PITCH_SLOPE = 0.94
_PITCH_FRONTAL = 0.486

_INNER_LIPS = ((61, 67), (62, 66), (63, 65))


def eye_centres(points: Points) -> Points:
    """Left and right eye as seen, shape (2, 2)."""
    return np.stack([points[eye].mean(axis=0) for eye in EYES])


def eye_distance(points: Points) -> float:
    """In the unit of the points."""
    left, right = eye_centres(points)
    return float(np.linalg.norm(right - left))


def five_of(points: Points) -> Points:
    """Eyes, nose tip and mouth corners, shape (5, 2), as a detector gives them."""
    return np.concatenate([eye_centres(points), points[[NOSE_TIP, *MOUTH_CORNERS]]])


def tilt(points: Points) -> float:
    """Angle of the line between the eyes, in degrees, clockwise as seen.

    Args:
        points: of which the first two are the eyes, as in :func:`five_of`.
    """
    x, y = points[1] - points[0]
    return math.degrees(math.atan2(float(y), float(x)))


def nose(points: Points) -> tuple[float, float]:
    """Where the nose tip is: across from the midline of eyes and mouth, and down from the eyes, in inter-eye distances.

    Args:
        points: eyes, nose tip and mouth corners, shape (5, 2).
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    axes = np.stack([points[1] - points[0], mouth - eyes], axis=1)
    width = float(np.linalg.norm(axes[:, 0]))
    height = float(np.linalg.norm(axes[:, 1]))
    if abs(float(np.linalg.det(axes))) < 1e-3 * max(width, height, 1e-6) ** 2:
        return math.copysign(1e3, float(points[2, 0] - eyes[0])), 0.0  # eyes in one place: a full profile
    across, down = np.linalg.solve(axes, points[2] - eyes)
    return float(np.clip(across, -1e3, 1e3)), float(np.clip(down * height / width, -1e3, 1e3))


def yaw_of(across: float, slope: float = _YAW_SLOPE) -> float:
    """Radians, to the subject's left positive, from the first figure of :func:`nose`."""
    return math.atan(slope * across)


def pitch_of(down: float, yaw: float) -> float:
    """Radians, downwards positive, from the second figure of :func:`nose` and the yaw in radians."""
    return math.atan(_PITCH_SLOPE * (down * math.cos(yaw) - _PITCH_FRONTAL))


def lip_gap(points: Points) -> float:
    """Mean distance of the inner lips by that of the eyes, at most 1000."""
    gap = float(np.mean([np.linalg.norm(points[upper] - points[lower]) for upper, lower in _INNER_LIPS]))
    return min(gap / max(eye_distance(points), 1e-3), 1e3)


def mouth_width(points: Points) -> float:
    """Distance of the mouth's corners by that of the eyes, at most 1000: both shrink alike as the head turns."""
    left, right = points[list(MOUTH_CORNERS)]
    return min(float(np.linalg.norm(right - left)) / max(eye_distance(points), 1e-3), 1e3)

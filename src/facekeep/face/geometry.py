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
    "nod_of",
    "nose",
    "pitch_of",
    "smile_of",
    "tilt",
    "yaw_of",
]

Points = NDArray[np.float64]

EYES = (slice(36, 42), slice(42, 48))
"""The points around the left and the right eye as seen; corners first and fourth."""
JAW = slice(0, 17)
NOSE_TIP, MOUTH_CORNERS = 30, (48, 54)
_NOSE_BASE = 33

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


def smile_of(points: Points) -> float:
    """The mouth's width, less how far its corners lie below the base of the nose; in inter-eye distances.

    A smile draws the corners apart and up. Both together tell it better than the width alone: of 62 people of the
    London set, the twentieth who smiles least gains 0.056 rather than 0.029; noise makes 0.025 and 0.016 at the most.
    """
    corners = points[list(MOUTH_CORNERS)]
    below = float(corners[:, 1].mean() - points[_NOSE_BASE, 1]) / max(eye_distance(points), 1e-3)
    return mouth_width(points) - max(-1e3, min(below, 1e3))


def nod_of(points: Points) -> float:
    """How far down a head is held, for comparing one person with themselves: no angle, but steadier than one.

    As a head goes down, the tip of the nose comes nearer to the mouth, and its base vanishes behind it: the share of
    the way from eyes to mouth at which the tip lies, less the way from tip to base, in inter-eye distances. A smile
    pulls the mouth up to the nose as well, and widens it, so its width is taken off. A simulated nod of 20 degrees
    gains 0.26 to 0.38; of 62 smiles of the London set one of 20 gains more than 0.035, none more than 0.103.
    """
    five = five_of(points)
    eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
    way = mouth - eyes
    share = float((five[2] - eyes) @ way) / max(float(way @ way), 1e-6)
    base = float(points[_NOSE_BASE, 1] - points[NOSE_TIP, 1]) / max(eye_distance(points), 1e-3)
    return max(-1e3, min(share, 1e3)) - max(-1e3, min(base, 1e3)) - mouth_width(points)

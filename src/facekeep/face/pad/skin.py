"""Where the skin of a face lies, and what colour it has: forehead and cheeks."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import Pixels
from facekeep.face.geometry import eye_centres

__all__ = ["skin_colour", "skin_mask"]

# In inter-eye distances from the middle between the eyes, x to the right, y down: skin that neither hair nor beard nor
# glasses cover in most people, and that no expression folds much.
_REGIONS: tuple[NDArray[np.float64], ...] = (
    np.array([(-0.45, -0.62), (0.45, -0.62), (0.40, -0.92), (-0.40, -0.92)]),
    np.array([(-0.75, 0.35), (-0.35, 0.42), (-0.38, 0.75), (-0.52, 0.95), (-0.72, 0.75)]),
    np.array([(0.75, 0.35), (0.35, 0.42), (0.38, 0.75), (0.52, 0.95), (0.72, 0.75)]),
)
_SHIFT = 4  # fractional bits of a corner
_FAR = 1e4  # pixels; farther corners would not fit into whole numbers


def skin_mask(shape: tuple[int, ...], points: NDArray[np.float64]) -> NDArray[np.uint8] | None:
    """Forehead and cheeks.

    Args:
        shape: height and width of the picture.
        points: 68 points in its pixels, shape (68, 2).

    Returns:
        255 on skin, 0 elsewhere; None if no skin lies within the picture.
    """
    left, right = eye_centres(points)
    across = right - left
    if not np.isfinite(points).all() or float(np.hypot(*across)) < 1:
        return None
    axes = np.array([across, [-across[1], across[0]]])
    mask = np.zeros(shape, np.uint8)
    for region in _REGIONS:
        corners = np.clip((left + right) / 2 + region @ axes, -_FAR, _FAR)
        cv2.fillConvexPoly(mask, np.round(corners * (1 << _SHIFT)).astype(np.int32), (255,), shift=_SHIFT)
    return mask if mask.any() else None


def skin_colour(face: Pixels, points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Mean colour of forehead and cheeks.

    Args:
        face: RGB.
        points: 68 points in its pixels, shape (68, 2).

    Returns:
        Red, green, blue, 0 to 255; None if no skin lies within the picture.
    """
    mask = skin_mask(face.shape[:2], points)
    return None if mask is None else np.array(cv2.mean(face, mask)[:3], np.float64)

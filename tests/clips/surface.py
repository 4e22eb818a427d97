"""A made-up head: how far each part of a picture stands out, and how much of a turn it follows.

A generic profile of a head swept around, with a ridge for the nose and hollows for the eyes, stretched onto a face's 68
points. It is no measured head, and of no model that the detector of attacks uses: that one has to find depth by itself.
Lengths in inter-eye distances (about 63 mm); z towards the camera, 0 at the ears.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["NECK", "depth", "follow"]

_Plane = NDArray[np.float64]

NECK = np.array([0.0, 1.3, -0.2])
"""About which a head turns: x, y, z."""

# Down the middle of a face, without its nose: crown, hairline, forehead, brows, bridge, under the nose, mouth, chin.
_PROFILE = (-0.2, 0.65, 1.25, 1.45, 1.40, 1.50, 1.53, 1.46)
_BODY = 0.2
_NOSE = 0.5
_NOSE_WIDTH = 0.2
_HOLLOW = 0.1


def depth(x: _Plane, y: _Plane, points: _Plane) -> _Plane:
    """How far each place of a picture stands out.

    Args:
        x: to the right of the middle between the eyes.
        y: below it.
        points: 68 points.
    """
    bridge, under, mouth, chin = points[27, 1], points[33, 1], points[[48, 54], 1].mean(), points[8, 1]
    middle = np.interp(y, [-2.1, -1.6, -1.0, points[17:27, 1].mean(), bridge, under, mouth, chin], _PROFILE)
    jaw = points[:17]
    half = np.interp(y, [-2.1, -1.2, *np.sort(jaw[:9, 1]), chin + 0.3], [0.9, 1.2, *_widths(jaw), 0.75])
    # Hair and ears lie outside the jaw: the head is a tenth wider than its points.
    across = np.abs(x - np.interp(y, [-1.0, chin], [points[27, 0], points[8, 0]])) / (half * 1.12)
    # A circle's slope has no end; from where it falls steeply it goes on straight, and behind the ears it is flat.
    bend = 0.92
    swept = np.where(across < bend, np.sqrt(1 - np.minimum(across, bend) ** 2), 0.392 - 2.35 * (across - bend))
    z = middle * np.maximum(swept, -0.25)
    ridge, tip = np.linalg.norm(points[30] - points[27]), points[30]
    along = np.clip((y - bridge) / max(ridge, 1e-6), 0, None)
    high = np.where(along <= 1, along**1.2, np.exp(-(((along - 1) * ridge / max(under - tip[1], 0.05)) ** 2) * 1.2))
    centre = np.interp(y, [bridge, tip[1]], [points[27, 0], tip[0]])
    wide = _NOSE_WIDTH * (0.6 + 0.4 * np.minimum(along, 1))
    z += _NOSE * high * (y > bridge) * np.exp(-(((x - centre) / wide) ** 2))
    for eye in (points[36:42].mean(axis=0), points[42:48].mean(axis=0)):
        z -= _HOLLOW * np.exp(-(((x - eye[0]) / 0.3) ** 2) - ((y - eye[1]) / 0.2) ** 2)
    return np.asarray(z + (_BODY - z) * _below(x, y, points))


def follow(x: _Plane, y: _Plane, points: _Plane) -> _Plane:
    """How much of the head's turn each place follows: 1 for the head, less down the neck, little for the body."""
    along = np.clip((y - points[8, 1] - 0.1) / 1.2, 0, 1)
    return np.asarray(1 - 0.9 * (3 * along**2 - 2 * along**3))


def _widths(jaw: _Plane) -> list[float]:
    """Half of the jaw's width at each of nine heights, downwards; never quite nothing at the chin."""
    return [max(0.62, float(right - left) / 2) for left, right in zip(jaw[:9, 0], jaw[:7:-1, 0], strict=True)]


def _below(x: _Plane, y: _Plane, points: _Plane) -> _Plane:
    """1 under the jaw, 0 on it, softly."""
    jaw = points[:17]
    order = np.argsort(jaw[:, 0])
    edge = np.interp(x, jaw[order, 0], jaw[order, 1])
    lowest = points[8, 1]
    edge = np.where(np.abs(x - points[8, 0]) > 1.0, np.minimum(edge + 0.9, lowest), edge)  # hair and ears beside it
    return np.asarray(1 / (1 + np.exp(-np.clip((y - edge - 0.1) / 0.045, -60, 60))))

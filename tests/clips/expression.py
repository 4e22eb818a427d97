"""What a face does without turning: eyelids that close, a mouth that smiles. Both by moving parts of still pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.portrait import HEIGHT, ORIGIN, SCALE, WIDTH, Portrait

__all__ = ["closed", "smiles"]

_Bytes = NDArray[np.uint8]
_Points = NDArray[np.float64]

_STEP = 16  # pixels between the places where a bend is computed; between them it is interpolated
_UNDER = 0.06  # how far under an eye the skin of its lid is taken from, in inter-eye distances
_RIM = 0.022  # half of the height of the lashes, likewise
_WIDER, _HIGHER = 0.15, 0.05  # what a made-up smile moves the corners of the mouth by
_MARGIN = 1.25  # an eye by its corners: the points are rough, lashes and corners lie outside them


def closed(colour: _Bytes, points: _Points, amount: float) -> _Bytes:
    """A texture whose lids are down.

    A lid is skin from under the eye, upside down, with a rim of lashes: skin from above would bring the brow along.

    Args:
        colour: the texture.
        points: 68 points, in inter-eye distances.
        amount: 0 as it was, 1 closed.
    """
    if amount <= 0:
        return colour
    result = colour.copy()
    for eye in (points[36:42], points[42:48]):
        pixels = (eye + ORIGIN) * SCALE
        left, right = pixels[0], pixels[3]
        middle, half = (left + right) / 2, float(np.linalg.norm(right - left)) / 2 * _MARGIN
        slope = (right[1] - left[1]) / max(right[0] - left[0], 1e-6)
        above = max(float(middle[1] - pixels[1:3, 1].mean()) * 1.3, 0.05 * SCALE) + 0.05 * SCALE
        below = max(float(pixels[4:6, 1].mean() - middle[1]) * 1.3, 0.05 * SCALE) + 0.02 * SCALE
        x0, x1 = int(middle[0] - half) - 1, int(middle[0] + half) + 2
        y0, y1 = int(middle[1] - above) - 2, int(middle[1] + below + 0.1 * SCALE)
        x, y = np.meshgrid(np.arange(x0, x1, dtype=np.float64), np.arange(y0, y1, dtype=np.float64))
        arch = np.maximum(0, 1 - ((x - middle[0]) / half) ** 2)
        axis = middle[1] + slope * (x - middle[0])
        upper, lower = axis - above * np.sqrt(arch), axis + below * arch
        rim = upper + (lower - upper) * min(1.0, amount)
        under = lower + _UNDER * SCALE + (rim - y) * 0.5
        skin = cv2.remap(colour, x.astype(np.float32), under.astype(np.float32), cv2.INTER_LINEAR)
        lid = np.clip((y - upper) / (0.05 * SCALE) + 0.2, 0, 1) * np.clip(rim - y + 0.5, 0, 1) * np.minimum(1, 4 * arch)
        lashes = np.exp(-(((y - rim) / (_RIM * SCALE)) ** 2)) * np.minimum(1, 3 * arch)
        shown = colour[y0:y1, x0:x1] * (1 - lid[..., np.newaxis]) + skin * lid[..., np.newaxis]
        shown *= 1 - 0.55 * lashes[..., np.newaxis]
        result[y0:y1, x0:x1] = np.rint(shown)
    return result


def smiles(neutral: Portrait, smiling: Portrait | None, steps: int) -> tuple[list[_Bytes], list[_Points]]:
    """Textures from neutral to smiling, and their points.

    Args:
        neutral: the face at rest.
        smiling: the same person smiling, into which the first is changed over; None to widen the mouth.
        steps: how many, at least 2.
    """
    goal = smiling.points if smiling is not None else _wider(neutral.points)
    textures, points = [], []
    for level in np.linspace(0, 1, steps):
        now = neutral.points + (goal - neutral.points) * level
        texture = _bent(neutral.colour, now, neutral.points).astype(np.float32)
        if smiling is not None:
            other = _bent(smiling.colour, now, smiling.points).astype(np.float32)
            # Only the face changes over: hair and clothes of the second picture lie elsewhere.
            share = (level * _face(now))[..., np.newaxis].astype(np.float32)
            texture += (other + _tint(texture, other, now) - texture) * share
        textures.append(np.asarray(np.clip(np.rint(texture), 0, 255), np.uint8))
        points.append(now)
    return textures, points


def _wider(points: _Points) -> _Points:
    moved = points.copy()
    mouth = points[48:68]
    centre = mouth.mean(axis=0)
    reach = (mouth[:, 0] - centre[0]) / max(1e-6, float(np.abs(mouth[:, 0] - centre[0]).max()))
    moved[48:68, 0] += _WIDER * reach
    moved[48:68, 1] -= _HIGHER * reach**2
    return moved


def _face(points: _Points) -> NDArray[np.float64]:
    """1 inside the face, softly 0 outside, shape (HEIGHT, WIDTH)."""
    outline = np.concatenate([points[:17], points[17:27] - (0, 0.2)])
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.asarray((outline + ORIGIN) * SCALE, np.int32)), 255)
    inner = cv2.erode(mask, np.ones((21, 21), np.uint8)).astype(np.float64)
    return np.asarray(cv2.GaussianBlur(inner, (0, 0), 8), np.float64) / 255


def _tint(first: NDArray[np.float32], second: NDArray[np.float32], points: _Points) -> NDArray[np.float32]:
    """What has to be added to the second picture, that the light on the face is as in the first."""
    inside = _face(points) > 0.9
    return np.asarray((first[inside].mean(axis=0) - second[inside].mean(axis=0)), np.float32)


def _bent(colour: _Bytes, now: _Points, source: _Points) -> _Bytes:
    """A texture bent so that ``source`` points come to lie at ``now``: a thin plate through them (Bookstein 1989)."""
    edge = np.array([[x, y] for x in (-2.6, -1.7, 0, 1.7, 2.6) for y in (-2.5, -1.4, 0, 1.7, 3.5)])
    edge = edge[(np.abs(edge[:, 0]) > 1.5) | (edge[:, 1] < -1.2) | (edge[:, 1] > 2.5)]
    known, moved = np.concatenate([now, edge]), np.concatenate([source - now, edge * 0])
    n = len(known)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _plate(known, known) + 1e-3 * np.eye(n)
    system[:n, n:] = np.column_stack([np.ones(n), known])
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.concatenate([moved, np.zeros((3, 2))]))
    x, y = np.meshgrid(np.arange(0, WIDTH + _STEP, _STEP), np.arange(0, HEIGHT + _STEP, _STEP))
    places = np.stack([x.ravel(), y.ravel()], axis=1) / SCALE - ORIGIN
    shift = _plate(places, known) @ weights[:n] + np.column_stack([np.ones(len(places)), places]) @ weights[n:]
    coarse = np.asarray((shift * SCALE).reshape(*x.shape, 2), np.float32)
    gx, gy = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
    fine = cv2.remap(coarse, gx / _STEP, gy / _STEP, cv2.INTER_LINEAR)
    gx, gy = gx + fine[..., 0], gy + fine[..., 1]
    return np.asarray(cv2.remap(colour, gx, gy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _plate(first: _Points, second: _Points) -> _Points:
    squared = ((first[:, np.newaxis] - second[np.newaxis]) ** 2).sum(axis=2)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))

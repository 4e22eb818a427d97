"""Drawing a mesh: for every pixel of a picture, from where in the texture it comes."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["grid_triangles", "rasterise"]


def grid_triangles(rows: int, columns: int) -> NDArray[np.int32]:
    """Two triangles for each cell of a grid of vertices, shape (2 (rows − 1)(columns − 1), 3)."""
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, :-1].ravel(), index[1:, 1:].ravel()
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([b, d, c], axis=1)])


@njit(nogil=True, cache=True)
def rasterise(  # noqa: PLR0917 - numba knows no arguments by name alone
    points: NDArray[np.float32],
    sources: NDArray[np.float32],
    triangles: NDArray[np.int32],
    opacity: NDArray[np.uint8],
    maps: NDArray[np.float32],
    nearness: NDArray[np.float32],
) -> None:
    """Fill two maps for cv2.remap, the nearest surface in front.

    Args:
        points: x, y in pixels of the picture, and nearness (greater is in front), shape (n, 3).
        sources: x, y in pixels of the texture, shape (n, 2).
        triangles: indices, shape (m, 3).
        opacity: of the texture; where it is nearly nothing, nothing is drawn.
        maps: shape (2, height, width), to be filled; −1 beforehand.
        nearness: shape (height, width), to be filled; −inf beforehand.
    """
    height, width = nearness.shape
    for t in range(len(triangles)):
        a, b, c = triangles[t]
        ax, ay, bx, by, cx, cy = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9:
            continue
        left, right = max(0, math.ceil(min(ax, bx, cx))), min(width - 1, math.floor(max(ax, bx, cx)))
        top, bottom = max(0, math.ceil(min(ay, by, cy))), min(height - 1, math.floor(max(ay, by, cy)))
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
                wa = 1 - wb - wc
                if wa < -1e-6 or wb < -1e-6 or wc < -1e-6:
                    continue
                near = wa * points[a, 2] + wb * points[b, 2] + wc * points[c, 2]
                if near <= nearness[y, x]:
                    continue
                u = wa * sources[a, 0] + wb * sources[b, 0] + wc * sources[c, 0]
                v = wa * sources[a, 1] + wb * sources[b, 1] + wc * sources[c, 1]
                if opacity[min(max(int(v), 0), opacity.shape[0] - 1), min(max(int(u), 0), opacity.shape[1] - 1)] < 8:
                    continue
                nearness[y, x] = near
                maps[0, y, x] = u
                maps[1, y, x] = v

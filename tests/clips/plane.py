"""A flat or slightly bent sheet with a picture on it, seen by the same camera as the heads."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.head import FOCAL, FRAME_HEIGHT, FRAME_WIDTH, Layer, Pose, rotation
from tests.clips.raster import grid_triangles, rasterise

__all__ = ["Plane"]

_ROWS, _COLUMNS = 9, 33  # a bend needs columns; perspective is kept by their fineness


class Plane:
    """A sheet of paper, or a screen."""

    def __init__(self, width: float, height: float, origin: tuple[float, float], bend: float = 0.0) -> None:
        """A sheet.

        Args:
            width: in inter-eye distances, of the camera's view.
            height: likewise.
            origin: what of it is held where the middle between the eyes would be, from its upper left corner.
            bend: curvature around an upright axis, in one by inter-eye distances; 0 is flat.
        """
        self._size = (width, height)
        x, y = np.meshgrid(np.linspace(0, 1, _COLUMNS), np.linspace(0, 1, _ROWS))
        self._shares = np.stack([x.ravel(), y.ravel()], axis=1)
        flat = self._shares * (width, height) - origin
        if bend:
            along = flat[:, 0] * bend
            self._places = np.column_stack([np.sin(along) / bend, flat[:, 1], (np.cos(along) - 1) / bend])
        else:
            self._places = np.column_stack([flat, np.zeros(len(flat))])
        self._triangles = grid_triangles(_ROWS, _COLUMNS)

    def project(self, places: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
        """Where places of a flat sheet (x, y from its origin) come to lie in the picture."""
        return _seen(np.column_stack([places, np.zeros(len(places))]), pose)[:, :2]

    def layer(
        self, picture: NDArray[np.uint8], pose: Pose, opacity: NDArray[np.uint8] | None = None
    ) -> tuple[Layer, NDArray[np.float32]]:
        """The sheet as the camera sees it.

        Args:
            picture: what is on it, RGB.
            pose: how it is held; lids and smile mean nothing.
            opacity: 0 where there is a hole.

        Returns:
            The layer, and from where in the picture each pixel comes, x and y, shape (2, 480, 640).
        """
        tall, wide = picture.shape[:2]
        solid = opacity if opacity is not None else np.full((tall, wide), 255, np.uint8)
        maps = np.full((2, FRAME_HEIGHT, FRAME_WIDTH), -1, np.float32)
        nearness = np.full((FRAME_HEIGHT, FRAME_WIDTH), -np.inf, np.float32)
        sources = (self._shares * (wide - 1, tall - 1)).astype(np.float32)
        rasterise(_seen(self._places, pose).astype(np.float32), sources, self._triangles, solid, maps, nearness)
        there = cv2.GaussianBlur((maps[0] >= 0).astype(np.float32), (3, 3), 0)
        colour = cv2.remap(picture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = np.asarray(there, np.float32) * (maps[0] >= 0)
        return Layer(colour * seen[..., np.newaxis], seen, np.zeros_like(seen)), maps


def _seen(places: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
    turned = places @ rotation(pose).T
    away = np.maximum(pose.distance - turned[:, 2], 0.5)
    x = FRAME_WIDTH / 2 + FOCAL * (turned[:, 0] + pose.x) / away
    y = FRAME_HEIGHT / 2 + FOCAL * (turned[:, 1] + pose.y) / away
    return np.column_stack([x, y, 1 / away])

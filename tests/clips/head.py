"""A head with a person's picture on it, seen by a camera at some distance: perspective, occlusion, a room behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.expression import closed, smiles
from tests.clips.portrait import HEIGHT, ORIGIN, SCALE, WIDTH, Portrait
from tests.clips.raster import grid_triangles, rasterise
from tests.clips.surface import NECK, depth, follow

__all__ = ["FOCAL", "FRAME_HEIGHT", "FRAME_WIDTH", "Head", "Layer", "Pose", "compose", "room", "rotation"]

FRAME_WIDTH, FRAME_HEIGHT = 640, 480
FOCAL = 554.0
"""Pixels: a camera that sees 60 degrees across."""

_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]

_ROWS, _COLUMNS = 61, 53
_SMILE_STEPS = 9


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is held.

    Attributes:
        yaw: degrees, to the person's left positive, as all angles with the signs of ISO/IEC 39794-5.
        pitch: degrees, downwards positive.
        roll: degrees, to the person's right positive.
        distance: from the camera to the eyes, in inter-eye distances; 8 is about half a metre.
        x: to the right as seen, in inter-eye distances.
        y: downwards, likewise.
        lids: 0 open to 1 closed.
        smile: 0 to 1.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 8.0
    x: float = 0.0
    y: float = 0.0
    lids: float = 0.0
    smile: float = 0.0


@dataclass(frozen=True, slots=True)
class Layer:
    """Something before the background.

    Attributes:
        colour: RGB, multiplied by the opacity, shape (height, width, 3).
        opacity: 0 to 1, shape (height, width).
        skin: where there is skin of the face, 0 to 1, shape (height, width).
    """

    colour: _Floats = field(repr=False)
    opacity: _Floats = field(repr=False)
    skin: _Floats = field(repr=False)


class Head:
    """One person."""

    def __init__(self, neutral: Portrait, smiling: Portrait | None = None) -> None:
        """Fit the surface to a picture.

        Args:
            neutral: the face at rest.
            smiling: the same person smiling; without it, a smile is a widened mouth.
        """
        self._textures, self._points = smiles(neutral, smiling, _SMILE_STEPS)
        self._opacity = neutral.opacity
        x, y = np.meshgrid(np.linspace(0, WIDTH - 1, _COLUMNS), np.linspace(0, HEIGHT - 1, _ROWS))
        self._sources = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
        places = self._sources.astype(np.float64) / SCALE - ORIGIN
        z = depth(places[:, 0], places[:, 1], neutral.points)
        self._vertices = np.column_stack([places, z])
        self._follow = follow(places[:, 0], places[:, 1], neutral.points)[:, np.newaxis]
        self._eyes_at = float(depth(np.array([-0.5]), np.array([0.0]), neutral.points)[0])
        self._triangles = grid_triangles(_ROWS, _COLUMNS)
        self._skin = _skin(neutral)

    def project(self, places: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
        """Where places of the head (x, y, z before any turn, wholly following) come to lie in the picture."""
        return self._seen(places, np.ones((len(places), 1)), pose)[:, :2]

    def layer(self, pose: Pose) -> Layer:
        """The head as the camera sees it, without noise."""
        level = round(min(max(pose.smile, 0.0), 1.0) * (_SMILE_STEPS - 1))
        texture = closed(self._textures[level], self._points[level], pose.lids)
        seen = self._seen(self._vertices, self._follow, pose).astype(np.float32)
        maps = np.full((2, FRAME_HEIGHT, FRAME_WIDTH), -1, np.float32)
        nearness = np.full((FRAME_HEIGHT, FRAME_WIDTH), -np.inf, np.float32)
        rasterise(seen, self._sources, self._triangles, self._opacity, maps, nearness)
        there = (maps[0] >= 0).astype(np.float32)
        colour = cv2.remap(texture, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        masks = cv2.merge([self._opacity, self._skin])
        over = cv2.remap(masks, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        opacity = over[..., 0] / 255 * there
        return Layer(colour * opacity[..., np.newaxis], opacity, over[..., 1] / 255 * there)

    def _seen(self, places: NDArray[np.float64], share: NDArray[np.float64], pose: Pose) -> NDArray[np.float64]:
        """x, y in pixels, and nearness, shape (n, 3)."""
        around = places - NECK
        turned = around + share * (around @ rotation(pose).T - around) + NECK
        away = np.maximum(pose.distance + self._eyes_at - turned[:, 2], 0.5)
        x = FRAME_WIDTH / 2 + FOCAL * (turned[:, 0] + pose.x) / away
        y = FRAME_HEIGHT / 2 + FOCAL * (turned[:, 1] + pose.y) / away
        return np.column_stack([x, y, 1 / away])


def compose(background: _Bytes, *layers: Layer) -> _Floats:
    """Layers over a background, the last in front; float32."""
    picture = background.astype(np.float32)
    for layer in layers:
        picture = picture * (1 - layer.opacity[..., np.newaxis]) + layer.colour
    return picture


def room(seed: int) -> _Bytes:
    """A blurred room that nobody has seen: a wall, some furniture, a window."""
    rng = np.random.default_rng(seed)
    wall = rng.uniform(110, 180) * rng.uniform(0.88, 1.12, 3)
    picture = np.ones((FRAME_HEIGHT, FRAME_WIDTH, 3), np.float32) * wall.astype(np.float32)
    picture *= np.linspace(1.1, 0.8, FRAME_WIDTH, dtype=np.float32)[np.newaxis, :, np.newaxis]
    for _ in range(9):
        left, top = int(rng.integers(-60, FRAME_WIDTH - 40)), int(rng.integers(-40, FRAME_HEIGHT - 40))
        wide, tall = int(rng.integers(40, 200)), int(rng.integers(60, 260))
        shade = rng.uniform(0.35, 1.2) * wall * rng.uniform(0.85, 1.15, 3)
        cv2.rectangle(picture, (left, top), (left + wide, top + tall), [float(value) for value in shade], -1)
    blurred = cv2.GaussianBlur(picture, (0, 0), 7)
    grain = cv2.resize(rng.normal(0, 4, (60, 80, 3)).astype(np.float32), (FRAME_WIDTH, FRAME_HEIGHT))
    return np.asarray(np.clip(blurred + grain, 0, 255), np.uint8)


def rotation(pose: Pose) -> NDArray[np.float64]:
    """Roll after pitch after yaw, for x to the right, y down, z to the camera."""
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    about_z = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y)


def _skin(portrait: Portrait) -> _Bytes:
    """Where the face's skin is: inside its points, without eyes and mouth."""
    points = portrait.points
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    outline = np.concatenate([points[:17], points[17:27] - (0, 0.35)])
    cv2.fillConvexPoly(mask, cv2.convexHull(np.asarray((outline + ORIGIN) * SCALE, np.int32)), 255)
    for part in (points[36:42], points[42:48], points[48:60]):
        cv2.fillConvexPoly(mask, cv2.convexHull(np.asarray((part + ORIGIN) * SCALE, np.int32)), 0)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 3), np.uint8)

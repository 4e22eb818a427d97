"""Heads, flat prints and bent prints that turn or come closer before a camera, as 68 points with noise.

The heads are no copies of the one that :mod:`facekeep.face.pad.rigid` knows: stretched, with other noses, dented, each
point off by a millimetre or two. The camera has perspective; the voice assumes less.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.sample import BoundingBox
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.rigid import HEAD

EYES_APART = 48.0
"""Pixels between the eyes in a face crop of 224 pixels, as on the London set."""
RATE = 8
"""Frames in a second."""

Points = NDArray[np.float64]


class Body(StrEnum):
    """What is before the camera."""

    HEAD = "head"
    PLANE = "plane"
    BENT = "bent paper"


@dataclass(frozen=True, slots=True)
class Motion:
    """What is done, and how well it is seen.

    Attributes:
        kind: a turn, or coming closer.
        degrees: how far it turns, 0 where it does not.
        growth: by how much its distance is divided.
        noise: standard deviation of each coordinate in each frame, pixels of a crop of 224.
    """

    kind: StepKind
    degrees: float = 0.0
    growth: float = 1.0
    noise: float = 1.0


def shape(body: Body, rng: np.random.Generator, radius: float | None = None) -> Points:
    """68 points in millimetres, z towards the camera.

    Args:
        body: what it is.
        rng: draws the person.
        radius: of paper bent, millimetres; by default 80 to 400.
    """
    points = HEAD.copy()
    points[27:36, 2] *= rng.uniform(0.75, 1.25)
    points *= np.array([rng.normal(1, 0.05), rng.normal(1, 0.06), rng.normal(1, 0.08)])
    for _ in range(4):
        centre, bump = rng.uniform([-60, -20], [60, 110]), rng.normal(0, 3, 3)
        near = np.exp(-((points[:, :2] - centre) ** 2).sum(axis=1) / (2 * 30.0**2))
        points += near[:, np.newaxis] * bump
    points += rng.normal(0, 1.5, points.shape)
    if body is Body.PLANE:
        points[:, 2] = 0
    elif body is Body.BENT:
        curve = rng.uniform(80, 400) if radius is None else radius
        axis = rng.uniform(0, np.pi)
        along = np.array([np.cos(axis), np.sin(axis)])
        arc = (points[:, :2] - [0, 40]) @ along / curve
        arc = np.clip(arc, -1.3, 1.3)
        points[:, :2] += np.outer(curve * (np.sin(arc) - arc), along)
        points[:, 2] = curve * (np.cos(arc) - 1)
    return points


def recording(body: Body, motion: Motion, rng: np.random.Generator) -> tuple[Recording, list[FrameMeasures]]:
    """Three seconds of looking, then three of the motion, every body with a pose and a distance of its own."""
    points = shape(body, rng)
    smile = rng.normal(0, 2, 2)  # millimetres that the mouth's corners move meanwhile
    rest = rng.uniform([-4, -8], [4, 8])
    side = 1.0 if motion.kind is StepKind.TURN_LEFT else -1.0
    distance = rng.uniform(380, 750) if motion.growth == 1 else rng.uniform(450, 750)
    drift = rng.uniform(-4, 4)  # degrees of pitch that come with a turn
    measures, frames = [], []
    count = 3 * RATE
    for number in range(2 * count):
        step, part = divmod(number, count)
        done = min(1.0, 2 * part / count) if step else 0.0  # there by the middle, then held
        pose = rest + rng.normal(0, 0.7, 2) + done * np.array([side * motion.degrees, drift])
        now = points.copy()
        now[[48, 54], :2] += done * smile * [[-1, 1], [1, 1]]
        away = distance / (1 + done * (motion.growth - 1))
        seen = _seen(now, pose, away, rng) + rng.normal(0, motion.noise, (68, 2))
        wild = rng.random(68) < 0.04
        seen[wild] += rng.normal(0, 12, (int(wild.sum()), 2))
        at = number / RATE
        width = 140 * 900 / away
        measures.append(FrameMeasures(at, step, seen, float(pose[0]), float(pose[1]), 0.0, 1.0, 0.8, 0.0, width))
        frames.append(_frame(at, step, width))
    steps = (Step(StepKind.LOOK, 12), Step(motion.kind, 8))
    return Recording(steps, tuple(frames)), measures


def _seen(points: Points, pose: Points, distance: float, rng: np.random.Generator) -> Points:
    """In a face crop: turned about the neck's side of the head, projected, then cut out with some slack."""
    yaw, pitch = np.radians(pose)
    # To the subject's left is to the right of the picture; downwards is towards larger y.
    across = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    down = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turned = (points - [0, 40, -60]) @ (across @ down).T + [0, 40, -60]
    flat = turned[:, :2] / (distance - turned[:, 2:])
    left, right = flat[36:42].mean(axis=0), flat[42:48].mean(axis=0)
    scale = EYES_APART * rng.uniform(0.97, 1.03) / np.linalg.norm(right - left)
    angle = rng.normal(0, 0.02)
    slack = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((flat - (left + right) / 2) * scale @ slack + [112, 90] + rng.normal(0, 2, 2), np.float64)


def _frame(at: float, step: int, width: float) -> RecordedFrame:
    """A frame whose pixels nobody looks at."""
    box = BoundingBox(600 - width / 2, 400 - width / 2, width, width)
    face = np.zeros((96, 96, 3), np.uint8)
    return RecordedFrame(at, step, face, BoundingBox(16, 16, 64, 64), None, box, 1280, 720)

"""A still picture as a texture: the face found, turned level and to one size, cut out of its background.

All lengths are in inter-eye distances of the picture, from the middle between the eyes: x to the right as seen, y down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample
from facekeep.face.detection import AdaptiveDetector
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session

__all__ = ["HEIGHT", "ORIGIN", "SCALE", "WIDTH", "Finder", "Portrait", "eye_centres"]

SCALE = 96
"""Pixels of the texture in an inter-eye distance."""
ORIGIN = (2.6, 2.5)
"""Where the middle between the eyes lies in the texture, in inter-eye distances."""
WIDTH, HEIGHT = round(5.2 * SCALE), round(6.0 * SCALE)

_SIDE = 256
_JAW = slice(0, 17)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A person's picture, ready to be laid onto a head.

    Attributes:
        colour: RGB, shape (HEIGHT, WIDTH, 3).
        opacity: 255 for the person, 0 for what was behind, shape (HEIGHT, WIDTH).
        points: 68 points, in inter-eye distances, shape (68, 2).
    """

    colour: NDArray[np.uint8] = field(repr=False)
    opacity: NDArray[np.uint8] = field(repr=False)
    points: NDArray[np.float64] = field(repr=False)


class Finder:
    """The models that find a face and its points."""

    def __init__(self, pack: ModelPack) -> None:
        self.detector = AdaptiveDetector(pack.open("centerface", threads=1))
        self._landmarks: Session = pack.open("fr_landmark", threads=1)

    def points(self, face: NDArray[np.uint8]) -> NDArray[np.float64]:
        """68 points in a square picture of a face, as fractions of it."""
        described = self._landmarks.spec.input
        small = cv2.resize(face, (described.width or 64, described.height or 64), interpolation=cv2.INTER_AREA)
        (output,) = self._landmarks.run(described.tensor(np.asarray(small, np.uint8)[np.newaxis]))
        return output.reshape(68, 2).astype(np.float64)

    def portrait(self, sample: BiometricSample, like: Portrait | None = None) -> Portrait:
        """The picture of the largest face in it, by its fine points.

        Args:
            sample: a picture with a frontal face.
            like: another picture of the same person in the same place, whose outline is used.

        Raises:
            ValueError: there is no face.
        """
        faces = self.detector.detect(sample)
        if not faces:
            raise ValueError("no face to make a clip of")
        box = max((face.box for face in faces), key=lambda found: found.width * found.height)
        side = max(box.width, box.height)
        found = np.zeros((68, 2))
        shifts = (-0.03, 0.0, 0.03)
        # The points are rough: their mean over a few squares shakes less.
        for dx in shifts:
            for dy in shifts:
                left, top = box.centre[0] - side * (0.5 - dx), box.centre[1] - side * (0.5 - dy)
                cut = cv2.warpAffine(
                    sample.pixels,
                    np.array([[_SIDE / side, 0, -left * _SIDE / side], [0, _SIDE / side, -top * _SIDE / side]]),
                    (_SIDE, _SIDE), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE,
                )  # fmt: skip
                found += (self.points(np.asarray(cut, np.uint8)) * side + [left, top]) / len(shifts) ** 2
        eyes = eye_centres(found)
        across = eyes[1] - eyes[0]
        turn = np.array([[across[0], across[1]], [-across[1], across[0]]]) / (across @ across)
        points = (found - eyes.mean(axis=0)) @ turn.T
        matrix = np.zeros((2, 3))
        matrix[:, :2] = turn * SCALE
        matrix[:, 2] = np.array(ORIGIN) * SCALE - matrix[:, :2] @ eyes.mean(axis=0)
        shrinks = float(np.linalg.norm(across)) / SCALE
        source = cv2.GaussianBlur(sample.pixels, (0, 0), shrinks / 2) if shrinks > 1.5 else sample.pixels
        size, edge = (WIDTH, HEIGHT), cv2.BORDER_REPLICATE
        colour = np.asarray(cv2.warpAffine(source, matrix, size, flags=cv2.INTER_CUBIC, borderMode=edge), np.uint8)
        return Portrait(colour, like.opacity if like is not None else _cut_out(colour, points), points)


def eye_centres(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Left and right eye as seen, shape (2, 2)."""
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])


def _cut_out(colour: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The person's outline, by GrabCut from a face that is surely the person and corners that surely are not."""
    small = cv2.resize(colour, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    mask = np.full(small.shape[:2], cv2.GC_PR_BGD, np.uint8)
    scale = SCALE / 2
    centre = np.array(ORIGIN) * scale
    middle = (int(centre[0]), int(centre[1]))
    cv2.ellipse(mask, middle, (int(1.5 * scale), int(2.1 * scale)), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.rectangle(mask, (0, int(centre[1] + 2.6 * scale)), (mask.shape[1], mask.shape[0]), cv2.GC_PR_FGD, -1)
    for side in (0, mask.shape[1]):  # the upper corners
        cv2.ellipse(mask, (side, 0), (int(1.1 * scale), int(2.6 * scale)), 0, 0, 360, cv2.GC_BGD, -1)
    brow = points[17:27] - (0, 0.35)
    hull = cv2.convexHull(np.asarray(np.concatenate([points[_JAW], brow]) * scale + centre, np.int32))
    cv2.fillConvexPoly(mask, hull, cv2.GC_FGD)
    chin = points[8] * scale + centre
    cv2.rectangle(
        mask,
        (int(centre[0] - 0.5 * scale), int(chin[1])),
        (int(centre[0] + 0.5 * scale), mask.shape[0]),
        cv2.GC_FGD,
        -1,
    )
    cv2.setRNGSeed(0)
    cv2.grabCut(small, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    person = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    person = cv2.morphologyEx(person, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, areas, _ = cv2.connectedComponentsWithStats(person)
    person = (labels == 1 + int(np.argmax(areas[1:, cv2.CC_STAT_AREA]))).astype(np.uint8) if count > 1 else person
    person = cv2.morphologyEx(person, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    # What shines through between hair and neck, where all behind is of one colour.
    behind = np.median(small[: int(0.5 * scale)].reshape(-1, 3), axis=0)
    shines = (np.abs(small.astype(np.float64) - behind).max(axis=2) < 22) & (mask != cv2.GC_FGD)
    shines[int(chin[1]) :] = False
    shines[: int(centre[1] - 0.8 * scale)] = False
    shines[:, int(centre[0] - scale) : int(centre[0] + scale)] = False  # a light face before a light wall
    person[cv2.dilate(shines.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0] = 0
    soft = cv2.GaussianBlur(cv2.erode(person, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 1.0)
    return np.asarray(np.rint(cv2.resize(soft, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) * 255), np.uint8)

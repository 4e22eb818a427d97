"""Hands and cloths painted over faces, and what the voice says: ``python -m tools.pad.covers LONDON [EACH]``.

LONDON: a folder of people with neutral.jpg and smiling.jpg; EACH: 2 takes every second of them. SIMULATIONS: no
recording of a covered face was at hand. A cover is painted into the camera's picture, which is then moved, cropped as
the page does, and admitted by the gate, as the bare one is. One line for each: tries, how many of them the page or the
gate let nothing of come through, those of which ``hand-over-face`` is said, and the lowest, the middle and the highest
of their disagreements.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.pad import Finding, PadReason
from facekeep.domain.sample import Pixels
from facekeep.errors import FrameTooWideError
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import duress
from facekeep.face.pad.crops import square_around
from tools.pad.senses import Bench, moved, share

__all__ = ["COVERS", "Mirror"]

VIEWS = 6
_STEPS = (Step(StepKind.LOOK, 12),)
_Points = NDArray[np.float64]
_Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Face:
    """A picture to paint on.

    Attributes:
        pixels: RGB.
        points: 68 points in its pixels.
        rng: draws how the cover lies.
    """

    pixels: Pixels
    points: _Points
    rng: np.random.Generator

    @property
    def eyes(self) -> float:
        """Inter-eye distance in pixels."""
        return float(np.linalg.norm(self.points[42:48].mean(axis=0) - self.points[36:42].mean(axis=0)))

    @property
    def plane(self) -> tuple[_Plane, _Plane]:
        """The x and the y of each pixel."""
        x, y = np.meshgrid(np.arange(self.pixels.shape[1]), np.arange(self.pixels.shape[0]))
        return x.astype(np.float32), y.astype(np.float32)

    @property
    def skin(self) -> NDArray[np.float64]:
        """Colour of the cheeks, a little lighter or darker, as a hand's may be."""
        reach = max(2, round(0.05 * self.eyes))
        found = []
        for middle in ((self.points[31] + self.points[2]) / 2, (self.points[35] + self.points[14]) / 2):
            x, y = (round(float(value)) for value in middle)
            found.append(self.pixels[y - reach : y + reach, x - reach : x + reach].reshape(-1, 3))
        tint = np.array([1.0, self.rng.uniform(0.96, 1.04), self.rng.uniform(0.94, 1.06)])
        return np.asarray(np.median(np.concatenate(found), axis=0) * self.rng.uniform(0.75, 1.1) * tint)

    def blotches(self, size: float, amount: float) -> _Plane:
        """Uneven light: smooth noise around 0, in patches of so many pixels."""
        height, width = self.pixels.shape[:2]
        coarse = self.rng.normal(0, amount, (max(2, round(height / size) + 2), max(2, round(width / size) + 2)))
        return np.asarray(cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC))

    def painted(self, colour: NDArray[np.float64], shade: _Plane, inside: NDArray[np.bool_], shadow: float) -> Pixels:
        """The picture with something in front of it, its edge soft, its shadow around it."""
        alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.2)[..., np.newaxis]
        dark = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.07 * self.eyes)[..., np.newaxis]
        behind = self.pixels * (1 - shadow * dark)
        paint = colour * shade[..., np.newaxis]
        return np.asarray(np.clip(behind * (1 - alpha) + paint * alpha, 0, 255), np.uint8)


def _hand(face: _Face) -> Pixels:
    """Four fingers across nose and mouth, with creases, from either side."""
    return _fingers(face, 4)


def _few_fingers(face: _Face) -> Pixels:
    """Three fingers, which leave a part of the nose or of the lips free."""
    return _fingers(face, 3)


def _fingers(face: _Face, count: int) -> Pixels:
    rng, eyes, (x, y) = face.rng, face.eyes, face.plane
    centre = 0.45 * face.points[33] + 0.55 * face.points[51:58].mean(axis=0) + rng.normal(0, 0.06, 2) * eyes
    width, angle = eyes * rng.uniform(0.30, 0.40), np.radians(rng.choice([-1, 1]) * rng.uniform(-5, 40))
    along = np.array([np.cos(angle), np.sin(angle)])
    across, side = np.array([-along[1], along[0]]), float(rng.choice([-1, 1]))
    nearest, shade = np.full(x.shape, np.inf, np.float32), np.ones(x.shape, np.float32)
    for number in range(count):
        off = across * (number - (count - 1) / 2) * width * rng.uniform(0.94, 1.02)
        shorter = 0.85 if number in {0, count - 1} else 1.0
        tip = centre + off - along * side * eyes * rng.uniform(0.75, 1.15) * shorter
        way = along * side
        reached = np.clip((x - tip[0]) * way[0] + (y - tip[1]) * way[1], 0, 3.3 * eyes)
        apart = np.hypot(x - tip[0] - reached * way[0], y - tip[1] - reached * way[1]) / (width / 2)
        round_ = 0.62 + 0.38 * np.sqrt(np.clip(1 - 0.92 * apart**2, 0, 1))
        for joint in (0.45, 1.0):
            at = joint * eyes * rng.uniform(0.85, 1.1)
            round_ = round_ * (1 - 0.22 * np.exp(-(((reached - at) / (0.035 * eyes)) ** 2)))
        shade = np.where(apart < nearest, round_, shade).astype(np.float32)
        nearest = np.minimum(apart, nearest).astype(np.float32)
    light = 1 + face.blotches(0.5 * eyes, 0.06) + face.blotches(0.08 * eyes, 0.02)
    return face.painted(face.skin, shade * light, nearest < 1, 0.35)


def _flat_hand(face: _Face) -> Pixels:
    """A palm over nose and mouth: smooth skin with three lines."""
    rng, eyes, (x, y) = face.rng, face.eyes, face.plane
    centre = face.points[51:58].mean(axis=0) + rng.normal(0, 0.05, 2) * eyes
    angle = np.radians(rng.uniform(-35, 35))
    dx, dy = x - centre[0], y - centre[1]
    over = (dx * np.cos(angle) + dy * np.sin(angle)) / (eyes * rng.uniform(1.0, 1.25))
    down = (dy * np.cos(angle) - dx * np.sin(angle)) / (eyes * rng.uniform(0.72, 0.9))
    out = (np.abs(over) ** 3 + np.abs(down) ** 3) ** (1 / 3)
    shade = 0.7 + 0.3 * np.sqrt(np.clip(1 - 0.9 * out**2, 0, 1))
    for _ in range(3):
        turn, off = rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5)
        line = over * np.cos(turn) + down * np.sin(turn) - off + 0.15 * over**2
        shade = shade * (1 - 0.15 * np.exp(-((line / 0.03) ** 2)))
    light = 1 + face.blotches(0.5 * eyes, 0.06) + face.blotches(0.08 * eyes, 0.02)
    return face.painted(face.skin, (shade * light).astype(np.float32), out < 1, 0.35)


def _dark_cloth(face: _Face) -> Pixels:
    """A dark scarf or mask from the middle of the nose down to the jaw."""
    return _cloth(face, face.rng.uniform(15, 60) * face.rng.uniform(0.8, 1.2, 3))


def _light_cloth(face: _Face) -> Pixels:
    """The same in white, pale blue, red or grey."""
    colours = np.array([(235, 235, 232), (150, 185, 215), (180, 60, 60), (120, 120, 120)], np.float64)
    return _cloth(face, colours[face.rng.integers(len(colours))])


def _cloth(face: _Face, colour: NDArray[np.float64]) -> Pixels:
    rng, eyes, points, (x, y) = face.rng, face.eyes, face.points, face.plane
    bridge = (points[28] + points[29]) / 2 + rng.normal(0, 0.04, 2) * eyes
    edge = [points[1] + (points[2] - points[1]) * rng.uniform(0, 1)]
    edge += [*(points[2:15] + 0.1 * (points[2:15] - points[33]))]
    edge += [points[15] + (points[14] - points[15]) * rng.uniform(0, 1), bridge]
    inside = np.zeros(x.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(np.stack(edge)).astype(np.int32)], (1,))
    shade = 1 + face.blotches(0.4 * eyes, 0.1)
    for turn in rng.uniform(-0.5, 2, 3):
        wave = (x * np.cos(turn) + y * np.sin(turn)) / (eyes * rng.uniform(0.06, 0.2))
        shade = shade + rng.uniform(0.03, 0.08) * np.sin(wave + rng.uniform(0, 6))
    return face.painted(colour, shade.astype(np.float32), inside > 0, 0.0)


COVERS: dict[str, Callable[[_Face], Pixels]] = {
    "four fingers": _hand,
    "three fingers": _few_fingers,
    "a flat hand": _flat_hand,
    "dark cloth": _dark_cloth,
    "light cloth": _light_cloth,
}
"""What lies over nose and mouth, by name."""


def _seen_badly(pixels: Pixels) -> Iterator[tuple[str, Pixels, float]]:
    """A bare face as worse cameras see it, and the noise of each."""
    small = [
        np.asarray(cv2.resize(pixels, None, fx=by, fy=by, interpolation=cv2.INTER_AREA), np.uint8) for by in (0.4, 0.26)
    ]
    yield "bare, crop of about 180", small[0], 4
    yield "bare, crop of about 120", small[1], 4
    yield "bare, crop of about 120, noise of 8", small[1], 8
    yield "bare, noise of 15", pixels, 15
    yield (
        "bare, blurred by a fiftieth of the eyes' distance",
        np.asarray(cv2.GaussianBlur(pixels, (0, 0), 2), np.uint8),
        4,
    )
    yield "bare, a fifth of the light", np.asarray(pixels * 0.2, np.uint8), 4
    ramp = np.linspace(0.15, 1.3, pixels.shape[1])[np.newaxis, :, np.newaxis]
    yield "bare, lit from one side", np.asarray(np.clip(pixels * ramp, 0, 255), np.uint8), 4


class Mirror:
    """Paints covers, and hears what the voice says of a picture that is held still for a while."""

    def __init__(self, pack: ModelPack, views: int = VIEWS) -> None:
        self._bench, self._views = Bench(pack), views

    def covered(self, pixels: Pixels, name: str, rng: np.random.Generator) -> Pixels:
        """A picture with one of :data:`COVERS` over the face."""
        box = max(self._bench.detector.detect(pixels), key=lambda face: face.box.width).box
        square, (left, top, side) = square_around(pixels, box)
        points = self._bench.meter.in_square(square, (side / 2, side / 2), side) + np.array([left, top])
        return COVERS[name](_Face(pixels, points, rng))

    def heard(self, pixels: Pixels, rng: np.random.Generator, noise: float = 4.0) -> Finding | None:
        """Of a try of so many views; None where the page sends none, or the gate refuses one."""
        frames: list[RecordedFrame] = []
        for place in range(self._views):
            try:
                frame = self._bench.frame(moved(pixels, rng, noise))
            except FrameTooWideError:
                return None
            if frame is not None:
                frames.append(replace(frame, at=place / 10))
        if not frames:
            return None
        return duress.examine(Recording(_STEPS, tuple(frames)), self._bench.meter.measure_all(frames))


def main(arguments: list[str]) -> int:
    """Command line."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    people = sorted(Path(arguments[0]).iterdir())[:: int(arguments[1]) if len(arguments) == 2 else 1]
    mirror, rng = Mirror(ModelPack.load()), np.random.default_rng(9)
    found: dict[str, list[Finding | None]] = {}
    for person in people:
        neutral, smiling = (decode((person / f"{kind}.jpg").read_bytes()).pixels for kind in ("neutral", "smiling"))
        shown = [("bare, at rest", neutral, 4.0), ("bare, smiling", smiling, 4.0), *_seen_badly(neutral)]
        shown += [(name, mirror.covered(neutral, name, rng), 4.0) for name in COVERS]
        for name, pixels, noise in shown:
            found.setdefault(name, []).append(mirror.heard(pixels, rng, noise))
    for name, findings in found.items():
        print(_line(name, findings), flush=True)
    return 0


def _line(name: str, findings: list[Finding | None]) -> str:
    heard = [finding for finding in findings if finding is not None]
    said = sum(PadReason.HAND_OVER_FACE in finding.reasons for finding in heard)
    apart = [finding.figures["disagreement"] for finding in heard if "disagreement" in finding.figures]
    figures = "{:.3f}, {:.3f}, {:.3f}".format(*np.percentile(apart, [0, 50, 100])) if apart else "–"
    return f"| {name} | {len(findings)} | {len(findings) - len(heard)} | {share(said, len(heard))} | {figures} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

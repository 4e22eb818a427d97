"""Where real landmarks of real pictures fall: ``python -m tools.pad.prints LONDON [LFW]``.

LONDON: a folder with neutral.jpg of many people; each is turned as a flat print, as a bent print and as a head (its
pixels shifted by the depth of :data:`facekeep.face.pad.rigid.HEAD`, so no independent head). LFW: a folder of folders
of people; those with a frontal and a turned picture, by the model fr_pose, are real heads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.performance import wilson_interval
from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import depth, rigid
from tools.pad.crops import Cut
from tools.pad.motion import EYES_APART

Points = NDArray[np.float64]


def view(pixels: Pixels, rng: np.random.Generator, scale: float = 0.46) -> BiometricSample:
    """As a camera gives it: shifted, scaled, turned by some degrees, noise, JPEG of quality 0.9."""
    height, width = pixels.shape[:2]
    factor = scale * rng.uniform(0.92, 1.08)
    move = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-3, 3), factor), np.float64)
    move[:, 2] += rng.uniform(-12, 12, 2) + np.array([200 - width / 2, 200 - height / 2])
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.4 / factor)
    seen = cv2.warpAffine(soft, move, (400, 400), borderMode=cv2.BORDER_REPLICATE)
    noisy = np.clip(seen + rng.normal(0, 2.5, seen.shape), 0, 255).astype(np.uint8)
    written = cv2.imencode(".jpg", np.ascontiguousarray(noisy[..., ::-1]), [1, 90])[1]
    return BiometricSample(np.ascontiguousarray(np.asarray(cv2.imdecode(written, 1), np.uint8)[..., ::-1]))


def plane(pixels: Pixels, yaw: float, pitch: float, distance: float) -> Pixels:
    """A flat print turned about its middle, seen from so many of its widths."""
    height, width = pixels.shape[:2]
    a, b = np.radians([yaw, pitch])
    across = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    down = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned, focal = down @ across, distance * width
    place = np.column_stack([turned[:, 0], turned[:, 1], [0, 0, focal]])
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    whole = camera @ place @ np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
    return np.asarray(cv2.warpPerspective(pixels, whole, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def bent(pixels: Pixels, yaw: float, radius: float) -> Pixels:
    """A print bent about an upright axis to so many pixels' radius, turned, seen from far."""
    height, width = pixels.shape[:2]
    angle = np.radians(yaw)
    arc = np.linspace(-1.2, 1.2, 4001)
    shown = radius * (np.sin(arc) * np.cos(angle) + (np.cos(arc) - 1) * np.sin(angle))
    growing = np.flatnonzero(np.diff(shown) <= 0)
    first = int(growing[growing < 2000].max() + 1) if (growing < 2000).any() else 0
    last = int(growing[growing >= 2000].min()) if (growing >= 2000).any() else 4000
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    source = radius * np.interp(columns - width / 2, shown[first : last + 1], arc[first : last + 1]) + width / 2
    return np.asarray(cv2.remap(pixels, source.astype(np.float32), rows, 1, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _turned(name: str, pixels: Pixels, yaw: float, rng: np.random.Generator) -> Pixels:
    if name == "flat print":
        return plane(pixels, yaw, rng.uniform(-8, 8), rng.uniform(1.2, 3))
    # 95 pixels lie between the eyes in London's pictures of 640, that is 63 mm.
    return bent(pixels, yaw, (1.6 if "10" in name else 3.0) * 95)


def median_of(cut: Cut, views: Iterable[BiometricSample]) -> Points | None:
    """Eye-aligned median of several views."""
    found = [rigid.eye_aligned(crop[1]) for sample in views if (crop := cut(sample)) is not None]
    known = [points for points in found if points is not None]
    return np.median(known, axis=0) if len(known) >= 3 else None


def row(name: str, turns: list[rigid.Turn]) -> None:
    """A line of the table, verdicts as :mod:`facekeep.face.pad.depth` gives them."""
    told = [depth.of_turn(turned) for turned in turns]
    counts = [sum(str(verdict) == word for verdict in told) for word in ("supports", "doubts", "refutes", "silent")]
    low, high = wilson_interval(counts[0], len(told))
    figures = (
        [t.relief for t in turns],
        [t.share for t in turns],
        [t.plane_residual / t.head_residual for t in turns],
    )
    quantiles = [", ".join(f"{q:.2f}" for q in np.quantile(figure, [0.01, 0.5, 0.99])) for figure in figures]
    cells = " | ".join(str(count) for count in counts)
    print(
        f"| {name} | {len(told)} | {cells} | {100 * low:.2f}–{100 * high:.2f} % | {' | '.join(quantiles)} |", flush=True
    )


def london(cut: Cut, folder: Path) -> None:
    """Prints of the London set, jitter and approaches."""
    rng = np.random.default_rng(11)
    turns: dict[str, list[rigid.Turn]] = {}
    spread, near = [], []
    for path in sorted(folder.rglob("neutral.jpg")):
        pixels = decode(path.read_bytes()).pixels
        seen = [crop[1] for _ in range(8) if (crop := cut(view(pixels, rng))) is not None]
        aligned = [points for found in seen if (points := rigid.eye_aligned(found)) is not None]
        base = np.median(aligned, axis=0)
        spread.append(np.std(aligned, axis=0, ddof=1) * EYES_APART)
        for name in ("flat print", "print bent to 10 cm", "print bent to 19 cm"):
            for yaw in (-35, -25, -15, 15, 25, 35):
                points = median_of(cut, (view(_turned(name, pixels, yaw, rng), rng) for _ in range(3)))
                if points is not None:
                    turns.setdefault(f"{name}, {abs(yaw)}°", []).append(rigid.turn(base, points))
        for scale in (0.7, 0.9):
            points = median_of(cut, (view(pixels, rng, scale) for _ in range(3)))
            if points is not None:
                near.append(rigid.approach(base, points).relief)
    for name, found in turns.items():
        row(name, found)
    parts = {"jaw": (0, 17), "brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "mouth": (48, 68), "all": (0, 68)}
    jitter = {name: float(np.sqrt(np.mean(np.square([s[a:b] for s in spread])))) for name, (a, b) in parts.items()}
    print("\njitter in pixels of a crop of 224:", ", ".join(f"{name} {value:.2f}" for name, value in jitter.items()))
    print(f"approach of a flat print, n = {len(near)}: {np.quantile(near, [0, 0.5, 1]).round(4).tolist()}")


def lfw(cut: Cut, pack: ModelPack, folder: Path) -> None:
    """Pairs of pictures of one person: frontal, and turned by 15 to 45° as fr_pose sees it."""
    pose = pack.open("fr_pose", threads=1)
    turns: dict[str, list[rigid.Turn]] = {}
    people, every = set(), []
    for person in sorted(path for path in folder.iterdir() if path.is_dir()):
        pictures = sorted(person.glob("*.jpg"))[:8]
        known = []
        for picture in pictures if len(pictures) >= 4 else []:
            found = cut(decode(picture.read_bytes()))
            if found is None or (points := rigid.eye_aligned(found[1])) is None:
                continue
            inside = cv2.resize(found[0][20:204, 20:204], (224, 224))
            output = pose.run(pose.spec.input.tensor(np.ascontiguousarray(np.asarray(inside, np.uint8)[np.newaxis])))
            bins = np.exp(output[0].ravel() - output[0].max())
            known.append((float(bins @ np.arange(66) / bins.sum() * 3 - 99), points))
        every += known
        for frontal, base in known:
            for turned, points in known:
                by = abs(turned - frontal)
                if abs(frontal) < 8 and 15 <= by < 45:
                    people.add(person.name)
                    name = next(f"{low} to {low + 10}°" for low in (15, 25, 35) if by < low + 10)
                    turns.setdefault(f"LFW, head turned by {name}", []).append(rigid.turn(base, points))
    for name in sorted(turns):
        row(name, turns[name])
    print(f"{len(people)} people")
    # How far each point moves across with the sine of yaw, what is linear in its place taken off, as the depth's is.
    sines = np.sin(np.radians([yaw for yaw, _ in every if abs(yaw) < 40]))
    across = np.array([points[17:, 0] for yaw, points in every if abs(yaw) < 40])
    slopes = np.polyfit(sines, across, 1)[0]
    inner = rigid.HEAD[17:]
    linear = np.column_stack([np.ones(len(inner)), inner[:, :2]])
    depths, moves = (v - linear @ np.linalg.lstsq(linear, v, rcond=None)[0] for v in (inner[:, 2], slopes))
    print(f"depth against movement: correlation {abs(np.corrcoef(depths, moves)[0, 1]):.3f}, n = {len(sines)}")


if __name__ == "__main__":
    print("| shown | n | supports | doubts | refutes | silent | 95 % | relief: 1, 50, 99 % | share | residuals |")
    print("|" + "---|" * 10)
    models = ModelPack.load()
    cropper = Cut.build(models)
    london(cropper, Path(sys.argv[1]))
    if len(sys.argv) > 2:
        lfw(cropper, models, Path(sys.argv[2]))

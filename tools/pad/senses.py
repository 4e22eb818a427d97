"""Figures of gate, measures, smiles, continuity and the passive voice: ``python -m tools.pad.senses LONDON [ATTACKS]``.

LONDON: a folder of people with neutral.jpg and smiling.jpg. ATTACKS: a folder of pictures of real attacks. Every
picture is moved as a hand-held camera moves, cropped as the page does, and admitted by the gate.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import THUMBNAIL_SIDE, RecordedFrame, SentFrame, StepKind
from facekeep.domain.performance import wilson_interval
from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.errors import FrameTooWideError
from facekeep.face.extraction import EmbeddingExtractor
from facekeep.face.fine_points import face_at
from facekeep.face.images import decode
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad import challenge, crops
from facekeep.face.pad.continuity import SAME_FACE_FROM
from facekeep.face.pad.crops import Cropper, encode
from facekeep.face.pad.gate import FrameGate
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.meter import FaceMeter
from facekeep.face.pad.passive import REFUTED_BELOW, SUPPORTED_FROM, PassiveVoice

VIEWS = 6
_SMILE = challenge.ACTIONS[StepKind.SMILE]


def moved(pixels: Pixels, rng: np.random.Generator, noise: float = 4.0) -> Pixels:
    """The next frame of a hand-held camera: turned by 2°, scaled by 3 %, shifted by 2 %, other light, noise."""
    height, width = pixels.shape[:2]
    turn = np.asarray(
        cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 2), 1 + rng.normal(0, 0.03)), np.float64
    )
    turn[:, 2] += rng.normal(0, 0.02 * width, 2)
    seen = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    noisy = seen * rng.normal(1, 0.03) + rng.normal(0, noise, seen.shape)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


class Bench:
    """The page, the gate and the models."""

    def __init__(self, pack: ModelPack) -> None:
        self.cropper, self.gate, self.meter = Cropper.build(pack), FrameGate.build(pack), FaceMeter.build(pack)
        self.detector, self.passive = LightDetector.build(pack), PassiveVoice.build(pack)
        self.extractor = EmbeddingExtractor(pack.open("fr_feature", threads=1))

    def frame(self, pixels: Pixels) -> RecordedFrame | None:
        """Cropped and admitted; None without a face."""
        made = self.cropper.make(BiometricSample(np.ascontiguousarray(pixels)))
        if made is None:
            return None
        left, top, width, height = (int(v) for v in (made.box.left, made.box.top, made.box.width, made.box.height))
        size = pixels.shape[1], pixels.shape[0]
        sent = SentFrame(0, 0, (left, top, width, height), *size, encode(made.face), encode(made.thumbnail))
        return self.gate.admit([sent]).frames[0]

    def views(self, pixels: Pixels, rng: np.random.Generator, count: int = VIEWS) -> list[RecordedFrame]:
        """Several frames of one picture."""
        return [frame for _ in range(count) if (frame := self.frame(moved(pixels, rng))) is not None]

    def vector(self, frame: RecordedFrame, measure: FrameMeasures) -> NDArray[np.float64]:
        """The embedding of a frame."""
        face = face_at(frame.face_box, measure.points)
        return self.extractor.extract(BiometricSample(frame.face), [face])[0].vector.astype(np.float64)


def share(errors: int, trials: int) -> str:
    """A count with Wilson's interval at 95 %."""
    low, high = wilson_interval(errors, trials)
    return f"{errors} of {trials} ({100 * low:.1f}–{100 * high:.1f} %)"


def spread(figures: object) -> str:
    """Lowest, lowest twentieth, middle, highest."""
    return "lowest {:.3f}, 5 % {:.3f}, middle {:.3f}, highest {:.3f}".format(*np.percentile(figures, [0, 5, 50, 100]))  # type: ignore[call-overload]


def gate(bench: Bench, pictures: list[Pixels]) -> Iterator[str]:
    """Rightly made crops, and the same pictures cut too wide."""
    faces, thumbnails, refused, wide, cuts = [], [], 0, 0, 0
    for pixels in pictures:
        height, width = pixels.shape[:2]
        for angle in (0, -20, 20):
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 0.9 if angle else 1.0)
            seen = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
            try:
                frame = bench.frame(np.asarray(seen, np.uint8))
            except FrameTooWideError:
                refused += 1
                continue
            if frame is None or frame.thumbnail is None:
                continue
            small = bench.detector.detect(frame.thumbnail)[0].box
            faces.append(max(frame.face_box.width, frame.face_box.height) / frame.face.shape[0])
            thumbnails.append(max(small.width, small.height) / THUMBNAIL_SIDE)
        box = max(bench.detector.detect(pixels), key=lambda face: face.box.width).box
        scale = 224 / (2.2 * max(box.width, box.height))
        shift = 112 - scale * np.array(box.centre)
        cut = cv2.warpAffine(pixels, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), (224, 224))
        cuts += 1
        try:
            bench.gate.admit([SentFrame(0, 0, (0, 0, 99, 99), 640, 480, encode(np.asarray(cut, np.uint8)))])
        except FrameTooWideError:
            wide += 1
    yield f"gate: rightly made and refused {share(refused, refused + len(faces))}"
    yield f"  share of a face crop: {spread(faces)}"
    yield f"  share of a thumbnail: {spread(thumbnails)}"
    yield f"  cut at 2.2 and admitted: {share(cuts - wide, cuts)}"


def faces(bench: Bench, neutral: list[Pixels], smiling: list[Pixels], rng: np.random.Generator) -> Iterator[str]:
    """Steadiness, smiles and embeddings."""
    names = ("yaw", "pitch", "mouth_width", "lip_gap")
    deviations, still, gained, firsts, seconds = [], [], [], [], []
    for one, other in zip(neutral, smiling, strict=True):
        frames = bench.views(one, rng)
        measures, smiles = bench.meter.measure_all(frames), bench.meter.measure_all(bench.views(other, rng))
        deviations.append([np.std([getattr(m, name) for m in measures]) for name in names])
        base = challenge.Baseline.of(measures)
        if base is None:
            raise SystemExit("too few views")
        still += [_SMILE.figure(m, base) for m in measures]
        gained.append(float(np.median([_SMILE.figure(m, base) for m in smiles])))
        firsts.append(bench.vector(frames[0], measures[0]))
        shown = bench.frame(moved(other, rng))
        if shown is not None:
            seconds.append(bench.vector(shown, bench.meter.measure(shown)))
    told = ", ".join(f"{n} {v:.3f}" for n, v in zip(names, np.sqrt(np.square(deviations).mean(axis=0)), strict=True))
    yield f"deviation within {VIEWS} views of {len(neutral)} faces: {told}"
    yield f"smile, gain of {len(gained)} people: {spread(gained)}"
    yield f"  not told: {share(sum(gain < _SMILE.high for gain in gained), len(gained))}"
    yield f"  neutral faces: {spread(still)}; told {share(sum(gain >= _SMILE.high for gain in still), len(still))}"
    cosines = np.stack(firsts) @ np.stack(seconds).T
    own, others = np.diag(cosines), cosines[~np.eye(len(cosines), dtype=bool)]
    yield f"one person, neutral and smiling: {spread(own)}; below {share(int((own < SAME_FACE_FROM).sum()), own.size)}"
    yield f"different people: {spread(others)}; above {share(int((others >= SAME_FACE_FROM).sum()), others.size)}"


def passive(bench: Bench, named: dict[str, list[Pixels]], rng: np.random.Generator) -> Iterator[str]:
    """Medians of recordings, and what other blur and other bottoms of a thumbnail make of them."""
    sent = crops._THUMBNAIL_BLUR, crops._THUMBNAIL_BOTTOM  # what is varied has no other handle
    for blur, bottom in (sent, (0.02, 9.0), (0.015, 9.0), (0.015, 1.0), (0.015, 0.75), (0.02, 0.85)):
        crops._THUMBNAIL_BLUR, crops._THUMBNAIL_BOTTOM = blur, bottom
        for name, pictures in named.items():
            medians = [float(np.median(_livenesses(bench, pixels, rng))) for pixels in pictures]
            supported = sum(median >= SUPPORTED_FROM for median in medians)
            refuted = sum(median < REFUTED_BELOW for median in medians)
            yield (
                f"passive, blur {blur}, repeated from {bottom}: {name}: {spread(medians)}; "
                f"supports {share(supported, len(medians))}, refutes {share(refuted, len(medians))}"
            )
    crops._THUMBNAIL_BLUR, crops._THUMBNAIL_BOTTOM = sent


def _livenesses(bench: Bench, pixels: Pixels, rng: np.random.Generator) -> list[float]:
    return [bench.passive.liveness(f.thumbnail) for f in bench.views(pixels, rng) if f.thumbnail is not None]


def main(arguments: list[str]) -> int:
    """Command line."""
    if not 1 <= len(arguments) <= 2:
        print(__doc__)
        return 2
    people = sorted(Path(arguments[0]).iterdir())
    read: Callable[[Path], Pixels] = lambda path: decode(path.read_bytes()).pixels  # noqa: E731
    neutral = [read(person / "neutral.jpg") for person in people]
    smiling = [read(person / "smiling.jpg") for person in people]
    named = {"neutral and smiling": neutral + smiling}
    if len(arguments) == 2:
        named["attacks"] = [read(path) for path in sorted(Path(arguments[1]).glob("*F*.jpg"))]
    bench, rng = Bench(ModelPack.load()), np.random.default_rng(4)
    for lines in (gate(bench, neutral + smiling), faces(bench, neutral, smiling, rng), passive(bench, named, rng)):
        for line in lines:
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

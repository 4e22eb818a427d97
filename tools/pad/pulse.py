"""Detection and false alarms of the pulse: ``python -m tools.pad.pulse PICTURES [CLIPS]``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.performance import wilson_interval
from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import vital_signs
from facekeep.face.pad.measures import FrameMeasures
from tools.pad.crops import Cut
from tools.pad.skin import PULSE, Clip, frame_times, heart, play

AMPLITUDES = (0.0, 0.003, 0.005, 0.01)


def presented(
    person: tuple[Pixels, NDArray[np.float64]], clip: Clip, amplitude: float, rng: np.random.Generator
) -> tuple[Recording, list[FrameMeasures], float]:
    """A clip of somebody who looks, with a pulse of 50 to 110 beats a minute, and those beats."""
    face, points = person
    times, beats = frame_times(clip, rng), float(rng.uniform(50, 110))
    gain = 1 + amplitude * heart(times, beats, rng)[:, np.newaxis] * PULSE
    made = play(face, points, clip, gain, rng)
    return (*recorded(made, times, Step(StepKind.LOOK, 30)), beats)


def recorded(
    made: list[tuple[Pixels, NDArray[np.float64]]], times: NDArray[np.float64], step: Step
) -> tuple[Recording, list[FrameMeasures]]:
    """Frames of one step, of a face that looks into the camera with open eyes."""
    side = float(made[0][0].shape[0])
    inner, box = BoundingBox(side / 6, side / 6, side / 1.5, side / 1.5), BoundingBox(500, 300, 150, 150)
    frames = tuple(
        RecordedFrame(float(at), 0, face, inner, None, box, 1280, 720)
        for (face, _), at in zip(made, times, strict=True)
    )
    measures = [
        FrameMeasures(float(at), 0, seen, 0.0, 0.0, 0.0, 1.0, 0.8, 0.0, 150.0)
        for (_, seen), at in zip(made, times, strict=True)
    ]
    return Recording((step,), frames), measures


def main(folder: Path, clips: int) -> None:
    """Write the table."""
    cut = Cut.build(ModelPack.load())
    faces = [found for path in sorted(folder.rglob("neutral.jpg")) if (found := cut(decode(path.read_bytes())))]
    print(f"{len(faces)} people, {clips} clips in each line\n")
    print(
        "| seconds | amplitude of green | found | 95 % | rate within 6 a minute | evidence: 5, 50, 95 % |\n|"
        + "---|" * 6
    )
    for seconds in (8.0, 12.0, 20.0):
        for amplitude in AMPLITUDES:
            rng = np.random.default_rng([7, round(seconds), round(amplitude * 1000)])
            evidence, near = [], 0
            for number in range(clips):
                clip = Clip(rate=float(rng.uniform(6, 12)), seconds=seconds)
                recording, measures, beats = presented(faces[number % len(faces)], clip, amplitude, rng)
                figures = vital_signs.examine(recording, measures).figures
                evidence.append(figures.get("pulse_evidence", -60.0))
                near += abs(figures.get("pulse_rate", 0.0) - beats) <= 6
            passed = sum(value >= vital_signs.PULSE_EVIDENCE for value in evidence)
            low, high = wilson_interval(passed, clips)
            quantiles = ", ".join(f"{q:.1f}" for q in np.quantile(evidence, [0.05, 0.5, 0.95]))
            rate = f"{near} of {clips}" if amplitude else "–"
            interval = f"{100 * low:.1f}–{100 * high:.1f} %"
            print(f"| {seconds:.0f} | {100 * amplitude:.1f} % | {passed} | {interval} | {rate} | {quantiles} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 124)

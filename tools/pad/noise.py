"""What JPEG leaves of a sensor's noise: ``python -m tools.pad.noise PICTURES [CLIPS]``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from facekeep.domain.capture import Step, StepKind
from facekeep.domain.performance import wilson_interval
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import injection
from tools.pad.crops import Cut
from tools.pad.pulse import recorded
from tools.pad.skin import Clip, frame_times, play

NOISES = (0.0, 0.3, 0.5, 1.0, 2.0, 4.0)
SWAYS = (0.0, 0.5, 1.5)


def main(folder: Path, clips: int) -> None:
    """Write the table."""
    cut = Cut.build(ModelPack.load())
    people = [crop for path in sorted(folder.rglob("neutral.jpg")) if (crop := cut(decode(path.read_bytes())))]
    print(f"{len(people)} people, {clips} clips of 24 frames in each line\n")
    print("| noise of a frame | sway | measured: 5, 50, 95 % | no sensor | 95 % | a sensor for sure |\n|" + "---|" * 6)
    for noise in NOISES:
        for sway in SWAYS:
            rng = np.random.default_rng([3, round(noise * 10), round(sway * 10)])
            found = []
            for number in range(clips):
                clip = Clip(rate=10, seconds=2.4, noise=noise, sway=sway, drift=0.005)
                made = play(*people[number % len(people)], clip, np.ones((clip.count, 3)), rng)
                of = injection.remaining_noise(*recorded(made, frame_times(clip, rng), Step(StepKind.LOOK, 12)))
                if len(of) >= injection.NOISE_PAIRS:
                    found.append(float(np.median(of)))
            below = sum(value < injection.NOISE_MIN for value in found)
            low, high = wilson_interval(below, len(found))
            quantiles = ", ".join(f"{q:.2f}" for q in np.quantile(found, [0.05, 0.5, 0.95]))
            sure = sum(value >= injection.NOISE_SURE for value in found)
            interval = f"{100 * low:.1f}–{100 * high:.1f} %"
            print(f"| {noise} | {sway} | {quantiles} | {below} of {len(found)} | {interval} | {sure} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 62)

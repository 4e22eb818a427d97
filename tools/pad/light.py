"""Error rates of the voice “light”: ``python -m tools.pad.light PICTURES [CLIPS]``."""

from __future__ import annotations

import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import Colour, Step, StepKind
from facekeep.domain.pad import Finding, Verdict
from facekeep.domain.performance import wilson_interval
from facekeep.domain.sample import Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import light
from tools.pad.crops import Cut
from tools.pad.pulse import recorded
from tools.pad.skin import Clip, frame_times, play

SHARES = (0.0, 0.01, 0.02, 0.05, 0.10, 0.20)
CROSSTALK = np.array([[0.85, 0.12, 0.03], [0.10, 0.80, 0.10], [0.03, 0.17, 0.80]])
"""What red, green and blue of a camera see of red, green and blue of a screen."""


def sequence(rng: np.random.Generator, length: int = 8) -> tuple[Colour, ...]:
    """Colours in random order, none twice in a row, with six changes of hue at least."""
    while True:
        drawn = [list(Colour)[number] for number in rng.integers(0, 5, length)]
        repeated = any(first is second for first, second in pairwise(drawn))
        if not repeated and light.changes_of_hue(drawn) >= 6:
            return tuple(drawn)


def lit(
    person: tuple[Pixels, NDArray[np.float64]],
    share: float,
    shown: tuple[Colour, ...],
    asked: tuple[Colour, ...],
    rng: np.random.Generator,
) -> Finding:
    """What is found if the screen, by such a share of the room's light, showed one sequence and was asked for another.

    The camera's exposure makes good half of what the screen changes in brightness.
    """
    clip = Clip(rate=float(rng.uniform(8, 12)), seconds=5.0)
    times, late = frame_times(clip, rng), float(rng.uniform(0.05, 0.35))
    fine = np.arange(-0.5, 6.0, 0.01)
    place = np.floor((fine - late) / 5.0 * len(shown)).astype(int)
    colours = {Colour.RED: (1, 0, 0), Colour.GREEN: (0, 1, 0), Colour.BLUE: (0, 0, 1), Colour.WHITE: (1, 1, 1)}
    screen = np.array([colours.get(colour, (0, 0, 0)) for colour in shown], np.float64)
    now = np.where((place >= 0)[:, np.newaxis], screen[np.clip(place, 0, len(shown) - 1)], 0.0)
    smooth = np.column_stack([np.convolve(channel, np.ones(8) / 8, mode="same") for channel in now.T])
    added = share * np.column_stack([np.interp(times, fine, channel) for channel in smooth.T]) @ CROSSTALK.T
    gain = (1 + added) / (1 + added.mean(axis=1, keepdims=True)) ** 0.5
    step = Step(StepKind.LIGHT, 6, asked)
    return light.examine(*recorded(play(*person, clip, gain, rng), times, step))


def main(folder: Path, clips: int) -> None:
    """Write the table."""
    cut = Cut.build(ModelPack.load())
    people = [crop for path in sorted(folder.rglob("neutral.jpg")) if (crop := cut(decode(path.read_bytes())))]
    print(f"{len(people)} people, {clips} clips in each line, 8 colours in 5 s\n")
    print(
        "| screen by room | sequence | supports | doubts | refutes | supports, 95 % | correlation: 5, 50, 95 % |\n|"
        + "---|" * 7
    )
    for share in SHARES:
        for same in (True, False) if share else (True,):
            rng = np.random.default_rng([9, round(share * 1000), same])
            told: Counter[Verdict] = Counter()
            found = []
            for number in range(clips):
                asked = sequence(rng)
                shown = asked if same else sequence(rng)
                finding = lit(people[number % len(people)], share, shown, asked, rng)
                told[finding.verdict] += 1
                found.append(finding.figures["light_correlation"])
            low, high = wilson_interval(told[Verdict.SUPPORTS], clips)
            counts = " | ".join(str(told[v]) for v in (Verdict.SUPPORTS, Verdict.DOUBTS, Verdict.REFUTES))
            quantiles = ", ".join(f"{q:.2f}" for q in np.quantile(found, [0.05, 0.5, 0.95]))
            name = "as asked" if same else "another"
            interval = f"{100 * low:.1f}–{100 * high:.1f} %"
            print(f"| {100 * share:.0f} % | {name} | {counts} | {interval} | {quantiles} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 124)

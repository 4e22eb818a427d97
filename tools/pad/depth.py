"""The table of the voice “depth” on simulated motion: ``python -m tools.pad.depth [PRESENTATIONS]``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np

from facekeep.domain.capture import StepKind
from facekeep.domain.pad import Verdict
from facekeep.domain.performance import wilson_interval
from facekeep.face.pad import depth
from tools.pad.motion import Body, Motion, recording

NOISES = (0.5, 1.0, 2.0, 3.0)


def presentations(
    body: Body, kind: StepKind, noise: float, count: int, seed: int = 4
) -> tuple[Counter[Verdict], dict[str, list[float]]]:
    """Verdicts and figures of so many: turns by 10 to 35°, approaches by 1.3 to 2."""
    rng = np.random.default_rng([seed, list(Body).index(body), list(StepKind).index(kind), round(noise * 10)])
    verdicts: Counter[Verdict] = Counter()
    figures: dict[str, list[float]] = {}
    for _ in range(count):
        turning = kind is not StepKind.COME_CLOSER
        motion = Motion(
            kind,
            degrees=rng.uniform(10, 35) if turning else 0.0,
            growth=1.0 if turning else rng.uniform(1.3, 2),
            noise=noise,
        )
        finding = depth.examine(*recording(body, motion, rng))
        verdicts[finding.verdict] += 1
        for name, value in finding.figures.items():
            figures.setdefault(name, []).append(value)
        figures.setdefault("motion", []).append(motion.degrees if turning else motion.growth)
    return verdicts, figures


def area(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Under the ROC: how often a head has the greater figure."""
    order = np.searchsorted(np.sort(negative), positive)
    return float(order.mean() / len(negative))


def main(count: int) -> None:
    """Write it."""
    print(f"{count} presentations in each line\n")
    print("| step | before the camera | noise | supports | doubts | refutes | silent | wrong, 95 % |\n|" + "---|" * 8)
    for kind in (StepKind.TURN_LEFT, StepKind.COME_CLOSER):
        for body in Body:
            for noise in NOISES:
                verdicts, _ = presentations(body, kind, noise, count)
                told = [verdicts[v] for v in (Verdict.SUPPORTS, Verdict.DOUBTS, Verdict.REFUTES, Verdict.SILENT)]
                wrong = told[1] + told[2] if body is Body.HEAD else told[0]
                low, high = wilson_interval(wrong, count)
                cells = " | ".join(str(value) for value in told)
                print(f"| {kind} | {body} | {noise} | {cells} | {100 * low:.2f}–{100 * high:.2f} % |")
    print("\n| step | against | noise | area: relief | area: share | area: residuals |\n|" + "---|" * 6)
    for kind in (StepKind.TURN_LEFT, StepKind.COME_CLOSER):
        for noise in NOISES:
            heads = presentations(Body.HEAD, kind, noise, count)[1]
            for body in (Body.PLANE, Body.BENT):
                other = presentations(body, kind, noise, count)[1]
                if kind is StepKind.COME_CLOSER:
                    print(f"| {kind} | {body} | {noise} | {area(heads['approach'], other['approach']):.4f} | – | – |")
                    continue
                ratio = [np.log(np.divide(f["plane_residual"], f["head_residual"])).tolist() for f in (heads, other)]
                print(
                    f"| {kind} | {body} | {noise} | {area(heads['relief'], other['relief']):.4f} | "
                    f"{area(heads['share'], other['share']):.4f} | {area(*ratio):.4f} |"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

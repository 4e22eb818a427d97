"""The voice of the challenge: was done what was asked, in the step in which it was asked?

Every figure is taken against the medians of the first step, in which the person looks and keeps still. What began
before a step was asked counts for nothing, as nobody could know it: an action has to set in within its step. Blinks
are never taken for another step's action, as everybody blinks. docs/reference/pad.md has the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facekeep.domain.capture import ACTIVE_STEPS, Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.face.geometry import nod_of, smile_of
from facekeep.face.pad.eyes import OPEN_FROM
from facekeep.face.pad.hysteresis import Episode, episodes
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["ACTIONS", "Action", "Baseline", "StepResult", "examine", "results"]

BASELINE_FRAMES = 5
"""Frames of the first step that a baseline takes at the least."""
GRACE = 2.0
"""Seconds after the end of a step in which its frames still count, for the network."""
_FRONTAL = 12.0  # degrees of yaw from the baseline within which the mouth is judged
_WIDER = 4.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """The medians of the first step.

    Attributes:
        yaw: degrees.
        nod: as :func:`facekeep.face.geometry.nod_of`.
        smile: as :func:`facekeep.face.geometry.smile_of`.
        mouth_width: in inter-eye distances.
        face_width: pixels of the camera's picture.
        eyes_open: 0 to 1.
    """

    yaw: float
    nod: float
    smile: float
    mouth_width: float
    face_width: float
    eyes_open: float

    @classmethod
    def of(cls, measures: Sequence[FrameMeasures]) -> Baseline | None:
        """The baseline of frames, or None if they are too few."""
        if len(measures) < BASELINE_FRAMES:
            return None
        rows = [
            (m.yaw, nod_of(m.points), smile_of(m.points), m.mouth_width, m.face_width, m.eyes_open) for m in measures
        ]
        return cls(*(float(middle) for middle in np.median(np.array(rows, np.float64), axis=0)))


@dataclass(frozen=True, slots=True)
class Action:
    """How an action shows.

    Attributes:
        figure: of one frame against the baseline; NaN where it cannot be told.
        high: where it sets in.
        low: below which it is over, or has not begun.
        strong: from which nobody does it by the way.
        frames: how many in a row it takes.
        returns: whether it has to be over before the step is.
    """

    figure: Callable[[FrameMeasures, Baseline], float]
    high: float
    low: float
    strong: float
    frames: int = 2
    returns: bool = False


def _smile(measure: FrameMeasures, base: Baseline) -> float:
    if abs(measure.yaw - base.yaw) > _FRONTAL:
        return float("nan")
    # A nod brings the mouth's corners nearer to the nose as a smile does, but makes no mouth wider.
    wider = measure.mouth_width - base.mouth_width
    return min(smile_of(measure.points) - base.smile, _WIDER * wider)


def _eyes_gone(measure: FrameMeasures, base: Baseline) -> float:
    return 1 - measure.eyes_open / base.eyes_open if base.eyes_open >= OPEN_FROM else 0.0


ACTIONS: Mapping[StepKind, Action] = {
    StepKind.TURN_LEFT: Action(lambda m, base: m.yaw - base.yaw, 14, 7, 20),
    StepKind.TURN_RIGHT: Action(lambda m, base: base.yaw - m.yaw, 14, 7, 20),
    StepKind.NOD: Action(lambda m, base: nod_of(m.points) - base.nod, 0.15, 0.07, 0.25, returns=True),
    StepKind.BLINK: Action(_eyes_gone, 0.6, 0.35, float("inf"), frames=1, returns=True),
    StepKind.SMILE: Action(_smile, 0.07, 0.035, 0.16),
    StepKind.COME_CLOSER: Action(lambda m, base: m.face_width / max(base.face_width, 1.0), 1.4, 1.2, 1.4),
}


@dataclass(frozen=True, slots=True)
class StepResult:
    """What became of a step.

    Attributes:
        kind: what was asked.
        done: whether it was done.
        peak: the highest figure, in the unit of its action; 0 without a frame.
        after: seconds from the first frame of the step until it set in; None if it was not done.
        instead: what was done strongly instead; None if nothing was, or if the step was done.
    """

    kind: StepKind
    done: bool
    peak: float
    after: float | None = None
    instead: StepKind | None = None


def results(recording: Recording, measures: Sequence[FrameMeasures]) -> tuple[StepResult, ...] | None:
    """What became of each active step.

    Args:
        recording: what was asked.
        measures: one for each of its frames.

    Returns:
        In the order of the steps; None if the first step does not give a baseline.
    """
    by_step: dict[int, list[FrameMeasures]] = {}
    for measure in measures:
        by_step.setdefault(measure.step, []).append(measure)
    looks = [i for i, step in enumerate(recording.steps) if step.kind is StepKind.LOOK]
    base = Baseline.of(by_step.get(looks[0], [])) if looks else None
    if base is None:
        return None
    return tuple(
        _result(step.kind, _within(by_step.get(index, []), step.seconds + GRACE), base)
        for index, step in enumerate(recording.steps)
        if step.kind in ACTIVE_STEPS
    )


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """What the challenge says. Figures are named after the steps (docs/reference/pad.md).

    Args:
        recording: what was asked.
        measures: one for each of its frames.
    """
    found = results(recording, measures)
    if not found:
        return Finding(Voice.CHALLENGE, Verdict.SILENT)
    figures = {"steps": float(len(found)), "done": float(sum(one.done for one in found))}
    for one in found:
        figures[str(one.kind)] = one.peak
        if one.after is not None:
            figures[f"{one.kind}-after"] = one.after
    if all(one.done for one in found):
        return Finding(Voice.CHALLENGE, Verdict.SUPPORTS, figures=figures)
    mixed = any(one.instead is not None for one in found)
    idle = any(not one.done and one.instead is None for one in found)
    reasons = (PadReason.STEPS_MIXED_UP,) * mixed + (PadReason.STEP_NOT_DONE,) * idle
    # Somebody who does something else, or nothing at all, did not hear what was asked. Who does all but one may err.
    refuted = mixed or not any(one.done for one in found)
    return Finding(Voice.CHALLENGE, Verdict.REFUTES if refuted else Verdict.DOUBTS, reasons, figures)


def _within(measures: Sequence[FrameMeasures], seconds: float) -> list[FrameMeasures]:
    return [measure for measure in measures if measure.at - measures[0].at <= seconds]


def _result(kind: StepKind, measures: Sequence[FrameMeasures], base: Baseline) -> StepResult:
    action = ACTIONS[kind]
    figures = _figures(action, measures, base)
    done = _done(action, figures)
    peak = max(figures, default=0.0)
    if done is not None:
        return StepResult(kind, True, peak, measures[done.start].at - measures[0].at)
    others = (other for other in ACTIONS if other is not kind)
    instead = next((other for other in others if _strong(ACTIONS[other], measures, base)), None)
    return StepResult(kind, False, peak, instead=instead)


def _figures(action: Action, measures: Sequence[FrameMeasures], base: Baseline) -> list[float]:
    """Of each frame; one that cannot be told has the figure of the frame before, so that it begins and ends nothing."""
    figures: list[float] = []
    for measure in measures:
        figure = action.figure(measure, base)
        figures.append(figure if np.isfinite(figure) else (figures[-1] if figures else action.low))
    return figures


def _done(action: Action, figures: Sequence[float]) -> Episode | None:
    for episode in episodes(figures, action.high, action.low, frames=action.frames):
        if episode.fresh and (episode.ended or not action.returns):
            return episode
    return None


def _strong(action: Action, measures: Sequence[FrameMeasures], base: Baseline) -> bool:
    done = _done(action, _figures(action, measures, base))
    return done is not None and done.peak >= action.strong

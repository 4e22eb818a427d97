"""Depth: does the face move as a head does when it turns or comes closer, or as a plane?

The views that are compared are medians: of the frames in which the person looked at the camera, and of the quarter of a
step in which the face had moved most. What each threshold lets through is in docs/reference/pad.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from facekeep.domain.capture import TURN_STEPS, Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.face.geometry import Points
from facekeep.face.pad import rigid
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["examine", "of_turn"]

FRAMES_MIN = 6
"""Frames of step LOOK, and of a depth step, below which nothing is said."""
_MOST_MOVED = 4  # one frame in so many of a step is taken
RELIEF_MIN = 0.20
"""Sine of a turn by relief from which a head may be meant: 12°. 99 of 100 real prints have 0.08 at most."""
SHARE_HEAD = 0.45
"""Share of the relief from which a head is meant. 99 of 100 prints bent to 10 cm have 0.41 at most."""
SHARE_PLANE = 0.25
"""Share up to which a plane is meant. 99 of 100 real prints have 0.20 at most, turned heads of LFW 0.29 at least."""
FORESHORTENING_MIN = 0.30
"""Sine of a turn by foreshortening from which a plane would have been seen turning: 17°."""
GROWTH_MIN = 1.4
"""Widths of the face in the camera's picture, after by before, from which an approach says something."""
APPROACH_HEAD = 0.02
"""Relief of an approach from which a head is meant. Real prints that came closer: 0.006 at most of 124."""
APPROACH_PLANE = 0.01
"""Relief up to which an approach by more than half again is a plane's."""
GROWTH_PLANE = 1.6


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """What the depth steps of a try say.

    A turn supports, doubts (``flat``) or refutes it. An approach supports or doubts, never refutes: its relief is
    small, and paper that is bent shows it too. Of several steps the worst word counts, silence aside.

    Args:
        recording: the try.
        measures: of its frames, in their order.

    Returns:
        Figures ``relief``, ``foreshortening``, ``share``, ``plane_residual`` and ``head_residual`` of the turn that
        moved most, ``growth`` and ``approach`` of the approach, as far as there were such steps.
    """
    looked = [i for i, step in enumerate(recording.steps) if step.kind is StepKind.LOOK]
    before = [frame for frame in measures if frame.step in looked]
    verdicts: list[Verdict] = []
    figures: dict[str, float] = {}
    base = _median(before)
    for index, step in enumerate(recording.steps):
        frames = [frame for frame in measures if frame.step == index]
        if base is None or len(frames) < FRAMES_MIN:
            continue
        if step.kind in TURN_STEPS:
            turned = _turned(base, frames)
            if turned is not None:
                verdicts.append(of_turn(turned))
                if turned.foreshortening + turned.relief >= figures.get("foreshortening", 0) + figures.get("relief", 0):
                    figures |= {name: getattr(turned, name) for name in turned.__slots__}
        elif step.kind is StepKind.COME_CLOSER:
            nearest = sorted(frames, key=lambda frame: frame.face_width)[-max(FRAMES_MIN, len(frames) // _MOST_MOVED) :]
            near = _median(nearest)
            width = float(np.median([frame.face_width for frame in before]))
            if near is not None and width > 0:
                growth = float(np.median([frame.face_width for frame in nearest])) / width
                relief = rigid.approach(base, near).relief
                figures |= {"growth": growth, "approach": relief}
                verdicts.append(_of_approach(growth, relief))
    for verdict in (Verdict.REFUTES, Verdict.DOUBTS):
        if verdict in verdicts:
            return Finding(Voice.DEPTH, verdict, (PadReason.FLAT,), figures)
    supports = Verdict.SUPPORTS in verdicts
    return Finding(Voice.DEPTH, Verdict.SUPPORTS if supports else Verdict.SILENT, (), figures)


def of_turn(turned: rigid.Turn) -> Verdict:
    """What one turn says."""
    if turned.relief >= RELIEF_MIN and turned.share >= SHARE_HEAD:
        return Verdict.SUPPORTS
    if turned.foreshortening >= FORESHORTENING_MIN:
        return Verdict.REFUTES if turned.share <= SHARE_PLANE else Verdict.DOUBTS
    return Verdict.SILENT  # it hardly turned: whether that was enough is for the challenge to say


def _of_approach(growth: float, relief: float) -> Verdict:
    if growth >= GROWTH_MIN and relief >= APPROACH_HEAD:
        return Verdict.SUPPORTS
    return Verdict.DOUBTS if growth >= GROWTH_PLANE and relief <= APPROACH_PLANE else Verdict.SILENT


def _turned(base: Points, frames: Sequence[FrameMeasures]) -> rigid.Turn | None:
    """The largest turn that the median of neighbouring frames shows. Single frames would be chosen for their noise."""
    aligned = [points for frame in frames if (points := rigid.eye_aligned(frame.points)) is not None]
    length = max(FRAMES_MIN, len(aligned) // _MOST_MOVED)
    starts = range(0, len(aligned) - length + 1, max(1, length // 2))
    turns = [rigid.turn(base, np.median(aligned[start : start + length], axis=0)) for start in starts]
    return max(turns, key=lambda one: math.hypot(one.relief, one.foreshortening), default=None)


def _median(frames: Sequence[FrameMeasures]) -> Points | None:
    """The median place of each point, eye-aligned; None of too few frames."""
    aligned = [points for frame in frames if (points := rigid.eye_aligned(frame.points)) is not None]
    return np.median(aligned, axis=0) if len(aligned) >= FRAMES_MIN else None

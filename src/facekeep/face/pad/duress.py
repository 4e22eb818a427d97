"""Duress: signs that somebody may not act freely, for a person to look at. This voice never supports and never refutes.

A second face, which the gate or the page saw and of which no pixel came further. And something that lies over nose and
mouth, as a hand or a cloth does: the model of the points then guesses where they are, and guesses otherwise in each of
the squares that it is asked in, while the points of a bare face agree (docs/reference/pad.md, "Duress").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facekeep.domain.capture import Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["COVERED_FROM", "COVERED_SHARE", "FRAMES_MIN", "SECOND_FACES_MIN", "examine"]

COVERED_FROM = 0.018
"""Disagreement of the points, in inter-eye distances, from which a frame counts as covered. The middle of a try with a
bare face has 0.0125 at most, 0.0144 where it is blurred beyond use (docs/reference/pad.md)."""
COVERED_SHARE = 0.5
"""Part of the frames of LOOK that has to be covered."""
SECOND_FACES_MIN = 2
"""Times at which a second face was seen; a single one may be the detector's error, and is dropped without a word."""
FRAMES_MIN = 6
"""Frames of LOOK, near the front, below which nothing is said of a cover; the protocol asks for as many."""
_FRONTAL = 20.0  # degrees of yaw from which the points of a bare face disagree as well


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """Whether a second face was seen, or something covers the face while the person is asked to look.

    Args:
        recording: the try.
        measures: of its frames, in their order.

    Returns:
        Figures: ``second_faces``, times at which one was seen; ``looked``, frames of LOOK near the front;
        ``covered_share`` of them and the middle ``disagreement``, where there are enough.
    """
    looks = {index for index, step in enumerate(recording.steps) if step.kind is StepKind.LOOK}
    apart = [frame.disagreement for frame in measures if frame.step in looks and abs(frame.yaw) <= _FRONTAL]
    figures = {"second_faces": float(len(recording.second_faces)), "looked": float(len(apart))}
    reasons = []
    if len(recording.second_faces) >= SECOND_FACES_MIN:
        reasons.append(PadReason.SECOND_FACE)
    if len(apart) >= FRAMES_MIN:
        share = float(np.mean([figure >= COVERED_FROM for figure in apart]))
        figures |= {"covered_share": share, "disagreement": float(np.median(apart))}
        if share >= COVERED_SHARE:
            reasons.append(PadReason.HAND_OVER_FACE)
    return Finding(Voice.DURESS, Verdict.DOUBTS if reasons else Verdict.SILENT, tuple(reasons), figures)

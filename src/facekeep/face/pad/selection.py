"""The frames of a capture that serve a comparison best: frontal, eyes open, mouth closed, sharp, large."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from facekeep.domain.capture import RecordedFrame
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["SERVING", "best_frames"]

SERVING = 3
"""Frames of a try that may serve a comparison or an enrolment."""

_YAW, _NOD = 12.0, 15.0  # degrees up to which a face is as good as frontal
_EYES, _LIPS = 0.7, 0.2  # figures of an open eye, and of a closed mouth
_SIDE = 112  # of the face in which sharpness is measured, whatever its size
_APART = 0.7  # seconds between chosen frames, as long as there are such: neighbours show the same


def best_frames(frames: Sequence[RecordedFrame], measures: Sequence[FrameMeasures], most: int) -> tuple[int, ...]:
    """Places of the best frames, the best first.

    Args:
        frames: at least one.
        measures: one for each.
        most: how many are wanted.

    Returns:
        As many places as are wanted and there are, at least one.
    """
    faults = [_faults(measure) for measure in measures]
    fit = [-_sharpness(frame) * min(1.0, frame.face.shape[0] / 224) for frame in frames]
    order = sorted(range(len(frames)), key=lambda place: (faults[place], fit[place]))
    chosen: list[int] = []
    for place in order:
        if len(chosen) < most and all(abs(frames[place].at - frames[other].at) >= _APART for other in chosen):
            chosen.append(place)
    near = [place for place in order if place not in chosen]
    return tuple((chosen + near)[: max(1, most)])


def _faults(measure: FrameMeasures) -> int:
    """How many of what a comparison wants are missing."""
    wanted = (
        abs(measure.yaw) <= _YAW,
        abs(measure.pitch) <= _NOD,
        measure.eyes_open >= _EYES,
        measure.lip_gap <= _LIPS,
    )
    return wanted.count(False)


def _sharpness(frame: RecordedFrame) -> float:
    """Deviation of the Laplacian within the face, by that of its light."""
    box, side = frame.face_box, frame.face.shape[0]
    rows = slice(max(0, round(box.top)), min(side, round(box.top + box.height)))
    columns = slice(max(0, round(box.left)), min(side, round(box.left + box.width)))
    face = np.ascontiguousarray(frame.face[rows, columns])
    if not face.size:
        return 0.0
    grey = cv2.cvtColor(cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).std() / max(1.0, float(grey.std())))

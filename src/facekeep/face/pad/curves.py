"""Curves for a reviewer: what the face did over the time of a try, without a picture of it.

Where there are more frames than points, each group of frames that follow each other gives the one figure that lies
furthest from the curve's middle, at its own time: a blink or a nod is never thinned away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.curves import POINTS_MAX, Curve
from facekeep.face.geometry import smile_of
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["CURVES", "curves_of"]

CURVES: dict[str, tuple[str, Callable[[FrameMeasures], float]]] = {
    "eyes-open": ("", lambda frame: frame.eyes_open),
    "yaw": ("degrees", lambda frame: frame.yaw),
    "pitch": ("degrees", lambda frame: frame.pitch),
    "mouth-open": ("eye distances", lambda frame: frame.lip_gap),
    "smile": ("eye distances", lambda frame: smile_of(frame.points)),
    "face-size": ("pixels", lambda frame: frame.face_width),
}
"""Names of the curves, in their order: unit, and where the figure comes from. docs/reference/pad.md explains them."""

_DIGITS = 3


def curves_of(measures: Sequence[FrameMeasures]) -> tuple[Curve, ...]:
    """One curve of each name.

    Args:
        measures: of all frames of a recording, in their order.
    """
    return tuple(_curve(name, unit, measures, figure) for name, (unit, figure) in CURVES.items())


def _curve(name: str, unit: str, measures: Sequence[FrameMeasures], figure: Callable[[FrameMeasures], float]) -> Curve:
    values = np.array([figure(frame) for frame in measures], np.float64)
    kept = range(len(values)) if len(values) <= POINTS_MAX else _kept(values)
    at = tuple(round(measures[place].at, _DIGITS) for place in kept)
    return Curve(name, unit, at, tuple(round(float(values[place]), _DIGITS) for place in kept))


def _kept(values: NDArray[np.float64]) -> list[int]:
    """The place of the figure of each group that lies furthest from the middle of all."""
    far = np.abs(values - np.median(values))
    groups = np.array_split(np.arange(len(values)), POINTS_MAX)
    return [int(group[np.argmax(far[group])]) for group in groups]

"""Light: do the colours that the screen showed come back from the skin, in their order and in time?

Skin lit by a room and by a screen changes, in each channel, by the share that the screen adds. Exposure follows the sum
of all light, so only ratios of channels are looked at; black and white serve as pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import Colour, Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.skin import skin_colour

__all__ = ["CHANGES_MIN", "Reflection", "changes_of_hue", "examine", "reflection"]

FRAMES_MIN, SECONDS_MIN, CHANGES_MIN = 20, 2.5, 4
"""Frames, seconds and changes of hue below which nothing is said."""
FITS = 0.70
"""Correlation from which the colours are the screen's: 183 of 186 clips lit by 1 to 5 % of the room pass, 4 of 186 with
another sequence; docs/reference/pad.md, "Light"."""
STRANGE, STRANGE_CHANGE = 0.40, 0.015
"""Skin whose ratios change by as much as this (deviation), with a correlation no higher, is lit by something else."""

_LAGS = np.arange(0.0, 0.61, 0.05)  # seconds from the page's clock to what the camera sees
_SCREEN: dict[Colour, tuple[float, float, float]] = {
    Colour.RED: (1, 0, 0),
    Colour.GREEN: (0, 1, 0),
    Colour.BLUE: (0, 0, 1),
    Colour.BLACK: (0, 0, 0),
    Colour.WHITE: (1, 1, 1),
}


@dataclass(frozen=True, slots=True)
class Reflection:
    """What the skin gave back.

    Attributes:
        correlation: of the skin's ratios with those of the screen, at the best lag, −1 to 1.
        lag: that lag, in seconds.
        change: deviation of the skin's ratios once their drift is taken off, as natural logarithms.
    """

    correlation: float
    lag: float
    change: float


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """What the steps of light say: silent without one, a doubt with too few frames in one.

    Args:
        recording: the try. The frames of a step of light are taken to reach from its first colour to its last.
        measures: of its frames, in their order.

    Returns:
        Figures ``light_correlation``, ``light_lag`` and ``light_change`` of the worst such step.
    """
    faces = {frame.at: frame.face for frame in recording.frames}
    worst: Reflection | None = None
    for index, step in enumerate(recording.steps):
        if step.kind is not StepKind.LIGHT:
            continue
        frames = [frame for frame in measures if frame.step == index]
        seen = [(frame.at, skin_colour(faces[frame.at], frame.points)) for frame in frames]
        known = [(at, colour) for at, colour in seen if colour is not None]
        if (
            len(known) < FRAMES_MIN
            or known[-1][0] - known[0][0] < SECONDS_MIN
            or changes_of_hue(step.colours) < CHANGES_MIN
        ):
            # It was asked for: who sends too little of it gets no further than who reflects nothing.
            return Finding(Voice.LIGHT, Verdict.DOUBTS, (PadReason.TOO_LITTLE_EVIDENCE,))
        found = reflection([at for at, _ in known], np.stack([colour for _, colour in known]), step.colours)
        if worst is None or found.correlation < worst.correlation:
            worst = found
    if worst is None:
        return Finding(Voice.LIGHT, Verdict.SILENT)
    figures = {"light_correlation": worst.correlation, "light_lag": worst.lag, "light_change": worst.change}
    if worst.correlation >= FITS:
        return Finding(Voice.LIGHT, Verdict.SUPPORTS, (), figures)
    strange = worst.correlation <= STRANGE and worst.change >= STRANGE_CHANGE
    verdict = Verdict.REFUTES if strange else Verdict.DOUBTS
    return Finding(Voice.LIGHT, verdict, (PadReason.COLOURS_NOT_REFLECTED,), figures)


def changes_of_hue(colours: Sequence[Colour]) -> int:
    """How often a sequence changes to what differs by more than brightness."""
    hues = [Colour.BLACK if colour is Colour.WHITE else colour for colour in colours]
    return sum(first is not second for first, second in pairwise(hues))


def reflection(times: Sequence[float], colours: NDArray[np.float64], shown: Sequence[Colour]) -> Reflection:
    """How well the skin's colours follow the screen's.

    Args:
        times: seconds, growing.
        colours: red, green, blue of the skin, shape (n, 3).
        shown: what the screen showed, each for the same time.
    """
    at = np.asarray(times, np.float64) - times[0]
    span = float(at[-1]) + float(np.median(np.diff(at)))
    drift = np.column_stack([np.ones_like(at), at, at**2])
    skin = _without(drift, _ratios(np.log(np.maximum(colours, 1.0))))
    change = float(np.sqrt((skin**2).mean()))
    screen = np.array([_SCREEN[colour] for colour in shown], np.float64)
    best, lag = -1.0, 0.0
    for delay in _LAGS:
        # Before the first colour arrives, the camera sees what the screen showed until then: nothing of the sequence.
        place = np.floor((at - delay) / span * len(shown)).astype(int)
        wanted = np.where((place >= 0)[:, np.newaxis], screen[np.clip(place, 0, len(shown) - 1)], 0.0)
        hue = _without(drift, _ratios(wanted))
        size = float(np.linalg.norm(hue) * np.linalg.norm(skin))
        fits = float((hue * skin).sum()) / size if size > 1e-9 else 0.0
        if fits > best:
            best, lag = fits, float(delay)
    return Reflection(best, lag, change)


def _ratios(channels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each channel by the mean of all, shape (n, 3): what exposure cannot change."""
    return np.asarray(channels - channels.mean(axis=1, keepdims=True), np.float64)


def _without(drift: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - drift @ np.linalg.lstsq(drift, values, rcond=None)[0], np.float64)

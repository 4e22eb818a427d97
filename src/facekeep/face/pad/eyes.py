"""Eyes over the frames of a capture: how long they were open, and when they closed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facekeep.face.pad.hysteresis import Episode, episodes
from facekeep.face.pad.measures import FrameMeasures

__all__ = ["OPEN_FROM", "EyeStatistics", "closures", "eye_statistics"]

OPEN_FROM = 0.5
"""The classifier's figure from which eyes count as open, as quality has it."""
_CLOSED, _OPEN_AGAIN = 0.6, 0.35  # parts of the open eye's figure that are gone
_HEADROOM = 90  # percentile that stands for the open eye


@dataclass(frozen=True, slots=True)
class EyeStatistics:
    """What the eyes did.

    Attributes:
        frames: how many were looked at.
        open_share: the part of them with open eyes, 0 to 1; 0 without a frame.
        blinks: how often they closed and opened again.
        longest_closed: seconds, from the first frame of the longest closure to the frame that ended it.
    """

    frames: int
    open_share: float
    blinks: int
    longest_closed: float


def closures(measures: Sequence[FrameMeasures], open_figure: float) -> tuple[Episode, ...]:
    """When the eyes were closed; indices are those of ``measures``.

    Args:
        measures: frames in their order.
        open_figure: this person's figure with open eyes. Below :data:`OPEN_FROM` nothing can be told: none is found.
    """
    if open_figure < OPEN_FROM:
        return ()
    gone = [1 - measure.eyes_open / open_figure for measure in measures]
    return episodes(gone, _CLOSED, _OPEN_AGAIN)


def eye_statistics(measures: Sequence[FrameMeasures]) -> EyeStatistics:
    """What the eyes did over frames, of which at least a tenth has to show them open for blinks to be told."""
    if not measures:
        return EyeStatistics(0, 0.0, 0, 0.0)
    figures = np.array([measure.eyes_open for measure in measures])
    share = float((figures >= OPEN_FROM).mean())
    found = closures(measures, float(np.percentile(figures, _HEADROOM)))
    ends = [min(episode.end, len(measures) - 1) for episode in found]
    lengths = [measures[end].at - measures[episode.start].at for episode, end in zip(found, ends, strict=True)]
    if share == 0:
        lengths.append(measures[-1].at - measures[0].at)
    return EyeStatistics(
        frames=len(measures),
        open_share=share,
        blinks=sum(episode.fresh and episode.ended for episode in found),
        longest_closed=max(lengths, default=0.0),
    )

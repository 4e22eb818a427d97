"""Following a figure over frames: an episode begins at a high limit and ends at a low one, so that noise makes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Episode", "episodes"]


@dataclass(frozen=True, slots=True)
class Episode:
    """A stretch of frames in which a figure was high.

    Attributes:
        start: index of the first frame.
        end: index after the last.
        fresh: whether the figure was low before, within the frames that were looked at.
        ended: whether it became low again.
        peak: the highest figure.
    """

    start: int
    end: int
    fresh: bool
    ended: bool
    peak: float


def episodes(figures: Sequence[float], high: float, low: float, *, frames: int = 1) -> tuple[Episode, ...]:
    """The stretches that begin with ``frames`` figures in a row at or above ``high`` and last until one below ``low``.

    Args:
        figures: of the frames in their order.
        high: where an episode begins.
        low: where it ends, at most ``high``.
        frames: how many frames in a row have to be that high; a single one may be an error.
    """
    if not low <= high or frames < 1:
        raise ValueError("an episode begins at a limit no lower than where it ends")
    found: list[Episode] = []
    was_low, row = False, 0
    at = 0
    while at < len(figures):
        row = row + 1 if figures[at] >= high else 0
        if row == frames:
            start = at - frames + 1
            end = next((index for index in range(at, len(figures)) if figures[index] < low), len(figures))
            peak = float(max(figures[start:end]))
            found.append(Episode(start, end, was_low, end < len(figures), peak))
            at, row = end, 0
            continue
        was_low = was_low or figures[at] < low
        at += 1
    return tuple(found)

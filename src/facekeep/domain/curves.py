"""Curves of a recording: what a reviewer sees of it while no face is shown.

Invariant: a curve has few points, in their order, and no figure that is not finite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

__all__ = ["POINTS_MAX", "Curve"]

POINTS_MAX: Final = 120
"""Points of one curve."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over the time of a try.

    Attributes:
        name: what was measured; docs/reference/pad.md, "Curves", has the names.
        unit: of the values, "" for a plain number.
        at: seconds since the first frame of the try, growing, at most 120.
        values: one for each.
    """

    name: str
    unit: str
    at: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.at) != len(self.values) or len(self.at) > POINTS_MAX:
            raise ValueError(f"a curve has a value for each of at most {POINTS_MAX} times")
        if not all(math.isfinite(figure) for figure in (*self.at, *self.values)):
            raise ValueError("a curve has finite figures")
        if any(later <= earlier for earlier, later in pairwise(self.at)):
            raise ValueError("the times of a curve grow")

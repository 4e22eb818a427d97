"""Thresholds as error rates, and what a comparison tells: a band, never a bare score.

Invariants: the levels of a calibration go from lax to strict, with falling FMR and rising threshold; each is bound to
the digest of the model that it was measured with; a level whose FMR lies below what the calibration data can show is
marked as extrapolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

SCORE_SCALE = 160 * 160
"""An integer score of the split gallery is this many times a cosine."""


@dataclass(frozen=True, slots=True)
class Level:
    """One operating point of a model.

    Attributes:
        fmr: false match rate of a single comparison, 0 < fmr < 1.
        threshold: cosine at and above which a comparison passes, −1 to 1.
        extrapolated: whether the rate lies below what the calibration data can measure.
    """

    fmr: float
    threshold: float
    extrapolated: bool = False

    @property
    def one_in(self) -> int:
        """The rate as a person reads it: one in this many strangers would pass."""
        return round(1 / self.fmr)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The operating points of one model.

    Attributes:
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        levels: 1 to 15 levels from lax to strict. Fifteen, because a band is one codeword of 16 (docs/spec).
        source: what it was measured on, for people to read.
    """

    model: str
    levels: tuple[Level, ...]
    source: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.levels) <= 15:
            raise ValueError("a calibration has 1 to 15 levels")
        for laxer, stricter in pairwise(self.levels):
            if not (laxer.fmr > stricter.fmr and laxer.threshold < stricter.threshold):
                raise ValueError("levels go from lax to strict, with falling FMR and rising threshold")
        for level in self.levels:
            if not (0 < level.fmr < 1 and -1 < level.threshold < 1):
                raise ValueError("an FMR lies between 0 and 1, a threshold between -1 and 1")

    def level_for_fmr(self, fmr: float) -> int | None:
        """Index of the laxest level whose FMR is at most ``fmr``; None if even the strictest is laxer."""
        for index, level in enumerate(self.levels):
            if level.fmr <= fmr * (1 + 1e-9):
                return index
        return None

    def integer_thresholds(self) -> tuple[int, ...]:
        """The thresholds in the scale of the split gallery, ⌈τ · 25,600⌉, from lax to strict.

        Its fine codes are round(160 · e), so that the inner product of two is 160² times their cosine; rounding up
        never lets a lower cosine pass (docs/reference/calibration.md has what the rounding of the codes changes).
        """
        return tuple(math.ceil(level.threshold * SCORE_SCALE) for level in self.levels)

    def level_for_fpir(self, fpir: float, gallery_size: int) -> int | None:
        """The level that keeps the false positive identification rate of a search at most ``fpir``.

        With N independent comparisons, FPIR = 1 − (1 − FMR)^N, so FMR = 1 − (1 − FPIR)^(1/N) (ISO/IEC 19795-1).
        """
        comparisons = max(1, gallery_size)
        return self.level_for_fmr(-math.expm1(math.log1p(-fpir) / comparisons))

"""What the far tail of non-mated scores would be: thresholds at rates that no set at hand can measure.

A search over a million rows at FPIR 0.01 needs FMR 1e-8 per comparison, and 30 million pairs show nothing below 1e-6.
So the tail is fitted where it is well seen, between FMR 1e-2 (``upper``) and ``lower``, and continued. What lies
beyond ``lower`` is only counted, never fitted (right-censored): in public sets most of the last handful are wrong
labels, one person under two names, and their scores would bend any fit.

Three continuations, from low to high thresholds on the embeddings tried (docs/reference/calibration.md):

* **generalised Pareto** on the excesses over the threshold of ``upper`` (Pickands 1975, Ann. Stat. 3:119), by censored
  maximum likelihood;
* **normal tail**: threshold against z = Φ⁻¹(1 − FMR) is a straight line (a normal probability plot), by least squares;
* **exponential**: the Pareto with shape 0. A tail whose logarithm is concave, as both others found it, lies below, so
  this is an upper bound; it is given for comparison only.

Thresholds are taken from whichever of the first two is stricter, the normal one at the upper end of its interval over
resampled subjects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.resampling import non_mated_pairs, subject_weights
from facekeep.domain.scores import Integers, NonMatedSummary

UPPER_FMR = 1e-2
"""Where the fit begins."""

LOWER_FMR = 1e-5
"""Where the fit ends at the latest; what lies beyond is counted only."""

LEAST_PASSING = 200
"""The fit also ends where fewer comparisons than this pass."""

FURTHEST = 1e-4
"""No rate below this share of the fit's own end is continued to: four powers of ten."""

_POINTS = 40
_BINS = 500


@dataclass(frozen=True, slots=True)
class TailFit:
    """A fitted tail.

    Attributes:
        upper: FMR where the fit begins.
        lower: FMR where it ends.
        normal_intercept: cosine at z = 0 of the straight line.
        normal_slope: cosine per unit of z.
        residual: largest distance of the line from the fitted points, in cosine.
        pareto_start: cosine at ``upper``.
        pareto_shape: ξ; below 0 the tail ends, at 0 it is exponential.
        pareto_scale: σ in cosine.
        exponential_scale: mean excess if the shape were 0.
        draws: shape (resamples, 2), intercept and slope of the line for resampled subjects.
    """

    upper: float
    lower: float
    normal_intercept: float
    normal_slope: float
    residual: float
    pareto_start: float
    pareto_shape: float
    pareto_scale: float
    exponential_scale: float
    draws: NDArray[np.float64]

    def normal(self, fmr: float) -> float:
        """Threshold by the normal tail."""
        return self.normal_intercept + self.normal_slope * _z(fmr)

    def normal_interval(self, fmr: float, confidence: float = 0.95) -> tuple[float, float]:
        """Interval of :meth:`normal` over resampled subjects; the ends are equal if there were none."""
        if not self.draws.size:
            return self.normal(fmr), self.normal(fmr)
        ends = np.quantile(self.draws[:, 0] + self.draws[:, 1] * _z(fmr), [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(ends[0]), float(ends[1])

    def pareto(self, fmr: float) -> float:
        """Threshold by the generalised Pareto tail: u + σ/ξ · ((fmr / upper)^(−ξ) − 1)."""
        ratio = math.log(fmr / self.upper)
        if abs(self.pareto_shape) < 1e-9:
            return self.pareto_start - self.pareto_scale * ratio
        return self.pareto_start + self.pareto_scale / self.pareto_shape * math.expm1(-self.pareto_shape * ratio)

    def exponential(self, fmr: float) -> float:
        """Threshold by the exponential tail, an upper bound for tails with a concave logarithm."""
        return self.pareto_start - self.exponential_scale * math.log(fmr / self.upper)

    def threshold(self, fmr: float) -> float | None:
        """The conservative continuation; None if ``fmr`` lies further out than the fit should be trusted."""
        if fmr < self.lower * FURTHEST * (1 - 1e-9):
            return None
        return max(self.normal_interval(fmr)[1], self.pareto(fmr))


def fit_tail(non_mated: NonMatedSummary, pictures: Integers, resamples: int = 200) -> TailFit | None:
    """Fit the tail of the non-mated scores.

    Args:
        non_mated: the scores, with their tail exact down to FMR 1e-2.
        pictures: shape (subjects,), how many pictures each subject has.
        resamples: draws of the subjects for the interval, 0 for none.

    Returns:
        The fit, or None if the scores do not span two powers of ten between the two ends.
    """
    lower = max(LOWER_FMR, LEAST_PASSING / non_mated.count)
    if lower > UPPER_FMR / 100 or non_mated.threshold_at(UPPER_FMR * 0.999) is None:
        return None
    tail = non_mated.tail.astype(np.float64)
    rates = np.geomspace(lower, UPPER_FMR * 0.999, _POINTS)
    points = tail[(rates * non_mated.count).astype(np.int64)]
    z = np.array([_z(rate) for rate in rates])
    slope, intercept = np.polyfit(z, points, 1)
    start, end = int(UPPER_FMR * 0.999 * non_mated.count), int(lower * non_mated.count)
    shape, scale = _fit_pareto(tail[end:start] - tail[start], end, float(tail[end] - tail[start]))
    exponential = (float((tail[end:start] - tail[start]).sum()) + end * float(tail[end] - tail[start])) / (start - end)
    first, second = non_mated.subjects_of_tail()
    draws = np.empty((resamples, 2))
    for index, weights in enumerate(subject_weights(pictures.size, resamples)):
        passing = np.cumsum(weights[first] * weights[second]) / non_mated_pairs(weights, pictures)
        drawn = tail[np.minimum(np.searchsorted(passing, rates), tail.size - 1)]
        draws[index] = np.polyfit(z, drawn, 1)[::-1]
    return TailFit(
        upper=start / non_mated.count,
        lower=lower,
        normal_intercept=float(intercept),
        normal_slope=float(slope),
        residual=float(np.abs(intercept + slope * z - points).max()),
        pareto_start=float(tail[start]),
        pareto_shape=shape,
        pareto_scale=scale,
        exponential_scale=exponential,
        draws=draws,
    )


def _fit_pareto(excesses: NDArray[np.float64], censored: int, limit: float) -> tuple[float, float]:
    """Maximum likelihood of shape and scale; ``censored`` further excesses are known only to lie above ``limit``.

    log L = −m log σ − (1 + 1/ξ) Σ log(1 + ξ y/σ) − (c/ξ) log(1 + ξ l/σ), searched on a grid that closes in five times.
    The excesses are binned, which moves the estimates by less than their standard error and bounds the work.
    """
    counts, edges = np.histogram(excesses, _BINS, range=(0.0, limit))
    middle = (edges[1:] + edges[:-1]) / 2
    mean = float(excesses.mean()) + 1e-12
    low_shape, high_shape, low_scale, high_scale = -0.8, 0.8, mean / 4, mean * 4
    best = (0.0, mean)
    for _ in range(5):
        shapes = np.linspace(low_shape, high_shape, 41)
        shapes[np.abs(shapes) < 1e-7] = 1e-7
        scales = np.linspace(low_scale, high_scale, 41)
        grid = shapes[:, None, None] / scales[None, :, None]
        inside = 1 + grid * middle
        last = 1 + grid[..., 0] * limit
        allowed = (inside.min(axis=-1) > 0) & (last > 0)
        logs = np.log(np.where(inside > 0, inside, 1.0)) @ counts
        likelihood = (
            -excesses.size * np.log(scales)[None, :]
            - (1 + 1 / shapes)[:, None] * logs
            - censored / shapes[:, None] * np.log(np.where(last > 0, last, 1.0))
        )
        row, column = np.unravel_index(int(np.where(allowed, likelihood, -np.inf).argmax()), likelihood.shape)
        best = (float(shapes[row]), float(scales[column]))
        shape_step, scale_step = 3 * (shapes[1] - shapes[0]), 3 * (scales[1] - scales[0])
        low_shape, high_shape = best[0] - shape_step, best[0] + shape_step
        low_scale, high_scale = max(best[1] - scale_step, mean / 100), best[1] + scale_step
    return best


def _z(fmr: float) -> float:
    return -NormalDist().inv_cdf(fmr)

"""Error rates of biometric comparison, search and attack detection, with intervals.

Sources: ISO/IEC 19795-1:2021 (FMR, FNMR, FTA, FPIR, FNIR, DET), ISO/IEC 30107-3:2023 (APCER, BPCER), Huang et al. 2007,
"Labeled Faces in the Wild" (ten-fold accuracy), Wilson 1927 (interval of a proportion).

The intervals of :class:`Rate` hold for independent trials. Pairs that share a picture or a subject are *not*
independent, so over cross pairs they are too narrow; :mod:`facekeep.domain.resampling` draws whole subjects instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.scores import HISTOGRAM_BINS, MatedScores, NonMatedSummary

CONFIDENCE = 0.95
"""Coverage of every interval, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A counted proportion.

    Attributes:
        errors: how often it happened.
        trials: how often it could have happened, 0 or more.
    """

    errors: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.trials:
            raise ValueError("errors are at least 0 and at most the trials")

    @property
    def value(self) -> float:
        """The share of errors, or NaN without a trial."""
        return self.errors / self.trials if self.trials else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %, for independent trials."""
        return wilson_interval(self.errors, self.trials)


def wilson_interval(errors: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209).

    (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n). Unlike the textbook's normal interval it does not shrink to
    nothing where no error was seen.

    Returns:
        Lower and upper end, 0 … 1; (0, 1) without a trial.
    """
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = errors / trials
    centre = p + z * z / (2 * trials)
    spread = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    lower = 0.0 if errors == 0 else max(0.0, (centre - spread) / scale)
    upper = 1.0 if errors == trials else min(1.0, (centre + spread) / scale)
    return lower, upper


def false_match_rate(non_mated: NonMatedSummary, threshold: float) -> Rate:
    """FMR: the share of non-mated comparisons at or above the threshold (ISO/IEC 19795-1, 3.22)."""
    return Rate(non_mated.passing(threshold), non_mated.count)


def false_non_match_rate(mated: MatedScores, threshold: float) -> Rate:
    """FNMR: the share of mated comparisons below the threshold (ISO/IEC 19795-1). TAR is 1 − FNMR."""
    return Rate(mated.failing(threshold), mated.scores.size)


def generalised_false_reject_rate(failure_to_acquire: Rate, fnmr: Rate) -> float:
    """GFRR of one attempt: FTA + (1 − FTA) · FNMR, for a reference that was acquired (ISO/IEC 19795-1, annex)."""
    fta = failure_to_acquire.value
    return fta + (1 - fta) * fnmr.value


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """FMR and FNMR at one threshold.

    Attributes:
        target_fmr: the rate that was asked for.
        threshold: the lowest cosine that keeps it.
        fmr: what passes at it among the non-mated.
        fnmr: what fails at it among the mated.
        subject_pairs: of how many different pairs of subjects the false matches are; None where not known.
    """

    target_fmr: float
    threshold: float
    fmr: Rate
    fnmr: Rate
    subject_pairs: int | None

    @property
    def tar(self) -> float:
        """True accept rate, 1 − FNMR."""
        return 1.0 - self.fnmr.value


def operating_point(mated: MatedScores, non_mated: NonMatedSummary, fmr: float) -> OperatingPoint | None:
    """FNMR at the threshold that keeps FMR ≤ ``fmr``; None where the set has too few pairs to show ``fmr``."""
    threshold = non_mated.threshold_at(fmr)
    if threshold is None:
        return None
    return OperatingPoint(
        fmr,
        threshold,
        false_match_rate(non_mated, threshold),
        false_non_match_rate(mated, threshold),
        non_mated.subject_pairs_passing(threshold),
    )


@dataclass(frozen=True, slots=True)
class DetCurve:
    """Detection error trade-off: FNMR over FMR as the threshold rises.

    Attributes:
        thresholds: shape (n,), rising.
        fmr: shape (n,), falling or equal.
        fnmr: shape (n,), rising or equal.
    """

    thresholds: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]

    @property
    def equal_error_rate(self) -> float:
        """EER: the rate at which FMR and FNMR cross, linear between the two thresholds around the crossing."""
        gap = self.fnmr - self.fmr
        after = int(np.argmax(gap >= 0))
        if after == 0 or gap[after] < 0:
            return float((self.fmr[after] + self.fnmr[after]) / 2)
        before = after - 1
        share = -gap[before] / (gap[after] - gap[before])
        return float(self.fmr[before] + share * (self.fmr[after] - self.fmr[before]))


def det_curve(mated: MatedScores, non_mated: NonMatedSummary) -> DetCurve:
    """The DET curve at every edge of the bins of 1e-4 of cosine, FMR from the bins and FNMR exact."""
    edges: NDArray[np.float64] = np.arange(HISTOGRAM_BINS + 1, dtype=np.float64) * (2 / HISTOGRAM_BINS) - 1.0
    above = np.concatenate([np.cumsum(non_mated.histogram[::-1])[::-1], [0]])
    failing = np.searchsorted(np.sort(mated.scores.astype(np.float64)), edges, side="left")
    return DetCurve(edges, above / non_mated.count, failing / mated.scores.size)


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Accuracy over folds, each judged with the threshold of all the others.

    Attributes:
        folds: shape (k,), accuracy of each fold.
        thresholds: shape (k,), the threshold that was used on it.
    """

    folds: NDArray[np.float64]
    thresholds: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The estimated accuracy (Huang et al. 2007, equation for μ)."""
        return float(self.folds.mean())

    @property
    def standard_error(self) -> float:
        """S_E = σ / √k with σ over k − 1 (Huang et al. 2007)."""
        return float(self.folds.std(ddof=1) / math.sqrt(self.folds.size))


def fold_accuracy(scores: NDArray[np.floating], mated: NDArray[np.bool_], fold: NDArray[np.integer]) -> FoldAccuracy:
    """Accuracy as LFW defines it for its View 2: the threshold is chosen on all folds but the one that is judged.

    Args:
        scores: shape (n,), cosine of each pair; −1 for a pair with a picture in which no face was acquired.
        mated: shape (n,), whether both pictures show one subject.
        fold: shape (n,), the fold of each pair, at least two different ones.

    Returns:
        The accuracy of each fold. Among equally good thresholds the middle one is taken.
    """
    names = np.unique(fold)
    if names.size < 2:
        raise ValueError("the threshold of a fold comes from the other folds: at least two")
    results = []
    for name in names:
        test = fold == name
        threshold = best_threshold(scores[~test], mated[~test])
        results.append((float(((scores[test] >= threshold) == mated[test]).mean()), threshold))
    accuracy, thresholds = zip(*results, strict=True)
    return FoldAccuracy(np.array(accuracy), np.array(thresholds))


def best_threshold(scores: NDArray[np.floating], mated: NDArray[np.bool_]) -> float:
    """The threshold with the most right decisions: the middle of the best gap, and of several the middle one."""
    values = np.unique(scores.astype(np.float64))
    position = np.searchsorted(values, scores.astype(np.float64))
    mated_at = np.bincount(position[mated], minlength=values.size)
    other_at = np.bincount(position[~mated], minlength=values.size)
    # Threshold number i lies just below values[i]: mated scores from i on and other scores before i are judged rightly.
    right = np.concatenate([np.cumsum(mated_at[::-1])[::-1], [0]]) + np.concatenate([[0], np.cumsum(other_at)])
    best = np.flatnonzero(right == right.max())
    chosen = int(best[best.size // 2])
    if chosen == 0:
        return float(values[0])
    if chosen == values.size:
        return float(np.nextafter(values[-1], 2.0))
    return float((values[chosen - 1] + values[chosen]) / 2)


def attack_presentation_classification_error_rate(accepted: dict[str, Rate]) -> float:
    """APCER: the worst share, over the species of attack, of attack presentations classified as bona fide.

    ISO/IEC 30107-3 asks for the rate of each species of presentation attack instrument and reports the highest.
    """
    if not accepted:
        raise ValueError("at least one species of attack")
    return max(rate.value for rate in accepted.values())


def bona_fide_presentation_classification_error_rate(rejected: int, presentations: int) -> Rate:
    """BPCER: the share of bona fide presentations classified as attacks (ISO/IEC 30107-3)."""
    return Rate(rejected, presentations)

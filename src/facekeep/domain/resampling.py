"""Intervals that respect that pairs of one subject belong together: the bootstrap draws subjects, not pairs.

One picture takes part in thousands of cross pairs, so their outcomes hang together and the interval of independent
trials is too narrow. Subjects, not pairs, are the independent draws. For FNMR whole subjects are drawn with
replacement ("subsets bootstrap", Bolle, Ratha and Pankanti 2004, Comput. Vis. Image Underst. 93:1). For FMR a pair of
subjects counts as often as the product of how often its two subjects were drawn ("vertex bootstrap", Snijders and
Borgatti 1999, Connections 22:61); pairs between two draws of one subject are left out, for they would be mated.

Where no error was seen (or nothing but errors) a resample shows none either, and the bootstrap would claim certainty.
Then Wilson's interval for as many trials as are independent is given: the subjects for FNMR, half of them, which make
disjoint pairs, for FMR.

The generator has a fixed seed: the same scores give the same interval.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.performance import wilson_interval
from facekeep.domain.scores import Integers, MatedScores, NonMatedSummary

RESAMPLES = 1000
"""Draws for an interval."""

_SEED = 19795


def fnmr_interval(
    mated: MatedScores, threshold: float, confidence: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """The percentile interval of FNMR at a threshold, over resamples of the subjects.

    Returns:
        Lower and upper end, 0 … 1.
    """
    failing, total = mated.by_subject(threshold)
    if failing.sum() in {0, total.sum()}:
        return wilson_interval(total.size if failing.any() else 0, total.size, confidence)
    rates = np.empty(resamples)
    for index, weights in enumerate(subject_weights(total.size, resamples)):
        rates[index] = (weights @ failing) / max(1, int(weights @ total))
    return _percentiles(rates, confidence)


def fmr_interval(
    non_mated: NonMatedSummary,
    pictures: Integers,
    threshold: float,
    confidence: float = 0.95,
    resamples: int = 200,
) -> tuple[float, float] | None:
    """The percentile interval of FMR at a threshold, over resamples of the subjects.

    Args:
        non_mated: the scores; the threshold has to lie in their exact tail.
        pictures: shape (subjects,), how many pictures each subject has.
        threshold: cosine.
        confidence: coverage.
        resamples: draws; fewer than for FNMR, because each goes over all passing pairs.

    Returns:
        Lower and upper end, or None below the exact tail.
    """
    if non_mated.subject_pairs_passing(threshold) is None:
        return None
    passing = non_mated.passing(threshold)
    if passing in {0, non_mated.count}:
        pairs = max(1, pictures.size // 2)
        return wilson_interval(pairs if passing else 0, pairs, confidence)
    first, second = (side[:passing] for side in non_mated.subjects_of_tail())
    rates = np.empty(resamples)
    for index, weights in enumerate(subject_weights(pictures.size, resamples)):
        rates[index] = (weights[first] @ weights[second]) / non_mated_pairs(weights, pictures)
    return _percentiles(rates, confidence)


def subject_weights(subjects: int, resamples: int) -> Iterator[NDArray[np.int64]]:
    """How often each subject is drawn, for each resample: arrays of shape (subjects,) that sum to ``subjects``."""
    generator = np.random.default_rng(_SEED)
    for _ in range(resamples):
        yield np.bincount(generator.integers(0, subjects, subjects), minlength=subjects)


def non_mated_pairs(weights: NDArray[np.int64], pictures: Integers) -> float:
    """Pairs of pictures of different subjects, subject s drawn ``weights[s]`` times: Σ_{a<b} w_a w_b n_a n_b."""
    drawn = (weights * pictures).astype(np.float64)
    return max(1.0, float((drawn.sum() ** 2 - np.square(drawn).sum()) / 2))


def _percentiles(rates: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(rates, [tail, 1 - tail])
    return float(lower), float(upper)

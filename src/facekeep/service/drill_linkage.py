"""Can two enrolments of one person be told to be of one person? Linkability by Gomez-Barrero et al.

M. Gomez-Barrero, J. Galbally, C. Rathgeb, C. Busch, "General Framework to Evaluate Unlinkability in Biometric Template
Protection Systems", IEEE Trans. Information Forensics and Security 13(6), 2018, doi 10.1109/TIFS.2017.2788000. With the
densities of a linkage score s over mated and non-mated pairs, LR(s) = p(s|mated) / p(s|non-mated) and ω the ratio of
the prior probabilities, here 1::

    D(s)  = 0                                       where LR(s)·ω ≤ 1
          = 2 · LR(s)·ω / (1 + LR(s)·ω) − 1         elsewhere; 1 where no non-mated pair falls
    D_sys = Σ p(s|mated) · D(s) · (width of a bin)

0 says that nothing can be linked, 1 that everything can. Estimated from n pairs it is never 0: noise in the histogram
counts as linkage. So it is reported beside its floor, the same figure with the labels permuted.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PAIRS_PER_BIN = 10
_BINS_MAX = 100


def d_sys(mated: Floats, non_mated: Floats, *, omega: float = 1.0) -> float:
    """Global linkability, 0 … 1.

    Args:
        mated: linkage scores of pairs of one person.
        non_mated: linkage scores of pairs of different people.
        omega: prior probability of a mated pair over that of a non-mated one.

    Histograms of a tenth as many bins as mated pairs, from 5 to 100, over the range of all scores.
    """
    low = min(float(mated.min()), float(non_mated.min()))
    high = max(float(mated.max()), float(non_mated.max()))
    if not low < high:
        return 0.0
    bins = _bins(len(mated))
    return _of_counts(np.histogram(mated, bins, (low, high))[0], np.histogram(non_mated, bins, (low, high))[0], omega)


def d_sys_of_permutations(scores: Floats, permutations: Iterable[NDArray[np.intp]]) -> list[float]:
    """D_sys with ω = 1, were the mates others: the range of all scores stays, so each score is put into its bin once.

    Args:
        scores: shape (n, n).
        permutations: for each row its mate.
    """
    low, high = float(scores.min()), float(scores.max())
    bins = _bins(len(scores))
    if not low < high:
        return [0.0 for _ in permutations]
    places = np.minimum(((scores - low) * (bins / (high - low))).astype(np.intp), bins - 1)
    every = np.bincount(places.reshape(-1), minlength=bins)
    rows = np.arange(len(scores))
    found = []
    for mates in permutations:
        mated = np.bincount(places[rows, mates], minlength=bins)
        found.append(_of_counts(mated, every - mated, 1.0))
    return found


def _bins(mated: int) -> int:
    return min(max(mated // _PAIRS_PER_BIN, 5), _BINS_MAX)


def _of_counts(mated: NDArray[np.intp], non_mated: NDArray[np.intp], omega: float) -> float:
    of_mated, of_non_mated = mated / mated.sum(), non_mated / non_mated.sum()
    # Both are probabilities of a bin: density times width, so that the widths of ratio and sum cancel.
    seen = of_non_mated > 0
    ratio = np.zeros(len(mated))
    ratio[seen] = omega * of_mated[seen] / of_non_mated[seen]
    local = np.where(ratio > 1, 2 * ratio / (1 + ratio) - 1, 0.0)
    local[~seen & (of_mated > 0)] = 1.0
    return float(of_mated @ local)


def similarities(first: Floats, second: Floats) -> Floats:
    """Cosines of all pairs of rows, each column less its mean: shape (n, n)."""
    return _unit(first - first.mean(axis=0)) @ _unit(second - second.mean(axis=0)).T


def rank_1_of(scores: Floats) -> NDArray[np.intp]:
    """For each row the column of its largest score, or −1 where all are equal and so nothing is told."""
    best = scores.argmax(axis=1)
    return np.where(scores.max(axis=1) > scores.min(axis=1), best, -1)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.where(lengths > 0, lengths, 1.0)
    return unit

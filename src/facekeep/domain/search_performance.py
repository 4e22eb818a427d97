"""Error rates of a 1:N search (ISO/IEC 19795-1: FPIR, FNIR; closed-set rank).

Every probe is searched twice: with its mate in the gallery (mated search) and with its mate taken out (non-mated
search, N − 1 references), so that no second set of people is needed. A search *returns* a candidate if its score is
at or above the threshold; rank 1 is the highest score, and of equal scores the mate counts last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.performance import Rate
from facekeep.domain.scores import Floats, Integers


@dataclass(frozen=True, slots=True)
class SearchScores:
    """What the searches of a set of probes gave.

    Attributes:
        references: size of the gallery, N.
        mate: shape (probes,), score of the mate.
        best_other: shape (probes,), highest score among all others.
        rank: shape (probes,), rank of the mate from 1.
    """

    references: int
    mate: NDArray[np.float64]
    best_other: NDArray[np.float64]
    rank: Integers

    def identified_at_rank(self, rank: int) -> Rate:
        """Closed-set identification: mated searches with the mate among the first ``rank``."""
        return Rate(int((self.rank <= rank).sum()), self.rank.size)

    def threshold_at(self, fpir: float) -> float | None:
        """The lowest threshold that keeps FPIR ≤ ``fpir`` over these probes; None if they are too few to show it."""
        passing = int(fpir * self.best_other.size * (1 + 1e-12))
        if passing < 1 or passing >= self.best_other.size:
            return None
        return float(np.nextafter(np.sort(self.best_other)[::-1][passing], 2.0))

    def false_positive_identification_rate(self, threshold: float) -> Rate:
        """FPIR: non-mated searches that return any candidate."""
        return Rate(int((self.best_other >= threshold).sum()), self.best_other.size)

    def false_negative_identification_rate(self, threshold: float) -> Rate:
        """FNIR at rank 1: mated searches whose mate is not returned, or not first."""
        missed = (self.mate < threshold) | (self.rank > 1)
        return Rate(int(missed.sum()), self.rank.size)


def search_scores(
    gallery: Floats,
    gallery_subjects: Integers,
    probes: Floats,
    probe_subjects: Integers,
    *,
    scale: float = 1.0,
    rows: int = 256,
) -> SearchScores:
    """Search every probe in the gallery.

    Args:
        gallery: shape (N, dimension), unit length or codes, one reference for each subject, N ≥ 2.
        gallery_subjects: shape (N,), all different.
        probes: shape (m, dimension), m ≥ 1.
        probe_subjects: shape (m,), each of them in the gallery.
        scale: what an inner product is divided by to be a cosine.
        rows: probes in one step.

    Raises:
        ValueError: the gallery is too small, a subject is in it twice, or the mate of a probe is not in it.
    """
    order = np.argsort(gallery_subjects)
    known = gallery_subjects[order]
    if known.size < 2 or np.unique(known).size != known.size or not np.isin(probe_subjects, known).all():
        raise ValueError("a gallery has one reference of each subject, at least two, and the mate of every probe")
    column = order[np.searchsorted(known, probe_subjects)]
    mate, other, rank = [], [], []
    for start in range(0, probes.shape[0], rows):
        scores = (probes[start : start + rows] @ gallery.T).astype(np.float64) / scale
        at = np.arange(scores.shape[0]), column[start : start + rows]
        own = scores[at]
        rank.append((scores >= own[:, None]).sum(axis=1))
        scores[at] = -np.inf
        mate.append(own)
        other.append(scores.max(axis=1))
    return SearchScores(known.size, np.concatenate(mate), np.concatenate(other), np.concatenate(rank).astype(np.int64))

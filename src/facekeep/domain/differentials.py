"""Differentials of error rates between groups of subjects (ISO/IEC 19795-10:2024).

All groups are judged at one common threshold. FNMR of a group is over its own mated pairs; FMR over the non-mated pairs
*within* the group, for that is where impostors resemble their target most (ISO/IEC 19795-10; NIST IR 8280, 2019). The
groups come from a table that the caller gives; nothing here infers an attribute of anybody.

Two measures of spread are given: largest over smallest rate (undefined where the smallest is 0) and largest minus
smallest. A group that cannot carry the figure is flagged, never dropped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facekeep.domain.performance import Rate
from facekeep.domain.resampling import fnmr_interval
from facekeep.domain.scores import Floats, Integers, MatedScores, cross_pairs

FEWEST_SUBJECTS = 30
"""A group of fewer subjects is flagged as small."""


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Error rates of one group at one threshold.

    Attributes:
        group: its name, as in the caller's table.
        subjects: how many subjects it has here.
        fmr: over the non-mated pairs within the group.
        fnmr: over the mated pairs of the group.
        fnmr_over_subjects: interval of FNMR over resampled subjects; None without a mated pair.
    """

    group: str
    subjects: int
    fmr: Rate
    fnmr: Rate
    fnmr_over_subjects: tuple[float, float] | None

    @property
    def small(self) -> bool:
        """Whether the group has too few subjects for its rates to say much."""
        return self.subjects < FEWEST_SUBJECTS


@dataclass(frozen=True, slots=True)
class Differential:
    """The groups of one attribute at one common threshold.

    Attributes:
        attribute: name of the column of the caller's table.
        target_fmr: the rate that the threshold is meant to keep over all pairs.
        threshold: cosine.
        groups: by name.
    """

    attribute: str
    target_fmr: float
    threshold: float
    groups: tuple[GroupRates, ...]

    @property
    def fmr_ratio(self) -> float | None:
        """Largest over smallest FMR; None if the smallest is 0 or was not tried."""
        return _ratio([group.fmr for group in self.groups])

    @property
    def fnmr_ratio(self) -> float | None:
        """Largest over smallest FNMR; None if the smallest is 0 or was not tried."""
        return _ratio([group.fnmr for group in self.groups])

    @property
    def fmr_spread(self) -> float:
        """Largest minus smallest FMR."""
        return _spread([group.fmr for group in self.groups])

    @property
    def fnmr_spread(self) -> float:
        """Largest minus smallest FNMR."""
        return _spread([group.fnmr for group in self.groups])


def differential(
    embeddings: Floats,
    subjects: Integers,
    group_of: Sequence[str | None],
    *,
    attribute: str,
    thresholds: Sequence[tuple[float, float]],
    scale: float = 1.0,
) -> tuple[Differential, ...]:
    """Error rates by group.

    Args:
        embeddings: shape (n, dimension), unit length or codes.
        subjects: shape (n,), number of the subject of each picture.
        group_of: group of each subject by its number, or None where the table has none.
        attribute: name of the attribute.
        thresholds: pairs of the FMR that is meant and the common threshold that keeps it.
        scale: what an inner product is divided by to be a cosine.

    Returns:
        One differential for each threshold.
    """
    names = sorted({name for name in group_of if name is not None})
    group_of_picture = np.array([names.index(g) if (g := group_of[s]) is not None else -1 for s in subjects], np.int64)
    gathered = [
        _within_group(embeddings[mine], subjects[mine], [threshold for _, threshold in thresholds], scale)
        for mine in (group_of_picture == index for index in range(len(names)))
    ]
    return tuple(
        Differential(
            attribute,
            fmr,
            threshold,
            tuple(
                _rates(name, mated, Rate(passing[index], count), threshold, size)
                for name, (mated, passing, count, size) in zip(names, gathered, strict=True)
            ),
        )
        for index, (fmr, threshold) in enumerate(thresholds)
    )


def _within_group(
    embeddings: Floats, subjects: Integers, thresholds: Sequence[float], scale: float
) -> tuple[MatedScores, list[int], int, int]:
    scores, whose = [np.empty(0, np.float32)], [np.empty(0, np.int64)]
    passing, count = [0] * len(thresholds), 0
    for block, first, second in cross_pairs(embeddings, subjects, scale=scale):
        same = subjects[first] == subjects[second]
        scores.append(block[same])
        whose.append(subjects[first][same])
        other = block[~same]
        count += other.size
        passing = [n + int((other >= np.float64(t)).sum()) for n, t in zip(passing, thresholds, strict=True)]
    return MatedScores(np.concatenate(scores), np.concatenate(whose)), passing, count, int(np.unique(subjects).size)


def _rates(name: str, mated: MatedScores, fmr: Rate, threshold: float, subjects: int) -> GroupRates:
    return GroupRates(
        group=name,
        subjects=subjects,
        fmr=fmr,
        fnmr=Rate(mated.failing(threshold), mated.scores.size),
        fnmr_over_subjects=fnmr_interval(mated, threshold) if mated.scores.size else None,
    )


def _ratio(rates: list[Rate]) -> float | None:
    values = [rate.value for rate in rates if rate.trials]
    if len(values) < 2 or min(values) == 0:
        return None
    return max(values) / min(values)


def _spread(rates: list[Rate]) -> float:
    values = [rate.value for rate in rates if rate.trials]
    return max(values) - min(values) if values else math.nan

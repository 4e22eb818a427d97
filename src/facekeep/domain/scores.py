"""Comparison scores gathered in bounded memory: every mated score, and of the non-mated ones the tail exactly.

A set of 7,701 pictures has 29.6 million non-mated pairs. What is asked of them is the far tail (thresholds at small
FMR) and the rough shape (plots), so the accumulator keeps the largest share of them exactly and counts all of them in
fine bins.

Invariants: scores lie in −1 … 1 (rounding may overstep by 1e-3); a comparison *passes* if its score is at or above
the threshold, so FMR(τ) = #{non-mated ≥ τ} / n and FNMR(τ) = #{mated < τ} / n (ISO/IEC 19795-1); the subject of a
picture is a small integer, the pair of two subjects a < b is coded as a · 2³¹ + b.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

HISTOGRAM_BINS = 20_000
"""Bins over −1 … 1: a bin is 1e-4 of cosine wide."""

LAXEST_FMR = 1e-2
"""The share of non-mated scores that is kept exactly."""

_PAIR = 1 << 31


class NonMatedScores:
    """Counts non-mated (impostor) scores as they come and keeps the largest exactly.

    Args:
        expected: how many scores will come, at least 1. Memory is about 48 · expected · laxest_fmr bytes at most.
        laxest_fmr: thresholds up to this false match rate will be exact, 0 < laxest_fmr ≤ 1.
    """

    def __init__(self, expected: int, laxest_fmr: float = LAXEST_FMR) -> None:
        if expected < 1 or not 0 < laxest_fmr <= 1:
            raise ValueError("expected is at least 1, laxest_fmr lies above 0 and at most at 1")
        self._keep = int(expected * laxest_fmr) + 1
        self._expected = expected
        self._count = 0
        self._sum = 0.0
        self._squares = 0.0
        self._bins = np.zeros(HISTOGRAM_BINS, np.int64)
        self._scores: list[Floats] = []
        self._pairs: list[Integers] = []
        self._held = 0
        self._floor = -np.inf

    def add(self, scores: Floats, first: Integers, second: Integers) -> None:
        """Take in scores of non-mated pairs.

        Args:
            scores: shape (n,), cosines.
            first: shape (n,), subject of one picture of each pair.
            second: shape (n,), subject of the other; differs from ``first`` everywhere.

        Raises:
            ValueError: more scores came than were expected.
        """
        self._count += scores.size
        if self._count > self._expected:
            raise ValueError("more non-mated scores than expected: the kept tail would not be the exact one")
        self._sum += float(scores.sum(dtype=np.float64))
        self._squares += float(np.square(scores, dtype=np.float64).sum())
        self._bins += _histogram(scores)
        high = np.flatnonzero(scores > self._floor)
        low_subject = np.minimum(first[high], second[high]).astype(np.int64)
        high_subject = np.maximum(first[high], second[high]).astype(np.int64)
        self._scores.append(scores[high].astype(np.float32))
        self._pairs.append(low_subject * _PAIR + high_subject)
        self._held += high.size
        if self._held > 2 * self._keep + 100_000:
            self._cut()

    def _cut(self) -> None:
        scores, pairs = np.concatenate(self._scores), np.concatenate(self._pairs)
        if scores.size > self._keep:
            largest = np.argpartition(-scores, self._keep - 1)[: self._keep]
            scores, pairs = scores[largest], pairs[largest]
            self._floor = float(scores.min())
        self._scores, self._pairs, self._held = [scores], [pairs], scores.size

    def summary(self) -> NonMatedSummary:
        """What was counted.

        Raises:
            ValueError: fewer scores came than were expected.
        """
        if self._count != self._expected:
            raise ValueError(f"{self._count} non-mated scores came, {self._expected} were expected")
        self._cut()
        order = np.argsort(-self._scores[0], kind="stable")
        mean = self._sum / self._count
        variance = max(0.0, self._squares / self._count - mean * mean)
        return NonMatedSummary(
            count=self._count,
            mean=mean,
            deviation=float(np.sqrt(variance)),
            tail=self._scores[0][order],
            tail_pairs=self._pairs[0][order],
            histogram=self._bins.copy(),
        )


@dataclass(frozen=True, slots=True)
class NonMatedSummary:
    """All non-mated scores of a set, as far as they matter.

    Attributes:
        count: how many there were.
        mean: their mean.
        deviation: their standard deviation.
        tail: shape (m,), the m largest, from high to low, exact.
        tail_pairs: shape (m,), whose they are: the two subjects a < b as a · 2³¹ + b.
        histogram: shape (20,000,), counts over −1 … 1.
    """

    count: int
    mean: float
    deviation: float
    tail: Floats
    tail_pairs: Integers
    histogram: Integers

    def threshold_at(self, fmr: float) -> float | None:
        """The lowest threshold at which at most ``fmr`` of these comparisons pass.

        It is the number just above the (⌊fmr · n⌋ + 1)-th largest score, so that no tie slips through.

        Returns:
            The threshold, or None if ``fmr`` lies outside what these scores can show: fewer than one score would pass,
            or more than were kept exactly.
        """
        passing = int(fmr * self.count * (1 + 1e-12))
        if passing < 1 or passing >= self.tail.size:
            return None
        return float(np.nextafter(self.tail[passing], np.float32(2), dtype=np.float32))

    def passing(self, threshold: float) -> int:
        """How many of these comparisons pass. Exact within the tail, below it to a bin of 1e-4 of cosine."""
        if self.tail.size == self.count or threshold > self.tail[-1]:
            return int(np.searchsorted(-self.tail, -threshold, side="right"))
        position = (threshold + 1.0) * (HISTOGRAM_BINS / 2)
        first = min(max(int(position), 0), HISTOGRAM_BINS - 1)
        inside = self.histogram[first] * min(max(1.0 - (position - first), 0.0), 1.0)
        return round(float(self.histogram[first + 1 :].sum() + inside))

    def subjects_of_tail(self) -> tuple[Integers, Integers]:
        """The two subjects a < b of each pair of the tail, each of shape (m,)."""
        first, second = np.divmod(self.tail_pairs, _PAIR)
        return first, second

    def subject_pairs_passing(self, threshold: float) -> int | None:
        """How many different pairs of subjects pass; None below the tail.

        Far fewer than the passing comparisons means that a few look-alikes, or wrong labels, make the whole rate.
        """
        if self.tail.size < self.count and threshold <= self.tail[-1]:
            return None
        return int(np.unique(self.tail_pairs[: self.passing(threshold)]).size)


@dataclass(frozen=True, slots=True)
class MatedScores:
    """All mated (genuine) scores of a set.

    Attributes:
        scores: shape (m,), cosines.
        subjects: shape (m,), whose they are.
    """

    scores: Floats
    subjects: Integers

    def __post_init__(self) -> None:
        if self.scores.shape != self.subjects.shape or self.scores.ndim != 1:
            raise ValueError("one subject for each mated score")

    def failing(self, threshold: float) -> int:
        """How many of these comparisons fail."""
        return int((self.scores < np.float64(threshold)).sum())

    def histogram(self) -> Integers:
        """Counts over −1 … 1, shape (20,000,)."""
        return _histogram(self.scores)

    def by_subject(self, threshold: float) -> tuple[Integers, Integers]:
        """For each subject with a mated pair: comparisons that fail, and all comparisons; two arrays of one length."""
        _, position = np.unique(self.subjects, return_inverse=True)
        failing = np.bincount(position, weights=self.scores < np.float64(threshold)).astype(np.int64)
        return failing, np.bincount(position).astype(np.int64)


def pair_counts(subjects: Integers) -> tuple[int, int]:
    """How many mated and how many non-mated pairs pictures of these subjects make."""
    total = subjects.size * (subjects.size - 1) // 2
    per_subject = np.unique(subjects, return_counts=True)[1].astype(np.int64)
    mated = int((per_subject * (per_subject - 1) // 2).sum())
    return mated, total - mated


def cross_pairs(
    embeddings: Floats, subjects: Integers, *, scale: float = 1.0, rows: int = 512
) -> Iterator[tuple[Floats, NDArray[np.intp], NDArray[np.intp]]]:
    """Every pair of different pictures once, a block of rows at a time.

    Args:
        embeddings: shape (n, dimension), unit length; or codes of whole numbers, as float32, which is exact below 2²⁴.
        subjects: shape (n,); only its length is used here, to catch a mix-up.
        scale: what an inner product is divided by to be a cosine; 25,600 for the codes of the split gallery.
        rows: rows of a block; memory is about 40 · rows · n bytes.

    Yields:
        Cosines and the positions i < j of the two pictures, each of shape (pairs of the block,).
    """
    count = embeddings.shape[0]
    if subjects.shape != (count,):
        raise ValueError("one subject for each embedding")
    columns = np.arange(count)
    for start in range(0, count, rows):
        block = embeddings[start : start + rows] @ embeddings[start:].T
        above = columns[start:][None, :] > columns[start : start + rows][:, None]
        first, second = np.nonzero(above)
        yield block[above] / np.float32(scale), first + start, second + start


def gather(
    embeddings: Floats, subjects: Integers, *, scale: float = 1.0, laxest_fmr: float = LAXEST_FMR
) -> tuple[MatedScores, NonMatedSummary]:
    """Compare every picture with every other one.

    Args:
        embeddings: shape (n, dimension), float32, unit length or codes.
        subjects: shape (n,), whose picture it is, 0 … 2³¹ − 1.
        scale: what an inner product is divided by to be a cosine.
        laxest_fmr: thresholds up to this rate will be exact.

    Raises:
        ValueError: there is no mated or no non-mated pair.
    """
    mated_count, non_mated_count = pair_counts(subjects)
    if not mated_count or not non_mated_count:
        raise ValueError("an evaluation needs at least two people, and two pictures of at least one of them")
    accumulator = NonMatedScores(non_mated_count, laxest_fmr)
    mated: list[Floats] = []
    whose: list[Integers] = []
    for scores, first, second in cross_pairs(embeddings, subjects, scale=scale):
        a, b = subjects[first], subjects[second]
        same = a == b
        mated.append(scores[same])
        whose.append(a[same])
        accumulator.add(scores[~same], a[~same], b[~same])
    return MatedScores(np.concatenate(mated), np.concatenate(whose)), accumulator.summary()


def _histogram(scores: Floats) -> Integers:
    position = ((scores.astype(np.float64) + 1.0) * (HISTOGRAM_BINS / 2)).astype(np.int64)
    return np.bincount(np.clip(position, 0, HISTOGRAM_BINS - 1), minlength=HISTOGRAM_BINS)

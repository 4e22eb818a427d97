"""Is it noise? Tests of uniformity for stolen bytes, and exact chances of guessing right.

Each function gives a p-value: the chance that perfect noise looks at least as odd. A drill makes some dozens of such
tests; it takes bytes for structured only below :data:`ALARM`, so that all of them together raise a false alarm in fewer
than one of a million drills on perfect noise. The randomness under test comes from the operating system and is new in
each run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

ALARM = 1e-8
"""A p-value, corrected for the number of tests in its family, below which bytes are no noise."""

Bytes = NDArray[np.uint8]

_NIBBLES = 16
_LEAST_ROWS = 32
_LEAST_EXPECTED = 20
_TINY = 1e-300


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X ≥ statistic) of a chi-square variable: the regularised upper incomplete gamma function Q(k/2, x/2).

    By its series below the mean and by Lentz's continued fraction above (Press et al., Numerical Recipes, 6.2).
    """
    a, x = freedom / 2, statistic / 2
    if x <= 0:
        return 1.0
    front = math.exp(max(-700.0, a * math.log(x) - x - math.lgamma(a)))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * 1e-15:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - front * total)
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    fraction = d
    for i in range(1, 100_000):
        step = -i * (i - a)
        b += 2
        d = step * d + b
        d = 1 / (d if abs(d) > _TINY else _TINY)
        c = b + step / c
        c = c if abs(c) > _TINY else _TINY
        fraction *= d * c
        if abs(d * c - 1) < 1e-14:
            break
    return min(1.0, front * fraction)


def guessing_tail(hits: int, trials: int, chance: float) -> float:
    """P(at least this many hits) where each trial hits by chance: the exact binomial tail."""
    if hits <= 0:
        return 1.0
    if chance >= 1:
        return 1.0
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(hits, trials + 1)
    ]  # fmt: skip
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def corrected(p_values: Iterable[float]) -> float:
    """The smallest of several p-values, corrected for their number (Bonferroni); 1 if there is none."""
    values = list(p_values)
    return min(1.0, min(values) * len(values)) if values else 1.0


def pooled(data: Bytes) -> float:
    """Chi-square over all bytes: 256 cells, or 16 for each half of a byte where there are few.

    Args:
        data: any shape; fewer than 320 bytes are not tested.
    """
    flat = np.ascontiguousarray(data).reshape(-1)
    if flat.size >= 256 * _LEAST_EXPECTED:
        return _chi_square(np.bincount(flat, minlength=256))
    if flat.size >= _NIBBLES * _LEAST_EXPECTED:
        return corrected(_chi_square(np.bincount(half, minlength=_NIBBLES)) for half in (flat >> 4, flat & 15))
    return 1.0


def by_position(rows: Bytes) -> float:
    """Whether every position takes every value equally often over the rows, each half of a byte by itself.

    Two questions: does one value turn up too often at one position (the largest count, by its exact binomial tail,
    corrected for all positions and values), and are all positions a little off, or too even (the sum of chi-squares)?

    Args:
        rows: shape (n, positions); fewer than 32 rows are not tested.
    """
    n, width = rows.shape
    if n < _LEAST_ROWS or not width:
        return 1.0
    halves = np.concatenate([rows >> 4, rows & 15], axis=1).astype(np.int64)
    cells = halves + _NIBBLES * np.arange(2 * width)
    counts = np.bincount(cells.reshape(-1), minlength=2 * width * _NIBBLES)
    expected = n / _NIBBLES
    total = float(((counts - expected) ** 2 / expected).sum())
    freedom = 2 * width * (_NIBBLES - 1)
    too_even = math.erfc((freedom - total) / math.sqrt(2 * freedom) / math.sqrt(2)) / 2
    largest = min(1.0, counts.size * guessing_tail(int(counts.max()), n, 1 / _NIBBLES))
    return corrected([largest, chi_square_tail(total, freedom), too_even])


def uniformity(streams: Mapping[str, Bytes]) -> tuple[float, str]:
    """The corrected p-value over several streams of stolen bytes, and which was the oddest.

    Args:
        streams: each of shape (rows, positions), by name.
    """
    found = {name: corrected([pooled(rows), by_position(rows)]) for name, rows in streams.items() if rows.size}
    if not found:
        return 1.0, ""
    oddest = min(found, key=lambda name: found[name])
    return corrected(found.values()), oddest


def _chi_square(counts: NDArray[np.int64]) -> float:
    expected = counts.sum() / counts.size
    return chi_square_tail(float(((counts - expected) ** 2).sum() / expected), counts.size - 1)

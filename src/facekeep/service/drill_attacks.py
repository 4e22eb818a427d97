"""The attacks on what was stolen: every way that the thief can think of to lay the bytes side by side.

A *reading* is one such way: a matrix with a row for each enrolled row. Some readings suppose a mistake in the product,
such as one mask stream for both codes, and turn into the plaintext if it was made. Every attack is tried on every
reading, and the best result counts, for the thief needs one only. Its floor is the same best over the same readings
with the people permuted, so that trying more often raises both.

A result leaks if it is over its floor by :data:`SPREADS` standard deviations of that floor. The best of a few tries has
a tail no heavier than Gumbel's, which is beyond that line once in 600,000 times; the some seventy results of a drill
together raise a false alarm in fewer than one of 10,000 drills.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.performance import wilson_interval
from facekeep.service.drill_linkage import d_sys_of_permutations, rank_1_of, similarities
from facekeep.service.drill_loot import Codes, OpenHalf
from facekeep.service.drill_statistics import ALARM, guessing_tail

Floats = NDArray[np.float64]
Reading = NDArray[np.float64]
_Word = TypeVar("_Word", np.uint8, np.uint16)

SPREADS = 10.0
"""How many standard deviations over its floor a figure must be to count as a leak."""

_LEAST_MARGIN = 0.02
_PERMUTATIONS = 100
_RIDGE = 0.01
_FINE_BLOCK = 8
_COARSE_BLOCK = 16
_SHIFTS = (-2, -1, 1, 2)


@dataclass(frozen=True, slots=True)
class Result:
    """What one attack gave.

    Attributes:
        value: the best figure over all readings.
        floor: what noise gives on average.
        limit: from where on it counts as a leak.
        reading: which reading gave it.
        leaks: whether it is over the limit.
        interval: of a share, Wilson's at 95 %.
    """

    value: float
    floor: float
    limit: float
    reading: str
    leaks: bool
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Faces:
    """The truth, which the drill knows, and the half of it that the attacker learns from.

    Attributes:
        references: what was enrolled, shape (n, D), in the order of the readings' rows.
        probes: other pictures of the same people, shape (n, D).
        known: positions of the people whose faces the attacker knows and fits on.
        others: positions of the people that he is tested on.
    """

    references: Floats = field(repr=False)
    probes: Floats = field(repr=False)
    known: NDArray[np.intp] = field(repr=False)
    others: NDArray[np.intp] = field(repr=False)


def faces(references: NDArray[np.float32], probes: NDArray[np.float32], random: np.random.Generator) -> Faces:
    """Everybody, half of them known to the attacker."""
    order = random.permutation(len(references))
    half = len(order) // 2
    return Faces(references.astype(np.float64), probes.astype(np.float64), order[:half], order[half:])


# Readings


def readings_of_bytes(columns: Mapping[str, NDArray[np.uint8]]) -> dict[str, Reading]:
    """Cells as they are, each byte a number."""
    return {name: rows.view(np.int8).astype(np.float64) for name, rows in columns.items()}


def readings_of_codes(codes: Codes) -> dict[str, Reading]:
    """Codes, or what should be noise in their place, under every mistake that one store alone would show."""
    fine, coarse = codes.fine, codes.coarse
    n, dimension = fine.shape
    low = fine.astype(np.uint8)
    flat = np.ascontiguousarray(fine.astype("<u2")).view(np.uint8).reshape(n, -1)
    # One stream for both codes: coarse byte i was masked with byte i of the stream, which is half a fine word.
    stream = np.zeros((n, dimension))
    words = dimension // 2
    stream[:, :words] = _signed8(flat[:, : 2 * words : 2] - coarse[:, : 2 * words : 2])
    return {
        "fine codes": _signed16(fine),
        "coarse codes": _signed8(coarse),
        "low bytes of the fine codes": _signed8(low),
        "fine less coarse codes": _signed8(low - coarse),
        "one stream for both codes": stream,
        "one mask for all rows, fine": _signed16(fine - _others_row(fine)),
        "one mask for all rows, coarse": _signed8(coarse - _others_row(coarse)),
    }


def readings_of_half(half: OpenHalf, guessed_seeds: Mapping[str, bytes]) -> dict[str, Reading]:
    """One half that its keys opened; a right half is also tried with the masks of guessed seeds."""
    readings = readings_of_codes(half.codes)
    if half.seeds.size:
        readings["seeds"] = half.seeds.view(np.int8).astype(np.float64)
    else:
        for name, seed in guessed_seeds.items():
            readings[f"masks of {name}"] = _signed16((half.codes + half.masks_of(seed)).fine)
    return readings


def readings_over_time(earlier: Codes, later: Codes, names: str) -> dict[str, Reading]:
    """The same rows at two times: what a mask that stood still, or moved on by a block, would show."""
    readings = {f"{names}, fine difference": _signed16(earlier.fine - later.fine)}
    readings[f"{names}, coarse difference"] = _signed8(earlier.coarse - later.coarse)
    for shift in _SHIFTS:
        step = shift * _FINE_BLOCK
        moved = _signed16(earlier.fine - np.roll(later.fine, step, axis=1))
        readings[f"{names}, fine moved by {shift}"] = _undo_difference(moved, step)
        step = shift * _COARSE_BLOCK
        moved = _signed8(earlier.coarse - np.roll(later.coarse, step, axis=1))
        readings[f"{names}, coarse moved by {shift}"] = _undo_difference(moved, step)
    return readings


def readings_of_sum(left: Codes, right: Codes) -> dict[str, Reading]:
    """Both halves added, which is the plaintext where they belong together."""
    both = left + right
    return {"both halves added, fine": _signed16(both.fine), "both halves added, coarse": _signed8(both.coarse)}


def _signed16(values: NDArray[np.uint16]) -> Reading:
    return values.astype(np.uint16).view(np.int16).astype(np.float64)


def _signed8(values: NDArray[np.uint8]) -> Reading:
    return values.astype(np.uint8).view(np.int8).astype(np.float64)


def _others_row(values: NDArray[_Word]) -> NDArray[_Word]:
    """For each row the first one, for the first the second: what to subtract if all rows had one mask."""
    others = np.repeat(values[:1], len(values), axis=0)
    others[0] = values[min(1, len(values) - 1)]
    return others


def _undo_difference(moved: Reading, step: int) -> Reading:
    """From d_i = x_i − x_(i−step), x: sums along every step-th coordinate, where each such row shall have the mean 0.

    Args:
        moved: shape (n, D); what came around the end is noise and is left out.
        step: positive or negative.
    """
    if step < 0:
        return _undo_difference(moved[:, ::-1], -step)[:, ::-1]
    rows, width = moved.shape
    whole = width // step * step
    differences = moved[:, :whole].reshape(rows, -1, step).copy()
    differences[:, 0] = 0.0
    sums = differences.cumsum(axis=1)
    rebuilt = np.zeros((rows, width))
    rebuilt[:, :whole] = (sums - sums.mean(axis=1, keepdims=True)).reshape(rows, -1)
    return rebuilt


# Attacks


def link(first: Mapping[str, Reading], second: Mapping[str, Reading], random: np.random.Generator) -> list[Result]:
    """Link two enrolments of everybody: D_sys, and rank 1.

    Args:
        first: readings of one enrolment.
        second: readings of another, by the same names, its rows in the same order of people.
        random: for the permutations.

    Returns:
        D_sys, then the share at rank 1.
    """
    names = [name for name in first if name in second and first[name].shape == second[name].shape]
    count = len(next(iter(first.values())))
    scores = {name: similarities(first[name], second[name]) for name in names}
    straight = np.arange(count)
    found = {name: d_sys_of_permutations(scores[name], [straight])[0] for name in names}
    permutations = [random.permutation(count) for _ in range(_PERMUTATIONS)]
    null = np.max([d_sys_of_permutations(scores[name], permutations) for name in names], axis=0)
    best = max(names, key=lambda name: found[name])
    named = {name: rank_1_of(scores[name]) for name in names}
    return [_over_floor(found[best], null, best), _hits(named, permutations)]


def reconstruct(readings: Mapping[str, Reading], truth: Faces, random: np.random.Generator) -> list[Result]:
    """Rebuild templates, fitted on the people that the attacker knows and tested on the others.

    Two linear fits of each reading: coordinate for coordinate with one slope, and ridge regression of every coordinate
    on all numbers of the reading.

    Returns:
        The mean cosine between rebuilt and true templates, both less the average of the known people; then the share of
        the others whose rebuilt template is most similar to another picture of them.
    """
    known, others = truth.known, truth.others
    average = truth.references[known].mean(axis=0)
    targets, probes = _unit(truth.references - average), _unit(truth.probes[others] - average)
    fits: dict[str, _Fit] = {}
    for name, reading in readings.items():
        fits[name] = _Ridge(_rebuilder(reading, known, others), targets[known])
        if reading.shape[1] == targets.shape[1]:
            fits[f"{name}, by coordinate"] = _Straight(reading - reading[known].mean(axis=0), targets, truth)
    count = len(targets)
    inner = targets @ targets.T
    straight = _Order.of(np.arange(count), inner, truth)
    cosines = {name: fit.cosine(straight) for name, fit in fits.items()}
    permutations = (_Order.of(random.permutation(count), inner, truth) for _ in range(_PERMUTATIONS))
    null = np.asarray([max(fit.cosine(mixed) for fit in fits.values()) for mixed in permutations])
    best = max(cosines, key=lambda name: cosines[name])
    named = {name: rank_1_of(_unit(fit.rebuilt()) @ probes.T) for name, fit in fits.items()}
    mixed_others = [random.permutation(len(others)) for _ in range(_PERMUTATIONS)]
    return [_over_floor(cosines[best], null, best), _hits(named, mixed_others)]


def identified_at_best(truth: Faces) -> float:
    """The share that the true templates themselves would identify at rank 1: no model is perfect."""
    average = truth.references[truth.known].mean(axis=0)
    templates, probes = (_unit(rows[truth.others] - average) for rows in (truth.references, truth.probes))
    named = rank_1_of(templates @ probes.T)
    return max(1, int(np.count_nonzero(named == np.arange(len(named))))) / len(named)


def _rebuilder(reading: Reading, known: NDArray[np.intp], others: NDArray[np.intp]) -> Floats:
    """The matrix that takes the known people's templates to the others': ridge regression in its dual form."""
    rows = reading - reading[known].mean(axis=0)
    size = np.sqrt(np.mean(rows**2))
    rows = rows / (size if size > 0 else 1.0)
    inner = rows[known] @ rows[known].T
    ridge = _RIDGE * np.trace(inner) / len(known) + 1e-9
    hat: Floats = np.linalg.solve(inner + ridge * np.eye(len(known)), rows[known] @ rows[others].T).T
    return hat


@dataclass(frozen=True, slots=True)
class _Order:
    """The people in one order, and the inner products of templates that fits need; computed once for all fits."""

    known: NDArray[np.intp]
    others: NDArray[np.intp]
    across: Floats = field(repr=False)
    among: Floats = field(repr=False)

    @classmethod
    def of(cls, order: NDArray[np.intp], inner: Floats, truth: Faces) -> _Order:
        known, others = order[truth.known], order[truth.others]
        return cls(known, others, inner[others][:, known], inner[known][:, known])


class _Fit(Protocol):
    def rebuilt(self) -> Floats:
        """Templates of the others, shape (others, D)."""
        ...

    def cosine(self, order: _Order) -> float:
        """Mean cosine of rebuilt and true templates of the others, were the people in this order."""
        ...


class _Ridge:
    """Rebuilt templates are sums of known ones, so all cosines follow from the inner products of the templates."""

    def __init__(self, hat: Floats, known: Floats) -> None:
        self._hat, self._known = hat, known

    def rebuilt(self) -> Floats:
        return self._hat @ self._known

    def cosine(self, order: _Order) -> float:
        along = np.einsum("ij,ij->i", self._hat, order.across)
        squares = np.einsum("ij,ij->i", self._hat @ order.among, self._hat)
        lengths = np.sqrt(np.maximum(squares, 1e-24))
        return float((along / lengths).sum()) / len(lengths)


class _Straight:
    """The reading itself, or its negative, taken for the template."""

    def __init__(self, rows: Floats, targets: Floats, truth: Faces) -> None:
        self._rows, self._truth = _unit(rows), truth
        self._cosines = self._rows @ targets.T

    def _sign(self, known: NDArray[np.intp]) -> float:
        return 1.0 if float(self._cosines[self._truth.known, known].sum()) >= 0 else -1.0

    def rebuilt(self) -> Floats:
        return self._sign(self._truth.known) * self._rows[self._truth.others]

    def cosine(self, order: _Order) -> float:
        return (
            self._sign(order.known) * float(self._cosines[self._truth.others, order.others].sum()) / len(order.others)
        )


def _over_floor(value: float, null: Floats, reading: str) -> Result:
    floor = float(null.mean())
    limit = floor + max(_LEAST_MARGIN, SPREADS * float(null.std()))
    return Result(value, floor, limit, reading, value > limit)


def _hits(named: Mapping[str, NDArray[np.intp]], permutations: Sequence[NDArray[np.intp]]) -> Result:
    """Rank 1: who was named for each row, against the exact chance of so many hits, corrected for the tries."""
    trials = len(permutations[0])
    hits = {name: int(np.count_nonzero(answers == np.arange(trials))) for name, answers in named.items()}
    best = max(hits, key=lambda name: hits[name])
    floor = np.mean([max(np.count_nonzero(answers == mixed) for answers in named.values()) for mixed in permutations])
    enough = (k for k in range(1, trials + 1) if guessing_tail(k, trials, 1 / trials) * len(named) < ALARM)
    limit = next(enough, trials)
    interval = wilson_interval(hits[best], trials)
    return Result(hits[best] / trials, float(floor) / trials, limit / trials, best, hits[best] >= limit, interval)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = rows / np.where(lengths > 0, lengths, 1.0)
    return unit

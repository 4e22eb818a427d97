"""What transcripts tell: templates solved for by least squares over the reals and by elimination modulo 2¹⁶."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.service.drill_people import Population
from facekeep.service.drill_statistics import corrected
from facekeep.split.bands import RING, band_of_score
from facekeep.split.codes import FineCode

Words = NDArray[np.uint16]

_NULLS = 100
_NOISE = 0.5


@dataclass(frozen=True, slots=True)
class Transcripts:
    """What the gate keeps of many comparisons with one row.

    Attributes:
        probes: fine codes, shape (n, D).
        bands: shape (n,), uint8.
        levels: index of each ticket's threshold, shape (n,).
        single: which were 1:1, and so told one band only, shape (n,).
        numbers: by name, a word of each comparison, shape (n,).
    """

    probes: NDArray[np.int16] = field(repr=False)
    bands: NDArray[np.uint8] = field(repr=False)
    levels: NDArray[np.uint8] = field(repr=False)
    single: NDArray[np.bool_] = field(repr=False)
    numbers: dict[str, Words] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Solved:
    """What the attack makes of transcripts.

    Attributes:
        by_bands: cosine of the least-squares template from bands.
        by_elimination: largest cosine of a template solved for modulo 2¹⁶.
        by_numbers: largest cosine of a least-squares template from anything else.
        numbers_floor: what that is on average when the numbers are permuted over the comparisons.
        chance: corrected p-value that the numbers have nothing to do with the template.
        consistent: largest share of surplus equations that a solution modulo 2¹⁶ fulfils.
    """

    by_bands: float
    by_elimination: float
    by_numbers: float
    numbers_floor: float
    chance: float
    consistent: float

    @property
    def best(self) -> float:
        """The largest cosine of all."""
        return max(self.by_bands, self.by_elimination, self.by_numbers)


def bands_told(thresholds: tuple[int, ...], level: int, *, single: bool) -> NDArray[np.uint8]:
    """The band of every score of the ring; a 1:1 comparison tells apart no levels stricter than the ticket's."""
    return band_of_score(thresholds[: level + 1] if single else thresholds, level)


def plain_bands(found: Transcripts, reference: FineCode, thresholds: tuple[int, ...]) -> NDArray[np.uint8]:
    """The bands that the plaintext gives for the probes of transcripts."""
    scores = found.probes.astype(np.int64) @ reference.astype(np.int64)
    asked = zip(scores.tolist(), found.levels.tolist(), found.single.tolist(), strict=True)
    return np.asarray(
        [bands_told(thresholds, level, single=single)[score % RING] for score, level, single in asked], np.uint8
    )


def solve(
    found: Transcripts,
    reference: FineCode,
    population: Population,
    thresholds: tuple[int, ...],
    random: np.random.Generator,
) -> Solved:
    """Attack transcripts in every way of this module, and hold the results against the truth."""
    truth = reference.astype(np.float64) / np.linalg.norm(reference.astype(np.float64))
    by_elimination, consistent = _eliminate(found, truth)
    by_bands = band_level(found.probes, found.bands, thresholds, truth, population)
    cosines, floors, chances = [], [], []
    lengths = {len(values) for values in found.numbers.values()}
    for length in sorted(lengths):
        solver = _least_squares(found.probes[:length], population)
        along = truth @ solver
        group = [values for values in found.numbers.values() if len(values) == length]
        centred = np.stack([_centred(values) for values in group], axis=1)
        cosines.append(np.abs(_cosines(solver @ centred, truth)).max())
        mixed = np.concatenate([random.permuted(centred, axis=0) for _ in range(_NULLS)], axis=1)
        null = np.abs(_cosines(solver @ mixed, truth)).reshape(_NULLS, -1)
        floors.append(null.max(axis=1).mean())
        spread = np.linalg.norm(along - along.mean()) * centred.std(axis=0)
        z = np.abs((along - along.mean()) @ centred) / np.where(spread > 0, spread, 1.0)
        chances += [math.erfc(value / math.sqrt(2)) for value in z.tolist()]
    return Solved(by_bands, by_elimination, float(max(cosines)), float(max(floors)), corrected(chances), consistent)


def band_level(
    probes: NDArray[np.int16],
    bands: NDArray[np.uint8],
    thresholds: tuple[int, ...],
    truth: NDArray[np.float64],
    population: Population,
) -> float:
    """Cosine of the least-squares template from bands, each taken for the middle of the scores that it stands for."""
    edges = np.asarray([*thresholds, thresholds[-1] + 3000.0])
    middles = np.concatenate([[0.0], (edges[:-1] + edges[1:]) / 2])
    scores = middles[bands]
    if not scores.any():
        return 0.0
    return float(_cosines((_least_squares(probes, population) @ scores)[:, None], truth)[0])


def _least_squares(probes: NDArray[np.int16], population: Population) -> NDArray[np.float64]:
    """The matrix from numbers to a template: ridge regression with what is known of all people for a prior."""
    rows = probes.astype(np.float64) / 160
    spread = (population.axes * population.variances) @ (population.axes.T @ rows.T)
    inner = rows @ spread
    ridge = _NOISE * np.trace(inner) / len(rows)
    solver: NDArray[np.float64] = np.linalg.solve(inner + ridge * np.eye(len(rows)), spread.T).T
    return solver


def _centred(values: Words) -> NDArray[np.float64]:
    signed: NDArray[np.float64] = values.view(np.int16).astype(np.float64)
    signed -= signed.mean()
    return signed


def _cosines(columns: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(columns, axis=0)
    return np.asarray((truth @ columns) / np.where(lengths > 0, lengths, 1.0), np.float64)


def _eliminate(found: Transcripts, truth: NDArray[np.float64]) -> tuple[float, float]:
    """Solve ⟨q, y⟩ = number modulo 2¹⁶ for each y that might be a share or a template, and try them and their sums."""
    cosines, consistent = [0.0], [0.0]
    groups = [
        ("u*", "jump of the table", "score"),
        ("u* of the token", "jump of the tokens", "score by tokens"),
    ]
    for names in groups:
        if not all(name in found.numbers for name in names):
            continue
        numbers = np.stack([found.numbers[name] for name in names], axis=1)
        answer = solve_modulo(found.probes[: len(numbers)].view(np.uint16), numbers)
        if answer is None:
            continue
        shares, agreeing = answer
        consistent.append(float(agreeing.max()))
        guesses = [*shares.T, shares[:, 0] + shares[:, 1]]
        cosines += [float(_cosines(_signed(guess)[:, None], truth)[0]) for guess in guesses]
    return max(cosines), max(consistent)


def _signed(values: Words) -> NDArray[np.float64]:
    return values.astype(np.uint16).view(np.int16).astype(np.float64)


def solve_modulo(probes: Words, numbers: Words) -> tuple[Words, NDArray[np.float64]] | None:
    """Gauss–Jordan elimination in Z_2¹⁶, where only odd pivots have an inverse.

    Args:
        probes: shape (n, D).
        numbers: right-hand sides, shape (n, k).

    Returns:
        The solutions, shape (D, k), and for each which share of the n − D surplus equations agrees; None if the probes
        do not determine a solution.
    """
    n, dimension = probes.shape
    system = np.concatenate([probes, numbers], axis=1).astype(np.uint16)
    for column in range(dimension):
        odd = np.flatnonzero(system[column:, column] & 1)
        if not len(odd):
            return None
        pivot = column + int(odd[0])
        system[[column, pivot]] = system[[pivot, column]]
        system[column] *= np.uint16(pow(int(system[column, column]), -1, RING))
        factors = system[:, column].copy()
        factors[column] = 0
        # Columns before this one are done: only what lies right of them changes.
        system[:, column:] -= factors[:, None] * system[column, column:][None, :]
    surplus = system[dimension:, dimension:]
    agreeing = (surplus == 0).mean(axis=0) if n > dimension else np.zeros(numbers.shape[1])
    return system[:dimension, dimension:], agreeing

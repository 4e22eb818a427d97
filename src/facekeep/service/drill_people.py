"""The people of a drill: templates given, and people who never lived where there are too few.

The generator follows what was measured with the model pack's embedding on all 7,701 pictures of LFW that have one
clear label (docs/how-to/drill.md): embeddings fill about 150 of 512 dimensions, with variances falling as exp(−k/67);
two pictures of one person have a cosine of 0.68 ± 0.12, two people one of 0.00 ± 0.10. An attack that knows this
subspace needs fewer questions, so made-up people without it would flatter the product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import UsageError

Vectors = NDArray[np.float32]

CURIOUS_TARGET, ACTIVE_TARGET = 0, 1
"""Whom the gates are after. What an attacker knows of people in general is learnt without them."""

MATED_MEAN = 0.68
MATED_SPREAD = 0.12
_SHARE_MEAN = 0.69
_SHARE_SPREAD = 0.17
_DECAY = 67.0
_RANK_OF_512 = 150
_REAL_ENOUGH = 32


@dataclass(frozen=True, slots=True)
class Population:
    """Where made-up people come from; also what an attacker who knows the model knows of all people beforehand.

    Attributes:
        mean: shape (D,).
        axes: orthonormal columns, shape (D, r).
        variances: along the axes, shape (r,), falling.
    """

    mean: NDArray[np.float64] = field(repr=False)
    axes: NDArray[np.float64] = field(repr=False)
    variances: NDArray[np.float64] = field(repr=False)

    def draw(self, count: int, random: np.random.Generator) -> Vectors:
        """Unit vectors of so many strangers, shape (count, D)."""
        rows = (
            self.mean + (random.standard_normal((count, len(self.variances))) * np.sqrt(self.variances)) @ self.axes.T
        )
        return _unit(rows)

    def pictures(self, person: Vectors, count: int, random: np.random.Generator) -> Vectors:
        """Unit vectors of further pictures around a person, shape (count, D)."""
        share = np.clip(random.normal(_SHARE_MEAN, _SHARE_SPREAD, (count, 1)), 0.3, 0.95)
        rows = np.sqrt(share) * person + np.sqrt(1 - share) * self.draw(count, random)
        return _unit(rows)


@dataclass(frozen=True, slots=True)
class People:
    """Whom the drill enrols.

    Attributes:
        references: one picture of each, which is enrolled, shape (n, D).
        probes: another picture of each, which the attacker has, shape (n, D).
        given: how many of them are real; the rest is made up.
        population: what is known of people in general.
    """

    references: Vectors = field(repr=False)
    probes: Vectors = field(repr=False)
    given: int
    population: Population = field(repr=False)

    def __len__(self) -> int:
        return len(self.references)

    @property
    def dimension(self) -> int:
        """Coordinates of a template."""
        return int(self.references.shape[1])


def measured_population(dimension: int, random: np.random.Generator) -> Population:
    """A population with the measured spread, in a random subspace, scaled with the dimension."""
    rank = max(8, round(dimension * _RANK_OF_512 / 512))
    axes = np.linalg.qr(random.standard_normal((dimension, rank)))[0]
    variances = np.exp(-np.arange(rank) * _RANK_OF_512 / rank / _DECAY)
    return Population(np.zeros(dimension), axes, variances / variances.sum())


def gather_people(
    templates: Mapping[str, Sequence[Vectors]] | None, count: int, random: np.random.Generator, *, dimension: int
) -> People:
    """The people of a drill.

    Args:
        templates: for each real person one or more unit vectors of shape (D,), or None. The names are not used.
        count: how many people there shall be at least; made-up ones fill up.
        random: for the made-up ones.
        dimension: D, where no templates are given.

    Raises:
        UsageError: templates of different dimensions, or some that are not of unit length.
    """
    real = [np.stack(list(vectors)).astype(np.float32) for vectors in (templates or {}).values() if len(vectors)]
    real.sort(key=len, reverse=True)  # the gates' targets first, of whom there should be two pictures
    if real:
        if len({rows.shape[1] for rows in real}) > 1:
            raise UsageError("the templates of a drill have different dimensions", hint="Use those of one model.")
        if not all(np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-3) for rows in real):
            raise UsageError("a template of a drill is not of unit length", hint="Use the output of the embedding.")
        dimension = int(real[0].shape[1])
    population = _estimated(real[2:]) if len(real) >= _REAL_ENOUGH else measured_population(dimension, random)
    references = [rows[0] for rows in real]
    probes = [rows[1] if len(rows) > 1 else population.pictures(rows[0], 1, random)[0] for rows in real]
    missing = max(0, count - len(real))
    if missing:
        persons = population.draw(missing, random)
        made = [population.pictures(person, 2, random) for person in persons]
        references += [pair[0] for pair in made]
        probes += [pair[1] for pair in made]
    return People(np.stack(references), np.stack(probes), len(real), population)


def _estimated(real: Sequence[Vectors]) -> Population:
    """The population that real people come from, their covariance shrunk a little towards no direction at all."""
    rows = np.concatenate(real).astype(np.float64)
    mean = rows.mean(axis=0)
    dimension = rows.shape[1]
    covariance = np.cov(rows.T)
    shrunk = 0.9 * covariance + 0.1 * np.trace(covariance) / dimension * np.eye(dimension)
    variances, axes = np.linalg.eigh(shrunk)
    return Population(mean, axes[:, ::-1].copy(), variances[::-1].copy())


def _unit(rows: NDArray[np.float64]) -> Vectors:
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit

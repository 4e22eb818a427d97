"""The active gate: it asks what it likes, and chooses each probe by what it has learnt so far.

The attack holds a normal distribution of what the template may be, from what is known of all people and, if it has one,
from another picture of the person. A band says between which two scores ⟨q, x⟩ lies; the distribution is updated with
the exact mean and variance of the normal so cut off (assumed density filtering; Minka 2001). The next probe is the one
whose score would lie on a threshold and about which least is known. It needs fewer questions than published walks along
the boundary (HopSkipJump, Chen et al. 2020), because the score is linear in the template and faces have a known spread.

Two ways to choose: *greedy* aims at the threshold itself, where an answer tells most; *frugal* aims over it, so that
fewer comparisons are rejected, for rejections are what the budgets count. Where stricter bands are told, it aims there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import BudgetError
from facekeep.service.drill_people import MATED_MEAN, Population, Vectors
from facekeep.split.codes import FineCode, fine_code

Strategy = Literal["greedy", "frugal"]

_SAFE = 1.0
"""How far over the threshold a frugal question aims, in standard deviations of what is expected. Simulated: a hundred
rejections buy 0.94 at 0, 0.97 at 1 (in 380 questions) and 0.98 at 1.65 (in 860); more patience buys little more."""

_POWER_STEPS = 3
_SCALE = 160.0 * 160.0
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Climb:
    """How far an attack came.

    Attributes:
        name: what was done, in a few words.
        queries: number of questions answered, at each point of the curve.
        cosines: similarity of the best guess to the template, at each point.
        rejected: questions that came back empty.
        stopped: what ended it: "budget", or "" if it was let go on to its end.
        days: days that it took, waiting for the next one where a budget of the day was used up.
        alarm: at which question the rejections raised an alarm, and the similarity then; None if they did not.
    """

    name: str
    queries: tuple[int, ...]
    cosines: tuple[float, ...]
    rejected: int
    stopped: str
    days: int
    alarm: tuple[int, float] | None = None

    @property
    def reached(self) -> float:
        """The similarity at the end."""
        return self.cosines[-1]

    def queries_to(self, cosine: float) -> int | None:
        """How many questions it took to this similarity, or None if it never did."""
        return next((q for q, c in zip(self.queries, self.cosines, strict=True) if c >= cosine), None)


class Belief:
    """What is believed of a template: a normal distribution along the axes of the population."""

    def __init__(self, population: Population, picture: Vectors | None) -> None:
        """Begin with everybody, or around another picture of the person."""
        self._population = population
        self._mean = np.zeros(len(population.variances))
        self._covariance = np.diag(population.variances)
        if picture is not None:
            self._mean = MATED_MEAN * (population.axes.T @ (picture.astype(np.float64) - population.mean))
            self._covariance *= 1 - MATED_MEAN**2

    @property
    def template(self) -> NDArray[np.float64]:
        """The best guess, shape (D,), of any length."""
        return self._population.mean + self._population.axes @ self._mean

    def probe(self, target: float, random: np.random.Generator) -> Vectors:
        """A unit vector whose cosine to the template should be ``target``, and is as uncertain as can be."""
        along = random.standard_normal(len(self._mean))
        for _ in range(_POWER_STEPS):
            along = self._covariance @ along
            along /= np.linalg.norm(along)
        length = float(np.linalg.norm(self._mean))
        if length > 0:
            direction = self._mean / length
            along -= (along @ direction) * direction
            along /= np.linalg.norm(along)
            share = min(1.0, target / length)
            along = share * direction + math.sqrt(1 - share**2) * along
        vector = self._population.axes @ along
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def spread(self, code: FineCode) -> float:
        """Standard deviation of the cosine that is expected for a probe."""
        along = self._along(code)
        return math.sqrt(max(float(along @ self._covariance @ along), 1e-12))

    def learn(self, code: FineCode, low: float, high: float) -> None:
        """Take in that the cosine of a probe lies from ``low`` to ``high``."""
        along = self._along(code)
        gain = self._covariance @ along
        variance = max(float(along @ gain), 1e-10) + 1e-6
        offset = float(code.astype(np.float64) @ self._population.mean) / 160
        mean = float(along @ self._mean) + offset
        spread = math.sqrt(variance)
        shift, ratio = _cut((low - mean) / spread, (high - mean) / spread)
        self._mean = self._mean + gain * (shift / spread)
        self._covariance = self._covariance - np.outer(gain, gain) * ((1 - ratio) / variance)

    def _along(self, code: FineCode) -> NDArray[np.float64]:
        along: NDArray[np.float64] = self._population.axes.T @ (code.astype(np.float64) / 160)
        return along


def climb(
    name: str,
    ask: Callable[[FineCode], int],
    tomorrow: Callable[[], None],
    *,
    truth: Vectors,
    belief: Belief,
    thresholds: tuple[int, ...],
    level: int,
    strategy: Strategy,
    queries: int,
    random: np.random.Generator,
    alarm: int | None = None,
) -> Climb:
    """Ask adaptively until the questions or the patience of the budgets are used up.

    Args:
        name: for the report.
        ask: the band of a probe, through the real path.
        tomorrow: wait for the next day.
        truth: the template, to measure with.
        belief: where the attack starts.
        thresholds: integer thresholds of the model's levels.
        level: index of the ticket's threshold.
        strategy: how to choose.
        queries: how many questions at most.
        random: for directions.
        alarm: how many rejections raise an alarm; None where they are not counted.
    """
    edges = [threshold / _SCALE for threshold in thresholds]
    counts, cosines = [0], [_cosine(belief.template, truth)]
    rejected = waited = 0
    days, stopped = 1, ""
    raised: tuple[int, float] | None = None
    code = fine_code(belief.probe(edges[level], random))
    while counts[-1] < queries and not stopped:
        code = fine_code(belief.probe(_target(edges, level, belief, code, strategy), random))
        try:
            band = ask(code)
        except BudgetError:
            # A budget of the day is there again tomorrow; one for life is not.
            waited += 1
            stopped = "budget" if waited > 1 else ""
            tomorrow()
            continue
        days, waited = days + waited, 0
        rejected += band == 0
        low = edges[band - 1] if band else -1.0
        high = edges[level] if not band else (edges[band] if band < len(edges) else 1.0)
        belief.learn(code, low, high)
        counts.append(counts[-1] + 1)
        cosines.append(_cosine(belief.template, truth))
        if raised is None and rejected == alarm:
            raised = counts[-1], cosines[-1]
    return Climb(name, tuple(counts), tuple(cosines), int(rejected), stopped, days, raised)


def _target(edges: list[float], level: int, belief: Belief, last: FineCode, strategy: Strategy) -> float:
    """The cosine to aim at: one of the thresholds that the guess can reach, or a safe distance over the ticket's."""
    length = float(np.linalg.norm(belief.template))
    reachable = [edge for edge in edges[level:] if edge <= 0.97 * length] or [edges[level]]
    if strategy == "greedy":
        # The lowest leaves most of the probe free to point where little is known.
        return reachable[0]
    safe = edges[level] + _SAFE * belief.spread(last)
    return next((edge for edge in reachable if edge >= safe), min(safe, 0.97 * length))


def _cosine(guess: NDArray[np.float64], truth: Vectors) -> float:
    length = float(np.linalg.norm(guess))
    return float(guess @ truth.astype(np.float64)) / length if length > 0 else 0.0


def _cut(low: float, high: float) -> tuple[float, float]:
    """Mean and variance of a standard normal cut to an interval."""
    if low > 0:  # by symmetry, where erfc keeps its precision
        shift, ratio = _cut(-high, -low)
        return -shift, ratio
    mass = _below(high) - _below(low)
    if mass < 1e-300:
        edge = high if high < 0 else low
        return edge, 1e-3
    density_low, density_high = _density(low), _density(high)
    shift = (density_low - density_high) / mass
    bounded_low = low * density_low if density_low > 0 else 0.0
    bounded_high = high * density_high if density_high > 0 else 0.0
    return shift, min(1.0, max(1e-6, 1 + (bounded_low - bounded_high) / mass - shift**2))


def _below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi) if abs(x) < 38 else 0.0


def wait_a_day(seconds: int) -> int:
    """The first second of the next day."""
    return (seconds // _DAY + 1) * _DAY

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import BudgetError
from facekeep.service.drill_active import Belief, Climb, _cut, climb, wait_a_day
from facekeep.service.drill_curious import unprotected
from facekeep.service.drill_people import MATED_MEAN, MATED_SPREAD, gather_people
from facekeep.service.drill_solving import Transcripts, band_level, plain_bands, solve, solve_modulo
from facekeep.split.codes import FineCode, fine_code

THRESHOLDS = (5939, 8602, 10573, 12263, 13696)
PEOPLE = gather_people(None, 80, np.random.default_rng(9), dimension=128)


class TestPeople:
    def test_spread_is_the_measured_one(self) -> None:
        many = gather_people(None, 600, np.random.default_rng(1), dimension=512)
        mated = np.sum(many.references * many.probes, axis=1)
        others = (many.references @ many.references.T)[np.triu_indices(600, 1)]
        assert mated.mean() == pytest.approx(MATED_MEAN, abs=0.02)
        assert mated.std() == pytest.approx(MATED_SPREAD, abs=0.02)
        assert others.mean() == pytest.approx(0, abs=0.01)
        assert others.std() == pytest.approx(0.096, abs=0.005)

    def test_real_people_come_first_and_those_with_two_pictures_before_others(self) -> None:
        a, b = PEOPLE.references[:2]
        people = gather_people({"x": [a], "y": [b, a]}, 70, np.random.default_rng(1), dimension=1)
        assert people.given == 2
        assert len(people) == 70
        assert np.array_equal(people.references[0], b)
        assert np.array_equal(people.probes[0], a)
        assert float(people.probes[1] @ a) > 0.4

    def test_many_real_people_show_their_own_spread(self) -> None:
        given_people = {str(i): [row] for i, row in enumerate(PEOPLE.references)}
        people = gather_people(given_people, 64, np.random.default_rng(1), dimension=1)
        assert people.given == 80
        assert len(people.population.variances) == 128
        assert people.population.variances[0] > 5 * people.population.variances[-1]


class TestElimination:
    @settings(max_examples=25)
    @given(st.integers(0, 2**32 - 1))
    def test_solves_what_has_a_solution(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        secret = random.integers(0, 1 << 16, (24, 2)).astype(np.uint16)
        probes = random.integers(0, 1 << 16, (60, 24)).astype(np.uint16)
        numbers = (probes.astype(np.int64) @ secret.astype(np.int64) & 0xFFFF).astype(np.uint16)
        numbers[:, 1] = random.integers(0, 1 << 16, 60)
        answer = solve_modulo(probes, numbers)
        assert answer is not None
        assert np.array_equal(answer[0][:, 0], secret[:, 0])
        assert answer[1][0] == 1
        assert answer[1][1] < 0.5

    def test_even_probes_determine_nothing(self) -> None:
        assert solve_modulo(np.full((9, 4), 2, np.uint16), np.zeros((9, 1), np.uint16)) is None

    def test_as_many_probes_as_coordinates_leave_nothing_to_check(self) -> None:
        answer = solve_modulo(np.eye(4, dtype=np.uint16), np.arange(4, dtype=np.uint16)[:, None])
        assert answer is not None
        assert answer[0][:, 0].tolist() == [0, 1, 2, 3]
        assert answer[1].tolist() == [0.0]


def asked(count: int, *, level: int, single: bool) -> Transcripts:
    probes = fine_code(PEOPLE.population.draw(count, np.random.default_rng(4)))
    bands = np.zeros(count, np.uint8)
    return Transcripts(probes, bands, np.full(count, level, np.uint8), np.full(count, single), {})


class TestCuriousGate:
    def test_without_pads_the_template_is_solved_for(self) -> None:
        reference = fine_code(PEOPLE.references[0])
        for single in (True, False):
            found = unprotected(asked(180, level=2, single=single), 170, reference, THRESHOLDS)
            assert len(found.probes) == 170
            assert np.array_equal(found.bands, plain_bands(found, reference, THRESHOLDS))
            solved = solve(found, reference, PEOPLE.population, THRESHOLDS, np.random.default_rng(1))
            assert solved.by_elimination == pytest.approx(1)
            assert solved.consistent == 1
            assert solved.best == solved.by_elimination
            assert solved.chance < 1e-8

    def test_bands_tell_a_little(self) -> None:
        reference = fine_code(PEOPLE.references[0])
        unit = reference / np.linalg.norm(reference)
        thresholds = (2000, 4000, 6000, 8000)
        several = asked(400, level=0, single=False)
        bands = plain_bands(several, reference, thresholds)
        level = band_level(several.probes, bands, thresholds, unit, PEOPLE.population)
        assert 0.5 < level < 0.95
        assert bands.max() > 2
        assert plain_bands(asked(400, level=0, single=True), reference, thresholds).max() == 1
        assert band_level(several.probes, np.zeros(400, np.uint8), THRESHOLDS, unit, PEOPLE.population) == 0


class TestBelief:
    @given(st.floats(-6, 6), st.floats(0.01, 6))
    def test_moments_of_a_cut_normal(self, low: float, width: float) -> None:
        high = low + width
        grid = np.linspace(low, high, 20_001)
        weight = np.exp(-(grid**2 - min(low**2, high**2) * (low * high > 0)) / 2)
        weight /= weight.sum()
        mean = float(grid @ weight)
        variance = float((grid - mean) ** 2 @ weight)
        shift, ratio = _cut(low, high)
        assert shift == pytest.approx(mean, abs=2e-3)
        assert ratio == pytest.approx(variance, abs=2e-3)

    def test_an_interval_nobody_expected(self) -> None:
        shift, ratio = _cut(-math.inf, -50)
        assert shift == pytest.approx(-50, abs=0.1)
        assert 0 < ratio < 0.01

    def test_a_probe_has_the_cosine_asked_for(self) -> None:
        belief = Belief(PEOPLE.population, PEOPLE.probes[0])
        random = np.random.default_rng(0)
        guess = belief.template
        probe = belief.probe(0.4, random)
        assert float(np.linalg.norm(probe)) == pytest.approx(1, abs=1e-5)
        assert float(probe @ guess) == pytest.approx(0.4, abs=1e-3)


def run(strategy: str, ask: object, queries: int = 250) -> Climb:
    return climb(
        "test",
        ask,  # type: ignore[arg-type]
        lambda: None,
        truth=PEOPLE.references[0],
        belief=Belief(PEOPLE.population, PEOPLE.probes[0]),
        thresholds=THRESHOLDS[:3],
        level=2,
        alarm=30,
        strategy=strategy,  # type: ignore[arg-type]
        queries=queries,
        random=np.random.default_rng(3),
    )


def plain_answer(code: FineCode) -> int:
    score = int(code.astype(np.int64) @ fine_code(PEOPLE.references[0]).astype(np.int64))
    return 3 if score >= THRESHOLDS[2] else 0


class TestClimb:
    def test_greedy_comes_near(self) -> None:
        found = run("greedy", plain_answer)
        assert found.reached > 0.97
        assert found.queries_to(0.9) is not None
        assert found.queries_to(1.01) is None
        assert 0.25 < found.rejected / 250 < 0.75
        assert found.days == 1
        assert found.alarm is not None
        assert found.alarm[1] == found.cosines[found.alarm[0]]

    def test_frugal_is_hardly_ever_rejected(self) -> None:
        found = run("frugal", plain_answer)
        assert found.reached > 0.93
        assert found.rejected < 60

    def test_a_budget_of_the_day_is_waited_for(self) -> None:
        asked = 0

        def ask(code: FineCode) -> int:
            nonlocal asked
            asked += 1
            if asked % 10 == 0:
                raise BudgetError("enough for today")
            return plain_answer(code)

        found = run("greedy", ask, queries=45)
        assert (found.queries[-1], found.days, found.stopped) == (45, 5, "")

    def test_a_budget_for_life_stops_it(self) -> None:
        asked = 0

        def ask(code: FineCode) -> int:
            nonlocal asked
            asked += 1
            if asked > 30:
                raise BudgetError("enough")
            return plain_answer(code)

        found = run("greedy", ask)
        assert (found.queries[-1], found.days, found.stopped) == (30, 1, "budget")

    def test_the_next_day(self) -> None:
        assert wait_a_day(86_399) == 86_400
        assert wait_a_day(86_400) == 172_800

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from facekeep.domain.scores import NonMatedScores, NonMatedSummary
from facekeep.domain.tail import fit_tail

_PEOPLE = 3000
_COUNT = _PEOPLE * (_PEOPLE - 1) // 2  # one picture each


def _summary(values: np.ndarray) -> NonMatedSummary:
    generator = np.random.default_rng(11)
    accumulator = NonMatedScores(values.size)
    first = generator.integers(0, _PEOPLE - 1, values.size)
    accumulator.add(values.astype(np.float32), first, generator.integers(first + 1, _PEOPLE))
    return accumulator.summary()


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    return np.random.default_rng(2).normal(0.01, 0.1, _COUNT)


def _true(fmr: float) -> float:
    return 0.01 - 0.1 * NormalDist().inv_cdf(fmr)


def test_a_normal_tail_is_continued_rightly(normal: np.ndarray) -> None:
    fit = fit_tail(_summary(normal), np.ones(_PEOPLE, np.int64), resamples=30)
    assert fit is not None
    assert fit.lower == pytest.approx(200 / _COUNT)
    for fmr in (1e-5, 1e-6, 1e-7, 1e-8):
        assert fit.normal(fmr) == pytest.approx(_true(fmr), abs=0.006)
        lower, upper = fit.normal_interval(fmr)
        assert lower < fit.normal(fmr) < upper
        threshold = fit.threshold(fmr)
        assert threshold is not None
        assert max(fit.normal(fmr), fit.pareto(fmr)) <= threshold < fit.exponential(fmr)
    assert fit.residual < 0.004
    assert fit.threshold(1e-9) is None  # more than four powers of ten beyond the fit
    assert fit.threshold(5e-9) is not None


def test_wrong_labels_in_the_last_handful_do_not_bend_it(normal: np.ndarray) -> None:
    spoilt = normal.copy()
    spoilt[:40] = np.linspace(0.6, 0.99, 40)
    clean = fit_tail(_summary(normal), np.ones(_PEOPLE, np.int64), resamples=0)
    bent = fit_tail(_summary(spoilt), np.ones(_PEOPLE, np.int64), resamples=0)
    assert clean is not None
    assert bent is not None
    assert bent.normal(1e-8) == pytest.approx(clean.normal(1e-8), abs=0.02)
    assert bent.pareto(1e-8) == pytest.approx(clean.pareto(1e-8), abs=0.03)
    assert clean.normal_interval(1e-8) == (clean.normal(1e-8), clean.normal(1e-8))


def test_an_exponential_tail_has_shape_zero_and_an_even_one_minus_one() -> None:
    generator = np.random.default_rng(4)
    exponential = fit_tail(_summary(generator.exponential(0.03, _COUNT) - 0.5), np.ones(_PEOPLE, np.int64), resamples=0)
    assert exponential is not None
    assert exponential.pareto_shape == pytest.approx(0.0, abs=0.03)
    assert exponential.pareto_scale == pytest.approx(0.03, abs=0.001)
    assert exponential.exponential_scale == pytest.approx(0.03, abs=0.001)
    assert exponential.pareto(1e-8) == pytest.approx(0.03 * np.log(1e8) - 0.5, abs=0.05)


def test_too_few_scores_are_not_continued() -> None:
    values = np.random.default_rng(3).normal(0, 0.1, 500_000)
    assert fit_tail(_summary(values), np.ones(_PEOPLE, np.int64)) is None

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.performance import (
    Rate,
    attack_presentation_classification_error_rate,
    best_threshold,
    bona_fide_presentation_classification_error_rate,
    det_curve,
    false_match_rate,
    false_non_match_rate,
    fold_accuracy,
    generalised_false_reject_rate,
    operating_point,
    wilson_interval,
)
from facekeep.domain.scores import MatedScores, NonMatedScores, NonMatedSummary


def _mated(values: list[float]) -> MatedScores:
    return MatedScores(np.array(values, np.float32), np.arange(len(values)))


def _other(values: np.ndarray) -> NonMatedSummary:
    accumulator = NonMatedScores(values.size, laxest_fmr=1.0)
    accumulator.add(values.astype(np.float32), np.zeros(values.size, np.int64), np.arange(1, values.size + 1))
    return accumulator.summary()


def test_a_comparison_passes_at_the_threshold_itself() -> None:
    assert false_match_rate(_other(np.array([0.25, 0.5, 0.75])), 0.5) == Rate(2, 3)
    assert false_non_match_rate(_mated([0.25, 0.5, 0.75]), 0.5) == Rate(1, 3)


def test_wilson_interval_equals_published_figures() -> None:
    # Newcombe 1998, Stat. Med. 17:857, table I, method 3 (score): 81/263, 15/148, 0/20, 1/29.
    for errors, trials, lower, upper in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson_interval(errors, trials) == pytest.approx((lower, upper), abs=5e-5)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert wilson_interval(5, 5)[1] == 1.0


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_wilson_interval_holds_the_rate(errors: int, trials: int) -> None:
    errors = min(errors, trials)
    lower, upper = Rate(errors, trials).interval
    assert 0 <= lower <= errors / trials <= upper <= 1
    assert wilson_interval(errors, trials, 0.99)[0] <= lower


def test_rate_refuses_nonsense() -> None:
    assert math.isnan(Rate(0, 0).value)
    for errors, trials in ((-1, 2), (3, 2)):
        with pytest.raises(ValueError, match="errors"):
            Rate(errors, trials)


def test_operating_point() -> None:
    other = _other(np.linspace(-0.5, 0.49, 100))
    point = operating_point(_mated([0.1, 0.6, 0.7, 0.8]), other, 0.1)
    assert point is not None
    assert point.fmr == Rate(10, 100)
    assert point.fnmr == Rate(1, 4)
    assert point.tar == 0.75
    assert point.subject_pairs == 10
    assert 0.39 < point.threshold < 0.4
    assert operating_point(_mated([0.1]), other, 1e-3) is None


def test_equal_error_rate_of_two_normal_distributions() -> None:
    generator = np.random.default_rng(5)
    mated = MatedScores(generator.normal(0.4, 0.1, 100_000).astype(np.float32), np.arange(100_000))
    curve = det_curve(mated, _other(generator.normal(0.0, 0.1, 100_000)))
    assert curve.equal_error_rate == pytest.approx(0.02275, abs=0.001)  # Φ(−2)
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    assert (curve.fmr[0], curve.fnmr[0], curve.fmr[-1], curve.fnmr[-1]) == (1, 0, 0, 1)


def test_equal_error_rate_of_separate_distributions_is_zero() -> None:
    assert det_curve(_mated([0.8, 0.9]), _other(np.array([0.0, 0.1]))).equal_error_rate == 0


def test_best_threshold() -> None:
    assert best_threshold(np.array([0.1, 0.2, 0.6, 0.8]), np.array([False, False, True, True])) == pytest.approx(0.4)
    assert best_threshold(np.array([0.1, 0.2]), np.array([True, True])) == 0.1
    assert best_threshold(np.array([0.1, 0.2]), np.array([False, False])) > 0.2


@given(st.lists(st.tuples(st.integers(-9, 9), st.booleans()), min_size=1, max_size=40))
def test_no_other_threshold_is_better(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score / 10 for score, _ in pairs])
    mated = np.array([same for _, same in pairs])
    chosen = ((scores >= best_threshold(scores, mated)) == mated).sum()
    assert chosen == max(((scores >= t) == mated).sum() for t in np.linspace(-1.05, 1.05, 43))


def test_fold_accuracy_takes_the_threshold_of_the_other_folds() -> None:
    # The two folds want different thresholds, so each is judged with the wrong one.
    scores = np.array([0.1, 0.3, 0.6, 0.8])
    mated = np.array([False, True, False, True])
    result = fold_accuracy(scores, mated, np.array([0, 0, 1, 1]))
    assert result.thresholds == pytest.approx([0.7, 0.2])
    assert result.folds == pytest.approx([0.5, 0.5])
    assert result.mean == 0.5
    assert result.standard_error == 0
    with pytest.raises(ValueError, match="other folds"):
        fold_accuracy(scores, mated, np.zeros(4, int))


def test_standard_error_is_over_folds() -> None:
    scores = np.array([0.1, 0.9, 0.1, 0.9, 0.9, 0.1])
    mated = np.array([False, True, False, True, False, True])
    result = fold_accuracy(scores, mated, np.array([0, 0, 1, 1, 2, 2]))
    assert result.folds.tolist() == [1, 1, 0]
    assert result.standard_error == pytest.approx(math.sqrt(1 / 3 / 3))


def test_generalised_false_reject_rate() -> None:
    assert generalised_false_reject_rate(Rate(1, 10), Rate(1, 5)) == pytest.approx(0.28)


def test_attack_detection_rates() -> None:
    rates = {"print": Rate(1, 10), "replay": Rate(3, 10)}
    assert attack_presentation_classification_error_rate(rates) == 0.3
    assert bona_fide_presentation_classification_error_rate(2, 100) == Rate(2, 100)
    with pytest.raises(ValueError, match="species"):
        attack_presentation_classification_error_rate({})

from __future__ import annotations

import numpy as np
import pytest

from facekeep.domain.performance import false_match_rate, false_non_match_rate, wilson_interval
from facekeep.domain.resampling import fmr_interval, fnmr_interval, non_mated_pairs, subject_weights
from facekeep.domain.scores import MatedScores, gather


def test_one_bad_subject_widens_the_interval() -> None:
    scores = np.ones(1000, np.float32)
    subjects = np.repeat(np.arange(50), 20)
    scores[:20] = 0  # all failures are of one subject
    mated = MatedScores(scores, subjects)
    lower, upper = fnmr_interval(mated, 0.5)
    narrow_lower, narrow_upper = false_non_match_rate(mated, 0.5).interval
    assert lower == 0.0
    assert upper > narrow_upper > 0.02 > narrow_lower > lower
    assert fnmr_interval(mated, 0.5) == (lower, upper)  # the same scores give the same interval


def test_independent_subjects_give_the_interval_of_independent_trials() -> None:
    scores = np.ones(2000, np.float32)
    scores[:100] = 0
    got = fnmr_interval(MatedScores(scores, np.arange(2000)), 0.5)
    assert got == pytest.approx(wilson_interval(100, 2000), abs=0.002)


def test_fmr_interval_holds_the_rate_and_is_wider() -> None:
    generator = np.random.default_rng(7)
    vectors = generator.normal(size=(300, 12)).astype(np.float32)
    vectors[::3] += 0.5  # some people resemble each other
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    subjects = np.repeat(np.arange(150), 2)
    _, other = gather(vectors, subjects)
    threshold = other.threshold_at(5e-3)
    assert threshold is not None
    pictures = np.full(150, 2)
    ends = fmr_interval(other, pictures, threshold)
    assert ends is not None
    narrow = false_match_rate(other, threshold).interval
    assert ends[0] < narrow[0] < 5e-3 < narrow[1] < ends[1]
    assert fmr_interval(other, pictures, 0.0) is None


def test_no_error_is_not_certainty() -> None:
    perfect = MatedScores(np.ones(40, np.float32), np.repeat(np.arange(20), 2))
    assert fnmr_interval(perfect, 0.5) == wilson_interval(0, 20)
    assert fnmr_interval(perfect, 1.5) == wilson_interval(20, 20)
    vectors = np.eye(12, dtype=np.float32).repeat(2, axis=0)
    _, other = gather(vectors, np.arange(12).repeat(2), laxest_fmr=1.0)
    assert fmr_interval(other, np.full(12, 2), 0.5) == wilson_interval(0, 6)
    assert fmr_interval(other, np.full(12, 2), -0.5) == wilson_interval(6, 6)


def test_weights_and_pair_counts() -> None:
    for weights in subject_weights(9, 5):
        assert weights.sum() == 9
    assert non_mated_pairs(np.array([1, 1, 1]), np.array([2, 3, 4])) == 2 * 3 + 2 * 4 + 3 * 4
    assert non_mated_pairs(np.array([2, 0, 1]), np.array([2, 3, 4])) == 4 * 4

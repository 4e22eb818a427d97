from __future__ import annotations

import numpy as np
import pytest

from facekeep.domain.performance import Rate
from facekeep.domain.search_performance import search_scores


def _vectors(*angles: float) -> np.ndarray:
    return np.array([(np.cos(a), np.sin(a)) for a in angles], np.float32)


def test_rank_and_rates() -> None:
    gallery, subjects = _vectors(2.0, 0.0, 1.0), np.array([7, 3, 5])
    probes, whose = _vectors(0.1, 1.6, 2.1), np.array([3, 5, 7])
    for rows in (1, 256):
        result = search_scores(gallery, subjects, probes, whose, rows=rows)
        assert result.rank.tolist() == [1, 2, 1]
        assert result.references == 3
        assert result.mate == pytest.approx(np.cos([0.1, 0.6, 0.1]), abs=1e-6)
        assert result.best_other == pytest.approx(np.cos([0.9, 0.4, 1.1]), abs=1e-6)
    assert result.identified_at_rank(1) == Rate(2, 3)
    assert result.identified_at_rank(2) == Rate(3, 3)
    threshold = result.threshold_at(0.4)
    assert threshold is not None
    assert result.false_positive_identification_rate(threshold) == Rate(1, 3)
    assert result.false_negative_identification_rate(threshold) == Rate(1, 3)
    assert result.false_negative_identification_rate(0.999) == Rate(3, 3)
    assert result.threshold_at(0.1) is None


def test_an_equal_score_counts_against_the_mate() -> None:
    result = search_scores(_vectors(0.0, 0.0), np.array([0, 1]), _vectors(0.0), np.array([1]))
    assert result.rank.tolist() == [2]


def test_a_gallery_that_does_not_fit_is_refused() -> None:
    two = _vectors(0.0, 1.0)
    for subjects, probe in (([0, 0], 0), ([0, 1], 2)):
        with pytest.raises(ValueError, match="one reference of each subject"):
            search_scores(two, np.array(subjects), two[:1], np.array([probe]))

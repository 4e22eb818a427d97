from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain import scores as scores_module
from facekeep.domain.scores import NonMatedScores, cross_pairs, gather, pair_counts


def _embeddings(people: int, pictures: int, seed: int = 1, dimension: int = 16) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), pictures)
    centres = generator.normal(size=(people, dimension))
    vectors = centres[subjects] + 0.6 * generator.normal(size=(people * pictures, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), subjects


def _brute_force(vectors: np.ndarray, subjects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    matrix = vectors @ vectors.T
    first, second = np.triu_indices(len(subjects), 1)
    same = subjects[first] == subjects[second]
    values = matrix[first, second]
    return values[same], values[~same]


def test_cross_pairs_meets_each_pair_once() -> None:
    vectors, subjects = _embeddings(5, 3)
    seen = [(i, j) for _, a, b in cross_pairs(vectors, subjects, rows=4) for i, j in zip(a, b, strict=True)]
    assert sorted(seen) == [(i, j) for i in range(15) for j in range(i + 1, 15)]


def test_gather_is_exact_at_its_thresholds() -> None:
    vectors, subjects = _embeddings(60, 4)
    mated, other = _brute_force(vectors, subjects)
    got_mated, got_other = gather(vectors, subjects, laxest_fmr=0.2)
    assert np.allclose(np.sort(got_mated.scores), np.sort(mated), atol=1e-6)
    assert got_other.count == other.size == pair_counts(subjects)[1]
    assert got_other.mean == pytest.approx(other.mean(), abs=1e-6)
    assert got_other.deviation == pytest.approx(other.std(), abs=1e-6)
    for fmr in (0.1, 0.01, 0.001):
        threshold = got_other.threshold_at(fmr)
        assert threshold is not None
        assert int((other >= threshold + 1e-6).sum()) <= int(fmr * other.size)
        assert got_other.passing(threshold) == int(fmr * other.size)  # no ties among random scores
        assert got_mated.failing(threshold) == pytest.approx(int((mated < threshold).sum()), abs=1)


def test_tail_survives_cutting_in_small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(0, 0.1, 400_000).astype(np.float32)
    accumulator = NonMatedScores(values.size, laxest_fmr=1e-3)
    numbers = np.arange(values.size)
    for part in np.array_split(numbers, 7):
        accumulator.add(values[part], part * 0, part + 1)
    summary = accumulator.summary()
    order = np.argsort(-values, kind="stable")[:401]
    assert np.array_equal(summary.tail, values[order])
    assert summary.tail.size == 401
    first, second = summary.subjects_of_tail()
    assert not first.any()
    assert np.array_equal(values[second - 1], summary.tail)
    assert summary.histogram.sum() == values.size


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=200), st.floats(0.01, 0.9))
def test_threshold_keeps_the_rate_even_with_ties(raw: list[int], fmr: float) -> None:
    values = np.array(raw, np.float32) / 25
    accumulator = NonMatedScores(values.size, laxest_fmr=1.0)
    accumulator.add(values, np.zeros(values.size, np.int64), np.ones(values.size, np.int64))
    summary = accumulator.summary()
    threshold = summary.threshold_at(fmr)
    if threshold is None:
        assert int(fmr * values.size) < 1
        return
    assert (values >= threshold).sum() <= fmr * values.size * (1 + 1e-9)
    assert summary.passing(threshold) == (values >= threshold).sum()
    lower = values[values < threshold].max()
    assert (values >= lower).sum() > int(fmr * values.size)  # and no lower threshold would


def test_counts_below_the_tail_come_from_the_bins() -> None:
    values = np.linspace(-0.9, 0.9, 100_000, dtype=np.float32)
    accumulator = NonMatedScores(values.size, laxest_fmr=1e-3)
    accumulator.add(values, np.zeros(values.size, np.int64), np.ones(values.size, np.int64))
    summary = accumulator.summary()
    assert summary.passing(0.0) == pytest.approx(50_000, abs=6)
    assert summary.passing(-1.5) == values.size
    assert summary.subject_pairs_passing(0.0) is None
    assert summary.subject_pairs_passing(0.8999) == 1
    assert summary.threshold_at(0.5) is None


def test_too_many_or_too_few_scores_are_refused() -> None:
    accumulator = NonMatedScores(3)
    two = np.zeros(2, np.float32), np.zeros(2, np.int64), np.ones(2, np.int64)
    accumulator.add(*two)
    with pytest.raises(ValueError, match="were expected"):
        accumulator.summary()
    with pytest.raises(ValueError, match="more non-mated"):
        accumulator.add(*two)
    with pytest.raises(ValueError, match="laxest_fmr"):
        NonMatedScores(3, 0.0)


def test_a_set_without_pairs_is_refused() -> None:
    vectors, _ = _embeddings(4, 1)
    with pytest.raises(ValueError, match="two pictures"):
        gather(vectors, np.arange(4))
    with pytest.raises(ValueError, match="one subject"):
        list(cross_pairs(vectors, np.arange(3)))
    with pytest.raises(ValueError, match="one subject"):
        scores_module.MatedScores(np.zeros(2, np.float32), np.zeros(3, np.int64))

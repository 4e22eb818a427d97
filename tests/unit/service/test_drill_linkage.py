from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.service.drill_linkage import d_sys, d_sys_of_permutations, rank_1_of, similarities


def test_scores_apart_are_fully_linkable() -> None:
    assert d_sys(np.full(50, 0.9), np.linspace(0, 0.1, 500)) == 1.0


def test_the_same_distribution_is_not_linkable() -> None:
    scores = np.linspace(0, 1, 1000)
    assert d_sys(scores, np.tile(scores, 3)) == pytest.approx(0, abs=1e-9)


def test_equal_scores_tell_nothing() -> None:
    assert d_sys(np.ones(10), np.ones(90)) == 0


def test_by_hand() -> None:
    # Five bins. Mated: 0.2 in the first, 0.8 in the last. Non-mated: 0.6, 0.4. LR = 1/3 and 2: D = 0 and 1/3.
    mated = np.asarray([0.0] * 2 + [1.0] * 8)
    non_mated = np.asarray([0.0] * 60 + [1.0] * 40)
    assert d_sys(mated, non_mated) == pytest.approx(0.8 / 3)
    # ω = 4: LR·ω = 4/3 and 8: D = 1/7 and 7/9.
    assert d_sys(mated, non_mated, omega=4) == pytest.approx(0.2 / 7 + 0.8 * 7 / 9)


@given(st.integers(0, 2**32 - 1), st.integers(5, 60))
def test_permutations_agree_with_the_definition(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.standard_normal((count, count))
    mates = random.permutation(count)
    is_mate = np.zeros((count, count), bool)
    is_mate[np.arange(count), mates] = True
    (found,) = d_sys_of_permutations(scores, [mates])
    # A score on the very edge of a bin may fall to either side of it.
    assert found == pytest.approx(d_sys(scores[is_mate], scores[~is_mate]), abs=1 / count)
    assert 0 <= found <= 1


def test_permutations_of_equal_scores() -> None:
    assert d_sys_of_permutations(np.ones((4, 4)), [np.arange(4), np.arange(4)]) == [0.0, 0.0]


def test_the_floor_falls_with_the_number_of_people() -> None:
    random = np.random.default_rng(0)
    floors = []
    for count in (20, 200):
        scores = random.standard_normal((count, count))
        floors.append(np.mean(d_sys_of_permutations(scores, [random.permutation(count) for _ in range(50)])))
    assert floors[1] < floors[0]


def test_rank_1() -> None:
    scores = np.asarray([[0.9, 0.1, 0.2], [0.3, 0.2, 0.8], [0.5, 0.5, 0.5]])
    assert rank_1_of(scores).tolist() == [0, 2, -1]


def test_similarities_do_not_see_what_all_rows_share() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((10, 40))
    assert similarities(rows + 100, rows - 7) == pytest.approx(similarities(rows, rows))
    assert np.diag(similarities(rows, rows)) == pytest.approx(1)
    assert (similarities(np.ones((3, 4)), np.ones((3, 4))) == 0).all()

"""Episodes begin high, end low, and noise between the two limits makes none."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.face.pad.hysteresis import episodes


def test_an_episode_lasts_until_the_low_limit() -> None:
    (one,) = episodes([0, 5, 9, 6, 9, 5, 2, 0], 8, 3)
    assert (one.start, one.end, one.fresh, one.ended, one.peak) == (2, 6, True, True, 9.0)


def test_what_was_high_from_the_start_is_not_fresh() -> None:
    first, second = episodes([9, 9, 1, 9], 8, 3)
    assert (first.fresh, first.ended) == (False, True)
    assert (second.fresh, second.ended) == (True, False)


def test_single_frames_may_be_errors() -> None:
    assert episodes([0, 9, 0, 9, 0], 8, 3, frames=2) == ()
    (one,) = episodes([0, 9, 0, 9, 9, 0], 8, 3, frames=2)
    assert one.start == 3


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="begins"):
        episodes([1.0], 1, 2)


@given(st.lists(st.floats(0, 10), max_size=60), st.floats(0, 10), st.floats(0, 10), st.integers(1, 4))
def test_episodes_do_not_touch(figures: list[float], one: float, other: float, frames: int) -> None:
    low, high = sorted((one, other))
    found = episodes(figures, high, low, frames=frames)
    for before, after in pairwise(found):
        assert before.end < after.start + 1
        assert after.fresh
        assert before.ended
    for episode in found:
        assert min(figures[episode.start : episode.end]) >= low
        assert episode.peak >= high
        assert episode.end - episode.start >= frames

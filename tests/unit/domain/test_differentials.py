from __future__ import annotations

import numpy as np
import pytest

from facekeep.domain.differentials import differential
from facekeep.domain.performance import Rate


def _vector(angle: float) -> list[float]:
    return [float(np.cos(angle)), float(np.sin(angle))]


# Two subjects far apart in "north", two that look alike in "south", one without a group.
_EMBEDDINGS = np.array([_vector(a) for a in (0.0, 0.1, 1.5, 1.6, 3.0, 3.1, 3.05, 4.0, 4.5, 4.6)], np.float32)
_SUBJECTS = np.repeat(np.arange(5), 2)
_GROUPS = ["north", "north", "south", "south", None]


def test_rates_are_within_groups_at_one_threshold() -> None:
    strict, lax = differential(
        _EMBEDDINGS, _SUBJECTS, _GROUPS, attribute="region", thresholds=[(1e-3, 0.99), (1e-2, -0.5)]
    )
    north, south = strict.groups
    assert (strict.attribute, strict.target_fmr, north.group, south.group) == ("region", 1e-3, "north", "south")
    assert north.fmr == Rate(0, 4)
    assert north.fnmr == Rate(0, 2)
    assert south.fmr == Rate(2, 4)
    assert south.fnmr == Rate(1, 2)
    assert south.fnmr_over_subjects == (0.0, 1.0)
    assert north.small
    assert strict.fmr_ratio is None  # a rate of zero has no ratio
    assert strict.fmr_spread == 0.5
    assert strict.fnmr_spread == 0.5
    assert lax.fmr_ratio == pytest.approx(1.0)
    assert lax.fnmr_ratio is None


def test_a_group_of_one_picture_has_no_trial() -> None:
    (only,) = differential(_EMBEDDINGS[:1], _SUBJECTS[:1], ["alone"], attribute="a", thresholds=[(1e-3, 0.5)])
    assert only.groups[0].fmr == Rate(0, 0)
    assert only.groups[0].fnmr_over_subjects is None
    assert only.fmr_ratio is None
    assert np.isnan(only.fmr_spread)

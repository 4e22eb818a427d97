"""Curves have few points, in order, and no figure that is not finite."""

from __future__ import annotations

import pytest

from facekeep.domain.curves import POINTS_MAX, Curve


def test_a_curve_is_what_it_was_made_of() -> None:
    curve = Curve("yaw", "degrees", (0.0, 0.1), (1.0, -2.5))
    assert (curve.at, curve.values) == ((0.0, 0.1), (1.0, -2.5))
    assert Curve("yaw", "degrees", (), ()).at == ()


@pytest.mark.parametrize(
    ("at", "values"),
    [
        ((0.0, 0.1), (1.0,)),
        ((0.1, 0.0), (1.0, 1.0)),
        ((0.0, 0.0), (1.0, 1.0)),
        ((0.0,), (float("nan"),)),
        ((float("inf"),), (1.0,)),
        (tuple(map(float, range(POINTS_MAX + 1))), (0.0,) * (POINTS_MAX + 1)),
    ],
)
def test_what_is_no_curve(at: tuple[float, ...], values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="curve"):
        Curve("yaw", "degrees", at, values)

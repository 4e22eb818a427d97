"""Curves of measures: all of a short try, and no blink thinned away in a long one."""

from __future__ import annotations

import numpy as np
import pytest

from facekeep.domain.curves import POINTS_MAX
from facekeep.face.pad.curves import CURVES, curves_of
from facekeep.face.pad.measures import FrameMeasures

POINTS = np.random.default_rng(1).uniform(20, 200, (68, 2))


def measured(count: int) -> list[FrameMeasures]:
    """Open eyes but in one frame, a head that turns evenly, ten frames in a second."""
    return [
        FrameMeasures(
            place / 10, 0, POINTS, yaw=place / 3, pitch=-4.0, roll=0.0, eyes_open=0.1 if place == 77 else 0.91234,
            mouth_width=0.8, lip_gap=0.02, face_width=150.0,
        )
        for place in range(count)
    ]  # fmt: skip


def test_a_short_try_is_shown_whole() -> None:
    curves = {curve.name: curve for curve in curves_of(measured(90))}
    assert list(curves) == list(CURVES) == ["eyes-open", "yaw", "pitch", "mouth-open", "smile", "face-size"]
    assert {curve.at for curve in curves.values()} == {tuple(place / 10 for place in range(90))}
    assert curves["yaw"].values[1] == 0.333
    assert curves["yaw"].unit == curves["pitch"].unit == "degrees"
    assert curves["eyes-open"].unit == ""
    assert set(curves["eyes-open"].values) == {0.1, 0.912}
    assert all(type(value) is float for curve in curves.values() for value in (*curve.at, *curve.values))


@pytest.mark.parametrize("count", [POINTS_MAX, POINTS_MAX + 1, 187, 240])
def test_a_long_try_keeps_its_blink(count: int) -> None:
    curves = {curve.name: curve for curve in curves_of(measured(count))}
    assert {len(curve.at) for curve in curves.values()} == {POINTS_MAX}
    eyes = curves["eyes-open"]
    assert eyes.values.count(0.1) == 1
    assert eyes.at[eyes.values.index(0.1)] == 7.7
    assert (curves["yaw"].values[0], curves["yaw"].values[-1]) == (0.0, round((count - 1) / 3, 3))


def test_nothing_measured_gives_empty_curves() -> None:
    assert {curve.at for curve in curves_of([])} == {()}

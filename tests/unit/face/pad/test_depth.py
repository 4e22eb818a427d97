"""The voice “depth” on simulated heads, flat prints and bent paper; tools/pad/motion.py has what they do."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tools.pad.depth import presentations
from tools.pad.motion import Body, Motion, recording, shape

from facekeep.domain.capture import Recording, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.face.pad import depth, rigid

COUNT = 30


@pytest.mark.parametrize("noise", [1.0, 2.0])
def test_turned_heads_and_turned_prints_are_told_apart(noise: float) -> None:
    told: dict[Body, Counter[Verdict]] = {}
    for body in Body:
        told[body], _ = presentations(body, StepKind.TURN_RIGHT, noise, COUNT)
    assert told[Body.HEAD][Verdict.SUPPORTS] >= 0.9 * COUNT
    assert told[Body.HEAD][Verdict.REFUTES] == 0
    for body in (Body.PLANE, Body.BENT):
        assert told[body][Verdict.SUPPORTS] == 0
        # Those that turn by less than 17° are not seen to turn at all.
        assert told[body][Verdict.REFUTES] >= 0.7 * COUNT


def test_an_approach_of_a_head_supports_and_one_of_a_print_does_not() -> None:
    head, _ = presentations(Body.HEAD, StepKind.COME_CLOSER, 1.0, COUNT)
    plane, _ = presentations(Body.PLANE, StepKind.COME_CLOSER, 1.0, COUNT)
    assert head[Verdict.SUPPORTS] >= 0.8 * COUNT
    assert head[Verdict.DOUBTS] == 0
    assert plane[Verdict.SUPPORTS] == 0
    assert plane[Verdict.DOUBTS] >= 0.4 * COUNT


def test_who_does_not_turn_is_neither_supported_nor_refuted() -> None:
    rng = np.random.default_rng(1)
    for body in (Body.HEAD, Body.PLANE):
        finding = depth.examine(*recording(body, Motion(StepKind.TURN_LEFT, degrees=0), rng))
        assert finding.verdict is Verdict.SILENT
        assert finding.figures["relief"] < depth.RELIEF_MIN


def test_a_print_that_turns_counts_even_if_it_also_came_closer_well() -> None:
    rng = np.random.default_rng(2)
    turned, flat = recording(Body.PLANE, Motion(StepKind.TURN_LEFT, degrees=30), rng)
    _, near = recording(Body.HEAD, Motion(StepKind.COME_CLOSER, growth=2), rng)
    steps = (*turned.steps, Step(StepKind.COME_CLOSER, 8))
    later = [frame for frame in near if frame.step == 1]
    measures = [*flat, *(type(f)(f.at + 9, 2, *(getattr(f, n) for n in f.__slots__[2:])) for f in later)]
    finding = depth.examine(Recording(steps, turned.frames), measures)
    assert finding.verdict is Verdict.REFUTES
    assert finding.reasons == (PadReason.FLAT,)


def test_too_few_frames_or_no_such_step_leave_it_silent() -> None:
    rng = np.random.default_rng(3)
    made, measures = recording(Body.HEAD, Motion(StepKind.TURN_LEFT, degrees=30), rng)
    looked = [f for f in measures if f.step == 0]
    turned = [f for f in measures if f.step == 1]
    for few in (looked[: depth.FRAMES_MIN - 1] + turned, looked + turned[: depth.FRAMES_MIN - 1], []):
        assert depth.examine(made, few).verdict is Verdict.SILENT
    nodding = Recording((made.steps[0], Step(StepKind.NOD, 8)), made.frames)
    assert depth.examine(nodding, measures).verdict is Verdict.SILENT


def test_points_in_one_place_or_nowhere_stop_nothing() -> None:
    assert rigid.eye_aligned(np.zeros((68, 2))) is None
    assert rigid.eye_aligned(np.full((68, 2), np.nan)) is None
    rng = np.random.default_rng(5)
    made, measures = recording(Body.HEAD, Motion(StepKind.TURN_LEFT, degrees=30), rng)
    broken = [type(f)(f.at, f.step, np.zeros((68, 2)), *(getattr(f, n) for n in f.__slots__[3:])) for f in measures]
    assert depth.examine(made, broken).verdict is Verdict.SILENT


def test_scale_and_turn_of_the_crop_do_not_matter() -> None:
    points = shape(Body.HEAD, np.random.default_rng(6))[:, :2]
    angle = 0.4
    turned = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * 3 + [40, -7]
    first, second = rigid.eye_aligned(points), rigid.eye_aligned(turned)
    assert first is not None
    assert second is not None
    assert np.allclose(first, second)


def test_relief_is_the_sine_of_the_turn() -> None:
    head = rigid.HEAD
    for degrees in (10, 20, 30):
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        turned = head[:, :2] * [cosine, 1] + np.outer(head[:, 2], [sine, 0])
        before, after = rigid.eye_aligned(head[:, :2]), rigid.eye_aligned(turned)
        assert before is not None
        assert after is not None
        seen = rigid.turn(before, after)
        assert seen.relief == pytest.approx(sine, abs=0.01)
        assert seen.foreshortening == pytest.approx(sine, abs=0.02)
        assert seen.head_residual < 1e-3 < seen.plane_residual

"""Blinks and pulse on clips made of real faces, with and without a pulse in the colour of their skin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tools.pad.crops import Cut
from tools.pad.pulse import presented
from tools.pad.skin import Clip

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.domain.sample import BoundingBox, Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import vital_signs
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.pulse import find_pulse, resampled
from facekeep.face.pad.skin import skin_colour

PICTURES = Path(__file__).parents[4] / ".cache" / "pictures"
LOOK, BLINK, SMILE = Step(StepKind.LOOK, 12), Step(StepKind.BLINK, 8), Step(StepKind.SMILE, 8)


@pytest.fixture(scope="module")
def people() -> list[tuple[Pixels, NDArray[np.float64]]]:
    cut = Cut.build(ModelPack.load())
    found = [cut(decode((PICTURES / name).read_bytes())) for name in ("astronaut.png", "biden.jpg", "obama.jpg")]
    return [person for person in found if person is not None]


def open_eyes(
    values: list[float], steps: tuple[Step, ...] = (LOOK,), rate: float = 10.0
) -> tuple[Recording, list[FrameMeasures]]:
    """Frames of a face without skin, spread evenly over the steps, the eyes open as told."""
    box, face = BoundingBox(16, 16, 64, 64), np.zeros((96, 96, 3), np.uint8)
    of = [i * len(steps) // len(values) for i in range(len(values))]
    frames = tuple(RecordedFrame(i / rate, s, face, box, None, box, 640, 480) for i, s in enumerate(of))
    measures = [
        FrameMeasures(i / rate, s, np.zeros((68, 2)), 0, 0, 0, value, 0.8, 0, 64)
        for i, (s, value) in enumerate(zip(of, values, strict=True))
    ]
    return Recording(steps, frames), measures


def test_a_pulse_is_found_with_its_rate(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    rng = np.random.default_rng(1)
    assert len(people) == 3
    for person in people:
        recording, measures, beats = presented(person, Clip(rate=9, seconds=9), 0.008, rng)
        finding = vital_signs.examine(recording, measures)
        assert finding.verdict is Verdict.SUPPORTS
        assert finding.figures["pulse_rate"] == pytest.approx(beats, abs=6)


def test_a_picture_has_none(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    rng = np.random.default_rng(2)
    for person in people:
        recording, measures, _ = presented(person, Clip(rate=9, seconds=9), 0.0, rng)
        finding = vital_signs.examine(recording, measures)
        assert finding.verdict is Verdict.DOUBTS
        assert finding.reasons == (PadReason.NO_VITAL_SIGNS,)
        assert finding.figures["pulse_frames"] == len(measures)


def test_too_short_a_clip_is_not_taken_for_alive(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    recording, measures, _ = presented(people[0], Clip(rate=9, seconds=4), 0.01, np.random.default_rng(3))
    finding = vital_signs.examine(recording, measures)
    assert finding.reasons == (PadReason.NO_VITAL_SIGNS,)
    assert "pulse_evidence" not in finding.figures


def test_a_blink_that_was_not_asked_for_is_enough() -> None:
    finding = vital_signs.examine(*open_eyes([0.9] * 20 + [0.1, 0.2] + [0.8] * 20))
    assert finding.verdict is Verdict.SUPPORTS
    assert finding.figures["blinks"] == 1


def test_a_blink_on_demand_is_not_a_vital_sign() -> None:
    values = [0.9] * 30 + [0.9] * 10 + [0.1] * 2 + [0.9] * 18
    assert vital_signs.examine(*open_eyes(values, (LOOK, BLINK))).verdict is Verdict.DOUBTS
    assert vital_signs.examine(*open_eyes(values, (LOOK, SMILE))).verdict is Verdict.SUPPORTS


@pytest.mark.parametrize(
    "values",
    [
        [0.9] * 20 + [0.1] * 20,  # closed and never opened: a swap to a picture with closed eyes
        [0.1] * 20 + [0.9] * 20,  # never seen open before
        [0.9] * 20 + [0.5] * 3 + [0.9] * 20,  # not closed
        [0.9] * 20 + [0.1] * 15 + [0.9] * 20,  # too long for a blink
    ],
)
def test_what_is_no_blink(values: list[float]) -> None:
    finding = vital_signs.examine(*open_eyes(values))
    assert finding.figures["blinks"] == 0
    assert PadReason.NO_VITAL_SIGNS in finding.reasons


def test_a_gap_in_the_frames_hides_a_swap_that_looks_like_a_blink() -> None:
    recording, measures = open_eyes([0.9] * 10 + [0.1] * 2 + [0.9] * 10)
    kept = measures[:5] + measures[11:]
    assert vital_signs.examine(recording, kept).figures["blinks"] == 0


def test_eyes_that_stay_closed_need_a_look_even_with_a_pulse(
    people: list[tuple[Pixels, NDArray[np.float64]]],
) -> None:
    recording, measures, _ = presented(people[0], Clip(rate=9, seconds=9), 0.01, np.random.default_rng(4))
    asleep = [type(f)(f.at, f.step, f.points, 0, 0, 0, 0.05, 0.8, 0, 150) for f in measures]
    finding = vital_signs.examine(recording, asleep)
    assert finding.verdict is Verdict.DOUBTS
    assert finding.reasons == (PadReason.EYES_CLOSED,)
    assert finding.figures["pulse_evidence"] > vital_signs.PULSE_EVIDENCE


def test_nothing_measured_is_nothing_alive() -> None:
    recording, _ = open_eyes([0.9] * 10)
    assert vital_signs.examine(recording, []).reasons == (PadReason.NO_VITAL_SIGNS,)


def test_uneven_times_give_the_rate_that_they_have() -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.uniform(0, 12, 140))
    wave = 0.005 * np.sin(2 * np.pi * 1.2 * times)
    colours = 120 * (1 + wave[:, np.newaxis] * [0.4, 1, 0.7])
    found = find_pulse(*resampled(times.tolist(), colours))
    assert found is not None
    assert found.rate == pytest.approx(72, abs=2)
    assert found.evidence > 1.5 * vital_signs.PULSE_EVIDENCE


def test_no_colour_is_no_pulse() -> None:
    assert find_pulse(10.0, np.zeros((100, 3))) is None
    assert find_pulse(10.0, np.full((100, 3), 90.0)) is None
    assert find_pulse(10.0, np.full((5, 3), 90.0)) is None
    assert skin_colour(np.zeros((96, 96, 3), np.uint8), np.zeros((68, 2))) is None

"""Signs of duress: faces that are covered, on real pictures, and second faces. Neither is ever support or refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from tools.pad.covers import COVERS, Mirror

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.pad import URGENT, PadReason, Verdict
from facekeep.domain.sample import BiometricSample, BoundingBox
from facekeep.face.models import ModelPack
from facekeep.face.pad import duress
from facekeep.face.pad.duress import COVERED_FROM, FRAMES_MIN
from facekeep.face.pad.measures import FrameMeasures

Sample = Callable[[str], BiometricSample]
LOOK, TURN = Step(StepKind.LOOK, 12), Step(StepKind.TURN_LEFT, 8)


@pytest.fixture(scope="module")
def mirror(pack: ModelPack) -> Mirror:
    return Mirror(pack)


@pytest.mark.parametrize("name", ["astronaut.png", "biden.jpg", "obama.jpg"])
def test_a_bare_face_is_not_taken_for_covered(mirror: Mirror, sample_of: Sample, name: str) -> None:
    finding = mirror.heard(sample_of(name).pixels, np.random.default_rng(5))
    assert finding is not None
    assert (finding.verdict, finding.reasons) == (Verdict.SILENT, ())
    assert finding.figures["disagreement"] < 0.75 * COVERED_FROM


@pytest.mark.parametrize("cover", COVERS)
def test_what_lies_over_nose_and_mouth_is_for_a_person_to_look_at(
    mirror: Mirror, sample_of: Sample, cover: str
) -> None:
    random = np.random.default_rng(3)
    finding = mirror.heard(mirror.covered(sample_of("obama.jpg").pixels, cover, random), random)
    assert finding is not None
    assert (finding.verdict, finding.reasons) == (Verdict.DOUBTS, (PadReason.HAND_OVER_FACE,))
    assert set(finding.reasons) <= URGENT


def tried(
    apart: list[float], *, yaw: float = 0.0, steps: tuple[Step, ...] = (LOOK,)
) -> tuple[Recording, list[FrameMeasures]]:
    """Frames in a row, spread evenly over the steps, whose points disagree as told."""
    box, face = BoundingBox(16, 16, 64, 64), np.zeros((96, 96, 3), np.uint8)
    of = [place * len(steps) // len(apart) for place in range(len(apart))]
    frames = tuple(RecordedFrame(at / 10, step, face, box, None, box, 640, 480) for at, step in enumerate(of))
    measures = [
        FrameMeasures(at / 10, step, np.zeros((68, 2)), yaw, 0, 0, 0.9, 0.8, 0, 64, figure)
        for at, (step, figure) in enumerate(zip(of, apart, strict=True))
    ]
    return Recording(steps, frames), measures


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        ([COVERED_FROM] * FRAMES_MIN, True),
        ([COVERED_FROM] * (FRAMES_MIN - 1), False),
        ([0.09] * 10 + [0.005] * 10, True),
        ([0.09] * 9 + [0.005] * 11, False),  # a hand that passes by
    ],
)
def test_half_of_the_frames_have_to_be_covered(apart: list[float], said: bool) -> None:
    finding = duress.examine(*tried(apart))
    assert (PadReason.HAND_OVER_FACE in finding.reasons) is said
    assert finding.verdict is (Verdict.DOUBTS if said else Verdict.SILENT)
    assert finding.figures["looked"] == len(apart)


def test_nothing_is_said_of_a_face_that_is_turned_or_asked_for_something_else() -> None:
    assert duress.examine(*tried([0.09] * 20, yaw=25.0)).verdict is Verdict.SILENT
    finding = duress.examine(*tried([0.005] * 20 + [0.09] * 20, steps=(LOOK, TURN)))
    assert finding.verdict is Verdict.SILENT
    assert finding.figures["looked"] == 20
    assert duress.examine(*tried([0.09] * 20, steps=(TURN,))).verdict is Verdict.SILENT


@pytest.mark.parametrize(("times", "said"), [((), False), ((0.4,), False), ((0.4, 0.5), True), ((0.1, 0.2, 3.0), True)])
def test_a_second_face_is_told_from_the_second_sighting(times: tuple[float, ...], said: bool) -> None:
    recording, measures = tried([0.005] * 20)
    finding = duress.examine(replace(recording, second_faces=times), measures)
    assert finding.reasons == ((PadReason.SECOND_FACE,) if said else ())
    assert finding.verdict is (Verdict.DOUBTS if said else Verdict.SILENT)
    assert finding.figures["second_faces"] == len(times)


def test_both_signs_are_told() -> None:
    recording, measures = tried([0.09] * 20)
    finding = duress.examine(replace(recording, second_faces=(0.1, 0.2)), measures)
    assert finding.reasons == (PadReason.SECOND_FACE, PadReason.HAND_OVER_FACE)

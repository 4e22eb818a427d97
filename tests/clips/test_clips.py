"""That clips do what they claim: measured by the models that the capture rests on, with the registries' pictures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekeep.domain.capture import ACTIVE_STEPS, Step, StepKind
from facekeep.domain.quality import PROBE, MeasureName
from facekeep.domain.sample import BiometricSample
from facekeep.errors import FrameTooWideError
from facekeep.face.models import ModelPack
from facekeep.face.pad.gate import FrameGate
from facekeep.face.quality import QualityAssessor
from tests.clips.attacks import KINDS, Attacker, printed, side_by_side
from tests.clips.head import Head, Pose, compose, room
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.plane import Plane
from tests.clips.portrait import SCALE
from tests.clips.recording import RATE, Page, acts, shine, whole_view
from tests.clips.script import CYCLE, FAR, NEAR, REST, Act, Timeline
from tests.clips.sensor import Sensor

PEOPLE = ("astronaut", "biden")
STEPS = (Step(StepKind.LOOK, 12), Step(StepKind.TURN_LEFT, 8), Step(StepKind.NOD, 8))


@pytest.fixture(scope="module")
def cast(pictures: Path, pack: ModelPack) -> Cast:
    return Cast(pictures, pack)


class Meter:
    """Measures a picture of one face."""

    def __init__(self, cast: Cast, pack: ModelPack) -> None:
        self._cast, self._assessor = cast, QualityAssessor.build(pack)

    def of(self, head: Head, pose: Pose) -> dict[MeasureName, float]:
        return self.measured(np.asarray(np.clip(compose(room(1), head.layer(pose)), 0, 255), np.uint8))

    def measured(self, picture: NDArray[np.uint8]) -> dict[MeasureName, float]:
        sample = BiometricSample(np.ascontiguousarray(picture))
        faces = self._cast.finder.detector.detect(sample)
        assert len(faces) == 1
        report = self._assessor.assess(sample, faces[0], faces, PROBE)
        return {measure.name: measure.value for measure in report.measures}

    def mouth(self, head: Head, pose: Pose) -> float:
        picture = np.asarray(np.clip(compose(room(1), head.layer(pose)), 0, 255), np.uint8)
        points = self._cast.finder.portrait(BiometricSample(np.ascontiguousarray(picture))).points
        return float(np.linalg.norm(points[48] - points[54]))


@pytest.fixture(scope="module")
def meter(cast: Cast, pack: ModelPack) -> Meter:
    return Meter(cast, pack)


@pytest.mark.parametrize("person", PEOPLE)
def test_a_head_turns_where_it_is_asked_to(cast: Cast, meter: Meter, person: str) -> None:
    head = cast.head(person)
    still = meter.of(head, REST)
    for yaw in (-28.0, -15.0, 15.0, 28.0):
        turned = meter.of(head, replace(REST, yaw=yaw))[MeasureName.YAW] - still[MeasureName.YAW]
        assert 0.6 * abs(yaw) < turned * np.sign(yaw) < 1.6 * abs(yaw)
    # The meter's points know little of faces that look down: of 20 degrees it sees 2 to 12.
    down, up = (meter.of(head, replace(REST, pitch=pitch))[MeasureName.PITCH] for pitch in (16, -16))
    assert up + 5 < still[MeasureName.PITCH] < down - 2
    assert meter.of(head, replace(REST, roll=12))[MeasureName.ROLL] == pytest.approx(
        still[MeasureName.ROLL] + 12, abs=3
    )


@pytest.mark.parametrize("person", PEOPLE)
def test_lids_close_mouths_widen_and_faces_come_closer(cast: Cast, meter: Meter, person: str) -> None:
    head = cast.head(person)
    still = meter.of(head, REST)
    assert still[MeasureName.EYES_OPEN] > 0.8
    assert meter.of(head, replace(REST, lids=1))[MeasureName.EYES_OPEN] < 0.2
    assert meter.mouth(head, replace(REST, smile=1)) > meter.mouth(head, REST) + 0.08
    near = meter.of(head, replace(REST, distance=NEAR))[MeasureName.INTER_EYE_DISTANCE]
    assert near / still[MeasureName.INTER_EYE_DISTANCE] == pytest.approx(FAR / NEAR, rel=0.08)


def test_a_nose_moves_against_the_eyes_on_a_head_and_not_on_a_sheet(cast: Cast) -> None:
    """The homography through four points of a sheet fits the fifth, and that through a head's does not."""
    places = np.array([[-0.5, 0, 0], [0.5, 0, 0], [-0.4, 1, 0], [0.4, 1, 0], [0, 0.6, 0]], np.float64)
    standing_out = places + np.array([[0, 0, 1.2], [0, 0, 1.2], [0, 0, 1.4], [0, 0, 1.4], [0, 0, 2.0]])
    head, sheet = cast.head("astronaut"), Plane(4, 5, (2, 2))
    turned = replace(REST, yaw=25)

    def residual(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
        moved = cv2.getPerspectiveTransform(before[:4].astype(np.float32), after[:4].astype(np.float32))
        expected = cv2.perspectiveTransform(before[np.newaxis, 4:].astype(np.float32), moved)[0, 0]
        return float(np.linalg.norm(expected - after[4]) / np.linalg.norm(after[1] - after[0]))

    assert residual(sheet.project(places[:, :2], REST), sheet.project(places[:, :2], turned)) < 1e-3
    assert residual(head.project(standing_out, REST), head.project(standing_out, turned)) > 0.15


def test_what_is_printed_is_seen_where_the_sheet_is(cast: Cast) -> None:
    picture, origin = printed(cast.portrait("astronaut"))
    sheet = Plane(picture.shape[1] / SCALE, picture.shape[0] / SCALE, origin)
    pose = Pose(yaw=20, pitch=-10, roll=8, distance=FAR)
    _, maps = sheet.layer(picture, pose)
    for x, y in ((0.0, 0.0), (-0.5, 0.8), (0.9, -0.9)):
        seen_x, seen_y = np.rint(sheet.project(np.array([[x, y]]), pose)[0]).astype(int)
        found = maps[:, seen_y, seen_x] / SCALE - origin
        assert np.allclose(found, (x, y), atol=0.03)


def test_any_eight_seconds_of_the_cycle_hold_every_step_whole() -> None:
    period = Timeline(CYCLE).seconds
    assert period == pytest.approx(6.6)
    ends = list(itertools.accumulate(act.seconds for act in (*CYCLE, *CYCLE, *CYCLE)))
    spans = [(end - act.seconds, end, act.kind) for end, act in zip(ends, CYCLE * 3, strict=True)]
    for start in np.arange(0, period, 0.05):
        assert {kind for begun, end, kind in spans if begun >= start and end <= start + 8} >= ACTIVE_STEPS


def test_the_same_seed_makes_the_same_clip_and_no_frame_is_like_another(cast: Cast) -> None:
    def frames(seed: int) -> list[bytes]:
        clip = played(cast.head("astronaut"), Timeline([Act(None, 0.5)]), seed=seed, rate=RATE)
        return [frame.picture.tobytes() for frame in clip]

    first = frames(1)
    assert first == frames(1)
    assert first != frames(2)
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("alive", [True, False])
def test_blood_runs_in_living_skin_at_72_beats(cast: Cast, alive: bool) -> None:
    head = cast.head("astronaut")
    layer = head.layer(REST)  # the same at all times: what remains is the sensor
    skin = layer.skin > 0.9
    sensor, behind = Sensor(3), room(1)
    rate, seconds = 6, 10
    green = []
    for number in range(rate * seconds):
        shot = sensor.take(number / rate, behind, (layer,), alive=alive).astype(np.float64)
        # By what the wall shows, the drift of the exposure falls out.
        green.append(shot[..., 1][skin].mean() / shot[:100, :, 1].mean())
    wave = np.array(green) / np.mean(green) - 1
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    beats = np.fft.rfftfreq(len(wave), 1 / rate) * 60
    heard = (beats >= 42) & (beats <= 180)
    highest = beats[heard][np.argmax(power[heard])]
    share = power[np.abs(beats - 72) <= 9].sum() / power[heard].sum()
    assert bool(abs(highest - 72) <= 6 and share > 0.7) is alive


@pytest.fixture(scope="module")
def attacker(cast: Cast) -> Iterator[Attacker]:
    return Attacker(cast.head("astronaut"), cast.portrait("astronaut"), cast.head("biden"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_attack_shows_one_face_at_a_time(cast: Cast, attacker: Attacker, kind: str) -> None:
    done = [Act(StepKind.LOOK, 1.0), Act(StepKind.TURN_LEFT, 1.4, 0.2), Act(StepKind.NOD, 1.4, 0.2)]
    frames = list(KINDS[kind](attacker, done, 1, 2.0, None))
    assert [frame.act for frame in frames] == sorted(frame.act for frame in frames)
    for frame in frames:
        assert len(cast.finder.detector.detect(BiometricSample(np.ascontiguousarray(frame.picture)))) == 1


def test_a_recording_follows_its_steps_and_passes_the_gate(cast: Cast, pack: ModelPack, meter: Meter) -> None:
    steps = STEPS[:2]
    done = [Act(StepKind.LOOK, 0.6), *acts(steps, 1)[1:]]
    frames = played(cast.head("biden"), Timeline(done), seed=1, rate=RATE, light=shine(steps, done))
    recording = Page(pack).recording(frames, steps)
    assert len(recording.frames) == 30
    assert {frame.step for frame in recording.frames} == {0, 1}
    assert sum(frame.thumbnail is not None for frame in recording.frames) == 8
    turned = max(recording.frames, key=lambda frame: meter.measured(frame.face)[MeasureName.YAW])
    assert turned.step == 1


def test_the_gate_refuses_the_whole_view_and_two_faces(attacker: Attacker, pack: ModelPack) -> None:
    gate = FrameGate.build(pack)
    (frame,) = played(attacker.head, Timeline([Act(None, 0.1)]), seed=1, rate=RATE)
    with pytest.raises(FrameTooWideError, match="fills too little"):
        gate.admit([whole_view(frame.picture)])
    with pytest.raises(FrameTooWideError, match="fills too little"):
        gate.admit([whole_view(side_by_side(attacker, 1))])

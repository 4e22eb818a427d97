"""The light detector on real pictures, beside the detector that recognition uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from facekeep.domain.sample import BiometricSample, BoundingBox
from facekeep.errors import ModelError
from facekeep.face.detection import AdaptiveDetector
from facekeep.face.light_detection import LightDetector
from facekeep.face.model_spec import ModelRole, OutputForm
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session
from tests.unit.face.graphs import constant_model

Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def light(pack: ModelPack) -> LightDetector:
    return LightDetector.build(pack)


def overlap(first: BoundingBox, second: BoundingBox) -> float:
    width = min(first.left + first.width, second.left + second.width) - max(first.left, second.left)
    height = min(first.top + first.height, second.top + second.height) - max(first.top, second.top)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (first.width * first.height + second.width * second.height - shared)


@pytest.mark.parametrize("name", ["astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"])
def test_it_finds_the_face_where_the_other_detector_does(
    light: LightDetector, pack: ModelPack, sample_of: Sample, name: str
) -> None:
    sample = sample_of(name)
    found = light.detect(sample.pixels)
    best = AdaptiveDetector(pack.open("centerface", threads=1)).detect(sample)[0]
    assert len(found) == 1
    assert overlap(found[0].box, best.box) > 0.6
    assert found[0].confidence > 0.99


def test_two_faces_are_two(light: LightDetector, sample_of: Sample) -> None:
    pixels = sample_of("obama.jpg").pixels
    both = light.detect(np.hstack([pixels, pixels]))
    assert len(both) == 2
    assert abs(both[0].box.centre[0] - both[1].box.centre[0]) == pytest.approx(pixels.shape[1], rel=0.05)


def test_no_face_is_none(light: LightDetector) -> None:
    assert light.detect(np.full((240, 320, 3), 128, np.uint8)) == ()


def test_a_model_of_another_role_is_refused(pack: ModelPack) -> None:
    with pytest.raises(ModelError):
        LightDetector(pack.open("fr_eye", threads=1))


def _session(pack: ModelPack, scores: np.ndarray, boxes: np.ndarray) -> Session:
    spec = pack.spec("fr_detect")
    assert spec.role is ModelRole.LIGHT_DETECTOR
    assert spec.output.form is OutputForm.ULTRA_LIGHT
    data = constant_model(
        {"scores": scores.astype(np.float32), "boxes": boxes.astype(np.float32)}, shape=(1, 3, 240, 320)
    )
    return Session(spec, data, threads=1)


def test_overlaps_go_and_what_is_not_finite_goes(pack: ModelPack) -> None:
    scores = np.array([[[0, 0.8], [0, 0.99], [0, 0.95], [0, 0.99], [0, 0.2], [0, 0.9]]])
    boxes = np.array(
        [
            [
                [0.1, 0.1, 0.3, 0.3],
                [0.11, 0.1, 0.31, 0.3],
                [0.6, 0.6, 0.9, 0.9],
                [0.1, np.nan, 0.3, 0.3],
                [0, 0, 1, 1],
                [0.5, 0.5, 0.4, 0.6],
            ]
        ]
    )
    found = LightDetector(_session(pack, scores, boxes)).detect(np.zeros((100, 200, 3), np.uint8))
    assert [round(face.confidence, 2) for face in found] == [0.99, 0.95]
    assert found[0].box.left == pytest.approx(22)
    assert found[1].box.height == pytest.approx(30)


def test_outputs_of_another_form_are_refused(pack: ModelPack) -> None:
    wrong = LightDetector(_session(pack, np.zeros((1, 4, 2)), np.zeros((1, 3, 4))))
    with pytest.raises(ModelError):
        wrong.detect(np.zeros((10, 10, 3), np.uint8))

"""The whole way from a picture to templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.sample import BiometricSample, BoundingBox, DetectedFace, Landmarks
from facekeep.errors import ModelError
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline, PipelineSettings, subject_of

SampleOf = Callable[[str], BiometricSample]

OBAMA = ("obama.jpg", "obama2.jpg", "obama3.jpg", "32bit.png", "obama_partial_face.jpg", "obama_partial_face2.jpg")
BLANK = BiometricSample(np.full((300, 200, 3), 127, np.uint8))


def test_one_person_is_like_himself_and_unlike_others(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    names = [*OBAMA, "biden.jpg", "astronaut.png"]
    acquired = pipeline.extract_many(sample_of(name) for name in names)
    vectors = np.stack([one.template.vector for one in acquired if one is not None])
    cosines = vectors @ vectors.T
    same = cosines[:6, :6]
    # The thresholds of FMR 1e-5 and 1e-3 (docs/model-cards/fr_feature.md).
    assert same.min() > 0.479
    assert cosines[:6, 6:].max() < 0.336
    assert cosines[6, 7] < 0.336


def test_where_no_face_is_there_is_no_template(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    assert pipeline.templates(BLANK) == ()
    assert pipeline.acquire(BLANK) is None
    found = pipeline.extract_many([BLANK, sample_of("obama.jpg"), BLANK, sample_of("biden.jpg")])
    assert [one is None for one in found] == [True, False, True, False]
    assert pipeline.extract_many([]) == ()


def test_every_face_has_its_template(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    one, two = sample_of("astronaut.png").pixels, sample_of("obama.jpg").pixels[:512, 200:712]
    both = BiometricSample(np.ascontiguousarray(np.concatenate([one, two], axis=1)))
    templates = pipeline.templates(both)
    faces = pipeline.detect(both)
    assert len(templates) == len(faces) == 2
    alone = pipeline.acquire(sample_of("astronaut.png"))
    assert alone is not None
    likeness = [float(t.vector @ alone.template.vector) for t in templates]
    assert [value > 0.8 for value in likeness] == [face.box.centre[0] < 512 for face in faces]


def test_samples_are_taken_one_at_a_time(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    def once() -> Iterator[BiometricSample]:
        yield sample_of("biden.jpg")

    (acquired,) = pipeline.extract_many(once())
    assert acquired is not None
    assert acquired.face in acquired.faces


def _face(left: float, top: float, side: float) -> DetectedFace:
    return DetectedFace(BoundingBox(left, top, side, side), Landmarks(np.zeros((5, 2), np.float32)), 0.9)


def test_the_subject_is_large_and_near_the_middle() -> None:
    central, aside, large = _face(80, 80, 40), _face(0, 0, 40), _face(20, 10, 170)
    assert subject_of(BLANK, []) is None
    assert subject_of(BLANK, [aside, central]) is central
    assert subject_of(BLANK, [central, aside]) is central
    assert subject_of(BLANK, [_face(150, 100, 30), large]) is large


def test_models_of_other_roles_are_refused(pack: ModelPack) -> None:
    with pytest.raises(ModelError):
        FacePipeline.build(pack, PipelineSettings(detector="fr_feature", threads=1))
    with pytest.raises(ModelError):
        FacePipeline.build(pack, PipelineSettings(embedding="fr_eye", threads=1))
    with pytest.raises(ModelError):
        FacePipeline.build(pack, PipelineSettings(embedding="absent", threads=1))


@pytest.mark.extended
def test_a_smile_changes_nobody(pipeline: FacePipeline, data: Path) -> None:
    people = sorted((data / "london" / "people").iterdir())
    vectors = {}
    for expression in ("neutral", "smiling"):
        samples = (decode((person / f"{expression}.jpg").read_bytes()) for person in people)
        acquired = pipeline.extract_many(samples)
        vectors[expression] = np.stack([one.template.vector for one in acquired if one is not None])
        assert len(vectors[expression]) == 62
    cosines = vectors["neutral"] @ vectors["smiling"].T
    assert (cosines.argmax(axis=0) == np.arange(62)).all()
    assert np.diag(cosines).min() > 0.7

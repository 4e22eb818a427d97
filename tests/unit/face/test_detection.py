"""Detection on real pictures and on pictures that are hard by their shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.sample import BiometricSample, DetectedFace
from facekeep.errors import ModelError
from facekeep.face.detection import AdaptiveDetector, DetectionSettings
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session
from tests.unit.face.graphs import constant_model, detector_entry, write_pack

SampleOf = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def session(pack: ModelPack) -> Session:
    return pack.open("centerface", threads=1)


@pytest.fixture(scope="module")
def detector(session: Session) -> AdaptiveDetector:
    return AdaptiveDetector(session)


class Recorder:
    """A loaded model that notes the sizes it is run at."""

    def __init__(self, session: Session) -> None:
        self.spec, self._session = session.spec, session
        self.long_sides: list[int] = []

    def run(self, tensor: np.ndarray) -> object:
        self.long_sides.append(max(tensor.shape[2:]))
        return self._session.run(tensor)


def _resized(sample: BiometricSample, width: int, height: int) -> BiometricSample:
    return BiometricSample(np.asarray(cv2.resize(sample.pixels, (width, height), interpolation=cv2.INTER_AREA)))


def _inter_over_union(one: DetectedFace, two: DetectedFace) -> float:
    a, b = one.box, two.box
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    shared = max(0.0, width) * max(0.0, height)
    return shared / (a.width * a.height + b.width * b.height - shared)


@pytest.mark.parametrize(
    ("name", "left_eye", "right_eye"),
    [("astronaut.png", (204, 102), (246, 103)), ("obama.jpg", (443, 213), (549, 211))],  # pupils, read off by eye
)
def test_eyes_are_found_where_they_are(
    detector: AdaptiveDetector, sample_of: SampleOf, name: str, left_eye: tuple[int, int], right_eye: tuple[int, int]
) -> None:
    (face,) = detector.detect(sample_of(name))
    eyes = face.landmarks.points[:2]
    assert np.linalg.norm(eyes - [left_eye, right_eye], axis=1).max() < 0.10 * face.landmarks.inter_eye_distance
    nose, mouth = face.landmarks.points[2], face.landmarks.points[3:]
    assert eyes[:, 1].max() < nose[1] < mouth[:, 1].min()
    assert mouth[0, 0] < nose[0] < mouth[1, 0]
    left, top = face.box.left, face.box.top
    assert (face.landmarks.points > [left, top]).all()
    assert (face.landmarks.points < [left + face.box.width, top + face.box.height]).all()
    assert 0.8 < face.confidence <= 1


@pytest.mark.parametrize("name", ["astronaut.png", "obama.jpg", "obama3.jpg", "biden.jpg", "obama_partial_face.jpg"])
def test_small_first_finds_what_full_size_finds(session: Session, sample_of: SampleOf, name: str) -> None:
    sample = sample_of(name)
    (small,) = AdaptiveDetector(session).detect(sample)
    (full,) = AdaptiveDetector(session, DetectionSettings(first_side=1024)).detect(sample)
    assert _inter_over_union(small, full) > 0.8
    apart = np.linalg.norm(small.landmarks.points - full.landmarks.points, axis=1)
    assert apart.max() < 0.12 * full.landmarks.inter_eye_distance


def test_a_selfie_is_searched_once_and_small(session: Session, sample_of: SampleOf) -> None:
    recorder = Recorder(session)
    assert AdaptiveDetector(recorder).detect(sample_of("obama.jpg"))  # type: ignore[arg-type]
    assert recorder.long_sides == [256]


def test_a_small_face_is_searched_larger(session: Session, sample_of: SampleOf) -> None:
    # The face of 40 pixels between the eyes in a picture of 2048: 5 pixels at first, too few for good points.
    canvas = np.full((1400, 2048, 3), 90, np.uint8)
    canvas[700:1212, 1500:2012] = sample_of("astronaut.png").pixels
    recorder = Recorder(session)
    (face,) = AdaptiveDetector(recorder).detect(BiometricSample(canvas))  # type: ignore[arg-type]
    (alone,) = AdaptiveDetector(session).detect(sample_of("astronaut.png"))
    assert recorder.long_sides[0] == 256
    assert 1 < len(recorder.long_sides) <= 4
    assert recorder.long_sides[-1] <= 1280
    apart = np.linalg.norm(face.landmarks.points - [1500, 700] - alone.landmarks.points, axis=1)
    assert apart.max() < 0.15 * alone.landmarks.inter_eye_distance


def test_the_bound_is_kept_when_there_is_no_face(session: Session) -> None:
    recorder = Recorder(session)
    noise = np.random.default_rng(1).integers(0, 255, (900, 3000, 3), np.uint8)
    settings = DetectionSettings(first_side=96, largest_side=300)
    assert AdaptiveDetector(recorder, settings).detect(BiometricSample(noise)) == ()  # type: ignore[arg-type]
    assert recorder.long_sides == [96, 192, 320]  # 300 filled up to a multiple of 32


def test_two_people_are_two_faces_and_the_best_comes_first(detector: AdaptiveDetector, sample_of: SampleOf) -> None:
    both = np.zeros((600, 1024, 3), np.uint8)
    both[:512, :512] = sample_of("astronaut.png").pixels
    both[:512, 512:] = _resized(sample_of("obama.jpg"), 512, 512).pixels
    faces = detector.detect(BiometricSample(both))
    assert len(faces) == 2
    assert {face.box.centre[0] < 512 for face in faces} == {True, False}
    assert faces[0].confidence >= faces[1].confidence


@pytest.mark.parametrize("cut", ["left", "right", "top"])
def test_a_face_at_the_border_is_found(detector: AdaptiveDetector, sample_of: SampleOf, cut: str) -> None:
    pixels = sample_of("astronaut.png").pixels
    part = {"left": pixels[:, 205:], "right": pixels[:, :245], "top": pixels[90:]}[cut]
    assert detector.detect(BiometricSample(np.ascontiguousarray(part)))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3), (31, 33), (40, 40_000), (1, 70_000)])
def test_odd_shapes_are_searched_without_a_face(session: Session, shape: tuple[int, int]) -> None:
    settings = DetectionSettings(largest_side=512)
    assert AdaptiveDetector(session, settings).detect(BiometricSample(np.full((*shape, 3), 128, np.uint8))) == ()


def test_a_thumbnail_is_enough(detector: AdaptiveDetector, sample_of: SampleOf) -> None:
    (face,) = detector.detect(_resized(sample_of("astronaut.png"), 96, 96))
    assert 5 < face.landmarks.inter_eye_distance < 11


@settings(max_examples=15, deadline=None)
@given(width=st.integers(150, 700), height=st.integers(150, 700))
def test_coordinates_follow_the_size_of_the_picture(
    detector: AdaptiveDetector, sample_of: SampleOf, width: int, height: int
) -> None:
    # Stretched within reason: a face is still a face.
    if not 0.7 < width / height < 1.4:
        return
    whole = sample_of("astronaut.png")
    (reference,) = detector.detect(whole)
    (face,) = detector.detect(_resized(whole, width, height))
    back = face.landmarks.points * [whole.width / width, whole.height / height]
    distance = reference.landmarks.inter_eye_distance
    assert np.linalg.norm(back - reference.landmarks.points, axis=1).max() < 0.2 * distance


def test_detection_repeats(detector: AdaptiveDetector, sample_of: SampleOf) -> None:
    first, second = (detector.detect(sample_of("obama3.jpg")) for _ in range(2))
    assert [f.box for f in first] == [f.box for f in second]


def _constant_detector(folder: Path, boxes: list[list[float]], scores: list[float]) -> AdaptiveDetector:
    points = [[left + 2, top + 2] * 5 for left, top, _, _ in boxes]
    data = constant_model(
        {
            "boxes": np.array(boxes, np.float32).reshape(-1, 4),
            "scores": np.array(scores, np.float32),
            "points": np.array(points, np.float32).reshape(-1, 10),
        }
    )
    pack = ModelPack.load(extra=[write_pack(folder, detector_entry(data), data)])
    return AdaptiveDetector(pack.open("other_detector", threads=1))


def test_a_detector_of_the_operator_runs(tmp_path: Path) -> None:
    boxes = [[0, 0, 10, 10], [1, 1, 10, 10], [30, 30, 60, 50], [40, 0, 50, 9], [20, 20, 10, 30]]
    detector = _constant_detector(tmp_path, boxes, [0.7, 0.9, 0.95, 0.2, 0.9])
    faces = detector.detect(BiometricSample(np.zeros((128, 64, 3), np.uint8)))
    # 128 rows into 64: everything twice as large; overlapping, unsure and inside-out boxes are gone.
    assert [(f.box.left, f.box.top, f.box.width, f.box.height) for f in faces] == [(60, 60, 60, 40), (2, 2, 18, 18)]
    assert [round(face.confidence, 3) for face in faces] == [0.95, 0.9]
    assert faces[1].landmarks.points[0].tolist() == [6, 6]


def test_equal_scores_keep_the_first(tmp_path: Path) -> None:
    detector = _constant_detector(tmp_path, [[5, 5, 20, 20], [6, 5, 21, 20]], [0.9, 0.9])
    (face,) = detector.detect(BiometricSample(np.zeros((64, 64, 3), np.uint8)))
    assert face.box.left == 5


def test_values_that_are_not_finite_are_no_faces(tmp_path: Path) -> None:
    boxes = [[float("nan"), 0, 10, 10], [0, 0, float("inf"), 10], [0, 0, 10, 10]]
    detector = _constant_detector(tmp_path, boxes, [0.9, 0.9, float("nan")])
    assert detector.detect(BiometricSample(np.zeros((64, 64, 3), np.uint8))) == ()


def test_outputs_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    two = {"boxes": np.ones((2, 4), np.float32), "scores": np.ones(2, np.float32)}
    data = constant_model(two | {"points": np.ones((2, 8), np.float32)})
    pack = ModelPack.load(extra=[write_pack(tmp_path, detector_entry(data), data)])
    with pytest.raises(ModelError, match="k×10"):
        AdaptiveDetector(pack.open("other_detector", threads=1)).detect(BiometricSample(np.zeros((8, 8, 3), np.uint8)))


def test_an_embedding_is_no_detector(pack: ModelPack) -> None:
    with pytest.raises(ModelError, match="no detector"):
        AdaptiveDetector(pack.open("fr_feature", threads=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"first_side": 16},
        {"first_side": 2000},
        {"largest_side": 5000},
        {"confidence": 0},
        {"overlap": 1},
        {"eye_distance": -1},
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"pixels|between"):
        DetectionSettings(**changes)  # type: ignore[arg-type]

"""Quality measured on real pictures that registries carry, and on what was done to them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.quality import ENROLMENT, PROBE, MeasureName, QualityPolicy, QualityReport
from facekeep.domain.sample import BiometricSample, BoundingBox, DetectedFace, Landmarks, Pixels
from facekeep.errors import ModelError
from facekeep.face.detection import AdaptiveDetector
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import subject_of
from facekeep.face.quality import QualityAssessor

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / ".cache" / "pictures"
ACCEPTED = ("astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg")
Bench = Callable[..., QualityReport]


@pytest.fixture(scope="module")
def pack() -> ModelPack:
    return ModelPack.load()


@pytest.fixture(scope="module")
def assessor(pack: ModelPack) -> QualityAssessor:
    return QualityAssessor.build(pack)


@pytest.fixture(scope="module")
def detector(pack: ModelPack) -> AdaptiveDetector:
    return AdaptiveDetector(pack.open("centerface", threads=1))


@pytest.fixture(scope="module")
def judge(assessor: QualityAssessor, detector: AdaptiveDetector) -> Bench:
    def run(pixels: Pixels, policy: QualityPolicy = ENROLMENT) -> QualityReport:
        sample = BiometricSample(np.ascontiguousarray(pixels))
        faces = detector.detect(sample)
        return assessor.assess(sample, subject_of(sample, faces), faces, policy)

    return run


def picture(name: str) -> Pixels:
    path = PICTURES / name
    assert path.is_file(), "the pictures are missing: run python tools/pictures/fetch.py"
    return decode(path.read_bytes()).pixels


def value(report: QualityReport, name: MeasureName) -> float:
    measure = report.measure(name)
    assert measure is not None
    return measure.value


def blurred(pixels: Pixels, apart: float, part: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), part * apart), np.uint8)


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """Turned against the clock."""
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
    return np.asarray(cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("name", ACCEPTED)
def test_good_pictures_are_accepted_with_every_measure(judge: Bench, name: str) -> None:
    report = judge(picture(name))
    assert report.rejections == ()
    assert {measure.name for measure in report.measures} == set(MeasureName)
    assert judge(picture(name), PROBE).passed


@pytest.mark.parametrize("name", ["astronaut.png", "biden.jpg", "obama.jpg"])
def test_blur_in_the_scale_of_the_face_is_rejected(judge: Bench, name: str) -> None:
    apart = value(judge(picture(name)), MeasureName.INTER_EYE_DISTANCE)
    figures = [value(judge(blurred(picture(name), apart, part)), MeasureName.SHARPNESS) for part in (0.02, 0.05, 0.1)]
    assert figures == sorted(figures, reverse=True)
    assert "sharpness" in judge(blurred(picture(name), apart, 0.06)).reasons
    assert "sharpness" in judge(blurred(picture(name), apart, 0.1), PROBE).reasons


@pytest.mark.parametrize("name", ["astronaut.png", "obama.jpg", "biden.jpg"])
def test_sharpness_does_not_follow_size_or_contrast(judge: Bench, name: str) -> None:
    pixels = picture(name)
    first = value(judge(pixels), MeasureName.SHARPNESS)
    doubled = value(judge(np.asarray(cv2.resize(pixels, None, fx=1.5, fy=1.5), np.uint8)), MeasureName.SHARPNESS)
    flat = value(judge((pixels * 0.5 + 64).astype(np.uint8)), MeasureName.SHARPNESS)
    assert doubled == pytest.approx(first, rel=0.2)
    assert flat == pytest.approx(first, rel=0.1)


@pytest.mark.parametrize("name", ["astronaut.png", "obama.jpg", "obama3.jpg"])
def test_exposure_is_rejected_with_the_right_reason(judge: Bench, name: str) -> None:
    pixels = picture(name).astype(np.float32)
    dark = judge((pixels * 0.15).astype(np.uint8))
    assert {"luminance mean", "under-exposure prevention"} <= set(dark.reasons)
    assert any("too dark" in rejection.reason for rejection in dark.rejections)
    bright = judge(np.clip(pixels * 3 + 40, 0, 255).astype(np.uint8))
    assert {"luminance mean", "over-exposure prevention"} & set(bright.reasons)


def test_one_sided_light_is_rejected(judge: Bench) -> None:
    pixels = picture("obama.jpg").astype(np.float32)
    pixels[:, 455:] *= 0.25  # the face's middle
    assert "illumination uniformity" in judge(pixels.astype(np.uint8)).reasons


def test_small_faces_are_rejected(judge: Bench) -> None:
    small = np.asarray(cv2.resize(picture("obama.jpg"), None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA), np.uint8)
    assert judge(small).reasons == ("inter-eye distance",)
    assert judge(small, PROBE).passed
    tiny = np.asarray(cv2.resize(picture("obama.jpg"), None, fx=0.12, fy=0.12, interpolation=cv2.INTER_AREA), np.uint8)
    assert "inter-eye distance" in judge(tiny, PROBE).reasons


def test_a_second_face_is_rejected(judge: Bench) -> None:
    pixels = picture("obama.jpg")
    two = judge(np.hstack([pixels, pixels]))
    assert two.reasons == ("single face present",)
    assert value(two, MeasureName.FACE_COUNT) == 2
    bystander = pixels.copy()
    bystander[:284, :227] = cv2.resize(pixels, (227, 284), interpolation=cv2.INTER_AREA)
    small = judge(bystander)
    assert value(small, MeasureName.FACE_COUNT) == 2
    assert 0.1 < value(small, MeasureName.SINGLE_FACE) < 0.4
    assert small.passed


def test_no_face_is_a_value(judge: Bench) -> None:
    report = judge(np.full((200, 200, 3), 128, np.uint8))
    assert report.reasons == ("face count",)
    assert report.rejections[0].reason == "No face was found."
    assert not judge(np.full((200, 200, 3), 128, np.uint8), PROBE).passed


def test_a_cut_face_is_rejected(judge: Bench, detector: AdaptiveDetector) -> None:
    pixels = picture("obama.jpg")
    (face,) = detector.detect(BiometricSample(pixels))
    cut = judge(np.ascontiguousarray(pixels[: int(face.box.top + 0.8 * face.box.height)]))
    assert "crop of the face" in cut.reasons


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg", "astronaut.png"])
@pytest.mark.parametrize("degrees", [-20, -10, 10, 20])
def test_roll_follows_a_known_turn(judge: Bench, name: str, degrees: int) -> None:
    before, after = judge(turned(picture(name), 0)), judge(turned(picture(name), degrees))
    # Against the clock is towards the right shoulder, positive in ISO/IEC 39794-5.
    difference = value(after, MeasureName.ROLL) - value(before, MeasureName.ROLL)
    assert difference == pytest.approx(degrees, abs=2)
    for steady in (MeasureName.YAW, MeasureName.PITCH):
        assert value(after, steady) == pytest.approx(value(before, steady), abs=4)
    assert value(after, MeasureName.EYES_OPEN) > 0.9


def test_lying_heads_are_rejected(judge: Bench) -> None:
    assert "head pose roll" in judge(turned(picture("obama.jpg"), 45)).reasons


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_mirror_flips_yaw_and_roll_alone(judge: Bench, name: str) -> None:
    seen, mirrored = judge(picture(name)), judge(picture(name)[:, ::-1])
    for flipped in (MeasureName.YAW, MeasureName.ROLL):
        assert value(mirrored, flipped) == pytest.approx(-value(seen, flipped), abs=4)
    assert value(mirrored, MeasureName.PITCH) == pytest.approx(value(seen, MeasureName.PITCH), abs=5)
    apart = value(seen, MeasureName.INTER_EYE_DISTANCE)
    assert value(mirrored, MeasureName.INTER_EYE_DISTANCE) == pytest.approx(apart, rel=0.04)


def test_yaw_has_the_sign_of_the_standard(judge: Bench) -> None:
    """In obama2.jpg the nose points to the left of the picture, which is the subject's right: negative."""
    assert value(judge(picture("obama2.jpg")), MeasureName.YAW) < -8


@pytest.mark.parametrize(("across", "side"), [(0.9, "left"), (-0.9, "right")])
def test_a_profile_is_rejected(assessor: QualityAssessor, across: float, side: str) -> None:
    """From points alone, as no registry carries a profile: the nose tip far beside the line between the eyes."""
    points = np.array([[430, 300], [480, 300], [455 + 50 * across, 340], [435, 390], [475, 390]], np.float32)
    face = DetectedFace(BoundingBox(350, 200, 200, 280), Landmarks(points), 0.9)
    report = assessor.assess(BiometricSample(picture("obama.jpg")), face, [face], ENROLMENT)
    assert "head pose yaw" in report.reasons
    assert any(f"to its {side}" in rejection.reason for rejection in report.rejections)


def _with_lids(pixels: Pixels, face: DetectedFace, eyes: tuple[int, ...]) -> Pixels:
    """Paints the skin above over the eyes, and the line of the lashes below."""
    painted = pixels.copy()
    width = 0.45 * face.landmarks.inter_eye_distance
    for eye in eyes:
        x, y = (float(part) for part in face.landmarks.points[eye])
        above = painted[int(y - 0.45 * width) - 1 : int(y - 0.45 * width) + 2, int(x - width / 5) : int(x + width / 5)]
        skin = np.median(above.reshape(-1, 3), axis=0)
        mask = np.zeros(painted.shape[:2], np.uint8)
        cv2.ellipse(mask, (int(x), int(y)), (int(0.65 * width), int(0.38 * width)), 0, 0, 360, 255, -1)
        weight = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.04 * width), np.float64)[:, :, None] / 255
        painted = (painted * (1 - weight) + skin * weight).astype(np.uint8)
        lashes = tuple(int(part * 0.35) for part in skin)
        cv2.ellipse(painted, (int(x), int(y)), (int(width / 2), int(width / 6)), 0, 0, 180, lashes, 3)
    return painted


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg", "obama3.jpg"])
@pytest.mark.parametrize("eyes", [(0, 1), (0,), (1,)])
def test_painted_lids_count_as_closed(
    judge: Bench, detector: AdaptiveDetector, name: str, eyes: tuple[int, ...]
) -> None:
    face = detector.detect(BiometricSample(picture(name)))[0]
    assert "eyes open" in judge(_with_lids(picture(name), face, eyes)).reasons


def test_models_of_other_roles_are_refused(pack: ModelPack) -> None:
    eyes = pack.open("fr_eye", threads=1)
    with pytest.raises(ModelError, match="role landmarks"):
        QualityAssessor(eyes, eyes)


_COORDINATE = st.floats(-300, 600, width=32)


@settings(max_examples=150, deadline=None)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    box=st.tuples(_COORDINATE, _COORDINATE, st.floats(0.01, 3000), st.floats(0.01, 3000)),
    points=st.lists(_COORDINATE, min_size=10, max_size=10),
)
def test_any_face_gives_finite_measures(
    assessor: QualityAssessor, size: tuple[int, int], box: tuple[float, ...], points: list[float]
) -> None:
    sample = BiometricSample(np.zeros((*size, 3), np.uint8))
    face = DetectedFace(BoundingBox(*box), Landmarks(np.array(points, np.float32).reshape(5, 2)), 0.5)
    report = assessor.assess(sample, face, [face], ENROLMENT)
    assert len(report.measures) == len(MeasureName)


def _data() -> Path:
    folder = Path(os.environ.get("FACEKEEP_DATA", ROOT.parent / "shared" / "data"))
    assert folder.is_dir(), "set FACEKEEP_DATA to the folder with london/ and lfw/"
    return folder


def _share(judge: Bench, paths: Iterator[Path] | list[Path], policy: QualityPolicy) -> float:
    passed = [judge(decode(path.read_bytes()).pixels, policy).passed for path in paths]
    assert len(passed) >= 62
    return float(np.mean(passed))


@pytest.mark.extended
@pytest.mark.parametrize("expression", ["neutral", "smiling"])
def test_london_is_accepted_for_enrolment(judge: Bench, expression: str) -> None:
    assert _share(judge, sorted(_data().glob(f"london/people/*/{expression}.jpg")), ENROLMENT) >= 0.98


@pytest.mark.lfw
def test_lfw_is_accepted_as_probes(judge: Bench) -> None:
    folder = Path(os.environ.get("FACEKEEP_LFW", ""))
    assert folder.name, "set FACEKEEP_LFW to the folder with one folder for each person"
    assert _share(judge, sorted(folder.rglob("*.jpg"))[::20], PROBE) >= 0.99

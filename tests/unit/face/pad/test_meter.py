"""The meter on real pictures: signs, and steadiness under what a hand-held camera does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from facekeep.domain.sample import BiometricSample
from facekeep.face.geometry import EYES
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.meter import FaceMeter
from tests.unit.face.pad.recorded import Booth, moved

NAMES = ("astronaut.png", "biden.jpg", "obama.jpg")
Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def booth(pack: ModelPack) -> Booth:
    return Booth(pack)


@pytest.fixture(scope="module")
def meter(pack: ModelPack) -> FaceMeter:
    return FaceMeter.build(pack)


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_steady_while_a_camera_shakes(booth: Booth, meter: FaceMeter, sample_of: Sample, name: str) -> None:
    random = np.random.default_rng(3)
    frames = [booth.frame(moved(sample_of(name).pixels, random), at) for at in range(8)]
    measured = meter.measure_all(frames)
    assert [one.at for one in measured] == list(range(8))
    for figure, most in (("yaw", 1.0), ("pitch", 1.0), ("mouth_width", 0.015), ("lip_gap", 0.015), ("roll", 1.5)):
        assert np.std([getattr(one, figure) for one in measured]) < most, figure
    assert min(one.eyes_open for one in measured) > 0.9


@pytest.mark.parametrize("name", [*NAMES, "obama2.jpg"])
def test_a_mirror_flips_yaw(booth: Booth, meter: FaceMeter, sample_of: Sample, name: str) -> None:
    pixels = sample_of(name).pixels
    seen, mirrored = meter.measure(booth.frame(pixels)), meter.measure(booth.frame(pixels[:, ::-1]))
    assert mirrored.yaw == pytest.approx(-seen.yaw, abs=3)
    assert mirrored.pitch == pytest.approx(seen.pitch, abs=3)
    assert mirrored.mouth_width == pytest.approx(seen.mouth_width, abs=0.05)


def test_yaw_has_the_sign_of_the_standard(booth: Booth, meter: FaceMeter, sample_of: Sample) -> None:
    """In obama2.jpg the nose points to the left of the picture, which is the subject's right: negative."""
    assert meter.measure(booth.frame(sample_of("obama2.jpg").pixels)).yaw < -8


def test_points_lie_on_the_crop_whatever_its_size(booth: Booth, meter: FaceMeter, sample_of: Sample) -> None:
    pixels = sample_of("obama.jpg").pixels
    large = booth.frame(pixels)
    small = booth.frame(np.asarray(cv2.resize(pixels, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA), np.uint8))
    assert small.face.shape[0] < large.face.shape[0]
    apart = meter.measure(small).points / small.face.shape[0] - meter.measure(large).points / large.face.shape[0]
    assert np.abs(apart).max() < 0.03
    assert meter.measure(small).face_width == pytest.approx(0.3 * meter.measure(large).face_width, rel=0.05)
    assert meter.measure(large).face_width == pytest.approx(large.box.width, rel=0.2)


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg"])
def test_lids_painted_over_one_eye_close_it(booth: Booth, meter: FaceMeter, sample_of: Sample, name: str) -> None:
    from dataclasses import replace

    frame = booth.frame(sample_of(name).pixels)
    points = meter.measure(frame).points
    painted = frame.face.copy()
    eye = points[EYES[0]]
    centre, width = eye.mean(axis=0), float(np.linalg.norm(eye[3] - eye[0]))
    skin = np.median(painted[int(centre[1] - 0.9 * width) : int(centre[1] - 0.6 * width), int(centre[0])], axis=0)
    middle = (round(float(centre[0])), round(float(centre[1])))
    cv2.ellipse(painted, middle, (round(0.65 * width), round(0.38 * width)), 0, 0, 360, skin.tolist(), -1)
    cv2.ellipse(painted, middle, (round(0.5 * width), round(0.17 * width)), 0, 0, 180, (skin * 0.35).tolist(), 2)
    assert meter.measure(replace(frame, face=painted)).eyes_open < 0.3


@pytest.mark.extended
def test_smiles_of_london_are_wider(booth: Booth, meter: FaceMeter, data: Path) -> None:
    people = sorted((data / "london" / "people").iterdir())
    wider = [
        meter.measure(booth.frame(decode((person / "smiling.jpg").read_bytes()).pixels)).mouth_width
        - meter.measure(booth.frame(decode((person / "neutral.jpg").read_bytes()).pixels)).mouth_width
        for person in people
    ]
    assert len(wider) == 62
    assert min(wider) > 0
    assert np.median(wider) > 0.08

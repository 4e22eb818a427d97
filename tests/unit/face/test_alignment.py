"""The similarity onto the template, and what is seen there."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.sample import BiometricSample, Landmarks
from facekeep.face.alignment import align, similarity
from facekeep.face.model_spec import Alignment
from facekeep.face.pipeline import FacePipeline

SampleOf = Callable[[str], BiometricSample]

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


def _landmarks(points: np.ndarray) -> Landmarks:
    return Landmarks(points.astype(np.float32))


@given(
    angle=st.floats(-math.pi, math.pi), scale=st.floats(0.05, 30), x=st.floats(-5000, 5000), y=st.floats(-5000, 5000)
)
def test_a_moved_template_is_moved_back(angle: float, scale: float, x: float, y: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved = TEMPLATE @ turn.T * scale + [x, y]
    transform = similarity(_landmarks(moved), Alignment.ARCFACE_112)
    back = moved @ transform[:, :2].T + transform[:, 2]
    assert np.abs(back - TEMPLATE).max() < 0.1 + 0.01 / scale
    assert np.linalg.det(transform[:, :2]) == pytest.approx(scale**-2, rel=0.05)


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=5, max_size=5))
def test_any_points_give_a_turn_and_a_scale_that_can_be_undone(points: list[tuple[float, float]]) -> None:
    transform = similarity(_landmarks(np.array(points)), Alignment.DLIB_150)
    a, b, _ = transform[0]
    assert transform[1, :2].tolist() == [-b, a]
    assert np.isfinite(transform).all()
    assert math.hypot(a, b) > 0
    assert align(BiometricSample(np.zeros((9, 9, 3), np.uint8)), _landmarks(np.array(points)), Alignment.DLIB_150).shape


def test_points_in_one_place_are_only_shifted() -> None:
    transform = similarity(_landmarks(np.full((5, 2), 7)), Alignment.ARCFACE_112)
    assert transform[:, :2].tolist() == [[1, 0], [0, 1]]


def test_the_eyes_of_the_second_template_are_where_dlib_has_them() -> None:
    # Points on the first template, moved onto the second one.
    transform = similarity(_landmarks(TEMPLATE), Alignment.DLIB_150)
    eyes = TEMPLATE[:2] @ transform[:, :2].T + transform[:, 2]
    assert np.abs(eyes - [[47.7, 47.1], [100.3, 47.1]]).max() < 0.3


def test_a_mark_lands_on_the_template() -> None:
    for scale in (0.5, 1.0, 3.0, 9.0):  # 3 and 9 are averaged down first
        points = TEMPLATE * scale + 40
        side = int(112 * scale + 100)
        y, x = np.mgrid[:side, :side] + 0.0
        spots = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * (3 * scale) ** 2)) for px, py in points]
        pixels = np.repeat((255 * np.max(spots, axis=0)).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
        seen = align(BiometricSample(pixels), _landmarks(points), Alignment.ARCFACE_112)[:, :, 0].astype(float)
        assert seen.shape == (112, 112)
        for px, py in TEMPLATE:
            left, top = round(px) - 7, round(py) - 7
            patch = seen[top : top + 15, left : left + 15]
            row, column = np.mgrid[:15, :15]
            found = [left + (patch * column).sum() / patch.sum(), top + (patch * row).sum() / patch.sum()]
            assert found == pytest.approx([px, py], abs=0.35), scale


def test_noise_of_a_large_picture_is_averaged_away() -> None:
    noise = np.random.default_rng(3).integers(0, 256, (1400, 1400, 3), np.uint8)
    seen = align(BiometricSample(noise), _landmarks(TEMPLATE * 12), Alignment.ARCFACE_112)
    assert seen.std() < 25  # 74 without averaging


def test_what_lies_outside_is_black() -> None:
    white = BiometricSample(np.full((50, 50, 3), 255, np.uint8))
    seen = align(white, _landmarks(TEMPLATE - [56, 0]), Alignment.ARCFACE_112)
    assert seen[20, 5].max() == 0
    assert seen[20, 80].min() == 255
    assert align(white, _landmarks(TEMPLATE + 4000), Alignment.ARCFACE_112).max() == 0


def test_a_panorama_wider_than_opencv_can_warp(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    alone = sample_of("astronaut.png")
    (face,) = pipeline.detect(alone)
    wide = np.zeros((512, 40_000, 3), np.uint8)
    wide[:, 39_000 : 39_000 + 512] = alone.pixels
    moved = _landmarks(np.add(face.landmarks.points, [39_000, 0]))
    expected = align(alone, face.landmarks, Alignment.ARCFACE_112).astype(int)
    assert np.abs(align(BiometricSample(wide), moved, Alignment.ARCFACE_112) - expected).mean() < 0.5


def test_as_opencv_would_align(pipeline: FacePipeline, sample_of: SampleOf) -> None:
    sample = sample_of("astronaut.png")
    (face,) = pipeline.detect(sample)
    transform, _ = cv2.estimateAffinePartial2D(face.landmarks.points, TEMPLATE.astype(np.float32), method=cv2.LMEDS)
    assert np.abs(similarity(face.landmarks, Alignment.ARCFACE_112) - transform)[:, :2].max() < 0.05

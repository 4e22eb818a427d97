"""What a reviewer may be shown: the face is there, and nothing else is."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from facekeep.domain.capture import FACE_SIDE
from facekeep.domain.sample import BiometricSample, BoundingBox, Pixels
from facekeep.errors import QualityError
from facekeep.face.fine_points import FinePoints
from facekeep.face.geometry import JAW, Points, eye_centres
from facekeep.face.images import decode
from facekeep.face.light_detection import LightDetector
from facekeep.face.masking import GREY, FaceMasker, face_region, mask_crop
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import square_around
from facekeep.face.pad.meter import FaceMeter
from tests.unit.face.pad.recorded import Booth

NAMES = ("astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama_partial_face2.jpg")
Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def masker(pack: ModelPack) -> FaceMasker:
    return FaceMasker.build(pack)


@pytest.fixture(scope="module")
def booth(pack: ModelPack) -> Booth:
    return Booth(pack)


@pytest.fixture(scope="module")
def meter(pack: ModelPack) -> FaceMeter:
    return FaceMeter.build(pack)


def pixels_of(png: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(png)), np.uint8)


def chunks(png: bytes) -> Iterator[bytes]:
    place = 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        yield png[place + 4 : place + 8]
        place += length + 12


def must_be_grey(side: int, box: BoundingBox, points: Points, slack: float = 1.5) -> np.ndarray:
    """Measured in another way: outside of the ellipse, or of the jaw and what is above it, and a bit further."""
    rows, columns = np.mgrid[0:side, 0:side] + 0.5
    across, down = (columns - box.centre[0]) / (0.6 * box.width), (rows - box.centre[1]) / (0.6 * box.height)
    eyes, mouth = eye_centres(points).mean(axis=0), points[[48, 54]].mean(axis=0)
    far = (eyes - mouth) / np.linalg.norm(eyes - mouth) * 1000
    outline = np.concatenate([points[JAW], points[[16]] + far, points[[0]] + far]).astype(np.float32)
    beyond = [
        cv2.pointPolygonTest(outline, (float(x), float(y)), True) < -slack
        for y, x in zip(rows.ravel(), columns.ravel(), strict=True)
    ]
    return (across**2 + down**2 > 1 + 4 * slack / box.width) | np.reshape(beyond, (side, side))


@pytest.mark.parametrize("name", NAMES)
def test_of_a_crop_the_face_is_left(
    booth: Booth, masker: FaceMasker, meter: FaceMeter, sample_of: Sample, name: str
) -> None:
    frame = booth.frame(sample_of(name).pixels)
    points = meter.measure(frame).points
    png = mask_crop(frame.face, frame.face_box, points)
    shown, side = pixels_of(png), frame.face.shape[0]
    assert shown.shape == frame.face.shape
    hidden = must_be_grey(side, frame.face_box, points)
    assert (shown[hidden] == GREY).all()
    assert 0.4 < hidden.mean() < 0.9
    # Eyes, nose and mouth are as they were, as far as they are in the picture.
    inner = np.rint(points[27:] - 0.5).astype(int)
    same = [bool((shown[y, x] == frame.face[y, x]).all()) for x, y in inner]
    assert all(same) or ("partial" in name and np.mean(same) > 0.9)
    kept = (shown == frame.face).all(axis=2)
    assert kept.sum() > 0.5 * frame.face_box.width * frame.face_box.height
    assert list(chunks(png)) == [b"IHDR", b"IDAT", b"IEND"]
    # By itself the masker finds much the same.
    assert (pixels_of(masker.frame(frame)) != shown).any(axis=2).mean() < 0.04


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("degrees", [0, 25])
def test_of_a_picture_the_face_is_left_upright(
    masker: FaceMasker, pack: ModelPack, sample_of: Sample, name: str, degrees: int
) -> None:
    pixels = sample_of(name).pixels
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.8)
    turned = np.asarray(cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    png = masker.picture(BiometricSample(turned))
    shown = pixels_of(png)
    assert shown.shape[0] == shown.shape[1]
    assert 96 <= shown.shape[0] <= FACE_SIDE
    assert list(chunks(png)) == [b"IHDR", b"IDAT", b"IEND"]
    (face,) = LightDetector.build(pack).detect(shown)
    square, (left, top, side) = square_around(shown, face.box)
    eyes = eye_centres(FinePoints.build(pack).find(square) * side + [left, top])
    assert abs(float(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1])))) < 5
    grey = (shown == GREY).all(axis=2)
    assert 0.5 < grey.mean() < 0.9
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    assert edge.all()


def test_large_and_small_pictures_give_the_same(masker: FaceMasker, sample_of: Sample) -> None:
    pixels = sample_of("biden.jpg").pixels
    large = cv2.resize(pixels, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    one, other = (pixels_of(masker.picture(BiometricSample(np.asarray(each, np.uint8)))) for each in (pixels, large))
    assert one.shape == other.shape == (FACE_SIDE, FACE_SIDE, 3)
    assert np.abs(one.astype(int) - other).mean() < 12


def test_none_or_several_faces_are_refused(masker: FaceMasker, sample_of: Sample) -> None:
    pixels = sample_of("obama.jpg").pixels
    small = cv2.resize(pixels, (90, 90), interpolation=cv2.INTER_AREA)
    crowd = np.concatenate([pixels, pixels], axis=1)
    for wrong, match in (
        (np.full((400, 300, 3), 90, np.uint8), "no face"),
        (crowd, "more than one"),
        (np.asarray(small, np.uint8), "small|not found"),
    ):
        with pytest.raises(QualityError, match=match) as caught:
            masker.picture(BiometricSample(np.ascontiguousarray(wrong)))
        assert "one face" in caught.value.hint or "larger" in caught.value.hint


def test_a_crop_that_is_none_is_refused(booth: Booth, meter: FaceMeter, sample_of: Sample) -> None:
    frame = booth.frame(sample_of("obama.jpg").pixels)
    points = meter.measure(frame).points
    for wrong in (frame.face[:-1], np.zeros((225, 225, 3), np.uint8), np.zeros((0, 0, 3), np.uint8)):
        with pytest.raises(ValueError, match="square"):
            mask_crop(wrong, frame.face_box, points)
    for lost in (np.zeros((68, 2)), points * 0.1, points[:, ::-1].copy(), points * [1, -1]):
        with pytest.raises(QualityError, match="outline"):
            mask_crop(frame.face, frame.face_box, np.asarray(lost, np.float64))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    side=st.integers(32, FACE_SIDE),
    shift=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    noise=st.integers(0, 2**32 - 1),
    scale=st.floats(0.5, 1.5),
)
def test_whatever_the_points_nothing_outside_is_seen(
    face: tuple[Points, BoundingBox], side: int, shift: tuple[float, float], noise: int, scale: float
) -> None:
    """Points of a face, in a crop of any size, jittered, shifted and scaled: either refused, or bounded."""
    points, box = face
    points = (points - 0.5) * scale + 0.5 + shift + np.random.default_rng(noise).normal(0, 0.02, (68, 2))
    box = BoundingBox(box.left * side, box.top * side, box.width * side, box.height * side)
    points = np.clip(points, -1, 2) * side
    try:
        region = face_region(side, box, points)
    except QualityError:
        return
    rows, columns = np.nonzero(region)
    across, down = (
        (columns + 0.5 - box.centre[0]) / (0.6 * box.width),
        (rows + 0.5 - box.centre[1]) / (0.6 * box.height),
    )
    assert (across**2 + down**2 <= 1 + 1e-9).all()
    outline = points[JAW].astype(np.float32)
    assert rows.max(initial=0) <= outline[:, 1].max() + 2
    picture = np.random.default_rng(noise).integers(0, 256, (side, side, 3), np.uint8)
    shown = pixels_of(mask_crop(picture, box, points))
    assert (shown[~region] == GREY).all()
    assert (shown[region] == picture[region]).all()


@pytest.fixture(scope="module")
def face(booth: Booth, meter: FaceMeter, pictures: Path) -> tuple[Points, BoundingBox]:
    """The points and the box of a real face, as fractions of the crop."""
    frame = booth.frame(decode((pictures / "obama.jpg").read_bytes()).pixels)
    side = frame.face.shape[0]
    box = frame.face_box
    return meter.measure(frame).points / side, BoundingBox(
        box.left / side, box.top / side, box.width / side, box.height / side
    )


@pytest.mark.extended
def test_the_whole_london_set_is_masked(masker: FaceMasker, booth: Booth, data: Path) -> None:
    for path in sorted((data / "london" / "people").glob("*/*.jpg")):
        sample = decode(path.read_bytes())
        for png in (masker.picture(sample), masker.frame(booth.frame(sample.pixels))):
            grey = (pixels_of(png) == GREY).all(axis=2)
            assert 0.5 < grey.mean() < 0.9
            assert grey[[0, -1]].all()
            assert grey[:, [0, -1]].all()

"""The gate and the crops that pass it, on real pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from facekeep.domain.capture import RecordedFrame, SentFrame
from facekeep.domain.sample import BiometricSample, BoundingBox, Pixels
from facekeep.errors import FormatError, FrameTooWideError, ImageError
from facekeep.face.geometry import eye_centres
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import Cropper, MadeCrops, crop, encode
from facekeep.face.pad.gate import ALONE_MIN, FACE_SHARE_MIN, FrameGate

NAMES = ("astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face2.jpg")
Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def gate(pack: ModelPack) -> FrameGate:
    return FrameGate.build(pack)


@pytest.fixture(scope="module")
def cropper(pack: ModelPack) -> Cropper:
    return Cropper.build(pack)


def made(cropper: Cropper, sample: BiometricSample) -> MadeCrops:
    crops = cropper.make(sample)
    assert crops is not None
    return crops


def frame(face: bytes, thumbnail: bytes = b"", *, at: int = 0, width: int = 99) -> SentFrame:
    box = (9, 9, width, 99)
    return SentFrame(at, 0, box, 640, 480, face, thumbnail)


def turned(pixels: Pixels, degrees: float) -> BiometricSample:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 0.9)
    painted = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return BiometricSample(np.asarray(painted, np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_rightly_made_crops_are_admitted(gate: FrameGate, cropper: Cropper, sample_of: Sample, name: str) -> None:
    crops = made(cropper, sample_of(name))
    sent = frame(encode(crops.face), encode(crops.thumbnail), at=1500)
    (admitted,) = gate.admit([sent]).frames
    assert admitted.at == 1.5
    assert admitted.face.shape == crops.face.shape
    assert admitted.thumbnail is not None
    assert admitted.thumbnail.shape == (128, 128, 3)
    middle = np.array(admitted.face_box.centre) / crops.face.shape[0]
    assert np.abs(middle - 0.5).max() < 0.08
    assert admitted.box == BoundingBox(9, 9, 99, 99)


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_face_crop_is_turned_level(
    gate: FrameGate, cropper: Cropper, sample_of: Sample, pack: ModelPack, degrees: float
) -> None:
    from facekeep.face.fine_points import FinePoints
    from facekeep.face.pad.crops import square_around

    crops = made(cropper, turned(sample_of("obama.jpg").pixels, degrees))
    assert abs(crops.roll) == pytest.approx(25, abs=4)
    (admitted,) = gate.admit([frame(encode(crops.face), encode(crops.thumbnail))]).frames
    square, _ = square_around(admitted.face, admitted.face_box)
    left, right = eye_centres(FinePoints.build(pack).find(square))
    assert abs(np.degrees(np.arctan2(right[1] - left[1], right[0] - left[0]))) < 5


def test_outside_of_the_ellipse_nothing_is_sharp(cropper: Cropper) -> None:
    """A chequered picture: inside the ellipse its fields stay, outside of it they are gone or softened."""
    fields = np.indices((800, 800)).sum(axis=0) // 4 % 2
    sample = BiometricSample(np.repeat((fields * 255).astype(np.uint8)[:, :, np.newaxis], 3, axis=2))
    crops = crop(sample, BoundingBox(300, 250, 200, 300), 0.0)
    assert crops is not None
    side = crops.face.shape[0]
    assert side == 224
    corner, inner = crops.face[:30, :30, 0], crops.face[97:127, 97:127, 0]
    assert corner.std() < 2
    assert inner.std() > 40
    # The rim: just inside and just outside of 0.6 of the box's width.
    edge = 112 + 0.6 * 200 * 224 / 450
    assert crops.face[100:124, round(edge) - 6 : round(edge) - 2, 0].std() > 40
    assert crops.face[100:124, round(edge) + 3 :, 0].std() < 4


def test_a_thumbnail_has_no_body() -> None:
    """Whatever lies further below the face than a third of its height does not change a single pixel."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (900, 900, 3), np.uint8)
    box = BoundingBox(350, 200, 200, 300)
    below = 200 + 150 + round(0.85 * 300) + 15  # half a pixel of the thumbnail, and what its blur reaches
    changed = pixels.copy()
    changed[below + 15 :] = 255 - changed[below + 15 :]
    first, second = crop(BiometricSample(pixels), box, 0.0), crop(BiometricSample(changed), box, 0.0)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.thumbnail, second.thumbnail)
    changed = pixels.copy()
    changed[400:] = 255 - changed[400:]
    third = crop(BiometricSample(changed), box, 0.0)
    assert third is not None
    assert not np.array_equal(first.thumbnail, third.thumbnail)


def test_small_faces_are_not_enlarged(cropper: Cropper, sample_of: Sample) -> None:
    pixels = sample_of("obama.jpg").pixels
    small = made(cropper, BiometricSample(np.asarray(cv2.resize(pixels, None, fx=0.3, fy=0.3), np.uint8)))
    assert small.face.shape[0] == int(1.5 * small.box.height)
    assert cropper.make(BiometricSample(np.asarray(cv2.resize(pixels, None, fx=0.1, fy=0.1), np.uint8))) is None


def _square(pixels: Pixels, side: int) -> Pixels:
    size = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - size) // 4, (pixels.shape[1] - size) // 2
    cut = np.ascontiguousarray(pixels[top : top + size, left : left + size])
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("name", ["astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"])
def test_whole_pictures_are_refused(gate: FrameGate, cropper: Cropper, sample_of: Sample, name: str) -> None:
    pixels = sample_of(name).pixels
    crops = made(cropper, sample_of(name))
    margin = pixels.shape[0] // 2
    far = np.asarray(cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_REPLICATE), np.uint8)
    with pytest.raises(FrameTooWideError):
        gate.admit([frame(encode(_square(far, 224)))])
    wide = _square(far, 128)
    with pytest.raises(FrameTooWideError):
        gate.admit([frame(encode(crops.face), encode(wide))])


def test_a_second_face_is_refused(gate: FrameGate, cropper: Cropper, sample_of: Sample) -> None:
    crops, other = made(cropper, sample_of("obama.jpg")), made(cropper, sample_of("biden.jpg"))
    with_bystander = crops.face.copy()
    with_bystander[:70, :70] = cv2.resize(other.face, (70, 70), interpolation=cv2.INTER_AREA)
    with pytest.raises(FrameTooWideError, match="more than one"):
        gate.admit([frame(encode(with_bystander))])


def _bystander(crops: MadeCrops, other: MadeCrops) -> bytes:
    """A thumbnail with a second face in it: there is more room than in a face crop."""
    thumbnail = crops.thumbnail.copy()
    thumbnail[:46, :46] = cv2.resize(other.face, (46, 46), interpolation=cv2.INTER_AREA)
    return encode(thumbnail)


def test_frames_with_a_second_face_are_dropped_and_told(gate: FrameGate, cropper: Cropper, sample_of: Sample) -> None:
    crops, other = made(cropper, sample_of("obama.jpg")), made(cropper, sample_of("biden.jpg"))
    face, both = encode(crops.face), _bystander(crops, other)
    with_bystander = crops.face.copy()
    with_bystander[:70, :70] = cv2.resize(other.face, (70, 70), interpolation=cv2.INTER_AREA)
    sent = [frame(face, at=100 * place) for place in range(ALONE_MIN + 2)]
    sent[3] = frame(face, both, at=300)
    sent[7] = frame(encode(with_bystander), at=700)
    admitted = gate.admit(sent)
    assert admitted.second_faces == (0.3, 0.7)
    assert admitted.places == tuple(place for place in range(len(sent)) if place not in {3, 7})
    assert [each.at for each in admitted.frames] == [place / 10 for place in admitted.places]
    assert all(each.thumbnail is None for each in admitted.frames)
    # With one frame less that shows one face alone there is too little to judge by.
    with pytest.raises(FrameTooWideError, match="more than one"):
        gate.admit(sent[:-1])


def test_what_is_too_wide_is_refused_whoever_else_is_seen(gate: FrameGate, cropper: Cropper, sample_of: Sample) -> None:
    crops, other = made(cropper, sample_of("obama.jpg")), made(cropper, sample_of("biden.jpg"))
    sent = [frame(encode(crops.face), at=100 * place) for place in range(ALONE_MIN)]
    small = [cv2.resize(each.face, (80, 80), interpolation=cv2.INTER_AREA) for each in (crops, other)]
    two = np.full((224, 224, 3), 128, np.uint8)
    two[20:100, 20:100], two[20:100, 124:204] = small
    with pytest.raises(FrameTooWideError, match="too little"):
        gate.admit([*sent, frame(encode(two), at=5000)])
    # A second face in the face crop does not hide a thumbnail that shows too much.
    with_bystander = crops.face.copy()
    with_bystander[:70, :70] = cv2.resize(other.face, (70, 70), interpolation=cv2.INTER_AREA)
    wide = np.full((128, 128, 3), 128, np.uint8)
    wide[40:88, 40:88] = cv2.resize(crops.face, (48, 48), interpolation=cv2.INTER_AREA)
    with pytest.raises(FrameTooWideError, match="too little"):
        gate.admit([*sent, frame(encode(with_bystander), encode(wide), at=5000)])


def test_no_face_is_refused(gate: FrameGate) -> None:
    with pytest.raises(FrameTooWideError, match="no face"):
        gate.admit([frame(encode(np.full((224, 224, 3), 120, np.uint8)))])


@pytest.mark.parametrize("side", [95, 225, 300])
def test_other_sizes_are_refused_before_they_are_decoded(
    gate: FrameGate, sample_of: Sample, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("facekeep.face.pad.gate.decode", never)
    with pytest.raises(FrameTooWideError, match="size"):
        gate.admit([frame(encode(_square(sample_of("obama.jpg").pixels, side)))])
    with pytest.raises(FrameTooWideError, match="size"):
        gate.admit([frame(encode(sample_of("obama.jpg").pixels[:128, :224]))])


def test_only_sound_jpeg_is_opened(gate: FrameGate, cropper: Cropper, sample_of: Sample) -> None:
    crops = made(cropper, sample_of("obama.jpg"))
    png = io.BytesIO()
    Image.fromarray(crops.face).save(png, "PNG")
    for data in (png.getvalue(), b"", encode(crops.face)[:200], b"\xff\xd8" + bytes(70_000)):
        with pytest.raises(ImageError):
            gate.admit([frame(data)])
    with pytest.raises(FormatError):
        gate.admit([frame(encode(crops.face), width=0)])


def test_a_refusal_holds_no_pixels(gate: FrameGate, cropper: Cropper, sample_of: Sample) -> None:
    crops = made(cropper, sample_of("obama.jpg"))
    good, wide = frame(encode(crops.face)), frame(encode(_square(sample_of("obama.jpg").pixels, 224)), at=9)
    with pytest.raises(FrameTooWideError) as caught:
        gate.admit([good, wide])
    trace, held = caught.value.__traceback__, []
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith("gate.py"):
            held += [value for value in trace.tb_frame.f_locals.values() if isinstance(value, np.ndarray)]
            held += trace.tb_frame.f_locals.get("admitted", [])
        trace = trace.tb_next
    assert held == []
    assert caught.value.__context__ is None
    trace = caught.value.__traceback__
    while trace is not None:
        assert not isinstance(trace.tb_frame.f_locals.get("seen"), RecordedFrame)
        trace = trace.tb_next


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_give_one_of_the_errors(gate: FrameGate, data: bytes) -> None:
    with pytest.raises((ImageError, FrameTooWideError)):
        gate.admit([frame(b"\xff\xd8" + data)])


@pytest.mark.extended
def test_every_crop_of_london_is_admitted_and_every_wide_one_refused(
    gate: FrameGate, cropper: Cropper, data: Path
) -> None:
    paths = sorted(data.glob("london/people/*/*.jpg"))
    assert len(paths) == 124
    for path in paths:
        sample = decode(path.read_bytes())
        for seen in (sample, turned(sample.pixels, 20), turned(sample.pixels, -20)):
            crops = made(cropper, seen)
            gate.admit([frame(encode(crops.face), encode(crops.thumbnail))])
        box = made(cropper, sample).box
        scale = 224 / (1.1 / FACE_SHARE_MIN * max(box.width, box.height))
        shift = 112 - scale * np.array(box.centre)
        cut = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        with pytest.raises(FrameTooWideError):
            gate.admit([frame(encode(np.asarray(cv2.warpAffine(sample.pixels, cut, (224, 224)), np.uint8)))])

"""The hunt finds what is there, wherever it begins and however it is written; and nothing where there is nothing."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facekeep.domain.sample import BiometricSample
from facekeep.face.models import ModelPack
from tests.hunting import FaceFinder, Hunt, Traces
from tests.hunting.memory import pieces
from tests.hunting.traces import LENGTH_MIN


@pytest.fixture(scope="module")
def faces(pack: ModelPack) -> FaceFinder:
    return FaceFinder(pack)


@pytest.fixture(scope="module")
def small(sample_of: Callable[[str], BiometricSample]) -> Image.Image:
    face: Image.Image = Image.fromarray(sample_of("obama.jpg").pixels)
    face.thumbnail((224, 224))
    return face


@pytest.fixture(scope="module")
def traces(small: Image.Image) -> Traces:
    made = Traces()
    made.add_pixels("face", np.asarray(small), floats=[(128, 127)])
    made.add_picture("file", written(small, "JPEG"))
    return made


def written(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
@pytest.mark.parametrize("wrap", [bytes, base64.b64encode], ids=["raw", "base64"])
def test_a_picture_is_found_in_noise(
    faces: FaceFinder, small: Image.Image, form: str, wrap: Callable[[bytes], bytes]
) -> None:
    if wrap is base64.b64encode and form in ("TIFF", "HEIF"):
        pytest.skip("not looked for: nobody is sent these as text")
    hidden = os.urandom(1001) + b" " + wrap(written(small, form)) + b" " + os.urandom(1000)
    (found,) = Hunt(faces, Traces()).text("noise", hidden).pictures
    assert (found.form, found.at, found.size) == (form, 1002, small.size)


def test_a_picture_that_is_cut_off_is_found(faces: FaceFinder, small: Image.Image) -> None:
    whole = written(small, "JPEG")
    assert Hunt(faces, Traces()).text("cut", whole[: len(whole) * 2 // 3] + bytes(500)).pictures


def test_what_shows_no_face_is_none(faces: FaceFinder, small: Image.Image) -> None:
    grey = Image.new("RGB", (224, 224), (128, 128, 128))
    tiny = small.resize((40, 40))
    noise = os.urandom(100_000) + b"\xff\xd8\xff" + os.urandom(1000) + b"II*\0" + os.urandom(1000) + b"/9j/4AAQ"
    found = Hunt(faces, Traces()).text("none", written(grey, "JPEG") + written(tiny, "PNG") + noise)
    assert found.clean
    assert found.searched > 100_000


@pytest.mark.parametrize("shift", range(8))
def test_a_row_is_found_at_every_place(faces: FaceFinder, traces: Traces, small: Image.Image, shift: int) -> None:
    row = np.asarray(small)[100].tobytes()
    found = Hunt(faces, traces).text("noise", os.urandom(808 + shift) + row[:300] + os.urandom(100))
    assert [(trace.at, trace.length >= 300, trace.source) for trace in found.traces] == [
        (808 + shift, True, "face, RGB")
    ]


@pytest.mark.parametrize("form", ["BGR", "RGBX", "red", "float32", "grey"])
def test_other_layouts_are_found(faces: FaceFinder, traces: Traces, small: Image.Image, form: str) -> None:
    pixels = np.asarray(small)
    laid = {
        "BGR": pixels[:, :, ::-1],
        "RGBX": np.asarray(small.convert("RGBX")) | np.array([0, 0, 0, 255], np.uint8),
        "red": pixels[:, :, 0],
        "float32": (pixels[:, :, 2].astype(np.float32) - np.float32(127)) / np.float32(128),
        "grey": np.asarray(small.convert("L")),
    }[form]
    found = Hunt(faces, traces).text("memory", os.urandom(64) + np.ascontiguousarray(laid).tobytes())
    assert any(form in source or (form == "grey" and "luma" in source) for source in found.by_source()), found


def test_what_lies_across_the_borders_of_pieces_is_found_once(
    faces: FaceFinder, traces: Traces, small: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.hunting.memory._LARGEST", 4096)
    monkeypatch.setattr("tests.hunting.memory._OVERLAP", 64 << 10)
    data = os.urandom(4000) + written(small, "JPEG") + os.urandom(9000)
    assert len(list(pieces("x", 0, data))) > 3
    found = Hunt(faces, traces).text("x", data)
    assert len(found.pictures) == 1
    assert found.longest > 2000


def test_noise_and_short_pieces_are_nothing(faces: FaceFinder, traces: Traces, small: Image.Image) -> None:
    row = np.asarray(small)[100].tobytes()[: LENGTH_MIN - 8]
    plain = bytes(1 << 16) + b"\xff" * 4096 + bytes(range(256)) * 16
    assert Hunt(faces, traces).text("x", os.urandom(1 << 20) + row + plain).clean


def test_files_are_searched_by_their_bytes(faces: FaceFinder, small: Image.Image, tmp_path: Path) -> None:
    hunt = Hunt(faces, Traces())
    assert hunt.folders(tmp_path).clean
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "half.log").write_bytes(bytes(99) + written(small, "PNG"))
    (found,) = hunt.folders(tmp_path).pictures
    assert (found.where, found.at) == ("half.log", 99)

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facekeep.domain.sample import BiometricSample, BoundingBox, DetectedFace, Landmarks
from facekeep.domain.template import Template
from facekeep.errors import ImageError, UsageError
from facekeep.service.evaluation_acquisition import CentralFaceEmbedder, acquire, central_face


def _face(left: float, top: float, size: float, confidence: float = 0.9) -> DetectedFace:
    return DetectedFace(BoundingBox(left, top, size, size), Landmarks(np.zeros((5, 2), np.float32)), confidence)


def _sample(width: int = 100, height: int = 100) -> BiometricSample:
    return BiometricSample(np.zeros((height, width, 3), np.uint8))


def test_the_subject_is_the_central_face() -> None:
    middle, edge, speck = _face(35, 35, 30), _face(0, 0, 60), _face(48, 48, 4)
    assert central_face(_sample(), [edge, middle]) is middle
    assert central_face(_sample(), [middle, edge]) is middle
    assert central_face(_sample(), [speck, _face(33, 33, 30)]) is not speck
    assert central_face(_sample(), []) is None


class _Red:
    """Finds a face in every picture that is not black; the template is the mean red and its complement."""

    model = "c" * 64
    dimension = 2

    def detect(self, sample: BiometricSample) -> tuple[DetectedFace, ...]:
        return (_face(0, 0, 10),) if sample.pixels.any() else ()

    def extract(self, sample: BiometricSample, faces: Sequence[DetectedFace]) -> tuple[Template, ...]:
        angle = float(sample.pixels[..., 0].mean()) / 255
        return tuple(Template(np.array([np.cos(angle), np.sin(angle)], np.float32), self.model) for _ in faces)


def _png(red: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (red, 0, 0)).save(out, "PNG")
    return out.getvalue()


def test_the_whole_way_with_a_failure_of_each_kind(tmp_path: Path) -> None:
    contents = [_png(255), _png(0), b"not a picture", _png(51)]
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for path, content in zip(paths, contents, strict=False):
        path.write_bytes(content)
    steps: list[tuple[str, int, int]] = []
    ticks = iter([10.0, 12.5])
    result = acquire(
        paths,
        CentralFaceEmbedder(_Red(), _Red()),
        workers=2,
        progress=lambda *step: steps.append(step),
        clock=lambda: next(ticks),
    )
    assert result.acquired.tolist() == [True, False, False, True, False]
    assert (result.no_face, result.unreadable, result.seconds, result.workers) == (1, 2, 2.5, 2)
    assert result.model == "c" * 64
    assert result.embeddings[0] == pytest.approx([np.cos(1), np.sin(1)])
    assert result.embeddings[3] == pytest.approx([np.cos(0.2), np.sin(0.2)])
    assert not result.embeddings[[1, 2, 4]].any()
    assert steps == [("embedding", n, 5) for n in range(1, 6)]


def test_an_unforeseen_error_stops_the_work(tmp_path: Path) -> None:
    class _Broken:
        model = "c" * 64
        dimension = 2

        def embed(self, data: bytes) -> np.ndarray | None:
            raise RuntimeError(f"broken after {len(data)} bytes")

    paths = [tmp_path / f"{n}.png" for n in range(200)]
    for path in paths:
        path.write_bytes(b"")
    with pytest.raises(RuntimeError, match="broken"):
        acquire(paths, _Broken())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("evaluation")]


def test_workers_are_bounded() -> None:
    for workers in (0, 65):
        with pytest.raises(UsageError, match="workers"):
            acquire([], CentralFaceEmbedder(_Red(), _Red()), workers=workers)


def test_a_picture_that_cannot_be_decoded_says_so() -> None:
    with pytest.raises(ImageError):
        CentralFaceEmbedder(_Red(), _Red()).embed(b"not a picture")

import io
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from PIL import Image

from facekeep.errors import ImageError, UsageError
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline
from facekeep.face.quality import QualityAssessor
from facekeep.service.benchmark_pipeline import STAGES, benchmark_pipeline
from tests.cli.conftest import PICTURES


@pytest.fixture(scope="module")
def parts() -> tuple[FacePipeline, QualityAssessor]:
    pack = ModelPack.load()
    return FacePipeline.build(pack), QualityAssessor.build(pack)


@pytest.fixture(scope="module")
def face() -> bytes:
    path = PICTURES / "astronaut.png"
    if not path.is_file():
        pytest.fail("the test pictures are missing: python tools/pictures/fetch.py")
    return path.read_bytes()


def _blank() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(file, "PNG")
    return file.getvalue()


def _ticks() -> Iterator[float]:
    """A clock that runs by 1 ms whenever it is looked at."""
    return (tick / 1000 for tick in count())


def test_every_stage_is_timed(parts: tuple[FacePipeline, QualityAssessor], face: bytes) -> None:
    ticks, told = _ticks(), []
    result = benchmark_pipeline([face], *parts, rounds=2, progress=lambda *a: told.append(a), clock=lambda: next(ticks))
    assert (result.pictures, result.rounds, result.faces) == (1, 2, 1)
    assert list(result.milliseconds) == list(STAGES)
    assert all(ms == pytest.approx(1) for ms in result.milliseconds.values())
    # 2 rounds of 6 looks, and one look at the end.
    assert result.seconds == pytest.approx(0.013)
    assert result.pictures_per_second == pytest.approx(2 / 0.013)
    assert result.milliseconds_per_picture == pytest.approx(6.5)
    assert told == [(1, 2), (2, 2)]


def test_a_picture_without_a_face_ends_after_detection(parts: tuple[FacePipeline, QualityAssessor]) -> None:
    result = benchmark_pipeline([_blank()], *parts, rounds=1)
    assert result.faces == 0
    assert list(result.milliseconds) == ["decode", "detect"]


def test_nothing_to_measure_is_refused(parts: tuple[FacePipeline, QualityAssessor], face: bytes) -> None:
    with pytest.raises(UsageError):
        benchmark_pipeline([], *parts)
    with pytest.raises(UsageError):
        benchmark_pipeline([face], *parts, rounds=0)
    with pytest.raises(ImageError):
        benchmark_pipeline([b"no picture"], *parts)

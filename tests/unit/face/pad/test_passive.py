"""The passive voice on real pictures and on the two real attacks at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.capture import Recording, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.errors import ModelError
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.passive import PassiveVoice
from tests.unit.face.pad.recorded import Booth, moved

Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def booth(pack: ModelPack) -> Booth:
    return Booth(pack)


@pytest.fixture(scope="module")
def voice(pack: ModelPack) -> PassiveVoice:
    return PassiveVoice.build(pack)


def recording(booth: Booth, pixels: Pixels, frames: int, *, thumbnails: bool = True, seed: int = 0) -> Recording:
    random = np.random.default_rng(seed)
    taken = [booth.frame(moved(pixels, random), at / 4, thumbnail=thumbnails) for at in range(frames)]
    return Recording((Step(StepKind.LOOK, 12),), tuple(taken))


@pytest.mark.parametrize("name", ["astronaut.png", "biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg"])
def test_real_pictures_are_supported(booth: Booth, voice: PassiveVoice, sample_of: Sample, name: str) -> None:
    finding = voice.examine(recording(booth, sample_of(name).pixels, 5))
    assert finding.verdict is Verdict.SUPPORTS
    assert finding.figures["frames"] == 5
    assert finding.figures["lowest"] <= finding.figures["median"]


def test_without_thumbnails_it_is_silent(booth: Booth, voice: PassiveVoice, sample_of: Sample) -> None:
    pixels = sample_of("obama.jpg").pixels
    assert voice.examine(recording(booth, pixels, 4, thumbnails=False)).verdict is Verdict.SILENT
    assert voice.examine(recording(booth, pixels, 2)).verdict is Verdict.SILENT


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ([0.9, 0.05, 0.95], Verdict.SUPPORTS),
        ([0.4, 0.5, 0.99], Verdict.DOUBTS),
        ([0.01, 0.72, 0.1], Verdict.REFUTES),
        ([0.9, 0.9], Verdict.SILENT),
    ],
)
def test_the_middle_of_several_decides(figures: list[float], verdict: Verdict) -> None:
    finding = PassiveVoice.judge(figures)
    assert finding.verdict is verdict
    assert finding.reasons == ((PadReason.PASSIVE_MODEL,) if verdict in (Verdict.DOUBTS, Verdict.REFUTES) else ())


def test_a_model_of_another_role_is_refused(pack: ModelPack) -> None:
    with pytest.raises(ModelError):
        PassiveVoice(pack.open("fr_eye", threads=1))


@pytest.mark.extended
@pytest.mark.parametrize(
    ("name", "verdict"), [("T1", Verdict.SUPPORTS), ("F1", Verdict.REFUTES), ("F2", Verdict.REFUTES)]
)
def test_the_attacks_at_hand(booth: Booth, voice: PassiveVoice, data: Path, name: str, verdict: Verdict) -> None:
    pixels = decode((data / "attacks" / f"image_{name}.jpg").read_bytes()).pixels
    assert voice.examine(recording(booth, pixels, 16)).verdict is verdict


@pytest.mark.extended
def test_london_is_supported_and_never_refuted(booth: Booth, voice: PassiveVoice, data: Path) -> None:
    paths = sorted(data.glob("london/people/*/*.jpg"))[::3]
    verdicts = [
        voice.examine(recording(booth, decode(path.read_bytes()).pixels, 5, seed=number)).verdict
        for number, path in enumerate(paths)
    ]
    assert len(verdicts) == 42
    assert verdicts.count(Verdict.SUPPORTS) >= 39
    assert verdicts.count(Verdict.REFUTES) == 0

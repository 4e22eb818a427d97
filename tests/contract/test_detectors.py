"""What captures ask of a detector, of the real one and of the one whose findings a test chooses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.domain.capture import Recording, Step, StepKind
from facekeep.domain.pad import PadDecision, decide
from facekeep.domain.sample import BiometricSample
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.detector import PresentationAttackDetector as Voices
from facekeep.service.capture_judging import PresentationAttackDetector
from tests.capturing import UNDECIDED, ChosenDetector
from tests.unit.face.pad.recorded import Booth

STEPS = (Step(StepKind.LOOK, 12), Step(StepKind.NOD, 8))
MAKERS: dict[str, Callable[[ModelPack], PresentationAttackDetector]] = {
    "chosen": lambda _: ChosenDetector(UNDECIDED),
    "voices": Voices.build,
}


@pytest.fixture(scope="module")
def recording(pack: ModelPack, pictures: Path) -> Recording:
    """A still picture: nothing that anybody may take for a live face."""
    booth, sample = Booth(pack), decode((pictures / "obama.jpg").read_bytes())
    assert isinstance(sample, BiometricSample)
    frames = [booth.frame(sample.pixels, at, at // 3, thumbnail=at == 0) for at in range(5)]
    return Recording(STEPS, tuple(frames))


@pytest.mark.parametrize("name", MAKERS)
def test_every_detector_keeps_its_word(name: str, pack: ModelPack, recording: Recording) -> None:
    detector = MAKERS[name](pack)
    found = detector.examine(recording)
    assert len({finding.voice for finding in found.findings}) == len(found.findings) > 0
    assert decide(found.findings).decision is not PadDecision.BONA_FIDE
    assert 1 <= len(found.best) <= 3
    assert len(set(found.best)) == len(found.best)
    assert set(found.best) <= set(range(len(recording.frames)))
    assert len({curve.name for curve in found.curves}) == len(found.curves) > 0

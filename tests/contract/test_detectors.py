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
    findings = detector.examine(recording)
    assert len({finding.voice for finding in findings}) == len(findings) > 0
    assert decide(findings).decision is not PadDecision.BONA_FIDE
    for most in (1, 3, 9):
        places = detector.best(recording, most)
        assert 1 <= len(places) <= most
        assert len(set(places)) == len(places)
        assert set(places) <= set(range(len(recording.frames)))

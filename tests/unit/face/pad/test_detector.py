"""All voices over simulated people, and the frames that serve a comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facekeep.domain.capture import Recording, Step, StepKind
from facekeep.domain.pad import PadDecision, Verdict, Voice, decide
from facekeep.domain.sample import BiometricSample
from facekeep.face.models import ModelPack
from facekeep.face.pad.curves import CURVES
from facekeep.face.pad.detector import PresentationAttackDetector
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.recording import Page
from tests.clips.script import Act, Timeline
from tests.unit.face.pad.recorded import Booth, moved

Sample = Callable[[str], BiometricSample]


@pytest.fixture(scope="module")
def detector(pack: ModelPack) -> PresentationAttackDetector:
    return PresentationAttackDetector.build(pack)


def test_a_simulated_person_is_supported_by_each_voice_that_can(
    detector: PresentationAttackDetector, pictures: Path, pack: ModelPack
) -> None:
    asked = (StepKind.TURN_RIGHT, StepKind.BLINK)
    timeline = Timeline([Act(StepKind.LOOK, 1.5), *(Act(kind, 1.8, 0.3) for kind in asked)])
    frames = list(played(Cast(pictures, pack).head("biden"), timeline, seed=11, rate=8))
    recording = Page(pack).recording(frames, (Step(StepKind.LOOK, 12), *(Step(kind, 8) for kind in asked)))
    times: dict[str, float] = {}
    examined = detector.examine(recording, times.__setitem__)
    findings = {finding.voice: finding for finding in examined.findings}
    for voice in (Voice.CHALLENGE, Voice.CONTINUITY, Voice.PASSIVE, Voice.DEPTH):
        assert findings[voice].verdict is Verdict.SUPPORTS, findings[voice]
    assert set(findings) == set(Voice)
    assert findings[Voice.DURESS].verdict is Verdict.SILENT
    curves = {curve.name: curve for curve in examined.curves}
    assert set(curves) == set(CURVES)
    # To the person's right is negative; the blink that was asked for is there, too.
    assert min(curves["yaw"].values) < -20
    assert min(curves["eyes-open"].values) < 0.2
    assert max(curves["eyes-open"].values) > 0.8
    assert set(times) == {"measure", *Voice}
    assert min(times.values()) >= 0
    # The same frames do not answer other steps.
    others = (Step(StepKind.LOOK, 12), Step(StepKind.NOD, 8), Step(StepKind.TURN_LEFT, 8))
    assert decide(detector.examine(replace(recording, steps=others)).findings).decision is not PadDecision.BONA_FIDE


def test_the_best_frames_are_sharp_open_eyed_and_of_the_first_step(
    detector: PresentationAttackDetector, pack: ModelPack, sample_of: Sample
) -> None:
    booth, random = Booth(pack), np.random.default_rng(4)
    pixels = sample_of("obama.jpg").pixels
    blurred = np.asarray(cv2.GaussianBlur(pixels, (0, 0), 6), np.uint8)
    shots = [blurred, pixels, blurred, blurred, pixels, pixels, pixels]
    frames = [booth.frame(moved(shot, random, noise=1), at / 2, at // 5) for at, shot in enumerate(shots)]
    steps = (Step(StepKind.LOOK, 12), Step(StepKind.NOD, 8))
    best = detector.examine(Recording(steps, tuple(frames))).best
    assert len(best) == 3
    assert set(best[:2]) == {1, 4}
    assert detector.examine(Recording(steps, tuple(frames[:1]))).best == (0,)
    turned = booth.frame(sample_of("obama2.jpg").pixels, 0.5)
    frontal = booth.frame(pixels, 1.5)
    assert detector.examine(Recording(steps, (turned, frontal))).best[0] == 1


def test_no_face_serves_that_was_not_there_all_the_while(
    detector: PresentationAttackDetector, pack: ModelPack, sample_of: Sample
) -> None:
    """A page that lies puts one still of the victim among the frames of its own live face."""
    booth, random = Booth(pack), np.random.default_rng(4)
    mine, victim = sample_of("obama.jpg").pixels, sample_of("biden.jpg").pixels
    steps, served = (Step(StepKind.LOOK, 12), Step(StepKind.NOD, 8)), 0
    for place in range(1, 6):
        shots = [victim if at == place else mine for at in range(10)]
        frames = [booth.frame(moved(shot, random, noise=1), at / 8, at // 7) for at, shot in enumerate(shots)]
        recording = Recording(steps, tuple(frames))
        examined = detector.examine(recording)
        if place in examined.best:
            served += 1
            (finding,) = [one for one in examined.findings if one.voice is Voice.CONTINUITY]
            assert finding.verdict is Verdict.REFUTES
    assert served

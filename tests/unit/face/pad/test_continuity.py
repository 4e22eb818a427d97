"""One face through all frames: on real pictures of the same and of different people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.capture import RecordedFrame, Recording, Step, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict
from facekeep.domain.sample import BiometricSample, BoundingBox
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.continuity import ContinuityVoice, chosen_frames, jumps
from facekeep.face.pad.meter import FaceMeter
from tests.unit.face.pad.recorded import Booth, moved

STEPS = (Step(StepKind.LOOK, 12), Step(StepKind.SMILE, 8), Step(StepKind.TURN_LEFT, 8))


class Hall:
    """Records pictures as a try with three frames of each step, a third of a second apart."""

    def __init__(self, pack: ModelPack, sample_of: Callable[[str], BiometricSample]) -> None:
        self._booth, self._meter, self._voice = Booth(pack), FaceMeter.build(pack), ContinuityVoice.build(pack)
        self._sample_of = sample_of

    def frames(self, names: Sequence[str]) -> tuple[RecordedFrame, ...]:
        random = np.random.default_rng(1)
        return tuple(
            replace(
                self._booth.frame(moved(self._sample_of(name).pixels, random), at / 3, at // 3, thumbnail=at % 3 == 0),
                box=BoundingBox(200, 100, 150, 200),  # as if all were taken by one camera
            )
            for at, name in enumerate(names)
        )

    def examine(self, frames: tuple[RecordedFrame, ...]) -> Finding:
        return self._voice.examine(Recording(STEPS, frames), self._meter.measure_all(frames))


@pytest.fixture(scope="module")
def hall(pack: ModelPack, sample_of: Callable[[str], BiometricSample]) -> Hall:
    return Hall(pack, sample_of)


def test_one_face_is_supported(hall: Hall) -> None:
    finding = hall.examine(hall.frames(["obama.jpg"] * 9))
    assert finding.verdict is Verdict.SUPPORTS
    assert finding.figures["lowest"] > 0.8
    assert finding.figures["jumps"] == 0


def test_thumbnails_of_another_face_refute(hall: Hall) -> None:
    """A page that lies sends thumbnails of its own live face beside crops of a recording."""
    frames, others = hall.frames(["obama.jpg"] * 9), hall.frames(["biden.jpg"] * 9)
    assert sum(frame.thumbnail is not None for frame in frames) >= 2
    assert hall.examine(frames).figures["thumbnail_lowest"] > 0.5
    mixed = tuple(replace(frame, thumbnail=other.thumbnail) for frame, other in zip(frames, others, strict=True))
    finding = hall.examine(mixed)
    assert (finding.verdict, finding.reasons) == (Verdict.REFUTES, (PadReason.ANOTHER_FACE,))


def test_two_pictures_of_one_person_are_one_face(hall: Hall) -> None:
    finding = hall.examine(hall.frames(["obama.jpg"] * 5 + ["obama3.jpg"] * 4))
    assert PadReason.ANOTHER_FACE not in finding.reasons


@pytest.mark.parametrize("other", ["biden.jpg", "astronaut.png"])
def test_another_face_after_the_first_step_refutes(hall: Hall, other: str) -> None:
    finding = hall.examine(hall.frames(["obama.jpg"] * 3 + [other] * 6))
    assert (finding.verdict, finding.reasons) == (Verdict.REFUTES, (PadReason.ANOTHER_FACE,))
    assert finding.figures["lowest"] < 0.2


def test_another_face_in_the_last_frame_alone_is_a_doubt(hall: Hall) -> None:
    finding = hall.examine(hall.frames(["obama.jpg"] * 8 + ["biden.jpg"]))
    assert (finding.verdict, finding.reasons) == (Verdict.DOUBTS, (PadReason.ANOTHER_FACE,))


@pytest.mark.parametrize(
    ("box", "count"), [((700, 100, 150, 200), 2), ((150, 33, 250, 333), 2), ((230, 110, 160, 215), 0)]
)
def test_faces_do_not_jump(hall: Hall, box: tuple[float, float, float, float], count: int) -> None:
    frames = [replace(frame, at=frame.at / 3) for frame in hall.frames(["obama.jpg"] * 9)]
    frames[4] = replace(frames[4], box=BoundingBox(*box))
    assert jumps(frames) == count
    finding = hall.examine(tuple(frames))
    assert (PadReason.FACE_JUMPED in finding.reasons) == bool(count)
    assert finding.verdict is (Verdict.DOUBTS if count else Verdict.SUPPORTS)
    # A face that was lost for a while may be anywhere.
    assert jumps([replace(frame, at=frame.at * 20) for frame in frames]) == 0


def test_few_frames_are_silent(hall: Hall) -> None:
    assert hall.examine(hall.frames(["obama.jpg"] * 3)).verdict is Verdict.SILENT


def test_frames_around_each_change_are_compared(hall: Hall) -> None:
    frames = hall.frames(["obama.jpg"] * 9)
    measures = FaceMeter.build(ModelPack.load()).measure_all([replace(f, at=f.at / 10) for f in frames])
    drawn = [set(chosen_frames(measures)) for _ in range(200)]
    assert all({2, 3, 5, 6} <= chosen for chosen in drawn)
    # Of the others any may be drawn: nobody knows beforehand which are looked at.
    assert set.union(*drawn) == set(range(9))
    assert max(map(len, drawn)) < 9


def test_another_face_that_would_serve_refutes_alone(hall: Hall) -> None:
    """A still of the victim among one's own live frames, where the comparison would take it."""
    frames = hall.frames(["obama.jpg"] * 4 + ["biden.jpg"] + ["obama.jpg"] * 4)
    measures = FaceMeter.build(ModelPack.load()).measure_all(frames)
    voice = ContinuityVoice.build(ModelPack.load())
    for _ in range(5):
        finding = voice.examine(Recording(STEPS, frames), measures, serving=(4,))
        assert (finding.verdict, finding.reasons) == (Verdict.REFUTES, (PadReason.ANOTHER_FACE,))


@pytest.mark.extended
def test_smiling_is_the_same_and_others_are_others(hall: Hall, pack: ModelPack, data: Path) -> None:
    booth, meter, voice = Booth(pack), FaceMeter.build(pack), ContinuityVoice.build(pack)
    people = sorted((data / "london" / "people").iterdir())[::4]
    found = []
    for person, other in zip(people, people[1:] + people[:1], strict=True):
        pictures = [person / "neutral.jpg"] * 3 + [person / "smiling.jpg"] * 3
        for paths in (pictures, [*pictures[:3], *[other / "neutral.jpg"] * 3]):
            frames = tuple(
                replace(booth.frame(decode(path.read_bytes()).pixels, at / 2), box=BoundingBox(200, 100, 150, 200))
                for at, path in enumerate(paths)
            )
            found.append(voice.examine(Recording(STEPS, frames), meter.measure_all(frames)).verdict)
    assert found[::2] == [Verdict.SUPPORTS] * 16
    assert found[1::2] == [Verdict.REFUTES] * 16

"""The challenge: on points of a real face that a test moves, and on simulated people who do it or do something else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.capture import Recording, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.domain.sample import BiometricSample
from facekeep.face.models import ModelPack
from facekeep.face.pad.challenge import examine, results
from facekeep.face.pad.eyes import eye_statistics
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.meter import FaceMeter
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.recording import Page
from tests.clips.script import Act, Timeline
from tests.unit.face.pad.recorded import Booth

RATE = 10
Change = Callable[[FrameMeasures, float], FrameMeasures]


@pytest.fixture(scope="module")
def rest(pack: ModelPack, sample_of: Callable[[str], BiometricSample]) -> tuple[Recording, FrameMeasures]:
    frame = Booth(pack).frame(sample_of("obama.jpg").pixels)
    return Recording((Step(StepKind.LOOK, 12),), (frame,)), FaceMeter.build(pack).measure(frame)


def turn(measure: FrameMeasures, degrees: float) -> FrameMeasures:
    return replace(measure, yaw=measure.yaw + degrees)


def close(measure: FrameMeasures, share: float) -> FrameMeasures:
    return replace(measure, eyes_open=1 - share)


def nod(measure: FrameMeasures, share: float) -> FrameMeasures:
    points = measure.points.copy()
    way = points[[48, 54]].mean(axis=0) - points[36:48].mean(axis=0)
    points[30] += 0.3 * share * way
    return replace(measure, points=points)


def smile(measure: FrameMeasures, share: float) -> FrameMeasures:
    points = measure.points.copy()
    apart = np.linalg.norm(points[45] - points[36])
    points[48] += share * apart * np.array([-0.06, -0.04])
    points[54] += share * apart * np.array([0.06, -0.04])
    return replace(measure, points=points, mouth_width=measure.mouth_width + 0.17 * share)


def nearer(measure: FrameMeasures, share: float) -> FrameMeasures:
    return replace(measure, face_width=measure.face_width * (1 + 0.6 * share))


DOES: dict[StepKind, Change] = {
    StepKind.TURN_LEFT: lambda m, share: turn(m, 25 * share),
    StepKind.TURN_RIGHT: lambda m, share: turn(m, -25 * share),
    StepKind.NOD: nod,
    StepKind.BLINK: close,
    StepKind.SMILE: smile,
    StepKind.COME_CLOSER: nearer,
}
HILL = (0.0, 0.0, 0.3, 0.7, 1.0, 1.0, 1.0, 0.7, 0.3, 0.0, 0.0)


def tried(
    rest: tuple[Recording, FrameMeasures],
    asked: Iterable[StepKind],
    done: Iterable[StepKind | None],
    hill: tuple[float, ...] = HILL,
) -> tuple[Recording, list[FrameMeasures]]:
    """A try in which something is asked and something done; of the recording the steps alone count."""
    recording, measure = rest
    steps = (*recording.steps, *(Step(kind, 8) for kind in asked))
    figures = [replace(measure, at=index / RATE, step=0) for index in range(12)]
    for step, kind in enumerate(done, start=1):
        for share in hill:
            changed = measure if kind is None else DOES[kind](measure, share)
            figures.append(replace(changed, at=len(figures) / RATE, step=step))
    return replace(recording, steps=steps), figures


KINDS = tuple(DOES)


@pytest.mark.parametrize("asked", KINDS)
@pytest.mark.parametrize("done", [*KINDS, None])
def test_a_step_is_done_by_its_own_action_alone(
    rest: tuple[Recording, FrameMeasures], asked: StepKind, done: StepKind | None
) -> None:
    finding = examine(*tried(rest, [asked], [done]))
    if done is asked:
        assert finding.verdict is Verdict.SUPPORTS
        assert 0 < finding.figures[f"{asked}-after"] < 0.8
    elif done in (None, StepKind.BLINK):
        assert finding.verdict is Verdict.REFUTES
        assert finding.reasons == (PadReason.STEP_NOT_DONE,)
    else:
        assert finding.verdict is Verdict.REFUTES
        assert finding.reasons == (PadReason.STEPS_MIXED_UP,)


def test_steps_in_another_order_are_mixed_up(rest: tuple[Recording, FrameMeasures]) -> None:
    asked = (StepKind.NOD, StepKind.TURN_LEFT, StepKind.BLINK)
    assert examine(*tried(rest, asked, asked)).verdict is Verdict.SUPPORTS
    finding = examine(*tried(rest, asked, (StepKind.TURN_LEFT, StepKind.NOD, StepKind.BLINK)))
    assert finding.reasons == (PadReason.STEPS_MIXED_UP,)
    assert finding.verdict is Verdict.REFUTES


def test_one_step_left_out_is_a_doubt(rest: tuple[Recording, FrameMeasures]) -> None:
    asked = (StepKind.NOD, StepKind.TURN_LEFT, StepKind.BLINK)
    finding = examine(*tried(rest, asked, (StepKind.NOD, StepKind.TURN_LEFT, None)))
    assert (finding.verdict, finding.reasons) == (Verdict.DOUBTS, (PadReason.STEP_NOT_DONE,))
    assert finding.figures["done"] == 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_done_before_it_was_asked_counts_for_nothing(
    rest: tuple[Recording, FrameMeasures], kind: StepKind
) -> None:
    assert examine(*tried(rest, [kind], [kind], (1.0,) * 8)).verdict is not Verdict.SUPPORTS


@pytest.mark.parametrize("kind", [StepKind.NOD, StepKind.BLINK])
def test_a_nod_and_a_blink_have_to_end(rest: tuple[Recording, FrameMeasures], kind: StepKind) -> None:
    assert examine(*tried(rest, [kind], [kind], (0.0, 0.5, 1.0, 1.0, 1.0))).verdict is not Verdict.SUPPORTS


def test_what_comes_too_late_counts_for_nothing(rest: tuple[Recording, FrameMeasures]) -> None:
    recording, figures = tried(rest, [StepKind.SMILE], [StepKind.SMILE])
    late = [replace(m, at=m.at + (11 if m.step == 1 and m.at > 1.2 else 0)) for m in figures]
    assert examine(recording, late).verdict is not Verdict.SUPPORTS


def test_without_a_first_step_it_is_silent(rest: tuple[Recording, FrameMeasures]) -> None:
    recording, figures = tried(rest, [StepKind.NOD], [StepKind.NOD])
    assert examine(recording, figures[9:]).verdict is Verdict.SILENT
    assert examine(*tried(rest, [], [])).verdict is Verdict.SILENT


def test_with_eyes_that_were_never_open_no_blink_is_told(rest: tuple[Recording, FrameMeasures]) -> None:
    recording, figures = tried(rest, [StepKind.BLINK], [StepKind.BLINK])
    shut = [replace(measure, eyes_open=0.1 * measure.eyes_open) for measure in figures]
    assert examine(recording, shut).verdict is Verdict.REFUTES
    seen = eye_statistics(shut)
    assert (seen.open_share, seen.blinks, seen.longest_closed) == (0.0, 0, pytest.approx(figures[-1].at))


def test_blinks_are_counted(rest: tuple[Recording, FrameMeasures]) -> None:
    _, figures = tried(rest, [StepKind.BLINK] * 2, [StepKind.BLINK] * 2)
    seen = eye_statistics(figures)
    assert seen.blinks == 2
    assert seen.longest_closed == pytest.approx(0.5)
    assert 0.5 < seen.open_share < 0.9
    assert eye_statistics([]).frames == 0


@pytest.fixture(scope="module")
def people(pictures: Path, pack: ModelPack) -> tuple[Cast, Page, FaceMeter]:
    return Cast(pictures, pack), Page(pack), FaceMeter.build(pack)


def test_a_simulated_person_does_what_is_asked(people: tuple[Cast, Page, FaceMeter]) -> None:
    cast, page, meter = people
    asked = (StepKind.TURN_LEFT, StepKind.NOD, StepKind.BLINK, StepKind.COME_CLOSER)
    timeline = Timeline([Act(StepKind.LOOK, 1.2), *(Act(kind, 1.6, 0.3) for kind in asked)])
    frames = list(played(cast.head("obama"), timeline, seed=5, rate=8))
    recording = page.recording(frames, (Step(StepKind.LOOK, 12), *(Step(kind, 8) for kind in asked)))
    measures = meter.measure_all(recording.frames)
    finding = examine(recording, measures)
    assert finding.verdict is Verdict.SUPPORTS, finding
    # The same frames, had something else been asked.
    others = (StepKind.SMILE, StepKind.TURN_RIGHT, StepKind.NOD, StepKind.TURN_LEFT)
    other = replace(recording, steps=(recording.steps[0], *(Step(kind, 8) for kind in others)))
    found = results(other, measures)
    assert found is not None
    assert [one.done for one in found] == [False] * 4
    assert [one.instead for one in found] == [StepKind.TURN_LEFT, StepKind.NOD, None, StepKind.COME_CLOSER]

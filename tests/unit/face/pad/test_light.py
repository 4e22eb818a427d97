"""The colours of a screen on real faces, as the skin gives them back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tools.pad.crops import Cut
from tools.pad.light import lit
from tools.pad.pulse import recorded

from facekeep.domain.capture import Colour, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.domain.sample import Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import light

PICTURES = Path(__file__).parents[4] / ".cache" / "pictures"
ASKED = (Colour.RED, Colour.BLUE, Colour.WHITE, Colour.GREEN, Colour.BLUE, Colour.RED, Colour.BLACK, Colour.GREEN)
OTHER = (Colour.GREEN, Colour.RED, Colour.BLACK, Colour.BLUE, Colour.GREEN, Colour.BLUE, Colour.WHITE, Colour.RED)


@pytest.fixture(scope="module")
def people() -> list[tuple[Pixels, NDArray[np.float64]]]:
    cut = Cut.build(ModelPack.load())
    found = [cut(decode((PICTURES / name).read_bytes())) for name in ("astronaut.png", "biden.jpg", "obama.jpg")]
    return [person for person in found if person is not None]


def test_colours_that_come_back_support(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    rng = np.random.default_rng(1)
    for person in people:
        finding = lit(person, 0.05, ASKED, ASKED, rng)
        assert finding.verdict is Verdict.SUPPORTS
        assert finding.figures["light_correlation"] > 0.85
        assert 0 <= finding.figures["light_lag"] <= 0.5


def test_the_colours_of_another_session_refute(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    for person in people:
        finding = lit(person, 0.10, OTHER, ASKED, np.random.default_rng(2))
        assert finding.verdict is Verdict.REFUTES
        assert finding.reasons == (PadReason.COLOURS_NOT_REFLECTED,)


def test_no_colour_at_all_doubts(people: list[tuple[Pixels, NDArray[np.float64]]]) -> None:
    for person in people:
        finding = lit(person, 0.0, ASKED, ASKED, np.random.default_rng(3))
        assert finding.verdict is Verdict.DOUBTS


def test_brightness_alone_is_no_colour() -> None:
    times = np.arange(50) / 10
    screen = np.array([1.0 if ASKED[min(7, int(at / 5 * 8))] is Colour.WHITE else 0.0 for at in times])
    grey = 100 * (1 + 0.2 * screen[:, np.newaxis]) * np.ones(3)
    assert light.reflection(times.tolist(), grey, ASKED).correlation < light.STRANGE


def test_without_such_a_step_it_is_silent_and_with_too_few_frames_it_doubts(
    people: list[tuple[Pixels, NDArray[np.float64]]],
) -> None:
    face, points = people[0]
    few = [(face, points)] * (light.FRAMES_MIN - 1)
    times = np.arange(len(few)) / 5
    assert light.examine(*recorded(few, times, Step(StepKind.LOOK, 12))).verdict is Verdict.SILENT
    asked = light.examine(*recorded(few, times, Step(StepKind.LIGHT, 6, ASKED)))
    assert (asked.verdict, asked.reasons) == (Verdict.DOUBTS, (PadReason.TOO_LITTLE_EVIDENCE,))
    many = [(face, points)] * 40
    dull = Step(StepKind.LIGHT, 6, (Colour.RED, Colour.GREEN, Colour.RED))
    assert light.examine(*recorded(many, np.arange(40) / 8, dull)).verdict is Verdict.DOUBTS

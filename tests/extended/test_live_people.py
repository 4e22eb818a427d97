"""People of the London set before a real browser, judged by every real voice: nothing of the service is replaced.

Each is simulated from two pictures, neutral and smiling; the fake camera's name makes the voice of injection doubt,
as it should. Which steps are drawn is chosen, so that a person's frames can be drawn beforehand, and steps are longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from facekeep.client import Newcomer, read_result
from facekeep.domain.capture import Assurance, Intent, StepKind
from facekeep.domain.capture_container import decode
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.browser.posing import Actor, rehearsed
from tests.browser.seeing import check_only_heads
from tests.browser.staged import CLIENT, Drawn, Scene, staged
from tests.clips.people import london

pytestmark = [pytest.mark.extended, pytest.mark.enable_socket]

ONE, OTHER = "001", "002"
KINDS = (StepKind.TURN_LEFT, StepKind.SMILE, StepKind.BLINK, StepKind.COME_CLOSER)
FIRST = KINDS[:3]
# Coming closer is last: the fake camera cuts from one act to the next, and a face that jumps back is noticed.
SECOND = (StepKind.SMILE, StepKind.TURN_LEFT, StepKind.COME_CLOSER)


@pytest.fixture(scope="module")
def actors(data: Path) -> Mapping[str, Actor]:
    return {name: rehearsed(london(data), name, KINDS, striped=True) for name in (ONE, OTHER)}


@pytest.fixture(scope="module")
def scene(actors: Mapping[str, Actor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")

    def captures(keep: Keep, drawn: Drawn) -> CaptureService:
        return shipped_captures(keep, draw=drawn)

    with (
        Keep.create(folder / "keep") as keep,
        staged(keep, folder, actors[ONE].rest, Drawn(FIRST, 25), captures) as made,
    ):
        enrolled = made.order(intent=Intent.ENROL, newcomer=Newcomer("one", "One", (Purpose.VERIFY,)))
        made.go_through(enrolled, actors[ONE])
        assert made.outcome(enrolled) is CaptureOutcome.PASSED, made.shop.capture(enrolled.id)
        made.tapped.bodies.clear()
        yield made


def test_somebody_who_was_enrolled_live_is_verified_live_with_a_smile(
    scene: Scene, actors: Mapping[str, Actor]
) -> None:
    scene.drawn.kinds = SECOND
    made = scene.order(label="one")
    scene.go_through(made, actors[ONE])
    found = scene.shop.capture(made.id)
    assert found.outcome is CaptureOutcome.PASSED, found
    result = read_result(
        found.result or "",
        scene.shop.result_keys(),
        audience=scene.keep.client_named(CLIENT).id.hex(),
        nonce=made.nonce,
    )
    assert result.reaches(Assurance.LIVE)
    (body,) = scene.sent()
    check_only_heads(decode(body).frames)


def test_somebody_else_is_not(scene: Scene, actors: Mapping[str, Actor]) -> None:
    scene.drawn.kinds = FIRST
    made = scene.order(label="one")
    scene.camera.settle(actors[OTHER].rest)
    scene.go_through(made, actors[OTHER])
    found = scene.shop.capture(made.id)
    # Live, and not the person: one of three tries is gone, and nothing is final yet.
    assert found.pad is not None
    assert (found.pad["decision"], found.outcome, found.reasons, found.tries_left) == ("bona-fide", None, ("claim",), 2)
    assert "It was confirmed" not in scene.page.text()


def test_a_still_picture_does_nothing_that_is_asked(scene: Scene, actors: Mapping[str, Actor]) -> None:
    scene.drawn.kinds, scene.drawn.seconds = FIRST, 4
    scene.camera.settle(actors[ONE].rest[:1])
    made = scene.order(label="one")
    scene.tapped.bodies.clear()
    scene.open(made)
    scene.page.until("document.body.dataset.view === 'late'")
    found = scene.shop.capture(made.id)
    assert (found.outcome, found.tries_left) == (None, 2)
    assert not [path for method, path, _ in scene.tapped.bodies if method == "PUT"]

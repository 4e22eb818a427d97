"""People of the London set before a real browser, judged by every real voice: nothing of the service is replaced.

Each is simulated from two pictures, neutral and smiling; the fake camera's name makes the voice of injection doubt,
as it should. Which steps are drawn is chosen, so that a person's frames can be drawn beforehand, and steps are longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from facekeep.client import CaptureDetails, CaptureOrder, Client, NewCapture, Newcomer, read_result
from facekeep.domain.access import Scope
from facekeep.domain.capture import Assurance, Intent, Step, StepKind
from facekeep.domain.capture_container import decode
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.keep import Keep
from tests.api.serving import served
from tests.browser.devtools import Page, chromium
from tests.browser.posing import RATE, Actor, do_what_is_asked, press, rehearsed
from tests.browser.seeing import check_only_heads
from tests.browser.test_capture import Tapped
from tests.clips.fake_camera import FakeCamera
from tests.clips.people import london

pytestmark = [pytest.mark.extended, pytest.mark.enable_socket]

ONE, OTHER = "001", "002"
KINDS = (StepKind.TURN_LEFT, StepKind.SMILE, StepKind.BLINK, StepKind.COME_CLOSER)
FIRST = KINDS[:3]
# Coming closer is last: the fake camera cuts from one act to the next, and a face that jumps back is noticed.
SECOND = (StepKind.SMILE, StepKind.TURN_LEFT, StepKind.COME_CLOSER)
GOOD = "document.querySelector('.advice')?.dataset.good === 'true'"


class Drawn:
    """Steps in the order of a test, in place of chance."""

    kinds: tuple[StepKind, ...] = FIRST
    seconds: float = 25

    def __call__(self, *, light: bool) -> tuple[Step, ...]:
        del light
        return (Step(StepKind.LOOK, 25), *(Step(kind, self.seconds) for kind in self.kinds))


@dataclass
class Booth:
    """A browser before a camera, a service, and an integrator."""

    keep: Keep
    origin: str
    client: Client
    notice: str
    page: Page
    camera: FakeCamera
    tapped: Tapped
    drawn: Drawn

    def order(self, **changed: object) -> NewCapture:
        usual: dict[str, object] = {"intent": Intent.VERIFY, "purpose": Purpose.VERIFY, "notices": (self.notice,)}
        return self.client.create_capture(CaptureOrder(**usual | changed))  # type: ignore[arg-type]

    def begin(self, made: NewCapture) -> None:
        self.tapped.bodies.clear()
        self.page.call("Page.navigate", url="about:blank")
        self.page.call("Page.navigate", url=made.link)
        self.page.until("document.body.dataset.view === 'notice'")
        press(self.page, "I agree: use my face")
        self.page.until(GOOD)
        press(self.page, "Begin")

    def go_through(self, made: NewCapture, actor: Actor) -> CaptureDetails:
        self.camera.settle(actor.rest)
        self.begin(made)
        assert do_what_is_asked(self.page, self.camera, actor) == ["look", *(kind.value for kind in self.drawn.kinds)]
        assert self.page.evaluate("document.body.dataset.view") == "review", self.page.text()
        press(self.page, "Send")
        self.page.until("['result', 'again'].includes(document.body.dataset.view)")
        return self.client.capture(made.id)


@pytest.fixture(scope="module")
def actors(data: Path) -> Mapping[str, Actor]:
    return {name: rehearsed(london(data), name, KINDS, striped=True) for name in (ONE, OTHER)}


@pytest.fixture(scope="module")
def booth(actors: Mapping[str, Actor], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    folder = tmp_path_factory.mktemp("booth")
    bound = listen("127.0.0.1", 0)
    origin, drawn = f"http://localhost:{bound.getsockname()[1]}", Drawn()
    with Keep.create(folder / "keep") as keep:
        notice = keep.add_notice("Your face is compared with the one that you enrolled.", language="en").digest
        captures = shipped_captures(keep, draw=drawn)
        tapped = Tapped(build(keep, Rates(None, None), site=Site(origin), captures=captures))
        token = keep.issue_token("door", [Scope.CAPTURE, Scope.ENROL], days=1).token
        with (
            served(tapped, bound),
            Client(origin, token) as client,
            FakeCamera(folder / "camera.mjpeg", actors[ONE].rest, RATE) as camera,
            chromium(folder, *camera.arguments) as page,
        ):
            made = Booth(keep, origin, client, notice, page, camera, tapped, drawn)
            found = made.go_through(
                made.order(intent=Intent.ENROL, newcomer=Newcomer("one", "One", (Purpose.VERIFY,))), actors[ONE]
            )
            assert found.outcome is CaptureOutcome.PASSED, found
            yield made


def test_somebody_who_was_enrolled_live_is_verified_live_with_a_smile(
    booth: Booth, actors: Mapping[str, Actor]
) -> None:
    booth.drawn.kinds = SECOND
    made = booth.order(label="one")
    found = booth.go_through(made, actors[ONE])
    assert found.outcome is CaptureOutcome.PASSED, found
    result = read_result(
        found.result or "",
        booth.client.result_keys(),
        audience=booth.keep.client_named("door").id.hex(),
        nonce=made.nonce,
    )
    assert result.reaches(Assurance.LIVE)
    (body,) = [body for method, path, body in booth.tapped.bodies if (method, path) == ("PUT", "/v1/capture/frames")]
    check_only_heads(decode(body).frames)


def test_somebody_else_is_not(booth: Booth, actors: Mapping[str, Actor]) -> None:
    booth.drawn.kinds = FIRST
    made = booth.order(label="one")
    found = booth.go_through(made, actors[OTHER])
    # Live, and not the person: one of three tries is gone, and nothing is final yet.
    assert found.pad is not None
    assert (found.pad["decision"], found.outcome, found.reasons, found.tries_left) == ("bona-fide", None, ("claim",), 2)
    assert "It was confirmed" not in booth.page.text()


def test_a_still_picture_does_nothing_that_is_asked(booth: Booth, actors: Mapping[str, Actor]) -> None:
    booth.drawn.kinds, booth.drawn.seconds = FIRST, 4
    booth.camera.settle(actors[ONE].rest[:1])
    made = booth.order(label="one")
    booth.begin(made)
    booth.page.until("document.body.dataset.view === 'late'")
    found = booth.client.capture(made.id)
    assert (found.outcome, found.tries_left) == (None, 2)
    assert not [path for method, path, _ in booth.tapped.bodies if method == "PUT"]

"""The service, an integrator, and a browser before a fake camera: what tests of whole captures share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekeep.client import CaptureOrder, Client, NewCapture
from facekeep.domain.access import Scope as TokenScope
from facekeep.domain.capture import Intent, Step, StepKind
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.api.serving import served
from tests.browser.devtools import Page, chromium
from tests.browser.posing import RATE, Actor, do_what_is_asked, press
from tests.clips.fake_camera import FakeCamera

__all__ = ["CLIENT", "Drawn", "Scene", "Tapped", "staged"]

CLIENT = "Bakery"
GOOD = "document.querySelector('.advice')?.dataset.good === 'true'"
DONE = "['result', 'again', 'waiting'].includes(document.body.dataset.view)"


@dataclass
class Drawn:
    """Steps that a test chose, in place of chance; with more time than usual, as tests share their machine."""

    kinds: tuple[StepKind, ...]
    seconds: float

    def __call__(self, *, light: bool) -> tuple[Step, ...]:
        del light
        return (Step(StepKind.LOOK, max(20, self.seconds)), *(Step(kind, self.seconds) for kind in self.kinds))


class Tapped:
    """An application whose requests are noted as they come from the wire."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.bodies: list[tuple[str, str, bytes]] = []
        """Method, path and body of each."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        parts: list[bytes] = []

        async def noted() -> Message:
            message = await receive()
            parts.append(message.get("body", b""))
            return message

        try:
            await self._app(scope, noted, send)
        finally:
            self.bodies.append((scope["method"], scope["path"], b"".join(parts)))


@dataclass
class Scene:
    """The service, an integrator, and a browser before a camera."""

    keep: Keep
    origin: str
    shop: Client
    notice: str
    page: Page
    camera: FakeCamera
    tapped: Tapped
    drawn: Drawn

    def order(self, **changed: Any) -> NewCapture:
        usual: dict[str, Any] = {"intent": Intent.VERIFY, "purpose": Purpose.VERIFY, "notices": (self.notice,)}
        return self.shop.create_capture(CaptureOrder(**usual | changed))

    def go_through(self, made: NewCapture, actor: Actor) -> str:
        """Open a link, agree, do what is asked, look and send; gives what the page says in the end."""
        before = len(self.sent())
        self.open(made)
        return self._finish(actor, before)

    def go_on(self, actor: Actor) -> str:
        """The same without a link, in a browser that a capture was given to."""
        before = len(self.sent())
        self._agree()
        return self._finish(actor, before)

    def try_again(self, actor: Actor) -> str:
        """The same from a result on that leaves a try."""
        before = len(self.sent())
        press(self.page, "Try again")
        self._begin()
        return self._finish(actor, before)

    def open(self, made: NewCapture) -> None:
        """Open a link, agree, and begin."""
        self.page.call("Page.navigate", url="about:blank")
        self.page.call("Page.navigate", url=made.link)
        self._agree()

    def _agree(self) -> None:
        self.page.until("document.body.dataset.view === 'notice'")
        press(self.page, "I agree: use my face")
        self._begin()

    def _begin(self) -> None:
        self.page.until(GOOD)
        press(self.page, "Begin")

    def _finish(self, actor: Actor, before: int) -> str:
        assert do_what_is_asked(self.page, self.camera, actor) == ["look", *(kind.value for kind in self.drawn.kinds)]
        assert self.page.evaluate("document.body.dataset.view") == "review", self.page.text()
        assert len(self.sent()) == before  # nothing yet
        press(self.page, "Send")
        self.page.until(DONE)
        return self.page.text()

    def sent(self) -> list[bytes]:
        """Bodies of frames that came."""
        return [body for method, path, body in self.tapped.bodies if (method, path) == ("PUT", "/v1/capture/frames")]

    def outcome(self, made: NewCapture) -> CaptureOutcome | None:
        return self.shop.capture(made.id).outcome


@contextmanager
def staged(
    keep: Keep, folder: Path, rest: Sequence[bytes], drawn: Drawn, captures: Callable[[Keep, Drawn], CaptureService]
) -> Iterator[Scene]:
    """Serve a keep, and seat somebody before the camera of a browser.

    Args:
        keep: open.
        folder: for the browser's profile and the camera's file.
        rest: what the camera shows while nothing is done.
        drawn: which steps are asked.
        captures: makes the captures of the keep.
    """
    bound = listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    text = "Your face is compared with the one that you enrolled."
    notice = keep.add_notice(text, language="en", retention="24 months", alternative="You pay by card.").digest
    app = build(keep, Rates(None, None), site=Site(origin), captures=captures(keep, drawn), face_sign_in=True)
    tapped = Tapped(app)
    token = keep.issue_token(CLIENT, [TokenScope.CAPTURE, TokenScope.ENROL], days=1).token
    with (
        served(tapped, bound),
        Client(origin, token) as shop,
        FakeCamera(folder / "camera.mjpeg", rest, RATE) as camera,
        chromium(folder, *camera.arguments) as page,
    ):
        page.size(390, 844)
        yield Scene(keep, origin, shop, notice, page, camera, tapped, drawn)

"""A simulated person before a real browser's fake camera, who does what the capture page asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import StepKind
from tests.browser.devtools import Page
from tests.clips.fake_camera import FakeCamera, encoded
from tests.clips.head import FRAME_HEIGHT, FRAME_WIDTH
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.script import Act, Timeline

__all__ = ["RATE", "STRIPE", "Actor", "do_what_is_asked", "press", "rehearsed", "stripes"]

STRIPE = 4
RATE = 10.0
"""Frames in a second of what a person does: enough for each step, and drawn in bearable time."""
PAUSE = 6
"""Frames of rest after an act."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody's frames, as the fake camera wants them.

    Attributes:
        rest: looking at the camera, over and over, with a blink.
        acts: each step done once.
    """

    rest: Sequence[bytes] = field(repr=False)
    acts: Mapping[StepKind, Sequence[bytes]] = field(repr=False)


def rehearsed(folder: Path, name: str, kinds: Sequence[StepKind], *, seed: int = 7, striped: bool = False) -> Actor:
    """Somebody of a folder of pictures who can do these steps.

    Args:
        folder: as :class:`tests.clips.people.Cast` takes it.
        name: whose picture.
        kinds: what is to be done.
        seed: of room, sway and noise.
        striped: whether the room is hung with stripes, which a blur takes away and nothing else does.
    """
    head = Cast(folder).head(name)
    with patch("tests.clips.live.room", stripes) if striped else nullcontext():
        still = Timeline([Act(None, 3.0)], blinks=(1.2,))
        rest = [encoded(frame.picture) for frame in played(head, still, seed=seed, rate=RATE, period=still.seconds)]
        acts = {
            kind: [encoded(frame.picture) for frame in played(head, Timeline([Act(kind, 1.8)]), seed=seed, rate=RATE)]
            for kind in kinds
        }
    return Actor(rest, acts)


def stripes(_seed: int = 0) -> NDArray[np.uint8]:
    """A wall of upright stripes, each :data:`STRIPE` pixels wide: RGB, shape (480, 640, 3)."""
    row = np.where(np.arange(FRAME_WIDTH) // STRIPE % 2 == 0, 90, 170).astype(np.uint8)
    return np.broadcast_to(row[np.newaxis, :, np.newaxis], (FRAME_HEIGHT, FRAME_WIDTH, 3)).copy()


def do_what_is_asked(page: Page, camera: FakeCamera, actor: Actor) -> list[str]:
    """Do each step when it is asked, until the page shows another view; gives the kinds asked.

    Chromium now and then reads the fake camera's file while it is written, and takes the camera for disconnected: then
    the person tries again, as the page offers.
    """
    asked: list[str] = []
    while True:
        last = asked[-1] if asked else ""
        if last not in actor.acts:
            page.until(f"document.body.dataset.view !== 'steps' || (document.body.dataset.step ?? '') !== '{last}'")
        view = page.evaluate("document.body.dataset.view")
        if view == "camera-trouble":
            press(page, "Try again")
            page.until("document.querySelector('.advice')?.dataset.good === 'true'")
            press(page, "Begin")
            asked.clear()
        elif view != "steps":
            return asked
        else:
            step = str(page.evaluate("document.body.dataset.step"))
            if step != last:
                asked.append(step)
            if step in actor.acts:
                # To its end, as a head does not jump; and again, as nobody is seen each time.
                camera.play([*actor.acts[StepKind(step)], *actor.rest[:PAUSE]], wait=True)


def press(page: Page, text: str) -> None:
    """Go to what has a text, by the keyboard alone, and press it."""
    for _ in range(20):
        if page.evaluate("document.activeElement !== document.body && document.activeElement.textContent") == text:
            return page.press("Enter", 13, "\r")
        page.press("Tab", 9)
    raise AssertionError(f"no way to {text} by the keyboard")

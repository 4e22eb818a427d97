"""From a face that the machine cannot judge to a decision of two people, each in a real browser of their own.

The capture page with its camera, the service, the console twice and the person's own page are real; what presentation
attack detection finds is chosen.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facekeep.client import Newcomer, read_result
from facekeep.domain.accounts import Role
from facekeep.domain.capture import Intent, RecordedFrame, Recording, StepKind
from facekeep.domain.capture_session import CaptureOutcome, CaptureState
from facekeep.domain.consent import Purpose
from facekeep.domain.pad import Examined
from facekeep.face.light_detection import LightDetector
from facekeep.face.masking import GREY, FaceMasker
from facekeep.face.models import ModelPack
from facekeep.face.pad.gate import FrameGate
from facekeep.face.pad.meter import FaceMeter
from facekeep.face.pad.selection import SERVING, best_frames
from facekeep.service.capture_judging import Judge
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.browser.devtools import Page
from tests.browser.posing import Actor, rehearsed
from tests.browser.staged import CLIENT, Drawn, Scene, staged
from tests.browser.test_sign_in import AUTHENTICATOR, FOCUSED
from tests.capturing import LIFELESS, ChosenDetector

pytestmark = pytest.mark.enable_socket

ASKED = (StepKind.TURN_LEFT, StepKind.BLINK, StepKind.TURN_RIGHT)
WHERE = """(() => { const canvas = [...document.querySelectorAll('.faces canvas')].at(-1);
  canvas.scrollIntoView({block: 'center'}); const at = canvas.getBoundingClientRect();
  return [at.x, at.y, at.width, at.height] })()"""


@dataclass
class SeenMasks:
    """Masks as shipped, and remembers what came of it."""

    shipped: FaceMasker
    made: list[bytes] = field(default_factory=list)

    def frame(self, frame: RecordedFrame) -> bytes:
        self.made.append(self.shipped.frame(frame))
        return self.made[-1]


@dataclass
class ServesAsShipped(ChosenDetector):
    """Finds what is chosen, and has those frames serve that do as shipped: the first one may be of a blink."""

    meter: FaceMeter = field(kw_only=True)

    def examine(self, recording: Recording) -> Examined:
        measures = self.meter.measure_all(recording.frames)
        return replace(super().examine(recording), best=best_frames(recording.frames, measures, SERVING))


@dataclass
class Stage:
    """The scene with its person, what the machine finds, and what it masks."""

    scene: Scene
    actor: Actor
    detector: ServesAsShipped
    masks: SeenMasks
    pack: ModelPack


@pytest.fixture
def stage(pictures: Path, pack: ModelPack, tmp_path: Path) -> Iterator[Stage]:
    actor = rehearsed(pictures, "astronaut", ASKED, striped=True)
    detector, masks = ServesAsShipped(meter=FaceMeter.build(pack)), SeenMasks(FaceMasker.build(pack))

    def captures(keep: Keep, drawn: Drawn) -> CaptureService:
        judge = Judge(keep, lambda: FrameGate.build(pack), lambda: detector, lambda: masks)
        return CaptureService(keep, judge, draw=drawn)

    with (
        Keep.create(tmp_path / "keep", purposes=[Purpose.VERIFY]) as keep,
        staged(keep, tmp_path, actor.rest, Drawn(ASKED, 20), captures) as scene,
    ):
        yield Stage(scene, actor, detector, masks, pack)


def sign_up(page: Page, scene: Scene, name: str, roles: list[Role], label: str | None = None) -> None:
    """Register a passkey by the link of an invitation, in a browser that has none."""
    page.call("Emulation.setFocusEmulationEnabled", enabled=True)  # one window of several has the focus at a time
    page.call("WebAuthn.enable")
    page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR)
    page.open(f"{scene.origin}/sign-up#{scene.keep.invite(name, roles, label=label).secret}")
    page.evaluate(FOCUSED)
    page.press("Enter", 13, "\r")
    page.until("document.querySelector('#onward:not([hidden])') !== null")


def at_the_console(page: Page, scene: Scene, name: str) -> None:
    """Sign up as a reviewer, and register the key of this browser."""
    page.size(1280, 900)
    sign_up(page, scene, name, [Role.REVIEWER])
    page.open(f"{scene.origin}/review")
    page.until("document.body.dataset.view === 'home'")
    click(page, "Make a key in this browser")
    page.until("document.querySelector('.own-key strong') !== null")


def click(page: Page, text: str) -> None:
    """Press a button by its text; that all can be reached by the keyboard is tested elsewhere."""
    page.evaluate(f"[...document.querySelectorAll('button')].find(b => b.textContent === {json.dumps(text)}).click()")


def look(page: Page, review: str, scene: Scene, shot: Path) -> NDArray[np.uint8]:
    """Claim a review, have the face shown, and give what is on the screen where it is."""
    page.open(f"{scene.origin}/review/{review}")
    page.until("document.body.dataset.view === 'review'")
    assert page.evaluate("document.querySelectorAll('canvas').length") == 0  # figures first, and no face
    page.press("c", 67, "c")
    page.until("document.body.innerText.includes('Give it back')")
    page.press("f", 70, "f")
    page.evaluate("document.querySelector('[name=why][value=urgent-sign]').click()")
    click(page, "Show it now")
    page.until("document.querySelectorAll('.faces canvas').length > 0")
    left, top, width, height = page.evaluate(WHERE)
    page.picture(shot)
    window = Image.open(shot).convert("RGB")
    return np.asarray(window.crop((round(left), round(top), round(left + width), round(top + height))))


def check_only_the_face(shown: NDArray[np.uint8], masked: bytes, pack: ModelPack) -> None:
    """What is on the screen outside of the face is the page's own background, each pixel of it."""
    crop = np.asarray(Image.open(io.BytesIO(masked)))
    detected = LightDetector.build(pack).detect(crop)
    assert detected  # it is a face still
    box, side = detected[0].box, crop.shape[0]
    x = (np.arange(shown.shape[1]) + 0.5) * side / shown.shape[1]
    y = (np.arange(shown.shape[0]) + 0.5) * side / shown.shape[0]
    # The ellipse of docs/spec/capture.md, wider by what the detector's box may differ in a masked picture.
    reach = 0.6 * 1.15
    ellipse = ((x - box.centre[0]) / (reach * box.width)) ** 2 + (((y - box.centre[1]) / (reach * box.height)) ** 2)[
        :, None
    ] <= 1
    kept = np.any(crop != GREY, axis=2)
    may = np.asarray(Image.fromarray(kept).resize((shown.shape[1], shown.shape[0])), bool)
    for _ in range(3):  # a pixel that is drawn larger has an edge
        grown = may.copy()
        grown[1:] |= may[:-1]
        grown[:-1] |= may[1:]
        grown[:, 1:] |= may[:, :-1]
        grown[:, :-1] |= may[:, 1:]
        may = grown
    background = shown[0, 0].astype(int)
    differs = np.abs(shown.astype(int) - background).max(axis=2) > 2
    assert differs[may].mean() > 0.8  # the face is there
    assert not (differs & ~may).any()
    assert not (differs & ~ellipse).any()


def vote(page: Page, decision: str, code: str) -> None:
    page.press("Escape", 27)
    click(page, decision)
    page.evaluate(f"document.querySelector('[name=code][value={code}]').click()")
    click(page, "Give this vote")


@pytest.mark.extended
def test_what_the_machine_cannot_decide_two_people_do_and_the_person_reads_of_both(
    stage: Stage, tmp_path: Path
) -> None:
    scene, actor = stage.scene, stage.actor
    enrol = scene.order(intent=Intent.ENROL, newcomer=Newcomer("ann", "Ann", (Purpose.VERIFY,)))
    assert "It was confirmed" in scene.go_through(enrol, actor)
    person = scene.page
    sign_up(person, scene, "ann", [Role.DATA_SUBJECT], "ann")
    with ExitStack() as stack:
        reviewers = [stack.enter_context(person.stranger()) for _ in range(2)]
        for number, page in enumerate(reviewers):
            at_the_console(page, scene, f"reviewer {number}")
        stage.detector.finds = LIFELESS
        made = scene.order(label="ann")
        said = scene.go_through(made, actor)
        assert "A person will look at it" in said
        waiting = scene.shop.capture(made.id)
        assert (waiting.state, waiting.outcome) == (CaptureState.REVIEW, None)
        (review,) = scene.keep.own_reviews(scene.keep.subject("ann").id)
        name = review.review.id.hex()
        for number, page in enumerate(reviewers):
            page.open(f"{scene.origin}/review")
            page.until("document.querySelector('#queue .row.urgent') !== null")
            shot = tmp_path / f"reviewer-{number}.png"
            check_only_the_face(look(page, name, scene, shot), stage.masks.made[-1], stage.pack)
            vote(page, "A live person", "looks-live")
            page.until(
                f"document.body.innerText.includes('{'Decided: a live person' if number else 'One more person'}')"
            )
            assert scene.shop.capture(made.id).state is (CaptureState.DONE if number else CaptureState.REVIEW)
    done = scene.shop.capture(made.id)
    result = read_result(
        done.result or "",
        scene.shop.result_keys(),
        audience=scene.keep.client_named(CLIENT).id.hex(),
        nonce=made.nonce,
        issuer=scene.origin,
    )
    assert (result.outcome, result.subject) == (CaptureOutcome.PASSED, scene.keep.subject("ann").id)
    person.open(f"{scene.origin}/me")
    person.until("document.body.innerText.includes('reviewer 1')")
    told: Any = person.text()
    assert "reviewer 0" in told
    person.picture(tmp_path / "me.png", whole=True)

"""A live person before a real browser and the real service: enrolled, verified, refused; and what crosses the wire.

The page, its models, the service, the gate, the split gallery and the signature are real, and the person is simulated
from a real picture. What presentation attack detection finds is chosen here but for the challenge, whose own voice has
to say of the very frames that were sent that all was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from facekeep.client import Newcomer, read_result
from facekeep.domain.accounts import Role
from facekeep.domain.capture import Intent, Recording, Statement, StepKind
from facekeep.domain.capture_container import decode
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.pad import Examined, Finding, Verdict
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.face.pad import challenge
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.gate import FrameGate
from facekeep.face.pad.meter import FaceMeter
from facekeep.face.pad.selection import best_frames
from facekeep.service.capture_judging import Judge
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.browser.posing import RATE, Actor, do_what_is_asked, press, rehearsed
from tests.browser.seeing import check_only_heads
from tests.browser.staged import CLIENT, Drawn, Scene, staged
from tests.capturing import GENUINE, ChosenDetector
from tests.clips.live import repertoire, rest
from tests.clips.people import Cast

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

PURPOSES = [Purpose.VERIFY, Purpose.PAYMENT]
ASKED = (StepKind.TURN_LEFT, StepKind.BLINK, StepKind.TURN_RIGHT)
SHOP = Statement("1234.50", "EUR", "Bakery Miller")


@dataclass
class WithChallenge(ChosenDetector):
    """Has the challenge's own voice speak, and the others as chosen."""

    heard: list[Finding] = field(default_factory=list)
    meter: FaceMeter | None = None
    shipped: PresentationAttackDetector | None = None
    """Speaks in place of what is chosen, once it is there."""

    def examine(self, recording: Recording) -> Examined:
        if self.shipped is not None:
            return self.shipped.examine(recording)
        assert self.meter is not None
        measures = self.meter.measure_all(recording.frames)
        finding = challenge.examine(recording, measures)
        self.heard.append(finding)
        chosen = super().examine(recording)
        others = (each for each in chosen.findings if each.voice is not finding.voice)
        # As shipped: the first frame may be of a blink.
        return Examined((finding, *others), chosen.curves, best_frames(recording.frames, measures, 3))


@pytest.fixture(scope="module")
def actor(pictures: Path) -> Actor:
    return rehearsed(pictures, "astronaut", ASKED, striped=True)


@pytest.fixture
def detector(pack: ModelPack) -> WithChallenge:
    return WithChallenge(GENUINE, meter=FaceMeter.build(pack))


@pytest.fixture
def scene(actor: Actor, detector: WithChallenge, pack: ModelPack, tmp_path: Path) -> Iterator[Scene]:
    def captures(keep: Keep, drawn: Drawn) -> CaptureService:
        judge = Judge(keep, lambda: FrameGate.build(pack), lambda: detector, lambda: FaceMasker.build(pack))
        return CaptureService(keep, judge, draw=drawn)

    with (
        Keep.create(tmp_path / "keep", purposes=PURPOSES) as keep,
        staged(keep, tmp_path, actor.rest, Drawn(ASKED, 20), captures) as made,
    ):
        yield made


def test_a_live_person_is_enrolled_and_confirms_a_payment(scene: Scene, detector: WithChallenge, actor: Actor) -> None:
    made = scene.order(intent=Intent.ENROL, newcomer=Newcomer("ann", "Ann", tuple(PURPOSES)))
    assert "It was confirmed" in scene.go_through(made, actor)
    assert scene.outcome(made) is CaptureOutcome.PASSED
    # The person has read all of the notice, and the consent names the capture that shows it.
    assert {c.evidence.written for c in scene.keep.consents("ann")} == {f"capture:{made.id}"}
    assert {c.notice for c in scene.keep.consents("ann")} == {scene.notice}
    (body,) = scene.sent()
    check_only_heads(decode(body).frames)
    scene.tapped.bodies.clear()
    paid = scene.order(purpose=Purpose.PAYMENT, label="ann", statement=SHOP, return_url=f"{scene.origin}/sign-in")
    assert "It was confirmed" in scene.go_through(paid, actor)
    result = read_result(
        scene.shop.capture(paid.id).result or "",
        scene.shop.result_keys(),
        audience=scene.keep.client_named(CLIENT).id.hex(),
        nonce=paid.nonce,
        issuer=scene.origin,
        statement=SHOP,
    )
    assert (result.outcome, result.subject) == (CaptureOutcome.PASSED, scene.keep.subject("ann").id)
    assert [finding.verdict for finding in detector.heard] == [Verdict.SUPPORTS] * 2
    # Whatever else crossed the wire is small, and no picture.
    others = [body for method, path, body in scene.tapped.bodies if not path.endswith("/frames")]
    assert max(map(len, others)) < 2000
    assert not any(b"\xff\xd8\xff" in body for body in others)
    assert all(address.startswith((scene.origin, f"blob:{scene.origin}", "about:")) for address in scene.page.asked)
    assert scene.page.console == []


@pytest.mark.extended
def test_all_voices_find_a_simulated_person_live(
    scene: Scene, detector: WithChallenge, pictures: Path, pack: ModelPack
) -> None:
    detector.shipped = PresentationAttackDetector.build(pack)
    head = Cast(pictures).head("astronaut")
    person = Actor(rest(head, seed=3, rate=RATE), repertoire(head, seed=4, rate=RATE))
    scene.camera.settle(person.rest)
    made = scene.order(intent=Intent.PROVE_LIVE)
    said = scene.go_through(made, person)
    for _ in range(2):  # as many tries as everybody has
        if "Try again" in said:
            said = scene.try_again(person)
    found = scene.shop.capture(made.id)
    assert found.outcome is CaptureOutcome.PASSED, found.pad
    verdicts = {finding["voice"]: finding["verdict"] for finding in (found.pad or {})["findings"]}
    assert {verdicts[voice] for voice in ("challenge", "depth", "passive", "continuity")} == {"supports"}


@pytest.mark.extended
def test_another_person_is_not_the_one_that_is_claimed(scene: Scene, pictures: Path) -> None:
    enrolled = [(pictures / "obama.jpg").read_bytes()]
    scene.keep.enrol("barack", enrolled, purposes=PURPOSES, notice="Compared.", operator="desk")
    made = scene.order(label="barack")
    said = scene.go_through(made, rehearsed(pictures, "astronaut", ASKED))
    assert "Your face was not found to be that of the person who is enrolled" in said
    assert "Tries left: 2" in said
    assert scene.outcome(made) is None


@pytest.mark.extended
def test_a_picture_that_is_held_before_the_camera_does_nothing_that_is_asked(scene: Scene, actor: Actor) -> None:
    scene.camera.settle(actor.rest[:1])
    made = scene.order(intent=Intent.PROVE_LIVE)
    scene.open(made)
    still = Actor(actor.rest[:1], dict.fromkeys(ASKED, actor.rest[:1]))
    assert do_what_is_asked(scene.page, scene.camera, still) == ["look", ASKED[0].value]
    assert "That was not seen in time" in scene.page.text()
    assert scene.sent() == []


@pytest.mark.extended
def test_a_live_face_signs_in_at_the_page_of_the_enrolled(scene: Scene, actor: Actor, pictures: Path) -> None:
    page, keep = scene.page, scene.keep
    keep.add_notice("Your face is compared when you sign in.", language="en", purposes=[Purpose.VERIFY])
    picture = (pictures / "astronaut.png").read_bytes()
    keep.enrol("ann", [picture], purposes=[Purpose.VERIFY], notice="A notice.", operator="desk", name="Ann Canary")
    keep.invite("ann at home", [Role.DATA_SUBJECT], label="ann")
    page.call("Page.navigate", url=f"{scene.origin}/me")
    page.until("document.querySelector('#account') !== null")
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "account":
            break
        page.press("Tab", 9)
    page.call("Input.insertText", text="ann at home")
    page.press("Enter", 13, "\r")
    assert "It was confirmed" in scene.go_on(actor)
    press(page, f"Go back to {scene.origin.partition('://')[2]}")
    page.until("document.body.dataset.view === 'home'")
    shown = page.text()
    assert "Ann Canary" in shown
    assert "Somebody who wanted to sign in as you with a face compared you with a picture, and was told" in shown

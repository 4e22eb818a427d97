"""Captures with the real gate and the real voices: a simulated person passes, a print of the same picture does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.domain.capture import Intent, SentFrame, Step, StepKind, chain_start, chained
from facekeep.domain.capture_container import SentTry, encode
from facekeep.domain.capture_order import CaptureOrder, Newcomer
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError
from facekeep.face.models import ModelPack
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.capture_views import CaptureView
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.capturing import Clock
from tests.clips.attacks import KINDS, Attacker
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.recording import RATE, Page, acts, blinks, shine, webcam
from tests.clips.script import Timeline

STEPS = (Step(StepKind.LOOK, 12), Step(StepKind.TURN_LEFT, 8), Step(StepKind.BLINK, 8))
SEED = 3
Sent = Sequence[SentFrame]


@pytest.fixture(scope="module")
def page(pack: ModelPack) -> Page:
    return Page(pack)


@pytest.fixture(scope="module")
def cast(pictures: Path, pack: ModelPack) -> Cast:
    return Cast(pictures, pack)


@pytest.fixture(scope="module")
def alive(page: Page, cast: Cast) -> Sent:
    done = acts(STEPS, SEED)
    timeline = Timeline(done, blinks(done, SEED))
    return page.sent(played(cast.head("biden"), timeline, seed=SEED, rate=RATE), STEPS)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("engine") / "keep", purposes=[Purpose.VERIFY]) as made:
        made.add_notice("A notice.")
        made.issue_token("shop", [Scope.CAPTURE], days=2)
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def captures_at(keep: Keep) -> Callable[[Clock], CaptureService]:
    return lambda clock: shipped_captures(keep, clock, lambda **_: STEPS)


def _go_through(captures: CaptureService, clock: Clock, cookie: str, notice: str, frames: Sent) -> CaptureView:
    """Send frames that were taken before as if they were taken now: the chain is over this try's nonce."""
    begun = captures.begin_try(cookie, notice)
    began, head, sent = clock.now, chain_start(bytes.fromhex(begun.nonce)), 0
    for index in range(len(STEPS)):
        part = [frame for frame in frames if frame.step == index]
        head, sent = chained(head, part), sent + len(part)
        clock.now = began
        clock.wait(part[-1].at / 1000 + 0.2)
        captures.next_step(cookie, begun.number, sent, head)
    return captures.take_frames(cookie, encode(SentTry(begun.number, webcam(), tuple(frames))))


def test_somebody_alive_is_enrolled_and_verified(
    keep: Keep, clock: Clock, alive: Sent, captures_at: Callable[[Clock], CaptureService]
) -> None:
    captures, who = captures_at(clock), keep.client_named("shop")
    notice = keep.notices()[0].digest

    def outcome(**changed: object) -> tuple[CaptureOutcome | None, tuple[str, ...]]:
        usual: dict[str, object] = {"intent": Intent.VERIFY, "purpose": Purpose.VERIFY, "notices": (notice,)}
        made = captures.order(CaptureOrder(**usual | changed), who)  # type: ignore[arg-type]
        cookie, _ = captures.open(made.secret)
        view = _go_through(captures, clock, cookie, notice, alive)
        found = captures.read(made.id, who, "").pad
        assert found is not None
        assert view.outcome is not None, found
        return view.outcome, view.reasons

    assert outcome(intent=Intent.ENROL, newcomer=Newcomer("joe"))[0] is CaptureOutcome.PASSED
    assert keep.subject("joe").references >= 1
    assert outcome(label="joe")[0] is CaptureOutcome.PASSED


@pytest.mark.extended
@pytest.mark.parametrize("kind", ["still", "print", "screen", "swap"])
def test_an_attack_enrols_nobody(  # noqa: PLR0917
    kind: str,
    keep: Keep,
    clock: Clock,
    page: Page,
    cast: Cast,
    captures_at: Callable[[Clock], CaptureService],
) -> None:
    captures, who = captures_at(clock), keep.client_named("shop")
    notice = keep.notices()[0].digest
    done = acts(STEPS, SEED)
    attacker = Attacker(cast.head("biden"), cast.portrait("biden"), cast.head("obama"))
    frames = page.sent(KINDS[kind](attacker, done, SEED, RATE, shine(STEPS, done)), STEPS)
    order = CaptureOrder(Intent.ENROL, Purpose.VERIFY, (notice,), newcomer=Newcomer("victim"))
    made = captures.order(order, who)
    cookie, _ = captures.open(made.secret)
    view = _go_through(captures, clock, cookie, notice, frames)
    assert view.outcome is not CaptureOutcome.PASSED
    assert view.reasons
    with pytest.raises(NotFoundError):
        keep.subject("victim")

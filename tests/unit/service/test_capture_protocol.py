"""The rules of a try, one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from facekeep.domain.capture import ACTIVE_STEPS, TURN_STEPS, Colour, Step, StepKind
from facekeep.domain.capture_container import SentTry
from facekeep.errors import CaptureError
from facekeep.service.capture_protocol import Attempt
from facekeep.service.capture_steps import draw_steps
from tests.capturing import CAMERA, Clock, Crops, Taker, retimed

STEPS = (Step(StepKind.LOOK, 12), Step(StepKind.NOD, 8), Step(StepKind.TURN_LEFT, 8))
NONCE = bytes(range(16))
CROPS = Crops(b"face", b"thumbnail", (400, 120, 300, 360), 1280, 720)


def _begun(clock: Clock) -> tuple[Attempt, Taker]:
    return Attempt(1, NONCE, STEPS, clock()), Taker(CROPS, clock, 1, NONCE)


def _gone_through(clock: Clock) -> tuple[Attempt, Taker]:
    attempt, taker = _begun(clock)
    for index in range(len(STEPS)):
        taker.take(index)
        clock.wait(0.2)
        following = attempt.next_step(1, len(taker.frames), taker.head, clock())
        assert following == (STEPS[index + 1] if index + 1 < len(STEPS) else None)
    return attempt, taker


def _sent(taker: Taker, **changed: object) -> SentTry:
    return replace(SentTry(1, CAMERA, tuple(taker.frames)), **changed)  # type: ignore[arg-type]


def test_a_try_that_keeps_the_rules() -> None:
    attempt, taker = _gone_through(Clock())
    attempt.check(_sent(taker))


def test_steps_come_in_their_order_and_of_this_try() -> None:
    clock = Clock()
    attempt, taker = _begun(clock)
    taker.take(0)
    with pytest.raises(CaptureError) as other:
        attempt.next_step(2, 4, taker.head, clock())
    assert other.value.reason == "order"
    attempt, taker = _gone_through(clock)
    with pytest.raises(CaptureError) as further:
        attempt.next_step(1, 13, taker.head, clock())
    assert further.value.reason == "order"


@pytest.mark.parametrize(("seconds", "in_time"), [(13.9, True), (14.1, False)])
def test_a_step_has_its_time_and_two_seconds_for_the_network(seconds: float, in_time: bool) -> None:
    clock = Clock()
    attempt, _ = _begun(clock)
    clock.wait(seconds)
    if in_time:
        attempt.next_step(1, 1, bytes(32), clock())
    else:
        with pytest.raises(CaptureError) as late:
            attempt.next_step(1, 1, bytes(32), clock())
        assert late.value.reason == "late"


@pytest.mark.parametrize("count", [0, -1, 241])
def test_a_step_has_frames_and_not_too_many(count: int) -> None:
    clock = Clock()
    attempt, _ = _begun(clock)
    with pytest.raises(CaptureError) as refused:
        attempt.next_step(1, count, bytes(32), clock())
    assert refused.value.reason == "count"


def test_a_later_step_has_frames_of_its_own() -> None:
    clock = Clock()
    attempt, taker = _begun(clock)
    taker.take(0)
    attempt.next_step(1, 4, taker.head, clock())
    with pytest.raises(CaptureError) as refused:
        attempt.next_step(1, 4, taker.head, clock())
    assert refused.value.reason == "count"


def _reason(attempt: Attempt, sent: SentTry) -> str:
    with pytest.raises(CaptureError) as refused:
        attempt.check(sent)
    return refused.value.reason


def test_frames_are_those_that_were_fixed() -> None:
    attempt, taker = _gone_through(Clock())
    frames = taker.frames
    swapped = retimed([frames[1], frames[0], *frames[2:]], [f.at for f in frames])
    assert swapped != frames  # the first of a step has a thumbnail
    assert _reason(attempt, _sent(taker, frames=tuple(swapped))) == "chain"
    assert _reason(attempt, _sent(taker, frames=tuple(frames[:-1]))) == "chain"
    more = (*frames, replace(frames[-1], at=frames[-1].at + 1))
    assert _reason(attempt, _sent(taker, frames=more)) == "chain"
    for changed in (
        replace(frames[5], face=b"fake"),
        replace(frames[5], thumbnail=b"put in"),
        replace(frames[5], at=frames[5].at + 1),
        replace(frames[5], box=(401, 120, 300, 360)),
        replace(frames[5], camera_width=1281),
    ):
        assert _reason(attempt, _sent(taker, frames=(*frames[:5], changed, *frames[6:]))) == "chain"
    assert _reason(attempt, _sent(taker, number=2)) == "order"


def test_frames_of_another_nonce_do_not_fit() -> None:
    _, taker = _gone_through(Clock())
    clock = Clock()
    other = Attempt(1, bytes(16), STEPS, clock())
    foreign = Taker(CROPS, clock, 1, bytes(16))
    for index in range(len(STEPS)):
        foreign.take(index)
        other.next_step(1, len(foreign.frames), foreign.head, clock())
    assert [f.at for f in foreign.frames] != []
    other.check(_sent(foreign))
    # The very frames of another try, with its heads: what was fixed then was fixed over another nonce.
    replayed = Attempt(1, bytes(16), STEPS, clock())
    for index in range(len(STEPS)):
        clock.wait(3)
        part = Taker(CROPS, clock, 1, NONCE, taker.frames[: 4 * (index + 1)])
        replayed.next_step(1, len(part.frames), part.head, clock())
    assert _reason(replayed, _sent(taker)) == "chain"


def test_a_frame_belongs_to_the_step_during_which_it_was_taken() -> None:
    clock = Clock()
    attempt, taker = _begun(clock)
    taker.take(0)
    attempt.next_step(1, 4, taker.head, clock())
    taker.take(0, frames=1, over=1)  # says that it is still of the first step
    taker.take(1)
    attempt.next_step(1, 9, taker.head, clock())
    taker.take(2)
    attempt.next_step(1, 13, taker.head, clock())
    assert _reason(attempt, _sent(taker)) == "chain"


def test_who_sends_too_little_to_be_heard_is_refused() -> None:
    for place, missing in ((0, "look"), (2, "turn"), (None, "thumbnails")):
        clock = Clock()
        attempt, taker = _begun(clock)
        if missing == "thumbnails":
            taker.crops = replace(CROPS, thumbnail=b"")
        for index in range(len(STEPS)):
            taker.take(index, frames=5 if index == place else 6)
            attempt.next_step(1, len(taker.frames), taker.head, clock())
        assert _reason(attempt, _sent(taker)) == "count", missing
    clock = Clock()
    attempt, taker = _begun(clock)
    for index in range(len(STEPS)):
        taker.take(index, frames=2 if STEPS[index].kind is StepKind.NOD else 6)  # a nod is quick
        attempt.next_step(1, len(taker.frames), taker.head, clock())
    attempt.check(_sent(taker))


def test_nothing_is_judged_before_all_was_asked() -> None:
    clock = Clock()
    attempt, taker = _begun(clock)
    taker.take(0)
    attempt.next_step(1, 4, taker.head, clock())
    assert _reason(attempt, _sent(taker)) == "order"


def _timed(server: list[float], camera: list[list[int]]) -> Attempt:
    """A try whose steps ended at these seconds by the server's clock, with frames at these milliseconds."""
    clock = Clock()
    attempt = Attempt(1, NONCE, STEPS, clock())
    began, taker = clock.now, Taker(CROPS, clock, 1, NONCE)
    for index, (second, times) in enumerate(zip(server, camera, strict=True)):
        clock.now = began
        clock.wait(second)
        taken = Taker(CROPS, Clock(), 1, NONCE)
        taken.take(index, frames=len(times))
        taker.frames += retimed(taken.frames, times)
        attempt.next_step(1, len(taker.frames), taker.head, clock())
    attempt.check(_sent(taker))
    return attempt


def _six(first: int, last: int) -> list[int]:
    """Times of as many frames as a step needs."""
    return [first + (last - first) * place // 5 for place in range(6)]


def test_times_agree_with_the_server_s() -> None:
    usual = [_six(0, 4000), _six(6000, 8000), _six(10_000, 12_000)]
    _timed([5, 9, 13], usual)
    _timed([6.5, 9.5, 13], usual)  # the network took 2.5 s once and 1 s later: 1.5 apart
    for server, camera in (
        ([5, 9, 15.5], usual),  # the last step took longer than its frames say
        ([5, 9, 13], [_six(0, 1000), _six(6000, 8000), _six(10_000, 12_000)]),  # the first frames are of another time
        ([5, 9, 13], [_six(0, 8000), _six(16_000, 20_000), _six(24_000, 28_000)]),  # more time than there was
        ([1, 2, 3], [_six(0, 4000), _six(6000, 8000), _six(10_000, 12_000)]),  # all of it was there beforehand
        ([5, 9, 13], [_six(0, 4000), _six(4100, 4200), _six(4300, 12_000)]),  # a step's frames end long before it did
    ):
        with pytest.raises(CaptureError) as refused:
            _timed(server, camera)
        assert refused.value.reason == "late"


def test_not_more_than_twelve_frames_in_a_second() -> None:
    _timed([2, 4, 6], [list(range(0, 1000, 100)), list(range(2000, 3000, 100)), list(range(4000, 5000, 100))])
    with pytest.raises(CaptureError) as refused:
        _timed([2, 4, 6], [list(range(0, 1000, 25)), list(range(2000, 3000, 25)), list(range(4000, 5000, 25))])
    assert refused.value.reason == "count"


def test_not_more_than_32_thumbnails() -> None:
    clock = Clock()
    attempt, taker = _begun(clock)
    for index in range(len(STEPS)):
        for _ in range(11):
            taker.take(index, frames=1, over=0.3)
        attempt.next_step(1, len(taker.frames), taker.head, clock())
    assert _reason(attempt, _sent(taker)) == "count"


def test_steps_are_drawn_at_random() -> None:
    seen: Counter[tuple[StepKind, ...]] = Counter()
    for _ in range(600):
        look, *active, light = draw_steps(light=True)
        assert (look.kind, light.kind) == (StepKind.LOOK, StepKind.LIGHT)
        kinds = [step.kind for step in active]
        assert len(set(kinds)) == 3
        assert set(kinds) <= ACTIVE_STEPS
        assert set(kinds) & TURN_STEPS
        assert all(one is not other for one, other in zip(light.colours, light.colours[1:], strict=False))
        assert set(light.colours) <= set(Colour)
        seen[tuple(kinds)] += 1
    assert len(draw_steps(light=False)) == 4
    firsts = Counter(kinds[0] for kinds in seen.elements())
    assert set(firsts) == ACTIVE_STEPS
    assert len(seen) > 60
    assert max(seen.values()) < 40

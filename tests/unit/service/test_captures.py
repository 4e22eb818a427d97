"""Captures over a real keep and the real gate; what is found of the face is chosen, since others test that."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.capture import Assurance, Intent, Statement
from facekeep.domain.capture_order import Newcomer
from facekeep.domain.capture_session import CaptureOutcome, CaptureState
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import Evidence, EvidenceKind, Guardian
from facekeep.domain.pad import Finding
from facekeep.domain.webhooks import EventKind
from facekeep.errors import (
    AuthenticationError,
    CaptureError,
    ConsentError,
    FacekeepError,
    FormatError,
    FrameTooWideError,
    ImageError,
    NotFoundError,
    PurposeOffError,
    RateError,
    UnavailableError,
    UsageError,
)
from facekeep.face.models import ModelPack
from facekeep.service import capture_sessions
from facekeep.service.capture_views import CaptureView
from facekeep.service.keep import Keep
from tests.booth import ISSUER, NOTICE, Booth, captures_with
from tests.capturing import ATTACK, LIFELESS, UNDECIDED, ChosenDetector, Clock, Crops, Studio, Taker


@pytest.fixture(scope="module")
def studio(pack: ModelPack) -> Studio:
    return Studio(pack)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    purposes = [Purpose.VERIFY, Purpose.PAYMENT]
    with Keep.create(tmp_path_factory.mktemp("captures") / "keep", purposes=purposes) as made:
        picture = (pictures / "obama.jpg").read_bytes()
        made.enrol("obama", [picture], purposes=purposes, notice=NOTICE, operator="desk", name="Barack")
        made.issue_token("shop", [Scope.VERIFY], days=2)
        made.issue_token("another", [Scope.VERIFY], days=2)
        yield made


@pytest.fixture
def booth(keep: Keep, studio: Studio, pictures: Path) -> Booth:
    clock, detector = Clock(), ChosenDetector()
    captures = captures_with(keep, studio, detector, clock)
    notice = keep.add_notice(NOTICE).digest
    return Booth(keep, clock, detector, captures, studio, pictures, notice, keep.client_named("shop"))


@pytest.fixture
def endpoint(keep: Keep) -> Iterator[None]:
    kinds = [EventKind.CAPTURE_FINISHED, EventKind.CAPTURE_ESCALATED]
    made = keep.add_webhook("https://hooks.example/captures", kinds)
    yield
    keep.remove_webhook(made.id.hex())


# What it comes to


def test_a_live_face_that_is_who_it_claims_to_be(booth: Booth) -> None:
    made, cookie = booth.opened(statement=Statement("12.50", "EUR", "Bakery"), purpose=Purpose.PAYMENT)
    seen = booth.tried(cookie)
    assert (seen.state, seen.outcome, seen.camera) == (CaptureState.DONE, CaptureOutcome.PASSED, False)
    assert len(booth.detector.seen) == 1
    claims = booth.claims(made)
    assert claims["sub"] == booth.keep.subject("obama").id
    assert claims["statement"] == Statement("12.50", "EUR", "Bakery").digest
    assert (claims["assurance"], claims["outcome"], claims["fmr"]) == ("live", "passed", 1e-4)
    assert (claims["iss"], claims["aud"], claims["jti"]) == (ISSUER, booth.who.id.hex(), made.id)
    assert (claims["nonce"], claims["notice"]) == (made.nonce, booth.notice)
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 600


def test_another_face_is_refused_three_times(booth: Booth) -> None:
    made, cookie = booth.opened()
    for left in (2, 1, 0):
        seen = booth.tried(cookie, "biden")
        assert (seen.tries_left, seen.reasons) == (left, ("claim",))
    assert seen.outcome is CaptureOutcome.INCONCLUSIVE  # that somebody is refused, people say, and here are none
    # Nothing was found of that person, and so nothing says that there is one.
    assert {"assurance", "sub", "fmr"}.isdisjoint(booth.claims(made))
    assert booth.read(made).pad is not None  # what was found of the last try stays
    with pytest.raises(CaptureError):
        booth.captures.begin_try(cookie, booth.notice)


@pytest.mark.parametrize(
    ("finds", "outcome", "reasons"),
    [
        (ATTACK, CaptureOutcome.INCONCLUSIVE, ("flat", "passive-model")),
        (UNDECIDED, CaptureOutcome.INCONCLUSIVE, ("too-little-evidence",)),
    ],
)
def test_nothing_is_compared_unless_it_is_bona_fide(
    booth: Booth,
    monkeypatch: pytest.MonkeyPatch,
    finds: tuple[Finding, ...],
    outcome: CaptureOutcome,
    reasons: tuple[str, ...],
) -> None:
    def never(*_: object, **__: object) -> None:
        pytest.fail("something was compared")

    monkeypatch.setattr(booth.keep, "verify", never)
    monkeypatch.setattr(booth.keep, "enrol", never)
    made, cookie = booth.opened()
    for _ in range(3):
        seen = booth.tried(cookie, finds=finds)
        assert seen.reasons == reasons
    assert seen.outcome is outcome
    assert "fmr" not in booth.claims(made)
    assert booth.read(made).pad is not None


def test_an_attack_and_then_a_doubt_is_for_a_person_to_look_at(booth: Booth) -> None:
    _, cookie = booth.opened()
    for finds in (ATTACK, ATTACK, UNDECIDED):
        seen = booth.tried(cookie, finds=finds)
    assert seen.outcome is CaptureOutcome.INCONCLUSIVE


def test_a_second_try_may_pass(booth: Booth) -> None:
    made, cookie = booth.opened()
    booth.tried(cookie, finds=UNDECIDED)
    assert booth.tried(cookie).outcome is CaptureOutcome.PASSED
    assert booth.read(made).tries_left == 1


@pytest.mark.usefixtures("endpoint")
def test_no_vital_signs_alarm_at_once(booth: Booth) -> None:
    made, cookie = booth.opened()
    seen = booth.tried(cookie, finds=LIFELESS)
    assert (seen.outcome, seen.reasons) == (CaptureOutcome.INCONCLUSIVE, ("no-vital-signs",))
    assert sorted(booth.told(), key=lambda each: each["type"]) == [
        {"type": "capture.escalated", "capture": made.id, "reasons": "no-vital-signs"},
        {"type": "capture.finished", "capture": made.id, "reasons": "no-vital-signs", "outcome": "inconclusive"},
    ]


@pytest.mark.usefixtures("endpoint")
def test_every_end_is_told_once(booth: Booth) -> None:
    ends = {}
    made, cookie = booth.opened()
    booth.tried(cookie)
    ends[made.id] = "passed"
    made, cookie = booth.opened()
    booth.captures.decline(cookie)
    ends[made.id] = "declined"
    made, cookie = booth.opened(label="nobody")
    ends[made.id] = "off"
    made = booth.order()
    ends[made.id] = "expired"
    made, cookie = booth.opened()
    booth.captures.cancel(made.id, booth.who)  # by whoever ordered it: nobody needs to be told
    booth.clock.wait(180)
    booth.captures.tend()
    booth.captures.tend()
    told = booth.told()
    assert {each["capture"]: each["outcome"] for each in told} == ends
    assert len(told) == len(ends)
    assert {key for each in told for key in each} == {"type", "capture", "outcome", "reasons"}


@pytest.mark.usefixtures("endpoint")
def test_what_cannot_be_told_now_is_told_later(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise UnavailableError("the registry is away")

    _, cookie = booth.opened()
    with monkeypatch.context() as gone:
        gone.setattr(booth.keep, "tell", away)
        booth.captures.decline(cookie)
    assert booth.told() == []
    booth.captures.tend()
    assert [each["outcome"] for each in booth.told()] == ["declined"]


@pytest.mark.usefixtures("endpoint")
def test_what_another_organisation_ordered_is_told_to_that_one_alone(booth: Booth) -> None:
    booth.keep.issue_token("theirs", [Scope.VERIFY], days=2, organisation="other")
    there = replace(booth, who=booth.keep.client_named("theirs"))
    hook = booth.keep.add_webhook("https://other.example/", [EventKind.CAPTURE_FINISHED], organisation="other")
    made, cookie = there.opened()
    booth.captures.decline(cookie)
    (event,) = [each.event for each in booth.keep.waiting_deliveries(hook.id)]
    booth.keep.remove_webhook(hook.id.hex())
    assert event.about["capture"] == made.id
    assert booth.told() == []
    booth.keep.revoke_token("theirs")


# Enrolment


def test_somebody_new_is_enrolled_live(booth: Booth) -> None:
    newcomer = Newcomer("joe", "Joe", (Purpose.VERIFY,))
    made, cookie = booth.opened(intent=Intent.ENROL, label="", newcomer=newcomer, gallery="guests")
    assert booth.tried(cookie, "biden", ATTACK).outcome is None
    with pytest.raises(NotFoundError):
        booth.keep.subject("joe")
    assert booth.tried(cookie, "biden").outcome is CaptureOutcome.PASSED
    joe = booth.keep.subject("joe")
    assert (joe.name, joe.galleries, joe.references) == ("Joe", ("guests",), 3)
    (consent,) = joe.consents
    assert (consent.purpose, consent.notice) == (Purpose.VERIFY, booth.notice)
    assert consent.evidence == Evidence(EvidenceKind.CAPTURE, made.id)
    assert booth.claims(made)["sub"] == joe.id
    biden = (booth.pictures / "biden.jpg").read_bytes()
    assert booth.keep.verify("joe", biden, operator="desk").verified
    with pytest.raises(UsageError, match="known"):
        booth.order(intent=Intent.ENROL, label="", newcomer=newcomer)
    # Further references: of the face that is known, and of no other.
    _, cookie = booth.opened(intent=Intent.ENROL, label="joe")
    assert booth.tried(cookie, "obama2").reasons == ("claim",)
    assert booth.keep.subject("joe").references == 3
    assert booth.tried(cookie, "biden").outcome is CaptureOutcome.PASSED
    assert booth.keep.subject("joe").references == 6
    booth.keep.erase("joe")


def test_a_minor_is_enrolled_live_with_a_guardian_alone(booth: Booth) -> None:
    guardian = Guardian("his mother", "mother", Evidence.form(b"a scan"))
    for age, named in ((13, None), (18, guardian)):
        with pytest.raises(ConsentError):
            booth.order(intent=Intent.ENROL, label="", newcomer=Newcomer("jon", guardian=named, age=age))
    newcomer = Newcomer("jon", guardian=guardian, age=13)
    made, cookie = booth.opened(intent=Intent.ENROL, label="", newcomer=newcomer)
    assert booth.tried(cookie, "biden").outcome is CaptureOutcome.PASSED
    (consent,) = booth.keep.consents("jon")
    assert (consent.guardian, consent.evidence.name) == (guardian, made.id)
    booth.keep.erase("jon")


def test_a_label_that_somebody_took_meanwhile(booth: Booth) -> None:
    order = {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("jim")}
    _, first = booth.opened(**order)
    _, second = booth.opened(**order)
    assert booth.tried(first, "biden").outcome is CaptureOutcome.PASSED
    assert booth.tried(second, "obama2").reasons == ("label-taken",)
    assert booth.keep.subject("jim").references == 3
    booth.keep.erase("jim")


def test_two_newcomers_of_one_label_at_the_same_time(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have found the label free, and their pictures fit, before either is written."""
    order = {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("jill")}
    bodies = []
    for name in ("biden", "obama2"):
        _, cookie = booth.opened(**order)
        bodies.append((cookie, booth.gone_through(cookie, name).body()))
    gate, enrol = threading.Barrier(2), booth.keep._enrolment.acquire

    def together(*given: object) -> object:
        acquired = enrol(*given)  # type: ignore[arg-type]
        gate.wait(30)
        return acquired

    monkeypatch.setattr(booth.keep._enrolment, "acquire", together)
    seen: list[CaptureView] = []
    threads = [
        threading.Thread(target=lambda sent=sent: seen.append(booth.captures.take_frames(*sent)))  # type: ignore[misc]
        for sent in bodies
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted((view.outcome or "", view.reasons) for view in seen) == [("", ("label-taken",)), ("passed", ())]
    assert booth.keep.subject("jill").references == 3
    booth.keep.erase("jill")


def test_one_strange_face_among_the_best_adds_none(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    """The best frame is of the person, another of them is not."""
    monkeypatch.setattr(booth.detector, "best", (0, 1, 6))  # the seventh is the first of the second step
    before = booth.keep.subject("obama").references
    made, cookie = booth.opened(intent=Intent.ENROL)
    begun = booth.captures.begin_try(cookie, booth.notice)
    taker = Taker(booth.crops("obama2"), booth.clock, begun.number, bytes.fromhex(begun.nonce))
    step, index = begun.step, 0
    while step is not None:
        taker.take(index, frames=6)
        taker.crops = booth.crops("biden" if index == 0 else "obama2")
        index, step = booth.captures.next_step(cookie, begun.number, len(taker.frames), taker.head)  # type: ignore[assignment]
    assert booth.captures.take_frames(cookie, taker.body()).reasons == ("claim",)
    assert booth.keep.subject("obama").references == before
    assert booth.read(made).state is CaptureState.OPEN


def test_only_that_somebody_is_there(booth: Booth) -> None:
    made, cookie = booth.opened(intent=Intent.PROVE_LIVE, label="")
    assert booth.tried(cookie, "biden").outcome is CaptureOutcome.PASSED
    claims = booth.claims(made)
    assert claims["assurance"] == "live"
    assert {"sub", "fmr"}.isdisjoint(claims)


# Off


def test_who_is_unknown_or_does_not_consent_looks_alike(booth: Booth) -> None:
    views = []
    for label in ("nobody", "canary 1", "\x00", "obama"):
        if label == "obama":
            booth.keep.withdraw_consent("obama", Purpose.PAYMENT)
        made = booth.order(label=label, purpose=Purpose.PAYMENT)
        _, view = booth.captures.open(made.secret)
        assert (view.outcome, view.camera, view.alternative) == (CaptureOutcome.OFF, False, False)
        assert booth.read(made).outcome is CaptureOutcome.OFF
        views.append(view)
    assert all(replace(view, id="") == replace(views[0], id="") for view in views)
    booth.keep.give_consent("obama", Purpose.PAYMENT, NOTICE)


def test_a_purpose_that_is_off_for_all_orders_nothing(booth: Booth) -> None:
    booth.keep.switch(Purpose.PAYMENT, False)
    try:
        with pytest.raises(PurposeOffError):
            booth.order(purpose=Purpose.PAYMENT)
    finally:
        booth.keep.switch(Purpose.PAYMENT, True)


def test_a_purpose_that_goes_off_before_the_link_is_opened_or_a_try_begins(booth: Booth) -> None:
    waiting = booth.order(purpose=Purpose.PAYMENT)
    _, cookie = booth.opened(purpose=Purpose.PAYMENT)
    booth.keep.switch(Purpose.PAYMENT, False)
    try:
        _, view = booth.captures.open(waiting.secret)
        assert (view.outcome, view.camera) == (CaptureOutcome.OFF, False)
        with pytest.raises(PurposeOffError):
            booth.captures.begin_try(cookie, booth.notice)
        assert booth.captures.view(cookie).outcome is CaptureOutcome.OFF
    finally:
        booth.keep.switch(Purpose.PAYMENT, True)


def _refusals(keep: Keep) -> list[list[tuple[str, str]]]:
    """What each half's log says of what it refused."""
    halves = (keep._roles.left, keep._roles.right)
    records = [[json.loads(record) for record in half._log.replay()] for half in halves]  # type: ignore[attr-defined]
    return [[(each["why"], each["what"]) for each in log if each["kind"] == "refuse"] for log in records]


@pytest.mark.parametrize("how", ["switch", "withdrawal"])
def test_a_purpose_that_goes_off_while_the_face_is_captured(booth: Booth, how: str) -> None:
    made, cookie = booth.opened(purpose=Purpose.PAYMENT)
    taker = booth.gone_through(cookie)
    before = _refusals(booth.keep)
    if how == "switch":
        booth.keep.switch(Purpose.PAYMENT, False)
    else:
        booth.keep.withdraw_consent("obama", Purpose.PAYMENT)
    try:
        view = booth.captures.take_frames(cookie, taker.body())
    finally:
        if how == "switch":
            booth.keep.switch(Purpose.PAYMENT, True)
        else:
            booth.keep.give_consent("obama", Purpose.PAYMENT, NOTICE)
    assert (view.outcome, view.reasons) == (CaptureOutcome.OFF, ())
    assert "assurance" not in booth.claims(made)
    # Of a withdrawal the halves see a row that nobody has; what is off for everybody each of them refuses by itself.
    logged = [now[len(then) :] for now, then in zip(_refusals(booth.keep), before, strict=True)]
    if how == "switch":
        assert all(why == "PurposeOffError" for log in logged for why, _ in log)
        assert [len(log) for log in logged] == [1, 1]
    else:
        assert logged == [[], []]


# Who may


def test_a_link_works_once(booth: Booth) -> None:
    made = booth.order()
    cookie, view = booth.captures.open(made.secret)
    assert view.state is CaptureState.OPEN
    for secret in (made.secret, "fkl1_guessed", "", cookie):
        with pytest.raises(AuthenticationError):
            booth.captures.open(secret)
    for other in ("fkc1_guessed", "", made.secret):
        with pytest.raises(AuthenticationError):
            booth.captures.view(other)


def test_secrets_are_nowhere_in_memory_as_they_are(booth: Booth) -> None:
    made, cookie = booth.opened()
    waiting = booth.order()
    sessions = booth.captures._sessions
    held = repr([sessions._links, sessions._cookies, sessions._digests, [vars_of(s) for s in sessions.all()]])
    for secret in (made.secret, cookie, waiting.secret):
        assert secret not in held


def vars_of(session: object) -> dict[str, object]:
    return {name: getattr(session, name) for name in type(session).__slots__}


def test_only_who_ordered_it_reads_it(booth: Booth) -> None:
    made, _ = booth.opened()
    other = booth.keep.client_named("another")
    for act in (
        lambda: booth.captures.read(made.id, other, ISSUER),
        lambda: booth.captures.cancel(made.id, other),
        lambda: booth.captures.read("0" * 32, booth.who, ISSUER),
        lambda: booth.captures.read("x", booth.who, ISSUER),
        lambda: booth.captures.read(made.id.upper() + " ", booth.who, ISSUER),
    ):
        with pytest.raises(NotFoundError):
            act()
    booth.captures.cancel(made.id, booth.who)
    with pytest.raises(NotFoundError):
        booth.read(made)


def test_a_client_that_was_revoked_meanwhile_gets_nothing_done(booth: Booth) -> None:
    made = booth.keep.issue_token("passing", [Scope.VERIFY], days=1).client
    booth.who = made
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)
    booth.keep.revoke_token("passing")
    with pytest.raises(AuthenticationError):
        booth.captures.take_frames(cookie, taker.body())
    assert booth.captures.view(cookie).tries_left == 2


@pytest.mark.parametrize("how", ["expired", "fewer roles", "a role that forbids"])
def test_who_may_not_any_more_gets_nothing_done(booth: Booth, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """By a face, or by a passkey in its place."""
    if how == "expired":
        booth.who = booth.keep.issue_token("passing", [Scope.CAPTURE], days=1).client
        booth.clock.now = booth.who.expires - timedelta(seconds=60)
    else:
        booth.who = booth.keep.invite("passing", [Role.OPERATOR, Role.ADMINISTRATOR]).account  # type: ignore[assignment]
    of_obama = booth.keep.invite("obama", [Role.DATA_SUBJECT], label="obama").account
    monkeypatch.setattr(booth.keep, "prove_passkey", lambda *_: of_obama)
    monkeypatch.setattr(booth.keep, "verify", lambda *_, **__: pytest.fail("somebody was compared"))
    _, by_face = booth.opened()
    _, by_passkey = booth.opened()
    taker = booth.gone_through(by_face)
    name, _ = booth.captures.passkey_options(by_passkey, ISSUER)
    if how == "expired":
        booth.clock.wait(60)
    elif how == "fewer roles":
        booth.keep.change_roles("passing", [Role.ADMINISTRATOR])
    else:
        booth.keep.change_roles("passing", [Role.OPERATOR, Role.ADMINISTRATOR, Role.AUDITOR])
    with pytest.raises(AuthenticationError, match="may not any more"):
        booth.captures.take_frames(by_face, taker.body())
    with pytest.raises(AuthenticationError, match="may not any more"):
        booth.captures.take_passkey(by_passkey, name, "{}", ISSUER)
    assert [booth.captures.view(cookie).outcome for cookie in (by_face, by_passkey)] == [None, None]
    booth.keep.revoke_account("obama")
    if how == "expired":
        booth.keep.revoke_token("passing")
    else:
        booth.keep.revoke_account("passing")


def test_a_capture_has_its_time(booth: Booth) -> None:
    made, cookie = booth.opened(expires_in=timedelta(seconds=30))
    waiting = booth.order(expires_in=timedelta(seconds=30))
    booth.clock.wait(30)
    with pytest.raises(CaptureError):
        booth.captures.begin_try(cookie, booth.notice)
    assert booth.captures.view(cookie).outcome is CaptureOutcome.EXPIRED
    with pytest.raises(AuthenticationError):
        booth.captures.open(waiting.secret)
    assert booth.claims(made)["outcome"] == "expired"
    booth.clock.wait(600)
    booth.captures.tend()
    with pytest.raises(NotFoundError):
        booth.read(made)
    with pytest.raises(AuthenticationError):
        booth.captures.view(cookie)
    assert booth.captures._sessions.all() == ()
    assert not booth.captures._sessions._links
    assert not booth.captures._sessions._cookies


def test_there_is_room_for_so_many(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_sessions, "SESSIONS_OF_ONE", 3)
    for _ in range(3):
        booth.order(expires_in=timedelta(seconds=30))
    with pytest.raises(RateError):
        booth.order()
    booth.who = booth.keep.client_named("another")
    booth.order()
    monkeypatch.setattr(capture_sessions, "SESSIONS_MAX", 4)
    with pytest.raises(RateError):
        booth.order()
    booth.clock.wait(30 + 600)
    booth.order()


# Tries


def test_a_notice_that_was_shown_is_agreed_to_first(booth: Booth) -> None:
    _, cookie = booth.opened()
    for notice in ("0" * 64, "", "é"):
        with pytest.raises(ConsentError):
            booth.captures.begin_try(cookie, notice)
    assert booth.captures.view(cookie).tries_left == 3


def test_broken_rules_use_tries_up(booth: Booth) -> None:
    made, cookie = booth.opened()
    first = booth.gone_through(cookie)
    begun = booth.captures.begin_try(cookie, booth.notice)  # the page was loaded anew
    assert begun.number == 2
    with pytest.raises(CaptureError) as replayed:
        booth.captures.take_frames(cookie, first.body())
    assert replayed.value.reason == "order"
    with pytest.raises(CaptureError) as over:
        booth.captures.take_frames(cookie, first.body())
    assert over.value.reason == "over"
    third = booth.gone_through(cookie)
    with pytest.raises(CaptureError) as chain:
        booth.captures.take_frames(cookie, third.body(third.frames[:-1]))
    assert chain.value.reason == "chain"
    assert booth.detector.seen == []
    view = booth.captures.view(cookie)
    # One of the three was only begun.
    assert (view.outcome, view.reasons) == (CaptureOutcome.INCONCLUSIVE, ("chain",))
    assert booth.claims(made)["reasons"] == ["chain"]


def test_frames_of_another_capture_do_not_fit(booth: Booth) -> None:
    _, mine = booth.opened()
    _, other = booth.opened()
    taker = booth.gone_through(mine, "obama3")
    booth.gone_through(other)
    with pytest.raises(CaptureError) as refused:
        booth.captures.take_frames(other, taker.body())
    assert refused.value.reason == "chain"
    assert booth.captures.take_frames(mine, taker.body()).outcome is CaptureOutcome.PASSED


def test_who_is_late_three_times_is_no_attacker(booth: Booth) -> None:
    _, cookie = booth.opened()
    for _ in range(3):
        begun = booth.captures.begin_try(cookie, booth.notice)
        booth.clock.wait(15)
        with pytest.raises(CaptureError) as late:
            booth.captures.next_step(cookie, begun.number, 1, bytes(32))
        assert late.value.reason == "late"
    assert booth.captures.view(cookie).outcome is CaptureOutcome.INCONCLUSIVE


def test_a_wide_frame_is_refused_and_nobody_has_seen_it(booth: Booth) -> None:
    _, cookie = booth.opened()
    crops = booth.crops("obama2")
    # The whole view in place of the face: the picture of a body, shrunk to the size of a crop.
    wide = Crops(_shrunk(booth.pictures / "astronaut.png"), crops.thumbnail, crops.box, crops.width, crops.height)
    taker = booth.gone_through(cookie, crops=wide)
    with pytest.raises(FrameTooWideError):
        booth.captures.take_frames(cookie, taker.body())
    view = booth.captures.view(cookie)
    assert (view.tries_left, view.reasons) == (2, ("frame-too-wide",))
    assert booth.detector.seen == []


def _shrunk(picture: Path) -> bytes:
    import io

    from PIL import Image

    written = io.BytesIO()
    Image.open(picture).convert("RGB").resize((224, 224)).save(written, "JPEG", quality=90)
    return written.getvalue()


def test_what_is_no_container_or_no_picture_uses_a_try_up(booth: Booth) -> None:
    _, cookie = booth.opened()
    booth.gone_through(cookie)
    with pytest.raises(FormatError):
        booth.captures.take_frames(cookie, b"GIF89a")
    assert booth.captures.view(cookie).reasons == ("unreadable",)
    taker = booth.gone_through(cookie, crops=Crops(b"\xff\xd8no", b"\xff\xd8no", (0, 0, 9, 9), 9, 9))
    with pytest.raises(ImageError):
        booth.captures.take_frames(cookie, taker.body())
    view = booth.captures.view(cookie)
    assert (view.reasons, view.tries_left) == (("unreadable",), 1)


def test_one_body_is_judged_and_another_at_the_same_time_is_refused(booth: Booth) -> None:
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)
    found: list[str] = []

    def another() -> None:
        for act in (
            lambda: booth.captures.take_frames(cookie, taker.body()),
            lambda: booth.captures.begin_try(cookie, booth.notice),
            lambda: booth.captures.next_step(cookie, 1, 9, bytes(32)),
        ):
            try:
                act()
            except CaptureError as error:
                found.append(error.reason)

    def meanwhile() -> None:
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    booth.detector.meanwhile = meanwhile
    assert booth.captures.take_frames(cookie, taker.body()).outcome is CaptureOutcome.PASSED
    assert found == ["over", "over", "over"]
    assert len(booth.detector.seen) == 1


def test_many_bodies_at_once_are_judged_once(booth: Booth) -> None:
    _, cookie = booth.opened()
    body = booth.gone_through(cookie).body()
    errors: list[FacekeepError] = []
    gate = threading.Barrier(6)

    def send() -> None:
        gate.wait()
        try:
            booth.captures.take_frames(cookie, body)
        except FacekeepError as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 5
    assert len(booth.detector.seen) == 1
    assert booth.captures.view(cookie).outcome is CaptureOutcome.PASSED


def test_who_says_no_while_the_face_is_judged_is_not_compared(booth: Booth, monkeypatch: pytest.MonkeyPatch) -> None:
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)
    monkeypatch.setattr(booth.keep, "verify", lambda *_, **__: pytest.fail("somebody was compared"))
    booth.detector.meanwhile = lambda: booth.captures.decline(cookie)
    assert booth.captures.take_frames(cookie, taker.body()).outcome is CaptureOutcome.DECLINED


def test_what_came_in_time_is_judged_in_peace(booth: Booth) -> None:
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)

    def much_later() -> None:
        booth.clock.wait(900)
        booth.captures.tend()

    booth.detector.meanwhile = much_later
    assert booth.captures.take_frames(cookie, taker.body()).outcome is CaptureOutcome.PASSED


def test_a_fault_while_judging_uses_the_try_up(booth: Booth) -> None:
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)

    def fails() -> None:
        raise ZeroDivisionError

    booth.detector.meanwhile = fails
    with pytest.raises(ZeroDivisionError):
        booth.captures.take_frames(cookie, taker.body())
    booth.detector.meanwhile = lambda: None
    assert booth.captures.view(cookie).tries_left == 2
    assert booth.tried(cookie).outcome is CaptureOutcome.PASSED


# Orders


@pytest.mark.parametrize(
    "changed",
    [
        {"label": ""},
        {"subject": "0" * 32},
        {"intent": Intent.PROVE_LIVE},
        {"newcomer": Newcomer("x"), "label": ""},
        {"purpose": Purpose.IDENTIFY},
        {"assurance": Assurance.PHOTO},
        {"assurance": Assurance.PASSKEY},
        {"intent": Intent.ENROL, "assurance": Assurance.LIVE_PASSKEY},
        {"intent": Intent.ENROL, "statement": Statement("1", "EUR", "x")},
        {"expires_in": timedelta(seconds=29)},
        {"expires_in": timedelta(seconds=901)},
        {"fmr": 0.0},
        {"fmr": 1e-3},
        {"notices": ()},
        {"notices": ("0" * 64,)},
        {"return_url": "http://shop.example/"},
        {"return_url": "https://user@shop.example/"},
        {"return_url": "javascript:alert(1)"},
        {"return_url": "https://shop.example/\nx"},
        {"return_url": "https:\\\\shop.example"},
        {"return_url": "//shop.example"},
        {"return_url": "https://shop.example:x/"},
        {"return_url": "https://shop.example/" + "x" * 2048},
        {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("x", purposes=())},
        {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("obama")},
        {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("canary 1")},
        {"intent": Intent.ENROL, "label": "", "newcomer": Newcomer("x", "n" * 513)},
    ],
)
def test_what_cannot_be_ordered(booth: Booth, changed: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        booth.order(**changed)


def test_a_notice_is_in_memory_once(booth: Booth) -> None:
    large = booth.keep.add_notice("A notice of many words. " * 1000).digest
    for _ in range(5):
        booth.order(notices=(booth.notice, large))
    shown = [notice for session in booth.captures._sessions.all() for notice in session.what.notices]
    assert (len(shown), len({id(notice) for notice in shown})) == (10, 2)
    del shown
    for session in booth.captures._sessions.all():
        booth.captures.cancel(session.name, booth.who)
    del session
    assert not booth.captures._notices._shown  # and not longer than somebody needs it
    with pytest.raises(UsageError, match="twice"):
        booth.order(notices=(large, booth.notice, large))


def test_a_notice_speaks_of_the_purpose(booth: Booth) -> None:
    other = booth.keep.add_notice("Only to sign in.", purposes=[Purpose.VERIFY]).digest
    booth.order(notices=(other,))
    with pytest.raises(UsageError, match="speak"):
        booth.order(notices=(other,), purpose=Purpose.PAYMENT)
    with pytest.raises(NotFoundError):
        booth.order(intent=Intent.ENROL, label="nobody")

"""Captures that people have to look at: what is filed, what it comes to, and who takes it back."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Account, Role
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_order import CaptureOrder, Newcomer
from facekeep.domain.capture_session import CaptureOutcome, CaptureState, MachineOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.review import (
    Decision,
    ReasonCode,
    Review,
    ReviewKind,
    ReviewReason,
    ReviewState,
    ViewReason,
)
from facekeep.domain.reviewer import key_id
from facekeep.domain.webhooks import EventKind
from facekeep.errors import (
    AuthenticationError,
    CaptureError,
    NotFoundError,
    QualityError,
    ReviewConflictError,
    UsageError,
)
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.service import keep_reviews
from facekeep.service.capture_judging import Judged
from facekeep.service.capture_life import SessionLife
from facekeep.service.capture_orders import Resolved, SignIn
from facekeep.service.capture_results import valid_until
from facekeep.service.capture_views import OrderedCapture
from facekeep.service.keep import Keep
from facekeep.service.key_plan import KeyPlan
from facekeep.service.review_sealing import open_with
from tests.booth import ISSUER, NOTICE, Booth, captures_with
from tests.capturing import ATTACK, CURVES, GENUINE, LIFELESS, UNDECIDED, ChosenDetector, Clock, Studio, finding

EVENTS = [
    EventKind.CAPTURE_FINISHED,
    EventKind.CAPTURE_ESCALATED,
    EventKind.REVIEW_OPENED,
    EventKind.REVIEW_URGENT,
    EventKind.REVIEW_DECIDED,
]


@dataclass
class Panel(Booth):
    """A booth with people who look."""

    people: dict[str, tuple[Account, X25519PrivateKey]]

    def review(self, made: OrderedCapture) -> Review:
        found = self.keep.review_of_capture(made.id, self.who)
        assert found is not None
        return found

    def figures(self, made: OrderedCapture) -> dict[str, object]:
        account, _ = self.people["rita"]
        return dict(json.loads(self.keep.review_seen(self.review(made).id.hex(), who=account).figures))

    def decide(self, made: OrderedCapture, decision: Decision) -> None:
        review = self.review(made).id.hex()
        for account, private in self.people.values():
            key = key_id(private.public_key().public_bytes_raw()).hex()
            self.keep.claim_review(review, who=account)
            self.keep.show_review(review, ViewReason.FIGURES_UNDECIDED, key=key, who=account)
            self.keep.vote(review, decision, ReasonCode.OTHER, who=account)


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def studio(pack: ModelPack) -> Studio:
    return Studio(pack)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path, clock: Clock) -> Iterator[Keep]:
    folder = tmp_path_factory.mktemp("reviewed") / "keep"
    with Keep.create(folder, purposes=[Purpose.VERIFY, Purpose.PAYMENT], clock=clock) as made:
        picture = (pictures / "obama.jpg").read_bytes()
        made.enrol("obama", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        made.issue_token("shop", [Scope.VERIFY], days=366)
        yield made


@pytest.fixture(scope="module")
def people(keep: Keep) -> dict[str, tuple[Account, X25519PrivateKey]]:
    found = {}
    for name in ("rita", "rob"):
        account, private = keep.invite(name, [Role.REVIEWER]).account, X25519PrivateKey.generate()
        keep.add_reviewer_key(private.public_key().public_bytes_raw(), who=account)
        found[name] = account, private
    return found


@pytest.fixture
def booth(
    keep: Keep, clock: Clock, studio: Studio, pictures: Path, people: dict[str, tuple[Account, X25519PrivateKey]]
) -> Panel:
    detector = ChosenDetector()
    notice = keep.add_notice(NOTICE).digest
    captures = captures_with(keep, studio, detector, clock)
    return Panel(keep, clock, detector, captures, studio, pictures, notice, keep.client_named("shop"), people)


@pytest.fixture
def endpoint(keep: Keep) -> Iterator[None]:
    made = keep.add_webhook("https://hooks.example/reviews", EVENTS)
    yield
    keep.remove_webhook(made.id.hex())


def test_a_session_cannot_end_as_refused_by_itself(booth: Panel) -> None:
    """Neither by its type, which mypy checks, nor when it runs."""
    assert {outcome.value for outcome in CaptureOutcome} - {outcome.value for outcome in MachineOutcome} == {"refused"}
    _, cookie = booth.opened()
    session = booth.captures._sessions.of_cookie(cookie)
    life = SessionLife(booth.keep, booth.clock)
    for outcome in (CaptureOutcome.REFUSED, CaptureOutcome.PASSED, "refused"):
        with pytest.raises(TypeError):
            life.end(session, outcome, ())  # type: ignore[arg-type]
    assert session.outcome is None


@pytest.mark.usefixtures("endpoint")
def test_three_attacks_are_refused_by_people_alone(booth: Panel) -> None:
    made, cookie = booth.opened()
    for _ in range(3):
        seen = booth.tried(cookie, finds=ATTACK)
    assert (seen.state, seen.outcome, seen.camera, seen.tries_left) == (CaptureState.REVIEW, None, False, 0)
    read, review = booth.read(made), booth.review(made)
    assert (read.state, read.outcome, read.reasons) == (CaptureState.REVIEW, None, ("flat", "passive-model"))
    assert (read.result, read.review, read.expires) == (None, review.id.hex(), review.deadline)
    assert seen.review_until == review.deadline
    assert (review.kind, review.reasons) == (ReviewKind.PRESENTATION, (ReviewReason.REFUSAL,))
    assert review.subject is not None
    assert review.subject.hex() == booth.keep.subject("obama").id
    assert [event["type"] for event in booth.told()] == ["review.opened"]
    with pytest.raises(CaptureError):
        booth.captures.begin_try(cookie, booth.notice)
    with pytest.raises(CaptureError):
        booth.captures.decline(cookie)
    booth.decide(made, Decision.ATTACK)
    assert booth.read(made).outcome is CaptureOutcome.REFUSED
    view = booth.captures.view(cookie)
    assert (view.state, view.outcome) == (CaptureState.DONE, CaptureOutcome.REFUSED)
    claims = booth.claims(made)
    assert (claims["outcome"], claims["decided_by"], claims["review"]) == ("refused", "people", review.id.hex())
    assert claims["reasons"] == ["flat", "passive-model"]
    assert {"sub", "assurance", "fmr"}.isdisjoint(claims)
    told = {event["type"]: event for event in booth.told()}
    assert told["capture.finished"]["outcome"] == "refused"
    with pytest.raises(CaptureError):  # what people decided is not taken back
        booth.captures.cancel(made.id, booth.who)


def test_what_is_shown_is_the_face_alone_and_opened_by_reviewers_and_the_person(
    booth: Panel, pictures: Path, studio: Studio
) -> None:
    made, cookie = booth.opened()
    private = X25519PrivateKey.generate()
    for _ in range(3):
        taker = booth.gone_through(cookie)
        with finding(booth.detector, UNDECIDED):
            booth.captures.take_frames(cookie, taker.body(), private.public_key().public_bytes_raw())
    review = booth.review(made)
    assert [picture.index for picture in review.pictures] == [0, 1, 2]
    for key in (private, booth.people["rita"][1]):
        stored = booth.keep._evidence.read(review.id, key_id(key.public_key().public_bytes_raw()))
        for picture in stored:
            png = open_with(
                key, review.id, picture.index, sealed=picture.sealed, share=picture.share, wrapped=picture.wrapped
            )
            pixels = np.asarray(Image.open(io.BytesIO(png)))
            assert max(pixels.shape[:2]) <= 224
            assert (pixels[[0, 0, -1, -1], [0, -1, 0, -1]] == 128).all()
    figures = booth.figures(made)
    assert (figures["intent"], figures["purpose"], figures["assurance"]) == ("verify", "verify", "live")
    (curve,) = CURVES
    assert figures["curves"] == [{"name": curve.name, "unit": "", "at": [0.0, 0.1], "values": [0.9, 0.8]}]
    assert figures["pad"]["reasons"] == ["too-little-evidence"]  # type: ignore[index]
    assert review.reasons == (ReviewReason.INCONCLUSIVE,)
    booth.captures.cancel(made.id, booth.who)


@pytest.mark.parametrize(("face", "outcome"), [("obama2", "passed"), ("biden", "inconclusive")])
def test_the_comparison_is_made_once_and_told_after_people_said_bona_fide(
    booth: Panel, monkeypatch: pytest.MonkeyPatch, face: str, outcome: str
) -> None:
    asked: list[float] = []
    verify = booth.keep.verify_for_review

    def watched(*given: object, **how: object) -> object:
        asked.append(float(str(how["fmr"])))
        return verify(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(booth.keep, "verify_for_review", watched)
    made, cookie = booth.opened()
    for tried in range(3):
        assert asked == [], tried
        booth.tried(cookie, face, UNDECIDED)
    assert asked == [1e-4]
    assert booth.figures(made)["comparison"] is None
    waiting = booth.read(made)
    assert (waiting.outcome, waiting.result, waiting.reasons) == (None, None, ("too-little-evidence",))
    booth.decide(made, Decision.BONA_FIDE)
    claims = booth.claims(made)
    assert claims["outcome"] == outcome
    assert claims["reasons"] == ([] if outcome == "passed" else ["claim"])
    assert ("sub" in claims, "fmr" in claims) == ((True, True) if outcome == "passed" else (False, False))
    assert claims["notice"] == booth.notice
    assert claims["nonce"] == made.nonce
    assert asked == [1e-4]


def test_another_face_is_compared_by_people(booth: Panel, studio: Studio) -> None:
    made, cookie = booth.opened()
    for _ in range(3):
        seen = booth.tried(cookie, "biden")
    review = booth.review(made)
    assert (seen.state, seen.reasons) == (CaptureState.REVIEW, ("claim",))
    assert (review.kind, review.reasons) == (ReviewKind.COMPARISON, (ReviewReason.REFUSAL,))
    assert booth.figures(made)["comparison"] == {"fmr": 1e-4, "holds_at": None}
    reference = studio.masker.picture(decode((booth.pictures / "obama.jpg").read_bytes()))
    booth.keep.add_review_reference(review.id.hex(), reference, owner=booth.who)
    booth.decide(made, Decision.SAME_PERSON)
    claims = booth.claims(made)
    assert (claims["outcome"], claims["assurance"], claims["decided_by"]) == ("passed", "live", "people")
    assert claims["sub"] == booth.keep.subject("obama").id
    assert "fmr" not in claims  # no comparison of a machine held


@pytest.mark.usefixtures("endpoint")
def test_an_urgent_sign_goes_to_people_at_once_and_no_passkey_takes_it_back(booth: Panel) -> None:
    made, cookie = booth.opened()
    seen = booth.tried(cookie, finds=LIFELESS)
    assert (seen.state, seen.reasons, seen.alternative) == (CaptureState.REVIEW, ("no-vital-signs",), False)
    review = booth.review(made)
    assert review.urgent
    assert review.reasons == (ReviewReason.NO_VITAL_SIGNS,)
    told = sorted(event["type"] for event in booth.told())
    assert told == ["capture.escalated", "review.opened", "review.urgent"]
    with pytest.raises(CaptureError):
        booth.captures.passkey_options(cookie, ISSUER)
    booth.captures.cancel(made.id, booth.who)


def test_an_urgent_sign_goes_to_people_though_usual_ones_have_no_room(
    booth: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    booth.who = booth.keep.issue_token("busy", [Scope.VERIFY], days=1).client
    monkeypatch.setattr(keep_reviews, "REVIEWS_OF_ONE", 1)
    ordered = []
    for state in (CaptureState.REVIEW, CaptureState.DONE):
        made, cookie = booth.opened()
        ordered.append(made)
        for _ in range(3):
            seen = booth.tried(cookie, finds=UNDECIDED)
        assert seen.state is state
    urgent, cookie = booth.opened()
    assert booth.tried(cookie, finds=LIFELESS).state is CaptureState.REVIEW
    for made in (ordered[0], urgent):
        booth.captures.cancel(made.id, booth.who)
    booth.keep.revoke_token("busy")


@pytest.mark.usefixtures("endpoint")
@pytest.mark.parametrize("taken_back", [False, True])
def test_saying_no_while_frames_are_judged_silences_no_alarm(
    booth: Panel, monkeypatch: pytest.MonkeyPatch, *, taken_back: bool
) -> None:
    made, cookie = booth.opened()
    taker, look = booth.gone_through(cookie), booth.captures._judge.look

    def ended_meanwhile(*args: Any) -> Judged:
        judged = look(*args)
        if taken_back:
            booth.captures.cancel(made.id, booth.who)
        else:
            booth.captures.decline(cookie)
        return judged

    monkeypatch.setattr(booth.captures._judge, "look", ended_meanwhile)
    with finding(booth.detector, LIFELESS):
        seen = booth.captures.take_frames(cookie, taker.body())
    assert (seen.state, seen.outcome, seen.reasons) == (CaptureState.DONE, CaptureOutcome.DECLINED, ())
    told = {event["type"]: event for event in booth.told()}
    alarm = {"type": "capture.escalated", "capture": made.id, "reasons": "no-vital-signs"}
    finished = {"type": "capture.finished", "capture": made.id, "reasons": "", "outcome": "declined"}
    expected = [alarm] if taken_back else [alarm, finished]
    assert told == {event["type"]: event for event in expected}
    assert booth.keep.review_of_capture(made.id, booth.who) is None


def test_saying_no_while_frames_are_judged_drops_what_calls_nobody(
    booth: Panel, endpoint: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cookie = booth.opened()
    taker, look = booth.gone_through(cookie), booth.captures._judge.look

    def declined_meanwhile(*args: Any) -> Judged:
        judged = look(*args)
        booth.captures.decline(cookie)
        return judged

    monkeypatch.setattr(booth.captures._judge, "look", declined_meanwhile)
    with finding(booth.detector, ATTACK):
        booth.captures.take_frames(cookie, taker.body())
    assert [event["type"] for event in booth.told()] == ["capture.finished"]


def test_a_doubt_is_no_refusal(booth: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []
    verify = booth.keep.verify

    def strict(label: str, picture: bytes, **how: object) -> object:
        asked.append(float(str(how["fmr"])))
        found = verify(label, picture, **how)  # type: ignore[arg-type]
        return found if asked[-1] > 1e-5 else replace(found, verified=False)

    monkeypatch.setattr(booth.keep, "verify", strict)
    made, cookie = booth.opened(fmr=1e-5)
    for _ in range(3):
        assert booth.tried(cookie).reasons == ("doubt-band",)
    assert asked == [1e-5, 1e-4] * 3
    review = booth.review(made)
    assert (review.kind, review.reasons) == (ReviewKind.COMPARISON, (ReviewReason.DOUBT_BAND,))
    assert booth.figures(made)["comparison"] == {"fmr": 1e-5, "holds_at": 1e-4}
    booth.captures.cancel(made.id, booth.who)
    # Where there is no doubt to be in, nothing is compared twice.
    asked.clear()
    _, cookie = booth.opened(fmr=1e-5, doubt_fmr=1e-5)
    assert booth.tried(cookie).reasons == ("claim",)
    assert asked == [1e-5]
    usual = CaptureOrder(Intent.PROVE_LIVE, Purpose.VERIFY, (booth.notice,))
    assert (usual.fmr, usual.doubt_fmr) == (1e-4, 1e-4)
    for rate in (1e-6, 2e-4):
        with pytest.raises(UsageError):
            booth.order(fmr=1e-5, doubt_fmr=rate)


def test_nobody_is_enrolled_by_evidence(booth: Panel) -> None:
    made, cookie = booth.opened(intent=Intent.ENROL, label="", newcomer=Newcomer("joe"))
    for finds in (ATTACK, UNDECIDED, ATTACK):
        booth.tried(cookie, "biden", finds)
    review = booth.review(made)
    assert (review.reasons, review.subject) == ((ReviewReason.INCONCLUSIVE,), None)
    booth.decide(made, Decision.BONA_FIDE)
    found = booth.read(made)
    assert (found.outcome, found.reasons) == (CaptureOutcome.INCONCLUSIVE, ("come-again",))
    with pytest.raises(NotFoundError):
        booth.keep.subject("joe")


def test_no_crop_that_is_fit_goes_to_people_for_its_quality(booth: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    verify = booth.keep.verify
    monkeypatch.setattr(booth.keep, "verify", lambda *a, **k: replace(verify(*a, **k), verified=False, acquired=False))
    made, cookie = booth.opened()
    for _ in range(3):
        booth.tried(cookie)
    review = booth.review(made)
    assert (review.kind, review.reasons) == (ReviewKind.PRESENTATION, (ReviewReason.LOW_QUALITY,))
    booth.captures.cancel(made.id, booth.who)


def test_what_nobody_can_be_shown_stays_undecided(booth: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def frame(self, _: object) -> bytes:
            raise QualityError("the face's outline was not found")

    monkeypatch.setattr(booth.captures._reviews._judge, "_masker", Blind())
    monkeypatch.setattr(booth.keep, "verify", lambda *_, **__: pytest.fail("somebody was compared"))
    made, cookie = booth.opened()
    seen = booth.tried(cookie, finds=LIFELESS)
    assert (seen.state, seen.outcome) == (CaptureState.DONE, CaptureOutcome.INCONCLUSIVE)
    assert booth.keep.review_of_capture(made.id, booth.who) is None
    # The last try was cut short, so that there is nothing of it.
    made, cookie = booth.opened()
    booth.tried(cookie, finds=ATTACK)
    booth.tried(cookie, finds=ATTACK)
    taker = booth.gone_through(cookie)
    with pytest.raises(CaptureError):
        booth.captures.take_frames(cookie, taker.body(taker.frames[:-1]))
    assert booth.captures.view(cookie).outcome is CaptureOutcome.INCONCLUSIVE
    assert booth.keep.review_of_capture(made.id, booth.who) is None


def test_a_sign_in_never_goes_to_people(booth: Panel) -> None:
    account = booth.keep.invite("obama", [Role.DATA_SUBJECT], label="obama").account
    order = CaptureOrder(
        Intent.VERIFY, Purpose.VERIFY, (booth.notice,), subject=booth.keep.subject("obama").id, alternatives=False
    )
    notices = (booth.keep.notice(booth.notice),)
    for finds in (LIFELESS, GENUINE):
        cookie = booth.captures.sign_in_here(Resolved(order, order.subject, notices, SignIn(account)), booth.who)
        for _ in range(1 if finds is LIFELESS else 3):
            seen = booth.tried(cookie, "biden", finds)
        assert seen.outcome is CaptureOutcome.INCONCLUSIVE
        assert booth.keep.review_of_capture(seen.id, booth.who) is None
    booth.keep.revoke_account("obama")
    assert booth.captures.counts().captures == 0


@pytest.mark.usefixtures("endpoint")
def test_a_passkey_in_place_of_the_face_ends_the_review(booth: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    account = booth.keep.invite("obama", [Role.DATA_SUBJECT], label="obama").account
    monkeypatch.setattr(booth.keep, "prove_passkey", lambda *_: account)
    made, cookie = booth.opened()
    for _ in range(3):
        seen = booth.tried(cookie, finds=UNDECIDED)
    assert seen.alternative
    review = booth.review(made)
    rita, _ = booth.people["rita"]
    booth.keep.claim_review(review.id.hex(), who=rita)
    booth.keep.vote(review.id.hex(), Decision.UNUSABLE, ReasonCode.OTHER, who=rita)  # one vote decides nothing
    name, _ = booth.captures.passkey_options(cookie, ISSUER)
    view = booth.captures.take_passkey(cookie, name, "{}", ISSUER)
    assert (view.state, view.outcome, view.review_until) == (CaptureState.DONE, CaptureOutcome.PASSED, None)
    claims = booth.claims(made)
    assert (claims["assurance"], "decided_by" in claims) == ("passkey", False)
    assert booth.keep.review_filed(review.id.hex(), owner=booth.who).state is ReviewState.WITHDRAWN
    told = [event for event in booth.told() if event["type"] == "capture.finished"]
    assert [event["outcome"] for event in told] == ["passed"]
    # Not once the link is too old, and not once people have decided.
    _, late = booth.opened(expires_in=timedelta(seconds=180))
    made, decided = booth.opened()
    for cookie in (late, decided):
        for _ in range(3):
            booth.tried(cookie, finds=UNDECIDED)
    name, _ = booth.captures.passkey_options(decided, ISSUER)
    booth.decide(made, Decision.ATTACK)
    with pytest.raises(CaptureError):
        booth.captures.take_passkey(decided, name, "{}", ISSUER)
    assert booth.read(made).outcome is CaptureOutcome.REFUSED
    booth.clock.wait(180)
    with pytest.raises(CaptureError):
        booth.captures.passkey_options(late, ISSUER)
    booth.keep.revoke_account("obama")


def test_with_both_wanted_no_passkey_is_taken_while_people_look(booth: Panel) -> None:
    made, cookie = booth.opened(assurance=Assurance.LIVE_PASSKEY)
    for _ in range(3):
        booth.tried(cookie, finds=UNDECIDED)
    with pytest.raises(CaptureError):
        booth.captures.passkey_options(cookie, ISSUER)
    booth.decide(made, Decision.BONA_FIDE)
    found = booth.read(made)
    assert (found.outcome, found.reasons) == (CaptureOutcome.INCONCLUSIVE, ("passkey-missing",))


def test_whoever_ordered_it_takes_it_back(booth: Panel) -> None:
    made, cookie = booth.opened()
    for _ in range(3):
        booth.tried(cookie, finds=UNDECIDED)
    review = booth.review(made)
    # Not its review alone: the session would come to something that nobody decided.
    with pytest.raises(ReviewConflictError, match="is of a capture"):
        booth.keep.withdraw_review(review.id.hex(), owner=booth.who)
    assert (booth.read(made).state, booth.captures.view(cookie).outcome) == (CaptureState.REVIEW, None)
    booth.captures.cancel(made.id, booth.who)
    ended = booth.keep.review_filed(review.id.hex(), owner=booth.who)
    assert (ended.state, ended.destroyed is not None) == (ReviewState.WITHDRAWN, True)
    with pytest.raises(NotFoundError):
        booth.read(made)
    with pytest.raises(NotFoundError):
        booth.captures.cancel(made.id, booth.who)
    with pytest.raises(AuthenticationError):
        booth.captures.view(cookie)


def test_whoever_may_not_ask_any_more_has_nobody_look(booth: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booth.keep, "verify", lambda *_, **__: pytest.fail("somebody was compared"))
    booth.who = booth.keep.issue_token("passing", [Scope.VERIFY], days=1).client
    _, cookie = booth.opened()
    taker = booth.gone_through(cookie)
    booth.keep.revoke_token("passing")
    with finding(booth.detector, LIFELESS), pytest.raises(AuthenticationError):
        booth.captures.take_frames(cookie, taker.body())
    view = booth.captures.view(cookie)
    assert (view.outcome, view.reasons) == (CaptureOutcome.INCONCLUSIVE, ("no-vital-signs",))


def test_a_purpose_that_goes_off_has_nobody_look(booth: Panel) -> None:
    made, cookie = booth.opened()
    taker = booth.gone_through(cookie)
    booth.keep.switch(Purpose.VERIFY, False)
    try:
        with finding(booth.detector, LIFELESS):
            view = booth.captures.take_frames(cookie, taker.body())
    finally:
        booth.keep.switch(Purpose.VERIFY, True)
    assert view.outcome is CaptureOutcome.OFF
    assert booth.keep.review_of_capture(made.id, booth.who) is None


def test_erasing_the_person_ends_it(booth: Panel) -> None:
    picture = (booth.pictures / "biden.jpg").read_bytes()
    booth.keep.enrol("jim", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
    made, cookie = booth.opened(label="jim")
    booth.tried(cookie, "biden", LIFELESS)
    booth.keep.erase("jim")
    assert booth.captures.view(cookie).outcome is CaptureOutcome.OFF
    assert booth.read(made).outcome is CaptureOutcome.OFF


def test_it_is_counted(booth: Panel) -> None:
    before = booth.captures.counts()
    assert (before.captures, before.escalated, before.since) == (0, 0, booth.clock())
    _, passing = booth.opened()
    booth.tried(passing)
    made, looked_at = booth.opened()
    booth.tried(looked_at, finds=LIFELESS)
    _, left = booth.opened()
    booth.captures.decline(left)  # nobody began a try
    booth.captures.cancel(made.id, booth.who)
    after = booth.captures.counts()
    assert (after.captures, after.escalated) == (2, 1)


def test_it_outlives_the_session_and_the_process(
    tmp_path: Path, studio: Studio, pictures: Path, people: dict[str, tuple[Account, X25519PrivateKey]]
) -> None:
    clock, detector, folder = Clock(), ChosenDetector(), tmp_path / "keep"
    with Keep.create(folder, purposes=[Purpose.VERIFY], clock=clock) as keep:
        keep.enrol(
            "obama", [(pictures / "obama.jpg").read_bytes()], purposes=[Purpose.VERIFY], notice=NOTICE, operator="x"
        )
        own = {}
        for name, (_, private) in people.items():
            own[name] = keep.invite(name, [Role.REVIEWER]).account, private
            keep.add_reviewer_key(private.public_key().public_bytes_raw(), who=own[name][0])
        shop, notice = keep.issue_token("shop", [Scope.VERIFY], days=9).client, keep.add_notice(NOTICE).digest
        another = keep.issue_token("another", [Scope.VERIFY], days=9).client
        captures = captures_with(keep, studio, detector, clock)
        booth = Panel(keep, clock, detector, captures, studio, pictures, notice, shop, own)
        made, cookie = booth.opened(intent=Intent.PROVE_LIVE, label="")
        booth.tried(cookie, finds=LIFELESS)
        before = booth.read(made)
        clock.wait(180)
        captures.tend()
        assert captures._sessions.all() == ()
        with pytest.raises(AuthenticationError):
            captures.view(cookie)
        assert booth.read(made) == replace(before, pad=None)
    with Keep.open(folder, keys=KeyPlan(), clock=clock) as keep:
        captures = captures_with(keep, studio, detector, clock)
        booth = Panel(keep, clock, detector, captures, studio, pictures, notice, shop, own)
        assert booth.read(made) == replace(before, pad=None)
        for act in (captures.cancel, lambda name, who: captures.read(name, who, ISSUER)):
            with pytest.raises(NotFoundError):
                act(made.id, another)
        booth.decide(made, Decision.BONA_FIDE)
        found = booth.read(made)
        assert (found.state, found.outcome) == (CaptureState.DONE, CaptureOutcome.PASSED)
        claims = booth.claims(made)
        assert (claims["outcome"], claims["assurance"], claims["decided_by"]) == ("passed", "live", "people")
        assert (claims["iat"], claims["exp"]) == (clock().timestamp(), clock().timestamp() + 86_400)
        assert "sub" not in claims
        clock.wait(86_399)
        assert booth.read(made).result is not None
        clock.wait(1)
        late = booth.read(made)
        assert (late.outcome, late.result) == (CaptureOutcome.PASSED, None)
        review = booth.review(made)
        assert valid_until(review) == clock()


def test_what_nobody_decides_stays_undecided(booth: Panel) -> None:
    made, cookie = booth.opened()
    booth.tried(cookie, finds=LIFELESS)
    booth.clock.wait(72 * 3600)
    booth.keep.tend()
    found = booth.read(made)
    assert (found.outcome, found.reasons) == (CaptureOutcome.INCONCLUSIVE, ("not-reviewed",))
    claims = booth.claims(made)
    assert ("decided_by" in claims, claims["review"]) == (False, found.review)


# Known answers


@pytest.mark.usefixtures("endpoint")
def test_a_known_answer_looks_like_any_other_capture_and_passes_nobody(booth: Panel) -> None:
    account, _ = booth.people["rita"]
    seen: dict[Decision | None, object] = {}
    for known in (None, Decision.ATTACK):
        told, size = len(booth.told()), booth.keep.ledger_head().size
        made, cookie = booth.opened(known=known)
        assert booth.captures.view(cookie).alternative is (known is None)
        for _ in range(3):
            assert booth.tried(cookie, finds=ATTACK).outcome is None
        found = booth.keep.review_seen(booth.review(made).id.hex(), who=account)
        shown = found.review.kind, found.review.reasons, found.figures, len(found.review.pictures)
        events = [event["type"] for event in booth.told()[told:]]
        seen[known] = shown, events, booth.keep.ledger_head().size - size
        booth.decide(made, Decision.BONA_FIDE)
    assert seen[None] == seen[Decision.ATTACK]
    assert events == ["review.opened"]
    result = booth.read(made)
    assert (result.outcome, result.reasons) == (CaptureOutcome.INCONCLUSIVE, ("known-answer",))
    claims = booth.claims(made)
    assert (claims["outcome"], claims["reasons"]) == ("inconclusive", ["known-answer"])
    assert {"sub", "assurance", "fmr"}.isdisjoint(claims)
    assert booth.review(made).destroyed is not None
    (rita,) = [each for each in booth.keep.review_statistics("", days=1).reviewers if each.account == account.id]
    assert (rita.known_right, rita.known_wrong) == (0, 1)


def test_a_known_answer_passes_nobody_whom_the_machine_would_pass(booth: Panel) -> None:
    made, cookie = booth.opened(known=Decision.ATTACK)
    seen = booth.tried(cookie)
    assert (seen.state, seen.outcome, seen.reasons) == (
        CaptureState.DONE,
        CaptureOutcome.INCONCLUSIVE,
        ("known-answer",),
    )
    assert booth.keep.review_of_capture(made.id, booth.who) is None
    assert {"sub", "assurance", "fmr"}.isdisjoint(booth.claims(made))


def test_people_are_not_asked_what_the_known_answer_does_not_answer(booth: Panel) -> None:
    made, cookie = booth.opened(known=Decision.BONA_FIDE)
    for _ in range(3):
        seen = booth.tried(cookie, "biden")
    assert (seen.outcome, seen.reasons) == (CaptureOutcome.INCONCLUSIVE, ("claim",))
    assert booth.keep.review_of_capture(made.id, booth.who) is None


def test_an_urgent_sign_in_what_measures_reviewers_goes_to_people_at_once(booth: Panel) -> None:
    made, cookie = booth.opened(known=Decision.ATTACK)
    assert booth.tried(cookie, finds=LIFELESS).state is CaptureState.REVIEW
    assert booth.review(made).urgent
    booth.captures.cancel(made.id, booth.who)


@pytest.mark.parametrize(
    "order",
    [
        {"known": Decision.UNUSABLE},
        {"known": Decision.ANOTHER_PERSON},
        {"known": Decision.ATTACK, "assurance": Assurance.LIVE_PASSKEY},
        {"known": Decision.ATTACK, "intent": Intent.ENROL, "label": "", "newcomer": Newcomer("joe")},
        {"known": Decision.SAME_PERSON, "intent": Intent.PROVE_LIVE, "label": ""},
    ],
)
def test_what_measures_nobody_is_not_ordered(booth: Panel, order: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        booth.order(**order)

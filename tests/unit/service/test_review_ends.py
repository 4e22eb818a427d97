"""How reviews end: at their hour whatever else fails, once, and for nobody who may not end them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from facekeep.domain.accounts import Account, Role
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.review import Decision, PictureRole, ReviewId, ReviewKind, ReviewReason, ReviewState
from facekeep.domain.review_words import (
    Concern,
)
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.errors import DamagedStoreError, NotFoundError, RateError, ReviewConflictError, UnavailableError
from facekeep.service import keep_life, keep_review_ends, keep_reviews
from facekeep.service.keep import Keep
from facekeep.service.review_rules import able
from facekeep.service.review_sealing import seal
from facekeep.store.transaction import Transaction
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import LOOK, Person, a_person, decide, filed, new, png, reviewers, subject_of
from tests.unit.service.test_reviews import a_capture, opened

LATE = datetime(2027, 3, 2, tzinfo=UTC)


@pytest.fixture
def people(keep: Keep) -> list[Person]:
    return reviewers(keep, 3)


def hour_keys(folder: Path) -> list[str]:
    return [path.name for path in (folder / "keys").rglob("gate.evidence.*")]


def bad(*_: object, **__: object) -> None:
    raise DamagedStoreError("the disk is full", store="evidence")


@pytest.mark.usefixtures("people")
def test_the_hour_comes_whether_or_not_the_registry_answers(
    keep: Keep, owner: Account, clock: MovedClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = filed(keep, owner)
    clock.forward(hours=72)
    assert len(hour_keys(folder)) == 1

    def away(*_: object, **__: object) -> None:
        raise UnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(keep._roles.registry, "switches", away)
        with pytest.raises(UnavailableError):
            keep.tend()
    assert hour_keys(folder) == []
    keep.tend()
    assert keep.review_filed(review.id.hex(), owner=owner).state is ReviewState.EXPIRED


@pytest.mark.usefixtures("people")
def test_a_keep_that_is_opened_late_has_no_key_of_hours_that_began(
    keep: Keep, owner: Account, clock: MovedClock, folder: Path, reopen: Callable[[], Keep]
) -> None:
    review = filed(keep, owner, capture=a_capture())
    keep.close()
    clock.forward(hours=72)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keep_life, "open_roles", bad)
        with pytest.raises(DamagedStoreError):
            reopen()
    assert hour_keys(folder) == []  # though nothing opens
    again = reopen()
    assert again._evidence.reviews() == frozenset()
    again.tend()
    capture = again.review_filed(review.id.hex(), owner=owner).capture
    assert capture is not None
    assert capture.outcome_reasons == ("not-reviewed",)  # it was not lost


def test_many_end_at_one_hour_a_few_at_a_time_and_nothing_is_sealed_anew(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = [filed(keep, owner, probes=(png(),)) for _ in range(5)]
    clock.forward(hours=72)
    monkeypatch.setattr(keep_review_ends, "_TOGETHER", 2)
    monkeypatch.setattr(type(keep._evidence), "_turn", bad)
    using, taken = keep._using, []

    def counted() -> AbstractContextManager[None]:
        taken.append(None)
        return using()

    monkeypatch.setattr(keep, "_using", counted)
    keep.tend()
    assert len(taken) == 3 + 1  # and once to forget what is old
    states = {keep.review_filed(review.id.hex(), owner=owner).state for review in reviews}
    assert states == {ReviewState.EXPIRED}


@pytest.mark.usefixtures("people")
def test_one_that_cannot_be_ended_holds_up_no_other(
    keep: Keep, owner: Account, clock: MovedClock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviews = [filed(keep, owner) for _ in range(3)]
    clock.forward(hours=72)
    forget = Transaction.forget_figures

    def some(tx: Transaction, review: ReviewId) -> None:
        bad() if review == reviews[1].id else forget(tx, review)

    def states() -> list[ReviewState]:
        return [keep.review_filed(review.id.hex(), owner=owner).state for review in reviews]

    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "forget_figures", some)
        with pytest.raises(DamagedStoreError, match="full"):
            keep.tend()
    assert states() == [ReviewState.EXPIRED, ReviewState.OPEN, ReviewState.EXPIRED]
    assert hour_keys(folder) == []
    keep.tend()
    assert states() == [ReviewState.EXPIRED] * 3


def test_what_was_decided_stays_so_when_its_evidence_could_not_be_destroyed(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = filed(keep, owner, subject=subject_of(keep, "obama"), capture=a_capture())
    other = filed(keep, owner)
    decide(keep, review, Decision.BONA_FIDE, people[0])
    with monkeypatch.context() as patch:
        patch.setattr(keep._evidence, "destroy", bad)
        with pytest.raises(DamagedStoreError):
            decide(keep, review, Decision.BONA_FIDE, people[1])
    assert review.id in keep._evidence.reviews()
    keep.tend()
    assert keep._evidence.reviews() == {other.id}
    keep._queue.put(review)  # behind, as after a write that failed
    clock.forward(hours=73)
    keep.tend()
    ended = keep.review_filed(review.id.hex(), owner=owner)
    assert (ended.state, ended.decision, len(ended.votes)) == (ReviewState.DECIDED, Decision.BONA_FIDE, 2)
    assert keep._queue.due(clock()) == ()


@pytest.mark.parametrize("how", ["account", "roles", "key"])
def test_a_damaged_picture_keeps_nobody_a_reviewer(keep: Keep, owner: Account, people: list[Person], how: str) -> None:
    damaged, whole = filed(keep, owner), filed(keep, owner)
    who, key = people[0].account, people[0].key
    keep.claim_review(whole.id.hex(), who=who)
    with keep._evidence._base().writing() as connection:
        statement = "UPDATE pictures SET keys = zeroblob(109) WHERE review = ? AND item = 0"
        connection.exec_driver_sql(statement, (damaged.id,))
    calls = {
        "account": lambda: keep.revoke_account(who.name),
        "roles": lambda: keep.change_roles(who.name, [Role.OPERATOR]),
        "key": lambda: keep.revoke_reviewer_key(key, who=who),
    }
    with pytest.raises(DamagedStoreError):
        calls[how]()
    names = [each.account.name for each in keep.accounts()]
    assert (who.name in names) is (how != "account")
    if how == "roles":
        assert keep.account_named(who.name).roles == {Role.OPERATOR}
    assert keep.reviewer(who).reviewer.keys == ()
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.show_review(whole.id.hex(), LOOK, key=key, who=who)
    with pytest.raises(NotFoundError):
        keep._evidence.read(whole.id, ReviewerKeyId(bytes.fromhex(key)))


def test_who_stays_an_officer_alone_has_no_claim_and_no_duty(keep: Keep, owner: Account, people: list[Person]) -> None:
    both = a_person(keep, "both", Role.REVIEWER, Role.OFFICER)
    review = filed(keep, owner)
    keep.claim_review(review.id.hex(), who=both.account)
    officer = keep.change_roles("both", [Role.OFFICER])
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.show_review(review.id.hex(), LOOK, key=both.key, who=officer)
    details = keep.reviewer(officer).reviewer
    assert (details.since, len(details.keys)) == (None, 1)


def test_nobody_takes_back_what_is_not_theirs_alone_any_more(keep: Keep, owner: Account, people: list[Person]) -> None:
    a_person(keep, "one more")
    subject = subject_of(keep, "obama")
    appealed = filed(keep, owner, subject=subject, capture=a_capture())
    decide(keep, appealed, Decision.ATTACK, *people[:2])
    keep.appeal_review(subject.hex(), appealed.id.hex(), "I was there.")
    voted = filed(keep, owner)
    decide(keep, voted, Decision.ATTACK, people[0])
    reported = filed(keep, owner)
    concern = keep.report_concern(reported.id.hex(), Concern.HARM, "", who=people[0].account)
    for review, why in ((appealed, "appealed"), (voted, "voted"), (reported, "reported")):
        with pytest.raises(ReviewConflictError, match=why):
            keep.withdraw_review(review.id.hex(), owner=owner)
        assert review.id in keep._evidence.reviews()
    officer = a_person(keep, "officer", Role.OFFICER)
    keep.answer_concern(concern.id.hex(), "The office was told.", who=officer.account)
    keep.withdraw_review(reported.id.hex(), owner=owner)
    assert reported.id not in keep._evidence.reviews()


def test_what_is_final_needs_no_evidence_but_for_a_concern(keep: Keep, owner: Account, people: list[Person]) -> None:
    subject = subject_of(keep, "obama")
    refused = decide(keep, filed(keep, owner, subject=subject), Decision.ATTACK, *people[:2])
    review = filed(keep, owner)
    concern = keep.report_concern(review.id.hex(), Concern.HARM, "", who=people[0].account)
    with keep._roles.registry.read() as view:
        assert not keep._is_final(view, refused)
        assert not keep._is_final(view, review)
    decided = replace(review, state=ReviewState.DECIDED, decision=Decision.BONA_FIDE, decided=review.created)
    with keep._roles.registry.transaction() as tx:
        tx.change_review(decided)
    keep._queue.put(decided)
    with keep._using():
        keep._end_if_final(review.id)
    assert review.id in keep._evidence.reviews()
    with keep._roles.registry.transaction() as tx:
        tx.answer_concern(replace(concern, officer=owner.id, answer="Done.", answered=review.created))
    with keep._using():
        keep._end_if_final(review.id)
        keep._end_if_final(review.id)
        keep._end_if_final(refused.id)
    assert keep._evidence.reviews() == {refused.id}
    assert keep.review_filed(review.id.hex(), owner=owner).destroyed is not None


def test_what_is_for_the_person_is_final_when_their_capture_passed(
    keep: Keep, owner: Account, people: list[Person]
) -> None:
    subject = subject_of(keep, "obama")
    review = replace(
        filed(keep, owner, subject=subject), state=ReviewState.DECIDED, decision=Decision.BONA_FIDE, decided=LATE
    )
    passed = replace(a_capture(), outcome=CaptureOutcome.PASSED)
    came_to_nothing = replace(a_capture(), outcome=CaptureOutcome.INCONCLUSIVE, outcome_reasons=("claim",))
    with keep._roles.registry.read() as view:
        assert keep._is_final(view, review)
        assert keep._is_final(view, replace(review, capture=passed))
        assert not keep._is_final(view, replace(review, capture=came_to_nothing))
        assert keep._is_final(view, replace(review, capture=came_to_nothing, round=2))
        assert keep._is_final(view, replace(review, capture=came_to_nothing, subject=None))
        assert keep._is_final(view, replace(review, capture=came_to_nothing, known=Decision.ATTACK))


def test_a_reference_comes_before_anybody_looks_and_not_to_who_knows_the_person(
    keep: Keep, owner: Account, people: list[Person]
) -> None:
    review = filed(keep, owner, kind=ReviewKind.COMPARISON)
    keep.recuse(review.id.hex(), who=people[0].account)
    keep.add_review_reference(review.id.hex(), png(3), owner=owner)
    with pytest.raises(NotFoundError):
        keep._evidence.read(review.id, ReviewerKeyId(bytes.fromhex(people[0].key)))
    assert len(keep._evidence.read(review.id, ReviewerKeyId(bytes.fromhex(people[1].key)))) == 3
    seen = filed(keep, owner, kind=ReviewKind.COMPARISON)
    keep.claim_review(seen.id.hex(), who=people[1].account)
    keep.show_review(seen.id.hex(), LOOK, key=people[1].key, who=people[1].account)
    with pytest.raises(ReviewConflictError):
        keep.add_review_reference(seen.id.hex(), png(3), owner=owner)


def test_a_reference_that_was_not_recorded_can_be_sent_again(
    keep: Keep, owner: Account, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    review = filed(keep, owner, kind=ReviewKind.COMPARISON)
    add = keep._evidence.add

    def full(*args: Any) -> None:
        add(*args)
        bad()

    with monkeypatch.context() as patch:
        patch.setattr(keep._evidence, "add", full)
        with pytest.raises(DamagedStoreError):
            keep.add_review_reference(review.id.hex(), png(3), owner=owner)
    key = ReviewerKeyId(bytes.fromhex(people[0].key))
    assert [stored.index for stored in keep._evidence.read(review.id, key)] == [0, 1]
    assert not keep.review_filed(review.id.hex(), owner=owner).has_both
    with keep._roles.registry.read() as view:
        sealed = seal(review.id, 2, png(4), able(view, owner) or (), role=PictureRole.REFERENCE)
    keep._evidence.add(review.id, sealed)  # as a crash leaves it
    keep.add_review_reference(review.id.hex(), png(3), owner=owner)
    stored = keep._evidence.read(review.id, key)
    assert opened(review, stored[2], people[0]) == png(3)


def test_nobody_fills_the_queue(
    keep: Keep, owner: Account, people: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = keep.invite("desk", [Role.OPERATOR]).account
    monkeypatch.setattr(keep_reviews, "REVIEWS_OF_ONE", 2)
    monkeypatch.setattr(keep_reviews, "REVIEWS_MAX", 3)
    first = filed(keep, owner)
    filed(keep, owner)
    with pytest.raises(RateError):
        keep.file_review(new(owner))
    filed(keep, other)
    with pytest.raises(RateError):
        keep.file_review(new(other))
    # The urgent have as much room of their own, which no usual one takes.
    urgent: dict[str, object] = {"reasons": (ReviewReason.INCONCLUSIVE, ReviewReason.NO_VITAL_SIGNS)}
    for account in (owner, owner, other):
        filed(keep, account, **urgent)
    with pytest.raises(RateError):
        keep.file_review(new(other, **urgent))
    keep.withdraw_review(first.id.hex(), owner=owner)
    filed(keep, owner)

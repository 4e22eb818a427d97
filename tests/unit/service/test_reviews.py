"""People decide: sealed to those who may open it, four eyes, deadlines, appeals, and nobody of another organisation."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Account, Role
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind
from facekeep.domain.review import (
    Decision,
    ReasonCode,
    Review,
    ReviewedCapture,
    ReviewKind,
    ReviewReason,
    ReviewState,
    ViewReason,
)
from facekeep.domain.review_evidence import StoredPicture
from facekeep.domain.review_words import Concern
from facekeep.domain.reviewer import key_id
from facekeep.domain.webhooks import EventKind
from facekeep.errors import FormatError, GoneError, NotFoundError, ReviewConflictError, UsageError
from facekeep.service.answers import AccessOutcome
from facekeep.service.keep import Keep
from facekeep.service.keep_review_lists import Wanted
from facekeep.service.review_queue import place_of
from facekeep.service.review_sealing import open_with
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import CODE, LOOK, Person, a_person, decide, filed, new, png, reviewers, subject_of

WHY = ReviewReason.INCONCLUSIVE


@pytest.fixture
def people(keep: Keep) -> list[Person]:
    return reviewers(keep, 3)


def kinds(keep: Keep, label: str) -> list[EntryKind]:
    return [entry.entry.kind for entry in keep.own_data(label).entries]


def opened(review: Review, picture: StoredPicture, person: Person) -> bytes:
    return opened_by(person.private, review, picture)


def opened_by(private: X25519PrivateKey, review: Review, picture: StoredPicture) -> bytes:
    return open_with(
        private, review.id, picture.index, sealed=picture.sealed, share=picture.share, wrapped=picture.wrapped
    )


def test_two_people_look_and_decide_and_the_evidence_is_gone(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    name = review.id.hex()
    assert [seen.review for seen in keep.reviews_waiting(people[0].account)] == [review]
    assert keep.claim_review(name, who=people[0].account).missing == 2
    shown = keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    assert [opened(review, picture, people[0]) for picture in shown.pictures] == [png(), png(91)]
    with pytest.raises(FormatError, match="open"):
        opened(review, shown.pictures[0], people[1])
    first = keep.vote(name, Decision.BONA_FIDE, ReasonCode.LOOKS_LIVE, who=people[0].account)
    assert (first.missing, first.review.state) == (1, ReviewState.OPEN)
    ended = decide(keep, review, Decision.BONA_FIDE, people[1])
    assert (ended.state, ended.decision) == (ReviewState.DECIDED, Decision.BONA_FIDE)
    assert ended.destroyed is not None
    with pytest.raises(GoneError):
        keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    assert keep.review_seen(name, who=people[0].account).figures == "{}"
    assert keep.reviews_waiting(people[0].account) == ()


def test_nobody_votes_twice_or_without_a_claim_or_on_what_they_filed(keep: Keep, people: list[Person]) -> None:
    mine = a_person(keep, "reviews and files", Role.REVIEWER, Role.OPERATOR)
    review = filed(keep, mine.account)
    name = review.id.hex()
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.vote(name, Decision.ATTACK, CODE, who=people[0].account)
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    with pytest.raises(ReviewConflictError, match="concerned"):
        keep.claim_review(name, who=mine.account)
    decide(keep, review, Decision.ATTACK, people[0])
    for again in (
        lambda: keep.claim_review(name, who=people[0].account),
        lambda: decide(keep, review, Decision.ATTACK, people[0]),
    ):
        with pytest.raises(ReviewConflictError, match="before"):
            again()


def test_who_says_that_it_is_a_person_has_looked(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    keep.claim_review(review.id.hex(), who=people[0].account)
    with pytest.raises(UsageError, match="looked"):
        keep.vote(review.id.hex(), Decision.BONA_FIDE, CODE, who=people[0].account)
    with pytest.raises(UsageError, match="answer"):
        keep.vote(review.id.hex(), Decision.SAME_PERSON, CODE, who=people[0].account)
    with pytest.raises(UsageError, match="looked"):  # to refuse by the figures is what the machine did
        keep.vote(review.id.hex(), Decision.ATTACK, CODE, who=people[0].account)
    assert keep.vote(review.id.hex(), Decision.UNUSABLE, CODE, who=people[0].account).missing == 1


def test_who_disagree_are_decided_by_a_third(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    decide(keep, review, Decision.ATTACK, people[0])
    between = decide(keep, review, Decision.BONA_FIDE, people[1])
    assert between.state is ReviewState.OPEN
    seen = keep.review_seen(review.id.hex(), who=people[2].account)
    assert (seen.missing, seen.mine) == (1, None)
    assert decide(keep, review, Decision.ATTACK, people[2]).decision is Decision.ATTACK


def test_claims_are_as_many_as_votes_are_missing_and_lapse(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock
) -> None:
    review = filed(keep, owner)
    name = review.id.hex()
    for person in people[:2]:
        keep.claim_review(name, who=person.account)
    assert keep.review_seen(name, who=people[2].account).taken
    with pytest.raises(ReviewConflictError, match="others"):
        keep.claim_review(name, who=people[2].account)
    keep.release_review(name, who=people[0].account)
    keep.claim_review(name, who=people[2].account)
    clock.forward(minutes=15)
    assert keep.review_seen(name, who=people[1].account).claim is None
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.vote(name, Decision.ATTACK, CODE, who=people[1].account)
    keep.claim_review(name, who=people[0].account)


def test_another_organisation_finds_nothing(keep: Keep, owner: Account, people: list[Person]) -> None:
    stranger = a_person(keep, "elsewhere", Role.REVIEWER, Role.OFFICER, organisation="bank")
    review = filed(keep, owner)
    keep.report_concern(review.id.hex(), Concern.HARM, "", who=people[0].account)
    name, who = review.id.hex(), stranger.account
    assert keep.reviews_waiting(who) == ()
    assert keep.concerns(who=who) == ()
    for ask in (
        lambda: keep.review_seen(name, who=who),
        lambda: keep.claim_review(name, who=who),
        lambda: keep.release_review(name, who=who),
        lambda: keep.recuse(name, who=who),
        lambda: keep.show_review(name, LOOK, key=stranger.key, who=who),
        lambda: keep.vote(name, Decision.ATTACK, CODE, who=who),
        lambda: keep.report_concern(name, Concern.HARM, "", who=who),
        lambda: keep.answer_concern(keep.concerns(who=people[0].account)[0].id.hex(), "done", who=who),
    ):
        with pytest.raises(NotFoundError):
            ask()
    assert keep.file_review(new(keep.invite("teller", [Role.OPERATOR], organisation="bank").account)) is None


def test_it_is_sealed_to_those_on_duty_or_to_all_while_few_are(keep: Keep, owner: Account) -> None:
    people = [a_person(keep, f"reviewer {number}", on_duty=number < 5) for number in range(7)]
    officer = a_person(keep, "officer", Role.OFFICER, on_duty=False)
    early = filed(keep, owner)
    keep.set_duty(on=True, who=people[5].account)
    late = filed(keep, owner)
    for review, may in ((early, set(range(7))), (late, set(range(6)))):
        for number, person in enumerate(people):
            keep.claim_review(review.id.hex(), who=person.account)
            if number in may:
                assert keep.show_review(review.id.hex(), LOOK, key=person.key, who=person.account).pictures
            else:
                with pytest.raises(NotFoundError):
                    keep.show_review(review.id.hex(), LOOK, key=person.key, who=person.account)
            keep.release_review(review.id.hex(), who=person.account)
    with pytest.raises(ReviewConflictError):
        keep.show_review(late.id.hex(), ViewReason.CONCERN, key=officer.key, who=officer.account)
    keep.report_concern(late.id.hex(), Concern.MINOR, "A child.", who=people[0].account)
    assert keep.show_review(late.id.hex(), ViewReason.CONCERN, key=officer.key, who=officer.account).pictures
    keep.answer_concern(keep.concerns(who=officer.account)[0].id.hex(), "The office was told.", who=officer.account)
    with pytest.raises(ReviewConflictError):
        keep.show_review(late.id.hex(), ViewReason.CONCERN, key=officer.key, who=officer.account)


def test_after_the_deadline_nobody_opens_it_not_even_a_copy_with_every_key(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock, folder: Path
) -> None:
    review = filed(keep, owner)
    keep.claim_review(review.id.hex(), who=people[0].account)
    clock.forward(hours=72)
    with pytest.raises(GoneError):
        keep.show_review(review.id.hex(), LOOK, key=people[0].key, who=people[0].account)
    keep.tend()
    seen = keep.review_seen(review.id.hex(), who=people[0].account)
    assert (seen.review.state, seen.figures) == (ReviewState.EXPIRED, "{}")
    assert not any(
        "evidence" in path.name and path.is_file() and b"gate.evidence" in path.name.encode()
        for path in folder.rglob("*")
    )
    with pytest.raises(GoneError):
        keep.vote(review.id.hex(), Decision.ATTACK, CODE, who=people[0].account)


def test_whoever_leaves_opens_nothing_and_the_rest_still_do(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    name = review.id.hex()
    keep.claim_review(name, who=people[0].account)
    keep.revoke_account(people[0].account.name)
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    keep.claim_review(name, who=people[0].account)  # as nobody can who is not known any more
    with pytest.raises(NotFoundError):
        keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    keep.release_review(name, who=people[0].account)
    for person in people[1:]:
        keep.claim_review(name, who=person.account)
        shown = keep.show_review(name, LOOK, key=person.key, who=person.account)
        assert opened(review, shown.pictures[0], person) == png()
    assert EntryKind.REVIEWER_KEY_REVOKED in ledger_kinds(keep)


def test_one_who_loses_the_role_loses_the_keys(keep: Keep, people: list[Person]) -> None:
    keep.change_roles(people[0].account.name, [Role.OPERATOR])
    assert keep.reviewer(people[0].account).reviewer.keys == ()
    keep.revoke_reviewer_key(people[1].key, who=people[1].account)
    assert keep.reviewer(people[1].account).reviewer.since is None
    with pytest.raises(NotFoundError):
        keep.revoke_reviewer_key(people[1].key, who=people[1].account)


def test_who_knows_the_person_is_out_of_it(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    name = review.id.hex()
    keep.claim_review(name, who=people[0].account)
    keep.recuse(name, who=people[0].account)
    keep.recuse(name, who=people[0].account)
    assert keep.review_seen(name, who=people[0].account).figures == "{}"
    with pytest.raises(ReviewConflictError, match="concerned"):
        keep.claim_review(name, who=people[0].account)
    with pytest.raises(ReviewConflictError, match="concerned"):
        keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    decide(keep, review, Decision.ATTACK, people[1])
    with pytest.raises(ReviewConflictError, match="voted"):
        keep.recuse(name, who=people[1].account)


def a_capture() -> ReviewedCapture:
    return ReviewedCapture(
        "0" * 32, "1" * 32, Intent.VERIFY, Purpose.VERIFY, Assurance.LIVE, "2" * 64, "", 1e-4, True, False, ("flat",)
    )


def test_the_person_reads_who_looked_speaks_and_appeals_once_to_others(
    keep: Keep, owner: Account, clock: MovedClock
) -> None:
    people = reviewers(keep, 4)
    browser = X25519PrivateKey.generate()
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject, capture=a_capture(), person=browser.public_key().public_bytes_raw())
    name, me = review.id.hex(), subject.hex()
    keep.state_review(me, name, "It was dark.")
    with pytest.raises(ReviewConflictError):
        keep.state_review(me, name, "Again.")
    assert [words.text for words in keep.review_seen(name, who=people[0].account).words] == ["It was dark."]
    refused = decide(keep, review, Decision.ATTACK, *people[:2])
    assert refused.capture is not None
    assert refused.capture.outcome is CaptureOutcome.REFUSED
    assert refused.destroyed is None
    (own,) = keep.own_reviews(me)
    assert [view.reviewer for view in own.views] == ["reviewer 0", "reviewer 1"]
    assert own.may_appeal
    assert len(own.pictures) == 2
    shown = keep.show_own_review(me, name, key=key_id(browser.public_key().public_bytes_raw()).hex())
    assert opened_by(browser, review, shown[0]) == png()
    with pytest.raises(NotFoundError):
        keep.show_own_review(me, name, key=people[0].key)
    with pytest.raises(NotFoundError):
        keep.appeal_review(subject_of(keep, "biden").hex(), name, "Not mine.")
    clock.forward(hours=70)
    keep.tend()
    appealed = keep.appeal_review(me, name, "I was there.")
    assert appealed.capture is not None
    assert appealed.capture.outcome is None
    assert appealed.deadline > review.deadline + timedelta(hours=60)
    with pytest.raises(ReviewConflictError, match="before"):
        keep.claim_review(name, who=people[0].account)
    clock.forward(hours=3)
    keep.tend()
    overturned = decide(keep, review, Decision.BONA_FIDE, *people[2:])
    assert overturned.capture is not None
    assert overturned.capture.outcome is CaptureOutcome.PASSED
    assert (overturned.before, overturned.decision) == (Decision.ATTACK, Decision.BONA_FIDE)
    with pytest.raises(ReviewConflictError):
        keep.appeal_review(me, name, "Again.")
    figures = keep.review_statistics("", days=30)
    assert (figures.appeals, figures.overturned, figures.decided) == (1, 1, 1)
    told = kinds(keep, "obama")
    assert told.count(EntryKind.REVIEW_VIEWED) == 4
    assert told.count(EntryKind.REVIEW_VOTED) == 4
    assert told.count(EntryKind.REVIEW_DECIDED) == 2
    assert told.count(EntryKind.REVIEW_EVIDENCE_DESTROYED) == 1
    looks = [access for access in keep.accesses("obama") if access.kind is EntryKind.REVIEW_VIEWED]
    assert {(access.reason, access.outcome, access.purpose) for access in looks} == {(LOOK, AccessOutcome.SHOWN, None)}
    assert [access.operator for access in reversed(looks)] == [f"account reviewer {number}" for number in range(4)]


def test_whom_it_was_staged_with_learns_that_it_measured_reviewers_once_it_is_over(
    keep: Keep, owner: Account, clock: MovedClock
) -> None:
    people = reviewers(keep, 4)
    officer, me = a_person(keep, "officer", Role.OFFICER), subject_of(keep, "obama")
    usual = filed(keep, owner, subject=me)
    known = filed(keep, owner, subject=me, capture=a_capture(), known=Decision.ATTACK)

    def told() -> list[bool]:
        page = {own.review.id: own.review.measured for own in keep.own_reviews(me.hex())}
        export = {each["id"]: each["measured"] for each in json.loads(keep.own_data("obama").as_json())["reviews"]}
        assert export == {review.hex(): measured for review, measured in page.items()}
        return [page[usual.id], page[known.id]]

    concern = keep.report_concern(known.id.hex(), Concern.HARM, "", who=people[0].account)
    assert told() == [False, False]
    for review in (usual, known):
        decided = decide(keep, review, Decision.ATTACK, *people[:2])
    assert told() == [False, True]
    # Its evidence waits for the officer, and there is nothing to object to all the same.
    assert decided.destroyed is None
    assert {own.review.id: own.may_appeal for own in keep.own_reviews(me.hex())} == {usual.id: True, known.id: False}
    with pytest.raises(ReviewConflictError):
        keep.appeal_review(me.hex(), known.id.hex(), "That was staged.")
    keep.answer_concern(concern.id.hex(), "It was staged.", who=officer.account)
    with pytest.raises(ReviewConflictError):  # and no evidence is missed
        keep.appeal_review(me.hex(), known.id.hex(), "That was staged.")
    assert keep.review_filed(known.id.hex(), owner=owner).destroyed is not None


def test_an_unappealed_refusal_keeps_its_evidence_until_the_deadline(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock
) -> None:
    review = filed(keep, owner, subject=subject_of(keep, "obama"))
    assert decide(keep, review, Decision.ATTACK, *people[:2]).destroyed is None
    clock.forward(hours=72)
    keep.tend()
    (own,) = keep.own_reviews(subject_of(keep, "obama").hex())
    assert own.review.destroyed is not None
    assert own.review.state is ReviewState.DECIDED
    assert not own.may_appeal
    assert own.pictures == ()
    with pytest.raises(GoneError):
        keep.appeal_review(subject_of(keep, "obama").hex(), review.id.hex(), "Late.")


def test_who_is_erased_leaves_no_review(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner, subject=subject_of(keep, "obama"))
    keep.erase("obama")
    with pytest.raises(NotFoundError):
        keep.review_seen(review.id.hex(), who=people[0].account)
    assert keep.reviews_waiting(people[0].account) == ()
    assert keep._evidence.reviews() == frozenset()


def test_a_comparison_takes_two_pictures(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner, kind=ReviewKind.COMPARISON, probes=(png(),))
    name = review.id.hex()
    keep.claim_review(name, who=people[0].account)
    with pytest.raises(UsageError, match="compare"):
        keep.vote(name, Decision.SAME_PERSON, CODE, who=people[0].account)
    with pytest.raises(NotFoundError):
        keep.add_review_reference(name, png(10), owner=people[0].account)
    keep.add_review_reference(name, png(10), owner=owner)
    with pytest.raises(ReviewConflictError):
        keep.add_review_reference(name, png(10), owner=owner)
    shown = keep.show_review(name, ViewReason.COMPARE_FACES, key=people[0].key, who=people[0].account)
    assert opened(review, shown.pictures[1], people[0]) == png(10)
    assert decide(keep, review, Decision.SAME_PERSON, *people[:2]).decision is Decision.SAME_PERSON


def test_what_is_taken_back_is_destroyed(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    with pytest.raises(NotFoundError):
        keep.withdraw_review(review.id.hex(), owner=people[0].account)
    keep.withdraw_review(review.id.hex(), owner=owner)
    assert keep.review_filed(review.id.hex(), owner=owner).state is ReviewState.WITHDRAWN
    with pytest.raises(ReviewConflictError):
        keep.withdraw_review(review.id.hex(), owner=owner)
    with pytest.raises(GoneError):
        keep.claim_review(review.id.hex(), who=people[0].account)


def test_what_cannot_be_done_says_what_can(keep: Keep, owner: Account, people: list[Person]) -> None:
    review, voted = filed(keep, owner), filed(keep, owner)
    keep.withdraw_review(review.id.hex(), owner=owner)
    decide(keep, voted, Decision.UNUSABLE, people[0])
    for refused, error, hint in (
        (lambda: keep.withdraw_review(review.id.hex(), owner=owner), ReviewConflictError, "left to take back"),
        (lambda: keep.withdraw_review(voted.id.hex(), owner=owner), ReviewConflictError, "until it is decided"),
        (lambda: keep.recuse(voted.id.hex(), who=people[0].account), ReviewConflictError, "A vote stays"),
        (lambda: keep.claim_review(voted.id.hex(), who=people[0].account), ReviewConflictError, "another review"),
        (lambda: keep.review_filed("0" * 32, owner=owner), NotFoundError, "forgotten 90 days after"),
        (lambda: keep.review_filed("zzz", owner=owner), NotFoundError, "forgotten 90 days after"),
        (lambda: keep.revoke_reviewer_key("zzz", who=people[0].account), NotFoundError, "facekeep review keys"),
    ):
        with pytest.raises(error) as raised:
            refused()
        assert hint in raised.value.hint


def test_the_queue_is_urgent_first_and_goes_on_behind_a_place(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock
) -> None:
    usual = filed(keep, owner)
    clock.forward(hours=2)
    later = filed(keep, owner, kind=ReviewKind.COMPARISON)
    urgent = filed(keep, owner, reasons=(ReviewReason.EYES_CLOSED,))
    who = people[0].account
    assert [seen.review for seen in keep.reviews_waiting(who)] == [urgent, usual, later]
    assert [seen.review for seen in keep.reviews_waiting(who, after=place_of(urgent), limit=1)] == [usual]
    assert [seen.review for seen in keep.reviews_waiting(who, Wanted(urgent=True))] == [urgent]
    assert [seen.review for seen in keep.reviews_waiting(who, Wanted(ReviewKind.COMPARISON))] == [later]
    assert [seen.review for seen in keep.reviews_waiting(who, Wanted(reason=ReviewReason.EYES_CLOSED))] == [urgent]
    keep.claim_review(later.id.hex(), who=who)
    assert [seen.review for seen in keep.reviews_waiting(who, Wanted(mine=True))] == [later]


def test_known_answers_measure_reviewers_and_cannot_be_told_apart(
    keep: Keep, owner: Account, people: list[Person]
) -> None:
    webhook = keep.add_webhook("https://hooks.example.org/", list(EventKind))
    known, other = filed(keep, owner, known=Decision.ATTACK), filed(keep, owner)
    decide(keep, known, Decision.BONA_FIDE, people[0])
    decide(keep, other, Decision.BONA_FIDE, people[0])
    while_open = keep.review_statistics("", days=1)
    assert (
        (while_open.opened, while_open.open) == (2, 2) == (len(keep.reviews_open("")), while_open.by_reason[WHY].opened)
    )
    (first,) = while_open.reviewers
    assert (first.votes, first.known_right, first.known_wrong) == (2, 0, 0), "nobody learns by it which one is known"
    decide(keep, known, Decision.BONA_FIDE, people[1])
    decide(keep, other, Decision.BONA_FIDE, people[1])
    figures = keep.review_statistics("", days=1)
    assert (figures.opened, figures.decided, figures.open, figures.views_per_review) == (2, 2, 0, 2)
    assert {each.account: (each.known_right, each.known_wrong, each.agreed) for each in figures.reviewers} == {
        person.account.id: (0, 1, 1) for person in people[:2]
    }
    # In the order of their kinds: those of one moment wait in a random one.
    told = sorted((each.event for each in keep.waiting_deliveries(webhook.id)), key=lambda event: event.kind)
    of = [
        [(e.kind, {**e.about, "review": ""}) for e in told if e.about["review"] == x.id.hex()] for x in (known, other)
    ]
    assert of[0] == of[1]
    assert len(of[0]) == 2
    entries = [opening.entry for opening in keep._told_of_nobody() if opening.entry.kind is EntryKind.REVIEW_OPENED]
    assert {entry.facts["review"] for entry in entries} == {known.id.hex(), other.id.hex()}
    about = [opening.entry for opening in keep._told_of_nobody() if "review" in opening.entry.facts]
    kinds = [sorted(entry.kind for entry in about if entry.facts["review"] == x.id.hex()) for x in (known, other)]
    assert kinds[0] == kinds[1]
    assert len(kinds[0]) == 7  # opened, two looks, two votes, decided, destroyed


def test_events_name_nobody_and_urgent_ones_go_twice(keep: Keep, owner: Account, people: list[Person]) -> None:
    webhook = keep.add_webhook("https://hooks.example.org/", list(EventKind))
    review = filed(keep, owner, reasons=(ReviewReason.SECOND_FACE, ReviewReason.INCONCLUSIVE), capture=a_capture())
    keep.report_concern(review.id.hex(), Concern.DEATH, "…", who=people[0].account)
    decide(keep, review, Decision.BONA_FIDE, *people[:2])
    told = {delivery.event.kind: delivery.event.about for delivery in keep.waiting_deliveries(webhook.id)}
    name, reasons = review.id.hex(), "second-face inconclusive"
    assert told == {
        EventKind.REVIEW_OPENED: {"review": name, "reasons": reasons},
        EventKind.REVIEW_URGENT: {"review": name, "reasons": reasons},
        EventKind.REVIEW_CONCERN: {"review": name},
        EventKind.REVIEW_DECIDED: {"review": name, "outcome": "bona-fide", "capture": "0" * 32},
        EventKind.CAPTURE_FINISHED: {"capture": "0" * 32, "outcome": "passed", "reasons": ""},
    }


def test_of_reviews_their_own_organisation_is_told_alone(keep: Keep, owner: Account, people: list[Person]) -> None:
    kinds = list(EventKind)
    own = keep.add_webhook("https://hooks.example.org/", kinds)
    other = keep.add_webhook("https://hooks.example.org/", kinds, organisation="other")
    there = [a_person(keep, f"there {n}", organisation="other") for n in range(2)]
    till = keep.invite("a till", [Role.OPERATOR], organisation="other").account
    for by, who in ((owner, people), (till, there)):
        urgent = filed(keep, by, reasons=(ReviewReason.EYES_CLOSED,), capture=a_capture())
        keep.report_concern(urgent.id.hex(), Concern.HARM, "", who=who[0].account)
        decide(keep, urgent, Decision.ATTACK, *who[:2])
    keep.withdraw_consent("obama", Purpose.VERIFY)
    of_reviews = [
        EventKind.REVIEW_OPENED,
        EventKind.REVIEW_URGENT,
        EventKind.REVIEW_CONCERN,
        EventKind.REVIEW_DECIDED,
        EventKind.CAPTURE_FINISHED,
    ]
    told = {hook: [each.event for each in keep.waiting_deliveries(hook)] for hook in (own.id, other.id)}
    assert Counter(event.kind for event in told[own.id]) == Counter([*of_reviews, EventKind.CONSENT_WITHDRAWN])
    assert Counter(event.kind for event in told[other.id]) == Counter(of_reviews)
    assert {event.about["review"] for event in told[other.id] if "review" in event.about} == {urgent.id.hex()}


def test_what_was_reported_of_somebody_is_in_no_ledger(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner)
    keep.report_concern(review.id.hex(), Concern.DEATH, "Cold.", who=people[0].account)
    (entry,) = [opening.entry for opening in keep._told_of_nobody() if opening.entry.kind is EntryKind.REVIEW_CONCERN]
    assert set(entry.facts) == {"review", "operator"}


def test_it_all_stays_when_the_keep_is_opened_again(
    keep: Keep, owner: Account, people: list[Person], reopen: Callable[[], Keep]
) -> None:
    review = filed(keep, owner, capture=a_capture())
    decide(keep, review, Decision.ATTACK, people[0])
    keep.close()
    again = reopen()
    assert [seen.review.id for seen in again.reviews_waiting(people[1].account)] == [review.id]
    found = again.review_of_capture("0" * 32, owner)
    assert found is not None
    assert found.votes
    assert again.review_of_capture("0" * 32, people[0].account) is None
    assert decide(again, review, Decision.ATTACK, people[1]).decision is Decision.ATTACK


def test_what_was_over_long_ago_is_forgotten(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock
) -> None:
    old = filed(keep, owner, capture=a_capture())
    decide(keep, old, Decision.ATTACK, *people[:2])
    clock.forward(days=90)
    kept = filed(keep, owner)
    assert keep.forget_old_reviews() == 1
    assert keep.review_of_capture("0" * 32, owner) is None
    assert [seen.review.id for seen in keep.reviews_waiting(people[0].account)] == [kept.id]


def ledger_kinds(keep: Keep) -> set[EntryKind]:
    with keep._roles.registry.read() as view:
        return {opening.entry.kind for _, _, opening in view.ledger_openings()}


def test_what_a_backup_brought_back_without_its_evidence_ends_at_once(
    keep: Keep, owner: Account, people: list[Person], folder: Path, reopen: Callable[[], Keep]
) -> None:
    """A backup holds no evidence: what was open is open for nobody, and what was decided stays so."""
    subject = subject_of(keep, "obama")
    lost = filed(keep, owner, subject=subject, capture=a_capture())
    refused = decide(keep, filed(keep, owner, subject=subject), Decision.ATTACK, *people[:2])
    webhook = keep.add_webhook("https://hooks.example.org/", list(EventKind))
    keep.close()
    shutil.rmtree(folder / "evidence")
    again = reopen()
    kept = filed(again, owner)
    again.tend()
    who = people[2].account
    ended = again.review_seen(lost.id.hex(), who=who).review
    assert (ended.state, ended.destroyed) == (ReviewState.EXPIRED, lost.created)
    assert ended.capture is not None
    assert (ended.capture.outcome, ended.capture.outcome_reasons) == (CaptureOutcome.INCONCLUSIVE, ("evidence-lost",))
    with pytest.raises(GoneError, match="lost"):
        again.claim_review(lost.id.hex(), who=who)
    own = [each.entry for each in again.own_data("obama").entries]
    (first,) = [entry for entry in own if entry.facts.get("why") == "evidence-lost"]
    assert (first.kind, first.facts["state"]) == (EntryKind.REVIEW_DECIDED, "expired")
    decided = again.review_seen(refused.id.hex(), who=who).review
    assert (decided.state, decided.decision, decided.destroyed) == (ReviewState.DECIDED, Decision.ATTACK, lost.created)
    with pytest.raises(GoneError, match="destroyed"):
        again.appeal_review(subject.hex(), refused.id.hex(), "I was there.")
    told = [delivery.event for delivery in again.waiting_deliveries(webhook.id)]
    assert [event.about["outcome"] for event in told if event.kind is EventKind.REVIEW_DECIDED] == ["expired"]
    assert [seen.review.id for seen in again.reviews_waiting(who)] == [kept.id]
    before = leaves(again)
    again.tend()
    assert leaves(again) == before


def test_evidence_whose_key_is_gone_is_lost(
    keep: Keep, owner: Account, people: list[Person], folder: Path, reopen: Callable[[], Keep]
) -> None:
    review = filed(keep, owner)
    keep.close()
    (key,) = (folder / "keys").rglob("gate.evidence.*")
    key.unlink()
    again = reopen()
    again.tend()
    assert again.review_seen(review.id.hex(), who=people[0].account).review.state is ReviewState.EXPIRED
    assert again._evidence.reviews() == frozenset()


def leaves(keep: Keep) -> int:
    with keep._roles.registry.read() as view:
        return view.ledger_size()


def test_of_an_appeal_that_nobody_decides_what_was_decided_stands(
    keep: Keep, owner: Account, clock: MovedClock
) -> None:
    people = reviewers(keep, 4)
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject, capture=a_capture())
    decide(keep, review, Decision.ATTACK, *people[:2])
    keep.appeal_review(subject.hex(), review.id.hex(), "I was there.")
    clock.forward(hours=72)
    keep.tend()
    (own,) = keep.own_reviews(subject.hex())
    assert (own.review.state, own.review.decision, own.review.round) == (ReviewState.DECIDED, Decision.ATTACK, 1)
    assert own.review.capture is not None
    assert own.review.capture.outcome is CaptureOutcome.REFUSED
    assert not own.may_appeal


def test_an_appeal_takes_two_others_who_can_open_it(keep: Keep, owner: Account, people: list[Person]) -> None:
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject)
    decide(keep, review, Decision.ATTACK, *people[:2])
    a_person(keep, "came later")
    (own,) = keep.own_reviews(subject.hex())
    assert (own.against, own.may_appeal, len(own.pictures)) == (True, False, 2)  # it is not offered
    with pytest.raises(GoneError, match="two others"):
        keep.appeal_review(subject.hex(), review.id.hex(), "I was there.")


def test_nobody_passes_by_people_who_withdrew_meanwhile(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner, subject=subject_of(keep, "obama"), capture=a_capture())
    keep.withdraw_consent("obama", Purpose.VERIFY)
    ended = decide(keep, review, Decision.BONA_FIDE, *people[:2])
    assert ended.capture is not None
    assert ended.capture.outcome is CaptureOutcome.OFF
    assert ended.destroyed is not None  # nobody needs it, and there is nothing to object to


def test_a_comparison_for_people_tells_nobody_what_it_said(keep: Keep, picture: Callable[[str], bytes]) -> None:
    assert keep.verify_for_review("obama", picture("obama2.jpg"), operator="till")
    assert not keep.verify_for_review("biden", picture("obama2.jpg"), operator="till")
    told = [keep.own_data(label).entries[-2].entry for label in ("obama", "biden")]
    assert [entry.kind for entry in told] == [EntryKind.COMPARED_FOR_REVIEW] * 2
    assert {frozenset(entry.facts) for entry in told} == {frozenset({"purpose", "operator"})}
    assert [keep.accesses(label)[0].outcome for label in ("obama", "biden")] == [AccessOutcome.UNTOLD] * 2


def test_an_export_tells_of_reviews_what_is_the_persons(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner, subject=subject_of(keep, "obama"), capture=a_capture())
    for decided in (False, True):
        if decided:
            decide(keep, review, Decision.ATTACK, *people[:2])
        (own,) = json.loads(keep.own_data("obama").as_json())["reviews"]
        assert not {"votes", "recused", "owner", "known", "holds", "fmr"} & set(own)
        assert (own["capture"], own["outcome"]) == ("0" * 32, "refused" if decided else None)


def test_an_officer_looks_at_what_others_reported(keep: Keep, owner: Account, people: list[Person]) -> None:
    both = a_person(keep, "reviews and hears", Role.REVIEWER, Role.OFFICER)
    review = filed(keep, owner)
    keep.report_concern(review.id.hex(), Concern.HARM, "", who=both.account)
    with pytest.raises(ReviewConflictError, match="claimed"):
        keep.show_review(review.id.hex(), ViewReason.CONCERN, key=both.key, who=both.account)
    keep.report_concern(review.id.hex(), Concern.HARM, "", who=people[0].account)
    assert keep.show_review(review.id.hex(), ViewReason.CONCERN, key=both.key, who=both.account).pictures


def test_nobody_decides_on_less_than_others_see(keep: Keep, owner: Account, people: list[Person]) -> None:
    """Who came between the probes and what they are compared with, or was off duty then, sees neither."""
    review = filed(keep, owner, kind=ReviewKind.COMPARISON)
    name = review.id.hex()
    late = [a_person(keep, f"late {number}") for number in range(2)]
    keep.add_review_reference(name, png(99), owner=owner)
    for person in late:
        keep.claim_review(name, who=person.account)
        with pytest.raises(NotFoundError, match="sealed"):
            keep.show_review(name, LOOK, key=person.key, who=person.account)
        with pytest.raises(UsageError, match="looked"):
            keep.vote(name, Decision.SAME_PERSON, CODE, who=person.account)
        keep.release_review(name, who=person.account)
    keep.claim_review(name, who=people[0].account)
    shown = keep.show_review(name, LOOK, key=people[0].key, who=people[0].account)
    assert [opened(review, picture, people[0]) for picture in shown.pictures] == [png(), png(91), png(99)]


def test_a_reference_takes_two_who_can_open_the_rest(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner, kind=ReviewKind.COMPARISON)
    for person in people[:2]:
        keep.recuse(review.id.hex(), who=person.account)
    for number in range(2):
        a_person(keep, f"late {number}")
    with pytest.raises(GoneError, match="nobody"):
        keep.add_review_reference(review.id.hex(), png(99), owner=owner)


@pytest.mark.parametrize("decision", [Decision.SAME_PERSON, Decision.ANOTHER_PERSON])
def test_either_answer_to_a_filed_comparison_can_be_appealed(keep: Keep, owner: Account, decision: Decision) -> None:
    """A hit of a search is against whoever it is; a claim in vain is against whoever it is not."""
    people = reviewers(keep, 4)
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, kind=ReviewKind.COMPARISON, reference=png(99), subject=subject)
    decide(keep, review, decision, *people[:2])
    (own,) = keep.own_reviews(subject.hex())
    assert (own.may_appeal, len(own.pictures)) == (True, 3)
    if decision is Decision.SAME_PERSON:
        assert keep.hit_confirmed(review.id.hex(), owner=owner).subject == subject
    keep.appeal_review(subject.hex(), review.id.hex(), "That is my brother.")
    with pytest.raises(ReviewConflictError):
        keep.hit_confirmed(review.id.hex(), owner=owner)
    others = {Decision.SAME_PERSON, Decision.ANOTHER_PERSON} - {decision}
    assert decide(keep, review, *others, *people[2:]).destroyed is not None
    (own,) = keep.own_reviews(subject.hex())
    assert not own.against


def test_what_ended_off_stays_off(keep: Keep, owner: Account, people: list[Person], clock: MovedClock) -> None:
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject, capture=a_capture())
    keep.withdraw_consent("obama", Purpose.VERIFY)
    ended = decide(keep, review, Decision.ATTACK, *people[:2])
    assert ended.capture is not None
    assert (ended.capture.outcome, ended.destroyed) == (CaptureOutcome.OFF, clock())
    with pytest.raises(ReviewConflictError):
        keep.appeal_review(subject.hex(), review.id.hex(), "I withdrew.")


def test_an_appeal_that_nobody_decides_of_who_withdrew_ends_off(keep: Keep, owner: Account, clock: MovedClock) -> None:
    people = reviewers(keep, 4)
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject, capture=a_capture())
    decide(keep, review, Decision.ATTACK, *people[:2])
    keep.appeal_review(subject.hex(), review.id.hex(), "It was I.")
    keep.withdraw_consent("obama", Purpose.VERIFY)
    clock.forward(hours=73)
    keep.tend()
    (own,) = keep.own_reviews(subject.hex())
    assert own.review.capture is not None
    assert own.review.capture.outcome is CaptureOutcome.OFF


def test_nobody_looks_for_who_may_not_ask_any_more(keep: Keep, people: list[Person]) -> None:
    owner = keep.invite("left", [Role.OPERATOR]).account
    plain, urgent = filed(keep, owner), filed(keep, owner, reasons=(ReviewReason.SECOND_FACE,))
    voted, reported = filed(keep, owner), filed(keep, owner)
    decide(keep, voted, Decision.UNUSABLE, people[0])
    keep.report_concern(reported.id.hex(), Concern.HARM, "", who=people[0].account)
    keep.revoke_account("left")
    waiting = {seen.review.id for seen in keep.reviews_waiting(people[1].account)}
    assert waiting == {urgent.id, voted.id, reported.id}
    with pytest.raises(GoneError):
        keep.show_review(plain.id.hex(), LOOK, key=people[1].key, who=people[1].account)
    keep.issue_token("leaving", [Scope.REVIEW], days=1)
    client = keep.client_named("leaving")
    of_client = keep.file_review(replace(new(people[0].account), owner=client, capture=a_capture()))
    assert of_client is not None
    keep.revoke_token("leaving")
    ended = keep.review_seen(of_client.id.hex(), who=people[1].account).review
    assert ended.state is ReviewState.WITHDRAWN
    assert ended.capture is not None
    assert (ended.capture.outcome, ended.capture.outcome_reasons) == (CaptureOutcome.INCONCLUSIVE, ("not-reviewed",))


def test_the_way_without_a_face_ends_it_whatever_was_said(keep: Keep, owner: Account, people: list[Person]) -> None:
    officer = a_person(keep, "olga", Role.OFFICER)
    review = filed(keep, owner)
    name = review.id.hex()
    decide(keep, review, Decision.UNUSABLE, people[0])
    concern = keep.report_concern(name, Concern.HARM, "", who=people[0].account)
    keep.take_alternative(name, owner=owner)
    assert keep.reviews_waiting(people[1].account) == ()
    with pytest.raises(ReviewConflictError):
        keep.claim_review(name, who=people[1].account)
    keep.show_review(name, ViewReason.CONCERN, key=officer.key, who=officer.account)
    keep.answer_concern(concern.id.hex(), "I called.", who=officer.account)
    with pytest.raises(GoneError):
        keep.show_review(name, ViewReason.CONCERN, key=officer.key, who=officer.account)
    urgent = filed(keep, owner, reasons=(ReviewReason.EYES_CLOSED,))
    with pytest.raises(ReviewConflictError):
        keep.take_alternative(urgent.id.hex(), owner=owner)

"""What is said in reviews: by the person, forgotten with the review; by reviewers, heard by somebody else than they."""

from __future__ import annotations

import pytest

from facekeep.domain.accounts import Account, Role
from facekeep.domain.review import Decision, ReviewReason
from facekeep.domain.review_words import Concern
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import NotFoundError, ReviewConflictError
from facekeep.service.keep import Keep
from facekeep.service.keep_reviewing import CONCERNS_MAX
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import Person, a_person, decide, filed, reviewers, subject_of
from tests.unit.service.test_reviews import a_capture

ENDS = [EventKind.REVIEW_DECIDED, EventKind.CAPTURE_FINISHED]


@pytest.fixture
def people(keep: Keep) -> list[Person]:
    return reviewers(keep, 4)


def told(keep: Keep, webhook: bytes) -> list[Event]:
    return [delivery.event for delivery in keep.waiting_deliveries(webhook)]


def test_what_the_person_said_is_forgotten_with_the_review(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock
) -> None:
    subject = subject_of(keep, "obama")
    old = filed(keep, owner, subject=subject, capture=a_capture())
    keep.state_review(subject.hex(), old.id.hex(), "It was dark.")
    decide(keep, old, Decision.ATTACK, *people[:2])
    keep.appeal_review(subject.hex(), old.id.hex(), "I was there.")
    decide(keep, old, Decision.ATTACK, *people[2:])
    clock.forward(days=89)
    newer = filed(keep, owner, subject=subject)
    keep.state_review(subject.hex(), newer.id.hex(), "It is bright.")

    def said() -> set[str]:
        with keep._roles.registry.read() as view:
            return {words.text for words in view.words_of(subject)}

    keep.tend()
    assert said() == {"It was dark.", "I was there.", "It is bright."}
    clock.forward(days=1)
    keep.tend()
    assert said() == {"It is bright."}
    export = keep.own_data("obama").as_json()
    assert ("dark" in str(export), "bright" in str(export)) == (False, True)
    with keep._roles.registry.transaction() as tx:
        tx.remove_review(old.id)  # gone already, as asked


def test_whoever_was_called_hears_that_it_is_gone_with_the_person(
    keep: Keep, owner: Account, people: list[Person]
) -> None:
    subject, officer = subject_of(keep, "obama"), a_person(keep, "officer", Role.OFFICER)
    urgent = filed(keep, owner, subject=subject, reasons=(ReviewReason.NO_VITAL_SIGNS,), capture=a_capture())
    reported = filed(keep, owner, subject=subject)
    keep.report_concern(reported.id.hex(), Concern.DEATH, "Cold.", who=people[0].account)
    refused = filed(keep, owner, subject=subject, capture=a_capture())
    keep.report_concern(refused.id.hex(), Concern.HARM, "", who=people[0].account)
    decide(keep, refused, Decision.ATTACK, *people[:2])
    answered = filed(keep, owner, subject=subject)
    concern = keep.report_concern(answered.id.hex(), Concern.HARM, "", who=people[0].account)
    keep.answer_concern(concern.id.hex(), "The office was told.", who=officer.account)
    decided = filed(keep, owner, subject=subject, reasons=(ReviewReason.EYES_CLOSED,))
    decide(keep, decided, Decision.ATTACK, *people[:2])
    filed(keep, owner, subject=subject)
    other = filed(keep, owner, subject=subject_of(keep, "biden"), reasons=(ReviewReason.EYES_CLOSED,))
    webhook = keep.add_webhook("https://hooks.example.org/", ENDS)
    elsewhere = keep.add_webhook("https://hooks.example.org/", ENDS, organisation="other")
    keep.erase("obama")
    assert keep.concerns(who=officer.account) == ()
    assert [seen.review.id for seen in keep.reviews_waiting(people[2].account)] == [other.id]
    capture = {"capture": "0" * 32}
    expected = {
        review.id.hex(): {"review": review.id.hex(), "outcome": "withdrawn", **of}
        for review, of in ((urgent, capture), (reported, {}), (refused, capture))
    }
    found = told(keep, webhook.id)
    assert {event.kind for event in found} == {EventKind.REVIEW_DECIDED}  # and no capture finishes twice
    assert (len(found), {event.about["review"]: dict(event.about) for event in found}) == (len(expected), expected)
    assert told(keep, elsewhere.id) == []


def test_one_reviewer_leaves_room_for_what_others_report(keep: Keep, owner: Account, people: list[Person]) -> None:
    review = filed(keep, owner).id.hex()
    for _ in range(CONCERNS_MAX):
        mine = keep.report_concern(review, Concern.HARM, "", who=people[0].account)
    with pytest.raises(ReviewConflictError, match="reported"):
        keep.report_concern(review, Concern.HARM, "", who=people[0].account)
    assert keep.report_concern(review, Concern.DEATH, "Cold.", who=people[1].account).waits
    officer = a_person(keep, "officer", Role.OFFICER)
    keep.answer_concern(mine.id.hex(), "The office was told.", who=officer.account)
    assert keep.report_concern(review, Concern.HARM, "", who=people[0].account).waits


def test_nobody_answers_what_they_reported_or_what_is_of_their_review(
    keep: Keep, owner: Account, people: list[Person]
) -> None:
    both = a_person(keep, "reviews and hears", Role.REVIEWER, Role.OFFICER)
    asks = a_person(keep, "asks and hears", Role.OPERATOR, Role.OFFICER)
    theirs, of_another = filed(keep, asks.account), filed(keep, owner)
    reported = keep.report_concern(of_another.id.hex(), Concern.HARM, "", who=both.account)
    of_theirs = keep.report_concern(theirs.id.hex(), Concern.HARM, "", who=people[0].account)
    for concern, who in ((reported, both), (of_theirs, asks)):
        with pytest.raises(ReviewConflictError, match="concerned"):
            keep.answer_concern(concern.id.hex(), "It was nothing.", who=who.account)
        assert concern in keep.concerns(who=who.account)
    with pytest.raises(ReviewConflictError, match="reported"):
        keep.withdraw_review(theirs.id.hex(), owner=asks.account)
    for concern, who in ((reported, asks), (of_theirs, both)):
        assert keep.answer_concern(concern.id.hex(), "The office was told.", who=who.account).officer == who.account.id
    stranger = a_person(keep, "hears elsewhere", Role.OFFICER, organisation="other")
    with pytest.raises(NotFoundError):
        keep.answer_concern(reported.id.hex(), "Not mine.", who=stranger.account)

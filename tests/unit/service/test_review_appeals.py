"""Appeals: counted though nobody decided them, urgent no more, and never a reason for evidence to end earlier."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from facekeep.domain.accounts import Account
from facekeep.domain.review import Decision, Review, ReviewReason
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import EventKind
from facekeep.errors import DamagedStoreError
from facekeep.service.keep import Keep
from facekeep.service.keep_review_lists import Wanted
from facekeep.service.review_facts import reviewing_of
from facekeep.service.review_queue import Backlog
from facekeep.service.review_statistics import ReviewStatistics
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import Person, decide, filed, reviewers, subject_of
from tests.unit.service.test_reviews import a_capture

URGENT = ReviewReason.NO_VITAL_SIGNS


@pytest.fixture
def people(keep: Keep) -> list[Person]:
    return reviewers(keep, 5)


@pytest.fixture
def subject(keep: Keep) -> SubjectId:
    return subject_of(keep, "obama")


def appealed(keep: Keep, review: Review, subject: SubjectId, *refusing: Person) -> Review:
    decide(keep, review, Decision.ATTACK, *refusing)
    return keep.appeal_review(subject.hex(), review.id.hex(), "I was there.")


def agreement(figures: ReviewStatistics) -> dict[bytes, tuple[int, int, int]]:
    return {each.account: (each.votes, each.agreed, each.disagreed) for each in figures.reviewers}


def test_an_appeal_that_nobody_decides_is_counted(
    keep: Keep, owner: Account, people: list[Person], subject: SubjectId, clock: MovedClock
) -> None:
    review = appealed(keep, filed(keep, owner, subject=subject, capture=a_capture()), subject, *people[:2])
    decide(keep, review, Decision.BONA_FIDE, people[2])
    of = ReviewReason.APPEAL
    while_open = keep.review_statistics("", days=30)
    assert (while_open.appeals, while_open.overturned, while_open.by_reason[of].decided) == (1, 0, 0)
    clock.forward(hours=73)
    keep.tend()
    after = keep.review_statistics("", days=30)
    assert (after.appeals, after.overturned, after.by_reason[of].decided) == (1, 0, 0)
    assert (after.decided, after.expired, after.open) == (1, 0, 0)
    # Whoever voted alone in the second round neither agreed nor disagreed with anybody.
    first = {person.account.id: (1, 1, 0) for person in people[:2]}
    assert agreement(while_open) == agreement(after) == first | {people[2].account.id: (1, 0, 0)}


def test_an_appeal_that_others_decide_is_counted_by_what_they_say(
    keep: Keep, owner: Account, people: list[Person], subject: SubjectId
) -> None:
    for said in (Decision.ATTACK, Decision.BONA_FIDE):
        review = appealed(keep, filed(keep, owner, subject=subject), subject, *people[:2])
        decide(keep, review, said, *people[2:4])
    figures = keep.review_statistics("", days=30)
    assert (figures.appeals, figures.overturned, figures.by_reason[ReviewReason.APPEAL].decided) == (2, 1, 2)
    # Each was what their own round decided, though others decided otherwise then.
    assert agreement(figures) == {person.account.id: (2, 2, 0) for person in people[:4]}


def test_nobody_is_called_for_an_appeal_as_for_somebody_in_need(
    keep: Keep, owner: Account, people: list[Person], subject: SubjectId, clock: MovedClock
) -> None:
    review = filed(keep, owner, subject=subject, reasons=(URGENT,))
    assert review.urgent
    clock.forward(hours=50)
    webhook = keep.add_webhook("https://hooks.example.org/", [EventKind.REVIEW_OPENED, EventKind.REVIEW_URGENT])
    again = appealed(keep, review, subject, *people[:2])
    (told,) = keep.waiting_deliveries(webhook.id)
    assert (told.event.kind, told.event.about["reasons"]) == (EventKind.REVIEW_OPENED, "no-vital-signs appeal")
    assert again.reasons == (URGENT, ReviewReason.APPEAL)
    assert keep.backlog() == Backlog(1, 0, timedelta())
    clock.forward(hours=1)
    usual = filed(keep, owner)
    who = people[2].account
    clock.forward(hours=1)
    fresh = filed(keep, owner, reasons=(URGENT,))
    assert [seen.review.id for seen in keep.reviews_waiting(who)] == [fresh.id, again.id, usual.id]
    assert [seen.review.id for seen in keep.reviews_waiting(who, Wanted(urgent=True))] == [fresh.id]
    assert [seen.review.id for seen in keep.reviews_waiting(who, Wanted(reason=URGENT))] == [fresh.id, again.id]
    clock.forward(hours=1)
    assert keep.backlog() == Backlog(3, 1, timedelta(hours=1))
    figures = keep.review_statistics("", days=30)
    assert (figures.open, figures.urgent, figures.oldest) == (3, 1, 2 * 3600)
    with keep._roles.registry.read() as view:
        assert reviewing_of(view, clock()).urgent_hours == 1


def test_an_appeal_that_was_cut_short_ends_no_evidence_earlier(
    keep: Keep, owner: Account, people: list[Person], clock: MovedClock, reopen: Callable[[], Keep]
) -> None:
    subject = subject_of(keep, "obama")
    review = filed(keep, owner, subject=subject, length=timedelta(hours=168))
    decide(keep, review, Decision.ATTACK, *people[:2])
    reseal = keep._evidence.reseal_until

    def then_nothing(*args: object) -> None:
        reseal(*args)  # type: ignore[arg-type]
        raise DamagedStoreError("the power went", store="registry")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keep._evidence, "reseal_until", then_nothing)
        with pytest.raises(DamagedStoreError):
            keep.appeal_review(subject.hex(), review.id.hex(), "I was there.")
    again = reopen()
    clock.forward(hours=100)
    again.tend()
    (own,) = again.own_reviews(subject.hex())
    assert (own.may_appeal, own.review.deadline, len(own.pictures)) == (True, review.deadline, 2)
    appeal = again.appeal_review(subject.hex(), review.id.hex(), "I was there.")
    assert review.deadline < appeal.deadline == clock().replace(minute=0) + timedelta(hours=72)


def test_an_appeal_leaves_a_later_hour_as_it_is(
    keep: Keep, owner: Account, people: list[Person], subject: SubjectId, clock: MovedClock
) -> None:
    review = filed(keep, owner, subject=subject, length=timedelta(hours=168))
    again = appealed(keep, review, subject, *people[:2])
    assert again.deadline == review.deadline
    clock.forward(hours=100)
    keep.tend()
    assert decide(keep, review, Decision.BONA_FIDE, *people[2:4]).decision is Decision.BONA_FIDE

"""Reviews: votes make decisions by four eyes, nobody is refused without two people, evidence ends at full hours."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.accounts import AccountId
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Purpose
from facekeep.domain.review import (
    DEADLINE_MAX,
    DEADLINE_MIN,
    Decision,
    FinalRefusal,
    ReasonCode,
    Review,
    ReviewedCapture,
    ReviewId,
    ReviewKind,
    ReviewReason,
    ReviewState,
    Vote,
    deadline_at,
)
from facekeep.domain.review_vote import decision_of, missing
from facekeep.domain.review_words import (
    checked_words,
)
from facekeep.domain.reviewer import DutyDay, Reviewer, ReviewerKey
from facekeep.errors import UsageError

NOW = datetime(2026, 11, 27, 6, 30, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 30, 6, tzinfo=UTC)


def a_vote(number: int, decision: Decision, round_: int = 1) -> Vote:
    return Vote(AccountId(bytes([number]) * 16), decision, ReasonCode.OTHER, NOW, 30, round_)


def a_review(*votes: Vote, **changed: object) -> Review:
    review = Review(
        id=ReviewId(bytes(16)),
        kind=ReviewKind.PRESENTATION,
        reasons=(ReviewReason.INCONCLUSIVE,),
        organisation="",
        subject=None,
        owner=AccountId(bytes(16)),
        owner_kind="client",
        pictures=(),
        created=NOW,
        deadline=DEADLINE,
        votes=votes,
    )
    return replace(review, **changed)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(Decision), max_size=3))
def test_two_equal_votes_decide_and_nothing_less(decisions: list[Decision]) -> None:
    votes = [a_vote(number, decision) for number, decision in enumerate(decisions)]
    decided = decision_of(votes)
    twice = [decision for decision in Decision if decisions.count(decision) > 1]
    if twice:
        assert decided is twice[0]
    elif len(decisions) == 3:
        assert decided is Decision.UNUSABLE
    else:
        assert decided is None
    assert missing(votes) == (0 if decided else 2 - len(votes) if len(votes) < 2 else 1)


def test_the_order_of_votes_does_not_matter() -> None:
    votes = [a_vote(1, Decision.ATTACK), a_vote(2, Decision.BONA_FIDE), a_vote(3, Decision.ATTACK)]
    assert {decision_of(order) for order in permutations(votes)} == {Decision.ATTACK}


def test_a_reviewer_counts_once() -> None:
    with pytest.raises(ValueError, match="once"):
        decision_of([a_vote(1, Decision.ATTACK)] * 2)


def test_only_what_answers_the_question_fits() -> None:
    fitting = {kind: {decision for decision in Decision if decision.fits(kind)} for kind in ReviewKind}
    assert fitting == {
        ReviewKind.PRESENTATION: {Decision.BONA_FIDE, Decision.ATTACK, Decision.UNUSABLE},
        ReviewKind.COMPARISON: {Decision.SAME_PERSON, Decision.ANOTHER_PERSON, Decision.UNUSABLE},
    }
    assert {decision for decision in Decision if decision.passes} == {Decision.BONA_FIDE, Decision.SAME_PERSON}


def test_a_refusal_that_is_final_takes_two_different_people() -> None:
    attack = [a_vote(1, Decision.ATTACK), a_vote(2, Decision.ATTACK)]
    assert len(FinalRefusal.of(Decision.ATTACK, attack).reviewers) == 2
    for decision, votes in (
        (Decision.ATTACK, attack[:1]),
        (Decision.ATTACK, [attack[0], attack[0]]),
        (Decision.BONA_FIDE, attack),
        (Decision.UNUSABLE, attack),
    ):
        with pytest.raises(ValueError, match="refus"):
            FinalRefusal.of(decision, votes)


def test_no_capture_is_refused_without_them() -> None:
    capture = ReviewedCapture(
        "0" * 32, "1" * 32, Intent.VERIFY, Purpose.VERIFY, Assurance.LIVE, "2" * 64, "", 1e-4, True, False, ()
    )
    refused = replace(capture, outcome=CaptureOutcome.REFUSED)
    votes = (a_vote(1, Decision.ATTACK), a_vote(2, Decision.ATTACK))
    decided = {"state": ReviewState.DECIDED, "decision": Decision.ATTACK, "capture": refused}
    assert a_review(*votes, **decided).capture == refused
    for wrong in (
        (votes[:1], decided),
        ((), decided),
        (votes, {"capture": refused}),
        ((a_vote(1, Decision.ATTACK), a_vote(2, Decision.ATTACK, 2)), decided),
    ):
        with pytest.raises(ValueError, match=r"refus|without a decision"):
            a_review(*wrong[0], **wrong[1])


@given(
    st.datetimes(NOW.replace(tzinfo=None), NOW.replace(year=2030, tzinfo=None), timezones=st.just(UTC)),
    st.timedeltas(DEADLINE_MIN, DEADLINE_MAX),
)
def test_evidence_ends_at_a_full_hour_and_never_within_one(now: datetime, length: timedelta) -> None:
    end = deadline_at(now, length)
    assert (end.minute, end.second, end.microsecond) == (0, 0, 0)
    assert timedelta(hours=1) < end - now <= max(length, timedelta(hours=2))
    assert end - now > length - timedelta(hours=1)


def test_other_lengths_and_texts_are_refused() -> None:
    for length in (timedelta(), DEADLINE_MAX + timedelta(seconds=1)):
        with pytest.raises(UsageError, match="hours"):
            deadline_at(NOW, length)
    assert checked_words("  it was dark \n") == "it was dark"
    assert checked_words("", needed=False) == ""
    for text in ("", "a" * 2001, "\ud800"):
        with pytest.raises(UsageError, match="2000"):
            checked_words(text)


def test_duty_is_counted_by_days_of_utc() -> None:
    reviewer = Reviewer(AccountId(bytes(16)), (ReviewerKey(bytes(32), NOW),))
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    on = reviewer.on_duty(late)
    assert on.on_duty(late + timedelta(hours=1)) == on
    assert on.worked(late + timedelta(minutes=10)) == (DutyDay("2026-11-27", 600),)
    off = on.off_duty(late + timedelta(hours=2))
    assert off.since is None
    assert off.days == (DutyDay("2026-11-27", 1800), DutyDay("2026-11-28", 5400))
    assert off.worked(late + timedelta(days=91)) == (DutyDay("2026-11-28", 5400),)

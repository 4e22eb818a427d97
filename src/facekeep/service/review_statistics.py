"""Figures on reviews: how long they wait, how they end, how often people are overturned, and how reviewers do.

Invariants: totals include questions of known answer, over or not, so that whoever compares them with the queue or with
the ledger learns nothing; what a known answer says of a reviewer is told once the review is over.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import Decision, Review, ReviewReason, ReviewState, Vote
from facekeep.domain.review_vote import decision_of

__all__ = ["ReasonFigures", "ReviewStatistics", "ReviewerFigures", "Spread", "statistics_of"]

_P90: Final = 0.9
_FIRST: Final = 1
_APPEAL: Final = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, of those that there are; None where there are none."""

    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Of one reason.

    Attributes:
        opened: how many reviews have it.
        decided: how many of these people decided; of appeals, how many of these others decided.
        views: how often a face was shown in these.
    """

    opened: int
    decided: int
    views: int


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """How one reviewer does.

    Attributes:
        account: who.
        votes: so many, those of known answer among them.
        agreed: votes that were what their round decided, of rounds that decided and reviews without a known answer.
        disagreed: the others of these.
        known_right: votes of known answer that were right, of reviews that are over.
        known_wrong: the others of these.
        seconds: median time between claim and vote; None without a vote.
        views: how often a face was shown to them.
    """

    account: AccountId
    votes: int
    agreed: int
    disagreed: int
    known_right: int
    known_wrong: int
    seconds: float | None
    views: int


@dataclass(frozen=True, slots=True)
class ReviewStatistics:
    """Figures of an organisation, of reviews that were filed since a time. Totals include known questions.

    Attributes:
        since: from when on.
        opened: filed.
        open: not over.
        urgent: of these.
        oldest: seconds for which the oldest open one waits, without appeals: people have decided these once.
        waiting: from filing to the first vote.
        deciding: from filing to the decision.
        decided: by people.
        expired: not decided in time.
        appeals: decisions that were appealed, whether or not others decided then.
        overturned: of these, with another decision in the second round.
        escalated: of all, captures that the machine could not decide, or must not.
        views_per_review: how often a face was shown, by all that were filed.
        by_reason: of each reason that there was.
        reviewers: of each who voted or looked.
    """

    since: datetime
    opened: int
    open: int
    urgent: int
    oldest: float | None
    waiting: Spread
    deciding: Spread
    decided: int
    expired: int
    appeals: int
    overturned: int
    escalated: int
    views_per_review: float
    by_reason: Mapping[ReviewReason, ReasonFigures] = field(repr=False)
    reviewers: tuple[ReviewerFigures, ...] = field(repr=False)


def statistics_of(reviews: Iterable[Review], since: datetime, now: datetime) -> ReviewStatistics:
    """The figures of reviews.

    Args:
        reviews: of one organisation.
        since: what was filed before is left out.
        now: the time.
    """
    every = [review for review in reviews if review.created >= since]
    waiting = [review for review in every if review.state is ReviewState.OPEN]
    decided = [review for review in every if review.state is ReviewState.DECIDED]
    appealed = [review for review in every if ReviewReason.APPEAL in review.reasons]
    return ReviewStatistics(
        since=since,
        opened=len(every),
        open=len(waiting),
        urgent=sum(review.urgent for review in waiting),
        oldest=max(((now - r.created).total_seconds() for r in waiting if r.round == _FIRST), default=None),
        waiting=_spread((review.votes[0].time - review.created).total_seconds() for review in every if review.votes),
        deciding=_spread((r.decided - r.created).total_seconds() for r in decided if r.decided is not None),
        decided=len(decided),
        expired=sum(review.state is ReviewState.EXPIRED for review in every),
        appeals=len(appealed),
        overturned=sum(_in_round(review, _APPEAL) not in (None, _in_round(review, _FIRST)) for review in appealed),
        escalated=sum(review.capture is not None for review in every),
        views_per_review=sum(len(review.views) for review in every) / len(every) if every else 0.0,
        by_reason={reason: figures for reason in ReviewReason if (figures := _of_reason(every, reason)).opened},
        reviewers=_reviewers(every),
    )


def _of_reason(reviews: Sequence[Review], reason: ReviewReason) -> ReasonFigures:
    of = [review for review in reviews if reason in review.reasons]
    if reason is ReviewReason.APPEAL:  # of one that nobody decided, what was decided before stands
        decided = sum(_in_round(review, _APPEAL) is not None for review in of)
    else:
        decided = sum(review.state is ReviewState.DECIDED for review in of)
    return ReasonFigures(len(of), decided, sum(len(review.views) for review in of))


def _reviewers(reviews: Sequence[Review]) -> tuple[ReviewerFigures, ...]:
    votes: dict[AccountId, list[tuple[Review, Vote]]] = {}
    views = Counter(seen.reviewer for review in reviews for seen in review.views)
    for review in reviews:
        for vote in review.votes:
            votes.setdefault(vote.reviewer, []).append((review, vote))
    return tuple(_figures(who, votes.get(who, []), views[who]) for who in sorted({*votes, *views}))


def _figures(who: AccountId, cast: Sequence[tuple[Review, Vote]], views: int) -> ReviewerFigures:
    known = [
        vote.decision is review.known
        for review, vote in cast
        if review.known is not None and review.state is not ReviewState.OPEN
    ]
    with_all = [
        vote.decision is ended
        for review, vote in cast
        if review.known is None and (ended := _in_round(review, vote.round))
    ]
    return ReviewerFigures(
        account=who,
        votes=len(cast),
        agreed=sum(with_all),
        disagreed=len(with_all) - sum(with_all),
        known_right=sum(known),
        known_wrong=len(known) - sum(known),
        seconds=_spread(float(vote.seconds) for _, vote in cast).median,
        views=views,
    )


def _in_round(review: Review, number: int) -> Decision | None:
    """What a round decided, by its votes: of an appeal that nobody decided the review tells the first round alone."""
    return decision_of([vote for vote in review.votes if vote.round == number])


def _spread(seconds: Iterable[float]) -> Spread:
    ordered = sorted(seconds)
    if not ordered:
        return Spread(None, None)
    return Spread(_ranked(ordered, 0.5), _ranked(ordered, _P90))


def _ranked(ordered: Sequence[float], share: float) -> float:
    """The smallest that is not exceeded by the rest of a share (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

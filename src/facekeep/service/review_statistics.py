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

__all__ = ["ReasonFigures", "ReviewStatistics", "ReviewerFigures", "Spread", "statistics_of"]

_P90: Final = 0.9


@dataclass(frozen=True, slots=True)
class Spread:
    """Seconds, of those that there are; None where there are none."""

    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True)
class ReasonFigures:
    """Of one reason: how many reviews have it, how many of these were decided, and how often a face was shown."""

    opened: int
    decided: int
    views: int


@dataclass(frozen=True, slots=True)
class ReviewerFigures:
    """How one reviewer does.

    Attributes:
        account: who.
        votes: so many, those of known answer among them.
        agreed: votes that were what was decided, of reviews that are decided and have no known answer.
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
        oldest: seconds for which the oldest of these waits.
        waiting: from filing to the first vote.
        deciding: from filing to the decision.
        decided: by people.
        expired: not decided in time.
        appeals: decisions that were appealed.
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
    appealed = [review for review in every if review.round > 1]
    return ReviewStatistics(
        since=since,
        opened=len(every),
        open=len(waiting),
        urgent=sum(review.urgent for review in waiting),
        oldest=max(((now - review.created).total_seconds() for review in waiting), default=None),
        waiting=_spread((review.votes[0].time - review.created).total_seconds() for review in every if review.votes),
        deciding=_spread((r.decided - r.created).total_seconds() for r in decided if r.decided is not None),
        decided=len(decided),
        expired=sum(review.state is ReviewState.EXPIRED for review in every),
        appeals=len(appealed),
        overturned=sum(review.decision is not None and review.decision is not review.before for review in appealed),
        escalated=sum(review.capture is not None for review in every),
        views_per_review=sum(len(review.views) for review in every) / len(every) if every else 0.0,
        by_reason={reason: figures for reason in ReviewReason if (figures := _of_reason(every, reason)).opened},
        reviewers=_reviewers(every),
    )


def _of_reason(reviews: Sequence[Review], reason: ReviewReason) -> ReasonFigures:
    of = [review for review in reviews if reason in review.reasons]
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
    # What was decided in the round of the vote.
    with_all = [
        vote.decision is ended for review, vote in cast if review.known is None and (ended := _ended(review, vote))
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


def _ended(review: Review, vote: Vote) -> Decision | None:
    return review.decision if vote.round == review.round else review.before


def _spread(seconds: Iterable[float]) -> Spread:
    ordered = sorted(seconds)
    if not ordered:
        return Spread(None, None)
    return Spread(_ranked(ordered, 0.5), _ranked(ordered, _P90))


def _ranked(ordered: Sequence[float], share: float) -> float:
    """The smallest that is not exceeded by the rest of a share (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]

"""Lists of reviews and of what was reported in them, as reviewers, officers and whoever keeps the keep read them.

Invariants: nobody is given what is of another organisation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from facekeep.domain.accounts import Account, AccountId
from facekeep.domain.review import Review, ReviewId, ReviewKind, ReviewReason, ReviewState
from facekeep.domain.review_words import ReportedConcern
from facekeep.errors import NotFoundError
from facekeep.service.keep_reviewing import KeepReviewing, ReviewSeen
from facekeep.service.review_queue import Backlog
from facekeep.service.review_rules import every

__all__ = ["KeepReviewLists", "Wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which reviews somebody lists; all, unless it says otherwise.

    Attributes:
        kind: only this one.
        reason: only those with this one.
        urgent: only those that are, or are not.
        mine: only those that the one who asks has claimed or voted in.
    """

    kind: ReviewKind | None = None
    reason: ReviewReason | None = None
    urgent: bool | None = None
    mine: bool = False


class KeepReviewLists(KeepReviewing):
    """The part of a keep that lists reviews. See :class:`facekeep.service.keep.Keep`."""

    def check_organisation(self, organisation: str) -> None:
        """See to it that an organisation is known here: its name, written otherwise, would have no reviews either.

        Raises:
            NotFoundError: no account, client or review is of it.
        """
        with self._reading(), self._roles.registry.read() as view:
            known = chain(
                (account.organisation for account in view.accounts()),
                (client.organisation for client in view.clients()),
                (review.organisation for review in every(view)),
            )
            if organisation and organisation not in known:
                raise NotFoundError(
                    "no account, client or review is of this organisation",
                    hint="See how it is written: facekeep account list, facekeep token list.",
                )

    def reviews_open(self, organisation: str) -> tuple[Review, ...]:
        """The open reviews of an organisation: the urgent first, then whatever ends first."""
        with self._reading():
            return self._queue.page(organisation, lambda _: True, limit=sys.maxsize)

    def backlog(self) -> Backlog:
        """What waits for people, in all organisations: numbers, for whoever watches the service."""
        with self._reading():
            return self._queue.backlog(self._now())

    def reviews_waiting(
        self, who: Account, wanted: Wanted = Wanted(), *, after: str = "", limit: int = 50
    ) -> tuple[ReviewSeen, ...]:
        """Open reviews of somebody's organisation: the urgent first, then whatever ends first.

        Args:
            who: asks.
            wanted: which of them.
            after: begin behind this place (service.review_queue.place_of).
            limit: how many at most.
        """
        fits = self._fitting(who, wanted)
        with self._reading():
            return self._listed(self._queue.page(who.organisation, fits, after=after, limit=limit), who)

    def reviews_over(
        self, who: Account, state: ReviewState, wanted: Wanted = Wanted(), *, after: str = "", limit: int = 50
    ) -> tuple[ReviewSeen, ...]:
        """Reviews of somebody's organisation that ended, in the order of their random identifiers.

        Args:
            who: asks.
            state: how they ended.
            wanted: which of them.
            after: begin behind this identifier, 32 hexadecimal digits.
            limit: how many at most.
        """
        fits = self._fitting(who, wanted)
        with self._reading():
            with self._roles.registry.read() as view:
                ended = (
                    review
                    for review in every(view, ReviewId(bytes.fromhex(after)) if after else None)
                    if review.organisation == who.organisation and review.state is state and fits(review)
                )
                found = tuple(islice(ended, limit))
            return self._listed(found, who)

    def concerns(self, *, who: Account) -> tuple[ReportedConcern, ...]:
        """What was reported in an organisation, oldest first."""
        with self._reading(), self._roles.registry.read() as view:
            return tuple(each for each in view.concerns() if view.review(each.review).organisation == who.organisation)

    def account_names(self) -> Mapping[AccountId, str]:
        """What others call the accounts that there are."""
        with self._reading(), self._roles.registry.read() as view:
            return {account.id: account.name for account in view.accounts()}

    def _fitting(self, who: Account, wanted: Wanted) -> Callable[[Review], bool]:
        now = self._now()

        def fits(review: Review) -> bool:
            return (
                (wanted.kind is None or review.kind is wanted.kind)
                and (wanted.reason is None or wanted.reason in review.reasons)
                and (wanted.urgent is None or review.urgent is wanted.urgent)
                and (not wanted.mine or review.vote_of(who.id) is not None or self._has_claim(review, who, now))
            )

        return fits

    def _has_claim(self, review: Review, who: Account, now: datetime) -> bool:
        return self._claims.of(review.id, who.id, now) is not None

    def _listed(self, found: Sequence[Review], who: Account) -> tuple[ReviewSeen, ...]:
        reported: dict[ReviewId, list[ReportedConcern]] = {review.id: [] for review in found}
        if found:
            with self._roles.registry.read() as view:
                for concern in view.concerns():
                    if concern.review in reported:
                        reported[concern.review].append(concern)
        return tuple(self._seen(review, who, concerns=tuple(reported[review.id])) for review in found)

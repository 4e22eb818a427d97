"""Lists of reviews and of what was reported in them, as reviewers, officers and whoever keeps the keep read them.

Invariants: nobody is given what is of another organisation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from facekeep.domain.accounts import Account, AccountId
from facekeep.domain.review import ReportedConcern, Review, ReviewId, ReviewState
from facekeep.service.keep_reviewing import KeepReviewing, ReviewSeen
from facekeep.service.review_rules import every

__all__ = ["KeepReviewLists"]


class KeepReviewLists(KeepReviewing):
    """The part of a keep that lists reviews. See :class:`facekeep.service.keep.Keep`."""

    def reviews_open(self, organisation: str) -> tuple[Review, ...]:
        """The open reviews of an organisation: the urgent first, then whatever ends first."""
        with self._reading():
            return self._queue.page(organisation, lambda _: True, limit=sys.maxsize)

    def reviews_waiting(
        self,
        who: Account,
        *,
        kind: str = "",
        reason: str = "",
        urgent: bool | None = None,
        mine: bool = False,
        after: str = "",
        limit: int = 50,
    ) -> tuple[ReviewSeen, ...]:
        """Open reviews of somebody's organisation: the urgent first, then whatever ends first.

        Args:
            who: asks.
            kind: only this one.
            reason: only those with this one.
            urgent: only those that are, or are not.
            mine: only those that the one who asks has claimed or voted in.
            after: begin behind this place (service.review_queue.place_of).
            limit: how many at most.
        """
        wanted = self._wanted(who, kind, reason, urgent, mine=mine)
        with self._reading():
            found = self._queue.page(who.organisation, wanted, after=after, limit=limit)
            return self._listed(found, who)

    def reviews_over(
        self,
        who: Account,
        state: ReviewState,
        *,
        kind: str = "",
        reason: str = "",
        urgent: bool | None = None,
        mine: bool = False,
        after: str = "",
        limit: int = 50,
    ) -> tuple[ReviewSeen, ...]:
        """Reviews of somebody's organisation that ended, in the order of their random identifiers.

        Args:
            who: asks.
            state: how they ended.
            kind: only this one, as :meth:`reviews_waiting` has it; so too the next three.
            reason: only those with this one.
            urgent: only those that were, or were not.
            mine: only those that the one who asks voted in.
            after: begin behind this identifier, 32 hexadecimal digits.
            limit: how many at most.
        """
        wanted = self._wanted(who, kind, reason, urgent, mine=mine)
        found: list[Review] = []
        with self._reading():
            with self._roles.registry.read() as view:
                for review in every(view, ReviewId(bytes.fromhex(after)) if after else None):
                    if review.organisation == who.organisation and review.state is state and wanted(review):
                        found.append(review)
                        if len(found) == limit:
                            break
            return self._listed(found, who)

    def concerns(self, *, who: Account) -> tuple[ReportedConcern, ...]:
        """What was reported in an organisation, oldest first."""
        with self._reading(), self._roles.registry.read() as view:
            return tuple(each for each in view.concerns() if view.review(each.review).organisation == who.organisation)

    def account_names(self) -> Mapping[AccountId, str]:
        """What others call the accounts that there are."""
        with self._reading(), self._roles.registry.read() as view:
            return {account.id: account.name for account in view.accounts()}

    def _wanted(
        self, who: Account, kind: str, reason: str, urgent: bool | None, *, mine: bool
    ) -> Callable[[Review], bool]:
        now = self._now()

        def wanted(review: Review) -> bool:
            fits = (not kind or review.kind == kind) and (not reason or reason in review.reasons)
            if not fits or (urgent is not None and review.urgent is not urgent):
                return False
            voted = any(vote.reviewer == who.id for vote in review.votes)
            return not mine or voted or self._claims.of(review.id, who.id, now) is not None

        return wanted

    def _listed(self, found: Sequence[Review], who: Account) -> tuple[ReviewSeen, ...]:
        reported: dict[ReviewId, list[ReportedConcern]] = {review.id: [] for review in found}
        if found:
            with self._roles.registry.read() as view:
                for concern in view.concerns():
                    if concern.review in reported:
                        reported[concern.review].append(concern)
        return tuple(self._seen(review, who, concerns=tuple(reported[review.id])) for review in found)

"""What is to be known for papers of how people decide in a keep: numbers, and nobody's name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from facekeep.domain.accounts import Account, AccountId, Role
from facekeep.domain.review import EYES, Review, ReviewState
from facekeep.domain.webhooks import EventKind
from facekeep.service.facts import ReviewingFacts
from facekeep.service.review_rules import every
from facekeep.store.view import View

__all__ = ["evidence_between", "reviewing_of"]

_HOUR: Final = timedelta(hours=1)


def reviewing_of(view: View, now: datetime) -> ReviewingFacts:
    """How people decide in all organisations that have anybody who asks.

    Args:
        view: of the registry.
        now: the time.
    """
    accounts = view.accounts()
    keyed = {reviewer.account for reviewer in view.reviewers() if reviewer.keys}
    asking: dict[str, set[AccountId]] = {}
    for client in view.clients():
        if client.expires > now:
            asking.setdefault(client.organisation, set())
    for account in accounts:
        if Role.OPERATOR in account.roles:
            asking.setdefault(account.organisation, set()).add(account.id)
    asking = asking or {"": set()}
    reviewing = {organisation: _reviewing(accounts, organisation) & keyed for organisation in asking}
    officers = {account.organisation for account in accounts if Role.OFFICER in account.roles}
    hooks = [hook for hook in view.webhooks() if hook.disabled is None and EventKind.REVIEW_URGENT in hook.events]
    own = {organisation for organisation, keyed_there in reviewing.items() if keyed_there}
    waiting = [review for review in every(view) if review.state is ReviewState.OPEN]
    return ReviewingFacts(
        organisations=len(asking),
        able=sum(_enough(reviewing[organisation], askers) for organisation, askers in asking.items()),
        overseen=len(asking.keys() & officers),
        reviewers=len({account.id for account in accounts if Role.REVIEWER in account.roles} & keyed),
        open=len(waiting),
        urgent_hours=max(((now - review.created) / _HOUR for review in waiting if review.urgent), default=None),
        told=bool(hooks) and own <= {hook.organisation for hook in hooks},
    )


def evidence_between(view: View, since: datetime, until: datetime) -> int:
    """How many reviews there were evidence of between two times, as far as they are still known."""
    return sum(_had_evidence(review, since, until) for review in every(view))


def _reviewing(accounts: tuple[Account, ...], organisation: str) -> set[AccountId]:
    own = (account for account in accounts if account.organisation == organisation)
    return {account.id for account in own if Role.REVIEWER in account.roles}


def _enough(reviewing: set[AccountId], asking: set[AccountId]) -> bool:
    """Whether two could decide whoever asks: nobody decides about what they filed."""
    return len(reviewing) - bool(reviewing & asking) >= EYES


def _had_evidence(review: Review, since: datetime, until: datetime) -> bool:
    ended = review.deadline if review.destroyed is None else review.destroyed
    return bool(review.pictures) and review.created <= until and ended >= since

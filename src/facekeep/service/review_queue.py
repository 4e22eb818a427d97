"""The reviews that are not over, in memory and in their order, and who has claimed which.

The registry holds them sealed; ten thousand are not to be opened for each look at the queue. Claims are of this process
alone: after a restart everything can be claimed again.

Invariants: the urgent go first, then whatever ends first; nobody sees a review of another organisation.
"""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from operator import attrgetter, itemgetter
from typing import Final

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import CLAIM_LENGTH, Review, ReviewId, ReviewState

__all__ = ["Backlog", "Claim", "Claims", "ReviewQueue", "place_of"]

_KEY: Final = itemgetter(0)


def place_of(review: Review) -> str:
    """Where a review stands in the queue, as text that sorts as the queue does."""
    return f"{int(not review.urgent)}-{int(review.deadline.timestamp()):012}-{review.id.hex()}"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for people, in all organisations.

    Attributes:
        open: reviews that are not decided.
        urgent: so many of these are urgent.
        urgent_waited: for how long the oldest urgent one has waited, nothing if there is none.
    """

    open: int
    urgent: int
    urgent_waited: timedelta


class ReviewQueue:
    """Reviews whose evidence is not destroyed. Safe for threads."""

    def __init__(self, reviews: Iterable[Review] = ()) -> None:
        """Hold what is not over of these."""
        self._lock = threading.Lock()
        self._known: dict[ReviewId, Review] = {}
        self._of_capture: dict[str, ReviewId] = {}
        self._open: dict[str, list[tuple[str, ReviewId]]] = {}
        for review in reviews:
            self.put(review)

    def put(self, review: Review) -> None:
        """Take in how a review is now."""
        with self._lock:
            self._drop(review.id)
            if review.capture is not None:
                self._of_capture[review.capture.session] = review.id
            if review.destroyed is None:
                self._known[review.id] = review
                if review.state is ReviewState.OPEN:
                    insort(self._open.setdefault(review.organisation, []), (place_of(review), review.id))

    def remove(self, review: ReviewId) -> None:
        """Forget a review that is gone."""
        with self._lock:
            self._drop(review)
            for session in [session for session, of in self._of_capture.items() if of == review]:
                del self._of_capture[session]

    def of_capture(self, session: str) -> ReviewId | None:
        """The review of a capture session, whatever its state."""
        with self._lock:
            return self._of_capture.get(session)

    def page(
        self, organisation: str, wanted: Callable[[Review], bool], *, after: str = "", limit: int
    ) -> tuple[Review, ...]:
        """Open reviews of an organisation, in the order of the queue.

        Args:
            organisation: whose.
            wanted: which of them.
            after: begin behind this place, see :func:`place_of`.
            limit: how many at most.
        """
        with self._lock:
            waiting = self._open.get(organisation, [])
            start = bisect_right(waiting, after, key=_KEY)
            found: list[Review] = []
            for _, identifier in waiting[start:]:
                if wanted(review := self._known[identifier]):
                    found.append(review)
                    if len(found) == limit:
                        break
            return tuple(found)

    def backlog(self, now: datetime) -> Backlog:
        """What waits, in all organisations."""
        with self._lock:
            queues = ((self._known[identifier] for _, identifier in waiting) for waiting in self._open.values())
            urgent = [review for queue in queues for review in takewhile(attrgetter("urgent"), queue)]
            waited = max((now - review.created for review in urgent), default=timedelta())
            return Backlog(sum(map(len, self._open.values())), len(urgent), max(waited, timedelta()))

    def due(self, now: datetime) -> tuple[Review, ...]:
        """Those whose evidence ends."""
        with self._lock:
            return tuple(review for review in self._known.values() if review.deadline <= now)

    def about(self, wanted: Callable[[Review], bool]) -> tuple[Review, ...]:
        """Those of a kind, open or not, in no order."""
        with self._lock:
            return tuple(review for review in self._known.values() if wanted(review))

    def _drop(self, identifier: ReviewId) -> None:
        before = self._known.pop(identifier, None)
        if before is not None and before.state is ReviewState.OPEN:
            self._open[before.organisation].remove((place_of(before), identifier))


@dataclass(frozen=True, slots=True)
class Claim:
    """That somebody has a review for a while.

    Attributes:
        since: when it was claimed first.
        until: from when on it is free again.
    """

    since: datetime
    until: datetime


class Claims:
    """Who has claimed which review. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: dict[ReviewId, dict[AccountId, Claim]] = {}

    def take(self, review: ReviewId, account: AccountId, now: datetime, *, room: int) -> bool:
        """Claim a review, or go on having it; False if there is no room.

        Args:
            review: which.
            account: who.
            now: the time.
            room: how many may have it at once.
        """
        with self._lock:
            held = self._held(review, now)
            if account not in held and len(held) >= room:
                return False
            since = held[account].since if account in held else now
            self._claims.setdefault(review, {})[account] = Claim(since, now + CLAIM_LENGTH)
            return True

    def of(self, review: ReviewId, account: AccountId, now: datetime) -> Claim | None:
        """The claim that somebody has."""
        with self._lock:
            return self._held(review, now).get(account)

    def others(self, review: ReviewId, account: AccountId, now: datetime) -> int:
        """How many others have claimed it."""
        with self._lock:
            return sum(holder != account for holder in self._held(review, now))

    def drop(self, review: ReviewId, account: AccountId | None = None) -> None:
        """Give up a claim, or all of a review."""
        with self._lock:
            if account is None:
                self._claims.pop(review, None)
            else:
                self._claims.get(review, {}).pop(account, None)

    def forget(self, account: AccountId) -> None:
        """Give up all claims of somebody."""
        with self._lock:
            for held in self._claims.values():
                held.pop(account, None)

    def _held(self, review: ReviewId, now: datetime) -> dict[AccountId, Claim]:
        held = {who: claim for who, claim in self._claims.get(review, {}).items() if claim.until > now}
        if held:
            self._claims[review] = held
        else:
            self._claims.pop(review, None)
        return held

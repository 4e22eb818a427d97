"""How reviews of a keep end: decided, expired, taken back or lost, and their evidence with them.

Invariants: evidence is destroyed at its hour whatever else fails; an end is recorded once, and never over a newer
state; evidence whose end was recorded is destroyed then, or by and by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from facekeep.domain.ledger import EntryKind, LedgerEntry, deed
from facekeep.domain.review import Review, ReviewId, ReviewState
from facekeep.domain.subject import SubjectId
from facekeep.errors import FacekeepError, NotFoundError, UnavailableError
from facekeep.service.keep_signing import KeepSigning
from facekeep.service.opening import Roles
from facekeep.service.review_outcomes import EVIDENCE_LOST, switched_off, unanswered
from facekeep.service.review_queue import Claims, ReviewQueue
from facekeep.service.review_rules import every, over, reported, still_allowed, tell_ended
from facekeep.store.transaction import Transaction
from facekeep.store.view import View

__all__ = ["REVIEW_DAYS", "End", "KeepReviewEnds"]

REVIEW_DAYS: Final = 90
"""For how long it is known that something was reviewed, after it was over."""
_DAY: Final = timedelta(days=1)
_TOGETHER: Final = 50  # ends that are recorded before others may use the keep in between


@dataclass(frozen=True, slots=True)
class End:
    """How a review ends.

    Attributes:
        review: as it is then.
        entries: what the ledger is to have of it.
        told: whether it was told before what it came to.
    """

    review: Review
    entries: tuple[LedgerEntry, ...] = ()
    told: bool = False


Ending = Callable[[View, Review], End | None]
"""How a review that is not over ends now, by the registry as it is; None if it does not."""


class KeepReviewEnds(KeepSigning):
    """The part of a keep that ends reviews. See :class:`facekeep.service.keep.Keep`."""

    def _begin(self) -> None:
        super()._begin()
        self._claims = Claims()
        self._queue = ReviewQueue()
        self._forgotten: datetime | None = None
        self._owed: set[ReviewId] = set()

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        with roles.registry.read() as view:
            self._queue = ReviewQueue(every(view))
        # What a crash left between an end that was recorded and the evidence.
        self._destroy(*(self._evidence.reviews() - self._not_over()))
        # What a backup brought back, which holds no evidence. What is over has none either, and is not lost.
        readable, now = self._evidence.readable(), self._now()
        bare = self._queue.about(
            lambda review: bool(review.pictures) and review.id not in readable and review.deadline > now
        )
        self._lost = {review.id for review in bare}

    def tend(self) -> None:
        """See :meth:`KeepLife.tend`; and let evidence end whose time is over, before anything else.

        Raises:
            FacekeepError: something could not be ended; all else was, and the next call tries again.
        """
        now = self._now()
        troubles: list[FacekeepError] = []
        with _noting(troubles):
            self._evidence.expire(now)  # whether or not another store answers
        with _noting(troubles):
            super().tend()
            self._end_what_is_over(now, troubles)
        if troubles:
            raise troubles[0]

    def _end_what_is_over(self, now: datetime, troubles: list[FacekeepError]) -> None:
        with _noting(troubles):
            self._destroy_owed()
        self._end_all(sorted(self._lost), partial(_undecided, now=now, why=EVIDENCE_LOST), now, troubles)
        self._lost &= self._not_over()
        self._end_all([each.id for each in self._queue.due(now)], partial(_expired, now=now), now, troubles)
        if self._forgotten is None or self._forgotten + _DAY <= now:
            self.forget_old_reviews()
            self._forgotten = now

    def _end_all(
        self,
        reviews: Sequence[ReviewId],
        end: Ending,
        now: datetime,
        troubles: list[FacekeepError],
    ) -> None:
        """End reviews, a few at a time, so that others come in between; one that cannot be ended holds up no other."""
        for start in range(0, len(reviews), _TOGETHER):
            some = reviews[start : start + _TOGETHER]
            with self._using():
                try:
                    self._end_together(some, end, now)
                except UnavailableError:  # nor would each alone end
                    raise
                except FacekeepError:
                    self._end_each(some, end, now, troubles)

    def _end_each(
        self,
        reviews: Sequence[ReviewId],
        end: Ending,
        now: datetime,
        troubles: list[FacekeepError],
    ) -> None:
        for review in reviews:
            try:
                self._end_together([review], end, now)
            except UnavailableError:
                raise
            except FacekeepError as error:
                troubles.append(error)

    def _end_together(self, reviews: Sequence[ReviewId], end: Ending, now: datetime) -> None:
        alive = [found for review in reviews if (found := self._alive(review)) is not None]
        with self._roles.registry.read() as view:
            ends = [ending for found in alive if (ending := end(view, found)) is not None]
        if ends:
            with self._roles.registry.transaction() as tx:
                for ending in ends:
                    _record(tx, ending, now)
            self._end_evidence([ending.review for ending in ends])

    def _destroy(self, *reviews: ReviewId) -> None:
        """Destroy evidence, and what could not be destroyed before. The caller has the keep alone."""
        self._owed.update(reviews)
        self._evidence.destroy(*self._owed)
        self._owed.clear()

    def _destroy_owed(self) -> None:
        if self._owed:
            with self._using():
                self._destroy()

    def _not_over(self) -> frozenset[ReviewId]:
        return frozenset(review.id for review in self._queue.about(lambda _: True))

    def _alive(self, review: ReviewId) -> Review | None:
        """A review as the registry has it, unless it is over; the queue may be behind after a write that failed."""
        try:
            with self._roles.registry.read() as view:
                found = view.review(review)
        except NotFoundError:
            self._queue.remove(review)
            self._claims.drop(review)
            self._destroy(review)
            return None
        self._queue.put(found)
        if found.destroyed is None:
            return found
        self._claims.drop(review)
        self._destroy(review)
        return None

    def _is_final(self, view: View, review: Review) -> bool:
        """Whether nobody needs the evidence of a review again that is not open any more.

        It is settled, or cannot be appealed; and no officer has yet to look.

        Args:
            view: a snapshot or transaction of the registry.
            review: decided, with what its capture came to, or taken back.
        """
        appeal = review.can_be_appealed and review.subject is not None
        return not appeal and not reported(view, review)

    def _close_review(self, review: Review, now: datetime, entries: Sequence[LedgerEntry]) -> None:
        """Record that a review is not open any more. Its evidence ends now, or once nobody needs it.

        Args:
            review: decided, with what its capture came to, or taken back.
            now: the time.
            entries: what the ledger is to have of it.
        """
        with self._roles.registry.read() as view:
            final = self._is_final(view, review)
        if final:
            self._end_review(review, now, entries)
            return
        with self._roles.registry.transaction() as tx:
            tx.change_review(review)
            tx.record(entries, review.subject)
            tell_ended(tx, review, now)
        self._queue.put(review)

    def _end_if_final(self, review: ReviewId) -> None:
        """Destroy the evidence of what is not open any more, once the last concern in it is answered.

        Nothing happens if it is open, over, or may be appealed. The caller has the keep alone, and no
        transaction.
        """
        with self._roles.registry.read() as view:
            found = view.review(review)
            final = found.state is not ReviewState.OPEN and found.destroyed is None and self._is_final(view, found)
        if final:
            self._end_review(found, self._now(), told=True)

    def _end_review(
        self, review: Review, now: datetime, entries: Sequence[LedgerEntry] = (), *, told: bool = False
    ) -> Review:
        """Record that a review is over and destroy its evidence. The caller has the keep alone.

        Args:
            review: as it is now.
            now: the time.
            entries: what the ledger is to have of it.
            told: whether it was told before what it came to.
        """
        ending = End(replace(review, destroyed=now), tuple(entries), told)
        try:
            with self._roles.registry.transaction() as tx:
                _record(tx, ending, now)
        except NotFoundError:
            """It went with the person whom it was about."""
        self._end_evidence([ending.review])
        return ending.review

    def _end_evidence(self, ended: Sequence[Review]) -> None:
        # The queue first: should the evidence not be destroyed now, the end stands, and tend tries again.
        for review in ended:
            self._queue.put(review)
            self._claims.drop(review.id)
        self._destroy(*(review.id for review in ended))

    def _forget_reviews(self, subject: SubjectId) -> None:
        """Destroy the evidence of somebody who was erased; the registry has forgotten the rest already."""
        gone = [review.id for review in self._queue.about(lambda review: review.subject == subject)]
        for review in gone:
            self._queue.remove(review)
            self._claims.drop(review)
        self._destroy(*gone)

    def forget_old_reviews(self) -> int:
        """Forget reviews that were over 90 days ago, and say how many."""
        with self._using(), self._roles.registry.transaction() as tx:
            before = self._now() - timedelta(days=REVIEW_DAYS)
            old = [review for review in every(tx) if review.destroyed is not None and review.destroyed <= before]
            for review in old:
                tx.remove_review(review.id)
                self._queue.remove(review.id)
        return len(old)


@contextmanager
def _noting(troubles: list[FacekeepError]) -> Iterator[None]:
    """Have what follows done after an error, which is kept to be raised then."""
    try:
        yield
    except FacekeepError as error:
        troubles.append(error)


def _record(tx: Transaction, ending: End, now: datetime) -> None:
    ended = ending.review
    tx.change_review(ended)
    tx.forget_figures(ended.id)
    gone = deed(EntryKind.REVIEW_EVIDENCE_DESTROYED, now, "", review=ended.id.hex())
    tx.record([*ending.entries, *([gone] if ended.pictures else [])], ended.subject)
    if not ending.told:
        tell_ended(tx, ended, now)


def _expired(view: View, review: Review, *, now: datetime) -> End | None:
    return _undecided(view, review, now=now) if review.deadline <= now else None


def _undecided(view: View, review: Review, *, now: datetime, **why: str) -> End:
    """The end of what nobody decides any more; what was decided is told already, and stays so."""
    if review.state is not ReviewState.OPEN:
        return End(replace(review, destroyed=now), told=True)
    ended = unanswered(replace(review, state=ReviewState.EXPIRED, destroyed=now), **why)
    if ended.decision is not None and not still_allowed(view, ended):  # withdrawn while an appeal waited
        ended = switched_off(ended)
    return End(ended, (over(ended, now, **why),))

"""Reviews that a keep holds: filed with sealed evidence, listed, ended at their deadline, destroyed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from facekeep.domain.accounts import AccountId, Principal, kind_of
from facekeep.domain.ledger import EntryKind, LedgerEntry, deed
from facekeep.domain.review import (
    DEADLINE_DEFAULT,
    REVIEW_ID_BYTES,
    Decision,
    PictureRole,
    Review,
    ReviewedCapture,
    ReviewId,
    ReviewKind,
    ReviewPicture,
    ReviewReason,
    ReviewState,
    deadline_at,
)
from facekeep.domain.review_vote import ConfirmedHit
from facekeep.domain.subject import SubjectId
from facekeep.errors import GoneError, NotFoundError
from facekeep.service.keep_signing import KeepSigning
from facekeep.service.opening import Roles
from facekeep.service.review_outcomes import EVIDENCE_LOST, unanswered
from facekeep.service.review_queue import Claims, ReviewQueue
from facekeep.service.review_rules import able, check_alive, conflict, every, over, owned, tell_ended, tell_opened
from facekeep.service.review_sealing import seal

__all__ = ["REVIEW_DAYS", "KeepReviews", "NewReview"]

REVIEW_DAYS: Final = 90
"""For how long it is known that something was reviewed, after it was over."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewReview:
    """What people shall decide.

    Attributes:
        kind: what is asked.
        reasons: why, at least one.
        owner: whoever ordered the capture, or files it. Its organisation decides.
        subject: whom it is about, as far as that is known.
        probes: masked pictures, PNG, at most 3.
        reference: a masked picture to compare with, PNG, or empty.
        figures: what the machine measured, JSON.
        person: public key of the person's browser, 32 bytes, or empty.
        capture: of which capture it is.
        known: the right answer, where it only measures reviewers.
        length: for how long the evidence lasts.
    """

    kind: ReviewKind
    reasons: tuple[ReviewReason, ...]
    owner: Principal
    subject: SubjectId | None = None
    probes: tuple[bytes, ...] = field(default=(), repr=False)
    reference: bytes = field(default=b"", repr=False)
    figures: str = field(default="{}", repr=False)
    person: bytes = field(default=b"", repr=False)
    capture: ReviewedCapture | None = field(default=None, repr=False)
    known: Decision | None = field(default=None, repr=False)
    length: timedelta = DEADLINE_DEFAULT


class KeepReviews(KeepSigning):
    """The part of a keep that has people decide. See :class:`facekeep.service.keep.Keep`."""

    def _begin(self) -> None:
        super()._begin()
        self._claims = Claims()
        self._queue = ReviewQueue()
        self._forgotten: datetime | None = None

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        with roles.registry.read() as view:
            self._queue = ReviewQueue(every(view))
            alive = {review.id for review in self._queue.about(lambda _: True)}
        # What a crash left between an end that was recorded and the evidence.
        for review in self._evidence.reviews():
            if review not in alive:
                self._evidence.destroy(review)
        # What a backup brought back, which holds no evidence.
        readable = self._evidence.readable()
        bare = self._queue.about(lambda review: bool(review.pictures) and review.id not in readable)
        self._lost = {review.id for review in bare}

    # Filing

    def can_review(self, owner: Principal) -> bool:
        """Whether there are people who could decide what somebody files: two at least, each with a key."""
        with self._reading(), self._roles.registry.read() as view:
            return able(view, owner) is not None

    def file_review(self, new: NewReview) -> Review | None:
        """Have people decide. The pictures are sealed to them, and never readable here again.

        Args:
            new: what.

        Returns:
            The review; None if there are not two people of the organisation who could open it.

        Raises:
            NotFoundError: it is about somebody who is not known, or not any more.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.read() as view:
                recipients = able(view, new.owner)
            if recipients is None:
                return None
            roles = [PictureRole.PROBE] * len(new.probes) + [PictureRole.REFERENCE] * bool(new.reference)
            pictures = [*new.probes, *([new.reference] if new.reference else [])]
            review = Review(
                id=ReviewId(os.urandom(REVIEW_ID_BYTES)),
                kind=new.kind,
                reasons=new.reasons,
                organisation=new.owner.organisation,
                subject=new.subject,
                owner=AccountId(new.owner.id),
                owner_kind=kind_of(new.owner),
                pictures=tuple(ReviewPicture(index, role) for index, role in enumerate(roles)),
                created=now,
                deadline=deadline_at(now, new.length),
                capture=new.capture,
                known=new.known,
            )
            self._put_evidence(review, pictures, recipients, new.person)
            try:
                with self._roles.registry.transaction() as tx:
                    tx.add_review(review, new.figures)
                    tell_opened(tx, review, now)
            except BaseException:
                self._evidence.destroy(review.id)
                raise
            self._queue.put(review)
            return review

    def add_review_reference(self, review: str, picture: bytes, *, owner: Principal) -> Review:
        """Add what the probes are compared with.

        Args:
            review: its identifier.
            picture: masked, PNG.
            owner: whoever filed it.

        Raises:
            NotFoundError: there is no such review of the owner.
            GoneError: its evidence was destroyed.
            ReviewConflictError: it has a reference, or was decided.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                before = owned(tx, review, owner)
                check_alive(before, now)
                if before.state is not ReviewState.OPEN or before.votes or before.has_both:
                    raise conflict("this review takes no reference any more")
                added = ReviewPicture(len(before.pictures), PictureRole.REFERENCE)
                after = replace(before, pictures=(*before.pictures, added))
                recipients = able(tx, owner)
                if recipients is None:
                    raise GoneError("nobody can review this any more", hint="Have reviewers register their keys.")
                tx.change_review(after)
                self._evidence.add(after.id, seal(after.id, added.index, picture, recipients, role=added.role))
            self._queue.put(after)
            return after

    def withdraw_review(self, review: str, *, owner: Principal) -> None:
        """Take back what was filed: its evidence is destroyed.

        Raises:
            NotFoundError: there is no such review of the owner.
            ReviewConflictError: people have decided it.
        """
        with self._using():
            with self._roles.registry.read() as view:
                before = owned(view, review, owner)
            if before.state is not ReviewState.OPEN:
                raise conflict("this review is over")
            now, ended = self._now(), replace(before, state=ReviewState.WITHDRAWN)
            self._end_review(ended, now, [over(ended, now)])

    def _put_evidence(
        self, review: Review, pictures: Sequence[bytes], recipients: Sequence[bytes], person: bytes
    ) -> None:
        everybody = [*recipients, *([person] if person else [])]
        sealed = [
            seal(review.id, told.index, picture, everybody, role=told.role)
            for told, picture in zip(review.pictures, pictures, strict=True)
        ]
        self._evidence.put(review.id, review.deadline, sealed)

    # Ends

    def tend(self) -> None:
        """See :meth:`KeepLife.tend`; and let evidence end whose time is over."""
        super().tend()
        now = self._now()
        if self._lost:
            with self._using():
                self._give_up_lost(now)
        if self._queue.due(now):
            with self._using():
                for review in self._queue.due(now):
                    self._expire_review(review, now)
        self._evidence.expire(now)
        if self._forgotten is None or self._forgotten + _DAY <= now:
            self.forget_old_reviews()
            self._forgotten = now

    def _give_up_lost(self, now: datetime) -> None:
        """End what nobody can decide any more, as the evidence is gone; what was decided cannot be appealed."""
        for review in self._queue.about(lambda review: review.id in self._lost):
            if review.state is ReviewState.OPEN:
                ended = unanswered(replace(review, state=ReviewState.EXPIRED), EVIDENCE_LOST)
                self._end_review(ended, now, [over(ended, now, why=EVIDENCE_LOST)])
            else:
                self._end_review(review, now, told=True)
        self._lost = set()

    def _expire_review(self, review: Review, now: datetime) -> None:
        if review.state is ReviewState.OPEN:
            ended = unanswered(replace(review, state=ReviewState.EXPIRED))
            self._end_review(ended, now, [over(ended, now)])
        else:
            self._end_review(review, now, told=True)

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
        ended = replace(review, destroyed=now)
        gone = deed(EntryKind.REVIEW_EVIDENCE_DESTROYED, now, "", review=review.id.hex())
        try:
            with self._roles.registry.transaction() as tx:
                tx.change_review(ended)
                tx.forget_figures(ended.id)
                if ended.known is None:
                    tx.record([*entries, *([gone] if ended.pictures else [])], ended.subject)
                if not told:
                    tell_ended(tx, ended, now)
        except NotFoundError:
            """It went with the person whom it was about."""
        self._evidence.destroy(ended.id)
        self._queue.put(ended)
        self._claims.drop(ended.id)
        return ended

    def _forget_reviews(self, subject: SubjectId) -> None:
        """Destroy the evidence of somebody who was erased; the registry has forgotten the rest already."""
        for review in self._queue.about(lambda review: review.subject == subject):
            self._evidence.destroy(review.id)
            self._queue.remove(review.id)
            self._claims.drop(review.id)

    # Reading

    def review_of_capture(self, session: str, owner: Principal) -> Review | None:
        """The review of a capture session, for whoever ordered it."""
        identifier = self._queue.of_capture(session)
        if identifier is None:
            return None
        with self._reading(), self._roles.registry.read() as view:
            try:
                return owned(view, identifier.hex(), owner)
            except NotFoundError:
                return None

    def review_filed(self, review: str, *, owner: Principal) -> Review:
        """A review, for whoever filed it.

        Raises:
            NotFoundError: there is no such review of the owner.
        """
        with self._reading(), self._roles.registry.read() as view:
            return owned(view, review, owner)

    def hit_confirmed(self, review: str, *, owner: Principal) -> ConfirmedHit:
        """The hit of a search that two people confirmed. Until then a candidate is a lead, and counts for nothing.

        Args:
            review: a comparison of the probe with a picture of the candidate, filed about the candidate.
            owner: whoever filed it.

        Raises:
            NotFoundError: there is no such review of the owner.
            ReviewConflictError: it confirms no hit, or not yet.
        """
        found = self.review_filed(review, owner=owner)
        try:
            return ConfirmedHit.of(found)
        except ValueError as error:
            raise conflict(str(error), hint="Act on no candidate that two people did not confirm.") from None

    def forget_old_reviews(self) -> int:
        """Forget reviews that were over 90 days ago, and say how many."""
        with self._using(), self._roles.registry.transaction() as tx:
            before = self._now() - timedelta(days=REVIEW_DAYS)
            old = [review for review in every(tx) if review.destroyed is not None and review.destroyed <= before]
            for review in old:
                tx.remove_review(review.id)
                self._queue.remove(review.id)
        return len(old)

"""Reviews that a keep holds: filed with sealed evidence, taken back, read by whoever filed them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from facekeep.domain.accounts import AccountId, Principal, Role, kind_of
from facekeep.domain.review import (
    DEADLINE_DEFAULT,
    EYES,
    REVIEW_ID_BYTES,
    URGENT_REASONS,
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
from facekeep.domain.review_evidence import StoredPicture
from facekeep.domain.review_vote import ConfirmedHit
from facekeep.domain.reviewer import ReviewerKeyId, key_id
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError, FacekeepError, GoneError, NotFoundError, RateError, UnsignedError
from facekeep.service.keep_review_ends import REVIEW_DAYS, End, KeepReviewEnds
from facekeep.service.review_outcomes import unanswered
from facekeep.service.review_rules import able, check_alive, conflict, over, owned, reported, tell_opened
from facekeep.service.review_sealing import seal
from facekeep.store.view import View

__all__ = ["REVIEWS_MAX", "REVIEWS_OF_ONE", "REVIEW_DAYS", "KeepReviews", "NewReview"]

REVIEWS_OF_ONE: Final = 1000
"""Open reviews of one who files, at most; and as many urgent ones."""
REVIEWS_MAX: Final = 20_000
"""Open reviews, at most; and as many urgent ones."""


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


class KeepReviews(KeepReviewEnds):
    """The part of a keep that has people decide. See :class:`facekeep.service.keep.Keep`."""

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
            RateError: 1,000 reviews of the owner are open, or 20,000 in all. Urgent ones are counted by themselves.
        """
        with self._using():
            now = self._now()
            self._check_room(new.owner, urgent=not URGENT_REASONS.isdisjoint(new.reasons))
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
                self._destroy(review.id)
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
            ReviewConflictError: it has a reference, was decided, or somebody looked or voted: nobody decides on less
                than is shown to others.
        """
        with self._using():
            now = self._now()
            with ExitStack() as undone:
                with self._roles.registry.transaction() as tx:
                    before = owned(tx, review, owner)
                    check_alive(before, now)
                    if before.state is not ReviewState.OPEN or before.views or before.votes or before.has_both:
                        hint = "It has one, is over, or somebody looked or voted. File a new one with both pictures."
                        raise conflict("this review takes no reference any more", hint=hint)
                    added = ReviewPicture(len(before.pictures), PictureRole.REFERENCE)
                    after = replace(before, pictures=(*before.pictures, added))
                    if not self._can_be_decided(tx, before):
                        raise GoneError("nobody can review this any more", hint="Ask anew, with both pictures.")
                    # Those who can open the rest, and nobody who came later: they would see one of two faces.
                    recipients = [
                        public
                        for public in _without_recused(tx, before, able(tx, owner) or [])
                        if self._is_sealed_to(before, key_id(public))
                    ]
                    tx.change_review(after)
                    self._evidence.remove(after.id, added.index)  # what a crash left
                    undone.callback(self._evidence.remove, after.id, added.index)
                    self._evidence.add(after.id, seal(after.id, added.index, picture, recipients, role=added.role))
                undone.pop_all()
            self._queue.put(after)
            return after

    def _can_be_decided(self, view: View, review: Review) -> bool:
        """Whether two reviewers could open all of it who have not voted in it, nor know the person, nor filed it."""
        out = {vote.reviewer for vote in review.votes} | {*review.recused, review.owner}
        reviewing = {each.id for each in view.accounts() if Role.REVIEWER in each.roles}
        fresh = [each for each in view.reviewers() if each.account in reviewing - out]
        return sum(any(self._is_sealed_to(review, key.id) for key in each.keys) for each in fresh) >= EYES

    def _is_sealed_to(self, review: Review, key: ReviewerKeyId) -> bool:
        try:
            self._sealed_to(review, key)
        except (NotFoundError, DamagedStoreError):  # what is damaged opens for nobody; the doctor tells of it
            return False
        return True

    def _sealed_to(self, review: Review, key: ReviewerKeyId) -> tuple[StoredPicture, ...]:
        """The pictures of a review as they are sealed to a key: all, for nobody decides on less than others see.

        Raises:
            NotFoundError: not all of them are.
            GoneError: they were destroyed.
        """
        wanted = {picture.index for picture in review.pictures}
        found = tuple(each for each in self._evidence.read(review.id, key) if each.index in wanted)
        if len(found) != len(wanted):
            raise NotFoundError(
                "not every picture of this review is sealed to this key",
                hint="It opens what came after it was registered, and while its reviewer was on duty.",
            )
        return found

    def withdraw_review(self, review: str, *, owner: Principal, with_capture: bool = False) -> None:
        """Take back what was filed: its evidence is destroyed.

        Args:
            review: its identifier.
            owner: whoever filed it.
            with_capture: whether the capture that it is of is taken back with it. One that went on without its review
                would come to something that nobody decided.

        Raises:
            NotFoundError: there is no such review of the owner.
            ReviewConflictError: it is over, somebody voted in it, the person appealed, an officer has yet to answer
                what was reported in it, or it is of a capture that is not taken back.
        """
        with self._using():
            with self._roles.registry.read() as view:
                before = owned(view, review, owner)
                waits = reported(view, before)
            if before.state is not ReviewState.OPEN:
                raise conflict("this review is over", hint="Nothing is left to take back.")
            if before.round > 1:
                message = "this review was appealed, which is the person's to take back and nobody else's"
                raise conflict(message, hint="Wait for what others decide by the appeal.")
            if before.votes:
                raise conflict("somebody voted in this review", hint="Wait until it is decided, or for its deadline.")
            if waits:
                raise conflict("something was reported in this review", hint="An officer has to answer it first.")
            if before.capture is not None and not with_capture:
                hint = "Cancel the capture: DELETE /v1/capture-sessions/{capture}."
                raise conflict("this review is of a capture, which is taken back with it", hint=hint)
            now, ended = self._now(), replace(before, state=ReviewState.WITHDRAWN)
            self._end_review(ended, now, [over(ended, now)])

    def take_alternative(self, review: str, *, owner: Principal) -> None:
        """End what people were asked, as the person took the way without a face: nobody has to look any more.

        It ends whatever was said so far. Its evidence is destroyed, at once or when an officer has answered what was
        reported in it.

        Raises:
            NotFoundError: there is no such review of the owner.
            ReviewConflictError: it is over, was appealed, or is urgent, which no passkey makes go away.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.read() as view:
                before = owned(view, review, owner)
                if before.state is not ReviewState.OPEN or before.round > 1 or before.urgent:
                    hint = "Wait for what people decide."
                    raise conflict("this review cannot be ended by a passkey", hint=hint)
            ended = replace(before, state=ReviewState.WITHDRAWN)
            self._close_review(ended, now, [over(ended, now)])
            self._claims.drop(ended.id)

    @contextmanager
    def _without_reviews(self, owner: Principal) -> Iterator[None]:
        """End in the block what somebody may ask, who then has nobody look any more. The caller has the keep alone.

        Raises:
            FacekeepError: the block is done, and some of what was asked could not be ended.
        """
        try:
            yield
        except (UnsignedError, DamagedStoreError):  # the block is done, all the same
            self._take_back_of(owner)
            raise
        self._take_back_of(owner)

    def _take_back_of(self, owner: Principal) -> None:
        """Have nobody look for somebody who may ask for nothing any more, and cannot be told what came of it.

        What somebody has voted in goes on, and so does what is urgent, was appealed, or has a report to be answered.
        """
        now, troubles = self._now(), list[FacekeepError]()
        asked = self._queue.about(lambda review: (review.owner_kind, review.owner) == (kind_of(owner), owner.id))
        self._end_all([review.id for review in asked], partial(_taken_back, now=now), now, troubles)
        if troubles:
            raise troubles[0]

    def _check_room(self, owner: Principal, *, urgent: bool) -> None:
        """Whoever may be in need of help has room of their own: no number of usual questions keeps them from people."""
        waiting = self._queue.about(lambda review: review.state is ReviewState.OPEN and review.urgent is urgent)
        own = sum((review.owner_kind, review.owner) == (kind_of(owner), owner.id) for review in waiting)
        if own >= REVIEWS_OF_ONE or len(waiting) >= REVIEWS_MAX:
            hint = "Wait until people have decided, or take back what is not needed."
            raise RateError("too many reviews are open", hint=hint)

    def _put_evidence(
        self, review: Review, pictures: Sequence[bytes], recipients: Sequence[bytes], person: bytes
    ) -> None:
        everybody = [*recipients, *([person] if person else [])]
        sealed = [
            seal(review.id, told.index, picture, everybody, role=told.role)
            for told, picture in zip(review.pictures, pictures, strict=True)
        ]
        self._evidence.put(review.id, review.deadline, sealed)

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


def _taken_back(view: View, review: Review, *, now: datetime) -> End | None:
    if review.state is not ReviewState.OPEN or review.votes or review.urgent or reported(view, review):
        return None
    ended = unanswered(replace(review, state=ReviewState.WITHDRAWN, destroyed=now))  # the person may be at its page
    return End(ended, (over(ended, now),))


def _without_recused(view: View, review: Review, recipients: Sequence[bytes]) -> list[bytes]:
    recused = {key.public for each in view.reviewers() if each.account in review.recused for key in each.keys}
    return [public for public in recipients if public not in recused]

"""What a review owes the person whom it is about: that people looked, when, why, at what; to speak, and to appeal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import (
    DEADLINE_DEFAULT,
    FORGOTTEN,
    Review,
    ReviewPicture,
    ReviewReason,
    ReviewState,
    ViewReason,
    deadline_at,
)
from facekeep.domain.review_evidence import StoredPicture
from facekeep.domain.review_words import (
    ReviewWords,
    ReviewWordsId,
    WordsKind,
    checked_words,
)
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.domain.subject import SubjectId, named_subject, subject_id
from facekeep.errors import GoneError, NotFoundError
from facekeep.service.keep_reviewers import KeepReviewers
from facekeep.service.review_rules import check_alive, conflict, tell_opened
from facekeep.store.view import View

__all__ = ["KeepOwnReviews", "OwnReview", "OwnView"]

_WORDS_ID_BYTES = 16
_IN_WORDS = "File an appeal in words all the same: a person answers it."


@dataclass(frozen=True, slots=True)
class OwnView:
    """That somebody looked.

    Attributes:
        time: when.
        reviewer: what others call who looked; "" of who has left.
        reason: why.
    """

    time: datetime
    reviewer: str
    reason: ViewReason


@dataclass(frozen=True, slots=True)
class OwnReview:
    """A review as the person whom it is about is told of it.

    Attributes:
        review: it.
        views: who looked.
        words: what the person said in it.
        pictures: which reviewers could see still; none once they are destroyed. What was added later is not sealed to
            the person, whose key is not kept.
        against: whether people decided something that is not for the person; not where it only measured them.
        may_appeal: whether the person can object to that, and two others could decide anew.
    """

    review: Review
    views: tuple[OwnView, ...]
    words: tuple[ReviewWords, ...] = field(repr=False)
    pictures: tuple[ReviewPicture, ...]
    against: bool
    may_appeal: bool


class KeepOwnReviews(KeepReviewers):
    """The part of a keep that tells people of their reviews. See :class:`facekeep.service.keep.Keep`."""

    def own_reviews(self, subject: str) -> tuple[OwnReview, ...]:
        """The reviews about a person, newest first.

        Args:
            subject: identifier, 32 hexadecimal digits.

        Raises:
            NotFoundError: there is no such person.
        """
        identifier = named_subject(subject)
        with self._reading(), self._roles.registry.read() as view:
            now, words = self._now(), view.words_of(identifier)
            names = {account.id: account.name for account in view.accounts()}
            found = [
                _own(review, words, names, may_appeal=_in_time(review, now) and self._can_be_decided(view, review))
                for review in view.reviews_of(identifier)
            ]
            return tuple(reversed(found))

    def show_own_review(self, subject: str, review: str, *, key: str) -> tuple[StoredPicture, ...]:
        """What opens the pictures in the browser in which the person was captured.

        Raises:
            NotFoundError: there is no such review about the person, or it was not sealed to this browser's key.
            GoneError: its evidence was destroyed.
        """
        with self._reading(), self._roles.registry.read() as view:
            found = _of(view, named_subject(subject), review)
            check_alive(found, self._now())
            reviewers = {each.id.hex() for reviewer in view.reviewers() for each in reviewer.keys}
            if subject_id(key) is None or key in reviewers:
                raise NotFoundError(
                    "this browser has no key of this review",
                    hint="Open it in the browser that the capture was made in.",
                )
        return self._evidence.read(found.id, ReviewerKeyId(bytes.fromhex(key)))

    def state_review(self, subject: str, review: str, text: str) -> None:
        """Say something to those who decide, once.

        Raises:
            NotFoundError: there is no such review about the person.
            ReviewConflictError: it is over, or something was said before.
            UsageError: nothing is said, or too much.
        """
        identifier, text = named_subject(subject), checked_words(text)
        with self._using(), self._roles.registry.transaction() as tx:
            found = _of(tx, identifier, review)
            if found.state is not ReviewState.OPEN or _said(tx, identifier, found, WordsKind.STATEMENT):
                raise conflict("nothing can be said to this review any more", hint="If it was decided, appeal.")
            tx.add_review_words(identifier, _words(found, WordsKind.STATEMENT, text, self._now()))

    def appeal_review(self, subject: str, review: str, text: str) -> Review:
        """Object to what people decided, once. Others decide then, by the same evidence.

        It lasts until they have, for 72 hours from now, or until its hour if that is later.

        Raises:
            NotFoundError: there is no such review about the person.
            GoneError: its evidence was destroyed.
            ReviewConflictError: it is not decided, was decided for the person, only measured reviewers, or was
                appealed before.
            UsageError: nothing is said, or too much.
        """
        identifier, text = named_subject(subject), checked_words(text)
        with self._using():
            now = self._now()
            with self._roles.registry.read() as view:
                before = _of(view, identifier, review)
                others = _in_time(before, now) and self._can_be_decided(view, before)
            if not before.can_be_appealed:
                raise conflict("this review cannot be appealed", hint="What was decided against you can be, once.")
            if not _in_time(before, now):
                raise GoneError("the evidence of this review was destroyed", hint=_IN_WORDS)
            if not others:
                raise GoneError("there are not two others who could decide by this", hint=_IN_WORDS)
            # Never earlier: should this be cut short, the pictures would end before the review does.
            deadline = max(before.deadline, deadline_at(now, DEADLINE_DEFAULT))
            reasons = (*before.reasons, ReviewReason.APPEAL)
            after = replace(
                before,
                state=ReviewState.OPEN,
                round=2,
                decision=None,
                decided=None,
                before=before.decision,
                deadline=deadline,
                reasons=reasons,
                capture=None if before.capture is None else replace(before.capture, outcome=None, outcome_reasons=()),
            )
            self._evidence.reseal_until(after.id, deadline)
            with self._roles.registry.transaction() as tx:
                tx.change_review(after)
                tx.add_review_words(identifier, _words(after, WordsKind.APPEAL, text, now))
                tell_opened(tx, after, now)
            self._queue.put(after)
            return after


def _of(view: View, subject: SubjectId, review: str) -> Review:
    found = next((each for each in view.reviews_of(subject) if each.id.hex() == review), None)
    if found is None:
        raise NotFoundError("there is no such review", hint=FORGOTTEN)
    return found


def _said(view: View, subject: SubjectId, review: Review, kind: WordsKind) -> bool:
    return any(words.kind is kind for words in view.review_words(review.id, subject))


def _words(review: Review, kind: WordsKind, text: str, now: datetime) -> ReviewWords:
    return ReviewWords(ReviewWordsId(os.urandom(_WORDS_ID_BYTES)), review.id, kind, text, now)


def _in_time(review: Review, now: datetime) -> bool:
    """Whether the person may object still, once."""
    return review.can_be_appealed and review.destroyed is None and review.deadline > now


def _own(
    review: Review, words: tuple[ReviewWords, ...], names: Mapping[AccountId, str], *, may_appeal: bool
) -> OwnReview:
    return OwnReview(
        review,
        tuple(OwnView(seen.time, names.get(seen.reviewer, ""), seen.reason) for seen in review.views),
        tuple(each for each in words if each.review == review.id),
        review.pictures if review.destroyed is None else (),
        review.is_against,
        may_appeal,
    )

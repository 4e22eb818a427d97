"""Reviews, reviewers and concerns, written in one transaction. Times are passed in, with time zone."""

from __future__ import annotations

import os

from sqlalchemy import delete, insert, update

from facekeep.domain.review import Review, ReviewId
from facekeep.domain.review_words import (
    ReportedConcern,
    ReviewWords,
)
from facekeep.domain.reviewer import Reviewer
from facekeep.domain.subject import SubjectId
from facekeep.errors import UsageError
from facekeep.store import tables
from facekeep.store.records import write_time
from facekeep.store.review_reading import ReviewReading
from facekeep.store.review_records import concern_record, review_record, reviewer_record

__all__ = ["ReviewWriting"]

_ROW_BYTES = 16
_NOTHING = "{}"


class ReviewWriting(ReviewReading):
    """The part of a transaction that is about reviews."""

    scrub: bool

    def add_review(self, review: Review, figures: str) -> None:
        """Record a review.

        Args:
            review: new.
            figures: what the machine measured, JSON.

        Raises:
            NotFoundError: it is about somebody who is not known, or not any more.
            UsageError: it is recorded already.
        """
        if self._row(tables.reviews.c.id, review.id) is not None:
            raise UsageError("this review is recorded already")
        if review.subject is not None:
            self._cells(review.subject)
        root = self._vault.root
        self._connection.execute(
            insert(tables.reviews).values(
                id=review.id,
                subject=review.subject,
                sealed=root.seal(tables.reviews.c.sealed, review.id, review_record(review)),
                figures=root.seal(tables.reviews.c.figures, review.id, {"figures": figures}),
            )
        )

    def change_review(self, review: Review) -> None:
        """Record how a review is now; whom it is about stays.

        Raises:
            NotFoundError: there is no such review.
        """
        self._review_row(review.id)
        sealed = self._vault.root.seal(tables.reviews.c.sealed, review.id, review_record(review))
        self._connection.execute(update(tables.reviews).where(tables.reviews.c.id == review.id).values(sealed=sealed))

    def forget_figures(self, review: ReviewId) -> None:
        """Forget what the machine measured. Nothing happens if there is no such review."""
        figures = self._vault.root.seal(tables.reviews.c.figures, review, {"figures": _NOTHING})
        self._connection.execute(update(tables.reviews).where(tables.reviews.c.id == review).values(figures=figures))
        self.scrub = True

    def remove_review(self, review: ReviewId) -> None:
        """Forget a review with all that was said in it, by reviewers and by the person.

        Nothing happens if there is none: it is gone as asked.
        """
        row = self._row(tables.reviews.c.id, review)
        if row is None:
            return
        if row.subject is not None:
            # In which review something was said is sealed with it, so that no column ties the two.
            said = [words.id for words in self.review_words(review, row.subject)]
            self._connection.execute(delete(tables.review_words).where(tables.review_words.c.id.in_(said)))
        self._connection.execute(delete(tables.reviews).where(tables.reviews.c.id == review))
        self.scrub = True

    def add_review_words(self, subject: SubjectId, words: ReviewWords) -> None:
        """Record what a person said in a review.

        Raises:
            NotFoundError: there is no such data subject.
        """
        record = {
            "review": words.review,
            "kind": words.kind.value,
            "text": words.text,
            "written": write_time(words.written),
        }
        sealed = self._cells(subject).seal(tables.review_words.c.sealed, words.id, record)
        self._connection.execute(insert(tables.review_words).values(id=words.id, subject=subject, sealed=sealed))

    def set_reviewer(self, reviewer: Reviewer) -> None:
        """Record how a reviewer is now.

        Raises:
            NotFoundError: there is no such account.
        """
        row = self._row(tables.reviewers.c.account, reviewer.account)
        identifier = os.urandom(_ROW_BYTES) if row is None else row.id
        sealed = self._vault.root.seal(tables.reviewers.c.sealed, identifier, reviewer_record(reviewer))
        if row is None:
            values = {"id": identifier, "account": reviewer.account, "sealed": sealed}
            self._connection.execute(insert(tables.reviewers).values(values))
        else:
            where = tables.reviewers.c.id == identifier
            self._connection.execute(update(tables.reviewers).where(where).values(sealed=sealed))

    def add_concern(self, concern: ReportedConcern) -> None:
        """Record what a reviewer reported.

        Raises:
            NotFoundError: there is no such review.
        """
        self._review_row(concern.review)
        sealed = self._vault.root.seal(tables.concerns.c.sealed, concern.id, concern_record(concern))
        values = {"id": concern.id, "review": concern.review, "sealed": sealed}
        self._connection.execute(insert(tables.concerns).values(values))

    def answer_concern(self, answered: ReportedConcern) -> None:
        """Record what the officer answered.

        Raises:
            NotFoundError: there is no such concern.
            UsageError: it was answered before.
        """
        if self.concern(answered.id).answered is not None:
            raise UsageError("this concern was answered", hint="What else happens is reported anew.")
        sealed = self._vault.root.seal(tables.concerns.c.sealed, answered.id, concern_record(answered))
        self._connection.execute(
            update(tables.concerns).where(tables.concerns.c.id == answered.id).values(sealed=sealed)
        )

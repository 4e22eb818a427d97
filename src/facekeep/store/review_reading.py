"""Reviews, reviewers and concerns, read in one snapshot.

They are sealed under the registry's own keys and hold identifiers alone. What a person said in a review is sealed under
the data key of that person, and goes with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from sqlalchemy import Row, select

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import FORGOTTEN, Review, ReviewId
from facekeep.domain.review_words import (
    ConcernId,
    ReportedConcern,
    ReviewWords,
    WordsKind,
)
from facekeep.domain.reviewer import Reviewer
from facekeep.domain.subject import SubjectId
from facekeep.errors import NotFoundError
from facekeep.store import tables
from facekeep.store.records import read_time
from facekeep.store.review_records import concern_in, review_in, reviewer_in
from facekeep.store.snapshot import Snapshot
from facekeep.store.vault import Cells

__all__ = ["REVIEWS_PAGE", "ReviewReading"]

REVIEWS_PAGE: Final = 1000


class ReviewReading(Snapshot, ABC):
    """The part of a view that is about reviews."""

    @abstractmethod
    def _cells(self, subject: SubjectId) -> Cells:
        """What seals under a person's data key."""

    def reviews(self, *, after: ReviewId | None = None, limit: int = REVIEWS_PAGE) -> tuple[Review, ...]:
        """A page of all reviews, whatever their state, in the order of their random identifiers.

        Args:
            after: begin behind this identifier.
            limit: how many at most.
        """
        reviews = tables.reviews.c
        query = select(tables.reviews).order_by(reviews.id).limit(limit)
        rows = self._connection.execute(query if after is None else query.where(reviews.id > after)).all()
        return tuple(self._review_of(row) for row in rows)

    def reviews_of(self, subject: SubjectId) -> tuple[Review, ...]:
        """The reviews about a data subject, oldest first."""
        found = (self._review_of(row) for row in self._rows(tables.reviews.c.subject, subject))
        return tuple(sorted(found, key=lambda review: (review.created, review.id)))

    def review(self, review: ReviewId) -> Review:
        """The review of this identifier.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        return self._review_of(self._review_row(review))

    def review_figures(self, review: ReviewId) -> str:
        """What the machine measured, JSON; ``{}`` once it was forgotten.

        Raises:
            NotFoundError: there is no such review.
        """
        row = self._review_row(review)
        record = self._vault.root.open(tables.reviews.c.figures, row.id, row.figures)
        return str(record["figures"])

    def review_words(self, review: ReviewId, subject: SubjectId) -> tuple[ReviewWords, ...]:
        """What a person said in a review, oldest first.

        Raises:
            NotFoundError: there is no such data subject.
        """
        return tuple(words for words in self.words_of(subject) if words.review == review)

    def words_of(self, subject: SubjectId) -> tuple[ReviewWords, ...]:
        """What a person said in any review, oldest first.

        Raises:
            NotFoundError: there is no such data subject.
        """
        cells = self._cells(subject)
        found = [_words_of(row, cells) for row in self._rows(tables.review_words.c.subject, subject)]
        return tuple(sorted(found, key=lambda words: (words.written, words.id)))

    def reviewer(self, account: AccountId) -> Reviewer | None:
        """What is held of an account as a reviewer, or None."""
        row = self._row(tables.reviewers.c.account, account)
        return None if row is None else self._reviewer_of(row)

    def reviewers(self) -> tuple[Reviewer, ...]:
        """Everybody who has or had a key, or was on duty, in the order of their accounts."""
        rows = self._connection.execute(select(tables.reviewers)).all()
        return tuple(sorted((self._reviewer_of(row) for row in rows), key=lambda reviewer: reviewer.account))

    def concern(self, concern: ConcernId) -> ReportedConcern:
        """The concern of this identifier.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        row = self._row(tables.concerns.c.id, concern)
        if row is None:
            raise NotFoundError("there is no such concern", hint=FORGOTTEN)
        return self._concern_of(row)

    def concerns(self) -> tuple[ReportedConcern, ...]:
        """All concerns, oldest first, answered ones too."""
        rows = self._connection.execute(select(tables.concerns)).all()
        return tuple(sorted((self._concern_of(row) for row in rows), key=lambda each: (each.reported, each.id)))

    def concerns_of(self, review: ReviewId) -> tuple[ReportedConcern, ...]:
        """What was reported in a review, oldest first."""
        found = [self._concern_of(row) for row in self._rows(tables.concerns.c.review, review)]
        return tuple(sorted(found, key=lambda each: (each.reported, each.id)))

    def _review_row(self, review: ReviewId) -> Row[Any]:
        row = self._row(tables.reviews.c.id, review)
        if row is None:
            raise NotFoundError("there is no such review", hint=FORGOTTEN)
        return row

    def _review_of(self, row: Row[Any]) -> Review:
        return review_in(row.id, row.subject, self._vault.root.open(tables.reviews.c.sealed, row.id, row.sealed))

    def _reviewer_of(self, row: Row[Any]) -> Reviewer:
        return reviewer_in(self._vault.root.open(tables.reviewers.c.sealed, row.id, row.sealed))

    def _concern_of(self, row: Row[Any]) -> ReportedConcern:
        return concern_in(row.id, row.review, self._vault.root.open(tables.concerns.c.sealed, row.id, row.sealed))


def _words_of(row: Row[Any], cells: Cells) -> ReviewWords:
    record = cells.open(tables.review_words.c.sealed, row.id, row.sealed)
    kind, written = WordsKind(record["kind"]), read_time(record["written"])
    return ReviewWords(row.id, ReviewId(record["review"]), kind, record["text"], written)

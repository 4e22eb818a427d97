"""What is said in reviews: by the person whom one is about, and by reviewers to the officer.

Invariants: a text is plain and of bounded length; a concern is answered once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import ReviewId
from facekeep.domain.subject import is_text
from facekeep.errors import UsageError

__all__ = [
    "WORDS_MAX",
    "Concern",
    "ConcernId",
    "ReportedConcern",
    "ReviewWords",
    "ReviewWordsId",
    "WordsKind",
    "checked_words",
]

ConcernId = NewType("ConcernId", bytes)
ReviewWordsId = NewType("ReviewWordsId", bytes)

WORDS_MAX: Final = 2000
"""Characters of a statement, an appeal, a concern or its answer."""


class Concern(StrEnum):
    """What a reviewer reports to the officer."""

    HARM = "harm"
    MINOR = "minor"
    DEATH = "death"


class WordsKind(StrEnum):
    """What a person says in a review of their own."""

    STATEMENT = "statement"
    APPEAL = "appeal"


@dataclass(frozen=True, slots=True)
class ReportedConcern:
    """What a reviewer reported, and what the officer answered.

    Attributes:
        id: 16 random bytes.
        review: about which.
        concern: what.
        text: in the reviewer's words, "" for none.
        reporter: account.
        reported: when, with time zone.
        officer: account that answered, or None.
        answer: what was done, "" before.
        answered: when, or None.
    """

    id: ConcernId
    review: ReviewId
    concern: Concern
    text: str = field(repr=False)
    reporter: AccountId
    reported: datetime
    officer: AccountId | None = None
    answer: str = field(default="", repr=False)
    answered: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether no officer has answered it yet."""
        return self.answered is None


@dataclass(frozen=True, slots=True)
class ReviewWords:
    """What a person said in a review of their own.

    Attributes:
        id: 16 random bytes.
        review: in which.
        kind: what it is.
        text: in the person's own words.
        written: when, with time zone.
    """

    id: ReviewWordsId
    review: ReviewId
    kind: WordsKind
    text: str = field(repr=False)
    written: datetime


def checked_words(text: str, *, needed: bool = True) -> str:
    """A text that somebody wrote, without spaces around it.

    Raises:
        UsageError: it is empty where one is needed, too long, or cannot be written.
    """
    text = text.strip()
    if not is_text(text, WORDS_MAX) or (needed and not text):
        raise UsageError(f"what is said has 1 to {WORDS_MAX} characters")
    return text

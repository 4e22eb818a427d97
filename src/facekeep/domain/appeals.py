"""Appeals: what a data subject objects to, and what a person answered.

Invariants: an appeal is answered once, by a person, and never changes after; its texts are plain and of bounded length.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from facekeep.domain.subject import SubjectId, is_text
from facekeep.errors import UsageError

__all__ = ["APPEAL_ID_BYTES", "APPEAL_TEXT_MAX", "Appeal", "AppealAnswer", "AppealId", "AppealKind", "checked_text"]

AppealId = NewType("AppealId", bytes)

APPEAL_ID_BYTES: Final = 16
APPEAL_TEXT_MAX: Final = 2000


class AppealKind(StrEnum):
    """What somebody says."""

    NOT_ME = "not-me"
    """Whoever was searched for, compared or returned there was somebody else."""
    APPEAL = "appeal"
    """That was not right, or should not have been decided so."""


@dataclass(frozen=True, slots=True)
class AppealAnswer:
    """What a person decided.

    Attributes:
        upheld: whether the appeal was right.
        text: why, to the data subject.
        answered: when, with time zone.
        reviewer: who, as operators are called.
    """

    upheld: bool
    text: str = field(repr=False)
    answered: datetime
    reviewer: str


@dataclass(frozen=True, slots=True)
class Appeal:
    """What a data subject objects to.

    Attributes:
        id: 16 random bytes.
        subject: whose.
        kind: what is said.
        about: leaf of the entry of the ledger that it is about; None for none in particular.
        text: in the person's own words, "" for none.
        filed: when, with time zone.
        filed_by: who wrote it down for the person, as operators are called; "" if the person did.
        answer: of a person; None while it is open.
    """

    id: AppealId
    subject: SubjectId
    kind: AppealKind
    about: int | None
    text: str = field(repr=False)
    filed: datetime
    filed_by: str = ""
    answer: AppealAnswer | None = None

    def __post_init__(self) -> None:
        if len(self.id) != APPEAL_ID_BYTES:
            raise ValueError(f"an appeal's identifier has {APPEAL_ID_BYTES} bytes")


def checked_text(text: str) -> str:
    """A text of an appeal or of its answer, without spaces around it.

    Raises:
        UsageError: it is too long, or cannot be written.
    """
    text = text.strip()
    if not is_text(text, APPEAL_TEXT_MAX):
        raise UsageError(f"what is said has at most {APPEAL_TEXT_MAX} characters")
    return text

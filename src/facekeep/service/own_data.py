"""All that a keep holds of one person, as that person gets it (GDPR articles 15 and 20).

What is held is written as it is: each record with all its fields, under the names that the program has for them, so
that a field that is added to a record is given out too. A template is not: it lies in the halves as two random numbers,
neither of which is of the person, and nobody puts them together, not even to give it out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from facekeep.domain.accounts import Account, Invitation, Passkey, Session
from facekeep.domain.appeals import Appeal
from facekeep.domain.capture_session import CaptureOutcome
from facekeep.domain.consent import Consent, Notice
from facekeep.domain.ledger import LedgerEntry, written
from facekeep.domain.review import (
    Decision,
    Review,
    ReviewId,
    ReviewKind,
    ReviewPicture,
    ReviewReason,
    ReviewState,
    ReviewView,
)
from facekeep.domain.review_words import (
    ReviewWords,
)
from facekeep.domain.subject import DataSubject, Reference
from facekeep.domain.webhooks import Event
from facekeep.service.answers import Access

__all__ = ["FORMAT", "OwnAccount", "OwnData", "OwnEntry", "OwnReviewRecord"]

FORMAT: Final = "facekeep-own-1"


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """An account of a person, and how it signs in."""

    account: Account
    passkeys: tuple[Passkey, ...]
    identities: tuple[tuple[str, str], ...] = field(repr=False)
    sessions: tuple[Session, ...]
    invitations: tuple[Invitation, ...]


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """An entry of the ledger about a person."""

    leaf: int
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class OwnReviewRecord:
    """A review about a person, as the person gets it.

    Left out is what is of others, or would tell what nobody is told: who filed it, who stepped aside, what each vote
    was, and what a comparison said that nobody decided by.

    Attributes:
        views: when the face was shown, why, and the account that it was shown to.
        measured: whether it only measured how well people decide, by what was known before, and says nothing of the
            person; told once it is over.
        capture: identifier of the capture session, "" of none.
        outcome: what the capture came to by it, or None.
    """

    id: ReviewId
    kind: ReviewKind
    reasons: tuple[ReviewReason, ...]
    state: ReviewState
    round: int
    created: datetime
    deadline: datetime
    pictures: tuple[ReviewPicture, ...]
    views: tuple[ReviewView, ...]
    decision: Decision | None
    decided: datetime | None
    before: Decision | None
    destroyed: datetime | None
    measured: bool
    capture: str
    outcome: CaptureOutcome | None

    @classmethod
    def of(cls, review: Review) -> OwnReviewRecord:
        """What the person gets of a review."""
        names = [each.name for each in fields(cls) if each.name not in ("capture", "outcome")]
        same = {name: getattr(review, name) for name in names}
        capture = review.capture
        return cls(
            **same,
            capture="" if capture is None else capture.session,
            outcome=None if capture is None else capture.outcome,
        )


@dataclass(frozen=True, slots=True)
class OwnData:
    """All that is held of a person.

    Attributes:
        made: when this was put together.
        keep: identifier of the keep, 32 hexadecimal digits.
        subject: the person.
        references: the records of the references; their templates are in the halves.
        consents: all, withdrawn ones too.
        notices: those that the consents name.
        never_returned: since when nobody may find the person, or None.
        appeals: what the person objected to.
        reviews: what people decided about the person.
        review_words: what the person said in reviews.
        accounts: by which the person signs in.
        messages: events about the person that wait to be told to webhooks.
        answers: requests about the person whose answers are kept for a day, in case they are sent again.
        accesses: who asked about the person.
        entries: all that the ledger has about the person.
        ledger: the same as a bundle with proofs (docs/spec/ledger.md).
    """

    made: datetime
    keep: str
    subject: DataSubject = field(repr=False)
    references: tuple[Reference, ...]
    consents: tuple[Consent, ...]
    notices: tuple[Notice, ...]
    never_returned: datetime | None
    appeals: tuple[Appeal, ...]
    reviews: tuple[OwnReviewRecord, ...]
    review_words: tuple[ReviewWords, ...]
    accounts: tuple[OwnAccount, ...] = field(repr=False)
    messages: tuple[Event, ...]
    answers: int
    accesses: tuple[Access, ...]
    entries: tuple[OwnEntry, ...]
    ledger: str = field(repr=False)

    def plain(self) -> dict[str, Any]:
        """As values of JSON."""
        return {"format": FORMAT, **_plain(self)}

    def as_json(self) -> str:
        """As JSON, for machines; UTF-8, indented."""
        return json.dumps(self.plain(), ensure_ascii=False, indent=2) + "\n"


def _plain(value: object) -> Any:
    if value is None or isinstance(value, int):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    for kind, write in _WAYS:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} is nothing that is held of a person")


_WAYS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (Enum, lambda value: value.value),
    (str, str),
    (datetime, written),
    (bytes, bytes.hex),
    (Mapping, lambda value: {str(key): _plain(each) for key, each in value.items()}),
    (Set, lambda value: sorted(map(_plain, value))),
    (tuple, lambda value: list(map(_plain, value))),
)

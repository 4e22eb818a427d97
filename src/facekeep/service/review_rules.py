"""Whose a review is, who can open it, and whom the keep tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

from facekeep.domain.accounts import Account, Principal, Role, kind_of
from facekeep.domain.ledger import EntryKind, LedgerEntry, deed
from facekeep.domain.review import EYES, FORGOTTEN, Review, ReviewId, ReviewState
from facekeep.domain.subject import SubjectId, subject_id
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import GoneError, NotFoundError, ReviewConflictError
from facekeep.store.transaction import Transaction
from facekeep.store.view import View

__all__ = [
    "ON_DUTY_MIN",
    "able",
    "check_alive",
    "conflict",
    "every",
    "over",
    "owned",
    "reported",
    "still_allowed",
    "tell_ended",
    "tell_gone",
    "tell_opened",
    "within",
]

ON_DUTY_MIN: Final = 6
"""Reviewers on duty from which nobody else can open evidence: two who decide, a third for when they disagree, and
others for an appeal."""


def owned(view: View, review: str, owner: Principal) -> Review:
    """A review of whoever filed it. To everybody else there is none.

    Raises:
        NotFoundError: there is none.
    """
    found = view.review(_identified(review))
    if (found.owner_kind, found.owner) != (kind_of(owner), owner.id):
        raise _none()
    return found


def within(view: View, review: str, organisation: str) -> Review:
    """A review of an organisation. To everybody else there is none.

    Raises:
        NotFoundError: there is none.
    """
    found = view.review(_identified(review))
    if found.organisation != organisation:
        raise _none()
    return found


def every(view: View, after: ReviewId | None = None) -> Iterator[Review]:
    """All reviews behind an identifier, read by and by."""
    while page := view.reviews(after=after):
        yield from page
        after = page[-1].id


def able(view: View, owner: Principal) -> list[bytes] | None:
    """The public keys that evidence is sealed to; None if there are not two people who could decide.

    Reviewers on duty and officers, of the organisation and not the owner; all reviewers, while few are on duty.
    """
    people = {account.id: account for account in view.accounts() if _may_see(account, owner)}
    known = [reviewer for reviewer in view.reviewers() if reviewer.account in people and reviewer.keys]
    reviewing = [each for each in known if Role.REVIEWER in people[each.account].roles]
    if len(reviewing) < EYES:
        return None
    on_duty = [each for each in reviewing if each.since is not None]
    chosen = on_duty if len(on_duty) >= ON_DUTY_MIN else reviewing
    officers = [each for each in known if Role.OFFICER in people[each.account].roles and each not in chosen]
    return [key.public for each in (*chosen, *officers) for key in each.keys]


def _may_see(account: Account, owner: Principal) -> bool:
    reviews = Role.REVIEWER in account.roles or Role.OFFICER in account.roles
    return reviews and account.organisation == owner.organisation and account.id != owner.id


def check_alive(review: Review, now: datetime) -> None:
    """See to it that there is still evidence.

    Raises:
        GoneError: its time is over, or it was destroyed before.
    """
    if review.state is ReviewState.EXPIRED and review.destroyed is not None and review.destroyed < review.deadline:
        raise GoneError(
            "the evidence of this review was lost", hint="It is in no backup. Have the person captured, or ask, again."
        )
    if review.destroyed is not None or review.deadline <= now:
        raise GoneError("the evidence of this review was destroyed")


def reported(view: View, review: Review) -> bool:
    """Whether something was reported in a review that an officer has yet to answer."""
    return any(concern.waits for concern in view.concerns_of(review.id))


def still_allowed(view: View, review: Review) -> bool:
    """Whether what its capture was for is still on, for everybody and, where it is about somebody, by that person."""
    if review.capture is None:
        return True
    if review.subject is None:
        return view.switches()[review.capture.purpose]
    return review.capture.purpose in view.allowed_purposes(review.subject)


def conflict(message: str, hint: str | None = None) -> ReviewConflictError:
    """The error of somebody who cannot do that in this review."""
    return ReviewConflictError(message, hint=hint)


def tell_opened(tx: Transaction, review: Review, now: datetime) -> None:
    """Record that people were asked, and tell whoever wants to know.

    What only measures reviewers is recorded and told as everything else: it could be told apart by what is missing.
    """
    name, reasons = review.id.hex(), " ".join(review.reasons)
    entry = deed(EntryKind.REVIEW_OPENED, now, "", review=name, question=review.kind.value, reasons=reasons)
    tx.record([entry], review.subject)
    tx.tell(Event(EventKind.REVIEW_OPENED, now, {"review": name, "reasons": reasons}), review.organisation)
    if review.urgent:
        tx.tell(Event(EventKind.REVIEW_URGENT, now, {"review": name, "reasons": reasons}), review.organisation)


def tell_ended(tx: Transaction, review: Review, now: datetime) -> None:
    """Tell whoever wants to know what people decided, and what the capture came to. See :func:`tell_opened`."""
    about = {"review": review.id.hex(), "outcome": _told(review)}
    capture = review.capture
    if capture is not None:
        about["capture"] = capture.session
    tx.tell(Event(EventKind.REVIEW_DECIDED, now, about), review.organisation)
    if capture is not None and capture.outcome is not None:
        reasons = " ".join(capture.outcome_reasons)
        facts = {"capture": capture.session, "outcome": capture.outcome.value, "reasons": reasons}
        tx.tell(Event(EventKind.CAPTURE_FINISHED, now, facts), review.organisation)


def tell_gone(tx: Transaction, subject: SubjectId, now: datetime) -> None:
    """Tell whoever was called to look that what they were called for is about to go with the person."""
    for review in tx.reviews_of(subject):
        called = review.urgent and review.state is ReviewState.OPEN
        if called or reported(tx, review):
            capture = None if review.capture is None else replace(review.capture, outcome=None, outcome_reasons=())
            gone = replace(review, state=ReviewState.WITHDRAWN, decision=None, decided=None, capture=capture)
            tell_ended(tx, gone, now)


def over(review: Review, now: datetime, **why: str) -> LedgerEntry:
    """The entry of a review that ended without a decision."""
    return deed(EntryKind.REVIEW_DECIDED, now, "", review=review.id.hex(), state=review.state.value, **why)


def _told(review: Review) -> str:
    return review.state.value if review.decision is None else review.decision.value


def _identified(review: str) -> ReviewId:
    identifier = subject_id(review)  # every identifier is written in the same way
    if identifier is None:
        raise _none()
    return ReviewId(identifier)


def _none() -> NotFoundError:
    return NotFoundError("there is no such review", hint=FORGOTTEN)

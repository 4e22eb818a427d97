"""Letters about events: plain text that tells that there is something to see in the keep, and not what.

Mail is read on its way and where it lies, by its servers and by whoever has the mailbox: a letter has identifiers that
mean nothing elsewhere, and no name, outcome, reason, purpose or picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from facekeep.domain.webhooks import Event, EventKind

__all__ = ["SENTENCES", "letter"]

SENTENCES: Final[Mapping[EventKind, tuple[str, str]]] = {
    EventKind.CAPTURE_ESCALATED: (
        "somebody has to look at once",
        "A capture ended with a sign that somebody may be in need of help. Look at once.",
    ),
    EventKind.CAPTURE_FINISHED: ("a capture is over", "A capture is over."),
    EventKind.SUBJECT_ENROLLED: ("somebody was enrolled", "Somebody new was enrolled."),
    EventKind.SUBJECT_ERASED: ("somebody was erased", "Somebody was erased."),
    EventKind.REFERENCES_ADDED: ("references were added", "Somebody who was known got further references."),
    EventKind.REFERENCE_REMOVED: ("a reference was removed", "Somebody lost one reference."),
    EventKind.CONSENT_GIVEN: ("a consent was given", "Somebody consented to a purpose."),
    EventKind.CONSENT_WITHDRAWN: ("a consent was withdrawn", "Somebody withdrew a consent."),
    EventKind.APPEAL_FILED: ("somebody objected", "Somebody objected to something. A person has to answer."),
    EventKind.REVIEW_OPENED: ("a review is open", "A person has to look at something."),
    EventKind.REVIEW_URGENT: (
        "a review is urgent",
        "A person has to look at something at once: somebody may be in need of help.",
    ),
    EventKind.REVIEW_CONCERN: (
        "a reviewer reported a concern",
        "A reviewer reported a concern about somebody. An officer has to look at once.",
    ),
    EventKind.REVIEW_DECIDED: ("a review is over", "A review is over. Nobody has to look any more."),
    EventKind.CASE_OPENED: ("a case was opened", "A case was opened."),
    EventKind.CASE_CLOSED: ("a case was closed", "A case was closed before its time."),
}
"""Of each kind of event the subject of a letter, and what it says."""

_NAMED: Final = ("review", "capture", "case", "subject")
_ENDING: Final = (
    "Facekeep sends this to whoever its operators named. The letter says nothing of anybody: look in the keep."
)


def letter(event: Event, identifier: str, sent: datetime, *, sender: str, to: str, origin: str = "") -> EmailMessage:
    """A letter about an event.

    Args:
        event: what happened.
        identifier: random, the same at every attempt, so that a mailbox can tell what came twice.
        sent: when, with time zone.
        sender: one address of mail.
        to: one address of mail.
        origin: where people sign in at the keep, "" if nowhere.

    Raises:
        ValueError: an address would be more than one, or more than an address.
    """
    subject, sentence = SENTENCES[event.kind]
    made = EmailMessage(policy=SMTP)
    made["From"] = Address("Facekeep", addr_spec=sender)
    made["To"] = Address(addr_spec=to)
    made["Subject"] = f"Facekeep: {subject}"
    made["Date"] = format_datetime(sent)
    made["Message-ID"] = f"<{identifier}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    facts = [f"What: {event.kind}", f"When: {event.time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"]
    facts += [f"{name.capitalize()}: {event.about[name]}" for name in _NAMED if name in event.about]
    link = [f"{origin}/review/{event.about['review']}"] if origin and "review" in event.about else []
    made.set_content("\n\n".join([sentence, "\n".join(facts), *link, _ENDING]) + "\n", cte="7bit")
    return made

"""Events that others are told of, the endpoints that are told, and how a message is signed.

Invariants: an event names people, references and cases by random identifiers, and holds nothing else of them; a message
is signed with the secret of its endpoint over its identifier, the time of sending and its body, as Standard Webhooks 1
has it (https://www.standardwebhooks.com); what goes by mail is not. An endpoint is told of what is of its organisation.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

WebhookId = NewType("WebhookId", bytes)
DeliveryId = NewType("DeliveryId", bytes)

WEBHOOK_ID_BYTES = 16
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with


class EventKind(StrEnum):
    """What happened."""

    CAPTURE_ESCALATED = "capture.escalated"
    """A capture showed no signs of life, or eyes closed throughout: somebody has to look at once."""
    CAPTURE_FINISHED = "capture.finished"
    """A capture is over, in whatever way."""
    SUBJECT_ENROLLED = "subject.enrolled"
    """Somebody new was enrolled."""
    SUBJECT_ERASED = "subject.erased"
    """Somebody was erased; the identifier means nothing any more."""
    REFERENCES_ADDED = "references.added"
    """Somebody who was known got further references."""
    REFERENCE_REMOVED = "reference.removed"
    """Somebody lost one reference."""
    CONSENT_GIVEN = "consent.given"
    """Somebody consented to a purpose."""
    CONSENT_WITHDRAWN = "consent.withdrawn"
    """Somebody withdrew a consent."""
    APPEAL_FILED = "appeal.filed"
    """Somebody objected to something: a person has to answer."""
    REVIEW_OPENED = "review.opened"
    """A person has to look at something."""
    REVIEW_URGENT = "review.urgent"
    """A person has to look at something at once: somebody may be in need of help."""
    REVIEW_CONCERN = "review.concern"
    """A reviewer reported a concern about somebody; of what kind, officers alone are told."""
    REVIEW_DECIDED = "review.decided"
    """A review is over: decided, expired, taken back, or gone with the person."""
    CASE_OPENED = "case.opened"
    """A case was opened."""
    CASE_CLOSED = "case.closed"
    """A case was closed before its time."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: what.
        time: when, with time zone.
        about: ``subject``, ``case``, ``capture``, ``review`` as identifiers of 32 hexadecimal digits; ``purpose``,
            ``outcome``, ``reasons`` (separated by spaces).
    """

    kind: EventKind
    time: datetime
    about: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint that is told.

    Attributes:
        id: 16 random bytes.
        url: where it is: ``https:``, or ``mailto:`` and one address.
        events: of which kinds.
        created: when, with time zone.
        secret: 32 bytes, which sign what is sent.
        failures: attempts in a row that failed.
        retry_at: when the next attempt may be made, None for now.
        disabled: since when nothing is sent any more, None while it is.
        delivered: messages that were taken, ever.
        dropped: messages that were given up, ever.
        organisation: of whoever added it, "" for the keep's own. It is told of what is of that organisation.
    """

    id: WebhookId
    url: str = field(repr=False)
    events: frozenset[EventKind]
    created: datetime
    secret: bytes = field(repr=False)
    failures: int = 0
    retry_at: datetime | None = None
    disabled: datetime | None = None
    delivered: int = 0
    dropped: int = 0
    organisation: str = field(default="", repr=False)

    def wants(self, event: Event, organisation: str | None = None) -> bool:
        """Whether it is told of an event of an organisation; without one, of an event of the keep's own."""
        return event.kind in self.events and self.organisation == (organisation or "")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that waits; ``id`` is of this message to this endpoint, the same at every attempt."""

    id: DeliveryId
    webhook: WebhookId
    event: Event

    def body(self) -> bytes:
        """What is sent, UTF-8; the same at every attempt."""
        time = self.event.time.isoformat().replace("+00:00", "Z")
        document = {"type": self.event.kind.value, "timestamp": time, "data": dict(self.event.about)}
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def event_of(body: bytes) -> Event:
    """The event that a message tells of, from :meth:`Delivery.body`."""
    document = json.loads(body)
    return Event(EventKind(document["type"]), datetime.fromisoformat(document["timestamp"]), document["data"])


def shown_secret(secret: bytes) -> str:
    """A secret as its owner is shown it, once."""
    return SECRET_PREFIX + base64.b64encode(secret).decode()


def signature(secret: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """The signature of a message.

    Args:
        secret: of the endpoint.
        identifier: of the message.
        timestamp: of the attempt, seconds since 1970.
        body: as it is sent.
    """
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def headers_of(secret: bytes, delivery: Delivery, timestamp: int) -> dict[str, str]:
    """What an attempt carries beside its body."""
    identifier = delivery.id.hex()
    return {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, identifier, timestamp, delivery.body()),
    }

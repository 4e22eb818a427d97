"""Endpoints that are told of events, and what waits for them, written in one transaction.

A message is recorded in the transaction of what it tells of: either both are there after a crash, or neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import delete, insert, update

from facekeep.domain.webhooks import (
    SECRET_BYTES,
    WEBHOOK_ID_BYTES,
    Delivery,
    DeliveryId,
    Event,
    EventKind,
    Webhook,
    WebhookId,
)
from facekeep.store import tables
from facekeep.store.records import Value, write_time
from facekeep.store.webhook_reading import WebhookReading

__all__ = ["WAITING_MAX", "WebhookWriting"]

WAITING_MAX: Final = 10_000
"""Messages that wait for one endpoint; with one more it is disabled, so that a dead one does not fill the disk."""

_DELIVERY_ID_BYTES = 16


class WebhookWriting(WebhookReading):
    """The part of a transaction that is about webhooks. Times are passed in, with time zone."""

    scrub: bool

    told = False
    """Whether a message was recorded, so that somebody should send it after the commit."""

    def add_webhook(self, url: str, events: Iterable[EventKind], created: datetime, organisation: str = "") -> Webhook:
        """Record an endpoint of an organisation, "" for the keep's own, with a fresh secret."""
        identifier = WebhookId(os.urandom(WEBHOOK_ID_BYTES))
        secret = os.urandom(SECRET_BYTES)
        webhook = Webhook(identifier, url, frozenset(events), created, secret, organisation=organisation)
        self._connection.execute(insert(tables.webhooks).values(id=webhook.id, sealed=self._sealed_webhook(webhook)))
        return webhook

    def change_webhook(self, webhook: Webhook) -> None:
        """Record how an endpoint is now. Nothing happens if there is none any more."""
        where = tables.webhooks.c.id == webhook.id
        sealed = self._sealed_webhook(webhook)
        self._connection.execute(update(tables.webhooks).where(where).values(sealed=sealed))

    def remove_webhook(self, webhook: WebhookId) -> None:
        """Forget an endpoint and what waits for it.

        Raises:
            NotFoundError: there is none.
        """
        self.webhook(webhook)
        self._connection.execute(delete(tables.webhooks).where(tables.webhooks.c.id == webhook))
        self.scrub = True

    def tell(self, event: Event, organisation: str | None = None) -> None:
        """Record a message about an event for each endpoint of an organisation that wants to be told of its kind.

        Args:
            event: what happened.
            organisation: whose it is. Without one it is the keep's own, as people and cases are.
        """
        for webhook in self.webhooks():
            if webhook.disabled is not None or not webhook.wants(event, organisation):
                continue
            waiting = self.waiting(webhook.id)
            if waiting >= WAITING_MAX:
                self.disable_webhook(webhook, event.time, dropped=1)
                continue
            identifier = DeliveryId(os.urandom(_DELIVERY_ID_BYTES))
            about = sorted(event.about.items())
            record: dict[str, Value] = {"kind": event.kind.value, "time": write_time(event.time), "about": about}
            sealed = self._vault.root.seal(tables.deliveries.c.sealed, identifier, record)
            row = {"id": identifier, "webhook": webhook.id, "sealed": sealed}
            self._connection.execute(insert(tables.deliveries).values(row))
            self.told = True

    def end_delivery(self, delivery: Delivery) -> bool:
        """Forget a message that was taken, or given up; tells whether it was there."""
        where = tables.deliveries.c.id == delivery.id
        return bool(self._connection.execute(delete(tables.deliveries).where(where)).rowcount)

    def disable_webhook(self, webhook: Webhook, when: datetime, *, dropped: int = 0) -> None:
        """Send nothing to an endpoint any more, and forget what waits for it.

        Args:
            webhook: as it is now.
            when: now.
            dropped: messages that were given up beside those that wait.
        """
        lost = webhook.dropped + dropped + self.waiting(webhook.id)
        self._connection.execute(delete(tables.deliveries).where(tables.deliveries.c.webhook == webhook.id))
        self.change_webhook(replace(webhook, disabled=when, retry_at=None, dropped=lost))

    def _sealed_webhook(self, webhook: Webhook) -> bytes:
        record: dict[str, Value] = {
            "url": webhook.url,
            "events": sorted(kind.value for kind in webhook.events),
            "created": write_time(webhook.created),
            "secret": webhook.secret,
            "failures": webhook.failures,
            "retry_at": None if webhook.retry_at is None else write_time(webhook.retry_at),
            "disabled": None if webhook.disabled is None else write_time(webhook.disabled),
            "delivered": webhook.delivered,
            "dropped": webhook.dropped,
            "organisation": webhook.organisation,
        }
        return self._vault.root.seal(tables.webhooks.c.sealed, webhook.id, record)

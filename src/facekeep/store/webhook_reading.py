"""Endpoints that are told of events, and what waits for them, read in one snapshot."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, select

from facekeep.domain.webhooks import Delivery, Event, EventKind, Webhook, WebhookId
from facekeep.errors import NotFoundError
from facekeep.store import tables
from facekeep.store.records import read_time
from facekeep.store.snapshot import Snapshot

__all__ = ["WebhookReading"]


class WebhookReading(Snapshot):
    """The part of a view that is about webhooks."""

    def webhooks(self) -> tuple[Webhook, ...]:
        """All endpoints, oldest first."""
        found = (self._webhook_of(row) for row in self._connection.execute(select(tables.webhooks)).all())
        return tuple(sorted(found, key=lambda webhook: (webhook.created, webhook.id)))

    def webhook(self, webhook: WebhookId) -> Webhook:
        """The endpoint of this identifier.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        row = self._row(tables.webhooks.c.id, webhook)
        if row is None:
            raise NotFoundError("there is no such webhook", hint="List them: facekeep webhook list.")
        return self._webhook_of(row)

    def waiting(self, webhook: WebhookId) -> int:
        """How many messages wait for an endpoint."""
        counted = select(func.count()).select_from(tables.deliveries).where(tables.deliveries.c.webhook == webhook)
        return self._connection.execute(counted).scalar_one()

    def deliveries(self, webhook: WebhookId) -> tuple[Delivery, ...]:
        """What waits for an endpoint, oldest event first."""
        found = (self._delivery_of(row) for row in self._rows(tables.deliveries.c.webhook, webhook))
        return tuple(sorted(found, key=lambda delivery: (delivery.event.time, delivery.id)))

    def _webhook_of(self, row: Row[Any]) -> Webhook:
        record = self._vault.root.open(tables.webhooks.c.sealed, row.id, row.sealed)
        retry, disabled = (record[name] for name in ("retry_at", "disabled"))
        return Webhook(
            id=row.id,
            url=record["url"],
            events=frozenset(EventKind(kind) for kind in record["events"]),
            created=read_time(record["created"]),
            secret=record["secret"],
            failures=record["failures"],
            retry_at=None if retry is None else read_time(retry),
            disabled=None if disabled is None else read_time(disabled),
            delivered=record["delivered"],
            dropped=record["dropped"],
            organisation=record.get("organisation", ""),  # records of before there were organisations have none
        )

    def _delivery_of(self, row: Row[Any]) -> Delivery:
        record = self._vault.root.open(tables.deliveries.c.sealed, row.id, row.sealed)
        event = Event(EventKind(record["kind"]), read_time(record["time"]), dict(record["about"]))
        return Delivery(row.id, row.webhook, event)

"""Webhooks: endpoints elsewhere that are told of events, at least once, in order, without holding anybody up.

Messages lie in the registry until they are taken. An endpoint that does not take one is asked again after a while that
doubles each time, drawn at random so that many do not come back together; meanwhile what comes later waits behind it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.webhooks import Delivery, EventKind, Webhook, WebhookId, headers_of
from facekeep.errors import FacekeepError, NotFoundError, UnavailableError, UsageError
from facekeep.service.endpoints import check_url
from facekeep.store.registry import Registry
from facekeep.store.view import View

__all__ = ["FAILURES_MAX", "KEPT_FOR", "Courier", "Outcome", "Post", "WebhookService", "WebhookStatus"]

FAILURES_MAX: Final = 16
"""Attempts in a row that fail before an endpoint is disabled: the waits between them are 11 to 22 hours together."""

KEPT_FOR: Final = timedelta(days=1)
"""A message that is older when an attempt fails is given up."""

_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(hours=4)
_WEBHOOKS_MAX: Final = 50
_RANDOM: Final = random.SystemRandom()
_GONE: Final = 410


class Outcome(StrEnum):
    """What became of an attempt, or of a message."""

    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """An endpoint, and how many messages wait for it."""

    webhook: Webhook
    waiting: int


class Post(Protocol):
    """Sends a message to an endpoint."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer; redirects are answers. 200 for a letter that a mail server took.

        Raises:
            UnavailableError: no answer came, the endpoint may not be reached from here, or a mail server refused.
        """


class WebhookService:
    """Endpoints and what waits for them. The caller holds the keep's lock."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def add(
        self,
        url: str,
        events: Iterable[EventKind],
        now: datetime,
        by: str = "",
        *,
        private: bool,
        mail: bool = False,
        organisation: str = "",
    ) -> Webhook:
        """Record an endpoint; in the ledger without its address.

        Args:
            url: its address.
            events: of which kinds it is told.
            now: the time.
            by: the pseudonym of who asks.
            private: whether it may be in this network, or on this machine.
            mail: whether mail can be sent.
            organisation: whose it is, "" for the keep's own.

        Raises:
            UsageError: its address does not fit, it wants to be told of nothing, or there are too many.
        """
        check_url(url, private=private, mail=mail)
        kinds = frozenset(events)
        if not kinds:
            raise UsageError("a webhook is told of at least one kind of event", hint=f"Kinds: {', '.join(EventKind)}.")
        with self._registry.transaction() as tx:
            if len(tx.webhooks()) >= _WEBHOOKS_MAX:
                raise UsageError(f"a keep has at most {_WEBHOOKS_MAX} webhooks", hint="Remove one first.")
            made = tx.add_webhook(url, kinds, now, organisation)
            facts = {"webhook": made.id.hex(), "events": " ".join(sorted(kinds))}
            tx.record([deed(EntryKind.WEBHOOK_ADDED, now, by, **facts)])
            return made

    def statuses(self, organisation: str | None = None) -> tuple[WebhookStatus, ...]:
        """All endpoints, or those of an organisation; oldest first."""
        with self._registry.read() as view:
            return tuple(
                WebhookStatus(webhook, view.waiting(webhook.id))
                for webhook in view.webhooks()
                if organisation is None or webhook.organisation == organisation
            )

    def status(self, webhook: str, organisation: str | None = None) -> WebhookStatus:
        """One endpoint.

        Args:
            webhook: its identifier, 32 hexadecimal digits.
            organisation: of which it has to be; None for any.

        Raises:
            NotFoundError: there is none.
        """
        with self._registry.read() as view:
            found = _found(view, webhook, organisation)
            return WebhookStatus(found, view.waiting(found.id))

    def remove(self, webhook: str, now: datetime, by: str = "", organisation: str | None = None) -> None:
        """Forget an endpoint and what waits for it.

        Args:
            webhook: its identifier, 32 hexadecimal digits.
            now: the time.
            by: the pseudonym of who asks.
            organisation: of which it has to be; None for any.

        Raises:
            NotFoundError: there is none.
        """
        with self._registry.transaction() as tx:
            tx.remove_webhook(_found(tx, webhook, organisation).id)
            tx.record([deed(EntryKind.WEBHOOK_REMOVED, now, by, webhook=webhook)])

    def deliveries(self, webhook: WebhookId) -> tuple[Delivery, ...]:
        """What waits for an endpoint, oldest first."""
        with self._registry.read() as view:
            return view.deliveries(webhook)

    def delivered(self, delivery: Delivery) -> None:
        """Record that a message was taken."""
        with self._registry.transaction() as tx:
            if tx.end_delivery(delivery):
                before = tx.webhook(delivery.webhook)
                tx.change_webhook(replace(before, failures=0, retry_at=None, delivered=before.delivered + 1))

    def failed(self, webhook: WebhookId, now: datetime, *, jitter: float, gone: bool) -> int:
        """Record that an attempt failed; gives how many messages were given up.

        Args:
            webhook: the endpoint.
            now: the time.
            jitter: 0 to 1, where in its range the wait lies.
            gone: whether the endpoint said that it will never be there again.
        """
        with self._registry.transaction() as tx:
            before = tx.webhook(webhook)
            failures = before.failures + 1
            if gone or failures >= FAILURES_MAX:
                tx.disable_webhook(replace(before, failures=failures), now)
                return tx.webhook(webhook).dropped - before.dropped
            old = [waiting for waiting in tx.deliveries(webhook) if waiting.event.time < now - KEPT_FOR]
            for waiting in old:
                tx.end_delivery(waiting)
            longest = min(_FIRST_WAIT * 2 ** (failures - 1), _LONGEST_WAIT)
            retry = now + longest * (0.5 + jitter / 2)
            dropped = before.dropped + len(old)
            tx.change_webhook(replace(before, failures=failures, retry_at=retry, dropped=dropped))
            return len(old)


def _found(view: View, webhook: str, organisation: str | None) -> Webhook:
    none = NotFoundError("there is no such webhook", hint="List them: facekeep webhook list.")
    try:
        identifier = WebhookId(bytes.fromhex(webhook))
    except ValueError:
        raise none from None
    found = view.webhook(identifier)
    if organisation is not None and found.organisation != organisation:
        raise none
    return found


class Outbox(Protocol):
    """What a courier needs of a keep."""

    def webhooks(self) -> tuple[WebhookStatus, ...]:
        """All endpoints."""

    def webhook(self, webhook: str) -> WebhookStatus:
        """One endpoint by its identifier.

        Raises:
            NotFoundError: there is none any more.
        """

    def waiting_deliveries(self, webhook: WebhookId) -> tuple[Delivery, ...]:
        """What waits for one, oldest first."""

    def delivery_taken(self, delivery: Delivery) -> None:
        """A message was taken."""

    def delivery_failed(self, webhook: WebhookId, *, jitter: float, gone: bool) -> int:
        """An attempt failed; gives how many messages were given up."""

    def watch_events(self, told: Callable[[], None]) -> None:
        """Have somebody told when messages were recorded."""


class Courier:
    """Sends what waits. Each endpoint is served on a thread of its own, its messages one after the other.

    No endpoint waits for another, however slow that one is: there is a thread for as many as a keep may have.
    """

    def __init__(
        self,
        outbox: Outbox,
        post: Post,
        clock: Callable[[], datetime],
        told: Callable[[Outcome, int], None] = lambda *_: None,
        jitter: Callable[[], float] = _RANDOM.random,
        *,
        unmeant: Callable[[Exception], None] = lambda _: None,
        cut: Callable[[], None] = lambda: None,
    ) -> None:
        """Be ready.

        Args:
            outbox: where messages wait.
            post: how they are sent.
            clock: the time.
            told: is told what became of attempts and messages.
            jitter: draws from 0 to 1, where in its range each wait lies.
            unmeant: is told of an error that nobody meant, which counts as a failed attempt.
            cut: ends the attempts that are under way; what they sent, or not, is sent again another time.
        """
        self._unmeant = unmeant
        self._outbox = outbox
        self._post = post
        self._clock = clock
        self._told = told
        self._jitter = jitter
        self._cut = cut
        self._woken = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._served: set[WebhookId] = set()
        self._resting: dict[WebhookId, datetime] = {}
        outbox.watch_events(self._woken.set)

    def round(self) -> datetime | None:
        """Send what is due and wait for it; gives when something is due again, None if nothing waits."""
        with self._lock:
            self._resting.clear()
        with self._threads() as threads:
            sent, _ = self._begin(threads, self._clock())
            for one in sent:
                one.result()
        return min(self._waiting(self._clock()).values(), default=None)

    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_WEBHOOKS_MAX, thread_name_prefix="facekeep-courier")

    def _waiting(self, now: datetime) -> dict[Webhook, datetime]:
        """When each endpoint is due for which something waits, but for those that are being served."""
        with self._lock:  # before the registry is read: who is served until then has been recorded there
            served = frozenset(self._served)
            self._resting = {webhook: until for webhook, until in self._resting.items() if until > now}
            resting = dict(self._resting)
        return {
            status.webhook: max(status.webhook.retry_at or now, resting.get(status.webhook.id, now))
            for status in self._outbox.webhooks()
            if status.waiting and status.webhook.disabled is None and status.webhook.id not in served
        }

    def _begin(self, threads: ThreadPoolExecutor, now: datetime) -> tuple[list[Future[None]], datetime | None]:
        """Begin to serve what is due; gives when another endpoint is. Whoever has been served wakes for a new look."""
        times = self._waiting(now)
        due = [webhook for webhook, time in times.items() if time <= now]
        with self._lock:
            self._served.update(webhook.id for webhook in due)
        begun = [threads.submit(self._serve_and_tell, webhook) for webhook in due]
        return begun, min((time for time in times.values() if time > now), default=None)

    def _serve_and_tell(self, webhook: Webhook) -> None:
        try:
            self._serve(webhook)
        except Exception as error:
            # What cannot be read or recorded now is tried again, not at once.
            if not isinstance(error, FacekeepError):
                self._unmeant(error)
            with self._lock:
                self._resting[webhook.id] = self._clock() + _FIRST_WAIT
            raise
        finally:
            with self._lock:
                self._served.discard(webhook.id)
            self._woken.set()

    def _serve(self, webhook: Webhook) -> None:
        for delivery in self._outbox.waiting_deliveries(webhook.id):
            if self._ended.is_set() or not self._is_there(webhook.id):
                return
            now = self._clock()
            try:
                headers = headers_of(webhook.secret, delivery, int(now.timestamp()))
                status = self._post(webhook.url, headers, delivery.body())
            except UnavailableError:
                if self._ended.is_set():
                    return  # it was cut short here, which is not the endpoint's failure
                status = 0
            except Exception as error:  # noqa: BLE001 - one endpoint, whatever is wrong with it, must not end the others
                self._unmeant(error)
                status = 0
            if not 200 <= status < 300:
                self._told(Outcome.FAILED, 1)
                given_up = self._given_up(webhook.id, gone=status == _GONE)
                if given_up:
                    self._told(Outcome.DROPPED, given_up)
                return
            self._outbox.delivery_taken(delivery)
            self._told(Outcome.DELIVERED, 1)

    def _is_there(self, webhook: WebhookId) -> bool:
        """Whether an endpoint is still to be told: its messages were read a while ago."""
        try:
            return self._outbox.webhook(webhook.hex()).webhook.disabled is None
        except NotFoundError:
            return False

    def _given_up(self, webhook: WebhookId, *, gone: bool) -> int:
        try:
            return self._outbox.delivery_failed(webhook, jitter=self._jitter(), gone=gone)
        except NotFoundError:
            return 0  # it was removed meanwhile

    def work(self) -> None:
        """Send until :meth:`end`; what cannot be read or recorded now is tried again."""
        with self._threads() as threads:
            while not self._ended.is_set():
                self._woken.clear()
                try:
                    _, due = self._begin(threads, self._clock())
                    wait = None if due is None else max(0.0, (due - self._clock()).total_seconds())
                except FacekeepError:
                    wait = _FIRST_WAIT.total_seconds()
                except Exception as error:  # noqa: BLE001 - told, and tried again: nobody restarts this thread
                    self._unmeant(error)
                    wait = _FIRST_WAIT.total_seconds()
                if not self._ended.is_set():
                    self._woken.wait(wait)

    def end(self) -> None:
        """Stop, and cut short what is being sent: it stays where it waits."""
        self._ended.set()
        self._cut()
        self._woken.set()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Send on threads of its own while the block lasts."""
        thread = threading.Thread(target=self.work, name="facekeep-courier")
        thread.start()
        try:
            yield
        finally:
            self.end()
            thread.join()

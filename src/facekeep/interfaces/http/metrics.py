"""What can be counted of a service without telling of anybody: requests, times, problems, rows, searches that wait."""

from __future__ import annotations

import math
from functools import partial
from typing import Annotated, Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.errors import DamagedStoreError, UnavailableError
from facekeep.interfaces.http.problems import ALWAYS, documented
from facekeep.interfaces.http.security import may
from facekeep.service.keep import Keep
from facekeep.service.stages import Stage
from facekeep.service.webhooks import Outcome

__all__ = ["Metrics", "router"]

router = APIRouter()

_COUNTED_AS: Final = {"POST /v1/reviews/known": "POST /v1/reviews"}
"""Operations that are counted as others: beside the queue, a count of its own would tell which question is known."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The counters of one application, in a registry of their own."""

    def __init__(self, keep: Keep) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "facekeep_request_seconds",
            "Time from a request to the end of its answer.",
            ["operation", "status"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stages = Histogram(
            "facekeep_stage_seconds",
            "Time of a stage of the work; searches that share a pass count it once.",
            ["stage"],
            buckets=(0.001, 0.0025, *_SECONDS),
            registry=self._registry,
        )
        keep.stages.watch(self._ended)
        self._messages = Counter(
            "facekeep_webhook_messages",
            "Messages to webhooks that were taken or given up, and attempts that failed.",
            ["outcome"],
            registry=self._registry,
        )
        self._problems = Counter("facekeep_problems", "Problems told.", ["problem"], registry=self._registry)
        self._refusals = Counter(
            "facekeep_refusals", "Requests refused, by the policy or check.", ["reason"], registry=self._registry
        )
        rows = Gauge("facekeep_references", "References in the keep.", registry=self._registry)
        rows.set_function(partial(_rows, keep))
        people = Gauge("facekeep_people", "Data subjects in the keep, without canaries.", registry=self._registry)
        people.set_function(partial(_people, keep))
        waiting = Gauge("facekeep_searches_waiting", "Searches that wait for a pass.", registry=self._registry)
        waiting.set_function(keep.waiting)
        reviews = Gauge("facekeep_reviews_open", "Reviews that wait for people.", registry=self._registry)
        reviews.set_function(lambda: keep.backlog().open)
        urgent = Gauge("facekeep_reviews_urgent", "Urgent reviews that wait for people.", registry=self._registry)
        urgent.set_function(lambda: keep.backlog().urgent)
        oldest = Gauge(
            "facekeep_reviews_urgent_seconds",
            "For how long the oldest urgent review has waited; 0 if none does.",
            registry=self._registry,
        )
        oldest.set_function(partial(_urgent_waited, keep))

    def answered(self, operation: str, status: int, seconds: float, problem: str) -> None:
        """Count a request.

        Args:
            operation: method and path with the names of its parameters, never their values.
            status: of the answer.
            seconds: that it took.
            problem: its name, "" for none.
        """
        self._seconds.labels(_COUNTED_AS.get(operation, operation), str(status)).observe(seconds)
        if problem:
            self._problems.labels(problem).inc()

    def refused(self, reason: str) -> None:
        """Count a refusal.

        Args:
            reason: the name of the policy that forbids it, or of what is wrong with the credentials.
        """
        self._refusals.labels(reason).inc()

    def sent(self, outcome: Outcome, messages: int) -> None:
        """Count what became of messages to webhooks, and of attempts."""
        self._messages.labels(outcome).inc(messages)

    def _ended(self, stage: Stage, seconds: float) -> None:
        self._stages.labels(stage).observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)


def _rows(keep: Keep) -> float:
    """References in the keep; no number while a store is away, which keeps the other counters from nobody."""
    try:
        return keep.size()
    except (UnavailableError, DamagedStoreError):
        return math.nan


def _people(keep: Keep) -> float:
    """Data subjects in the keep; no number while the registry is away."""
    try:
        return keep.people()
    except (UnavailableError, DamagedStoreError):
        return math.nan


def _urgent_waited(keep: Keep) -> float:
    """Seconds that the oldest urgent review has waited."""
    return keep.backlog().urgent_waited.total_seconds()


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={**documented(*ALWAYS), 200: {"content": {"text/plain": {}}}},
)
async def metrics(request: Request, _: Annotated[Principal, Depends(may(Action.READ_METRICS))]) -> PlainTextResponse:
    """Counters for Prometheus."""
    counted: Metrics = request.app.state.metrics
    return PlainTextResponse(await run_sync(counted.text), media_type=CONTENT_TYPE_LATEST)

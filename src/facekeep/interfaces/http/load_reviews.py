"""How long a reviewer waits for the queue: pages of many open reviews, over HTTP, beside a request for nothing.

The service runs as a process of its own, as a user starts it. Requests of all kinds take turns, so that whatever else
this machine does meets all of them alike; what is asked for is looked at.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx2

from facekeep.errors import UnavailableError, UsageError
from facekeep.interfaces.http.load import serving
from facekeep.service.benchmark_callers import at_99
from facekeep.service.benchmark_reviews import RARE, filled_keep

__all__ = ["ReviewsBenchmark", "Times", "benchmark_reviews"]

_REQUESTS_MAX: Final = 100_000
_PAGE: Final = 50
_LONG_PAGE: Final = 100
_ORIGIN: Final = "http://localhost:8744"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Times:
    """From a request to the end of its answer, milliseconds: median, and what 99 of 100 do not exceed."""

    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class ReviewsBenchmark:
    """What was measured.

    Attributes:
        reviews: that are open, of two organisations.
        requests: of each kind.
        listed: reviews on a page.
        first: the first page.
        filtered: the first page of those with a reason that one of fifty has, and that are not urgent.
        middle: the page behind the middle of the queue.
        peer: whether the service lives.
        ready_seconds: from the start of the service until it answers.
    """

    reviews: int
    requests: int
    listed: int
    first: Times
    filtered: Times
    middle: Times
    peer: Times
    ready_seconds: float


def benchmark_reviews(reviews: int, requests: int, progress: Progress | None = None) -> ReviewsBenchmark:
    """Measure.

    Args:
        reviews: 1 to 100,000.
        requests: of each kind, 1 to 100,000.
        progress: is told what is done.

    Raises:
        UsageError: a number is out of range.
    """
    if not 1 <= requests <= _REQUESTS_MAX:
        raise UsageError(f"there are 1 to {_REQUESTS_MAX:,} requests of each kind")
    tell = progress or (lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="facekeep-bench-") as folder:
        directory = Path(folder) / "keep"
        made = filled_keep(directory, reviews, partial(tell, "reviews"))
        began = time.perf_counter()
        headers = {"Cookie": f"facekeep={made.session}", "Sec-Fetch-Site": "same-origin"}
        with (
            serving(directory, "--origin", _ORIGIN) as (_, address),
            httpx2.Client(base_url=address, headers=headers, trust_env=False) as client,
        ):
            ready = time.perf_counter() - began
            asks: dict[str, Callable[[], Any]] = {
                "first": partial(_page, client, {}),
                "filtered": partial(_page, client, {"reason": RARE.value, "urgent": "false"}),
                "middle": partial(_page, client, {"after": _middle(client, made.own)} if made.own > 1 else {}),
                "peer": partial(_live, client),
            }
            listed = len(asks["first"]()["reviews"])
            times: dict[str, list[float]] = {name: [] for name in asks}
            for number in range(requests):
                for name, ask in asks.items():
                    start = time.perf_counter()
                    ask()
                    times[name].append(1000 * (time.perf_counter() - start))
                tell("requests", number + 1, requests)
    found = {name: _times(each) for name, each in times.items()}
    return ReviewsBenchmark(reviews, requests, listed, ready_seconds=round(ready, 2), **found)


def _page(client: httpx2.Client, query: Mapping[str, str]) -> Any:
    answer = client.get("/v1/reviews", params={"limit": str(_PAGE), **query})
    if answer.status_code != httpx2.codes.OK:
        raise UnavailableError("the queue of reviews was not answered")
    page = answer.json()
    if not page["reviews"] or any(
        query.get("reason", each["reasons"][0]) not in each["reasons"] for each in page["reviews"]
    ):
        raise UnavailableError("the queue of reviews does not hold what it must")
    return page


def _middle(client: httpx2.Client, own: int) -> str:
    """The place of the review in the middle of the queue, to which a reviewer's page goes page by page."""
    place, seen = "", 0
    while seen < own // 2:
        query = {"limit": str(min(_LONG_PAGE, own // 2 - seen)), **({"after": place} if place else {})}
        page = _page(client, query)
        seen += len(page["reviews"])
        place = str(page["next"])
    return place


def _live(client: httpx2.Client) -> None:
    if client.get("/health/live").status_code != httpx2.codes.OK:
        raise UnavailableError("the service does not live")


def _times(measured: list[float]) -> Times:
    measured.sort()
    return Times(round(statistics.median(measured), 2), round(at_99(measured), 2))

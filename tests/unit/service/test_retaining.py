"""A served keep lets go of what is due by itself: at once, every hour, when rules change, and again after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import cast

import pytest
import structlog

from facekeep.domain.retention import Basis, RetentionRule
from facekeep.errors import UnavailableError
from facekeep.service.answers import RetentionReport
from facekeep.service.keep import Keep
from facekeep.service.retaining import AGAIN, Retaining
from tests.unit.service.conftest import MovedClock

RULE = RetentionRule("own rule", Basis.LAST_CONTACT, None, 30)


class Retained:
    """Stands in for a keep: counts its runs, and fails as it is told to."""

    def __init__(self) -> None:
        self.rules: tuple[RetentionRule, ...] = (RULE,)
        self.runs = 0
        self.failure: Exception | None = None

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        if isinstance(self.failure, UnavailableError):
            raise self.failure
        return self.rules

    def keep_retention(self, ahead: timedelta, *, stopped: Callable[[], bool]) -> RetentionReport:
        assert (ahead, stopped()) == (timedelta(hours=1), False)
        self.runs += 1
        if self.failure is not None:
            raise self.failure
        return RetentionReport(people=3)


@contextmanager
def looking(keep: object, clock: MovedClock) -> Iterator[Callable[[], None]]:
    """Gives what waits until the thread has looked twice: once, whole, after it was called."""
    looks = threading.Semaphore(0)

    def look() -> None:
        while looks.acquire(blocking=False):
            """Those of before."""
        for _ in range(2):
            assert looks.acquire(timeout=30)

    with Retaining(cast("Keep", keep), clock=clock, every=0.001, looked=looks.release):
        yield look


def test_it_runs_at_once_and_then_every_hour_and_when_rules_change(clock: MovedClock) -> None:
    keep = Retained()
    with structlog.testing.capture_logs() as logs, looking(keep, clock) as look:
        look()
        assert keep.runs == 1
        clock.forward(minutes=59)
        look()
        assert keep.runs == 1
        clock.forward(minutes=1)
        look()
        assert keep.runs == 2
        keep.rules = ()
        look()
        assert keep.runs == 3
        clock.forward(days=-3)
        look()
        assert keep.runs == 4
    assert [log["outcome"] for log in logs] == ["done", "done"]  # without rules nothing is told
    assert logs[0] == {
        "event": "retention",
        "log_level": "info",
        "outcome": "done",
        "purposes": 0,
        "people": 3,
        "references": 0,
        "cases": 0,
    }


@pytest.mark.parametrize("failure", [UnavailableError("Ann is away"), ValueError("Ann")])
def test_what_failed_is_tried_again_and_told_without_its_message(clock: MovedClock, failure: Exception) -> None:
    keep = Retained()
    keep.failure = failure
    with structlog.testing.capture_logs() as logs, looking(keep, clock) as look:
        look()
        assert len(logs) == 1
        clock.now += AGAIN - timedelta(seconds=1)
        look()
        assert len(logs) == 1
        keep.failure = None
        clock.forward(seconds=1)
        look()
    assert [log["outcome"] for log in logs] == ["failed", "done"]
    assert "Ann" not in str(logs)


def test_people_go_from_a_keep_by_themselves(keep: Keep, clock: MovedClock) -> None:
    keep.set_retention([RULE])
    with structlog.testing.capture_logs() as logs, looking(keep, clock) as look:
        look()
        assert keep.size() == 2
        clock.forward(days=29, hours=22, minutes=30)
        look()
        assert keep.size() == 2  # due in an hour and a half
        # Due in half an hour, and the next run is an hour away.
        clock.forward(hours=1)
        look()
        assert keep.size() == 0
    assert [log["people"] for log in logs] == [0, 0, 2]
    assert "obama" not in str(logs)


def test_a_rule_of_a_day_leaves_people_their_day(keep: Keep, clock: MovedClock) -> None:
    clock.forward(minutes=5)
    keep.set_retention([RetentionRule("visitors", Basis.CONSENT_GIVEN, None, 1)], sure=True)
    with looking(keep, clock) as look:
        look()
        clock.forward(hours=22, minutes=54)
        look()
        assert keep.size() == 2
        clock.forward(minutes=60)
        look()
        assert keep.size() == 0

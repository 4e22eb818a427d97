"""What a served keep does unasked about retention: it lets go at its start, every hour, and when rules were changed.

What is due before the next run goes with this one, so that no term is overrun, and nothing goes more than an hour
early. It runs on a thread of its own:
nobody waits for a long run, only for one person's transaction. A run that failed is tried again after ten minutes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

import structlog

from facekeep.domain.retention import RetentionRule
from facekeep.service.keep import Keep
from facekeep.service.keep_retention import RUN_EVERY
from facekeep.service.opening import Clock, system_clock

__all__ = ["AGAIN", "Retaining"]

AGAIN: Final = timedelta(minutes=10)
"""How long it is until another is tried after one that failed."""

_LOOK_SECONDS: Final = 60.0


class Retaining:
    """Looks every minute whether a run is due while its block lasts, and makes it."""

    def __init__(
        self,
        keep: Keep,
        *,
        clock: Clock = system_clock,
        every: float = _LOOK_SECONDS,
        looked: Callable[[], None] = lambda: None,
    ) -> None:
        """Be ready; entering the block begins.

        Args:
            keep: open, and open for longer than this.
            clock: the time, by which terms are counted.
            every: seconds between two looks.
            looked: is called after each look.
        """
        self._keep = keep
        self._clock = clock
        self._every = every
        self._looked = looked
        self._last: datetime | None = None
        self._next: datetime | None = None
        self._rules: tuple[RetentionRule, ...] = ()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="facekeep-retention")

    def __enter__(self) -> Self:
        """Begin, with a first run."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()  # a run that is under way ends behind the person whom it is at
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._look()
            self._looked()
            if self._ending.wait(self._every):
                return

    def _look(self) -> None:
        log = structlog.get_logger("facekeep.retention")
        now, running = self._clock(), False
        try:
            rules = self._keep.retention_rules()
            if not self._is_due(now) and rules == self._rules:
                return
            running, self._rules = True, rules
            report = self._keep.keep_retention(RUN_EVERY, stopped=self._ending.is_set)
        except Exception as error:  # noqa: BLE001 - told, without its message, and tried again
            if running or self._is_due(now):  # else nothing but a look at the rules failed, and the next is soon
                self._last, self._next = now, now + AGAIN
                log.warning("retention", outcome="failed", error=type(error).__name__)
            return
        self._last, self._next = now, now + RUN_EVERY
        if not rules:
            return  # nobody waits to hear that nothing was asked for
        log.info(
            "retention",
            outcome="done" if report.finished else "cut-short",
            purposes=report.purposes,
            people=report.people,
            references=report.references,
            cases=report.cases,
        )

    def _is_due(self, now: datetime) -> bool:
        if self._last is None or self._next is None:
            return True
        return now >= self._next or now < self._last  # the clock was set back

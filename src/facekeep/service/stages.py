"""How long each stage of the work takes, for counters and traces. A stage tells its name and its time, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from opentelemetry import trace

__all__ = ["Stage", "Stages", "Told"]


class Stage(StrEnum):
    """A stage of a request."""

    WAIT = "wait"
    """Waiting for others' pictures to be done with."""
    DECODE = "decode"
    """From the bytes of a picture to pixels."""
    DETECT = "detect"
    """Finding faces."""
    ASSESS = "assess"
    """Measuring the quality of the subject's face."""
    EMBED = "embed"
    """From aligned faces to templates, the wait for a shared run included."""
    SEARCH = "search"
    """Asking the halves, the wait for a shared pass included."""
    PASS = "pass"  # noqa: S105 - a pass over a gallery
    """One pass of both halves over the gallery, for everybody who waited for it."""
    WRITE = "write"
    """Writing to all three stores, the wait for others included."""


Told = Callable[[Stage, float], None]
"""Gets a stage that ended and how many seconds it took."""

_TRACER: Final = trace.get_tracer("facekeep")  # spans cost nothing until a program sets a provider


class Stages:
    """Times stages. Safe for threads once it is watched."""

    def __init__(self) -> None:
        self._watching: list[Told] = []

    def watch(self, told: Told) -> None:
        """Have each stage told when it ends, also when it failed."""
        self._watching.append(told)

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[None]:
        """Time what happens inside."""
        # Messages of exceptions are not for traces: of those that nobody meant, nobody knows what they hold.
        with _TRACER.start_as_current_span(f"facekeep {stage}", record_exception=False, set_status_on_exception=False):
            began = time.perf_counter()
            try:
                yield
            finally:
                seconds = time.perf_counter() - began
                for told in self._watching:
                    told(stage, seconds)

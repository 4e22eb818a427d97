"""Work that arrives together is done together: one pass over a gallery serves everybody who waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(slots=True, eq=False)
class _Job(Generic[_A, _B]):
    """What one caller asks."""

    items: Sequence[_A]
    answers: list[_B] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


class Combiner(Generic[_A, _B]):
    """Joins the calls of several threads. While one batch runs, whoever comes waits, and goes in the next one together.

    A call alone runs at once, on its own thread: there is no clock and no thread of its own in this.
    """

    def __init__(self, run: Callable[[Sequence[_A]], Sequence[_B]], *, largest: int) -> None:
        """Be ready.

        Args:
            run: answers items in their order; never called by two threads at once.
            largest: items of one batch, unless a single call has more.
        """
        self._run = run
        self._largest = largest
        self._changed = threading.Condition()
        self._waiting: list[_Job[_A, _B]] = []
        self._busy = False

    @property
    def waiting(self) -> int:
        """Calls that wait for their batch."""
        return len(self._waiting)

    def __call__(self, items: Sequence[_A]) -> list[_B]:
        """The answers to some items, in order.

        Raises:
            Exception: what ``run`` raised for the batch that they were in.
        """
        job = _Job[_A, _B](items)
        with self._changed:
            self._waiting.append(job)
        try:
            while (batch := self._lead(job)) is not None:
                self._do(batch)
        finally:
            if not job.done:  # interrupted: nobody waits for this any more
                with self._changed:
                    self._waiting = [other for other in self._waiting if other is not job]
        if job.error is not None:
            raise job.error
        return job.answers

    def _lead(self, job: _Job[_A, _B]) -> list[_Job[_A, _B]] | None:
        """Wait until the job is done, then None; or until nobody runs a batch, then the batch to run, oldest first."""
        with self._changed:
            self._changed.wait_for(lambda: job.done or not self._busy)
            if job.done:
                return None
            self._busy = True
            batch = [self._waiting.pop(0)]
            size = len(batch[0].items)
            while self._waiting and size + len(self._waiting[0].items) <= self._largest:
                size += len(self._waiting[0].items)
                batch.append(self._waiting.pop(0))
            return batch

    def _do(self, batch: list[_Job[_A, _B]]) -> None:
        try:
            answers = list(self._run([item for job in batch for item in job.items]))
            for job in batch:
                job.answers, answers = answers[: len(job.items)], answers[len(job.items) :]
                job.done = True
        except Exception as error:  # noqa: BLE001 - each caller gets it
            for job in batch:
                job.error, job.done = error, True
        finally:
            with self._changed:
                # Ctrl-C comes to the thread that runs the batch; the others' work is not lost by it.
                self._waiting[:0] = [job for job in batch if not job.done]
                self._busy = False
                self._changed.notify_all()

"""Searches of several callers at once: those that arrive together share a pass over the gallery."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from facekeep.errors import RefusedError
from facekeep.service.combining import Combiner
from facekeep.split.codes import FineCode
from facekeep.split.gate import TOGETHER, Gate, Hit, Question

__all__ = ["Callers", "at_99", "time_callers"]

Asked = tuple[Question, FineCode]


@dataclass(frozen=True, slots=True)
class Callers:
    """What was measured with some callers at once, each asking again as soon as it is answered.

    Attributes:
        callers: at once.
        p50_ms: median from question to answer, milliseconds.
        p99_ms: 99 of 100 took no longer.
        per_second: searches of all callers.
        searches_per_pass: how many shared a pass on average.
    """

    callers: int
    p50_ms: float
    p99_ms: float
    per_second: float
    searches_per_pass: float


def time_callers(gate: Gate, asked: Sequence[Asked], callers: int, repeats: int) -> Callers:
    """Have callers search as a served keep does.

    Args:
        gate: of the keep.
        asked: what is asked, one after the other and again.
        callers: at once.
        repeats: searches of each caller.

    Raises:
        RefusedError: a half refused.
    """
    passes: list[int] = []

    def search(batch: Sequence[Asked]) -> Sequence[tuple[Hit, ...] | RefusedError]:
        passes.append(len(batch))
        return gate.search_many(batch)

    combined = Combiner[Asked, tuple[Hit, ...] | RefusedError](search, largest=TOGETHER)

    def ask(first: int) -> list[float]:
        times = []
        for number in range(repeats):
            began = time.perf_counter()
            (answer,) = combined([asked[(first + number) % len(asked)]])
            times.append(1e3 * (time.perf_counter() - began))
            if isinstance(answer, RefusedError):
                raise answer
        return times

    with ThreadPoolExecutor(callers) as threads:
        list(threads.map(ask, range(callers)))  # so that threads and tables are there
        passes.clear()
        began = time.perf_counter()
        times = sorted(one for part in threads.map(ask, range(callers)) for one in part)
        seconds = time.perf_counter() - began
    return Callers(
        callers,
        round(statistics.median(times), 1),
        round(at_99(times), 1),
        round(len(times) / seconds, 1),
        round(len(times) / len(passes), 1),
    )


def at_99(times: Sequence[float]) -> float:
    """The time that 99 of 100 did not exceed.

    Args:
        times: at least one, rising.
    """
    return times[max(0, -(-99 * len(times) // 100) - 1)]

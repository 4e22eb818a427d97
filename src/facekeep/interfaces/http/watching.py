"""Looking at a keep while it is served: at the start, and then from time to time, at times that nobody knows.

Canaries are asked for; and it is told when the number of people comes near the one that has to be filed with an
authority, and when it is reached.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

from facekeep.service.filing import CHINA, FilingState, FilingThreshold

if TYPE_CHECKING:
    from facekeep.service.keep import Keep

__all__ = ["CANARY_SECONDS", "watched"]

CANARY_SECONDS: Final = 600
"""How long it is between two canaries, on the average."""


@contextmanager
def watched(keep: Keep, *, seconds: float = CANARY_SECONDS, filing: FilingThreshold = CHINA) -> Iterator[None]:
    """Look at a keep on a thread of its own until the block ends; the first time before it begins.

    Args:
        keep: open.
        seconds: between two looks, on the average.
        filing: from how many people on the keep has to be filed.
    """
    ended = threading.Event()

    def ask() -> None:
        state = told
        while not ended.wait(_wait(seconds)):
            _ask(keep)
            state = _count(keep, filing, state)

    _ask(keep)
    told = _count(keep, filing, FilingState.FAR)
    thread = threading.Thread(target=ask, name="facekeep-canaries")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _wait(seconds: float) -> float:
    return seconds * (0.5 + secrets.randbelow(10**6) / 10**6)


def _ask(keep: Keep) -> None:
    log = structlog.get_logger()
    try:
        report = keep.ask_canaries()
    except Exception as error:  # noqa: BLE001 - told, without its message; whoever asks next is told of it too
        log.warning("canary", outcome="not-asked", error=type(error).__name__)
        return
    if report.fault is not None:
        log.error("canary", outcome="wrong", fault=report.fault.value)
    elif report.canaries and report.asked == 0:
        log.warning("canary", outcome="not-asked", error="")
    elif report.canaries:
        log.info("canary", outcome="right", asked=report.asked)


def _count(keep: Keep, threshold: FilingThreshold, told: FilingState) -> FilingState:
    """Tell of the number of people if it came nearer to one that has to be filed. Gives what was told last."""
    log = structlog.get_logger()
    try:
        state = keep.filing(threshold).state
    except Exception as error:  # noqa: BLE001 - told, without its message; the next look counts anew
        log.warning("people", outcome="not-counted", error=type(error).__name__)
        return told
    if state is not told and state is not FilingState.FAR:
        log.warning("people", outcome=state.value, ahead=threshold.ahead, limit=threshold.limit)
    return state

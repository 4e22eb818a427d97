"""Asking for canaries while a keep is served: at the start, and then from time to time, at times that nobody knows."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from facekeep.service.keep import Keep

__all__ = ["CANARY_SECONDS", "watched"]

CANARY_SECONDS: Final = 600
"""How long it is between two canaries, on the average."""


@contextmanager
def watched(keep: Keep, *, seconds: float = CANARY_SECONDS) -> Iterator[None]:
    """Ask for canaries on a thread of its own until the block ends; the first time before it begins.

    Args:
        keep: open.
        seconds: between two questions, on the average.
    """
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(_wait(seconds)):
            _ask(keep)

    _ask(keep)
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

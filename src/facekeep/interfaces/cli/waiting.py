"""Waiting for the signal that ends a server."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["until_told"]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def until_told() -> Iterator[Callable[[], None]]:
    """Within the block SIGTERM and SIGINT end nothing by themselves; the function given waits for one of them.

    They are blocked, not handled: so that they come to the main thread when it waits, and never in the middle of a
    write. Threads that are made in the block inherit that.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield _wait
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait() -> None:
    signal.sigwait(_SIGNALS)

"""Attempts to send something, each with one deadline, that can all be cut short.

An attempt has one deadline from the look-up of the name to the answer, so that an endpoint that sends a byte now and
then does not hold it for longer than one that sends none.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final, TypeVar

import httpx2

from facekeep.client.exchange import trusted
from facekeep.errors import UnavailableError

__all__ = ["ATTEMPT_SECONDS", "Attempts", "Lookup", "aside", "looked_up", "verifying"]

ATTEMPT_SECONDS: Final = 10.0
"""From the look-up of the name to the status of the answer."""

T = TypeVar("T")

Lookup = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port."""


def looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def verifying(authorities: Path | None) -> ssl.SSLContext:
    """Believes certificates of these authorities, PEM, or else of the usual ones.

    Raises:
        UsageError: the file cannot be read, or holds no certificate.
    """
    believed = trusted(authorities)
    return believed if isinstance(believed, ssl.SSLContext) else httpx2.create_ssl_context()


class Attempts(ABC):
    """Implements :class:`facekeep.service.webhooks.Post` around one exchange. Safe for threads."""

    def __init__(self, seconds: float) -> None:
        """Be ready.

        Args:
            seconds: that an attempt may take, all in all.
        """
        self._seconds = seconds
        self._lock = threading.Lock()
        self._cut = False
        self._running: set[tuple[asyncio.AbstractEventLoop, asyncio.Task[int]]] = set()

    def cut(self) -> None:
        """End the attempts that are under way, and every later one: nobody learns what became of them."""
        with self._lock:
            self._cut = True
            for loop, task in self._running:
                loop.call_soon_threadsafe(task.cancel)

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :class:`~facekeep.service.webhooks.Post`."""
        try:
            return asyncio.run(self._attempt(url, headers, body))
        except TimeoutError:
            raise UnavailableError("the endpoint did not answer in time") from None
        except asyncio.CancelledError:
            raise UnavailableError("sending was ended") from None

    async def _attempt(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        running = asyncio.get_running_loop(), task
        with self._lock:
            if self._cut:
                raise UnavailableError("sending was ended")
            self._running.add(running)
        try:
            async with asyncio.timeout(self._seconds):
                return await self.exchange(url, headers, body)
        finally:
            with self._lock:  # before the loop closes, so that whoever cuts finds open ones only
                self._running.discard(running)

    @abstractmethod
    async def exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send a message; it is cancelled at the deadline, and when everything is cut short."""


def aside(work: Callable[[], T]) -> asyncio.Future[T]:
    """Do what cannot be interrupted on a thread that nobody waits for, not even the end of the process."""
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # whoever stops waiting cancels nothing

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="facekeep-aside", daemon=True).start()
    return asyncio.wrap_future(done)

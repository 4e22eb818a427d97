"""Sending messages to webhooks over HTTPS, and to nobody whom they must not reach.

A name is looked up once, each address that it has is looked at, and the connection goes to one that was: a name that is
looked up again could point elsewhere by then. Redirects are not followed. Of the answer nothing is read but its head,
of at most 100 KiB, for the status in it.

An attempt has one deadline from the look-up of the name to the status, so that an endpoint that sends a byte now and
then does not hold it for longer than one that sends none.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Protocol

import httpx2

from facekeep.client.exchange import trusted
from facekeep.errors import UnavailableError
from facekeep.service.webhooks import is_public

__all__ = ["ATTEMPT_SECONDS", "HttpsPost", "Lookup"]

ATTEMPT_SECONDS: Final = 10.0
"""From the look-up of the name to the status of the answer."""

Lookup = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port."""


class _Stream(Protocol):
    """A connection of the library."""

    async def aclose(self) -> None:
        """End it; ending it twice changes nothing."""


def looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class HttpsPost:
    """Implements :class:`facekeep.service.webhooks.Post`. Safe for threads."""

    def __init__(
        self,
        *,
        private: bool = False,
        authorities: Path | None = None,
        lookup: Lookup = looked_up,
        seconds: float = ATTEMPT_SECONDS,
    ) -> None:
        """Be ready.

        Args:
            private: whether addresses in this network, and of this machine, may be reached.
            authorities: certificates to trust in place of the usual ones, PEM.
            lookup: how names are looked up.
            seconds: that an attempt may take, all in all.
        """
        self._private = private
        self._lookup = lookup
        self._seconds = seconds
        believed = trusted(authorities)
        self._trusted = believed if isinstance(believed, ssl.SSLContext) else httpx2.create_ssl_context()
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
                return await self._exchange(url, headers, body)
        finally:
            with self._lock:  # before the loop closes, so that whoever cuts finds open ones only
                self._running.discard(running)

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        try:
            target = httpx2.URL(url)
            port = target.port or {"https": 443, "http": 80}[target.scheme]
            addresses = await _aside(lambda: self._lookup(target.host, port))
        except (OSError, UnicodeError, httpx2.InvalidURL):  # UnicodeError: a name that no resolver takes
            raise UnavailableError("the endpoint has no address") from None
        if not addresses or not (self._private or all(map(is_public, addresses))):
            raise UnavailableError("the endpoint has no address, or one that may not be reached from here")
        pinned = target.copy_with(host=addresses[0].partition("%")[0])
        connected: list[_Stream] = []

        async def trace(event: str, about: Mapping[str, Any]) -> None:
            if event == "connection.connect_tcp.complete":
                connected.append(about["return_value"])

        try:
            async with (
                httpx2.AsyncClient(timeout=None, follow_redirects=False, trust_env=False, verify=self._trusted) as http,
                http.stream(
                    "POST",
                    pinned,
                    headers={**headers, "host": target.netloc.decode("ascii"), "user-agent": "facekeep"},
                    content=body,
                    extensions={"sni_hostname": target.host, "trace": trace},
                ) as response,
            ):
                return response.status_code
        except httpx2.HTTPError:
            raise UnavailableError("the endpoint did not answer") from None
        finally:
            for stream in connected:  # the library leaves one open that is cut short within the handshake of TLS
                await stream.aclose()


def _aside(work: Callable[[], Sequence[str]]) -> asyncio.Future[Sequence[str]]:
    """Do what cannot be interrupted on a thread that nobody waits for, not even the end of the process."""
    done: Future[Sequence[str]] = Future()
    done.set_running_or_notify_cancel()  # whoever stops waiting cancels nothing

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            done.set_exception(error)

    threading.Thread(target=run, name="facekeep-lookup", daemon=True).start()
    return asyncio.wrap_future(done)

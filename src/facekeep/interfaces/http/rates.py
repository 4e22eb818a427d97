"""How often somebody may ask: each machine client, and each address that no client is known at.

A client is counted once it is known, and before anything of its body is read. An address is counted for what it asks
without a token that is known, so that tokens cannot be guessed at leisure; once it has asked too often, its tokens are
not even looked at. Health is never counted: a supervisor that is refused would end the service.

Answers tell where the caller stands by the fields of draft-ietf-httpapi-ratelimit-headers-10. The budgets of both
halves are something else: they count comparisons, over days and lives, and outlive the process.
"""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request
from starlette.datastructures import MutableHeaders

from facekeep.errors import UsageError
from facekeep.interfaces.http.problems import Problem, told

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["KEYS_MAX", "RATE", "UNLIMITED", "Limited", "Meter", "Rate", "Rates", "Standing", "admitted"]

KEYS_MAX: Final = 65_536
"""Clients or addresses that are counted at once; of more, the one that asked longest ago begins anew."""

RATE: Final = r"none|[1-9][0-9]{0,6}/[1-9][0-9]{0,4}"
"""What :meth:`Rate.read` takes."""

UNLIMITED: Final = ("/health/live", "/health/ready")
"""Paths of which nobody is refused."""

_SECOND: Final = 10**9


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds, all of them at once if need be."""

    requests: int
    seconds: int

    @classmethod
    def read(cls, text: str) -> Rate | None:
        """From ``REQUESTS/SECONDS``; ``none`` for no limit.

        Raises:
            UsageError: it is neither.
        """
        if not re.fullmatch(RATE, text):
            raise UsageError("a rate is REQUESTS/SECONDS, or none", hint="For example 1200/60.")
        if text == "none":
            return None
        requests, _, seconds = text.partition("/")
        return cls(int(requests), int(seconds))


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a caller stands.

    Attributes:
        policy: ``client`` or ``address``.
        rate: that holds.
        left: requests that may come at once.
        full: seconds until nothing is used any more.
        wait: seconds until another may come; 0 if one may now.
    """

    policy: str
    rate: Rate
    left: int
    full: int
    wait: int

    def headers(self) -> dict[str, str]:
        """The fields that tell it."""
        told = {
            "RateLimit-Policy": f'"{self.policy}";q={self.rate.requests};w={self.rate.seconds}',
            "RateLimit": f'"{self.policy}";r={self.left};t={self.full}',
        }
        return told if self.wait == 0 else {**told, "Retry-After": str(self.wait)}


class Meter:
    """Counts by the generic cell rate algorithm: one number for each key, the time when all it used is free again."""

    def __init__(self, policy: str, rate: Rate, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._policy = policy
        self._rate = rate
        self._clock = clock
        self._window = rate.seconds * _SECOND
        self._step = max(1, self._window // rate.requests)
        self._free: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> Standing:
        """Count a request, if one may come."""
        return self._ask(key, self._step)

    def look(self, key: str) -> Standing:
        """Where a key stands; ``wait`` is over 0 if no request may come now."""
        return self._ask(key, 0)

    def _ask(self, key: str, step: int) -> Standing:
        with self._lock:
            now = self._clock()
            free = max(self._free.get(key, now), now)
            wait = free + self._step - self._window - now
            if wait <= 0 and step:
                free += step
                self._free[key] = free
                self._free.move_to_end(key)
                while len(self._free) > KEYS_MAX:
                    self._free.popitem(last=False)
        left = max(0, (self._window - (free - now)) // self._step)
        return Standing(self._policy, self._rate, left, _seconds(free - now), _seconds(max(0, wait)))

    def __len__(self) -> int:
        return len(self._free)


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // _SECOND)


@dataclass(frozen=True, slots=True)
class Rates:
    """What holds; None for no limit.

    Attributes:
        client: for each machine client.
        address: for what an address asks without a token that is known.
    """

    client: Rate | None = Rate(1200, 60)
    address: Rate | None = Rate(60, 60)


class Limited:
    """The part of the application around all that is counted. See :func:`admitted` for clients."""

    def __init__(self, app: ASGIApp, rates: Rates, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._app = app
        self._addresses = None if rates.address is None else Meter("address", rates.address, clock)
        self._clients = None if rates.client is None else Meter("client", rates.client, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["clients"] = self._clients
        address = _address(scope)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._addresses is not None and "client" not in state:
                    state["standing"] = self._addresses.take(address)
                if isinstance(standing := state.get("standing"), Standing):
                    MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        if self._addresses is not None and (standing := self._addresses.look(address)).wait:
            refused = told(Request(scope), _too_many(standing))
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, telling)


def admitted(request: Request, client: str) -> None:
    """Count a request of a client that is known.

    Raises:
        Problem: it asked too often.
    """
    meter: Meter | None = getattr(request.state, "clients", None)
    if meter is not None:
        request.state.standing = standing = meter.take(client)
        if standing.wait:
            raise _too_many(standing)


def _too_many(standing: Standing) -> Problem:
    return Problem(
        "too-many-requests",
        f"More than {standing.rate.requests} requests in {standing.rate.seconds} seconds.",
        f"Ask again in {standing.wait} s, as Retry-After says.",
        headers=standing.headers(),
    )


def _address(scope: Scope) -> str:
    """Who is counted: an address of version 4, or a network of version 6, of which a caller has all addresses."""
    given = (scope.get("client") or ("",))[0]
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return str(given)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)

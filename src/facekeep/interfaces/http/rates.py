"""How often somebody may ask: each machine client, and each address that no client is known at.

A client is counted once it is known, and before anything of its body is read. An address is counted for what it asks
without a token that is known, so that tokens cannot be guessed at leisure; once it has asked too often, its tokens are
not even looked at. Health is never counted: a supervisor that is refused would end the service. What pages are made of
is not counted either, as long as the address may ask.

Who asks is not known yet when a request comes. It is therefore counted for its address at once, and given back as soon
as its client is known: guesses that come together are counted as those that come one by one. Where all that an address
may ask is taken by requests that are not decided yet, further ones wait for these, so that known clients that come
together are not refused for each other.

Answers tell where the caller stands by the fields of draft-ietf-httpapi-ratelimit-headers-10. The budgets of both
halves are something else: they count comparisons, over days and lives, and outlive the process.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request
from starlette.datastructures import MutableHeaders

from facekeep.errors import UsageError
from facekeep.interfaces.http.problems import Problem, told

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["KEYS_MAX", "RATE", "UNLIMITED", "Limited", "Meter", "Rate", "Rates", "Standing", "admitted", "uncounted"]

KEYS_MAX: Final = 65_536
"""Clients or addresses that are counted at once; of more, the one that asked longest ago begins anew."""

RATE: Final = r"none|[1-9][0-9]{0,6}/[1-9][0-9]{0,4}"
"""What :meth:`Rate.read` takes."""

UNLIMITED: Final = ("/health/live", "/health/ready")
"""Paths of which nobody is refused."""

_SECOND: Final = 10**9
_PATIENCE_SECONDS: Final = 5.0
"""A request waits no longer than this for others of its address to be decided."""


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

    def give_back(self, key: str) -> None:
        """Make a request that was counted one that was not."""
        with self._lock:
            if key in self._free:
                self._free[key] -= self._step

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


@dataclass(slots=True)
class _Undecided:
    """The requests of an address of which it is not known yet who asks, and those that wait for them."""

    number: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    def wake(self, most: int) -> None:
        """Let so many of those that wait try again, first come, first served."""
        while self.waiting and most:
            one = self.waiting.popleft()
            if not one.done():
                one.set_result(None)
                most -= 1


class _Addresses:
    """Counts requests by address until it is known who asks. For one event loop."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._undecided: dict[str, _Undecided] = {}

    async def arrive(self, address: str) -> tuple[Standing, Callable[[bool], None]]:
        """Count a request, if one may come.

        Returns:
            Where its address stands, ``wait`` over 0 if none may come; and what is to be called, once or more often,
            when it is decided who asks: with whether that is a client that is known.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE_SECONDS
        while (standing := self._meter.take(address)).wait:
            others = self._undecided.get(address)
            if others is None or loop.time() >= until:
                return standing, lambda _: None
            turn: asyncio.Future[None] = loop.create_future()
            others.waiting.append(turn)
            await asyncio.wait([turn], timeout=until - loop.time())
            turn.cancel()  # if its time was over
        undecided = self._undecided.setdefault(address, _Undecided())
        undecided.number += 1
        decided = False

        def decide(known: bool) -> None:
            nonlocal decided
            if decided:
                return
            decided = True
            undecided.number -= 1
            if known:
                self._meter.give_back(address)
                undecided.wake(1)
            if undecided.number == 0:
                del self._undecided[address]
                undecided.wake(len(undecided.waiting))

        return standing, decide


class Limited:
    """The part of the application around all that is counted. See :func:`admitted` for clients."""

    def __init__(self, app: ASGIApp, rates: Rates, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._app = app
        self._addresses = None if rates.address is None else _Addresses(Meter("address", rates.address, clock))
        self._clients = None if rates.client is None else Meter("client", rates.client, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["clients"] = self._clients
        if self._addresses is None:
            await self._app(scope, receive, _telling(state, None, send))
            return
        standing, decide = await self._addresses.arrive(_address(scope))
        if standing.wait:
            refused = told(Request(scope), _too_many(standing))
            await refused(scope, receive, send)
            return
        state["decide"] = decide
        try:
            await self._app(scope, receive, _telling(state, standing, send))
        finally:
            decide("client" in state)


def _telling(state: dict[str, Any], unknown: Standing | None, send: Send) -> Send:
    """Sends an answer with where its caller stands: the client that is known, or else the address."""

    async def telling(message: Message) -> None:
        if message["type"] == "http.response.start":
            standing = state.get("standing", None if "client" in state else unknown)
            if isinstance(standing, Standing):
                MutableHeaders(scope=message).update(standing.headers())
        await send(message)

    return telling


def admitted(request: Request, client: str) -> None:
    """Count a request of a client that is known, and no longer for its address.

    Raises:
        Problem: it asked too often.
    """
    _give_back(request)
    meter: Meter | None = getattr(request.state, "clients", None)
    if meter is not None:
        request.state.standing = standing = meter.take(client)
        if standing.wait:
            raise _too_many(standing)


async def uncounted(request: Request) -> None:
    """Count a request for an address no longer: what pages are made of is the same for everybody, and in memory.

    Behind one address may be a whole office, whose pages would stay blank; who has used up its requests otherwise gets
    no page either.
    """
    _give_back(request)


def _give_back(request: Request) -> None:
    decide: Callable[[bool], None] | None = getattr(request.state, "decide", None)
    if decide is not None:
        decide(True)


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

"""A few TLS connections to one role, each lent to one call at a time. No call is ever asked again by itself."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from facekeep.errors import FormatError, UnavailableError, UsageError
from facekeep.interfaces.vault.channel import Channel
from facekeep.interfaces.vault.handlers import NAMES
from facekeep.interfaces.vault.tls import KeyFiles, Peers, client_context, pin_at
from facekeep.split.wire.frames import REQUESTS_MAX
from facekeep.split.wire.methods import Role


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """What a client allows itself and the other end.

    Attributes:
        connections: open at the same time; further calls wait.
        connect_seconds: to connect and shake hands.
        frame_seconds: for one frame, sent or received.
        answer_seconds: for the first frame of an answer that takes no time in proportion to the rows, and for a
            connection to become free.
        long_answer_seconds: likewise of one that does: status, staging, commit. Meanwhile the other end has to give
            signs of life, every ``answer_seconds``.
        idle_seconds: after which a connection is not used any more; less than the server's.
    """

    connections: int = 4
    connect_seconds: float = 5.0
    frame_seconds: float = 30.0
    answer_seconds: float = 30.0
    long_answer_seconds: float = 3600.0
    idle_seconds: float = 120.0


class Connection:
    """A connection whose other end is who it has to be."""

    def __init__(self, socket_: ssl.SSLSocket, limits: ClientLimits) -> None:
        self._socket = socket_
        self._used = monotonic()
        self._requests = 0
        self._limits = limits
        self.channel = Channel(socket_, limits.frame_seconds)

    def next_request(self) -> int:
        """The number of the request that is to be sent."""
        self._requests += 1
        return self._requests

    def rest(self) -> None:
        """Note that a call has ended."""
        self._used = monotonic()

    @property
    def serves(self) -> bool:
        """Whether another request may be sent. What has something to read between two requests has ended."""
        if self._requests >= REQUESTS_MAX or monotonic() - self._used > self._limits.idle_seconds:
            return False
        waiting = select.poll()
        waiting.register(self._socket, select.POLLIN)
        return not self._socket.pending() and not waiting.poll(0)

    def close(self) -> None:
        """Close it."""
        self.channel.close()


class Pool:
    """Connections to one role. Safe for threads."""

    def __init__(
        self, role: Role, address: tuple[str, int], files: KeyFiles, certificate: bytes, limits: ClientLimits | None
    ) -> None:
        """Be ready; the first call connects.

        Args:
            role: who is at the other end.
            address: host and port.
            files: this end's own certificate and key.
            certificate: the other end's certificate, PEM; another is refused.
            limits: see there.

        Raises:
            FormatError: the other end's certificate does not parse.
            UsageError: this end's certificate or key cannot be loaded.
        """
        self.name = NAMES[role]
        self.limits = limits or ClientLimits()
        self.role = role
        self._address = address
        self._peers = Peers({role: certificate})
        self._context = client_context(files, self._peers)
        self._free = threading.BoundedSemaphore(self.limits.connections)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection for one call; it is closed if the call does not end well.

        Raises:
            UnavailableError: none can be made, or what the call does with it fails for a reason of the connection.
            UsageError: the pool is closed.
        """
        if not self._free.acquire(timeout=self.limits.answer_seconds):
            raise self.unavailable("Too much is asked of it at once: ask less, or allow more connections.")
        try:
            connection = self._take() or self._connect()
            try:
                with self._explained():
                    yield connection
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
        finally:
            self._free.release()

    @contextmanager
    def aside(self) -> Iterator[Connection]:
        """A connection of its own for one short call, beside those that are counted. Raises as :meth:`lend`."""
        connection = self._connect()
        try:
            with self._explained():
                yield connection
        finally:
            connection.close()

    def _take(self) -> Connection | None:
        with self._lock:
            if self._closed:
                raise UsageError(f"the connection to the {self.name} is closed", hint="Open the keep again.")
            while self._idle:
                connection = self._idle.pop()
                if connection.serves:
                    return connection
                connection.close()
        return None

    def _give_back(self, connection: Connection) -> None:
        connection.rest()
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _connect(self) -> Connection:
        with self._explained():
            plain = socket.create_connection(self._address, self.limits.connect_seconds)
            try:
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _watch(plain)
                connection = self._context.wrap_socket(plain)
            except BaseException:
                plain.close()
                raise
        if self._peers.role_of(pin_at(connection)) is not self.role:
            connection.close()
            raise self.unavailable(_ANOTHER)
        return Connection(connection, self.limits)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as problem:
            raise self.unavailable(_ANOTHER) from problem
        except TimeoutError as problem:
            raise self.unavailable(_LATE) from problem
        except OSError as problem:
            # An end that does not know this one's certificate says so, or ends the connection: which, is chance.
            raise self.unavailable(_AWAY) from problem

    @contextmanager
    def parsed(self) -> Iterator[None]:
        """Around the reading of an answer: one that does not parse is none.

        Raises:
            UnavailableError: it does not.
        """
        try:
            yield
        except FormatError as problem:
            raise self.unavailable(_NONSENSE) from problem

    def unavailable(self, hint: str) -> UnavailableError:
        """The error of an end that cannot be reached."""
        return UnavailableError(f"the {self.name} cannot be reached", hint=hint)

    def close(self) -> None:
        """Close what is idle now, and the rest when its call ends."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


_LATE = "It did not answer in time. What was asked may have been done, or not."
_ANOTHER = "Another certificate than the pinned one was shown there. Check the address, and what runs at it."
_AWAY = (
    "Check that its host runs, can be reached, and knows this host's card (facekeep pair show). "
    "What was asked may have been done, or not."
)
_NONSENSE = "It gave an answer that does not parse. Run the same version of Facekeep on both sides."

_KEEP_ALIVE: tuple[tuple[str, int], ...] = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


def _watch(connection: socket.socket) -> None:
    """Notice within a minute that the other host is gone, however long its answer may take."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

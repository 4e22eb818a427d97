"""The end that answers: a thread for each connection, none for a stranger's longer than a handshake takes."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic

from facekeep.errors import FormatError
from facekeep.interfaces.vault.channel import Channel
from facekeep.interfaces.vault.handlers import Service
from facekeep.interfaces.vault.session import Session
from facekeep.interfaces.vault.tls import KeyFiles, Peers, pin_at, server_context
from facekeep.split.wire.methods import Role


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What a server allows.

    Attributes:
        connections: open at the same time; further ones are closed at once.
        handshake_seconds: for a whole handshake.
        frame_seconds: for one frame, received or sent.
        idle_seconds: between two requests.
        closing_seconds: how long callers may take to fetch their last answers when the server is closed.
    """

    connections: int = 32
    handshake_seconds: float = 5.0
    frame_seconds: float = 30.0
    idle_seconds: float = 300.0
    closing_seconds: float = 5.0


class Happening(StrEnum):
    """What a server tells of."""

    REFUSED = "a connection without a known certificate was refused"
    FULL = "a connection was closed because there were too many"
    MALFORMED = "a caller sent what does not parse, and was disconnected"
    BROKEN = "a connection failed in the middle of a message, or was too slow"
    FAILED = "a call failed for another reason than an error of Facekeep's"


@dataclass(frozen=True, slots=True)
class Event:
    """Something to log.

    Attributes:
        what: see there.
        address: where the connection came from.
        caller: its role, where it was known.
        pin: what it showed instead of a known certificate, 32 bytes, where it came so far.
        error: what was raised. Its text may hold paths of this host: it is for the log of this host alone.
    """

    what: Happening
    address: str
    caller: Role | None = None
    pin: bytes | None = None
    error: BaseException | None = None


class VaultServer:
    """Serves one role over mutual TLS 1.3."""

    def __init__(
        self,
        service: Service,
        address: tuple[str, int],
        files: KeyFiles,
        peers: Peers,
        *,
        tell: Callable[[Event], None],
        limits: ServerLimits | None = None,
    ) -> None:
        """Listen, and answer from now on.

        Args:
            service: the role; it is closed by who opened it, after the server.
            address: host and port to listen at; port 0 is any that is free.
            files: the role's own certificate and key.
            peers: who may call.
            tell: called from any thread with what should be logged; must not raise.
            limits: see there.

        Raises:
            OSError: the address cannot be listened at.
            UsageError: the certificate or key cannot be loaded.
        """
        self._service = service
        self._context = server_context(files, peers)
        self._peers = peers
        self._tell = tell
        self._limits = limits or ServerLimits()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        self._listener = socket.create_server(address, backlog=self._limits.connections)
        self._listener.setblocking(False)
        self._woken, self._wake = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, name=f"facekeep-vault-{service.role}", daemon=True)
        self._acceptor.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, port, *_ = self._listener.getsockname()
        return str(host), int(port)

    def __enter__(self) -> VaultServer:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take no more requests, answer those under way, and end every thread."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._wake.send(b"\x00")
        self._acceptor.join()
        for each in (self._listener, self._wake, self._woken):
            each.close()
        self._end(socket.SHUT_RD)
        deadline = monotonic() + self._limits.closing_seconds
        for thread in self._threads():
            thread.join(max(0.0, deadline - monotonic()))
        self._end(socket.SHUT_RDWR)
        for thread in self._threads():
            thread.join()

    def _threads(self) -> list[threading.Thread]:
        with self._lock:
            return list(self._open)

    def _end(self, how: int) -> None:
        with self._lock:
            for connection in self._open.values():
                # Not SSLSocket.shutdown, which would take the keys away under the thread that is writing.
                with suppress(OSError):
                    socket.socket.shutdown(connection, how)

    # Connections

    def _accept(self) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            ready.register(self._woken, selectors.EVENT_READ)
            while not self._closing:
                ready.select()
                with suppress(OSError):  # whoever came has gone again, or there are no more descriptors
                    connection, address = self._listener.accept()
                    self._attend(connection, str(address[0]))

    def _attend(self, connection: socket.socket, address: str) -> None:
        name = f"facekeep-vault-{self._service.role}-call"
        thread = threading.Thread(target=self._serve, args=(connection, address), name=name, daemon=True)
        with self._lock:
            full = len(self._open) >= self._limits.connections
            if not full:
                self._open[thread] = connection
        if full:
            connection.close()
            self._tell(Event(Happening.FULL, address))
            return
        try:
            thread.start()
        except RuntimeError as problem:  # the system has no more threads; the next caller may have more luck
            with self._lock:
                del self._open[thread]
            connection.close()
            self._tell(Event(Happening.FULL, address, error=problem))

    def _serve(self, plain: socket.socket, address: str) -> None:
        connection = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(self._limits.handshake_seconds)
            tls = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
            connection = tls
            with self._lock:
                self._open[threading.current_thread()] = tls
            caller = self._greet(tls, address)
            if caller is not None and not self._closing:
                self._talk(tls, caller, address)
        except OSError as problem:
            self._tell(Event(Happening.BROKEN, address, error=problem))
        finally:
            with self._lock:
                del self._open[threading.current_thread()]
            connection.close()

    def _greet(self, connection: ssl.SSLSocket, address: str) -> Role | None:
        """Who is there, before a byte of its is read as a message."""
        try:
            connection.do_handshake()
            pin = pin_at(connection)
        except (OSError, FormatError) as problem:
            self._tell(Event(Happening.REFUSED, address, error=problem))
            return None
        caller = self._peers.role_of(pin)
        if caller is None:
            self._tell(Event(Happening.REFUSED, address, pin=pin))
        return caller

    def _talk(self, connection: ssl.SSLSocket, caller: Role, address: str) -> None:
        def failed(problem: BaseException) -> None:
            self._tell(Event(Happening.FAILED, address, caller, error=problem))

        channel = Channel(connection, self._limits.frame_seconds)
        try:
            with closing(self._service.desk()) as desk:
                Session(self._service, desk, caller, channel, failed).run(self._limits.idle_seconds)
        except FormatError as problem:
            self._tell(Event(Happening.MALFORMED, address, caller, error=problem))
        except OSError as problem:
            if not self._closing:
                self._tell(Event(Happening.BROKEN, address, caller, error=problem))

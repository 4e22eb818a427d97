"""A keep whose roles talk over loopback: real sockets, real TLS, the real halves of tests/unit/split/cluster.py."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import pytest

from facekeep.interfaces.vault.certificates import Made, make
from facekeep.interfaces.vault.client import RemoteLeft, RemoteRight, RemoteSelector
from facekeep.interfaces.vault.handlers import Service, serve_left, serve_registrar, serve_right
from facekeep.interfaces.vault.pool import ClientLimits
from facekeep.interfaces.vault.server import Event, ServerLimits, VaultServer
from facekeep.interfaces.vault.tls import KeyFiles, Peers
from facekeep.split.gate import Gate
from facekeep.split.left import LeftHalf
from facekeep.split.right import RightHalf
from facekeep.split.selector import Selector
from facekeep.split.wire.methods import Role
from tests.unit.split.cluster import FMRS, KEEP, MODEL, Cluster

LIMITS = ClientLimits(connect_seconds=5, frame_seconds=20, answer_seconds=20, long_answer_seconds=60)


@dataclass
class Keys:
    """Certificates on disk, as a host has them."""

    folder: Path
    made: dict[str, Made] = field(default_factory=dict)

    def add(self, name: str, *, p256: bool = False) -> Made:
        made = self.made[name] = make(f"facekeep {name}", now=datetime.now(UTC), p256=p256)
        (self.folder / f"{name}.pem").write_bytes(made.certificate)
        (self.folder / f"{name}.key").write_bytes(made.key)
        return made

    def files(self, name: str) -> KeyFiles:
        return KeyFiles(self.folder / f"{name}.pem", self.folder / f"{name}.key")

    def certificate(self, name: str) -> bytes:
        return self.made[name].certificate

    def peers(self, *roles: Role) -> Peers:
        return Peers({role: self.certificate(role) for role in roles})


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    made = Keys(tmp_path_factory.mktemp("keys"))
    for role in Role:
        made.add(role, p256=role is Role.RIGHT)  # both kinds of keys meet
    made.add("stranger")
    return made


class Told:
    """What servers told of. It is waited for, since it is told in the server's own time."""

    def __init__(self) -> None:
        self._events: Queue[Event] = Queue()
        self.tell = self._events.put

    def next(self) -> Event:
        return self._events.get(timeout=20)

    @property
    def nothing(self) -> bool:
        return self._events.empty()


class Line:
    """A line between client and server that can be cut after some of the server's bytes."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self.cut_after: int | None = None
        self.carried: list[int] = []
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []
        self._start(self._accept)

    def _start(self, work: Callable[..., None], *args: object) -> None:
        self._threads.append(threading.Thread(target=work, args=args))
        self._threads[-1].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
                self._ends += [near, far]
                self.carried.append(0)
                self._start(self._pump, near, far, None)
                self._start(self._pump, far, near, len(self.carried) - 1)

    def _pump(self, source: socket.socket, target: socket.socket, number: int | None) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                if number is not None:
                    self.carried[number] += len(part)
                    if self.cut_after is not None and self.carried[number] > self.cut_after:
                        break
                target.sendall(part)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._ends:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for each in (*self._ends, self._listener):
            each.close()


@dataclass
class Site:
    """Makes servers and clients, and closes them."""

    keys: Keys
    told: Told
    stack: ExitStack

    def serve(self, service: Service, *callers: Role, limits: ServerLimits | None = None) -> VaultServer:
        return self.stack.enter_context(self.serve_at(service, ("127.0.0.1", 0), *callers, limits=limits))

    def serve_at(
        self, service: Service, address: tuple[str, int], *callers: Role, limits: ServerLimits | None = None
    ) -> VaultServer:
        return VaultServer(
            service,
            address,
            self.keys.files(service.role),
            self.keys.peers(*callers),
            tell=self.told.tell,
            limits=limits or ServerLimits(closing_seconds=1),
        )

    def left(self, server: VaultServer | Line, caller: str = "gate", limits: ClientLimits = LIMITS) -> RemoteLeft:
        remote = RemoteLeft(server.address, self.keys.files(caller), self.keys.certificate("left"), limits=limits)
        self.stack.callback(remote.close)
        return remote

    def right(self, server: VaultServer, caller: str = "gate", limits: ClientLimits = LIMITS) -> RemoteRight:
        remote = RemoteRight(server.address, self.keys.files(caller), self.keys.certificate("right"), limits=limits)
        self.stack.callback(remote.close)
        return remote

    def line(self, server: VaultServer) -> Line:
        line = Line(server.address)
        self.stack.callback(line.close)
        return line

    def selector(self, server: VaultServer, caller: str) -> RemoteSelector:
        certificate = self.keys.certificate("registrar")
        remote = RemoteSelector(server.address, self.keys.files(caller), certificate, limits=LIMITS)
        self.stack.callback(remote.close)
        return remote


@pytest.fixture
def site(keys: Keys) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(keys, Told(), stack)


@dataclass
class Apart(Cluster):
    """A cluster whose gate, halves and selector reach each other over sockets alone."""

    site: Site | None = None

    def open(self) -> None:
        assert self.site is not None
        site = self.site
        self.selector = Selector()
        self.selector_server = site.serve(serve_registrar(self.selector), Role.LEFT, Role.RIGHT)
        self.left_half = LeftHalf(self.around("left"), site.selector(self.selector_server, "left"))
        self.left_server = site.serve(serve_left(self.left_half), Role.GATE, Role.RIGHT)
        twin = site.left(self.left_server, "right")
        self.right_half = RightHalf(self.around("right"), site.selector(self.selector_server, "right"), twin)
        self.right_server = site.serve(serve_right(self.right_half), Role.GATE)
        self.left, self.right = site.left(self.left_server), site.right(self.right_server)  # type: ignore[assignment]
        self.gate = Gate(
            self.left,
            self.right,
            self.identities["gate"],
            keep_id=KEEP,
            model=MODEL,
            levels=len(FMRS),
            clock=lambda: self.now,
            desk=self.desk,
        )

    def close(self) -> None:
        super().close()
        self.left_half.close()
        self.right_half.close()


@pytest.fixture
def apart(site: Site) -> Iterator[Callable[..., Apart]]:
    made: list[Apart] = []

    def make_one(**options: object) -> Apart:
        made.append(Apart(site=site, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make_one
    for each in made:
        each.close()

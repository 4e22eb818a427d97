"""Running the application on a socket."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from facekeep.client.exchange import is_loopback
from facekeep.errors import FacekeepError, UsageError
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.elsewhere import Elsewhere
from facekeep.interfaces.http.provider import Provider, ProviderSettings
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site, site_at
from facekeep.interfaces.http.tracing import export_to
from facekeep.interfaces.http.watching import watched
from facekeep.interfaces.logs import log_to_stderr
from facekeep.interfaces.mail_server import MailServer
from facekeep.interfaces.mailing import MailPost
from facekeep.interfaces.memory import Weakness, settle, tell
from facekeep.interfaces.posting import EveryPost, HttpsPost
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.keep_backups import BackupSet
from facekeep.service.opening import system_clock
from facekeep.service.recurring_backups import BackupPlan, RecurringBackups
from facekeep.service.retaining import Retaining
from facekeep.service.tending import Tending
from facekeep.service.warming import warm_up
from facekeep.service.webhooks import Courier

if TYPE_CHECKING:
    from types import FrameType

    from fastapi import FastAPI

    from facekeep.service.keep import Keep
    from facekeep.service.policies import Policies

__all__ = ["Listening", "listen", "run"]

_log = structlog.get_logger("facekeep.serving")
_KEEP_ALIVE_SECONDS = 15
_GRACE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how to listen.

    Attributes:
        host: an address of this machine.
        port: 0 takes a free one.
        certificate: chain for TLS, PEM.
        key: its private key, PEM.
        insecure_plain_http: whether plain HTTP may leave this machine.
        origin: where people sign in, as their browsers write it; "" for localhost if this machine alone is served,
            and for nowhere if others are.
        traces: collector of OpenTelemetry traces, or None for none.
        proxies: addresses or networks of proxies whose word on the caller's address is taken.
    """

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None
    insecure_plain_http: bool = False
    origin: str = ""
    traces: str | None = None
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            raise UsageError("a certificate needs its key, and a key its certificate")
        if not (self.certificate or self.insecure_plain_http or is_loopback(self.host)):
            raise UsageError(
                "plain HTTP does not leave this machine: pictures and tokens would be in clear",
                hint="Give --certificate and --key; behind a proxy with TLS, --insecure-plain-http.",
            )
        try:
            for proxy in self.proxies:
                ipaddress.ip_network(proxy)
        except ValueError:
            raise UsageError("a proxy is named by its address or network", hint="Correct FACEKEEP_PROXIES.") from None
        if self.origin:
            site_at(self.origin)

    def site(self, port: int) -> Site:
        """The site that people sign in at, once the port is known.

        Raises:
            UsageError: passkeys do not work at the origin.
        """
        if self.origin:
            return site_at(self.origin)
        scheme = "http" if self.certificate is None else "https"
        return site_at(f"{scheme}://localhost:{port}") if is_loopback(self.host) else Site("")


class _Forgetting(H11Protocol):
    """A connection that lets go of what nobody read of a body: it would keep it for as long as it stays open."""

    def on_response_complete(self) -> None:
        """See uvicorn. What comes later of the same body is not kept anyway."""
        self.cycle.body = bytearray()
        super().on_response_complete()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """A signal that comes meanwhile is handled when the block is done."""
    came: list[int] = []  # blocking it would not do: another thread would get it, and the handler run all the same
    handler = signal.signal(number, lambda *_: came.append(number))
    try:
        yield
    finally:
        signal.signal(number, handler)
    if came:
        signal.raise_signal(number)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        OSError: the address cannot be listened on.
    """
    # Asyncio switches Nagle's algorithm off only where a socket says that it is TCP, and one that socket.create_server
    # made does not; with it, the second part of an answer waits for the caller's delayed acknowledgement: 40 ms.
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen()
    except BaseException:
        bound.close()
        raise
    return bound


def run(
    keep: Keep,
    listening: Listening,
    *,
    rates: Rates,
    told: Callable[[str], None],
    policies: Policies | None = None,
    provider: ProviderSettings | None = None,
    private: bool = False,
    mail: MailServer | None = None,
    authorities: Path | None = None,
    face_sign_in: bool = False,
    backups: BackupPlan | None = None,
    weak: Sequence[Weakness] = (),
) -> None:
    """Serve until a signal ends it.

    Args:
        keep: open.
        listening: where.
        rates: how often somebody may ask.
        told: gets the address once the socket listens.
        policies: who may do what; else those of the package.
        provider: of identities, by which people may sign in too.
        private: whether webhooks may be in this network, or on this machine.
        mail: the server that takes letters, if there is one.
        authorities: certificates to trust for webhooks and the mail server in place of the usual ones, PEM.
        face_sign_in: whether people may sign in with a live face in place of a passkey.
        backups: where and how often to make backups, if at all.
        weak: what is to be logged of this process's memory.

    Raises:
        UsageError: the address cannot be listened on, the certificate cannot be read, or backups cannot be made here.
    """
    if backups is not None:
        keep.check_backups_here()
    log_to_stderr()
    elsewhere = None if provider is None else Elsewhere(Provider(provider))
    with ExitStack() as opened:
        captures = shipped_captures(keep)
        tending = opened.enter_context(Tending(keep, also=captures.tend, unmeant=_teller("tending")))
        away = tending if keep.is_apart else None  # what is in this process is not away
        app = build(
            keep,
            rates,
            policies=policies,
            elsewhere=elsewhere,
            tending=away,
            captures=captures,
            private=private,
            mail=mail is not None,
            face_sign_in=face_sign_in,
        )
        letters = None if mail is None else MailPost(mail, origin=listening.origin, authorities=authorities)
        post = EveryPost(HttpsPost(private=private, authorities=authorities), letters)
        courier = Courier(keep, post, system_clock, app.state.metrics.sent, unmeant=_teller("courier"), cut=post.cut)
        opened.enter_context(courier.working())
        if backups is not None:
            opened.enter_context(RecurringBackups(keep, backups, told=_tell_backup, unmeant=_teller("backups")))

        def listens(address: str) -> None:
            told(address)
            tell(weak)

        _run(app, listening, listens)


def _teller(where: str) -> Callable[[Exception], None]:
    """Logs errors that nobody meant by their type: their messages could hold anything."""
    return lambda error: _log.error("unexpected", where=where, error=type(error).__name__)


def _tell_backup(outcome: BackupSet | FacekeepError) -> None:
    if isinstance(outcome, FacekeepError):
        _log.error("backup failed", error=type(outcome).__name__, message=outcome.message)
    else:
        _log.info("backed up", folder=outcome.folder.name, generation=outcome.generation, removed=outcome.removed)


def _run(app: FastAPI, listening: Listening, told: Callable[[str], None]) -> None:
    config = uvicorn.Config(
        app,
        # Named, since others would be taken where they are installed: uvloop keeps the last that it read from a socket.
        loop="asyncio",
        http=_Forgetting,
        ws="none",
        log_level="warning",
        access_log=False,  # paths hold identifiers
        server_header=False,
        date_header=True,
        proxy_headers=bool(listening.proxies),
        forwarded_allow_ips=list(listening.proxies),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=None if listening.certificate is None else str(listening.certificate),
        ssl_keyfile=None if listening.key is None else str(listening.key),
    )
    try:
        config.load()
    except OSError:
        raise UsageError("the certificate or its key cannot be read", hint="Give PEM files that fit.") from None
    try:
        bound = listen(listening.host, listening.port)
    except OSError:
        raise UsageError(
            "the address cannot be listened on", hint="Choose another --port, or an address of this machine."
        ) from None
    scheme = "http" if listening.certificate is None else "https"
    host = f"[{bound.getsockname()[0]}]" if bound.family == socket.AF_INET6 else bound.getsockname()[0]
    with ExitStack() as ending:
        ending.enter_context(bound)
        app.state.site = listening.site(bound.getsockname()[1])
        if listening.traces is not None:
            ending.callback(export_to(listening.traces))
        # Uvicorn raises the signal that ended it once more, which would end the process before the keep is closed.
        ending.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, _leave))
        warm_up()  # whoever asks first waits for an answer and not for a compiler
        with _held_back(signal.SIGTERM):  # between a thread's start and its being entered nobody would end it
            ending.enter_context(watched(app.state.keep))
            told(f"{scheme}://{host}:{bound.getsockname()[1]}")
            ending.enter_context(Retaining(app.state.keep))
        settle()
        uvicorn.Server(config).run(sockets=[bound])

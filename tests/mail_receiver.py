"""A mail server, as somebody would run one: real sockets on this machine, on a thread of its own."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Arrived:
    """A letter, who it is for, and how it came."""

    sender: str
    to: list[str]
    raw: bytes
    greeted: str
    encrypted: bool
    known: bool

    @property
    def letter(self) -> EmailMessage:
        """The letter, read strictly."""
        found = message_from_bytes(self.raw, policy=POLICY)
        assert isinstance(found, EmailMessage)
        assert found.defects == []
        return found


@dataclass
class MailReceiver:
    """What came, and what is answered to a recipient next; yes when the list is used up."""

    answers: list[str] = field(default_factory=list)
    came: queue.Queue[Arrived] = field(default_factory=queue.Queue)
    port: int = 0
    asks: bool = False
    at_once: bool = False

    async def handle_RCPT(self, _s: SMTP, session: Session, envelope: Envelope, address: str, _o: list[str]) -> str:  # noqa: N802
        if self.asks and not session.authenticated:
            return "530 who are you"
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content, sender = envelope.content, envelope.mail_from
        assert isinstance(content, bytes)
        encrypted, known = self.at_once or session.ssl is not None, bool(session.authenticated)
        self.came.put(Arrived(str(sender), envelope.rcpt_tos, content, str(session.host_name), encrypted, known))
        return "250 taken"

    def all(self) -> list[Arrived]:
        """What came so far and was not looked at."""
        found = []
        while not self.came.empty():
            found.append(self.came.get_nowait())
        return found


@contextmanager
def receiving_mail(
    answers: list[str] | None = None, *, tls: Path | None = None, at_once: bool = False, password: str = ""
) -> Iterator[MailReceiver]:
    """A mail server while the block lasts.

    Args:
        answers: to the first recipients.
        tls: folder with a certificate; offers STARTTLS and takes nothing without it.
        at_once: TLS from the first byte instead.
        password: has everybody say it, as user ``keep``.
    """
    receiver = MailReceiver(list(answers or []), asks=bool(password), at_once=at_once)
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls / "cert.pem", tls / "key.pem")

    def knows(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: LoginPassword) -> AuthResult:
        fits = (data.login, data.password) == (b"keep", password.encode())
        return AuthResult(success=fits, handled=False)

    def protocol() -> SMTP:
        starttls = None if at_once else context
        return SMTP(
            receiver,
            hostname="mail.example",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_require_tls=starttls is not None,
            authenticator=knows,
        )

    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if at_once else None)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()

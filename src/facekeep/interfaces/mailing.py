"""Sending messages to webhooks as letters, through the mail server that an administrator named.

It may be anywhere, in this network too: who names it is trusted. Beyond this machine nothing is said to it but over
TLS, with a certificate that is verified; without the name of this machine, which would stand in the head of letters.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import structlog

from facekeep.domain.mailbox import mailbox_of
from facekeep.domain.webhooks import event_of
from facekeep.errors import UnavailableError
from facekeep.interfaces.attempts import Attempts, Lookup, aside, looked_up, verifying
from facekeep.interfaces.letters import letter
from facekeep.interfaces.mail_server import MailServer, Security

__all__ = ["LETTER_SECONDS", "MailPost"]

LETTER_SECONDS: Final = 30.0
"""From the look-up of the name to the word that a letter was taken: mail servers answer slowly on purpose."""

_TAKEN: Final = 200
_log = structlog.get_logger("facekeep.mail")


class MailPost(Attempts):
    """Implements :class:`facekeep.service.webhooks.Post`. Safe for threads."""

    def __init__(
        self,
        server: MailServer,
        *,
        origin: str = "",
        authorities: Path | None = None,
        lookup: Lookup = looked_up,
        seconds: float = LETTER_SECONDS,
    ) -> None:
        """Be ready.

        Args:
            server: takes the letters.
            origin: where people sign in at the keep, for links; "" for none.
            authorities: certificates to trust in place of the usual ones, PEM.
            lookup: how names are looked up.
            seconds: that an attempt may take, all in all.
        """
        super().__init__(seconds)
        self._server = server
        self._origin = origin
        self._trusted = verifying(authorities)
        self._lookup = lookup

    async def exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :class:`~facekeep.interfaces.attempts.Attempts`."""
        server, to = self._server, mailbox_of(url)
        sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        made = letter(event_of(body), headers["webhook-id"], sent, sender=server.sender, to=to, origin=self._origin)
        try:
            addresses = await aside(lambda: self._lookup(server.host, server.port))
        except (OSError, UnicodeError):  # UnicodeError: a name that no resolver takes
            addresses = ()
        here = all(ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in addresses)
        if not addresses or (server.security is Security.PLAIN and not here):
            raise UnavailableError("the mail server has no address, or one that is not of this machine")
        talk = _Talk(server, addresses, self._trusted, self._seconds)
        try:
            await aside(lambda: talk.send(made, to))
        except (OSError, UnicodeError) as error:
            _log.warning("a letter was not taken", why=type(error).__name__, code=_code(error))
            raise UnavailableError("the mail server did not take the letter") from None
        finally:
            talk.end()
        return _TAKEN


class _Talk:
    """A conversation with a mail server, which another thread can end wherever it is."""

    def __init__(self, server: MailServer, addresses: Sequence[str], trusted: ssl.SSLContext, seconds: float) -> None:
        self._server = server
        self._addresses = addresses
        self._trusted = trusted
        self._seconds = seconds
        self._lock = threading.Lock()
        self._ended = False
        self._handle: socket.socket | None = None

    def send(self, made: EmailMessage, to: str) -> None:
        """Have a letter taken.

        Raises:
            OSError: it was not, or nobody knows. The library's own errors are of this kind too.
        """
        server = self._server
        with closing(_Line(self, server, self._seconds)) as line:
            if server.security is Security.STARTTLS:
                line.starttls(context=self._trusted)
            if server.user:
                line.login(server.user, server.password)
            line.send_message(made, server.sender, [to])
            with suppress(OSError):  # it was taken, whatever comes of the farewell, whose answer is not awaited
                line.putcmd("quit")

    def connected(self) -> socket.socket:
        """A connection to the server, over TLS if it begins with that.

        Raises:
            OSError: it cannot be reached at any of its addresses, or is not who it should be.
        """
        made = self._reached()
        if self._server.security is not Security.TLS:
            return made
        try:
            return self._trusted.wrap_socket(made, server_hostname=self._server.host)
        except BaseException:
            made.close()
            raise

    def _reached(self) -> socket.socket:
        *others, last = self._addresses
        for address in others:
            with suppress(OSError):
                return self._connected_to(address)
        return self._connected_to(last)

    def _connected_to(self, address: str) -> socket.socket:
        made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            self._hold(made)
            made.settimeout(self._seconds)
            made.connect((address, self._server.port))
        except BaseException:
            made.close()
            raise
        return made

    def _hold(self, made: socket.socket) -> None:
        """Keep a second handle of a connection: TLS takes the first one over while it shakes hands."""
        with self._lock:
            if self._ended:
                raise ConnectionAbortedError
            if self._handle is not None:
                self._handle.close()
            self._handle = made.dup()

    def end(self) -> None:
        """Cut it off, whatever is being waited for; nothing more is said then."""
        with self._lock:
            self._ended = True
            if self._handle is not None:
                with suppress(OSError):  # the other side was quicker
                    self._handle.shutdown(socket.SHUT_RDWR)
                self._handle.close()


class _Line(smtplib.SMTP):
    """The library's conversation, over a connection that can be cut off."""

    def __init__(self, talk: _Talk, server: MailServer, seconds: float) -> None:
        self._talk = talk
        name = server.sender.rpartition("@")[2]  # the library would say what this machine is called
        super().__init__(server.host, server.port, name, seconds)

    def _get_socket(self, _host: str, _port: int, _timeout: float) -> socket.socket:
        return self._talk.connected()


def _code(error: Exception) -> int:
    """What the server answered, 0 if it did not."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next(code for code, _ in error.recipients.values())
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else 0

"""The mail server that an administrator named in the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from facekeep.client.exchange import is_loopback
from facekeep.domain.mailbox import mailbox
from facekeep.errors import UsageError

if TYPE_CHECKING:
    from facekeep.interfaces.settings import Settings

__all__ = ["MailServer", "Security", "mail_server"]


class Security(StrEnum):
    """How a mail server is spoken with."""

    TLS = "tls"
    """Over TLS from the first byte."""
    STARTTLS = "starttls"
    """Over TLS before anything of a letter is said; without it nothing is."""
    PLAIN = "plain"
    """In clear, which does not leave this machine."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server that takes letters.

    Attributes:
        host: its name or address.
        port: 1 to 65,535.
        security: how it is spoken with.
        sender: the address that letters are from.
        user: what it knows the keep by, "" for nothing.
        password: what proves that.
    """

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


def mail_server(settings: Settings) -> MailServer | None:
    """The mail server that the environment names, or None.

    Raises:
        UsageError: it is named in part, or what is said of it does not fit.
    """
    address, sender, user = settings.mail_server, settings.mail_from, settings.mail_user
    secrets = sum(one is not None for one in (settings.mail_password, settings.mail_password_file))
    if address is None:
        if sender or user or secrets:
            raise UsageError("letters need a mail server", hint="Set FACEKEEP_MAIL_SERVER.")
        return None
    if sender is None:
        raise UsageError("letters need a sender", hint="Set FACEKEEP_MAIL_FROM, for example facekeep@example.org.")
    if secrets != (user is not None):
        raise UsageError(
            "a mail server knows the keep by a user and one password, or by neither",
            hint="Set FACEKEEP_MAIL_USER, and either FACEKEEP_MAIL_PASSWORD or FACEKEEP_MAIL_PASSWORD_FILE.",
        )
    password = _password(settings)
    if not (password.isascii() and (user or "").isascii()):
        raise UsageError("a mail server takes a user and a password of ASCII", hint="Set FACEKEEP_MAIL_USER anew.")
    try:
        mailbox(sender)
    except UsageError as error:
        raise UsageError(
            "the sender of letters is no address of mail", hint=f"FACEKEEP_MAIL_FROM: {error.hint}"
        ) from None
    host, port, security = _place(address)
    return MailServer(host, port, security, sender, user or "", password)


def _password(settings: Settings) -> str:
    if settings.mail_password is not None:
        return settings.mail_password.get_secret_value()
    if settings.mail_password_file is None:
        return ""
    try:
        return settings.mail_password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError("the file of FACEKEEP_MAIL_PASSWORD_FILE cannot be read") from None


def _place(address: str) -> tuple[str, int, Security]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port = "", 0
    bare = f"[{host}]" if ":" in host else host
    if not (host and port) or address.lower() not in {f"{scheme}://{bare}:{port}" for scheme in ("smtp", "smtps")}:
        raise UsageError(
            "this is no address of a mail server",
            hint="FACEKEEP_MAIL_SERVER is smtps://HOST:PORT or smtp://HOST:PORT, for example smtp://mail.example.org:587.",
        )
    if parts.scheme == "smtps":
        return host, port, Security.TLS
    return host, port, Security.PLAIN if is_loopback(host) else Security.STARTTLS

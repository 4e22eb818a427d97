"""Sending messages to webhooks over HTTPS, and to nobody whom they must not reach; others go by mail.

A name is looked up once, each address that it has is looked at, and the connection goes to one that was: a name that is
looked up again could point elsewhere by then. Redirects are not followed. Of the answer nothing is read but its head,
of at most 100 KiB, for the status in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx2

from facekeep.domain.mailbox import is_mail
from facekeep.errors import UnavailableError
from facekeep.interfaces.attempts import ATTEMPT_SECONDS, Attempts, Lookup, aside, looked_up, verifying
from facekeep.interfaces.mailing import MailPost
from facekeep.service.endpoints import is_public

__all__ = ["EveryPost", "HttpsPost"]


class _Stream(Protocol):
    """A connection of the library."""

    async def aclose(self) -> None:
        """End it; ending it twice changes nothing."""


class HttpsPost(Attempts):
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
        super().__init__(seconds)
        self._private = private
        self._lookup = lookup
        self._trusted = verifying(authorities)

    async def exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :class:`~facekeep.interfaces.attempts.Attempts`."""
        try:
            target = httpx2.URL(url)
            port = target.port or {"https": 443, "http": 80}[target.scheme]
            addresses = await aside(lambda: self._lookup(target.host, port))
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


class EveryPost:
    """Implements :class:`facekeep.service.webhooks.Post`, by mail to ``mailto:`` and over HTTPS else."""

    def __init__(self, web: HttpsPost, mail: MailPost | None) -> None:
        """Be ready; without mail, what should go by it fails."""
        self._web = web
        self._mail = mail

    def cut(self) -> None:
        """See :meth:`~facekeep.interfaces.attempts.Attempts.cut`."""
        self._web.cut()
        if self._mail is not None:
            self._mail.cut()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :class:`~facekeep.service.webhooks.Post`."""
        if not is_mail(url):
            return self._web(url, headers, body)
        if self._mail is None:
            raise UnavailableError("no mail can be sent from here", hint="Set FACEKEEP_MAIL_SERVER again.")
        return self._mail(url, headers, body)

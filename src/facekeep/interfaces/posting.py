"""Sending messages to webhooks over HTTPS, and to nobody whom they must not reach.

A name is looked up once, each address that it has is looked at, and the connection goes to one that was: a name that is
looked up again could point elsewhere by then. Redirects are not followed, and nothing of the answer is read but its
status.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import httpx2

from facekeep.client.exchange import trusted
from facekeep.errors import UnavailableError
from facekeep.service.webhooks import is_public

__all__ = ["HttpsPost", "Lookup"]

_TIMEOUT_SECONDS: Final = 10.0

Lookup = Callable[[str, int], Sequence[str]]
"""The addresses of a host and port."""


def looked_up(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the operating system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class HttpsPost:
    """Implements :class:`facekeep.service.webhooks.Post`."""

    def __init__(self, *, private: bool = False, authorities: Path | None = None, lookup: Lookup = looked_up) -> None:
        """Be ready.

        Args:
            private: whether addresses in this network, and of this machine, may be reached.
            authorities: certificates to trust in place of the usual ones, PEM.
            lookup: how names are looked up.
        """
        self._private = private
        self._lookup = lookup
        self._http = httpx2.Client(
            timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False, verify=trusted(authorities)
        )

    def close(self) -> None:
        """End what is connected."""
        self._http.close()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """See :class:`~facekeep.service.webhooks.Post`."""
        try:
            target = httpx2.URL(url)
            addresses = self._lookup(target.host, target.port or {"https": 443, "http": 80}[target.scheme])
        except (OSError, UnicodeError, httpx2.InvalidURL):  # UnicodeError: a name that no resolver takes
            raise UnavailableError("the endpoint has no address") from None
        if not addresses or not (self._private or all(map(is_public, addresses))):
            raise UnavailableError("the endpoint has no address, or one that may not be reached from here")
        pinned = target.copy_with(host=addresses[0].partition("%")[0])
        request = self._http.build_request(
            "POST",
            pinned,
            headers={**headers, "host": target.netloc.decode("ascii"), "user-agent": "facekeep"},
            content=body,
            extensions={"sni_hostname": target.host},
        )
        try:
            response = self._http.send(request, stream=True)
            response.close()
        except httpx2.HTTPError:
            raise UnavailableError("the endpoint did not answer") from None
        return response.status_code

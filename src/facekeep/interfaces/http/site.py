"""The site that people's browsers know: its origin, the cookie of a session, and whether a request comes from it.

A cookie is sent by a browser without being asked, so a request that bears one has to say that it comes from the site's
own pages: by ``Sec-Fetch-Site``, which no page can forge, or by ``Origin``. One that changes something and says neither
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response

from facekeep.domain.accounts import SESSION_LENGTH
from facekeep.errors import UsageError
from facekeep.interfaces.http.problems import Problem

__all__ = ["Site", "site_at"]

_SAFE = ("GET", "HEAD")
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Site:
    """Where people sign in.

    Attributes:
        origin: scheme, host and port as browsers write it, or "" where people cannot sign in.
    """

    origin: str

    @property
    def host(self) -> str:
        """The domain that passkeys are bound to."""
        return urlsplit(self.origin).hostname or ""

    @property
    def cookie(self) -> str:
        """The name of a session's cookie. The prefix keeps other hosts of the domain from setting it."""
        return "__Host-facekeep" if self.secure else "facekeep"

    @property
    def capture_cookie(self) -> str:
        """The name of the cookie of a capture."""
        return f"{self.cookie}-capture"

    @property
    def secure(self) -> bool:
        """Whether cookies are for HTTPS alone."""
        return self.origin.startswith("https:")

    def session_of(self, request: Request) -> str | None:
        """The secret of the session that a request bears, or None."""
        return request.cookies.get(self.cookie) or None

    def capture_of(self, request: Request) -> str:
        """The secret of the capture that a request bears, or ""."""
        return request.cookies.get(self.capture_cookie, "")

    def check_same_site(self, request: Request) -> None:
        """Refuse a request that another site made a browser send.

        Raises:
            Problem: it comes from elsewhere, or changes something and does not say where it comes from.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        foreign = (site is not None and site not in {"same-origin", "none"}) or (
            origin is not None and origin != self.origin
        )
        silent = site is None and origin is None and request.method not in _SAFE
        if foreign or silent or (site == "none" and request.method not in _SAFE):
            raise Problem(
                "other-site",
                "A session serves the service's own pages only.",
                "A program sends a token in place of a session: facekeep token create.",
            )

    def give(self, response: Response, secret: str) -> None:
        """Put the secret of a session into a cookie that no script reads and no other site sends."""
        self._put(response, self.cookie, secret, int(SESSION_LENGTH.total_seconds()))

    def give_capture(self, response: Response, secret: str, seconds: int) -> None:
        """Put the secret of a capture into a cookie of its own, which ends with it."""
        self._put(response, self.capture_cookie, secret, seconds)

    def _put(self, response: Response, name: str, secret: str, seconds: int) -> None:
        response.set_cookie(
            name, secret, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="strict"
        )

    def take(self, response: Response) -> None:
        """Let a browser forget its session."""
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="strict")


def site_at(origin: str) -> Site:
    """The site at an origin that somebody configured.

    Raises:
        UsageError: it is none, or passkeys do not work there.
    """
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _no_origin() from None
    shown = f"{parts.scheme}://{host}{'' if port is None else f':{port}'}"
    if origin != shown or len(origin) > _LONGEST or not host.isascii() or port in {80, 443}:
        raise _no_origin()
    if parts.scheme != "https" and not (parts.scheme == "http" and host == "localhost"):
        raise _no_origin()
    return Site(origin)


def _no_origin() -> UsageError:
    return UsageError(
        "this is no origin that passkeys work at",
        hint="Give https:// and a host name as browsers write it, without a path: https://faces.example. "
        "Plain http works with localhost only.",
    )

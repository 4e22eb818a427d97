"""Where an endpoint of events may be: https in the open internet, or a mailbox."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from facekeep.domain.mailbox import is_mail, mailbox_of
from facekeep.errors import UsageError

__all__ = ["check_url", "is_public"]

_URL_MAX: Final = 2048


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, so that nothing of this network is reached by it."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if found.sixtofour is not None or found.teredo is not None or any(found in one for one in _TRANSLATED):
            return False
    return found.is_global and not found.is_multicast


_TRANSLATED: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "fec0::/10")))
"""Addresses that stand for others (translated, version 4 within 6), or for those of a site."""
_LABEL_MAX: Final = 63


def check_url(url: str, *, private: bool, mail: bool) -> None:
    """See to it that an endpoint may be at an address.

    Args:
        url: the address.
        private: whether it may be in this network, or on this machine. Names are looked up when something is sent.
        mail: whether mail can be sent.

    Raises:
        UsageError: it is none, is too long, is not https beyond this machine, is in this network, or is reached by mail
            and no mail can be sent.
    """
    if is_mail(url):
        mailbox_of(url)
        if not mail:
            raise UsageError(
                "no mail can be sent from here",
                hint="An administrator can name a mail server: FACEKEEP_MAIL_SERVER and FACEKEEP_MAIL_FROM.",
            )
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError("this is no address of a webhook", hint="For example https://example.org/facekeep.") from None
    sound = url.isascii() and url.isprintable() and " " not in url and len(url) <= _URL_MAX
    labels = host.removesuffix(".").split(".")
    named = ":" in host or all(0 < len(label) <= _LABEL_MAX for label in labels)
    if (
        not (sound and named and host and parts.scheme in ("https", "http"))
        or parts.username is not None
        or parts.fragment
    ):
        raise UsageError("this is no address of a webhook", hint="For example https://example.org/facekeep.")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        literal = None
    loopback = host == "localhost" or (literal is not None and literal.is_loopback)
    if parts.scheme == "http" and not loopback:
        raise UsageError("a webhook beyond this machine is reached by https", hint="Give an address with https://.")
    if not private and (loopback or (literal is not None and not is_public(host))):
        raise UsageError(
            "a webhook may not be in this network", hint="An administrator can allow it: FACEKEEP_WEBHOOKS_PRIVATE=1."
        )

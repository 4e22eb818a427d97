"""Where mail goes: one plain address, which can say nothing else to a mail server or in the head of a letter.

Invariants: an address is ASCII of at most 254 characters, of letters, digits and a few signs that mean nothing to a
mail server, to a head of a letter or in an address of the web: no quotes, spaces, brackets, commas or per cent signs.
"""

from __future__ import annotations

import re
from typing import Final

from facekeep.errors import UsageError

__all__ = ["MAILBOX_MAX", "is_mail", "mailbox", "mailbox_of"]

MAILBOX_MAX: Final = 254
"""Characters, the most that a mail server takes (RFC 5321, erratum 1690)."""

_SCHEME: Final = "mailto:"
_LOCAL_MAX: Final = 64
_ATOM: Final = r"[A-Za-z0-9_][A-Za-z0-9_+'=~-]*"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX: Final = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)*({_LABEL}))")


def is_mail(url: str) -> bool:
    """Whether an address of an endpoint is meant to be of mail."""
    return url[: len(_SCHEME)].lower() == _SCHEME


def mailbox(text: str) -> str:
    """A text that is one address of mail.

    Raises:
        UsageError: it is none, several, or one that would have to be quoted.
    """
    found = _MAILBOX.fullmatch(text) if len(text) <= MAILBOX_MAX else None
    if found is None or len(found[1]) > _LOCAL_MAX or found[3].isdigit():
        raise UsageError(
            "this is no address of mail", hint="One plain address, for example duty@example.org, without a name."
        )
    return text


def mailbox_of(url: str) -> str:
    """The address of mail in the address of an endpoint.

    Raises:
        UsageError: it is not ``mailto:`` and one address.
    """
    if not is_mail(url):
        raise UsageError("this is no address of mail", hint="For example mailto:duty@example.org.")
    return mailbox(url[len(_SCHEME) :])

"""For whoever receives webhooks: is this message from the keep, and new?"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from facekeep.domain.webhooks import SECRET_PREFIX, signature
from facekeep.errors import AuthenticationError, FormatError, UsageError

__all__ = ["WINDOW", "WebhookMessage", "verify_webhook"]

WINDOW = timedelta(minutes=5)
"""How far the time of a message may be from the receiver's own."""

_BYTES_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """A message that is from the keep.

    Attributes:
        id: the same at every attempt: what was handled under it before is not handled again.
        kind: for instance ``subject.erased``; new kinds may come.
        time: when it happened.
        data: identifiers of whom or what it is about.
    """

    id: str
    kind: str
    time: datetime
    data: Mapping[str, str]


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str, now: datetime) -> WebhookMessage:
    """Check a message and take it apart.

    Compares in constant time. A message that is sent again within the window passes, by the keep itself too, so
    remember the identifiers of the last minutes.

    Args:
        body: as it came, before anything parsed it.
        headers: of the request; names in any case.
        secret: as it was shown when the webhook was made.
        now: the time, with time zone.

    Raises:
        AuthenticationError: it is not signed with this secret, was altered, or is too old or too new.
        FormatError: it is signed, but of a form that this version does not know.
        UsageError: the secret cannot be one.
    """
    key = _key(secret)
    given = {name.lower(): value for name, value in headers.items()}
    identifier, stamp, signatures = (given.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if (
        not (identifier and identifier.isascii() and stamp.isascii() and stamp.isdigit() and len(stamp) <= 12)
        or len(body) > _BYTES_MAX
    ):
        raise _denied()
    expected = signature(key, identifier, int(stamp), body).encode()
    # Every signature is looked at: several are sent while a secret is changed.
    fits = [hmac.compare_digest(each.encode("utf-8", "surrogatepass"), expected) for each in signatures.split(" ")]
    if not any(fits) or abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        raise _denied()
    try:
        document = json.loads(body)
        data = {str(name): str(value) for name, value in document["data"].items()}
        return WebhookMessage(identifier, str(document["type"]), datetime.fromisoformat(document["timestamp"]), data)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError("a signed message is of a form that this version does not know") from None


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key or not secret.startswith(SECRET_PREFIX):
        raise UsageError("this is no secret of a webhook", hint="Give what was shown when the webhook was made.")
    return key


def _denied() -> AuthenticationError:
    return AuthenticationError(
        "this message is not from the keep, or not of now", hint="Check the secret, and that the clocks agree."
    )

"""Reviewers: the keys that evidence is sealed to, and when they are on duty.

Invariants: a private key is never known here; a key has one reviewer, and its identifier follows from it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, NewType

from facekeep.domain.accounts import AccountId

__all__ = ["DUTY_DAYS", "KEYS_MAX", "PUBLIC_KEY_BYTES", "DutyDay", "Reviewer", "ReviewerKey", "ReviewerKeyId", "key_id"]

ReviewerKeyId = NewType("ReviewerKeyId", bytes)

PUBLIC_KEY_BYTES: Final = 32
KEYS_MAX: Final = 8
"""Keys of one reviewer, each in another browser."""
DUTY_DAYS: Final = 90
"""For how many days it is known how long somebody was on duty."""

_DAY: Final = timedelta(days=1)


def key_id(public: bytes) -> ReviewerKeyId:
    """The identifier of a public key: the first 16 bytes of its SHA-256.

    Args:
        public: X25519, 32 bytes.
    """
    if len(public) != PUBLIC_KEY_BYTES:
        raise ValueError(f"a public key has {PUBLIC_KEY_BYTES} bytes")
    return ReviewerKeyId(hashlib.sha256(public).digest()[:16])


@dataclass(frozen=True, slots=True)
class ReviewerKey:
    """A public key of a reviewer.

    Attributes:
        public: X25519, 32 bytes.
        added: when, with time zone.
    """

    public: bytes
    added: datetime

    @property
    def id(self) -> ReviewerKeyId:
        """What it is called."""
        return key_id(self.public)


@dataclass(frozen=True, slots=True)
class DutyDay:
    """How long somebody was on duty on a day.

    Attributes:
        day: of UTC, as ISO 8601 writes it.
        seconds: of that day.
    """

    day: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Somebody whom evidence can be sealed to.

    Attributes:
        account: whose.
        keys: at most 8.
        since: from when on they are on duty; None if they are not.
        days: on which they were, oldest first, not counting the time since ``since``.
    """

    account: AccountId
    keys: tuple[ReviewerKey, ...] = ()
    since: datetime | None = None
    days: tuple[DutyDay, ...] = ()

    def on_duty(self, now: datetime) -> Reviewer:
        """The same, on duty from now on."""
        return self if self.since is not None else replace(self, since=now)

    def off_duty(self, now: datetime) -> Reviewer:
        """The same, off duty from now on, and the time counted."""
        return replace(self, since=None, days=self.worked(now))

    def worked(self, now: datetime) -> tuple[DutyDay, ...]:
        """The days on which they were on duty, up to now."""
        counted = {each.day: each.seconds for each in self.days}
        start = self.since
        while start is not None and start < now:
            midnight = _midnight(start) + _DAY
            end = min(midnight, now)
            day = start.astimezone(UTC).date().isoformat()
            counted[day] = counted.get(day, 0) + round((end - start).total_seconds())
            start = end
        oldest = (now.astimezone(UTC).date() - timedelta(days=DUTY_DAYS)).isoformat()
        return tuple(DutyDay(day, seconds) for day, seconds in sorted(counted.items()) if day >= oldest)


def _midnight(when: datetime) -> datetime:
    day: date = when.astimezone(UTC).date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

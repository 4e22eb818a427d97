"""How refusals are logged: each by itself, as long as they are few, so that a flood of them does not fill a disk."""

from __future__ import annotations

from dataclasses import dataclass

from facekeep.errors import RefusedError

REFUSALS_PER_HOUR = 1000
"""Refusals of one UTC hour that are logged one by one; of those behind it, numbers 1,024, 2,048, 4,096 and so on."""

_HOUR = 3600


@dataclass(slots=True)
class Refusals:
    """Counts the refusals of an hour. Hours go forward only. Not safe for threads: the half holds its lock.

    Attributes:
        hour: number of the hour since 1970, UTC.
        count: refusals in it.
    """

    hour: int = 0
    count: int = 0

    def record(self, now: int, refusal: RefusedError) -> dict[str, object] | None:
        """Count a refusal; its record, or None if it is not logged by itself.

        The record says how many there were in its hour, so that what is not logged is known within a factor of two.
        """
        self.seen(now, self.count + 1 if now // _HOUR <= self.hour else 1)
        if self.count > REFUSALS_PER_HOUR and self.count & (self.count - 1):
            return None
        # The message is one of a fixed set, and nothing in it is about a person (facekeep.errors).
        return {
            "kind": "refuse",
            "time": now,
            "why": type(refusal).__name__,
            "what": refusal.message,
            "count": self.count,
        }

    def seen(self, when: int, count: int) -> None:
        """Take in a count, for instance from the log."""
        self.hour = max(self.hour, when // _HOUR)
        self.count = count

"""The keys of evidence: one for each hour at which evidence ends, and a new one for it whenever something ends early.

A bucket is all that ends at one hour. Its key is called ``gate.evidence.HOUR`` (hours since 1970), and after it was
turned ``gate.evidence.HOUR.TURN``. Destroying it makes every copy of every row of the bucket unreadable.

Invariant: a key is kept durably before a row needs it, and one that no row names is destroyed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from facekeep.errors import KeyMissingError
from facekeep.store.keys import KeyProvider, new_key
from facekeep.store.sealing import KEY_BYTES, Sealer

__all__ = ["STORE", "Bucket", "BucketKeys", "hour_of", "hours_begun"]

STORE: Final = "evidence"
"""What errors call the store."""

_NAME: Final = re.compile(r"gate\.evidence\.(0|[1-9][0-9]{0,8})(?:\.([1-9][0-9]{0,8}))?")
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Bucket:
    """All evidence that ends at one hour, under one key.

    Attributes:
        hour: hours since 1970.
        turn: how many keys it had before this one.
    """

    hour: int
    turn: int = 0

    @property
    def name(self) -> str:
        """Of its key."""
        return f"gate.evidence.{self.hour}" + (f".{self.turn}" if self.turn else "")


class BucketKeys:
    """The keys of all buckets.

    Args:
        keys: where they are kept.
    """

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    def draw(self, bucket: Bucket) -> Sealer:
        """Draw the key of a bucket that no row names, durably; one that a crash left is destroyed."""
        self._keys.delete(bucket.name)
        self._keys.put(bucket.name, new_key())
        return self.get(bucket)

    def get(self, bucket: Bucket) -> Sealer:
        """What seals and opens the rows of a bucket.

        Raises:
            KeyMissingError: its key was destroyed, or cannot be read.
        """
        key = self._keys.get(bucket.name)
        if len(key) != KEY_BYTES:
            raise KeyMissingError(f"the key {bucket.name!r} does not open the evidence", store=STORE)
        return Sealer.of_key(key, role=STORE)

    def held(self) -> frozenset[Bucket]:
        """The buckets whose keys are there."""
        return frozenset(bucket for _, bucket in self._listed())

    def destroy_until(self, hour: int) -> None:
        """Destroy the keys of all buckets of this hour and of those before."""
        for name, bucket in self._listed():
            if bucket.hour <= hour:
                self._keys.delete(name)

    def keep(self, used: Collection[Bucket]) -> None:
        """Destroy the keys of all other buckets."""
        for name, bucket in self._listed():
            if bucket not in used:
                self._keys.delete(name)

    def _listed(self) -> list[tuple[str, Bucket]]:
        found = ((name, _NAME.fullmatch(name)) for name in self._keys.names())
        return [(name, Bucket(int(match[1]), int(match[2] or 0))) for name, match in found if match is not None]


def hour_of(deadline: datetime) -> int:
    """The hour at which evidence ends, in hours since 1970.

    Raises:
        ValueError: it has no time zone, or is not a full hour.
    """
    if deadline.tzinfo is None:
        raise ValueError("a deadline has a time zone")
    whole, rest = divmod(deadline.timestamp(), _HOUR.total_seconds())
    if rest or whole < 0:
        raise ValueError("evidence ends at a full hour")
    return int(whole)


def hours_begun(now: datetime) -> int:
    """The last full hour that has begun, in hours since 1970."""
    return int(now.timestamp() // _HOUR.total_seconds())

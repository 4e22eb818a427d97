"""Cases: what a search is made for.

Invariants: every search names a case; a case names one purpose, who opened it and when it ends; a closed or expired
case never opens again, a new one is made instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from facekeep.domain.consent import Purpose

CaseId = NewType("CaseId", bytes)

CASE_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Case:
    """The reason of searches, bounded in time.

    Attributes:
        id: 16 random bytes.
        title: what people call it, unique in the keep; of the form of a label (domain.subject).
        purpose: the one purpose its searches may have.
        opened_by: the operator who opened it.
        opened: when, with time zone.
        expires: from when on no search is made for it.
        closed: when it was closed, or None.
    """

    id: CaseId
    title: str = field(repr=False)
    purpose: Purpose
    opened_by: str = field(repr=False)
    opened: datetime
    expires: datetime
    closed: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.id) != CASE_ID_BYTES:
            raise ValueError(f"a case identifier has {CASE_ID_BYTES} bytes")
        if self.expires <= self.opened:
            raise ValueError("a case ends after it begins")

    def is_open(self, now: datetime) -> bool:
        """Whether searches may be made for it at the time ``now``."""
        return self.closed is None and self.opened <= now < self.expires

"""How near a keep is to the number of people at which it has to be filed with an authority.

China's Measures for the Security Management of the Application of Face Recognition Technology (in force since 1 June
2025) have whoever stores the face information of 100,000 people file within 30 working days of reaching that number.
Pure values: nobody is named, and the numbers can be moved by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

__all__ = ["CHINA", "Filing", "FilingState", "FilingThreshold"]

_SATURDAY: Final = 5
_DAYS: Final = "(Saturdays and Sundays left out, holidays counted in)"


class FilingState(StrEnum):
    """How near."""

    FAR = "far"
    NEAR = "near"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class FilingThreshold:
    """From how many people on something has to be filed.

    Attributes:
        limit: so many people.
        ahead: from how many on it is warned of.
        working_days: within how many after the limit was reached it has to be filed.
    """

    limit: int
    ahead: int
    working_days: int

    def __post_init__(self) -> None:
        if not 0 < self.ahead <= self.limit:
            raise ValueError("a warning comes before what it warns of")

    def state(self, people: int) -> FilingState:
        """How near so many people are."""
        if people >= self.limit:
            return FilingState.REACHED
        return FilingState.NEAR if people >= self.ahead else FilingState.FAR


CHINA: Final = FilingThreshold(limit=100_000, ahead=80_000, working_days=30)
"""China's measures of 2025, article 15."""


@dataclass(frozen=True, slots=True)
class Filing:
    """A keep beside a threshold.

    Attributes:
        threshold: the one.
        people: how many there are now.
        reached: when the limit was first reached, as the keep noted then; None if it never was. It stays though people
            are erased.
    """

    threshold: FilingThreshold
    people: int
    reached: datetime | None = None

    @property
    def state(self) -> FilingState:
        """How near the keep is."""
        return self.threshold.state(self.people) if self.reached is None else FilingState.REACHED

    @property
    def until(self) -> datetime | None:
        """When the time for filing ends. Saturdays and Sundays are left out; holidays are not known here."""
        if self.reached is None:
            return None
        day, left = self.reached, self.threshold.working_days
        while left:
            day += timedelta(days=1)
            left -= day.weekday() < _SATURDAY
        return day

    @property
    def said(self) -> str:
        """The state in a sentence, without a name."""
        count, limit = f"{self.people:,}", f"{self.threshold.limit:,}"
        match self.state:
            case FilingState.FAR:
                return f"{count} people are enrolled; filing is due at {limit}"
            case FilingState.NEAR:
                return f"{count} people are enrolled, and {limit} have to be filed with the authority"
        were = f", and {limit} were" if self.people < self.threshold.limit else ""
        due = "" if self.until is None else f" until {self.until:%Y-%m-%d} {_DAYS}"
        return f"{count} people are enrolled{were}: this has to be filed with the authority{due}"

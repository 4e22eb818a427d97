"""Budgets: how often a half lets itself be asked. Both halves count by themselves; the stricter answer wins.

Bands tell little, but a gate that asks adaptively without limit climbs to the template (docs/threat-model.md has the
curve). So a 1:1 comparison counts as a rejection of its row until its token comes back, and a 1:N search counts for
its case, its operator and the day. A half that was asked 1:N cannot tell a stranger from a target among the rows it
compares: in a gallery of thirty every search compares all thirty, and counting those as rejections would lock everybody
by the eleventh search of the day (docs/adr/0005-budgets.md).

The counts are a function of the log: a half replays its log when it opens, from the last snapshot on. Refresh does not
touch them. All times are seconds since 1970, UTC; a day is a UTC day. Days go forward only, by the records of the log:
what is asked under a clock that was set back counts for the latest day that was seen.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

from facekeep.domain.row import Pseudonym
from facekeep.errors import BudgetError, FormatError
from facekeep.split.statement import NEVER_RETURN

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is allowed.

    Attributes:
        rejects_per_day: rejected 1:1 comparisons of one row in a day.
        rejects_alarm: rejected comparisons of one row, over its life, at which an alarm is raised.
        rejects_for_life: rejected comparisons of one row, over its life, at which it locks.
        searches_per_case: 1:N searches under one case, over its life.
        searches_per_operator_day: 1:N searches by one operator in a day.
        searches_per_day: 1:N searches of a half in a day; the gate may invent cases and operators, but not days.
    """

    rejects_per_day: int = 10
    rejects_alarm: int = 30
    rejects_for_life: int = 100
    searches_per_case: int = 100
    searches_per_operator_day: int = 500
    searches_per_day: int = 10_000

    def __post_init__(self) -> None:
        if any(type(value) is not int or not 1 <= value <= 10**9 for value in asdict(self).values()):
            raise FormatError("a limit is a whole number from 1 to 1,000,000,000")


@dataclass(slots=True)
class Budgets:
    """The counts of one half. Not safe for threads: the half holds its lock."""

    limits: Limits
    _day: int = 0
    _rejects_today: Counter[str] = field(default_factory=Counter)
    _rejects_life: Counter[str] = field(default_factory=Counter)
    _cases: Counter[str] = field(default_factory=Counter)
    _operators_today: Counter[str] = field(default_factory=Counter)
    _searches_today: int = 0

    def check(self, now: int, *, row: Pseudonym | None, case: str, operator: str) -> None:
        """Whether one more search is allowed; counts nothing.

        Args:
            now: the time.
            row: the row of a 1:1 comparison, None for 1:N.
            case: identifier, "" where the purpose needs none.
            operator: identifier, "" where it counts for none (``counted_operator``).

        Raises:
            BudgetError: it is not.
        """
        self.turn(now)
        if row is not None:
            name = row.hex()
            if self._rejects_life[name] >= self.limits.rejects_for_life:
                raise BudgetError(
                    "a reference is locked for good after too many rejected comparisons",
                    hint="Have two operators review it and release the lock: docs/how-to/budgets.md.",
                )
            if self._rejects_today[name] >= self.limits.rejects_per_day:
                raise BudgetError("a reference is locked for today after too many rejected comparisons")
            return
        if case and self._cases[case] >= self.limits.searches_per_case:
            raise BudgetError("the case has used up its searches", hint="Have the case reviewed and open a new one.")
        if operator and self._operators_today[operator] >= self.limits.searches_per_operator_day:
            raise BudgetError("the operator has used up today's searches")
        if self._searches_today >= self.limits.searches_per_day:
            raise BudgetError("this half has used up today's searches")

    def count(self, when: int, *, row: Pseudonym | None, case: str, operator: str, compared: bool = True) -> None:
        """Count a search that was logged. A 1:1 comparison is a rejection until ``accepted`` says otherwise.

        Args:
            when: the time in the log.
            row: as in ``check``.
            case: as in ``check``.
            operator: as in ``check``.
            compared: False for a 1:1 comparison with a dummy: invented pseudonyms are forgotten with the day.
        """
        self.turn(when)
        if row is not None:
            self._rejects_today[row.hex()] += 1
            if compared:
                self._rejects_life[row.hex()] += 1
            return
        if case:
            self._cases[case] += 1
        if operator:
            self._operators_today[operator] += 1
        self._searches_today += 1

    def accepted(self, when: int, row: Pseudonym) -> None:
        """Take back the rejection counted at ``when``: the token of the comparison came back."""
        name = row.hex()
        _lower(self._rejects_life, name)
        if when // _DAY == self._day:
            _lower(self._rejects_today, name)

    def forgive(self, row: Pseudonym) -> None:
        """Drop the counts of a row: its lock was released after review, or it was erased."""
        self._rejects_life.pop(row.hex(), None)
        self._rejects_today.pop(row.hex(), None)

    def alarms(self) -> tuple[Pseudonym, ...]:
        """The rows whose rejections reached the alarm."""
        return tuple(
            Pseudonym(bytes.fromhex(name))
            for name, count in self._rejects_life.items()
            if count >= self.limits.rejects_alarm
        )

    def __len__(self) -> int:
        """Number of counts, which is what a snapshot costs."""
        return len(self._rejects_today) + len(self._rejects_life) + len(self._cases) + len(self._operators_today)

    def turn(self, now: int) -> None:
        """Begin a new day, if ``now`` is on one: a clock set back does not give the day's budget again."""
        if now // _DAY > self._day:
            self._day = now // _DAY
            self._rejects_today.clear()
            self._operators_today.clear()
            self._searches_today = 0

    def snapshot(self) -> bytes:
        """The counts as bytes, for ``restore``."""
        return json.dumps(
            {
                "day": self._day,
                "rejects_today": self._rejects_today,
                "rejects_life": self._rejects_life,
                "cases": self._cases,
                "operators_today": self._operators_today,
                "searches_today": self._searches_today,
            }
        ).encode()

    @classmethod
    def restore(cls, limits: Limits, snapshot: bytes) -> Budgets:
        """Budgets with the counts of a snapshot.

        Raises:
            FormatError: it does not parse.
        """
        try:
            state = json.loads(snapshot)
            return cls(
                limits,
                int(state["day"]),
                Counter(state["rejects_today"]),
                Counter(state["rejects_life"]),
                Counter(state["cases"]),
                Counter(state["operators_today"]),
                int(state["searches_today"]),
            )
        except (ValueError, KeyError, TypeError) as problem:
            raise FormatError("the counts of a half do not parse") from problem


def counted_operator(gallery: str, operator: str) -> str:
    """The operator for whom a 1:N search counts, or "" for none.

    Looking into the list of those never returned, as each enrolment does once somebody is on it, counts for the day
    alone: an operator who enrols a thousand people asks nothing about anybody that the list does not answer.
    """
    return "" if gallery == NEVER_RETURN else operator


def _lower(counts: Counter[str], name: str) -> None:
    if counts[name] <= 1:
        del counts[name]
    else:
        counts[name] -= 1

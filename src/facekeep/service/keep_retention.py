"""Retention in a keep: its rules, what they will make go, and making it go. See domain.retention for what they mean.

A run looks at a page of people at a time, and does with each of those who are due what is due, in a transaction of its
own over the three stores. It can be cut short anywhere: the next one finds what is left, because it looks at the people
themselves and at no list. Whoever comes by between the look and the deed is looked at once more, alone, before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from facekeep.domain.accounts import Operator
from facekeep.domain.ledger import EntryKind, LedgerEntry, deed
from facekeep.domain.retention import (
    BY_RETENTION,
    Effect,
    RetentionRule,
    case_endings,
    endings,
    rules_with,
    shortest_contact,
)
from facekeep.domain.search import CaseId
from facekeep.domain.subject import SubjectId
from facekeep.errors import DueAtOnceError, NotFoundError, UsageError
from facekeep.service.answers import Going, RetentionReport
from facekeep.service.canary_labels import is_canary
from facekeep.service.keep_records import KeepRecords
from facekeep.service.keep_reviews import KeepReviews
from facekeep.split.statement import NEVER_RETURN
from facekeep.store.transaction import Transaction

__all__ = ["PLAN_DAYS", "PLAN_DAYS_MAX", "RUN_EVERY", "KeepRetention", "write_retention"]

PLAN_DAYS: Final = 90
"""How far a plan looks ahead, unless it is asked for otherwise."""
PLAN_DAYS_MAX: Final = 36_525
AT_ONCE: Final = timedelta(days=1)
"""A rule by which something is due within this is set only by who is sure."""
RUN_EVERY: Final = timedelta(hours=1)
"""How long it is between two runs of a served keep. Each lets go of what is due before the next."""

_PAGE: Final = 100


class KeepRetention(KeepRecords, KeepReviews):
    """The part of a keep that lets go of what is too old. See :class:`facekeep.service.keep.Keep`."""

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """The rules of retention, in their order."""
        with self._reading(), self._roles.registry.read() as view:
            return view.retention_rules()

    def set_retention(
        self, rules: Iterable[RetentionRule], *, sure: bool = False, by: Operator | None = None
    ) -> tuple[RetentionRule, ...]:
        """Add rules of retention; one of the same law, basis and purpose has its place taken. Nothing goes by this yet.

        Args:
            rules: which.
            sure: whether they are set even if somebody, or a case, is due at once, within a day, by all rules together.
            by: who asks, if anybody with a name does.

        Returns:
            All rules, in their order.

        Raises:
            DueAtOnceError: something is due at once; no rule was set.
            UsageError: there would be too many.
        """
        added = tuple(rules)
        if not sure:
            going = sum(1 for _ in self.retention_plan(AT_ONCE.days, with_rules=added))
            if going:
                raise DueAtOnceError(f"people and cases of which something is due at once: {going}")
        with self._using(), self._roles.registry.transaction() as tx:
            after = rules_with(tx.retention_rules(), added)
            write_retention(tx, after, self._now(), self._known_as(by))
        return after

    def remove_retention(self, law: str, *, by: Operator | None = None) -> tuple[RetentionRule, ...]:
        """Remove every rule of a law; gives those that were removed.

        Args:
            law: whose rules.
            by: who asks, if anybody with a name does.

        Raises:
            NotFoundError: there is none.
        """
        with self._using(), self._roles.registry.transaction() as tx:
            rules = tx.retention_rules()
            removed = tuple(rule for rule in rules if rule.law == law)
            if not removed:
                raise NotFoundError(
                    "there is no rule of retention of this law", hint="List them: facekeep retention rules."
                )
            write_retention(tx, [rule for rule in rules if rule not in removed], self._now(), self._known_as(by))
        return removed

    def retention_plan(self, days: int = PLAN_DAYS, *, with_rules: Iterable[RetentionRule] = ()) -> Iterator[Going]:
        """What will go within some days unless somebody comes by before: people in a random order, then cases.

        Args:
            days: how far to look ahead, 0 to 36,525; 0 for what is due already.
            with_rules: further rules, as if they were set.

        Raises:
            UsageError: the days do not fit.
        """
        after: str | None = None
        further = tuple(with_rules)
        while True:
            page, after = self.retention_page(days, with_rules=further, after=after)
            yield from page
            if after is None:
                return

    def retention_page(
        self,
        days: int,
        *,
        with_rules: Iterable[RetentionRule] = (),
        after: str | None = None,
        limit: int = _PAGE,
    ) -> tuple[tuple[Going, ...], str | None]:
        """A part of a plan: what will go of the next people, as they are now. Canaries are not people.

        Args:
            days: see :meth:`retention_plan`.
            with_rules: see there.
            after: look at the people behind this identifier, 32 hexadecimal digits; None for the first.
            limit: how many people are looked at, at most.

        Returns:
            What will go, which may be nothing; and behind whom to go on. Of the last part this is None, and the cases
            are in it.

        Raises:
            UsageError: the days do not fit.
        """
        if not 0 <= days <= PLAN_DAYS_MAX:
            raise UsageError(f"a plan looks 0 to {PLAN_DAYS_MAX} days ahead")
        return self._page(timedelta(days=days), tuple(with_rules), after, limit)

    def _page(
        self, ahead: timedelta, with_rules: tuple[RetentionRule, ...], after: str | None, limit: int
    ) -> tuple[tuple[Going, ...], str | None]:
        until = self._now() + ahead
        last = None if after is None else SubjectId(bytes.fromhex(after))
        with self._reading(), self._roles.registry.read() as view:
            rules = rules_with(view.retention_rules(), with_rules)
            if not rules:
                return (), None
            looked = view.held(uncounted=NEVER_RETURN, beyond=_beyond(rules, until), after=last, limit=limit)
            cases = () if len(looked) == limit else view.cases()
        every = [Going(h.subject.hex(), h.label, endings(h, rules)) for h in looked if not is_canary(h.label)]
        every += [Going(case.id.hex(), case.title, case_endings(case, rules)) for case in cases]
        due = [replace(one, endings=tuple(e for e in one.endings if e.due <= until)) for one in every]
        following = looked[-1].subject.hex() if len(looked) == limit else None
        return tuple(going for going in due if going.endings), following

    def keep_retention(
        self, ahead: timedelta = timedelta(), *, stopped: Callable[[], bool] = lambda: False
    ) -> RetentionReport:
        """Let go of all that is due. Can be cut short at any point and is then taken up by the next run.

        Args:
            ahead: what becomes due within this goes too: until the next run, for one that is made again and again.
            stopped: is asked between two people, and between pages of them; ends the run early.
        """
        done: list[Effect] = []
        after: str | None = None
        finished = False
        while not (finished or stopped()):
            page, after = self._page(ahead, (), after, _PAGE)
            for going in page:
                if stopped():
                    break
                identifier = bytes.fromhex(going.id)
                if going.is_case:
                    done += self._let_case_go(CaseId(identifier), ahead)
                else:
                    done += self._let_go(SubjectId(identifier), ahead)
            else:
                finished = after is None
        return RetentionReport(
            purposes=done.count(Effect.PURPOSE_ENDS),
            people=done.count(Effect.PERSON_GOES),
            references=done.count(Effect.REFERENCES_GO),
            cases=done.count(Effect.CASE_GOES),
            finished=finished,
        )

    def _let_go(self, subject: SubjectId, ahead: timedelta) -> list[Effect]:
        """Do what is due with one person, by what is known of them and of the rules now."""
        with self._using():
            now = self._now()
            until = now + ahead
            try:
                with self._roles.registry.read() as view:
                    rules = view.retention_rules()
                    held = view.held_of(subject, uncounted=NEVER_RETURN, beyond=_beyond(rules, until))
            except NotFoundError:
                return []  # erased meanwhile, as asked
            due = [ending for ending in endings(held, rules) if ending.due <= until]
            for ending in due:
                if ending.effect is Effect.PERSON_GOES:
                    self._rights.erase(subject, now, self._copies_readable_until(now), _because(ending.rule))
                    self._forget_reviews(subject)
                    return [ending.effect]
            ended = {ending.purpose: _because(ending.rule) for ending in due if ending.purpose is not None}
            if ended:
                self._rights.end_purposes(subject, ended, now)
            for ending in due:
                if ending.effect is Effect.REFERENCES_GO:
                    self._rights.remove_comparable(subject, now, _because(ending.rule))
            return [ending.effect for ending in due]

    def _let_case_go(self, case: CaseId, ahead: timedelta) -> list[Effect]:
        """Remove a case if that is due."""
        with self._using(), self._roles.registry.transaction() as tx:
            now = self._now()
            known = next((one for one in tx.cases() if one.id == case), None)
            if known is None:
                return []
            until = now + ahead
            due = [ending for ending in case_endings(known, tx.retention_rules()) if ending.due <= until]
            for ending in due:
                tx.remove_case(case)
                facts = {"case": case.hex(), "purpose": known.purpose.value, **_because(ending.rule)}
                tx.record([LedgerEntry(EntryKind.CASE_REMOVED, now, facts)])
            return [ending.effect for ending in due]


def write_retention(
    tx: Transaction,
    rules: Sequence[RetentionRule],
    now: datetime,
    operator: str = "",
    because: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Put rules in the place of those that there are, and tell the ledger of what is new and what is gone.

    One that has its place taken by another of the same law, basis and purpose is told of by the other alone.
    """
    before, kept = tx.retention_rules(), {rule.place for rule in rules}
    if tuple(rules) == before:
        return
    tx.set_retention(rules)
    told = [(EntryKind.RETENTION_REMOVED, rule) for rule in before if rule.place not in kept]
    told += [(EntryKind.RETENTION_SET, rule) for rule in rules if rule not in before]
    tx.record([deed(kind, now, operator, **_facts_of(rule), **because) for kind, rule in told])


def _beyond(rules: Iterable[RetentionRule], until: datetime) -> datetime | None:
    """A contact later than this makes no rule due until then, whichever it is."""
    days = shortest_contact(rules)
    return None if days is None else until - timedelta(days=days)


def _because(rule: RetentionRule) -> dict[str, str]:
    return {**BY_RETENTION, "law": rule.law}


def _facts_of(rule: RetentionRule) -> dict[str, str]:
    whole = {"law": rule.law, "basis": rule.basis.value, "days": str(rule.days)}
    return whole if rule.purpose is None else whole | {"purpose": rule.purpose.value}

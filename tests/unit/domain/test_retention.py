"""Rules of retention: what goes when, the strictest first; a plan is what a run does, in one go or in many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import Consent, Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.retention import (
    BY_RETENTION,
    DAYS_MAX,
    PRESETS,
    RULES_MAX,
    Basis,
    Effect,
    Ending,
    Held,
    RetentionRule,
    case_endings,
    endings,
    is_contact,
    rules_with,
    shortest_contact,
)
from facekeep.domain.search import Case, CaseId
from facekeep.domain.subject import SubjectId
from facekeep.errors import FormatError, UsageError

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
VERIFY, IDENTIFY, PAYMENT = Purpose.VERIFY, Purpose.IDENTIFY, Purpose.PAYMENT
ILLINOIS, TEXAS = PRESETS["illinois"], PRESETS["texas"]


def day(number: float) -> datetime:
    return NOW + timedelta(days=number)


def rule(basis: Basis, days: int, purpose: Purpose | None = None, law: str = "own rule") -> RetentionRule:
    return RetentionRule(law, basis, purpose, days)


def person(
    *purposes: Purpose,
    ended: Mapping[Purpose, float] | None = None,
    contact: float = 0,
    references: int = 1,
    listed: bool = False,
) -> Held:
    consents = [Consent(purpose, "", NOW) for purpose in purposes]
    consents += [Consent(purpose, "", NOW, day(when)) for purpose, when in (ended or {}).items()]
    return Held(SubjectId(bytes(16)), "ann", tuple(consents), references, day(contact), is_listed=listed)


def told(held: Held, *rules: RetentionRule) -> list[tuple[str, float]]:
    return [
        (ending.purpose or ending.effect.value, (ending.due - NOW) / timedelta(days=1))
        for ending in endings(held, rules)
    ]


def test_illinois_counts_three_years_from_the_last_contact_or_ends_with_the_purpose() -> None:
    assert told(person(VERIFY, IDENTIFY), *ILLINOIS) == [("person-goes", 1095)]
    assert told(person(VERIFY, contact=100), *ILLINOIS) == [("person-goes", 1195)]
    assert told(person(ended={VERIFY: 10}), *ILLINOIS) == [("person-goes", 11)]
    # Of two purposes one is over: what the other needs stays.
    assert told(person(IDENTIFY, ended={VERIFY: 10}), *ILLINOIS) == [("person-goes", 1095)]


def test_texas_counts_a_year_from_the_end_of_the_last_purpose() -> None:
    assert told(person(VERIFY), *TEXAS) == []
    assert told(person(ended={VERIFY: 10}), *TEXAS) == [("person-goes", 375)]
    assert told(person(ended={VERIFY: 10, IDENTIFY: 20}), *TEXAS) == [("person-goes", 385)]


@given(
    begun=st.dates(date(1900, 1, 1), date(2400, 1, 1)).map(lambda it: datetime(it.year, it.month, it.day, tzinfo=UTC))
)
def test_a_year_is_never_longer_than_the_laws(begun: datetime) -> None:
    def anniversary(years: int) -> date:
        try:
            return begun.date().replace(year=begun.year + years)
        except ValueError:  # 29 February
            return date(begun.year + years, 2, 28)

    assert ILLINOIS[0].basis is Basis.LAST_CONTACT
    assert ILLINOIS[0].due(begun).date() <= anniversary(3)
    assert TEXAS[0].due(begun).date() <= anniversary(1)


@pytest.mark.parametrize(
    ("begun", "due"),
    [
        (datetime(2024, 2, 29, 23, 59, tzinfo=UTC), datetime(2027, 2, 28, 23, 59, tzinfo=UTC)),
        (datetime(2027, 3, 1, tzinfo=UTC), datetime(2030, 2, 28, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)),
    ],
)
def test_leap_days(begun: datetime, due: datetime) -> None:
    assert ILLINOIS[0].due(begun) == due


def test_the_strictest_rule_wins_whichever_comes_first() -> None:
    own = rule(Basis.LAST_CONTACT, 30)
    for rules in ((*ILLINOIS, *TEXAS, own), (own, *TEXAS, *ILLINOIS)):
        assert told(person(VERIFY), *rules) == [("person-goes", 30)]
        assert told(person(ended={VERIFY: 10}), *rules) == [("person-goes", 11)]
    (going,) = endings(person(VERIFY), (rule(Basis.CONSENT_GIVEN, 30, law="b"), rule(Basis.LAST_CONTACT, 30, law="a")))
    assert going.rule.law == "a"


def test_a_rule_for_one_purpose_leaves_the_others() -> None:
    own = rule(Basis.CONSENT_GIVEN, 30, IDENTIFY)
    assert told(person(VERIFY, IDENTIFY), own) == [("identify", 30)]
    assert told(person(VERIFY), own) == []
    assert told(person(IDENTIFY), own) == [("person-goes", 30)]
    assert told(person(VERIFY, IDENTIFY), own, rule(Basis.LAST_CONTACT, 90)) == [("identify", 30), ("person-goes", 90)]


def test_who_has_no_purpose_left_goes_by_a_rule_of_any_purpose_they_had_but_not_before_the_last_ended() -> None:
    own = rule(Basis.PURPOSE_ENDED, 30, VERIFY)
    assert told(person(ended={VERIFY: 10}), own) == [("person-goes", 40)]
    assert told(person(ended={VERIFY: 10, IDENTIFY: 100}), own) == [("person-goes", 100)]
    assert told(person(ended={IDENTIFY: 10}), own) == []
    assert told(person(ended={IDENTIFY: 10}), rule(Basis.LAST_CONTACT, 5, VERIFY)) == []
    # Consented to anew: the purpose has not ended.
    again = replace(person(VERIFY), consents=(Consent(VERIFY, "", NOW, day(1)), Consent(VERIFY, "", day(2))))
    assert told(again, *TEXAS) == []
    assert told(again, rule(Basis.CONSENT_GIVEN, 10)) == [("person-goes", 12)]


def test_who_is_never_to_be_returned_stays_on_the_list_and_loses_the_rest() -> None:
    assert told(person(VERIFY, listed=True), *ILLINOIS) == [("verify", 1095), ("references-go", 1095)]
    assert told(person(VERIFY, listed=True, references=0), *ILLINOIS) == [("verify", 1095)]
    assert told(person(listed=True, references=0), *ILLINOIS) == []


def test_without_rules_nothing_goes() -> None:
    assert told(person(VERIFY)) == told(person(ended={VERIFY: 10})) == []
    assert told(replace(person(VERIFY), last_contact=None), *ILLINOIS) == []


def test_a_case_goes_by_a_rule_for_cases_alone() -> None:
    case = Case(CaseId(bytes(16)), "lost child", IDENTIFY, "op", NOW, day(30))
    own = rule(Basis.CASE_ENDED, 10)
    assert case_endings(case, [*ILLINOIS, *TEXAS]) == ()
    assert case_endings(case, [own]) == (Ending(Effect.CASE_GOES, day(40), own),)
    assert case_endings(replace(case, closed=day(5)), [own]) == (Ending(Effect.CASE_GOES, day(15), own),)
    assert case_endings(replace(case, closed=day(50)), [own]) == (Ending(Effect.CASE_GOES, day(40), own),)
    assert case_endings(case, [replace(own, purpose=PAYMENT)]) == ()
    assert told(person(VERIFY), own) == told(person(ended={VERIFY: 1}), own) == []


@pytest.mark.parametrize(
    ("kind", "facts", "contact"),
    [
        (EntryKind.ENROLLED, {}, True),
        (EntryKind.CONSENT_WITHDRAWN, {"purpose": "verify"}, True),
        (EntryKind.CONSENT_WITHDRAWN, {"purpose": "verify", **BY_RETENTION}, False),
        (EntryKind.VERIFIED, {"verified": "yes"}, True),
        (EntryKind.VERIFIED, {"verified": "no"}, False),
        (EntryKind.APPEALED, {"appeal": "not-me"}, True),
        (EntryKind.EXPORTED, {}, True),
        (EntryKind.EXPORTED, {"operator": "0" * 32}, False),
        (EntryKind.VIEWED, {"part": "record"}, False),
        (EntryKind.RETURNED, {"purpose": "identify"}, False),
        (EntryKind.REFERENCE_REMOVED, {}, False),
    ],
)
def test_contact_is_with_the_person(kind: EntryKind, facts: dict[str, str], contact: bool) -> None:
    assert is_contact(LedgerEntry(kind, NOW, facts)) is contact


def test_what_no_rule_can_be() -> None:
    for days in (0, -1, DAYS_MAX + 1):
        with pytest.raises(FormatError):
            rule(Basis.LAST_CONTACT, days)
    for law in ("", "  ", "a\nb", "x" * 101):
        with pytest.raises(FormatError):
            rule(Basis.LAST_CONTACT, 1, law=law)
    assert rule(Basis.LAST_CONTACT, DAYS_MAX).due(datetime(9999, 1, 1, tzinfo=UTC)).year == 9999


def test_a_rule_takes_the_place_of_one_like_it() -> None:
    rules = rules_with((), [*ILLINOIS, *TEXAS, rule(Basis.LAST_CONTACT, 30)])
    assert rules_with(rules, rules) == rules
    assert len(rules_with(rules, [rule(Basis.LAST_CONTACT, 60)])) == len(rules)
    assert len(rules_with(rules, [rule(Basis.LAST_CONTACT, 60, VERIFY)])) == len(rules) + 1
    assert shortest_contact(rules) == 30
    assert shortest_contact(TEXAS) is None
    with pytest.raises(UsageError):
        rules_with((), [rule(Basis.LAST_CONTACT, 1, law=str(number)) for number in range(RULES_MAX + 1)])


days = st.integers(0, 40)
bases = st.sampled_from([Basis.LAST_CONTACT, Basis.CONSENT_GIVEN, Basis.PURPOSE_ENDED])
purposes = st.sampled_from([VERIFY, IDENTIFY, PAYMENT])
some_rules = st.lists(
    st.builds(RetentionRule, st.sampled_from("ab"), bases, st.none() | purposes, st.integers(1, 40)), max_size=5
)
consents = st.builds(
    lambda purpose, given, lasted: Consent(purpose, "", day(given), None if lasted is None else day(given + lasted)),
    purposes,
    days,
    st.none() | days,
)
people = st.builds(
    lambda given, contact, listed, references: Held(
        SubjectId(bytes(16)), "ann", tuple(given), references, day(contact), is_listed=listed
    ),
    st.lists(consents, max_size=5),
    days,
    st.booleans(),
    st.integers(0, 2),
)


def run(held: Held | None, rules: list[RetentionRule], now: datetime) -> tuple[Held | None, list[Ending]]:
    """What a run does with a person: what is left of them, and what was done."""
    if held is None:
        return None, []
    due = [ending for ending in endings(held, rules) if ending.due <= now]
    for ending in due:
        if ending.effect is Effect.PERSON_GOES:
            return None, [ending]
        if ending.effect is Effect.REFERENCES_GO:
            held = replace(held, references=0)
        else:
            ended = tuple(
                replace(one, withdrawn=now) if one.holds and one.purpose is ending.purpose else one
                for one in held.consents
            )
            held = replace(held, consents=ended)
    return held, due


def left(held: Held | None) -> tuple[object, ...] | None:
    return None if held is None else (held.purposes, held.references)


@given(held=people, rules=some_rules, later=st.lists(st.integers(1, 60), min_size=1, max_size=6))
def test_many_runs_leave_what_one_does(held: Held, rules: list[RetentionRule], later: list[int]) -> None:
    now, stepwise = day(80), held
    left_now: Held | None = stepwise
    for wait in later:
        now += timedelta(days=wait)
        left_now, _ = run(left_now, rules, now)
        # What was due is done, whole: the same moment gives nothing more, so a run that is repeated does no harm.
        assert run(left_now, rules, now) == (left_now, [])
    at_once, _ = run(held, rules, now)
    assert left(left_now) == left(at_once)


@given(held=people, rules=some_rules, ahead=st.integers(0, 200))
def test_a_run_does_what_the_plan_said(held: Held, rules: list[RetentionRule], ahead: int) -> None:
    planned = [ending for ending in endings(held, rules) if ending.due <= day(ahead)]
    assert planned == sorted(planned, key=lambda ending: ending.due)
    rest, done = run(held, rules, day(ahead))
    assert set(done) <= set(planned)
    gone = {ending.effect for ending in planned}
    assert (rest is None) == (Effect.PERSON_GOES in gone)
    if rest is not None:
        assert done == planned
        ended = {ending.purpose for ending in planned if ending.effect is Effect.PURPOSE_ENDS}
        assert rest.purposes == held.purposes - ended


@given(held=people, rules=some_rules, more=some_rules)
def test_a_further_rule_never_keeps_anything_longer(
    held: Held, rules: list[RetentionRule], more: list[RetentionRule]
) -> None:
    far = datetime.max.replace(tzinfo=UTC)

    def gone(by: list[RetentionRule]) -> datetime:
        effects = {Effect.PERSON_GOES, Effect.REFERENCES_GO}
        return next((ending.due for ending in endings(held, by) if ending.effect in effects), far)

    assert gone(rules + more) <= gone(rules)


@given(held=people, rules=some_rules, until=st.integers(0, 120), extra=st.integers(1, 40))
def test_a_contact_that_is_late_enough_is_as_good_as_a_later_one(
    held: Held, rules: list[RetentionRule], until: int, extra: int
) -> None:
    shortest = shortest_contact(rules)
    if shortest is not None:
        enough = replace(held, last_contact=day(until - shortest) + timedelta(seconds=1))
        later = replace(held, last_contact=day(until - shortest + extra))

        def due(one: Held) -> list[Ending]:
            return [ending for ending in endings(one, rules) if ending.due <= day(until)]

        assert due(enough) == due(later)

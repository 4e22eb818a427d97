import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from facekeep.domain.row import Pseudonym
from facekeep.errors import BudgetError, FormatError
from facekeep.split.budget import Budgets, Limits

DAY = 86_400
ROWS = [Pseudonym(bytes([n]) * 16) for n in range(3)]
LIMITS = Limits(3, 4, 6, 3, 4, 7)
TIGHT = Limits(2, 2, 3, 2, 2, 3)


@pytest.mark.parametrize("value", [0, -1, 10**9 + 1, True, 1.0, "3", None])
@pytest.mark.parametrize("name", Limits.__slots__)
def test_refuses_a_limit_that_is_no_count(name: str, value: object) -> None:
    with pytest.raises(FormatError):
        Limits(**{name: value})  # type: ignore[arg-type]


def test_the_defaults_are_those_of_the_design() -> None:
    assert Limits() == Limits(10, 30, 100, 100, 500, 10_000)


class _Model:
    """The rules of docs/spec/split-gallery.md, counted in the plainest way."""

    def __init__(self) -> None:
        self.day = 0
        self.today: Counter[tuple[str, object]] = Counter()
        self.life: Counter[tuple[str, object]] = Counter()

    def turn(self, now: int) -> None:
        if now // DAY > self.day:
            self.day = now // DAY
            self.today = Counter()

    def allows(self, row: Pseudonym | None, case: str, operator: str) -> bool:
        if row is not None:
            return self.life["row", row] < TIGHT.rejects_for_life and self.today["row", row] < TIGHT.rejects_per_day
        return (
            (not case or self.life["case", case] < TIGHT.searches_per_case)
            and self.today["operator", operator] < TIGHT.searches_per_operator_day
            and self.today["all", ""] < TIGHT.searches_per_day
        )


class CountingLikeTheModel(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.model, self.budgets, self.now = _Model(), Budgets(TIGHT), 20_000 * DAY
        self.pending: list[tuple[int, Pseudonym]] = []

    @rule(step=st.sampled_from([0, 3600, DAY, -DAY]))
    def let_time_pass_or_set_the_clock_back(self, step: int) -> None:
        self.now += step

    @rule(
        row=st.none() | st.sampled_from(ROWS),
        case=st.sampled_from(["", "a", "b"]),
        operator=st.sampled_from(["x", "y"]),
        compared=st.booleans(),
    )
    def search(self, row: Pseudonym | None, case: str, operator: str, compared: bool) -> None:
        self.model.turn(self.now)
        try:
            self.budgets.check(self.now, row=row, case=case, operator=operator)
        except BudgetError:
            assert not self.model.allows(row, case, operator)
            return
        assert self.model.allows(row, case, operator)
        self.budgets.count(self.now, row=row, case=case, operator=operator, compared=compared)
        if row is None:
            self.model.today["operator", operator] += 1
            self.model.today["all", ""] += 1
            self.model.life["case", case] += 1
        else:
            self.model.today["row", row] += 1
            self.model.life["row", row] += compared
            if compared:
                self.pending.append((self.now, row))

    @rule(which=st.integers(0, 20))
    def accept(self, which: int) -> None:
        if not self.pending:
            return
        when, row = self.pending.pop(which % len(self.pending))
        self.budgets.accepted(when, row)
        self.model.life["row", row] = max(0, self.model.life["row", row] - 1)
        if when // DAY == self.model.day:
            self.model.today["row", row] = max(0, self.model.today["row", row] - 1)

    @rule(row=st.sampled_from(ROWS))
    def forgive(self, row: Pseudonym) -> None:
        self.budgets.forgive(row)
        self.model.life["row", row] = self.model.today["row", row] = 0

    @rule()
    def save_and_restore(self) -> None:
        snapshot = self.budgets.snapshot()
        self.budgets = Budgets.restore(TIGHT, snapshot)
        assert json.loads(self.budgets.snapshot()) == json.loads(snapshot)

    @invariant()
    def alarms_are_those_of_the_model(self) -> None:
        if hasattr(self, "model"):
            assert set(self.budgets.alarms()) == {
                row for row in ROWS if self.model.life["row", row] >= TIGHT.rejects_alarm
            }
            counts = [(self.model.today, "row"), (self.model.today, "operator")]
            counts += [(self.model.life, "row"), (self.model.life, "case")]
            assert len(self.budgets) == sum(
                bool(n) for count, kind in counts for (of, name), n in count.items() if of == kind and name != ""
            )


TestCountingLikeTheModel = CountingLikeTheModel.TestCase
TestCountingLikeTheModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def _reject(budgets: Budgets, now: int, times: int, row: Pseudonym = ROWS[0]) -> None:
    for _ in range(times):
        budgets.check(now, row=row, case="", operator="op")
        budgets.count(now, row=row, case="", operator="op")


def test_a_row_locks_for_the_day_and_then_for_good() -> None:
    budgets = Budgets(LIMITS)
    _reject(budgets, DAY, 3)
    with pytest.raises(BudgetError, match="today"):
        _reject(budgets, DAY, 1)
    _reject(budgets, DAY, 1, ROWS[1])
    _reject(budgets, 2 * DAY, 3)
    assert budgets.alarms() == (ROWS[0],)
    with pytest.raises(BudgetError, match="for good"):
        _reject(budgets, 9 * DAY, 1)
    budgets.forgive(ROWS[0])
    assert budgets.alarms() == ()
    _reject(budgets, 9 * DAY, 1)


def test_a_clock_set_back_gives_no_second_budget() -> None:
    budgets = Budgets(LIMITS)
    _reject(budgets, 9 * DAY, 1)
    _reject(budgets, 8 * DAY, 2)
    with pytest.raises(BudgetError, match="today"):
        _reject(budgets, 8 * DAY, 1)
    for _ in range(LIMITS.searches_per_operator_day):
        budgets.count(7 * DAY, row=None, case="", operator="op")
    with pytest.raises(BudgetError, match="operator"):
        budgets.check(7 * DAY, row=None, case="", operator="op")


def test_a_token_that_comes_back_after_midnight_takes_back_nothing_of_the_new_day() -> None:
    budgets = Budgets(LIMITS)
    _reject(budgets, DAY - 1, 1)
    _reject(budgets, DAY, 3)
    budgets.accepted(DAY - 1, ROWS[0])
    with pytest.raises(BudgetError, match="today"):
        _reject(budgets, DAY, 1)


def test_each_budget_of_searches_is_its_own() -> None:
    budgets = Budgets(LIMITS)
    for n in range(3):
        budgets.count(DAY, row=None, case="a", operator=f"{n}")
    with pytest.raises(BudgetError, match="case"):
        budgets.check(99 * DAY, row=None, case="a", operator="new")
    budgets = Budgets(LIMITS)
    for n in range(7):
        budgets.count(DAY, row=None, case="", operator=f"{n}")
    with pytest.raises(BudgetError, match="half"):
        budgets.check(DAY, row=None, case="", operator="new")
    budgets.check(2 * DAY, row=None, case="", operator="new")


@given(st.binary(max_size=40) | st.sampled_from([b"[]", b"{}", b"null", b'{"day": "x"}', b'{"day": 1}']))
def test_refuses_a_snapshot_that_does_not_parse(snapshot: bytes) -> None:
    with pytest.raises(FormatError):
        Budgets.restore(LIMITS, snapshot)

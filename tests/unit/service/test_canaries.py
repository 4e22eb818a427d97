"""Canaries are answered rightly by honest halves, and stop the keep when something is wrong for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.consent import Purpose
from facekeep.errors import UnavailableError, UsageError
from facekeep.service.canaries import Canaries, CanaryFault, CanaryReport
from facekeep.service.canary_labels import is_canary, label_of
from facekeep.service.keep import Keep, Person
from facekeep.split.budget import Limits
from facekeep.split.half import Half
from facekeep.split.rules import Rules
from tests.unit.service.conftest import NOTICE

Picture = Callable[[str], bytes]
CALIBRATION = Calibration("a" * 64, (Level(1e-4, 0.41), Level(1e-6, 0.55)), "a test")


@pytest.fixture
def planted(keep: Keep) -> Keep:
    assert keep.plant_canaries(3) == 3
    return keep


def _rules(keep: Keep, side: str, **change: object) -> None:
    half: Any = getattr(keep._roles, side)
    assert isinstance(half, Half)
    half._rules = replace(half._rules, **change)  # type: ignore[arg-type]


def _moved(keep: Keep, by: int) -> None:
    for side in ("left", "right"):
        half: Any = getattr(keep._roles, side)
        rules: Rules = half._rules
        _rules(keep, side, thresholds=tuple(threshold + by for threshold in rules.thresholds))


def test_probes_are_at_their_cosine_and_new_each_time() -> None:
    canaries = Canaries(CALIBRATION, bytes(32), 512)
    own = canaries.embedding(1)
    assert abs(float(np.linalg.norm(own)) - 1) < 1e-6
    for cosine in (0.0, 0.3, 0.8):
        probes = [canaries.probe(1, cosine) for _ in range(5)]
        assert np.allclose([own @ probe for probe in probes], cosine, atol=1e-6)
        assert len({probe.tobytes() for probe in probes}) == 5
    assert abs(float(own @ canaries.embedding(2))) < 0.25
    assert np.array_equal(own, Canaries(CALIBRATION, bytes(32), 512).embedding(1))
    assert not np.array_equal(own, Canaries(CALIBRATION, b"\1" * 32, 512).embedding(1))
    # Always the same numbers: a library that draws them otherwise would make every canary wrong.
    assert (own[:3] * 1e4).round().tolist() == PINNED


PINNED = [205.0, -379.0, 365.0]


def test_a_keep_without_canaries_has_nothing_to_ask(keep: Keep) -> None:
    assert keep.ask_canaries() == CanaryReport(0, 0)
    keep.check_canaries()
    for count in (0, 17):
        with pytest.raises(UsageError):
            keep.plant_canaries(count)


def test_honest_halves_answer_rightly_again_and_again(planted: Keep, reopen: Callable[[], Keep]) -> None:
    for _ in range(40):
        assert planted.ask_canaries() == CanaryReport(3, 3)
    assert planted.plant_canaries(3) == 0
    planted.refresh()
    assert planted.ask_canaries() == CanaryReport(3, 3)
    assert planted.status().alarms == 0  # none of it is a rejection
    again = reopen()
    assert again.ask_canaries() == CanaryReport(3, 3)
    again.erase(label_of(2))
    assert again.ask_canaries() == CanaryReport(2, 3)


def test_a_half_sees_rows_and_tickets_like_any_other(planted: Keep) -> None:
    registry = planted._roles.registry

    def head(label: str) -> object:
        subject = registry.subject_by_label(label)
        assert subject is not None
        (reference,) = registry.references_of(subject.id)
        found = planted._roles.left.head_of(reference.pseudonym)
        assert found is not None
        return replace(found, pseudonym=bytes(16))  # type: ignore[arg-type]

    assert head(label_of(1)) == head("obama")


def test_a_threshold_that_moved_stops_the_keep(planted: Keep, picture: Picture, reopen: Callable[[], Keep]) -> None:
    for by, faults in ((4000, {CanaryFault.LOST, CanaryFault.MISSED}), (-4000, {CanaryFault.FALSE})):
        keep = reopen()
        assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
        _moved(keep, by)
        reports = (keep.ask_canaries() for _ in range(200))
        fault = next(report.fault for report in reports if report.fault is not None)
        assert fault in faults
        for search in (
            lambda keep=keep: keep.verify("obama", picture("obama2.jpg"), operator="op"),
            lambda keep=keep: keep.identify(picture("obama2.jpg"), operator="op", case="lost child"),
            lambda keep=keep: keep.enrol(
                "x", [picture("obama2.jpg")], purposes=[Purpose.VERIFY], notice=NOTICE, operator="op"
            ),
            keep.check_canaries,
        ):
            with pytest.raises(UnavailableError, match="searches are stopped"):
                search()
        # What a person has a right to goes on.
        keep.withdraw_consent("biden", Purpose.VERIFY)
        keep.give_consent("biden", Purpose.VERIFY, NOTICE)
    assert reopen().ask_canaries().fault is None


def test_a_half_that_answers_wrongly_for_everybody_stops_the_keep(
    planted: Keep, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    half: Any = planted._roles.left
    honest = half._score_shares
    monkeypatch.setattr(half, "_score_shares", lambda *given: honest(*given) + np.uint16(20_000))
    assert planted.ask_canaries().fault in (CanaryFault.LOST, CanaryFault.FALSE, CanaryFault.ABORTED)
    with pytest.raises(UnavailableError, match="searches are stopped"):
        planted.verify("obama", picture("obama2.jpg"), operator="op")


def test_halves_that_disagree_stop_the_keep(planted: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    half: Any = planted._roles.right
    session = half._session
    monkeypatch.setattr(half, "_session", lambda: _OtherKeys(session()))
    assert planted.ask_canaries().fault is CanaryFault.ABORTED


class _OtherKeys:
    """A session whose turn keys are others than the twin's."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def take(self, turn: int) -> bytes:
        return bytes(reversed(self._session.take(turn)))


def test_a_desk_that_may_not_verify_asks_what_it_may(planted: Keep) -> None:
    planted.limit_desk([])
    assert planted.ask_canaries() == CanaryReport(3, 2)
    planted.limit_desk([Purpose.VERIFY])
    planted.switch(Purpose.VERIFY, False)
    assert planted.ask_canaries() == CanaryReport(3, 2)


def test_a_budget_that_is_used_up_is_no_wrong_answer(planted: Keep) -> None:
    half: Any = planted._roles.left
    half._budgets.limits = Limits(searches_per_operator_day=4)
    assert [planted.ask_canaries() for _ in range(3)] == [CanaryReport(3, 3)] * 2 + [CanaryReport(3, 0)]
    planted.check_canaries()


def test_nobody_reaches_a_canary_by_its_label(planted: Keep, picture: Picture) -> None:
    for number in (1, 2, 3):
        label = label_of(number)
        for _ in range(11):
            assert planted.verify(label, picture("obama2.jpg"), operator="desk") == planted.verify(
                "nobody at all", picture("obama2.jpg"), operator="desk"
            )
        for change in (
            lambda label=label: planted.enrol(
                label, [picture("obama.jpg")], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk"
            ),
            lambda label=label: planted.add_references(label, [picture("obama.jpg")], operator="desk"),
            lambda label=label: planted.give_consent(label, Purpose.PAYMENT, NOTICE),
            lambda label=label: planted.withdraw_consent(label, Purpose.VERIFY),
        ):
            with pytest.raises(UsageError, match="canary"):
                change()
    many = [Person(label_of(1), [lambda: picture("obama.jpg")]), Person("obama", [lambda: picture("obama.jpg")])]
    done = planted.enrol_many(many, purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
    assert [(outcome.enrolment is None, outcome.label) for outcome in done.outcomes] == [
        (True, label_of(1)), (False, "obama")
    ]  # fmt: skip
    for _ in range(3):
        assert planted.ask_canaries() == CanaryReport(3, 3)
    assert [is_canary(label) for label in ("canary 16", " canary 1", "canary 17", "canary", "a canary 1")] == [
        True, True, False, False, False
    ]  # fmt: skip


def test_a_canary_whose_row_is_locked_or_that_may_not_be_verified_is_not_asked_1_to_1(keep: Keep) -> None:
    keep.switch(Purpose.VERIFY, False)
    keep.plant_canaries(1)
    keep.switch(Purpose.VERIFY, True)
    assert keep.ask_canaries() == CanaryReport(1, 2)
    keep.erase(label_of(1))
    keep.plant_canaries(1)
    assert keep.ask_canaries() == CanaryReport(1, 3)
    half: Any = keep._roles.left
    (row,) = keep._roles.registry.references_of(keep._rights.subject(label_of(1)).id)
    half._budgets._rejects_today[row.pseudonym.hex()] = 10
    assert keep.ask_canaries() == CanaryReport(1, 2)
    keep.check_canaries()

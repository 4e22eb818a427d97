"""Measures, policies and what a person is told."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.quality import (
    ENROLMENT,
    PROBE,
    MeasureName,
    QualityMeasure,
    QualityPolicy,
    QualityReport,
    Range,
)
from facekeep.domain.quality_wording import WORDINGS

NUMBERS = st.floats(-1000, 1000)
POLICIES = {"enrolment": ENROLMENT, "probe": PROBE}


@given(NUMBERS, NUMBERS, NUMBERS)
def test_a_range_holds_both_its_ends(first: float, second: float, value: float) -> None:
    low, high = sorted((first, second))
    accepted = Range(low, high)
    assert low in accepted
    assert high in accepted
    assert (value in accepted) == (low <= value <= high)
    assert accepted.bounded


def test_a_range_is_a_range() -> None:
    for ends in ((2, 1), (math.nan, 1), (0, math.nan)):
        with pytest.raises(ValueError, match="minimum"):
            Range(*ends)
    assert not Range().bounded


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("name", MeasureName)
def test_every_failure_has_a_reason_and_says_what_to_do(policy: QualityPolicy, name: MeasureName) -> None:
    (accepted,) = (measure.accepted for measure in policy.judge({name: 1.0}).measures)
    for end, step in ((accepted.minimum, -0.001), (accepted.maximum, 0.001)):
        if math.isinf(end):
            continue
        assert QualityMeasure(name, end, accepted).passed
        report = policy.judge({name: end + step})
        (rejection,) = report.rejections
        assert not report.passed
        assert rejection.name is name
        assert rejection.reason.endswith(".")
        assert rejection.advice.endswith(".")
        assert "{" not in rejection.reason + rejection.advice
        assert report.reasons == (str(name),)


def test_a_reason_names_figure_and_limit() -> None:
    reason = ENROLMENT.judge({MeasureName.INTER_EYE_DISTANCE: 18.2}).rejections[0].reason
    assert reason == "The eyes are 18 pixels apart; at least 36 are needed."
    turned = ENROLMENT.judge({MeasureName.YAW: -40.0}).rejections[0].reason
    assert turned == "The head is turned 40 degrees to its right; at most 25 are accepted."
    nearly = ENROLMENT.judge({MeasureName.INTER_EYE_DISTANCE: 35.9}).rejections[0].reason
    assert nearly == "The eyes are 35.9 pixels apart; at least 36.0 are needed."


def test_what_passes_has_no_reason() -> None:
    measure = QualityMeasure(MeasureName.YAW, 3.0, Range(-25, 25))
    assert measure.passed
    assert measure.reason is None
    assert measure.advice is None
    assert measure.unit == "degrees"
    assert not measure.informative
    assert QualityMeasure(MeasureName.YAW, 80.0).informative


def test_a_measure_is_finite() -> None:
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            QualityMeasure(MeasureName.YAW, value)


def test_no_bound_without_a_reason_to_give() -> None:
    with pytest.raises(ValueError, match="no bound on that side"):
        QualityPolicy(eyes_open=Range(maximum=0.9))
    with pytest.raises(ValueError, match="no bound on that side"):
        QualityMeasure(MeasureName.MOUTH_CLOSED, 0.1, Range(minimum=0.2))


def test_a_report_has_each_measure_once() -> None:
    measure = QualityMeasure(MeasureName.YAW, 0.0)
    with pytest.raises(ValueError, match="once"):
        QualityReport((measure, measure))
    report = QualityReport((measure,))
    assert report.measure(MeasureName.YAW) is measure
    assert report.measure(MeasureName.ROLL) is None


def test_an_open_policy_accepts_everything() -> None:
    assert QualityPolicy().judge(dict.fromkeys(MeasureName, 1e6)).passed


def test_policy_and_names_agree() -> None:
    assert {part.name for part in dataclasses.fields(QualityPolicy)} == {name.name.lower() for name in MeasureName}
    assert set(WORDINGS) == set(MeasureName)


@pytest.mark.parametrize("name", MeasureName)
def test_probes_are_judged_more_laxly(name: MeasureName) -> None:
    strict, lax = (policy.judge({name: 1.0}).measures[0].accepted for policy in (ENROLMENT, PROBE))
    assert lax.minimum <= strict.minimum
    assert lax.maximum >= strict.maximum
    assert strict.bounded


def test_there_is_no_overall_score() -> None:
    assert not any("score" in name for name in dir(QualityReport))

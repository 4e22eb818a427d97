from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.scores import NonMatedScores, NonMatedSummary
from facekeep.errors import BadInputError, FormatError, ModelError
from facekeep.service import calibration as module
from facekeep.service.calibration import (
    MeasuredCalibration,
    calibrate,
    from_json,
    read_calibration,
    shipped_calibration,
    write_calibration,
)

_MODEL = "f" * 64
_PEOPLE = 2200


def _summary(values: np.ndarray) -> NonMatedSummary:
    generator = np.random.default_rng(11)
    accumulator = NonMatedScores(values.size)
    first = generator.integers(0, _PEOPLE - 1, values.size)
    accumulator.add(values.astype(np.float32), first, generator.integers(first + 1, _PEOPLE))
    return accumulator.summary()


def _normal(count: int) -> NonMatedSummary:
    return _summary(np.random.default_rng(8).normal(0.0, 0.1, count))


@pytest.fixture(scope="module")
def measured() -> MeasuredCalibration:
    return calibrate(_normal(_PEOPLE * (_PEOPLE - 1) // 2), np.ones(_PEOPLE, np.int64), model=_MODEL, source="a test")


def test_measured_levels_then_extrapolated_ones(measured: MeasuredCalibration) -> None:
    levels = measured.calibration.levels
    assert [level.fmr for level in levels] == [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8]  # 1e-9 is too far out
    assert [level.extrapolated for level in levels] == [False] * 4 + [True] * 3
    for level, passing in zip(levels[:4], measured.passing, strict=False):
        assert 0.999 * int(level.fmr * measured.comparisons) - 1 <= passing <= level.fmr * measured.comparisons
    # Φ⁻¹ of the rates, times the deviation; an extrapolated threshold errs upwards.
    assert levels[0].threshold == pytest.approx(0.2326, abs=0.001)
    assert 0.470 < levels[4].threshold < 0.500
    assert 0.558 < levels[6].threshold < 0.600


def test_few_scores_give_only_what_they_show() -> None:
    got = calibrate(_normal(20_000), np.ones(_PEOPLE, np.int64), model=_MODEL, source="a test")
    assert [(level.fmr, level.extrapolated) for level in got.calibration.levels] == [(1e-2, False), (1e-3, False)]
    with pytest.raises(BadInputError, match="too few"):
        calibrate(_normal(500), np.ones(_PEOPLE, np.int64), model=_MODEL, source="a test")


def test_equal_scores_still_give_rising_thresholds() -> None:
    values = np.zeros(100_000)
    values[:2000] = 0.5
    levels = calibrate(_summary(values), np.ones(_PEOPLE, np.int64), model=_MODEL, source="a test").calibration.levels
    assert len(levels) == 3
    assert levels[0].threshold > 0.5
    assert levels[0].threshold < levels[1].threshold < levels[2].threshold


def test_integer_thresholds_are_rounded_up() -> None:
    calibration = Calibration(_MODEL, (Level(1e-2, -0.25), Level(1e-3, 0.5), Level(1e-4, 0.50001)), "a test")
    assert calibration.integer_thresholds() == (-6400, 12800, 12801)


def test_a_file_comes_back_as_it_was(measured: MeasuredCalibration, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    write_calibration(path, measured)
    assert from_json(path.read_text()) == measured
    assert read_calibration(path, _MODEL) == measured.calibration
    with pytest.raises(FormatError, match="another model"):
        read_calibration(path, "0" * 64)
    with pytest.raises(FormatError, match="cannot be read"):
        read_calibration(tmp_path / "absent.json", _MODEL)
    path.write_bytes(b" " * 70_000)
    with pytest.raises(FormatError, match="at most"):
        read_calibration(path, _MODEL)


_GOOD = {
    "format": "facekeep-calibration/1",
    "model": _MODEL,
    "source": "a test",
    "comparisons": 1000,
    "levels": [
        {"fmr": 0.01, "threshold": 0.2, "extrapolated": False, "passing": 10},
        {"fmr": 0.001, "threshold": 0.3, "extrapolated": True, "passing": 0},
    ],
}


def _level(**changes: object) -> dict[str, object]:
    return {**_GOOD, "levels": [{**_GOOD["levels"][0], **changes}]}  # type: ignore[index,dict-item]


@pytest.mark.parametrize(
    "record",
    [
        [],
        {**_GOOD, "more": 1},
        {key: value for key, value in _GOOD.items() if key != "source"},
        {**_GOOD, "format": "facekeep-calibration/2"},
        {**_GOOD, "model": "F" * 64},
        {**_GOOD, "model": 5},
        {**_GOOD, "source": None},
        {**_GOOD, "comparisons": 0},
        {**_GOOD, "comparisons": True},
        {**_GOOD, "comparisons": 1000.0},
        {**_GOOD, "levels": []},
        {**_GOOD, "levels": {}},
        {**_GOOD, "levels": [5]},
        {**_GOOD, "levels": _GOOD["levels"][::-1]},  # type: ignore[index]
        {**_GOOD, "levels": _GOOD["levels"] * 2},  # type: ignore[operator]
        _level(fmr=0),
        _level(fmr="0.01"),
        _level(fmr=True),
        _level(fmr=10**400),
        _level(threshold=1.5),
        _level(threshold=None),
        _level(extrapolated=0),
        _level(passing=-1),
        _level(passing=1001),
        _level(passing=1.0),
        _level(note="x"),
    ],
)
def test_anything_else_is_refused(record: object) -> None:
    with pytest.raises(FormatError):
        from_json(json.dumps(record))


def test_the_pattern_of_the_failures_is_itself_good() -> None:
    assert from_json(json.dumps(_GOOD)).passing == (10, 0)


@pytest.mark.parametrize(
    "text",
    ["", "{", "NaN", json.dumps(_GOOD).replace("0.2", "NaN"), '{"format": 1, "format": 1}', "[" * 20_000, "\ud800"],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        from_json(text)


@given(st.integers(0, len(json.dumps(_GOOD)) - 1), st.characters(codec="ascii"))
def test_a_changed_character_is_read_or_refused(position: int, character: str) -> None:
    text = json.dumps(_GOOD)
    with suppress(FormatError):
        from_json(text[:position] + character + text[position + 1 :])


def test_a_model_without_a_calibration_says_what_to_do() -> None:
    for model in (_MODEL, "../../etc/passwd"):
        with pytest.raises(ModelError, match="no calibration") as caught:
            shipped_calibration(model)
        assert "--write-calibration" in caught.value.hint


def test_shipped_calibrations_are_bound_to_their_names() -> None:
    folder = Path(module.__file__).parents[1] / "calibrations"
    files = sorted(folder.glob("*.json"))
    assert files
    for file in files:
        calibration = from_json(file.read_text(encoding="utf-8")).calibration
        assert file.stem == calibration.model[:16]
        assert shipped_calibration(calibration.model) == calibration
        assert calibration.levels[0].fmr == 1e-2
        integers = calibration.integer_thresholds()
        assert sorted(set(integers)) == list(integers)
        with pytest.raises(FormatError, match="another model"):
            shipped_calibration(calibration.model[:16] + "0" * 48)

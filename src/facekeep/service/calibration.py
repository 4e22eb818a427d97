"""Make, write and read calibrations: which threshold keeps which false match rate, for one model.

Scores come from an evaluation that compares as the gallery does, so that the thresholds hold there exactly.

Rates down to where ten non-mated pairs still pass are measured; beyond, down to four powers of ten below the end of the
fit, thresholds are continued by :mod:`facekeep.domain.tail` and marked as extrapolated. The file is strict JSON
(docs/reference/calibration.md): unknown keys, another version, or another model are refused.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.scores import Integers, NonMatedSummary
from facekeep.domain.tail import TailFit, fit_tail
from facekeep.errors import BadInputError, FormatError, ModelError

FORMAT = "facekeep-calibration/1"
FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
"""The levels of a calibration, as far as the scores carry them."""

LEAST_PASSING = 10
"""A rate counts as measured if at least this many non-mated pairs may pass."""

LARGEST_FILE_BYTES = 65_536

_GRAIN = 1e-6
_KEYS = {"format", "model", "source", "comparisons", "levels"}
_LEVEL_KEYS = {"fmr", "threshold", "extrapolated", "passing"}


@dataclass(frozen=True, slots=True)
class MeasuredCalibration:
    """A calibration with what it rests on.

    Attributes:
        calibration: the levels.
        comparisons: non-mated pairs that were compared.
        passing: for each level how many of them are at or above its threshold.
    """

    calibration: Calibration
    comparisons: int
    passing: tuple[int, ...]


def calibrate(non_mated: NonMatedSummary, pictures_of: Integers, *, model: str, source: str) -> MeasuredCalibration:
    """Thresholds from non-mated scores.

    Args:
        non_mated: the scores of the pairs of different people.
        pictures_of: shape (people,), pictures of each.
        model: SHA-256 of the embedding model.
        source: what it was measured on, for people to read.

    Raises:
        BadInputError: the scores show not even the laxest rate.
    """
    fit = fit_tail(non_mated, pictures_of)
    levels: list[Level] = []
    for fmr in FMRS:
        measured = fmr * non_mated.count * (1 + 1e-9) >= LEAST_PASSING
        threshold = non_mated.threshold_at(fmr) if measured else _continued(fit, fmr)
        if threshold is None:
            break
        # Upwards, so that rounding never lets more pass; and strictly above the laxer level, as a calibration asks.
        rounded = math.ceil(threshold / _GRAIN) * _GRAIN
        if levels:
            rounded = max(rounded, levels[-1].threshold + _GRAIN)
        if rounded >= 1:
            break
        levels.append(Level(fmr, round(rounded, 6), extrapolated=not measured))
    if not levels:
        raise BadInputError(
            "too few people for a calibration: not even the laxest rate can be measured",
            hint=f"At least {math.ceil(LEAST_PASSING / FMRS[0])} pairs of pictures of different people are needed.",
        )
    passing = tuple(non_mated.passing(level.threshold) for level in levels)
    return MeasuredCalibration(Calibration(model, tuple(levels), source), non_mated.count, passing)


def _continued(fit: TailFit | None, fmr: float) -> float | None:
    return None if fit is None else fit.threshold(fmr)


def to_json(measured: MeasuredCalibration) -> str:
    """The text of a calibration file, with a line feed at its end."""
    calibration = measured.calibration
    record = {
        "format": FORMAT,
        "model": calibration.model,
        "source": calibration.source,
        "comparisons": measured.comparisons,
        "levels": [
            {
                "fmr": level.fmr,
                "threshold": level.threshold,
                "extrapolated": level.extrapolated,
                "passing": passing,
            }
            for level, passing in zip(calibration.levels, measured.passing, strict=True)
        ],
    }
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> MeasuredCalibration:
    """Read the text of a calibration file.

    Raises:
        FormatError: it breaks the format in any way.
    """
    try:
        record = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise FormatError("a calibration is JSON without repeated keys") from error
    if not isinstance(record, dict) or set(record) != _KEYS or record["format"] != FORMAT:
        raise FormatError(f"a calibration is an object of the format {FORMAT} with no other keys than documented")
    model, source, comparisons, rows = (record[key] for key in ("model", "source", "comparisons", "levels"))
    if not isinstance(model, str) or not re.fullmatch("[0-9a-f]{64}", model) or not isinstance(source, str):
        raise FormatError("a calibration has a model digest of 64 hexadecimal digits and a source in words")
    if not _is_count(comparisons) or comparisons < 1 or not isinstance(rows, list):
        raise FormatError("a calibration has a count of comparisons, at least 1, and a list of levels")
    levels, passing = [], []
    for row in rows:
        levels.append(_level(row))
        passing.append(row["passing"])
        if passing[-1] > comparisons:
            raise FormatError("no more comparisons can pass than there were")
    try:
        return MeasuredCalibration(Calibration(model, tuple(levels), source), comparisons, tuple(passing))
    except ValueError as error:
        raise FormatError(f"the levels of a calibration do not fit: {error}") from error


def _level(row: object) -> Level:
    if not isinstance(row, dict) or set(row) != _LEVEL_KEYS:
        raise FormatError(f"a level of a calibration has exactly the keys {', '.join(sorted(_LEVEL_KEYS))}")
    numbers = row["fmr"], row["threshold"]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
        raise FormatError("the FMR and the threshold of a level are numbers")
    if not isinstance(row["extrapolated"], bool) or not _is_count(row["passing"]):
        raise FormatError("a level is extrapolated or not, and counts the comparisons that pass")
    try:
        return Level(float(row["fmr"]), float(row["threshold"]), row["extrapolated"])
    except OverflowError as error:
        raise FormatError("the FMR and the threshold of a level are small numbers") from error


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key comes twice")
    return record


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def read_calibration(path: Path, model: str) -> Calibration:
    """The calibration of a file.

    Args:
        path: the file.
        model: SHA-256 of the embedding model that it has to be of.

    Raises:
        FormatError: the file cannot be read, breaks the format, or is of another model.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError("the calibration cannot be read") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise FormatError(f"a calibration has at most {LARGEST_FILE_BYTES} bytes")
    return _of_model(from_json(text).calibration, model)


def write_calibration(path: Path, measured: MeasuredCalibration) -> None:
    """Write a calibration file, for ``facekeep evaluate --write-calibration``."""
    path.write_text(to_json(measured), encoding="utf-8")


def shipped_calibration(model: str) -> Calibration:
    """The calibration of a model that comes with Facekeep. Raises as :func:`shipped_calibration_text`."""
    return _of_model(from_json(shipped_calibration_text(model)).calibration, model)


def shipped_calibration_text(model: str) -> str:
    """The file of that calibration, as it is.

    Args:
        model: SHA-256 of the embedding model.

    Raises:
        ModelError: none comes with Facekeep for this model.
        FormatError: the file is damaged.
    """
    file = resources.files("facekeep").joinpath("calibrations", f"{model[:16]}.json")
    if not re.fullmatch("[0-9a-f]{64}", model) or not file.is_file():
        raise ModelError(
            "no calibration comes with Facekeep for this embedding model",
            hint="Measure one: facekeep evaluate --images DIR --write-calibration FILE.",
        )
    return file.read_text(encoding="utf-8")


def _of_model(calibration: Calibration, model: str) -> Calibration:
    if calibration.model != model:
        raise FormatError(
            "the calibration is of another model", hint="Thresholds hold for the model they were measured with alone."
        )
    return calibration

"""Biometric sample quality: single measures by their names in ISO/IEC 29794-5, each with the range that is accepted.

There is no overall score on purpose. A mean of sharpness and yaw has no unit, hides why a picture was turned down, and
suggests that 71 is better than 70; a person needs to hear "turn your head to the camera".

Invariants: a report has each measure at most once; a measure outside its range has a reason and says what to do; a
policy that does not bound a measure leaves it informative.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields

from facekeep.domain.quality_wording import ANGLES, WORDINGS, MeasureName

__all__ = [
    "ENROLMENT",
    "PROBE",
    "MeasureName",
    "QualityMeasure",
    "QualityPolicy",
    "QualityReport",
    "Range",
    "Rejection",
]


@dataclass(frozen=True, slots=True)
class Range:
    """Values that are accepted, both ends included; without ends, all are."""

    minimum: float = -math.inf
    maximum: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.minimum) or math.isnan(self.maximum) or self.minimum > self.maximum:
            raise ValueError("a range goes from its minimum to its maximum")

    def __contains__(self, value: float) -> bool:
        return self.minimum <= value <= self.maximum

    @property
    def bounded(self) -> bool:
        """Whether anything can lie outside."""
        return self != Range()


def _check_sides(name: MeasureName, accepted: Range) -> None:
    """Refuses a bound on a side that cannot be wrong, for which there would be no reason to give."""
    wording = WORDINGS[name]
    if (wording.low is None and accepted.minimum > -math.inf) or (wording.high is None and accepted.maximum < math.inf):
        raise ValueError(f"{name} has no bound on that side")


@dataclass(frozen=True, slots=True)
class QualityMeasure:
    """One measure of one face.

    Attributes:
        name: what was measured.
        value: the figure, in ``unit``; finite.
        accepted: the range of the policy.
    """

    name: MeasureName
    value: float
    accepted: Range = Range()

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError("a measure is a finite number")
        _check_sides(self.name, self.accepted)

    @property
    def unit(self) -> str:
        """The unit of the value."""
        return WORDINGS[self.name].unit

    @property
    def passed(self) -> bool:
        """Whether the value lies in the accepted range."""
        return self.value in self.accepted

    @property
    def informative(self) -> bool:
        """Whether the policy leaves this measure without a limit."""
        return not self.accepted.bounded

    @property
    def reason(self) -> str | None:
        """What is wrong, for people to read; None if nothing is."""
        return self._say(0)

    @property
    def advice(self) -> str | None:
        """What to do about it; None if nothing is wrong."""
        return self._say(1)

    def _say(self, part: int) -> str | None:
        if self.passed:
            return None
        wording, low = WORDINGS[self.name], self.value < self.accepted.minimum
        value, limit = self.value, self.accepted.minimum if low else self.accepted.maximum
        if self.name in ANGLES:
            value, limit = abs(value), abs(limit)
        digits = wording.digits
        while f"{value:.{digits}f}" == f"{limit:.{digits}f}" and digits < 6:
            digits += 1  # "36 pixels; at least 36 are needed" would be no reason
        texts = wording.low if low else wording.high
        return None if texts is None else texts[part].format(value=f"{value:.{digits}f}", limit=f"{limit:.{digits}f}")


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a picture is turned down, and what to do."""

    name: MeasureName
    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All measures of the subject's face in one picture.

    Attributes:
        measures: each name at most once. If no face was found, the face count alone.
    """

    measures: tuple[QualityMeasure, ...]

    def __post_init__(self) -> None:
        if len({measure.name for measure in self.measures}) != len(self.measures):
            raise ValueError("a report has each measure at most once")

    @property
    def passed(self) -> bool:
        """Whether every measure lies in its range."""
        return all(measure.passed for measure in self.measures)

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What failed, in the order of the measures; empty if the picture is accepted."""
        return tuple(
            Rejection(measure.name, measure.reason or "", measure.advice or "")
            for measure in self.measures
            if not measure.passed
        )

    @property
    def reasons(self) -> tuple[str, ...]:
        """The names of the failed measures, as :class:`facekeep.errors.QualityError` takes them."""
        return tuple(str(rejection.name) for rejection in self.rejections)

    def measure(self, name: MeasureName) -> QualityMeasure | None:
        """The measure of this name, or None if it was not taken."""
        return next((measure for measure in self.measures if measure.name is name), None)


_FREE = Range()


@dataclass(frozen=True, slots=True)
class QualityPolicy:
    """The accepted range of each measure; a field of the same name for each :class:`MeasureName`.

    A policy without arguments accepts everything. :data:`ENROLMENT` and :data:`PROBE` are the defaults; docs/reference/
    quality.md has the figures that they rest on.
    """

    face_count: Range = field(default=_FREE)
    single_face: Range = field(default=_FREE)
    crop: Range = field(default=_FREE)
    inter_eye_distance: Range = field(default=_FREE)
    sharpness: Range = field(default=_FREE)
    luminance: Range = field(default=_FREE)
    under_exposure: Range = field(default=_FREE)
    over_exposure: Range = field(default=_FREE)
    illumination: Range = field(default=_FREE)
    yaw: Range = field(default=_FREE)
    pitch: Range = field(default=_FREE)
    roll: Range = field(default=_FREE)
    eyes_open: Range = field(default=_FREE)
    mouth_closed: Range = field(default=_FREE)

    def __post_init__(self) -> None:
        for name, accepted in self._ranges().items():
            _check_sides(name, accepted)

    def judge(self, values: dict[MeasureName, float]) -> QualityReport:
        """Sets measured values against the ranges.

        Args:
            values: a finite number for each measure that was taken.
        """
        ranges = self._ranges()
        return QualityReport(tuple(QualityMeasure(name, value, ranges[name]) for name, value in values.items()))

    def _ranges(self) -> dict[MeasureName, Range]:
        return {MeasureName[part.name.upper()]: getattr(self, part.name) for part in fields(self)}


ENROLMENT = QualityPolicy(
    face_count=Range(1),
    single_face=Range(maximum=0.5),  # a bystander at twice the distance is no doubt about who is meant
    crop=Range(0.95),
    inter_eye_distance=Range(36),  # the embedding's template has 35 pixels: below, detail would be invented
    sharpness=Range(0.06),
    luminance=Range(0.15, 0.88),  # wide, as skin differs: the darkest of 62 sitters in a studio has 0.23
    under_exposure=Range(maximum=0.2),
    over_exposure=Range(maximum=0.1),
    illumination=Range(0.35),
    yaw=Range(-25, 25),
    pitch=Range(-25, 25),
    roll=Range(-25, 25),
    eyes_open=Range(0.5),
    mouth_closed=Range(maximum=0.4),  # a broad smile with teeth has up to 0.35
)
"""For references, which serve for years: strict enough that a second picture is asked for while the person is there."""

PROBE = QualityPolicy(
    face_count=Range(1),
    crop=Range(0.6),
    inter_eye_distance=Range(18),
    sharpness=Range(0.04),
    luminance=Range(0.08, 0.95),
    under_exposure=Range(maximum=0.5),
    over_exposure=Range(maximum=0.4),
    yaw=Range(-60, 60),
    pitch=Range(-50, 50),
    roll=Range(-60, 60),
)
"""For probes: only what makes a comparison meaningless. Eyes, mouth and bystanders are informative: a comparison works
with closed eyes, and whether a sleeper may be verified is for presentation attack detection to say, not for quality."""

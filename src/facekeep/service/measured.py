"""What drills and evaluations measured, read from the JSON that ``facekeep drill`` and ``facekeep evaluate`` print."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from facekeep.errors import BadInputError

__all__ = ["DrillSummary", "EvaluationSummary", "GroupsSummary", "PointSummary", "ThiefSummary"]

_LARGEST: Final = 64 << 20
_DRILL: Final = "facekeep-drill/1"
_EVALUATION: Final = "facekeep-evaluation/1"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ThiefSummary:
    """A thief of a drill; see :class:`facekeep.service.drill_report.Thief`."""

    name: str
    title: str
    passed: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class DrillSummary:
    """A drill.

    Attributes:
        made: when it ended, or None if its report does not say.
        passed: whether it passed.
        people: how many were enrolled for it.
        given: how many of them by real pictures.
        thieves: each with what he got.
        warnings: what the reader must know though it passed.
    """

    made: datetime | None
    passed: bool
    people: int
    given: int
    thieves: tuple[ThiefSummary, ...]
    warnings: tuple[str, ...]

    def thief(self, name: str) -> ThiefSummary | None:
        """The thief of this name."""
        return next((thief for thief in self.thieves if thief.name == name), None)

    @classmethod
    def read(cls, path: Path) -> DrillSummary:
        """Read the report of a drill.

        Raises:
            BadInputError: it is none.
        """
        return _read(path, ("format", _DRILL), "facekeep drill --json", cls._of)

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> DrillSummary:
        return cls(
            _time(document.get("made")),
            bool(document["passed"]),
            int(document["people"]["enrolled"]),
            int(document["people"]["given"]),
            tuple(
                ThiefSummary(str(one["name"]), str(one["title"]), bool(one["passed"]), str(one["verdict"]))
                for one in document["thieves"]
            ),
            tuple(map(str, document["warnings"])),
        )


@dataclass(frozen=True, slots=True)
class PointSummary:
    """An operating point: the rate aimed at, and what was measured."""

    target_fmr: float
    fmr: float | None
    fnmr: float | None


@dataclass(frozen=True, slots=True)
class GroupsSummary:
    """How much error rates differ between groups.

    Attributes:
        attribute: by which the groups were made.
        target_fmr: at which threshold.
        fmr_ratio: largest over smallest false match rate, None if it could not be measured.
        fnmr_ratio: the same of false non-matches.
    """

    attribute: str
    target_fmr: float | None
    fmr_ratio: float | None
    fnmr_ratio: float | None


@dataclass(frozen=True, slots=True)
class EvaluationSummary:
    """An evaluation.

    Attributes:
        made: when it ended, or None if its report does not say.
        model: SHA-256 of the embedding model.
        people: on how many people.
        pictures: on how many pictures.
        points: operating points.
        groups: differences between groups; empty if none were given.
    """

    made: datetime | None
    model: str
    people: int
    pictures: int
    points: tuple[PointSummary, ...]
    groups: tuple[GroupsSummary, ...]

    @classmethod
    def read(cls, path: Path) -> EvaluationSummary:
        """Read the report of an evaluation.

        Raises:
            BadInputError: it is none.
        """
        return _read(path, ("schema", _EVALUATION), "facekeep evaluate --json", cls._of)

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> EvaluationSummary:
        return cls(
            _time(document.get("made")),
            str(document["model"]),
            int(document["people"]),
            int(document["pictures"]),
            tuple(
                PointSummary(float(one["target_fmr"]), one["fmr"]["rate"], one["fnmr"]["rate"])
                for one in document["points"]
            ),
            tuple(
                GroupsSummary(str(one["attribute"]), one["target_fmr"], one["fmr_ratio"], one["fnmr_ratio"])
                for one in document["differentials"]
            ),
        )


def _time(said: object) -> datetime | None:
    if said is None:
        return None
    time = datetime.fromisoformat(str(said))
    if time.tzinfo is None:
        raise ValueError("a time has a time zone")
    return time


def _read(path: Path, form: tuple[str, str], command: str, of: Callable[[Mapping[str, Any]], _T]) -> _T:
    name, wanted = form
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LARGEST))
        if document[name] == wanted:
            return of(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    raise BadInputError(
        f"a file is not what {command} prints", hint=f"Make it anew: {command} > FILE, with this version of Facekeep."
    )

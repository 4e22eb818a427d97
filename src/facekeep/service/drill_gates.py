"""Both gates at work: the curious one and the active one, each on a keep of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facekeep.domain.comparison import Calibration
from facekeep.errors import UsageError
from facekeep.service.drill_active import Belief, Climb, Strategy, climb, wait_a_day
from facekeep.service.drill_attacks import SPREADS
from facekeep.service.drill_curious import CuriousGate, listen, questions, unprotected
from facekeep.service.drill_keep import OPERATOR, DrillKeep, identities
from facekeep.service.drill_people import ACTIVE_TARGET, CURIOUS_TARGET, People
from facekeep.service.drill_report import CONTROL_AT_LEAST, ActiveGate
from facekeep.service.drill_solving import band_level, plain_bands, solve
from facekeep.split.budget import Limits
from facekeep.split.codes import FineCode, fine_code
from facekeep.split.gate import Question

Progress = Callable[[str, int, int], None]

_LIMITLESS = Limits(10**9, 10**9, 10**9, 10**9, 10**9, 10**9)
_VERIFY_FMR = 1e-4


def verify_level(calibration: Calibration) -> int:
    """The laxest level that verification takes.

    Raises:
        UsageError: the calibration has none that is strict enough.
    """
    level = calibration.level_for_fmr(_VERIFY_FMR)
    if level is None:
        raise UsageError("the calibration of a drill has no level of a false match rate of 1e-4 or less")
    return level


def curious_gate(
    folder: Path,
    people: People,
    calibration: Calibration,
    *,
    counts: tuple[int, int],
    random: np.random.Generator,
    tell: Progress,
) -> CuriousGate:
    """Keep transcripts of comparisons with one row and attack them; budgets off, for the gate is patient."""
    thresholds = calibration.integer_thresholds()
    target, population = people.references[CURIOUS_TARGET], people.population
    levels = (verify_level(calibration), 0)
    keep = DrillKeep(folder, calibration, people.dimension, _LIMITLESS)
    try:
        keep.enrol(target[None, :], identities(1), gallery="alone")
        row = keep.pseudonyms[0]
        asked = questions(row, "alone", target, population, counts=counts, levels=levels, random=random)
        found = listen(keep, row, asked, thresholds, lambda done, of: tell("curious gate", done, of))
    finally:
        keep.close()
    code = fine_code(target)
    unit = code.astype(np.float64) / np.linalg.norm(code.astype(np.float64))
    bands = plain_bands(found, code, thresholds)
    solved = solve(found, code, population, thresholds, random)
    enough = min(len(found.probes), people.dimension + 64)
    naked = unprotected(found, enough, code, thresholds)
    return CuriousGate(
        verifications=counts[0],
        searches=counts[1],
        solved=solved,
        level=band_level(found.probes, bands, thresholds, unit, population),
        same_bands=bool(np.array_equal(bands, found.bands)),
        control=solve(naked, code, population, thresholds, random),
        # A random direction has a cosine of 1/√D on average to any other.
        limit=min(CONTROL_AT_LEAST, SPREADS / math.sqrt(people.dimension)),
    )


def active_gate(
    folder: Path,
    people: People,
    calibration: Calibration,
    *,
    limits: Limits,
    count: int,
    random: np.random.Generator,
    tell: Progress,
) -> ActiveGate:
    """Climb to one template: with budgets off, and with those of the keep."""
    verify, thresholds = verify_level(calibration), calibration.integer_thresholds()
    person, population = ACTIVE_TARGET, people.population
    plans: list[tuple[str, bool, Strategy, bool]] = [
        ("1:1 from another picture", False, "greedy", True),
        ("1:1 from another picture, avoiding rejections", False, "frugal", True),
        ("1:1 from nothing", False, "greedy", False),
        ("1:N in one case from another picture", True, "greedy", True),
    ]
    climbs: dict[bool, list[Climb]] = {False: [], True: []}
    for on in (False, True):
        keep = DrillKeep(folder / f"active-{on}", calibration, people.dimension, limits if on else _LIMITLESS)
        try:
            for number, (name, one_to_many, strategy, has_picture) in enumerate(plans):
                tell("active gate", number + on * len(plans), 2 * len(plans))
                # A row, a gallery and a case of its own for each attempt, so that no budget is shared.
                keep.enrol(people.references[person : person + 1], identities(1), gallery=f"alone-{number}")
                asking = _Asking(keep, number, 0 if one_to_many else verify, one_to_many)
                climbs[on].append(
                    climb(
                        name,
                        asking.ask,
                        asking.tomorrow,
                        truth=people.references[person],
                        belief=Belief(population, people.probes[person] if has_picture else None),
                        # A 1:1 comparison tells no stricter level than the ticket's.
                        thresholds=thresholds if one_to_many else thresholds[: verify + 1],
                        level=asking.level,
                        alarm=None if one_to_many else limits.rejects_alarm,
                        strategy=strategy,
                        queries=count,
                        random=random,
                    )
                )
        finally:
            keep.close()
    return ActiveGate(tuple(climbs[False]), tuple(climbs[True]))


class _Asking:
    """Asks for one row through the real path."""

    def __init__(self, keep: DrillKeep, number: int, level: int, one_to_many: bool) -> None:
        self._keep = keep
        self.level = level
        if one_to_many:
            case, gallery = f"drill-case-{number}", f"alone-{number}"
            self._question = Question("identify", level, OPERATOR, case=case, gallery=gallery)
        else:
            self._question = Question("verify", level, OPERATOR, row=keep.pseudonyms[number])

    def ask(self, code: FineCode) -> int:
        hits = self._keep.gate.search(self._question, code)
        return hits[0].band if hits else 0

    def tomorrow(self) -> None:
        self._keep.now = wait_a_day(self._keep.now)

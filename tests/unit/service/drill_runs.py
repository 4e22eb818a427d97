"""A small sound drill, run once for all tests that read its report."""

from __future__ import annotations

from functools import lru_cache

from facekeep.service.drill import DrillSettings, run_drill
from facekeep.service.drill_report import DrillReport

SMALL = DrillSettings(people=64, dimension=64, verifications=110, searches=6, questions=25)


@lru_cache(maxsize=1)
def sound_drill() -> DrillReport:
    return run_drill(None, SMALL)


def leaks(report: DrillReport, thief: str) -> set[str]:
    found = next(one for one in report.thieves if one.name == thief)
    return {finding.attack for finding in found.findings if finding.leaks}

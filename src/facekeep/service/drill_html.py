"""A drill as one HTML page: no scripts, nothing loaded from elsewhere, light and dark, plots as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from facekeep.service.drill_active import Climb
from facekeep.service.drill_report import CONTROL_AT_LEAST, DrillReport, Finding, climb_in_words, thinned
from facekeep.service.drill_statistics import ALARM
from facekeep.service.plots import STYLE, Axis, Plot, Series

_ATTACKS = {
    "d_sys": "linkability",
    "linked_rank_1": "mate at rank 1",
    "reconstruction": "similarity of rebuilt templates",
    "identified_rank_1": "identified by another picture",
    "not_noise": "seen to be no noise",
    "byte_search": "found by byte search",
    "pictures_seen": "pictures seen",
}


def html_report(report: DrillReport, *, title: str = "Drill: what a thief gets") -> str:
    """The report.

    Args:
        report: what was found.
        title: heading of the page. Escaped.

    Returns:
        A complete HTML document.
    """
    environment = Environment(
        loader=PackageLoader("facekeep.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(by_attack=_by_attack, words=climb_in_words, attack=_ATTACKS.__getitem__)
    return environment.get_template("drill.html.j2").render(
        report=report,
        title=title,
        style=STYLE,
        alarm=ALARM,
        needed=CONTROL_AT_LEAST,
        plots={
            "thieves": [_bars(report).svg()],
            "active": [
                _curves("Budgets off", report.active.without_budgets).svg(),
                _curves("Budgets on", report.active.with_budgets).svg(),
            ],
        },
    )


def _by_attack(findings: Sequence[Finding]) -> dict[str, Finding]:
    return {finding.attack: finding for finding in findings}


def _bars(report: DrillReport) -> Plot:
    """Linkability of every thief beside its floor, and of the controls."""
    found = [_by_attack(thief.findings)["d_sys"] for thief in report.thieves]
    controls = [control.achieved["d_sys"] for control in report.controls]
    places = list(range(1, len(found) + 1))
    behind = [len(found) + 1 + number for number in range(len(controls))]
    return Plot(
        "Linkability of each thief, and where the attack must succeed",
        "Linkability from 0 to 1 of each thief in the order of the table, close to the level of noise; "
        "behind them the controls, close to 1.",
        Axis("thieves in the order of the table; behind them the controls", 0, behind[-1] + 1),
        Axis("linkability D_sys", 0, 1.05),
        [
            Series("stolen bytes", places, [finding.value for finding in found], "points"),
            Series("noise", [place + 0.25 for place in places], [finding.floor for finding in found], "points"),
            Series("controls", behind, controls, "points"),
        ],
        height=320,
    )


def _curves(title: str, climbs: Sequence[Climb]) -> Plot:
    last = max(climb.queries[-1] for climb in climbs)
    series = []
    for climb in climbs:
        points = thinned(climb)
        series.append(Series(_short(climb), [q for q, _ in points], [max(c, 0.0) for _, c in points]))
    return Plot(
        f"{title}: similarity to the template over the number of questions",
        "; ".join(f"{climb.name}: {climb_in_words(climb)}" for climb in climbs),
        Axis("questions answered", 0, max(last, 1)),
        Axis("cosine of best guess and template", 0, 1.02),
        series,
    )


def _short(climb: Climb) -> str:
    """The name as short as a legend needs it."""
    return climb.name.replace("from another picture", "from a picture").replace(", avoiding rejections", ", frugal")

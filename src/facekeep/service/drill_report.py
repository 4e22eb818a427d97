"""What a drill found: one object per thief, controls, gates; as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from facekeep.service.drill_active import Climb
from facekeep.service.drill_attacks import Result
from facekeep.service.drill_curious import CuriousGate
from facekeep.service.drill_statistics import ALARM

FORMAT = "facekeep-drill/1"
CONTROL_AT_LEAST = 0.95
_NEAR = 0.9


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one attack on one store.

    Attributes:
        attack: identifier: ``uniformity``, ``d_sys``, ``linked_rank_1``, ``reconstruction``, ``identified_rank_1``,
            ``byte_search``, ``old_backups`` or ``pictures_seen``.
        title: what it is called in a report.
        value: the figure: a p-value for uniformity, a count for searches, else a share or cosine.
        floor: what perfect noise gives.
        limit: from where on it is a leak; below which, for a p-value.
        leaks: whether it is one.
        detail: which reading of the bytes gave the figure, or what was found.
        interval: of a share, at 95 %.
    """

    attack: str
    title: str
    value: float
    floor: float
    limit: float
    leaks: bool
    detail: str = ""
    interval: tuple[float, float] | None = None

    @classmethod
    def of(cls, attack: str, title: str, result: Result) -> Finding:
        """The finding of a figure beside its floor."""
        figures = (result.value, result.floor, result.limit)
        return cls(attack, title, *figures, result.leaks, result.reading, result.interval)

    @classmethod
    def noise(cls, p_value: float, oddest: str) -> Finding:
        """The finding of the tests of uniformity: perfect noise has a p-value anywhere from 0 to 1, 0.5 on average."""
        return cls("uniformity", "Looks like noise (p-value)", p_value, 0.5, ALARM, p_value < ALARM, oddest)

    @classmethod
    def count(cls, attack: str, title: str, number: int, detail: str) -> Finding:
        """The finding of something that must not occur once."""
        return cls(attack, title, number, 0, 1, number > 0, detail)

    @property
    def shown(self) -> str:
        """The figure as people read it."""
        return self._shown(self.value)

    @property
    def shown_interval(self) -> str:
        """Its interval likewise, or ""."""
        return "" if self.interval is None else f"{self.interval[0]:.0%}–{self.interval[1]:.0%}"

    @property
    def shown_floor(self) -> str:
        """Its floor likewise."""
        return "0 to 1" if self.attack == "uniformity" else self._shown(self.floor)

    @property
    def shown_limit(self) -> str:
        """From where on it is a leak."""
        if self.attack == "uniformity":
            return f"under {self.limit:.0e}"
        return f"from {self._shown(self.limit)}"

    def _shown(self, value: float) -> str:
        if self.attack in ("byte_search", "old_backups", "pictures_seen"):
            return f"{value:.0f}"
        if self.attack == "uniformity":
            return f"{value:.2g}"
        return f"{value:.1%}" if "rank_1" in self.attack else f"{value:.3f}"


@dataclass(frozen=True, slots=True)
class Thief:
    """A thief and what he got.

    Attributes:
        name: identifier, such as ``right-with-keys``.
        title: who he is.
        stolen: what he took.
        open_to_him: what lies open to him by design, or "".
        findings: of each attack.
    """

    name: str
    title: str
    stolen: str
    open_to_him: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether he went home with noise."""
        return not any(finding.leaks for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The outcome in a sentence."""
        if self.passed:
            besides = f" Beyond that he has {self.open_to_him}." if self.open_to_him else ""
            return f"No face: nothing he tried gave more than chance.{besides}"
        leaks = ", ".join(f"{finding.title.lower()} {finding.shown}" for finding in self.findings if finding.leaks)
        return f"LEAK: {leaks}."


@dataclass(frozen=True, slots=True)
class Control:
    """The same attacks where they must succeed.

    Attributes:
        name: identifier, such as ``plaintext``.
        title: on what.
        achieved: what each attack achieved there, by its name, 0 … 1.
    """

    name: str
    title: str
    achieved: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every attack succeeded."""
        return bool(self.achieved) and all(value >= CONTROL_AT_LEAST for value in self.achieved.values())

    @property
    def verdict(self) -> str:
        """The outcome in a sentence."""
        if self.passed:
            return "The attacks succeed here, as they must: they would have seen a leak."
        weak = ", ".join(f"{name} {value:.2f}" for name, value in self.achieved.items() if value < CONTROL_AT_LEAST)
        return f"THE ATTACKS ARE TOO WEAK ({weak}): this drill proves nothing."


@dataclass(frozen=True, slots=True)
class ActiveGate:
    """The curves of the active gate.

    Attributes:
        without_budgets: with budgets switched off.
        with_budgets: with those of the keep.
    """

    without_budgets: tuple[Climb, ...]
    with_budgets: tuple[Climb, ...]

    def warnings(self) -> Iterator[str]:
        """What the reader must know though the drill passes."""
        for climb in self.with_budgets:
            if climb.reached >= _NEAR:
                stopped = "stopped this gate only" if climb.stopped else "had not yet stopped this gate"
                yield (
                    f"Active gate, {climb.name}: the budgets {stopped} after {climb.queries[-1]} questions and "
                    f"{climb.rejected} rejections, at a similarity of {climb.reached:.2f} to the template."
                )


@dataclass(frozen=True, slots=True)
class DrillReport:
    """Everything that a drill found.

    Attributes:
        people: how many were enrolled.
        given: how many of them came with templates of their own; the others were made up.
        dimension: coordinates of a template.
        thieves: one object each.
        controls: where the attacks must succeed.
        curious: the curious gate.
        active: the active gate.
        seconds: how long it took.
    """

    people: int
    given: int
    dimension: int
    thieves: tuple[Thief, ...]
    controls: tuple[Control, ...]
    curious: CuriousGate
    active: ActiveGate
    seconds: float = field(compare=False)

    @property
    def passed(self) -> bool:
        """Whether no thief got anything, the curious gate no more than its bands, and every control succeeded."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass; empty if it did."""
        found = [f"{thief.title}: {thief.verdict}" for thief in self.thieves if not thief.passed]
        found += [f"{control.title}: {control.verdict}" for control in self.controls if not control.passed]
        if self.curious.leaks:
            found.append("Curious gate: LEAK: its transcripts tell more than their bands.")
        if self.curious.control.by_elimination < CONTROL_AT_LEAST:
            found.append("Curious gate without pads and shifts: THE ATTACK IS TOO WEAK: this drill proves nothing.")
        return tuple(found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the reader must know though the drill passes."""
        return tuple(self.active.warnings())

    def as_json(self) -> dict[str, object]:
        """The report in values that JSON can hold."""
        return {
            "format": FORMAT,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
            "people": {"enrolled": self.people, "given": self.given, "made_up": self.people - self.given},
            "dimension": self.dimension,
            "seconds": round(self.seconds, 2),
            "thieves": [_thief(thief) for thief in self.thieves],
            "controls": [
                {
                    "name": control.name,
                    "title": control.title,
                    "passed": control.passed,
                    "at_least": CONTROL_AT_LEAST,
                    "achieved": {name: _short(value) for name, value in control.achieved.items()},
                }
                for control in self.controls
            ],
            "curious_gate": _curious(self.curious),
            "active_gate": {
                "without_budgets": [_climb(climb) for climb in self.active.without_budgets],
                "with_budgets": [_climb(climb) for climb in self.active.with_budgets],
            },
        }

    def as_text(self) -> str:
        """The report as lines for a terminal."""
        lines = [f"Drill: {self.people} people ({self.given} real), {self.dimension} coordinates, {self.seconds:.0f} s"]
        for thief in self.thieves:
            lines += ["", f"[{'ok' if thief.passed else 'LEAK'}] {thief.title}", f"  took {thief.stolen}"]
            lines += [
                f"  {finding.title:<44} {finding.shown:>9}   noise {finding.shown_floor:<7} leak "
                f"{finding.shown_limit}{'   LEAK' * finding.leaks}"
                for finding in thief.findings
            ]
            lines.append(f"  {thief.verdict}")
        lines += ["", "Controls: the same attacks where they must succeed"]
        for control in self.controls:
            figures = ", ".join(f"{name} {value:.3f}" for name, value in control.achieved.items())
            lines.append(f"[{'ok' if control.passed else 'WEAK'}] {control.title}: {figures}")
        curious = self.curious
        lines += [
            "",
            f"[{'LEAK' if curious.leaks else 'ok'}] Curious gate, {curious.verifications} verifications and "
            f"{curious.searches} searches kept",
            f"  template from all it saw: {curious.solved.best:.3f}; from bands of the plaintext alone: "
            f"{curious.level:.3f}; by elimination: {curious.solved.by_elimination:.3f}; "
            f"control without pads and shifts: {curious.control.by_elimination:.3f}",
            "",
            "Active gate: similarity of its best guess to the template",
        ]
        for title, climbs in (("budgets off", self.active.without_budgets), ("budgets on", self.active.with_budgets)):
            lines += [f"  {title}: {climb.name}: {climb_in_words(climb)}" for climb in climbs]
        lines += ["", *(f"Warning: {warning}" for warning in self.warnings)]
        lines.append("PASSED: nobody who steals one store gets a face." if self.passed else "FAILED:")
        return "\n".join([*lines, *(f"  {reason}" for reason in self.reasons)]) + "\n"


def climb_in_words(climb: Climb) -> str:
    """Where a climb began and ended."""
    stop = ", stopped by the budgets" if climb.stopped else ""
    days = f" in {climb.days} days" if climb.days > 1 else ""
    alarm = "" if climb.alarm is None else f", alarm at question {climb.alarm[0]} with {climb.alarm[1]:.2f}"
    return (
        f"from {climb.cosines[0]:.2f} to {climb.reached:.2f} in {climb.queries[-1]} questions{days}, "
        f"{climb.rejected} rejected{alarm}{stop}"
    )


def _thief(thief: Thief) -> dict[str, object]:
    return {
        "name": thief.name,
        "title": thief.title,
        "stolen": thief.stolen,
        "open_by_design": thief.open_to_him,
        "passed": thief.passed,
        "verdict": thief.verdict,
        "findings": {
            finding.attack: {
                "title": finding.title,
                "value": _short(finding.value),
                "floor": _short(finding.floor),
                "limit": _short(finding.limit),
                "leaks": finding.leaks,
                "detail": finding.detail,
                "interval": None if finding.interval is None else [_short(end) for end in finding.interval],
            }
            for finding in thief.findings
        },
    }


def _curious(curious: CuriousGate) -> dict[str, object]:
    return {
        "passed": not curious.leaks,
        "verifications": curious.verifications,
        "searches": curious.searches,
        "cosine": _short(curious.solved.best),
        "cosine_by_bands": _short(curious.solved.by_bands),
        "cosine_by_elimination": _short(curious.solved.by_elimination),
        "cosine_by_other_numbers": _short(curious.solved.by_numbers),
        "other_numbers_floor": _short(curious.solved.numbers_floor),
        "other_numbers_p": _short(curious.solved.chance),
        "level_of_bands_alone": _short(curious.level),
        "bands_as_in_plaintext": curious.same_bands,
        "control_without_pads": _short(curious.control.by_elimination),
    }


def _climb(climb: Climb) -> dict[str, object]:
    return {
        "name": climb.name,
        "queries": climb.queries[-1],
        "rejected": climb.rejected,
        "days": climb.days,
        "stopped_by_budget": bool(climb.stopped),
        "alarm_at_query": None if climb.alarm is None else climb.alarm[0],
        "cosine_at_alarm": None if climb.alarm is None else _short(climb.alarm[1]),
        "cosine_at_start": _short(climb.cosines[0]),
        "cosine_reached": _short(climb.reached),
        "queries_to_0.9": climb.queries_to(0.9),
        "curve": [[q, _short(c)] for q, c in thinned(climb)],
    }


def thinned(climb: Climb, points: int = 120) -> list[tuple[int, float]]:
    """The curve at so many points at most, the last one among them."""
    step = max(1, -(-len(climb.queries) // points))
    kept = list(range(0, len(climb.queries), step))
    if kept[-1] != len(climb.queries) - 1:
        kept.append(len(climb.queries) - 1)
    return [(climb.queries[i], climb.cosines[i]) for i in kept]


def _short(value: float) -> float:
    return float(f"{value:.6g}")

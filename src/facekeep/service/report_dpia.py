"""The data protection impact assessment (GDPR 35), from the real configuration, a drill and an evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from facekeep.service.about import About
from facekeep.service.facts import KeepFacts
from facekeep.service.measured import DrillSummary, EvaluationSummary
from facekeep.service.paper import Cell, Missing, Paper, Section, Table, Text
from facekeep.service.report_parts import (
    about_table,
    drill_document,
    drill_parts,
    evaluation_document,
    evaluation_parts,
    facts_document,
    filing_table,
    keep_table,
    made_by,
    measures_table,
    purposes_table,
    thresholds_table,
)
from facekeep.service.report_register import missing_document, said_document
from facekeep.service.report_reviews import activity_table, reviewing_table
from facekeep.service.risks import RISKS, Risk

__all__ = ["FORMAT", "ImpactAssessment"]

FORMAT: Final = "facekeep-dpia/1"


@dataclass(frozen=True, slots=True)
class ImpactAssessment:
    """The assessment of one keep.

    Attributes:
        facts: of the keep.
        about: what the controller said.
        drill: the latest, or None.
        evaluation: the latest, or None.
        weaknesses: what ``facekeep doctor`` names, each as a sentence.
    """

    facts: KeepFacts
    about: About
    drill: DrillSummary | None
    evaluation: EvaluationSummary | None
    weaknesses: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The assessment in values that JSON can hold; what is missing is None, and listed."""
        return {
            "format": FORMAT,
            "made": self.facts.made.isoformat(),
            "version": self.facts.version,
            "said": said_document(self.facts, self.about),
            "keep": facts_document(self.facts),
            "risks": [
                {
                    "name": risk.name,
                    "source": risk.source,
                    "harm": risk.harm,
                    "measures": risk.measures,
                    "remains": risk.remains,
                    "measured": _words(self._measured(risk)),
                }
                for risk in RISKS
            ],
            "weaknesses": list(self.weaknesses),
            "drill": drill_document(self.drill),
            "evaluation": evaluation_document(self.evaluation),
            "missing": missing_document(self.paper()),
        }

    def paper(self) -> Paper:
        """The assessment for people."""
        facts, about = self.facts, self.about
        return Paper(
            "Data protection impact assessment",
            "The assessment that article 35 of the GDPR asks for before faces are recognised, with the facts of one "
            "keep of Facekeep filled in. Whether the risks are acceptable is for people to decide.",
            made_by(facts),
            (
                Section(
                    "The processing (35(7)(a))",
                    (
                        about_table(
                            "Controller",
                            about,
                            {
                                "name": "controller.name",
                                "contact": "controller.contact",
                                "data protection officer": "officer.name",
                            },
                        ),
                        purposes_table(facts, about),
                        about_table("People", about, {"categories of people": "processing.people"}),
                        keep_table(facts),
                        activity_table(),
                        reviewing_table(facts),
                        thresholds_table(facts),
                        filing_table(facts),
                    ),
                ),
                Section(
                    "Necessity and proportionality (35(7)(b))",
                    (
                        about_table(
                            "Said by the controller",
                            about,
                            {
                                "necessity": "assessment.necessity",
                                "proportionality": "assessment.proportionality",
                                **{
                                    f"equal way without a face ({one.purpose})": f"purpose.{one.purpose}.alternative"
                                    for one in facts.switched_on
                                },
                            },
                        ),
                    ),
                ),
                Section("Risks (35(7)(c))", (self._risks(),)),
                Section(
                    "Measures (35(7)(d))",
                    (
                        measures_table(),
                        about_table("Organisation", about, {"organisational measures": "processing.organisation"}),
                        *self._weak(),
                    ),
                ),
                Section("What a thief gets: the latest drill", tuple(drill_parts(self.drill))),
                Section("How often it errs: the latest evaluation", tuple(evaluation_parts(self.evaluation, facts))),
                Section(
                    "Opinions and decision (35(2), (9), (11))",
                    (
                        about_table(
                            "Said by the controller",
                            about,
                            {
                                "advice of the data protection officer": "assessment.officer_advice",
                                "views of the people concerned": "assessment.views",
                                "what remains, and who accepts it": "assessment.residual",
                                "looked at again": "assessment.review",
                            },
                        ),
                    ),
                ),
            ),
        )

    def _risks(self) -> Table:
        heads = ("source", "harm", "what stands against it", "what was measured", "what remains")
        rows = tuple((risk.source, risk.harm, risk.measures, self._measured(risk), risk.remains) for risk in RISKS)
        return Table("Risks to people", heads, rows)

    def _measured(self, risk: Risk) -> Cell:
        if risk.thieves:
            return self._robbed(risk)
        if risk.evaluated:
            return self._evaluated()
        return "not by a machine"

    def _robbed(self, risk: Risk) -> Cell:
        if self.drill is None:
            return Missing("what a thief gets: no drill was given", _DRILL)
        found = [self.drill.thief(name) for name in risk.thieves]
        seen = [thief for thief in found if thief is not None]
        leaks = [thief.title for thief in seen if not thief.passed]
        if leaks:
            return f"LEAK in the drill: {', '.join(leaks)}"
        if len(seen) < len(risk.thieves):
            return Missing(f"thieves of the drill that measure this risk ({risk.name})", _DRILL)
        return f"chance: {len(seen)} thieves of the drill got no face"

    def _evaluated(self) -> Cell:
        if self.evaluation is None or not self.evaluation.points or self.evaluation.model != self.facts.model:
            return Missing("how often the model errs on your people: no evaluation was given", _EVALUATION)
        point = self.evaluation.points[-1]
        rate = "not measured" if point.fnmr is None else f"{point.fnmr:.3g}"
        return f"at a false match rate of {point.target_fmr:.0e}, false non-match rate {rate}; groups: see below"

    def _weak(self) -> Iterator[Text | Table]:
        if not self.weaknesses:
            yield Text("facekeep doctor names no weakness of the machine and the keep.")
            return
        rows = tuple((weakness,) for weakness in self.weaknesses)
        yield Table("Weaknesses that facekeep doctor names now", ("weakness",), rows)


_DRILL: Final = "Run facekeep drill --json > drill.json, and give --drill drill.json."
_EVALUATION: Final = (
    "Run facekeep evaluate --images DIR --json > evaluation.json, and give --evaluation evaluation.json."
)


def _words(cell: Cell) -> str | None:
    return None if isinstance(cell, Missing) else cell

"""Laws that doctor holds a keep against: what is asked for, and how the findings are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from facekeep.errors import UsageError
from facekeep.interfaces.cli.reply import Hanging, Heading, Line
from facekeep.interfaces.cli.saying import the_about, the_drill, the_evaluation

if TYPE_CHECKING:
    from facekeep.service.doctor import Finding
    from facekeep.service.facts import KeepFacts
    from facekeep.service.law_checks import Surface
    from facekeep.service.laws import LawFinding, LawPack

__all__ = ["Said", "is_unmet", "law_document", "law_lines"]


@dataclass(frozen=True, slots=True)
class Said:
    """What was asked for by options.

    Attributes:
        laws: names of packs.
        about: file of what the controller said.
        drill: file of the latest drill.
        evaluation: file of the latest evaluation.
    """

    laws: tuple[str, ...]
    about: Path | None
    drill: Path | None
    evaluation: Path | None

    @property
    def packs(self) -> tuple[LawPack, ...]:
        """The packs, each once.

        Raises:
            UsageError: there is none of such a name; or no law was asked for, and what only a law looks at was given.
        """
        if not self.laws:
            if any((self.about, self.drill, self.evaluation)):
                raise UsageError("no law was asked for", hint="--about, --drill and --evaluation go with --law.")
            return ()
        from facekeep.service.laws import LawPack

        return tuple(LawPack.of(name) for name in dict.fromkeys(self.laws))

    def checked(
        self, keep: KeepFacts, surface: Surface | None, findings: Sequence[Finding]
    ) -> tuple[tuple[LawPack, tuple[LawFinding, ...]], ...]:
        """What is found of each rule of each pack."""
        from facekeep.service.law_checks import LawFacts

        if surface is None:
            raise ValueError("a law looks at what the program can be asked for")
        weaknesses = frozenset(finding.code for finding in findings)
        about, drill, evaluation = the_about(self.about), the_drill(self.drill), the_evaluation(self.evaluation)
        facts = LawFacts(keep, about, surface, weaknesses, drill, evaluation)
        return tuple((pack, pack.findings(facts)) for pack in self.packs)


def is_unmet(findings: Sequence[LawFinding]) -> bool:
    """Whether a rule is not met."""
    return any(finding.outcome == "not met" for finding in findings)


def law_document(pack: LawPack, findings: Sequence[LawFinding]) -> dict[str, object]:
    """What was found, for programs."""
    return {
        "law": pack.law.value,
        "title": pack.title,
        "met": not is_unmet(findings),
        "findings": [finding.as_json() for finding in findings],
    }


def law_lines(pack: LawPack, findings: Sequence[LawFinding]) -> Iterator[Line]:
    """What was found, for people."""
    yield Heading(f"{pack.title} (no legal advice)")
    for finding in findings:
        yield Hanging(f"{finding.outcome:21} ", f"{finding.rule.article}: {finding.rule.asks}.")
        yield Hanging(" " * 22, f"{finding.said[0].upper()}{finding.said[1:]}{'' if finding.said[-1] in '.?' else '.'}")

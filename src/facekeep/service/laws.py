"""Law packs: rules of a law as data, and what was found of each. None of it is legal advice.

A pack is a file of TOML in ``facekeep/laws``. A rule names its article and what it asks; and either a check of
service.law_checks with its numbers and words, or a question that people have to answer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from facekeep.errors import UsageError
from facekeep.service.law_checks import CHECKS, LawFacts, Outcome

__all__ = ["Law", "LawFinding", "LawPack", "LawRule"]

_FIELDS: Final = {"name", "article", "asks", "check", "with", "question"}


class Law(StrEnum):
    """The packs of the package."""

    EU = "eu"
    ILLINOIS = "illinois"
    TEXAS = "texas"
    CHINA = "china"
    INDIA = "india"
    UK = "uk"


@dataclass(frozen=True, slots=True)
class LawRule:
    """A rule.

    Attributes:
        name: unique in its pack.
        article: of the law.
        asks: what has to hold.
        check: which check looks, or "" if people have to.
        options: numbers and words of the check.
        question: for people, or "".
    """

    name: str
    article: str
    asks: str
    check: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    question: str = ""

    def __post_init__(self) -> None:
        if not (self.name and self.article and self.asks):
            raise ValueError("a rule has a name, an article, and something that it asks")
        if bool(self.check) == bool(self.question):
            raise ValueError("a rule is checked by a machine or asked of people, and not both")
        if self.check:
            CHECKS[self.check].fits(self.options)

    def of(self, facts: LawFacts) -> LawFinding:
        """What is found."""
        if self.question:
            return LawFinding(self, Outcome.PEOPLE, self.question)
        outcome, said = CHECKS[self.check].look(facts, self.options)
        return LawFinding(self, outcome, said)


@dataclass(frozen=True, slots=True)
class LawFinding:
    """What was found of a rule."""

    rule: LawRule
    outcome: Outcome
    said: str

    def as_json(self) -> dict[str, str]:
        """In values that JSON can hold."""
        return {
            "rule": self.rule.name,
            "article": self.rule.article,
            "checked": self.rule.asks,
            "outcome": self.outcome.value,
            "found": self.said,
        }


@dataclass(frozen=True, slots=True)
class LawPack:
    """The rules of a law.

    Attributes:
        law: which.
        title: for people.
        rules: in the order of the file.
    """

    law: Law
    title: str
    rules: tuple[LawRule, ...]

    def __post_init__(self) -> None:
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("no two rules of a pack have one name")

    def findings(self, facts: LawFacts) -> tuple[LawFinding, ...]:
        """What is found of each rule, in order."""
        return tuple(rule.of(facts) for rule in self.rules)

    @classmethod
    def of(cls, name: str) -> LawPack:
        """A pack of the package.

        Raises:
            UsageError: there is none of this name.
        """
        try:
            law = Law(name)
        except ValueError:
            raise UsageError("there is no such law pack", hint=f"There are: {', '.join(Law)}.") from None
        return cls.read(law, (files("facekeep") / "laws" / f"{law}.toml").read_text(encoding="utf-8"))

    @classmethod
    def read(cls, law: Law, text: str) -> LawPack:
        """A pack from its text.

        Raises:
            ValueError: a rule is not of the form that rules have, or asks for a check that there is not.
        """
        values = tomllib.loads(text)
        if set(values) != {"title", "rule"} or any(set(rule) - _FIELDS for rule in values["rule"]):
            raise ValueError("a pack has a title and rules, and these the fields that rules have")
        rules = (
            LawRule(
                rule.get("name", ""),
                rule.get("article", ""),
                rule.get("asks", ""),
                rule.get("check", ""),
                rule.get("with", {}),
                rule.get("question", ""),
            )
            for rule in values["rule"]
        )
        return cls(law, values["title"], tuple(rules))

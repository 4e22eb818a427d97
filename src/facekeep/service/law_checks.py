"""Checks that rules of laws name: each looks at facts and says what it found. Pure functions; nobody is named.

A check says that a rule is met only where facts show it. What no fact shows is not met, or asked of people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from facekeep.domain.accounts import Role
from facekeep.service.about import About
from facekeep.service.facts import KeepFacts, NoticeFacts, PurposeFacts, ReviewingFacts
from facekeep.service.filing import FilingState
from facekeep.service.measured import DrillSummary, EvaluationSummary

__all__ = ["CHECKS", "Check", "LawFacts", "Outcome", "Surface"]

Options = Mapping[str, Any]


class Outcome(StrEnum):
    """What was found of a rule."""

    MET = "met"
    NOT_MET = "not met"
    PEOPLE = "to be done by people"
    NOT_APPLICABLE = "not applicable"


Found = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class Surface:
    """What a program can be asked for, and what it answers.

    Attributes:
        names: of operations, fields, values and options of all interfaces.
        answers: of the fields of answers alone.
    """

    names: frozenset[str]
    answers: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        """The words that the names are made of, in lower case."""
        return frozenset(word.lower() for name in self.names for word in _WORD.findall(name))


_SLACK: Final = timedelta(days=1)
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class LawFacts:
    """What rules of laws are held against.

    Attributes:
        keep: the facts of the keep.
        about: what the controller said.
        surface: what the program can be asked for.
        weaknesses: codes of what ``facekeep doctor`` found.
        drill: the latest, or None.
        evaluation: the latest, or None.
    """

    keep: KeepFacts
    about: About
    surface: Surface
    weaknesses: frozenset[str] = frozenset()
    drill: DrillSummary | None = None
    evaluation: EvaluationSummary | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes:
        look: gives what was found.
        needs: options that have to be given.
        takes: options that may be.
    """

    look: Callable[[LawFacts, Options], Found]
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = field(default=frozenset())

    def fits(self, options: Options) -> None:
        """Whether these options can be given.

        Raises:
            ValueError: one is missing, or there is another.
        """
        if not self.needs <= set(options) <= self.needs | self.takes:
            raise ValueError("a check is given the options that it has")


def _consents_name_notices(facts: LawFacts, _: Options) -> Found:
    consents = facts.keep.consents
    if not consents.holding + consents.withdrawn:
        return Outcome.NOT_APPLICABLE, "nobody consented yet"
    if consents.without_notice or consents.beside_notice:
        return (
            Outcome.NOT_MET,
            f"{consents.without_notice} consents name a notice that the keep does not hold, and "
            f"{consents.beside_notice} one that does not speak of their purpose",
        )
    return Outcome.MET, f"all {consents.holding + consents.withdrawn:,} consents do"


def _consents_evidenced(facts: LawFacts, _: Options) -> Found:
    consents = facts.keep.consents
    if not consents.holding:
        return Outcome.NOT_APPLICABLE, "no consent holds"
    bare = consents.holding - consents.evidenced
    if bare:
        return Outcome.NOT_MET, f"{bare:,} of {consents.holding:,} consents have nothing but an operator's word"
    return Outcome.MET, f"all {consents.holding:,} consents have evidence"


def _notices_itemised(facts: LawFacts, options: Options) -> Found:
    def lacks(purpose: PurposeFacts, notices: tuple[NoticeFacts, ...]) -> Iterable[str]:
        for notice in notices:
            lacking = [item for item in options["items"] if item not in notice.items]
            if options.get("purposes") and not notice.purposes:
                lacking.append("purposes")
            if lacking:
                yield f"a notice for {purpose.purpose} does not tell {', '.join(lacking)}"

    return _of_notices(facts, lacks)


def _notices_in_language(facts: LawFacts, options: Options) -> Found:
    def lacks(purpose: PurposeFacts, notices: tuple[NoticeFacts, ...]) -> Iterable[str]:
        if any(not notice.language for notice in notices):
            yield f"a notice for {purpose.purpose} does not tell its language"
        said = {notice.language for notice in notices if notice.language}
        for language in sorted(said):
            if language.partition("-")[0].lower() not in options["languages"]:
                yield f"a notice for {purpose.purpose} is in none of the languages asked for: {language}"

    return _of_notices(facts, lacks)


def _of_notices(facts: LawFacts, lacks: Callable[[PurposeFacts, tuple[NoticeFacts, ...]], Iterable[str]]) -> Found:
    """What the notices in use for the purposes that are on lack."""
    used = facts.keep.switched_on
    if not used:
        return _ALL_OFF
    faults: list[str] = []
    for purpose in used:
        notices = _in_use(facts.keep, purpose)
        if notices:
            faults += lacks(purpose, notices)
        else:
            faults.append(f"there is no notice for {purpose.purpose}")
    if faults:
        return Outcome.NOT_MET, "; ".join(dict.fromkeys(faults))
    return Outcome.MET, f"the notices for {_named(used)} do"


def _in_use(keep: KeepFacts, purpose: PurposeFacts) -> tuple[NoticeFacts, ...]:
    """The notices that consents to a purpose name; if there are none yet, those that speak of it."""
    named = tuple(notice for notice in keep.notices if notice.digest in purpose.notices)
    return named or tuple(notice for notice in keep.notices if notice.speaks_of(purpose.purpose))


def _alternative(facts: LawFacts, _: Options) -> Found:
    used = facts.keep.switched_on
    if not used:
        return _ALL_OFF
    lacking = [
        purpose.purpose.value
        for purpose in used
        if facts.about.get(f"purpose.{purpose.purpose}.alternative") is None
        and not all("alternative" in notice.items for notice in _in_use(facts.keep, purpose) or (_NO_NOTICE,))
    ]
    if lacking:
        return Outcome.NOT_MET, f"neither notices nor the file of --about name one for {', '.join(lacking)}"
    return Outcome.MET, f"one is named for {_named(used)}"


def _retention(facts: LawFacts, options: Options) -> Found:
    used = facts.keep.switched_on
    if not used:
        return _ALL_OFF
    basis, days, least = options.get("basis"), options.get("days"), options.get("least", 0)
    lacking = [
        purpose.purpose.value
        for purpose in used
        if not any(
            (basis is None or rule.basis == basis) and (days is None or rule.days <= days) for rule in purpose.retention
        )
    ]
    wanted = "" if basis is None else f" that counts at most {days:,} days from {basis.replace('-', ' ')}"
    if lacking:
        return Outcome.NOT_MET, f"no rule{wanted} lets go of references for {', '.join(lacking)}"
    short = [rule.days for purpose in used for rule in purpose.retention if rule.days < least]
    if short:
        return Outcome.PEOPLE, (
            f"a rule lets go after {min(short):,} days, and before {least:,} what is erased takes its log with it: see "
            "whether the law has something kept for longer"
        )
    return Outcome.MET, f"a rule{wanted} does for {_named(used)}"


def _guardian_under(facts: LawFacts, options: Options) -> Found:
    years, under = options["years"], facts.keep.guardian_under
    if under < years:
        return Outcome.NOT_MET, f"the keep asks for a guardian under {under} years only"
    consents = facts.keep.consents
    bare = consents.by_guardians - consents.by_evidenced_guardians
    if options.get("verifiable") and bare:
        return (
            Outcome.PEOPLE,
            f"of {consents.by_guardians:,} consents by guardians {bare:,} have nothing but an operator's word that the "
            "guardian may: see to it that it can be verified",
        )
    if not facts.keep.age_required:
        return (
            Outcome.PEOPLE,
            f"the keep asks for a guardian under {under} years where an age is said: see to it that it is, or have it "
            "asked for (facekeep consent rules)",
        )
    return Outcome.MET, f"the keep asks for every age, and for a guardian under {under} years"


def _said(facts: LawFacts, options: Options) -> Found:
    lacking = [name for name in options["fields"] if facts.about.get(name) is None]
    if lacking:
        return Outcome.NOT_MET, f"the file of --about does not say {', '.join(lacking)}"
    return Outcome.MET, "the file of --about says it"


def _said_of_purposes(facts: LawFacts, options: Options) -> Found:
    used = facts.keep.switched_on
    if not used:
        return _ALL_OFF
    names = [f"purpose.{purpose.purpose}.{options['field']}" for purpose in used]
    return _said(facts, {"fields": names})


def _no_weakness(facts: LawFacts, options: Options) -> Found:
    found = sorted(facts.weaknesses & set(options["codes"]))
    if found:
        return Outcome.NOT_MET, f"facekeep doctor found: {', '.join(found)}"
    where = " on this host; ask on the others too" if facts.keep.apart else ""
    return Outcome.MET, f"facekeep doctor found none of {len(options['codes'])} weaknesses{where}"


def _refreshed(facts: LawFacts, options: Options) -> Found:
    age = facts.keep.made - facts.keep.refreshed
    said = f"the last refresh is {age.days} days ago"
    return (Outcome.MET if age <= timedelta(days=options["days"]) else Outcome.NOT_MET), said


def _drill(facts: LawFacts, options: Options) -> Found:
    drill = facts.drill
    if drill is None:
        return Outcome.NOT_MET, "no drill was given: facekeep drill --json > drill.json, then --drill drill.json"
    if not drill.passed:
        return Outcome.NOT_MET, "the drill failed"
    if drill.made is None:
        return Outcome.NOT_MET, "the drill does not say when it was made"
    age = facts.keep.made - drill.made
    if age < -_SLACK:
        return Outcome.NOT_MET, "the drill was made in the future"
    said = f"the drill passed {age.days} days ago"
    return (Outcome.MET if age <= timedelta(days=options["days"]) else Outcome.NOT_MET), said


def _evaluation(facts: LawFacts, options: Options) -> Found:
    evaluation = facts.evaluation
    if evaluation is None:
        return (
            Outcome.NOT_MET,
            "no evaluation was given: facekeep evaluate --json > evaluation.json, then --evaluation evaluation.json",
        )
    age = None if evaluation.made is None else facts.keep.made - evaluation.made
    rates = any(point.fmr is not None and point.fnmr is not None for point in evaluation.points)
    ratios = any(ratio is not None for group in evaluation.groups for ratio in (group.fmr_ratio, group.fnmr_ratio))
    faults = {
        "is of another model": evaluation.model != facts.keep.model,
        "does not say when it was made": age is None,
        "was made in the future": age is not None and age < -_SLACK,
        f"is of fewer than {options['people']:,} people": evaluation.people < options["people"],
        "measured no error rates": not rates,
        "measured no difference between groups": bool(options.get("groups")) and not ratios,
    }
    found = [said for said, holds in faults.items() if holds]
    if found:
        return Outcome.NOT_MET, f"the evaluation {'; '.join(found)}"
    return Outcome.MET, f"measured on {evaluation.people:,} people, {evaluation.made:%Y-%m-%d}"


def _surface_lacks(facts: LawFacts, options: Options) -> Found:
    surface = replace(facts.surface, names=facts.surface.names - set(options.get("but", ())))
    found = surface.words & set(options["words"])
    found |= facts.surface.answers & set(options.get("answers", ()))
    if found:
        return Outcome.NOT_MET, f"there is: {', '.join(sorted(found))}"
    return Outcome.MET, f"none is among {len(facts.surface.names):,} names of operations, fields, values and options"


def _log_kept(facts: LawFacts, options: Options) -> Found:
    days = facts.keep.log_days
    if days is not None and days < options["days"]:
        return Outcome.NOT_MET, f"entries are removed after {days} days"
    kept = "entries are never removed" if days is None else f"entries are removed after {days} days, and not before"
    said = f"{kept}; what one says of a person goes with that person's erasure"
    if options.get("of_erased"):
        return Outcome.PEOPLE, f"{said}: see to it that nobody is erased whose entries have to be kept for longer"
    return Outcome.MET, said


def _hits_confirmed(facts: LawFacts, options: Options) -> Found:
    searching = [purpose for purpose in facts.keep.switched_on if not purpose.purpose.is_one_to_one]
    if not searching:
        return Outcome.NOT_APPLICABLE, "no purpose that searches a gallery is on"
    reviewing = facts.keep.reviewing
    if facts.keep.confirmations < options["people"]:
        return (
            Outcome.NOT_MET,
            "no operation has a hit confirmed by so many different people: see to it yourself, and act on no "
            "candidate before",
        )
    if reviewing.able < reviewing.organisations:
        return Outcome.NOT_MET, f"{_unable(reviewing)}; act on no candidate before"
    return (
        Outcome.PEOPLE,
        f"two people can compare the faces of every candidate ({_REVIEWERS_HERE}), and the keep calls no hit confirmed "
        "before both said so: see to it that each is put before them, and that nobody acts on one before, which no "
        "program can see",
    )


def _people_decide(facts: LawFacts, _: Options) -> Found:
    reviewing = facts.keep.reviewing
    if reviewing.able < reviewing.organisations:
        return (
            Outcome.NOT_MET,
            f"{_unable(reviewing)}. Until then a capture that a machine cannot decide, or would refuse, ends undecided",
        )
    lacking = reviewing.organisations - reviewing.overseen
    if lacking:
        return (
            Outcome.NOT_MET,
            f"{_of_organisations(lacking, reviewing)} no officer, who answers what reviewers report: facekeep account "
            "invite NAME --role officer",
        )
    return (
        Outcome.MET,
        f"in each organisation that asks ({reviewing.organisations}) two people and an officer can; a capture is "
        "refused by two of them or not at all",
    )


def _unable(reviewing: ReviewingFacts) -> str:
    return (
        f"{_of_organisations(reviewing.organisations - reviewing.able, reviewing)} not two reviewers with keys beside "
        "whoever asks: facekeep account invite NAME --role reviewer, and each makes a key at /review"
    )


def _of_organisations(count: int, reviewing: ReviewingFacts) -> str:
    return f"of {reviewing.organisations} organisations that ask, {count} {'has' if count == 1 else 'have'}"


def _role_held(facts: LawFacts, options: Options) -> Found:
    role = Role(options["role"])
    held = facts.keep.accounts.get(role, 0)
    if held:
        return Outcome.MET, f"{held} accounts are {role}"
    return Outcome.NOT_MET, f"no account is {role}"


def _filing(facts: LawFacts, _: Options) -> Found:
    filing = facts.keep.filing
    filed = facts.about.get("processing.filing")
    match filing.state:
        case FilingState.FAR:
            return Outcome.NOT_APPLICABLE, filing.said
        case FilingState.NEAR:
            return Outcome.PEOPLE, f"{filing.said}: prepare it now"
        case FilingState.REACHED if filed is None:
            return Outcome.NOT_MET, f"{filing.said}; say in the file of --about that it was (processing.filing)"
    return Outcome.MET, f"{filing.people:,} people are enrolled, and the file of --about says that this was filed"


def _named(purposes: Iterable[PurposeFacts]) -> str:
    return ", ".join(purpose.purpose for purpose in purposes)


_ALL_OFF: Final = Outcome.NOT_APPLICABLE, "every purpose is switched off"
_REVIEWERS_HERE: Final = "POST /v1/reviews, kind comparison"
_NO_NOTICE: Final = NoticeFacts("", "", frozenset())

CHECKS: Final[Mapping[str, Check]] = {
    "consents-name-notices": Check(_consents_name_notices),
    "consents-evidenced": Check(_consents_evidenced),
    "notices-itemised": Check(_notices_itemised, frozenset({"items"}), frozenset({"purposes"})),
    "notices-in-language": Check(_notices_in_language, frozenset({"languages"})),
    "alternative": Check(_alternative),
    "retention": Check(_retention, takes=frozenset({"basis", "days", "least"})),
    "guardian-under": Check(_guardian_under, frozenset({"years"}), frozenset({"verifiable"})),
    "said": Check(_said, frozenset({"fields"})),
    "said-of-purposes": Check(_said_of_purposes, frozenset({"field"})),
    "no-weakness": Check(_no_weakness, frozenset({"codes"})),
    "refreshed": Check(_refreshed, frozenset({"days"})),
    "drill": Check(_drill, frozenset({"days"})),
    "evaluation": Check(_evaluation, frozenset({"people"}), frozenset({"groups"})),
    "surface-lacks": Check(_surface_lacks, frozenset({"words"}), frozenset({"answers", "but"})),
    "log-kept": Check(_log_kept, frozenset({"days"}), frozenset({"of_erased"})),
    "people-decide": Check(_people_decide),
    "hits-confirmed": Check(_hits_confirmed, frozenset({"people"})),
    "role-held": Check(_role_held, frozenset({"role"})),
    "filing": Check(_filing),
}
"""The checks, by the names that packs use."""

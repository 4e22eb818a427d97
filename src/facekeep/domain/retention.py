"""How long what is kept of people is kept: rules by purpose and law, and what they make go when.

A rule counts days, of 24 hours, from a basis. The strictest wins: of several that fit, the one that is due first.

- A purpose that somebody consents to ends when a rule that counts from the last contact, or from the consent, is due.
- Somebody with no purpose left goes, with everything, when any rule of a purpose that they ever had is due.
- Somebody on the list "never return me" stays on it, by their own wish, and loses all other references instead.
- A case that was closed or has expired goes when a rule for cases is due.

Invariant: what goes is told from what is held, the rules and the time alone. A run that is cut short is therefore taken
up by the next, and a plan is what a run will do unless somebody comes by before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from facekeep.domain.consent import Consent, Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.search import Case
from facekeep.domain.subject import SubjectId, is_text
from facekeep.errors import FormatError, UsageError

__all__ = [
    "BY_RESTORE",
    "BY_RETENTION",
    "DAYS_MAX",
    "LAW_MAX",
    "OWN_RULE",
    "PRESETS",
    "RULES_MAX",
    "Basis",
    "Effect",
    "Ending",
    "Held",
]
__all__ += ["RetentionRule", "case_endings", "endings", "is_contact", "rules_with", "shortest_contact"]

DAYS_MAX: Final = 36_525
LAW_MAX: Final = 100
RULES_MAX: Final = 64
OWN_RULE: Final = "own rule"
"""What a rule that no law asks for is called, unless it is said."""
BY_RETENTION: Final = MappingProxyType({"by": "retention"})
"""What an entry of the ledger has among its facts when nobody but a rule did it."""
BY_RESTORE: Final = MappingProxyType({"by": "restore"})
"""The same when a restore did anew what had been done after the backup."""


class Basis(StrEnum):
    """From when on a rule counts."""

    LAST_CONTACT = "last-contact"
    """The last contact with the person: see :func:`is_contact`."""
    CONSENT_GIVEN = "consent-given"
    """The newest consent to the purpose."""
    PURPOSE_ENDED = "purpose-ended"
    """The end of the purpose: the person withdrew from it, or a rule ended it. A switch for everybody ends none."""
    CASE_ENDED = "case-ended"
    """A case was closed, or has expired. What goes is the case."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """How long something is kept.

    Attributes:
        law: what asks for it, as it is cited; the ledger tells it of all that goes.
        basis: from when on the days count.
        purpose: for which purpose it is, or None for each.
        days: how many, 1 to 36,525.
    """

    law: str
    basis: Basis
    purpose: Purpose | None
    days: int

    def __post_init__(self) -> None:
        if not 1 <= self.days <= DAYS_MAX:
            raise FormatError(f"a rule of retention counts 1 to {DAYS_MAX} days")
        if not self.law.strip() or not self.law.isprintable() or not is_text(self.law, LAW_MAX):
            raise FormatError(f"a law is cited in 1 to {LAW_MAX} characters, none of them a control character")

    @property
    def place(self) -> tuple[str, Basis, str]:
        """Where it stands among others; no two rules of a keep have the same."""
        return self.law, self.basis, self.purpose or ""

    def fits(self, purpose: Purpose) -> bool:
        """Whether it is for this purpose."""
        return self.purpose is None or self.purpose is purpose

    def due(self, since: datetime) -> datetime:
        """When it is due, counted from its basis; the end of time if that is beyond it."""
        try:
            return since + timedelta(days=self.days)
        except OverflowError:
            return datetime.max.replace(tzinfo=since.tzinfo)


def _preset(law: str, *counted: tuple[Basis, int]) -> tuple[RetentionRule, ...]:
    return tuple(RetentionRule(law, basis, None, days) for basis, days in counted)


PRESETS: Final[Mapping[str, tuple[RetentionRule, ...]]] = MappingProxyType(
    {
        # BIPA: when the purpose is satisfied, or within 3 years of the last interaction, whichever occurs first.
        "illinois": _preset("740 ILCS 14/15(a)", (Basis.LAST_CONTACT, 3 * 365), (Basis.PURPOSE_ENDED, 1)),
        # CUBI: not later than the first anniversary of the date on which the purpose expires.
        "texas": _preset("Tex. Bus. & Com. Code 503.001(c)(3)", (Basis.PURPOSE_ENDED, 365)),
    }
)
"""Rules of laws. Years have 365 days here, so that a leap day never makes one longer than the law's."""


@dataclass(frozen=True, slots=True)
class Held:
    """What rules look at of a person.

    Attributes:
        subject: who.
        label: what operators call the person by.
        consents: all that the person ever gave.
        references: how many are compared with probes.
        last_contact: when the person was last dealt with; None if nothing tells.
        is_listed: whether the person is on the list "never return me".
    """

    subject: SubjectId
    label: str = field(repr=False)
    consents: tuple[Consent, ...]
    references: int
    last_contact: datetime | None
    is_listed: bool = False

    @property
    def purposes(self) -> frozenset[Purpose]:
        """What the person consents to."""
        return frozenset(consent.purpose for consent in self.consents if consent.holds)

    @property
    def ended(self) -> Mapping[Purpose, datetime]:
        """When each purpose that the person had ended."""
        found: dict[Purpose, datetime] = {}
        for consent in self.consents:
            if consent.withdrawn is not None and consent.purpose not in self.purposes:
                found[consent.purpose] = max(consent.withdrawn, found.get(consent.purpose, consent.withdrawn))
        return found


class Effect(StrEnum):
    """What a rule does."""

    PURPOSE_ENDS = "purpose-ends"
    """The consent to one purpose is over, as if withdrawn."""
    REFERENCES_GO = "references-go"
    """Every reference but that of the list "never return me" is removed."""
    PERSON_GOES = "person-goes"
    """The person is erased."""
    CASE_GOES = "case-goes"
    """The record of a case is removed."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What goes, when, and by which rule.

    Attributes:
        effect: what happens.
        due: when.
        rule: by which rule; of two that are due at once the one whose law comes first.
        purpose: which ends, or None.
    """

    effect: Effect
    due: datetime
    rule: RetentionRule
    purpose: Purpose | None = None


_Due = tuple[datetime, RetentionRule]


def _first(dues: Iterable[_Due]) -> _Due | None:
    return min(dues, key=lambda due: (due[0], due[1].place), default=None)


def endings(held: Held, rules: Iterable[RetentionRule]) -> tuple[Ending, ...]:
    """What the rules make go of one person, the first first; nothing if no rule will ever be due."""
    rules = tuple(rules)
    if not held.purposes:
        due = _end_without_purpose(held, rules)
        return () if due is None else _last(held, due)
    dues = {purpose: _end_of(held, purpose, rules) for purpose in sorted(held.purposes)}
    known = sorted(
        ((due, purpose) for purpose, due in dues.items() if due is not None),
        key=lambda one: (one[0][0], one[0][1].place, one[1]),
    )
    last = known[-1][0] if len(known) == len(dues) else None
    ends = [
        Ending(Effect.PURPOSE_ENDS, due, rule, purpose)
        for (due, rule), purpose in known
        if held.is_listed or last is None or due < last[0]  # who goes as a whole loses the last purpose by that
    ]
    return (*ends, *(() if last is None else _last(held, last)))


def _last(held: Held, due: _Due) -> tuple[Ending, ...]:
    if not held.is_listed:
        return (Ending(Effect.PERSON_GOES, *due),)
    return (Ending(Effect.REFERENCES_GO, *due),) if held.references else ()


def _end_of(held: Held, purpose: Purpose, rules: Iterable[RetentionRule]) -> _Due | None:
    """When a purpose that the person consents to ends."""
    given = max(consent.given for consent in held.consents if consent.holds and consent.purpose is purpose)
    since = {Basis.LAST_CONTACT: held.last_contact, Basis.CONSENT_GIVEN: given}
    return _first((rule.due(begun), rule) for rule in rules if rule.fits(purpose) and (begun := since.get(rule.basis)))


def _end_without_purpose(held: Held, rules: Iterable[RetentionRule]) -> _Due | None:
    """When somebody with no purpose goes: not before the last one ended, whatever a rule for another one said."""
    ended = held.ended
    found: list[_Due] = []
    for rule in rules:
        fitting = [purpose for purpose in ended if rule.fits(purpose)]
        if rule.basis is Basis.LAST_CONTACT and held.last_contact is not None:
            if fitting or rule.purpose is None:
                found.append((rule.due(held.last_contact), rule))
        elif rule.basis is Basis.PURPOSE_ENDED and fitting:
            found.append((rule.due(max(ended[purpose] for purpose in fitting)), rule))
        elif rule.basis is Basis.CONSENT_GIVEN and fitting:
            given = max(consent.given for consent in held.consents if consent.purpose in fitting)
            found.append((rule.due(given), rule))
    first = _first(found)
    return None if first is None else (max([first[0], *ended.values()]), first[1])


def case_endings(case: Case, rules: Iterable[RetentionRule]) -> tuple[Ending, ...]:
    """What the rules make go of a case: all of it, or nothing if none is for it."""
    ended = case.expires if case.closed is None else min(case.closed, case.expires)
    dues = ((rule.due(ended), rule) for rule in rules if rule.basis is Basis.CASE_ENDED and rule.fits(case.purpose))
    first = _first(dues)
    return () if first is None else (Ending(Effect.CASE_GOES, *first),)


_CONTACT: Final = frozenset(
    {
        EntryKind.ENROLLED,
        EntryKind.REFERENCES_ADDED,
        EntryKind.CONSENT_GIVEN,
        EntryKind.CONSENT_WITHDRAWN,
        EntryKind.NEVER_RETURN_JOINED,
        EntryKind.VERIFIED,
        EntryKind.EXPORTED,
        EntryKind.APPEALED,
    }
)


def is_contact(entry: LedgerEntry) -> bool:
    """Whether an entry about a person tells of contact with that person.

    To be enrolled, to consent, to withdraw, to join "never return me", to be verified, to object, and to get what is
    held is; to be refused is not, for then somebody else may have come; to be found by a search, or looked at, is not,
    for nobody needs to have been there. What a rule or a restore did is none.
    """
    if entry.kind not in _CONTACT or "by" in entry.facts:
        return False
    if entry.kind is EntryKind.EXPORTED:
        return "operator" not in entry.facts  # else somebody of the keep did it, for whatever reason
    return entry.kind is not EntryKind.VERIFIED or entry.facts.get("verified") == "yes"


def shortest_contact(rules: Iterable[RetentionRule]) -> int | None:
    """The fewest days that a rule counts from the last contact, or None if none does."""
    return min((rule.days for rule in rules if rule.basis is Basis.LAST_CONTACT), default=None)


def rules_with(rules: Iterable[RetentionRule], added: Iterable[RetentionRule]) -> tuple[RetentionRule, ...]:
    """Rules with others added, in their order; one of the same law, basis and purpose has its place taken.

    Raises:
        UsageError: they would be too many.
    """
    found = {rule.place: rule for rule in (*rules, *added)}
    if len(found) > RULES_MAX:
        raise UsageError(f"a keep has at most {RULES_MAX} rules of retention", hint="Remove one first.")
    return tuple(found[place] for place in sorted(found))

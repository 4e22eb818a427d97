"""The breach pack (GDPR 33, 34): who is affected, what a thief has, draft notices, and the hours that are left.

It is the one paper that names people. It is made for the controller, on the keep's own host, and goes into no log.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from facekeep.errors import UsageError
from facekeep.service.about import About
from facekeep.service.claims import Claim, Lost, Taken, claims_of
from facekeep.service.facts import KeepFacts, Presence
from facekeep.service.measured import DrillSummary
from facekeep.service.paper import Cell, Letter, Missing, Paper, Part, Section, Table, Text
from facekeep.service.report_parts import about_table, drill_document, made_by
from facekeep.service.report_register import missing_document

__all__ = ["FORMAT", "Breach", "BreachPack", "Risk"]

FORMAT: Final = "facekeep-breach/1"
_OF_REVIEWS: Final = frozenset({Lost.EVIDENCE, Lost.KEYS_REVIEWER, Lost.GATE})
_TIME_LIMIT: Final = timedelta(hours=72)


class Risk(StrEnum):
    """What the loss means for people, as the program would have it; people decide."""

    UNLIKELY = "unlikely"
    """What was lost cannot be read: a risk is unlikely (33(1)), and people need not be told (34(3)(a))."""
    RISK = "risk"
    """The authority has to be notified (33(1))."""
    HIGH = "high"
    """The people have to be told too (34(1))."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What happened, as far as it is known.

    Attributes:
        lost: what was stolen, or may have been.
        since: when it may have begun.
        until: when it ended.
        known: when the controller became aware of it, from when on the hours count.

    Raises:
        UsageError: nothing was lost, or the times do not follow each other.
    """

    lost: frozenset[Lost]
    since: datetime
    until: datetime
    known: datetime

    def __post_init__(self) -> None:
        if not self.lost:
            raise UsageError("nothing was lost", hint=f"Name what was, by --lost: {', '.join(Lost)}.")
        if any(time.tzinfo is None for time in (self.since, self.until, self.known)):
            raise UsageError("a time of a breach has a time zone")
        if self.until < self.since:
            raise UsageError("the window of time ends before it begins", hint="Give --from before --until.")
        if self.known < self.since:
            raise UsageError("a breach is known after it began", hint="Give --known-at after --from.")

    @property
    def notify_until(self) -> datetime:
        """When the 72 hours of article 33 end."""
        return self.known + _TIME_LIMIT

    def hours_left(self, now: datetime) -> float:
        """Hours of the 72 that are left, rounded down to a tenth; under 0 once they are over."""
        return math.floor((self.notify_until - now) / timedelta(hours=1) * 10) / 10


@dataclass(frozen=True, slots=True)
class BreachPack:
    """The pack of one breach.

    Attributes:
        breach: what happened.
        facts: of the keep, at the time at which the pack is made.
        presence: whose data the stores held.
        about: what the controller said.
        drill: the latest, or None.
    """

    breach: Breach
    facts: KeepFacts
    presence: Presence = field(repr=False)
    about: About
    drill: DrillSummary | None

    @property
    def claims(self) -> tuple[Claim, ...]:
        """What the thief has, one claim for each way to see what he took."""
        return claims_of(self.breach.lost, apart=self.facts.apart)

    @property
    def taken(self) -> frozenset[Taken]:
        """The categories of data that he has."""
        return frozenset[Taken]().union(*(claim.taken for claim in self.claims))

    @property
    def risk(self) -> Risk:
        """What this means for people, as the program would have it."""
        if self.taken & {Taken.FACES, Taken.PICTURES, Taken.EVIDENCE, Taken.NAMES, Taken.RECORDS} or self._refuted:
            return Risk.HIGH
        return Risk.RISK if self.taken & {Taken.ACTIVITY, Taken.CONTROL} else Risk.UNLIKELY

    @property
    def hours_left(self) -> float:
        """Of the 72."""
        return self.breach.hours_left(self.facts.made)

    @property
    def _refuted(self) -> tuple[str, ...]:
        """Claims that the latest drill found to be wrong."""
        found = (None if self.drill is None else self.drill.thief(claim.thief) for claim in self.claims)
        return tuple(thief.title for thief in found if thief is not None and not thief.passed)

    def as_json(self) -> dict[str, object]:
        """The pack in values that JSON can hold. It names people."""
        breach = self.breach
        return {
            "format": FORMAT,
            "made": self.facts.made.isoformat(),
            "version": self.facts.version,
            "lost": sorted(breach.lost),
            "from": breach.since.isoformat(),
            "until": breach.until.isoformat(),
            "known_at": breach.known.isoformat(),
            "notify_until": breach.notify_until.isoformat(),
            "hours_left": self.hours_left,
            "risk": self.risk.value,
            "refuted_by_drill": list(self._refuted),
            "thief": [
                {
                    "name": claim.thief,
                    "title": claim.title,
                    "has": claim.has,
                    "faces": claim.faces,
                    "played_by_drill": claim.measured,
                    "taken": [taken.name.lower() for taken in Taken if taken in claim.taken],
                }
                for claim in self.claims
            ],
            "affected": {
                "people": len(self.presence.people),
                "erased": self.presence.erased,
                "references": sum(one.references for one in self.presence.people),
                "reviews": self.presence.reviews,
                "list": [
                    {
                        "id": one.id,
                        "label": one.label,
                        "name": one.name,
                        "since": None if one.since is None else one.since.isoformat(),
                        "references": one.references,
                        "purposes": list(one.purposes),
                        "guardians": list(one.guardians),
                    }
                    for one in self.presence.people
                ],
            },
            "to_do": list(self._to_do()),
            "drafts": [{"title": draft.title, "text": list(draft.paragraphs)} for draft in self._drafts()],
            "drill": drill_document(self.drill),
            "missing": missing_document(self.paper()),
        }

    def paper(self) -> Paper:
        """The pack for people."""
        return Paper(
            "Breach pack",
            "What articles 33 and 34 of the GDPR ask for after a theft, as far as a machine can know it. This page "
            "names people: it is for the controller alone.",
            made_by(self.facts),
            (
                Section("Time", tuple(self._time())),
                Section("What was lost, and what a thief has", tuple(self._thief())),
                Section("Who is affected", tuple(self._affected())),
                Section("What to do now", (self._steps(),)),
                Section("Drafts", tuple(self._drafts())),
                Section(
                    "Who notifies",
                    (
                        about_table(
                            "Said by the controller",
                            self.about,
                            {
                                "controller": "controller.name",
                                "contact": "controller.contact",
                                "data protection officer": "officer.name",
                                "contact of the officer": "officer.contact",
                                "authority": "authority.name",
                            },
                        ),
                    ),
                ),
            ),
        )

    def _time(self) -> Iterator[Part]:
        breach, left = self.breach, self.hours_left
        yield Table(
            "Times, UTC",
            ("what", "time"),
            (
                ("may have begun", _when(breach.since)),
                ("ended", _when(breach.until)),
                ("known to the controller", _when(breach.known)),
                ("72 hours end", _when(breach.notify_until)),
            ),
        )
        if left > 0:
            yield Text(f"{left:.1f} hours of the 72 are left.", "warn")
        else:
            yield Text(
                f"The 72 hours are over since {-left:.1f} hours. Notify now, and give the reasons for the delay "
                "(33(1)).",
                "bad",
            )

    def _thief(self) -> Iterator[Part]:
        yield Text(f"Lost, or maybe lost: {', '.join(sorted(self.breach.lost))}.")
        yield Table(
            "What a thief of exactly these things has",
            ("who", "has", "measured by the latest drill"),
            tuple((claim.title, claim.has, self._measured(claim)) for claim in self.claims),
        )
        if self._refuted:
            yield Text(f"The latest drill found a LEAK: {', '.join(self._refuted)}. Take faces as lost.", "bad")
        said = {
            Risk.UNLIKELY: "By design a risk to people is unlikely: what was lost cannot be read without its keys. "
            "Write down why no notification was made (33(5)).",
            Risk.RISK: "The authority has to be notified (33(1)), unless people find that a risk is unlikely.",
            Risk.HIGH: "A high risk: the authority has to be notified (33(1)), and the people told (34(1)).",
        }
        yield Text(said[self.risk], "good" if self.risk is Risk.UNLIKELY else "bad")
        yield Text("The program proposes. Whether there is a risk is decided by people who know what happened.")

    def _measured(self, claim: Claim) -> Cell:
        if not claim.measured:
            return "no drill plays this thief"
        thief = None if self.drill is None else self.drill.thief(claim.thief)
        if thief is None:
            hint = "Run facekeep drill --json > drill.json, and give --drill drill.json."
            return Missing("what a thief gets: no drill was given", hint)
        return "chance" if thief.passed else "LEAK"

    def _affected(self) -> Iterator[Part]:
        people, erased = self.presence.people, self.presence.erased
        yield Text(f"Still enrolled, and their data were in the stores in that time: {len(people):,}.")
        if erased:
            yield Text(
                f"Erased since the window began: {erased:,} more. Nobody can tell any more who they were; whether "
                "they have to be told by a public notice is article 34(3)(c).",
                "warn",
            )
        if self.breach.lost & _OF_REVIEWS:
            yield Text(
                f"Reviews of which the gate held pictures in that time: {self.presence.reviews:,}, as far as they are "
                "still known. No picture can be seen without a reviewer's private key and the gate's key of the hour "
                "at which it ended, both; whoever of these people is not enrolled here is in no list."
            )
        rows = tuple(
            (
                one.label,
                one.name or "–",
                "not known" if one.since is None else _when(one.since),
                str(one.references),
                ", ".join(one.purposes) or "none",
                ", ".join(one.guardians) or "–",
            )
            for one in people
        )
        if rows:
            yield Table(
                "People", ("label", "name", "held since", "references", "consents to", "guardians"), rows, names=True
            )

    def _steps(self) -> Table:
        rows = tuple((str(number), step) for number, step in enumerate(self._to_do(), 1))
        return Table("Steps", ("number", "step"), rows)

    def _to_do(self) -> Iterator[str]:
        lost = self.breach.lost
        if lost & {Lost.LEFT, Lost.RIGHT, Lost.REGISTRY}:
            yield "facekeep refresh: new halves and epoch keys, so that what was stolen fits nothing that comes later."
        if lost & {Lost.KEYS_LEFT, Lost.KEYS_RIGHT, Lost.KEYS_REGISTRY}:
            yield "facekeep rotate, then facekeep refresh: the keys of the stores are drawn anew and the old destroyed."
        if {Lost.REGISTRY, Lost.KEYS_REGISTRY} <= lost:
            yield "Remove every webhook and add it anew (facekeep webhook): their secrets were in the registry."
        if lost & {Lost.KEYS_GATE, Lost.KEYS_REGISTRAR, Lost.GATE}:
            yield (
                "Stop the service. No command draws new keys of the gate or the registrar: make the keep anew, and "
                "tell integrators and auditors which keys no longer count."
            )
        if Lost.KEYS_REVIEWER in lost:
            yield (
                "facekeep review revoke-key (or /review, or revoke the account): open reviews are sealed anew without "
                "the reviewer's key."
            )
        if Lost.EVIDENCE in lost:
            yield "Have open reviews decided or withdrawn: keys of the gate that are stolen later open no copy of them."
        if Taken.FACES in self.taken:
            yield (
                "Take every face as known to the thief: switch verification off where a face alone opens something "
                "(facekeep switch verify off), and offer the way without a face."
            )
        yield "facekeep audit head, and keep it elsewhere: it fixes what the ledger says today."
        yield "Compare the logs of both halves with the ledger for the window of time."
        yield "Write down facts, effects and what was done (33(5)), whether or not anybody is notified."

    def _drafts(self) -> Iterator[Letter]:
        yield self._to_authority()
        if self.risk is Risk.HIGH:
            yield self._to_people()

    def _to_authority(self) -> Letter:
        about, breach = self.about, self.breach
        count, records = len(self.presence.people), sum(one.references for one in self.presence.people)
        erased = self.presence.erased
        late = "" if self.hours_left > 0 else "\nReasons for the delay: [missing: why it is notified after 72 hours]"
        return Letter(
            "Draft: notification to the supervisory authority (33(3))",
            (
                f"To: {about.draft('authority.name')}\nFrom: {about.draft('controller.name')}, "
                f"{about.draft('controller.address')}",
                f"Nature of the breach: between {_when(breach.since)} and {_when(breach.until)} UTC the following was "
                f"or may have been obtained by somebody who had no right to it: {', '.join(sorted(breach.lost))}. "
                f"We became aware of it on {_when(breach.known)} UTC.{late}",
                f"People concerned: about {count:,} ({about.draft('processing.people')})"
                + (f", and up to {erased:,} who were erased since" if erased else "")
                + f". Records concerned: about {records:,} biometric references, and the records of these people.",
                f"Categories of data obtained in readable form: {self._categories()}.",
                f"Contact: {about.draft('officer.name')}, {about.draft('officer.contact')}",
                f"Likely consequences: {self._consequences()}",
                "Measures taken or proposed: [missing: what was done, see the steps of the breach pack]",
            ),
        )

    def _to_people(self) -> Letter:
        about = self.about
        return Letter(
            "Draft: communication to each person (34(2))",
            (
                "Dear [missing: name],",
                f"Somebody obtained data of yours that {about.draft('controller.name')} keeps. It happened between "
                f"{_when(self.breach.since)} and {_when(self.breach.until)} UTC.",
                f"What it was: {self._categories()}.",
                f"What may come of it: {self._consequences()}",
                "What we did, and what you can do: [missing: what was done, and what people can do; for instance use "
                "the way without a face, withdraw, or be erased]",
                f"Ask us: {about.draft('officer.name')}, {about.draft('officer.contact')}, or "
                f"{about.draft('controller.contact')}.",
            ),
        )

    def _categories(self) -> str:
        found = [taken.value for taken in Taken if taken in self.taken]
        if self._refuted:
            found.insert(0, "possibly biometric templates or pictures of faces: the latest drill found a leak")
        return "; ".join(found) or "none"

    def _consequences(self) -> str:
        taken = self.taken
        said = []
        if Taken.FACES in taken or self._refuted:
            said.append(
                "whoever has a template can look for the person in pictures, and make pictures that pass for the "
                "person; a face cannot be changed."
            )
        if taken & {Taken.PICTURES, Taken.EVIDENCE}:
            said.append("pictures of faces may be published or misused.")
        if Taken.NAMES in taken:
            said.append("it becomes known who is enrolled here, and for what.")
        if Taken.RECORDS in taken:
            said.append("it becomes known who was searched for or verified, and when.")
        if Taken.ACTIVITY in taken:
            said.append(
                "patterns of use under pseudonyms become known; with other knowledge they may be tied to people."
            )
        if Taken.CONTROL in taken:
            said.append("searches may have been made, or results signed, in our name.")
        if not said:
            said.append("none that we know of: the data cannot be read without keys that were not lost.")
        return " ".join(one[0].upper() + one[1:] for one in said)


def _when(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"

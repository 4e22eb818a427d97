"""Public counts: searches by purpose, hits, refusals, reviews, erasures; small ones hidden.

What is published are counts of whole quarters that are over, each as the least and the most that it may be: 0, 1 to 9,
an exact number from 10 on. Every total is the sum of published counts and of nothing else, so no hidden count can be
taken from a total. Counts of what is written under people's own keys are counted once, when a quarter is over, and kept
by tens (service.counting), so that every report tells the same of a quarter: an erasure changes none of them. Every
purpose has its lines, whatever was counted and whether it is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind
from facekeep.domain.review import Decision, ReviewState
from facekeep.errors import UsageError
from facekeep.service.about import About
from facekeep.service.facts import KeepFacts, Quarter, ToldOf
from facekeep.service.paper import Paper, Section, Table, Text
from facekeep.service.report_parts import about_table, made_by

__all__ = ["FORMAT", "SMALL", "Counted", "Published", "Transparency"]

FORMAT: Final = "facekeep-transparency/1"
SMALL: Final = 10
"""Counts below this, and above 0, are hidden."""


@dataclass(frozen=True, slots=True)
class Published:
    """A count as it is published: the least and the most that it may be."""

    least: int
    most: int

    @classmethod
    def of(cls, count: int, *, by_tens: bool = False) -> Published:
        """A count; hidden if it is small.

        Args:
            count: the true one, which does not leave this function.
            by_tens: whether it is published by tens.
        """
        if by_tens:
            return cls(count // 10 * 10, count // 10 * 10 + 9)
        if 0 < count < SMALL:
            return cls(1, SMALL - 1)
        return cls(count, count)

    def __add__(self, other: Published) -> Published:
        return Published(self.least + other.least, self.most + other.most)

    @property
    def shown(self) -> str:
        """As people read it."""
        if self.least <= 1 and self.most == SMALL - 1:
            return f"<{SMALL}"
        return f"{self.least:,}" if self.least == self.most else f"{self.least:,}–{self.most:,}"

    def as_json(self) -> dict[str, int]:
        """As programs read it."""
        return {"least": self.least, "most": self.most}


def total(counts: Iterable[Published]) -> Published:
    """The sum of published counts: nothing that is not published goes into it."""
    return sum(counts, Published(0, 0))


@dataclass(frozen=True, slots=True)
class Counted:
    """One line of counts: one number for each quarter."""

    name: str
    purpose: str
    counts: tuple[Published, ...]

    @property
    def total(self) -> Published:
        """Of all quarters."""
        return total(self.counts)


_BY_PURPOSE: Final = (
    ("searches with a candidate", EntryKind.SEARCHED, "found", False, lambda p: not p.is_one_to_one),
    ("searches without any", EntryKind.SEARCHED, "nobody", False, lambda p: not p.is_one_to_one),
    ("verifications: yes", EntryKind.VERIFIED, "yes", True, lambda p: p.is_one_to_one),
    ("verifications refused: no", EntryKind.VERIFIED, "no", True, lambda p: p.is_one_to_one),
    ("consents given", EntryKind.CONSENT_GIVEN, "", True, lambda _: True),
    ("consents withdrawn", EntryKind.CONSENT_WITHDRAWN, "", True, lambda _: True),
)
_OF_ALL: Final = (
    ("pictures compared with each other", EntryKind.COMPARED, "", False),
    ("people erased", EntryKind.ERASED, "", False),
    ("people who joined “never return me”", EntryKind.NEVER_RETURN_JOINED, "", True),
    ("records shown to an operator", EntryKind.VIEWED, "", True),
    ("exports of all that is held of a person", EntryKind.EXPORTED, "", True),
    ("appeals", EntryKind.APPEALED, "", True),
    ("appeals that a reviewer upheld", EntryKind.APPEAL_ANSWERED, "yes", True),
    ("appeals that a reviewer refused", EntryKind.APPEAL_ANSWERED, "no", True),
    ("reviews that people were asked for, anew by an appeal too", EntryKind.REVIEW_OPENED, "", True),
    ("times that a face was shown to a reviewer or officer", EntryKind.REVIEW_VIEWED, "", True),
    *(
        (f"reviews: {said}", EntryKind.REVIEW_DECIDED, outcome, True)
        for outcome, said in {
            Decision.BONA_FIDE: "a live person",
            Decision.ATTACK: "refused as no live person",
            Decision.SAME_PERSON: "the same person",
            Decision.ANOTHER_PERSON: "refused as another person",
            Decision.UNUSABLE: "people could not tell",
            ReviewState.EXPIRED: "nobody decided in time",
            ReviewState.WITHDRAWN: "taken back",
        }.items()
    ),
    ("reports of harm, a minor or a death by reviewers", EntryKind.REVIEW_CONCERN, "", False),
)


@dataclass(frozen=True, slots=True)
class Transparency:
    """The public counts of a keep.

    Attributes:
        facts: of the keep.
        about: what the controller said.
        told: the entries of the ledger, counted as for publishing.
        first: the first quarter.
        last: the last one.
        unfinished: whether a quarter that is not over may be counted; such a report is not to be published.
    """

    facts: KeepFacts
    about: About
    told: Mapping[ToldOf, int]
    first: Quarter
    last: Quarter
    unfinished: bool = False

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError("the last quarter is before the first", hint="Give --from before --until.")
        if not self.unfinished and self.last >= Quarter.of(self.facts.made):
            raise UsageError(
                "a quarter that is not over is not counted: two counts of it would tell small numbers",
                hint="Name one that is over, or look at it yourself with --unfinished, and publish nothing of it.",
            )

    @property
    def quarters(self) -> tuple[Quarter, ...]:
        """Those that are counted."""
        found = [self.first]
        while found[-1] < self.last:
            found.append(found[-1].next)
        return tuple(found)

    @property
    def lines(self) -> tuple[Counted, ...]:
        """All counts."""
        return tuple(self._lines())

    @property
    def searches(self) -> Published:
        """Searches in all, as far as what is published tells."""
        return total(line.total for line in self.lines if line.name.startswith("searches"))

    @property
    def people(self) -> Published:
        """Who is enrolled now, by tens."""
        return Published.of(self.facts.people, by_tens=True)

    def as_json(self) -> dict[str, object]:
        """The counts in values that JSON can hold: each as the least and the most that it may be."""
        return {
            "format": FORMAT,
            "made": self.facts.made.isoformat(),
            "version": self.facts.version,
            "controller": self.about.get("controller.name"),
            "quarters": [str(quarter) for quarter in self.quarters],
            "publishable": not self.unfinished,
            "hidden_below": SMALL,
            "people": self.people.as_json(),
            "purposes_on": [one.purpose.value for one in self.facts.switched_on],
            "counts": [
                {
                    "what": line.name,
                    "purpose": line.purpose or None,
                    "by_quarter": [count.as_json() for count in line.counts],
                    "total": line.total.as_json(),
                }
                for line in self.lines
            ],
            "searches": self.searches.as_json(),
        }

    def paper(self) -> Paper:
        """The counts for people."""
        heads = ("what", "purpose", *map(str, self.quarters), "total")
        rows = tuple(
            (line.name, line.purpose or "–", *(count.shown for count in line.counts), line.total.shown)
            for line in self.lines
        )
        warning = (
            Text("A quarter that is not over is counted here. Do NOT publish this page.", "bad"),
        ) if self.unfinished else ()  # fmt: skip
        return Paper(
            "Transparency report",
            "How often faces were searched for and compared here, from the ledger, which cannot be rewritten unseen.",
            made_by(self.facts),
            (
                Section(
                    "Now",
                    (
                        *warning,
                        Table(
                            "Today",
                            ("what", "now"),
                            (
                                ("people enrolled", self.people.shown),
                                (
                                    "purposes that are on",
                                    ", ".join(p.purpose for p in self.facts.switched_on) or "none",
                                ),
                            ),
                        ),
                        about_table("Who is responsible", self.about, {"controller": "controller.name"}),
                    ),
                ),
                Section("Counts", (Table("By quarter", heads, rows),)),
                Section(
                    "How to read this",
                    (
                        Text(
                            f"Counts from 1 to {SMALL - 1} are shown as <{SMALL}, and where counts are shown by tens "
                            "0 too. Totals are sums of what is shown here, so they have a least and a most where "
                            "something is hidden."
                        ),
                        Text(
                            "Counts of what is written under people's own keys (verifications, consents, joins, "
                            "views, exports, appeals, reviews) are shown by tens. Each quarter was counted once, by "
                            "the first report after its end, and leaves out people who were erased before that. "
                            "A verification that was refused is one that was answered by no, whether "
                            "of a stranger or because of a missing consent."
                        ),
                        Text(
                            "Not counted: requests that were refused before anything was compared (no right, no "
                            "budget, switched off). Reviews: what two people decided; questions of known answer, by "
                            "which reviewers are measured, are counted as the rest."
                        ),
                    ),
                ),
            ),
        )

    def _lines(self) -> Iterator[Counted]:
        for name, kind, outcome, by_tens, fits in _BY_PURPOSE:
            for purpose in filter(fits, Purpose):
                counts = [self._count(kind, quarter, purpose.value, outcome) for quarter in self.quarters]
                yield Counted(name, purpose.value, tuple(Published.of(one, by_tens=by_tens) for one in counts))
        for name, kind, outcome, by_tens in _OF_ALL:
            counts = [self._count(kind, quarter, outcome=outcome) for quarter in self.quarters]
            yield Counted(name, "", tuple(Published.of(one, by_tens=by_tens) for one in counts))

    def _count(self, kind: EntryKind, quarter: Quarter, purpose: str = "", outcome: str = "") -> int:
        return self.told.get(ToldOf(kind, quarter, purpose, outcome), 0)

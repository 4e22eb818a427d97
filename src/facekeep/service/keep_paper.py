"""What a keep tells of itself for its papers: facts in numbers, the ledger counted, and who is affected by a theft."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Final, TypeVar
from urllib.parse import urlsplit

from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import EvidenceKind
from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening, written
from facekeep.domain.retention import Basis, RetentionRule
from facekeep.domain.review import EYES
from facekeep.domain.subject import DataSubject, Reference, SubjectId
from facekeep.service.canary_labels import CANARY_LABELS, is_canary
from facekeep.service.counting import OWN_KINDS, counted_entry, counted_quarters, quarters_between
from facekeep.service.facts import (
    ConsentFacts,
    KeepFacts,
    KeyFacts,
    NoticeFacts,
    Presence,
    Present,
    PurposeFacts,
    Quarter,
    RecipientFacts,
    RetentionFacts,
    ReviewingFacts,
    ToldOf,
)
from facekeep.service.filing import CHINA, Filing, FilingThreshold
from facekeep.service.keep_ledger import openings
from facekeep.service.keep_life import KeepLife
from facekeep.service.review_facts import evidence_between, reviewing_of
from facekeep.store.view import View

__all__ = ["KeepPaper"]

_PAGE: Final = 100
_LEDGER_PAGE: Final = 1000
_T = TypeVar("_T")


class KeepPaper(KeepLife):
    """The facts behind the papers of a keep. See :class:`facekeep.service.keep.Keep`.

    Everybody's records are read, a page of people at a time, each as they are then; others can work meanwhile.
    """

    def facts(self, *, keys: KeyFacts | None = None, filing: FilingThreshold = CHINA) -> KeepFacts:
        """What is to be known of the keep, in numbers and settings.

        Args:
            keys: where the keys are, which the keep itself does not know.
            filing: from how many people on the keep has to be filed with an authority.
        """
        now = self._now()
        with self._reading(), self._roles.registry.read() as view:
            notices, switches, cases = view.notices(), view.switches(), view.cases()
            accounts = Counter(role for account in view.accounts() for role in account.roles)
            clients = sum(client.expires > now for client in view.clients())
            webhooks = [webhook for webhook in view.webhooks() if webhook.disabled is None]
            never, ledger, rules = len(view.never_returned()), view.ledger_size(), view.consent_rules()
            retention, reviewing = view.retention_rules(), reviewing_of(view, now)
        tally = _Tally(notices)
        for person, consents, references in self._everybody(_records):
            tally.add(person, consents, references)
        status = self.status()
        return KeepFacts(
            made=now,
            version=version("facekeep"),
            model=status.model,
            levels=self._calibration.levels,
            measured_on=self._calibration.source,
            people=tally.people,
            canaries=tally.canaries,
            references=status.references,
            never_returned=never,
            purposes=tuple(
                PurposeFacts(
                    purpose,
                    switches[purpose],
                    tally.consenting[purpose],
                    frozenset(tally.shown[purpose]),
                    _retention(retention, purpose),
                )
                for purpose in Purpose
            ),
            consents=ConsentFacts(
                tally.holding,
                tally.withdrawn,
                tally.without_notice,
                tally.beside_notice,
                tally.evidenced,
                tally.by_guardians,
                tally.by_evidenced_guardians,
            ),
            notices=tuple(map(_notice, notices)),
            open_cases=sum(case.is_open(now) for case in cases),
            accounts=accounts,
            clients=clients,
            recipients=tuple(
                RecipientFacts(urlsplit(webhook.url).hostname or "", tuple(sorted(webhook.events)))
                for webhook in webhooks
            ),
            refreshed=status.refreshed,
            apart=self.is_apart,
            keys=keys,
            alarms=status.alarms,
            ledger=ledger,
            filing=self._filing(filing, tally.people, lambda: tally.since(filing.limit) or now),
            guardian_under=rules.guardian_under,
            age_required=rules.age_required,
            confirmations=EYES,
            reviewing=reviewing,
        )

    def reviewing(self) -> ReviewingFacts:
        """How people decide, in numbers. Quick beside :meth:`facts`."""
        now = self._now()
        with self._reading(), self._roles.registry.read() as view:
            return reviewing_of(view, now)

    def filing(self, threshold: FilingThreshold = CHINA) -> Filing:
        """How near the keep is to a number of people that has to be filed.

        When the number is found to be reached for the first time, the ledger notes it, and it stays reached. Quick but
        for this, and for the first time that a keep is asked since it was opened: the ledger is looked through then.
        """

        def since() -> datetime:
            tally = _Tally(())
            for person, consents, references in self._everybody(_records):
                tally.add(person, consents, references)
            return tally.since(threshold.limit) or self._now()

        return self._filing(threshold, self.people(), since)

    def people(self) -> int:
        """How many people there are, without canaries. Quick."""
        with self._reading(), self._roles.registry.read() as view:
            planted = sum(view.subject_by_label(label) is not None for label in CANARY_LABELS)
            return view.subject_count() - planted

    def _filing(self, threshold: FilingThreshold, people: int, since: Callable[[], datetime]) -> Filing:
        limit = threshold.limit
        if limit not in self._limits_reached or (self._limits_reached[limit] is None and people >= limit):
            self._limits_reached[limit] = self._noted_as_reached(limit)
        if self._limits_reached[limit] is None and people >= limit:
            facts = {"limit": str(limit), "reached": written(since())}
            with self._using(), self._roles.registry.transaction() as tx:
                tx.record([LedgerEntry(EntryKind.FILING_REACHED, self._now(), facts)])
            self._limits_reached[limit] = self._noted_as_reached(limit)
        return Filing(threshold, people, self._limits_reached[limit])

    def _noted_as_reached(self, limit: int) -> datetime | None:
        noted = (
            (leaf, opening.entry.facts["reached"])
            for leaf, opening in self._leaves_of_nobody()
            if opening.entry.kind is EntryKind.FILING_REACHED and opening.entry.facts["limit"] == str(limit)
        )
        first = min(noted, default=None)
        return None if first is None else datetime.fromisoformat(first[1])

    def presence(self, since: datetime, until: datetime) -> Presence:
        """Whose data the stores held between two times. It names people: for the controller, and for no log.

        Args:
            since: when the window began.
            until: when it ended.

        Raises:
            ValueError: it ends before it begins.
        """
        if until < since:
            raise ValueError("a window of time ends after it begins")
        people = tuple(
            present
            for present in self._everybody(_present)
            if present is not None and (present.since is None or present.since <= until)
        )
        erased = sum(
            opening.entry.kind is EntryKind.ERASED and opening.entry.time >= since for opening in self._told_of_nobody()
        )
        with self._reading(), self._roles.registry.read() as view:
            return Presence(people, erased, evidence_between(view, since, until))

    def told(self) -> Mapping[ToldOf, int]:
        """The entries of the ledger, counted. Of people who were erased only what is about nobody is left."""
        counted: Counter[ToldOf] = Counter(_counted(opening) for opening in self._told_of_nobody())
        for own in self._everybody(_of_people):
            counted.update(map(_counted, own))
        return counted

    def published(self) -> Mapping[ToldOf, int]:
        """The entries of the ledger, counted for publishing: what an erasure changes, once for each quarter.

        Quarters that are over, and were not counted yet, are counted now, and the ledger keeps that. Whoever was erased
        before is not in it; whoever is erased later stays in it. The running quarter is counted as it is now.
        """
        now = self._now()
        running = Quarter.of(now)
        nobody = [(leaf, opening.entry) for leaf, opening in self._leaves_of_nobody()]
        first = min((Quarter.of(entry.time) for _, entry in nobody), default=running)
        kept = counted_quarters(nobody)
        own: Counter[ToldOf] = Counter()
        missing = [quarter for quarter in quarters_between(first, running) if quarter not in kept]
        for opening in (opening for person in self._everybody(_of_people) for opening in person):
            own[_counted(opening)] += 1
        # Of an unknown label, or a review about somebody who is not known.
        own.update(_of_entry(entry) for _, entry in nobody if entry.kind in OWN_KINDS)
        if missing:
            with self._using(), self._roles.registry.transaction() as tx:
                tx.record([counted_entry(quarter, own, now) for quarter in missing])
            kept = counted_quarters((leaf, opening.entry) for leaf, opening in self._leaves_of_nobody())
        told = Counter(_of_entry(entry) for _, entry in nobody if entry.kind not in OWN_KINDS)
        told.update({of: count for of, count in own.items() if of.kind in OWN_KINDS and of.quarter >= running})
        for counts in kept.values():
            told.update(counts)
        return told

    def _everybody(self, read: Callable[[View, DataSubject], _T]) -> Iterator[_T]:
        last: SubjectId | None = None
        while True:
            with self._reading(), self._roles.registry.read() as view:
                people = view.subjects(after=last, limit=_PAGE)
                page = [read(view, person) for person in people]
            yield from page
            if len(people) < _PAGE:
                return
            last = people[-1].id

    def _told_of_nobody(self) -> Iterator[Opening]:
        return (opening for _, opening in self._leaves_of_nobody())

    def _leaves_of_nobody(self) -> Iterator[tuple[int, Opening]]:
        last: bytes | None = None
        while True:
            with self._reading(), self._roles.registry.read() as view:
                page = view.ledger_openings(after=last, limit=_LEDGER_PAGE)
            yield from ((leaf, opening) for _, leaf, opening in page)
            if len(page) < _LEDGER_PAGE:
                return
            last = page[-1][0]


class _Tally:
    """Counts people and what they consented to."""

    def __init__(self, notices: Sequence[Notice]) -> None:
        self._notices = {notice.digest: notice for notice in notices}
        self._since: list[datetime] = []
        self.people = self.canaries = 0
        self.by_guardians = self.by_evidenced_guardians = 0
        self.holding = self.withdrawn = self.evidenced = self.without_notice = self.beside_notice = 0
        self.consenting: Counter[Purpose] = Counter()
        self.shown: dict[Purpose, set[str]] = {purpose: set() for purpose in Purpose}

    def add(self, person: DataSubject, consents: Sequence[Consent], references: Sequence[Reference]) -> None:
        """Count somebody; a canary is nobody."""
        if is_canary(person.label):
            self.canaries += 1
            return
        self.people += 1
        since = _since(consents, references)
        if since is not None:
            self._since.append(since)
        holding = [consent for consent in consents if consent.holds]
        self.holding += len(holding)
        self.withdrawn += len(consents) - len(holding)
        self.evidenced += sum(consent.evidence.kind is not EvidenceKind.WORD for consent in holding)
        guardians = [consent.guardian for consent in holding if consent.guardian is not None]
        self.by_guardians += len(guardians)
        self.by_evidenced_guardians += sum(one.evidence.kind is not EvidenceKind.WORD for one in guardians)
        for consent in consents:
            notice = self._notices.get(consent.notice)
            self.without_notice += notice is None
            self.beside_notice += notice is not None and not notice.speaks_of(consent.purpose)
        for consent in holding:
            self.shown[consent.purpose].add(consent.notice)
        self.consenting.update({consent.purpose for consent in holding})

    def since(self, limit: int) -> datetime | None:
        """When the people who are there now became so many; None if their times are not known."""
        known = sorted(self._since)
        return known[limit - 1] if len(known) >= limit else None


def _notice(notice: Notice) -> NoticeFacts:
    told = {"retention": notice.retention, "recipients": notice.recipients, "alternative": notice.alternative}
    return NoticeFacts(
        notice.digest, notice.language, notice.purposes, {name: text for name, text in told.items() if text.strip()}
    )


def _retention(rules: Sequence[RetentionRule], purpose: Purpose) -> tuple[RetentionFacts, ...]:
    """The rules that let go of references for a purpose: one for cases lets go of a case, and of no reference."""
    return tuple(
        RetentionFacts(rule.law, rule.basis.value, rule.days)
        for rule in rules
        if rule.fits(purpose) and rule.basis is not Basis.CASE_ENDED
    )


def _since(consents: Sequence[Consent], references: Sequence[Reference]) -> datetime | None:
    times = [consent.given for consent in consents] + [reference.created for reference in references]
    return min(times, default=None)


def _records(view: View, person: DataSubject) -> tuple[DataSubject, tuple[Consent, ...], tuple[Reference, ...]]:
    return person, view.consents_of(person.id), view.references_of(person.id)


def _present(view: View, person: DataSubject) -> Present | None:
    if is_canary(person.label):
        return None
    consents, references = view.consents_of(person.id), view.references_of(person.id)
    since = _since(consents, references)
    if since is None:  # on "never return me" alone
        since = min((opening.entry.time for opening in _own(view, person)), default=None)
    purposes = {consent.purpose for consent in consents if consent.holds}
    return Present(
        person.id.hex(),
        person.label,
        person.name,
        since,
        len(references),
        tuple(purpose for purpose in Purpose if purpose in purposes),
        tuple(sorted({consent.guardian.name for consent in consents if consent.guardian is not None})),
    )


def _own(view: View, person: DataSubject) -> tuple[Opening, ...]:
    return tuple(opening for _, opening in openings(view, view.ledger_size(), person.id))


def _of_people(view: View, person: DataSubject) -> tuple[Opening, ...]:
    return () if is_canary(person.label) else _own(view, person)


def _counted(opening: Opening) -> ToldOf:
    return _of_entry(opening.entry)


def _of_entry(entry: LedgerEntry) -> ToldOf:
    outcome = entry.facts.get("verified") or entry.facts.get("upheld", "")
    if entry.kind is EntryKind.SEARCHED:
        outcome = "nobody" if entry.facts["found"] == "0" else "found"
    elif entry.kind is EntryKind.REVIEW_DECIDED:
        outcome = entry.facts.get("decision") or entry.facts["state"]
    return ToldOf(entry.kind, Quarter.of(entry.time), entry.facts.get("purpose", ""), outcome)

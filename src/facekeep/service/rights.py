"""Consent, switches, erasure: what a person or an administrator can turn off, enforced in all three stores."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from facekeep.domain.consent import KnownNotice, Purpose, purpose_bits
from facekeep.domain.evidence import Circumstances, ConsentRules
from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening, written
from facekeep.domain.row import Pseudonym
from facekeep.domain.subject import DataSubject, SubjectId, normalised_label
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import ConsentError, NotFoundError
from facekeep.service.enrolment import consent_entry, resolved
from facekeep.service.opening import Roles
from facekeep.service.references import comparable, head_of
from facekeep.service.review_rules import tell_gone
from facekeep.store.journal import JournalKind
from facekeep.store.transaction import Transaction

REFRESH_DAYS = 30
"""How often a keep is to be refreshed; copies made before a refresh are unreadable after it."""


def readable_until(refreshed: datetime, now: datetime) -> datetime:
    """Until when copies of the stores made before now can be opened at the latest: until the refresh that is due."""
    due, latest = (moment + timedelta(days=REFRESH_DAYS) for moment in (refreshed, now))
    # Neither a refresh that is overdue nor a clock that was set back makes a promise that cannot be kept.
    return due if now < due <= latest else latest


class RightsService:
    """Changes what references may be used for, and ends them. The caller holds the keep's lock."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def subject(self, label: str) -> DataSubject:
        """The data subject with this label.

        Raises:
            NotFoundError: there is none.
        """
        found = self._roles.registry.subject_by_label(normalised_label(label))
        if found is None:
            raise NotFoundError("there is no such data subject")
        return found

    def give_consent(
        self, label: str, purpose: Purpose, notice: str | KnownNotice, now: datetime, circumstances: Circumstances
    ) -> None:
        """Record a consent; the person's rows may be used for the purpose from then on.

        Raises:
            ConsentError: the notice does not speak of the purpose, or the rules of the keep want a guardian, or none,
                or an age.
            UsageError: the keep holds no such notice; or there is a guardian, and no age.
        """
        shown = resolved(notice, self._roles.registry)
        subject = self.subject(label).id
        bits = self._held(subject) | purpose.bit

        def decide(tx: Transaction) -> None:
            tx.give_consent(subject, purpose, tx.add_notice(shown), now, circumstances)
            tx.tell(Event(EventKind.CONSENT_GIVEN, now, {"subject": subject.hex(), "purpose": purpose}))
            tx.record([consent_entry(purpose, shown.digest, now, circumstances)], subject)

        self._set_purposes(subject, bits, decide)

    def withdraw_consent(self, label: str, purpose: Purpose, now: datetime, *, by_guardian: bool = False) -> None:
        """Record a withdrawal; the next search for the purpose cannot return the person.

        Args:
            label: whose.
            purpose: which.
            now: the time.
            by_guardian: whether it was the guardian who withdrew.

        Raises:
            NotFoundError: no such person, or no consent to withdraw.
            ConsentError: no guardian consented to this, or the person is of age since.
        """
        subject = self.subject(label).id
        if by_guardian:
            self._check_guardian(subject, purpose, now)
        self.end_purposes(subject, {purpose: {"guardian": "yes"} if by_guardian else {}}, now)

    def end_purposes(self, subject: SubjectId, ended: Mapping[Purpose, Mapping[str, str]], now: datetime) -> None:
        """End purposes of a person: the person withdrew, or a rule of retention is due.

        Args:
            subject: whose.
            ended: of each purpose what else the ledger tells of its end.
            now: the time.

        Raises:
            NotFoundError: no such person, or no consent to end.
        """
        bits = self._held(subject) & ~purpose_bits(ended)

        def decide(tx: Transaction) -> None:
            for purpose, because in ended.items():
                tx.withdraw_consent(subject, purpose, now)
                tx.tell(Event(EventKind.CONSENT_WITHDRAWN, now, {"subject": subject.hex(), "purpose": purpose}))
                facts = {"purpose": purpose.value, **because}
                tx.record([LedgerEntry(EntryKind.CONSENT_WITHDRAWN, now, facts)], subject)

        self._set_purposes(subject, bits, decide)

    def _check_guardian(self, subject: SubjectId, purpose: Purpose, now: datetime) -> None:
        consents = self._roles.registry.consents_of(subject)
        given = [consent for consent in consents if consent.holds and consent.purpose is purpose]
        if given and not any(c.guardian is not None and not c.is_outgrown(now) for c in given):
            raise ConsentError(
                "no guardian may withdraw this: none gave it, or the person is of age since",
                hint="The person withdraws, in the same way and without a guardian.",
            )

    def _held(self, subject: SubjectId) -> int:
        consents = self._roles.registry.consents_of(subject)
        return purpose_bits(consent.purpose for consent in consents if consent.holds)

    def _set_purposes(self, subject: SubjectId, bits: int, decide: Callable[[Transaction], None]) -> None:
        rows = [reference.pseudonym for reference in comparable(self._roles.registry.references_of(subject))]
        marks = [(row, bits, head_of(self._roles, row).flags) for row in rows]
        self._roles.coordinator.run_on_halves(
            JournalKind.PURPOSES,
            lambda half, transaction: half.stage_marks(transaction, marks),
            decide=decide,
            subject=subject,
        )

    def switch(
        self, purpose: Purpose, on: bool, now: datetime, because: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Switch a purpose on or off for everybody, in the registry and in both halves' own rules."""

        def decide(tx: Transaction) -> None:
            tx.set_switch(purpose, on=on)
            facts = {"purpose": purpose.value, "to": "on" if on else "off", **because}
            tx.record([LedgerEntry(EntryKind.SWITCHED, now, facts)])

        self._roles.coordinator.run_on_halves(
            JournalKind.PURPOSES,
            lambda half, transaction: half.stage_switch(transaction, purpose, on),
            decide=decide,
        )

    def set_consent_rules(
        self, rules: ConsentRules, now: datetime, because: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Ask something else of every consent from now on."""
        with self._roles.registry.transaction() as tx:
            if tx.consent_rules() != rules:
                tx.set_consent_rules(rules)
                required = "yes" if rules.age_required else "no"
                facts = {"guardian-under": str(rules.guardian_under), "age-required": required, **because}
                tx.record([LedgerEntry(EntryKind.CONSENT_RULES_SET, now, facts)])

    def remove_reference(self, label: str, pseudonym: Pseudonym, now: datetime) -> None:
        """Remove one reference of a person, rows, seeds and record; the person stays, without any if it was the last.

        Raises:
            NotFoundError: there is no such person, or no such reference of this person.
        """
        subject = self.subject(label).id
        if pseudonym not in {r.pseudonym for r in comparable(self._roles.registry.references_of(subject))}:
            raise NotFoundError("there is no such reference")
        self._remove_references(subject, [pseudonym], now, {})

    def remove_comparable(
        self, subject: SubjectId, now: datetime, because: Mapping[str, str], *, but: Collection[Pseudonym] = ()
    ) -> int:
        """Remove every reference of a person that is compared with probes; the list "never return me" keeps its own.

        Args:
            subject: whose.
            now: the time.
            because: what else the ledger tells of it.
            but: those that stay.

        Returns:
            How many were removed.
        """
        references = comparable(self._roles.registry.references_of(subject))
        rows = [reference.pseudonym for reference in references if reference.pseudonym not in but]
        if rows:
            self._remove_references(subject, rows, now, because)
        return len(rows)

    def _remove_references(
        self, subject: SubjectId, rows: Sequence[Pseudonym], now: datetime, because: Mapping[str, str]
    ) -> None:
        def decide(tx: Transaction) -> None:
            for row in rows:
                tx.remove_reference(row)
                tx.tell(Event(EventKind.REFERENCE_REMOVED, now, {"subject": subject.hex()}))
                tx.record([LedgerEntry(EntryKind.REFERENCE_REMOVED, now, because)], subject)

        self._roles.coordinator.run_on_halves(
            JournalKind.ERASE,
            lambda half, transaction: half.stage_erase(transaction, rows),
            decide=decide,
            payload={"pseudonyms": [row.hex() for row in rows]},
            subject=subject,
        )

    def erase(
        self, subject: SubjectId, now: datetime, until: datetime, because: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[int, int, Opening]:
        """Erase a person: rows, seeds, data key and every record.

        Args:
            subject: whom.
            now: the time.
            until: when the last copy of before that could be opened is unreadable, as the ledger tells.
            because: what else it tells of it.

        Returns:
            The number of references removed; leaf and opening of what the ledger has of it.
        """
        recorded: list[tuple[int, Opening]] = []
        rows = [reference.pseudonym for reference in self._roles.registry.references_of(subject)]

        def decide(tx: Transaction) -> None:
            tell_gone(tx, subject, now)
            tx.erase_subject(subject, now)
            tx.tell(Event(EventKind.SUBJECT_ERASED, now, {"subject": subject.hex()}))
            # Of nobody: the data key of who it is about goes with this very transaction.
            facts = {"subject": subject.hex(), "references": str(len(rows)), "copies-readable-until": written(until)}
            recorded[:] = tx.record([LedgerEntry(EntryKind.ERASED, now, {**facts, **because})])

        self._roles.coordinator.run_on_halves(
            JournalKind.ERASE,
            lambda half, transaction: half.stage_erase(transaction, rows),
            decide=decide,
            payload={"pseudonyms": [row.hex() for row in rows]},
            subject=subject,
        )
        ((leaf, opening),) = recorded
        return len(rows), leaf, opening

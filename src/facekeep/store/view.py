"""What can be read of the registry, in one snapshot."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, func, select

from facekeep.domain.access import Client, Scope
from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import USUAL_RULES, ConsentRules
from facekeep.domain.requests import KeptAnswer, KeptRequest
from facekeep.domain.retention import Basis, Held, RetentionRule
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import Case, CaseId
from facekeep.domain.subject import DataSubject, Reference, SubjectId, normalised_label
from facekeep.errors import DamagedStoreError, NotFoundError
from facekeep.store import tables
from facekeep.store.account_reading import AccountReading
from facekeep.store.appeal_reading import AppealReading
from facekeep.store.journal import JournalEntry, entry_of
from facekeep.store.ledger_reading import LedgerReading
from facekeep.store.records import read_time
from facekeep.store.records_of_consent import consent_in, notice_in
from facekeep.store.review_reading import ReviewReading
from facekeep.store.snapshot import moved
from facekeep.store.vault import ROLE, Cells, Vault
from facekeep.store.webhook_reading import WebhookReading

__all__ = ["CONSENT_RULES", "PAGE", "State", "View", "consent_of", "read_state"]

CONSENT_RULES: Final = ("guardian_under", "age_required")
PAGE: Final = 1000
"""How many rows a page has, unless it is asked for otherwise."""


@dataclass(frozen=True, slots=True)
class State:
    """The registry's own sealed record.

    Attributes:
        keep: identifier of the keep, which the halves know too.
        model: SHA-256 of the embedding model that the keep is bound to.
        generation: counts what the three stores did together.
        journalled: counts the journal's entries ever begun.
        ledgered: counts the leaves of the ledger.
        switched_on: the purposes that are on.
        consent_rules: what is asked of every consent.
        retention: the rules of retention.
    """

    keep: bytes
    model: str
    generation: int
    journalled: int
    ledgered: int
    switched_on: frozenset[Purpose]
    consent_rules: ConsentRules = USUAL_RULES
    retention: tuple[RetentionRule, ...] = ()


class View(AccountReading, WebhookReading, LedgerReading, AppealReading, ReviewReading):
    """One snapshot of the registry, valid while its block lasts.

    Every method may raise :class:`~facekeep.errors.DamagedStoreError` when a cell does not open.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        super().__init__(connection, vault)
        self._state = read_state(connection, vault)

    @property
    def state(self) -> State:
        """The registry's own record."""
        return self._state

    def subject(self, subject: SubjectId) -> DataSubject:
        """The data subject of this identifier.

        Raises:
            NotFoundError: there is none; the message tells an erased one from one that never was.
        """
        return self._subject_of(self._person(subject))

    def subject_by_label(self, label: str) -> DataSubject | None:
        """The data subject of this label, or None.

        Raises:
            FormatError: no label can look like this.
        """
        label = normalised_label(label)
        row = self._find(tables.subjects.c.label, label)
        found = None if row is None else self._subject_of(row)
        if found is not None and found.label != label:
            raise moved(tables.subjects)
        return found

    def subjects(self, *, after: SubjectId | None = None, limit: int = PAGE) -> list[DataSubject]:
        """A page of data subjects by ascending identifier, which is a random order.

        Args:
            after: the last identifier of the page before, or None for the first page.
            limit: how many at most; fewer than that means that this was the last page.
        """
        chosen = select(tables.subjects).order_by(tables.subjects.c.id).limit(limit)
        if after is not None:
            chosen = chosen.where(tables.subjects.c.id > after)
        return [self._subject_of(row) for row in self._connection.execute(chosen).all()]

    def subject_count(self) -> int:
        """How many data subjects there are."""
        return self._connection.execute(select(func.count()).select_from(tables.subjects)).scalar_one()

    def reference_count(self) -> int:
        """How many references there are."""
        return self._connection.execute(select(func.count()).select_from(tables.references)).scalar_one()

    def is_erased(self, subject: SubjectId) -> bool:
        """Whether there once was a data subject of this identifier who was erased."""
        return self._row(tables.tombstones.c.id, subject) is not None

    def last_erasure(self) -> datetime | None:
        """When somebody was erased last; None if nobody ever was. Opens every tombstone: times are sealed."""
        cell = tables.tombstones.c.sealed
        rows = self._connection.execute(select(tables.tombstones)).all()
        return max((read_time(self._vault.root.open(cell, row.id, row.sealed)["erased"]) for row in rows), default=None)

    def references_of(self, subject: SubjectId) -> tuple[Reference, ...]:
        """The references of a data subject, oldest first.

        Raises:
            NotFoundError: there is no such data subject.
        """
        found = (self._reference_of(row, cells) for row, cells in self._owned(tables.references, subject))
        return tuple(sorted(found, key=lambda reference: (reference.created, reference.pseudonym)))

    def reference(self, pseudonym: Pseudonym) -> Reference | None:
        """The reference of this pseudonym, or None."""
        row = self._find(tables.references.c.pseudonym, pseudonym)
        if row is None:
            return None
        found = self._reference_of(row, self._cells(row.subject))
        if found.pseudonym != pseudonym:
            raise moved(tables.references)
        return found

    def subject_of_pseudonym(self, pseudonym: Pseudonym) -> SubjectId | None:
        """Whose reference this is, or None."""
        found = self.reference(pseudonym)
        return None if found is None else found.subject

    def consents_of(self, subject: SubjectId) -> tuple[Consent, ...]:
        """All consents that a data subject ever gave, oldest first.

        Raises:
            NotFoundError: there is no such data subject.
        """
        found = (consent_of(row, cells) for row, cells in self._owned(tables.consents, subject))
        return tuple(sorted(found, key=lambda consent: (consent.given, consent.purpose)))

    def allowed_purposes(self, subject: SubjectId) -> frozenset[Purpose]:
        """The purposes that the data subject consents to and that are switched on.

        Raises:
            NotFoundError: there is no such data subject.
        """
        return self._state.switched_on & {consent.purpose for consent in self.consents_of(subject) if consent.holds}

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """The rules of retention, in their order."""
        return self._state.retention

    def held(
        self,
        *,
        uncounted: str,
        beyond: datetime | None,
        after: SubjectId | None = None,
        limit: int = PAGE,
    ) -> tuple[Held, ...]:
        """A page of what rules of retention look at, by ascending identifiers of people, which is a random order.

        Args:
            uncounted: the gallery whose references are compared with no probe.
            beyond: a contact later than this is as good as any other, and no later one is looked for; None to look for
                no contact at all.
            after: the last identifier of the page before, or None for the first page.
            limit: how many at most; fewer than that means that this was the last page.
        """
        chosen = select(tables.subjects).order_by(tables.subjects.c.id).limit(limit)
        if after is not None:
            chosen = chosen.where(tables.subjects.c.id > after)
        return tuple(self._held_of(row, uncounted, beyond) for row in self._connection.execute(chosen).all())

    def held_of(self, subject: SubjectId, *, uncounted: str, beyond: datetime | None) -> Held:
        """The same of one person. See :meth:`held`.

        Raises:
            NotFoundError: there is no such person, or not any more.
        """
        return self._held_of(self._person(subject), uncounted, beyond)

    def _held_of(self, person: Row[Any], uncounted: str, beyond: datetime | None) -> Held:
        cells = self._cells_of(person)
        consents = tuple(consent_of(row, cells) for row in self._rows(tables.consents.c.subject, person.id))
        references = [self._reference_of(row, cells) for row in self._rows(tables.references.c.subject, person.id)]
        contact = None
        if beyond is not None:
            # Of registries from before the ledger these tell of a contact too.
            known = [*(consent.given for consent in consents), *(reference.created for reference in references)]
            contact = self._last_contact(person.id, cells, max(known, default=None), beyond)
        return Held(
            person.id,
            self._subject_of(person).label,
            tuple(sorted(consents, key=lambda consent: (consent.given, consent.purpose))),
            sum(reference.gallery != uncounted for reference in references),
            contact,
            is_listed=self.is_never_returned(person.id),
        )

    def is_never_returned(self, subject: SubjectId) -> bool:
        """Whether the data subject joined "never return me"."""
        return self._row(tables.never_return.c.subject, subject) is not None

    def never_returned_since(self, subject: SubjectId) -> datetime | None:
        """When the data subject joined "never return me", or None.

        Raises:
            NotFoundError: there is no such data subject.
        """
        joined = [
            cells.open(tables.never_return.c.sealed, subject, row.sealed)["joined"]
            for row, cells in self._owned(tables.never_return, subject)
        ]
        return read_time(joined[0]) if joined else None

    def never_returned(self) -> tuple[SubjectId, ...]:
        """All data subjects who joined "never return me"."""
        column = tables.never_return.c.subject
        return tuple(SubjectId(row.subject) for row in self._connection.execute(select(column).order_by(column)))

    def switches(self) -> Mapping[Purpose, bool]:
        """Every purpose, and whether it is on."""
        return {purpose: purpose in self._state.switched_on for purpose in Purpose}

    def notice(self, digest: str) -> Notice | None:
        """The notice of this SHA-256, or None."""
        row = self._find(tables.notices.c.digest, digest)
        if row is None:
            return None
        found = self._notice_of(row)
        if found.digest != digest:
            raise moved(tables.notices)
        return found

    def consent_rules(self) -> ConsentRules:
        """What is asked of every consent."""
        return self._state.consent_rules

    def replacement_of(self, digest: str) -> str:
        """The digest of the version that replaced a notice, or ""."""
        return next((notice.digest for notice in self.notices() if notice.replaces == digest), "")

    def notices(self) -> tuple[Notice, ...]:
        """All notices, in the order of their SHA-256."""
        found = (self._notice_of(row) for row in self._connection.execute(select(tables.notices)).all())
        return tuple(sorted(found, key=lambda notice: notice.digest))

    def case(self, case: CaseId) -> Case:
        """The case of this identifier.

        Raises:
            NotFoundError: there is none.
        """
        row = self._row(tables.cases.c.id, case)
        if row is None:
            raise NotFoundError("there is no such case")
        return self._case_of(row)

    def case_by_title(self, title: str) -> Case | None:
        """The case of this title, or None.

        Raises:
            FormatError: no title can look like this.
        """
        title = normalised_label(title)
        row = self._find(tables.cases.c.title, title)
        found = None if row is None else self._case_of(row)
        if found is not None and found.title != title:
            raise moved(tables.cases)
        return found

    def cases(self) -> tuple[Case, ...]:
        """All cases, oldest first."""
        found = (self._case_of(row) for row in self._connection.execute(select(tables.cases)).all())
        return tuple(sorted(found, key=lambda case: (case.opened, case.id)))

    def clients(self) -> tuple[Client, ...]:
        """All machine clients, oldest first."""
        found = (self._client_of(row) for row in self._connection.execute(select(tables.clients)).all())
        return tuple(sorted(found, key=lambda client: (client.created, client.id)))

    def client_by_name(self, name: str) -> Client | None:
        """The machine client of this name, or None.

        Raises:
            FormatError: no name can look like this.
        """
        row = self._find(tables.clients.c.name, normalised_label(name))
        return None if row is None else self._client_of(row)

    def client_by_digest(self, digest: bytes) -> Client | None:
        """The machine client whose token has this SHA-256, or None."""
        row = self._find(tables.clients.c.secret, digest)
        if row is None:
            return None
        if not hmac.compare_digest(self._client_record(row)["digest"], digest):
            raise moved(tables.clients)
        return self._client_of(row)

    def requests(self) -> tuple[KeptRequest, ...]:
        """All requests that may be sent again, oldest first."""
        found = (self._request_of(row) for row in self._connection.execute(select(tables.requests)).all())
        return tuple(sorted(found, key=lambda request: (request.begun, request.id)))

    def request_by_digest(self, digest: bytes) -> KeptRequest | None:
        """The request of this client and key, or None."""
        row = self._find(tables.requests.c.request, digest)
        if row is None:
            return None
        found = self._request_of(row)
        if found.digest != digest:
            raise moved(tables.requests)
        return found

    def journal(self) -> tuple[JournalEntry, ...]:
        """The transactions that have begun and not ended, in the order in which they began."""
        rows = self._connection.execute(select(tables.journal)).all()
        return tuple(sorted((self._entry_of(row) for row in rows), key=lambda entry: entry.number))

    def check(self) -> None:
        """Open every cell. Reads everything; meant for ``facekeep doctor``."""
        after: SubjectId | None = None
        while page := self.subjects(after=after):
            for subject in page:
                self.references_of(subject.id)
                self.consents_of(subject.id)
                self.appeals_of(subject.id)
                self.words_of(subject.id)
                self._open_own_entries(subject.id)
            after = page[-1].id
        for row in self._connection.execute(select(tables.never_return)).all():
            cells = self._cells(row.subject)
            cells.open(tables.never_return.c.sealed, row.subject, row.sealed)
        for identifier, cell in tables.ROOT_CELLS[1:]:
            for row, sealed in self._connection.execute(select(identifier, cell)).all():
                self._vault.root.open(cell, row, sealed)

    def _open_own_entries(self, subject: SubjectId) -> None:
        last: bytes | None = None
        while page := self.ledger_openings(subject, after=last):
            last = page[-1][0]

    def _person(self, subject: SubjectId) -> Row[Any]:
        row = self._row(tables.subjects.c.id, subject)
        if row is None:
            erased = self.is_erased(subject)
            raise NotFoundError("this data subject was erased" if erased else "there is no such data subject")
        return row

    def ledger_size(self) -> int:
        """How many leaves the tree has. As the registry remembers it: a tree that was cut does not pass for whole."""
        return self._state.ledgered

    def _cells(self, subject: SubjectId) -> Cells:
        return self._cells_of(self._person(subject))

    def _cells_of(self, person: Row[Any]) -> Cells:
        return self._vault.unwrap(tables.subjects.c.key, person.id, person.key)

    def _owned(self, table: Table, subject: SubjectId) -> list[tuple[Row[Any], Cells]]:
        cells = self._cells(subject)
        rows = self._connection.execute(select(table).where(table.c.subject == subject)).all()
        return [(row, cells) for row in rows]

    def _subject_of(self, person: Row[Any]) -> DataSubject:
        record = self._cells_of(person).open(tables.subjects.c.sealed, person.id, person.sealed)
        attributes = dict(record["attributes"])
        return DataSubject(person.id, label=record["label"], name=record["name"], attributes=attributes)

    def _reference_of(self, row: Row[Any], cells: Cells) -> Reference:
        record = cells.open(tables.references.c.sealed, row.id, row.sealed)
        return Reference(
            pseudonym=record["pseudonym"],
            subject=row.subject,
            gallery=record["gallery"],
            model=record["model"],
            created=read_time(record["created"]),
        )

    def _notice_of(self, row: Row[Any]) -> Notice:
        return notice_in(self._vault.root.open(tables.notices.c.sealed, row.id, row.sealed))

    def _case_of(self, row: Row[Any]) -> Case:
        record = self._vault.root.open(tables.cases.c.sealed, row.id, row.sealed)
        case = Case(
            id=row.id,
            title=record["title"],
            purpose=Purpose(record["purpose"]),
            opened_by=record["opened_by"],
            opened=read_time(record["opened"]),
            expires=read_time(record["expires"]),
        )
        return case if record["closed"] is None else replace(case, closed=read_time(record["closed"]))

    def _request_of(self, row: Row[Any]) -> KeptRequest:
        record = self._vault.root.open(tables.requests.c.sealed, row.id, row.sealed)
        answer = (
            None
            if record["status"] is None
            else KeptAnswer(
                record["status"],
                record["body"],
                record.get("subject"),  # records of before answers were bound to people have none
            )
        )
        return KeptRequest(row.id, record["digest"], record["fingerprint"], read_time(record["begun"]), answer)

    def _client_record(self, row: Row[Any]) -> dict[str, Any]:
        return self._vault.root.open(tables.clients.c.sealed, row.id, row.sealed)

    def _client_of(self, row: Row[Any]) -> Client:
        record = self._client_record(row)
        return Client(
            id=row.id,
            name=record["name"],
            scopes=frozenset(Scope(scope) for scope in record["scopes"]),
            created=read_time(record["created"]),
            expires=read_time(record["expires"]),
            organisation=record.get("organisation", ""),  # records of before there were organisations have none
        )

    def _entry_of(self, row: Row[Any]) -> JournalEntry:
        return entry_of(row.id, self._vault.root.open(tables.journal.c.sealed, row.id, row.sealed))


def read_state(connection: Connection, vault: Vault) -> State:
    """The registry's own record.

    Raises:
        DamagedStoreError: it does not open, or the keys were changed by another process.
    """
    row = connection.execute(select(tables.meta)).one()
    if row.epoch_check != vault.epoch_check:
        hint = "Open the keep again."
        raise DamagedStoreError("another process changed the keys of the registry", store=ROLE, hint=hint)
    record = vault.root.open(tables.meta.c.sealed, vault.store, row.sealed)
    return State(
        keep=record["keep"],
        model=record["model"],
        generation=record["generation"],
        journalled=record["journalled"],
        ledgered=record.get("ledgered", 0),  # of a registry from before the ledger
        switched_on=frozenset(Purpose(purpose) for purpose in record["switched_on"]),
        # Of a registry from before the rules they are as of a new one: none of its callers says an age.
        consent_rules=ConsentRules(**{name: record[name] for name in CONSENT_RULES if name in record}),
        retention=tuple(
            RetentionRule(law, Basis(basis), None if purpose is None else Purpose(purpose), days)
            for law, basis, purpose, days in record.get("retention", ())  # of a registry from before there were rules
        ),
    )


def consent_of(row: Row[Any], cells: Cells) -> Consent:
    """The consent in a row of the table."""
    return consent_in(cells.open(tables.consents.c.sealed, row.id, row.sealed))

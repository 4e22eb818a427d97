"""What can be written to the registry: all of one transaction, or nothing of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, insert, update

from facekeep.domain.access import CLIENT_ID_BYTES, Client, ClientId, Scope, normalised_organisation
from facekeep.domain.consent import Consent, Notice, Purpose, is_minor
from facekeep.domain.evidence import UNTOLD, Circumstances, ConsentRules
from facekeep.domain.requests import REQUEST_ID_BYTES, KeptAnswer, KeptRequest, RequestId
from facekeep.domain.retention import RetentionRule
from facekeep.domain.row import PSEUDONYM_BYTES, TRANSACTION_BYTES, Pseudonym, TransactionId
from facekeep.domain.search import CASE_ID_BYTES, Case, CaseId
from facekeep.domain.subject import SUBJECT_ID_BYTES, DataSubject, SubjectId, normalised_label
from facekeep.errors import ConsentError, NotFoundError, UsageError
from facekeep.store import tables
from facekeep.store.account_writing import AccountWriting
from facekeep.store.appeal_writing import AppealWriting
from facekeep.store.journal import JournalEntry, JournalKind, JournalState, record_of
from facekeep.store.keys import new_key
from facekeep.store.ledger_writing import LedgerWriting
from facekeep.store.records import Value, write_time
from facekeep.store.records_of_consent import CONSENT_BYTES, consent_record, notice_record
from facekeep.store.review_writing import ReviewWriting
from facekeep.store.vault import Cells, Vault
from facekeep.store.view import CONSENT_RULES, State, View, consent_of
from facekeep.store.webhook_writing import WebhookWriting

__all__ = ["Transaction", "state_record"]

_ROW_BYTES = 16


class Transaction(AccountWriting, WebhookWriting, LedgerWriting, AppealWriting, ReviewWriting, View):
    """A view that writes too, and sees its own writes. Made by ``Registry.transaction`` alone.

    Times are passed in, with time zone: the store reads no clock. A time without zone is a ``ValueError``.
    """

    def __init__(self, connection: Connection, vault: Vault) -> None:
        super().__init__(connection, vault)
        self.scrub = False
        """Whether something was erased, so that the write-ahead log has to be emptied after the commit."""
        # A bulk enrolment asks for the same notice and the same people again and again; nobody else writes meanwhile.
        self._known_cells: dict[SubjectId, Cells] = {}
        self._known_notices: dict[str, Notice] = {}

    def add_subject(self, label: str, name: str = "", attributes: Mapping[str, str] | None = None) -> SubjectId:
        """Add a data subject under a fresh data key.

        Raises:
            UsageError: there is already one with this label.
            FormatError: label, name or attributes are too long or hold what cannot be written.
        """
        label = normalised_label(label)
        if self._find(tables.subjects.c.label, label) is not None:
            raise UsageError("there is already a data subject with this label")
        subject = DataSubject(SubjectId(os.urandom(SUBJECT_ID_BYTES)), label, name, attributes or {})
        data_key = new_key()
        wrapped = self._vault.wrap(tables.subjects.c.key, subject.id, data_key)
        cells = self._known_cells[subject.id] = self._vault.unwrap(tables.subjects.c.key, subject.id, wrapped)
        self._connection.execute(
            insert(tables.subjects).values(
                id=subject.id,
                label=self._vault.index(tables.subjects.c.label, label),
                key=wrapped,
                sealed=_sealed_subject(subject, cells),
            )
        )
        return subject.id

    def change_subject(
        self, subject: SubjectId, *, name: str | None = None, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Put right what is recorded of a data subject; None leaves a part as it is. The label stays.

        Raises:
            NotFoundError: there is no such data subject.
            FormatError: name or attributes are too long or hold what cannot be written.
        """
        person = self._person(subject)
        before = self._subject_of(person)
        after = replace(
            before,
            name=before.name if name is None else name,
            attributes=before.attributes if attributes is None else attributes,
        )
        sealed = _sealed_subject(after, self._cells_of(person))
        self._connection.execute(update(tables.subjects).where(tables.subjects.c.id == subject).values(sealed=sealed))
        # What was put right shall not linger in the log either.
        self.scrub = True

    def add_reference(
        self, subject: SubjectId, pseudonym: Pseudonym, *, gallery: str, model: str, created: datetime
    ) -> None:
        """Record a reference whose rows lie, or will lie, in both halves.

        Raises:
            NotFoundError: there is no such data subject.
            UsageError: the pseudonym is in use.
        """
        if len(pseudonym) != PSEUDONYM_BYTES:
            raise ValueError(f"a pseudonym has {PSEUDONYM_BYTES} bytes")
        cells = self._cells(subject)
        index = self._vault.index(tables.references.c.pseudonym, pseudonym)
        if self._row(tables.references.c.pseudonym, index) is not None:
            raise UsageError("this pseudonym is in use")
        row = os.urandom(_ROW_BYTES)
        record: dict[str, Value] = {"pseudonym": pseudonym, "gallery": gallery, "model": model}
        record["created"] = write_time(created)
        sealed = cells.seal(tables.references.c.sealed, row, record)
        self._connection.execute(
            insert(tables.references).values(id=row, pseudonym=index, subject=subject, sealed=sealed)
        )

    def remove_reference(self, pseudonym: Pseudonym) -> None:
        """Remove the record of a reference. Nothing happens if there is none: it is gone as asked."""
        index = self._vault.index(tables.references.c.pseudonym, pseudonym)
        self._connection.execute(delete(tables.references).where(tables.references.c.pseudonym == index))
        self.scrub = True

    def give_consent(
        self,
        subject: SubjectId,
        purpose: Purpose,
        notice: str,
        given: datetime,
        circumstances: Circumstances = UNTOLD,
    ) -> None:
        """Record a consent. One that still holds and says the same, but for the time, is renewed: given at this time.

        That it was given before the ledger tells, which has an entry of each time.

        Args:
            subject: who consents.
            purpose: to what.
            notice: digest of the notice that was shown, which the registry must hold.
            given: when.
            circumstances: how it came about.

        Raises:
            NotFoundError: there is no such data subject, or no such notice.
            ConsentError: the notice does not speak of the purpose, or the rules of the keep want a guardian, or none,
                or an age; or no age is said of somebody who is a minor by a consent before.
            UsageError: there is a guardian, and no age.
        """
        shown = self._known_notices.get(notice) or self.notice(notice)
        if shown is None:
            raise NotFoundError(
                "there is no such notice", hint="Add the notice that was shown, then record the consent."
            )
        if not shown.speaks_of(purpose):
            raise ConsentError("the notice does not speak of this purpose", hint="Show one that does.")
        self._known_notices[notice] = shown
        new = Consent(
            purpose,
            notice,
            given,
            evidence=circumstances.evidence,
            guardian=circumstances.guardian,
            of_age=self._state.consent_rules.of_age(circumstances, given),
            age_given=circumstances.age is not None,
        )
        before = self.consents_of(subject)
        if not new.age_given and is_minor(before, given):
            raise ConsentError(
                "the person is a minor, as was said before: a guardian has to consent",
                hint="Say the age, and name the guardian if the person is a minor still.",
            )
        cells = self._cells(subject)
        if any(old.holds and new.says_as_much_as(old) for old in before):
            self._renew_consent(subject, new)
            return
        row = os.urandom(_ROW_BYTES)
        sealed = _sealed_consent(new, row, cells)
        self._connection.execute(insert(tables.consents).values(id=row, subject=subject, sealed=sealed))

    def _renew_consent(self, subject: SubjectId, new: Consent) -> None:
        for row, cells in self._owned(tables.consents, subject):
            old = consent_of(row, cells)
            if old.holds and new.says_as_much_as(old) and new.given > old.given:  # else the clock was set back
                where = tables.consents.c.id == row.id
                sealed = _sealed_consent(new, row.id, cells)
                self._connection.execute(update(tables.consents).where(where).values(sealed=sealed))

    def withdraw_consent(self, subject: SubjectId, purpose: Purpose, when: datetime) -> None:
        """Mark every consent of a data subject to a purpose as withdrawn; it never holds again.

        Raises:
            NotFoundError: there is no such data subject, or no consent to this purpose that holds.
        """
        holding = [
            (row, cells, consent)
            for row, cells in self._owned(tables.consents, subject)
            if (consent := consent_of(row, cells)).holds and consent.purpose is purpose
        ]
        if not holding:
            raise NotFoundError("there is no consent to this purpose that holds")
        for row, cells, consent in holding:
            sealed = _sealed_consent(replace(consent, withdrawn=when), row.id, cells)
            where = tables.consents.c.id == row.id
            self._connection.execute(update(tables.consents).where(where).values(sealed=sealed))

    def erase_subject(self, subject: SubjectId, when: datetime) -> tuple[Pseudonym, ...]:
        """Erase a data subject: the wrapped data key, every row, and what the journal holds about the person.

        Journal entries of the kind *erase* stay, since they finish this in the halves; they hold random identifiers
        only and go when they are ended. A tombstone with the subject's random identifier and the time remains.

        Returns:
            The pseudonyms whose rows the halves must remove.

        Raises:
            NotFoundError: there is no such data subject, or it was erased before.
        """
        pseudonyms = self.remove_subject(subject)
        sealed = self._vault.root.seal(tables.tombstones.c.sealed, subject, {"erased": write_time(when)})
        self._connection.execute(insert(tables.tombstones).values(id=subject, sealed=sealed))
        return pseudonyms

    def remove_subject(self, subject: SubjectId) -> tuple[Pseudonym, ...]:
        """Remove a data subject without a tombstone, to undo an enrolment that was never acknowledged.

        Returns and raises as :meth:`erase_subject`.
        """
        pseudonyms = tuple(reference.pseudonym for reference in self.references_of(subject))
        for entry in self.journal():
            if entry.subject == subject and entry.kind is not JournalKind.ERASE:
                self.journal_end(entry.id)
        for kept in self.requests():
            if kept.answer is not None and kept.answer.subject == subject:
                self._write_request(_emptied(kept))  # not removed: sent again, it would be done again
        self._known_cells.pop(subject, None)
        # References, consents and the membership in "never return me" go with it, by their foreign keys.
        self._connection.execute(delete(tables.subjects).where(tables.subjects.c.id == subject))
        self.scrub = True
        return pseudonyms

    def join_never_return(self, subject: SubjectId, when: datetime) -> None:
        """Put a data subject on the list "never return me". Joining twice changes nothing.

        Raises:
            NotFoundError: there is no such data subject.
        """
        cells = self._cells(subject)
        if not self.is_never_returned(subject):
            sealed = cells.seal(tables.never_return.c.sealed, subject, {"joined": write_time(when)})
            self._connection.execute(insert(tables.never_return).values(subject=subject, sealed=sealed))

    def leave_never_return(self, subject: SubjectId) -> None:
        """Take a data subject off that list. Nothing happens to one who is not on it."""
        self._connection.execute(delete(tables.never_return).where(tables.never_return.c.subject == subject))

    def set_switch(self, purpose: Purpose, *, on: bool) -> None:
        """Switch a purpose on or off for the whole keep."""
        others = self._state.switched_on - {purpose}
        self._write_state(replace(self._state, switched_on=others | {purpose} if on else others))

    def set_consent_rules(self, rules: ConsentRules) -> None:
        """Ask this of every consent from now on; those that were given stay."""
        self._write_state(replace(self._state, consent_rules=rules))

    def set_retention(self, rules: Sequence[RetentionRule]) -> None:
        """Put rules of retention in the place of those that there are."""
        self._write_state(replace(self._state, retention=tuple(rules)))

    def add_notice(self, notice: Notice) -> str:
        """Keep a notice, and give its digest. Keeping it twice changes nothing; a description may be added once.

        Raises:
            UsageError: the text is kept with another language or other purposes; or the notice replaces one that is
                not kept, or that was replaced before.
        """
        known = self._known_notices.get(notice.digest) or self.notice(notice.digest)
        if known is None:
            self._check_version(notice)
            row = os.urandom(_ROW_BYTES)
            index = self._vault.index(tables.notices.c.digest, notice.digest)
            sealed = self._sealed_notice(row, notice)
            self._connection.execute(insert(tables.notices).values(id=row, digest=index, sealed=sealed))
        elif not notice.is_described or notice == known:
            notice = known
        elif known.is_described:
            raise UsageError(
                "this text is kept already, in another language or for other purposes",
                hint="What people were shown never changes: write another text.",
            )
        elif (found := self._find(tables.notices.c.digest, notice.digest)) is not None:
            sealed = self._sealed_notice(found.id, notice)
            self._connection.execute(
                update(tables.notices).where(tables.notices.c.id == found.id).values(sealed=sealed)
            )
        self._known_notices[notice.digest] = notice
        return notice.digest

    def _check_version(self, notice: Notice) -> None:
        """The versions of a notice form a line: each but the first comes after one, and no two after the same."""
        if notice.replaces and self.notice(notice.replaces) is None:
            raise UsageError("the keep holds no notice that this one could replace", hint="Name it by its hash.")
        if notice.replaces and self.replacement_of(notice.replaces):
            raise UsageError(
                "this notice was replaced before", hint="Replace the newest version: facekeep notice list."
            )

    def add_case(self, title: str, purpose: Purpose, *, opened_by: str, opened: datetime, expires: datetime) -> CaseId:
        """Open a case.

        Raises:
            UsageError: there is already one with this title.
            FormatError: the title is too long or holds what cannot be written.
            ValueError: it would end before it begins.
        """
        title = normalised_label(title)
        if self._find(tables.cases.c.title, title) is not None:
            raise UsageError("there is already a case with this title")
        case = Case(CaseId(os.urandom(CASE_ID_BYTES)), title, purpose, opened_by, opened, expires)
        index = self._vault.index(tables.cases.c.title, title)
        self._connection.execute(insert(tables.cases).values(id=case.id, title=index, sealed=self._sealed_case(case)))
        return case.id

    def close_case(self, case: CaseId, when: datetime) -> None:
        """Close a case. One that is closed keeps the time at which it was.

        Raises:
            NotFoundError: there is no such case.
        """
        before = self.case(case)
        if before.closed is None:
            sealed = self._sealed_case(replace(before, closed=when))
            self._connection.execute(update(tables.cases).where(tables.cases.c.id == case).values(sealed=sealed))

    def remove_case(self, case: CaseId) -> None:
        """Forget a case. Nothing happens if there is none: it is gone as asked."""
        self._connection.execute(delete(tables.cases).where(tables.cases.c.id == case))
        self.scrub = True

    def add_client(
        self,
        name: str,
        scopes: Iterable[Scope],
        digest: bytes,
        *,
        created: datetime,
        expires: datetime,
        organisation: str = "",
    ) -> Client:
        """Record a machine client.

        Args:
            name: what operators call it.
            scopes: what it may do, at least one.
            digest: SHA-256 of its token, 32 bytes.
            created: now.
            expires: when its token ends.
            organisation: for whom it asks, "" for the keep's own.

        Raises:
            UsageError: there is already one with this name.
            FormatError: the name, or that of the organisation, is too long or holds what cannot be written.
            ValueError: it would end before it begins, or may do nothing.
        """
        name = normalised_label(name)
        if self._find(tables.clients.c.name, name) is not None:
            raise UsageError("there is already a client with this name", hint="Revoke it first, or take another.")
        identifier = ClientId(os.urandom(CLIENT_ID_BYTES))
        organisation = normalised_organisation(organisation)
        client = Client(identifier, name, frozenset(scopes), created, expires, organisation)
        record: dict[str, Value] = {
            "name": name,
            "scopes": sorted(client.scopes),
            "digest": digest,
            "created": write_time(created),
            "expires": write_time(expires),
            "organisation": organisation,
        }
        self._connection.execute(
            insert(tables.clients).values(
                id=client.id,
                name=self._vault.index(tables.clients.c.name, name),
                secret=self._vault.index(tables.clients.c.secret, digest),
                sealed=self._vault.root.seal(tables.clients.c.sealed, client.id, record),
            )
        )
        return client

    def remove_client(self, client: ClientId) -> None:
        """Forget a machine client. Nothing happens if there is none: it is gone as asked."""
        self._connection.execute(delete(tables.clients).where(tables.clients.c.id == client))
        self.scrub = True

    def add_request(self, digest: bytes, fingerprint: bytes, begun: datetime) -> RequestId:
        """Record that a request has begun.

        Raises:
            UsageError: there is one of this digest.
        """
        if self._find(tables.requests.c.request, digest) is not None:
            raise UsageError("there is already a request of this digest")
        request = KeptRequest(RequestId(os.urandom(REQUEST_ID_BYTES)), digest, fingerprint, begun, None)
        self._connection.execute(
            insert(tables.requests).values(
                id=request.id,
                request=self._vault.index(tables.requests.c.request, digest),
                sealed=self._sealed_request(request),
            )
        )
        return request.id

    def answer_request(self, request: RequestId, answer: KeptAnswer) -> None:
        """Record what was answered; of somebody who is erased already, that nobody knows it.

        Raises:
            NotFoundError: there is no such request, or not any more.
        """
        row = self._row(tables.requests.c.id, request)
        if row is None:
            raise NotFoundError("there is no such request")
        kept = replace(self._request_of(row), answer=answer)
        if answer.subject is not None and self._row(tables.subjects.c.id, answer.subject) is None:
            kept = _emptied(kept)
        self._write_request(kept)

    def _write_request(self, kept: KeptRequest) -> None:
        sealed = self._sealed_request(kept)
        self._connection.execute(update(tables.requests).where(tables.requests.c.id == kept.id).values(sealed=sealed))

    def remove_request(self, request: RequestId) -> None:
        """Forget a request. Nothing happens if there is none: it is gone as asked."""
        self._connection.execute(delete(tables.requests).where(tables.requests.c.id == request))
        self.scrub = True

    def forget_requests(self, until: datetime) -> None:
        """Forget the requests that began then or earlier. Opens every one: times are sealed."""
        for kept in self.requests():
            if kept.begun <= until:
                self.remove_request(kept.id)

    def journal_begin(
        self, kind: JournalKind, payload: Mapping[str, Value], *, subject: SubjectId | None = None
    ) -> TransactionId:
        """Begin a transaction over the three stores, as *prepared*.

        Args:
            kind: what it does.
            payload: the identifiers needed to undo or finish it; never a share, a template or a name.
            subject: whom it is about; the entry goes when that person is erased.

        Returns:
            Its identifier, 16 random bytes, by which the halves know it too.
        """
        number = self._state.journalled + 1
        transaction = TransactionId(os.urandom(TRANSACTION_BYTES))
        entry = JournalEntry(transaction, number, kind, JournalState.PREPARED, subject, payload)
        self._connection.execute(insert(tables.journal).values(id=transaction, sealed=self._sealed_entry(entry)))
        self._write_state(replace(self._state, journalled=number))
        return transaction

    def journal_mark(self, transaction: TransactionId, state: JournalState) -> None:
        """Record how far a transaction has come.

        Raises:
            NotFoundError: it has ended, or never begun.
        """
        row = self._row(tables.journal.c.id, transaction)
        if row is None:
            raise NotFoundError("the journal has no such transaction")
        sealed = self._sealed_entry(replace(self._entry_of(row), state=state))
        where = tables.journal.c.id == transaction
        self._connection.execute(update(tables.journal).where(where).values(sealed=sealed))

    def journal_end(self, transaction: TransactionId) -> None:
        """Forget a transaction that is done, or undone, in all three stores. Ending it twice changes nothing."""
        self._connection.execute(delete(tables.journal).where(tables.journal.c.id == transaction))

    def advance_generation(self) -> int:
        """Count one more thing that the three stores did together, and give the new count."""
        self._write_state(replace(self._state, generation=self._state.generation + 1))
        return self._state.generation

    def _set_ledgered(self, size: int) -> None:
        self._write_state(replace(self._state, ledgered=size))

    def _cells(self, subject: SubjectId) -> Cells:
        if subject not in self._known_cells:
            self._known_cells[subject] = super()._cells(subject)
        return self._known_cells[subject]

    def _write_state(self, state: State) -> None:
        sealed = self._vault.root.seal(tables.meta.c.sealed, self._vault.store, state_record(state))
        self._connection.execute(update(tables.meta).values(sealed=sealed))
        self._state = state

    def _sealed_notice(self, row: bytes, notice: Notice) -> bytes:
        return self._vault.root.seal(tables.notices.c.sealed, row, notice_record(notice))

    def _sealed_case(self, case: Case) -> bytes:
        record: dict[str, Value] = {
            "title": case.title,
            "purpose": case.purpose.value,
            "opened_by": case.opened_by,
            "opened": write_time(case.opened),
            "expires": write_time(case.expires),
            "closed": None if case.closed is None else write_time(case.closed),
        }
        return self._vault.root.seal(tables.cases.c.sealed, case.id, record)

    def _sealed_request(self, request: KeptRequest) -> bytes:
        answer = request.answer
        record: dict[str, Value] = {
            "digest": request.digest,
            "fingerprint": request.fingerprint,
            "begun": write_time(request.begun),
            "status": None if answer is None else answer.status,
            "body": None if answer is None else answer.body,
            "subject": None if answer is None else answer.subject,
        }
        return self._vault.root.seal(tables.requests.c.sealed, request.id, record)

    def _sealed_entry(self, entry: JournalEntry) -> bytes:
        return self._vault.root.seal(tables.journal.c.sealed, entry.id, record_of(entry))


def state_record(state: State) -> dict[str, Value]:
    """The registry's own record, as it is sealed."""
    return {
        "keep": state.keep,
        "model": state.model,
        "generation": state.generation,
        "journalled": state.journalled,
        "ledgered": state.ledgered,
        "switched_on": sorted(purpose.value for purpose in state.switched_on),
        **{name: getattr(state.consent_rules, name) for name in CONSENT_RULES},
        "retention": [
            (rule.law, rule.basis.value, None if rule.purpose is None else rule.purpose.value, rule.days)
            for rule in state.retention
        ],
    }


def _sealed_subject(subject: DataSubject, cells: Cells) -> bytes:
    attributes = sorted(subject.attributes.items())
    record: dict[str, Value] = {"label": subject.label, "name": subject.name, "attributes": attributes}
    return cells.seal(tables.subjects.c.sealed, subject.id, record)


def _sealed_consent(consent: Consent, row: bytes, cells: Cells) -> bytes:
    return cells.seal(tables.consents.c.sealed, row, consent_record(consent), least=CONSENT_BYTES)


def _emptied(kept: KeptRequest) -> KeptRequest:
    """A request of which nothing is known any more but its key, so that it is not done again."""
    return replace(kept, fingerprint=bytes(len(kept.fingerprint)), answer=None)

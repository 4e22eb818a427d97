"""Enrolment: pictures become references in the split gallery, with consent, in one transaction over three stores.

Invariant: of somebody who is known an enrolment records no consent. What the person withdrew stays withdrawn until the
person consents anew, which is an act of its own (service.rights).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from facekeep.domain.consent import KnownNotice, Notice, Purpose, purpose_bits
from facekeep.domain.evidence import UNTOLD, Circumstances
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.row import GALLERY_BYTES_MAX, Pseudonym, RowFlag, RowHead
from facekeep.domain.subject import NAME_MAX, SubjectId, is_text, normalised_label
from facekeep.domain.template import Template
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import (
    BadInputError,
    ConsentError,
    FacekeepError,
    FormatError,
    LabelTakenError,
    NotFoundError,
    UsageError,
)
from facekeep.service.acquisition import Acquisition
from facekeep.service.answers import Enrolment, EnrolOutcome, EnrolSummary
from facekeep.service.canary_labels import check_person
from facekeep.service.never_return import NeverReturn
from facekeep.service.opening import Roles
from facekeep.service.references import comparable
from facekeep.split.codes import FineCode, fine_code
from facekeep.split.statement import NEVER_RETURN
from facekeep.store.journal import JournalKind
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction

PICTURES_MAX = 16
_TOGETHER = 32
_NOTICE_MAX = 1_000_000


def check_notice(notice: str) -> None:
    """See to it that there is a notice, and that it can be kept.

    Raises:
        ConsentError: there is none.
        FormatError: it has over a million characters, or some that cannot be written.
    """
    if not notice.strip():
        raise ConsentError("consent needs the notice that the person was shown")
    if not is_text(notice, _NOTICE_MAX):
        raise FormatError("the notice is too long, or holds what cannot be written")


def resolved(notice: str | KnownNotice, registry: Registry) -> Notice:
    """The notice that is meant.

    Raises:
        ConsentError: there is none.
        FormatError: it has over a million characters, or some that cannot be written.
        UsageError: the keep holds none of this hash.
    """
    if isinstance(notice, str):
        check_notice(notice)
        return Notice(notice)
    found = registry.notice(notice.digest)
    if found is None:
        raise UsageError("the keep holds no notice of this hash", hint="Add the notice first, or give its text.")
    return found


def consent_entry(purpose: Purpose, notice: str, now: datetime, circumstances: Circumstances) -> LedgerEntry:
    """What the ledger has of a consent: no guardian by name, and no age."""
    facts = {"purpose": purpose.value, "notice": notice, "evidence": circumstances.evidence.written}
    facts["guardian"] = "no" if circumstances.guardian is None else "yes"
    return LedgerEntry(EntryKind.CONSENT_GIVEN, now, facts)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to enrol among many.

    Attributes:
        label: what operators call the person by.
        pictures: each is called once, when its turn comes, and gives the bytes of a picture.
        name: the name.
        circumstances: how the person's consent came about.
    """

    label: str = field(repr=False)
    pictures: Sequence[Callable[[], bytes]] = field(repr=False)
    name: str = field(default="", repr=False)
    circumstances: Circumstances = UNTOLD


@dataclass(frozen=True, slots=True)
class Terms:
    """What the people enrolled together agreed to.

    Attributes:
        purposes: at least one; none for further references of people who are known, under what they agreed to before.
            Somebody who is known has to consent to each of them already.
        notice: what they were shown, or None with no purposes; recorded of new people only.
        gallery: the group.
        operator: who enrols.
        new_only: whether nobody may be known by the label: then somebody who is gets no further references.
    """

    purposes: tuple[Purpose, ...]
    notice: Notice | None
    gallery: str
    operator: str
    new_only: bool = False

    def __post_init__(self) -> None:
        if self.notice is not None and not self.purposes:
            raise ConsentError("enrolment needs consent to at least one purpose")
        try:
            gallery = normalised_label(self.gallery)
        except FormatError:
            gallery = ""
        if gallery == NEVER_RETURN or not 1 <= len(gallery.encode()) <= GALLERY_BYTES_MAX:
            raise UsageError(f"the gallery has no name, one of over {GALLERY_BYTES_MAX} bytes, or one that is reserved")
        object.__setattr__(self, "gallery", gallery)


@dataclass(frozen=True, slots=True)
class Acquired:
    """A person whose pictures are fit: label and name in their normal form, and a template of each picture."""

    label: str = field(repr=False)
    name: str = field(repr=False)
    templates: tuple[Template, ...] = field(repr=False)
    circumstances: Circumstances = UNTOLD


@dataclass(frozen=True, slots=True)
class _Prepared:
    label: str
    name: str
    subject: SubjectId | None
    rows: tuple[tuple[RowHead, FineCode], ...] = field(repr=False)
    never_returned: bool
    circumstances: Circumstances


class EnrolmentService:
    """Enrols one person or many. The caller holds the keep's lock."""

    def __init__(self, roles: Roles, acquisition: Acquisition, never_return: NeverReturn) -> None:
        self._roles = roles
        self._acquisition = acquisition
        self._never_return = never_return

    def acquire(
        self,
        label: str,
        pictures: Sequence[bytes],
        name: str,
        circumstances: Circumstances = UNTOLD,
    ) -> Acquired:
        """What the pictures of one person give; needs no lock.

        Raises:
            BadInputError: one of them is not fit, or there are too many; or a name that cannot be written.
        """
        return self._acquire(Person(label, [partial(_same, picture) for picture in pictures], name, circumstances))

    def check_consent(self, label: str, circumstances: Circumstances, now: datetime) -> None:
        """See to it that a person who is new may consent so, before pictures are taken apart.

        Raises:
            ConsentError: the rules of the keep want a guardian, or none, or an age.
            UsageError: there is a guardian, and no age.
        """
        registry = self._roles.registry
        if registry.subject_by_label(normalised_label(label)) is None:
            registry.consent_rules().of_age(circumstances, now)

    def enrol(self, acquired: Acquired, terms: Terms, now: datetime) -> Enrolment:
        """Enrol one person; a person already known gets further references, and no consent.

        Raises:
            ConsentError: the person is known, and does not consent to one of the purposes at present; or is new, and
                the rules of the keep want a guardian, or none, or an age.
            UsageError: there is a guardian, and no age.
            LabelTakenError: the person is known, and only somebody new is to be enrolled.
        """
        self.check_consent(acquired.label, acquired.circumstances, now)
        prepared = self._prepare(acquired, terms, self._never_return.listed())
        self._commit([prepared], terms, now)
        return _answer(prepared, terms)

    def enrol_many(
        self,
        people: Iterable[Person],
        terms: Terms,
        clock: Callable[[], datetime],
        progress: Callable[[EnrolOutcome], None] | None,
    ) -> EnrolSummary:
        """Enrol people in transactions of some dozens; a person who fails does not stop the others.

        ``progress`` is told of a person when that person is acknowledged or has failed.
        """
        outcomes: list[EnrolOutcome] = []

        def tell(outcome: EnrolOutcome) -> None:
            outcomes.append(outcome)
            if progress is not None:
                progress(outcome)

        waiting = iter(people)
        while batch := list(islice(waiting, _TOGETHER)):
            prepared: list[_Prepared] = []
            listed = self._never_return.listed()
            for person in batch:
                try:
                    if any(other.label == normalised_label(person.label) for other in prepared):
                        raise UsageError("there are two people with this label")
                    self.check_consent(person.label, person.circumstances, clock())
                    prepared.append(self._prepare(self._acquire(person), terms, listed))
                except FacekeepError as error:
                    tell(EnrolOutcome(person.label, None, error))
            if prepared:
                self._commit(prepared, terms, clock())
            for one in prepared:
                tell(EnrolOutcome(one.label, _answer(one, terms), None))
        return EnrolSummary(tuple(outcomes))

    def _acquire(self, person: Person) -> Acquired:
        if not 1 <= len(person.pictures) <= PICTURES_MAX:
            raise BadInputError(f"a person is enrolled with 1 to {PICTURES_MAX} pictures", hint="Choose the best ones.")
        label = normalised_label(person.label)
        check_person(label)
        if not is_text(person.name, NAME_MAX):
            raise FormatError(f"a name has at most {NAME_MAX} characters")
        templates = tuple(self._acquisition.for_enrolment(picture()) for picture in person.pictures)
        return Acquired(label, person.name, templates, person.circumstances)

    def _prepare(self, acquired: Acquired, terms: Terms, listed: Set[SubjectId]) -> _Prepared:
        registry, templates = self._roles.registry, acquired.templates
        known = registry.subject_by_label(acquired.label)
        bits = purpose_bits(terms.purposes)
        hidden = False
        if known is None and terms.notice is None:
            raise NotFoundError("there is no such data subject")
        if known is not None and terms.new_only:
            raise _taken()  # the keep is the caller's alone, until all is on disk
        if known is not None:
            held = purpose_bits(consent.purpose for consent in registry.consents_of(known.id) if consent.holds)
            if bits & ~held:
                raise ConsentError(
                    "somebody of this label is known, and does not consent to one of these purposes at present",
                    hint="An enrolment gives no consent in place of one that is known. If the person consents anew, "
                    "record that first: facekeep consent give, or POST /v1/subjects/{subject}/consents.",
                )
            bits = held
            hidden = known.id in listed or self._is_hidden(known.id)
        if not bits:
            raise ConsentError("this person consents to nothing at present")
        hidden = hidden or (bool(listed) and self._never_return.knows(templates, terms.operator))
        flags = RowFlag.SUPPRESSED if hidden else RowFlag.NONE
        epoch = self._roles.left.epoch
        rows = tuple(_row(template, epoch, terms.gallery, bits, flags) for template in templates)
        subject = known.id if known else None
        return _Prepared(acquired.label, acquired.name, subject, rows, hidden, acquired.circumstances)

    def _is_hidden(self, subject: SubjectId) -> bool:
        """Whether a reference of a person is left out of 1:N searches: then the others have to be, too."""
        references = self._roles.registry.references_of(subject)
        heads = (self._roles.left.head_of(r.pseudonym) for r in comparable(references))
        return any(head is not None and head.flags & RowFlag.SUPPRESSED for head in heads)

    def _commit(self, prepared: Sequence[_Prepared], terms: Terms, now: datetime) -> None:
        rows = [row for one in prepared for row in one.rows]

        def decide(tx: Transaction) -> None:
            for one in prepared:
                subject = self._enrolled(tx, one, terms, now) if one.subject is None else one.subject
                if one.subject is not None:
                    tx.tell(Event(EventKind.REFERENCES_ADDED, now, {"subject": subject.hex()}))
                    facts = {"references": str(len(one.rows)), "operator": terms.operator}
                    tx.record([LedgerEntry(EntryKind.REFERENCES_ADDED, now, facts)], subject)
                for head, _ in one.rows:
                    tx.add_reference(
                        subject, head.pseudonym, gallery=head.gallery, model=self._acquisition.model, created=now
                    )

        self._roles.coordinator.run(
            JournalKind.ENROL,
            stage=lambda transaction: self._roles.gate.stage_enrol(transaction, rows),
            decide=decide,
            payload={"pseudonyms": [head.pseudonym.hex() for head, _ in rows]},
        )

    def _enrolled(self, tx: Transaction, one: _Prepared, terms: Terms, now: datetime) -> SubjectId:
        """Record somebody new, who consents by being enrolled."""
        if terms.notice is None:
            raise NotFoundError("there is no such data subject")
        subject, notice = tx.add_subject(one.label, one.name), tx.add_notice(terms.notice)
        tx.tell(Event(EventKind.SUBJECT_ENROLLED, now, {"subject": subject.hex()}))
        facts = {"references": str(len(one.rows)), "operator": terms.operator}
        entries = [LedgerEntry(EntryKind.ENROLLED, now, facts)]
        for purpose in terms.purposes:
            tx.give_consent(subject, purpose, notice, now, one.circumstances)
            tx.tell(Event(EventKind.CONSENT_GIVEN, now, {"subject": subject.hex(), "purpose": purpose}))
            entries.append(consent_entry(purpose, notice, now, one.circumstances))
        tx.record(entries, subject)
        return subject


def _taken() -> LabelTakenError:
    return LabelTakenError("somebody of this label is known")


def _same(picture: bytes) -> bytes:
    return picture


def _row(template: Template, epoch: int, gallery: str, bits: int, flags: RowFlag) -> tuple[RowHead, FineCode]:
    return RowHead(Pseudonym(os.urandom(16)), epoch, 0, gallery, bits, flags), fine_code(template.vector)


def _answer(prepared: _Prepared, terms: Terms) -> Enrolment:
    return Enrolment(prepared.label, len(prepared.rows), terms.gallery, terms.purposes, prepared.never_returned)

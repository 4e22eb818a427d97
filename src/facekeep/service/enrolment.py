"""Enrolment: pictures become references in the split gallery, with consent, in one transaction over three stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from facekeep.domain.consent import Notice, Purpose, purpose_bits
from facekeep.domain.row import Pseudonym, RowFlag, RowHead
from facekeep.domain.subject import SubjectId, normalised_label
from facekeep.domain.template import Template
from facekeep.errors import BadInputError, ConsentError, FacekeepError, UsageError
from facekeep.service.acquisition import Acquisition
from facekeep.service.answers import Enrolment, EnrolOutcome, EnrolSummary
from facekeep.service.never_return import NeverReturn
from facekeep.service.opening import Roles
from facekeep.split.codes import FineCode, fine_code
from facekeep.split.ticket import NEVER_RETURN
from facekeep.store.journal import JournalKind
from facekeep.store.transaction import Transaction

PICTURES_MAX = 16
_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to enrol among many.

    Attributes:
        label: what operators call the person by.
        pictures: each is called once, when its turn comes, and gives the bytes of a picture.
        name: the name.
    """

    label: str = field(repr=False)
    pictures: Sequence[Callable[[], bytes]] = field(repr=False)
    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the people enrolled together agreed to.

    Attributes:
        purposes: at least one.
        notice: the text that they were shown.
        gallery: the group.
        operator: who enrols.
    """

    purposes: tuple[Purpose, ...]
    notice: str = field(repr=False)
    gallery: str
    operator: str

    def __post_init__(self) -> None:
        if not self.purposes:
            raise ConsentError("enrolment needs consent to at least one purpose")
        if not self.notice.strip():
            raise ConsentError("enrolment needs the notice that the person was shown")
        if not self.gallery or self.gallery == NEVER_RETURN:
            raise UsageError("the gallery has no name, or one that is reserved")
        if not self.operator:
            raise UsageError("enrolment needs an operator")


@dataclass(frozen=True, slots=True)
class _Prepared:
    label: str
    name: str
    subject: SubjectId | None
    rows: tuple[tuple[RowHead, FineCode], ...] = field(repr=False)
    never_returned: bool


class EnrolmentService:
    """Enrols one person or many. The caller holds the keep's lock."""

    def __init__(self, roles: Roles, acquisition: Acquisition, never_return: NeverReturn) -> None:
        self._roles = roles
        self._acquisition = acquisition
        self._never_return = never_return

    def enrol(self, label: str, pictures: Sequence[bytes], name: str, terms: Terms, now: datetime) -> Enrolment:
        """Enrol one person; a person already known gets further references.

        Raises:
            BadInputError: a picture is not fit; nothing is enrolled then.
        """
        person = Person(label, [lambda picture=picture: picture for picture in pictures], name)  # type: ignore[misc]
        prepared = self._prepare(person, terms)
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
            for person in batch:
                try:
                    if any(other.label == normalised_label(person.label) for other in prepared):
                        raise UsageError("there are two people with this label")
                    prepared.append(self._prepare(person, terms))
                except FacekeepError as error:
                    tell(EnrolOutcome(person.label, None, error))
            if prepared:
                self._commit(prepared, terms, clock())
            for one in prepared:
                tell(EnrolOutcome(one.label, _answer(one, terms), None))
        return EnrolSummary(tuple(outcomes))

    def _prepare(self, person: Person, terms: Terms) -> _Prepared:
        if not 1 <= len(person.pictures) <= PICTURES_MAX:
            raise BadInputError(f"a person is enrolled with 1 to {PICTURES_MAX} pictures", hint="Choose the best ones.")
        label = normalised_label(person.label)
        registry = self._roles.registry
        known = registry.subject_by_label(label)
        templates = [self._acquisition.for_enrolment(picture()) for picture in person.pictures]
        bits = purpose_bits(terms.purposes)
        listed = False
        if known is not None:
            bits |= purpose_bits(consent.purpose for consent in registry.consents_of(known.id) if consent.holds)
            listed = known.id in registry.never_returned()
        listed = listed or any(self._never_return.knows(template, terms.operator) for template in templates)
        flags = RowFlag.SUPPRESSED if listed else RowFlag.NONE
        epoch = self._roles.left.epoch
        rows = tuple(_row(template, epoch, terms.gallery, bits, flags) for template in templates)
        return _Prepared(label, person.name, known.id if known else None, rows, listed)

    def _commit(self, prepared: Sequence[_Prepared], terms: Terms, now: datetime) -> None:
        rows = [row for one in prepared for row in one.rows]

        def decide(tx: Transaction) -> None:
            notice = tx.add_notice(Notice(terms.notice))
            for one in prepared:
                subject = one.subject if one.subject is not None else tx.add_subject(one.label, one.name)
                for purpose in terms.purposes:
                    tx.give_consent(subject, purpose, notice, now)
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


def _row(template: Template, epoch: int, gallery: str, bits: int, flags: RowFlag) -> tuple[RowHead, FineCode]:
    return RowHead(Pseudonym(os.urandom(16)), epoch, 0, gallery, bits, flags), fine_code(template.vector)


def _answer(prepared: _Prepared, terms: Terms) -> Enrolment:
    return Enrolment(prepared.label, len(prepared.rows), terms.gallery, terms.purposes, prepared.never_returned)

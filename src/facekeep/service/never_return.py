"""The list "never return me": people whom no 1:N search may give, whoever enrols them.

A person joins with a picture. It becomes a row of a gallery of its own, which no other purpose reaches; the person's
rows elsewhere are found by a search of this purpose and marked, so that both halves leave them out before they permute.
When rows are added later they are held against the list first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from facekeep.domain.comparison import Calibration
from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.row import Pseudonym, RowFlag, RowHead
from facekeep.domain.subject import SubjectId, normalised_label
from facekeep.domain.template import Template
from facekeep.errors import RefusedError
from facekeep.service.opening import Roles
from facekeep.service.references import comparable, head_of
from facekeep.split.codes import FineCode, fine_code
from facekeep.split.gate import Hit, Question
from facekeep.split.rows import NEVER_RETURN_BIT
from facekeep.split.statement import CANDIDATES_MAX, NEVER_RETURN
from facekeep.store.journal import JournalKind
from facekeep.store.transaction import Transaction

FALSE_ALARM_RATE = 0.01
"""How often a search for a person's rows may take out somebody else's."""


class NeverReturn:
    """Joins people to the list and holds new rows against it. The caller holds the keep's lock."""

    def __init__(self, roles: Roles, calibration: Calibration) -> None:
        self._roles = roles
        self._calibration = calibration

    def listed(self) -> frozenset[SubjectId]:
        """Who is on the list."""
        return frozenset(self._roles.registry.never_returned())

    def knows(self, templates: Sequence[Template], operator: str) -> bool:
        """Whether any of the templates is of somebody on the list. Each counts as a search of the operator."""
        return any(self._find([fine_code(template.vector) for template in templates], NEVER_RETURN, operator))

    def join(self, label: str, template: Template, operator: str, now: datetime) -> int:
        """Put a person on the list, enrolled or not.

        The person's rows are marked before the person is listed: whoever is found listed, after a crash or a refusal
        on the way, has no row that was not marked.

        Returns:
            How many references are taken out of 1:N searches by it.
        """
        label = normalised_label(label)
        fine = fine_code(template.vector)
        taken = 0
        while hits := self._find([fine], "", operator)[0]:
            taken += self._suppress([hit.pseudonym for hit in hits])
        own = self._roles.registry.subject_by_label(label)
        if own is not None:
            rows = [r.pseudonym for r in comparable(self._roles.registry.references_of(own.id))]
            taken += self._suppress(rows)
        self._add(label, template, operator, now)
        return taken

    def join_known(
        self, subject: SubjectId, operator: str, now: datetime, because: Mapping[str, str] = MappingProxyType({})
    ) -> int:
        """Put an enrolled person on the list without a picture: the person's own rows are taken out.

        What others enrolled of the person under another label is not found, now or later: that takes a picture.

        Args:
            subject: who joins.
            operator: who records it, as the ledger knows operators; "" if the person does.
            now: the time.
            because: what else the ledger tells of it.

        Returns:
            How many references are taken out of 1:N searches by it.
        """
        rows = [r.pseudonym for r in comparable(self._roles.registry.references_of(subject))]
        taken = self._suppress(rows)  # before the person is listed, as in join
        if subject not in self.listed():
            with self._roles.registry.transaction() as tx:
                tx.join_never_return(subject, now)
                tx.record([deed(EntryKind.NEVER_RETURN_JOINED, now, operator, **because)], subject)
        return taken

    def _find(self, fines: Sequence[FineCode], gallery: str, operator: str) -> list[tuple[Hit, ...]]:
        rows = len(self._roles.left)
        level = self._calibration.level_for_fpir(FALSE_ALARM_RATE, rows)
        if level is None:
            level = len(self._calibration.levels) - 1
        question = Question(NEVER_RETURN, level, operator, gallery=gallery, candidates=CANDIDATES_MAX)
        found = []
        for answer in self._roles.gate.search_many([(question, fine) for fine in fines]):
            if isinstance(answer, RefusedError):
                raise answer
            found.append(answer)
        return found

    def _add(self, label: str, template: Template, operator: str, now: datetime) -> None:
        registry = self._roles.registry
        known = registry.subject_by_label(label)
        head = RowHead(
            Pseudonym(os.urandom(16)), self._roles.left.epoch, 0, NEVER_RETURN, NEVER_RETURN_BIT, RowFlag.NONE
        )

        def decide(tx: Transaction) -> None:
            subject: SubjectId = known.id if known is not None else tx.add_subject(label)
            tx.add_reference(subject, head.pseudonym, gallery=NEVER_RETURN, model=template.model, created=now)
            tx.join_never_return(subject, now)
            tx.record([deed(EntryKind.NEVER_RETURN_JOINED, now, operator)], subject)

        self._roles.coordinator.run(
            JournalKind.NEVER_RETURN,
            stage=lambda t: self._roles.gate.stage_enrol(t, [(head, fine_code(template.vector))]),
            decide=decide,
            payload={"pseudonyms": [head.pseudonym.hex()]},
        )

    def _suppress(self, pseudonyms: list[Pseudonym]) -> int:
        """Mark rows that are not marked yet; how many."""
        marks = []
        for pseudonym in pseudonyms:
            head = head_of(self._roles, pseudonym)
            if not head.flags & RowFlag.SUPPRESSED:
                marks.append((pseudonym, head.purposes, head.flags | RowFlag.SUPPRESSED))
        if marks:
            self._roles.coordinator.run_on_halves(
                JournalKind.NEVER_RETURN, lambda half, transaction: half.stage_marks(transaction, marks)
            )
        return len(marks)

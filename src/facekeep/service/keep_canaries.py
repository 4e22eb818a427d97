"""The part of a keep that watches itself by canaries. See service.canaries for what they catch."""

from __future__ import annotations

import os
from collections.abc import Sequence

from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.evidence import GUARDIAN_UNDER_MAX, Circumstances
from facekeep.domain.template import Template
from facekeep.errors import BudgetError, UnavailableError, UsageError
from facekeep.service.acquisition import Probe
from facekeep.service.canaries import (
    NOTICE,
    OPERATOR,
    Canaries,
    CanaryFault,
    CanaryReport,
    Vector,
    verifies,
)
from facekeep.service.canary_labels import CANARIES_MAX, label_of
from facekeep.service.comparison import Answer
from facekeep.service.enrolment import Acquired, EnrolmentService, Terms
from facekeep.service.keep_signing import Asked, KeepSigning
from facekeep.split.rules import VERIFY_FMR_MAX

_GROWN_UP = Circumstances(age=GUARDIAN_UNDER_MAX)
"""Of canaries, which are nobody and have no guardian, whatever a keep asks of people."""


class KeepCanaries(KeepSigning):
    """A keep that stops its searches once a canary was answered wrongly. See :class:`facekeep.service.keep.Keep`."""

    _enrolment: EnrolmentService

    def _begin(self) -> None:
        super()._begin()
        self._canaries = Canaries(self._calibration, self._secret, self._acquisition.dimension)
        self._canary_fault: CanaryFault | None = None

    def plant_canaries(self, count: int = 4, *, gallery: str = "main") -> int:
        """Enrol canaries, references of nobody; they count as people and as references. Gives how many are new.

        Args:
            count: how many there shall be, 1 to 16.
            gallery: where.

        Raises:
            UsageError: too many, or a person has the label of one.
        """
        if not 1 <= count <= CANARIES_MAX:
            raise UsageError(f"a keep has 1 to {CANARIES_MAX} canaries")
        with self._using():
            purposes = tuple(p for p, on in self._roles.registry.switches().items() if on) or (Purpose.VERIFY,)
            terms = Terms(purposes, Notice(NOTICE), gallery, self._comparison.operator(OPERATOR))
            planted = 0
            for number in range(1, count + 1):
                if self._roles.registry.subject_by_label(label_of(number)) is None:
                    template = Template(self._canaries.embedding(number), self._acquisition.model)
                    canary = Acquired(label_of(number), "", (template,), _GROWN_UP)
                    self._enrolment.enrol(canary, terms, self._now())
                    planted += 1
            return planted

    def ask_canaries(self) -> CanaryReport:
        """Ask for a canary as for anybody. After a wrong answer no search is made until the keep is opened anew."""
        with self._reading():
            desk = next((key for key in self._roles.left.operators() if key.id == self._roles.desk.id), None)
            may = verifies(dict(self._roles.registry.switches()), 0 if desk is None else desk.purposes)
            operator = self._comparison.operator(OPERATOR)
            report = self._canaries.ask(self._roles, operator, self._verify_canary if may else None)
        if report.fault is not None:
            self._canary_fault = report.fault
        return report

    def _verify_canary(self, label: str, vector: Vector) -> bool | None:
        subject = self._roles.registry.subject_by_label(label)
        if subject is None or Purpose.VERIFY not in self._roles.registry.allowed_purposes(subject.id):
            return None  # planted while the purpose was off: a "no" would be right
        claimed = self._comparison.claim(label, VERIFY_FMR_MAX, Purpose.VERIFY, OPERATOR)
        probe = Probe(Template(vector, self._acquisition.model), crop=os.urandom(32))
        search = self._prepared(probe, claimed.questions, claimed, self._key_of(None))
        answers = self._roles.gate.search_many(self._signed(search, None))
        if any(isinstance(answer, BudgetError) for answer in answers):
            return None
        return self._comparison.verified(answers).verified

    def check_canaries(self) -> None:
        """Whether searches may be made.

        Raises:
            UnavailableError: a canary was answered wrongly.
        """
        if self._canary_fault is not None:
            raise UnavailableError(
                f"searches are stopped: a canary was answered wrongly ({self._canary_fault})",
                hint="Find out which half is wrong or was swapped: facekeep doctor. Then open the keep anew.",
            )

    def _search(self, asked: Sequence[Asked]) -> list[Answer]:
        self.check_canaries()
        return super()._search(asked)

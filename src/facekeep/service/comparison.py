"""Verification (1:1) and identification (1:N): a probe in, bands and people out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from facekeep.domain.accounts import Operator
from facekeep.domain.comparison import Calibration, Level
from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import Case, CaseId
from facekeep.domain.subject import SubjectId, normalised_label
from facekeep.errors import BudgetError, FormatError, NotFoundError, PurposeOffError, RefusedError, UsageError
from facekeep.service.answers import Identification, IdentifiedCandidate, Verification
from facekeep.service.opening import Roles
from facekeep.service.pseudonyms import pseudonym_of
from facekeep.service.references import comparable
from facekeep.split.codes import FineCode
from facekeep.split.gate import Hit, Question
from facekeep.split.rules import NEEDS_CASE, VERIFY_FMR_MAX
from facekeep.split.statement import CANDIDATES_MAX, CLAIM_ROWS, NEVER_RETURN

_ROUNDING = 1 + 1e-9

Answer = tuple[Hit, ...] | RefusedError
"""Of the gate, to one question."""


@dataclass(frozen=True, slots=True)
class Search:
    """What an identification is asked for.

    Attributes:
        operator: who asks.
        case: title of an open case; "" for purposes that need none.
        fpir: false positive identification rate of the whole search, 0 < fpir < 1.
        gallery: the only group to search, "" for all.
        candidates: how many people at most, 1 to 10.
        purpose: a purpose of 1:N search.
    """

    operator: Operator = field(repr=False)
    case: str = field(default="", repr=False)
    fpir: float = 0.01
    gallery: str = ""
    candidates: int = 5
    purpose: Purpose = Purpose.IDENTIFY

    def __post_init__(self) -> None:
        if not 0 < self.fpir < 1:
            raise UsageError("the false positive identification rate lies between 0 and 1", hint="For example 0.01.")
        if not 1 <= self.candidates <= CANDIDATES_MAX:
            raise UsageError(f"a search gives 1 to {CANDIDATES_MAX} candidates")
        if self.purpose.is_one_to_one:
            raise UsageError("this purpose compares with one person only", hint="Verify instead of identifying.")
        if self.gallery:
            object.__setattr__(self, "gallery", normalised_label(self.gallery))
        if self.gallery == NEVER_RETURN:
            raise UsageError("this gallery is reserved")


@dataclass(frozen=True, slots=True)
class Planned:
    """A search that may be made.

    Attributes:
        question: for the halves.
        purpose: of the search.
        fmr: false match rate of each comparison that keeps the whole search below the rate asked for.
        searched: references in the keep.
    """

    question: Question = field(repr=False)
    purpose: Purpose
    fmr: float
    searched: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim that may be looked into.

    Attributes:
        questions: one for each reference of the person; for somebody absent one about a row that nobody has.
        level: the laxest threshold of the rate that was asked for. It tells nothing of the number of references.
        subject: who is claimed, whether or not they consent; None if nobody has the label.
    """

    questions: tuple[Question, ...] = field(repr=False)
    level: int
    subject: SubjectId | None = field(repr=False)


class ComparisonService:
    """What is asked of the halves, and what their answers mean. The caller holds the keep's lock."""

    def __init__(self, roles: Roles, calibration: Calibration, secret: bytes) -> None:
        """Be ready.

        Args:
            roles: of the keep.
            calibration: of the keep's model.
            secret: keys the pseudonyms of operators, 32 bytes.
        """
        self._roles = roles
        self._calibration = calibration
        self._secret = secret

    def operator(self, who: Operator) -> str:
        """The pseudonym by which the halves know an operator. See :func:`pseudonym_of`."""
        return pseudonym_of(self._secret, who)

    # Verification

    def claim(self, label: str, fmr: float, purpose: Purpose, operator: Operator) -> Claimed:
        """What to ask about a claim: one question for each reference of the person.

        The rate asked for is shared between the references, so that more of them do not let more strangers pass. Of
        more references than the strictest threshold can serve, or a statement can claim (16), the newest are
        compared: a refusal would tell them.

        Raises:
            UsageError: the rate or the purpose is not one of verification.
        """
        asked_by = self.operator(operator)
        laxest = self._level_of(fmr)
        if not purpose.is_one_to_one:
            raise UsageError("this purpose searches a gallery", hint="Identify instead of verifying.")
        subject = self._subject_of(label)
        rows = self._rows_of(subject, purpose)[-CLAIM_ROWS:]
        while (level := self._calibration.level_for_fmr(fmr / len(rows))) is None:
            rows = rows[1:]  # one is left at the least, for its level is known
        return Claimed(tuple(Question(purpose.value, level, asked_by, row=row) for row in rows), laxest, subject)

    def verified(self, answers: Sequence[Answer]) -> Verification:
        """What the answers to the questions of a claim mean.

        Raises:
            RefusedError: a half refused, for another reason than a lock.
        """
        band = 0
        for answer in answers:
            if isinstance(answer, BudgetError):
                continue  # a locked reference and a non-match look alike
            if isinstance(answer, RefusedError):
                raise answer
            band = max([band, *(hit.band for hit in answer)])
        if band == 0:
            return Verification(False)
        passed = self._level(band)
        return Verification(True, one_in=passed.one_in // len(answers), extrapolated=passed.extrapolated)

    def level_of_pair(self, fmr: float, operator: Operator) -> int:
        """The level at which two pictures may be compared.

        Raises:
            UsageError: the rate is not one of verification, or nobody asks.
            PurposeOffError: verification is switched off.
        """
        self.operator(operator)
        if not self._roles.registry.switches()[Purpose.VERIFY]:
            raise PurposeOffError("the purpose is switched off")
        return self._level_of(fmr)

    def alike(self, first: FineCode, second: FineCode, level: int) -> Verification:
        """Whether two codes are of one person, as the halves would say it of a probe and a reference."""
        score = int(first.astype(np.int64) @ second.astype(np.int64))
        if score < self._calibration.integer_thresholds()[level]:
            return Verification(False)
        # No stricter level is told than was asked for, as of a reference: levels are a coarse score (ADR 5).
        passed = self._calibration.levels[level]
        return Verification(True, one_in=passed.one_in, extrapolated=passed.extrapolated)

    def _level_of(self, fmr: float) -> int:
        if not 0 < fmr <= VERIFY_FMR_MAX * _ROUNDING:
            raise UsageError(
                "verification takes a false match rate above 0 and at most 1e-4", hint="For example --fmr 1e-4."
            )
        level = self._calibration.level_for_fmr(fmr)
        if level is None:
            raise UsageError(
                "the calibration of this model knows no threshold that strict", hint="Ask for a higher rate."
            )
        return level

    def _subject_of(self, label: str) -> SubjectId | None:
        try:
            subject = self._roles.registry.subject_by_label(normalised_label(label))
        except FormatError:
            return None
        return None if subject is None else subject.id

    def _rows_of(self, subject: SubjectId | None, purpose: Purpose) -> list[Pseudonym]:
        """The rows to compare with, oldest first; for somebody absent, or without consent, a row that nobody has."""
        nobody = [Pseudonym(os.urandom(16))]
        if subject is None or purpose not in self._roles.registry.allowed_purposes(subject):
            return nobody
        references = self._roles.registry.references_of(subject)
        return [r.pseudonym for r in comparable(references)] or nobody

    # Identification

    def plan(self, search: Search, now: datetime) -> Planned:
        """What to ask for a search.

        Raises:
            RefusedError: the case does not fit.
            NotFoundError: there is no such case.
            UsageError: no threshold is strict enough, or a case is missing.
        """
        asked_by = self.operator(search.operator)
        case = self._case(search, now)
        rows = len(self._roles.left)
        level = self._calibration.level_for_fpir(search.fpir, rows)
        if level is None:
            raise UsageError(
                "the calibration of this model knows no threshold strict enough for so large a gallery",
                hint="Ask for a higher false positive identification rate, or search a smaller gallery.",
            )
        question = Question(
            search.purpose.value,
            level,
            asked_by,
            case=case,
            gallery=search.gallery,
            candidates=search.candidates,
        )
        return Planned(question, search.purpose, self._calibration.levels[level].fmr, rows)

    def check_case(self, planned: Planned, now: datetime) -> None:
        """Whether the case of a search that was planned before is still open.

        Raises:
            RefusedError: it is not.
        """
        if planned.question.case:
            _check_open(self._roles.registry.case(CaseId(bytes.fromhex(planned.question.case))), planned.purpose, now)

    def found(self, answer: Answer) -> tuple[SubjectId, ...]:
        """Whom an answer is about, each once; consents are looked at later.

        Raises:
            RefusedError: a half refused the search.
        """
        if isinstance(answer, RefusedError):
            raise answer
        subjects = (self._roles.registry.subject_of_pseudonym(hit.pseudonym) for hit in answer)
        return tuple(dict.fromkeys(subject for subject in subjects if subject is not None))

    def identified(self, planned: Planned, answer: Answer) -> Identification:
        """What the answer to a search means.

        Raises:
            RefusedError: a half refused it.
        """
        if isinstance(answer, RefusedError):
            raise answer
        return Identification(self._people(answer, planned.purpose), planned.fmr, planned.searched)

    def _case(self, search: Search, now: datetime) -> str:
        if not search.case:
            if search.purpose in NEEDS_CASE:
                raise UsageError("this purpose needs a case", hint="Open one: facekeep case open TITLE.")
            return ""
        case = self._roles.registry.case_by_title(search.case)
        if case is None:
            raise NotFoundError("there is no such case", hint="Open one: facekeep case open TITLE.")
        _check_open(case, search.purpose, now)
        return case.id.hex()

    def _people(self, hits: Sequence[Hit], purpose: Purpose) -> tuple[IdentifiedCandidate, ...]:
        registry = self._roles.registry
        people: dict[bytes, IdentifiedCandidate] = {}
        for hit in hits:
            subject = registry.subject_of_pseudonym(hit.pseudonym)
            if subject is None or subject in people or purpose not in registry.allowed_purposes(subject):
                continue
            person, passed = registry.subject(subject), self._level(hit.band)
            people[subject] = IdentifiedCandidate(person.label, person.name, passed.one_in, passed.extrapolated)
        return tuple(people.values())

    def _level(self, band: int) -> Level:
        return self._calibration.levels[band - 1]


def _check_open(case: Case, purpose: Purpose, now: datetime) -> None:
    if not case.is_open(now) or case.purpose is not purpose:
        raise RefusedError(
            "the case is closed, has expired, or is for another purpose", hint="Open a new case for this purpose."
        )

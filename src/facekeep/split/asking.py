"""From a question to what can be asked of the halves: a statement, its signature, and a search for each claimed row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from facekeep.domain.row import Pseudonym
from facekeep.errors import UsageError
from facekeep.split.approval import Approval
from facekeep.split.statement import Claim


@dataclass(frozen=True, slots=True)
class Question:
    """What to ask, before an operator signs it. See split.statement.Statement for the fields."""

    purpose: str
    level: int
    operator: str
    case: str = ""
    gallery: str = ""
    row: Pseudonym | None = None
    candidates: int = 1


class Signer(Protocol):
    """Who signs statements (split.approval.ClientKey)."""

    @property
    def id(self) -> str:
        """Identifier of the key."""
        ...

    def approve(self, statement: bytes) -> Approval:
        """The signature over a statement."""
        ...


@dataclass(frozen=True, slots=True)
class Approved:
    """One search that an operator signed.

    Attributes:
        question: what is asked.
        statement: what was signed.
        approval: the signature.
        opening: of the claim, for 1:1.
        nonce: names the search.
    """

    question: Question
    statement: bytes = field(repr=False)
    approval: Approval = field(repr=False)
    opening: bytes = field(repr=False)
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Prepared:
    """Searches of one probe that wait for an operator's signature.

    Attributes:
        questions: one 1:N question, or those of a claim, one for each reference.
        statement: payload to be signed.
        claim: of 1:1.
        nonces: of the searches.
        expires: when the statement ends, seconds since 1970, UTC.
    """

    questions: tuple[Question, ...] = field(repr=False)
    statement: bytes = field(repr=False)
    claim: Claim | None = field(repr=False)
    nonces: tuple[bytes, ...]
    expires: int

    def approved(self, approval: Approval) -> list[Approved]:
        """The searches, signed."""
        return [
            Approved(
                question, self.statement, approval, b"" if self.claim is None else self.claim.opening(place), nonce
            )
            for place, (question, nonce) in enumerate(zip(self.questions, self.nonces, strict=True))
        ]


def claim_of(questions: Sequence[Question]) -> Claim | None:
    """The claim of questions that differ in their rows alone; None for one 1:N question.

    Raises:
        UsageError: they are of other kinds.
    """
    rows = [question.row for question in questions if question.row is not None]
    if not rows and len(questions) == 1:
        return None
    alike = {(q.purpose, q.operator, q.case, q.gallery, q.candidates) for q in questions}
    if len(rows) != len(questions) or len(alike) != 1:
        raise UsageError("a statement is for one search of a gallery, or for one claim")
    return Claim.of(rows)

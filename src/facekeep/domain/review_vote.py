"""How votes make a decision: four eyes, and a third pair where they disagree.

Invariants: no single vote decides; a reviewer votes once in a review, over both rounds; whoever voted against a third
is outvoted by two, and three that all differ leave it undecided (``unusable``). A hit of a search counts when two
different people compared the faces and said that they are of one person, and not before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import EYES, Decision, Review, ReviewKind, Vote
from facekeep.domain.subject import SubjectId

__all__ = ["ConfirmedHit", "decision_of", "missing"]

_MOST: Final = EYES + 1


def decision_of(votes: Sequence[Vote]) -> Decision | None:
    """What the votes of one round decide; None while somebody has to vote.

    Raises:
        ValueError: a reviewer voted twice.
    """
    if len({vote.reviewer for vote in votes}) != len(votes):
        raise ValueError("a reviewer votes once")
    if len(votes) < EYES:
        return None
    decision, count = Counter(vote.decision for vote in votes).most_common(1)[0]
    if count >= EYES:
        return decision
    return Decision.UNUSABLE if len(votes) >= _MOST else None


@dataclass(frozen=True, slots=True)
class ConfirmedHit:
    """That a candidate of a search is the person. There is none without two different people who compared the faces.

    Attributes:
        subject: the candidate.
        reviewers: the accounts that confirmed it, different ones.
    """

    subject: SubjectId
    reviewers: tuple[AccountId, ...]

    def __post_init__(self) -> None:
        if len(set(self.reviewers)) < EYES:
            raise ValueError("a hit takes two different people")

    @classmethod
    def of(cls, review: Review) -> ConfirmedHit:
        """The hit that a review confirms.

        Raises:
            ValueError: it confirms none: it compares nothing, is about nobody, or people did not say so, or not yet.
        """
        if review.kind is not ReviewKind.COMPARISON or review.subject is None or review.known is not None:
            raise ValueError("this review confirms no hit of a search")
        if review.decision is not Decision.SAME_PERSON:
            raise ValueError("people did not say that it is the same person")
        return cls(review.subject, tuple(v.reviewer for v in review.ballots if v.decision is Decision.SAME_PERSON))


def missing(votes: Sequence[Vote]) -> int:
    """How many votes are missing, as far as is known: two, one, or one more after a disagreement; 0 when decided."""
    if decision_of(votes) is not None:
        return 0
    return EYES - len(votes) if len(votes) < EYES else _MOST - len(votes)

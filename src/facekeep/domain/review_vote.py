"""How votes make a decision: four eyes, and a third pair where they disagree.

Invariants: no single vote decides; a reviewer votes once in a review, over both rounds; whoever voted against a third
is outvoted by two, and three that all differ leave it undecided (``unusable``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from facekeep.domain.accounts import AccountId
from facekeep.domain.review import Decision, Vote

__all__ = ["EYES", "FinalRefusal", "decision_of", "missing"]

EYES: Final = 2
"""Reviewers who have to agree."""
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


def missing(votes: Sequence[Vote]) -> int:
    """How many votes are missing, as far as is known: two, one, or one more after a disagreement; 0 when decided."""
    if decision_of(votes) is not None:
        return 0
    return EYES - len(votes) if len(votes) < EYES else _MOST - len(votes)


@dataclass(frozen=True, slots=True)
class FinalRefusal:
    """That somebody is refused for good. There is none without two different people who decided so.

    Attributes:
        decision: what they decided.
        reviewers: the accounts that decided it, different ones.
    """

    decision: Decision
    reviewers: tuple[AccountId, ...]

    def __post_init__(self) -> None:
        if self.decision not in (Decision.ATTACK, Decision.ANOTHER_PERSON):
            raise ValueError("this is no refusal")
        if len(set(self.reviewers)) < EYES:
            raise ValueError("a refusal that is final takes two different people")

    @classmethod
    def of(cls, decision: Decision, votes: Sequence[Vote]) -> FinalRefusal:
        """The refusal that votes make.

        Raises:
            ValueError: they make none.
        """
        return cls(decision, tuple(vote.reviewer for vote in votes if vote.decision is decision))

"""How votes make a decision: four eyes, and a third pair where they disagree.

Invariants: no single vote decides; a reviewer votes once in a review, over both rounds; whoever voted against a third
is outvoted by two, and three that all differ leave it undecided (``unusable``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from facekeep.domain.review import EYES, Decision, Vote

__all__ = ["decision_of", "missing"]

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

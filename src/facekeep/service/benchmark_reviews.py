"""A keep with many open reviews of two organisations, for timing how they are listed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from facekeep.domain.accounts import AccountId, Role
from facekeep.domain.review import REVIEW_ID_BYTES, Review, ReviewId, ReviewKind, ReviewReason, deadline_at
from facekeep.errors import UsageError
from facekeep.service.keep import Keep

__all__ = ["RARE", "REVIEWS_MAX", "Reviewed", "filled_keep"]

REVIEWS_MAX: Final = 100_000
RARE: Final = ReviewReason.APPEAL
"""A reason that one review of fifty has."""

_ORGANISATIONS: Final = ("", "another organisation")
_RARE_OF, _URGENT_OF = 50, 20
_BATCH: Final = 500
_HOURS: Final = (2, 168)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was made.

    Attributes:
        session: secret of a session of a reviewer of the keep's own organisation.
        own: reviews of this organisation.
    """

    session: str = field(repr=False)
    own: int


class _Filled(Keep):
    """A keep that takes reviews many at a time, as no user can file them."""

    def fill(self, reviews: Sequence[Review]) -> None:
        """Record reviews without evidence."""
        with self._using(), self._roles.registry.transaction() as tx:
            for review in reviews:
                tx.add_review(review, "{}")


def filled_keep(
    directory: Path, reviews: int, progress: Callable[[int, int], None] | None = None, *, seed: int = 1
) -> Reviewed:
    """Make a keep with open reviews, half of them of another organisation, and close it.

    Args:
        directory: an empty or new folder.
        reviews: 1 to 100,000.
        progress: called with the reviews made and all reviews.
        seed: of their identifiers, reasons and deadlines.

    Raises:
        UsageError: there are too many, or none.
    """
    if not 1 <= reviews <= REVIEWS_MAX:
        raise UsageError(f"there are 1 to {REVIEWS_MAX:,} reviews")
    rng = random.Random(seed)  # noqa: S311 - nothing of it is secret
    now = datetime.now().astimezone()
    with _Filled.create(directory) as keep:
        account = keep.invite("reviewer", [Role.REVIEWER]).account
        session, _ = keep.begin_session(account.id)
        for first in range(0, reviews, _BATCH):
            numbers = range(first, min(first + _BATCH, reviews))
            keep.fill([_review(number, now, rng) for number in numbers])
            if progress is not None:
                progress(numbers[-1] + 1, reviews)
    return Reviewed(session, (reviews + 1) // 2)


def _review(number: int, now: datetime, rng: random.Random) -> Review:
    urgent = (ReviewReason.EYES_CLOSED,) if rng.randrange(_URGENT_OF) == 0 else ()
    rare = (RARE,) if number // 2 % _RARE_OF == 0 else ()
    return Review(
        id=ReviewId(rng.randbytes(REVIEW_ID_BYTES)),
        kind=rng.choice(list(ReviewKind)),
        reasons=(*urgent, ReviewReason.INCONCLUSIVE, *rare),
        organisation=_ORGANISATIONS[number % 2],
        subject=None,
        owner=AccountId(bytes(16)),
        owner_kind="client",
        pictures=(),
        created=now,
        deadline=deadline_at(now, timedelta(hours=rng.randint(*_HOURS))),
    )

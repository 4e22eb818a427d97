"""What commands about reviews work at: the keep on this machine, or one that is served elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import typer

from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import connected
from facekeep.interfaces.cli.place import Place

if TYPE_CHECKING:
    from facekeep.client import Client, ReviewDetails, ReviewFigures
    from facekeep.domain.accounts import Account
    from facekeep.domain.review import Decision, ReviewKind, ReviewReason
    from facekeep.service.keep import Keep
    from facekeep.service.review_filing import ReviewFiling

__all__ = ["ReviewDesk", "review_desk"]


class ReviewDesk(Protocol):
    """See :class:`facekeep.client.Client` for what each of these means and raises."""

    def file_review(self, kind: ReviewKind, probes: Sequence[bytes], reference: bytes, *, label: str, days: int) -> str:
        """Have people decide; gives the review's identifier."""

    def file_known_review(
        self,
        kind: ReviewKind,
        answer: Decision,
        probes: Sequence[bytes],
        reference: bytes,
        reasons: Sequence[ReviewReason],
    ) -> str:
        """Have people decide what is known; gives the review's identifier."""

    def review(self, review: str) -> ReviewDetails:
        """A review of one's own."""

    def withdraw_review(self, review: str) -> None:
        """Take it back."""

    def review_statistics(self, days: int) -> ReviewFigures:
        """How reviews go."""


@contextmanager
def review_desk(
    context: typer.Context, place: Place, *, account: str = "", organisation: str = ""
) -> Iterator[ReviewDesk]:
    """Work at a place until the block ends.

    Args:
        context: of the command.
        place: where.
        account: name of the account that files, on this machine; a server knows who asks by the token.
        organisation: whose statistics, on this machine; a server tells those of the token's.

    Raises:
        UsageError: no place was named, or more than one; or an account or an organisation for a server.
    """
    parts = composition(context)
    address = place.served(parts.settings)
    if address is None:
        with parts.open(place.keep) as keep:
            yield _Here(keep, account, organisation)
        return
    if account or organisation:
        raise UsageError("a server knows who asks by the token", hint="Leave --account and --organisation away.")
    with connected(parts, place, address) as client:
        yield _There(client)


class _Here:
    """By an open keep, in the name of an account."""

    def __init__(self, keep: Keep, account: str, organisation: str) -> None:
        self._keep, self._account, self._organisation = keep, account, organisation

    def file_review(self, kind: ReviewKind, probes: Sequence[bytes], reference: bytes, *, label: str, days: int) -> str:
        """See :class:`ReviewDesk`."""
        subject = self._keep.subject(label).id if label else ""
        length = timedelta(days=days)
        filed = self._filing().file(kind, probes, reference, owner=self._owner(), subject=subject, length=length)
        return filed.id.hex()

    def file_known_review(
        self,
        kind: ReviewKind,
        answer: Decision,
        probes: Sequence[bytes],
        reference: bytes,
        reasons: Sequence[ReviewReason],
    ) -> str:
        """See :class:`ReviewDesk`."""
        owner = self._owner()
        return self._filing().file(kind, probes, reference, owner=owner, known=answer, reasons=reasons).id.hex()

    def review(self, review: str) -> ReviewDetails:
        """See :class:`ReviewDesk`."""
        from facekeep.client import ReviewDetails, ReviewVote
        from facekeep.domain.review import ReviewState
        from facekeep.domain.review_vote import missing

        found = self._keep.review_filed(review, owner=self._owner())
        decided = found.state is ReviewState.DECIDED
        return ReviewDetails(
            id=found.id.hex(),
            kind=found.kind,
            reasons=found.reasons,
            state=found.state,
            round=found.round,
            created=found.created,
            deadline=found.deadline,
            votes_missing=missing(found.ballots) if found.state is ReviewState.OPEN else 0,
            pictures=tuple(picture.role for picture in found.pictures),
            decision=found.decision,
            decided=found.decided,
            votes=tuple(ReviewVote(vote.decision, vote.code, vote.time) for vote in found.ballots if decided),
        )

    def withdraw_review(self, review: str) -> None:
        """See :class:`ReviewDesk`."""
        self._keep.withdraw_review(review, owner=self._owner())

    def review_statistics(self, days: int) -> ReviewFigures:
        """See :class:`ReviewDesk`."""
        from facekeep.client import ReasonCounts, ReviewerCounts, ReviewFigures

        self._keep.check_organisation(self._organisation)
        found, names = self._keep.review_statistics(self._organisation, days=days), self._keep.account_names()
        return ReviewFigures(
            since=found.since,
            opened=found.opened,
            open=found.open,
            urgent=found.urgent,
            oldest_waiting_seconds=found.oldest,
            waiting=(found.waiting.median, found.waiting.p90),
            deciding=(found.deciding.median, found.deciding.p90),
            decided=found.decided,
            expired=found.expired,
            appeals=found.appeals,
            overturned=found.overturned,
            escalated=found.escalated,
            captures=None,
            views_per_review=found.views_per_review,
            by_reason={
                reason: ReasonCounts(each.opened, each.decided, each.views) for reason, each in found.by_reason.items()
            },
            reviewers=tuple(
                ReviewerCounts(
                    names.get(each.account, ""),
                    each.votes,
                    each.agreed,
                    each.disagreed,
                    each.known_right,
                    each.known_wrong,
                    each.seconds,
                    each.views,
                )
                for each in found.reviewers
            ),
        )

    def _owner(self) -> Account:
        if not self._account:
            raise UsageError("a review is filed by an account", hint="Give --account NAME: facekeep account list.")
        return self._keep.account_named(self._account)

    def _filing(self) -> ReviewFiling:
        from facekeep.service.review_filing import shipped_filing

        return shipped_filing(self._keep)


class _There:
    """By a client of the service."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def file_review(self, kind: ReviewKind, probes: Sequence[bytes], reference: bytes, *, label: str, days: int) -> str:
        """See :class:`ReviewDesk`."""
        subject = self._client.find(label).id if label else ""
        return self._client.file_review(kind, probes, reference=reference, subject=subject, days=days).id

    def file_known_review(
        self,
        kind: ReviewKind,
        answer: Decision,
        probes: Sequence[bytes],
        reference: bytes,
        reasons: Sequence[ReviewReason],
    ) -> str:
        """See :class:`ReviewDesk`."""
        return self._client.file_known_review(kind, answer, probes, reference=reference, reasons=reasons)

    def review(self, review: str) -> ReviewDetails:
        """See :class:`ReviewDesk`."""
        return self._client.review(review)

    def withdraw_review(self, review: str) -> None:
        """See :class:`ReviewDesk`."""
        self._client.withdraw_review(review)

    def review_statistics(self, days: int) -> ReviewFigures:
        """See :class:`ReviewDesk`."""
        return self._client.review_statistics(days)

"""Reviewers and officers of a keep: the keys that evidence is sealed to, and when they are on duty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from facekeep.domain.accounts import Account, Operator
from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.reviewer import KEYS_MAX, DutyDay, Reviewer, ReviewerKey, ReviewerKeyId
from facekeep.errors import DamagedStoreError, NotFoundError, UsageError
from facekeep.service.keep_review_lists import KeepReviewLists
from facekeep.service.review_rules import every
from facekeep.service.review_sealing import check_public
from facekeep.service.review_statistics import ReviewStatistics, statistics_of

__all__ = ["KeepReviewers", "ReviewerDetails"]


@dataclass(frozen=True, slots=True)
class ReviewerDetails:
    """A reviewer, and for how long they were on duty, up to now."""

    reviewer: Reviewer
    days: tuple[DutyDay, ...]


class KeepReviewers(KeepReviewLists):
    """The part of a keep that knows reviewers. See :class:`facekeep.service.keep.Keep`."""

    def reviewer(self, who: Account) -> ReviewerDetails:
        """What is held of somebody as a reviewer."""
        with self._reading(), self._roles.registry.read() as view:
            found = view.reviewer(who.id) or Reviewer(who.id)
            return ReviewerDetails(found, found.worked(self._now()))

    def add_reviewer_key(self, public: bytes, *, who: Account) -> ReviewerKey:
        """Seal evidence to a key from now on. What is open already was not sealed to it.

        Args:
            public: X25519, 32 bytes.
            who: whose.

        Raises:
            FormatError: it is no such key. One that nothing can be sealed to would keep everybody from filing.
            UsageError: it is registered, or there are too many.
        """
        check_public(public)
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                before = tx.reviewer(who.id) or Reviewer(who.id)
                if any(key.public == public for each in tx.reviewers() for key in each.keys):
                    raise UsageError("this key is registered already")
                if len(before.keys) >= KEYS_MAX:
                    raise UsageError(f"a reviewer has at most {KEYS_MAX} keys", hint="Revoke one that is not used.")
                added = ReviewerKey(public, now)
                tx.set_reviewer(replace(before, keys=(*before.keys, added)))
                facts = {"account": who.id.hex(), "key": added.id.hex()}
                tx.record([deed(EntryKind.REVIEWER_KEY_ADDED, now, self._known_as(who), **facts)])
            return added

    def revoke_reviewer_key(self, key: str, *, who: Account, by: Operator | None = None) -> None:
        """Have a key open nothing any more: open reviews are sealed anew without it, and are not opened for that.

        Args:
            key: its identifier, 32 hexadecimal digits.
            who: whose.
            by: who asks.

        Raises:
            NotFoundError: the reviewer has no such key.
            DamagedStoreError: evidence is damaged. The key is revoked, and opens nothing that could be read.
        """
        with self._using():
            known = self._reviewer_of(who)
            if known is None or all(each.id.hex() != key for each in known.keys):
                raise NotFoundError(
                    "there is no such key of this reviewer", hint="List the keys: facekeep review keys ACCOUNT."
                )
            damaged = self._revoke_keys(known, {key}, self._known_as(by))
        if damaged is not None:
            raise damaged

    @contextmanager
    def _without_reviewer_keys(self, who: Account, by: Operator | None) -> Iterator[None]:
        """Do in the block what forgets somebody, or makes them no reviewer any more. The caller has the keep alone.

        Raises:
            DamagedStoreError: evidence is damaged. The block is done, and the keys are revoked.
        """
        known, damaged = self._reviewer_of(who), None
        self._claims.forget(who.id)
        if known is not None:
            damaged = self._revoke_keys(known, {each.id.hex() for each in known.keys}, self._known_as(by))
        yield
        if damaged is not None:
            raise damaged

    def _end_duty(self, who: Account) -> None:
        """Of somebody who is a reviewer no more, and keeps the keys as an officer. The caller has the keep alone."""
        self._claims.forget(who.id)
        known = self._reviewer_of(who)
        if known is not None and known.since is not None:
            with self._roles.registry.transaction() as tx:
                tx.set_reviewer(known.off_duty(self._now()))

    def _reviewer_of(self, who: Account) -> Reviewer | None:
        with self._roles.registry.read() as view:
            return view.reviewer(who.id)

    def _revoke_keys(self, known: Reviewer, keys: set[str], by: str) -> DamagedStoreError | None:
        """Revoke keys, and say what of the evidence was damaged: that keeps nobody a reviewer who is to be none."""
        now, damaged = self._now(), None
        # First: should this be cut short, a key that opens nothing is still listed, and can be revoked again.
        for key in sorted(keys):
            try:
                self._evidence.drop_wraps(ReviewerKeyId(bytes.fromhex(key)))
            except DamagedStoreError as error:
                damaged = error
        self._claims.forget(known.account)
        left = tuple(each for each in known.keys if each.id.hex() not in keys)
        after = replace(known, keys=left)
        with self._roles.registry.transaction() as tx:
            tx.set_reviewer(after if left else after.off_duty(now))
            facts = [{"account": known.account.hex(), "key": key} for key in sorted(keys)]
            tx.record([deed(EntryKind.REVIEWER_KEY_REVOKED, now, by, **each) for each in facts])
        return damaged

    def review_statistics(self, organisation: str, *, days: int) -> ReviewStatistics:
        """Figures on the reviews of an organisation that were filed in the last days.

        Args:
            organisation: whose.
            days: 1 to 90.
        """
        now = self._now()
        with self._reading(), self._roles.registry.read() as view:
            own = [review for review in every(view) if review.organisation == organisation]
        return statistics_of(own, now - timedelta(days=days), now)

    def set_duty(self, *, on: bool, who: Account) -> None:
        """Go on duty or off it. What comes while somebody is on duty is sealed to them.

        Raises:
            UsageError: somebody without a key goes on duty.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                before = tx.reviewer(who.id) or Reviewer(who.id)
                if on and not before.keys:
                    raise UsageError("whoever is on duty has a key", hint="Open the console, and register its key.")
                tx.set_reviewer(before.on_duty(now) if on else before.off_duty(now))

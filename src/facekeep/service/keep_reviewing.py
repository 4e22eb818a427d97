"""What reviewers do in a keep: claim, look, vote, recuse themselves, report; and what officers answer.

Invariants: a face is shown to nobody before the ledger has it; nobody votes twice, or on what they filed; nobody is
told how somebody else voted before it is decided.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from facekeep.domain.accounts import Account, AccountId, Role
from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.review import (
    FORGOTTEN,
    Decision,
    ReasonCode,
    Review,
    ReviewKind,
    ReviewState,
    ReviewView,
    ViewReason,
    Vote,
)
from facekeep.domain.review_evidence import StoredPicture
from facekeep.domain.review_vote import decision_of, missing
from facekeep.domain.review_words import (
    Concern,
    ConcernId,
    ReportedConcern,
    ReviewWords,
    checked_words,
)
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.domain.subject import subject_id
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import NotFoundError, UsageError
from facekeep.service.keep_reviews import KeepReviews
from facekeep.service.review_outcomes import concluded, switched_off
from facekeep.service.review_queue import Claim
from facekeep.service.review_rules import check_alive, conflict, still_allowed, within
from facekeep.store.view import View

__all__ = ["KeepReviewing", "ReviewSeen", "ShownReview"]

CONCERN_ID_BYTES = 16
CONCERNS_MAX = 10
"""Concerns of one reviewer in one review that wait for an answer: each is told at once."""
_FOUR_EYES: Final = "Two different people decide, and none who asked or knows the person: take another review."


@dataclass(frozen=True, slots=True)
class ReviewSeen:
    """A review as one reviewer sees it, without any face.

    Attributes:
        review: it; votes of others are for whoever shows it to leave out.
        figures: what the machine measured, JSON.
        words: what the person said in it.
        concerns: reported in it.
        claim: of this reviewer.
        mine: what this reviewer voted.
        missing: votes that are missing.
        taken: whether others have claimed it as often as it may be.
    """

    review: Review
    figures: str = field(repr=False)
    words: tuple[ReviewWords, ...] = field(repr=False)
    concerns: tuple[ReportedConcern, ...] = field(repr=False)
    claim: Claim | None
    mine: Vote | None
    missing: int
    taken: bool


@dataclass(frozen=True, slots=True)
class ShownReview:
    """What opens the pictures of a review in one reviewer's browser.

    Attributes:
        time: when the ledger got it.
        pictures: sealed.
    """

    time: datetime
    pictures: tuple[StoredPicture, ...] = field(repr=False)


class KeepReviewing(KeepReviews):
    """The part of a keep that reviewers use. See :class:`facekeep.service.keep.Keep`."""

    def review_seen(self, review: str, *, who: Account) -> ReviewSeen:
        """A review with all but a face.

        Raises:
            NotFoundError: there is none in the organisation.
        """
        with self._reading(), self._roles.registry.read() as view:
            found = within(view, review, who.organisation)
            concerns = view.concerns_of(found.id)
            if who.id in found.recused:  # who knows the person reads nothing of them either
                return self._seen(found, who, concerns=concerns)
            words = () if found.subject is None else view.review_words(found.id, found.subject)
            return self._seen(found, who, figures=view.review_figures(found.id), words=words, concerns=concerns)

    def _seen(
        self,
        review: Review,
        who: Account,
        *,
        figures: str = "{}",
        words: tuple[ReviewWords, ...] = (),
        concerns: tuple[ReportedConcern, ...] = (),
    ) -> ReviewSeen:
        now, needed = self._now(), missing(review.ballots) if review.state is ReviewState.OPEN else 0
        claim = self._claims.of(review.id, who.id, now)
        taken = claim is None and self._claims.others(review.id, who.id, now) >= needed > 0
        return ReviewSeen(review, figures, words, concerns, claim, review.vote_of(who.id), needed, taken)

    # Claims

    def claim_review(self, review: str, *, who: Account) -> ReviewSeen:
        """Have a review for a quarter of an hour, or for another.

        Raises:
            NotFoundError: there is none in the organisation.
            GoneError: its evidence was destroyed.
            ReviewConflictError: it was decided, is taken, or the reviewer voted in it, knows the person, or filed it.
        """
        with self._reading(), self._roles.registry.read() as view:
            now, found = self._now(), within(view, review, who.organisation)
            _check_votable(found, who, now)
            if not self._claims.take(found.id, who.id, now, room=missing(found.ballots)):
                raise conflict("others have claimed this review", hint="Take another, or wait for them to give it up.")
        return self.review_seen(review, who=who)

    def release_review(self, review: str, *, who: Account) -> None:
        """Give up a claim. Nothing happens if there is none.

        Raises:
            NotFoundError: there is no such review in the organisation.
        """
        with self._reading(), self._roles.registry.read() as view:
            self._claims.drop(within(view, review, who.organisation).id, who.id)

    def recuse(self, review: str, *, who: Account) -> None:
        """Say that one knows the person: one can neither open nor decide it any more.

        Raises:
            NotFoundError: there is no such review in the organisation.
            ReviewConflictError: the reviewer voted in it, or it is over.
        """
        with self._using():
            with self._roles.registry.transaction() as tx:
                before = within(tx, review, who.organisation)
                if before.state is not ReviewState.OPEN or before.vote_of(who.id) is not None:
                    hint = "A vote stays, and what is over is shown to no reviewer again."
                    raise conflict("who has voted is not recused any more", hint=hint)
                after = before
                if who.id not in before.recused:
                    after = replace(before, recused=(*before.recused, who.id))
                    tx.change_review(after)
                known = tx.reviewer(who.id)
            # Each time: one that failed before is done by asking again.
            for key in () if known is None else known.keys:
                self._evidence.drop_wrap(after.id, key.id)
            self._claims.drop(after.id, who.id)
            self._queue.put(after)

    # Looking

    def show_review(self, review: str, reason: ViewReason, *, key: str, who: Account) -> ShownReview:
        """What opens the face of a review in somebody's browser. The ledger has it before.

        Args:
            review: its identifier.
            reason: why it is shown.
            key: identifier of a key of whoever looks, 32 hexadecimal digits.
            who: a reviewer who has claimed it, or an officer where something was reported.

        Raises:
            NotFoundError: there is none in the organisation, or not all of it was sealed to this key.
            GoneError: its evidence was destroyed.
            ReviewConflictError: the reviewer has no claim.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.read() as view:
                before = within(view, review, who.organisation)
                check_alive(before, now)
                _check_may_look(view, before, who, has_claim=self._claims.of(before.id, who.id, now) is not None)
                _check_own_key(view, key, who)
                pictures = self._sealed_to(before, ReviewerKeyId(bytes.fromhex(key)))
            after = replace(before, views=(*before.views, ReviewView(who.id, reason, now)))
            shown = deed(EntryKind.REVIEW_VIEWED, now, self._known_as(who), review=after.id.hex(), why=reason.value)
            with self._roles.registry.transaction() as tx:
                tx.change_review(after)
                tx.record([shown], after.subject)
            self._queue.put(after)
            return ShownReview(now, pictures)

    # Voting

    def vote(self, review: str, decision: Decision, code: ReasonCode, *, who: Account) -> ReviewSeen:
        """Say what one sees. The vote that decides ends the review.

        Args:
            review: its identifier.
            decision: what.
            code: why.
            who: a reviewer who has claimed it.

        Raises:
            NotFoundError: there is none in the organisation.
            GoneError: its evidence was destroyed.
            ReviewConflictError: the reviewer voted in it before, has no claim, knows the person, or it was decided.
            UsageError: the decision does not answer what is asked, or takes a look that the reviewer has not had.
        """
        with self._using():
            now = self._now()
            with self._roles.registry.read() as view:
                before = within(view, review, who.organisation)
            _check_votable(before, who, now)
            claim = self._claims.of(before.id, who.id, now)
            if claim is None:
                raise conflict("this review is not claimed", hint="Claim it first.")
            _check_decision(before, decision, who)
            seconds = int((now - claim.since).total_seconds())
            voted = Vote(who.id, decision, code, now, seconds, before.round)
            after = replace(before, votes=(*before.votes, voted))
            self._count_vote(after, now, who)
            self._claims.drop(after.id, who.id)
        return self.review_seen(review, who=who)

    def _count_vote(self, review: Review, now: datetime, who: Account) -> None:
        name = review.id.hex()
        entries = [deed(EntryKind.REVIEW_VOTED, now, self._known_as(who), review=name)]
        decision = decision_of(review.ballots)
        if decision is not None:
            ended = concluded(replace(review, state=ReviewState.DECIDED, decision=decision, decided=now))
            entries.append(deed(EntryKind.REVIEW_DECIDED, now, "", review=name, decision=decision.value))
            with self._roles.registry.read() as view:
                allowed = still_allowed(view, ended)
            self._close_review(ended if allowed else switched_off(ended), now, entries)
            return
        with self._roles.registry.transaction() as tx:
            tx.change_review(review)
            tx.record(entries, review.subject)
        self._queue.put(review)

    # Concerns

    def report_concern(self, review: str, concern: Concern, text: str, *, who: Account) -> ReportedConcern:
        """Tell the officer that somebody may be in danger, is a minor, or has died.

        Raises:
            NotFoundError: there is no such review in the organisation.
            ReviewConflictError: ten reports of this reviewer in this review wait for an answer.
            UsageError: the text is too long.
        """
        text = checked_words(text, needed=False)
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                found = within(tx, review, who.organisation)
                # Of each by itself: what one reports keeps nobody else from reporting.
                waiting = sum(each.waits and each.reporter == who.id for each in tx.concerns_of(found.id))
                if waiting >= CONCERNS_MAX:
                    raise conflict("so much was reported in this review already", hint="The officer was told of it.")
                identifier = ConcernId(os.urandom(CONCERN_ID_BYTES))
                reported = ReportedConcern(identifier, found.id, concern, text, who.id, now)
                tx.add_concern(reported)
                name = found.id.hex()
                facts = {"review": name}
                tx.record([deed(EntryKind.REVIEW_CONCERN, now, self._known_as(who), **facts)])
                tx.tell(Event(EventKind.REVIEW_CONCERN, now, facts), found.organisation)
            return reported

    def answer_concern(self, concern: str, text: str, *, who: Account) -> ReportedConcern:
        """Say what was done.

        Raises:
            NotFoundError: there is no such concern in the organisation.
            ReviewConflictError: whoever answers reported it, or filed the review.
            UsageError: it was answered before, or nothing is said.
        """
        text = checked_words(text)
        identifier = subject_id(concern)
        if identifier is None:
            raise NotFoundError("there is no such concern", hint=FORGOTTEN)
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                before = tx.concern(ConcernId(identifier))
                about = tx.review(before.review)
                if about.organisation != who.organisation:
                    raise NotFoundError("there is no such concern", hint=FORGOTTEN)
                if who.id in (before.reporter, about.owner):
                    raise conflict("whoever is concerned does not answer", hint="Another officer has to.")
                after = replace(before, officer=who.id, answer=text, answered=now)
                tx.answer_concern(after)
                name = before.review.hex()
                tx.record([deed(EntryKind.CONCERN_ANSWERED, now, self._known_as(who), review=name)])
            self._end_if_final(before.review)  # what was decided meanwhile, and kept for the officer
            return after


def _check_votable(review: Review, who: Account, now: datetime) -> None:
    check_alive(review, now)
    if review.state is not ReviewState.OPEN:
        raise conflict("this review was decided", hint="Take another review.")
    if review.vote_of(who.id) is not None:
        raise conflict("this reviewer voted in this review before", hint=_FOUR_EYES)
    if who.id in review.recused or who.id == review.owner:
        raise conflict("whoever is concerned does not decide", hint=_FOUR_EYES)


def _check_may_look(view: View, review: Review, who: Account, *, has_claim: bool) -> None:
    if who.id in review.recused or who.id == review.owner:
        raise conflict("whoever is concerned does not look", hint=_FOUR_EYES)
    told = (concern.waits and concern.reporter != who.id for concern in view.concerns_of(review.id))
    hears = Role.OFFICER in who.roles and any(told)
    if not (has_claim and Role.REVIEWER in who.roles) and not hears:
        raise conflict(
            "this review is not claimed", hint="Claim it first. An officer looks where something was reported."
        )


def _check_own_key(view: View, key: str, who: Account) -> None:
    known = view.reviewer(AccountId(who.id))
    if known is None or key not in {each.id.hex() for each in known.keys}:
        raise NotFoundError("there is no such key of this reviewer", hint="Register the key of this browser.")


def _check_decision(review: Review, decision: Decision, who: Account) -> None:
    if not decision.fits(review.kind):
        raise UsageError("this does not answer what is asked in this review")
    if not decision.needs_a_look:
        return
    if review.kind is ReviewKind.COMPARISON and not review.has_both:
        raise UsageError(
            "there is nothing to compare with", hint="Whoever asked can add a reference; else it is unusable."
        )
    if not any(shown.reviewer == who.id for shown in review.views):
        raise UsageError("whoever says so has looked at the face", hint="Have it shown, and say why.")

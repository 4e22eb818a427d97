"""What a keep does for the person whom it is about: all that is held, and appeals with their answers."""

from __future__ import annotations

from facekeep.domain.accounts import Operator
from facekeep.domain.appeals import Appeal, AppealAnswer, AppealId, AppealKind, checked_text
from facekeep.domain.consent import Notice
from facekeep.domain.ledger import EntryKind, deed
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import NotFoundError, RefusedError, UsageError
from facekeep.service.canary_labels import check_person
from facekeep.service.keep_ledger import KeepLedger, openings
from facekeep.service.keep_records import KeepRecords
from facekeep.service.own_data import OwnAccount, OwnData, OwnEntry, OwnReviewRecord
from facekeep.store.view import View

__all__ = ["OPEN_APPEALS_MAX", "KeepOwn"]

OPEN_APPEALS_MAX = 100
"""Appeals of one person that wait for an answer."""


class KeepOwn(KeepRecords, KeepLedger):
    """The part of a keep that serves data subjects. See :class:`facekeep.service.keep.Keep`."""

    def own_data(self, label: str, *, operator: Operator | None = None) -> OwnData:
        """All that is held of a person, for that person. That it was given out is in the ledger before.

        Args:
            label: whose.
            operator: who gives it out; None where the person asks.

        Raises:
            NotFoundError: there is no such person.
        """
        check_person(label)
        known = "" if operator is None else self.operator_pseudonym(operator)
        with self._using():
            subject = self._rights.subject(label).id
            now = self._now()
            with self._roles.registry.transaction() as tx:
                tx.record([deed(EntryKind.EXPORTED, now, known)], subject)
        # Whoever is erased between these is not found any more; all else of them is of one moment each.
        bundle = self._ledger_bundle_of(label, ()).decode()
        with self._reading(), self._roles.registry.read() as view:
            consents = view.consents_of(subject)
            own = openings(view, view.ledger_size(), subject)
            return OwnData(
                made=now,
                keep=self._file.keep_id.hex(),
                subject=view.subject(subject),
                references=view.references_of(subject),
                consents=consents,
                notices=_notices(view, {consent.notice for consent in consents}),
                never_returned=view.never_returned_since(subject),
                appeals=view.appeals_of(subject),
                reviews=tuple(OwnReviewRecord.of(review) for review in view.reviews_of(subject)),
                review_words=view.words_of(subject),
                accounts=_accounts(view, subject),
                messages=_messages(view, subject),
                answers=sum(r.answer is not None and r.answer.subject == subject for r in view.requests()),
                accesses=self._accesses(view, own),
                entries=tuple(OwnEntry(leaf, opening.entry) for leaf, opening in own),
                ledger=bundle,
            )

    # Appeals

    def file_appeal(
        self,
        label: str,
        kind: AppealKind,
        *,
        about: int | None = None,
        text: str = "",
        by: Operator | None = None,
    ) -> Appeal:
        """Record that a person objects to something. A person has to answer it.

        Args:
            label: who objects.
            kind: what is said.
            about: leaf of the entry of the ledger that it is about, one of that person.
            text: in the person's own words, at most 2,000 characters.
            by: who writes it down for the person; None for the person.

        Raises:
            NotFoundError: there is no such person.
            UsageError: no entry about the person has this leaf, nothing is said, or too many appeals are open; or
                somebody else names a leaf, who would learn by it which entries are about the person.
        """
        check_person(label)
        if by is not None and about is not None:
            raise UsageError("only the person names an entry", hint="Write down what it is about.")
        filed_by = "" if by is None else self.operator_pseudonym(by)
        text = checked_text(text)
        if about is None and not text:
            raise UsageError("an appeal is about an entry, or says what it is about", hint="Name a leaf, or write why.")
        with self._using():
            subject, now = self._rights.subject(label).id, self._now()
            with self._roles.registry.transaction() as tx:
                # Of each who files: nobody takes the room of the person's own.
                open_ones = [a for a in tx.appeals_of(subject) if a.answer is None and a.filed_by == filed_by]
                if len(open_ones) >= OPEN_APPEALS_MAX:
                    raise UsageError("too many appeals of this person wait for an answer")
                if about is not None and about not in {leaf for leaf, _ in openings(tx, tx.ledger_size(), subject)}:
                    raise UsageError("no entry of the ledger about this person has this leaf")
                appeal = tx.add_appeal(subject, kind, about=about, text=text, filed=now, filed_by=filed_by)
                leaf = {} if about is None else {"about": str(about)}
                tx.record([deed(EntryKind.APPEALED, now, filed_by, appeal=kind.value, **leaf)], subject)
                tx.tell(Event(EventKind.APPEAL_FILED, now, {"subject": subject.hex()}))
            return appeal

    def appeals_of(self, label: str) -> tuple[Appeal, ...]:
        """The appeals of a person, oldest first.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._reading():
            subject = self._rights.subject(label).id
            with self._roles.registry.read() as view:
                return view.appeals_of(subject)

    def appeals(self) -> tuple[Appeal, ...]:
        """All appeals, oldest first, answered ones too."""
        with self._reading(), self._roles.registry.read() as view:
            return view.appeals()

    def answer_appeal(self, appeal: str, *, upheld: bool, text: str, operator: Operator) -> Appeal:
        """Answer an appeal, once.

        Args:
            appeal: its identifier, 32 hexadecimal digits.
            upheld: whether the person was right.
            text: why, to the person.
            operator: who decided.

        Raises:
            NotFoundError: there is no such appeal.
            UsageError: it was answered before, or no reason is given.
            RefusedError: whoever answers wrote it down, or did what it is about.
        """
        try:
            identifier = AppealId(bytes.fromhex(appeal))
        except ValueError:
            raise NotFoundError("there is no such appeal") from None
        text = checked_text(text)
        if not text:
            raise UsageError("an answer says why", hint="Write it to the person who objected.")
        reviewer = self.operator_pseudonym(operator)
        with self._using():
            now = self._now()
            with self._roles.registry.transaction() as tx:
                _check_unconcerned(tx, tx.appeal(identifier), reviewer)
                answered = tx.answer_appeal(identifier, AppealAnswer(upheld, text, now, reviewer))
                entry = deed(EntryKind.APPEAL_ANSWERED, now, reviewer, upheld="yes" if upheld else "no")
                tx.record([entry], answered.subject)
            return answered


def _check_unconcerned(view: View, appeal: Appeal, reviewer: str) -> None:
    """Refuse an answer of who is a party.

    Raises:
        RefusedError: they are.
    """
    concerned = {appeal.filed_by}
    if appeal.about is not None:
        found = dict(openings(view, view.ledger_size(), appeal.subject))
        concerned.add(found[appeal.about].entry.facts.get("operator", ""))
    if reviewer in concerned:
        raise RefusedError("whoever is concerned does not answer", hint="Have another reviewer answer.")


def _notices(view: View, digests: set[str]) -> tuple[Notice, ...]:
    found = (view.notice(digest) for digest in sorted(digests))
    return tuple(notice for notice in found if notice is not None)


def _accounts(view: View, subject: SubjectId) -> tuple[OwnAccount, ...]:
    return tuple(
        OwnAccount(
            account,
            view.passkeys_of(account.id),
            view.identities_of(account.id),
            view.sessions_of(account.id),
            view.invitations_of(account.id),
        )
        for account in view.accounts()
        if account.subject == subject
    )


def _messages(view: View, subject: SubjectId) -> tuple[Event, ...]:
    return tuple(
        delivery.event
        for webhook in view.webhooks()
        for delivery in view.deliveries(webhook.id)
        if delivery.event.about.get("subject") == subject.hex()
    )

"""The ledger of a keep: its signed heads, bundles that others check offline, and who asked about a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from facekeep.domain.accounts import OF_PRINCIPALS, SIGN_IN_OPERATOR, Account, Operator, operator_name
from facekeep.domain.appeals import Appeal
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening, Part, SignedHead, WatchedLog, deed
from facekeep.domain.merkle import Nodes, consistency_proof, inclusion_proof
from facekeep.domain.review import ViewReason
from facekeep.domain.subject import SubjectId, normalised_label
from facekeep.errors import NotFoundError, UsageError
from facekeep.service.answers import Access, AccessOutcome
from facekeep.service.half_logs import check_log, commitments, log_name, noted_heads, written_log_head
from facekeep.service.keep_signing import KeepSigning
from facekeep.service.keep_telling import Told
from facekeep.service.ledger_signing import LedgerSigner, opened_bundle, whole_bundle
from facekeep.split.roles import HalfPort
from facekeep.store.view import View

__all__ = ["KeepLedger", "openings", "whole_log", "witnessed_head"]

_PAGE = 1024
_REMEMBERED: Final = 64  # heads of a half's log
_SIZES = "How many leaves there are is the second line of a head."
_OUTCOMES: Final = {
    EntryKind.COMPARED_FOR_REVIEW: AccessOutcome.UNTOLD,
    EntryKind.RETURNED: AccessOutcome.RETURNED,
    EntryKind.VIEWED: AccessOutcome.SHOWN,
    EntryKind.EXPORTED: AccessOutcome.SHOWN,
    EntryKind.REVIEW_VIEWED: AccessOutcome.SHOWN,
}


class KeepLedger(KeepSigning):
    """What a keep shows of its ledger. See :class:`facekeep.service.keep.Keep`."""

    @property
    def ledger_key(self) -> str:
        """The public key of the ledger, as verifiers take it. Give it to auditors by another way than the bundles."""
        return self._ledger.key

    def ledger_head(self) -> SignedHead:
        """The newest head, signed and kept. Whoever has it can show later that the log was another.

        If nothing was recorded since the last one, that one, with its co-signatures.
        """
        with self._using():
            return self._sign_head()

    def _sign_head(self) -> SignedHead:
        logs = {side: half.log_head() for side, half in self._halves()}
        with self._roles.registry.transaction() as tx:
            if any(noted_heads(tx, side)[-1:] != (log,) for side, log in logs.items()):
                facts = {side: written_log_head(log) for side, log in logs.items()}
                tx.record([LedgerEntry(EntryKind.LOGS, self._now(), facts)])
                for side in logs:
                    name = log_name(side)
                    before = tx.watched_log(name) or WatchedLog(name, ())
                    tx.set_watched_log(WatchedLog(name, (*before.notes, facts[side])[-_REMEMBERED:]))
            size = tx.ledger_size()
            kept = tx.ledger_head(size)
            if kept is not None:  # as it was signed then: what was co-signed is this text
                return kept
            head = self._ledger.head(size, _nodes(tx), self._now())
            tx.keep_ledger_head(head)
        return head

    def _halves(self) -> tuple[tuple[str, HalfPort], ...]:
        return ("left", self._roles.left), ("right", self._roles.right)

    def check(self) -> None:
        """Hold the three stores against each other, and the logs of the halves against the ledger.

        Raises:
            DamagedStoreError: they do not fit. Of a log it says between which records.
        """
        super().check()
        with self._reading():
            with self._roles.registry.read() as view:
                noted = {side: noted_heads(view, side) for side, _ in self._halves()}
            for side, half in self._halves():
                check_log(side, commitments(half, max((log.size for log in noted[side]), default=0)), noted[side])

    def _receipt(self, leaf: int, opening: Opening) -> str:
        """A bundle of one entry with its proof. The caller has the keep alone."""
        head = self._sign_head()
        with self._roles.registry.read() as view:
            return b"".join(opened_bundle(self._ledger, head, _nodes(view), [(leaf, opening)])).decode()

    def ledger_inclusion(self, leaf: int, size: int) -> tuple[bytes, ...]:
        """What proves that a leaf is in the tree of the first leaves (RFC 9162, section 2.1.3), the lowest node first.

        Args:
            leaf: its number, from 0.
            size: leaves of the tree.

        Raises:
            UsageError: there are no so many leaves.
        """
        with self._reading(), self._roles.registry.read() as view:
            if not 0 <= leaf < size <= view.ledger_size():
                raise UsageError("the ledger has no such leaf, or not so many of them", hint=_SIZES)
            return inclusion_proof(leaf, size, _nodes(view))

    def ledger_consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """What proves that the log only grew from the first leaves (RFC 9162, section 2.1.4), the lowest node first.

        Args:
            old: leaves of the smaller tree, at least 1.
            size: leaves of the larger one.

        Raises:
            UsageError: there are no so many leaves.
        """
        with self._reading(), self._roles.registry.read() as view:
            if not 0 < old <= size <= view.ledger_size():
                raise UsageError("the ledger has not so many leaves, or the trees are in the other order", hint=_SIZES)
            return consistency_proof(old, size, _nodes(view))

    def ledger_bundle(self, *, by: Operator | None = None) -> bytes:
        """The whole log, for auditors: every leaf, every head that was signed, and the entries that are about nobody.

        What the entries about people say is not in it. That it was given is the last entry.

        Args:
            by: who asks, if anybody with a name does.
        """
        self._tell([Told(deed(EntryKind.EXPORTED, self._now(), self._known_as(by)))])
        self.ledger_head()
        with self._reading(), self._roles.registry.read() as view:
            return whole_log(self._ledger, view, self._halves())

    def ledger_bundle_of(self, label: str, *, seen: Iterable[int] = (), by: Operator | None = None) -> bytes:
        """The entries about one person, each with its proof, for that person.

        Args:
            label: whose.
            seen: sizes of heads that the person has, from which the log is shown to have only grown.
            by: who asks, if anybody with a name does. Others than the person are told of in it.

        Raises:
            NotFoundError: there is no such person.
            UsageError: there was no head of such a size.
        """
        self.tell_viewed(label, Part.LEDGER, by=by)
        return self._ledger_bundle_of(label, seen)

    def _ledger_bundle_of(self, label: str, seen: Iterable[int]) -> bytes:
        head = self.ledger_head()
        with self._reading(), self._roles.registry.read() as view:
            person = view.subject_by_label(normalised_label(label))
            if person is None:
                raise NotFoundError("there is no such data subject")
            sizes = sorted(set(seen))
            if any(not 0 < size <= head.size for size in sizes):
                raise UsageError(
                    f"the ledger has {head.size} leaves, and no head of such a size",
                    hint="The size is the second line of the head.",
                )
            found = openings(view, head.size, person.id)
            lines = opened_bundle(self._ledger, head, _nodes(view), found, sizes, witnessed=witnessed_head(view))
            return b"".join(lines)

    # Who looked

    def tell_viewed(self, label: str, part: Part, *, by: Operator | None = None) -> None:
        """Record that a part of a person's record is about to be shown; on disk when this returns.

        Nothing is recorded if the person reads their own, by their account, or if nobody has the label.

        Args:
            label: whose.
            part: what is shown.
            by: to whom, if to anybody with a name.
        """
        with self._reading():
            person = self._roles.registry.subject_by_label(normalised_label(label))
        if person is None or (isinstance(by, Account) and by.subject == person.id):
            return
        entry = deed(EntryKind.VIEWED, self._now(), self._known_as(by), part=part.value)
        self._tell([Told(entry, person.id)])

    def tell_appeals_viewed(self, appeals: Iterable[Appeal], *, by: Operator | None = None) -> None:
        """Record that appeals are about to be shown: of each person one entry, none of who reads their own.

        Args:
            appeals: what is shown.
            by: to whom, if to anybody with a name.
        """
        own = by.subject if isinstance(by, Account) else None
        entry = deed(EntryKind.VIEWED, self._now(), self._known_as(by), part=Part.APPEALS.value)
        self._tell([Told(entry, person) for person in sorted({one.subject for one in appeals}) if person != own])

    def tell_listed(self, people: int, *, by: Operator | None = None) -> None:
        """Record that so many people are about to be listed: one entry about nobody, not one about each."""
        self._tell([Told(deed(EntryKind.LISTED, self._now(), self._known_as(by), people=str(people)))])

    # Who asked

    def accesses(self, label: str) -> tuple[Access, ...]:
        """Who asked about a person or looked at their record, when, what for and what they learned, newest first.

        Args:
            label: whose.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._reading(), self._roles.registry.read() as view:
            person = view.subject_by_label(normalised_label(label))
            if person is None:
                raise NotFoundError("there is no such data subject")
            return self._accesses(view, openings(view, view.ledger_size(), person.id))

    def _accesses(self, view: View, own: Sequence[tuple[int, Opening]]) -> tuple[Access, ...]:
        """Accesses among a person's own entries, which are in the order of leaves; newest first."""
        names = self._operator_names(view)
        told = (_access(leaf, opening.entry, names) for leaf, opening in reversed(own))
        return tuple(access for access in told if access is not None)

    def operator_names(self) -> Mapping[str, str]:
        """What operators are called now, by the pseudonyms that the ledger and the halves know them by.

        In it are machine clients, accounts, and of those who work at the keep itself who opened a case. Of others,
        and of who has left, nobody keeps a name.
        """
        with self._reading(), self._roles.registry.read() as view:
            return self._operator_names(view)

    def _operator_names(self, view: View) -> dict[str, str]:
        local = (case.opened_by for case in view.cases())
        known: list[Operator] = [SIGN_IN_OPERATOR, *(name for name in local if not name.startswith(OF_PRINCIPALS))]
        known += [*view.clients(), *view.accounts()]
        return {self._comparison.operator(who): operator_name(who) for who in known}


def _access(leaf: int, entry: LedgerEntry, names: Mapping[str, str]) -> Access | None:
    """What an entry about a person tells of somebody who asked about them; None if it tells of something else."""
    facts = entry.facts
    if entry.kind is EntryKind.VERIFIED:
        outcome = AccessOutcome.VERIFIED if facts["verified"] == "yes" else AccessOutcome.NOT_VERIFIED
    elif entry.kind is EntryKind.EXPORTED and "operator" not in facts:
        return None  # the person's own
    elif entry.kind in _OUTCOMES:
        outcome = _OUTCOMES[entry.kind]
    else:
        return None
    purpose = Purpose(facts["purpose"]) if "purpose" in facts else None
    reason = ViewReason(facts["why"]) if entry.kind is EntryKind.REVIEW_VIEWED else None
    operator = names.get(facts.get("operator", ""))
    return Access(leaf, entry.time, entry.kind, purpose, facts.get("case", ""), operator, outcome, reason)


def whole_log(signer: LedgerSigner, view: View, halves: Iterable[tuple[str, HalfPort]]) -> bytes:
    """A bundle of the whole log as far as its newest head; there has to be one."""
    heads = view.ledger_heads()
    # As far as the last head knows them: what was logged since is in no entry yet.
    noted = {side: (half, noted_heads(view, side)) for side, half in halves}
    logs = {side: commitments(half, known[-1].size) for side, (half, known) in noted.items() if known}
    return b"".join(whole_bundle(signer, heads, _nodes(view), openings(view, heads[-1].size), logs=logs))


def _nodes(view: View) -> Nodes:
    """Nodes by their places, read a page at a time."""
    pages: dict[int, tuple[bytes, ...]] = {}

    def node(place: int) -> bytes:
        page, at = divmod(place, _PAGE)
        if page not in pages:
            pages[page] = view.ledger_nodes(page * _PAGE, _PAGE)
        return pages[page][at]

    return node


def witnessed_head(view: View) -> SignedHead | None:
    """The largest head that a present witness has co-signed."""
    size = max((witness.size for witness in view.ledger_witnesses()), default=0)
    return view.ledger_head(size) if size else None


def openings(view: View, size: int, subject: SubjectId | None = None) -> list[tuple[int, Opening]]:
    """Openings of leaves below a size, in the order of leaves."""

    def pages() -> Iterator[tuple[int, Opening]]:
        last: bytes | None = None
        while page := view.ledger_openings(subject, after=last):
            yield from ((leaf, opening) for _, leaf, opening in page if leaf < size)
            last = page[-1][0]

    return sorted(pages(), key=lambda one: one[0])

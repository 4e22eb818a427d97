"""Two-phase transactions over the registry and the two halves.

Begun in the journal, staged in both halves, decided by one registry transaction, applied in both halves, ended in the
journal. Up to the decision a crash undoes it at the next open; from then on a crash finishes it. What a caller was told
is done is therefore done in all three stores, and a half never has a row that its twin lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from facekeep.domain.row import TransactionId
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError, FacekeepError
from facekeep.split.messages import HalfStatus
from facekeep.split.roles import HalfPort, LeftPort, RightPort
from facekeep.store.journal import JournalKind, JournalState
from facekeep.store.records import Value
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction


class Coordinator:
    """Runs transactions. The caller sees to it that one runs at a time."""

    def __init__(self, registry: Registry, left: LeftPort, right: RightPort) -> None:
        self._registry = registry
        self._left = left
        self._right = right
        self._unsettled = False

    @property
    def unsettled(self) -> bool:
        """Whether a transaction could be neither finished nor undone: close the stores and open them anew."""
        return self._unsettled

    def run(
        self,
        kind: JournalKind,
        *,
        stage: Callable[[TransactionId], None],
        decide: Callable[[Transaction], None],
        payload: Mapping[str, Value] | None = None,
        subject: SubjectId | None = None,
    ) -> None:
        """Do one transaction.

        Args:
            kind: what it does.
            stage: prepares both halves.
            decide: its effects in the registry.
            payload: identifiers for the journal.
            subject: whom it is about, if one person.

        Raises:
            DamagedStoreError: a store cannot be written. If that came after the decision, what was decided is done
                nevertheless, now or at the next open; see ``unsettled``.
            FacekeepError: what ``stage`` or ``decide`` raised; nothing has changed then.
        """
        if self._unsettled:
            raise DamagedStoreError("a transaction is neither finished nor undone", store="registry", hint=_REOPEN)
        self._unsettled = True
        with self._registry.transaction() as tx:
            transaction = tx.journal_begin(kind, payload or {}, subject=subject)
        try:
            stage(transaction)
            with self._registry.transaction() as tx:
                decide(tx)
                tx.journal_mark(transaction, JournalState.COMMITTED)
                tx.advance_generation()
        except FacekeepError:
            # Anything else (Ctrl-C) may have left memory behind the files: the stores are opened anew then.
            self._settle(kind, transaction)
            raise
        self._finish(kind, transaction)

    def run_on_halves(
        self,
        kind: JournalKind,
        change: Callable[[HalfPort, TransactionId], None],
        *,
        decide: Callable[[Transaction], None] = lambda _: None,
        payload: Mapping[str, Value] | None = None,
        subject: SubjectId | None = None,
    ) -> None:
        """Do one transaction that asks the same of both halves, the left one first. Otherwise see :meth:`run`."""

        def stage(transaction: TransactionId) -> None:
            change(self._left, transaction)
            change(self._right, transaction)

        self.run(kind, stage=stage, decide=decide, payload=payload, subject=subject)

    def _settle(self, kind: JournalKind, transaction: TransactionId) -> None:
        """After a failure: ask the journal which it was, since the decision may have been taken before it."""
        with self._registry.transaction() as tx:
            # Within a transaction: of a registrar on another host the answer may be lost while the decision is still
            # being written, and this one waits for that.
            decided = any(e.id == transaction and e.state is JournalState.COMMITTED for e in tx.journal())
            if not decided:
                # A decision whose write failed may lie in the write-ahead log still, for the next open to find. This
                # goes over it, before the halves forget what it would be about.
                tx.journal_mark(transaction, JournalState.PREPARED)
        if decided:
            self._finish(kind, transaction)
            return
        self._left.abort(transaction)
        self._right.abort(transaction)
        self._end([transaction])

    def _finish(self, kind: JournalKind, transaction: TransactionId) -> None:
        self._left.commit(transaction)
        self._right.commit(transaction)
        self._turn_registry(kind)
        self._end([transaction])

    def _turn_registry(self, kind: JournalKind) -> None:
        if kind is JournalKind.REFRESH:  # done twice after a crash at the worst moment, and that does no harm
            self._registry.begin_epoch()
            self._registry.finish_epoch()

    def _end(self, transactions: Iterable[TransactionId]) -> None:
        with self._registry.transaction() as tx:
            for transaction in transactions:
                tx.journal_end(transaction)
        self._unsettled = False

    def recover(self) -> None:
        """Finish or undo what a crash left, and hold the three stores against each other.

        What was decided is applied first. Nothing is thrown away, in the halves or in the journal, before the stores
        are known to be of one moment: had one been restored from another, what is thrown away would be missing when
        the right one is put back.

        Raises:
            DamagedStoreError: one of them is older than the others, or the halves hold different rows.
        """
        with self._registry.transaction() as tx:  # waits for a decision that a gate which was cut off had begun
            entries = tx.journal()
        decided = [entry for entry in entries if entry.state is JournalState.COMMITTED]
        for entry in decided:
            self._left.commit(entry.id)
            self._right.commit(entry.id)
        self.check()
        for half in (self._left, self._right):
            for transaction in half.staged():
                half.abort(transaction)
        for entry in decided:
            self._turn_registry(entry.kind)
        if entries:
            self._end(entry.id for entry in entries)

    def check(self) -> None:
        """Hold the three stores against each other.

        Raises:
            DamagedStoreError: see ``recover``.
        """
        left, right = self._left.status(), self._right.status()
        self._check_generations(left, right)
        if left.epoch != right.epoch or left.root != right.root:
            raise DamagedStoreError("the two halves hold different rows", store="left half, right half", hint=_RESTORE)
        if self._registry.reference_count() != left.rows:
            raise DamagedStoreError(
                "the registry and the halves hold different numbers of references", store="registry", hint=_RESTORE
            )

    def _check_generations(self, left: HalfStatus, right: HalfStatus) -> None:
        counts = {"registry": self._registry.generation, "left half": left.generation, "right half": right.generation}
        newest = max(counts.values())
        older = [name for name, count in counts.items() if count < newest]
        if older:
            raise DamagedStoreError(f"older than its twins: {', '.join(older)}", store=older[0], hint=_RESTORE)


_RESTORE = "A store was restored from another moment. Put back the three stores of one moment; nothing was changed."
_REOPEN = "Open the keep again: what was decided is finished then, and the rest undone."

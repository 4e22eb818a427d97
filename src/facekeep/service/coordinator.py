"""Two-phase transactions over the registry and the two halves.

Begun in the journal, staged in both halves, decided by one registry transaction, applied in both halves, ended in the
journal. Up to the decision a crash undoes it at the next open; from then on a crash finishes it. What a caller was told
is done is therefore done in all three stores, and a half never has a row that its twin lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from facekeep.domain.row import TransactionId
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError
from facekeep.split.messages import HalfStatus
from facekeep.split.roles import LeftPort, RightPort
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
            FacekeepError: what ``stage`` or ``decide`` raised; nothing has changed then.
        """
        with self._registry.transaction() as tx:
            transaction = tx.journal_begin(kind, payload or {}, subject=subject)
        try:
            stage(transaction)
            with self._registry.transaction() as tx:
                decide(tx)
                tx.journal_mark(transaction, JournalState.COMMITTED)
                tx.advance_generation()
        except BaseException:
            self._undo(transaction)
            raise
        self._finish(transaction)

    def _finish(self, transaction: TransactionId) -> None:
        self._left.commit(transaction)
        self._right.commit(transaction)
        with self._registry.transaction() as tx:
            tx.journal_end(transaction)

    def _undo(self, transaction: TransactionId) -> None:
        self._left.abort(transaction)
        self._right.abort(transaction)
        with self._registry.transaction() as tx:
            tx.journal_end(transaction)

    def recover(self) -> None:
        """Finish or undo what a crash left, then hold the three stores against each other.

        Raises:
            DamagedStoreError: one of them is older than the others, or the halves hold different rows.
        """
        for entry in self._registry.journal():
            if entry.state is JournalState.COMMITTED:
                self._finish(entry.id)
            else:
                self._undo(entry.id)
        for half in (self._left, self._right):
            for transaction in half.staged():
                half.abort(transaction)
        self.check()

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

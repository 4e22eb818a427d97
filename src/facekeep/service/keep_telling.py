"""What is asked of a keep is in its ledger before anybody has the answer.

A question that cannot be recorded, as on a full disk, has no answer. Those that come together are recorded in one
transaction: it waits for the disk once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.subject import SubjectId
from facekeep.errors import NotFoundError
from facekeep.service.combining import Combiner
from facekeep.service.keep_life import KeepLife

__all__ = ["KeepTelling", "Told"]

_TOGETHER = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """An entry, and whom it is about; None for nobody."""

    entry: LedgerEntry
    subject: SubjectId | None = None


class KeepTelling(KeepLife):
    """The part of a keep that tells its ledger of questions. See :class:`facekeep.service.keep.Keep`."""

    def _begin(self) -> None:
        super()._begin()
        self._recorded = Combiner[Told, bool](self._record_together, largest=_TOGETHER)

    def _tell(self, told: Sequence[Told]) -> list[bool]:
        """Record entries; on disk when this returns. Not to be called with the keep's lock.

        Returns:
            Of each, whether it was recorded: it is not if it is about somebody who was erased meanwhile.
        """
        return self._recorded(told)

    def _record_together(self, told: Sequence[Told]) -> list[bool]:
        done: list[bool] = []
        with self._reading(), self._roles.registry.transaction() as tx:
            for subject, group in groupby(told, key=lambda one: one.subject):
                entries = [one.entry for one in group]
                try:
                    tx.record(entries, subject)
                except NotFoundError:
                    done += [False] * len(entries)
                else:
                    done += [True] * len(entries)
        return done

    def _tell_compared(self, operator: str) -> None:
        self._tell([Told(LedgerEntry(EntryKind.COMPARED, self._now(), {"operator": operator}))])

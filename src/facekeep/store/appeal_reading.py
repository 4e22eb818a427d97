"""Appeals, read in one snapshot. Each is sealed under the data key of the person who filed it, and goes with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from facekeep.domain.appeals import Appeal, AppealAnswer, AppealId, AppealKind
from facekeep.domain.subject import SubjectId
from facekeep.errors import NotFoundError
from facekeep.store import tables
from facekeep.store.records import read_time
from facekeep.store.snapshot import Snapshot
from facekeep.store.vault import Cells

__all__ = ["AppealReading"]


class AppealReading(Snapshot, ABC):
    """The part of a view that is about appeals."""

    @abstractmethod
    def _cells(self, subject: SubjectId) -> Cells:
        """What seals under a person's data key."""

    def appeals(self) -> tuple[Appeal, ...]:
        """All appeals, oldest first, answered ones too."""
        rows = self._connection.execute(select(tables.appeals)).all()
        return _in_order(self._appeal_of(row, self._cells(row.subject)) for row in rows)

    def appeals_of(self, subject: SubjectId) -> tuple[Appeal, ...]:
        """The appeals of a data subject, oldest first.

        Raises:
            NotFoundError: there is no such data subject.
        """
        cells = self._cells(subject)
        return _in_order(self._appeal_of(row, cells) for row in self._rows(tables.appeals.c.subject, subject))

    def appeal(self, appeal: AppealId) -> Appeal:
        """The appeal of this identifier.

        Raises:
            NotFoundError: there is none, or not any more.
        """
        row = self._row(tables.appeals.c.id, appeal)
        if row is None:
            raise NotFoundError("there is no such appeal")
        return self._appeal_of(row, self._cells(row.subject))

    def _appeal_of(self, row: Row[Any], cells: Cells) -> Appeal:
        record = cells.open(tables.appeals.c.sealed, row.id, row.sealed)
        answered = record["answered"]
        answer = (
            None
            if answered is None
            else AppealAnswer(record["upheld"], record["answer"], read_time(answered), record["reviewer"])
        )
        kind, filed = AppealKind(record["kind"]), read_time(record["filed"])
        return Appeal(row.id, row.subject, kind, record["about"], record["text"], filed, record["filed_by"], answer)


def _in_order(found: Iterable[Appeal]) -> tuple[Appeal, ...]:
    return tuple(sorted(found, key=lambda appeal: (appeal.filed, appeal.id)))

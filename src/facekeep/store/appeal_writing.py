"""Appeals, written in one transaction. Times are passed in, with time zone."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime

from sqlalchemy import insert, update

from facekeep.domain.appeals import APPEAL_ID_BYTES, Appeal, AppealAnswer, AppealId, AppealKind
from facekeep.domain.subject import SubjectId
from facekeep.errors import UsageError
from facekeep.store import tables
from facekeep.store.appeal_reading import AppealReading
from facekeep.store.records import Value, write_time

__all__ = ["AppealWriting"]


class AppealWriting(AppealReading):
    """The part of a transaction that is about appeals."""

    def add_appeal(
        self,
        subject: SubjectId,
        kind: AppealKind,
        *,
        about: int | None,
        text: str,
        filed: datetime,
        filed_by: str = "",
    ) -> Appeal:
        """Record an appeal.

        Raises:
            NotFoundError: there is no such data subject.
        """
        appeal = Appeal(AppealId(os.urandom(APPEAL_ID_BYTES)), subject, kind, about, text, filed, filed_by)
        sealed = self._sealed_appeal(appeal)
        self._connection.execute(insert(tables.appeals).values(id=appeal.id, subject=subject, sealed=sealed))
        return appeal

    def answer_appeal(self, appeal: AppealId, answer: AppealAnswer) -> Appeal:
        """Record what a person decided.

        Raises:
            NotFoundError: there is no such appeal.
            UsageError: it was answered before.
        """
        before = self.appeal(appeal)
        if before.answer is not None:
            raise UsageError("this appeal was answered", hint="The data subject can file another.")
        after = replace(before, answer=answer)
        where = tables.appeals.c.id == appeal
        self._connection.execute(update(tables.appeals).where(where).values(sealed=self._sealed_appeal(after)))
        return after

    def _sealed_appeal(self, appeal: Appeal) -> bytes:
        answer = appeal.answer
        record: dict[str, Value] = {
            "kind": appeal.kind.value,
            "about": appeal.about,
            "text": appeal.text,
            "filed": write_time(appeal.filed),
            "filed_by": appeal.filed_by,
            "answered": None if answer is None else write_time(answer.answered),
            "upheld": None if answer is None else answer.upheld,
            "answer": None if answer is None else answer.text,
            "reviewer": None if answer is None else answer.reviewer,
        }
        return self._cells(appeal.subject).seal(tables.appeals.c.sealed, appeal.id, record)

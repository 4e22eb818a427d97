"""Backups that a served keep makes by itself: no other process can open it meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from facekeep.errors import FacekeepError
from facekeep.service.keep import Keep
from facekeep.service.keep_backups import BackupSet, read_recipients

__all__ = ["BackupPlan", "RecurringBackups"]

LOOK_SECONDS: Final = 600.0
"""How often it is seen whether a backup is due; and so how soon one that failed is tried again."""


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """Where and how often to make backups. Whoever starts the service says so, and nobody who asks it.

    Attributes:
        to: the folder.
        every: how old the newest may become.
        recipients: by store, public keys of age.
    """

    to: Path
    every: timedelta
    recipients: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, to: Path, every: timedelta, recipients: Mapping[str, Iterable[str]]) -> Self:
        """Make one, once it is known to be possible.

        Raises:
            UsageError: see :func:`~facekeep.service.keep_backups.read_recipients`.
        """
        read_recipients(recipients)
        return cls(to, every, {store: tuple(texts) for store, texts in recipients.items()})


class RecurringBackups:
    """Makes backups when they are due, in a thread of its own, while its block lasts; removes what they replace."""

    def __init__(
        self,
        keep: Keep,
        plan: BackupPlan,
        *,
        told: Callable[[BackupSet | FacekeepError], None],
        unmeant: Callable[[Exception], None] = lambda _: None,
        look: float = LOOK_SECONDS,
    ) -> None:
        """Be ready; entering the block begins, with a first look.

        Args:
            keep: open, and open for longer than this.
            plan: where and how often.
            told: is told of each backup, and of each that failed.
            unmeant: is told of an error that nobody meant; looking goes on.
            look: seconds between two looks.
        """
        self._keep = keep
        self._plan = plan
        self._told = told
        self._unmeant = unmeant
        self._look_seconds = look
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="facekeep-backups", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End. A backup under way is given up, as long as it is still being copied."""
        self._ending.set()
        self._keep.give_up_backup()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._look()
            self._ending.wait(self._look_seconds)

    def _look(self) -> None:
        plan = self._plan
        try:
            if self._keep.backup_is_due(plan.to, plan.every):
                self._told(self._keep.backup(plan.to, plan.recipients, prune=True))
        except FacekeepError as error:
            if not self._ending.is_set():
                self._told(error)
        except Exception as error:  # noqa: BLE001 - told, and looked at again: nobody restarts this thread
            self._unmeant(error)

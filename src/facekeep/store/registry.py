"""The registry: who is enrolled, under which consents, for which cases; nothing of it can be read without two keys.

Each person has a random data key. It is kept wrapped under the registrar's keys and seals all that is personal; whoever
destroys it destroys the person's record in this file and, with the epoch key it was wrapped under, in every backup.
What a thief of the file learns all the same is listed in docs/reference/stores.md; why it is so, in docs/adr/0003.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy import Connection, insert, select

from facekeep.domain.access import Client
from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import ConsentRules
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import Case, CaseId
from facekeep.domain.subject import DataSubject, Reference, SubjectId
from facekeep.errors import DamagedStoreError, UsageError
from facekeep.store import tables
from facekeep.store.database import Database, new_file, sync_directory
from facekeep.store.journal import JournalEntry
from facekeep.store.keys import KeyProvider
from facekeep.store.migrations import HEAD, revision_of, upgrade
from facekeep.store.registry_keys import RegistryKeys
from facekeep.store.rekeying import rekey
from facekeep.store.transaction import Transaction, state_record
from facekeep.store.vault import ROLE, Vault
from facekeep.store.view import PAGE, State, View, read_state

__all__ = ["Registry"]

_STORE_BYTES: Final = 16
_T = TypeVar("_T")


class Registry:
    """An open registry. Its methods may be called from any thread; transactions wait for each other.

    Make one with :meth:`create` or :meth:`open`, and close it. Any method may raise
    :class:`~facekeep.errors.DamagedStoreError` when the file is damaged, and :class:`~facekeep.errors.UsageError` when
    another process holds it for longer than ten seconds.
    """

    _told: Callable[[], None] | None = None

    def __init__(self, database: Database, keys: RegistryKeys, vault: Vault, epoch: int, state: State) -> None:
        self._database = database
        self._keys = keys
        self._vault = vault
        self._epoch = epoch
        self._keep_id = state.keep
        self._model = state.model
        self._lock = threading.RLock()
        self._writing = False
        self._copies = 0
        self._log_is_empty = True

    @classmethod
    def create(cls, path: Path, keys: KeyProvider, *, keep_id: bytes, model: str) -> Registry:
        """Make a registry and open it: all purposes off, nobody enrolled.

        The file appears under ``path`` only when it is whole, and after its keys. A creation that crashed leaves a file
        named ``….new`` and can be tried again.

        Args:
            path: where; there must be nothing.
            keys: where its keys are to be kept; there must be none of a registry.
            keep_id: what the halves know the keep by, 1 byte at least.
            model: SHA-256 of the embedding model, 64 hexadecimal digits.

        Raises:
            UsageError: there is a file at ``path``.
            DamagedStoreError: there are keys of a registry already.
        """
        if path.exists():
            raise UsageError("there is already a registry", hint="Choose an empty folder.")
        unfinished = path.with_name(f"{path.name}.new")
        again = _begin_file(unfinished)
        store = os.urandom(_STORE_BYTES)
        vault = RegistryKeys(keys).first(store, again=again)
        state = State(keep=keep_id, model=model, generation=0, journalled=0, ledgered=0, switched_on=frozenset())
        database = Database(unfinished)
        try:
            with database.writing() as connection:
                upgrade(connection)
                sealed = vault.root.seal(tables.meta.c.sealed, store, state_record(state))
                row = {"id": 1, "store": store, "epoch": 1, "sealed": sealed}
                checks = {"role_check": vault.role_check, "epoch_check": vault.epoch_check}
                connection.execute(insert(tables.meta).values(row | checks))
            database.empty_log()
        finally:
            database.close()
        unfinished.rename(path)
        sync_directory(path.parent)
        return cls.open(path, keys)

    @classmethod
    def open(cls, path: Path, keys: KeyProvider) -> Registry:
        """Open a registry, in a time that does not depend on how many people it holds.

        A file of an older version is brought forward first. What a crash left of a change of keys is cleared away; what
        it left of a transaction over the three stores is listed by :meth:`journal`.

        Raises:
            DamagedStoreError: there is no such file, it is not a registry, it is damaged, or of a newer version.
            KeyMissingError: a key is missing, or is not the one that the registry was sealed with.
        """
        database = Database(path)
        try:
            with database.reading() as connection:
                outdated = revision_of(connection) != HEAD
            if outdated:
                with database.writing() as connection:
                    upgrade(connection)
            registry_keys = RegistryKeys(keys)
            with database.reading() as connection:
                vault, epoch = _vault_of(connection, registry_keys)
                state = read_state(connection, vault)
            registry = cls(database, registry_keys, vault, epoch, state)
            if not registry_keys.is_settled(epoch):
                registry.finish_epoch()
            # A crash may have come between an erasure and the emptying of the log.
            registry.empty_log()
        except BaseException:
            database.close()
            raise
        return registry

    @classmethod
    def look(cls, path: Path, keys: KeyProvider) -> Registry:
        """Open a registry beside the process that has it open, to read only: nothing is tidied or brought forward.

        Raises:
            DamagedStoreError: see :meth:`open`; or it is of another version.
            KeyMissingError: see :meth:`open`; while the epoch is changed, too.
        """
        database = Database(path)
        try:
            with database.reading() as connection:
                _check_version(connection)
                registry_keys = RegistryKeys(keys)
                vault, epoch = _vault_of(connection, registry_keys)
                state = read_state(connection, vault)
        except BaseException:
            database.close()
            raise
        return cls(database, registry_keys, vault, epoch, state)

    def close(self) -> None:
        """Close it. Closing twice changes nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def keep_id(self) -> bytes:
        """What the halves know the keep by."""
        return self._keep_id

    @property
    def model(self) -> str:
        """SHA-256 of the embedding model that the keep is bound to."""
        return self._model

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 1."""
        return self._epoch

    @property
    def generation(self) -> int:
        """Counts what the three stores did together, from 0."""
        return self._ask(lambda view: view.state.generation)

    @property
    def log_is_empty(self) -> bool:
        """Whether nothing that was erased can linger in the write-ahead log. See :meth:`empty_log`."""
        return self._log_is_empty

    @contextmanager
    def read(self) -> Iterator[View]:
        """One snapshot, for several questions that must fit together. Keep the block short: it holds up the log."""
        with self._database.reading() as connection:
            yield View(connection, self._vault)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything written in the block is durable, all of it, when the block ends; nothing of it, when it raises.

        Raises:
            UsageError: this thread is in a transaction already.
        """
        with self._exclusive():
            with self._database.writing() as connection:
                transaction = Transaction(connection, self._vault)
                yield transaction
            if transaction.scrub or not self._log_is_empty:
                self.empty_log()
        if transaction.told and self._told is not None:
            self._told()

    def watch_events(self, told: Callable[[], None]) -> None:
        """Have somebody told after each transaction that recorded messages for webhooks."""
        self._told = told

    def empty_log(self) -> bool:
        """Cut the write-ahead log to nothing. Done by itself after every erasure and change of keys.

        Returns:
            Whether it is empty now. It is not while another connection is in the middle of reading; it is then tried
            again after the next transaction and at the next opening. Nor is it while the registry is copied, which
            nobody waits for: it is then done when the copy is.
        """
        self._log_is_empty = not self._copies and self._database.empty_log()
        return self._log_is_empty

    @contextmanager
    def copying(self) -> Iterator[Callable[[Path], None]]:
        """What copies the registry as it is at the beginning of the block into a new file, while others write on.

        The copy is sealed as the registry is, mode 0600, and dies with the key of the present epoch. What is erased
        during the block is cut from the write-ahead log when it ends.
        """
        with self._lock:
            self._copies += 1
        try:
            with self._database.copying() as copy:
                yield copy
        finally:
            with self._lock:
                self._copies -= 1
            if not self._log_is_empty:
                self.empty_log()

    def begin_epoch(self) -> int:
        """Seal everything under the key of a new epoch, and give its number.

        The old key is still there, until :meth:`finish_epoch` or the next opening destroys it.
        """
        return self._rekey(rotated=False)

    def finish_epoch(self) -> None:
        """Destroy the keys of all epochs but this one: what older copies of the file hold is unreadable from now on.

        A role key that was rotated takes its place, and the old one is destroyed.
        """
        with self._exclusive(), self._database.writing() as connection:
            self._settle(connection)

    def rotate(self) -> int:
        """Replace the role key and the epoch key, seal and index everything anew, and destroy the old keys.

        Returns:
            The number of the new epoch.
        """
        epoch = self._rekey(rotated=True)
        self.finish_epoch()
        return epoch

    def check(self) -> None:
        """Read the whole file and open every cell, for ``facekeep doctor``.

        Raises:
            DamagedStoreError: something is damaged.
        """
        self._database.check()
        self._ask(View.check)

    def subject(self, subject: SubjectId) -> DataSubject:
        """See :meth:`View.subject`."""
        return self._ask(lambda view: view.subject(subject))

    def subject_by_label(self, label: str) -> DataSubject | None:
        """See :meth:`View.subject_by_label`."""
        return self._ask(lambda view: view.subject_by_label(label))

    def subjects(self, *, page: int = PAGE) -> Iterator[DataSubject]:
        """All data subjects, in a random order that stays the same; read a page at a time, each its own snapshot."""
        after: SubjectId | None = None
        while True:
            with self.read() as view:
                found = view.subjects(after=after, limit=page)
            yield from found
            if len(found) < page:
                return
            after = found[-1].id

    def subject_count(self) -> int:
        """See :meth:`View.subject_count`."""
        return self._ask(View.subject_count)

    def reference_count(self) -> int:
        """See :meth:`View.reference_count`."""
        return self._ask(View.reference_count)

    def is_erased(self, subject: SubjectId) -> bool:
        """See :meth:`View.is_erased`."""
        return self._ask(lambda view: view.is_erased(subject))

    def references_of(self, subject: SubjectId) -> tuple[Reference, ...]:
        """See :meth:`View.references_of`."""
        return self._ask(lambda view: view.references_of(subject))

    def subject_of_pseudonym(self, pseudonym: Pseudonym) -> SubjectId | None:
        """See :meth:`View.subject_of_pseudonym`."""
        return self._ask(lambda view: view.subject_of_pseudonym(pseudonym))

    def consents_of(self, subject: SubjectId) -> tuple[Consent, ...]:
        """See :meth:`View.consents_of`."""
        return self._ask(lambda view: view.consents_of(subject))

    def allowed_purposes(self, subject: SubjectId) -> frozenset[Purpose]:
        """See :meth:`View.allowed_purposes`."""
        return self._ask(lambda view: view.allowed_purposes(subject))

    def never_returned(self) -> tuple[SubjectId, ...]:
        """See :meth:`View.never_returned`."""
        return self._ask(View.never_returned)

    def switches(self) -> Mapping[Purpose, bool]:
        """See :meth:`View.switches`."""
        return self._ask(View.switches)

    def consent_rules(self) -> ConsentRules:
        """See :meth:`View.consent_rules`."""
        return self._ask(View.consent_rules)

    def notice(self, digest: str) -> Notice | None:
        """See :meth:`View.notice`."""
        return self._ask(lambda view: view.notice(digest))

    def notices(self) -> tuple[Notice, ...]:
        """See :meth:`View.notices`."""
        return self._ask(View.notices)

    def case(self, case: CaseId) -> Case:
        """See :meth:`View.case`."""
        return self._ask(lambda view: view.case(case))

    def case_by_title(self, title: str) -> Case | None:
        """See :meth:`View.case_by_title`."""
        return self._ask(lambda view: view.case_by_title(title))

    def cases(self) -> tuple[Case, ...]:
        """See :meth:`View.cases`."""
        return self._ask(View.cases)

    def clients(self) -> tuple[Client, ...]:
        """See :meth:`View.clients`."""
        return self._ask(View.clients)

    def client_by_name(self, name: str) -> Client | None:
        """See :meth:`View.client_by_name`."""
        return self._ask(lambda view: view.client_by_name(name))

    def client_by_digest(self, digest: bytes) -> Client | None:
        """See :meth:`View.client_by_digest`."""
        return self._ask(lambda view: view.client_by_digest(digest))

    def journal(self) -> tuple[JournalEntry, ...]:
        """See :meth:`View.journal`."""
        return self._ask(View.journal)

    def _ask(self, question: Callable[[View], _T]) -> _T:
        with self.read() as view:
            return question(view)

    def _rekey(self, *, rotated: bool) -> int:
        with self._exclusive():
            epoch = self._epoch + 1
            with self._database.writing() as connection:
                # First of all: were an earlier change unfinished, the keys drawn below would replace the true ones.
                self._settle(connection)
                self._keys.next_epoch(epoch)
                if rotated:
                    self._keys.next_role()
                vault = self._keys.successor(store=self._vault.store, epoch=epoch, rotated=rotated)
                rekey(connection, self._vault, vault, epoch=epoch)
            self._vault, self._epoch = vault, epoch
            # The old pages hold what the old keys open.
            self.empty_log()
        return epoch

    def _settle(self, connection: Connection) -> None:
        # Reading the state proves, under the write lock, that the meta row still names the keys that we hold.
        read_state(connection, self._vault)
        self._keys.settle(store=self._vault.store, epoch=self._epoch, role=self._vault.role_check)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock:
            if self._writing:
                raise UsageError("this thread is in a transaction of the registry already")
            self._writing = True
            try:
                yield
            finally:
                self._writing = False


def _begin_file(unfinished: Path) -> bool:
    """Make the empty file of a registry under creation, and tell whether there was one, left by a crash."""
    again = unfinished.exists()
    if again:
        # Cut, not removed: while it is there, keys without a registry are known to be leftovers.
        os.truncate(unfinished, 0)
        for ending in ("-wal", "-shm"):
            unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)
    else:
        new_file(unfinished)
    sync_directory(unfinished.parent)
    return again


def _check_version(connection: Connection) -> None:
    if revision_of(connection) != HEAD:
        hint = "Start the registrar of this version first."
        raise DamagedStoreError("the registry is of another version", store=ROLE, hint=hint)


def _vault_of(connection: Connection, keys: RegistryKeys) -> tuple[Vault, int]:
    rows = connection.execute(select(tables.meta)).all()
    if len(rows) != 1:
        raise DamagedStoreError("the registry does not say what it is", store=ROLE)
    meta = rows[0]
    vault = keys.find(store=meta.store, epoch=meta.epoch, role=meta.role_check, pair=meta.epoch_check)
    return vault, meta.epoch

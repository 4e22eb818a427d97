"""What both halves do alike with their rows: open, check, write in two phases, count.

A half trusts nobody: not the gate, whose tickets it checks, and not its twin beyond the pinned key. It keeps its own
rules, budgets and log. The two roles themselves are in ``left`` and ``right``.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.consent import Purpose
from facekeep.domain.row import (
    Change,
    Pseudonym,
    PutRow,
    PutState,
    RemoveRow,
    RowFlag,
    RowHead,
    StoredRow,
    TransactionId,
)
from facekeep.errors import DamagedStoreError, FormatError, RefusedError, UnavailableError, UsageError
from facekeep.split.blocks import CoarseBlocks
from facekeep.split.budget import Budgets, counted_operator
from facekeep.split.forgiveness import used_before
from facekeep.split.log_tree import LogTree, commitment_of
from facekeep.split.messages import HalfStatus, LogHead
from facekeep.split.operators import OperatorKey
from facekeep.split.ports import HalfLog, HalfStore
from facekeep.split.ratchet import Handshake, Hello, Ratchet
from facekeep.split.refusals import Refusals
from facekeep.split.roles import LOG_TOGETHER
from facekeep.split.rows import RowTable
from facekeep.split.rules import Rules
from facekeep.split.word import SignedWord

_SNAPSHOT_EVERY = 4096
_SNAPSHOT_PART = 8 << 20  # a named value has at most 16 MiB
_ERASED_TOGETHER = 1000  # a record has at most 64 KiB
_RULES = "rules"
_BUDGETS = "budgets"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a half is given at its start.

    Attributes:
        store: its rows.
        log: its log.
        identity: its Ed25519 key; the twin has the public part in its rules.
        clock: seconds since 1970, UTC.
        threads: where further parts of a scan run, or None.
        parts: into how many parts a scan is cut.
    """

    store: HalfStore
    log: HalfLog
    identity: Ed25519PrivateKey
    clock: Callable[[], int]
    threads: ThreadPoolExecutor | None = None
    parts: int = 1


def install_rules(store: HalfStore, rules: Rules) -> None:
    """Give a new store its rules; once, when the keep is made."""
    if store.state(_RULES) is not None:
        raise UsageError("a half already has its rules")
    store.save_state(_RULES, rules.to_bytes())


def _part(turn: int, number: int) -> str:
    return f"{_BUDGETS}/{turn}/{number}"


class Half(ABC):
    """Rows, rules, budgets and sessions of one half. Safe for threads."""

    side: bytes

    def __init__(self, around: Surroundings) -> None:
        """Open: load the rules, the rows and the counts.

        Raises:
            DamagedStoreError: the store or the log does not authenticate, or the log was shortened.
        """
        self._store = around.store
        self._log = around.log
        self._identity = around.identity
        self._clock = around.clock
        self._threads = around.threads
        self._parts = around.parts
        self._lock = threading.RLock()
        self._handshake: Handshake | None = None
        self._ratchet: Ratchet | None = None
        self._nonces: dict[str, int] = {}
        self._refusals = Refusals()
        self._snapshot_log = self._snapshot_turn = 0
        self._tree, self._tree_lock = LogTree(), threading.Lock()
        stored = self._store.state(_RULES)
        if stored is None:
            raise self._damaged("has no rules")
        try:
            self._rules, self._stored_rules = Rules.from_bytes(stored), stored
            self._model = bytes.fromhex(self._rules.model)
            self._budgets = self._replay()
        except FormatError as problem:
            raise self._damaged("has rules or counts that do not parse") from problem
        self._load()

    def _damaged(self, what: str) -> DamagedStoreError:
        name = f"{self.side.decode()} half"
        return DamagedStoreError(f"the {name} {what}", store=name)

    # Opening

    def _load(self) -> None:
        count = len(self._store)
        table = RowTable(count)
        blocks = CoarseBlocks(self._rules.dimension, count)

        def shares() -> Iterator[tuple[int, bytes]]:
            for row in self._store.rows():
                table.put(row.slot, row.head)
                self._remember(row)
                yield row.slot, self._coarse_share(row)

        blocks.fill(shares())
        blocks.arrange(table.ordered())
        self._table, self._blocks = table, blocks

    @abstractmethod
    def _coarse_share(self, row: StoredRow) -> bytes:
        """This half's share of a row's coarse code, D bytes."""

    @abstractmethod
    def _remember(self, row: StoredRow) -> None:
        """Keep in memory what a comparison needs of a row beside its coarse share."""

    def _replay(self) -> Budgets:
        stored = self._store.state(_BUDGETS)
        start = 0
        budgets = Budgets(self._rules.limits)
        if stored is not None:
            try:
                snapshot = json.loads(stored)
                start = self._snapshot_log = int(snapshot["log"])
                self._snapshot_turn = int(snapshot["turn"])
                self._nonces = {str(nonce): int(expires) for nonce, expires in snapshot["nonces"].items()}
                self._refusals = Refusals(*map(int, snapshot["refusals"]))
                # Of a snapshot from before the tree it begins with the first record, when it is asked for.
                size, kept = snapshot.get("tree", (0, []))
                self._tree = LogTree(int(size), [bytes.fromhex(node) for node in kept])
                parts = [self._store.state(_part(self._snapshot_turn, n)) or b"" for n in range(int(snapshot["parts"]))]
                budgets = Budgets.restore(self._rules.limits, b"".join(parts))
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                raise FormatError("the counts of a half do not parse") from problem
        if len(self._log) < max(start, self._tree.size):
            raise self._damaged("has a log that is shorter than it was")
        for record in self._log.replay(start):
            self._count(budgets, json.loads(record))
        return budgets

    def _count(self, budgets: Budgets, record: dict[str, object]) -> None:
        row = Pseudonym(bytes.fromhex(str(record.get("row", ""))))
        when = int(str(record["time"]))
        budgets.turn(when)
        match record["kind"]:
            case "search":
                self._nonces[str(record["nonce"])] = int(str(record["expires"]))
                case, compared = str(record["case"]), record["rows"] != 0
                operator = counted_operator(str(record["gallery"]), str(record["operator"]))
                budgets.count(when, row=row or None, case=case, operator=operator, compared=compared)
            case "refuse":
                self._refusals.seen(when, int(str(record["count"])))
            case "accept":
                budgets.accepted(int(str(record["searched"])), row)
            case "forgive" if "rows" not in record:  # by a log from before the registrar's word, of one row
                budgets.forgive(row)
            case "erase" | "forgive" as kind:
                if kind == "forgive":
                    self._nonces[str(record["nonce"])] = int(str(record["expires"]))
                for name in cast("list[str]", record["rows"]):
                    budgets.forgive(Pseudonym(bytes.fromhex(name)))

    def _write_log(self, records: Sequence[dict[str, object]], *, durable: bool) -> None:
        """Append records. The caller counts them and then calls ``_snapshot``, which must not see half of it."""
        self._log.append_many([json.dumps(record).encode() for record in records], durable=durable)

    @contextmanager
    def _refusal_logged(self) -> Iterator[None]:
        """Around the check of the registrar's word: a refusal is logged before it is told."""
        try:
            yield
        except RefusedError as refusal:
            now = self._clock()
            refused = self._refusals.record(now, refusal)
            self._write_log([] if refused is None else [refused], durable=False)
            self._budgets.turn(now)
            self._snapshot()
            raise

    def _snapshot(self) -> None:
        """Save the counts if the log has grown by as much as saving them costs."""
        if len(self._log) - self._snapshot_log >= max(_SNAPSHOT_EVERY, len(self._budgets)):
            self._save_counts()

    def _save_counts(self) -> None:
        now = self._clock()
        # A snapshot must not be of records that a power failure can still take away.
        self._log.append_many((), durable=True)
        self._nonces = {nonce: expires for nonce, expires in self._nonces.items() if expires > now}
        counts, turn, tree = self._budgets.snapshot(), 1 - self._snapshot_turn, self._tree
        starts = range(0, len(counts), _SNAPSHOT_PART)
        for number, start in enumerate(starts):
            self._store.save_state(_part(turn, number), counts[start : start + _SNAPSHOT_PART])
        # The parts of the former snapshot are whole until this points to the new ones.
        refusals = [self._refusals.hour, self._refusals.count]
        head = {
            "log": len(self._log),
            "nonces": self._nonces,
            "refusals": refusals,
            "turn": turn,
            "parts": len(starts),
            "tree": (tree.size, [node.hex() for node in tree.kept]),
        }
        self._store.save_state(_BUDGETS, json.dumps(head).encode())
        self._snapshot_log, self._snapshot_turn = len(self._log), turn

    # Sessions with the twin

    def hello(self) -> Hello:
        """Begin a session; the former one serves until this one is paired."""
        with self._lock:
            keep, peer = bytes.fromhex(self._rules.keep), bytes.fromhex(self._rules.peer)
            self._handshake = Handshake(self.side, keep, self._identity, peer)
            return self._handshake.hello

    def pair(self, other: Hello) -> None:
        """Finish the session.

        Raises:
            RefusedError: the other is not the pinned twin, or no session was begun.
        """
        with self._lock:
            if self._handshake is None:
                raise RefusedError("a half was answered before it asked", hint="Open the keep again.")
            self._ratchet = self._handshake.finish(other)
            self._handshake = None

    def _session(self) -> Ratchet:
        if self._ratchet is None:
            hint = "The gate pairs them when it opens the keep again: ask in a moment."
            raise UnavailableError("the halves are not paired", hint=hint)
        return self._ratchet

    # Writing

    @abstractmethod
    def _same_secret(self, row: StoredRow, head: RowHead) -> PutRow:
        """The row under another head that leaves its masks as they are."""

    def _check_new(self, transaction: TransactionId, heads: Sequence[RowHead]) -> None:
        """Check what the gate gives of new rows: it could put another face under a pseudonym that is in use.

        Raises:
            RefusedError: the transaction is prepared already, or a row has another epoch, a version or a namesake.
            UsageError: there would be too many galleries.
        """
        self._table.check_galleries({head.gallery for head in heads})
        if transaction in self._store.staged():
            raise RefusedError("this transaction is prepared already", hint="Abort it and begin another.")
        for head in heads:
            if head.epoch != self._store.epoch or head.version != 0 or self._store.find(head.pseudonym) is not None:
                raise RefusedError("a new row has another epoch, a version, or a pseudonym in use", hint="Enrol again.")

    def stage_erase(self, transaction: TransactionId, pseudonyms: Sequence[Pseudonym]) -> None:
        """Prepare to remove rows; one that is not there is gone as asked."""
        self._stage(transaction, [RemoveRow(pseudonym) for pseudonym in pseudonyms])

    def stage_marks(self, transaction: TransactionId, marks: Sequence[tuple[Pseudonym, int, RowFlag]]) -> None:
        """Prepare to give rows other purpose bits and flags.

        Raises:
            DamagedStoreError: a row is missing here that the coordinator knows.
        """
        with self._lock:
            changes = []
            for pseudonym, purposes, flags in marks:
                row = self._store.find(pseudonym)
                if row is None:
                    raise self._damaged("lacks a row that the registry knows")
                old = row.head
                head = RowHead(old.pseudonym, old.epoch, old.version, old.gallery, purposes, flags)
                changes.append(self._same_secret(row, head))
            self._stage(transaction, changes)

    def stage_switch(self, transaction: TransactionId, purpose: Purpose, on: bool) -> None:
        """Prepare to switch a purpose in this half's rules."""
        with self._lock:
            self._stage(transaction, [PutState(_RULES, self._rules.with_switch(purpose, on).to_bytes())])

    def stage_operators(self, transaction: TransactionId, change: SignedWord) -> None:
        """Prepare to give or take an operator's key.

        Raises:
            RefusedError: the registrar did not sign it for this keep, or it was given before. It is logged.
        """
        with self._lock:
            with self._refusal_logged():
                rules = self._rules.with_change(change)
            self._stage(transaction, [PutState(_RULES, rules.to_bytes())])

    def operators(self) -> tuple[OperatorKey, ...]:
        """The keys that may sign for operators."""
        with self._lock:
            return self._rules.operators

    def _stage(self, transaction: TransactionId, changes: Iterable[Change], *, new_epoch: bool = False) -> None:
        with self._lock:
            self._store.stage(transaction, changes, new_epoch=new_epoch)

    def commit(self, transaction: TransactionId) -> None:
        """Apply what was prepared, in the store and then in memory."""
        with self._lock:
            epoch = self._store.epoch
            applied = self._store.commit(transaction)
            self._ended(transaction)
            if self._store.epoch != epoch:
                self._load()
            present = [change.row for change in applied if change.row is not None]
            erased = []
            for change in applied:
                if change.row is None:
                    erased.append(self._table.pseudonym(change.slot))
                    self._table.remove(change.slot)
                    self._blocks.clear(change.slot)
                    self._forget(change.slot)
            for row in present:
                self._remember(row)
            if len(present) > 1:
                self._blocks.fill((row.slot, self._coarse_share(row)) for row in sorted(present, key=lambda r: r.slot))
            elif present:
                self._blocks.put(present[0].slot, self._coarse_share(present[0]))
            for row in present:  # last: a row in the table without its codes would be read beyond the blocks' end
                self._table.put(row.slot, row.head)
            stored = self._store.state(_RULES)
            if stored is not None and stored != self._stored_rules:  # a thousand keys take a while to be read
                self._rules, self._stored_rules = Rules.from_bytes(stored), stored
            self._log_commit(len(applied), erased)

    def _log_commit(self, rows: int, erased: Sequence[Pseudonym]) -> None:
        now = self._clock()
        records: list[dict[str, object]] = [{"kind": "write", "time": now, "rows": rows, "epoch": self._store.epoch}]
        for start in range(0, len(erased), _ERASED_TOGETHER):
            names = [pseudonym.hex() for pseudonym in erased[start : start + _ERASED_TOGETHER]]
            records.append({"kind": "erase", "time": now, "rows": names})
        self._write_log(records, durable=False)
        self._budgets.turn(now)
        for pseudonym in erased:
            self._budgets.forgive(pseudonym)
        self._snapshot()

    @abstractmethod
    def _forget(self, slot: int) -> None:
        """Overwrite what ``_remember`` kept."""

    @abstractmethod
    def _ended(self, transaction: TransactionId) -> None:
        """Drop what was kept in memory for a transaction."""

    def abort(self, transaction: TransactionId) -> None:
        """Forget what was prepared."""
        with self._lock:
            self._store.abort(transaction)
            self._ended(transaction)

    def staged(self) -> list[TransactionId]:
        """What is prepared and not ended."""
        with self._lock:
            return self._store.staged()

    # Supervision

    def forgive(self, word: SignedWord) -> None:
        """Drop the counts of rows that two people reviewed, and so release their locks.

        Raises:
            RefusedError: the registrar did not sign it for this keep and this time, it names one reviewer alone, or it
                was used before. The refusal is in the log.
        """
        with self._lock:
            now = self._clock()
            with self._refusal_logged():
                given = self._rules.forgiveness(word, now)
                if given.nonce in self._nonces:
                    raise used_before()
            record: dict[str, object] = {"kind": "forgive", "time": now, "rows": given.rows}
            record |= {"reviewers": given.reviewers, "nonce": given.nonce, "expires": given.expires}
            self._write_log([record], durable=True)
            self._count(self._budgets, record)
            self._snapshot()

    @property
    def epoch(self) -> int:
        """The present epoch."""
        return self._store.epoch

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._table)

    def head_of(self, pseudonym: Pseudonym) -> RowHead | None:
        """What the half knows of a row, or None."""
        with self._lock:
            row = self._store.find(pseudonym)
            return None if row is None else row.head

    def alarms(self) -> tuple[Pseudonym, ...]:
        """Rows with too many rejected comparisons."""
        with self._lock:
            return self._budgets.alarms()

    def log_head(self) -> LogHead:
        """Number of records in the log, all on disk, and the head of their tree.

        The tree grows here by what was appended since it was asked for the last time, so that appending costs nothing.
        """
        with self._tree_lock:
            size, tree, store_id = len(self._log), LogTree(self._tree.size, self._tree.kept), self._store.store_id
            # What a power failure can still take away is not told.
            self._log.append_many((), durable=True)
            records = islice(self._log.replay(tree.size), size - tree.size)
            while some := [commitment_of(store_id, record) for record in islice(records, LOG_TOGETHER)]:
                tree.grow(some)
            self._tree = tree
            return LogHead(tree.size, tree.root)

    def log_commitments(self, first: int, count: int) -> list[bytes]:
        """What stands for records in the tree of the log; fewer where it ends, at most ``LOG_TOGETHER`` at once."""
        store_id = self._store.store_id
        records = islice(self._log.replay(first), min(count, LOG_TOGETHER))
        return [commitment_of(store_id, record) for record in records]

    def levels(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The thresholds and false match rates in this half's rules."""
        with self._lock:
            return self._rules.thresholds, self._rules.fmrs

    def status(self) -> HalfStatus:
        """How the half is; takes time in proportion to its rows."""
        with self._lock:
            return HalfStatus(
                self._store.store_id,
                self._store.epoch,
                self._store.generation,
                len(self._table),
                self._table.root(),
                self._budgets.alarms(),
                len(self._log),
            )

    def close(self) -> None:
        """Save the counts and close store and log."""
        with self._lock:
            try:
                self._save_counts()
            finally:  # a full disk must not keep the files locked
                self._log.close()
                self._store.close()

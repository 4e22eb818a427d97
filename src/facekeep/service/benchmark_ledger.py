"""The ledger timed: appends that are on disk, and proofs from a large tree; beside a plain log in SQLite.

A registry in a folder of its own gets entries, a batch in a transaction. The peer gets the same entries in the same
batches: one row each in the clear, in a file with the same settings, as an audit table usually is. It proves nothing;
what it would take to have a head of it is hashing all of it anew, which is timed as well.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.merkle import consistency_proof, grown, inclusion_proof, root
from facekeep.errors import UsageError
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry

__all__ = ["LedgerBenchmark", "benchmark_ledger"]

_PROOFS: Final = 500
_LEAVES_MAX: Final = 10_000_000
_KEEP: Final = bytes(16)
_MODEL: Final = "be" * 32
_TIME: Final = datetime(2026, 11, 26, tzinfo=UTC)
_PEER: Final = """PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE log (number INTEGER PRIMARY KEY, entry BLOB NOT NULL);"""


@dataclass(frozen=True, slots=True)
class LedgerBenchmark:
    """What was measured.

    Attributes:
        leaves: of the tree in the end.
        batch: entries in a transaction.
        appends_per_second: entries in a second, on disk.
        peer_appends_per_second: of a plain log in SQLite.
        bytes_per_entry: of the registry's file.
        inclusion: milliseconds of a proof of inclusion from the file, median and slowest of 500.
        consistency: of a proof of consistency.
        rehash: milliseconds of reading the plain log and hashing it to a head.
    """

    leaves: int
    batch: int
    appends_per_second: float
    peer_appends_per_second: float
    bytes_per_entry: float
    inclusion: tuple[float, float]
    consistency: tuple[float, float]
    rehash: float


def benchmark_ledger(
    leaves: int, batch: int = 100, *, progress: Callable[[int, int], None] | None = None, seed: int = 1
) -> LedgerBenchmark:
    """Measure.

    Args:
        leaves: 1,000 to 10,000,000.
        batch: entries in a transaction, 1 to 10,000.
        progress: called with the leaves written and all leaves.
        seed: of the proofs that are asked for.

    Raises:
        UsageError: a number is out of range.
    """
    if not 1000 <= leaves <= _LEAVES_MAX or not 1 <= batch <= 10_000:
        raise UsageError(f"there are 1,000 to {_LEAVES_MAX:,} leaves, and 1 to 10,000 entries in a transaction")
    with tempfile.TemporaryDirectory(prefix="facekeep-bench-") as name:
        file = Path(name) / "registry.db"
        registry = Registry.create(file, MemoryKeyProvider(), keep_id=_KEEP, model=_MODEL)
        with registry, closing(sqlite3.connect(Path(name) / "peer.db")) as peer:
            peer.executescript(_PEER)
            ours = theirs = 0.0
            for first in range(0, leaves, batch):
                entries = [_entry(number) for number in range(first, min(first + batch, leaves))]
                ours += _timed(partial(_record, registry, entries))
                theirs += _timed(partial(_log, peer, entries))
                if progress is not None:
                    progress(first + len(entries), leaves)
            registry.empty_log()
            size = file.stat().st_size
            inclusion, consistency = _proofs(registry, leaves, random.Random(seed))  # noqa: S311 - which proofs are asked for is no secret
            rehash = 1000 * _timed(partial(_rehash, peer, leaves))
    return LedgerBenchmark(leaves, batch, leaves / ours, leaves / theirs, size / leaves, inclusion, consistency, rehash)


def _entry(number: int) -> LedgerEntry:
    return LedgerEntry(EntryKind.CASE_OPENED, _TIME, {"case": f"{number:032x}", "purpose": "identify"})


def _record(registry: Registry, entries: Sequence[LedgerEntry]) -> None:
    with registry.transaction() as tx:
        tx.record(entries)


def _log(peer: sqlite3.Connection, entries: Sequence[LedgerEntry]) -> None:
    with peer:
        peer.executemany("INSERT INTO log (entry) VALUES (?)", [(entry.written,) for entry in entries])


def _rehash(peer: sqlite3.Connection, count: int) -> bytes:
    nodes: dict[int, bytes] = {}
    entries = (entry for (entry,) in peer.execute("SELECT entry FROM log ORDER BY number"))
    nodes.update(grown(0, entries, nodes.__getitem__))
    return root(count, nodes.__getitem__)


def _proofs(registry: Registry, leaves: int, rng: random.Random) -> tuple[tuple[float, float], tuple[float, float]]:
    inclusion, consistency = [], []
    with registry.read() as view:

        def node(place: int) -> bytes:
            return view.ledger_nodes(place, 1)[0]

        for _ in range(_PROOFS):
            index, old = rng.randrange(leaves), rng.randrange(1, leaves)
            inclusion.append(1000 * _timed(lambda at=index: inclusion_proof(at, leaves, node)))  # type: ignore[misc]
            consistency.append(1000 * _timed(lambda at=old: consistency_proof(at, leaves, node)))  # type: ignore[misc]
    return (statistics.median(inclusion), max(inclusion)), (statistics.median(consistency), max(consistency))


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start

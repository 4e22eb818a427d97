"""The journal tells after a crash what to undo and what to finish, and a killed process loses nothing acknowledged."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.row import TransactionId
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError, NotFoundError
from facekeep.store.journal import JournalEntry, JournalKind, JournalState, entry_of, record_of
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.records import Value
from facekeep.store.registry import Registry
from tests.unit.store.registry_scenes import KEEP, MODEL

PAYLOAD: Mapping[str, Value] = {"kind": "not the kind", "pseudonyms": (b"\x00\xff", b""), "epoch": 3, "undo": None}


def test_an_entry_lives_from_its_beginning_to_its_end(registry: Registry) -> None:
    with registry.transaction() as tx:
        anna = tx.add_subject("anna")
        first = tx.journal_begin(JournalKind.ENROL, PAYLOAD, subject=anna)
        second = tx.journal_begin(JournalKind.REFRESH, {})
    assert len(first) == 16
    entries = registry.journal()
    assert [(e.id, e.number, e.kind, e.state, e.subject) for e in entries] == [
        (first, 1, JournalKind.ENROL, JournalState.PREPARED, anna),
        (second, 2, JournalKind.REFRESH, JournalState.PREPARED, None),
    ]
    assert entries[0].payload == PAYLOAD
    with registry.transaction() as tx:
        tx.journal_mark(first, JournalState.COMMITTED)
    assert [e.state for e in registry.journal()] == [JournalState.COMMITTED, JournalState.PREPARED]
    assert registry.journal()[0].payload == PAYLOAD
    for _ in range(2):
        with registry.transaction() as tx:
            tx.journal_end(first)
    assert [e.id for e in registry.journal()] == [second]
    with registry.transaction() as tx, pytest.raises(NotFoundError, match="no such transaction"):
        tx.journal_mark(first, JournalState.COMMITTED)


def test_entries_survive_an_opening_in_their_order(registry: Registry, path: Path, keys: MemoryKeyProvider) -> None:
    with registry.transaction() as tx:
        begun = [tx.journal_begin(kind, {"n": i}) for i, kind in enumerate(JournalKind)]
    registry.close()
    with Registry.open(path, keys) as again:
        assert [(e.id, e.payload["n"]) for e in again.journal()] == [(each, i) for i, each in enumerate(begun)]
        with again.transaction() as tx:
            tx.journal_end(begun[0])
            tx.journal_begin(JournalKind.ENROL, {})
        assert [e.number for e in again.journal()] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "change", [{"kind": "crawl"}, {"state": "half"}, {"kind": None}, {"number": ...}, {"subject": ...}]
)
def test_an_entry_of_another_version_is_named(change: Mapping[str, object]) -> None:
    entry = JournalEntry(
        TransactionId(bytes(16)), 1, JournalKind.ENROL, JournalState.PREPARED, SubjectId(bytes(16)), {"a": 1}
    )
    record = dict(record_of(entry))
    assert entry_of(entry.id, record) == entry
    changed = {name: value for name, value in {**record, **change}.items() if value is not ...}
    with pytest.raises(DamagedStoreError, match="not of this version"):
        entry_of(entry.id, changed)


# Imports once, then forks a child for each number it reads. The child enrols and erases for ever; after each commit,
# and only then, it says so. Every seventh round brings a new epoch, every eleventh new keys. Labels count up, so that
# what it said can be held against what is there.
FORKER = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
from facekeep.domain.consent import Notice, Purpose
from facekeep.store.journal import JournalKind, JournalState
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.registry import Registry

folder, now = Path(sys.argv[1]), datetime(2026, 1, 1, tzinfo=UTC)
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
def work(number):
    registry = Registry.open(folder / "registry.sqlite", FileKeyProvider(folder / "keys"))
    say("ready", os.getpid())
    while True:
        number += 1
        with registry.transaction() as tx:
            subject = tx.add_subject(f"person {number}", "N" * (number % 400))
            tx.add_reference(subject, os.urandom(16), gallery="g", model="ab" * 32, created=now)
            tx.give_consent(subject, Purpose.VERIFY, tx.add_notice(Notice("n")), now)
            txn = tx.journal_begin(JournalKind.ENROL, {"number": number}, subject=subject)
            tx.advance_generation()
        say("enrolled", number)
        with registry.transaction() as tx:
            tx.journal_mark(txn, JournalState.COMMITTED)
            tx.journal_end(txn)
        if number % 3 == 0:
            with registry.transaction() as tx:
                tx.erase_subject(subject, now)
                tx.advance_generation()
            say("erased", number)
        if number % 7 == 0:
            registry.begin_epoch()
            registry.finish_epoch()
        if number % 11 == 0:
            registry.rotate()
for line in sys.stdin:
    child = os.fork()
    if not child:
        work(int(line))
    say("gone", os.waitpid(child, 0)[1])
"""


def test_a_process_killed_thirty_times_loses_nothing_and_halves_nothing(tmp_path: Path) -> None:
    path, keys = tmp_path / "registry.sqlite", FileKeyProvider(tmp_path / "keys")
    Registry.create(path, keys, keep_id=KEEP, model=MODEL).close()
    enrolled: set[int] = set()
    erased: set[int] = set()
    generation = 0
    arguments = [sys.executable, "-c", FORKER, str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as forker:
        for kill in range(30):
            said = run_and_kill(forker, number=max(enrolled, default=0) + 1000, after=1 + kill * 7 % 13)
            enrolled |= {int(number) for what, number in said if what == "enrolled"}
            erased |= {int(number) for what, number in said if what == "erased"}
            with Registry.open(path, keys) as registry:
                assert path.with_name(path.name + "-wal").stat().st_size == 0
                registry.check()
                labels = {int(subject.label.split()[1]) for subject in registry.subjects()}
                # At most the one thing under way when the process died may have happened without being said.
                assert len(labels ^ (enrolled - erased)) <= 1
                assert not labels & erased
                unsaid = labels ^ (enrolled - erased)
                enrolled |= unsaid & labels
                erased |= unsaid - labels
                assert (registry.subject_count(), registry.reference_count()) == (len(labels), len(labels))
                assert registry.generation == generation + len(said) + len(unsaid)
                generation = registry.generation
                assert len(registry.journal()) <= 1
                for entry in registry.journal():
                    assert entry.state is JournalState.PREPARED
                    with registry.transaction() as tx:
                        tx.journal_end(entry.id)
                with registry.read() as view:
                    for subject in view.subjects(limit=20):
                        assert [consent.purpose for consent in view.consents_of(subject.id)] == [Purpose.VERIFY]
                        assert len(view.references_of(subject.id)) == 1
                        assert view.subject_by_label(subject.label) == subject
                assert keys.names() == ("registry", f"registry.epoch.{registry.epoch}")
    assert len(enrolled) > 60
    assert erased


def run_and_kill(forker: "subprocess.Popen[str]", *, number: int, after: int) -> list[tuple[str, str]]:
    """Run a child until it has said ``after`` things, kill it, and give all that it said."""
    assert forker.stdin is not None
    assert forker.stdout is not None
    forker.stdin.write(f"{number}\n")
    forker.stdin.flush()
    ready, child = forker.stdout.readline().split()
    assert ready == "ready", "the child did not open the registry"
    lines = [forker.stdout.readline() for _ in range(after)]
    os.kill(int(child), signal.SIGKILL)
    while not lines[-1].startswith("gone"):
        lines.append(forker.stdout.readline())
    assert lines.pop() == f"gone {signal.SIGKILL.value}\n"
    return [(line.split()[0], line.split()[1]) for line in lines]

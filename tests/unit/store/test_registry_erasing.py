"""What was erased is in no file, and what is kept tells a thief nothing."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from facekeep.errors import NotFoundError
from facekeep.store.journal import JournalKind
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from tests.unit.store.registry_scenes import (
    KEEP,
    MODEL,
    NOW,
    contents,
    enrol,
    fetch,
    pseudonym,
    stored_bytes,
)


class TestErasing:
    def test_a_canary_is_in_no_file_afterwards(self, tmp_path: Path) -> None:
        folder = tmp_path / "keep"
        folder.mkdir()
        keys = FileKeyProvider(tmp_path / "keys")
        path = folder / "registry.sqlite"
        name, label = "Kanarienvogel Zwitscher", "canary-7f3a"
        with Registry.create(path, keys, keep_id=KEEP, model=MODEL) as registry:
            with registry.transaction() as tx:
                used = [pseudonym() for _ in range(3)]
                canary = enrol(tx, label, *used, name=name)
                tx.change_subject(canary, attributes={"motto": name[::-1]})
                tx.join_never_return(canary, NOW)
                tx.journal_begin(JournalKind.ENROL, {"pseudonyms": used}, subject=canary)
                for i in range(50):
                    enrol(tx, f"other {i}", pseudonym())
            needles = stored_bytes(path, canary)
            with registry.transaction() as tx:
                tx.change_subject(canary, name="renamed")
            needles |= stored_bytes(path, canary)
            assert len(needles) >= 12
            assert all(any(needle in content for content in contents(folder)) for needle in stored_bytes(path, canary))
            with registry.transaction() as tx:
                assert set(tx.erase_subject(canary, NOW)) == set(used)
            assert registry.log_is_empty
            texts = [name, label, name[::-1], "renamed", canary.hex(), *(p.hex() for p in used)]
            needles |= {text.encode(form) for text in texts for form in ("utf-8", "utf-16-le", "utf-16-be")}
            needles |= {bytes(p) for p in used}
            for content in [*contents(folder), *contents(tmp_path / "keys")]:
                assert not [needle for needle in needles if needle in content]
            assert [len(p.read_bytes()) for p in folder.glob("*-wal")] == [0]
            registry.check()
            assert registry.subject_count() == 50

    def test_all_traces_go_and_a_tombstone_stays(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            used = pseudonym()
            anna, berta = enrol(tx, "anna", used), enrol(tx, "berta", pseudonym())
            tx.join_never_return(anna, NOW)
            tx.journal_begin(JournalKind.ENROL, {"pseudonym": used}, subject=anna)
            about_berta = tx.journal_begin(JournalKind.ENROL, {}, subject=berta)
            erasing = tx.journal_begin(JournalKind.ERASE, {"pseudonym": used}, subject=anna)
        with registry.transaction() as tx:
            assert tx.erase_subject(anna, NOW) == (used,)
        assert registry.is_erased(anna)
        assert not registry.is_erased(berta)
        assert [entry.id for entry in registry.journal()] == [about_berta, erasing]
        assert registry.subject_by_label("anna") is None
        assert registry.subject_of_pseudonym(used) is None
        assert registry.never_returned() == ()
        assert (registry.subject_count(), registry.reference_count()) == (1, 1)
        with pytest.raises(NotFoundError, match="was erased"):
            registry.subject(anna)
        with registry.transaction() as tx:
            assert tx.add_subject("anna") != anna
        registry.check()

    def test_undoing_leaves_no_tombstone(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna", pseudonym())
        with registry.transaction() as tx:
            tx.remove_subject(anna)
        assert not registry.is_erased(anna)
        with pytest.raises(NotFoundError, match="no such"):
            registry.subject(anna)

    def test_a_log_held_up_by_a_reader_is_emptied_by_the_next_transaction(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
        # Every pooled connection waits for ten seconds otherwise.
        busy = 1
        event.listen(
            registry._database._engine, "checkout", lambda raw, *_: raw.execute(f"PRAGMA busy_timeout = {busy}")
        )
        with registry.read():
            with registry.transaction() as tx:
                tx.erase_subject(anna, NOW)
            assert not registry.log_is_empty
        with registry.transaction() as tx:
            tx.advance_generation()
        assert registry.log_is_empty


class TestLeaks:
    def test_the_length_of_a_name_does_not_show(self, registry: Registry, path: Path) -> None:
        with registry.transaction() as tx:
            for i, name in enumerate(["", "Al", "A considerably longer name than that"]):
                enrol(tx, f"{'x' * i * 20}{i}", name=name)
        for table in ("subjects", "consents"):
            assert len(set(fetch(path, f"SELECT length(sealed) FROM {table}"))) == 1

    def test_opening_reads_as_little_of_many_people_as_of_few(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = []

        def count() -> int:
            """How many hundreds of virtual machine steps SQLite takes to open the registry."""
            ticks = [0]
            real = sqlite3.connect

            def connect(*args: object, **options: object) -> sqlite3.Connection:
                connection: sqlite3.Connection = real(*args, **options)  # type: ignore[call-overload]
                connection.set_progress_handler(lambda: ticks.__setitem__(0, ticks[0] + 1), 10)
                return connection

            with monkeypatch.context() as patch:
                patch.setattr(sqlite3, "connect", connect)
                Registry.open(path, keys).close()
            return ticks[0]

        for more in (3, 500):
            with registry.transaction() as tx:
                for i in range(more):
                    tx.add_subject(f"{more} {i}")
            registry.empty_log()
            steps.append(count())
        assert steps[0] > 0
        assert steps[1] <= steps[0] + 2

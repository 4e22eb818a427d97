"""A copy of a half that is made while the half is used: it is of the moment when it ends, or there is none."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from facekeep.domain.row import Pseudonym, PutRow, RemoveRow, RowHead
from facekeep.errors import UsageError
from facekeep.store import half_file
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import MemoryKeyProvider
from tests.unit.store.test_half_store import ONE, apply, create, put, reopen


@pytest.fixture
def keys() -> MemoryKeyProvider:
    return MemoryKeyProvider()


@pytest.fixture
def store(tmp_path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch) -> SqliteHalfStore:
    monkeypatch.setattr(half_file, "STEP_PAGES", 1)
    store = create(tmp_path / "left.db", keys)
    apply(store, [put(number, deep=bytes(600)) for number in range(100)])
    return store


def numbers(store: SqliteHalfStore) -> set[int]:
    return {int.from_bytes(row.head.pseudonym, "big") for row in store.rows()}


def test_what_is_written_between_two_steps_is_in_the_copy(
    store: SqliteHalfStore, tmp_path: Path, keys: MemoryKeyProvider
) -> None:
    steps: list[bool] = []

    def between(last: bool) -> None:
        steps.append(last)
        turn = len(steps)
        if turn <= 20:  # rows are written, changed and removed, on pages that were copied and on others
            changed = PutRow(RowHead(Pseudonym(turn.to_bytes(16, "big")), 0, 2, "another", 1), bytes(32), b"new" * 100)
            apply(store, [put(1000 + turn, deep=b"x" * 600), changed, RemoveRow(Pseudonym((50 + turn).to_bytes(16)))])

    store.backup(tmp_path / "copy.db", between)
    assert len(steps) > 20
    assert steps[-1]
    expected, generation = numbers(store), store.generation
    store.close()
    copy = reopen(tmp_path / "copy.db", keys)
    copy.verify()
    assert numbers(copy) == expected
    assert copy.generation == generation
    copy.close()


def test_other_threads_use_the_half_between_two_steps(store: SqliteHalfStore, tmp_path: Path) -> None:
    found: list[object] = []

    def between(_: bool) -> None:
        if not found:
            asking = threading.Thread(target=lambda: found.append(store.find(Pseudonym((7).to_bytes(16, "big")))))
            asking.start()
            asking.join(10)

    store.backup(tmp_path / "copy.db", between)
    assert found[0] is not None
    store.close()


def test_a_half_that_is_closed_meanwhile_leaves_no_copy_and_can_be_opened(
    store: SqliteHalfStore, tmp_path: Path, keys: MemoryKeyProvider
) -> None:
    with pytest.raises(UsageError, match="closed while"):
        store.backup(tmp_path / "copy.db", lambda _: store.close())
    assert not (tmp_path / "copy.db").exists()
    again = reopen(tmp_path / "left.db", keys)  # its lock was let go
    assert len(again) == 100
    again.close()


def test_two_copies_at_a_time_and_a_step_that_fails_are_refused(store: SqliteHalfStore, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        store.backup(tmp_path / "copy.db", lambda _: store.backup(tmp_path / "other.db"))
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["left.db"]
    store.backup(tmp_path / "copy.db")
    store.stage(ONE, [put(2000)])
    store.abort(ONE)
    store.close()


def test_the_copy_of_a_log_ends_where_it_began(tmp_path: Path, keys: MemoryKeyProvider, store: SqliteHalfStore) -> None:
    with FileHalfLog.create(tmp_path / "log", keys, side="left", store_id=store.store_id) as log:
        log.append_many([b"one", b"two"], durable=True)
        with log.copying() as copy:
            log.append(b"three", durable=True)
            copy(tmp_path / "copy.log")
            with pytest.raises(UsageError, match="already a file"):
                copy(tmp_path / "copy.log")
    with FileHalfLog.open(tmp_path / "copy.log", keys, side="left", store_id=store.store_id) as log:
        assert list(log.replay()) == [b"one", b"two"]
    store.close()

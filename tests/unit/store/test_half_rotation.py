"""Changing the role key of a half, interrupted at every step."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facekeep.domain.row import Pseudonym, PutRow, PutState, RowHead, TransactionId
from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_rotation import rotate_half, settle_half
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import MemoryKeyProvider

ONE = TransactionId(b"transaction one.")


class _CrashError(Exception):
    """Stands for the end of the process."""


class Crashing(MemoryKeyProvider):
    """Ends the process at the n-th change of its keys, before or after it."""

    def __init__(self) -> None:
        super().__init__()
        self.left = -1

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise _CrashError

    def put(self, name: str, key: bytes) -> None:
        self._step()
        super().put(name, key)
        self._step()

    def delete(self, name: str) -> None:
        self._step()
        super().delete(name)
        self._step()


class Half:
    """A store with its log."""

    def __init__(self, directory: Path, keys: MemoryKeyProvider) -> None:
        self.directory, self.keys = directory, keys
        self.store = SqliteHalfStore.create(directory / "db", keys, side="left", keep_id=b"k")
        self.log = FileHalfLog.create(directory / "log", keys, side="left", store_id=self.store.store_id)
        rows = [PutRow(RowHead(Pseudonym(bytes([n]) * 16), 0, 1, "g", 1), bytes(32), b"deep") for n in range(20)]
        self.store.stage(ONE, [*rows, PutState("rules", b"value")])
        self.store.commit(ONE)
        self.log.append_many([b"one", b"two"], durable=True)

    def reopen(self) -> None:
        self.close()
        self.store = SqliteHalfStore.open(self.directory / "db", self.keys, side="left", keep_id=b"k")
        self.log = FileHalfLog.open(self.directory / "log", self.keys, side="left", store_id=self.store.store_id)

    def close(self) -> None:
        self.store.close()
        self.log.close()

    def check(self) -> None:
        assert len(list(self.store.rows())) == 20
        assert self.store.deep([3]) == [b"deep"]
        assert self.store.state("rules") == b"value"
        assert list(self.log.replay()) == [b"one", b"two"]
        self.store.verify()


def test_a_rotation_changes_every_sealed_byte(tmp_path: Path) -> None:
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)
    old = keys.get("left")
    half.store.backup(tmp_path / "backup")
    sealed = half.store._file.database.execute("SELECT head FROM heads").fetchall()
    rotate_half(half.store, half.log, keys)
    assert keys.get("left") != old
    assert keys.names() == ("left", "left.epoch.0")
    assert not settle_half(half.store, half.log, keys)
    half.check()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir() if file.name != "backup")
    assert [cell for (cell,) in sealed if cell[:28] in content] == []
    half.reopen()
    half.check()
    half.close()
    with pytest.raises(KeyMissingError):
        SqliteHalfStore.open(tmp_path / "backup", keys, side="left", keep_id=b"k")


def test_a_rotation_waits_for_staged_transactions(tmp_path: Path) -> None:
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)
    half.store.stage(ONE, [])
    old = keys.get("left")
    with pytest.raises(UsageError, match="staged"):
        rotate_half(half.store, half.log, keys)
    assert keys.names() == ("left", "left.epoch.0")
    assert keys.get("left") == old
    half.close()


def _crash(*_: object) -> None:
    raise _CrashError


@pytest.mark.parametrize("step", range(1, 9))
def test_a_crash_at_any_change_of_keys(tmp_path: Path, step: int) -> None:
    keys = Crashing()
    half = Half(tmp_path, keys)
    old, keys.left = keys.get("left"), step
    with pytest.raises(_CrashError):
        rotate_half(half.store, half.log, keys)
    keys.left = -1
    half.reopen()
    settle_half(half.store, half.log, keys)
    assert keys.names() == ("left", "left.epoch.0")
    # Nothing was sealed under the new key before it was drawn; then the rotation is finished.
    assert (keys.get("left") == old) == (step <= 2)
    for _ in range(2):
        half.check()
        half.reopen()
    half.close()


@pytest.mark.parametrize("name", ["store", "log"])
@pytest.mark.parametrize("late", [False, True])
def test_a_crash_around_sealing_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, late: bool) -> None:
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)
    old = keys.get("left")
    owner: type[SqliteHalfStore | FileHalfLog] = SqliteHalfStore if name == "store" else FileHalfLog
    reseal: Callable[[Any, bytes], None] = owner.reseal

    def crash(self: object, key: bytes) -> None:
        if late:
            reseal(self, key)
        monkeypatch.setattr("facekeep.store.half_rotation.settle_half", _crash)
        raise _CrashError

    with monkeypatch.context() as patch:
        patch.setattr(owner, "reseal", crash)
        with pytest.raises(_CrashError):
            rotate_half(half.store, half.log, keys)
    assert "left.next" in keys.names()
    half.reopen()
    assert settle_half(half.store, half.log, keys)
    assert keys.names() == ("left", "left.epoch.0")
    assert (keys.get("left") == old) == (name == "store" and not late)
    half.check()
    half.close()


def test_a_log_that_went_ahead_takes_the_store_along(tmp_path: Path) -> None:
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)
    keys.put("left.next", bytes(range(32)))
    half.log.reseal(bytes(range(32)))
    half.reopen()
    assert settle_half(half.store, half.log, keys)
    assert half.store.sealed_by(bytes(range(32)))
    half.check()
    half.close()


def test_a_store_that_lacks_rows_is_not_sealed_anew(tmp_path: Path) -> None:
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)
    half.store._file.database.execute("DELETE FROM places WHERE slot = 3")
    with pytest.raises(DamagedStoreError, match="lacks rows"):
        rotate_half(half.store, half.log, keys)
    assert keys.names() == ("left", "left.epoch.0")
    half.close()


def test_an_interrupted_rotation_keeps_the_key_that_seals_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C right after the commit: memory still believes in the old key."""
    keys = MemoryKeyProvider()
    half = Half(tmp_path, keys)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(half.store, "_take_over", interrupted)
        with pytest.raises(KeyboardInterrupt):
            rotate_half(half.store, half.log, keys)
    half.reopen()
    assert settle_half(half.store, half.log, keys)
    half.check()
    half.close()

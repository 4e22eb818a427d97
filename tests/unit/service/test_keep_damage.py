"""A damaged, swapped or older store is detected and named; nothing is changed by looking."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.domain.row import TransactionId
from facekeep.errors import DamagedStoreError, FacekeepError, KeyMissingError, UsageError
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep
from facekeep.store.journal import JournalKind, JournalState

from .conftest import BOTH, NOTICE

Picture = Callable[[str], bytes]

STORES = {"registry": "registry/registry.db", "left": "left/half.db", "right": "right/half.db"}


def _named(folder: Path, pack: ModelPack) -> tuple[type[FacekeepError], str]:
    with pytest.raises(DamagedStoreError) as caught:
        Keep.open(folder, pack=pack)
    assert caught.value.hint
    assert str(folder) not in str(caught.value)
    return type(caught.value), f"{caught.value.store} {caught.value}"


@pytest.mark.parametrize("store", STORES)
def test_garbage_in_place_of_a_store_is_named(folder: Path, pack: ModelPack, store: str) -> None:
    (folder / STORES[store]).write_bytes(b"garbage" * 999)
    assert store in _named(folder, pack)[1]


@pytest.mark.parametrize("store", STORES)
def test_a_missing_store_is_named(folder: Path, pack: ModelPack, store: str) -> None:
    (folder / STORES[store]).unlink()
    assert store in _named(folder, pack)[1]


@pytest.mark.parametrize("store", STORES)
def test_a_cut_store_is_named(folder: Path, pack: ModelPack, store: str) -> None:
    path = folder / STORES[store]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert store in _named(folder, pack)[1]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("what", ["role", "epoch"])
def test_a_missing_key_is_named(folder: Path, pack: ModelPack, store: str, what: str) -> None:
    key = next((folder / "keys" / store).glob(f"{store}.key" if what == "role" else f"{store}.epoch.*.key"))
    key.unlink()
    kind, text = _named(folder, pack)
    assert kind is KeyMissingError
    assert store in text


def test_swapped_halves_are_detected(folder: Path, pack: ModelPack) -> None:
    left, right = folder / "left", folder / "right"
    left.rename(folder / "aside")
    right.rename(left)
    (folder / "aside").rename(right)
    assert "half" in _named(folder, pack)[1]


@pytest.mark.parametrize("store", STORES)
def test_a_store_of_another_keep_is_detected(folder: Path, pack: ModelPack, tmp_path: Path, store: str) -> None:
    Keep.create(tmp_path / "other", pack=pack).close()
    shutil.copy(tmp_path / "other" / STORES[store], folder / STORES[store])
    assert store in _named(folder, pack)[1]


@pytest.mark.parametrize("store", STORES)
def test_a_store_restored_from_an_older_backup_is_detected_and_named(
    folder: Path, pack: ModelPack, picture: Picture, tmp_path: Path, store: str
) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(folder / STORES[store], backup)
    with Keep.open(folder, pack=pack) as keep:
        keep.enrol("third", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op")
    shutil.copy(backup, folder / STORES[store])
    text = _named(folder, pack)[1]
    assert "older than its twins" in text
    assert store in text


@pytest.mark.parametrize("store", STORES)
def test_a_backup_made_before_a_refresh_is_dead(folder: Path, pack: ModelPack, tmp_path: Path, store: str) -> None:
    backup = tmp_path / "backup.db"
    shutil.copy(folder / STORES[store], backup)
    with Keep.open(folder, pack=pack) as keep:
        keep.refresh()
    shutil.copy(backup, folder / STORES[store])
    kind, text = _named(folder, pack)
    assert kind is KeyMissingError
    assert store in text


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_shortened_log_is_detected(folder: Path, pack: ModelPack, side: str) -> None:
    log = folder / side / "half.log"
    content = log.read_bytes()
    log.write_bytes(content[: len(content) * 2 // 3])
    assert side in _named(folder, pack)[1]


def test_other_thresholds_than_the_halves_know_are_detected(folder: Path, pack: ModelPack) -> None:
    calibration = folder / "calibration.json"
    values = json.loads(calibration.read_text())
    values["levels"][0]["threshold"] -= 0.01
    calibration.write_text(json.dumps(values))
    assert "calibration" in _named(folder, pack)[1]


def test_a_damaged_keep_file_is_named(folder: Path, pack: ModelPack) -> None:
    for text in ("format = 1", "format = 99\n", "]", 'format = 1\nkeep = "xx"\nmodel = ""\nrefreshed = 2026-01-01\n'):
        (folder / "keep.toml").write_text(text)
        assert "keep.toml" in _named(folder, pack)[1]
    (folder / "keep.toml").unlink()
    with pytest.raises(UsageError, match="no keep"):
        Keep.open(folder, pack=pack)


def test_bit_flips_in_a_half_never_go_unnoticed(folder: Path, pack: ModelPack) -> None:
    """Flip a byte in every sealed cell: opening fails, and names the half."""
    path = folder / "left" / "half.db"
    with sqlite3.connect(path) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        changed = 0
        for table in tables:
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            for column in columns:
                query = f"select rowid, {column} from {table} where typeof({column}) = 'blob' and length({column}) > 40"
                for rowid, value in database.execute(query).fetchall():
                    flipped = bytes([value[0] ^ 1]) + value[1:]
                    database.execute(f"update {table} set {column} = ? where rowid = ?", (flipped, rowid))
                    changed += 1
    database.close()
    assert changed > 2
    assert "left" in _named(folder, pack)[1]


def test_what_a_crash_left_prepared_is_undone_and_what_it_left_decided_is_finished(
    keep: Keep, reopen: Callable[[], Keep], picture: Picture
) -> None:
    roles = keep._roles
    subject = keep._rights.subject("obama").id
    rows = [reference.pseudonym for reference in roles.registry.references_of(subject)]

    def stage(transaction: TransactionId) -> None:
        roles.left.stage_erase(transaction, rows)
        roles.right.stage_erase(transaction, rows)

    with roles.registry.transaction() as tx:
        prepared = tx.journal_begin(JournalKind.ERASE, {}, subject=subject)
    stage(prepared)
    keep = reopen()
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    assert keep._roles.left.staged() == []

    roles = keep._roles
    with roles.registry.transaction() as tx:
        decided = tx.journal_begin(JournalKind.ERASE, {}, subject=subject)
    stage(decided)
    with roles.registry.transaction() as tx:
        tx.erase_subject(subject, keep._clock())
        tx.journal_mark(decided, JournalState.COMMITTED)
        tx.advance_generation()
    roles.left.commit(decided)  # and then the crash: the right half never heard of it
    keep = reopen()
    assert len(keep._roles.left) == len(keep._roles.right) == 1
    assert keep._roles.registry.journal() == ()
    assert not keep.verify("obama", picture("obama2.jpg"), operator="op").verified


def test_a_failure_while_staging_leaves_nothing_behind(
    keep: Keep, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(keep._roles.right, "stage_enrol", fail)
    with pytest.raises(OSError, match="disk full"):
        keep.enrol("third", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op")
    monkeypatch.undo()
    keep.check()
    assert keep._roles.left.staged() == []
    assert keep._roles.registry.journal() == ()
    assert keep.enrol("third", [picture("obama.jpg")], purposes=BOTH, notice=NOTICE, operator="op").references == 1

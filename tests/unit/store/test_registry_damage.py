"""What was altered, moved, swapped or lost is noticed and named."""

import os
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Notice, Purpose
from facekeep.errors import DamagedStoreError, KeyMissingError
from facekeep.store.journal import JournalKind
from facekeep.store.keys import MemoryKeyProvider, new_key
from facekeep.store.registry import Registry
from tests.unit.store.registry_scenes import (
    KEEP,
    MODEL,
    NOW,
    enrol,
    execute,
    fetch,
    fill,
    pseudonym,
    snapshot,
)


class TestDamage:
    def test_no_file_another_file_and_no_database_are_named(self, tmp_path: Path, keys: MemoryKeyProvider) -> None:
        with pytest.raises(DamagedStoreError, match="no registry"):
            Registry.open(tmp_path / "none", keys)
        noise = tmp_path / "noise"
        noise.write_bytes(os.urandom(8192))
        with pytest.raises(DamagedStoreError, match="SQLITE_NOTADB") as caught:
            Registry.open(noise, keys)
        assert caught.value.store == "registry"
        alien = tmp_path / "alien"
        connection = sqlite3.connect(alien)
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        with pytest.raises(DamagedStoreError, match="not a registry"):
            Registry.open(alien, keys)
        empty = tmp_path / "empty"
        empty.touch()
        with pytest.raises(DamagedStoreError, match="does not say"):
            Registry.open(empty, keys)

    def test_a_missing_a_wrong_and_a_swapped_key_are_named(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider
    ) -> None:
        registry.close()
        with pytest.raises(KeyMissingError, match="'registry' is not there"):
            Registry.open(path, MemoryKeyProvider())
        only_role = MemoryKeyProvider()
        only_role.put("registry", keys.get("registry"))
        with pytest.raises(KeyMissingError, match=r"'registry.epoch.1' is not there"):
            Registry.open(path, only_role)
        for name in ("registry", "registry.epoch.1"):
            wrong = MemoryKeyProvider()
            for each in keys.names():
                wrong.put(each, new_key() if each == name else keys.get(each))
            with pytest.raises(KeyMissingError, match=re.escape(f"{name!r} is not the one")):
                Registry.open(path, wrong)
            assert wrong.names() == keys.names()

    def test_a_registry_of_another_keep_is_noticed(self, registry: Registry, path: Path, tmp_path: Path) -> None:
        mine = MemoryKeyProvider()
        Registry.create(tmp_path / "mine", mine, keep_id=KEEP, model=MODEL).close()
        registry.close()
        with pytest.raises(KeyMissingError, match="not the one"):
            Registry.open(path, mine)

    @pytest.mark.parametrize(
        "cell",
        [
            "meta.sealed",
            "subjects.key",
            "subjects.sealed",
            "references.sealed",
            "consents.sealed",
            "never_return.sealed",
            "notices.sealed",
            "cases.sealed",
            "journal.sealed",
            "tombstones.sealed",
        ],
    )
    @pytest.mark.parametrize("value", ["x'00'", "'text'", "7", "zeroblob(300)"])
    def test_an_altered_cell_is_noticed(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider, *, cell: str, value: str
    ) -> None:
        fill(registry)
        registry.close()
        table, column = cell.split(".")
        execute(path, f'UPDATE "{table}" SET {column} = {value}')
        with pytest.raises(DamagedStoreError) as caught, Registry.open(path, keys) as again:
            again.check()
        assert caught.value.store == "registry"

    @pytest.mark.parametrize("table", ["references", "consents", "notices", "cases", "journal", "tombstones"])
    def test_a_cell_does_not_open_in_another_row_under_the_same_key(
        self, registry: Registry, path: Path, table: str
    ) -> None:
        end = NOW + timedelta(days=1)
        with registry.transaction() as tx:
            anna = enrol(tx, "anna", pseudonym(), pseudonym())
            tx.give_consent(anna, Purpose.VERIFY, tx.add_notice(Notice("second")), NOW)
            for name in ("one", "two"):
                tx.add_case(name, Purpose.VERIFY, opened_by="op", opened=NOW, expires=end)
                tx.journal_begin(JournalKind.REFRESH, {})
                tx.erase_subject(enrol(tx, name), NOW)
        registry.check()
        (one,), (other,) = fetch(path, f'SELECT sealed FROM "{table}" ORDER BY id')
        execute(path, f'UPDATE "{table}" SET sealed = ? WHERE sealed = ?', one, other)
        with pytest.raises(DamagedStoreError, match="does not open"):
            registry.check()

    def test_a_cell_does_not_open_in_another_table_or_column(self, registry: Registry, path: Path) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            tx.join_never_return(anna, NOW)
        ((sealed,),) = fetch(path, "SELECT sealed FROM never_return")
        execute(path, "UPDATE subjects SET sealed = ?", sealed)
        with pytest.raises(DamagedStoreError, match="does not open"):
            registry.subject(anna)

    @pytest.mark.parametrize(
        ("table", "column"),
        [("subjects", "label"), ("references", "pseudonym"), ("notices", "digest"), ("cases", "title")],
    )
    def test_a_crossed_index_is_noticed(self, registry: Registry, path: Path, table: str, column: str) -> None:
        fill(registry)
        with registry.transaction() as tx:
            tx.add_notice(Notice("second"))
            tx.add_case("second", Purpose.VERIFY, opened_by="op", opened=NOW, expires=NOW + timedelta(days=1))
        ids = [row[0] for row in fetch(path, f'SELECT id FROM "{table}" ORDER BY id')]
        indexes = [row[0] for row in fetch(path, f'SELECT {column} FROM "{table}" ORDER BY id')]
        execute(path, f'UPDATE "{table}" SET {column} = id')
        for row, index in zip(ids, indexes[1:] + indexes[:1], strict=True):
            execute(path, f'UPDATE "{table}" SET {column} = ? WHERE id = ?', index, row)
        with pytest.raises(DamagedStoreError, match="points at another row"):
            snapshot(registry)

    def test_a_lost_meta_row_and_a_forged_epoch_are_noticed(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider
    ) -> None:
        registry.close()
        execute(path, "UPDATE meta SET epoch = 7")
        with pytest.raises(KeyMissingError, match=r"registry\.epoch\.7"):
            Registry.open(path, keys)
        execute(path, "DELETE FROM meta")
        with pytest.raises(DamagedStoreError, match="does not say"):
            Registry.open(path, keys)
        assert keys.names() == ("registry", "registry.epoch.1")

    def test_a_torn_page_is_found_by_the_check(self, registry: Registry, path: Path, keys: MemoryKeyProvider) -> None:
        fill(registry)
        registry.close()
        whole = bytearray(path.read_bytes())
        whole[-4096:] = os.urandom(4096)
        path.write_bytes(bytes(whole))
        with pytest.raises(DamagedStoreError), Registry.open(path, keys) as again:
            again.check()

    def test_a_dangling_row_is_found_by_the_check(self, registry: Registry, path: Path) -> None:
        fill(registry)
        execute(path, "DELETE FROM subjects WHERE id = (SELECT id FROM subjects ORDER BY id LIMIT 1 OFFSET 1)")
        with pytest.raises(DamagedStoreError, match="is damaged"):
            registry.check()
        with pytest.raises(DamagedStoreError, match="belongs to nobody"):
            registry.rotate()

    def test_errors_name_nobody(self, registry: Registry, path: Path) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna-label", name="Anna Name")
        execute(path, "UPDATE subjects SET sealed = x'00'")
        with pytest.raises(DamagedStoreError) as caught:
            registry.subject(anna)
        assert not re.search("anna|Anna", f"{caught.value} {caught.value.hint} {caught.value.__cause__}")

"""The sealed file of a half: what a thief, an accident or a crash makes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest

from facekeep.domain.row import Change, Pseudonym, PutRow, PutState, RemoveRow, RowHead, TransactionId
from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import MemoryKeyProvider, new_key

KEEP = b"keep-of-the-test"
ONE = TransactionId(b"transaction one.")
TWO = TransactionId(b"transaction two.")


@pytest.fixture
def keys() -> MemoryKeyProvider:
    return MemoryKeyProvider()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store" / "left.db"


def create(path: Path, keys: MemoryKeyProvider, side: str = "left", keep_id: bytes = KEEP) -> SqliteHalfStore:
    return SqliteHalfStore.create(path, keys, side=side, keep_id=keep_id)


def reopen(path: Path, keys: MemoryKeyProvider, side: str = "left", keep_id: bytes = KEEP) -> SqliteHalfStore:
    return SqliteHalfStore.open(path, keys, side=side, keep_id=keep_id)


def put(number: int, *, gallery: str = "gallery-of-staff", deep: bytes = b"") -> PutRow:
    head = RowHead(Pseudonym(number.to_bytes(16, "big")), 0, 1, gallery, 7)
    return PutRow(head, number.to_bytes(32, "little"), deep)


def apply(store: SqliteHalfStore, changes: Iterable[Change], *, new_epoch: bool = False) -> None:
    store.stage(ONE, changes, new_epoch=new_epoch)
    store.commit(ONE)


def raw(path: Path) -> bytes:
    """Every byte of every file beside ``path``."""
    return b"".join(file.read_bytes() for file in sorted(path.parent.iterdir()))


def cells(database: sqlite3.Connection) -> list[bytes]:
    """The sealed heads and deep parts that a store holds."""
    found = database.execute("SELECT head FROM heads UNION ALL SELECT deep FROM deeps").fetchall()
    return [cell for (cell,) in found if cell.strip(b"\0")]


def connection(store: SqliteHalfStore) -> sqlite3.Connection:
    return store._file.database


def edit(path: Path, *statements: str) -> None:
    """What a forger with an SQLite shell does."""
    with sqlite3.connect(path) as database:
        for statement in statements:
            database.execute(statement)
    database.close()


def read_all(store: SqliteHalfStore) -> list[tuple[object, ...]]:
    rows = list(store.rows())
    found = [store.find(row.head.pseudonym) for row in rows]
    assert found == rows
    deep = store.deep([row.slot for row in rows])
    return [*zip(rows, deep, strict=True), (store.state("rules"), len(store), store.generation, tuple(store.staged()))]


# A thief


def test_the_files_are_private(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1)])
        store.stage(TWO, [put(2)])
        assert {file.name for file in path.parent.iterdir()} == {"left.db", "left.db-wal"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
        store.backup(path.with_name("backup"))
        assert stat.S_IMODE(path.with_name("backup").stat().st_mode) == 0o600


def test_a_thief_without_keys_reads_nothing(path: Path, keys: MemoryKeyProvider) -> None:
    row = put(0x5EC4E7, deep=b"deep part" * 10)
    with create(path, keys) as store:
        apply(store, [row, PutState("rules-of-the-house", b"a secret rule")])
        store.stage(TWO, [RemoveRow(row.head.pseudonym), PutState("other-name", b"another rule")])
        store.save_state("budgets", b"a budget")
        seen = raw(path)
        needles = [row.head.pseudonym, row.quick, row.deep, b"gallery-of", KEEP, ONE, TWO]
        needles += [b"rules-of", b"a secret", b"other-name", b"another rule", b"budget"]
        assert [needle for needle in needles if needle in seen] == []


def test_lengths_tell_nothing_of_a_gallery(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1, gallery="g"), put(2, gallery="g" * 64)])
        assert len({len(cell) for cell in cells(connection(store))}) == 1


def test_what_was_removed_is_in_no_file(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(number, deep=bytes([number % 256]) * 100) for number in range(300)])
        gone: list[bytes] = []
        for turn in range(12):
            before = set(cells(connection(store)))
            changes: list[Change] = [RemoveRow(put(number).head.pseudonym) for number in range(turn, 300, 17)]
            changes += [put(number, deep=os.urandom(100)) for number in range(turn + 1, 300, 13) if number % 17 != turn]
            changes += [put(1000 + 50 * turn + number, deep=os.urandom(100)) for number in range(20)]
            apply(store, changes)
            gone += before - set(cells(connection(store)))
            seen = raw(path)
            # A cell opens only with its nonce, at its start, and its tag, at its end.
            assert [cell for cell in gone if cell[:28] in seen or cell[-28:] in seen] == []
        assert len(gone) > 600


def test_an_aborted_or_replaced_staging_is_in_no_file(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        store.stage(ONE, [put(number) for number in range(50)])
        old = cells(connection(store))
        store.stage(ONE, [put(number) for number in range(40)])
        new = cells(connection(store))
        store.abort(ONE)
        assert len(old) == 50
        assert len(new) == 40
        assert [cell for cell in (*old, *new) if cell[:28] in raw(path)] == []


def test_a_new_epoch_kills_every_older_copy(path: Path, keys: MemoryKeyProvider) -> None:
    backup = path.parent.parent / "backup"
    with create(path, keys) as store:
        apply(store, [put(1), put(2)])
        store.backup(backup)
        old, tags = cells(connection(store)), connection(store).execute("SELECT tag FROM places").fetchall()
        apply(store, [put(1), put(2)], new_epoch=True)
        assert keys.names() == ("left", "left.epoch.1")
        assert [cell for cell in old if cell[:28] in raw(path)] == []
        assert not set(tags) & set(connection(store).execute("SELECT tag FROM places").fetchall())
    with pytest.raises(KeyMissingError, match=r"left\.epoch\.0"):
        reopen(backup, keys)
    assert keys.names() == ("left", "left.epoch.1"), "an old backup must not cost the present key"
    with reopen(path, keys) as store:
        assert len(list(store.rows())) == 2


def test_a_backup_is_whole(path: Path, keys: MemoryKeyProvider) -> None:
    backup = path.parent / "backup"
    with create(path, keys) as store:
        apply(store, [put(number, deep=b"d") for number in range(100)])
        store.stage(TWO, [put(1000)])
        store.backup(backup)
        with pytest.raises(UsageError, match="already a file"):
            store.backup(backup)
        with pytest.raises(DamagedStoreError, match="cannot be written"):
            store.backup(path / "no" / "directory")
        expected = read_all(store)
    with reopen(backup, keys) as copy:
        assert read_all(copy) == expected
        copy.verify()


# Wrong keys, wrong files


def test_a_store_opens_with_its_own_keys_only(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1)])
    other = MemoryKeyProvider()
    with pytest.raises(KeyMissingError, match="'left'") as told:
        reopen(path, other)
    assert told.value.store == "left"
    other.put("left", new_key())
    with pytest.raises(KeyMissingError, match="left half"):
        reopen(path, other)
    other.delete("left")
    other.put("left", keys.get("left"))
    with pytest.raises(KeyMissingError, match="epoch"):
        reopen(path, other)
    other.put("left.epoch.0", new_key())
    with pytest.raises(DamagedStoreError, match="epoch key"):
        reopen(path, other)
    other.delete("left.epoch.0")
    other.put("left.epoch.0", bytes(33))
    with pytest.raises(KeyMissingError, match="does not open the left half"):
        reopen(path, other)
    with pytest.raises(DamagedStoreError, match="another keep"):
        reopen(path, keys, keep_id=b"another keep")
    with pytest.raises(UsageError, match="left or right"):
        reopen(path, keys, side="registry")


def test_a_half_in_the_place_of_the_other_is_named(path: Path, keys: MemoryKeyProvider) -> None:
    create(path, keys).close()
    create(path.with_name("right.db"), keys, side="right").close()
    with pytest.raises(DamagedStoreError, match="the right half was swapped: in its place is a left half"):
        reopen(path, keys, side="right")


def test_creating_overwrites_nothing(path: Path, keys: MemoryKeyProvider) -> None:
    create(path, keys).close()
    with pytest.raises(UsageError, match="already a file"):
        create(path, keys)
    with pytest.raises(DamagedStoreError, match=r"left\.epoch\.0"):
        create(path.with_name("again.db"), keys)
    with pytest.raises(DamagedStoreError, match="cannot be written"):
        create(path / "below", keys)


def test_a_store_is_held_by_one_process(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys), pytest.raises(UsageError, match="in use"):
        reopen(path, keys)
    reopen(path, keys).close()


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"SQLite format 3\0" + bytes(84), b"SQLite format 3\0" + b"x" * 9000]
)
def test_garbage_is_refused(path: Path, keys: MemoryKeyProvider, content: bytes) -> None:
    create(path, keys).close()
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="the left half"):
        reopen(path, keys)


def test_a_missing_file_is_not_made_anew(path: Path, keys: MemoryKeyProvider) -> None:
    with pytest.raises(DamagedStoreError, match="the left half is missing"):
        reopen(path, keys)
    assert not path.exists()


TABLES = ["meta", "heads", "deeps", "spare", "places", "free", "states", "transactions", "staged"]


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_table_is_damage(path: Path, keys: MemoryKeyProvider, table: str) -> None:
    with create(path, keys) as store:
        apply(store, [put(1, deep=b"d")])
    edit(path, f"DROP TABLE {table}")

    def use() -> None:
        with reopen(path, keys) as store:
            read_all(store)
            apply(store, [put(2, deep=b"d"), RemoveRow(put(1).head.pseudonym), PutState("a", b"b")])

    with pytest.raises(DamagedStoreError, match="left half"):
        use()


FORGERIES = [
    "UPDATE places SET id = 1 - id",
    "UPDATE heads SET head = (SELECT head FROM heads WHERE id = 1) WHERE id = 0",
    "UPDATE heads SET head = (SELECT deep FROM deeps WHERE id = 0) WHERE id = 0",
    "UPDATE heads SET head = x'' WHERE id = 0",
    "UPDATE deeps SET deep = (SELECT deep FROM deeps WHERE id = 1) WHERE id = 0",
    "UPDATE deeps SET deep = (SELECT head FROM heads WHERE id = 0) WHERE id = 0",
    "DELETE FROM places WHERE slot = 1",
    "DELETE FROM heads WHERE id = 1",
    "DELETE FROM deeps WHERE id = 1",
    "UPDATE states SET value = (SELECT head FROM heads WHERE id = 1)",
    "UPDATE meta SET counts = (SELECT head FROM heads WHERE id = 1)",
    "UPDATE meta SET epoch = counts",
    "UPDATE meta SET fingerprint = x'00'",
    "UPDATE meta SET side = 'middle'",
    "UPDATE meta SET side = 'right'",
    "DELETE FROM meta",
    "DELETE FROM states",
    "DELETE FROM transactions",
    "UPDATE transactions SET sealed = NULL",
    "DELETE FROM staged WHERE seq = 3",
    "UPDATE staged SET kind = 2 WHERE seq = 1",
    "UPDATE staged SET tag = (SELECT tag FROM places WHERE slot = 0) WHERE seq = 2",
    "UPDATE staged SET id = 1 WHERE seq = 1",
    "INSERT INTO staged SELECT 9, number, 2, (SELECT tag FROM places WHERE slot = 0), NULL, body FROM staged"
    " WHERE seq = 2",
    "UPDATE staged SET body = (SELECT value FROM states) WHERE seq = 3",
    "UPDATE transactions SET sealed = (SELECT counts FROM meta)",
    "UPDATE transactions SET number = number + 1",
    "PRAGMA user_version = 2",
    "PRAGMA application_id = 0",
]


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_found(path: Path, keys: MemoryKeyProvider, forgery: str) -> None:
    with create(path, keys) as store:
        apply(store, [put(0, deep=b"a"), put(1, deep=b"b")])
        store.save_state("rules", b"value")
        store.stage(TWO, [put(2, deep=b"c"), RemoveRow(put(1).head.pseudonym), PutState("rules", b"other")])
    with reopen(path, keys) as store:
        store.verify()
    seen = path.read_bytes()
    edit(path, forgery)
    if path.read_bytes() == seen:
        pytest.fail("the forgery changed nothing")

    def use() -> None:
        with reopen(path, keys) as store:
            store.verify()

    def work() -> None:
        with reopen(path, keys) as store:
            read_all(store)
            store.commit(TWO)
            read_all(store)
            assert store.generation == 2

    for attempt in (use, work):
        with pytest.raises(DamagedStoreError, match="the left half") as told:
            attempt()
        assert told.value.store == "left"


def test_an_older_deep_part_does_not_fit(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(0, deep=b"first")])
        shutil.copy(path, path.with_name("old"))
        (old,) = connection(store).execute("SELECT deep FROM deeps").fetchone()
        apply(store, [put(0, deep=b"other")])
    edit(path, f"UPDATE deeps SET deep = x'{old.hex()}' WHERE id = (SELECT id FROM places)")
    with reopen(path, keys) as store, pytest.raises(DamagedStoreError, match="deep part"):
        store.deep([0])


@pytest.mark.parametrize("learned", [False, True])
def test_many_deep_parts_of_any_length_and_content(path: Path, keys: MemoryKeyProvider, learned: bool) -> None:
    deeps = {number: os.urandom(number % 7) + bytes(number) for number in range(1, 260)}
    with create(path, keys) as store:
        apply(store, [put(number, deep=deep) for number, deep in deeps.items()])
    with reopen(path, keys) as store:
        slots = {int.from_bytes(row.head.pseudonym, "big"): row.slot for row in store.rows()} if learned else {}
        slots = slots or {number: number - 1 for number in deeps}
        asked = [*reversed(deeps), 5, 5, 1]
        assert store.deep([slots[number] for number in asked]) == [deeps[number] for number in asked]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE deeps SET deep = (SELECT d.deep FROM deeps d WHERE d.id <> deeps.id)",
        "UPDATE deeps SET deep = x''",
        "UPDATE deeps SET deep = CAST(deep || x'00' AS BLOB)",
        "DELETE FROM deeps",
        "UPDATE places SET tag = substr(tag, 2)",
        "UPDATE places SET tag = CAST(tag || x'30' AS BLOB)",
        "UPDATE places SET id = 99",
        "UPDATE places SET slot = slot + 4294967296",
        # Cut between tag and deep part elsewhere, so that the first row opens and the next is read at the wrong place.
        "UPDATE places SET tag = CAST(tag || (SELECT substr(deep, 1, 8) FROM deeps d WHERE d.id = places.id) AS BLOB);"
        " UPDATE deeps SET deep = CAST(substr(deep, 9) || 'leftover' AS BLOB)",
    ],
)
@pytest.mark.parametrize("learned", [False, True])
def test_deep_parts_forged_under_an_open_half_are_found(
    path: Path, keys: MemoryKeyProvider, forgery: str, learned: bool
) -> None:
    with create(path, keys) as store:
        apply(store, [put(0, deep=b"one"), put(1, deep=b"two")])
        if learned:
            assert len(list(store.rows())) == 2
        connection(store).executescript(forgery)
        with pytest.raises(DamagedStoreError, match=r"deep part|lacks a row"):
            store.deep([0, 1])


def test_a_row_put_back_to_an_older_version_is_found_while_the_half_is_open(
    path: Path, keys: MemoryKeyProvider
) -> None:
    with create(path, keys) as store:
        apply(store, [put(0, deep=b"first")])
        head, deep = connection(store).execute("SELECT head, deep FROM heads JOIN deeps USING (id)").fetchone()
        apply(store, [put(0, deep=b"other")])
        assert len(list(store.rows())) == 1
        assert store.deep([0]) == [b"other"]
        connection(store).execute("UPDATE heads SET head = ? WHERE id = (SELECT id FROM places)", (head,))
        connection(store).execute("UPDATE deeps SET deep = ? WHERE id = (SELECT id FROM places)", (deep,))
        connection(store).commit()
        with pytest.raises(DamagedStoreError, match="deep part"):
            store.deep([0])


def test_every_damaged_index_is_found(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(number, deep=b"d") for number in range(5)])
        (tag,) = connection(store).execute("SELECT tag FROM places WHERE slot = 2").fetchone()
    content = path.read_bytes()
    # The tag stands in the table, before the id of the cells, and in the index, before the slot; both are 2 here.
    places = [at for at in range(len(content)) if content.startswith(tag, at)]
    assert [content[at + 16] for at in places] == [2, 2]
    for at in (*places, *(at + 16 for at in places)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        with reopen(path, keys) as store, pytest.raises(DamagedStoreError, match="left half"):
            list(store.rows())


def test_a_flipped_bit_gives_no_wrong_row(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(number, deep=b"d" * 40) for number in range(40)])
        apply(store, [RemoveRow(put(3).head.pseudonym), PutState("rules", b"some rules")])
        store.stage(TWO, [put(100, deep=b"e"), RemoveRow(put(4).head.pseudonym)])
        expected = read_all(store)
    with reopen(path, keys) as store:
        store.stage(TWO, [put(100, deep=b"e"), RemoveRow(put(4).head.pseudonym)])
    content = path.read_bytes()
    with reopen(path, keys) as store:
        store.commit(TWO)
        committed = read_all(store)
    found = 0
    # Every byte of the headers of pages, and every 61st of the rest.
    positions = [at for at in range(len(content)) if at % 8192 < 40 or at % 61 == 0]
    for turn, at in enumerate(positions):
        if content[at - 8 : at + 9] == bytes(17) and at % 8192 > 64:
            continue
        path.with_name("left.db-wal").unlink(missing_ok=True)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << turn % 8]) + content[at + 1 :])
        try:
            with reopen(path, keys) as store:
                assert read_all(store) == expected
                if turn % 3 == 0:
                    store.commit(TWO)
                    assert read_all(store) == committed
        except DamagedStoreError as error:
            assert error.store == "left"  # noqa: PT017 (most flips do no harm, so nothing need be raised)
            found += 1
    assert found > 300


def test_a_truncated_file_gives_no_wrong_row(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(number, deep=b"d" * 40) for number in range(400)])
    content = path.read_bytes()
    for end in range(100, len(content), 4096):
        path.write_bytes(content[:end])
        with pytest.raises(DamagedStoreError), reopen(path, keys) as store:
            read_all(store)


def test_damage_meanwhile_is_told(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1, deep=b"d")])
        connection(store).execute("DROP TABLE states")
        with pytest.raises(DamagedStoreError):
            store.save_state("a", b"b")
        with pytest.raises(DamagedStoreError):
            store.state("a")
        connection(store).execute("PRAGMA query_only = ON")
        with pytest.raises(DamagedStoreError, match="may not be written"):
            store.stage(TWO, [put(2)])


def test_a_full_disk_is_told_and_undone(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(number) for number in range(10)])
        pages = connection(store).execute("PRAGMA page_count").fetchone()[0]
        connection(store).execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DamagedStoreError, match="disk is full"):
            store.stage(TWO, (put(100 + number) for number in range(5000)))
        assert store.staged() == []
        assert len(list(store.rows())) == 10
        connection(store).execute("PRAGMA max_page_count = 100000")
        apply(store, [put(1000)])
        store.verify()


# Epochs, and what a crash leaves of them


def test_a_crash_while_staging_leaves_nothing(path: Path, keys: MemoryKeyProvider) -> None:
    def source() -> Iterable[Change]:
        yield from (put(number) for number in range(5000))
        shutil.copy(path, path.with_name("crashed"))
        shutil.copy(path.with_name("left.db-wal"), path.with_name("crashed-wal"))

    with create(path, keys) as store:
        apply(store, [put(1)])
        store.stage(ONE, source())
        assert len(store.commit(ONE)) == 5000
    with reopen(path.with_name("crashed"), keys) as store:
        assert store.staged() == []
        assert connection(store).execute("SELECT count(*) FROM staged").fetchone() == (0,)
        assert len(cells(connection(store))) == 1
        apply(store, (put(number) for number in range(4500)))
        store.verify()


def test_stray_epoch_keys_are_destroyed_when_it_opens(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1)], new_epoch=True)
        apply(store, [put(1)], new_epoch=True)
    for name in ("left.epoch.1", "left.epoch.3", "left.epoch.7", "left.epochs", "right.epoch.1"):
        keys.put(name, new_key())
    with reopen(path, keys) as store:
        assert store.epoch == 2
        # 7 is nothing that this store can have left behind, so it is not touched.
        assert keys.names() == ("left", "left.epoch.2", "left.epoch.7", "left.epochs", "right.epoch.1")


def test_a_staged_epoch_outlives_a_crash(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, [put(1)])
        store.stage(TWO, [put(1)], new_epoch=True)
    with reopen(path, keys) as store:
        assert keys.names() == ("left", "left.epoch.0", "left.epoch.1")
        store.commit(TWO)
        assert keys.names() == ("left", "left.epoch.1")
    keys.delete("left.epoch.1")
    with pytest.raises(KeyMissingError):
        reopen(path, keys)


def test_an_epoch_whose_key_was_lost_can_only_be_aborted(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        store.stage(TWO, [put(1)], new_epoch=True)
        keys.delete("left.epoch.1")
        with pytest.raises(KeyMissingError):
            store.commit(TWO)
        store.abort(TWO)
        apply(store, [put(1)], new_epoch=True)
        assert len(store) == 1


def test_many_rows_pass_in_chunks(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        apply(store, (put(number, deep=b"d") for number in range(4096)))
        apply(store, (put(number, deep=b"e") for number in range(9000)))
        assert len(list(store.rows())) == 9000
        apply(store, (put(number, deep=b"f") for number in range(100, 9000)), new_epoch=True)
        assert store.deep([0, 8899, 4096]) == [b"f"] * 3
        store.reseal(new_key())
        assert [row.slot for row in store.rows()] == list(range(8900))
        store.verify()


def test_a_long_source_that_fails_leaves_nothing(path: Path, keys: MemoryKeyProvider) -> None:
    def source() -> Iterable[Change]:
        yield from (put(number) for number in range(5000))
        raise RuntimeError("the source has ended")

    with create(path, keys) as store:
        with pytest.raises(RuntimeError, match="has ended"):
            store.stage(ONE, source(), new_epoch=True)
        assert keys.names() == ("left", "left.epoch.0")
        assert cells(connection(store)) == []
        store.verify()


def test_a_value_put_back_meanwhile_is_found(path: Path, keys: MemoryKeyProvider) -> None:
    with create(path, keys) as store:
        store.save_state("budgets", b"ten left")
        (old,) = connection(store).execute("SELECT value FROM states").fetchone()
        store.save_state("budgets", b"none left")
        connection(store).execute("UPDATE states SET value = ?", (old,))
        with pytest.raises(DamagedStoreError, match="older one"):
            store.state("budgets")
        with pytest.raises(DamagedStoreError, match="older one"):
            store.reseal(new_key())
        store.stage(TWO, [], new_epoch=True)
        with pytest.raises(DamagedStoreError, match="older one"):
            store.commit(TWO)


def test_a_file_that_cannot_be_prepared_is_closed(
    path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("facekeep.store.half_file._SCHEMA", ("CREATE TABLE broken",))
        with pytest.raises(DamagedStoreError):
            create(path, keys)
    path.unlink()
    with create(path, keys) as store:
        with monkeypatch.context() as patch:
            patch.setattr("facekeep.store.half_file._connect", _refuse)
            with pytest.raises(DamagedStoreError, match="missing or may not be written"):
                store.backup(path.with_name("backup"))
        assert not path.with_name("backup").exists()


def _refuse(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path / "below")


def test_memory_that_fell_behind_the_file_writes_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C right after a commit: the counters in memory are old, and writing them would lock the store for good."""
    keys = MemoryKeyProvider()
    store = SqliteHalfStore.create(tmp_path / "half.db", keys, side="left", keep_id=b"k")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "_take_over", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.save_state("rules", b"1")
    with pytest.raises(DamagedStoreError, match="interrupted"):
        store.save_state("rules", b"2")
    store.close()
    again = SqliteHalfStore.open(tmp_path / "half.db", keys, side="left", keep_id=b"k")
    assert again.state("rules") == b"1"
    again.close()

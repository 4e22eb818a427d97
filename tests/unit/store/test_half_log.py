"""The file of a log: what an accident or a forger does to it is found, and nothing else is."""

from __future__ import annotations

import hashlib
import itertools
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.half_log import FileHalfLog
from facekeep.store.keys import MemoryKeyProvider, new_key

STORE = b"store-of-a-test."
RECORDS = [b"record %d " % number + b"." * number for number in range(8)]
HEADER = 24


@pytest.fixture
def keys() -> MemoryKeyProvider:
    provider = MemoryKeyProvider()
    for name in ("left", "right"):
        provider.put(name, new_key())
    return provider


@pytest.fixture
def path(tmp_path: Path, keys: MemoryKeyProvider) -> Path:
    made = tmp_path / "left.log"
    with FileHalfLog.create(made, keys, side="left", store_id=STORE) as log:
        log.append_many(RECORDS, durable=True)
    return made


def opened(path: Path, keys: MemoryKeyProvider, expected_length: int = 0) -> FileHalfLog:
    return FileHalfLog.open(path, keys, side="left", store_id=STORE, expected_length=expected_length)


def offsets(content: bytes | bytearray) -> list[int]:
    found = [HEADER]
    while found[-1] < len(content):
        found.append(found[-1] + 8 + int.from_bytes(content[found[-1] : found[-1] + 4], "big"))
    return found


def test_the_file_is_private_and_says_nothing(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"record" not in path.read_bytes()
    assert list(path.parent.iterdir()) == [path]


def test_every_flipped_bit_is_found(path: Path, keys: MemoryKeyProvider) -> None:
    good = path.read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        with pytest.raises(DamagedStoreError, match=r"of the left half") as told:
            opened(path, keys)
        assert told.value.store == "left"
        assert path.read_bytes() == bad, "nothing is repaired silently"


def test_the_damaged_record_is_named(path: Path, keys: MemoryKeyProvider) -> None:
    content = bytearray(path.read_bytes())
    content[offsets(content)[3] + 30] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="record 3"):
        opened(path, keys)


def _without(records: list[bytes]) -> list[bytes]:
    return records[:2] + records[3:]


def _swapped(records: list[bytes]) -> list[bytes]:
    return [records[1], records[0], *records[2:]]


def _twice(records: list[bytes]) -> list[bytes]:
    return [*records, records[-1]]


def _headless(records: list[bytes]) -> list[bytes]:
    return records[1:]


@pytest.mark.parametrize("change", [_without, _swapped, _twice, _headless])
def test_records_cannot_be_rearranged(
    path: Path, keys: MemoryKeyProvider, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    content = path.read_bytes()
    places = offsets(content)
    records = [content[start:end] for start, end in itertools.pairwise(places)]
    path.write_bytes(content[:HEADER] + b"".join(change(records)))
    with pytest.raises(DamagedStoreError, match="damaged at record"):
        opened(path, keys)


def bodies(content: bytes) -> list[bytes]:
    return [content[start + 8 : end] for start, end in itertools.pairwise(offsets(content))]


def mended(header: bytes, sealed: list[bytes]) -> bytes:
    """A log of these records with all its checks right: they are no secret, the chain within the records is."""
    forged, chain = header, hashlib.sha256(header).digest()
    for body in sealed:
        length = len(body).to_bytes(4, "big")
        forged += length + hashlib.sha256(chain + length).digest()[:4] + body
        chain = hashlib.sha256(chain + body).digest()
    return forged


def test_a_forger_who_mends_the_checks_is_found(path: Path, keys: MemoryKeyProvider) -> None:
    content = path.read_bytes()
    sealed = bodies(content)
    assert mended(content[:HEADER], sealed) == content
    path.write_bytes(mended(content[:HEADER], sealed[:2] + sealed[3:]))
    with pytest.raises(DamagedStoreError, match="damaged at record 2"):
        opened(path, keys)


def test_two_histories_cannot_be_joined(path: Path, keys: MemoryKeyProvider) -> None:
    """A record of the same index, sealed by the same key, but after other records."""
    content = path.read_bytes()
    path.write_bytes(content[: offsets(content)[6]])
    with opened(path, keys) as log:
        log.append_many([b"another 6", b"another 7"], durable=True)
    other = bodies(path.read_bytes())
    path.write_bytes(mended(content[:HEADER], [*bodies(content)[:7], other[7]]))
    with pytest.raises(DamagedStoreError, match="damaged at record 7"):
        opened(path, keys)


def test_a_torn_end_is_cut_and_a_whole_one_is_not(path: Path, keys: MemoryKeyProvider) -> None:
    content = path.read_bytes()
    last = offsets(content)[-2]
    for end in range(last, len(content)):
        path.write_bytes(content[:end])
        with opened(path, keys) as log:
            assert list(log.replay()) == RECORDS[:-1]
            assert path.stat().st_size == last
            log.append(b"after", durable=True)
            assert list(log.replay(7)) == [b"after"]


def test_a_shortened_log_is_found_by_its_length(path: Path, keys: MemoryKeyProvider) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: offsets(content)[5]])
    with pytest.raises(DamagedStoreError, match="shortened: it has 5 records of 8"):
        opened(path, keys, expected_length=8)
    with opened(path, keys, expected_length=5) as log:
        assert len(log) == 5
    path.write_bytes(content[:-1])
    with pytest.raises(DamagedStoreError, match="shortened"):
        opened(path, keys, expected_length=8)
    assert path.read_bytes() == content[:-1], "a log that is refused is left as it is"


@pytest.mark.parametrize("content", [b"", b"short", b"SQLite format 3\0" + bytes(100), b"FKLOG\x02" + bytes(100)])
def test_another_file_is_no_log(tmp_path: Path, keys: MemoryKeyProvider, content: bytes) -> None:
    path = tmp_path / "left.log"
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match="format"):
        opened(path, keys)


def test_a_log_belongs_to_one_half_store_and_key(path: Path, tmp_path: Path, keys: MemoryKeyProvider) -> None:
    with pytest.raises(DamagedStoreError, match="log of the right half was swapped"):
        FileHalfLog.open(path, keys, side="right", store_id=STORE)
    with pytest.raises(KeyMissingError, match="does not open its log"):
        FileHalfLog.open(path, keys, side="left", store_id=bytes(16))
    other = MemoryKeyProvider()
    with pytest.raises(KeyMissingError):
        opened(path, other)
    other.put("left", new_key())
    with pytest.raises(KeyMissingError, match="does not open its log"):
        opened(path, other)
    with pytest.raises(DamagedStoreError, match="missing"):
        opened(tmp_path / "none.log", keys)
    with pytest.raises(UsageError, match="already a file"):
        FileHalfLog.create(path, keys, side="left", store_id=STORE)
    with pytest.raises(UsageError, match="left or right"):
        FileHalfLog.create(tmp_path / "x", keys, side="registry", store_id=STORE)
    with pytest.raises(DamagedStoreError, match="cannot be written"):
        FileHalfLog.create(tmp_path / "none" / "left.log", keys, side="left", store_id=STORE)


def test_a_log_is_held_by_one_process(path: Path, keys: MemoryKeyProvider) -> None:
    with opened(path, keys), pytest.raises(UsageError, match="in use"):
        opened(path, keys)


def test_damage_while_open_is_found_by_replay(path: Path, keys: MemoryKeyProvider) -> None:
    with opened(path, keys) as log:
        content = path.read_bytes()
        os.truncate(path, len(content) - 3)
        with pytest.raises(DamagedStoreError, match="record 7"):
            list(log.replay())
        os.truncate(path, 0)
        path.write_bytes(content[:200] + bytes([content[200] ^ 4]) + content[201:])
        with pytest.raises(DamagedStoreError, match="record"):
            list(log.replay())


def test_a_log_is_sealed_anew_under_another_key(path: Path, keys: MemoryKeyProvider) -> None:
    before, key = path.read_bytes(), new_key()
    with opened(path, keys) as log:
        replay = log.replay()
        next(replay)
        log.reseal(key)
        assert log.sealed_by(key)
        assert list(replay) == RECORDS[1:], "a replay goes on in the file that it began in"
        log.append(b"after", durable=True)
        assert list(log.replay()) == [*RECORDS, b"after"]
        with pytest.raises(UsageError, match="in use"):
            opened(path, keys)
    assert list(path.parent.iterdir()) == [path]
    assert before[HEADER : HEADER + 100] not in path.read_bytes()
    with pytest.raises(KeyMissingError):
        opened(path, keys)
    keys.put("left.next", key)
    with opened(path, keys) as log:
        assert len(log) == 9


def test_a_failed_write_leaves_the_log_as_it_was(
    path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, before = os.write, path.read_bytes()

    def half(descriptor: int, content: bytes) -> int:
        write(descriptor, bytes(content[:5]))
        raise OSError(28, "No space left on device")

    with opened(path, keys) as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(DamagedStoreError, match="cannot be written"):
                log.append(b"lost", durable=True)
            with pytest.raises(DamagedStoreError, match="cannot be written"):
                log.reseal(new_key())
        assert path.read_bytes() == before
        log.append(b"kept", durable=True)
        assert list(log.replay(8)) == [b"kept"]


def test_a_log_that_cannot_be_mended_is_not_written_again(
    path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with opened(path, keys) as log:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", refuse)
            patch.setattr(os, "ftruncate", refuse)
            with pytest.raises(DamagedStoreError, match="cannot be written"):
                log.append(b"lost", durable=True)
        with pytest.raises(DamagedStoreError, match="could not be written"):
            log.append(b"refused", durable=False)
    with opened(path, keys) as log, monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(DamagedStoreError, match="cannot be written"):
            log.flush()


def test_a_failed_renaming_or_cutting_is_told(
    path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with opened(path, keys) as log:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", refuse)
            with pytest.raises(DamagedStoreError, match="cannot be written"):
                log.reseal(new_key())
        assert list(log.replay()) == RECORDS
    path.write_bytes(path.read_bytes()[:-1])
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refuse)
        with pytest.raises(DamagedStoreError, match="cannot be written"):
            opened(path, keys)

"""What every log of a half promises, held against the sealed file and the fake in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import UsageError
from facekeep.split.ports import HalfLog
from facekeep.store.half_log import FileHalfLog
from facekeep.store.keys import MemoryKeyProvider, new_key
from facekeep.store.memory import MemoryHalfLog

STORE = b"store-of-a-test."


class FileHarness:
    """A log in a file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "left.log"
        self.keys = MemoryKeyProvider()
        self.keys.put("left", new_key())
        self.file = FileHalfLog.create(self.path, self.keys, side="left", store_id=STORE)

    @property
    def log(self) -> HalfLog:
        return self.file

    def reopen(self) -> None:
        length = len(self.file)
        self.file.close()
        self.file = FileHalfLog.open(self.path, self.keys, side="left", store_id=STORE, expected_length=length)


class MemoryHarness:
    """A log in memory."""

    def __init__(self, _: Path) -> None:
        self.fake = MemoryHalfLog(side="left")

    @property
    def log(self) -> HalfLog:
        return self.fake

    def reopen(self) -> None:
        self.fake.close()
        self.fake = self.fake.reopened()


Harness = FileHarness | MemoryHarness
HARNESSES: list[Callable[[Path], Harness]] = [FileHarness, MemoryHarness]


@pytest.fixture(params=HARNESSES, ids=["file", "memory"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made: Harness = request.param(tmp_path)
    yield made
    made.log.close()


def test_a_new_log_is_empty(harness: Harness) -> None:
    assert len(harness.log) == 0
    assert list(harness.log.replay()) == []
    assert list(harness.log.replay(5)) == []
    harness.reopen()
    assert len(harness.log) == 0


def test_records_come_back_in_order(harness: Harness) -> None:
    log = harness.log
    log.append(b"one", durable=True)
    log.append_many([b"two", b"three"], durable=False)
    log.append_many([], durable=True)
    log.append(b"x" * 65536, durable=False)
    harness.reopen()
    log = harness.log
    log.append(b"five", durable=True)
    assert list(log.replay()) == [b"one", b"two", b"three", b"x" * 65536, b"five"]
    assert list(log.replay(2)) == [b"three", b"x" * 65536, b"five"]
    assert list(log.replay(-1)) == list(log.replay())
    assert list(log.replay(9)) == []


def test_a_replay_begins_anywhere_in_a_long_log(harness: Harness) -> None:
    records = [b"%d" % number for number in range(5000)]
    harness.log.append_many(records[:3000], durable=False)
    for record in records[3000:3100]:
        harness.log.append(record, durable=False)
    harness.log.append_many(records[3100:], durable=False)
    for _ in range(2):
        for start in (0, 1, 1023, 1024, 1025, 2048, 4096, 4999):
            assert list(harness.log.replay(start)) == records[start:]
        harness.reopen()


def test_a_replay_ends_where_the_log_ended_when_it_began(harness: Harness) -> None:
    log = harness.log
    log.append_many([b"one", b"two"], durable=False)
    replay = log.replay()
    assert next(replay) == b"one"
    log.append(b"three", durable=False)
    assert list(replay) == [b"two"]


@pytest.mark.parametrize("records", [[b""], [b"good", b"x" * 65537]])
def test_a_record_has_a_length(harness: Harness, records: list[bytes]) -> None:
    with pytest.raises(UsageError, match="1 to 65536 bytes"):
        harness.log.append_many(records, durable=True)
    assert len(harness.log) == 0


def test_a_closed_log_refuses(harness: Harness) -> None:
    log = harness.log
    log.close()
    log.close()
    with pytest.raises(UsageError, match="closed"):
        log.append(b"one", durable=False)
    with pytest.raises(UsageError, match="closed"):
        next(log.replay())


@pytest.mark.parametrize("make", HARNESSES)
@given(batches=st.lists(st.one_of(st.none(), st.lists(st.binary(min_size=1, max_size=60), max_size=5)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_records_come_back(make: Callable[[Path], Harness], batches: list[list[bytes] | None]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        harness = make(Path(directory))
        expected: list[bytes] = []
        for batch in batches:
            if batch is None:
                harness.reopen()
            else:
                harness.log.append_many(batch, durable=False)
                expected += batch
        assert list(harness.log.replay()) == expected
        assert len(harness.log) == len(expected)
        harness.log.close()

"""What every store of a half promises, held against the sealed file and the fake in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from facekeep.domain.row import (
    Applied,
    Change,
    Pseudonym,
    PutRow,
    PutState,
    RemoveRow,
    RowFlag,
    RowHead,
    StoredRow,
    TransactionId,
)
from facekeep.errors import DamagedStoreError, UsageError
from facekeep.split.ports import HalfStore
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.memory import MemoryHalfStore

KEEP = b"keep-of-the-test"


class SealedHarness:
    """A store in a file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "right.db"
        self.keys = MemoryKeyProvider()
        self.sealed = SqliteHalfStore.create(self.path, self.keys, side="right", keep_id=KEEP)

    @property
    def store(self) -> HalfStore:
        return self.sealed

    def reopen(self) -> None:
        self.sealed.close()
        self.sealed = SqliteHalfStore.open(self.path, self.keys, side="right", keep_id=KEEP)


class MemoryHarness:
    """A store in memory."""

    def __init__(self, _: Path) -> None:
        self.fake = MemoryHalfStore(side="right")

    @property
    def store(self) -> HalfStore:
        return self.fake

    def reopen(self) -> None:
        self.fake.close()
        self.fake = self.fake.reopened()


Harness = SealedHarness | MemoryHarness
HARNESSES: list[Callable[[Path], Harness]] = [SealedHarness, MemoryHarness]


@pytest.fixture(params=HARNESSES, ids=["sqlite", "memory"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    made: Harness = request.param(tmp_path)
    yield made
    made.store.close()


def transaction(number: int) -> TransactionId:
    return TransactionId(number.to_bytes(16, "big"))


def pseudonym(number: int) -> Pseudonym:
    return Pseudonym(number.to_bytes(16, "big"))


def put(number: int, *, version: int = 1, epoch: int = 0, gallery: str = "all") -> PutRow:
    head = RowHead(pseudonym(number), epoch, version, gallery, 5, RowFlag.SUPPRESSED)
    return PutRow(head, bytes([version]) * 64, bytes([version]) * 128)


def apply(store: HalfStore, *changes: Change, number: int = 99, new_epoch: bool = False) -> list[Applied]:
    store.stage(transaction(number), changes, new_epoch=new_epoch)
    return store.commit(transaction(number))


def test_a_new_store_is_empty(harness: Harness) -> None:
    store = harness.store
    assert (len(store), store.epoch, store.generation, len(store.store_id)) == (0, 0, 0, 16)
    assert list(store.rows()) == []
    assert store.staged() == []
    assert store.find(pseudonym(1)) is None
    assert store.deep([]) == []
    assert store.state("rules") is None
    assert store.commit(transaction(1)) == []
    store.abort(transaction(1))
    assert store.generation == 0


def test_rows_come_back_as_they_were_put(harness: Harness) -> None:
    puts = [put(1, gallery="ü" * 32), put(2, gallery="g")]
    applied = apply(harness.store, *puts)
    rows = [StoredRow(slot, row.head, row.quick) for slot, row in enumerate(puts)]
    assert applied == [Applied(row.slot, row) for row in rows]
    store_id = harness.store.store_id
    harness.reopen()
    store = harness.store
    assert list(store.rows()) == rows
    assert store.find(pseudonym(2)) == rows[1]
    assert store.deep([1, 0, 1]) == [puts[1].deep, puts[0].deep, puts[1].deep]
    assert (len(store), store.generation, store.store_id) == (2, 1, store_id)


def test_nothing_shows_before_the_commit(harness: Harness) -> None:
    harness.store.stage(transaction(1), [put(1), PutState("rules", b"x")])
    harness.reopen()
    store = harness.store
    assert (len(store), store.generation, list(store.rows()), store.state("rules")) == (0, 0, [], None)
    assert store.staged() == [transaction(1)]
    assert [one.slot for one in store.commit(transaction(1))] == [0]
    assert store.state("rules") == b"x"
    assert store.commit(transaction(1)) == []
    assert (store.generation, store.staged()) == (1, [])


def test_a_put_in_place_keeps_its_slot(harness: Harness) -> None:
    store = harness.store
    apply(store, put(1), put(2), put(3))
    (applied,) = apply(store, put(2, version=2))
    assert applied.slot == 1
    assert applied.row is not None
    assert applied.row.head.version == 2
    assert store.deep([1]) == [put(2, version=2).deep]
    assert len(store) == 3


def test_a_row_changed_after_it_was_read_gives_its_new_deep_part(harness: Harness) -> None:
    store = harness.store
    apply(store, put(1), put(2))
    assert len(list(store.rows())) == 2
    apply(store, put(2, version=2))
    assert store.deep([1, 0]) == [put(2, version=2).deep, put(1).deep]
    apply(store, RemoveRow(pseudonym(1)))
    apply(store, put(3))
    assert store.deep([0]) == [put(3).deep]
    store.stage(transaction(9), [put(2, version=3, epoch=1)], new_epoch=True)
    store.commit(transaction(9))
    assert store.deep([0]) == [put(2, version=3, epoch=1).deep]


def test_the_lowest_slot_is_used_again(harness: Harness) -> None:
    store = harness.store
    apply(store, *(put(number) for number in range(6)))
    assert apply(store, RemoveRow(pseudonym(4)), RemoveRow(pseudonym(1)), RemoveRow(pseudonym(77))) == [
        Applied(4, None),
        Applied(1, None),
    ]
    assert store.find(pseudonym(1)) is None
    with pytest.raises(DamagedStoreError, match="right half"):
        store.deep([1])
    applied = apply(store, put(10), put(11), put(12))
    assert [one.slot for one in applied] == [1, 4, 6]
    harness.reopen()
    assert [row.slot for row in harness.store.rows()] == list(range(7))


def test_a_slot_freed_in_a_transaction_is_used_by_the_next(harness: Harness) -> None:
    apply(harness.store, put(1))
    applied = apply(harness.store, RemoveRow(pseudonym(1)), put(2))
    assert [(one.slot, one.row is None) for one in applied] == [(0, True), (1, False)]
    assert [one.slot for one in apply(harness.store, put(3))] == [0]


def test_staging_again_replaces(harness: Harness) -> None:
    store = harness.store
    store.stage(transaction(1), [put(1), put(2)])
    store.stage(transaction(1), [put(3)])
    assert store.staged() == [transaction(1)]
    store.commit(transaction(1))
    assert [row.head.pseudonym for row in store.rows()] == [pseudonym(3)]


def test_an_abort_forgets(harness: Harness) -> None:
    store = harness.store
    store.stage(transaction(1), [put(1)])
    store.stage(transaction(2), [put(2)])
    store.abort(transaction(1))
    store.abort(transaction(1))
    assert store.staged() == [transaction(2)]
    assert store.commit(transaction(1)) == []
    assert len(store.commit(transaction(2))) == 1


def test_two_changes_of_one_row_are_refused(harness: Harness) -> None:
    store = harness.store
    store.stage(transaction(1), [put(1)])
    twice: list[list[Change]] = [[put(5), RemoveRow(pseudonym(5))], [PutState("a", b"1"), PutState("a", b"2")]]
    for changes in twice:
        with pytest.raises(UsageError, match="at most one change"):
            store.stage(transaction(1), changes)
        with pytest.raises(UsageError, match="at most one change"):
            store.stage(transaction(2), changes)
    assert store.staged() == [transaction(1)]
    assert len(store.commit(transaction(1))) == 1


def test_a_source_that_fails_stages_nothing(harness: Harness) -> None:
    def source() -> Iterator[Change]:
        yield put(1)
        raise RuntimeError("the source has ended")

    with pytest.raises(RuntimeError, match="has ended"):
        harness.store.stage(transaction(1), source())
    with pytest.raises(RuntimeError, match="has ended"):
        harness.store.stage(transaction(1), source(), new_epoch=True)
    assert harness.store.staged() == []
    apply(harness.store, put(1))


def test_states_are_written_in_transactions_and_alone(harness: Harness) -> None:
    store = harness.store
    apply(store, PutState("rules", b"one"), PutState("empty", b""))
    store.save_state("budgets", b"two")
    store.save_state("rules", b"three")
    assert store.generation == 1
    harness.reopen()
    store = harness.store
    assert [store.state(name) for name in ("rules", "budgets", "empty", "none")] == [b"three", b"two", b"", None]
    with pytest.raises(UsageError, match="16 MiB"):
        store.save_state("large", bytes(2**24 + 1))
    with pytest.raises(UsageError, match="named value"):
        store.stage(transaction(1), [PutState("", b"")])
    store.save_state("large", bytes(2**24))
    assert store.state("large") == bytes(2**24)


def test_a_new_epoch_writes_every_row(harness: Harness) -> None:
    store = harness.store
    apply(store, *(put(number) for number in range(5)))
    apply(store, RemoveRow(pseudonym(0)))
    store.save_state("kept", b"as it was")
    store.save_state("changed", b"old")
    changes: list[Change] = [put(3, epoch=1, version=2), put(4, epoch=1, version=2), PutState("changed", b"new")]
    assert apply(store, *changes, RemoveRow(pseudonym(1)), new_epoch=True) == []
    assert (store.epoch, store.generation, len(store)) == (1, 3, 2)
    harness.reopen()
    store = harness.store
    assert [(row.slot, row.head.pseudonym, row.head.epoch) for row in store.rows()] == [
        (0, pseudonym(3), 1),
        (1, pseudonym(4), 1),
    ]
    assert store.deep([0]) == [put(3, version=2).deep]
    assert store.find(pseudonym(2)) is None
    assert [store.state(name) for name in ("kept", "changed")] == [b"as it was", b"new"]
    assert [one.slot for one in apply(store, put(9, epoch=1))] == [2]


def test_a_new_epoch_stands_alone(harness: Harness) -> None:
    store = harness.store
    store.stage(transaction(1), [put(1)])
    with pytest.raises(UsageError, match="stands alone"):
        store.stage(transaction(2), [], new_epoch=True)
    store.commit(transaction(1))
    store.stage(transaction(2), [put(1, epoch=1)], new_epoch=True)
    with pytest.raises(UsageError, match="stands alone"):
        store.stage(transaction(3), [put(3)])
    harness.reopen()
    store = harness.store
    store.stage(transaction(2), [put(1, epoch=1, version=3)], new_epoch=True)
    store.save_state("meanwhile", b"kept")
    store.commit(transaction(2))
    assert (store.epoch, store.state("meanwhile")) == (1, b"kept")
    assert [row.head.version for row in store.rows()] == [3]


def test_an_epoch_can_be_aborted_and_begun_again(harness: Harness) -> None:
    store = harness.store
    apply(store, put(1))
    for _ in range(2):
        store.stage(transaction(2), [put(1, epoch=1)], new_epoch=True)
        store.abort(transaction(2))
    assert (store.epoch, [row.head.epoch for row in store.rows()]) == (0, [0])
    store.stage(transaction(2), [put(1, epoch=1)], new_epoch=True)
    store.stage(transaction(2), [put(1, version=7)])
    store.commit(transaction(2))
    assert (store.epoch, [row.head.version for row in store.rows()]) == (0, [7])
    apply(store, new_epoch=True)
    assert (store.epoch, len(store)) == (1, 0)


def test_a_source_may_read_the_store(harness: Harness) -> None:
    store = harness.store
    apply(store, *(put(number) for number in range(10)))

    def renewed() -> Iterator[Change]:
        for row in store.rows():
            (deep,) = store.deep([row.slot])
            yield PutRow(RowHead(row.head.pseudonym, 1, 2, "all", 1), row.quick, deep)

    apply(store, *renewed(), new_epoch=True)
    store.stage(transaction(3), renewed())
    store.commit(transaction(3))
    assert [row.head.version for row in store.rows()] == [2] * 10


def test_nested_stagings_of_one_id_are_refused(harness: Harness) -> None:
    store = harness.store

    def source() -> Iterator[Change]:
        yield put(1)
        store.stage(transaction(1), [put(2)])

    with pytest.raises(UsageError, match="in the way"):
        store.stage(transaction(1), source())
    assert store.staged() == []


def test_a_change_ends_a_reading_of_rows(harness: Harness) -> None:
    store = harness.store
    apply(store, *(put(number) for number in range(5000)))
    rows = store.rows()
    next(rows)
    apply(store, put(1, version=2))
    with pytest.raises(UsageError, match="changed while"):
        list(rows)


def test_a_closed_store_refuses(harness: Harness) -> None:
    store = harness.store
    store.close()
    store.close()
    for call in (
        lambda: list(store.rows()),
        lambda: store.find(pseudonym(1)),
        lambda: store.deep([1]),
        lambda: store.state("a"),
        lambda: store.stage(transaction(1), []),
        lambda: store.commit(transaction(1)),
        lambda: store.abort(transaction(1)),
        store.staged,
        lambda: store.save_state("a", b""),
    ):
        with pytest.raises(UsageError, match="closed"):
            call()


def test_a_transaction_id_has_sixteen_bytes(harness: Harness) -> None:
    with pytest.raises(UsageError, match="16 bytes"):
        harness.store.stage(TransactionId(b"short"), [])


def test_threads_share_a_store(harness: Harness) -> None:
    store, failures = harness.store, []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 20):
                apply(store, put(number), number=number)
                found = store.find(pseudonym(number))
                assert found is not None
                assert store.deep([found.slot]) == [put(number).deep]
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(first,)) for first in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(row.head.pseudonym for row in store.rows()) == sorted(
        pseudonym(first + number) for first in (0, 100, 200, 300) for number in range(20)
    )
    assert [row.slot for row in store.rows()] == list(range(80))


NUMBERS = st.integers(0, 11)
NAMES = st.sampled_from(["rules", "budgets"])


class HalfStoreMachine(RuleBasedStateMachine):
    """Stages, commits, aborts and reopens at random, beside a dictionary that does the same."""

    make: Callable[[Path], Harness]
    transactions = Bundle("transactions")

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.directory = tempfile.TemporaryDirectory()
        self.harness = type(self).make(Path(self.directory.name))
        self.rows: dict[Pseudonym, PutRow] = {}
        self.states: dict[str, bytes] = {}
        self.staged: dict[TransactionId, tuple[list[Change], bool]] = {}
        self.epoch = self.generation = self.drawn = 0

    def teardown(self) -> None:
        self.harness.store.close()
        self.directory.cleanup()

    @rule(
        target=transactions,
        puts=st.sets(NUMBERS, max_size=6),
        removals=st.sets(NUMBERS, max_size=3),
        states=st.sets(NAMES),
        new_epoch=st.booleans(),
    )
    def stage(self, puts: set[int], removals: set[int], states: set[str], new_epoch: bool) -> object:
        return self._stage(transaction(len(self.staged) + 1000 + self.drawn), puts, removals, states, new_epoch)

    @rule(known=transactions, puts=st.sets(NUMBERS, max_size=3))
    def stage_again(self, known: TransactionId, puts: set[int]) -> None:
        if known in self.staged:
            self._stage(known, puts, set(), set(), self.staged[known][1])

    def _stage(
        self, known: TransactionId, puts: set[int], removals: set[int], states: set[str], new_epoch: bool
    ) -> object:
        self.drawn += 1
        version = self.drawn % 256
        changes: list[Change] = [put(number, version=version, epoch=self.epoch + new_epoch) for number in sorted(puts)]
        changes += [RemoveRow(pseudonym(number)) for number in sorted(removals - puts)]
        changes += [PutState(name, os.urandom(3)) for name in sorted(states)]
        others = [begins for other, (_, begins) in self.staged.items() if other != known]
        if (new_epoch and others) or any(others):
            with pytest.raises(UsageError):
                self.harness.store.stage(known, iter(changes), new_epoch=new_epoch)
            return multiple()
        self.harness.store.stage(known, iter(changes), new_epoch=new_epoch)
        self.staged.pop(known, None)
        self.staged[known] = (changes, new_epoch)
        return known

    @rule(known=consumes(transactions))
    def commit(self, known: TransactionId) -> None:
        applied = self.harness.store.commit(known)
        changes, new_epoch = self.staged.pop(known, ([], None))
        if new_epoch is None:
            assert applied == []
            return
        self.generation += 1
        before = set(self.rows)
        if new_epoch:
            assert applied == []
            self.rows.clear()
            self.epoch += 1
        expected: list[Pseudonym | None] = []
        for change in changes:
            match change:
                case PutRow():
                    self.rows[change.head.pseudonym] = change
                    expected.append(change.head.pseudonym)
                case RemoveRow():
                    self.rows.pop(change.pseudonym, None)
                    expected += [None] if change.pseudonym in before else []
                case PutState():
                    self.states[change.name] = change.value
        if not new_epoch:
            assert [one.row and one.row.head.pseudonym for one in applied] == expected

    @rule(known=consumes(transactions))
    def abort(self, known: TransactionId) -> None:
        self.harness.store.abort(known)
        self.staged.pop(known, None)

    @rule(name=NAMES, value=st.binary(max_size=5))
    def save(self, name: str, value: bytes) -> None:
        self.harness.store.save_state(name, value)
        self.states[name] = value

    @rule()
    def reopen(self) -> None:
        self.harness.reopen()

    @invariant()
    def agrees_with_the_dictionary(self) -> None:
        store = self.harness.store
        rows = list(store.rows())
        assert {row.head.pseudonym: (row.head, row.quick) for row in rows} == {
            name: (row.head, row.quick) for name, row in self.rows.items()
        }
        assert store.deep([row.slot for row in rows]) == [self.rows[row.head.pseudonym].deep for row in rows]
        assert sorted(row.slot for row in rows) == [row.slot for row in rows]
        assert (len(store), store.epoch, store.generation) == (len(self.rows), self.epoch, self.generation)
        assert store.staged() == list(self.staged)
        assert {name: store.state(name) for name in ("rules", "budgets")} == {
            name: self.states.get(name) for name in ("rules", "budgets")
        }
        if isinstance(self.harness, SealedHarness):
            epochs = {"right", f"right.epoch.{self.epoch}"}
            if any(begins for _, begins in self.staged.values()):
                epochs.add(f"right.epoch.{self.epoch + 1}")
            assert set(self.harness.keys.names()) == epochs


class SealedMachine(HalfStoreMachine):
    make = SealedHarness


class MemoryMachine(HalfStoreMachine):
    make = MemoryHarness


_SETTINGS = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestSealedMachine = SealedMachine.TestCase
TestSealedMachine.settings = _SETTINGS
TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = _SETTINGS

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, PutRow, RemoveRow, RowFlag, TransactionId
from facekeep.errors import (
    BudgetError,
    DamagedStoreError,
    PurposeOffError,
    RefusedError,
    TicketError,
    UnavailableError,
    UsageError,
)
from facekeep.split import half as half_module
from facekeep.split.budget import Limits
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question
from facekeep.split.half import install_rules
from facekeep.split.left import LeftHalf
from facekeep.split.ratchet import Handshake
from facekeep.split.selector import Selector
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import new_key
from tests.unit.split.cluster import FMRS, KEEP, REVIEWERS, THRESHOLDS, Cluster, units

D = 64
PEOPLE = units(8, D)


def _id() -> TransactionId:
    return TransactionId(os.urandom(16))


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(dimension=D)
    made.names = made.enrol(PEOPLE)
    return made


def _reopened(cluster: Cluster) -> Cluster:
    """As after kill -9: nothing is closed, the stores and logs are opened anew."""
    cluster.gate.close()
    cluster.open()
    return cluster


def _both(cluster: Cluster, stage: str, *arguments: object) -> None:
    transaction = _id()
    for half in (cluster.left, cluster.right):
        getattr(half, stage)(transaction, *arguments)
    for half in (cluster.left, cluster.right):
        half.commit(transaction)


def _records(cluster: Cluster, side: str = "left") -> list[dict[str, object]]:
    return [json.loads(record) for record in cluster.logs[side].replay()]


def _agree(cluster: Cluster) -> None:
    left, right = cluster.left.status(), cluster.right.status()
    assert (left.root, left.epoch, left.rows) == (right.root, right.epoch, right.rows)


# Opening


def test_a_keep_on_disk_is_there_again_when_it_is_opened(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, dimension=D)
    (name,) = cluster.enrol(PEOPLE[:1])
    cluster.refresh()
    root, log = cluster.left.status().root, cluster.left.status().searches
    cluster.close()
    cluster.open()
    assert (cluster.left.status().root, cluster.left.status().searches) == (root, log)
    assert cluster.verify(name, PEOPLE[0])[0].pseudonym == name
    _agree(cluster)
    cluster.close()


def test_a_store_without_rules_or_with_damaged_ones_does_not_open(tmp_path: Path) -> None:
    cluster = Cluster(dimension=D)
    around = cluster.around("left")
    install = cluster.stores["left"].state("rules")
    assert install is not None
    with pytest.raises(UsageError):
        install_rules(around.store, cluster.left._rules)
    around.store.save_state("rules", b"{}")
    with pytest.raises(DamagedStoreError, match="do not parse"):
        LeftHalf(around, Selector())
    cluster.keys.put("left", new_key())
    empty = SqliteHalfStore.create(tmp_path / "left.db", cluster.keys, side="left", keep_id=KEEP)
    with pytest.raises(DamagedStoreError, match="no rules"):
        LeftHalf(replace(around, store=empty), Selector())
    empty.close()


@pytest.mark.parametrize("stored", [b"", b"[]", b'{"log": 0}', b'{"log": 0, "turn": 0, "parts": 1, "nonces": {}}'])
def test_damaged_counts_do_not_open(cluster: Cluster, stored: bytes) -> None:
    cluster.stores["left"].save_state("budgets", stored)
    with pytest.raises(DamagedStoreError, match="do not parse"):
        LeftHalf(cluster.around("left"), Selector())


def test_a_log_that_was_shortened_does_not_open(cluster: Cluster) -> None:
    cluster.left.close()
    del cluster.logs["left"]._records[:]
    with pytest.raises(DamagedStoreError, match="shorter"):
        LeftHalf(cluster.around("left"), Selector())


def test_files_are_closed_even_if_the_counts_cannot_be_saved(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise DamagedStoreError("no room", store="left")

    monkeypatch.setattr(type(cluster.left._store), "save_state", full)
    with pytest.raises(DamagedStoreError, match="no room"):
        cluster.left.close()
    for part in (cluster.left._log, cluster.left._store):
        with pytest.raises(UsageError, match="closed"):
            part.append(b"x", durable=False) if hasattr(part, "append") else part.state("rules")


# Counting


def test_counts_and_nonces_survive_a_crash(cluster: Cluster) -> None:
    request = cluster.gate.request(Question("identify", 2, "op", "c"), fine_code(PEOPLE[0]))
    for half in (cluster.left, cluster.right):
        assert half.begin([request]) == [None]
    for _ in range(10):
        assert cluster.verify(cluster.names[0], -PEOPLE[0]) == ()
    assert cluster.verify(cluster.names[1], PEOPLE[1])
    before = json.loads(cluster.left._budgets.snapshot())
    _reopened(cluster)
    assert json.loads(cluster.left._budgets.snapshot()) == before
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])
    (refusal,) = cluster.left.begin([replace(request, turn=0)])
    assert isinstance(refusal, TicketError)


@pytest.mark.parametrize("part", [5, 8 << 20])
def test_snapshot_and_replay_equal_live_counting(monkeypatch: pytest.MonkeyPatch, cluster: Cluster, part: int) -> None:
    monkeypatch.setattr(half_module, "_SNAPSHOT_EVERY", 7)
    monkeypatch.setattr(half_module, "_SNAPSHOT_PART", part)
    rng = np.random.default_rng(part)
    saved = set()
    for step in range(60):
        cluster.now += int(rng.integers(-3600, 40_000))
        who = int(rng.integers(4))
        match int(rng.integers(6)):
            case 0:
                cluster.verify(cluster.names[who], PEOPLE[who])
            case 1 | 2:
                try:
                    cluster.verify(cluster.names[who], -PEOPLE[who])
                except BudgetError:
                    word = cluster.forgiveness(cluster.names[who])
                    cluster.left.forgive(word)
                    cluster.right.forgive(word)
            case 3:
                cluster.identify(PEOPLE[who], case=f"{who}")
            case 4:
                cluster.verify(Pseudonym(os.urandom(16)), PEOPLE[0])
            case _:
                with pytest.raises(TicketError):
                    cluster.identify(PEOPLE[who], case="")
        saved.add(cluster.left._snapshot_log)
        live = json.loads(cluster.left._budgets.snapshot())
        assert json.loads(cluster.right._budgets.snapshot()) == live
        if step % 3 == 0:
            other = LeftHalf(cluster.around("left"), Selector())
            assert json.loads(other._budgets.snapshot()) == live
            assert other._nonces.items() <= cluster.left._nonces.items() | other._nonces.items()
    assert len(saved) > 3


def test_a_snapshot_is_of_records_that_are_on_disk(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    log = cluster.left._log
    durable: list[tuple[int, bool]] = []
    true = type(log).append_many

    def append_many(self: object, records: list[bytes], *, durable: bool) -> None:
        true(self, records, durable=durable)  # type: ignore[arg-type]
        flushed.append((len(log), durable))

    flushed = durable
    monkeypatch.setattr(type(log), "append_many", append_many)
    store = cluster.left._store
    kept = type(store).save_state

    def save_state(self: object, name: str, value: bytes) -> None:
        assert flushed[-1] == (len(log), True)
        kept(self, name, value)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store), "save_state", save_state)
    cluster.verify(cluster.names[0], PEOPLE[0])
    cluster.left._save_counts()


@pytest.mark.parametrize("every", [1, 4096])
def test_a_forgiven_row_is_free_again_even_after_a_crash(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, every: int
) -> None:
    monkeypatch.setattr(half_module, "_SNAPSHOT_EVERY", every)
    for _ in range(10):
        cluster.verify(cluster.names[0], -PEOPLE[0])
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])
    word = cluster.forgiveness(*cluster.names[:2])
    for half in (cluster.left, cluster.right):
        half.forgive(word)
    record = _records(cluster)[-1]
    assert record["kind"] == "forgive"
    assert record["rows"] == sorted(name.hex() for name in cluster.names[:2])
    assert record["reviewers"] == list(REVIEWERS)
    _reopened(cluster)
    assert cluster.verify(cluster.names[0], PEOPLE[0])
    for _ in range(10):
        cluster.verify(cluster.names[0], -PEOPLE[0])
    for half in (cluster.left, cluster.right):  # once, over a crash too
        with pytest.raises(RefusedError, match="used before"):
            half.forgive(word)
    with pytest.raises(BudgetError):
        cluster.verify(cluster.names[0], PEOPLE[0])


def test_an_alarm_is_raised_at_thirty_and_survives_refresh() -> None:
    cluster = Cluster(dimension=D, limits=Limits(rejects_per_day=100, rejects_alarm=3))
    (name,) = cluster.enrol(PEOPLE[:1])
    for _ in range(3):
        assert cluster.left.alarms() == ()
        cluster.verify(name, -PEOPLE[0])
    cluster.refresh()
    assert cluster.left.alarms() == cluster.left.status().alarms == (name,) == cluster.right.alarms()


def test_the_counts_of_an_erased_row_and_of_invented_ones_go(cluster: Cluster) -> None:
    invented = Pseudonym(os.urandom(16))
    cluster.verify(cluster.names[0], -PEOPLE[0])
    cluster.verify(invented, -PEOPLE[0])
    snapshot = cluster.left._budgets.snapshot().decode()
    assert snapshot.count(cluster.names[0].hex()) == 2
    assert snapshot.count(invented.hex()) == 1  # of today only
    _both(cluster, "stage_erase", [cluster.names[0]])
    assert cluster.names[0].hex() not in cluster.left._budgets.snapshot().decode()
    assert _records(cluster)[-1]["rows"] == [cluster.names[0].hex()]
    _reopened(cluster)
    assert cluster.names[0].hex() not in cluster.left._budgets.snapshot().decode()


def test_expired_nonces_leave_the_snapshot(cluster: Cluster) -> None:
    cluster.verify(cluster.names[0], PEOPLE[0])
    assert len(cluster.left._nonces) == 1
    cluster.left._save_counts()
    assert len(cluster.left._nonces) == 1
    cluster.now += 301
    cluster.left._save_counts()
    assert cluster.left._nonces == {}


# Sessions


def test_a_half_that_is_not_paired_answers_nothing(cluster: Cluster) -> None:
    request = cluster.gate.request(Question("verify", 2, "op", row=cluster.names[0]), fine_code(PEOPLE[0]))
    alone = LeftHalf(cluster.around("left"), Selector())
    log = alone.status().searches
    with pytest.raises(UnavailableError, match="not paired"):
        alone.begin([request])
    assert alone.status().searches == log
    assert len(alone._nonces) == 0
    with pytest.raises(RefusedError, match="before it asked"):
        alone.pair(cluster.right.hello())
    alone.stage_refresh(t := _id())
    with pytest.raises(UnavailableError, match="not paired"):
        next(alone.deltas(t))


def test_a_half_pairs_with_its_pinned_twin_only_and_keeps_its_session_else(cluster: Cluster) -> None:
    cluster.left.hello()
    stranger = Handshake(b"right", KEEP, cluster.identities["gate"], bytes(32)).hello
    with pytest.raises(RefusedError, match="pinned"):
        cluster.left.pair(stranger)
    assert cluster.verify(cluster.names[0], PEOPLE[0])


def test_searches_of_a_former_session_end(cluster: Cluster) -> None:
    request = cluster.gate.request(Question("verify", 2, "op", row=cluster.names[0]), fine_code(PEOPLE[0]))
    assert cluster.left.begin([request]) == [None]
    cluster.gate.pair()
    with pytest.raises(TicketError, match="no such search"):
        cluster.left.fine(request.nonce)


# Writing


def test_refresh_changes_every_share_and_no_answer(cluster: Cluster) -> None:
    def shares() -> tuple[list[bytes], list[bytes], list[bytes]]:
        left, right = (list(half._store.rows()) for half in (cluster.left, cluster.right))
        return [r.quick for r in left], [r.quick for r in right], cluster.right._store.deep([r.slot for r in right])

    before = shares()
    cluster.refresh()
    after = shares()
    for old, new in zip(before, after, strict=True):
        assert not set(old) & set(new)
    assert {row.head.epoch for row in cluster.left._store.rows()} == {1}
    assert {row.head.version for row in cluster.left._store.rows()} == {2}
    for name, vector in zip(cluster.names, PEOPLE, strict=True):
        assert cluster.verify(name, vector, level=2)[0].band == 3
    _agree(cluster)


def test_opened_rows_sit_in_the_order_of_their_pseudonyms(cluster: Cluster) -> None:
    for half in (cluster.left, cluster.right):
        half._load()
        ordered = half._table.ordered()
        assert [half._table.pseudonym(slot) for slot in ordered] == sorted(cluster.names)
        assert half._blocks.seats(ordered).tolist() == list(range(8))
    assert cluster.verify(cluster.names[0], PEOPLE[0])


def test_refresh_of_an_empty_keep() -> None:
    cluster = Cluster(dimension=D)
    cluster.refresh()
    cluster.enrol(PEOPLE[:1])
    _agree(cluster)


def test_erased_rows_are_gone_from_store_and_memory(cluster: Cluster) -> None:
    slot = cluster.left._store.find(cluster.names[0]).slot  # type: ignore[union-attr]
    _both(cluster, "stage_erase", [cluster.names[0], Pseudonym(bytes(16))])
    assert not cluster.left._seeds[slot].any()
    (seat,) = cluster.left._blocks.seats(np.asarray([slot], np.int32))
    assert not cluster.left._blocks._blocks[0, :, seat].any()
    assert cluster.left.head_of(cluster.names[0]) is None
    assert len(cluster.left) == 7
    assert cluster.verify(cluster.names[0], PEOPLE[0]) == ()
    assert cluster.identify(PEOPLE[0]) == ()
    (new,) = cluster.enrol(PEOPLE[:1])
    assert cluster.identify(PEOPLE[0])[0].pseudonym == new
    _agree(cluster)


def test_many_erased_rows_are_logged_in_parts(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> None:
    monkeypatch.setattr(half_module, "_ERASED_TOGETHER", 3)
    _both(cluster, "stage_erase", cluster.names)
    assert [len(r["rows"]) for r in _records(cluster) if r["kind"] == "erase"] == [3, 3, 2]  # type: ignore[arg-type]
    assert len(cluster.left) == 0


def test_marks_change_what_a_row_is_used_for_and_not_its_masks(cluster: Cluster) -> None:
    before = cluster.left._store.find(cluster.names[0])
    _both(cluster, "stage_marks", [(cluster.names[0], Purpose.VERIFY.bit, RowFlag.NONE)])
    after = cluster.left._store.find(cluster.names[0])
    assert before is not None
    assert after is not None
    assert (before.quick, before.head.version) == (after.quick, after.head.version)
    assert cluster.identify(PEOPLE[0]) == ()
    assert cluster.verify(cluster.names[0], PEOPLE[0])
    full = Purpose.VERIFY.bit | Purpose.IDENTIFY.bit
    _both(cluster, "stage_marks", [(name, full, RowFlag.SUPPRESSED) for name in cluster.names[:2]])
    assert cluster.identify(PEOPLE[0]) == () == cluster.identify(PEOPLE[1])
    assert cluster.identify(PEOPLE[2])
    assert cluster.left.head_of(cluster.names[0]).flags is RowFlag.SUPPRESSED  # type: ignore[union-attr]
    with pytest.raises(DamagedStoreError):
        cluster.left.stage_marks(_id(), [(Pseudonym(bytes(16)), 1, RowFlag.NONE)])
    _agree(cluster)


def test_off_is_off_at_once_and_after_opening(cluster: Cluster) -> None:
    _both(cluster, "stage_switch", Purpose.VERIFY, False)
    for _ in range(2):
        with pytest.raises(PurposeOffError):
            cluster.verify(cluster.names[0], PEOPLE[0])
        _reopened(cluster)
    _both(cluster, "stage_switch", Purpose.VERIFY, True)
    assert cluster.verify(cluster.names[0], PEOPLE[0])


def test_what_was_staged_is_listed_until_it_is_ended(cluster: Cluster) -> None:
    one, two = _id(), _id()
    cluster.left.stage_erase(one, [cluster.names[0]])
    cluster.left.stage_erase(two, [cluster.names[1]])
    assert cluster.left.staged() == [one, two]
    cluster.left.abort(one)
    cluster.left.abort(_id())
    cluster.left.commit(two)
    cluster.left.commit(two)
    assert cluster.left.staged() == []
    assert cluster.left.head_of(cluster.names[0]) is not None
    assert cluster.left.head_of(cluster.names[1]) is None


def test_a_transaction_staged_in_both_halves_survives_a_crash_between_their_commits(cluster: Cluster) -> None:
    for stage in ("stage_refresh", "enrol"):
        transaction = _id()
        if stage == "enrol":
            row = replace(cluster.left.head_of(cluster.names[0]), pseudonym=Pseudonym(os.urandom(16)), version=0)  # type: ignore[type-var]
            cluster.gate.stage_enrol(transaction, [(row, fine_code(-PEOPLE[0]))])
        else:
            cluster.left.stage_refresh(transaction)
            cluster.right.stage_refresh(transaction)
        cluster.left.commit(transaction)
        _reopened(cluster)
        with pytest.raises(RefusedError):
            cluster.identify(PEOPLE[0], case=stage)
        cluster.left.commit(transaction)
        cluster.right.commit(transaction)
        _agree(cluster)
        assert cluster.identify(PEOPLE[0], case=stage)
    assert cluster.identify(-PEOPLE[0])


def test_a_commit_ends_searches_under_way(cluster: Cluster) -> None:
    request = cluster.gate.request(Question("verify", 2, "op", row=cluster.names[0]), fine_code(PEOPLE[0]))
    assert cluster.left.begin([request]) == [None]
    _both(cluster, "stage_erase", [cluster.names[1]])
    with pytest.raises(TicketError, match="no such search"):
        cluster.left.fine(request.nonce)


def test_the_halves_hold_only_their_own_part(cluster: Cluster) -> None:
    code = fine_code(PEOPLE[0]).astype("<i2").tobytes()
    for half in (cluster.left, cluster.right):
        row = half._store.find(cluster.names[0])
        assert row is not None
        assert len(row.quick) == (32 if half is cluster.left else D)
        assert code not in row.quick
    assert cluster.left.levels() == (THRESHOLDS, FMRS)
    assert cluster.left.epoch == 0


def test_a_removed_and_a_new_row_in_one_transaction(cluster: Cluster) -> None:
    slot = cluster.left._store.find(cluster.names[0]).slot  # type: ignore[union-attr]
    head = replace(cluster.left.head_of(cluster.names[0]), pseudonym=Pseudonym(os.urandom(16)))  # type: ignore[type-var]
    transaction = _id()
    cluster.left._stage(transaction, [RemoveRow(cluster.names[0]), PutRow(head, os.urandom(32), b"")])
    cluster.left.commit(transaction)
    assert len(cluster.left) == 8
    assert cluster.left._table.pseudonym(slot) != cluster.names[0]

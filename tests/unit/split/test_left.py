import os
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.errors import RefusedError, UsageError
from facekeep.split import rows
from facekeep.split.codes import coarse_code, fine_code
from facekeep.split.deltas import CHUNK_ROWS, decode_chunk
from facekeep.split.masks import MaskRow, coarse_mask, fine_mask, new_seed, split
from facekeep.split.messages import LeftPart
from tests.unit.split.cluster import MODEL, Cluster, units

D = 64
PEOPLE = units(3, D)


def _id() -> TransactionId:
    return TransactionId(os.urandom(16))


def _part(**changes: object) -> LeftPart:
    head = RowHead(Pseudonym(os.urandom(16)), 0, 0, "main", 3)
    return LeftPart(replace(head, **changes), new_seed())  # type: ignore[arg-type]


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(dimension=D)
    made.names = made.enrol(PEOPLE)
    return made


def test_the_seed_that_the_gate_knows_is_never_kept(cluster: Cluster) -> None:
    part, transaction = _part(), _id()
    cluster.left.stage_enrol(transaction, [part])
    cluster.left.commit(transaction)
    row = cluster.left._store.find(part.head.pseudonym)
    assert row is not None
    assert row.quick != part.seed
    assert (row.head.version, row.head.epoch) == (1, 0)
    assert cluster.left._drawing == {}


def test_deltas_move_the_right_half_from_the_gates_seed_to_the_new_one(cluster: Cluster) -> None:
    part, transaction = _part(), _id()
    cluster.left.stage_enrol(transaction, [part])
    channel = AESGCM(cluster.left._session().channel)
    chunks = list(cluster.left.deltas(transaction))
    again = list(cluster.left.deltas(transaction))
    assert chunks != again  # sealed anew each time
    (delta,) = decode_chunk(channel, transaction, 0, D, chunks[0])
    model, fine = bytes.fromhex(MODEL), fine_code(PEOPLE[0])
    old = MaskRow(part.head.pseudonym, 0, 0, model)
    moved = split(fine, coarse_code(fine), part.seed, old).minus(delta.delta)
    cluster.left.commit(transaction)
    row = cluster.left._store.find(part.head.pseudonym)
    assert row is not None
    new = MaskRow(part.head.pseudonym, 0, 1, model)
    assert np.array_equal((moved.fine + fine_mask(row.quick, new, D)).view(np.int16), fine)
    assert np.array_equal((moved.coarse + coarse_mask(row.quick, new, D)).view(np.int8), coarse_code(fine))


def test_deltas_come_in_chunks(cluster: Cluster) -> None:
    transaction = _id()
    cluster.left.stage_enrol(transaction, [_part() for _ in range(CHUNK_ROWS + 1)])
    assert len(list(cluster.left.deltas(transaction))) == 2


def test_what_is_not_prepared_has_no_deltas(cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match="not prepared"):
        next(cluster.left.deltas(_id()))
    transaction = _id()
    cluster.left.stage_enrol(transaction, [_part()])
    cluster.left.abort(transaction)
    with pytest.raises(RefusedError, match="not prepared"):
        next(cluster.left.deltas(transaction))


def test_a_refresh_that_could_not_be_staged_has_no_deltas(cluster: Cluster) -> None:
    other, refresh = _id(), _id()
    cluster.left.stage_erase(other, cluster.names[:1])
    with pytest.raises(UsageError):
        cluster.left.stage_refresh(refresh)
    # Else the right half could move to masks that this half does not have.
    with pytest.raises(RefusedError, match="not prepared"):
        next(cluster.left.deltas(refresh))


@pytest.mark.parametrize("first", ["stage_enrol", "stage_refresh"])
@pytest.mark.parametrize("second", ["stage_enrol", "stage_refresh"])
def test_a_transaction_is_drawn_once(cluster: Cluster, first: str, second: str) -> None:
    transaction = _id()

    def stage(name: str) -> None:
        arguments = ([_part()],) if name == "stage_enrol" else ()
        getattr(cluster.left, name)(transaction, *arguments)

    stage(first)
    drawn = cluster.left._drawing[transaction]
    with pytest.raises(RefusedError, match="prepared already"):
        stage(second)
    assert cluster.left._drawing[transaction] is drawn


@pytest.mark.parametrize("changes", [{"version": 1}, {"version": 2**32 - 1}, {"epoch": 1}])
def test_refuses_a_new_row_of_another_epoch_or_version(cluster: Cluster, changes: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        cluster.left.stage_enrol(_id(), [_part(**changes)])


def test_refuses_a_pseudonym_in_use_and_a_seed_of_the_wrong_size(cluster: Cluster) -> None:
    with pytest.raises(RefusedError, match="in use"):
        cluster.left.stage_enrol(_id(), [_part(pseudonym=cluster.names[0])])
    with pytest.raises(RefusedError, match="size"):
        cluster.left.stage_enrol(_id(), [replace(_part(), seed=b"short")])
    assert cluster.left._drawing == {}


def test_refuses_more_galleries_than_can_be_before_they_are_stored(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "_GALLERIES_MAX", 2)
    with pytest.raises(UsageError, match="galleries"):
        cluster.left.stage_enrol(_id(), [_part(gallery="a"), _part(gallery="b")])
    assert cluster.left.staged() == []
    cluster.left.stage_enrol(_id(), [_part(gallery="a"), _part(gallery="a"), _part()])


def test_room_for_seeds_grows_and_a_reload_forgets_old_ones(cluster: Cluster) -> None:
    parts, transaction = [_part() for _ in range(150)], _id()
    cluster.left.stage_enrol(transaction, parts)
    cluster.left.commit(transaction)
    for part in parts:
        row = cluster.left._store.find(part.head.pseudonym)
        assert row is not None
        assert cluster.left._seeds[row.slot].tobytes() == row.quick
    before = {seed.tobytes() for seed in cluster.left._seeds if seed.any()}
    refresh = _id()
    cluster.left.stage_refresh(refresh)
    cluster.left.commit(refresh)
    assert not before & {seed.tobytes() for seed in cluster.left._seeds}

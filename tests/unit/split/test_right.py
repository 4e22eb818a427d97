import os
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekeep.domain.row import Pseudonym, PutRow, RowHead, TransactionId
from facekeep.errors import DamagedStoreError, DisagreementError, FormatError, RefusedError
from facekeep.split.deltas import DeltaRow, encode_chunk
from facekeep.split.left import LeftHalf
from facekeep.split.masks import Delta, new_seed
from facekeep.split.messages import LeftPart, RightPart
from tests.unit.split.cluster import Cluster, units

D = 64
PEOPLE = units(3, D)


def _id() -> TransactionId:
    return TransactionId(os.urandom(16))


def _parts(count: int) -> tuple[list[LeftPart], list[RightPart]]:
    heads = [RowHead(Pseudonym(os.urandom(16)), 0, 0, "main", 3) for _ in range(count)]
    rights = [RightPart(head, os.urandom(D), os.urandom(2 * D)) for head in heads]
    return [LeftPart(head, new_seed()) for head in heads], rights


class Twin:
    """A left half on whose way chunks may be changed."""

    def __init__(self, left: LeftHalf) -> None:
        self.left = left
        self.change = lambda chunks: chunks

    def deltas(self, transaction: TransactionId) -> Iterator[bytes]:
        return iter(self.change(list(self.left.deltas(transaction))))


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(dimension=D)
    made.names = made.enrol(PEOPLE)
    made.right._twin = Twin(made.left)
    return made


def _seal(cluster: Cluster, transaction: TransactionId, rows: Sequence[DeltaRow], number: int = 0) -> bytes:
    return encode_chunk(AESGCM(cluster.left._session().channel), transaction, number, rows)


def _delta(name: Pseudonym, epoch: int, version: int) -> DeltaRow:
    return DeltaRow(name, epoch, version, Delta(np.zeros(D, np.uint16), np.zeros(D, np.uint8)))


def test_the_halves_must_be_given_the_same_new_rows(cluster: Cluster) -> None:
    lefts, rights = _parts(3)
    for left, right in ((lefts, rights[:2]), (lefts[:2], rights), (lefts[:2], rights[1:])):
        transaction = _id()
        cluster.left.stage_enrol(transaction, left)
        with pytest.raises(DisagreementError, match="different rows"):
            cluster.right.stage_enrol(transaction, right)
        assert cluster.right.staged() == []
        cluster.left.abort(transaction)


def test_new_rows_of_a_wrong_dimension_are_refused(cluster: Cluster) -> None:
    for change in ({"coarse": bytes(D + 1)}, {"fine": bytes(2 * D + 2)}):
        lefts, rights = _parts(1)
        transaction = _id()
        cluster.left.stage_enrol(transaction, lefts)
        with pytest.raises(FormatError):
            cluster.right.stage_enrol(transaction, [replace(rights[0], **change)])


@pytest.mark.parametrize("change", [{"version": 1}, {"epoch": 1}])
def test_new_rows_of_another_epoch_or_version_are_refused(cluster: Cluster, change: dict[str, int]) -> None:
    lefts, rights = _parts(1)
    transaction = _id()
    cluster.left.stage_enrol(transaction, lefts)
    with pytest.raises(RefusedError, match="epoch"):
        cluster.right.stage_enrol(transaction, [replace(rights[0], head=replace(rights[0].head, **change))])


def test_a_pseudonym_in_use_is_refused(cluster: Cluster) -> None:
    _, rights = _parts(1)
    with pytest.raises(RefusedError, match="in use"):
        cluster.right.stage_enrol(_id(), [replace(rights[0], head=replace(rights[0].head, pseudonym=cluster.names[0]))])


@pytest.mark.parametrize(("epoch", "version"), [(1, 1), (0, 0), (0, 2)])
def test_deltas_of_new_rows_to_another_epoch_or_version_are_refused(cluster: Cluster, epoch: int, version: int) -> None:
    lefts, rights = _parts(1)
    transaction = _id()
    cluster.left.stage_enrol(transaction, lefts)
    chunk = _seal(cluster, transaction, [_delta(lefts[0].head.pseudonym, epoch, version)])
    cluster.right._twin.change = lambda _: [chunk]  # type: ignore[attr-defined]
    with pytest.raises(DisagreementError):
        cluster.right.stage_enrol(transaction, rights)


def test_chunks_that_were_moved_left_out_or_repeated_are_refused(cluster: Cluster) -> None:
    lefts, rights = _parts(600)
    twin = cluster.right._twin
    changes = [
        lambda chunks: chunks[::-1],
        lambda chunks: chunks[:-1],
        lambda chunks: chunks[1:],
        lambda chunks: [*chunks, chunks[0]],
        lambda chunks: [chunks[0], chunks[0], *chunks[2:]],
        lambda _: [],
    ]
    for change in changes:
        transaction = _id()
        cluster.left.stage_enrol(transaction, lefts)
        twin.change = change  # type: ignore[attr-defined]
        with pytest.raises(RefusedError):
            cluster.right.stage_enrol(transaction, rights)
        cluster.left.abort(transaction)
    twin.change = lambda chunks: chunks  # type: ignore[attr-defined]
    cluster.left.stage_enrol(transaction := _id(), lefts)
    cluster.right.stage_enrol(transaction, rights)
    with pytest.raises(RefusedError, match="prepared already"):
        cluster.right.stage_enrol(transaction, rights)


def test_a_refresh_changes_every_row_or_none(cluster: Cluster) -> None:
    names = cluster.names
    stranger = Pseudonym(os.urandom(16))
    good = [_delta(name, 1, 2) for name in names]
    for rows in (
        good[:2],
        [*good[:2], _delta(stranger, 1, 2)],
        [*good, _delta(stranger, 1, 2)],
        [*good[:2], _delta(names[2], 1, 3)],
        [*good[:2], _delta(names[2], 1, 1)],
        [*good[:2], _delta(names[2], 2, 2)],
        [*good[:2], _delta(names[2], 0, 2)],
    ):
        transaction = _id()
        cluster.left.stage_refresh(transaction)
        chunk = _seal(cluster, transaction, rows)
        cluster.right._twin.change = lambda _, chunk=chunk: [chunk]  # type: ignore[attr-defined, misc]
        with pytest.raises(DisagreementError, match="nothing was refreshed"):
            cluster.right.stage_refresh(transaction)
        assert cluster.right.staged() == []
        cluster.left.abort(transaction)
    transaction = _id()
    cluster.left.stage_refresh(transaction)
    cluster.right._twin.change = lambda chunks: chunks  # type: ignore[attr-defined]
    cluster.right.stage_refresh(transaction)
    with pytest.raises(RefusedError, match="prepared already"):
        cluster.right.stage_refresh(transaction)


def test_a_row_of_another_dimension_is_damage(cluster: Cluster) -> None:
    row = cluster.right._store.find(cluster.names[0])
    assert row is not None
    transaction = _id()
    cluster.right._stage(transaction, [PutRow(row.head, bytes(D - 1), bytes(2 * D))])
    with pytest.raises(DamagedStoreError, match="dimension"):
        cluster.right.commit(transaction)


def test_a_row_whose_codes_are_damaged_does_not_enter_the_table(cluster: Cluster) -> None:
    head = RowHead(Pseudonym(os.urandom(16)), 0, 1, "main", 3)
    transaction = _id()
    cluster.right._stage(transaction, [PutRow(head, bytes(D - 1), bytes(2 * D))])
    with pytest.raises(DamagedStoreError, match="dimension"):
        cluster.right.commit(transaction)
    assert len(cluster.right) == 3

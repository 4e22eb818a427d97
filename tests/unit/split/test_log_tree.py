"""The tree of a half's log: the one of RFC 9162, however it grew, and the same after a crash."""

from __future__ import annotations

import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

import facekeep.split.half as half_module
from facekeep.domain.merkle import EMPTY, grown, leaf_hash, node_hash, peaks, places_in, root
from facekeep.errors import FormatError
from facekeep.split.half import Half
from facekeep.split.log_tree import LogTree, commitment_of
from tests.unit.split.cluster import Cluster, units

D = 64


def written_down(entries: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if not entries:
        return EMPTY
    if len(entries) == 1:
        return leaf_hash(entries[0])
    half = 1 << (len(entries) - 1).bit_length() - 1
    return node_hash(written_down(entries[:half]), written_down(entries[half:]))


@given(st.lists(st.integers(0, 20), max_size=8))
def test_it_is_the_tree_of_the_rfc_however_it_grew(batches: list[int]) -> None:
    entries = [bytes([number % 256]) * 32 for number in range(sum(batches))]
    tree, done = LogTree(), 0
    for batch in batches:
        tree = LogTree(tree.size, tree.kept)  # as it was put away
        tree.grow(entries[done : done + batch])
        done += batch
        assert (tree.size, tree.root) == (done, written_down(entries[:done]))
        assert len(tree.kept) == done.bit_count()


@given(st.integers(0, 300))
def test_the_peaks_are_what_a_tree_is_made_of(size: int) -> None:
    nodes = [node for _, node in grown(0, (bytes([n % 256]) * 32 for n in range(size)), [].__getitem__)]
    asked: list[int] = []

    def node(place: int) -> bytes:
        asked.append(place)
        return nodes[place]

    root(size, node)
    assert peaks(size) == asked
    assert all(place < places_in(size) for place in asked)


@pytest.mark.parametrize(("size", "kept"), [(-1, []), (1, []), (3, [bytes(32)]), (0, [bytes(32)]), (1, [bytes(31)])])
def test_what_is_no_tree(size: int, kept: list[bytes]) -> None:
    with pytest.raises(FormatError):
        LogTree(size, kept)


def head_of(half: Half, cluster: Cluster) -> tuple[int, bytes]:
    """Number of records and head of the log, from its records alone."""
    records = list(cluster.logs[half.side.decode()].replay())
    store_id = half.status().store_id
    written = [hashlib.sha256(b"facekeep-half-log-1\n" + store_id + record).digest() for record in records]
    assert written == [commitment_of(store_id, record) for record in records]
    assert half.log_commitments(0, 8192) == written
    assert half.log_commitments(3, 2) == written[3:5]
    assert half.log_commitments(len(written), 1) == []
    return len(records), written_down(written)


@pytest.mark.parametrize("every", [1, 5, 4096])
def test_a_half_tells_the_head_of_its_log_before_and_after_a_crash(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    monkeypatch.setattr(half_module, "_SNAPSHOT_EVERY", every)
    cluster = Cluster(dimension=D)
    people = units(3, D)
    names = cluster.enrol(people)
    heads = []
    for turn in range(4):
        for half in (cluster.left, cluster.right):
            head = half.log_head()
            assert (head.size, head.root) == head_of(half, cluster)
        heads.append(cluster.left.log_head().size)
        cluster.verify(names[turn % 3], people[turn % 3])
        if turn % 2:  # as after kill -9
            cluster.gate.close()
            cluster.open()
    assert heads == sorted(set(heads))
    assert cluster.left.log_head() != cluster.right.log_head()


def test_a_half_of_a_version_without_trees_begins_one() -> None:
    cluster = Cluster(dimension=D)
    people = units(2, D)
    names = cluster.enrol(people)
    cluster.verify(names[0], people[0])
    before = cluster.left.log_head()
    cluster.left._save_counts()
    counts = json.loads(cluster.stores["left"].state("budgets") or b"")
    assert counts.pop("tree")[0] == before.size
    cluster.stores["left"].save_state("budgets", json.dumps(counts).encode())
    cluster.gate.close()
    cluster.open()
    assert cluster.left.log_head() == before


def test_a_tree_is_of_its_store() -> None:
    record = os.urandom(40)
    assert commitment_of(bytes(16), record) != commitment_of(bytes(15) + b"1", record)

"""The ledger in the registry: with what it tells of or not at all, opened by whom it is about, erased with them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening, SignedHead
from facekeep.domain.merkle import inclusion_proof, leaf_hash, place_of, places_in, root
from facekeep.domain.subject import SubjectId
from facekeep.errors import DamagedStoreError, NotFoundError
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from facekeep.store.view import View
from tests.unit.store.registry_scenes import KEEP, MODEL, NOBODY, NOW, enrol


def entry(number: int, kind: EntryKind = EntryKind.SWITCHED) -> LedgerEntry:
    return LedgerEntry(kind, NOW, {"number": str(number)})


def openings(view: View, subject: SubjectId | None = None) -> dict[int, Opening]:
    return {leaf: opening for _, leaf, opening in view.ledger_openings(subject)}


def head(view: View, size: int | None = None) -> bytes:
    return root(view.ledger_size() if size is None else size, lambda place: view.ledger_nodes(place, 1)[0])


def test_entries_are_leaves_in_their_order(registry: Registry) -> None:
    with registry.transaction() as tx:
        ann = enrol(tx, "ann")
        assert [leaf for leaf, _ in tx.record([entry(0), entry(1)])] == [0, 1]
        assert [leaf for leaf, _ in tx.record([entry(2)], ann)] == [2]
        assert [leaf for leaf, _ in tx.record([entry(3)])] == [3]
    with registry.read() as view:
        assert view.ledger_size() == 4
        assert {leaf: one.entry for leaf, one in openings(view).items()} == {0: entry(0), 1: entry(1), 3: entry(3)}
        assert {leaf: one.entry for leaf, one in openings(view, ann).items()} == {2: entry(2)}
        leaves = [leaf_hash(one.commitment) for _, one in sorted((openings(view) | openings(view, ann)).items())]
        assert [view.ledger_nodes(place_of(0, leaf), 1)[0] for leaf in range(4)] == leaves
        assert view.ledger_nodes(0, 100) == view.ledger_nodes(0, places_in(4))
        assert inclusion_proof(2, 4, lambda place: view.ledger_nodes(place, 1)[0])[0] == leaves[3]


def test_equal_entries_have_leaves_that_tell_nothing_of_it(registry: Registry) -> None:
    with registry.transaction() as tx:
        tx.record([entry(0)] * 3)
    with registry.read() as view:
        assert len({view.ledger_nodes(place_of(0, leaf), 1) for leaf in range(3)}) == 3


@settings(deadline=None, max_examples=20)  # each writes files
@given(batches=st.lists(st.integers(1, 5), max_size=8))
def test_the_tree_is_the_same_however_it_grew(tmp_path_factory: pytest.TempPathFactory, batches: list[int]) -> None:
    path = tmp_path_factory.mktemp("ledger") / "registry"
    with Registry.create(path, MemoryKeyProvider(), keep_id=KEEP, model=MODEL) as registry:
        heads: dict[int, bytes] = {}
        for count in batches:
            with registry.transaction() as tx:
                tx.record([entry(number) for number in range(count)])
                heads[tx.ledger_size()] = head(tx)
        with registry.read() as view:
            assert view.ledger_size() == sum(batches)
            # Heads of before are heads of what is there now: it only grew.
            assert {size: head(view, size) for size in heads} == heads


def test_what_is_not_done_is_not_told(registry: Registry) -> None:
    def recorded() -> None:
        with registry.transaction() as tx:
            tx.record([entry(0)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        recorded()
    with registry.read() as view:
        assert (view.ledger_size(), openings(view), view.ledger_nodes(0, 10)) == (0, {}, ())


def test_of_somebody_who_is_erased_only_leaves_stay(registry: Registry) -> None:
    with registry.transaction() as tx:
        ann = enrol(tx, "ann")
        tx.record([entry(0), entry(1)], ann)
        before = head(tx)
    with registry.transaction() as tx:
        tx.erase_subject(ann, NOW)
        tx.record([LedgerEntry(EntryKind.ERASED, NOW)])
    with registry.read() as view:
        assert (view.ledger_size(), head(view, 2)) == (3, before)
        assert list(openings(view)) == [2]
        with pytest.raises(NotFoundError):
            view.ledger_openings(ann)


def test_openings_come_in_pages(registry: Registry) -> None:
    with registry.transaction() as tx:
        tx.record([entry(number) for number in range(7)])
        found, last = [], None
        while page := tx.ledger_openings(after=last, limit=3):
            found += [leaf for _, leaf, _ in page]
            last = page[-1][0]
    assert sorted(found) == list(range(7))


def test_nothing_is_told_of_nobody_and_a_transaction_can_go_on(registry: Registry) -> None:
    with registry.transaction() as tx:
        with pytest.raises(NotFoundError):
            tx.record([entry(0)], NOBODY)
        assert [leaf for leaf, _ in tx.record([entry(1)])] == [0]


def test_a_head_is_kept_once(registry: Registry) -> None:
    with registry.transaction() as tx:
        tx.keep_ledger_head(SignedHead(300, "b"))
        tx.keep_ledger_head(SignedHead(2, "a"))
        tx.keep_ledger_head(SignedHead(2, "another"))
    with registry.read() as view:
        assert view.ledger_heads() == (SignedHead(2, "a"), SignedHead(300, "b"))


def test_it_outlives_a_change_of_keys(registry: Registry) -> None:
    with registry.transaction() as tx:
        ann = enrol(tx, "ann")
        tx.record([entry(0)])
        tx.record([entry(1)], ann)
        tx.keep_ledger_head(SignedHead(2, "a"))
        before = openings(tx), openings(tx, ann), head(tx), tx.ledger_heads()
    registry.rotate()
    with registry.read() as view:
        assert (openings(view), openings(view, ann), head(view), view.ledger_heads()) == before


DAMAGE = {
    "a leaf is altered": "UPDATE ledger_nodes SET hash = zeroblob(32) WHERE place = 1",
    "a node is gone": "DELETE FROM ledger_nodes WHERE place = 0",
    "the end is cut off": "DELETE FROM ledger_nodes WHERE place > 3",
    "an opening is another's": "UPDATE ledger_entries SET sealed = (SELECT max(sealed) FROM ledger_entries)",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_was_altered_is_refused(registry: Registry, path: Path, damage: str) -> None:
    with registry.transaction() as tx:
        tx.record([entry(number) for number in range(5)])
    connection = sqlite3.connect(path)
    connection.execute(DAMAGE[damage])
    connection.commit()
    connection.close()
    with registry.read() as view, pytest.raises(DamagedStoreError):
        _read_all(view)


def _read_all(view: View) -> None:
    view.ledger_nodes(0, 100)
    view.ledger_openings()

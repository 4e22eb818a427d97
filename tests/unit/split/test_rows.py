import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym, RowFlag, RowHead
from facekeep.errors import UsageError
from facekeep.split import rows
from facekeep.split.rows import EVERY_ROW, NEVER_RETURN_BIT, RowTable

# Few distinct first halves, so that the second half of a pseudonym has to decide.
pseudonyms = st.builds(
    lambda a, b: Pseudonym(bytes([a] * 8 + [b] * 8)), st.sampled_from([0, 1, 127, 128, 255]), st.integers(0, 255)
)
heads = st.builds(
    RowHead,
    pseudonyms,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["a", "b", "ä\x00", "c" * 64]),
    st.integers(0, 255),
    st.sampled_from(RowFlag),
)
many = st.lists(heads, max_size=20, unique_by=lambda head: head.pseudonym)


def _table(held: list[RowHead], slots: list[int]) -> RowTable:
    table = RowTable()
    for slot, head in zip(slots, held, strict=True):
        table.put(slot, head)
    return table


@given(many, st.data())
def test_order_and_roots_do_not_depend_on_slots_or_on_the_order_of_writing(
    held: list[RowHead], data: st.DataObject
) -> None:
    one = _table(held, list(range(len(held))))
    mixed = data.draw(st.permutations(held))
    two = _table(mixed, data.draw(st.lists(st.integers(0, 900), min_size=len(held), max_size=len(held), unique=True)))
    assert one.root() == two.root()
    for gallery in ("", "a", "ä\x00", "nowhere"):
        for bits in (1, 2, 63, NEVER_RETURN_BIT):
            first, second = one.row_set(gallery, bits), two.row_set(gallery, bits)
            names = [one.pseudonym(slot) for slot in first.slots.tolist()]
            assert names == [two.pseudonym(slot) for slot in second.slots.tolist()]
            assert first.root == second.root
            assert names == sorted(
                head.pseudonym
                for head in held
                if head.purposes & bits and not head.flags and gallery in ("", head.gallery)
            )
            assert len(first) == len(names)


@given(many)
def test_heads_come_back_as_they_were_put(held: list[RowHead]) -> None:
    table = _table(held, list(range(0, 7 * len(held), 7)))
    assert len(table) == len(held)
    assert [table.head(slot) for slot in table.slots().tolist()] == held


@given(many.filter(bool), st.data())
def test_every_difference_shows_in_the_root_of_the_table(held: list[RowHead], data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(held) - 1))
    table = _table(held, list(range(len(held))))
    before, empty = table.root(), RowTable().root()
    head = held[which]
    for other in (
        replace(head, epoch=head.epoch ^ 1),
        replace(head, version=head.version ^ 1),
        replace(head, purposes=head.purposes ^ 1),
        replace(head, gallery=head.gallery[:-1] + "d"),
        replace(head, flags=RowFlag(head.flags ^ RowFlag.SUPPRESSED)),
    ):
        table.put(which, other)
        assert table.root() != before
        table.put(which, head)
        assert table.root() == before
    table.remove(which)
    assert table.root() != before
    assert (table.root() == empty) == (len(held) == 1)
    table.remove(which)
    assert len(table) == len(held) - 1


def test_galleries_whose_names_run_together_differ() -> None:
    one = [RowHead(Pseudonym(bytes(16)), 0, 0, "a\x00b", 1), RowHead(Pseudonym(b"\x01" * 16), 0, 0, "c", 1)]
    two = [replace(one[0], gallery="a"), replace(one[1], gallery="b\x00c")]
    assert _table(one, [0, 1]).root() != _table(two, [0, 1]).root()


@pytest.mark.parametrize("change", ["epoch", "version"])
def test_a_row_set_has_another_root_when_a_row_was_written_anew(change: str) -> None:
    table = RowTable()
    head = RowHead(Pseudonym(os.urandom(16)), 0, 0, "a", 1)
    table.put(0, head)
    before = table.row_set("", 1).root, table.single(0).root
    table.put(0, replace(head, **{change: 1}))
    assert table.row_set("", 1).root != before[0]
    assert table.single(0).root != before[1]
    assert table.row_set("", 1).root == table.single(0).root
    assert len(table.single(None)) == 0


def test_row_sets_are_kept_until_a_row_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    table = RowTable()
    head = RowHead(Pseudonym(os.urandom(16)), 0, 0, "a", 63)
    table.put(0, head)
    first = table.row_set("", 1)
    for bits in (2, 4, 8):
        table.row_set("", bits)
    assert table.row_set("", 1) is first
    for bits in (2, 4, 8, 16):
        table.row_set("", bits)
    assert table.row_set("", 1) is not first
    table.put(1, replace(head, pseudonym=Pseudonym(os.urandom(16))))
    assert len(table.row_set("", 1)) == 2
    table.remove(0)
    assert len(table.row_set("", 1)) == 1


def test_refuses_more_galleries_than_a_mark_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "_GALLERIES_MAX", 2)
    table = RowTable()
    for name in "aab":
        table.put(0, RowHead(Pseudonym(bytes(16)), 0, 0, name, 1))
    with pytest.raises(UsageError):
        table.put(0, RowHead(Pseudonym(bytes(16)), 0, 0, "c", 1))


def test_a_large_table_grows_and_keeps_what_it_holds() -> None:
    table = RowTable(10)
    held = {slot: RowHead(Pseudonym(os.urandom(16)), 1, 2, "a", 3) for slot in (0, 63, 64, 5000, 70)}
    for slot, head in held.items():
        table.put(slot, head)
    assert all(table.head(slot) == head for slot, head in held.items())
    assert np.array_equal(table.slots(), sorted(held))


def test_every_row_is_every_one_but_the_list_and_the_suppressed() -> None:
    table = RowTable()
    marks = [(63, RowFlag.NONE), (0, RowFlag.NONE), (0, RowFlag.SUPPRESSED), (NEVER_RETURN_BIT, RowFlag.NONE)]
    for slot, (purposes, flags) in enumerate(marks):
        table.put(slot, RowHead(Pseudonym(bytes([slot]) * 16), 0, 0, "main", purposes, flags))
    assert table.row_set("", EVERY_ROW).slots.tolist() == [0, 1]

"""Gate, halves and selector over mutual TLS on loopback do what they do in process."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable

import numpy as np
import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowFlag, TransactionId
from facekeep.errors import BudgetError, PurposeOffError, RefusedError, TicketError, TokenError, UsageError
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question
from facekeep.split.messages import Claim
from tests.unit.interfaces.vault.conftest import Apart
from tests.unit.split.cluster import FMRS, THRESHOLDS, near, units

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

D = 64


def _both(apart: Apart, change: Callable[[object, TransactionId], None]) -> None:
    transaction = TransactionId(os.urandom(16))
    for half in (apart.left, apart.right):
        change(half, transaction)
    assert apart.left.staged() == apart.right.staged() == [transaction]
    for half in (apart.left, apart.right):
        half.commit(transaction)


def test_enrol_verify_identify_refresh_erase(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(40, D, seed=1)
    names = keep.enrol(people)
    assert (len(keep.left), len(keep.right)) == (40, 40)
    assert keep.verify(names[3], near(people[3], 0.9))[0].pseudonym == names[3]
    assert keep.verify(names[3], people[4]) == ()
    assert keep.identify(people[7])[0].pseudonym == names[7]
    assert keep.identify(units(1, D, seed=77)[0], level=4) == ()

    keep.refresh()
    assert (keep.left.epoch, keep.right.epoch) == (1, 1)
    assert keep.left.status().root == keep.right.status().root
    assert keep.identify(people[7])[0].pseudonym == names[7]

    _both(keep, lambda half, tx: half.stage_erase(tx, [names[7]]))  # type: ignore[attr-defined]
    assert keep.identify(people[7]) == ()
    assert keep.left.head_of(names[7]) is None
    assert len(keep.right) == 39


def test_a_large_gallery_goes_over_the_selector(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(1100, D, seed=2)
    names = keep.enrol(people)
    hits = keep.identify(near(people[500], 0.95), k=3)
    assert hits[0].pseudonym == names[500]
    answers = keep.gate.search_many(
        [(Question("identify", 2, "op", "c", candidates=10), fine_code(people[i])) for i in range(6)]
    )
    for i, answer in enumerate(answers):
        assert not isinstance(answer, RefusedError)
        assert answer[0].pseudonym == names[i]


def test_deltas_of_many_chunks(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(700, D, seed=3)
    names = keep.enrol(people)
    keep.refresh()
    keep.refresh()
    assert keep.verify(names[-1], people[-1])


def test_what_the_halves_tell_is_what_they_tell_in_process(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    names = keep.enrol(units(3, D))
    for remote, half in ((keep.left, keep.left_half), (keep.right, keep.right_half)):
        assert remote.status() == half.status()
        assert remote.levels() == half.levels() == (THRESHOLDS, FMRS)
        assert remote.head_of(names[0]) == half.head_of(names[0])
        assert remote.alarms() == half.alarms() == ()
        assert remote.staged() == half.staged() == []
        assert remote.log_head() == half.log_head()
        found = remote.log_commitments(0, 100_000)
        assert found == half.log_commitments(0, 8192)
        assert len(found) == half.log_head().size > 0
        assert remote.log_commitments(len(found), 1) == []
        assert remote


def test_marks_switches_and_aborts(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(3, D)
    names = keep.enrol(people)
    bits = Purpose.IDENTIFY.bit
    _both(keep, lambda half, tx: half.stage_marks(tx, [(names[0], bits, RowFlag.SUPPRESSED)]))  # type: ignore[attr-defined]
    head = keep.right.head_of(names[0])
    assert head is not None
    assert (head.purposes, head.flags) == (bits, RowFlag.SUPPRESSED)
    assert keep.identify(people[0]) == ()
    _both(keep, lambda half, tx: half.stage_switch(tx, Purpose.IDENTIFY, False))  # type: ignore[attr-defined]
    with pytest.raises(PurposeOffError) as refused:
        keep.identify(people[1])
    assert refused.value.message == "the purpose is switched off"
    assert refused.value.hint == PurposeOffError.default_hint
    transaction = TransactionId(os.urandom(16))
    keep.left.stage_erase(transaction, names)
    keep.left.abort(transaction)
    assert keep.left.staged() == []
    assert len(keep.left) == 3


def test_budgets_alarms_and_forgiving(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(2, D)
    names = keep.enrol(people)
    for _ in range(10):
        keep.verify(names[0], people[1])
    with pytest.raises(BudgetError):
        keep.verify(names[0], people[0])
    word = keep.forgiveness(names[0])
    for half in (keep.left, keep.right):
        with pytest.raises(RefusedError, match="not signed by the registrar") as refused:
            half.forgive(keep.forgiveness(names[0], signer="gate"))
        assert type(refused.value) is RefusedError
        half.forgive(word)
        with pytest.raises(RefusedError, match="used before"):
            half.forgive(word)
    for side in ("left", "right"):
        kinds = [json.loads(record)["kind"] for record in keep.logs[side].replay()]
        assert kinds[-3:] == ["refuse", "forgive", "refuse"]
    assert keep.verify(names[0], people[0])


def test_errors_arrive_as_they_were_raised(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(2, D)
    keep.enrol(people)
    with pytest.raises(TicketError, match="there is no such search") as refused:
        keep.left.fine(bytes(16))
    assert type(refused.value) is TicketError
    assert refused.value.hint == TicketError.default_hint

    request = keep.gate.request(Question("identify", 2, "op", "c"), fine_code(people[0]))
    assert keep.left.begin([request]) == keep.right.begin([request]) == [None]
    again = keep.left.begin([request])
    assert [type(each) for each in again] == [TicketError]
    assert keep.left.fine(request.nonce).tag == keep.right.fine(request.nonce).tag
    keep.left.tokens(request.nonce, np.asarray([0], np.int32))
    with pytest.raises(TokenError, match="not valid"):
        keep.left.release(request.nonce, [Claim(0, bytes(16))])
    with pytest.raises(RefusedError) as denied:
        keep.right.stage_refresh(TransactionId(bytes(16)))  # the left half has not prepared it
    assert type(denied.value) is RefusedError
    assert denied.value.message == "the left half has not prepared this transaction"
    with pytest.raises(UsageError, match="too many searches"):
        keep.left.begin([request] * 65)


def test_a_search_is_answered_as_in_process(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(30, D)
    keep.enrol(people)
    request = keep.gate.request(Question("identify", 2, "op", "c", candidates=2), fine_code(people[0]))
    keep.left.begin([request])
    keep.right.begin([request])
    left, right = keep.left.fine(request.nonce), keep.right.fine(request.nonce)
    assert (left.tables.shape, left.tables.dtype) == ((100, 65_536), np.uint8)
    assert (right.indices.dtype, right.pads.dtype, right.pads.shape) == (np.uint16, np.uint8, (100,))
    chosen = np.asarray([5, 0], np.int32)
    tables, picks = keep.left.tokens(request.nonce, chosen), keep.right.tokens(request.nonce, chosen)
    assert (tables.tables.shape, tables.tables.dtype) == ((2, 65_536, 2), np.uint64)
    assert (picks.indices.dtype, picks.pads.shape) == (np.uint16, (2, 16))


def test_threads_share_a_remote(apart: Callable[..., Apart]) -> None:
    keep = apart(dimension=D)
    people = units(12, D)
    names = keep.enrol(people)
    found: dict[int, Pseudonym] = {}

    def search(who: int) -> None:
        found[who] = keep.verify(names[who], people[who])[0].pseudonym

    threads = [threading.Thread(target=search, args=(who,)) for who in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict(enumerate(names))

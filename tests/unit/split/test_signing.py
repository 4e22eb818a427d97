"""Each half refuses by itself what no operator signed, and logs it by itself. Nothing of it is computed."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import BudgetError, RefusedError, TicketError
from facekeep.split import half as half_module
from facekeep.split.approval import ClientKey
from facekeep.split.asking import Question
from facekeep.split.budget import Limits
from facekeep.split.messages import SearchRequest
from facekeep.split.operators import KeyChange, client_key, sign_change
from facekeep.split.refusals import REFUSALS_PER_HOUR
from facekeep.split.statement import Statement, commit
from tests.unit.split.cluster import KEEP, Cluster, units
from tests.unit.split.forgeries import FORGERIES, approved, ask, own_key, passkey, probe, signed_again

D = 64
LIMITS = Limits(rejects_per_day=2, searches_per_case=3, searches_per_operator_day=3)
SIDES = ("left", "right")


def _cluster() -> Cluster:
    made = Cluster(dimension=D, limits=LIMITS)
    made.people = units(5, D)
    made.names = made.enrol(made.people)
    return made


@pytest.fixture
def cluster() -> Cluster:
    return _cluster()


def _records(cluster: Cluster, side: str) -> list[dict[str, object]]:
    return [json.loads(record) for record in cluster.logs[side].replay()]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", FORGERIES)
def test_each_half_refuses_by_itself_and_logs_it_by_itself(cluster: Cluster, side: str, name: str) -> None:
    forge, why = FORGERIES[name]
    request = forge(cluster)
    half, (other,) = getattr(cluster, side), [each for each in SIDES if each != side]
    before, others = _records(cluster, side), _records(cluster, other)
    counts, opened = half._budgets.snapshot(), dict(half._open)
    (refusal,) = half.begin([request])
    assert type(refusal) is (BudgetError if "budget" in name else TicketError)
    assert refusal.message == why
    (record,) = _records(cluster, side)[len(before) :]
    assert record == {
        "kind": "refuse",
        "time": cluster.now,
        "why": type(refusal).__name__,
        "what": why,
        "count": 1,
    }
    assert half._budgets.snapshot() == counts
    assert half._open == opened
    assert request.nonce not in half._open or name == "a replayed nonce"
    assert _records(cluster, other) == others


@pytest.mark.parametrize("one_to_one", [False, True])
def test_an_operators_own_key_and_passkey_search(cluster: Cluster, one_to_one: bool) -> None:
    for signer in (own_key(cluster), passkey(cluster), passkey(cluster, key=Ed25519PrivateKey.generate())):
        row = cluster.names[0] if one_to_one else None
        question = Question("verify" if row else "identify", 2, "op", "" if row else "c", row=row)
        one = approved(cluster.gate, question, signer)
        assert cluster.gate.search(one, probe(cluster))[0].pseudonym == cluster.names[0]
        for side in SIDES:
            searched = [record for record in _records(cluster, side) if record["kind"] == "search"][-1]
            assert searched["key"] == signer.id


def test_one_statement_serves_each_claimed_row_once(cluster: Cluster) -> None:
    key = own_key(cluster)
    questions = [Question("verify", level, "op", row=row) for level, row in zip((3, 2, 4), cluster.names, strict=False)]
    _, commitment = commit(bytes(32))
    prepared = cluster.gate.prepare(questions, key=key.id, commitment=commitment)
    searches = prepared.approved(key.approve(prepared.statement))
    answers = cluster.gate.search_many([(one, probe(cluster)) for one in searches])
    assert [len(answer) for answer in answers if not isinstance(answer, RefusedError)] == [1, 0, 0]
    for answer in cluster.gate.search_many([(one, probe(cluster)) for one in searches]):
        assert isinstance(answer, TicketError)
        assert answer.message == "a ticket was used before, or its nonce is another's"


# What is signed cannot be changed


ANOTHER: dict[str, st.SearchStrategy[Any]] = {
    "keep": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "purpose": st.sampled_from(["attendance", "own-photos", "missing-person", "never-return", "verify", ""]),
    "gallery": st.text(max_size=16),
    "claim": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "case": st.text(max_size=16),
    "operator": st.text(max_size=16),
    "key": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "model": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "level": st.integers(0, 4),
    "candidates": st.integers(1, 10),
    "commitment": st.binary(min_size=32, max_size=32).map(bytes.hex),
    "nonce": st.binary(min_size=16, max_size=16).map(bytes.hex),
    "issued": st.integers(-60, 60),
    "expires": st.integers(1, 300),
}


def test_every_field_is_tried() -> None:
    assert list(ANOTHER) == [field.name for field in fields(Statement)]


SHARED = _cluster()
SIGNERS = (SHARED.desk, passkey(SHARED))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(ANOTHER)), st.sampled_from(SIGNERS), st.booleans(), st.data())
def test_no_field_can_be_changed_behind_the_operators_back(
    name: str, signer: Any, one_to_one: bool, data: st.DataObject
) -> None:
    request = ask(SHARED, signer, one_to_one=one_to_one)
    statement = Statement.from_bytes(request.ticket.statement)
    value = data.draw(ANOTHER[name])
    if name in ("issued", "expires"):
        value += statement.issued
    try:
        changed = replace(statement, **{name: value})
    except TicketError:
        return
    if changed == statement:
        return
    for level in {request.ticket.level, changed.level}:
        ticket = signed_again(SHARED, request.ticket, statement=changed.to_bytes(), level=level)
        for half in (SHARED.left, SHARED.right):
            (refusal,) = half.begin([replace(request, ticket=ticket)])
            assert isinstance(refusal, RefusedError)
            assert half._open == {}


# Keys


def test_a_gate_cannot_give_itself_an_operator(cluster: Cluster) -> None:
    key = ClientKey.of(Ed25519PrivateKey.generate())
    grant = client_key(key.public, "op", 2)
    for signer in ("gate", "desk", "left", "right"):
        change = sign_change(KeyChange(KEEP.hex(), 9, grant), cluster.identities[signer])
        for half in (cluster.left, cluster.right):
            with pytest.raises(RefusedError, match="not signed by the registrar"):
                half.stage_operators(bytes(16), change)  # type: ignore[arg-type]
            assert half.staged() == []
    for side in ("left", "right"):
        logged = [json.loads(record) for record in cluster.logs[side].replay()][-4:]
        assert [(one["kind"], one["count"]) for one in logged] == [("refuse", number) for number in range(1, 5)]
        assert {one["what"] for one in logged} == {"a change of the operators' keys is not signed by the registrar"}
    foreign = sign_change(KeyChange("f" * 32, 9, grant), cluster.identities["registrar"])
    for half in (cluster.left, cluster.right):
        with pytest.raises(RefusedError, match="another keep"):
            half.stage_operators(bytes(16), foreign)  # type: ignore[arg-type]


def test_a_key_signs_from_its_commit_to_that_of_its_revocation_over_a_crash(cluster: Cluster) -> None:
    key = own_key(cluster)
    assert cluster.left.begin([ask(cluster, key)]) == [None]
    cluster.gate.close()
    cluster.open()
    assert [k.id for k in cluster.right.operators()] == [cluster.desk.id, key.id]
    assert cluster.left.begin([ask(cluster, key)]) == [None]
    request = ask(cluster, key)
    cluster.change_keys(revoke=key.id)
    cluster.gate.close()
    cluster.open()
    for half in (cluster.left, cluster.right):
        (refusal,) = half.begin([replace(request, turn=0)])
        assert isinstance(refusal, TicketError)
        assert [k.id for k in half.operators()] == [cluster.desk.id]


# A flood of refusals


def _forged(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk)
    return replace(request, ticket=replace(request.ticket, signature=bytes(64)))


def test_a_flood_of_refusals_does_not_fill_the_log(cluster: Cluster) -> None:
    forged = [_forged(cluster)] * 50
    before = len(cluster.logs["left"])
    for _ in range(100):
        cluster.left.begin(forged)
    counts = [record["count"] for record in _records(cluster, "left")[before:]]
    assert counts == [*range(1, REFUSALS_PER_HOUR + 1), 1024, 2048, 4096]
    cluster.now += 3600
    cluster.left.begin(forged[:2])
    assert [record["count"] for record in _records(cluster, "left")[-2:]] == [1, 2]


@pytest.mark.parametrize("every", [1, 4096])
def test_a_restart_or_a_clock_that_is_set_back_begins_no_new_hour(
    cluster: Cluster, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_module, "_SNAPSHOT_EVERY", every)
    forged = [_forged(cluster)] * 64
    for _ in range(32):
        cluster.left.begin(forged)
    before = len(cluster.logs["left"])
    cluster.gate.close()
    cluster.open()
    cluster.now -= 7200
    for _ in range(10):
        cluster.left.begin(forged)
    assert len(cluster.logs["left"]) == before

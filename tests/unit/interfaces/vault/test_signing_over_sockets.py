"""Over mutual TLS too, each half refuses by itself what no operator signed, and logs it by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from facekeep.errors import BudgetError, RefusedError, TicketError
from facekeep.split.asking import Question
from facekeep.split.budget import Limits
from facekeep.split.operators import KeyChange, client_key, sign_change
from tests.unit.interfaces.vault.conftest import Apart
from tests.unit.split.cluster import KEEP, units
from tests.unit.split.forgeries import FORGERIES, approved, own_key, passkey, probe

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

LIMITS = Limits(rejects_per_day=2, searches_per_case=3, searches_per_operator_day=3)


@pytest.fixture
def keep(apart: Callable[..., Apart]) -> Apart:
    made = apart(dimension=64, limits=LIMITS)
    made.people = units(3, 64)
    made.names = made.enrol(made.people)
    return made


def _last(keep: Apart, side: str) -> dict[str, object]:
    last: dict[str, object] = json.loads(list(keep.logs[side].replay())[-1])
    return last


@pytest.mark.parametrize("name", FORGERIES)
def test_each_half_refuses_by_itself_and_logs_it_by_itself(keep: Apart, name: str) -> None:
    forge, why = FORGERIES[name]
    request = forge(keep)
    halves = {"left": keep.left, "right": keep.right}
    for side, half in halves.items():
        searches = half.status().searches
        (refusal,) = half.begin([request])
        assert type(refusal) is (BudgetError if "budget" in name else TicketError)
        assert refusal.message == why
        assert half.status().searches == searches + 1
        assert (_last(keep, side)["kind"], _last(keep, side)["what"]) == ("refuse", why)
    with pytest.raises(TicketError):
        keep.right.fine(request.nonce if name != "a replayed nonce" else bytes(16))


@pytest.mark.parametrize("make", [own_key, passkey])
def test_keys_are_given_and_taken(keep: Apart, make: Callable[[Apart], Any]) -> None:
    signer = make(keep)
    assert keep.left.operators() == keep.right.operators() == keep.left_half.operators()
    one = approved(keep.gate, Question("identify", 2, "op", "c"), signer)
    assert keep.gate.search(one, probe(keep))[0].pseudonym == keep.names[0]
    keep.change_keys(revoke=signer.id)
    one = approved(keep.gate, Question("identify", 2, "op", "c"), signer)
    with pytest.raises(TicketError, match="or was revoked"):
        keep.gate.search(one, probe(keep))


def test_a_gate_cannot_give_itself_an_operator(keep: Apart) -> None:
    grant = client_key(keep.desk.public, "op", 2)
    change = sign_change(KeyChange(KEEP.hex(), 9, grant), keep.identities["gate"])
    for half in (keep.left, keep.right):
        with pytest.raises(RefusedError, match="not signed by the registrar"):
            half.stage_operators(bytes(16), change)  # type: ignore[arg-type]

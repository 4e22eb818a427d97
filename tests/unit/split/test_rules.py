import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import ALL_PURPOSE_BITS, Purpose
from facekeep.domain.row import Pseudonym
from facekeep.errors import FormatError, PurposeOffError, RefusedError, TicketError
from facekeep.split.budget import Limits
from facekeep.split.operators import EVERY_PURPOSE, KeyChange, client_key, sign_change
from facekeep.split.rows import EVERY_ROW, NEVER_RETURN_BIT
from facekeep.split.rules import Rules
from facekeep.split.statement import NEVER_RETURN, Statement
from facekeep.split.ticket import Ticket

RULES = Rules("0" * 32, "1" * 64, 512, (6400, 8448, 10496), (1e-2, 1e-3, 1e-4), "2" * 64, "3" * 64, "6" * 64)
KEY = client_key(Ed25519PrivateKey.generate().public_key(), "op", EVERY_PURPOSE)
STATEMENT = Statement(
    "0" * 32, "identify", "", "", "case", "op", "2" * 32, "1" * 64, 0, 1, "3" * 64, "4" * 32, 100, 200
)


def _ticket(level: int = 0, row: str = "", **fields: str) -> Ticket:
    claim = "7" * 64 if row else ""
    statement = replace(STATEMENT, claim=claim, **fields)  # type: ignore[arg-type]
    return Ticket(statement, "8" * 64, level, Pseudonym(bytes.fromhex(row)) if row else None, bytes(16))


def _verify(level: int = 2, row: str = "5" * 32, purpose: str = "verify") -> Ticket:
    return _ticket(level, row, purpose=purpose, case="")


@given(st.integers(0, ALL_PURPOSE_BITS), st.integers(1, 10**9))
def test_rules_come_back_as_they_were_stored(purposes: int, limit: int) -> None:
    rules = replace(RULES, purposes=purposes, limits=Limits(rejects_per_day=limit), operators=(KEY,), serial=limit)
    assert Rules.from_bytes(rules.to_bytes()) == rules


@given(st.sampled_from(Purpose), st.booleans(), st.integers(0, ALL_PURPOSE_BITS))
def test_a_switch_turns_one_purpose(purpose: Purpose, on: bool, before: int) -> None:
    after = replace(RULES, purposes=before).with_switch(purpose, on)
    assert bool(after.purposes & purpose.bit) == on
    assert (after.purposes ^ before) & ~purpose.bit == 0


@pytest.mark.parametrize(
    "change",
    [
        {"keep": "0" * 31},
        {"keep": "G" * 32},
        {"model": "1" * 63},
        {"gate": "2" * 65},
        {"peer": "X" * 64},
        {"registrar": "X" * 64},
        {"serial": -1},
        {"serial": True},
        {"operators": (KEY, KEY)},
        {"dimension": 15},
        {"thresholds": ()},
        {"thresholds": (1, 2)},
        {"thresholds": (1, 1, 2)},
        {"thresholds": (2, 1, 3)},
        {"thresholds": (0, 1, 2)},
        {"thresholds": (1, 2, 29349)},
        {"thresholds": tuple(range(1, 17)), "fmrs": tuple(0.5**n for n in range(1, 17))},
        {"fmrs": (1e-2, 1e-3, float("nan"))},
        {"fmrs": (1e-4, 1e-3, 1e-2)},
        {"fmrs": (2.0, 1e-3, 1e-4)},
        {"fmrs": (1e-2, 1e-3, 0.0)},
        {"purposes": ALL_PURPOSE_BITS + 1},
        {"purposes": -1},
    ],
)
def test_refuses_rules_that_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        replace(RULES, **change)  # type: ignore[arg-type]


def _stored(**change: object) -> bytes:
    return json.dumps({**json.loads(RULES.to_bytes()), **change}).encode()


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        _stored(more=1),
        json.dumps({k: v for k, v in json.loads(RULES.to_bytes()).items() if k != "peer"}).encode(),
        _stored(limits={"more": 1}),
        _stored(limits=None),
        _stored(thresholds=["x"]),
        _stored(thresholds=None),
        _stored(dimension="512"),
        _stored(operators=[{}]),
        _stored(operators=None),
    ],
)
def test_refuses_what_does_not_parse(stored: bytes) -> None:
    with pytest.raises(FormatError):
        Rules.from_bytes(stored)


def test_a_ticket_of_this_keep_and_model_names_the_bit_of_its_purpose() -> None:
    assert RULES.purpose_bits(_ticket()) == Purpose.IDENTIFY.bit
    assert RULES.purpose_bits(_verify()) == Purpose.VERIFY.bit
    assert RULES.purpose_bits(_verify(purpose="payment")) == Purpose.PAYMENT.bit
    for purpose in ("attendance", "own-photos"):
        assert RULES.purpose_bits(_ticket(purpose=purpose, case="")) == Purpose(purpose).bit


@pytest.mark.parametrize(
    "ticket",
    [
        _ticket(keep="a" * 32),
        _ticket(model="a" * 64),
        _ticket(level=3),
        _ticket(purpose="emotion"),
        _ticket(purpose=""),
        _ticket(case=""),
        _ticket(purpose="missing-person", case=""),
        _ticket(operator=""),
        _ticket(purpose=NEVER_RETURN, operator=""),
        _ticket(purpose=NEVER_RETURN, row="5" * 32),
        _ticket(row="5" * 32),
        _verify(row=""),
        _verify(level=1),
        _verify(purpose="payment", level=0),
    ],
)
def test_refuses_a_ticket_that_does_not_fit(ticket: Ticket) -> None:
    with pytest.raises(TicketError):
        RULES.purpose_bits(ticket)


@pytest.mark.parametrize("purpose", Purpose)
def test_off_is_off(purpose: Purpose) -> None:
    ticket = (_verify if purpose.is_one_to_one else _ticket)(purpose=purpose.value)
    assert RULES.purpose_bits(ticket) == purpose.bit
    with pytest.raises(PurposeOffError):
        RULES.with_switch(purpose, False).purpose_bits(ticket)


def test_the_list_of_those_never_returned_reaches_only_its_rows_and_finds_all_others() -> None:
    assert RULES.purpose_bits(_ticket(purpose=NEVER_RETURN, gallery=NEVER_RETURN)) == NEVER_RETURN_BIT
    assert RULES.purpose_bits(_ticket(purpose=NEVER_RETURN)) == EVERY_ROW
    assert not ALL_PURPOSE_BITS & NEVER_RETURN_BIT


def test_a_change_of_keys_is_taken_once_and_in_order() -> None:
    registrar = Ed25519PrivateKey.generate()
    rules = replace(RULES, registrar=registrar.public_key().public_bytes_raw().hex())
    grant = sign_change(KeyChange("0" * 32, 5, KEY), registrar)
    given = rules.with_change(grant)
    statement = replace(STATEMENT, key=KEY.id)
    assert given.key_for(statement, 150) == KEY
    with pytest.raises(RefusedError, match="given before"):
        given.with_change(grant)
    revoked = given.with_change(sign_change(KeyChange("0" * 32, 6, None, KEY.id), registrar))
    for stale in (grant, sign_change(KeyChange("0" * 32, 6, KEY), registrar)):
        with pytest.raises(RefusedError, match="given before"):
            revoked.with_change(stale)
    for without in (rules, revoked):
        with pytest.raises(TicketError, match="not an operator's"):
            without.key_for(statement, 150)

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import ALL_PURPOSE_BITS, Purpose
from facekeep.errors import FormatError, PurposeOffError, TicketError
from facekeep.split.budget import Limits
from facekeep.split.rows import EVERY_ROW, NEVER_RETURN_BIT
from facekeep.split.rules import Rules
from facekeep.split.ticket import NEVER_RETURN, Ticket

RULES = Rules("0" * 32, "1" * 64, 512, (6400, 8448, 10496), (1e-2, 1e-3, 1e-4), "2" * 64, "3" * 64)
TICKET = Ticket("0" * 32, "identify", "", "", "case", "op", "1" * 64, 0, 1, "4" * 32, 100, 200)
VERIFY = replace(TICKET, purpose="verify", row="5" * 32, case="", level=2)


@given(st.integers(0, ALL_PURPOSE_BITS), st.integers(1, 10**9))
def test_rules_come_back_as_they_were_stored(purposes: int, limit: int) -> None:
    rules = replace(RULES, purposes=purposes, limits=Limits(rejects_per_day=limit))
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
    ],
)
def test_refuses_what_does_not_parse(stored: bytes) -> None:
    with pytest.raises(FormatError):
        Rules.from_bytes(stored)


def test_a_ticket_of_this_keep_and_model_names_the_bit_of_its_purpose() -> None:
    assert RULES.purpose_bits(TICKET) == Purpose.IDENTIFY.bit
    assert RULES.purpose_bits(VERIFY) == Purpose.VERIFY.bit
    assert RULES.purpose_bits(replace(VERIFY, purpose="payment")) == Purpose.PAYMENT.bit
    for purpose in ("attendance", "own-photos"):
        assert RULES.purpose_bits(replace(TICKET, purpose=purpose, case="")) == Purpose(purpose).bit


@pytest.mark.parametrize(
    "ticket",
    [
        replace(TICKET, keep="a" * 32),
        replace(TICKET, model="a" * 64),
        replace(TICKET, level=3),
        replace(TICKET, purpose="emotion"),
        replace(TICKET, purpose=""),
        replace(TICKET, case=""),
        replace(TICKET, purpose="missing-person", case=""),
        replace(TICKET, operator=""),
        replace(TICKET, purpose=NEVER_RETURN, operator=""),
        replace(TICKET, purpose=NEVER_RETURN, row="5" * 32),
        replace(TICKET, row="5" * 32),
        replace(VERIFY, row=""),
        replace(VERIFY, level=1),
        replace(VERIFY, purpose="payment", level=0),
    ],
)
def test_refuses_a_ticket_that_does_not_fit(ticket: Ticket) -> None:
    with pytest.raises(TicketError):
        RULES.purpose_bits(ticket)


@pytest.mark.parametrize("purpose", Purpose)
def test_off_is_off(purpose: Purpose) -> None:
    ticket = replace(VERIFY if purpose.is_one_to_one else TICKET, purpose=purpose.value)
    assert RULES.purpose_bits(ticket) == purpose.bit
    with pytest.raises(PurposeOffError):
        RULES.with_switch(purpose, False).purpose_bits(ticket)


def test_the_list_of_those_never_returned_reaches_only_its_rows_and_finds_all_others() -> None:
    assert RULES.purpose_bits(replace(TICKET, purpose=NEVER_RETURN, gallery=NEVER_RETURN)) == NEVER_RETURN_BIT
    assert RULES.purpose_bits(replace(TICKET, purpose=NEVER_RETURN)) == EVERY_ROW
    assert not ALL_PURPOSE_BITS & NEVER_RETURN_BIT

import json
from dataclasses import asdict, replace

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import TicketError
from facekeep.split.ticket import SignedTicket, Ticket, open_ticket, sign

KEY = Ed25519PrivateKey.generate()
GATE = KEY.public_key().public_bytes_raw()
TICKET = Ticket("0" * 32, "identify", "", "", "case", "op", "1" * 64, 0, 1, "4" * 32, 1000, 1300)

names = st.text(max_size=32).filter(lambda text: len(text.encode()) <= 128)
tickets = st.builds(
    lambda purpose, gallery, case, operator, row, level, candidates, issued, life: Ticket(
        "0" * 32, purpose, gallery, row, case, operator, "1" * 64, level, candidates, "4" * 32, issued, issued + life
    ),
    names,
    names,
    names,
    names,
    st.sampled_from(["", "a" * 32]),
    st.integers(0, 14),
    st.integers(1, 10),
    st.integers(0, 2**40),
    st.integers(1, 300),
)


@given(tickets)
def test_a_ticket_comes_back_as_it_was_signed(ticket: Ticket) -> None:
    assert open_ticket(sign(ticket, KEY), GATE, now=ticket.issued) == ticket
    assert ticket.is_one_to_one == bool(ticket.row)


@pytest.mark.parametrize(
    "change",
    [
        {"keep": "0" * 31},
        {"keep": "A" * 32},
        {"nonce": "4" * 33},
        {"nonce": ""},
        {"model": "1" * 32},
        {"row": "a" * 31},
        {"row": "g" * 32},
        {"purpose": "p" * 129},
        {"gallery": "ä" * 65},
        {"case": "c" * 129},
        {"operator": "o" * 129},
        {"level": -1},
        {"level": 15},
        {"candidates": 0},
        {"candidates": 11},
        {"expires": 1000},
        {"expires": 999},
        {"expires": 1301},
    ],
)
def test_refuses_a_ticket_that_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(TicketError):
        replace(TICKET, **change)  # type: ignore[arg-type]


def test_refuses_a_forged_ticket() -> None:
    signed = sign(TICKET, KEY)
    stranger = sign(TICKET, Ed25519PrivateKey.generate())
    unlabelled = SignedTicket(signed.payload, KEY.sign(signed.payload))
    for forged in (
        stranger,
        unlabelled,
        replace(signed, signature=b""),
        replace(signed, signature=bytes(64)),
        replace(signed, payload=signed.payload.replace(b'"level":0', b'"level":1')),
    ):
        with pytest.raises(TicketError, match="not signed"):
            open_ticket(forged, GATE, now=1000)


@pytest.mark.parametrize(("now", "good"), [(939, False), (940, True), (1299, True), (1300, False)])
def test_a_ticket_lives_from_a_minute_before_its_issue_to_its_end(now: int, good: bool) -> None:
    if good:
        assert open_ticket(sign(TICKET, KEY), GATE, now=now) == TICKET
    else:
        with pytest.raises(TicketError, match=r"future|expired"):
            open_ticket(sign(TICKET, KEY), GATE, now=now)


def _open(payload: bytes) -> Ticket:
    return open_ticket(SignedTicket(payload, KEY.sign(b"facekeep/1/ticket\x00" + payload)), GATE, now=1000)


def _with(**change: object) -> bytes:
    return json.dumps({**asdict(TICKET), **change}, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        b"[" * 4000,
        _with(more=1),
        _with(level=True),
        _with(level=0.0),
        _with(level="0"),
        _with(issued=2**60, expires=2**60 + 1),
        _with(operator=None),
        _with(operator="\ud800"),
        json.dumps({k: v for k, v in asdict(TICKET).items() if k != "case"}).encode(),
        rfc8785.dumps(asdict(TICKET)) + b" ",
        rfc8785.dumps(asdict(TICKET)).replace(b":0", b": 0"),
        rfc8785.dumps(asdict(TICKET)).replace(b"op", b"\\u006fp"),
        rfc8785.dumps(asdict(TICKET)).replace(b'{"cand', b'{"level":0,"cand'),
        json.dumps(asdict(TICKET), separators=(",", ":")).encode(),
        b"\xef\xbb\xbf" + rfc8785.dumps(asdict(TICKET)),
        rfc8785.dumps(asdict(TICKET)).decode().encode("utf-16"),
    ],
)
def test_refuses_what_is_signed_but_not_canonical(payload: bytes) -> None:
    with pytest.raises(TicketError):
        _open(payload)


def test_refuses_a_long_ticket_before_it_is_parsed() -> None:
    with pytest.raises(TicketError, match="too long"):
        _open(b"[" * 1_000_000)


@given(st.binary(max_size=200))
def test_refuses_anything_else(payload: bytes) -> None:
    with pytest.raises(TicketError):
        _open(payload)


@given(tickets)
def test_no_valid_ticket_is_too_long(ticket: Ticket) -> None:
    worst = replace(ticket, **dict.fromkeys(("purpose", "gallery", "case", "operator"), "\x01" * 128))
    assert len(sign(worst, KEY).payload) <= 4096

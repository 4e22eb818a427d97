import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.row import Pseudonym
from facekeep.errors import TicketError
from facekeep.split.statement import Claim, search_nonce, statement_digest
from facekeep.split.ticket import SignedTicket, Ticket, open_ticket, sign
from tests.unit.split.test_statement import STATEMENT

KEY = Ed25519PrivateKey.generate()
GATE = KEY.public_key().public_bytes_raw()
APPROVAL = b"\0" + bytes(64)
ROWS = [Pseudonym(os.urandom(16)) for _ in range(3)]
CLAIM = Claim.of(ROWS)
VERIFY = replace(STATEMENT, purpose="verify", claim=CLAIM.digest, case="", level=2)


def _signed() -> SignedTicket:
    return sign(STATEMENT.to_bytes(), APPROVAL, KEY, level=STATEMENT.level)


def _one_to_one(level: int = 2, place: int = 1) -> SignedTicket:
    return sign(VERIFY.to_bytes(), APPROVAL, KEY, level=level, opening=CLAIM.opening(place))


def test_a_ticket_says_what_its_statement_says() -> None:
    ticket = open_ticket(_signed(), GATE, now=1000)
    digest = statement_digest(STATEMENT.to_bytes()).hex()
    assert ticket == Ticket(STATEMENT, digest, 0, None, search_nonce(bytes.fromhex("44" * 16), 0))
    assert not ticket.is_one_to_one


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("level", [2, 3, 14])
def test_a_ticket_of_a_claim_names_one_row_at_a_threshold_as_strict(place: int, level: int) -> None:
    ticket = open_ticket(_one_to_one(level, place), GATE, now=1000)
    assert (ticket.row, ticket.level, ticket.statement) == (ROWS[place], level, VERIFY)
    assert ticket.nonce == search_nonce(bytes.fromhex("44" * 16), place)
    assert ticket.is_one_to_one


def test_refuses_a_forged_ticket() -> None:
    signed = _one_to_one()
    stranger = sign(VERIFY.to_bytes(), APPROVAL, Ed25519PrivateKey.generate(), level=2, opening=signed.opening)
    for forged in (
        stranger,
        replace(signed, signature=KEY.sign(signed.body)),
        replace(signed, signature=b""),
        replace(signed, signature=bytes(64)),
        replace(signed, statement=signed.statement.replace(b'"level":2', b'"level":1')),
        replace(signed, approval=b"\0" + b"\x01" * 64),
        replace(signed, level=3),
        replace(signed, opening=CLAIM.opening(0)),
        replace(signed, opening=b""),
    ):
        with pytest.raises(TicketError, match="not signed"):
            open_ticket(forged, GATE, now=1000)


@pytest.mark.parametrize(("now", "good"), [(939, False), (940, True), (1299, True), (1300, False)])
def test_a_ticket_lives_from_a_minute_before_its_issue_to_its_end(now: int, good: bool) -> None:
    if good:
        assert open_ticket(_signed(), GATE, now=now).statement == STATEMENT
    else:
        with pytest.raises(TicketError, match=r"future|expired"):
            open_ticket(_signed(), GATE, now=now)


@pytest.mark.parametrize(
    ("signed", "why"),
    [
        (_one_to_one(level=1), "laxer"),
        (sign(VERIFY.to_bytes(), APPROVAL, KEY, level=2), "another form"),
        (sign(VERIFY.to_bytes(), APPROVAL, KEY, level=2, opening=Claim.of(ROWS).opening(0)), "does not claim"),
        (sign(STATEMENT.to_bytes(), APPROVAL, KEY, level=0, opening=CLAIM.opening(0)), "opens a claim"),
        (sign(STATEMENT.to_bytes(), APPROVAL, KEY, level=1), "another threshold"),
        (sign(STATEMENT.to_bytes() + b" ", APPROVAL, KEY, level=0), "canonical"),
        (sign(b"", APPROVAL, KEY, level=0), "parse"),
    ],
)
def test_refuses_what_the_gate_signed_outside_of_the_statement(signed: SignedTicket, why: str) -> None:
    with pytest.raises(TicketError, match=why):
        open_ticket(signed, GATE, now=1000)

import json
import os
from dataclasses import asdict, replace
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym
from facekeep.errors import TicketError, UsageError
from facekeep.split.statement import (
    CLAIM_ROWS,
    OPENING_BYTES,
    Claim,
    Statement,
    commit,
    commitment_of,
    opened,
    search_nonce,
    statement_digest,
)

STATEMENT = Statement(
    "0" * 32, "identify", "", "", "case", "op", "2" * 32, "1" * 64, 0, 1, "3" * 64, "4" * 32, 1000, 1300
)

names = st.text(max_size=32).filter(lambda text: len(text.encode()) <= 128)
statements = st.builds(
    lambda purpose, gallery, case, operator, claim, level, candidates, issued, life: replace(
        STATEMENT,
        purpose=purpose,
        gallery=gallery,
        claim=claim,
        case=case,
        operator=operator,
        level=level,
        candidates=candidates,
        issued=issued,
        expires=issued + life,
    ),
    names,
    names,
    names,
    names,
    st.sampled_from(["", "a" * 64]),
    st.integers(0, 14),
    st.integers(1, 10),
    st.integers(0, 2**40),
    st.integers(1, 300),
)


@given(statements)
def test_a_statement_comes_back_as_it_was_written(statement: Statement) -> None:
    assert Statement.from_bytes(statement.to_bytes()) == statement
    assert statement.is_one_to_one == bool(statement.claim)


@pytest.mark.parametrize(
    "change",
    [
        {"keep": "0" * 31},
        {"keep": "A" * 32},
        {"nonce": "4" * 33},
        {"nonce": ""},
        {"model": "1" * 32},
        {"key": "2" * 31},
        {"key": ""},
        {"commitment": ""},
        {"commitment": "3" * 63},
        {"claim": "a" * 32},
        {"claim": "g" * 64},
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
def test_refuses_a_statement_that_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(TicketError):
        replace(STATEMENT, **change)  # type: ignore[arg-type]


def _with(**change: object) -> bytes:
    return json.dumps({**asdict(STATEMENT), **change}, sort_keys=True, separators=(",", ":")).encode()


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
        json.dumps({k: v for k, v in asdict(STATEMENT).items() if k != "case"}).encode(),
        STATEMENT.to_bytes() + b" ",
        STATEMENT.to_bytes().replace(b":0", b": 0"),
        STATEMENT.to_bytes().replace(b"op", b"\\u006fp"),
        STATEMENT.to_bytes().replace(b'{"cand', b'{"level":0,"cand'),
        json.dumps(asdict(STATEMENT), separators=(",", ":")).encode(),
        b"\xef\xbb\xbf" + STATEMENT.to_bytes(),
        STATEMENT.to_bytes().decode().encode("utf-16"),
    ],
)
def test_refuses_what_is_not_canonical(payload: bytes) -> None:
    with pytest.raises(TicketError):
        Statement.from_bytes(payload)


def test_refuses_a_long_statement_before_it_is_parsed() -> None:
    with pytest.raises(TicketError, match="too long"):
        Statement.from_bytes(b"[" * 1_000_000)


@given(st.binary(max_size=200))
def test_refuses_anything_else(payload: bytes) -> None:
    with pytest.raises(TicketError):
        Statement.from_bytes(payload)


@given(statements)
def test_no_valid_statement_is_too_long(statement: Statement) -> None:
    worst = replace(
        statement, claim="a" * 64, **dict.fromkeys(("purpose", "gallery", "case", "operator"), "\x01" * 128)
    )
    assert len(worst.to_bytes()) <= 4096


def test_digest_commitment_and_nonces_are_what_the_specification_says() -> None:
    payload, crop = STATEMENT.to_bytes(), bytes(range(32))
    assert statement_digest(payload) == sha256(b"facekeep/1/statement\0" + payload).digest()
    assert payload == rfc8785.dumps(asdict(STATEMENT))
    salt, commitment = commit(crop)
    assert commitment == commitment_of(salt, crop) == sha256(b"facekeep/1/commitment\0" + salt + crop).digest()
    assert commit(crop)[1] != commitment
    nonces = {search_nonce(bytes(16), place) for place in range(CLAIM_ROWS)}
    assert len(nonces) == CLAIM_ROWS
    assert search_nonce(bytes(16), 3) == sha256(b"facekeep/1/nonce\0" + bytes(16) + b"\x03").digest()[:16]


# Claims


@given(st.integers(1, CLAIM_ROWS))
def test_a_claim_opens_to_its_rows_and_to_no_others(count: int) -> None:
    rows = [Pseudonym(os.urandom(16)) for _ in range(count)]
    claim = Claim.of(rows)
    for place, row in enumerate(rows):
        opening = claim.opening(place)
        assert len(opening) == OPENING_BYTES
        assert opened(claim.digest, opening) == (place, row)
        for at in (0, 1, 17, 49 + 32 * place, OPENING_BYTES - 1):
            changed = bytearray(opening)
            changed[at] ^= 1
            with pytest.raises(TicketError):
                opened(claim.digest, bytes(changed))
        for cut in (opening[:-1], opening + b"\0", b"", b"\x10" + opening[1:]):
            with pytest.raises(TicketError):
                opened(claim.digest, cut)
        with pytest.raises(TicketError):
            opened(Claim.of(rows).digest, opening)


def test_a_claim_tells_neither_its_rows_nor_how_many() -> None:
    row = Pseudonym(bytes(16))
    claims = [Claim.of([row]), Claim.of([row]), Claim.of([row] * CLAIM_ROWS)]
    assert len({claim.digest for claim in claims}) == 3
    assert {len(claim.leaves) for claim in claims} == {32 * CLAIM_ROWS}
    leaves = [claim.leaves[i : i + 32] for claim in claims for i in range(0, 32 * CLAIM_ROWS, 32)]
    assert len(set(leaves)) == len(leaves)
    for rows in ([], [row] * (CLAIM_ROWS + 1)):
        with pytest.raises(UsageError):
            Claim.of(rows)

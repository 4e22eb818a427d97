"""What is asked of the registrar, and its word, as the files that are carried between hosts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import BadInputError, RefusedError
from facekeep.service.word_requests import (
    AskedForgiveness,
    AskedKey,
    Signed,
    WordAsked,
    read_request,
    serial_of,
)
from facekeep.split.forgiveness import FORGIVENESS_SECONDS, open_forgiveness
from facekeep.split.operators import client_key, open_change
from facekeep.split.word import SignedWord

REGISTRAR = Ed25519PrivateKey.generate()
PINNED = REGISTRAR.public_key().public_bytes_raw()
KEEP = "0" * 32
NOW = datetime(2026, 11, 26, tzinfo=UTC)
KEY = client_key(Ed25519PrivateKey.generate().public_key(), "op", 1, 2_000_000_000)
REVIEW = AskedForgiveness(KEEP, ("1" * 32, "2" * 32), ("a" * 32, "b" * 32), {"a" * 32: "anna", "b" * 32: "bjørn"})


@pytest.mark.parametrize("asked", [AskedKey(KEEP, KEY, "", {"op": "anna"}), AskedKey(KEEP, None, "a"), REVIEW])
def test_a_request_comes_back(asked: WordAsked) -> None:
    assert read_request(asked.to_bytes()) == asked
    signed = asked.signed(REGISTRAR, now=NOW, serial=7)
    assert Signed.from_bytes(signed.to_bytes()) == signed
    assert b"anna" not in signed.word.payload
    assert "anna" not in repr(asked)


def test_the_registrar_chooses_number_nonce_and_times() -> None:
    change = open_change(AskedKey(KEEP, KEY, "").signed(REGISTRAR, now=NOW, serial=7).word, PINNED, KEEP)
    assert (change.serial, change.grant) == (7, KEY)
    now = int(NOW.timestamp())
    one, two = (open_forgiveness(REVIEW.signed(REGISTRAR, now=NOW, serial=7).word, PINNED, KEEP, now) for _ in range(2))
    assert one.nonce != two.nonce
    assert (one.issued, one.expires) == (now, now + FORGIVENESS_SECONDS)
    assert serial_of(NOW) < serial_of(NOW + timedelta(microseconds=1)) < 2**53


@pytest.mark.parametrize(
    "change",
    [
        {"about": "ticket"},
        {"about": "key"},
        {"keep": None},
        {"names": None},
        {"names": {"a": 1}},
        {"rows": []},
        {"rows": None},
        {"rows": [["1" * 32]]},
        {"rows": "1" * 32},
        {"reviewers": [1, 2]},
        {"reviewers": ["anna", "berta"]},
        {"nonce": "0" * 32},
        {"serial": 2**53 - 1},
        {"expires": 2**40},
    ],
)
def test_refuses_a_request_that_does_not_parse(change: dict[str, object]) -> None:
    with pytest.raises(BadInputError, match="asks for no word"):
        read_request(json.dumps(json.loads(REVIEW.to_bytes()) | change).encode())


def test_a_request_by_one_reviewer_alone_is_refused() -> None:
    for reviewers in (["a" * 32], ["a" * 32] * 2, []):
        with pytest.raises(RefusedError, match="two different"):
            read_request(json.dumps(json.loads(REVIEW.to_bytes()) | {"reviewers": reviewers}).encode())


@given(st.binary(max_size=100) | st.sampled_from([b"[" * 5000, b"null", b"{}", b" " * (65 << 10)]))
def test_bytes_that_are_no_file_are_refused(data: bytes) -> None:
    with pytest.raises(BadInputError):
        read_request(data)
    with pytest.raises(BadInputError):
        Signed.from_bytes(data)


@given(st.binary(max_size=500), st.binary(max_size=80), st.sampled_from(["key", "forgive"]))
def test_a_word_comes_back(payload: bytes, signature: bytes, about: str) -> None:
    signed = Signed(about, SignedWord(payload, signature))
    assert Signed.from_bytes(signed.to_bytes()) == signed

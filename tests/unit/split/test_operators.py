from dataclasses import replace

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.consent import Purpose
from facekeep.errors import FormatError, RefusedError, TicketError
from facekeep.split.operators import (
    ANYBODY,
    EVERY_PURPOSE,
    KeyChange,
    KeyKind,
    OperatorKey,
    changed,
    client_key,
    open_change,
    sign_change,
)
from facekeep.split.statement import NEVER_RETURN
from facekeep.split.word import SignedWord
from tests.authenticator import Authenticator
from tests.unit.split.test_statement import STATEMENT

REGISTRAR = Ed25519PrivateKey.generate()
PINNED = REGISTRAR.public_key().public_bytes_raw()
KEEP = "0" * 32
KEY = client_key(Ed25519PrivateKey.generate().public_key(), "op", EVERY_PURPOSE, 2000)
PASSKEY = Authenticator().entry
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
P384 = generate_private_key(SECP384R1()).public_key().public_bytes(*_SPKI).hex()
COMPRESSED = Authenticator().key.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()


@given(st.sampled_from([KEY, PASSKEY]), st.integers(0, EVERY_PURPOSE & 63), st.integers(0, 2**53 - 1))
def test_a_key_comes_back_as_it_was_stored(key: OperatorKey, purposes: int, ends: int) -> None:
    other = replace(key, purposes=purposes, not_after=ends)
    assert OperatorKey.from_plain(other.to_plain()) == other
    assert other.id == key.id


@pytest.mark.parametrize(
    "change",
    [
        {"public": ""},
        {"public": "zz"},
        {"public": "00" * 44},
        {"public": "00" * 10_000},
        {"public": P384},
        {"public": COMPRESSED},
        {"public": PASSKEY.public},
        {"public": KEY.public.upper()},
        {"public": KEY.public + "00"},
        {"kind": KeyKind.PASSKEY},
        {"kind": "client"},
        {"rp": "faces.example"},
        {"origin": "https://faces.example"},
        {"purposes": 64},
        {"purposes": 256},
        {"purposes": True},
        {"not_after": -1},
        {"not_after": 1.0},
        {"operator": "o" * 129},
        {"operator": None},
    ],
)
def test_refuses_a_key_that_cannot_be(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        replace(KEY, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"more": 1}, {"kind": "password"}, {"kind": None}])
def test_refuses_what_does_not_parse(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        OperatorKey.from_plain({**KEY.to_plain(), **change})
    for plain in (None, [], {}, "text"):
        with pytest.raises(FormatError):
            OperatorKey.from_plain(plain)


def test_a_key_signs_for_its_operator_its_purposes_and_its_time() -> None:
    KEY.check(STATEMENT, 1999)
    replace(KEY, not_after=0).check(STATEMENT, 10**12)
    replace(KEY, operator=ANYBODY).check(STATEMENT, 1999)
    with pytest.raises(TicketError, match="expired"):
        KEY.check(STATEMENT, 2000)
    with pytest.raises(TicketError, match="another operator"):
        KEY.check(replace(STATEMENT, operator="other"), 1999)
    for purpose, bit in [*((p.value, p.bit) for p in Purpose), (NEVER_RETURN, 128)]:
        statement = replace(STATEMENT, purpose=purpose)
        replace(KEY, purposes=bit).check(statement, 1999)
        with pytest.raises(TicketError, match="this purpose"):
            replace(KEY, purposes=EVERY_PURPOSE & ~bit).check(statement, 1999)


@pytest.mark.parametrize(
    "change", [KeyChange(KEEP, 7, KEY), KeyChange(KEEP, 7, PASSKEY), KeyChange(KEEP, 7, None, "a")]
)
def test_a_change_comes_back_as_the_registrar_signed_it(change: KeyChange) -> None:
    signed = sign_change(change, REGISTRAR)
    assert open_change(signed, PINNED, KEEP) == change
    for forged in (
        sign_change(change, Ed25519PrivateKey.generate()),
        replace(signed, payload=signed.payload.replace(b'"serial":7', b'"serial":8')),
        replace(signed, signature=REGISTRAR.sign(signed.payload)),
    ):
        with pytest.raises(RefusedError, match="not signed by the registrar"):
            open_change(forged, PINNED, KEEP)
    with pytest.raises(RefusedError, match="another keep"):
        open_change(signed, PINNED, "1" * 32)


PLAIN = {"keep": KEEP, "serial": 7, "grant": None, "revoke": "a"}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 3000,
        b" " * 5000,
        rfc8785.dumps({**PLAIN, "more": 1}),
        rfc8785.dumps({**PLAIN, "serial": True}),
        rfc8785.dumps({**PLAIN, "revoke": ""}),
        rfc8785.dumps({**PLAIN, "revoke": None}),
        rfc8785.dumps({**PLAIN, "grant": {}}),
        rfc8785.dumps({**PLAIN, "grant": KEY.to_plain()}),  # type: ignore[dict-item]
        rfc8785.dumps(PLAIN) + b" ",  # type: ignore[arg-type]
    ],
)
def test_refuses_a_change_that_does_not_parse(payload: bytes) -> None:
    signed = SignedWord(payload, REGISTRAR.sign(b"facekeep/1/operators\0" + payload))
    with pytest.raises(RefusedError, match="does not parse"):
        open_change(signed, PINNED, KEEP)


def test_keys_are_given_replaced_and_taken() -> None:
    keys = changed({}, KeyChange(KEEP, 1, KEY))
    keys = changed(keys, KeyChange(KEEP, 2, PASSKEY))
    assert set(keys) == {KEY.id, PASSKEY.id}
    keys = changed(keys, KeyChange(KEEP, 3, replace(KEY, purposes=1)))
    assert keys[KEY.id].purposes == 1
    assert changed(keys, KeyChange(KEEP, 4, None, KEY.id)) == {PASSKEY.id: PASSKEY}
    assert changed(keys, KeyChange(KEEP, 4, None, "unknown")) == keys
    with pytest.raises(RefusedError, match="at most"):
        changed({str(n): KEY for n in range(1000)}, KeyChange(KEEP, 4, PASSKEY))

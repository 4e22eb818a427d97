import contextlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import TicketError
from facekeep.split.approval import (
    APPROVAL_BYTES_MAX,
    Approval,
    ClientKey,
    KeyApproval,
    PasskeyApproval,
    approval_from_bytes,
    check_approval,
)
from facekeep.split.operators import EVERY_PURPOSE, client_key
from tests.authenticator import EXTENDED, PRESENT, VERIFIED, Authenticator

STATEMENT = b'{"a":"statement"}'
CLIENT = ClientKey.of(Ed25519PrivateKey.generate())
ENTRY = client_key(CLIENT.public, "op", EVERY_PURPOSE)
KEYS = [Authenticator(), Authenticator(Ed25519PrivateKey.generate())]
IDS = ["ES256", "EdDSA"]

approvals = st.one_of(
    st.builds(KeyApproval, st.binary(min_size=64, max_size=64)),
    st.builds(
        PasskeyApproval,
        st.binary(min_size=37, max_size=512),
        st.binary(min_size=1, max_size=2048),
        st.binary(min_size=1, max_size=80),
    ),
)


@given(approvals)
def test_an_approval_comes_back_as_it_was_sent(approval: Approval) -> None:
    raw = approval.to_bytes()
    assert approval_from_bytes(raw) == approval
    assert len(raw) <= APPROVAL_BYTES_MAX
    for changed in (raw[:-1], raw + b"\0", b"\x02" + raw[1:]):
        with pytest.raises(TicketError):
            approval_from_bytes(changed)


@given(st.binary(max_size=200))
def test_what_is_no_approval_is_refused(raw: bytes) -> None:
    with contextlib.suppress(TicketError):
        assert approval_from_bytes(raw).to_bytes() == raw


def test_a_clients_key_signs_its_statement_and_no_other() -> None:
    approval = CLIENT.approve(STATEMENT)
    check_approval(ENTRY, STATEMENT, approval)
    assert ENTRY.id == CLIENT.id
    unlabelled = KeyApproval(CLIENT.private.sign(STATEMENT))
    stranger = ClientKey.of(Ed25519PrivateKey.generate()).approve(STATEMENT)
    for forged, statement in ((approval, STATEMENT + b" "), (unlabelled, STATEMENT), (stranger, STATEMENT)):
        with pytest.raises(TicketError, match="not signed by the operator"):
            check_approval(ENTRY, statement, forged)


@pytest.mark.parametrize("passkey", KEYS, ids=IDS)
def test_a_passkey_signs_its_statement_and_no_other(passkey: Authenticator) -> None:
    approval = passkey.approve(STATEMENT)
    check_approval(passkey.entry, STATEMENT, approval)
    with pytest.raises(TicketError, match="another statement"):
        check_approval(passkey.entry, STATEMENT + b" ", approval)
    for stranger in (Authenticator(), Authenticator(Ed25519PrivateKey.generate())):
        with pytest.raises(TicketError, match="not signed by the operator"):
            check_approval(passkey.entry, STATEMENT, stranger.approve(STATEMENT))


@pytest.mark.parametrize("passkey", KEYS, ids=IDS)
@pytest.mark.parametrize("part", ["authenticator_data", "client_data", "signature"])
def test_no_byte_of_an_assertion_can_be_changed(passkey: Authenticator, part: str) -> None:
    approval = passkey.approve(STATEMENT)
    raw = getattr(approval, part)
    for at in range(len(raw)):
        changed = bytes([*raw[:at], raw[at] ^ 0x01, *raw[at + 1 :]])
        with pytest.raises(TicketError):
            check_approval(passkey.entry, STATEMENT, replace(approval, **{part: changed}))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"flags": PRESENT}, "verified presence"),
        ({"flags": VERIFIED}, "verified presence"),
        ({"flags": 0}, "verified presence"),
        ({"rp": "other.example"}, "relying party"),
        ({"said": {"origin": "https://other.example"}}, "another page"),
        ({"said": {"origin": "http://faces.example"}}, "another page"),
        ({"said": {"crossOrigin": True}}, "another page"),
        ({"said": {"topOrigin": "https://faces.example"}}, "another page"),
        ({"said": {"type": "webauthn.create"}}, "another statement"),
        ({"said": {"challenge": ""}}, "another statement"),
        ({"said": {"challenge": 7}}, "another statement"),
    ],
)
def test_an_assertion_for_another_use_is_refused(change: dict[str, object], why: str) -> None:
    passkey = Authenticator(**change)  # type: ignore[arg-type]
    with pytest.raises(TicketError, match=why):
        check_approval(passkey.entry, STATEMENT, passkey.approve(STATEMENT))


def test_what_a_later_browser_says_besides_is_no_hindrance() -> None:
    passkey = Authenticator(flags=PRESENT | VERIFIED | EXTENDED, extensions=b"\xa0", said={"other_keys": "…"})
    check_approval(passkey.entry, STATEMENT, passkey.approve(STATEMENT))


@pytest.mark.parametrize("client_data", [b"[]", b"null", b"{", b"\xff", b"{}", b'{"type":"webauthn.get"}'])
def test_client_data_that_does_not_parse_is_refused(client_data: bytes) -> None:
    passkey = Authenticator()
    with pytest.raises(TicketError, match="does not parse"):
        check_approval(passkey.entry, STATEMENT, replace(passkey.approve(STATEMENT), client_data=client_data))


def test_a_member_of_client_data_comes_once() -> None:
    passkey = Authenticator()
    approval = passkey.approve(STATEMENT)
    twice = approval.client_data.replace(b'{"type"', b'{"origin":"https://other.example","type"')
    with pytest.raises(TicketError, match="does not parse"):
        check_approval(passkey.entry, STATEMENT, replace(approval, client_data=twice))


def test_one_kind_of_key_does_not_sign_as_the_other() -> None:
    private = Ed25519PrivateKey.generate()
    passkey, client = Authenticator(private), ClientKey.of(private)
    assert passkey.id != client.id
    with pytest.raises(TicketError):
        check_approval(passkey.entry, STATEMENT, client.approve(STATEMENT))
    with pytest.raises(TicketError):
        check_approval(client_key(client.public, "op", EVERY_PURPOSE), STATEMENT, passkey.approve(STATEMENT))


def test_a_private_key_is_not_shown() -> None:
    assert "private" not in repr(CLIENT)

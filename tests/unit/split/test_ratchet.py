import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import RefusedError, TicketError
from facekeep.split.ratchet import TURN_WINDOW, Handshake, Hello, Ratchet

KEEP = bytes(16)
LEFT, RIGHT, STRANGER = (Ed25519PrivateKey.generate() for _ in range(3))


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _left(keep: bytes = KEEP) -> Handshake:
    return Handshake(b"left", keep, LEFT, _public(RIGHT))


def _right(keep: bytes = KEEP, key: Ed25519PrivateKey = RIGHT) -> Handshake:
    return Handshake(b"right", keep, key, _public(LEFT))


def test_pinned_halves_agree_on_keys_that_no_other_session_has() -> None:
    left, right = _left(), _right()
    one, two = left.finish(right.hello), right.finish(left.hello)
    assert one.channel == two.channel
    keys = [one.take(turn) for turn in range(5)]
    assert keys == [two.take(turn) for turn in range(5)]
    other = _left().finish(_right().hello)
    assert len({*keys, one.channel, other.channel, other.take(0)}) == 8


def _refused(hello: Hello) -> None:
    with pytest.raises(RefusedError):
        _left().finish(hello)


def test_a_half_pairs_with_its_pinned_twin_only() -> None:
    true = _right().hello
    _refused(_right(key=STRANGER).hello)
    _refused(_right(keep=b"\x01" * 16).hello)
    _refused(_left().hello)
    _refused(replace(true, ephemeral=_right().hello.ephemeral))
    _refused(replace(true, signature=bytes(64)))
    _refused(replace(true, side=b"middle"))
    _refused(Hello(b"right", bytes(31), RIGHT.sign(b"facekeep/1/peer/" + KEEP + b"right\x00" + bytes(31))))
    # A point of small order would make the key known to everybody.
    _refused(Hello(b"right", bytes(32), RIGHT.sign(b"facekeep/1/peer/" + KEEP + b"right\x00" + bytes(32))))
    _left().finish(true)
    same = Handshake(b"left", KEEP, LEFT, _public(LEFT))
    with pytest.raises(RefusedError, match="itself"):
        same.finish(_left().hello)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 60) | st.integers(-3, 4000), max_size=60))
def test_a_turn_is_given_once_and_in_any_order_alike(turns: list[int]) -> None:
    ratchet, straight = Ratchet(bytes(32)), Ratchet(bytes(32))
    expected = [straight.take(turn) for turn in range(4100)]
    taken: set[int] = set()
    for turn in turns:
        ahead = ratchet.next_turn
        try:
            key = ratchet.take(turn)
        except TicketError:
            assert turn in taken or turn < 0 or turn >= ahead + TURN_WINDOW or turn < ahead - TURN_WINDOW
            assert ratchet.next_turn == ahead
            continue
        assert turn not in taken
        assert key == expected[turn]
        taken.add(turn)


def test_no_more_than_a_window_of_skipped_turns_is_kept() -> None:
    ratchet = Ratchet(bytes(32))
    ratchet.take(TURN_WINDOW - 1)
    ratchet.take(2 * TURN_WINDOW - 1)
    assert len(ratchet._skipped) == TURN_WINDOW
    with pytest.raises(TicketError):
        ratchet.take(0)
    ratchet.take(TURN_WINDOW)
    with pytest.raises(TicketError):
        ratchet.take(ratchet.next_turn + TURN_WINDOW)


def test_the_past_cannot_be_drawn_from_the_present() -> None:
    ratchet = Ratchet(bytes(32))
    first = ratchet._chain
    assert ratchet.take(0) == hmac.digest(first, b"\x01", "sha256")
    assert ratchet._chain == hmac.digest(first, b"\x02", "sha256")
    assert first not in (ratchet._chain, ratchet.channel)
    assert bytes(32).hex() not in repr(ratchet)

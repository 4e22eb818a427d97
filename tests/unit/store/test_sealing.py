"""Sealed records open only in their own place, whole, and under both of their keys."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import DamagedStoreError
from facekeep.store.sealing import (
    BLIND_INDEX_BYTES,
    OVERHEAD_BYTES,
    Sealer,
    blind_index,
    cell_aad,
    derive_key,
)

ROLE = bytes(range(32))
EPOCH = bytes(range(100, 132))
ZERO = bytes(32)


def sealer(role: bytes = ROLE, epoch: bytes = EPOCH, store: bytes = b"keep", use: str = "left.rows") -> Sealer:
    return Sealer.derive(role, epoch, store=store, use=use)


@given(st.binary(min_size=1, max_size=3000), st.binary(max_size=100))
def test_what_was_sealed_opens_and_is_longer_by_the_overhead(plaintext: bytes, aad: bytes) -> None:
    sealed = sealer().seal(plaintext, aad)
    assert len(sealed) == len(plaintext) + OVERHEAD_BYTES
    assert sealer().open(sealed, aad) == plaintext


def test_sealing_twice_gives_different_bytes() -> None:
    assert sealer().seal(b"same", b"") != sealer().seal(b"same", b"")


@given(st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    sealed = bytearray(sealer().seal(b"a record", b"place"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DamagedStoreError):
        sealer().open(bytes(sealed), b"place")


@pytest.mark.parametrize("length", range(OVERHEAD_BYTES + 8))
def test_a_cut_record_is_noticed(length: int) -> None:
    sealed = sealer().seal(b"a record", b"place")
    with pytest.raises(DamagedStoreError):
        sealer().open(sealed[:length], b"place")


@pytest.mark.parametrize("cell", [None, 7, "text", 1.5])
def test_a_cell_of_another_type_is_noticed(cell: object) -> None:
    with pytest.raises(DamagedStoreError):
        sealer().open(cell, b"")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        sealer(role=bytes(32)),
        sealer(epoch=bytes(32)),
        sealer(store=b"keeq"),
        sealer(use="left.log"),
        Sealer.of_key(ROLE, role="left"),
    ],
)
def test_another_key_store_or_use_does_not_open(other: Sealer) -> None:
    with pytest.raises(DamagedStoreError):
        other.open(sealer().seal(b"x", b"place"), b"place")


def test_a_record_in_another_place_does_not_open_and_the_error_names_the_role_only() -> None:
    sealed = sealer(use="registry.cells").seal(b"x", b"here")
    with pytest.raises(DamagedStoreError) as caught:
        sealer(use="registry.cells").open(sealed, b"there")
    assert caught.value.store == "registry"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_nothing_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match="empty"):
        sealer().seal(b"", b"place")


@pytest.mark.parametrize("use", ["", "Left", "left/rows", "left..rows", ".left", "left.", "left rows"])
def test_a_use_is_made_of_words(use: str) -> None:
    with pytest.raises(ValueError, match="words"):
        sealer(use=use)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_keys_have_32_bytes(length: int) -> None:
    short = bytes(length)
    for call in (
        lambda: sealer(role=short),
        lambda: sealer(epoch=short),
        lambda: Sealer.of_key(short, role="left"),
        lambda: blind_index(short, b"x"),
    ):
        with pytest.raises(ValueError, match="32 bytes"):
            call()


def test_a_sealer_shows_and_yields_no_key() -> None:
    assert repr(sealer()) == "Sealer(role='left')"
    with pytest.raises(TypeError):
        pickle.dumps(sealer())
    with pytest.raises(TypeError):
        copy.copy(sealer())


def test_derivations_are_the_written_ones() -> None:
    # Computed apart with hmac alone: HKDF of RFC 5869 for one block of output.
    import hmac

    info = b"facekeep/1/seal/left.rows/keep"
    expected = hmac.digest(hmac.digest(EPOCH, ROLE, "sha256"), info + b"\x01", "sha256")
    assert derive_key(ROLE, salt=EPOCH, purpose="seal", use="left.rows", store=b"keep") == expected
    assert Sealer.of_key(expected, role="left").open(sealer().seal(b"x", b"p"), b"p") == b"x"


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_blind_indexes_are_equal_exactly_for_equal_values(one: bytes, other: bytes) -> None:
    key = derive_key(ROLE, salt=ZERO, purpose="index", use="registry.label", store=b"keep")
    assert len(blind_index(key, one)) == BLIND_INDEX_BYTES
    assert (blind_index(key, one) == blind_index(key, other)) == (one == other)


def test_blind_indexes_of_two_uses_differ() -> None:
    keys = [
        derive_key(ROLE, salt=ZERO, purpose="index", use=use, store=b"keep") for use in ("registry.a", "registry.b")
    ]
    assert blind_index(keys[0], b"x") != blind_index(keys[1], b"x")


parts = st.lists(st.one_of(st.binary(max_size=6), st.text(max_size=3)), max_size=4)


@given(parts, parts)
def test_two_places_are_never_written_alike(one: list[bytes | str], other: list[bytes | str]) -> None:
    plain = [[p.encode() if isinstance(p, str) else p for p in parts_] for parts_ in (one, other)]
    assert (cell_aad(*one) == cell_aad(*other)) == (plain[0] == plain[1])

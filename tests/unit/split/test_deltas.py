import os

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym, TransactionId
from facekeep.errors import RefusedError
from facekeep.split.deltas import DeltaRow, decode_chunk, encode_chunk
from facekeep.split.masks import Delta

CHANNEL = AESGCM(bytes(range(32)))
T = TransactionId(bytes(16))
numbers = st.integers(0, 2**32 - 1)


def _row(pseudonym: bytes, epoch: int, version: int, dimension: int = 16) -> DeltaRow:
    fine, coarse = os.urandom(2 * dimension), os.urandom(dimension)
    return DeltaRow(
        Pseudonym(pseudonym), epoch, version, Delta(np.frombuffer(fine, "<u2"), np.frombuffer(coarse, "u1"))
    )


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=16), numbers, numbers), min_size=1, max_size=9), numbers)
def test_rows_come_out_as_they_went_in(rows: list[tuple[bytes, int, int]], number: int) -> None:
    sent = [_row(*row) for row in rows]
    chunk = encode_chunk(CHANNEL, T, number, sent)
    got = decode_chunk(CHANNEL, T, number, 16, chunk)
    assert [(r.pseudonym, r.epoch, r.version) for r in got] == [(r.pseudonym, r.epoch, r.version) for r in sent]
    for one, two in zip(sent, got, strict=True):
        assert np.array_equal(one.delta.fine, two.delta.fine)
        assert np.array_equal(one.delta.coarse, two.delta.coarse)


@given(st.integers(0, 4000), st.integers(1, 255))
def test_any_changed_byte_is_refused(place: int, flip: int) -> None:
    chunk = bytearray(encode_chunk(CHANNEL, T, 0, [_row(bytes(16), 0, 1)]))
    chunk[place % len(chunk)] ^= flip
    with pytest.raises(RefusedError):
        decode_chunk(CHANNEL, T, 0, 16, bytes(chunk))


def test_a_chunk_of_another_place_transaction_or_session_is_refused() -> None:
    chunk = encode_chunk(CHANNEL, T, 1, [_row(bytes(16), 0, 1)])
    assert len(decode_chunk(CHANNEL, T, 1, 16, chunk)) == 1
    for arguments in ((CHANNEL, T, 0), (CHANNEL, TransactionId(b"\x01" * 16), 1), (AESGCM(bytes(32)), T, 1)):
        with pytest.raises(RefusedError, match="twin"):
            decode_chunk(*arguments, 16, chunk)


@pytest.mark.parametrize("length", [0, 1, 7, 11, 12, 27])
def test_a_chunk_cut_short_is_refused(length: int) -> None:
    chunk = encode_chunk(CHANNEL, T, 0, [_row(bytes(16), 0, 1)])
    with pytest.raises(RefusedError):
        decode_chunk(CHANNEL, T, 0, 16, chunk[:length])


def test_rows_of_another_dimension_and_no_rows_are_refused() -> None:
    with pytest.raises(RefusedError, match="size"):
        decode_chunk(CHANNEL, T, 0, 17, encode_chunk(CHANNEL, T, 0, [_row(bytes(16), 0, 1)]))
    with pytest.raises(RefusedError, match="size"):
        decode_chunk(CHANNEL, T, 0, 16, encode_chunk(CHANNEL, T, 0, []))


def test_equal_chunks_look_different() -> None:
    row = _row(bytes(16), 0, 1)
    assert encode_chunk(CHANNEL, T, 0, [row]) != encode_chunk(CHANNEL, T, 0, [row])

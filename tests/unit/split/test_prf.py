import hmac

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from facekeep.split.prf import blocks_at, bytes_at, stage_key, stream, tag

KEY = bytes(range(32))


def _counter_mode(key: bytes, first: int, length: int) -> bytes:
    return Cipher(algorithms.AES256(key), modes.CTR(first.to_bytes(16, "big"))).encryptor().update(bytes(length))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 5000))
def test_a_stream_is_what_gcm_adds_to_a_plaintext_and_counter_mode_from_two(key: bytes, length: int) -> None:
    drawn = stream(key, length)
    assert drawn.tobytes() == AESGCM(key).encrypt(bytes(12), bytes(length), None)[:-16]
    assert drawn.tobytes() == _counter_mode(key, 2, length)
    assert drawn.flags.writeable


@pytest.mark.parametrize("length", [(1 << 20) - 1, 1 << 20, (3 << 20) + 33, 100])
def test_a_stream_may_be_longer_than_any_before_or_shorter(length: int) -> None:
    whole = stream(KEY, length)
    assert whole.shape == (length,)
    places = np.asarray([0, 15, 16, length - 1], np.int64)
    assert np.array_equal(bytes_at(KEY, places), whole[places])


@given(st.lists(st.integers(0, 4095), max_size=40))
def test_scattered_reads_equal_the_stream(offsets: list[int]) -> None:
    whole = stream(KEY, 4096)
    assert bytes_at(KEY, np.asarray(offsets, np.int64)).tolist() == [int(whole[o]) for o in offsets]
    numbers = np.asarray(offsets, np.int64) // 16
    assert np.array_equal(blocks_at(KEY, numbers), whole.reshape(-1, 16)[numbers])


def test_offsets_over_32_bits_are_not_cut() -> None:
    far = np.asarray([(1 << 32) + 5], np.int64)
    assert bytes_at(KEY, far)[0] == _counter_mode(KEY, (1 << 28) + 2, 16)[5]


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_keys_differ_by_stage_transcript_and_turn(key: bytes, transcript: bytes) -> None:
    other = bytes([transcript[0] ^ 1]) + transcript[1:]
    another = bytes([key[0] ^ 1]) + key[1:]
    drawn = [
        stage_key(key, b"zero", transcript),
        stage_key(key, b"fine/pad", transcript),
        stage_key(key, b"zero", other),
        stage_key(another, b"zero", transcript),
    ]
    assert len(set(drawn)) == 4
    assert drawn[0] == hmac.digest(key, b"facekeep/1/prf/zero\x00" + transcript, "sha256")
    assert tag(key, b"fine", transcript) == stage_key(key, b"agree/fine", transcript)[:16]

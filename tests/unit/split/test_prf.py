import hmac

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from facekeep.split.prf import blocks_at, bytes_at, stage_key, stream, tag

KEY = bytes(range(32))


@given(st.binary(min_size=32, max_size=32), st.integers(0, 5000))
def test_a_stream_is_counter_mode_from_zero(key: bytes, length: int) -> None:
    expected = Cipher(algorithms.AES256(key), modes.CTR(bytes(16))).encryptor().update(bytes(length))
    drawn = stream(key, length)
    assert drawn.tobytes() == expected
    assert drawn.flags.writeable


def test_a_long_stream_goes_on_where_its_chunks_meet() -> None:
    length = (1 << 20) + 33
    whole = stream(KEY, length)
    places = np.asarray([0, 15, 16, (1 << 20) - 1, 1 << 20, (1 << 20) + 32], np.int64)
    assert np.array_equal(bytes_at(KEY, places), whole[places])


@given(st.lists(st.integers(0, 4095), max_size=40))
def test_scattered_reads_equal_the_stream(offsets: list[int]) -> None:
    whole = stream(KEY, 4096)
    assert bytes_at(KEY, np.asarray(offsets, np.int64)).tolist() == [int(whole[o]) for o in offsets]
    numbers = np.asarray(offsets, np.int64) // 16
    assert np.array_equal(blocks_at(KEY, numbers), whole.reshape(-1, 16)[numbers])


def test_offsets_over_32_bits_are_not_cut() -> None:
    far = np.asarray([(1 << 32) + 5], np.int64)
    cipher = Cipher(algorithms.AES256(KEY), modes.CTR((1 << 28).to_bytes(16, "big"))).encryptor().update(bytes(16))
    assert bytes_at(KEY, far)[0] == cipher[5]


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

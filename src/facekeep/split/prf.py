"""The pseudo-random function of a search: everything random in it comes from here.

PRF(K, stage ‖ H): K is the key of one turn of the ratchet between the halves, H the hash of the transcript at that
stage. Halves that disagree about anything draw unrelated streams.
"""

from __future__ import annotations

import hmac

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

_FIRST_BLOCK = 2
_NONCE = bytes(12)
_TAG_BYTES = 16
_ECB = modes.ECB()  # noqa: S305 - used as the block function of counter mode, to read a stream at scattered places


class _Zeros:
    """A text of zeros, as long as the longest that was asked for. Never written to, so that it takes no memory."""

    def __init__(self) -> None:
        self._held = np.zeros(1 << 20, np.uint8)

    def __call__(self, length: int) -> NDArray[np.uint8]:
        if length > len(self._held):
            self._held = np.zeros(length, np.uint8)
        return self._held[:length]


_zeros = _Zeros()


def stage_key(turn_key: bytes, stage: bytes, transcript: bytes) -> bytes:
    """32 bytes: HMAC-SHA256(turn key, "facekeep/1/prf/" ‖ stage ‖ 0 ‖ transcript).

    Args:
        turn_key: 32 bytes.
        stage: what the stream is for; no zero byte.
        transcript: 32 bytes.
    """
    return hmac.digest(turn_key, b"facekeep/1/prf/" + stage + b"\x00" + transcript, "sha256")


def stream(key: bytes, length: int) -> NDArray[np.uint8]:
    """The first bytes of the key stream of AES-256-GCM under a nonce of zeros, writable, shape (length,).

    The key stream of counter mode, then; but OpenSSL computes GCM's two to three times as fast as plain counter mode,
    and lets other threads run meanwhile. The tag is of no use: a key serves once.
    """
    out = np.empty(length + _TAG_BYTES, np.uint8)
    AESGCM(key).encrypt_into(_NONCE, _zeros(length).data, None, out.data)
    return out[:length]


def blocks_at(key: bytes, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Single 16-byte blocks of the same stream, shape (n, 16): a half that needs one byte of 64 KiB draws no more."""
    counters = np.zeros((len(numbers), 4), ">u4")
    counters[:, 3] = numbers + _FIRST_BLOCK
    encryptor = Cipher(algorithms.AES256(key), _ECB).encryptor()
    return np.frombuffer(encryptor.update(counters.tobytes()), np.uint8).reshape(-1, 16)


def bytes_at(key: bytes, offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Single bytes of the same stream, shape (n,)."""
    picked: NDArray[np.uint8] = blocks_at(key, offsets >> 4)[np.arange(len(offsets)), offsets & 15]
    return picked


def tag(turn_key: bytes, stage: bytes, transcript: bytes) -> bytes:
    """16 bytes that two halves give alike if and only if they agree on key and transcript."""
    return stage_key(turn_key, b"agree/" + stage, transcript)[:16]

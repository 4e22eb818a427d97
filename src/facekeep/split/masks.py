"""Masks: the left share of a row, drawn from a fresh seed for every write.

L = mask(seed, use, row), R = code − L, both in the ring of the code. Each use has a stream of its own: with one stream
for both, the right half alone would recover coordinates within ±1. Pseudonym, epoch, version and model are in the key,
never in the counter: with version v in the counter, version v + 1 would be version v shifted by a block.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym
from facekeep.errors import FormatError
from facekeep.split.codes import CoarseCode, FineCode

SEED_BYTES = 32
_ZEROS = bytes(4096)
_NONCE = bytes(12)
_FINE = b"facekeep/1/mask/fine\x00"
_COARSE = b"facekeep/1/mask/coarse\x00"


def new_seed() -> bytes:
    """32 bytes from the operating system."""
    return os.urandom(SEED_BYTES)


@dataclass(frozen=True, slots=True)
class MaskRow:
    """What a mask is bound to besides its seed.

    Attributes:
        pseudonym: 16 bytes.
        epoch: 0 to 2³²−1.
        version: 0 to 2³²−1.
        model: SHA-256 of the embedding model, 32 bytes.
    """

    pseudonym: Pseudonym
    epoch: int
    version: int
    model: bytes

    def info(self) -> bytes:
        """The HKDF info of this row, 56 bytes."""
        return self.pseudonym + self.epoch.to_bytes(4, "big") + self.version.to_bytes(4, "big") + self.model


def _stream(seed: bytes, use: bytes, info: bytes, length: int) -> bytes:
    # HKDF-Expand of one block. RFC 5869 section 3.3: a uniform seed needs no extraction.
    key = hmac.digest(seed, use + info + b"\x01", "sha256")
    # The ciphertext of zeros is the key stream (split.prf); of a key that serves once, the tag is of no use.
    return AESGCM(key).encrypt(_NONCE, _ZEROS[:length], None)[:length]


def fine_mask(seed: bytes, row: MaskRow, dimension: int) -> NDArray[np.uint16]:
    """The left share of a fine code, shape (D,), uniform in Z_2¹⁶."""
    return np.frombuffer(_stream(seed, _FINE, row.info(), 2 * dimension), "<u2")


def coarse_mask(seed: bytes, row: MaskRow, dimension: int) -> NDArray[np.uint8]:
    """The left share of a coarse code, shape (D,), uniform in Z_2⁸."""
    return np.frombuffer(_stream(seed, _COARSE, row.info(), dimension), np.uint8)


def fine_masks(rows: Iterable[tuple[bytes, bytes]], dimension: int) -> NDArray[np.uint16]:
    """The left shares of several fine codes: a search needs a hundred, and their objects would cost more than AES.

    Args:
        rows: seed and ``MaskRow.info()`` of each.
        dimension: coordinates.

    Returns:
        Shape (n, D).
    """
    streams = [_stream(seed, _FINE, info, 2 * dimension) for seed, info in rows]
    return np.frombuffer(b"".join(streams), "<u2").reshape(-1, dimension)


@dataclass(frozen=True, slots=True)
class RightShare:
    """The right share of a row: its codes less the masks, each uniform by itself.

    Attributes:
        fine: shape (D,), uint16.
        coarse: shape (D,), uint8.
    """

    fine: NDArray[np.uint16] = field(repr=False)
    coarse: NDArray[np.uint8] = field(repr=False)

    def to_bytes(self) -> tuple[bytes, bytes]:
        """Coarse and fine as stored: D bytes, and D little-endian uint16."""
        return self.coarse.tobytes(), self.fine.astype("<u2").tobytes()

    @classmethod
    def from_bytes(cls, coarse: bytes, fine: bytes) -> RightShare:
        """The share as it was stored.

        Raises:
            FormatError: the two do not have the same dimension.
        """
        if len(fine) != 2 * len(coarse):
            raise FormatError("a right share has codes of different dimensions")
        return cls(np.frombuffer(fine, "<u2"), np.frombuffer(coarse, np.uint8))

    def minus(self, delta: Delta) -> RightShare:
        """The share under new masks: R_new = R_old − (L_new − L_old)."""
        return RightShare(self.fine - delta.fine, self.coarse - delta.coarse)


@dataclass(frozen=True, slots=True)
class Delta:
    """L_new − L_old of one row: what the left half sends to the right when it draws a new seed. Uniform by itself."""

    fine: NDArray[np.uint16] = field(repr=False)
    coarse: NDArray[np.uint8] = field(repr=False)


def split(fine: FineCode, coarse: CoarseCode, seed: bytes, row: MaskRow) -> RightShare:
    """The right share of a row whose left share is ``seed``."""
    dimension = len(fine)
    return RightShare(
        fine.view(np.uint16) - fine_mask(seed, row, dimension),
        coarse.view(np.uint8) - coarse_mask(seed, row, dimension),
    )


def reseed(old_seed: bytes, old: MaskRow, new_seed: bytes, new: MaskRow, dimension: int) -> Delta:
    """What the right half must subtract when the left half goes from the old seed and row to the new ones."""
    return Delta(
        fine_mask(new_seed, new, dimension) - fine_mask(old_seed, old, dimension),
        coarse_mask(new_seed, new, dimension) - coarse_mask(old_seed, old, dimension),
    )

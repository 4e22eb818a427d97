"""One-time tables: the gate opens f(⟨q, x⟩) and nothing else (private simultaneous messages, Feige, Kilian, Naor 1994).

With a = ⟨q, L⟩ and b = ⟨q, R⟩ in Z_2¹⁶, a shift w and a pad P that both halves draw alike: the left sends
T[u] = f(a + u − w) ⊕ P[u] for all u, the right u* = b + w and P[u*]. The entry at u* is f(a + b); every other entry
stays under its pad, and u* is uniform, for w is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekeep.split.bands import RING
from facekeep.split.kernels import band_table, token_table
from facekeep.split.prf import blocks_at, bytes_at, stream

TOKEN_BYTES = 16

Shares = NDArray[np.uint16]


def _shifts(key: bytes, count: int) -> Shares:
    return stream(key, 2 * count).view("<u2").astype(np.uint16)


def band_tables(
    shares: Shares, codewords_twice: NDArray[np.uint8], shift_key: bytes, pad_key: bytes
) -> NDArray[np.uint8]:
    """The left half's tables of the fine stage.

    Args:
        shares: a of each position, shape (n,).
        codewords_twice: bands.codeword_of_score.
        shift_key: key of the stream of shifts.
        pad_key: key of the stream of pads.

    Returns:
        Shape (n, 65536), uint8.
    """
    tables = stream(pad_key, RING * len(shares)).reshape(-1, RING)
    band_table(codewords_twice, shares - _shifts(shift_key, len(shares)), tables)
    return tables


def band_picks(shares: Shares, shift_key: bytes, pad_key: bytes) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The right half's indices and pads of the fine stage, each of shape (n,)."""
    indices = shares + _shifts(shift_key, len(shares))
    return indices, bytes_at(pad_key, np.arange(len(shares), dtype=np.int64) * RING + indices)


def open_bands(tables: NDArray[np.uint8], indices: NDArray[np.uint16], pads: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The codeword of each position, shape (n,), uint8; bands.decode_bands tells noise."""
    opened: NDArray[np.uint8] = tables[np.arange(len(tables)), indices] ^ pads
    return opened


def tokens_of(keys: Sequence[bytes]) -> NDArray[np.uint64]:
    """Tokens as the kernel takes them: shape (bands, 2)."""
    return np.frombuffer(b"".join(keys), "<u8").reshape(-1, 2).astype(np.uint64)


def token_tables(
    shares: Shares, bands: NDArray[np.uint8], tokens: Sequence[NDArray[np.uint64]], shift_key: bytes, pad_key: bytes
) -> NDArray[np.uint64]:
    """The left half's tables of the release stage: entries are tokens of 16 bytes.

    Args:
        shares: a of each chosen position, shape (k,).
        bands: bands.band_of_score.
        tokens: for each position its token of every band, shape (bands, 2).
        shift_key: key of the stream of shifts.
        pad_key: key of the stream of pads.

    Returns:
        Shape (k, 65536, 2), uint64.
    """
    tables = stream(pad_key, RING * TOKEN_BYTES * len(shares)).view("<u8").astype(np.uint64, copy=False)
    tables = tables.reshape(-1, RING, 2)
    starts = (shares - _shifts(shift_key, len(shares))).tolist()
    for table, token, start in zip(tables, tokens, starts, strict=True):
        token_table(bands, token, start, table)
    return tables


def token_picks(shares: Shares, shift_key: bytes, pad_key: bytes) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The right half's indices, shape (k,), and pads, shape (k, 16), of the release stage."""
    indices = shares + _shifts(shift_key, len(shares))
    return indices, blocks_at(pad_key, np.arange(len(shares), dtype=np.int64) * RING + indices)


def open_tokens(tables: NDArray[np.uint64], indices: NDArray[np.uint16], pads: NDArray[np.uint8]) -> list[bytes]:
    """The token of each chosen position, 16 bytes each."""
    entries = tables[np.arange(len(tables)), indices].astype("<u8").view(np.uint8).reshape(-1, TOKEN_BYTES)
    return [row.tobytes() for row in entries ^ pads]

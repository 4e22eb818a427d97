"""Bands: what a comparison tells, as one byte in a code with redundancy.

Band 0 says "below the ticket's threshold"; band i says that level i − 1 of the model's list is the strictest that was
passed. A band travels as a codeword of the extended Hamming code [8, 4, 4]: 16 of 256 bytes are valid and any two
differ in at least four bits, so that noise, which is what halves that disagree produce, shows in 15 bytes of 16.
(The agreement tags, docs/spec, show it always; this is the second net.)
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import DisagreementError

BANDS = 16
RING = 1 << 16


def _codeword(value: int) -> int:
    d = [(value >> i) & 1 for i in range(4)]
    p = [d[0] ^ d[1] ^ d[3], d[0] ^ d[2] ^ d[3], d[1] ^ d[2] ^ d[3]]
    bits = [p[0], p[1], d[0], p[2], d[1], d[2], d[3]]
    bits.append(sum(bits) & 1)
    return sum(bit << i for i, bit in enumerate(bits))


CODEWORDS: tuple[int, ...] = tuple(_codeword(v) for v in range(BANDS))
_NONE = 0xFF
_BAND_OF = np.full(256, _NONE, np.uint8)
_BAND_OF[list(CODEWORDS)] = np.arange(BANDS)


def decode_bands(words: NDArray[np.uint8], levels: int) -> NDArray[np.uint8]:
    """The bands in the bytes that one-time tables gave.

    Args:
        words: shape (n,).
        levels: number of levels of the model; a band above it was never written.

    Raises:
        DisagreementError: one is no codeword, or a band that the model has not.
    """
    bands = _BAND_OF[words]
    if np.any(bands > levels):
        raise DisagreementError("a one-time table gave an invalid band: the search was aborted")
    return bands


@lru_cache(maxsize=64)
def band_of_score(thresholds: tuple[int, ...], level: int) -> NDArray[np.uint8]:
    """The band of every score of the ring.

    Args:
        thresholds: integer thresholds to tell apart (rules.Rules.thresholds_for), rising, each at least 1.
        level: index of the ticket's threshold; a score below it is band 0, whatever laxer level it passes.

    Returns:
        Shape (65536,), read-only; index is the score modulo 2¹⁶, scores from 2¹⁵ on being negative.
    """
    scores = np.arange(RING)
    scores = np.where(scores < RING // 2, scores, scores - RING)
    bands = np.searchsorted(np.asarray(thresholds), scores, side="right").astype(np.uint8)
    bands[scores < thresholds[level]] = 0
    bands.setflags(write=False)
    return bands


@lru_cache(maxsize=64)
def codeword_of_score(thresholds: tuple[int, ...], level: int) -> NDArray[np.uint8]:
    """The codeword of every score, written out twice, shape (131072,): each rotation of the table is a slice of it."""
    once = np.asarray(CODEWORDS, np.uint8)[band_of_score(thresholds, level)]
    twice = np.concatenate([once, once])
    twice.setflags(write=False)
    return twice

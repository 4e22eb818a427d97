"""Fine and coarse codes: a unit embedding as small integers.

The fine code x = round(160·e) is shared in Z_2¹⁶. By the triangle inequality ‖x‖ ≤ 160 + √D/2, so a score ⟨x, y⟩ is at
most (160 + √D/2)² in magnitude: 29,348 for D = 512, less than 2¹⁵. A score therefore never wraps, and is read back from
the ring without doubt. The coarse code t ∈ {−1, 0, 1}^D holds the signs of the S largest magnitudes of the fine code,
shared in Z_2⁸; |⟨t, t'⟩| ≤ S < 2⁷. Half-way cases of rounding go to the even integer; equal magnitudes go to the lower
index. Both rules are part of the format (docs/spec/split-gallery.md).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import FormatError, ProbeError

SCALE = 160
DIMENSION_MIN = 16
DIMENSION_MAX = 1024

FineCode = NDArray[np.int16]
CoarseCode = NDArray[np.int8]


def score_bound(dimension: int) -> int:
    """The largest magnitude that a score of two fine codes can have: ⌊(160 + √D/2)²⌋."""
    return math.floor((SCALE + math.sqrt(dimension) / 2) ** 2)


def check_dimension(dimension: int) -> int:
    """The dimension itself.

    Raises:
        FormatError: it is outside 16…1024, or a score could wrap.
    """
    if not DIMENSION_MIN <= dimension <= DIMENSION_MAX or score_bound(dimension) >= 2**15:
        raise FormatError(
            "the dimension of an embedding is outside what the codes can carry",
            hint=f"Use a model whose embedding has {DIMENSION_MIN} to {DIMENSION_MAX} coordinates.",
        )
    return dimension


def coarse_support(dimension: int) -> int:
    """How many coordinates the coarse code keeps: 120 of 512, in proportion for smaller models, never more than 120."""
    return min(120, dimension * 15 // 64)


def fine_code(vector: NDArray[np.float32]) -> FineCode:
    """The fine code of unit embeddings.

    Args:
        vector: shape (D,) or (n, D), rows of length 1 within 1e-3.

    Returns:
        Same shape, int16.

    Raises:
        FormatError: a row is not finite or not of unit length.
    """
    check_dimension(int(vector.shape[-1]))
    lengths = np.linalg.norm(vector.astype(np.float64), axis=-1, keepdims=True)
    if not np.all(np.abs(lengths - 1.0) <= 1e-3):  # also false for NaN
        raise FormatError("an embedding has no unit length", hint="Give the normalised output of the embedding model.")
    code: FineCode = np.rint(SCALE * (vector / lengths)).astype(np.int16)
    return code


def coarse_code(fine: FineCode) -> CoarseCode:
    """The coarse code of fine codes: shape (D,) or (n, D), int8, exactly as many non-zeros as the support allows."""
    support = coarse_support(int(fine.shape[-1]))
    order = np.argsort(-np.abs(fine.astype(np.int32)), axis=-1, kind="stable")[..., :support]
    out = np.zeros(fine.shape, np.int8)
    np.put_along_axis(out, order, np.sign(np.take_along_axis(fine, order, -1)).astype(np.int8), -1)
    return out


def check_probe(probe: bytes, dimension: int) -> FineCode:
    """The fine code in a probe as sent, D little-endian int16.

    A half checks every probe: a free-form one, such as a unit vector of large entries, would read a column.

    Raises:
        ProbeError: wrong size, an entry over 160, or a length outside 160 ± √D/2.
    """
    if len(probe) != 2 * dimension:
        raise ProbeError("the probe has the wrong size")
    fine = np.frombuffer(probe, "<i2").astype(np.int16)
    wide = fine.astype(np.int64)
    length = math.sqrt(int(wide @ wide))
    if int(np.abs(wide).max()) > SCALE or abs(length - SCALE) > math.sqrt(dimension) / 2:
        raise ProbeError("the probe is not the fine code of a unit embedding")
    return fine


def encode_probe(fine: FineCode) -> bytes:
    """A fine code as sent to the halves: D little-endian int16."""
    return fine.astype("<i2").tobytes()

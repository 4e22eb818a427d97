"""The inner loops of a search, compiled by numba. Each releases the interpreter lock; none starts threads of its own.

The two halves run side by side on threads of the caller's, so that numba's own thread pool, which two callers must not
enter at once, is not used. Everything here is integer arithmetic in the rings Z_2⁸ and Z_2¹⁶ and has no data-dependent
failure; arguments are checked by the callers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BLOCK_ROWS = 4096
BUCKETS = 256
_RUN = 256  # sums looked at together: few runs hold any of the best


@njit(nogil=True, cache=True, fastmath=False)
def _add_columns(
    block: NDArray[np.int8], columns: NDArray[np.int32], sums: NDArray[np.int8]
) -> None:  # pragma: no cover - compiled
    # Eight columns at a time: one load and one store of the sums for eight additions.
    n = len(sums)
    k = 0
    while k + 8 <= len(columns):
        a = block[columns[k]]
        b = block[columns[k + 1]]
        c = block[columns[k + 2]]
        d = block[columns[k + 3]]
        e = block[columns[k + 4]]
        f = block[columns[k + 5]]
        g = block[columns[k + 6]]
        h = block[columns[k + 7]]
        for i in range(n):
            sums[i] = np.int8(sums[i] + a[i] + b[i] + c[i] + d[i] + e[i] + f[i] + g[i] + h[i])
        k += 8
    while k < len(columns):
        a = block[columns[k]]
        for i in range(n):
            sums[i] = np.int8(sums[i] + a[i])
        k += 1


@njit(nogil=True, cache=True)
def scan(  # noqa: PLR0917 - numba knows no keyword-only arguments
    blocks: NDArray[np.int8],
    plus: NDArray[np.int32],
    minus: NDArray[np.int32],
    plus_ends: NDArray[np.int64],
    minus_ends: NDArray[np.int64],
    sums: NDArray[np.int8],
    first: int,
    last: int,
) -> None:  # pragma: no cover - compiled
    """Add and subtract the columns that ternary probes name: sums[p, row] = Σ plus − Σ minus, in Z_2⁸.

    Args:
        blocks: shape (blocks, dimension, BLOCK_ROWS).
        plus: columns with sign +1 of all probes, one probe after the other.
        minus: columns with sign −1, likewise.
        plus_ends: where each probe's columns end in ``plus``.
        minus_ends: likewise in ``minus``.
        sums: output, shape (probes, blocks × BLOCK_ROWS).
        first: first block to scan.
        last: block to stop before.
    """
    probes = len(plus_ends)
    total = np.empty(BLOCK_ROWS, np.int8)
    other = np.empty(BLOCK_ROWS, np.int8)
    for b in range(first, last):
        block = blocks[b]
        for p in range(probes):
            total[:] = 0
            other[:] = 0
            begin = 0 if p == 0 else plus_ends[p - 1]
            _add_columns(block, plus[begin : plus_ends[p]], total)
            begin = 0 if p == 0 else minus_ends[p - 1]
            _add_columns(block, minus[begin : minus_ends[p]], other)
            out = sums[p, b * BLOCK_ROWS : (b + 1) * BLOCK_ROWS]
            for i in range(BLOCK_ROWS):
                out[i] = np.int8(total[i] - other[i])


@njit(nogil=True, cache=True)
def shuffle(
    slots: NDArray[np.int32], buckets: NDArray[np.uint8], draws: NDArray[np.uint32], out: NDArray[np.int32]
) -> None:  # pragma: no cover - compiled
    """Permute uniformly: scatter into 256 buckets at random, then Fisher–Yates in each (Rao 1961, Sandelius 1962).

    The scatter keeps each bucket's shuffle inside the first-level cache: about twice as fast as one Fisher–Yates over a
    million rows. Draw j = ⌊r·(i + 1) / 2³²⌋ is off uniform by less than 2⁻¹⁸ for buckets below 16,384 rows.

    Args:
        slots: what to permute, shape (n,).
        buckets: n uniform bytes.
        draws: n uniform 32-bit numbers.
        out: output, shape (n,).
    """
    n = len(slots)
    ends = np.zeros(BUCKETS, np.int64)
    for i in range(n):
        ends[buckets[i]] += 1
    starts = np.empty(BUCKETS, np.int64)
    at = 0
    for k in range(BUCKETS):
        starts[k] = at
        at += ends[k]
        ends[k] = starts[k]
    for i in range(n):
        k = buckets[i]
        out[ends[k]] = slots[i]
        ends[k] += 1
    for k in range(BUCKETS):
        base = starts[k]
        for i in range(ends[k] - base - 1, 0, -1):
            j = np.int64((np.uint64(draws[base + i]) * np.uint64(i + 1)) >> np.uint64(32))
            t = out[base + i]
            out[base + i] = out[base + j]
            out[base + j] = t


@njit(nogil=True, cache=True)
def gather(
    sums: NDArray[np.uint8],
    permuted: NDArray[np.int32],
    zeros: NDArray[np.uint8],
    negative: bool,
    out: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    """Take the sums in permuted order and add this half's share of zero: out[i] = sums[permuted[i]] ± zeros[i]."""
    if negative:
        for i in range(len(permuted)):
            out[i] = np.uint8(sums[permuted[i]] - zeros[i])
    else:
        for i in range(len(permuted)):
            out[i] = np.uint8(sums[permuted[i]] + zeros[i])


@njit(nogil=True, cache=True)
def _histogram(values: NDArray[np.uint8]) -> NDArray[np.int64]:  # pragma: no cover - compiled
    # Four histograms: equal values in a row would wait for each other's count.
    parts = np.zeros((4, 256), np.int64)
    whole = len(values) // 4 * 4
    for i in range(0, whole, 4):
        parts[0, values[i]] += 1
        parts[1, values[i + 1]] += 1
        parts[2, values[i + 2]] += 1
        parts[3, values[i + 3]] += 1
    for i in range(whole, len(values)):
        parts[0, values[i]] += 1
    counts: NDArray[np.int64] = parts[0] + parts[1] + parts[2] + parts[3]
    return counts


@njit(nogil=True, cache=True)
def best_positions(
    left: NDArray[np.uint8], right: NDArray[np.uint8], support: int, out: NDArray[np.int32]
) -> int:  # pragma: no cover - compiled
    """Positions of the largest sums left + right, by a histogram; ties go to the lower position.

    Args:
        left: shares, shape (n,).
        right: shares, shape (n,).
        support: largest magnitude that a sum can have.
        out: output, shape (k,), k ≤ n; ascending.

    Returns:
        How many sums lay outside ±support: 0 unless the halves disagree.
    """
    n = len(left)
    sums = np.empty(n, np.uint8)
    for i in range(n):
        sums[i] = np.uint8(left[i] + right[i] + np.uint8(128))
    counts = _histogram(sums)
    outside = int(counts[: 128 - support].sum() + counts[129 + support :].sum())
    if outside > 0:
        return outside
    above = 0
    value = 255
    while value > 0 and above + counts[value] <= len(out):
        above += counts[value]
        value -= 1
    ties = len(out) - above
    floor = np.uint8(value)
    at = 0
    for start in range(0, n, _RUN):
        end = min(n, start + _RUN)
        largest = np.uint8(0)
        for i in range(start, end):
            largest = max(largest, sums[i])
        if largest < floor:
            continue
        for i in range(start, end):
            if sums[i] > floor:
                out[at] = i
                at += 1
            elif sums[i] == floor and ties > 0:
                out[at] = i
                at += 1
                ties -= 1
    return 0


@njit(nogil=True, cache=True)
def token_table(
    bands: NDArray[np.uint8], tokens: NDArray[np.uint64], start: int, table: NDArray[np.uint64]
) -> None:  # pragma: no cover - compiled
    """Cover a table of pads with tokens: table[u] ^= tokens[bands[(start + u) mod 2¹⁶]].

    Args:
        bands: index of the band of every score, shape (65536,).
        tokens: 16 bytes a band, shape (bands, 2).
        start: score at u = 0.
        table: pads on entry, shape (65536, 2).
    """
    for u in range(65536):
        k = bands[(start + u) & 0xFFFF]
        table[u, 0] ^= tokens[k, 0]
        table[u, 1] ^= tokens[k, 1]

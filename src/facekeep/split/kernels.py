"""The inner loops of a search, compiled by numba. Each releases the interpreter lock; none starts threads of its own.

The two halves run side by side on threads of the caller's, so that numba's own thread pool, which two callers must not
enter at once, is not used. Everything here is integer arithmetic in the rings Z_2⁸ and Z_2¹⁶ and has no data-dependent
failure; arguments are checked by the callers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from facekeep.split.compiling import compiled

BUCKETS = 256
DEALT = 16_384
"""Rows dealt between two marks of a permutation."""

_RUN = 256  # values looked at together: few runs hold any that is wanted


@compiled
def deal(buckets: NDArray[np.uint8], marks: NDArray[np.uint32]) -> None:  # pragma: no cover - compiled
    """Count how rows go into their buckets: where the next row of each bucket goes, at the start of every run of rows.

    Args:
        buckets: of each row, shape (n,).
        marks: output, shape (⌈n / DEALT⌉ + 1, BUCKETS); the first line is where each bucket begins, the last where it
            ends.
    """
    n = len(buckets)
    runs = len(marks) - 1
    for run in range(runs):
        # Four counts: equal buckets in a row would wait for each other's.
        parts = np.zeros((4, BUCKETS), np.uint32)
        dealt = buckets[run * DEALT : min(n, (run + 1) * DEALT)]
        whole = len(dealt) // 4 * 4
        for i in range(0, whole, 4):
            parts[0, dealt[i]] += np.uint32(1)
            parts[1, dealt[i + 1]] += np.uint32(1)
            parts[2, dealt[i + 2]] += np.uint32(1)
            parts[3, dealt[i + 3]] += np.uint32(1)
        for i in range(whole, len(dealt)):
            parts[0, dealt[i]] += np.uint32(1)
        marks[run + 1] = parts[0] + parts[1] + parts[2] + parts[3]
    at = np.uint32(0)
    for k in range(BUCKETS):
        for run in range(runs):
            marks[run, k] = at
            at += marks[run + 1, k]
        marks[runs, k] = at


@compiled
def permute(  # noqa: PLR0917 - numba knows no keyword-only arguments
    values: NDArray[np.uint8],
    seats: NDArray[np.uint32],
    buckets: NDArray[np.uint8],
    draws: NDArray[np.uint32],
    marks: NDArray[np.uint32],
    out: NDArray[np.uint8],
) -> None:  # pragma: no cover - compiled
    """Permute uniformly: scatter into 256 buckets at random, then Fisher–Yates in each (Rao 1961, Sandelius 1962).

    The scatter keeps each bucket's shuffle inside the first-level cache. Bytes are moved and not the numbers of rows:
    a row is asked for later only where the selector picked it (``trace``). Draw j = ⌊r·(i + 1) / 2³²⌋ is off uniform
    by less than 2⁻¹⁸ for buckets below 16,384 rows.

    Args:
        values: of every seat.
        seats: of the rows, in order of the row set, shape (n,).
        buckets: n uniform bytes.
        draws: n uniform 32-bit numbers.
        marks: of ``deal``.
        out: output, shape (n,).
    """
    ends = marks[0].copy()
    for i in range(len(seats)):
        k = buckets[i]
        end = ends[k]
        out[end] = values[seats[i]]
        ends[k] = end + np.uint32(1)
    for k in range(BUCKETS):
        base = marks[0, k]
        bucket = out[base : marks[-1, k]]
        drawn = draws[base : marks[-1, k]]
        last = np.uint64(len(bucket))  # unsigned: numba would look for negative indices
        while last > np.uint64(1):
            last -= np.uint64(1)
            j = _drawn(drawn[last], last)
            value = bucket[last]
            bucket[last] = bucket[j]
            bucket[j] = value


@compiled
def _drawn(draw: np.uint32, i: np.integer[Any] | int) -> np.uint32:  # pragma: no cover - compiled
    return np.uint32((np.uint64(draw) * (np.uint64(i) + np.uint64(1))) >> np.uint64(32))


@compiled
def trace(
    buckets: NDArray[np.uint8],
    draws: NDArray[np.uint32],
    marks: NDArray[np.uint32],
    positions: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:  # pragma: no cover - compiled
    """Where what ``permute`` put at some positions came from: the swaps of its bucket backwards, then the scatter.

    Args:
        buckets: as for ``permute``.
        draws: likewise.
        marks: of ``deal``.
        positions: each from 0 to n − 1.
        out: output, the place of each in the row set.
    """
    runs = len(marks) - 1
    for p in range(len(positions)):
        position = np.uint32(positions[p])
        k = 0
        while marks[runs, k] <= position:
            k += 1
        base = marks[0, k]
        drawn = draws[base : marks[runs, k]]
        # Swaps before its own did not touch the position; its own put here what lay at j; later ones have moved that.
        i = np.int64(position - base)
        at = _drawn(drawn[i], i)
        i += 1
        while i < len(drawn):
            some = drawn[i : i + _RUN]
            hits = np.int32(0)
            for h in range(len(some)):
                hits += np.int32(_drawn(some[h], i + h) == at)
            if hits == 0:
                i += len(some)
            else:
                while _drawn(drawn[i], i) != at:
                    i += 1
                at = np.uint32(i)
                i += 1
        wanted = base + at
        run = 0
        while marks[run + 1, k] <= wanted:
            run += 1
        before = np.int32(wanted - marks[run, k])
        i = np.int64(run * DEALT)
        found = np.int32(0)
        while found <= before:
            before -= found
            found = np.int32(0)
            some_buckets = buckets[i : i + _RUN]
            for h in range(len(some_buckets)):
                found += np.int32(some_buckets[h] == np.uint8(k))
            i += _RUN
        i -= _RUN
        while before > 0 or buckets[i] != k:
            before -= np.int32(buckets[i] == k)
            i += 1
        out[p] = i


@compiled
def add(sums: NDArray[np.uint8], zeros: NDArray[np.uint8], negative: bool) -> None:  # pragma: no cover - compiled
    """Add this half's share of zero in place: sums[i] ± zeros[i], in Z_2⁸."""
    if negative:
        for i in range(len(sums)):
            sums[i] = np.uint8(sums[i] - zeros[i])
    else:
        for i in range(len(sums)):
            sums[i] = np.uint8(sums[i] + zeros[i])


@compiled
def _raised_sums(
    left: NDArray[np.uint8], right: NDArray[np.uint8], support: int, sums: NDArray[np.uint8], tops: NDArray[np.uint8]
) -> int:  # pragma: no cover - compiled
    # Sums + 128, the largest of each run, and how many lie outside ±support.
    lowest, width = np.uint8(128 - support), np.uint8(2 * support)
    outside = 0
    for run in range(len(tops)):
        a = left[run * _RUN : (run + 1) * _RUN]
        b = right[run * _RUN : (run + 1) * _RUN]
        held = sums[run * _RUN : (run + 1) * _RUN]
        largest = np.uint8(0)
        for i in range(len(held)):
            held[i] = np.uint8(a[i] + b[i] + np.uint8(128))
            largest = max(largest, held[i])
            outside += int(np.uint8(held[i] - lowest) > width)
        tops[run] = largest
    return outside


@compiled
def best_positions(
    left: NDArray[np.uint8], right: NDArray[np.uint8], support: int, out: NDArray[np.int32]
) -> int:  # pragma: no cover - compiled
    """Positions of the largest sums left + right; ties go to the lower position.

    The largest sum of each run of 256 is found first. Where k runs have one of at least g, k sums have: only runs with
    such a one are counted and looked through, and of a million sums those are few.

    Args:
        left: shares, shape (n,).
        right: shares, shape (n,).
        support: largest magnitude that a sum can have.
        out: output, shape (k,), 1 ≤ k ≤ n; ascending.

    Returns:
        How many sums lay outside ±support: 0 unless the halves disagree.
    """
    k = len(out)
    sums = np.empty(len(left), np.uint8)
    tops = np.empty((len(left) + _RUN - 1) // _RUN, np.uint8)
    runs = len(tops)
    outside = _raised_sums(left, right, support, sums, tops)
    if outside > 0:
        return outside
    counts = np.zeros(256, np.int64)
    for run in range(runs):
        counts[tops[run]] += 1
    guess, seen = 255, int(counts[255])
    while guess > 0 and seen < k:
        guess -= 1
        seen += int(counts[guess])
    counts[:] = 0
    for run in range(runs):
        if tops[run] >= guess:
            held = sums[run * _RUN : (run + 1) * _RUN]
            for i in range(len(held)):
                if held[i] >= guess:
                    counts[held[i]] += 1
    floor, above = 255, 0
    while above + counts[floor] < k:
        above += int(counts[floor])
        floor -= 1
    ties = k - above
    at = 0
    for run in range(runs):
        if tops[run] >= floor:
            held = sums[run * _RUN : (run + 1) * _RUN]
            for i in range(len(held)):
                if held[i] > floor or (held[i] == floor and ties > 0):
                    ties -= held[i] == floor
                    out[at] = run * _RUN + i
                    at += 1
    return 0


@compiled
def band_table(
    codewords_twice: NDArray[np.uint8], starts: NDArray[np.uint16], tables: NDArray[np.uint8]
) -> None:  # pragma: no cover - compiled
    """Cover tables of pads with codewords: tables[i, u] ^= codewords[(starts[i] + u) mod 2¹⁶].

    Args:
        codewords_twice: codeword of every score, twice, shape (131072,).
        starts: score at u = 0 of each table, shape (n,).
        tables: pads on entry, shape (n, 65536).
    """
    for i in range(len(starts)):
        table = tables[i]
        words = codewords_twice[np.intp(starts[i]) :][: len(table)]
        for u in range(len(table)):
            table[u] ^= words[u]


@compiled
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

"""The scan over the coarse shares: every probe's columns added up, block by block, as fast as the memory gives them.

A block, 1,024 rows of 512 columns, is half a mebibyte and stays in the second-level cache while all probes take their
columns from it; meanwhile the next block is fetched, a column at a time between the additions. Sums of 512 rows are
held in registers from a probe's first column to its last. numba's own loops would write them back every few columns and
fetch nothing ahead, so the innermost loop is given to LLVM as it shall be (docs/adr/0007-threads.md has the figures).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from facekeep.split.compiling import compiled

BLOCK_ROWS = 1024

_LANES, _VECTORS = 32, 16  # LLVM cuts vectors of 32 bytes in two where the machine has only shorter ones
_TILE = _LANES * _VECTORS
_LINE = 64  # bytes of a cache line
_NOTHING = -1
_NONE = -1

_BYTE, _INT, _LONG = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_VECTOR = ir.VectorType(_BYTE, _LANES)
_READ, _KEEP, _DATA = _INT(0), _INT(3), _INT(1)  # arguments of llvm.prefetch


@intrinsic
def _add_tile(  # type: ignore[no-untyped-def]
    _typing, block, ahead, columns, fetch, _begin, _middle, _end, _row, out
):  # pragma: no cover - run by the compiler, or taken from its cache
    """Add columns[begin:middle] and subtract columns[middle:end], 512 rows from ``row`` on; fetch from ``ahead``."""
    index = types.intp
    signature = types.void(block, ahead, columns, fetch, index, index, index, index, out)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(i: int) -> Any:
            return context.make_array(signature.args[i])(context, builder, arguments[i]).data

        block, ahead, columns, fetch, out = data(0), data(1), data(2), data(3), data(8)
        begin, middle, end, row = arguments[4:8]
        zeros = _VECTOR([0] * _LANES)
        sums = [cgutils.alloca_once_value(builder, zeros) for _ in range(_VECTORS)]  # type: ignore[no-untyped-call]
        prefetch = builder.module.declare_intrinsic(
            "llvm.prefetch", [block.type], ir.FunctionType(ir.VoidType(), [block.type, _INT, _INT, _INT])
        )

        def tile(blocks: Any, column: Any) -> Any:
            start = builder.mul(builder.sext(column, _LONG), _LONG(BLOCK_ROWS))
            return builder.gep(blocks, [builder.add(start, row)])

        def vector(start: Any, number: int) -> Any:
            return builder.bitcast(builder.gep(start, [_LONG(number * _LANES)]), _VECTOR.as_pointer())

        def take(first: Any, last: Any, operation: Callable[[Any, Any], Any]) -> None:
            with cgutils.for_range_slice(builder, first, last, _LONG(1), _LONG) as (k, _):
                wanted = builder.load(builder.gep(fetch, [k]))
                with builder.if_then(builder.icmp_signed(">=", wanted, _INT(0))):
                    start = tile(ahead, wanted)
                    for line in range(0, _TILE, _LINE):
                        builder.call(prefetch, [builder.gep(start, [_LONG(line)]), _READ, _KEEP, _DATA])
                start = tile(block, builder.load(builder.gep(columns, [k])))
                for number, held in enumerate(sums):
                    share = builder.load(vector(start, number), align=1)
                    builder.store(operation(builder.load(held), share), held)

        take(begin, middle, builder.add)
        take(middle, end, builder.sub)
        for number, held in enumerate(sums):
            builder.store(builder.load(held), vector(out, number), align=1)
        return context.get_dummy_value()

    return signature, build


@compiled
def _scan(  # noqa: PLR0917 - numba knows no keyword-only arguments
    blocks: NDArray[np.int8],
    columns: NDArray[np.int32],
    fetch: NDArray[np.int32],
    middles: NDArray[np.int64],
    ends: NDArray[np.int64],
    sums: NDArray[np.int8],
    first: int,
    last: int,
) -> None:  # pragma: no cover - compiled
    for b in range(first, last):
        block, ahead = blocks[b], blocks[min(b + 1, last - 1)]
        begin = 0
        for p in range(len(ends)):
            for row in range(0, BLOCK_ROWS, _TILE):
                at = b * BLOCK_ROWS + row
                out = sums[p, at : at + _TILE]
                _add_tile(block, ahead, columns, fetch, begin, middles[p], ends[p], row, out)  # type: ignore[call-arg]
            begin = ends[p]


class Columns:
    """Which columns ternary probes add and subtract, laid out for the scan.

    Attributes:
        probes: how many.
    """

    __slots__ = ("_columns", "_ends", "_fetch", "_middles", "probes")

    def __init__(self, probes: NDArray[np.int8]) -> None:
        """Of ternary codes, shape (probes, D)."""
        plus, minus = probes > 0, probes < 0
        self.probes = len(probes)
        self._columns = np.concatenate(
            [np.empty(0, np.intp), *(np.flatnonzero(s) for pair in zip(plus, minus, strict=True) for s in pair)]
        ).astype(np.int32)
        self._ends = np.cumsum(plus.sum(1) + minus.sum(1)).astype(np.int64)
        self._middles = self._ends - minus.sum(1)
        # Each column that any probe takes is fetched once, and the fetches lie evenly between the additions: at once,
        # they would wait for each other and the additions for them.
        used = np.flatnonzero(np.bincount(self._columns))  # np.unique would load masked arrays, which takes long
        self._fetch = np.full(len(self._columns), _NOTHING, np.int32)
        self._fetch[np.linspace(0, max(0, len(self._columns) - 1), len(used)).astype(np.intp)] = used

    def scan(self, blocks: NDArray[np.int8], sums: NDArray[np.int8], first: int, last: int) -> None:
        """Add and subtract: sums[p, row] = Σ plus − Σ minus, in Z_2⁸. Lets go of the interpreter.

        Args:
            blocks: shape (blocks, D, BLOCK_ROWS), contiguous.
            sums: output, shape (probes, blocks × BLOCK_ROWS), contiguous.
            first: first block to scan.
            last: block to stop before.

        Raises:
            ValueError: the arrays do not lie as the compiled code takes them to.
        """
        if not (blocks.flags.c_contiguous and sums.flags.c_contiguous and blocks.shape[2] == BLOCK_ROWS):
            raise ValueError("blocks and sums must be contiguous, and blocks of the right size")
        if not 0 <= first <= last <= len(blocks) or sums.shape != (self.probes, len(blocks) * BLOCK_ROWS):
            raise ValueError("there are no such blocks or sums")
        if len(self._columns) and int(self._columns.max()) >= blocks.shape[1]:
            raise ValueError("a probe has another dimension than the blocks")
        _scan(blocks, self._columns, self._fetch, self._middles, self._ends, sums, first, last)

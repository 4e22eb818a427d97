"""Arrays of numbers in messages."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from facekeep.split.wire.primitives import Codec, Reader, Writer, malformed, unwritable

Array = TypeVar("Array", bound=np.generic)


@dataclass(frozen=True, slots=True)
class ArrayOf(Generic[Array]):
    """Entries of an array, little-endian; their count is told elsewhere.

    Attributes:
        kind: the type of a number.
        shape: of one entry.
    """

    kind: type[Array]
    shape: tuple[int, ...] = ()

    @property
    def stride(self) -> int:
        """Bytes of one entry."""
        return int(np.dtype(self.kind).itemsize * np.prod(self.shape, dtype=int))

    def write(self, writer: Writer, values: NDArray[Array]) -> None:
        """Append; UsageError for another type or shape."""
        if values.dtype != self.kind or values.shape[1:] != self.shape:
            raise unwritable("an array of another type or shape")
        plain = np.ascontiguousarray(values, np.dtype(self.kind).newbyteorder("<"))
        if plain.size:  # a view of nothing cannot be cast
            writer.put(plain.data.cast("B"))

    def read(self, reader: Reader, count: int) -> NDArray[Array]:
        """Take off ``count`` entries. Arrays of bytes share the memory of the body."""
        part = np.frombuffer(reader.take(count * self.stride), np.dtype(self.kind).newbyteorder("<"))
        return part.astype(self.kind, copy=np.dtype(self.kind).itemsize > 1).reshape(count, *self.shape)


def rates(count: int) -> Codec[tuple[float, ...]]:
    """That many false match rates as big-endian doubles, each over 0 and at most 1."""
    form = struct.Struct(f">{count}d")

    def write(writer: Writer, values: tuple[float, ...]) -> None:
        if len(values) != count or not all(0 < value <= 1 for value in values):
            raise unwritable("a rate that is none")
        writer.put(form.pack(*values))

    def read(reader: Reader) -> tuple[float, ...]:
        values = form.unpack(reader.take(form.size))
        if not all(0 < value <= 1 for value in values):  # a NaN is neither
            raise malformed("holds a rate that is none")
        return values

    return Codec(write, read, form.size)

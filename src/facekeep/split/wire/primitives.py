"""What messages are made of: numbers, fixed and bounded bytes, text, lists, arrays. Read strictly, one encoding each.

A codec knows the size of its longest encoding, so that the bound of a message follows from what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from facekeep.errors import FormatError, UsageError

S = TypeVar("S")
T = TypeVar("T")

Buffer = bytes | memoryview
"""A part of a body. Large arrays are views, so that they are copied once, into their frames."""

_HINT = "Run the same version of Facekeep on both sides."


def malformed(what: str) -> FormatError:
    """The error of a message that does not parse."""
    return FormatError(f"a message {what}", hint=_HINT)


def unwritable(what: str) -> UsageError:
    """The error of a value that has no encoding."""
    return UsageError(f"a message cannot hold {what}", hint="Ask for less at once.")


class Writer:
    """Collects the parts of a body."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[Buffer] = []

    def put(self, part: Buffer) -> None:
        """Append."""
        self.parts.append(part)


class Reader:
    """Takes a body apart, from its first byte to its last."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes | bytearray | memoryview) -> None:
        self._body = memoryview(body)
        self._at = 0

    def take(self, count: int) -> memoryview:
        """The next bytes, as a view.

        Raises:
            FormatError: there are fewer.
        """
        part = self._body[self._at : self._at + count]
        if len(part) != count:
            raise malformed("is too short for its content")
        self._at += count
        return part

    def rest(self) -> memoryview:
        """All that is left, as a view."""
        return self.take(len(self._body) - self._at)

    def end(self) -> None:
        """Nothing must be left.

        Raises:
            FormatError: something is.
        """
        if self._at != len(self._body):
            raise malformed("has bytes left over")


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one kind of value is written and read.

    Attributes:
        write: appends the encoding; UsageError if the value has none.
        read: takes it off; FormatError if it is not one.
        size_max: bytes of the longest encoding.
    """

    write: Callable[[Writer, T], None]
    read: Callable[[Reader], T]
    size_max: int

    def encode(self, value: T) -> bytes:
        """The body that holds this value alone.

        Raises:
            UsageError: the value has no encoding.
        """
        writer = Writer()
        self.write(writer, value)
        return b"".join(writer.parts)

    def decode(self, body: bytes | bytearray | memoryview) -> T:
        """The value that a body holds. Arrays may share the body's memory.

        Raises:
            FormatError: the body is not exactly the encoding of a value.
        """
        reader = Reader(body)
        value = self.read(reader)
        reader.end()
        return value


def number(size: int, low: int = 0, high: int | None = None) -> Codec[int]:
    """Big-endian unsigned numbers of 1, 2, 4 or 8 bytes, from ``low`` to ``high``, both included."""
    top = (1 << 8 * size) - 1 if high is None else high

    def write(writer: Writer, value: int) -> None:
        if not low <= value <= top:
            raise unwritable("a number out of its range")
        writer.put(int(value).to_bytes(size, "big"))

    def read(reader: Reader) -> int:
        value = int.from_bytes(reader.take(size), "big")
        if not low <= value <= top:
            raise malformed("holds a number out of its range")
        return value

    return Codec(write, read, size)


U8, U16, U32, U64 = number(1), number(2), number(4), number(8)


def _write_bool(writer: Writer, value: bool) -> None:
    writer.put(b"\x01" if value else b"\x00")


BOOL: Codec[bool] = Codec(_write_bool, lambda reader: number(1, 0, 1).read(reader) == 1, 1)


def _write_nothing(_writer: Writer, _value: None) -> None:
    """An empty body."""


NOTHING: Codec[None] = Codec(_write_nothing, lambda _: None, 0)


def fixed(size: int) -> Codec[bytes]:
    """Byte strings of one length."""

    def write(writer: Writer, value: bytes) -> None:
        if len(value) != size:
            raise unwritable("an identifier, key or signature of another length")
        writer.put(value)

    return Codec(write, lambda reader: bytes(reader.take(size)), size)


def blob(longest: int, shortest: int = 0, *, prefix: int = 2) -> Codec[bytes]:
    """Byte strings of bounded length, after that length in ``prefix`` bytes."""
    length = number(prefix, shortest, longest)

    def write(writer: Writer, value: bytes) -> None:
        length.write(writer, len(value))
        writer.put(value)

    return Codec(write, lambda reader: bytes(reader.take(length.read(reader))), prefix + longest)


def rest(shortest: int, longest: int) -> Codec[bytes]:
    """Byte strings of bounded length that fill a body to its end."""

    def write(writer: Writer, value: bytes) -> None:
        if not shortest <= len(value) <= longest:
            raise unwritable("so many bytes, or so few")
        writer.put(value)

    def read(reader: Reader) -> bytes:
        value = bytes(reader.rest())
        if not shortest <= len(value) <= longest:
            raise malformed("is shorter or longer than it can be")
        return value

    return Codec(write, read, longest)


def text(longest: int, shortest: int = 0, *, prefix: int = 2) -> Codec[str]:
    """Strings; the bounds are of their UTF-8."""
    raw = blob(longest, shortest, prefix=prefix)

    def write(writer: Writer, value: str) -> None:
        try:
            raw.write(writer, value.encode("utf-8"))
        except UnicodeEncodeError as problem:
            raise unwritable("text that is not Unicode") from problem

    def read(reader: Reader) -> str:
        try:
            return raw.read(reader).decode("utf-8")
        except UnicodeDecodeError as problem:
            raise malformed("holds text that is not UTF-8") from problem

    return Codec(write, read, raw.size_max)


def listed(item: Codec[T], most: int, *, prefix: int, least: int = 0) -> Codec[Sequence[T]]:
    """Lists of bounded length, after that length in ``prefix`` bytes; they are read as tuples."""
    count = number(prefix, least, most)

    def write(writer: Writer, values: Sequence[T]) -> None:
        count.write(writer, len(values))
        for value in values:
            item.write(writer, value)

    def read(reader: Reader) -> Sequence[T]:
        return tuple(item.read(reader) for _ in range(count.read(reader)))

    return Codec(write, read, prefix + most * item.size_max)


def record(build: Callable[..., T], *fields: tuple[str, Codec[Any]]) -> Codec[T]:
    """Values made of named fields, one after the other.

    Args:
        build: makes the value from the fields by name.
        fields: attribute and codec, in the order of the encoding.
    """

    def write(writer: Writer, value: T) -> None:
        for name, codec in fields:
            codec.write(writer, getattr(value, name))

    def read(reader: Reader) -> T:
        return build(**{name: codec.read(reader) for name, codec in fields})

    return Codec(write, read, sum(codec.size_max for _, codec in fields))


def mapped(codec: Codec[S], build: Callable[[S], T], plain: Callable[[T], S]) -> Codec[T]:
    """Values that are encoded as others are.

    Args:
        codec: of what is encoded; its bounds are such that every value of it can be built from.
        build: the value from what was read.
        plain: what is encoded of a value.
    """
    return Codec(
        lambda writer, value: codec.write(writer, plain(value)),
        lambda reader: build(codec.read(reader)),
        codec.size_max,
    )

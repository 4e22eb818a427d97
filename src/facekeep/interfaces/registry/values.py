"""How the values of the registry are encoded, by their types: strictly, one encoding each.

The registry grows: a method of it that takes and gives values of these types is on the wire as soon as it is written.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from itertools import pairwise
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from facekeep.split.wire.primitives import (
    BOOL,
    NOTHING,
    U64,
    Codec,
    Reader,
    Writer,
    blob,
    fixed,
    listed,
    malformed,
    mapped,
    number,
    text,
    unwritable,
)

__all__ = ["MARKED", "codec_of", "described"]

TEXT_BYTES_MAX = 4 << 20
BYTES_MAX = 8 << 20
LIST_MAX = 1 << 20
WORD_BYTES_MAX = 64
IDENTIFIER_BYTES = 16
DEPTH_MAX = 4


class Loose:
    """Stands for the type of a value in a record of the store, which says itself of which kind it is."""


MARKED: Mapping[str, Any] = MappingProxyType({"Value": Loose})
"""What names mean in annotations other than where they are written: a type that names itself cannot be taken apart."""

_TEXT = text(TEXT_BYTES_MAX, prefix=4)
_BYTES = blob(BYTES_MAX, prefix=4)
_WORD = text(WORD_BYTES_MAX, 1, prefix=1)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME = number(8, 0, (datetime.max.replace(tzinfo=UTC) - _BEGINNING) // _MICROSECOND)
_DOUBLE = struct.Struct(">d")


def _write_time(writer: Writer, when: datetime) -> None:
    if when.tzinfo is None:
        raise unwritable("a time without its zone")
    _TIME.write(writer, (when - _BEGINNING) // _MICROSECOND)


def _write_double(writer: Writer, value: float) -> None:
    if not math.isfinite(value):
        raise unwritable("a number that is none")
    writer.put(_DOUBLE.pack(value))


def _read_double(reader: Reader) -> float:
    (value,) = _DOUBLE.unpack(reader.take(_DOUBLE.size))
    if not math.isfinite(value):
        raise malformed("holds a number that is none")
    return float(value)


_PLAIN: Mapping[Any, Codec[Any]] = {
    NoneType: NOTHING,
    bool: BOOL,
    int: U64,
    float: Codec(_write_double, _read_double, 8),
    str: _TEXT,
    bytes: _BYTES,
    datetime: Codec(_write_time, lambda reader: _BEGINNING + _TIME.read(reader) * _MICROSECOND, 8),
}


@cache
def codec_of(kind: Any) -> Codec[Any]:
    """The codec of a type.

    Raises:
        TypeError: there is none for it.
    """
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is Any or kind is Loose:
        return _LOOSE
    if isinstance(kind, NewType):
        if kind.__supertype__ is not bytes:
            raise TypeError(f"no encoding for {kind}")
        return fixed(IDENTIFIER_BYTES)
    made = _compound(get_origin(kind), get_args(kind))
    if made is None and isinstance(kind, type):
        made = _word(kind) if issubclass(kind, Enum) else _record(kind) if dataclasses.is_dataclass(kind) else None
    if made is None:
        raise TypeError(f"no encoding for {kind}")
    return made


def _compound(origin: Any, parts: tuple[Any, ...]) -> Codec[Any] | None:
    if origin in (Union, UnionType):
        return _optional(parts)
    if origin is tuple and parts[-1] is not ...:
        return _together([codec_of(part) for part in parts])
    if origin in _LISTS:
        return mapped(listed(codec_of(parts[0]), LIST_MAX, prefix=4), _LISTS[origin], tuple)
    if origin is frozenset:
        return _set(codec_of(parts[0]))
    if origin is Mapping:
        return _mapping(codec_of(parts[0]), codec_of(parts[1]))
    return None


_LISTS: Mapping[Any, Callable[[Iterable[Any]], Any]] = {tuple: tuple, list: list, Sequence: tuple, Iterable: tuple}


def _optional(parts: tuple[Any, ...]) -> Codec[Any]:
    (kind,) = (part for part in parts if part is not NoneType)
    inner = codec_of(kind)

    def write(writer: Writer, value: Any) -> None:
        BOOL.write(writer, value is not None)
        if value is not None:
            inner.write(writer, value)

    return Codec(write, lambda reader: inner.read(reader) if BOOL.read(reader) else None, 1 + inner.size_max)


def _together(codecs: Sequence[Codec[Any]]) -> Codec[tuple[Any, ...]]:
    """A tuple of a certain length: its members, one after the other."""

    def write(writer: Writer, values: tuple[Any, ...]) -> None:
        for codec, value in zip(codecs, values, strict=True):
            codec.write(writer, value)

    return Codec(write, lambda reader: tuple(codec.read(reader) for codec in codecs), sum(c.size_max for c in codecs))


def _set(item: Codec[Any]) -> Codec[frozenset[Any]]:
    """A list whose items rise by their encodings."""
    entries = listed(fixed_up(item), LIST_MAX, prefix=4)

    def write(writer: Writer, values: frozenset[Any]) -> None:
        entries.write(writer, sorted(item.encode(value) for value in values))

    def read(reader: Reader) -> frozenset[Any]:
        encoded = entries.read(reader)
        _check_rising(encoded)
        return frozenset(item.decode(each) for each in encoded)

    return Codec(write, read, entries.size_max)


def _mapping(key: Codec[Any], value: Codec[Any]) -> Codec[Mapping[Any, Any]]:
    """Pairs whose keys rise by their encodings."""
    count = number(4, 0, LIST_MAX)

    def write(writer: Writer, values: Mapping[Any, Any]) -> None:
        count.write(writer, len(values))
        for encoded, name in sorted((key.encode(name), name) for name in values):
            writer.put(encoded)
            value.write(writer, values[name])

    def read(reader: Reader) -> dict[Any, Any]:
        found, before = {}, b""
        for number_ in range(count.read(reader)):
            name = key.read(reader)
            encoded = key.encode(name)
            if number_:
                _check_rising([before, encoded])
            found[name], before = value.read(reader), encoded
        return found

    return Codec(write, read, 4 + LIST_MAX * (key.size_max + value.size_max))


def fixed_up(item: Codec[Any]) -> Codec[bytes]:
    """The encodings of a codec, as they are."""

    def read(reader: Reader) -> bytes:
        return item.encode(item.read(reader))

    return Codec(lambda writer, encoded: writer.put(encoded), read, item.size_max)


def _check_rising(encoded: Sequence[bytes]) -> None:
    if any(first >= second for first, second in pairwise(encoded)):
        raise malformed("holds a set or a mapping that is not in its order")


def _word(kind: type[Enum]) -> Codec[Any]:
    def read(reader: Reader) -> Any:
        try:
            return kind(_WORD.read(reader))
        except ValueError as problem:
            raise malformed("holds a word that means nothing here") from problem

    return Codec(lambda writer, member: _WORD.write(writer, str(member.value)), read, _WORD.size_max)


def _record(kind: type[Any]) -> Codec[Any]:
    hints = get_type_hints(kind, localns=dict(MARKED))
    fields = [(each.name, codec_of(hints[each.name])) for each in dataclasses.fields(kind)]

    def write(writer: Writer, value: Any) -> None:
        for name, codec in fields:
            codec.write(writer, getattr(value, name))

    def read(reader: Reader) -> Any:
        values = {name: codec.read(reader) for name, codec in fields}
        try:
            made = kind(**values)
        except (ValueError, TypeError) as problem:
            raise malformed("holds a record that cannot be") from problem
        # A record that puts its fields into a normal form would be read from several encodings.
        if any(getattr(made, name) != value for name, value in values.items()):
            raise malformed("holds a record that is not in its normal form")
        return made

    return Codec(write, read, sum(codec.size_max for _, codec in fields))


# Values that say of which kind they are

_KINDS: tuple[tuple[type[Any], Codec[Any]], ...] = (
    (NoneType, NOTHING),
    (bool, BOOL),  # before int, of which it is one
    (int, U64),
    (str, _TEXT),
    (bytes, _BYTES),
)
_SEQUENCE = len(_KINDS)
_KIND = number(1, 0, _SEQUENCE)
_COUNT = number(4, 0, LIST_MAX)


def _write_loose(writer: Writer, value: Any, depth: int = 0) -> None:
    for number_, (kind, codec) in enumerate(_KINDS):
        if isinstance(value, kind):
            _KIND.write(writer, number_)
            codec.write(writer, value)
            return
    if not isinstance(value, Sequence) or depth == DEPTH_MAX:
        raise unwritable("a value of this kind")
    _KIND.write(writer, _SEQUENCE)
    _COUNT.write(writer, len(value))
    for item in value:
        _write_loose(writer, item, depth + 1)


def _read_loose(reader: Reader, depth: int = 0) -> Any:
    kind = _KIND.read(reader)
    if kind < _SEQUENCE:
        return _KINDS[kind][1].read(reader)
    if depth == DEPTH_MAX:
        raise malformed("holds lists in lists in lists")
    return tuple(_read_loose(reader, depth + 1) for _ in range(_COUNT.read(reader)))


_LOOSE: Codec[Any] = Codec(_write_loose, _read_loose, 1 + BYTES_MAX)


# For the specification


def described(kind: Any) -> str:
    """A type as the specification names it."""
    origin, parts = get_origin(kind), [described(part) for part in get_args(kind) if part not in (NoneType, ...)]
    if origin in (Union, UnionType):
        return f"optional {parts[0]}"
    if origin is Mapping:
        return f"mapping of {parts[0]} to {parts[1]}"
    if origin is tuple and ... not in get_args(kind):
        return f"({', '.join(parts)})"
    if origin is not None:
        return f"{'set' if origin is frozenset else 'list'} of {parts[0]}"
    if isinstance(kind, NewType):
        return "identifier"
    return _WORDS.get(kind) or str(kind.__name__)


_WORDS: Mapping[Any, str] = {
    NoneType: "–", bool: "bool", int: "number", float: "double", str: "text", bytes: "bytes", datetime: "time",
    Any: "value", Loose: "value",
}  # fmt: skip

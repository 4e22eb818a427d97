"""Records as bytes, before they are sealed: JSON, padded so that its length tells nothing.

A record is ``length of the JSON (4 bytes, big-endian) ‖ JSON (UTF-8, sorted keys) ‖ zeros`` to a multiple of 256 bytes.
Bytes are written as ``{"hex": "…"}``, times as ISO 8601 in UTC.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from facekeep.errors import FormatError

__all__ = ["PAD_BYTES", "Value", "pack", "read_time", "unpack", "write_time"]

PAD_BYTES: Final = 256
"""A record is padded to a multiple of this, in bytes."""

_LENGTH_BYTES: Final = 4

Value: TypeAlias = "bool | int | str | bytes | Sequence[Value] | None"
"""What a record may hold under a name. A sequence comes back as a tuple."""


def pack(record: Mapping[str, Value], *, least: int = PAD_BYTES) -> bytes:
    """The padded bytes of a record.

    Args:
        record: what is written.
        least: how many bytes it takes at least, a multiple of the padding.

    Raises:
        FormatError: a value is of another type, or a text cannot be written as UTF-8.
    """
    try:
        plain = {str(name): _plain(value) for name, value in record.items()}
        written = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise FormatError("a text holds half of a surrogate pair") from None
    whole = len(written).to_bytes(_LENGTH_BYTES, "big") + written
    return (whole + bytes(-len(whole) % PAD_BYTES)).ljust(least, b"\0")


def unpack(packed: bytes) -> dict[str, Any]:
    """The record in padded bytes.

    Raises:
        FormatError: the bytes are no record.
    """
    end = _LENGTH_BYTES + int.from_bytes(packed[:_LENGTH_BYTES], "big")
    if len(packed) % PAD_BYTES or not _LENGTH_BYTES < end <= len(packed) or any(packed[end:]):
        raise FormatError("a record has the wrong length or padding")
    try:
        record = json.loads(packed[_LENGTH_BYTES:end])
        if isinstance(record, dict):
            return {name: _value(plain) for name, plain in record.items()}
    except (ValueError, KeyError, TypeError):
        pass
    raise FormatError("a record is not of the form that this version writes")


def write_time(when: datetime) -> str:
    """A time as it is kept.

    Raises:
        ValueError: the time has no time zone.
    """
    if when.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return when.astimezone(UTC).isoformat()


def read_time(written: str) -> datetime:
    """A kept time, in UTC."""
    return datetime.fromisoformat(written)


def _plain(value: Value) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise FormatError(f"a record cannot hold a {type(value).__name__}")


def _value(plain: Any) -> Any:
    if isinstance(plain, dict):
        return bytes.fromhex(plain["hex"])
    if isinstance(plain, list):
        return tuple(_value(item) for item in plain)
    return plain

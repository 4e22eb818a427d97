"""Frames: the header before every payload, and how a body is cut into them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from facekeep.split.wire.methods import Method
from facekeep.split.wire.primitives import malformed, unwritable

VERSION = 1
FRAME_BYTES_MAX = 1 << 20
HEADER = struct.Struct(">BBBBII")
REQUESTS_MAX = 2**32 - 1
"""Requests on one connection, after which it ends."""


class Kind(IntEnum):
    """What a message is."""

    REQUEST = 0
    ANSWER = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a frame.

    Attributes:
        method: what is asked.
        kind: request, answer or error.
        more: whether another frame of this message follows.
        request: number of the request on its connection, from 1.
        length: bytes of payload, 0 to 1,048,576.
    """

    method: Method
    kind: Kind
    more: bool
    request: int
    length: int

    def encode(self) -> bytes:
        """The 12 bytes.

        Raises:
            UsageError: a number is out of its range.
        """
        if not (1 <= self.request <= REQUESTS_MAX and 0 <= self.length <= FRAME_BYTES_MAX):
            raise unwritable("a frame of such a number or length")
        return HEADER.pack(VERSION, self.method, self.kind, self.more, self.request, self.length)

    @classmethod
    def decode(cls, raw: bytes | bytearray | memoryview) -> Header:
        """The header in 12 bytes.

        Raises:
            FormatError: another version, an unknown method or kind, or a field out of its range.
        """
        if len(raw) != HEADER.size:
            raise malformed("has a header of another size")
        version, method, kind, more, request, length = HEADER.unpack(raw)
        if version != VERSION:
            raise malformed("is of another version")
        if more > 1 or request < 1 or length > FRAME_BYTES_MAX:
            raise malformed("has a header that cannot be")
        try:
            return cls(Method(method), Kind(kind), more == 1, request, length)
        except ValueError as problem:
            raise malformed("has an unknown method or kind") from problem


def cut(method: Method, kind: Kind, request: int, body: bytes) -> Iterator[bytes]:
    """The frames of a whole message, each with its header.

    Args:
        method: what is asked.
        kind: request, answer or error.
        request: its number.
        body: of any length; its bound is the codec's.
    """
    view = memoryview(body)
    for start in range(0, len(body) or 1, FRAME_BYTES_MAX):
        part = view[start : start + FRAME_BYTES_MAX]
        more = start + FRAME_BYTES_MAX < len(body)
        yield Header(method, kind, more, request, len(part)).encode() + part


def check_whole(header: Header, before: int, bound: int) -> None:
    """Check a header against what it continues, before its payload is read.

    Args:
        header: of a frame of a whole message.
        before: bytes of the frames before.
        bound: of the body.

    Raises:
        FormatError: the body would be too long, or is cut otherwise than it has to be.
    """
    if before + header.length > bound:
        raise malformed("is longer than its method allows")
    if (header.more and header.length != FRAME_BYTES_MAX) or (before and not header.length):
        raise malformed("is cut into frames otherwise than it has to be")


def check_stream(header: Header, bound: int) -> None:
    """Check the header of a frame of a stream, before its payload is read.

    Raises:
        FormatError: the frame would be too long, is empty and not the last, or is the last and not empty.
    """
    if header.length > bound:
        raise malformed("is longer than its method allows")
    if header.more != (header.length > 0):
        raise malformed("is a stream that does not end as it has to")

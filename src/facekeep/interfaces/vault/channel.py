"""Frames over one TLS connection, each within a time, none larger than its bound."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from time import monotonic

from facekeep.split.wire.frames import HEADER, Header, check_stream, check_whole
from facekeep.split.wire.primitives import malformed


class Cut(ConnectionError):  # noqa: N818 - it never leaves this package
    """The other end closed the connection in the middle of a message."""


class Silence(TimeoutError):  # noqa: N818 - likewise
    """Nothing came in time, not even the first byte."""


class Channel:
    """One connection. Serves one thread at a time."""

    def __init__(self, connection: ssl.SSLSocket, seconds: float) -> None:
        """Take over a connection.

        Args:
            connection: after its handshake.
            seconds: how long a frame may take, sent or received.
        """
        self._connection = connection
        self._seconds = seconds

    def send(self, frames: Iterable[bytes]) -> None:
        """Send frames in order.

        Raises:
            OSError: the connection failed, or a frame took too long.
        """
        for frame in frames:
            self._connection.settimeout(self._seconds)
            self._connection.sendall(frame)

    def header(self, seconds: float | None = None) -> Header | None:
        """The next header; None where the other end has closed before it.

        Args:
            seconds: how long to wait for it, if not as long as for a frame.

        Raises:
            FormatError: it is no header.
            OSError: the connection failed, was cut in it, or it did not come in time (``Silence``: nothing of it).
        """
        raw = bytearray(HEADER.size)
        if not self._fill(memoryview(raw), seconds or self._seconds):
            return None
        return Header.decode(raw)

    def _fill(self, into: memoryview, seconds: float) -> bool:
        deadline, filled = monotonic() + seconds, 0
        while filled < len(into):
            # A time of 0 would mean not to wait, and to fail otherwise than for being late.
            self._connection.settimeout(max(deadline - monotonic(), 1e-6))
            try:
                received = self._connection.recv_into(into[filled:])
            except TimeoutError as problem:
                raise problem if filled else Silence from None
            if not received:
                if filled:
                    raise Cut
                return False
            filled += received
        return True

    def _payload(self, header: Header, body: bytearray) -> None:
        before = len(body)
        body.extend(bytes(header.length))
        with memoryview(body) as view:
            if not self._fill(view[before:], self._seconds):
                raise Cut

    def next(self, first: Header) -> Header:
        """The header of a further frame of a message.

        Raises:
            FormatError: it belongs to another message.
            OSError: see :meth:`header`.
        """
        header = self.header()
        if header is None:
            raise Cut
        if (header.method, header.request) != (first.method, first.request):
            raise malformed("is mixed with another")
        return header

    def whole(self, first: Header, bound: int) -> bytearray:
        """The body of a whole message whose first header was read.

        Raises:
            FormatError: it is longer than ``bound`` bytes, or cut into frames otherwise than it has to be.
            OSError: see :meth:`header`.
        """
        body, header = bytearray(), first
        while True:
            check_whole(header, len(body), bound)
            self._payload(header, body)
            if not header.more:
                return body
            header = self._same_kind(first)

    def stream(self, first: Header, bound: int) -> Iterator[bytearray]:
        """The frames of a stream whose first header was read, one by one.

        Raises:
            FormatError: a frame is longer than ``bound`` bytes, or ends the stream otherwise than it has to.
            OSError: see :meth:`header`.
        """
        header = first
        while True:
            check_stream(header, bound)
            if not header.more:
                return
            yield self.frame(header)
            header = self._same_kind(first)

    def frame(self, header: Header) -> bytearray:
        """The payload of the frame whose header was read."""
        body = bytearray()
        self._payload(header, body)
        return body

    def discard(self, first: Header, frames: int) -> None:
        """Read a message to its end and keep nothing.

        Args:
            first: its first header.
            frames: how many frames it can have.

        Raises:
            FormatError: it has more.
            OSError: see :meth:`header`.
        """
        header = first
        for _ in range(frames):
            self.frame(header)
            if not header.more:
                return
            header = self._same_kind(first)
        raise malformed("is longer than its method allows")

    def _same_kind(self, first: Header) -> Header:
        header = self.next(first)
        if header.kind is not first.kind:
            raise malformed("is mixed with another")
        return header

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

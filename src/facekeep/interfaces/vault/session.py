"""One caller's connection at the end that answers: request after request, until it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from facekeep.errors import FacekeepError, FormatError, RefusedError
from facekeep.interfaces.vault.channel import Channel, Silence
from facekeep.interfaces.vault.handlers import NAMES, Desk, Handler, Service
from facekeep.split.wire.exchanges import AnyExchange, Download, Upload, request_bound
from facekeep.split.wire.failures import ERROR, told
from facekeep.split.wire.frames import FRAME_BYTES_MAX, Header, Kind, cut
from facekeep.split.wire.methods import Method, Role, may
from facekeep.split.wire.primitives import malformed, unwritable
from facekeep.split.wire.write_messages import ENROL_ROWS_MAX


class Session:
    """Answers one caller."""

    def __init__(
        self, service: Service, desk: Desk, caller: Role, channel: Channel, failed: Callable[[BaseException], None]
    ) -> None:
        """Be ready.

        Args:
            service: who is asked.
            desk: what this connection has to itself; closed by who made it.
            caller: who asks, by its pin.
            channel: the connection.
            failed: told of what a role raised that is none of Facekeep's errors; the caller is not.
        """
        self._service = service
        self._desk = desk
        self._handlers = {**service.handlers, **desk.handlers}
        self._caller = caller
        self._channel = channel
        self._failed = failed

    def run(self, idle_seconds: float) -> None:
        """Answer until the caller closes the connection, or asks nothing any more.

        Args:
            idle_seconds: how long to wait for a request.

        Raises:
            FormatError: a fault of framing: nothing that follows could be understood.
            OSError: the connection failed, or a frame did not come in time.
        """
        for number in count(1):
            try:
                header = self._channel.header(self._desk.patience or idle_seconds)
            except Silence:
                return
            if header is None:
                return
            if header.kind is not Kind.REQUEST or header.request != number:
                raise malformed("is not the next request")
            self._channel.send(self._answer(header))

    def _answer(self, header: Header) -> Iterator[bytes]:
        handler = self._handlers.get(header.method)
        if handler is None or not may(self._caller, self._service.role, header.method):
            self._channel.discard(header, _frames_max(header.method))
            refusal = RefusedError("this caller may not ask this", hint="Check which certificate is of which role.")
            return self._error(header, refusal)
        return self._call(handler, header, self._read(handler.exchange, header))

    def _read(self, exchange: AnyExchange, header: Header) -> Callable[[], Any]:
        """Read a request to its end.

        Returns:
            Gives what was asked, or raises FormatError where it did not parse.
        """
        if isinstance(exchange, Upload):
            return self._read_upload(exchange, header)
        codec = exchange.request
        body = self._channel.whole(header, codec.size_max)
        return lambda: codec.decode(body)

    def _read_upload(self, exchange: Upload[Any, Any], header: Header) -> Callable[[], Any]:
        # A half would otherwise hold its lock while it waits for the caller's next frame.
        heads: list[Any] = []
        items: list[Any] = []
        problem: FormatError | None = None
        for number, frame in enumerate(self._channel.stream(header, request_bound(exchange.method))):
            if number > exchange.most:
                raise malformed("is longer than its method allows")
            if problem is not None:
                continue
            try:
                if number:
                    items.extend(exchange.items.decode(frame))
                else:
                    heads.append(exchange.head.decode(frame))
                if len(items) > exchange.most:
                    raise malformed("holds more rows than its method allows")
            except FormatError as found:
                problem = found
                items.clear()

        def asked() -> tuple[Any, list[Any]]:
            if problem is not None:
                raise problem
            if not heads:
                raise malformed("is too short for its content")
            return heads[0], items

        return asked

    def _call(self, handler: Handler, header: Header, asked: Callable[[], Any]) -> Iterator[bytes]:
        """The frames of the answer, of a stream as they are made; or of an error."""
        exchange = handler.exchange
        try:
            answer = handler.answer(self._caller, asked())
            if isinstance(exchange, Download):
                yield from _stream(exchange, header, answer)
            elif isinstance(exchange, Upload):
                yield from cut(header.method, Kind.ANSWER, header.request, b"")
            else:
                yield from cut(header.method, Kind.ANSWER, header.request, exchange.answer.encode(answer))
        except FacekeepError as problem:
            yield from self._error(header, problem)
        except Exception as problem:  # noqa: BLE001 - whatever a disk or a bug raises, the caller gets an answer, and no more
            self._failed(problem)
            yield from self._error(header, problem)

    def _error(self, header: Header, problem: BaseException) -> Iterator[bytes]:
        body = ERROR.encode(told(problem, NAMES[self._service.role]))
        return cut(header.method, Kind.ERROR, header.request, body)


def _stream(exchange: Download[Any, Any], header: Header, answer: Iterator[Any]) -> Iterator[bytes]:
    for number, item in enumerate(answer):
        if number == exchange.most:
            raise unwritable("so many rows")
        frame = exchange.item.encode(item)
        yield Header(header.method, Kind.ANSWER, True, header.request, len(frame)).encode() + frame
    yield from cut(header.method, Kind.ANSWER, header.request, b"")


def _frames_max(method: Method) -> int:
    if method is Method.STAGE_ENROL:
        return ENROL_ROWS_MAX + 2
    return max(1, -(-request_bound(method) // FRAME_BYTES_MAX))

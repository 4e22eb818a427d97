"""The three ways to ask: a question and an answer, a stream and an answer, a question and a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from time import monotonic
from typing import Any, TypeVar

from facekeep.errors import FacekeepError, UsageError
from facekeep.interfaces.vault.channel import Silence
from facekeep.interfaces.vault.pool import Connection, Pool
from facekeep.split.wire.exchanges import ASK_REGISTRY, EPOCH, Download, Exchange, Upload
from facekeep.split.wire.failures import ERROR
from facekeep.split.wire.frames import Header, Kind, check_stream, cut
from facekeep.split.wire.methods import Method, Role
from facekeep.split.wire.primitives import NOTHING, Codec, malformed
from facekeep.split.wire.write_messages import ROWS_PER_FRAME

Q = TypeVar("Q")
A = TypeVar("A")
T = TypeVar("T")

_LONG = frozenset({
    Method.STATUS, Method.LOG_HEAD, Method.LOG_COMMITMENTS, Method.STAGE_ENROL, Method.STAGE_ERASE, Method.STAGE_MARKS,
    Method.STAGE_SWITCH, Method.STAGE_OPERATORS, Method.STAGE_REFRESH, Method.COMMIT, Method.ABORT, Method.OPEN,
    Method.ASK, Method.CLOSE, Method.BEGIN_EPOCH, Method.FINISH_EPOCH,
})  # fmt: skip
_SIGNS_OF_LIFE: Mapping[Role, Exchange[None, Any]] = {
    Role.LEFT: EPOCH,
    Role.RIGHT: EPOCH,
    Role.REGISTRAR: ASK_REGISTRY,
}
"""What a role answers at once whatever else it does."""


def ask(pool: Pool, exchange: Exchange[Q, A], asked: Q) -> A:
    """Ask, and give the answer.

    Raises:
        FacekeepError: as the other end raised it.
        UnavailableError: it cannot be reached, or its answer did not come; it may have done what was asked.
        UsageError: what was asked has no encoding.
    """
    with pool.lend() as connection:
        answer = _exchanged(pool, connection, exchange, asked)
    return _given(answer)


def ask_on(pool: Pool, connection: Connection, exchange: Exchange[Q, A], asked: Q) -> A:
    """Ask on a connection that the caller was lent, which serves on after an error. Raises what :func:`ask` does."""
    return _given(_exchanged(pool, connection, exchange, asked))


def is_there(pool: Pool) -> None:
    """See whether the other end answers anything, on a connection of its own.

    Raises:
        UnavailableError: it does not.
    """
    with pool.aside() as connection:
        _exchanged(pool, connection, _SIGNS_OF_LIFE[pool.role], None)


def _exchanged(pool: Pool, connection: Connection, exchange: Exchange[Q, A], asked: Q) -> tuple[A] | FacekeepError:
    body = exchange.request.encode(asked)
    request = connection.next_request()
    connection.channel.send(cut(exchange.method, Kind.REQUEST, request, body))
    return _answer(pool, connection, exchange.method, request, exchange.answer)


def upload(pool: Pool, exchange: Upload[Q, T], head: Q, items: Iterable[T]) -> None:
    """Send a stream, and wait until all of it was done. Raises what :func:`ask` does."""
    with pool.lend() as connection:
        request = connection.next_request()
        connection.channel.send(_upload_frames(exchange, request, head, items))
        answer = _answer(pool, connection, exchange.method, request, NOTHING)
    _given(answer)


def download(pool: Pool, exchange: Download[Q, T], asked: Q) -> Iterator[T]:
    """Ask, and give the items of the stream that is answered as they come. Raises what :func:`ask` does."""
    body = exchange.request.encode(asked)
    failure: FacekeepError | None = None
    with pool.lend() as connection:
        request = connection.next_request()
        connection.channel.send(cut(exchange.method, Kind.REQUEST, request, body))
        for _ in range(exchange.most + 1):
            frame = _frame(pool, connection, exchange, request)
            if frame is None:
                break
            if isinstance(frame, FacekeepError):
                failure = frame
                break
            with pool.parsed():
                item = exchange.item.decode(frame)
            yield item
        else:
            raise pool.unavailable("It did not stop to answer.")
    if failure is not None:
        raise failure


def _frame(
    pool: Pool, connection: Connection, exchange: Download[Any, Any], request: int
) -> bytearray | FacekeepError | None:
    with pool.parsed():
        header = _header(pool, connection, exchange.method, request)
        if header.kind is Kind.ERROR:
            return ERROR.decode(connection.channel.whole(header, ERROR.size_max))
        check_stream(header, exchange.item.size_max)
        return connection.channel.frame(header) if header.more else None


def _upload_frames(exchange: Upload[Q, T], request: int, head: Q, items: Iterable[T]) -> Iterator[bytes]:
    def frame(body: bytes) -> bytes:
        return Header(exchange.method, Kind.REQUEST, True, request, len(body)).encode() + body

    yield frame(exchange.head.encode(head))
    rest, sent = iter(items), 0
    while some := list(islice(rest, ROWS_PER_FRAME)):
        sent += len(some)
        if sent > exchange.most:
            raise UsageError(f"a transaction takes at most {exchange.most:,} rows", hint="Enrol fewer at once.")
        yield frame(exchange.items.encode(some))
    yield from cut(exchange.method, Kind.REQUEST, request, b"")


def _answer(
    pool: Pool, connection: Connection, method: Method, request: int, codec: Codec[A]
) -> tuple[A] | FacekeepError:
    """The answer, in a tuple since it may itself be None; or the error that came in its place."""
    with pool.parsed():
        header = _header(pool, connection, method, request)
        if header.kind is Kind.ERROR:
            return ERROR.decode(connection.channel.whole(header, ERROR.size_max))
        return (codec.decode(connection.channel.whole(header, codec.size_max)),)


def _header(pool: Pool, connection: Connection, method: Method, request: int) -> Header:
    header = _awaited(pool, connection, method)
    if header is None:
        raise ConnectionResetError
    if header.kind is Kind.REQUEST or (header.method, header.request) != (method, request):
        raise malformed("does not answer what was asked")
    return header


def _awaited(pool: Pool, connection: Connection, method: Method) -> Header | None:
    """The first header of an answer. A long one is waited for as long as the other end gives signs of life."""
    limits = pool.limits
    if method not in _LONG:
        return connection.channel.header(limits.answer_seconds)
    until = monotonic() + limits.long_answer_seconds
    while True:
        try:
            return connection.channel.header(limits.answer_seconds)
        except Silence:
            if monotonic() > until:
                raise
        is_there(pool)


def _given(answer: tuple[A] | FacekeepError) -> A:
    if isinstance(answer, FacekeepError):
        raise answer
    return answer[0]

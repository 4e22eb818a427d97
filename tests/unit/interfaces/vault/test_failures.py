"""What is cut, late, garbage or broken: never a wrong answer, never asked again, and the next call works."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from select import select

import numpy as np
import pytest

from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.errors import DamagedStoreError, FormatError, UnavailableError, UsageError
from facekeep.interfaces.vault.calls import download
from facekeep.interfaces.vault.handlers import Handler, Service, serve_left
from facekeep.interfaces.vault.server import Happening, ServerLimits
from facekeep.interfaces.vault.tls import client_context
from facekeep.split.codes import fine_code
from facekeep.split.gate import Gate, Question
from facekeep.split.messages import LeftPart, LeftTables
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.failures import ERROR
from facekeep.split.wire.frames import FRAME_BYTES_MAX, HEADER, Header, Kind, cut
from facekeep.split.wire.methods import Method, Role
from tests.unit.interfaces.vault.conftest import LIMITS, Apart, Site
from tests.unit.split.cluster import FMRS, KEEP, MODEL, units

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

D = 64


@pytest.fixture
def keep(apart: Callable[..., Apart]) -> Apart:
    return apart(dimension=D)


def _raw(site: Site, address: tuple[str, int], name: str = "gate") -> ssl.SSLSocket:
    plain = socket.create_connection(address, 20)
    tls = client_context(site.keys.files(name), site.keys.peers(Role.LEFT)).wrap_socket(plain)
    site.stack.callback(tls.close)
    return tls


def _all(connection: ssl.SSLSocket) -> bytes:
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionError:
        pass
    return received


# Cut lines


@pytest.mark.parametrize("after", [2000, 100_000, 3_000_000])
def test_a_line_cut_in_the_middle_of_an_answer(keep: Apart, site: Site, after: int) -> None:
    people = units(8, D)
    names = keep.enrol(people)
    line = site.line(keep.left_server)
    remote = site.left(line)
    gate = Gate(
        remote,
        keep.right,
        keep.identities["gate"],
        keep_id=KEEP,
        model=MODEL,
        levels=len(FMRS),
        clock=lambda: keep.now,
        desk=keep.desk,
    )
    question = Question("identify", 2, "op", "c")
    assert gate.search(question, fine_code(people[5]))[0].pseudonym == names[5]
    line.cut_after = line.carried[-1] + after
    searches = keep.left_half.status().searches
    with pytest.raises(UnavailableError, match="the left half cannot be reached"):
        gate.search(question, fine_code(people[5]))
    assert keep.left_half.status().searches == searches + 1  # what was lost was asked once
    line.cut_after = None
    assert gate.search(question, fine_code(people[5]))[0].pseudonym == names[5]
    gate.close()


def test_a_write_whose_answer_is_lost_is_not_repeated(keep: Apart, site: Site) -> None:
    names = keep.enrol(units(2, D))
    line = site.line(keep.left_server)
    remote = site.left(line)
    line.cut_after = 0
    with pytest.raises(UnavailableError):
        remote.stage_erase(TransactionId(bytes(16)), names)
    line.cut_after = None
    assert len(line.carried) == 1
    assert remote.staged() == keep.left.staged()


def test_deltas_cut_in_the_middle_stage_nothing(keep: Apart, site: Site) -> None:
    keep.enrol(units(600, D))
    line = site.line(keep.left_server)
    keep.right_half._twin = site.left(line, "right")
    transaction = TransactionId(os.urandom(16))
    keep.left.stage_refresh(transaction)
    line.cut_after = 70_000
    with pytest.raises(UnavailableError) as refused:
        keep.right.stage_refresh(transaction)
    assert refused.value.message == "the left half cannot be reached"
    assert keep.right.staged() == []
    line.cut_after = None
    keep.right.stage_refresh(transaction)
    for half in (keep.left, keep.right):
        half.commit(transaction)
    assert keep.left.status().root == keep.right.status().root


def test_a_selector_that_is_gone_ends_the_search(keep: Apart, site: Site) -> None:
    people = units(1010, D)
    keep.enrol(people)
    keep.selector_server.close()
    with pytest.raises(UnavailableError, match="the registrar cannot be reached"):
        keep.identify(people[0])
    assert len(keep.left) == 1010


def test_a_half_that_is_gone_and_comes_back(keep: Apart, site: Site) -> None:
    remote = keep.left
    assert len(remote) == 0
    host, port = keep.left_server.address
    keep.left_server.close()
    with pytest.raises(UnavailableError):
        len(remote)
    with site.serve_at(serve_left(keep.left_half), (host, port), Role.GATE, Role.RIGHT):
        assert len(remote) == 0


def test_rows_that_fail_while_they_are_sent_stage_nothing(keep: Apart) -> None:
    def rows() -> Iterator[LeftPart]:
        for _ in range(300):
            yield LeftPart(RowHead(Pseudonym(os.urandom(16)), 0, 0, "g", 1), bytes(32))
        raise UsageError("there are no more")

    with pytest.raises(UsageError, match="no more"):
        keep.left.stage_enrol(TransactionId(bytes(16)), rows())
    assert keep.left.staged() == []


def test_too_many_rows_are_refused_by_the_client(keep: Apart) -> None:
    part = LeftPart(RowHead(Pseudonym(bytes(16)), 0, 0, "g", 1), bytes(32))
    with pytest.raises(UsageError, match="at most 65,536 rows"):
        keep.left.stage_enrol(TransactionId(bytes(16)), (part for _ in range(65_537)))
    assert keep.left.staged() == []


# Garbage


def _hello(number: int = 1) -> bytes:
    return b"".join(cut(Method.HELLO, Kind.REQUEST, number, b""))


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(12),
        b"\xff" * 4096,
        _hello(2),
        _hello() + _hello(3),
        b"".join(cut(Method.HELLO, Kind.ANSWER, 1, b"")),
        Header(Method.HELLO, Kind.REQUEST, False, 1, 5).encode() + b"hello",
        Header(Method.BEGIN, Kind.REQUEST, True, 1, 5).encode() + b"hello",
        Header(Method.STAGE_ENROL, Kind.REQUEST, False, 1, 16).encode() + bytes(16),
        HEADER.pack(1, Method.BEGIN, 0, 0, 1, FRAME_BYTES_MAX + 1),
        HEADER.pack(1, Method.OFFER, 0, 1, 1, FRAME_BYTES_MAX) + bytes(FRAME_BYTES_MAX),
    ],
    ids=str,
)
def test_garbage_ends_the_connection_and_the_server_lives_on(keep: Apart, site: Site, sent: bytes) -> None:
    connection = _raw(site, keep.left_server.address)
    connection.sendall(sent)
    if sent[1:2] == bytes([Method.OFFER]):
        connection.sendall(HEADER.pack(1, Method.HELLO, 0, 0, 1, 0))
    answer = _all(connection)
    assert len(answer) in (0, HEADER.size + ex.BEGIN_SESSION.answer.size_max)
    event = site.told.next()
    assert (event.what, event.caller) == (Happening.MALFORMED, Role.GATE)
    assert len(keep.left) == 0


def test_bytes_that_are_not_even_tls(keep: Apart, site: Site) -> None:
    with socket.create_connection(keep.left_server.address, 20) as plain:
        plain.sendall(os.urandom(300))
        assert len(_plain_rest(plain)) < 100  # an alert, or nothing
    assert site.told.next().what is Happening.REFUSED
    assert len(keep.left) == 0


def _plain_rest(connection: socket.socket) -> bytes:
    received = b""
    try:
        while part := connection.recv(4096):
            received += part
    except ConnectionError:
        pass
    return received


def _ask_raw(connection: ssl.SSLSocket, method: Method, number: int, *frames: bytes) -> tuple[Header, bytes]:
    connection.sendall(b"".join(frames))
    stream = connection.makefile("rb")
    header = Header.decode(stream.read(HEADER.size))
    assert (header.method, header.request) == (method, number)
    return header, stream.read(header.length)


def test_a_body_that_does_not_parse_is_answered_and_the_connection_goes_on(keep: Apart, site: Site) -> None:
    connection = _raw(site, keep.left_server.address)
    row = Header(Method.STAGE_ENROL, Kind.REQUEST, True, 2, 3).encode() + b"row"
    end = Header(Method.STAGE_ENROL, Kind.REQUEST, False, 2, 0).encode()
    head = Header(Method.STAGE_ENROL, Kind.REQUEST, True, 2, 16).encode() + bytes(16)
    for method, number, frames in (
        (Method.COMMIT, 1, list(cut(Method.COMMIT, Kind.REQUEST, 1, bytes(15)))),
        (Method.STAGE_ENROL, 2, [head, row, row, end]),
        (Method.STAGE_ENROL, 3, [Header(Method.STAGE_ENROL, Kind.REQUEST, False, 3, 0).encode()]),
    ):
        header, body = _ask_raw(connection, method, number, *frames)
        assert header.kind is Kind.ERROR
        assert isinstance(ERROR.decode(body), FormatError)
    header, body = _ask_raw(connection, Method.EPOCH, 4, *cut(Method.EPOCH, Kind.REQUEST, 4, b""))
    assert (header.kind, body) == (Kind.ANSWER, bytes(4))
    assert keep.left.staged() == []


class _Odd:
    """A server of bytes that are no answer, over proper TLS."""

    def __init__(self, site: Site, answer: bytes) -> None:
        from facekeep.interfaces.vault.tls import server_context

        self._context = server_context(site.keys.files("left"), site.keys.peers(Role.GATE))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._answer = answer
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        site.stack.callback(self._close)

    def _run(self) -> None:
        plain, _ = self._listener.accept()
        with self._context.wrap_socket(plain, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(self._answer)
            tls.recv(1)  # until the client has gone

    def _close(self) -> None:
        self._thread.join(20)
        self._listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff" * 12,
        Header(Method.EPOCH, Kind.ANSWER, False, 2, 4).encode() + bytes(4),
        Header(Method.ROWS, Kind.ANSWER, False, 1, 4).encode() + bytes(4),
        Header(Method.EPOCH, Kind.REQUEST, False, 1, 4).encode() + bytes(4),
        Header(Method.EPOCH, Kind.ANSWER, False, 1, 3).encode() + bytes(3),
        Header(Method.EPOCH, Kind.ANSWER, False, 1, 5).encode() + bytes(5),
        Header(Method.EPOCH, Kind.ERROR, False, 1, 3).encode() + bytes(3),
    ],
    ids=str,
)
def test_an_answer_that_does_not_parse_is_none(site: Site, answer: bytes) -> None:
    remote = site.left(_Odd(site, answer))  # type: ignore[arg-type]
    with pytest.raises(UnavailableError) as refused:
        _ = remote.epoch
    assert "does not parse" in refused.value.hint


def test_an_answer_that_does_not_come_in_time_is_none(site: Site) -> None:
    remote = site.left(_Odd(site, b"\x01"), limits=replace(LIMITS, answer_seconds=0.2))  # type: ignore[arg-type]
    with pytest.raises(UnavailableError) as refused:
        _ = remote.epoch
    assert "in time" in refused.value.hint


# Failures of a role


def _serving(method: ex.AnyExchange, answer: Callable[[], object]) -> Service:
    return Service(Role.LEFT, {method.method: Handler(method, lambda *_: answer())})


def test_a_failure_that_is_none_of_ours_tells_nothing(site: Site) -> None:
    def fail() -> object:
        raise OSError(28, "No space left on device", "secret.db")

    server = site.serve(_serving(ex.EPOCH, fail), Role.GATE)
    remote = site.left(server)
    for _ in range(2):
        with pytest.raises(DamagedStoreError) as refused:
            _ = remote.epoch
        assert (refused.value.message, refused.value.store) == ("the left half failed", "left half")
        assert "secret" not in refused.value.hint
        event = site.told.next()
        assert (event.what, event.caller) == (Happening.FAILED, Role.GATE)
        assert isinstance(event.error, OSError)


def test_a_failure_in_the_middle_of_a_stream_arrives_after_what_was_whole(site: Site) -> None:
    def some() -> Iterator[bytes]:
        yield bytes(29)
        yield bytes(30)
        raise DamagedStoreError("the left half is damaged", store="left", hint="Restore it.")

    server = site.serve(_serving(ex.DELTAS, some), Role.RIGHT)
    stream = site.left(server, "right").deltas(TransactionId(bytes(16)))
    assert [next(stream), next(stream)] == [bytes(29), bytes(30)]
    with pytest.raises(DamagedStoreError) as refused:
        next(stream)
    assert (refused.value.message, refused.value.hint, refused.value.store) == (
        "the left half is damaged",
        "Restore it.",
        "left",
    )


def test_a_stream_that_is_left_gives_its_connection_back(site: Site) -> None:
    server = site.serve(_serving(ex.DELTAS, lambda: iter([bytes(29)] * 50)), Role.RIGHT)
    remote = site.left(server, "right", replace(LIMITS, connections=1, answer_seconds=5))
    stream = remote.deltas(TransactionId(bytes(16)))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(list(remote.deltas(TransactionId(bytes(16))))) == 50


_SHORT = replace(ex.DELTAS, most=2)


def test_a_stream_longer_than_its_bound_is_an_error(site: Site) -> None:
    server = site.serve(_serving(_SHORT, lambda: iter([bytes(29)] * 3)), Role.RIGHT)
    with pytest.raises(UsageError, match="cannot hold"):
        list(site.left(server, "right").deltas(TransactionId(bytes(16))))


def test_a_server_that_does_not_stop_to_answer_is_left(site: Site) -> None:
    server = site.serve(_serving(ex.DELTAS, lambda: iter([bytes(29)] * 9)), Role.RIGHT)
    stream = download(site.left(server, "right")._pool, _SHORT, TransactionId(bytes(16)))
    with pytest.raises(UnavailableError, match="left half"):
        list(stream)


@pytest.mark.parametrize(("sizes", "what"), [((2, 1), FormatError), ((1, 1, 1), None)], ids=["rows", "frames"])
def test_an_upload_longer_than_its_bound(site: Site, sizes: tuple[int, ...], what: type | None) -> None:
    asked: list[object] = []
    exchange = replace(ex.LEFT_ENROL, most=2)
    handler = Handler(exchange, lambda _, rows: asked.append(rows))
    connection = _raw(site, site.serve(Service(Role.LEFT, {exchange.method: handler}), Role.GATE).address)
    part = LeftPart(RowHead(Pseudonym(bytes(16)), 0, 0, "g", 1), bytes(32))
    bodies = [bytes(16), *(exchange.items.encode([part] * size) for size in sizes)]
    frames = [Header(exchange.method, Kind.REQUEST, True, 1, len(body)).encode() + body for body in bodies]
    connection.sendall(b"".join(frames) + Header(exchange.method, Kind.REQUEST, False, 1, 0).encode())
    answer = _all_of_one(connection)
    if what is None:  # more frames than there could be rows: who sends them is not listened to any longer
        assert answer == b""
        assert site.told.next().what is Happening.MALFORMED
    else:
        assert isinstance(ERROR.decode(answer[HEADER.size :]), what)
    assert asked == []


def _all_of_one(connection: ssl.SSLSocket) -> bytes:
    """The one answer of a connection, or nothing where it ends without."""
    try:
        stream = connection.makefile("rb")
        header = stream.read(HEADER.size)
        return header + stream.read(Header.decode(header).length) if header else b""
    except ConnectionError:
        return b""


def test_an_answer_that_has_no_encoding_is_an_error(site: Site) -> None:
    server = site.serve(_serving(ex.EPOCH, lambda: 2**32), Role.GATE)
    with pytest.raises(UsageError, match="cannot hold"):
        _ = site.left(server).epoch


# Limits


def test_connections_are_limited(keep: Apart, site: Site) -> None:
    server = site.serve(serve_left(keep.left_half), Role.GATE, limits=ServerLimits(connections=1, closing_seconds=1))
    first = site.left(server)
    assert len(first) == 0
    with pytest.raises(UnavailableError):
        len(site.left(server))
    assert site.told.next().what is Happening.FULL
    assert len(first) == 0


def test_a_stranger_who_says_nothing_is_disconnected(keep: Apart, site: Site) -> None:
    limits = ServerLimits(handshake_seconds=0.1, closing_seconds=1)
    server = site.serve(serve_left(keep.left_half), Role.GATE, limits=limits)
    with socket.create_connection(server.address, 20) as plain:
        assert _plain_rest(plain) == b""
    event = site.told.next()
    assert event.what is Happening.REFUSED
    assert isinstance(event.error, TimeoutError)


def test_a_caller_who_stops_in_a_message_is_disconnected(keep: Apart, site: Site) -> None:
    limits = ServerLimits(frame_seconds=0.1, idle_seconds=20, closing_seconds=1)
    server = site.serve(serve_left(keep.left_half), Role.GATE, limits=limits)
    connection = _raw(site, server.address)
    connection.sendall(Header(Method.COMMIT, Kind.REQUEST, False, 1, 16).encode() + bytes(15))
    assert _all(connection) == b""
    assert site.told.next().what is Happening.BROKEN


def test_an_idle_connection_that_the_server_closed_is_replaced(keep: Apart, site: Site) -> None:
    limits = ServerLimits(idle_seconds=0.05, closing_seconds=1)
    server = site.serve(serve_left(keep.left_half), Role.GATE, limits=limits)
    remote = site.left(server)
    assert len(remote) == 0
    (idle,) = remote._pool._idle
    assert select([idle._socket], [], [], 20)[0]  # the server has closed it
    assert len(remote) == 0
    assert remote._pool._idle != [idle]
    assert site.told.nothing


def test_calls_wait_for_a_connection_and_not_for_ever(site: Site) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        asked.set()
        assert go_on.wait(20)

    server = site.serve(_serving(ex.COMMIT, slow), Role.GATE)
    remote = site.left(server, limits=replace(LIMITS, connections=1, answer_seconds=0.1))
    thread = threading.Thread(target=remote.commit, args=(bytes(16),))
    thread.start()
    assert asked.wait(20)
    with pytest.raises(UnavailableError) as refused:
        remote.commit(TransactionId(bytes(16)))
    assert "Too much is asked" in refused.value.hint
    go_on.set()
    thread.join()
    remote.commit(TransactionId(bytes(16)))


_ONE = np.zeros(1, np.int32)


@pytest.mark.parametrize("exchange", [ex.LEFT_TOKENS, ex.BEGIN], ids=["tokens", "begin"])
def test_an_answer_of_another_number_is_none(site: Site, exchange: ex.AnyExchange) -> None:
    nothing = {Method.TOKENS: LeftTables(bytes(16), np.zeros((0, 65_536, 2), np.uint64)), Method.BEGIN: [None]}
    remote = site.left(site.serve(_serving(exchange, lambda: nothing[exchange.method]), Role.GATE))
    ask = (lambda: remote.begin([])) if exchange is ex.BEGIN else (lambda: remote.tokens(bytes(16), _ONE))
    with pytest.raises(UnavailableError) as refused:
        ask()
    assert "another number" in refused.value.hint


def test_a_closing_server_answers_what_is_under_way(site: Site) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow() -> int:
        asked.set()
        assert go_on.wait(20)
        return 7

    server = site.serve(_serving(ex.EPOCH, slow), Role.GATE)
    remote = site.left(server)
    given: list[int] = []
    thread = threading.Thread(target=lambda: given.append(remote.epoch))
    thread.start()
    assert asked.wait(20)
    closing = threading.Thread(target=server.close)
    closing.start()
    go_on.set()
    for each in (closing, thread):
        each.join(20)
    assert given == [7]
    with pytest.raises(UnavailableError):
        _ = remote.epoch


def test_a_closed_remote_is_closed(keep: Apart, site: Site) -> None:
    remote = site.left(keep.left_server)
    assert len(remote) == 0
    remote.close()
    with pytest.raises(UsageError, match="closed"):
        len(remote)
    assert len(keep.left) == 0


def test_places_of_another_type_are_not_sent(keep: Apart) -> None:
    with pytest.raises(UsageError):
        keep.left.tokens(bytes(16), np.zeros(1, np.int64))  # type: ignore[arg-type]

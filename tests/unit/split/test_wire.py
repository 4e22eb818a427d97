"""The codec of the vault protocol: committed vectors, round trips, mutations, and a decoder written from the spec."""

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.vectors import vault as generator

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.errors import (
    ConsentError,
    DamagedStoreError,
    FacekeepError,
    FormatError,
    ImageError,
    KeyMissingError,
    NotFoundError,
    RateError,
    RefusedError,
    TicketError,
    TokenError,
    UsageError,
)
from facekeep.split.approval import APPROVAL_BYTES_MAX
from facekeep.split.messages import (
    Claim,
    HalfStatus,
    LeftPart,
    LeftTables,
    LogHead,
    Released,
    RightPart,
    RightPicks,
    SearchRequest,
)
from facekeep.split.operators import client_key
from facekeep.split.ratchet import Hello
from facekeep.split.statement import OPENING_BYTES
from facekeep.split.ticket import SignedTicket
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.failures import CODES, ERROR, told
from facekeep.split.wire.frames import FRAME_BYTES_MAX, HEADER, Header, Kind, check_stream, check_whole, cut
from facekeep.split.wire.methods import RIGHTS, Method, Role, may
from facekeep.split.wire.registry_messages import RegistryIdentity
from facekeep.split.wire.search_messages import Choice, Claiming, Fetch, Offer
from facekeep.split.wire.values import Mark, Span
from facekeep.split.wire.write_messages import CHUNKS_MAX, ENROL_ROWS_MAX, Marks, Operators, Rows, Switch
from facekeep.split.word import SignedWord
from tests.authenticator import Authenticator

_ROOT = Path(__file__).parents[3]
V = json.loads((_ROOT / "tests" / "vectors" / "vault-v1.json").read_text(encoding="utf-8"))
SPEC = (_ROOT / "docs" / "spec" / "vault-protocol.md").read_text(encoding="utf-8")
SPEC_OF_THE_REGISTRY = (_ROOT / "docs" / "spec" / "registry-protocol.md").read_text(encoding="utf-8")
H = bytes.fromhex

_ALL = {
    "both halves": ex.OF_THE_LEFT[:-4],
    "left": ex.OF_THE_LEFT[-4:],
    "right": ex.OF_THE_RIGHT[-3:],
    "selector": ex.OF_THE_SELECTOR,
    "registry": ex.OF_THE_REGISTRY,
}


def _exchange(role: str, method: str) -> ex.AnyExchange:
    return next(each for each in _ALL[role] if each.method.name.lower() == method)


def _same(one: Any, other: Any) -> bool:
    """Equal, arrays in type and content, errors in class and text, lists in order whatever sort of list."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    if isinstance(one, FacekeepError):
        return type(one) is type(other) and _told(one) == _told(other)
    if dataclasses.is_dataclass(one):
        names = [each.name for each in dataclasses.fields(one)]
        return type(one) is type(other) and all(_same(getattr(one, n), getattr(other, n)) for n in names)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def _told(error: FacekeepError) -> tuple[str, str, str | None]:
    return error.message, error.hint, getattr(error, "store", None)


# Vectors


def test_the_implementation_still_gives_the_committed_vectors() -> None:
    assert json.loads(json.dumps(generator.vectors())) == V


def test_every_method_of_every_role_has_a_vector() -> None:
    assert {(m["role"], m["method"]) for m in V["messages"]} == {
        (role, each.method.name.lower()) for role, exchanges in _ALL.items() for each in exchanges
    }


@pytest.mark.parametrize("case", V["messages"], ids=lambda case: f"{case['role']}-{case['method']}")
def test_committed_messages_decode_to_their_values_and_back(case: dict) -> None:
    exchange = _exchange(case["role"], case["method"])
    given_values = [value for each, value in generator.values()[case["role"]] if each is exchange]
    for codec, part in zip(generator.codecs(exchange), ("request", "answer"), strict=True):
        if "body" in case[part]:
            value = codec.decode(H(case[part]["body"]))
            assert any(_same(value, pair[part == "answer"]) for pair in given_values)
            assert codec.encode(value).hex() == case[part]["body"]


@pytest.mark.parametrize("case", V["errors"], ids=lambda case: case["class"])
def test_committed_errors(case: dict) -> None:
    error = ERROR.decode(H(case["body"]))
    assert (type(error).__name__, *_told(error)) == (case["class"], case["message"], case["hint"], case["store"])
    assert f"| {CODES[type(error)]} | `{case['class']}` |" in SPEC


@pytest.mark.parametrize("case", V["bad"], ids=lambda case: case["name"])
def test_committed_failures(case: dict) -> None:
    if case["method"] == "error":
        codec = ERROR
    else:
        codec = generator.codecs(_exchange(case["role"], case["method"]))[case["part"] == "answer"]
    with pytest.raises(FormatError):
        codec.decode(H(case["body"]))


def test_headers() -> None:
    for case in V["headers"]["good"]:
        header = Header.decode(H(case["header"]))
        shown = (header.method.name.lower(), header.kind.name.lower(), header.more, header.request, header.length)
        assert shown == tuple(case[key] for key in ("method", "kind", "more", "request", "length"))
        assert header.encode().hex() == case["header"]
    for case in V["headers"]["bad"]:
        with pytest.raises(FormatError):
            Header.decode(H(case["header"]))


@pytest.mark.parametrize(("request_", "length"), [(0, 0), (2**32, 0), (1, FRAME_BYTES_MAX + 1), (1, -1)])
def test_a_header_that_cannot_be_is_not_written(request_: int, length: int) -> None:
    with pytest.raises(UsageError):
        Header(Method.PAIR, Kind.REQUEST, False, request_, length).encode()


# Frames


def _joined(frames: Sequence[bytes], bound: int) -> bytes:
    body = b""
    for number, frame in enumerate(frames):
        header = Header.decode(frame[: HEADER.size])
        check_whole(header, len(body), bound)
        assert header.more == (number < len(frames) - 1)
        assert len(frame) == HEADER.size + header.length
        body += frame[HEADER.size :]
    return body


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, 3 * FRAME_BYTES_MAX])
def test_a_body_is_what_its_frames_hold(size: int) -> None:
    body = np.random.default_rng(size).bytes(size)
    frames = list(cut(Method.OFFER, Kind.REQUEST, 9, body))
    assert _joined(frames, size) == body
    assert len(frames) == max(1, -(-size // FRAME_BYTES_MAX))
    if size:
        with pytest.raises(FormatError):
            _joined(frames, size - 1)


def _header(length: int, *, more: bool) -> Header:
    return Header(Method.OFFER, Kind.REQUEST, more, 1, length)


@pytest.mark.parametrize(
    ("header", "before"),
    [
        (_header(100, more=True), 0),
        (_header(0, more=True), 0),
        (_header(0, more=False), FRAME_BYTES_MAX),
        (_header(6, more=False), 10_000_000 - 5),
    ],
)
def test_a_body_is_cut_in_one_way_only(header: Header, before: int) -> None:
    with pytest.raises(FormatError):
        check_whole(header, before, 10_000_000)


@pytest.mark.parametrize("header", [_header(0, more=True), _header(5, more=False), _header(11, more=True)])
def test_a_stream_ends_in_one_way_only(header: Header) -> None:
    with pytest.raises(FormatError):
        check_stream(header, 10)


def test_streams_go_on_and_end() -> None:
    check_stream(_header(10, more=True), 10)
    check_stream(_header(0, more=False), 10)


# Round trips


def _exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def _numbers(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, 256**size - 1)


def _arrays(kind: type, most: int, *shape: int) -> st.SearchStrategy[np.ndarray]:
    def make(drawn: tuple[int, int]) -> np.ndarray:
        count, seed = drawn
        top = np.iinfo(kind).max
        return np.random.default_rng(seed).integers(0, top, (count, *shape), kind, endpoint=True)

    return st.tuples(st.integers(0, most), st.integers(0, 2**32)).map(make)


def _text(least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(min_size=least, max_size=most).filter(lambda words: least <= len(words.encode()) <= most)


_NAMES, _TXS = _exactly(16).map(Pseudonym), _exactly(16).map(TransactionId)
_FLAGS = st.sampled_from(RowFlag)
_HEADS = st.builds(RowHead, _NAMES, _numbers(4), _numbers(4), _text(1, 64), _numbers(1), _FLAGS)
_HELLOS = st.builds(Hello, st.sampled_from([b"left", b"right"]), _exactly(32), _exactly(64))
_TICKETS = st.builds(
    SignedTicket,
    st.binary(max_size=4096),
    st.binary(max_size=APPROVAL_BYTES_MAX),
    _numbers(1),
    st.binary(max_size=OPENING_BYTES),
    _exactly(64),
)
_KEYS = st.sampled_from([client_key(Ed25519PrivateKey.generate().public_key(), "op", 191, 7), Authenticator().entry])
_REQUESTS = st.builds(SearchRequest, _exactly(16), _TICKETS, st.binary(max_size=2048), _numbers(8))
_KINDS = st.sampled_from(sorted(CODES, key=CODES.__getitem__))


@st.composite
def _errors(draw: st.DrawFn, kinds: st.SearchStrategy[type[FacekeepError]] = _KINDS) -> FacekeepError:
    kind, message, hint = draw(kinds), draw(_text(0, 512)), draw(_text(1, 512))
    if issubclass(kind, DamagedStoreError):
        return kind(message, store=draw(_text(0, 64)), hint=hint)
    return kind(message, hint=hint)


_REFUSALS = _errors(_KINDS.filter(lambda kind: issubclass(kind, RefusedError)))
_LEVELS = st.integers(0, 15).flatmap(
    lambda count: st.tuples(
        st.lists(_numbers(4), min_size=count, max_size=count).map(tuple),
        st.lists(st.floats(0, 1, exclude_min=True), min_size=count, max_size=count).map(tuple),
    )
)
_NONES = st.none()
_WORDS = st.builds(SignedWord, st.binary(max_size=4096), _exactly(64))
_RIGHT_PARTS = st.integers(1, 64).flatmap(lambda d: st.builds(RightPart, _HEADS, _exactly(d), _exactly(2 * d)))
_FINE_PICKS = st.integers(0, 1000).flatmap(
    lambda n: st.builds(
        RightPicks,
        _exactly(16),
        st.just(np.arange(n, dtype=np.uint16)),
        st.just(np.arange(n).astype(np.uint8)),
    )
)
_TOKEN_PICKS = st.integers(0, 10).flatmap(
    lambda n: st.builds(
        RightPicks,
        _exactly(16),
        st.just(np.arange(65_000, 65_000 + n).astype(np.uint16)),
        st.just(np.arange(16 * n, dtype=np.uint8).reshape(n, 16)),
    )
)

_MESSAGES: dict[str, tuple[ex.AnyExchange, st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    "registry": (
        ex.ASK_REGISTRY,
        _NONES,
        st.builds(RegistryIdentity, st.binary(min_size=1, max_size=64), st.just("0f" * 32), _numbers(4)),
    ),
    "open": (ex.OPEN_WORK, st.booleans(), _NONES),
    "ask": (ex.ASK_OPERATION, st.binary(min_size=1, max_size=99), st.binary(max_size=99)),
    "close": (ex.CLOSE_WORK, st.booleans(), _NONES),
    "begin_epoch": (ex.BEGIN_EPOCH, _NONES, _numbers(4)),
    "finish_epoch": (ex.FINISH_EPOCH, _NONES, _NONES),
    "hello": (ex.BEGIN_SESSION, _NONES, _HELLOS),
    "pair": (ex.PAIR, _HELLOS, _NONES),
    "status": (
        ex.ASK_STATUS,
        _NONES,
        st.builds(
            HalfStatus,
            _exactly(16),
            _numbers(4),
            _numbers(8),
            _numbers(4),
            _exactly(32),
            st.lists(_NAMES, max_size=40).map(tuple),
            _numbers(8),
        ),
    ),
    "epoch": (ex.EPOCH, _NONES, _numbers(4)),
    "rows": (ex.COUNT, _NONES, _numbers(4)),
    "head_of": (ex.HEAD_OF, _NAMES, st.one_of(_NONES, _HEADS)),
    "alarms": (ex.ALARMS, _NONES, st.lists(_NAMES, max_size=40)),
    "levels": (ex.ASK_LEVELS, _NONES, _LEVELS),
    "operators": (ex.ASK_OPERATORS, _NONES, st.lists(_KEYS, max_size=3)),
    "log_head": (ex.ASK_LOG_HEAD, _NONES, st.builds(LogHead, _numbers(8), _exactly(32))),
    "log_commitments": (
        ex.ASK_LOG_COMMITMENTS,
        st.builds(Span, _numbers(8), st.integers(1, 8192)),
        st.lists(_exactly(32), max_size=40),
    ),
    "begin": (ex.BEGIN, st.lists(_REQUESTS, max_size=8), st.lists(st.one_of(_NONES, _REFUSALS), max_size=64)),
    "left fine": (
        ex.LEFT_FINE,
        _exactly(16),
        st.builds(LeftTables, _exactly(16), _arrays(np.uint8, 3, 65_536)),
    ),
    "right fine": (ex.RIGHT_FINE, _exactly(16), _FINE_PICKS),
    "left tokens": (
        ex.LEFT_TOKENS,
        st.builds(Choice, _exactly(16), _arrays(np.int32, 10)),
        st.builds(LeftTables, _exactly(16), _arrays(np.uint64, 2, 65_536, 2)),
    ),
    "right tokens": (ex.RIGHT_TOKENS, st.builds(Choice, _exactly(16), _arrays(np.int32, 10)), _TOKEN_PICKS),
    "release": (
        ex.RELEASE,
        st.builds(Claiming, _exactly(16), st.lists(st.builds(Claim, _numbers(1), _exactly(16)), max_size=10)),
        st.lists(st.builds(Released, _numbers(1), _NAMES, st.integers(1, 15)), max_size=10),
    ),
    "left enrol": (ex.LEFT_ENROL, _TXS, st.lists(st.builds(LeftPart, _HEADS, _exactly(32)), min_size=1, max_size=20)),
    "right enrol": (ex.RIGHT_ENROL, _TXS, st.lists(_RIGHT_PARTS, min_size=1, max_size=20)),
    "stage_erase": (ex.STAGE_ERASE, st.builds(Rows, _TXS, st.lists(_NAMES, max_size=40)), _NONES),
    "stage_marks": (
        ex.STAGE_MARKS,
        st.builds(Marks, _TXS, st.lists(st.builds(Mark, _NAMES, _numbers(1), _FLAGS), max_size=40)),
        _NONES,
    ),
    "stage_switch": (ex.STAGE_SWITCH, st.builds(Switch, _TXS, st.sampled_from(Purpose), st.booleans()), _NONES),
    "stage_operators": (
        ex.STAGE_OPERATORS,
        st.builds(Operators, _TXS, _WORDS),
        _NONES,
    ),
    "stage_refresh": (ex.STAGE_REFRESH, _TXS, _NONES),
    "commit": (ex.COMMIT, _TXS, _NONES),
    "abort": (ex.ABORT, _TXS, _NONES),
    "staged": (ex.STAGED, _NONES, st.lists(_TXS, max_size=40)),
    "forgive": (ex.FORGIVE, _WORDS, _NONES),
    "deltas": (ex.DELTAS, _TXS, st.binary(min_size=29, max_size=5000)),
    "offer": (
        ex.OFFER_SUMS,
        st.builds(
            Offer,
            _exactly(16),
            st.sampled_from([b"left", b"right"]),
            _exactly(16),
            _numbers(1),
            _arrays(np.uint8, 3000),
        ),
        _NONES,
    ),
    "positions": (
        ex.FETCH_POSITIONS,
        st.builds(Fetch, _exactly(16), st.sampled_from([b"left", b"right"])),
        _arrays(np.int32, 100),
    ),
}


def test_every_exchange_is_tried() -> None:
    tried = [exchange for exchange, _, _ in _MESSAGES.values()]
    assert all(any(each is one for one in tried) for exchanges in _ALL.values() for each in exchanges)


@pytest.mark.parametrize("name", _MESSAGES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_round_trips(name: str, data: st.DataObject) -> None:
    exchange, *strategies = _MESSAGES[name]
    for codec, strategy in zip(generator.codecs(exchange), strategies, strict=True):
        value = data.draw(strategy)
        body = codec.encode(value)
        assert _same(value, codec.decode(body))
        assert _same(value, codec.decode(bytearray(body)))
        assert len(body) <= codec.size_max


@given(_errors())
def test_round_trips_of_errors(error: FacekeepError) -> None:
    assert _same(error, ERROR.decode(ERROR.encode(error)))


# Mutations


def _tolerant(decode: Callable[[bytes], Any], encode: Callable[[Any], bytes], body: bytes) -> None:
    """A changed body is refused, or is itself the one encoding of another value."""
    try:
        value = decode(body)
    except FormatError:
        return
    assert encode(value) == body


def _small(case: dict) -> list[tuple[Any, bytes]]:
    codecs = generator.codecs(_exchange(case["role"], case["method"]))
    return [(c, H(case[p]["body"])) for c, p in zip(codecs, ("request", "answer"), strict=True) if "body" in case[p]]


@pytest.mark.parametrize("case", V["messages"], ids=lambda case: f"{case['role']}-{case['method']}")
def test_every_truncation_and_every_byte_more_is_refused(case: dict) -> None:
    for codec, body in _small(case):
        if case["method"] == "ask" or (case["method"] == "deltas" and len(body) > 16):
            continue  # a chunk fills its frame, and a call its body, so that a shorter one is another
        for end in range(len(body)):
            with pytest.raises(FormatError):
                codec.decode(body[:end])
        with pytest.raises(FormatError):
            codec.decode(body + b"\x00")


@pytest.mark.parametrize("case", V["messages"], ids=lambda case: f"{case['role']}-{case['method']}")
def test_every_flipped_byte_is_refused_or_is_another_value(case: dict) -> None:
    drawn = np.random.default_rng(case["number"])
    for codec, body in _small(case):
        for at in range(len(body)):
            changed = bytearray(body)
            changed[at] ^= int(drawn.integers(1, 256))
            _tolerant(codec.decode, codec.encode, bytes(changed))


@settings(max_examples=300)
@given(st.sampled_from(sorted(_MESSAGES)), st.booleans(), st.binary(max_size=300))
def test_random_bytes_are_refused_or_are_a_value(name: str, answer: bool, body: bytes) -> None:
    codec = generator.codecs(_MESSAGES[name][0])[answer]
    _tolerant(codec.decode, codec.encode, body)


@given(st.sampled_from(V["errors"]), st.integers(0, 10_000), st.integers(1, 255))
def test_changed_errors_are_refused_or_are_another_error(case: dict, at: int, change: int) -> None:
    body = bytearray(H(case["body"]))
    body[at % len(body)] ^= change
    _tolerant(ERROR.decode, ERROR.encode, bytes(body))
    with pytest.raises(FormatError):
        ERROR.decode(H(case["body"])[: at % len(body)])


@given(st.binary(min_size=12, max_size=12))
def test_random_headers_are_refused_or_are_one(raw: bytes) -> None:
    _tolerant(Header.decode, Header.encode, raw)


# What has no encoding is not sent


@pytest.mark.parametrize(
    ("codec", "value"),
    [
        (ex.EPOCH.answer, 2**32),
        (ex.EPOCH.answer, -1),
        (ex.COMMIT.request, bytes(15)),
        (ex.FETCH_POSITIONS.request, Fetch(bytes(16), b"middle")),
        (ex.FETCH_POSITIONS.answer, np.asarray([-1], np.int32)),
        (ex.FETCH_POSITIONS.answer, np.zeros((1, 1), np.int32)),
        (ex.FETCH_POSITIONS.answer, np.zeros(3, np.int64)),
        (ex.FETCH_POSITIONS.answer, np.zeros(101, np.int32)),
        (ex.LEFT_FINE.answer, LeftTables(bytes(16), np.zeros((1, 65_535), np.uint8))),
        (ex.RIGHT_FINE.answer, RightPicks(bytes(16), np.zeros(2, np.uint16), np.zeros(1, np.uint8))),
        (ex.ASK_LEVELS.answer, ((1, 2), (0.5,))),
        (ex.ASK_LEVELS.answer, ((1,), (float("nan"),))),
        (ex.FORGIVE.request, SignedWord(bytes(4097), bytes(64))),
        (ex.FORGIVE.request, SignedWord(b"{}", bytes(63))),
        (ex.RIGHT_ENROL.items, [RightPart(RowHead(Pseudonym(bytes(16)), 0, 0, "g", 1), bytes(4), bytes(9))]),
        (ex.DELTAS.item, bytes(28)),
        (ERROR, RateError("too fast")),
        (ERROR, RefusedError("m" * 513)),
    ],
)
def test_what_has_no_encoding(codec: Any, value: Any) -> None:
    with pytest.raises(UsageError):
        codec.encode(value)


# What is told of failures


def test_errors_are_told_as_the_nearest_class_that_has_a_code() -> None:
    assert _same(told(TokenError("t", hint="h"), "left half"), TokenError("t", hint="h"))
    assert type(told(RateError("r"), "left half")) is RefusedError
    assert type(told(ConsentError("c"), "registrar")) is ConsentError
    assert told(ImageError("i"), "left half").message == "i"
    assert type(told(NotFoundError("n"), "registrar")) is NotFoundError
    assert _told(told(KeyMissingError("k", store="left"), "left half"))[2] == "left"


def test_nothing_of_an_unknown_failure_is_told() -> None:
    error = told(OSError(13, "Permission denied", "secret.db"), "left half")
    assert isinstance(error, DamagedStoreError)
    assert (error.message, error.store) == ("the left half failed", "left half")
    assert "secret" not in error.hint


@given(st.text(max_size=400))
def test_what_is_told_always_has_an_encoding(words: str) -> None:
    for error in (TicketError(words, hint=words * 3), DamagedStoreError(words * 4, store=words)):
        decoded = ERROR.decode(ERROR.encode(told(error, "left half")))
        assert type(decoded) is type(error)
        assert error.message.encode("utf-8", "replace").startswith(decoded.message.encode())


# Rights


def test_the_gate_reaches_no_deltas_and_the_right_half_nothing_else() -> None:
    assert not may(Role.GATE, Role.LEFT, Method.DELTAS)
    assert [m for m in Method if may(Role.RIGHT, Role.LEFT, m)] == [Method.DELTAS]
    assert [m for m in Method if may(Role.LEFT, Role.REGISTRAR, m)] == [Method.OFFER, Method.POSITIONS]
    for caller, served in ((Role.LEFT, Role.RIGHT), (Role.REGISTRAR, Role.GATE), (Role.REGISTRAR, Role.LEFT)):
        assert not any(may(caller, served, method) for method in Method)
    assert not any(may(role, role, method) for role in Role for method in Method)


def test_a_role_gives_rights_to_what_it_has_only() -> None:
    for role, exchanges in ((Role.LEFT, ex.OF_THE_LEFT), (Role.RIGHT, ex.OF_THE_RIGHT)):
        granted = frozenset[Method]().union(*RIGHTS[role].values())
        assert granted == {each.method for each in exchanges}


# The specification


def _rows_of_methods() -> dict[tuple[str, str], tuple[int, int, int]]:
    found = {}
    for line in (SPEC + SPEC_OF_THE_REGISTRY).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and cells[0].isdigit() and cells[1].startswith("`"):
            name, _, role = cells[1].partition(",")
            bounds = [int(re.sub(r"\D", "", cell)) for cell in (cells[3], cells[5])]
            found[name.strip("` "), role.strip()] = (int(cells[0]), *bounds)
    return found


def test_the_specification_gives_the_numbers_and_bounds_of_every_method() -> None:
    rows = _rows_of_methods()
    for role, exchanges in _ALL.items():
        for each in exchanges:
            name = each.method.name.lower()
            number, asked, answered = rows.pop((name, role), None) or rows.pop((name, ""))
            request, answer = generator.codecs(each)
            if isinstance(each, ex.Upload):
                request, answer = answer, ex.COMMIT.answer
            assert (number, asked, answered) == (each.method, request.size_max, answer.size_max)
    assert not rows


@pytest.mark.parametrize(
    "written",
    [
        f"0 to {FRAME_BYTES_MAX:,}",
        f"at most {ENROL_ROWS_MAX:,} rows",
        f"{CHUNKS_MAX:,}\nchunks",
        f"header of {HEADER.size} bytes",
    ],
)
def test_the_specification_says_it(written: str) -> None:
    assert written in SPEC


# Decoders written from the specification alone


def _plain_header(raw: bytes) -> tuple[int, int, int, bool, int, int]:
    numbers = raw[0], raw[1], raw[2], raw[3] == 1, int.from_bytes(raw[4:8], "big"), int.from_bytes(raw[8:12], "big")
    assert len(raw) == 12
    assert raw[3] < 2
    return numbers


def _plain_head(raw: bytes) -> tuple[bytes, int, int, str, int, int]:
    size = raw[24]
    assert 1 <= size <= 64
    assert len(raw) == 27 + size
    epoch, version = int.from_bytes(raw[16:20], "big"), int.from_bytes(raw[20:24], "big")
    return raw[:16], epoch, version, raw[25 : 25 + size].decode(), raw[25 + size], raw[26 + size]


def _plain_search(raw: bytes) -> tuple[bytes, int, bytes, int, bytes]:
    def blob(at: int) -> tuple[bytes, int]:
        size = int.from_bytes(raw[at : at + 2], "big")
        return raw[at + 2 : at + 2 + size], at + 2 + size

    statement, at = blob(24)
    approval, at = blob(at)
    level, (opening, at) = raw[at], blob(at + 1)
    probe, at = blob(at + 64)
    assert (len(raw), len(approval), len(opening)) == (at, 65, 561)
    return raw[:16], int.from_bytes(raw[16:24], "big"), statement, level, probe


def _plain_offer(raw: bytes) -> tuple[bytes, int, bytes, int, list[int]]:
    assert len(raw) == 38 + int.from_bytes(raw[34:38], "big")
    return raw[:16], raw[16], raw[17:33], raw[33], list(raw[38:])


def _vector(method: str, role: str = "both halves") -> dict:
    return next(m for m in V["messages"] if (m["role"], m["method"]) == (role, method))


def test_an_independent_decoder_reads_headers() -> None:
    kinds = {"request": 0, "answer": 1, "error": 2}
    numbers = {m["method"]: m["number"] for m in V["messages"]}
    for case in V["headers"]["good"]:
        wanted = (1, numbers[case["method"]], kinds[case["kind"]], case["more"], case["request"], case["length"])
        assert _plain_header(H(case["header"])) == wanted


def test_an_independent_decoder_reads_three_messages() -> None:
    body = H(_vector("head_of")["answer"]["body"])
    assert body[0] == 1
    assert _plain_head(body[1:])[1:] == (3, 2**32 - 1, "Gästebuch", 0x83, 1)
    body = H(_vector("begin")["request"]["body"])
    assert body[0] == 1
    nonce, turn, statement, level, probe = _plain_search(body[1:])
    assert (nonce, turn, statement) == (sha256(b"nonce0").digest()[:16], 2**40 + 7, b'{"keep":"..."}')
    assert (level, len(probe)) == (4, 32)
    nonce, side, tag, support, shares = _plain_offer(H(_vector("offer", "selector")["request"]["body"]))
    assert (nonce, side, tag) == (sha256(b"nonce0").digest()[:16], 0, sha256(b"tag0").digest()[:16])
    assert (support, shares) == (120, list(sha256(b"shares0").digest()[:20]))

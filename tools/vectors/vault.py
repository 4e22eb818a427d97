"""Write tests/vectors/vault-v1.json: python -m tools.vectors.vault. Its inputs are fixed, so it writes the same."""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowFlag, RowHead, TransactionId
from facekeep.errors import (
    BadInputError,
    BudgetError,
    DamagedStoreError,
    DisagreementError,
    FacekeepError,
    FormatError,
    KeyMissingError,
    NotFoundError,
    ProbeError,
    PurposeOffError,
    RefusedError,
    TicketError,
    TokenError,
    UnavailableError,
    UsageError,
)
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
from facekeep.split.operators import KeyKind, OperatorKey, client_key
from facekeep.split.ratchet import Hello
from facekeep.split.ticket import SignedTicket
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.failures import ERROR
from facekeep.split.wire.frames import FRAME_BYTES_MAX, HEADER, Header, Kind, cut
from facekeep.split.wire.methods import RIGHTS, Method
from facekeep.split.wire.registry_messages import RegistryIdentity
from facekeep.split.wire.search_messages import Choice, Claiming, Fetch, Offer
from facekeep.split.wire.values import Mark, Span
from facekeep.split.wire.write_messages import Marks, Operators, Rows, Switch
from facekeep.split.word import SignedWord

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "vault-v1.json"
D = 16


def _bytes(name: str, length: int = 16) -> bytes:
    return b"".join(sha256(f"{name}{part}".encode()).digest() for part in range(length // 32 + 1))[:length]


def _array(name: str, kind: type[np.generic], *shape: int) -> Any:
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return np.frombuffer(_bytes(name, size), np.dtype(kind).newbyteorder("<")).astype(kind).reshape(shape)


_ROW, _OTHER = Pseudonym(_bytes("row")), Pseudonym(_bytes("other row"))
_TX, _NONCE, _TAG = TransactionId(_bytes("transaction")), _bytes("nonce"), _bytes("tag")
_HEAD = RowHead(_ROW, 3, 2**32 - 1, "Gästebuch", 0x83, RowFlag.SUPPRESSED)
_HELLO = Hello(b"right", _bytes("ephemeral", 32), _bytes("signature", 64))
_PUBLIC = Ed25519PrivateKey.from_private_bytes(_bytes("operator", 32)).public_key()
_CLIENT = client_key(_PUBLIC, "", 191)
_PASSKEY = OperatorKey(KeyKind.PASSKEY, _CLIENT.public, "anna", 2, 2**40, "faces.example", "https://faces.example")
_WORD = SignedWord(b'{"keep":"..."}', _bytes("signature", 64))
_SEARCH = SearchRequest(
    _NONCE,
    SignedTicket(b'{"keep":"..."}', b"\0" + _bytes("approval", 64), 4, _bytes("opening", 561), _bytes("signature", 64)),
    _bytes("probe", 2 * D),
    2**40 + 7,
)
_ERRORS: tuple[FacekeepError, ...] = (
    UsageError("the call is wrong", hint="Ask otherwise."),
    RefusedError("denied", hint="Ask another."),
    PurposeOffError("the purpose is switched off"),
    TicketError("a ticket has expired"),
    ProbeError("the probe has the wrong size"),
    BudgetError("the case has used up its searches", hint="Öffne einen neuen Fall."),
    DisagreementError("the halves disagree"),
    TokenError("a token is not valid"),
    BadInputError("the data cannot be used", hint="Give other data."),
    FormatError("a message does not parse", hint="Run the same version."),
    DamagedStoreError("the left half is damaged", store="left"),
    KeyMissingError("a key is missing", store="right"),
    UnavailableError("the registrar cannot be reached"),
    NotFoundError("there is no such case"),
)


def values() -> dict[str, list[tuple[Any, Any]]]:
    """For each method by role, a request and an answer; of streams a frame of each sort."""
    mark = Mark(_ROW, 3, RowFlag.SUPPRESSED)
    chosen = np.asarray([4, 0, 2**31 - 1], np.int32)
    left, right = LeftPart(_HEAD, _bytes("seed", 32)), RightPart(_HEAD, _bytes("coarse", D), _bytes("fine", 2 * D))
    small = LeftTables(_TAG, _array("tables", np.uint8, 1, 65_536))
    tokens = LeftTables(_TAG, _array("token tables", np.uint64, 1, 65_536, 2))
    status = HalfStatus(_bytes("store"), 3, 2**33, 100_000, _bytes("root", 32), (_ROW, _OTHER), 2**34)
    both: list[tuple[Any, Any]] = [
        (ex.BEGIN_SESSION, (None, _HELLO)),
        (ex.PAIR, (_HELLO, None)),
        (ex.ASK_STATUS, (None, status)),
        (ex.EPOCH, (None, 3)),
        (ex.COUNT, (None, 100_000)),
        (ex.HEAD_OF, (_ROW, _HEAD)),
        (ex.HEAD_OF, (_OTHER, None)),
        (ex.ALARMS, (None, (_ROW,))),
        (ex.ASK_LEVELS, (None, ((6400, 8448), (1e-2, 1e-3)))),
        (ex.ASK_OPERATORS, (None, (_CLIENT, _PASSKEY))),
        (ex.ASK_LOG_HEAD, (None, LogHead(2**34, _bytes("log", 32)))),
        (ex.ASK_LOG_COMMITMENTS, (Span(2**34, 8192), (_bytes("one", 32), _bytes("another", 32)))),
        (ex.BEGIN, ((_SEARCH,), (None, TicketError("a ticket has expired")))),
        (ex.RELEASE, (Claiming(_NONCE, (Claim(2, _bytes("token")),)), (Released(2, _ROW, 15),))),
        (ex.STAGE_ERASE, (Rows(_TX, (_ROW, _OTHER)), None)),
        (ex.STAGE_MARKS, (Marks(_TX, (mark,)), None)),
        (ex.STAGE_SWITCH, (Switch(_TX, Purpose.PAYMENT, True), None)),
        (ex.STAGE_OPERATORS, (Operators(_TX, _WORD), None)),
        (ex.STAGE_REFRESH, (_TX, None)),
        (ex.COMMIT, (_TX, None)),
        (ex.ABORT, (_TX, None)),
        (ex.STAGED, (None, (_TX,))),
        (ex.FORGIVE, (_WORD, None)),
    ]
    picks = RightPicks(_TAG, np.asarray([65_535, 1], np.uint16), np.asarray([7, 255], np.uint8))
    token_picks = RightPicks(_TAG, np.asarray([258], np.uint16), _array("pads", np.uint8, 1, 16))
    offer = Offer(_NONCE, b"left", _TAG, 120, _array("shares", np.uint8, 20))
    return {
        "both halves": both,
        "left": [
            (ex.LEFT_FINE, (_NONCE, small)),
            (ex.LEFT_TOKENS, (Choice(_NONCE, chosen), tokens)),
            (ex.LEFT_ENROL, (_TX, (left,))),
            (ex.DELTAS, (_TX, _bytes("chunk", 28 + 24 + 3 * D))),
        ],
        "right": [
            (ex.RIGHT_FINE, (_NONCE, picks)),
            (ex.RIGHT_TOKENS, (Choice(_NONCE, chosen), token_picks)),
            (ex.RIGHT_ENROL, (_TX, (right,))),
        ],
        "selector": [
            (ex.OFFER_SUMS, (offer, None)),
            (ex.FETCH_POSITIONS, (Fetch(_NONCE, b"right"), np.asarray([0, 2, 999_999], np.int32))),
        ],
        "registry": [
            (ex.ASK_REGISTRY, (None, RegistryIdentity(_bytes("keep"), "0f" * 32, 3))),
            (ex.OPEN_WORK, (True, None)),
            (ex.ASK_OPERATION, (b"\x05state", _bytes("state", 40))),
            (ex.CLOSE_WORK, (False, None)),
            (ex.BEGIN_EPOCH, (None, 4)),
            (ex.FINISH_EPOCH, (None, None)),
        ],
    }


def codecs(exchange: ex.AnyExchange) -> tuple[Any, Any]:
    """The codecs of what is asked and of what is answered, or of the two sorts of frames of a stream."""
    if isinstance(exchange, ex.Upload):
        return exchange.head, exchange.items
    if isinstance(exchange, ex.Download):
        return exchange.request, exchange.item
    return exchange.request, exchange.answer


def _shown(body: bytes) -> dict[str, object]:
    if len(body) <= 4096:
        return {"body": body.hex()}
    return {"begins": body[:64].hex(), "length": len(body), "sha256": sha256(body).hexdigest()}


def _messages() -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    for role, pairs in values().items():
        for exchange, (asked, answered) in pairs:
            request, answer = codecs(exchange)
            out.append({
                "role": role, "method": exchange.method.name.lower(), "number": int(exchange.method),
                "request": _shown(request.encode(asked)), "answer": _shown(answer.encode(answered)),
            })  # fmt: skip
    return out


def _headers() -> dict[str, object]:
    good = [
        Header(Method.HELLO, Kind.REQUEST, False, 1, 0),
        Header(Method.POSITIONS, Kind.ANSWER, False, 2**32 - 1, 401),
        Header(Method.STAGE_ENROL, Kind.REQUEST, True, 258, FRAME_BYTES_MAX),
        Header(Method.DELTAS, Kind.ERROR, False, 7, 40),
    ]
    first = HEADER.unpack(good[0].encode())
    changes = [
        ("version 0", 0, 0), ("version 2", 0, 2), ("unknown method", 1, 12), ("method 0", 1, 0), ("unknown kind", 2, 3),
        ("more is neither 0 nor 1", 3, 2), ("request 0", 4, 0), ("length over 1 MiB", 5, FRAME_BYTES_MAX + 1),
        ("length 2^32 - 1", 5, 2**32 - 1),
    ]  # fmt: skip
    bad = [
        {"name": name, "header": HEADER.pack(*(*first[:at], value, *first[at + 1 :])).hex()}
        for name, at, value in changes
    ]
    return {
        "good": [
            {"method": h.method.name.lower(), "kind": h.kind.name.lower(), "more": h.more, "request": h.request,
             "length": h.length, "header": h.encode().hex()} for h in good
        ],
        "bad": [*bad, {"name": "a byte short", "header": good[0].encode()[:-1].hex()}],
    }  # fmt: skip


def _cuts() -> list[dict[str, object]]:
    sizes = (0, 1, FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, 2 * FRAME_BYTES_MAX)
    out = []
    for size, request in zip(sizes, count(1), strict=False):
        frames = list(cut(Method.FINE, Kind.ANSWER, request, _bytes("body", size)))
        headers = [frame[: HEADER.size].hex() for frame in frames]
        out.append({"bytes": size, "headers": headers, "sha256": sha256(b"".join(frames)).hexdigest()})
    return out


def _bad() -> list[dict[str, object]]:
    def of(codec: Any, value: Any, change: bytes, at: int) -> bytes:
        body = bytearray(codec.encode(value))
        body[at : at + len(change)] = change
        return bytes(body)

    head, error = ex.HEAD_OF.answer, ERROR.encode(_ERRORS[1])
    erase = ex.STAGE_ERASE.request
    switch = Switch(_TX, Purpose.VERIFY, True)
    levels = ((6400,), (1e-2,))
    cases: list[tuple[str, ex.AnyExchange, int, bytes]] = [
        ("bytes left over", ex.EPOCH, 1, bytes(5)),
        ("a byte short", ex.EPOCH, 1, bytes(3)),
        ("something where nothing is", ex.COMMIT, 1, b"\x00"),
        ("a bool that is 2", ex.STAGE_SWITCH, 0, of(ex.STAGE_SWITCH.request, switch, b"\x02", 17)),
        ("a bool that is 255", ex.HEAD_OF, 1, of(head, _HEAD, b"\xff", 0)),
        ("a purpose of two bits", ex.STAGE_SWITCH, 0, of(ex.STAGE_SWITCH.request, switch, b"\x03", 16)),
        ("an unknown flag", ex.HEAD_OF, 1, head.encode(_HEAD)[:-1] + b"\x02"),
        ("a gallery without a name", ex.HEAD_OF, 1, b"\x01" + bytes(24) + b"\x00\x01\x00"),
        ("a gallery that is not UTF-8", ex.HEAD_OF, 1, b"\x01" + bytes(24) + b"\x02\xc3\x28\x01\x00"),
        ("UTF-8 that is not the shortest", ex.HEAD_OF, 1, b"\x01" + bytes(24) + b"\x02\xc0\x80\x01\x00"),
        ("a surrogate in UTF-8", ex.HEAD_OF, 1, b"\x01" + bytes(24) + b"\x03\xed\xa0\x80\x01\x00"),
        ("a gallery of 65 bytes", ex.HEAD_OF, 1, b"\x01" + bytes(24) + b"\x41" + b"g" * 65 + b"\x01\x00"),
        ("a count that lies", ex.STAGE_ERASE, 0, of(erase, Rows(_TX, (_ROW,)), b"\x00\x00\x00\x02", 16)),
        ("a count over its bound", ex.STAGE_ERASE, 0, _TX + (2**20 + 1).to_bytes(4, "big")),
        ("65 searches", ex.BEGIN, 0, b"\x41"),
        ("a statement over its bound", ex.BEGIN, 0, b"\x01" + bytes(24) + b"\x10\x01" + bytes(4097)),
        ("an opening over its bound", ex.BEGIN, 0, b"\x01" + bytes(24) + bytes(5) + b"\x02\x32" + bytes(562)),
        ("a key of a third kind", ex.ASK_OPERATORS, 1, b"\x00\x01\x02"),
        ("a key that is none", ex.ASK_OPERATORS, 1, b"\x00\x01\x00\x00\x00" + bytes(15)),
        ("1,001 keys", ex.ASK_OPERATORS, 1, b"\x03\xe9"),
        ("a change over its bound", ex.STAGE_OPERATORS, 0, _TX + b"\x10\x01" + bytes(4097)),
        ("a forgiveness over its bound", ex.FORGIVE, 0, b"\x10\x01" + bytes(4097 + 64)),
        ("a forgiveness without its signature", ex.FORGIVE, 0, b"\x00\x02{}"),
        ("1,001 tables", ex.LEFT_FINE, 1, _TAG + b"\x03\xe9"),
        ("11 places", ex.LEFT_TOKENS, 0, _NONCE + b"\x0b" + bytes(44)),
        ("a place below 0", ex.RIGHT_TOKENS, 0, _NONCE + b"\x01" + b"\xff" * 4),
        ("band 0", ex.RELEASE, 1, b"\x01\x00" + _ROW + b"\x00"),
        ("band 16", ex.RELEASE, 1, b"\x01\x00" + _ROW + b"\x10"),
        ("side 2", ex.FETCH_POSITIONS, 0, _NONCE + b"\x02"),
        ("a rate of 0", ex.ASK_LEVELS, 1, of(ex.ASK_LEVELS.answer, levels, bytes(8), 5)),
        ("a rate that is no number", ex.ASK_LEVELS, 1, b"\x01" + bytes(4) + b"\x7f\xf8" + bytes(6)),
        ("sums over their bound", ex.OFFER_SUMS, 0, _NONCE + b"\x00" + _TAG + b"\x78" + (10**7 + 1).to_bytes(4, "big")),
        ("a frame without rows", ex.LEFT_ENROL, 1, b"\x00\x00"),
        ("a frame of 257 rows", ex.RIGHT_ENROL, 1, b"\x01\x01"),
        ("a row of dimension 0", ex.RIGHT_ENROL, 1, b"\x00\x01" + head.encode(_HEAD)[1:] + b"\x00\x00"),
        ("a chunk without rows", ex.DELTAS, 1, bytes(28)),
        ("a search refused by no refusal", ex.BEGIN, 1, b"\x01" + b"\x01" + error[1:]),
    ]
    bad: list[dict[str, object]] = [
        {"name": name, "method": exchange.method.name.lower(), "role": _role(exchange),
         "part": ("request", "answer")[part], "body": body.hex()} for name, exchange, part, body in cases
    ]  # fmt: skip
    errors = [
        ("code 0", b"\x00" + error[1:]),
        ("an unknown code", b"\x10" + error[1:]),
        ("no hint", error[:1] + b"\x00\x01m\x00\x00"),
        ("a message of 513 bytes", error[:1] + b"\x02\x01" + b"m" * 513 + b"\x00\x01h"),
        ("a store where there is none", error + b"\x00\x00"),
        ("no store", b"\x0b" + error[1:]),
    ]
    bad += [{"name": name, "method": "error", "body": body.hex()} for name, body in errors]
    return bad


def _role(exchange: ex.AnyExchange) -> str:
    return next(role for role, pairs in values().items() if any(exchange is each for each, _ in pairs))


def vectors() -> dict[str, object]:
    """Everything in the file."""
    return {
        "format": "facekeep vault protocol, version 1",
        "headers": _headers(),
        "cuts": _cuts(),
        "messages": _messages(),
        "errors": [
            {"class": type(e).__name__, "message": e.message, "hint": e.hint,
             "store": e.store if isinstance(e, DamagedStoreError) else None, "body": ERROR.encode(e).hex()}
            for e in _ERRORS
        ],
        "rights": {
            served: {caller: sorted(m.name.lower() for m in methods) for caller, methods in callers.items()}
            for served, callers in RIGHTS.items()
        },
        "bad": _bad(),
    }  # fmt: skip


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(TARGET.name)

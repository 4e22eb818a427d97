"""For each method how its request and its answer are encoded, and so how long they are at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from facekeep.split.messages import LeftPart, RightPart
from facekeep.split.wire.methods import Method
from facekeep.split.wire.primitives import NOTHING, U32, Codec
from facekeep.split.wire.registry_messages import ANSWER, CALL, COMMITS, REGISTRY_IDENTITY, WRITES
from facekeep.split.wire.search_messages import (
    CHOICE,
    CLAIMING,
    FETCH,
    FINE_PICKS,
    FINE_TABLES,
    OFFER,
    OUTCOMES,
    POSITIONS,
    RELEASED,
    REQUESTS,
    TOKEN_PICKS,
    TOKEN_TABLES,
)
from facekeep.split.wire.values import (
    COMMITMENTS,
    FOUND,
    HELLO,
    KEYS,
    LEVELS,
    LOG_HEAD,
    NONCE,
    PSEUDONYM,
    PSEUDONYMS,
    SPAN,
    STATUS,
    TRANSACTION,
    TRANSACTIONS,
)
from facekeep.split.wire.write_messages import (
    CHUNK,
    CHUNKS_MAX,
    ENROL_ROWS_MAX,
    LEFT_PARTS,
    MARKS,
    OPERATORS,
    RIGHT_PARTS,
    ROWS,
    SWITCH,
    WORD,
)

Q = TypeVar("Q")
A = TypeVar("A")
I = TypeVar("I")  # noqa: E741 - an item


@dataclass(frozen=True, slots=True)
class Exchange(Generic[Q, A]):
    """A method whose request and answer are whole messages."""

    method: Method
    request: Codec[Q]
    answer: Codec[A]


@dataclass(frozen=True, slots=True)
class Upload(Generic[Q, I]):
    """A method whose request is a stream, a head and then frames of items, and whose answer is empty.

    Attributes:
        method: which.
        head: the first frame.
        items: a further frame.
        most: items at most.
    """

    method: Method
    head: Codec[Q]
    items: Codec[Sequence[I]]
    most: int


@dataclass(frozen=True, slots=True)
class Download(Generic[Q, I]):
    """A method whose answer is a stream.

    Attributes:
        method: which.
        request: a whole message.
        item: a frame of the answer.
        most: frames at most.
    """

    method: Method
    request: Codec[Q]
    item: Codec[I]
    most: int


AnyExchange = Exchange[Any, Any] | Upload[Any, Any] | Download[Any, Any]

BEGIN_SESSION = Exchange(Method.HELLO, NOTHING, HELLO)
PAIR = Exchange(Method.PAIR, HELLO, NOTHING)
ASK_STATUS = Exchange(Method.STATUS, NOTHING, STATUS)
EPOCH = Exchange(Method.EPOCH, NOTHING, U32)
COUNT = Exchange(Method.ROWS, NOTHING, U32)
HEAD_OF = Exchange(Method.HEAD_OF, PSEUDONYM, FOUND)
ALARMS = Exchange(Method.ALARMS, NOTHING, PSEUDONYMS)
ASK_LEVELS = Exchange(Method.LEVELS, NOTHING, LEVELS)
ASK_OPERATORS = Exchange(Method.OPERATORS, NOTHING, KEYS)
ASK_LOG_HEAD = Exchange(Method.LOG_HEAD, NOTHING, LOG_HEAD)
ASK_LOG_COMMITMENTS = Exchange(Method.LOG_COMMITMENTS, SPAN, COMMITMENTS)
BEGIN = Exchange(Method.BEGIN, REQUESTS, OUTCOMES)
RELEASE = Exchange(Method.RELEASE, CLAIMING, RELEASED)
STAGE_ERASE = Exchange(Method.STAGE_ERASE, ROWS, NOTHING)
STAGE_MARKS = Exchange(Method.STAGE_MARKS, MARKS, NOTHING)
STAGE_SWITCH = Exchange(Method.STAGE_SWITCH, SWITCH, NOTHING)
STAGE_OPERATORS = Exchange(Method.STAGE_OPERATORS, OPERATORS, NOTHING)
STAGE_REFRESH = Exchange(Method.STAGE_REFRESH, TRANSACTION, NOTHING)
COMMIT = Exchange(Method.COMMIT, TRANSACTION, NOTHING)
ABORT = Exchange(Method.ABORT, TRANSACTION, NOTHING)
STAGED = Exchange(Method.STAGED, NOTHING, TRANSACTIONS)
FORGIVE = Exchange(Method.FORGIVE, WORD, NOTHING)

LEFT_FINE = Exchange(Method.FINE, NONCE, FINE_TABLES)
LEFT_TOKENS = Exchange(Method.TOKENS, CHOICE, TOKEN_TABLES)
LEFT_ENROL: Upload[Any, LeftPart] = Upload(Method.STAGE_ENROL, TRANSACTION, LEFT_PARTS, ENROL_ROWS_MAX)
DELTAS = Download(Method.DELTAS, TRANSACTION, CHUNK, CHUNKS_MAX)

RIGHT_FINE = Exchange(Method.FINE, NONCE, FINE_PICKS)
RIGHT_TOKENS = Exchange(Method.TOKENS, CHOICE, TOKEN_PICKS)
RIGHT_ENROL: Upload[Any, RightPart] = Upload(Method.STAGE_ENROL, TRANSACTION, RIGHT_PARTS, ENROL_ROWS_MAX)

OFFER_SUMS = Exchange(Method.OFFER, OFFER, NOTHING)
FETCH_POSITIONS = Exchange(Method.POSITIONS, FETCH, POSITIONS)

ASK_REGISTRY = Exchange(Method.REGISTRY, NOTHING, REGISTRY_IDENTITY)
OPEN_WORK = Exchange(Method.OPEN, WRITES, NOTHING)
ASK_OPERATION = Exchange(Method.ASK, CALL, ANSWER)
CLOSE_WORK = Exchange(Method.CLOSE, COMMITS, NOTHING)
BEGIN_EPOCH = Exchange(Method.BEGIN_EPOCH, NOTHING, U32)
FINISH_EPOCH = Exchange(Method.FINISH_EPOCH, NOTHING, NOTHING)

_OF_BOTH_HALVES: tuple[AnyExchange, ...] = (
    BEGIN_SESSION, PAIR, ASK_STATUS, EPOCH, COUNT, HEAD_OF, ALARMS, ASK_LEVELS, ASK_OPERATORS, ASK_LOG_HEAD,
    ASK_LOG_COMMITMENTS, BEGIN, RELEASE,
    STAGE_ERASE, STAGE_MARKS, STAGE_SWITCH, STAGE_OPERATORS, STAGE_REFRESH, COMMIT, ABORT, STAGED, FORGIVE,
)  # fmt: skip

OF_THE_LEFT: tuple[AnyExchange, ...] = (*_OF_BOTH_HALVES, LEFT_FINE, LEFT_TOKENS, LEFT_ENROL, DELTAS)
OF_THE_RIGHT: tuple[AnyExchange, ...] = (*_OF_BOTH_HALVES, RIGHT_FINE, RIGHT_TOKENS, RIGHT_ENROL)
OF_THE_SELECTOR: tuple[AnyExchange, ...] = (OFFER_SUMS, FETCH_POSITIONS)
OF_THE_REGISTRY: tuple[AnyExchange, ...] = (
    ASK_REGISTRY, OPEN_WORK, ASK_OPERATION, CLOSE_WORK, BEGIN_EPOCH, FINISH_EPOCH,
)  # fmt: skip
_ALL = (*OF_THE_LEFT, *OF_THE_RIGHT, *OF_THE_SELECTOR, *OF_THE_REGISTRY)


def request_bound(method: Method) -> int:
    """Bytes of the longest request of a method, of any role; of a stream, of its longest frame."""
    return max(_request_bound(each) for each in _ALL if each.method is method)


def _request_bound(exchange: AnyExchange) -> int:
    if isinstance(exchange, Upload):
        return max(exchange.head.size_max, exchange.items.size_max)
    return exchange.request.size_max

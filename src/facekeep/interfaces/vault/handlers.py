"""What a role does for each method: the port's call, between what was asked and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Protocol, cast

from facekeep.errors import RefusedError
from facekeep.split.messages import LEFT, RIGHT
from facekeep.split.roles import HalfPort, LeftPort, RightPort, SelectorPort
from facekeep.split.wire import exchanges as ex
from facekeep.split.wire.failures import told
from facekeep.split.wire.methods import Method, Role
from facekeep.split.wire.search_messages import Choice, Claiming, Fetch, Offer
from facekeep.split.wire.write_messages import Marks, Operators, Rows, Switch

NAMES: Mapping[Role, str] = {
    Role.GATE: "gate",
    Role.LEFT: "left half",
    Role.RIGHT: "right half",
    Role.REGISTRAR: "registrar",
}
"""The roles as a person reads them."""

_SIDES = {Role.LEFT: LEFT, Role.RIGHT: RIGHT}


@dataclass(frozen=True, slots=True)
class Handler:
    """How one method is answered.

    Attributes:
        exchange: its encoding.
        answer: from the caller and what it asked; of an upload, the head and a list of all items.
    """

    exchange: ex.AnyExchange
    answer: Callable[[Role, Any], Any]


class Desk(Protocol):
    """What one connection has to itself, made for it and used by its thread alone."""

    handlers: Mapping[Method, Handler]

    @property
    def patience(self) -> float | None:
        """Seconds to wait for the next request while others wait for what this connection holds; else None."""
        ...

    def close(self) -> None:
        """The connection has ended: give up what it holds."""
        ...


class _Bare:
    """The desk of a role that remembers nothing of a connection."""

    handlers: Mapping[Method, Handler] = MappingProxyType({})
    patience: float | None = None

    def close(self) -> None:
        """There is nothing to give up."""


@dataclass(frozen=True, slots=True)
class Service:
    """A role that is served.

    Attributes:
        role: which.
        handlers: by method.
        desk: makes what a connection has to itself.
    """

    role: Role
    handlers: Mapping[Method, Handler]
    desk: Callable[[], Desk] = field(default=_Bare)


def serve_left(port: LeftPort) -> Service:
    """The left half."""
    return _service(
        Role.LEFT,
        *_of_a_half(port, Role.LEFT),
        Handler(ex.LEFT_FINE, lambda _, search: port.fine(search)),
        Handler(ex.LEFT_TOKENS, lambda _, asked: port.tokens(*_choice(asked))),
        Handler(ex.LEFT_ENROL, lambda _, asked: port.stage_enrol(*asked)),
        Handler(ex.DELTAS, lambda _, transaction: port.deltas(transaction)),
    )


def serve_right(port: RightPort) -> Service:
    """The right half."""
    return _service(
        Role.RIGHT,
        *_of_a_half(port, Role.RIGHT),
        Handler(ex.RIGHT_FINE, lambda _, search: port.fine(search)),
        Handler(ex.RIGHT_TOKENS, lambda _, asked: port.tokens(*_choice(asked))),
        Handler(ex.RIGHT_ENROL, lambda _, asked: port.stage_enrol(*asked)),
    )


def serve_registrar(port: SelectorPort, desk: Callable[[], Desk] = _Bare) -> Service:
    """The registrar.

    Args:
        port: the selector. A half acts for its own side only.
        desk: answers the gate's questions to the registry (interfaces.registry.desk).
    """

    def offer(caller: Role, asked: Offer) -> None:
        _check_side(caller, asked.side)
        port.offer(asked.search, asked.side, asked.tag, asked.shares, asked.support)

    def positions(caller: Role, asked: Fetch) -> Any:
        _check_side(caller, asked.side)
        return port.positions(asked.search, asked.side)

    selecting = _service(Role.REGISTRAR, Handler(ex.OFFER_SUMS, offer), Handler(ex.FETCH_POSITIONS, positions))
    return replace(selecting, desk=desk)


def _service(role: Role, *handlers: Handler) -> Service:
    return Service(role, {handler.exchange.method: handler for handler in handlers})


def _check_side(caller: Role, side: bytes) -> None:
    if _SIDES.get(caller) != side:
        raise RefusedError("a half spoke for the other side", hint="Check which certificate is of which half.")


def _choice(asked: Choice) -> tuple[bytes, Any]:
    return asked.search, asked.chosen


def _of_a_half(port: HalfPort, role: Role) -> Iterable[Handler]:
    def begin(_: Role, requests: Any) -> list[RefusedError | None]:
        outcomes = port.begin(requests)
        return [None if o is None else cast("RefusedError", told(o, NAMES[role])) for o in outcomes]

    def release(_: Role, asked: Claiming) -> Any:
        return port.release(asked.search, asked.claims)

    def stage_erase(_: Role, asked: Rows) -> None:
        port.stage_erase(asked.transaction, asked.pseudonyms)

    def stage_marks(_: Role, asked: Marks) -> None:
        port.stage_marks(asked.transaction, [(mark.pseudonym, mark.purposes, mark.flags) for mark in asked.marks])

    def stage_switch(_: Role, asked: Switch) -> None:
        port.stage_switch(asked.transaction, asked.purpose, asked.on)

    def stage_operators(_: Role, asked: Operators) -> None:
        port.stage_operators(asked.transaction, asked.change)

    return (
        Handler(ex.BEGIN_SESSION, lambda *_: port.hello()),
        Handler(ex.PAIR, lambda _, other: port.pair(other)),
        Handler(ex.ASK_STATUS, lambda *_: port.status()),
        Handler(ex.EPOCH, lambda *_: port.epoch),
        Handler(ex.COUNT, lambda *_: len(port)),
        Handler(ex.HEAD_OF, lambda _, pseudonym: port.head_of(pseudonym)),
        Handler(ex.ALARMS, lambda *_: port.alarms()),
        Handler(ex.ASK_LOG_HEAD, lambda *_: port.log_head()),
        Handler(ex.ASK_LOG_COMMITMENTS, lambda _, asked: port.log_commitments(asked.first, asked.count)),
        Handler(ex.ASK_LEVELS, lambda *_: port.levels()),
        Handler(ex.ASK_OPERATORS, lambda *_: port.operators()),
        Handler(ex.BEGIN, begin),
        Handler(ex.RELEASE, release),
        Handler(ex.STAGE_ERASE, stage_erase),
        Handler(ex.STAGE_MARKS, stage_marks),
        Handler(ex.STAGE_SWITCH, stage_switch),
        Handler(ex.STAGE_OPERATORS, stage_operators),
        Handler(ex.STAGE_REFRESH, lambda _, transaction: port.stage_refresh(transaction)),
        Handler(ex.COMMIT, lambda _, transaction: port.commit(transaction)),
        Handler(ex.ABORT, lambda _, transaction: port.abort(transaction)),
        Handler(ex.STAGED, lambda *_: port.staged()),
        Handler(ex.FORGIVE, lambda _, word: port.forgive(word)),
    )

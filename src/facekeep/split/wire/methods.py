"""The methods of the protocol, and who may call which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """Who speaks the protocol. The gate is never asked; the registrar, who runs the selector too, never asks."""

    GATE = "gate"
    LEFT = "left"
    RIGHT = "right"
    REGISTRAR = "registrar"


class Method(IntEnum):
    """What can be asked. The numbers are part of the protocol."""

    HELLO = 1
    PAIR = 2
    STATUS = 3
    EPOCH = 4
    ROWS = 5
    HEAD_OF = 6
    ALARMS = 7
    LEVELS = 8
    OPERATORS = 9
    LOG_HEAD = 10
    LOG_COMMITMENTS = 11
    BEGIN = 16
    FINE = 17
    TOKENS = 18
    RELEASE = 19
    STAGE_ENROL = 32
    STAGE_ERASE = 33
    STAGE_MARKS = 34
    STAGE_SWITCH = 35
    STAGE_REFRESH = 36
    COMMIT = 37
    ABORT = 38
    STAGED = 39
    FORGIVE = 40
    STAGE_OPERATORS = 41
    DELTAS = 48
    OFFER = 64
    POSITIONS = 65
    REGISTRY = 80
    OPEN = 81
    ASK = 82
    CLOSE = 83
    BEGIN_EPOCH = 84
    FINISH_EPOCH = 85


_OF_THE_SELECTOR = frozenset({Method.OFFER, Method.POSITIONS})
_OF_THE_REGISTRY = frozenset(
    {Method.REGISTRY, Method.OPEN, Method.ASK, Method.CLOSE, Method.BEGIN_EPOCH, Method.FINISH_EPOCH}
)
_OF_BOTH_HALVES = frozenset(Method) - _OF_THE_SELECTOR - _OF_THE_REGISTRY - {Method.DELTAS}
_NONE: frozenset[Method] = frozenset()

RIGHTS: Mapping[Role, Mapping[Role, frozenset[Method]]] = MappingProxyType(
    {
        Role.LEFT: {Role.GATE: _OF_BOTH_HALVES, Role.RIGHT: frozenset({Method.DELTAS})},
        Role.RIGHT: {Role.GATE: _OF_BOTH_HALVES},
        Role.REGISTRAR: {
            Role.GATE: _OF_THE_REGISTRY,
            Role.LEFT: _OF_THE_SELECTOR,
            Role.RIGHT: _OF_THE_SELECTOR,
        },
    }
)
"""For each role that is asked: who may ask it what."""


def may(caller: Role, served: Role, method: Method) -> bool:
    """Whether a caller has the right to a method of a role."""
    return method in RIGHTS.get(served, {}).get(caller, _NONE)

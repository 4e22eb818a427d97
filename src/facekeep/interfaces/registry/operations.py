"""What the gate may ask of the registry: every public method of a view or a transaction, with its encoding.

The table is made from the methods themselves, so that it cannot lack one or disagree with it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType, MappingProxyType
from typing import Any, Final, get_type_hints

from facekeep.interfaces.registry.values import MARKED, codec_of
from facekeep.split.wire.primitives import Codec, Reader, Writer, malformed, text
from facekeep.store.transaction import Transaction
from facekeep.store.view import State, View

__all__ = ["OPERATIONS", "STATE", "Operation", "decode_call", "encode_call"]

_NAME: Final = text(64, 1, prefix=1)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method.

    Attributes:
        name: of the method.
        writes: whether it needs a transaction.
        signature: of the method.
        parameters: names and types of its arguments, in the order of their encoding.
        result: the type of what it gives.
    """

    name: str
    writes: bool
    signature: inspect.Signature
    parameters: tuple[tuple[str, Any], ...]
    result: Any

    @property
    def answer(self) -> Codec[Any]:
        """How what it gives is encoded."""
        return codec_of(self.result)

    def bound(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """All its arguments by name, those left out too."""
        bound = self.signature.bind(None, *arguments, **named)
        bound.apply_defaults()
        return {name: bound.arguments[name] for name, _ in self.parameters}


STATE: Final = Operation("state", False, inspect.Signature(), (), State)
"""The registry's own record, which is no method but a property."""


def _operation(method: FunctionType, *, writes: bool) -> Operation:
    hints = get_type_hints(method, localns=dict(MARKED))
    signature = inspect.signature(method)
    parameters = tuple((name, hints[name]) for name in list(signature.parameters)[1:])
    return Operation(method.__name__, writes, signature, parameters, hints["return"])


def _of(kind: type[View]) -> dict[str, FunctionType]:
    """The public methods of a class, those of its bases first."""
    found: dict[str, FunctionType] = {}
    for each in reversed(kind.__mro__):
        found |= {n: method for n, method in vars(each).items() if isinstance(method, FunctionType) and n[0] != "_"}
    return found


def _every() -> dict[str, Operation]:
    reading = _of(View)
    writing = {name: method for name, method in _of(Transaction).items() if name not in reading}
    every = {name: _operation(method, writes=False) for name, method in reading.items()}
    return {STATE.name: STATE, **every, **{name: _operation(method, writes=True) for name, method in writing.items()}}


OPERATIONS: Mapping[str, Operation] = MappingProxyType(_every())
"""By name."""


def encode_call(operation: Operation, arguments: Mapping[str, Any]) -> bytes:
    """An operation with its arguments.

    Raises:
        UsageError: an argument has no encoding.
    """
    writer = Writer()
    _NAME.write(writer, operation.name)
    for name, kind in operation.parameters:
        codec_of(kind).write(writer, arguments[name])
    return b"".join(writer.parts)


def decode_call(body: bytes) -> tuple[Operation, dict[str, Any]]:
    """The operation and its arguments in a body.

    Raises:
        FormatError: there is no such operation, or its arguments do not parse.
    """
    reader = Reader(body)
    operation = OPERATIONS.get(_NAME.read(reader))
    if operation is None:
        raise malformed("names an operation that the registry has not")
    arguments = {name: codec_of(kind).read(reader) for name, kind in operation.parameters}
    reader.end()
    return operation, arguments

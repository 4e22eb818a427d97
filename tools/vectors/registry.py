"""Write tests/vectors/registry-v1.json: python -m tools.vectors.registry. Inputs are fixed: it writes the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from facekeep.domain.evidence import Evidence, EvidenceKind
from facekeep.interfaces.registry.operations import OPERATIONS, encode_call
from facekeep.interfaces.registry.values import MARKED, Loose

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "registry-v1.json"

_PLAIN: Mapping[Any, Any] = {bool: True, int: 2**40 + 7, float: 0.5, NoneType: None}
_LATER = ("expires", "withdrawn", "closed", "when", "until")
_HOUR = datetime(2027, 2, 3, 4, tzinfo=UTC)
_FORMED = {"language": "de-AT", "url": "https://hooks.example/keep", "replaces": "0f" * 32}
_AGES = {"age": 7, "guardian_under": 14}
_NUMBERS = {"days": 1095}
_LOOSE = (None, True, 7, "é", b"\x00\xff", ((), ("deep",)))


def example(kind: Any, name: str) -> Any:
    """A value of a type, for a parameter or field of a name."""
    plain = {
        **_PLAIN,
        int: _AGES.get(name, _PLAIN[int]),
        Evidence: Evidence(EvidenceKind.FORM, "0f" * 32),
        datetime: _HOUR if name == "deadline" else datetime(2027 if name in _LATER else 2026, 2, 3, 4, 5, 6, 789, UTC),
        str: _FORMED.get(name, f"{name} ø"),
        bytes: sha256(name.encode()).digest(),
        Any: _LOOSE,
        Loose: _LOOSE,
    }
    if kind is int and name in _NUMBERS:
        return _NUMBERS[name]
    if kind in plain:
        return plain[kind]
    if isinstance(kind, NewType):
        return sha256(name.encode()).digest()[:16]
    return _compound(kind, name) if get_origin(kind) is not None else _made(kind)


def _compound(kind: Any, name: str) -> Any:
    origin, parts = get_origin(kind), [part for part in get_args(kind) if part not in (NoneType, ...)]
    if origin in (Union, UnionType):
        return example(parts[0], name)
    if origin is Mapping:
        keys = list(parts[0])[:2] if isinstance(parts[0], type) and issubclass(parts[0], Enum) else ["b", "a"]
        return {key: example(parts[1], name) for key in keys}
    if origin is frozenset:
        return frozenset(list(parts[0])[-3:])
    if origin is tuple and get_args(kind)[-1] is not ...:
        return tuple(example(part, f"{name}{number}") for number, part in enumerate(parts))
    return (list if origin is list else tuple)([example(parts[0], name)] * 2)


def _made(kind: Any) -> Any:
    if issubclass(kind, Enum):
        return list(kind)[-1]
    hints = get_type_hints(kind, localns=dict(MARKED))
    values = {each.name: example(hints[each.name], each.name) for each in dataclasses.fields(kind)}
    try:
        return kind(**values)
    except ValueError:  # some optional parts exclude each other
        optional = [each.name for each in dataclasses.fields(kind) if NoneType in get_args(hints[each.name])]
        return kind(**values | dict.fromkeys(optional))


def values() -> dict[str, tuple[dict[str, Any], Any]]:
    """Of each operation its arguments and what it gives."""
    return {
        each.name: ({name: example(kind, name) for name, kind in each.parameters}, example(each.result, "result"))
        for each in OPERATIONS.values()
    }


def _bad() -> list[dict[str, str]]:
    calls = {name: encode_call(OPERATIONS[name], arguments) for name, (arguments, _) in values().items()}
    switch, begin = calls["set_switch"], calls["journal_begin"]
    cases = [
        ("nothing", b""),
        ("an operation without a name", b"\x00"),
        ("an unknown operation", b"\x05erase"),
        ("a private method", b"\x04_row" + bytes(16)),
        ("an operation in capitals", b"\x05STATE"),
        ("bytes left over", calls["state"] + b"\x00"),
        ("a byte short", calls["subject"][:-1]),
        ("a bool that is 2", switch[:-1] + b"\x02"),
        ("an unknown purpose", b"\x0aset_switch\x05spite\x01"),
        ("a purpose without a name", b"\x0aset_switch\x00\x01"),
        ("an option that is neither there nor not", b"\x08subjects\x02" + bytes(8)),
        ("text that is not UTF-8", b"\x10subject_by_label\x00\x00\x00\x01\xff"),
        ("text over its bound", b"\x10subject_by_label\x00\x40\x00\x01"),
        ("a time after the last one", b"\x0aclose_case" + bytes(16) + b"\xff" * 8),
        ("a mapping out of order", begin.replace(b"\x01b", b"\x01a", 1)),
        ("a list that lies about its length", b"\x0aadd_client\x00\x00\x00\x00\xff\xff\xff\xff"),
        ("a value of an unknown kind", _payload(b"\x06")),
        ("lists five deep", _payload(b"\x05\x00\x00\x00\x01" * 4 + b"\x05\x00\x00\x00\x00")),
    ]
    return [{"name": name, "call": call.hex()} for name, call in cases]


def _payload(value: bytes) -> bytes:
    return b"\x0djournal_begin\x05enrol\x00\x00\x00\x01\x00\x00\x00\x01p" + value + b"\x00"


def vectors() -> dict[str, object]:
    """Everything in the file."""
    calls = [
        {
            "operation": name,
            "call": encode_call(OPERATIONS[name], arguments).hex(),
            "answer": OPERATIONS[name].answer.encode(given).hex(),
        }
        for name, (arguments, given) in values().items()
    ]
    return {"format": "facekeep registry protocol, version 1", "calls": calls, "bad": _bad()}


if __name__ == "__main__":
    TARGET.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
    print(TARGET.name)

"""Write the tables of docs/spec/registry-protocol.md from the registry itself: python tools/docs/registry.py."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from facekeep.interfaces.registry.operations import OPERATIONS
from facekeep.interfaces.registry.values import MARKED, described

PAGE = Path(__file__).parents[2] / "docs" / "spec" / "registry-protocol.md"
_OPERATIONS, _RECORDS = "<!-- operations -->", "<!-- records -->"


def page(text: str) -> str:
    """The page with its tables as they should be.

    Args:
        text: the page as it is.
    """
    head = text.partition(_OPERATIONS)[0]
    between = re.sub(r".*?(?=\n## 5)", "", text.partition(_OPERATIONS)[2], flags=re.DOTALL).partition(_RECORDS)[0]
    return "\n".join([f"{head}{_OPERATIONS}", "", *_operations(), f"{between}{_RECORDS}", "", *_kinds(), ""])


def _operations() -> Iterator[str]:
    yield "| operation | writes | arguments | gives |"
    yield "|---|---|---|---|"
    for each in OPERATIONS.values():
        arguments = ", ".join(f"{name}: {described(kind)}" for name, kind in each.parameters)
        yield f"| `{each.name}` | {'yes' if each.writes else ''} | {arguments or '–'} | {described(each.result)} |"


def _kinds() -> Iterator[str]:
    yield "| name | what |"
    yield "|---|---|"
    for kind in sorted(set(_found()), key=lambda kind: kind.__name__):
        if issubclass(kind, Enum):
            yield f"| {kind.__name__} | a word: {', '.join(f'`{member.value}`' for member in kind)} |"
        else:
            yield f"| {kind.__name__} | {', '.join(f'{name}: {described(each)}' for name, each in _fields(kind))} |"


def _found() -> Iterator[type[Any]]:
    for each in OPERATIONS.values():
        for kind in (each.result, *(kind for _, kind in each.parameters)):
            yield from _named(kind)


def _named(kind: Any) -> Iterator[type[Any]]:
    for part in get_args(kind):
        if part not in (NoneType, ...):
            yield from _named(part)
    if isinstance(kind, type) and (issubclass(kind, Enum) or dataclasses.is_dataclass(kind)):
        yield kind
        if dataclasses.is_dataclass(kind):
            for _, each in _fields(kind):
                yield from _named(each)


def _fields(kind: type[Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(kind, localns=dict(MARKED))
    for each in dataclasses.fields(kind):
        yield each.name, hints[each.name]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE.name)

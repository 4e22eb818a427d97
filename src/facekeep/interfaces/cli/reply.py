"""How a command answers: one JSON document, or lines for a person; then an exit code.

Text that came from outside (labels, names, titles) is shown without its control characters, so that a name cannot
steer the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from facekeep.errors import (
    BadInputError,
    DamagedStoreError,
    FacekeepError,
    NotFoundError,
    QualityError,
    RefusedError,
    UnavailableError,
    UnsignedError,
    UsageError,
)

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = [
    "Exit",
    "Hanging",
    "Heading",
    "Line",
    "Rows",
    "band",
    "console",
    "exit_code",
    "extra_of",
    "one_in",
    "print_error",
    "print_hanging",
    "print_json",
    "print_line",
    "reply",
    "show",
    "shown",
    "when",
]


class Exit(IntEnum):
    """Exit codes of every command (docs/reference/exit-codes.md)."""

    YES = 0
    NO = 1
    USAGE = 2
    REFUSED = 3
    BAD_INPUT = 4
    DAMAGED = 5
    UNAVAILABLE = 6
    UNEXPECTED = 70
    INTERRUPTED = 130


_CODES: tuple[tuple[type[FacekeepError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (UnsignedError, Exit.USAGE),
    (RefusedError, Exit.REFUSED),
    (BadInputError, Exit.BAD_INPUT),
    (NotFoundError, Exit.NO),
    (DamagedStoreError, Exit.DAMAGED),
    (UnavailableError, Exit.UNAVAILABLE),
)


def exit_code(error: FacekeepError) -> Exit:
    """The exit code of an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that begins a part of an answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Hanging:
    """A line with a prefix that its further lines stand beside.

    Attributes:
        prefix: a mark, or spaces.
        text: the line.
    """

    prefix: str
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of an answer.

    Attributes:
        heads: of the columns.
        cells: rows of as many cells.
        numbers: indices of columns that are set to the right.
    """

    heads: Sequence[str]
    cells: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()


Line = str | Heading | Hanging | Rows
"""A part of an answer."""


def reply(document: Mapping[str, object], lines: Iterable[Line], *, as_json: bool, code: Exit = Exit.YES) -> NoReturn:
    """Answer and end the command.

    Args:
        document: the answer for programs.
        lines: the answer for people.
        as_json: which of the two.
        code: the exit code.
    """
    if as_json:
        print_json(document)
    else:
        screen = console()
        for line in lines:
            show(screen, line)
    raise typer.Exit(int(code))


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on the standard output."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=_plain_value, allow_nan=False)
    sys.stdout.write(text.encode("utf-8", "replace").decode("utf-8") + "\n")
    sys.stdout.flush()


def print_error(
    kind: str, message: str, hint: str, *, as_json: bool, extra: Mapping[str, object] | None = None
) -> None:
    """An error: as JSON on the standard output, or as two lines on the standard error."""
    if as_json:
        print_json({"error": kind, "message": message, "hint": hint, **(extra or {})})
        return
    screen = console(error=True)
    print_line(screen, f"error: {shown(message)}", style="bold red")
    for name, values in (extra or {}).items():
        if isinstance(values, tuple | list) and values:
            print_line(screen, f"{name}: {', '.join(shown(str(value)) for value in values)}")
    print_line(screen, f"hint: {shown(hint)}")


def extra_of(error: FacekeepError) -> dict[str, object]:
    """What else an error tells: the reasons of a rejection, the store that is damaged."""
    if isinstance(error, QualityError):
        return {"reasons": list(error.reasons)}
    return {"store": error.store} if isinstance(error, DamagedStoreError) else {}


def console(*, error: bool = False) -> Console:
    """The terminal, or the pipe in its place, where lines are not broken."""
    from rich.console import Console

    screen = Console(stderr=error, markup=False, highlight=False, emoji=False)
    return (
        screen if screen.is_terminal else Console(stderr=error, markup=False, highlight=False, emoji=False, width=500)
    )


def show(screen: Console, line: Line) -> None:
    """Print a part of an answer."""
    match line:
        case Heading(text):
            print_line(screen, "")
            print_line(screen, text, style="bold")
        case Hanging(prefix, text):
            print_hanging(screen, prefix, text)
        case Rows():
            screen.print(_table(line))
        case _:
            print_line(screen, line)


def print_line(screen: Console, text: str, style: str | None = None) -> None:
    """Print a line, broken between words on a terminal and whole in a pipe."""
    screen.print(text, style=style, soft_wrap=not screen.is_terminal)


def print_hanging(screen: Console, prefix: str, text: str, style: str | None = None) -> None:
    """Print a line whose further lines on a narrow terminal begin below its text, not below its prefix."""
    if not screen.is_terminal:
        print_line(screen, prefix + text, style)
        return
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid()
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(prefix, style or ""), Text(text, style or ""))
    screen.print(grid)


def _table(rows: Rows) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, head in enumerate(rows.heads):
        table.add_column(head, justify="right" if index in rows.numbers else "left", overflow="fold")
    for cells in rows.cells:
        table.add_row(*(Text(shown(cell)) for cell in cells))
    return table


def shown(text: str) -> str:
    """Text from outside as it may be shown: without control characters and other invisible ones."""
    return "".join(c if c.isprintable() else "�" for c in text)


def one_in(count: int) -> str:
    """A band as a person reads it."""
    return f"fewer than one in {count:,} strangers would pass"


def band(count: int, *, extrapolated: bool) -> str:
    """A band with its caveat: a rate beyond what was measured says so."""
    return one_in(count) + (" (extrapolated beyond what was measured)" if extrapolated else "")


def when(time: datetime | None) -> str:
    """A time as a person reads it, in UTC to the minute."""
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M}"


def _plain_value(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, StrEnum | Path):
        return str(value)
    if isinstance(value, frozenset | set):
        return sorted(value, key=str)
    raise TypeError(f"{type(value).__name__} has no form in JSON")

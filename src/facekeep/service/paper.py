"""A paper that people read, and its HTML: sections of text, tables and letters, without scripts.

What is not known is a :class:`Missing`, which the page shows as missing: nothing is made up in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

__all__ = ["Cell", "Letter", "Missing", "Paper", "Part", "Section", "Table", "Text", "page"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that the paper has to say and that nobody told the keep.

    Attributes:
        what: it is.
        hint: how to give it.
    """

    what: str
    hint: str = ""


Cell: TypeAlias = str | Missing


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph.

    Attributes:
        text: plain.
        tone: ``good``, ``bad``, ``warn`` or "".
    """

    text: Cell
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose first column names its rows.

    Attributes:
        caption: what it shows.
        heads: of the columns.
        rows: as many cells each.
        names: whether it names people, and so goes onto no terminal.
    """

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    names: bool = False

    def __post_init__(self) -> None:
        if any(len(row) != len(self.heads) for row in self.rows):
            raise ValueError("a row of a table has a cell for each column")


@dataclass(frozen=True, slots=True)
class Letter:
    """A draft that somebody completes and sends.

    Attributes:
        title: what it is.
        paragraphs: of the draft.
    """

    title: str
    paragraphs: tuple[str, ...]


Part: TypeAlias = Text | Table | Letter


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a paper under a heading."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper.

    Attributes:
        title: its heading.
        about: one sentence on what it is.
        made: when and by what it was made.
        sections: in order.
    """

    title: str
    about: str
    made: str
    sections: tuple[Section, ...]

    @property
    def missing(self) -> tuple[Missing, ...]:
        """All that is missing, each once, in order."""
        cells: list[Cell] = []
        for section in self.sections:
            for part in section.parts:
                cells += _cells(part)
        return tuple(dict.fromkeys(cell for cell in cells if isinstance(cell, Missing)))


def _cells(part: Part) -> Sequence[Cell]:
    match part:
        case Text():
            return [part.text]
        case Table():
            return [cell for row in part.rows for cell in row]
        case Letter():
            return []


def page(paper: Paper) -> str:
    """The paper as one HTML page, which loads nothing and runs nothing."""
    return _template().render(paper=paper)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("facekeep.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.tests.update(
        missing=lambda cell: isinstance(cell, Missing),
        table=lambda part: isinstance(part, Table),
        letter=lambda part: isinstance(part, Letter),
    )
    return environment.get_template("paper.html.j2")

"""Reports that are written to files, and progress that is shown meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from facekeep.errors import BadInputError
from facekeep.interfaces.cli.reply import console

__all__ = ["HtmlOption", "Tell", "steps", "write_text"]

Tell = Callable[[str, int, int], None]
"""Told of a stage, the steps done and all steps."""

HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a report as one HTML page.", show_default=False)
]


@contextmanager
def steps() -> Iterator[Tell]:
    """A progress bar on the standard error, if that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = console(error=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, every: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=every)
            bar.update(tasks[stage], completed=done, total=every)

        yield tell


def write_text(path: Path, text: str) -> None:
    """Write a report.

    Raises:
        BadInputError: it cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        raise BadInputError(
            "a report cannot be written", hint="Check that its folder exists and that this account may write there."
        ) from None

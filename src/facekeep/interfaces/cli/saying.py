"""Options by which papers and laws are told what a keep cannot know of itself, and what they are read as."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from facekeep.interfaces.composition import Composition
    from facekeep.service.about import About
    from facekeep.service.facts import KeyFacts
    from facekeep.service.measured import DrillSummary, EvaluationSummary

__all__ = ["AboutOption", "DrillOption", "EvaluationOption", "key_facts", "the_about", "the_drill", "the_evaluation"]

AboutOption = Annotated[
    Path | None,
    typer.Option(
        "--about",
        metavar="FILE",
        help="What the keep cannot know: who is responsible, on which ground. See facekeep report about.",
        show_default=False,
    ),
]
DrillOption = Annotated[
    Path | None,
    typer.Option(
        "--drill", metavar="FILE", help="The latest drill, as facekeep drill --json prints it.", show_default=False
    ),
]
EvaluationOption = Annotated[
    Path | None,
    typer.Option(
        "--evaluation",
        metavar="FILE",
        help="The latest evaluation, as facekeep evaluate --json prints it.",
        show_default=False,
    ),
]


def the_about(path: Path | None) -> About:
    """What the controller said, or that nothing was said."""
    from facekeep.service.about import About

    return About() if path is None else About.read(path)


def the_drill(path: Path | None) -> DrillSummary | None:
    """The latest drill, if it was given."""
    from facekeep.service.measured import DrillSummary

    return None if path is None else DrillSummary.read(path)


def the_evaluation(path: Path | None) -> EvaluationSummary | None:
    """The latest evaluation, if it was given."""
    from facekeep.service.measured import EvaluationSummary

    return None if path is None else EvaluationSummary.read(path)


def key_facts(parts: Composition, directory: Path) -> KeyFacts:
    """Where the keys of a keep are."""
    from facekeep.service.facts import KeyFacts

    record = parts.record(directory)
    folder, keep = record.directory, directory.absolute()
    beside = folder is None or keep == folder or keep in folder.absolute().parents
    return KeyFacts(beside, tuple(sorted(record.keyring)), tuple(sorted(record.passphrase)))

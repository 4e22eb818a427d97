"""drill: act as a thief, with every store and every pair that can be stolen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import BadInputError, ModelError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption
from facekeep.interfaces.cli.reply import Exit, reply, shown
from facekeep.interfaces.cli.writing import HtmlOption, Tell, steps, write_text

if TYPE_CHECKING:
    from facekeep.interfaces.composition import Composition
    from facekeep.service.drill_people import Vectors
    from facekeep.service.drill_report import DrillReport

__all__ = ["add_commands", "robbed"]


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Measure")(drill)


def drill(
    context: typer.Context,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer people and questions: half a minute.", show_default=False)
    ] = False,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="DIR",
            help="Real faces: a folder with a folder of pictures for each person. Else, and to fill up, made-up ones.",
            show_default=False,
        ),
    ] = None,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rob a keep in every way: exit code 0 if every thief goes home with noise, and every control succeeds.

    The keep that is robbed is made for it; your own is not touched.
    """
    with steps() as tell:
        report = robbed(composition(context), people, quick=quick, tell=tell)
    written: dict[str, object] = {}
    if html is not None:
        from facekeep.service.drill_html import html_report

        write_text(html, html_report(report))
        written["html"] = html
    code = Exit.YES if report.passed else Exit.NO
    lines = [
        *report.as_text().splitlines(),
        *(f"wrote the {what}: {shown(str(path))}" for what, path in written.items()),
    ]
    made = datetime.now(UTC).replace(microsecond=0)
    reply({**report.as_json(), "made": made, "written": written}, lines, as_json=as_json, code=code)


def robbed(parts: Composition, people: Path | None, *, quick: bool, tell: Tell) -> DrillReport:
    """Make a keep and rob it, with the levels of the model at hand."""
    from facekeep.service.calibration import shipped_calibration
    from facekeep.service.drill import DrillSettings, run_drill

    pack, chosen = parts.models()
    try:
        calibration = shipped_calibration(pack.spec(chosen.embedding).sha256)
    except ModelError:
        calibration = None  # an own model: the drill has typical levels
    settings = DrillSettings.quick(calibration) if quick else DrillSettings(calibration=calibration)
    return run_drill(None if people is None else _templates(parts, people, tell), settings, tell)


def _templates(parts: Composition, folder: Path, tell: Tell) -> Mapping[str, Sequence[Vectors]]:
    """The templates of the people in a folder, by the number of the person."""
    from facekeep.face.pipeline import FacePipeline
    from facekeep.service.evaluation_acquisition import CentralFaceEmbedder, acquire
    from facekeep.service.evaluation_data import read_folders

    pictures = read_folders(folder)
    pipeline = FacePipeline.build(*parts.models())
    found = acquire(pictures.paths, CentralFaceEmbedder(pipeline.detector, pipeline.extractor), progress=tell)
    templates: dict[str, list[Vectors]] = {}
    for subject, vector, acquired in zip(pictures.subjects, found.embeddings, found.acquired, strict=True):
        if acquired:
            templates.setdefault(str(subject), []).append(vector)
    if not templates:
        raise BadInputError("no face was found in the pictures of the people", hint="Give pictures of one face each.")
    return templates

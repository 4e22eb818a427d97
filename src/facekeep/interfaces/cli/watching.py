"""Commands about canaries, by which a keep watches itself."""

from __future__ import annotations

from typing import Annotated

import typer

from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import GalleryOption, JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Exit, reply

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Watch a keep by canaries: references of nobody that must be answered rightly.")
    group.command("plant")(plant)
    group.command("ask")(ask)
    app.add_typer(group, name="canary", rich_help_panel="The keep")


def plant(
    context: typer.Context,
    *,
    count: Annotated[int, typer.Option("--count", metavar="N", help="How many there shall be, 1 to 16.")] = 4,
    gallery: GalleryOption = "main",
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol canaries. They count as people and are listed as what they are; a half sees rows like any other."""
    with composition(context).open(keep) as opened:
        planted = opened.plant_canaries(count, gallery=gallery)
    reply({"planted": planted}, [f"{planted} canaries were planted."], as_json=as_json)


def ask(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Ask for a canary as for anybody: answered rightly (exit code 0) or wrongly (1)."""
    with composition(context).open(keep) as opened:
        report = opened.ask_canaries()
    document = {"canaries": report.canaries, "asked": report.asked, "fault": report.fault}
    if report.fault is not None:
        lines = [f"wrong: a canary was answered wrongly ({report.fault}). Trust no answer, and see facekeep doctor."]
    elif report.canaries == 0:
        lines = ["there is no canary: facekeep canary plant."]
    else:
        lines = [f"right: {report.asked} questions about one of {report.canaries} canaries."]
    reply(document, lines, as_json=as_json, code=Exit.YES if report.fault is None else Exit.NO)

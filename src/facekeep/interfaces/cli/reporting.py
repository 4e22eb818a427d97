"""Papers: report about, register, dpia, breach, transparency. Each as HTML and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import BadInputError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.keeping import findings_of
from facekeep.interfaces.cli.options import JsonOption, KeepOption, words_of_text
from facekeep.interfaces.cli.reply import Heading, Line, Rows, reply, shown
from facekeep.interfaces.cli.saying import (
    AboutOption,
    DrillOption,
    EvaluationOption,
    key_facts,
    the_about,
    the_drill,
    the_evaluation,
)
from facekeep.interfaces.cli.writing import HtmlOption, write_text

if TYPE_CHECKING:
    from facekeep.service.facts import Quarter
    from facekeep.service.paper import Cell, Paper

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Papers that the law asks for, from the keep as it is.")
    group.command()(about)
    group.command()(register)
    group.command()(dpia)
    group.command()(breach)
    group.command()(transparency)
    app.add_typer(group, name="report", rich_help_panel="Safety")


def about(
    *,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; there must be nothing yet.")],
    as_json: JsonOption = False,
) -> None:
    """Write the file in which you say what a keep cannot know of itself. Fill it in, and give it as --about."""
    from facekeep.service.about import template

    try:
        with to.open("x", encoding="utf-8") as file:
            file.write(template())
    except OSError:
        raise BadInputError(
            "the file cannot be written", hint="Name a file that is not there yet, in a folder that is."
        ) from None
    reply({"written": to}, ["Fill it in. What is left empty is shown as missing."], as_json=as_json)


def register(
    context: typer.Context,
    *,
    about: AboutOption = None,
    html: HtmlOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """The register of processing activities (GDPR 30), from the keep as it is."""
    from facekeep.service.report_register import Register

    said = the_about(about)
    parts = composition(context)
    directory = parts.directory(keep)
    with parts.open(directory) as opened:
        facts = opened.facts(keys=key_facts(parts, directory))
    report = Register(facts, said)
    _answer(report.as_json(), report.paper(), html, as_json=as_json)


def dpia(
    context: typer.Context,
    *,
    about: AboutOption = None,
    drill: DrillOption = None,
    evaluation: EvaluationOption = None,
    html: HtmlOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """The impact assessment (GDPR 35): the real configuration, with what a drill and an evaluation measured."""
    from facekeep.service.report_dpia import ImpactAssessment

    said, robbed, measured = the_about(about), the_drill(drill), the_evaluation(evaluation)
    parts = composition(context)
    directory = parts.directory(keep)
    with parts.open(directory) as opened:
        facts, status = opened.facts(keys=key_facts(parts, directory)), opened.status()
    weaknesses = tuple(f"{one.severity}: {one.message}" for one in findings_of(parts, directory, status))
    report = ImpactAssessment(facts, said, robbed, measured, weaknesses)
    _answer(report.as_json(), report.paper(), html, as_json=as_json)


def breach(
    context: typer.Context,
    *,
    lost: Annotated[
        str,
        typer.Option(
            "--lost",
            metavar="WHAT,…",
            help="What was stolen, or may have been: left, right, registry, gate, keys-left, keys-right, "
            "keys-registry, keys-gate, keys-registrar, evidence, keys-reviewer.",
            show_default=False,
        ),
    ],
    since: Annotated[
        str, typer.Option("--from", metavar="TIME", help="When it may have begun, ISO 8601.", show_default=False)
    ],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it ended, ISO 8601.", show_default=False)],
    known: Annotated[
        str,
        typer.Option(
            "--known-at", metavar="TIME", help="When you became aware of it: 72 hours from then.", show_default=False
        ),
    ],
    about: AboutOption = None,
    drill: DrillOption = None,
    html: HtmlOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """The breach pack (GDPR 33, 34): who is affected, what a thief has, drafts, and the hours left of 72.

    Who is affected is named in --json and --html alone; the HTML file is of mode 0600.
    """
    from facekeep.service.claims import Lost
    from facekeep.service.report_breach import Breach, BreachPack

    things = frozenset(words_of_text(lost, Lost, one="a thing that was lost", several="Things that can be lost"))
    happened = Breach(things, _time(since, "--from"), _time(until, "--until"), _time(known, "--known-at"))
    said, robbed = the_about(about), the_drill(drill)
    parts = composition(context)
    directory = parts.directory(keep)
    with parts.open(directory) as opened:
        facts = opened.facts(keys=key_facts(parts, directory))
        pack = BreachPack(happened, facts, opened.presence(happened.since, happened.until), said, robbed)
    _answer(pack.as_json(), pack.paper(), html, as_json=as_json, private=True)


def transparency(
    context: typer.Context,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="QUARTER", help="The first, for instance 2026-Q1; else a year back.", show_default=False
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="QUARTER", help="The last; else the last one that is over.", show_default=False
        ),
    ] = None,
    unfinished: Annotated[
        bool,
        typer.Option("--unfinished", help="Count the running quarter too. Not to be published.", show_default=False),
    ] = False,
    about: AboutOption = None,
    html: HtmlOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Public counts of whole quarters: searches by purpose, hits, refusals, erasures. Small ones are hidden."""
    from facekeep.service.facts import Quarter
    from facekeep.service.report_transparency import Transparency

    said = the_about(about)
    with composition(context).open(keep) as opened:
        facts = opened.facts()
        now = Quarter.of(facts.made)
        last = _quarter(until) or (now if unfinished else now.before)
        first = _quarter(since) or last.before.before.before
        report = Transparency(facts, said, opened.published(), first, last, unfinished)
    _answer(report.as_json(), report.paper(), html, as_json=as_json)


def _time(text: str, option: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} is no time", hint="Give it as 2026-11-26T12:00, in UTC or with its zone.") from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _quarter(text: str | None) -> Quarter | None:
    from facekeep.service.facts import Quarter

    return None if text is None else Quarter.read(text)


def _answer(
    document: Mapping[str, object], paper: Paper, html: Path | None, *, as_json: bool, private: bool = False
) -> None:
    """Write the page if it is wanted, and answer."""
    written: dict[str, object] = {}
    if html is not None:
        from facekeep.service.paper import page

        _write(html, page(paper), private=private)
        written["html"] = html
    lines = [*_lines(paper), *(f"wrote the {what}: {shown(str(path))}" for what, path in written.items())]
    reply({**document, "written": written}, lines, as_json=as_json)


def _write(path: Path, text: str, *, private: bool) -> None:
    if not private:
        write_text(path, text)
        return
    from facekeep.service.keep_file import write_private

    try:
        write_private(path, text)
    except OSError:
        raise BadInputError(
            "a report cannot be written", hint="Check that its folder exists and that this account may write there."
        ) from None


def _lines(paper: Paper) -> Iterator[Line]:
    """The paper on a terminal, without what names people."""
    from facekeep.service.paper import Letter, Table, Text

    yield paper.about
    yield paper.made
    if paper.missing:
        yield Heading("What is missing")
        for one in paper.missing:
            yield f"- {one.what}. {one.hint}"
    for section in paper.sections:
        yield Heading(section.title)
        for part in section.parts:
            match part:
                case Table(names=True):
                    yield f"{part.caption}: {len(part.rows):,}, named in --json and --html alone."
                case Table():
                    yield f"{part.caption}:"
                    yield Rows(part.heads, [[_plain(cell) for cell in row] for row in part.rows])
                case Letter():
                    yield f"{part.title}: in --json and --html."
                case Text():
                    yield _plain(part.text)


def _plain(cell: Cell) -> str:
    from facekeep.service.paper import Missing

    return f"Missing: {cell.what}." if isinstance(cell, Missing) else cell

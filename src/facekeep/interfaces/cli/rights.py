"""Commands for the rights of people: give out all that is held of somebody, and answer what they object to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import BadInputError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption, LabelArgument, OperatorOption
from facekeep.interfaces.cli.reply import Rows, reply, when

if TYPE_CHECKING:
    from facekeep.domain.appeals import Appeal

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(rich_help_panel="People")(export)
    group = typer.Typer(help="List and answer what people object to.")
    group.command("list")(list_appeals)
    group.command("file")(file_appeal)
    group.command("answer")(answer_appeal)
    app.add_typer(group, name="appeal", rich_help_panel="Consent")


def export(
    context: typer.Context,
    *,
    label: LabelArgument,
    to: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to write it: .html for a page to read, else JSON. Not there yet."),
    ],
    language: Annotated[str, typer.Option("--language", help="Of the page: en or zh-Hans.")] = "en",
    operator: OperatorOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write all that is held of a person, for that person (GDPR 15 and 20). That it was given out is in the ledger."""
    from facekeep.service.own_page import Language, own_page

    if language not in set(Language):
        raise BadInputError("the page is not written in this language", hint="Take en or zh-Hans.")
    tools = composition(context)
    with tools.open(keep) as opened:
        own = opened.own_data(label, operator=tools.operator(operator))
    text = own_page(own, Language(language)) if to.suffix.lower() in (".html", ".htm") else own.as_json()
    try:
        with to.open("x", encoding="utf-8") as file:
            to.chmod(0o600)
            file.write(text)
    except OSError:
        raise BadInputError(
            "the export cannot be written", hint="Name a file that is not there yet, in a folder that is."
        ) from None
    document = {"references": len(own.references), "entries": len(own.entries), "bytes": len(text.encode())}
    reply(document, ["Written. It is not sealed: give it to the person alone, and delete it."], as_json=as_json)


def list_appeals(
    context: typer.Context,
    *,
    answered: Annotated[bool, typer.Option("--answered", help="List those that were answered too.")] = False,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what people object to, oldest first."""
    parts = composition(context)
    with parts.open(keep) as opened:
        appeals = [appeal for appeal in opened.appeals() if answered or appeal.answer is None]
        opened.tell_appeals_viewed(appeals, by=parts.operator(None))
        found = [(appeal, opened.label_of(appeal.subject.hex())) for appeal in appeals]
    rows = [(a.id.hex(), label, a.kind, when(a.filed), a.text or "–", _state(a)) for a, label in found]
    table = Rows(("appeal", "of", "says", "filed (UTC)", "in their words", "answer"), rows)
    document = {"appeals": [{**_document(appeal), "label": label} for appeal, label in found]}
    reply(document, [table] if found else ["nobody objects to anything."], as_json=as_json)


def file_appeal(
    context: typer.Context,
    *,
    label: LabelArgument,
    text: Annotated[str, typer.Option("--text", help="In the person's own words.")] = "",
    not_me: Annotated[bool, typer.Option("--not-me", help="The person says that it was somebody else.")] = False,
    operator: OperatorOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what a person objects to who wrote or called."""
    from facekeep.domain.appeals import AppealKind

    kind = AppealKind.NOT_ME if not_me else AppealKind.APPEAL
    tools = composition(context)
    with tools.open(keep) as opened:
        appeal = opened.file_appeal(label, kind, text=text, by=tools.operator(operator))
    reply(_document(appeal), [f"recorded as {appeal.id.hex()}. A person has to answer it."], as_json=as_json)


def answer_appeal(
    context: typer.Context,
    *,
    appeal: Annotated[str, typer.Argument(metavar="APPEAL", help="Its identifier: facekeep appeal list.")],
    upheld: Annotated[bool, typer.Option("--upheld/--rejected", help="Whether the person is right.")],
    text: Annotated[str, typer.Option("--text", help="Why, to the person.")],
    operator: OperatorOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer an appeal, once. The person reads the answer; who gave it is in the ledger."""
    tools = composition(context)
    with tools.open(keep) as opened:
        done = opened.answer_appeal(appeal, upheld=upheld, text=text, operator=tools.operator(operator))
    reply(_document(done), ["answered."], as_json=as_json)


def _state(appeal: Appeal) -> str:
    if appeal.answer is None:
        return "open"
    return f"{'upheld' if appeal.answer.upheld else 'rejected'}: {appeal.answer.text}"


def _document(appeal: Appeal) -> dict[str, object]:
    answer = appeal.answer
    return {
        "id": appeal.id.hex(),
        "kind": appeal.kind,
        "about": appeal.about,
        "text": appeal.text,
        "filed": appeal.filed,
        "upheld": None if answer is None else answer.upheld,
        "answer": None if answer is None else answer.text,
        "answered": None if answer is None else answer.answered,
    }

"""Commands about what a keep holds beside people: references one by one, galleries, notices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facekeep.domain.consent import Notice
from facekeep.errors import UsageError
from facekeep.interfaces.cli.desk import desk
from facekeep.interfaces.cli.options import (
    GalleryOption,
    JsonOption,
    LabelArgument,
    OperatorOption,
    purposes_of_text,
    read_notice,
    read_picture,
)
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Rows, reply, shown, when

__all__ = ["add_commands"]

_PARTICULARS = ("retention", "recipients", "alternative")


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Add, list and remove the references of a data subject.")
    group.command("add")(add_references)
    group.command("list")(list_references)
    group.command("remove")(remove_reference)
    app.add_typer(group, name="reference", rich_help_panel="People")
    group = typer.Typer(help="List the groups of references.")
    group.command("list")(list_galleries)
    app.add_typer(group, name="gallery", rich_help_panel="People")
    group = typer.Typer(help="Add, list and show notices: what people are shown before they consent.")
    group.command("add")(add_notice)
    group.command("list")(list_notices)
    group.command("show")(show_notice)
    app.add_typer(group, name="notice", rich_help_panel="Consent")


@placed
def add_references(
    context: typer.Context,
    *,
    label: LabelArgument,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE", help="Pictures of this one person.")],
    gallery: GalleryOption = "main",
    operator: OperatorOption = None,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Give a known person further references, under what the person consents to already."""
    if sum(str(path) == "-" for path in pictures) > 1:
        raise UsageError("the standard input is one picture, not several", hint="Give - once.")
    read = [read_picture(path) for path in pictures]
    with desk(context, place, operator) as opened:
        done = opened.add_references(label, read, gallery=gallery)
    document = {
        "label": done.label,
        "references": done.references,
        "gallery": done.gallery,
        "never_returned": done.never_returned,
    }
    lines = [f"added {done.references} to {shown(done.label)}, in {shown(done.gallery)}."]
    if done.never_returned:
        lines.append("This person is on the list “never return me”: no 1:N search gives them.")
    reply(document, lines, as_json=as_json)


@placed
def list_references(context: typer.Context, *, label: LabelArgument, place: Place, as_json: JsonOption = False) -> None:
    """List the references of a person, oldest first."""
    with desk(context, place) as opened:
        found = opened.references(label)
    document = {
        "label": label,
        "references": [
            {"id": each.id, "gallery": each.gallery, "enrolled": each.enrolled, "locked": each.locked} for each in found
        ],
    }
    cells = [(each.id, each.gallery, when(each.enrolled), "yes" if each.locked else "no") for each in found]
    rows = Rows(("reference", "gallery", "enrolled (UTC)", "locked"), cells)
    reply(document, [rows] if found else ["there is no reference."], as_json=as_json)


@placed
def remove_reference(
    context: typer.Context,
    *,
    label: LabelArgument,
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="As facekeep reference list shows it.")],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Remove one reference from all three stores; the person stays. This cannot be undone."""
    with desk(context, place) as opened:
        left = opened.remove_reference(label, reference)
    document = {"label": label, "removed": reference, "references": left}
    reply(document, [f"removed a reference of {shown(label)}; {left} left."], as_json=as_json)


@placed
def list_galleries(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the galleries, with their numbers of references. One is there while a reference is in it."""
    with desk(context, place) as opened:
        found = opened.galleries()
    document = {"galleries": [{"gallery": each.name, "references": each.references} for each in found]}
    rows = Rows(("gallery", "references"), [(each.name, f"{each.references:,}") for each in found], frozenset({1}))
    reply(document, [rows] if found else ["there is no gallery."], as_json=as_json)


@placed
def add_notice(
    context: typer.Context,
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The text, UTF-8.")],
    language: Annotated[str, typer.Option("--language", metavar="TAG", help="Of the text, for instance en or de-AT.")],
    purposes: Annotated[
        str,
        typer.Option("--purposes", metavar="PURPOSE[,PURPOSE]", help="What it speaks of; no other is consented to."),
    ],
    retention: Annotated[
        str, typer.Option("--retention", metavar="TEXT", help="For how long the data are kept, if not in the text.")
    ] = "",
    recipients: Annotated[
        str, typer.Option("--recipients", metavar="TEXT", help="Who else gets any of them, if not in the text.")
    ] = "",
    alternative: Annotated[
        str,
        typer.Option("--alternative", metavar="TEXT", help="What whoever says no can do instead, if not in the text."),
    ] = "",
    replaces: Annotated[
        str, typer.Option("--replaces", metavar="HASH", help="The version before, which is replaced once.")
    ] = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Keep a notice, so that consents can name it by its hash. It never changes and never goes."""
    text, chosen = read_notice(file), purposes_of_text(purposes)
    notice = Notice(text, language, frozenset(chosen), retention, recipients, alternative, replaces)
    with desk(context, place) as opened:
        digest = opened.add_notice(notice)
    document = {"hash": digest, "language": language, "purposes": list(chosen), "characters": len(text)}
    document |= {name: getattr(notice, name) for name in (*_PARTICULARS, "replaces")}
    reply(document, [f"keeps the notice {digest}."], as_json=as_json)


@placed
def list_notices(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the notices, without their texts."""
    with desk(context, place) as opened:
        found = opened.notices()
    document = {
        "notices": [
            {
                "hash": n.hash,
                "language": n.language,
                "purposes": list(n.purposes),
                "characters": n.characters,
                "replaces": n.replaces,
                "replaced_by": n.replaced_by,
            }
            for n in found
        ]
    }
    cells = [
        (n.hash, n.language or "–", ", ".join(n.purposes) or "–", f"{n.characters:,}", n.replaced_by[:16] or "newest")
        for n in found
    ]
    rows = Rows(("notice", "language", "purposes", "characters", "replaced by"), cells, frozenset({3}))
    reply(document, [rows] if found else ["there is no notice."], as_json=as_json)


@placed
def show_notice(
    context: typer.Context,
    *,
    digest: Annotated[str, typer.Argument(metavar="HASH", help="Of the notice, as in consents.")],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Show a notice."""
    with desk(context, place) as opened:
        found = opened.notice(digest)
    purposes = sorted(found.purposes)
    document = {"hash": found.digest, "language": found.language, "purposes": purposes, "text": found.text}
    document |= {name: getattr(found, name) for name in (*_PARTICULARS, "replaces")}
    lines = found.text.splitlines()
    for name in _PARTICULARS:
        said = getattr(found, name).splitlines()
        lines += ["", f"{name.capitalize()}:", *said] if said else []
    reply(document, [shown(line) for line in lines], as_json=as_json)

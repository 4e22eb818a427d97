"""Commands that compare: verify (1:1), identify (1:N), and the cases that a search needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from facekeep.domain.consent import Purpose
from facekeep.errors import ImageError, UsageError
from facekeep.interfaces.cli.desk import desk
from facekeep.interfaces.cli.options import (
    CaseOption,
    JsonOption,
    LabelArgument,
    OperatorOption,
    SignOption,
    read_picture,
)
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Exit, Heading, Line, Rows, band, reply, shown, when

if TYPE_CHECKING:
    from facekeep.service.answers import Identification, Verification

__all__ = ["add_commands", "identification_document", "identification_lines"]

_EXTRAPOLATED = "Rates marked * are extrapolated beyond what the calibration's pictures can measure."


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "Compare"
    app.command(rich_help_panel=panel)(verify)
    app.command(rich_help_panel=panel)(compare)
    app.command(rich_help_panel=panel)(identify)
    group = typer.Typer(help="Open, show and close cases: what searches are made for.")
    group.command("open")(open_case)
    group.command("show")(show_cases)
    group.command("close")(close_case)
    app.add_typer(group, name="case", rich_help_panel=panel)


@placed
def verify(
    context: typer.Context,
    *,
    label: LabelArgument,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="The probe; - is standard input.")],
    fmr: Annotated[float, typer.Option("--fmr", metavar="RATE", help="False match rate at most.")] = 1e-4,
    purpose: Annotated[
        Purpose, typer.Option("--purpose", metavar="PURPOSE", help="verify or payment.")
    ] = Purpose.VERIFY,
    place: Place,
    operator: OperatorOption = None,
    key: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a picture with one data subject: yes (exit code 0) or no (1).

    An unknown label, a missing consent, a locked reference and a stranger look alike.
    """
    data = read_picture(picture)
    with desk(context, place, operator, key) as opened:
        answer = opened.verify(label, data, fmr=fmr, purpose=purpose)
    _reply(answer, yes="verified", no="not verified", as_json=as_json)


@placed
def compare(
    context: typer.Context,
    *,
    first: Annotated[Path, typer.Argument(metavar="PICTURE", help="One; - is standard input.")],
    second: Annotated[Path, typer.Argument(metavar="OTHER", help="The other.")],
    fmr: Annotated[float, typer.Option("--fmr", metavar="RATE", help="False match rate at most.")] = 1e-4,
    place: Place,
    operator: OperatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether two pictures are of one person: yes (exit code 0) or no (1). Nothing of them is kept."""
    if str(first) == str(second) == "-":
        raise UsageError("the standard input is one picture, not two", hint="Give - once.")
    one, other = read_picture(first), read_picture(second)
    with desk(context, place, operator) as opened:
        answer = opened.compare(one, other, fmr=fmr)
    _reply(answer, yes="the same person", no="not the same person", as_json=as_json)


def _reply(answer: Verification, *, yes: str, no: str, as_json: bool) -> NoReturn:
    document = {
        "verified": answer.verified,
        "one_in": answer.one_in,
        "extrapolated": answer.extrapolated,
        "acquired": answer.acquired,
        "reasons": list(answer.reasons),
    }
    if answer.verified and answer.one_in is not None:
        lines = [f"yes: {yes}. {_sentence(band(answer.one_in, extrapolated=answer.extrapolated))}"]
    elif not answer.acquired:
        lines = [f"no: the picture could not be used ({'; '.join(answer.reasons)})."]
    else:
        lines = [f"no: {no}."]
    reply(document, lines, as_json=as_json, code=Exit.YES if answer.verified else Exit.NO)


@placed
def identify(
    context: typer.Context,
    *,
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE", help="The probes; - is standard input.")],
    case: CaseOption = "",
    fpir: Annotated[
        float, typer.Option("--fpir", metavar="RATE", help="False positive identification rate of a search at most.")
    ] = 0.01,
    gallery: Annotated[str, typer.Option("--gallery", metavar="NAME", help="Search this group only.")] = "",
    candidates: Annotated[int, typer.Option("--candidates", metavar="N", help="Candidates at most.")] = 5,
    purpose: Annotated[
        Purpose, typer.Option("--purpose", metavar="PURPOSE", help="What it is for; the purpose of the case.")
    ] = Purpose.IDENTIFY,
    place: Place,
    operator: OperatorOption = None,
    key: SignOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the gallery for the person in a picture. Unknown is the default answer (exit code 1).

    A candidate is a lead for two people to check, never a finding.
    """
    from facekeep.service.comparison import Search

    search = Search("", case, fpir, gallery, candidates, purpose)
    data = [read_picture(path) for path in pictures]
    with desk(context, place, operator, key) as opened:
        answers = opened.identify_many(data, search)
    if len(answers) == 1 and isinstance(answers[0], ImageError):
        raise answers[0]
    document = {
        "pictures": [
            {"known": False, "error": type(answer).__name__, "message": answer.message, "hint": answer.hint}
            if isinstance(answer, ImageError)
            else identification_document(answer)
            for answer in answers
        ]
    }
    lines: list[Line] = []
    for number, answer in enumerate(answers, start=1):
        if len(answers) > 1:
            lines.append(Heading(f"picture {number}"))
        lines += [f"error: {answer.message}."] if isinstance(answer, ImageError) else identification_lines(answer)
    if any(isinstance(answer, ImageError) for answer in answers):
        reply(document, lines, as_json=as_json, code=Exit.BAD_INPUT)
    known = all(not isinstance(answer, ImageError) and answer.candidates for answer in answers)
    reply(document, lines, as_json=as_json, code=Exit.YES if known else Exit.NO)


def identification_document(answer: Identification) -> dict[str, object]:
    """The answer of a search for programs."""
    return {
        "known": bool(answer.candidates),
        "candidates": [
            {
                "label": candidate.label,
                "name": candidate.name,
                "one_in": candidate.one_in,
                "extrapolated": candidate.extrapolated,
            }
            for candidate in answer.candidates
        ],
        "fmr": answer.fmr,
        "searched": answer.searched,
        "acquired": answer.acquired,
        "reasons": list(answer.reasons),
    }


def identification_lines(answer: Identification) -> list[Line]:
    """The answer of a search for people."""
    if not answer.acquired:
        return [f"unknown: the picture could not be used ({'; '.join(answer.reasons)})."]
    if not answer.candidates:
        return ["unknown."]
    cells = [
        (c.label, c.name or "–", f"fewer than 1 in {c.one_in:,}{'*' if c.extrapolated else ''}")
        for c in answer.candidates
    ]
    lines: list[Line] = [Rows(("candidate", "name", "strangers that would pass"), cells, frozenset({2}))]
    if any(candidate.extrapolated for candidate in answer.candidates):
        lines.append(_EXTRAPOLATED)
    lines.append("A candidate is a lead. Two people have to check it before it counts.")
    return lines


@placed
def open_case(
    context: typer.Context,
    *,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What is searched for, in a few words.")],
    purpose: Annotated[
        Purpose, typer.Option("--purpose", metavar="PURPOSE", help="The one purpose of its searches.")
    ] = Purpose.IDENTIFY,
    days: Annotated[int, typer.Option("--days", metavar="N", help="For how long.")] = 30,
    place: Place,
    operator: OperatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open a case: a search needs one, and is counted in it."""
    with desk(context, place, operator) as opened:
        name = opened.open_case(title, purpose=purpose, days=days)
    lines = [f"opened the case {shown(name)} for {purpose}, {days} days."]
    reply({"case": name, "purpose": purpose, "days": days}, lines, as_json=as_json)


@placed
def show_cases(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """Show the cases."""
    with desk(context, place) as opened:
        cases = opened.cases()
    document = {
        "cases": [
            {
                "case": case.title,
                "purpose": case.purpose,
                "opened_by": case.opened_by,
                "opened": case.opened,
                "expires": case.expires,
                "closed": case.closed,
            }
            for case in cases
        ]
    }
    cells = [(c.title, c.purpose, c.opened_by, when(c.opened), when(c.closed or c.expires)) for c in cases]
    rows = Rows(("case", "purpose", "opened by", "opened (UTC)", "ends (UTC)"), cells)
    reply(document, [rows] if cases else ["there is no case."], as_json=as_json)


@placed
def close_case(
    context: typer.Context,
    *,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="As facekeep case show shows it.")],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Close a case: no search is made for it any more, and it never opens again."""
    with desk(context, place) as opened:
        case = opened.close_case(title)
    reply({"case": case.title, "closed": case.closed}, [f"closed the case {shown(case.title)}."], as_json=as_json)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."

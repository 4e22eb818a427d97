"""Commands about data subjects: enrol, list, show, erase, never-return, unlock."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.consent import Consent, KnownNotice, Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances
from facekeep.domain.subject import normalised_label
from facekeep.errors import BadInputError, FormatError, UsageError
from facekeep.interfaces.cli.circumstances import circumstanced, circumstances_document, read_circumstances
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import Desk, desk
from facekeep.interfaces.cli.options import (
    GalleryOption,
    JsonOption,
    KeepOption,
    LabelArgument,
    NoticeHashOption,
    NoticeOption,
    OperatorOption,
    purposes_of_text,
    read_picture,
    the_notice,
)
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Exit, Rows, console, exit_code, extra_of, reply, shown, when
from facekeep.interfaces.cli.vouching import RequestOption, requested
from facekeep.interfaces.cli.writing import write_text

if TYPE_CHECKING:
    from facekeep.service.answers import EnrolSummary
    from facekeep.service.enrolment import Person

__all__ = ["add_commands", "consent_document"]

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".tif", ".tiff"})


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "People"
    app.command(rich_help_panel=panel)(enrol)
    app.command("list", rich_help_panel=panel)(list_people)
    app.command(rich_help_panel=panel)(show)
    app.command(rich_help_panel=panel)(erase)
    app.command("never-return", rich_help_panel=panel)(never_return)
    app.command(rich_help_panel=panel)(unlock)


@placed
@circumstanced
def enrol(
    context: typer.Context,
    *,
    consent: Annotated[
        str, typer.Option("--consent", metavar="PURPOSE[,PURPOSE]", help="What the data subject agreed to.")
    ],
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    label: Annotated[
        str | None, typer.Argument(metavar="LABEL", help="What you call the data subject by.", show_default=False)
    ] = None,
    pictures: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PICTURE", help="Pictures of this one person; - is standard input."),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            "--people",
            metavar="DIR",
            help="Enrol many: a folder with a folder for each person, its name being the label.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The name, sealed in the registry.")] = "",
    gallery: GalleryOption = "main",
    consents: Annotated[
        Path | None,
        typer.Option(
            "--consents",
            metavar="FILE",
            help="With --people, a table in CSV: label, evidence, age, guardian, guardian_relation, guardian_evidence.",
            show_default=False,
        ),
    ] = None,
    circumstances: Circumstances,
    place: Place,
    operator: OperatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol a person, or a folder of people, with consent. Who is known has to consent already: see consent give."""
    purposes, text = purposes_of_text(consent), the_notice(notice, notice_hash)
    if people is not None:
        if label is not None or name:
            raise UsageError(
                "--people excludes a label, pictures and --name", hint="The names of the folders are the labels."
            )
        if circumstances != UNTOLD:
            raise UsageError(
                "evidence, age and guardian are of one person, and --people enrols many",
                hint="Give a table of them: --consents FILE.",
            )
        found = _people_of(people, {} if consents is None else read_circumstances(consents))
        with desk(context, place, operator) as opened:
            summary = _enrol_folder(opened, found, purposes=purposes, notice=text, gallery=gallery)
        _reply_summary(summary, as_json=as_json)
    if consents is not None:
        raise UsageError("a table of consents is for --people", hint="Give --evidence, --age and --guardian.")
    if label is None or not pictures:
        raise UsageError(
            "a label and a picture are needed", hint="facekeep enrol LABEL PICTURE…, or facekeep enrol --people DIR."
        )
    if sum(str(path) == "-" for path in pictures) > 1:
        raise UsageError("the standard input is one picture, not several", hint="Give - once.")
    read = [read_picture(path) for path in pictures]
    with desk(context, place, operator) as opened:
        done = opened.enrol(
            label, read, purposes=purposes, notice=text, name=name, gallery=gallery, circumstances=circumstances
        )
    document = {
        "label": done.label,
        "references": done.references,
        "gallery": done.gallery,
        "purposes": list(done.purposes),
        "never_returned": done.never_returned,
    }
    lines = [f"enrolled {shown(done.label)} with {_references(done.references)}, for {', '.join(done.purposes)}."]
    if done.never_returned:
        lines.append("This person is on the list “never return me”: no 1:N search gives them.")
    reply(document, lines, as_json=as_json)


def _enrol_folder(
    opened: Desk, people: Sequence[Person], *, purposes: tuple[Purpose, ...], notice: str | KnownNotice, gallery: str
) -> EnrolSummary:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from facekeep.service.answers import EnrolOutcome

    columns = (TextColumn("pictures"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    screen = console(error=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("", total=sum(len(person.pictures) for person in people))

        def counted(person: Person) -> Person:
            return replace(person, pictures=[partial(advance, read) for read in person.pictures])

        def advance(read: Callable[[], bytes]) -> bytes:
            bar.advance(task)
            return read()

        def tell(outcome: EnrolOutcome) -> None:
            if outcome.error is not None:
                bar.console.print(f"not enrolled: {shown(outcome.label)}: {shown(outcome.error.message)}")

        return opened.enrol_many(map(counted, people), purposes=purposes, notice=notice, gallery=gallery, progress=tell)


def _people_of(folder: Path, consents: Mapping[str, Circumstances]) -> list[Person]:
    from facekeep.service.enrolment import Person

    try:
        folders = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        said = {path: consents.get(_normalised(path.name), UNTOLD) for path in folders}
        people = [Person(path.name, list(_pictures_of(path)), circumstances=said[path]) for path in folders]
    except OSError:
        raise BadInputError(
            "the folder of people cannot be read", hint="Give a folder with one for each person."
        ) from None
    if not people:
        raise BadInputError(
            "the folder of people holds no folder", hint="Make a folder for each person and put the pictures in it."
        )
    if set(consents) - {_normalised(person.label) for person in people}:
        raise UsageError(
            "the table of consents names somebody of whom there is no folder", hint="Labels are names of folders."
        )
    return people


def _normalised(name: str) -> str:
    """A label as it is kept; a name that can be none is refused later, by itself."""
    try:
        return normalised_label(name)
    except FormatError:
        return ""


def _pictures_of(folder: Path) -> Iterator[Callable[[], bytes]]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield partial(read_picture, path)


def _reply_summary(summary: EnrolSummary, *, as_json: bool) -> None:
    failed = [(outcome.label, outcome.error) for outcome in summary.failed if outcome.error is not None]
    document = {
        "enrolled": summary.enrolled,
        "failed": [
            {
                "label": label,
                "error": type(error).__name__,
                "message": error.message,
                "hint": error.hint,
                "exit_code": int(exit_code(error)),
                **extra_of(error),
            }
            for label, error in failed
        ],
    }
    lines = [f"enrolled {summary.enrolled} of {len(summary.outcomes)} people."]
    if failed:
        lines.append(f"{len(failed)} could not be enrolled; the others are. Give better pictures of these and repeat.")
    reply(document, lines, as_json=as_json, code=Exit.BAD_INPUT if failed else Exit.YES)


@placed
def list_people(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the data subjects: label, name, references, purposes."""
    with desk(context, place) as opened:
        people = sorted(opened.subjects(), key=lambda person: person.label)
    document = {
        "people": [
            {
                "label": person.label,
                "name": person.name,
                "references": person.references,
                "purposes": list(person.purposes),
                "enrolled": person.enrolled,
            }
            for person in people
        ]
    }
    cells = [
        (person.label, person.name, str(person.references), ", ".join(person.purposes), when(person.enrolled))
        for person in people
    ]
    table = Rows(("label", "name", "references", "purposes", "enrolled (UTC)"), cells, frozenset({2}))
    reply(document, [table] if people else ["nobody is enrolled."], as_json=as_json)


@placed
def show(context: typer.Context, *, label: LabelArgument, place: Place, as_json: JsonOption = False) -> None:
    """Show all that the registry holds of a data subject."""
    with desk(context, place) as opened:
        person = opened.subject(label)
    document = {
        "label": person.label,
        "name": person.name,
        "galleries": list(person.galleries),
        "references": person.references,
        "purposes": list(person.purposes),
        "enrolled": person.enrolled,
        "consents": [consent_document(consent) for consent in person.consents],
        "never_returned": person.never_returned,
        "locked": person.locked,
    }
    cells = [
        ("label", person.label),
        ("name", person.name or "–"),
        ("references", f"{person.references} in {', '.join(person.galleries) or 'no gallery'}"),
        ("allowed now", ", ".join(person.purposes) or "nothing"),
        ("enrolled (UTC)", when(person.enrolled)),
        ("never return me", "yes: no 1:N search gives this person" if person.never_returned else "no"),
        ("locked", "yes: too many rejected comparisons; see facekeep unlock" if person.locked else "no"),
    ]
    reply(document, [Rows(("what", "is held"), cells), consent_rows(person.consents)], as_json=as_json)


def consent_document(consent: Consent) -> dict[str, object]:
    """A consent for programs."""
    return {
        "purpose": consent.purpose,
        "notice": consent.notice,
        "given": consent.given,
        "withdrawn": consent.withdrawn,
        "holds": consent.holds,
        **circumstances_document(consent),
    }


def consent_rows(consents: Sequence[Consent]) -> Rows:
    """Consents for people."""
    return Rows(
        ("consent to", "given (UTC)", "withdrawn (UTC)", "notice", "evidence", "guardian, until (UTC)"),
        [
            (c.purpose, when(c.given), when(c.withdrawn), c.notice[:16], c.evidence.written[:24], _guardian(c))
            for c in consents
        ],
    )


def _guardian(consent: Consent) -> str:
    return "–" if consent.guardian is None else f"{consent.guardian.name}, {when(consent.of_age)}"


@placed
def erase(
    context: typer.Context,
    *,
    label: LabelArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.", show_default=False)] = False,
    receipt: Annotated[
        Path | None,
        typer.Option(
            "--receipt", metavar="FILE", help="Write the receipt here, for the person: it proves the erasure."
        ),
    ] = None,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Erase a data subject: rows, record and the keys of both. This cannot be undone."""
    if receipt is not None and receipt.exists():
        raise UsageError("there is already a file where the receipt shall be", hint="Name another.")
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise UsageError(
                "erasing asks at a terminal, and there is none", hint="Give --yes to say that you mean it."
            )
        typer.confirm(f"Erase {shown(label)} for good?", abort=True, err=True)
    with desk(context, place) as opened:
        erasure = opened.erase(label)
    document = {
        "erased": label,
        "references": erasure.references,
        "backups_readable_until": erasure.backups_readable_until,
        "receipt": erasure.receipt,
    }
    if receipt is not None:
        write_text(receipt, erasure.receipt)
    lines = [
        f"erased {shown(label)}: {_references(erasure.references)} and all that the registry held.",
        f"Backups made before can be opened, by who has their keys, until the next refresh (facekeep refresh), "
        f"which is due by {when(erasure.backups_readable_until)} UTC.",
    ]
    reply(document, lines, as_json=as_json)


def never_return(
    context: typer.Context,
    *,
    label: LabelArgument,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture of this person; - is standard input.")],
    keep: KeepOption = None,
    operator: OperatorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a person on the list “never return me”: no 1:N search gives them."""
    parts = composition(context)
    data = read_picture(picture)
    with parts.open(keep) as opened:
        taken = opened.never_return(label, data, operator=parts.operator(operator))
    lines = [
        f"{shown(label)} is on the list: {_references(taken)} taken out of 1:N searches.",
        "References that are added later are held against the list first.",
    ]
    reply({"label": label, "references_taken_out": taken}, lines, as_json=as_json)


def unlock(
    context: typer.Context,
    *,
    label: LabelArgument,
    reviewers: Annotated[
        list[str],
        typer.Option("--reviewer", metavar="NAME", help="Who reviewed the lock; give it twice, for two people."),
    ],
    request: RequestOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Lift the lock of a person whose references saw too many rejected comparisons."""
    with requested(request, as_json=as_json), composition(context).open(keep) as opened:
        opened.unlock(label, reviewers)
    reply({"unlocked": label}, [f"{shown(label)} can be compared again."], as_json=as_json)


def _references(count: int) -> str:
    return "1 reference" if count == 1 else f"{count:,} references"

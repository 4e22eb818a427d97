"""Commands about the keep itself: init, refresh, rotate, doctor."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.accounts import Role
from facekeep.errors import FacekeepError, UsageError
from facekeep.interfaces.cli.accounts import OriginOption, invitation_document
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.lawful import Said, is_unmet, law_document, law_lines
from facekeep.interfaces.cli.office import DEFAULT_ORIGIN, LocalOffice
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Exit, Hanging, Heading, Line, reply, when
from facekeep.interfaces.cli.saying import AboutOption, DrillOption, EvaluationOption, key_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from facekeep.interfaces.composition import Composition
    from facekeep.service.answers import KeepStatus
    from facekeep.service.doctor import Finding
    from facekeep.service.facts import KeepFacts
    from facekeep.service.law_checks import Surface

__all__ = ["add_commands", "findings_of"]

_ADMINISTRATOR = "administrator"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "The keep"
    app.command(rich_help_panel=panel)(init)
    app.command(rich_help_panel=panel)(refresh)
    app.command(rich_help_panel=panel)(rotate)
    app.command(rich_help_panel=panel)(doctor)


def init(
    context: typer.Context,
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder.", show_default=False)],
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys", metavar="DIR", help="Folder of the keys; else DIR/keys. Best on another disk.", show_default=False
        ),
    ] = None,
    keyring: Annotated[
        list[str] | None,
        typer.Option(
            "--keyring",
            metavar="left|right|registry",
            help="Keep the epoch keys of this store in the keyring of the operating system. Can be given again.",
            show_default=False,
        ),
    ] = None,
    passphrase: Annotated[
        list[str] | None,
        typer.Option(
            "--passphrase-half",
            metavar="left|right|registry",
            help="Put the epoch keys of this store under a passphrase, which is asked for twice, or read as "
            "FACEKEEP_PASSPHRASE_FD or FACEKEEP_PASSPHRASE_LEFT and …_RIGHT say.",
            show_default=False,
        ),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="Thresholds of an own model; see evaluate --write-calibration.",
            show_default=False,
        ),
    ] = None,
    origin: OriginOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a keep: three stores and their keys, each apart, mode 0600."""
    parts = composition(context)
    record = parts.key_record(keys, keyring or (), passphrase or ())
    at = origin or parts.settings.origin or DEFAULT_ORIGIN
    with parts.create(directory, record, calibration) as keep:
        status = keep.status()
        administrator = LocalOffice(keep, at, parts.operator(None)).invite(
            _ADMINISTRATOR, [Role.ADMINISTRATOR], None, None, ""
        )
    findings = findings_of(parts, directory, status)
    document = {
        "keep": directory.absolute(),
        "model": status.model,
        "purposes": list(status.switches),
        "keys": {"keyring": record.keyring, "passphrase": record.passphrase},
        "administrator": invitation_document(administrator),
        "findings": [_finding_document(finding) for finding in findings],
    }
    lines: list[Line] = [
        "made a keep: a registry, a left half and a right half, each with keys of its own.",
        f"Switched on: {', '.join(status.switches)}. The others: facekeep switch PURPOSE on.",
        Heading("What is weak so far"),
        *_finding_lines(findings),
        Heading("Next"),
        "Name the keep once: export FACEKEEP_KEEP=DIR",
        "Enrol somebody:     facekeep enrol LABEL PICTURE --consent verify,identify --notice NOTICE.txt",
        "Serve it:           facekeep serve. The first administrator signs up by this link, once, within three days:",
        administrator.link,
        f"A new one:          facekeep account invite {_ADMINISTRATOR}",
        "Back up each store apart from the others, and no store together with its keys.",
    ]
    reply(document, lines, as_json=as_json)


def refresh(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Draw new shares and epoch keys, and destroy the old ones: earlier backups are unreadable from then on."""
    with composition(context).open(keep) as opened:
        done = opened.refresh()
    lines = [
        f"refreshed: {done.rows:,} rows have new shares in both halves, epoch {done.epoch}.",
        "Backups made before can no longer be opened. Make new ones.",
    ]
    reply({"epoch": done.epoch, "rows": done.rows}, lines, as_json=as_json)


def rotate(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Draw new role keys for the three stores, seal everything under them, and destroy the old ones.

    On a host of one role: for its store, while it is not served.
    """
    parts = composition(context)
    folder = parts.role_folder(parts.directory(keep))
    if folder is not None:
        from facekeep.interfaces.pairing import making

        making.rotate(folder, parts.plan(parts.record(folder.directory)))
        reply(
            {"rotated": True}, [f"rotated: the store of the {folder.role} is sealed under new keys."], as_json=as_json
        )
    with parts.open(keep) as opened:
        opened.rotate()
    reply(
        {"rotated": True},
        ["rotated: the three stores are sealed under new keys; the old are destroyed."],
        as_json=as_json,
    )


def doctor(
    context: typer.Context,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Open every cell of the three stores too.", show_default=False)
    ] = False,
    law: Annotated[
        list[str] | None,
        typer.Option(
            "--law",
            metavar="eu|illinois|texas|china|india|uk",
            help="Hold the keep against the rules of a law too. Can be given again.",
            show_default=False,
        ),
    ] = None,
    about: AboutOption = None,
    drill: DrillOption = None,
    evaluation: EvaluationOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name what is weak about the keep, or the role on this host, and its machine. Exit code 1 if it is critical.

    With --law also what of a law is not met, which is exit code 1 too. No legal advice.
    """
    said = Said(tuple(law or ()), about, drill, evaluation)
    packs = said.packs
    parts = composition(context)
    directory = parts.directory(keep)
    folder = parts.role_folder(directory)
    if folder is not None and deep:
        hint = "Without --deep, facekeep doctor looks at what is on this host."
        raise UsageError("the stores of this keep are on several hosts", hint=hint)
    elsewhere = folder is not None and folder.role != "gate"
    if packs and elsewhere:
        raise UsageError("this host does not know the keep as a whole", hint="Ask for --law at the gate.")
    asked = Asked() if elsewhere else _asked(parts, directory, lawful=bool(packs))
    findings = findings_of(parts, directory, asked.status, deep=deep, found=asked.findings)
    critical = any(finding.severity == "critical" for finding in findings)
    checked = () if asked.facts is None else said.checked(asked.facts, asked.surface, findings)
    document = {
        "healthy": not critical,
        "findings": [_finding_document(finding) for finding in findings],
        "status": None if asked.status is None else _status_document(asked.status),
        "laws": [law_document(*one) for one in checked],
    }
    lines = [*_finding_lines(findings), *([] if asked.status is None else [_status_line(asked.status)])]
    lines += [line for one in checked for line in law_lines(*one)]
    unmet = any(is_unmet(found) for _, found in checked) or (bool(packs) and asked.facts is None)
    reply(document, lines, as_json=as_json, code=Exit.NO if critical or unmet else Exit.YES)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an open keep told of itself.

    Attributes:
        status: None if it could not be opened.
        findings: what is weak about it.
        facts: for laws, if they were asked for.
        surface: what the program can be asked for, likewise.
    """

    status: KeepStatus | None = None
    findings: tuple[Finding, ...] = ()
    facts: KeepFacts | None = None
    surface: Surface | None = None


def _asked(parts: Composition, directory: Path, *, lawful: bool) -> Asked:
    """What an open keep tells of itself."""
    from facekeep.service import doctor as findings

    try:
        with parts.open(directory) as opened:
            overdue = sum(1 for _ in opened.retention_plan(0))
            found = (
                *findings.inspect_canaries(opened.ask_canaries()),
                *findings.inspect_filing(opened.filing()),
                *findings.inspect_retention(overdue),
                *findings.inspect_reviewing(opened.reviewing()),
            )
            if not lawful:
                return Asked(opened.status(), found)
            from facekeep.interfaces.surface import surface_of

            facts = opened.facts(keys=key_facts(parts, directory))
            return Asked(opened.status(), found, facts, surface_of(opened))
    except FacekeepError as error:
        return Asked(findings=(findings.error_finding(error),))


def findings_of(
    parts: Composition,
    directory: Path,
    status: KeepStatus | None,
    *,
    deep: bool = False,
    found: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """What is weak about a keep and this machine, the worst first.

    Args:
        parts: of this process.
        directory: the keep's folder.
        status: of the keep, if it could be opened.
        deep: whether every cell of the stores is opened.
        found: findings of before.
    """
    from datetime import UTC, datetime

    from facekeep.interfaces.host import LinuxHost
    from facekeep.service import doctor as findings
    from facekeep.service.doctor_stores import examine_stores

    every = list(found)
    host = LinuxHost()
    try:
        record = parts.record(directory)
        every += findings.inspect_models(parts.models()[0].verify())
        if deep:
            every += examine_stores(directory, parts.plan(record))
    except FacekeepError as error:
        every.append(findings.error_finding(error))
    else:
        layout = findings.Layout(
            directory.absolute(),
            record.directory or directory.absolute() / "keys",
            record.keyring,
            record.passphrase,
            apart=parts.role_folder(directory) is not None,
        )
        every += findings.inspect_layout(layout, host)
        every += findings.inspect_host(layout, host)
    if status is not None:
        every += findings.inspect_status(status, datetime.now(UTC))
    return findings.worst_first(every)


def _finding_document(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
    }


def _finding_lines(findings: Sequence[Finding]) -> list[Line]:
    if not findings:
        return ["nothing weak was found."]
    return [
        line for f in findings for line in (Hanging(f"{f.severity:8}  ", f"{f.message}."), Hanging(" " * 10, f.hint))
    ]


def _status_document(status: KeepStatus) -> dict[str, object]:
    return {
        "people": status.people,
        "references": status.references,
        "epoch": status.epoch,
        "generation": status.generation,
        "model": status.model,
        "refreshed": status.refreshed,
        "alarms": status.alarms,
        "switches": list(status.switches),
    }


def _status_line(status: KeepStatus) -> str:
    return (
        f"{status.people:,} people, {status.references:,} references, epoch {status.epoch}, "
        f"refreshed {when(status.refreshed)} UTC."
    )

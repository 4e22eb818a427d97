"""How a consent came about, as commands take and show it: by options for one person, by a table for many."""

from __future__ import annotations

import csv
import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import typer

from facekeep.domain.consent import Consent
from facekeep.domain.evidence import AGE_MAX, Circumstances, Evidence, EvidenceKind, Guardian
from facekeep.domain.subject import normalised_label
from facekeep.errors import BadInputError, FacekeepError, UsageError
from facekeep.interfaces.cli.place import with_options

__all__ = ["circumstanced", "circumstances_document", "evidence_of", "read_circumstances"]

_OPTIONS: Final = {
    "evidence": (
        str,
        typer.Option(
            "--evidence",
            metavar="WHAT",
            help="What shows the consent: word, or form:FILE or form:SHA256 of a scanned form.",
        ),
        "word",
    ),
    "age": (
        int | None,
        typer.Option(
            "--age",
            metavar="YEARS",
            min=0,
            max=AGE_MAX,
            help="Of the person on this day, in whole years, as you know it. It is not kept.",
            show_default=False,
        ),
        None,
    ),
    "guardian": (
        str,
        typer.Option(
            "--guardian", metavar="TEXT", help="Who consents for a minor, sealed in the registry.", show_default=False
        ),
        "",
    ),
    "guardian_relation": (
        str,
        typer.Option("--guardian-relation", metavar="TEXT", help="Of the guardian to the minor.", show_default=False),
        "",
    ),
    "guardian_evidence": (
        str,
        typer.Option(
            "--guardian-evidence",
            metavar="WHAT",
            help="What shows that the guardian may; as --evidence.",
            show_default=False,
        ),
        "word",
    ),
}
_COLUMNS: Final = ("label", *_OPTIONS)


def circumstanced(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how a consent came about; it takes them as ``circumstances``."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        said = {name: given.pop(name) for name in _OPTIONS}
        command(**given, circumstances=_circumstances(**said))

    return with_options(run, command, _OPTIONS, instead_of="circumstances")


def _circumstances(
    *, evidence: str, age: int | None, guardian: str, guardian_relation: str, guardian_evidence: str
) -> Circumstances:
    if guardian:
        shown = evidence_of(guardian_evidence)
        return Circumstances(evidence_of(evidence), Guardian(guardian, guardian_relation, shown), age)
    if guardian_relation or guardian_evidence != "word":
        raise UsageError("something is said of a guardian who is not named", hint="Name the guardian: --guardian TEXT.")
    return Circumstances(evidence_of(evidence), None, age)


def evidence_of(text: str) -> Evidence:
    """The evidence that is meant: as it is written, or a form by the file of its scan.

    Raises:
        UsageError: it cannot be named by anybody.
        FormatError: it is none.
        BadInputError: the scan cannot be read.
    """
    kind, _, name = text.partition(":")
    if kind == EvidenceKind.ACCOUNT:
        raise UsageError("nobody but the person can sign in to consent", hint="Name a form.")
    if kind == EvidenceKind.CAPTURE:
        raise UsageError(
            "nobody but the keep can say that a consent was given in a capture",
            hint="Order a capture that enrols the person, or name a form.",
        )
    if kind != EvidenceKind.FORM or not name or re.fullmatch("[0-9a-f]{64}", name):
        return Evidence.read(text)
    try:
        with Path(name).open("rb") as file:
            return Evidence(EvidenceKind.FORM, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError:
        raise BadInputError(
            "the scan of a form cannot be read", hint="Give form:FILE, or form: and its SHA-256."
        ) from None


def read_circumstances(path: Path) -> Mapping[str, Circumstances]:
    """How the consents of many people came about, by their labels.

    Args:
        path: a table in CSV and UTF-8, whose first line names its columns: label and any of the options, without
            hyphens before and with underscores inside. Files of forms are named as seen from its folder.

    Raises:
        BadInputError: it cannot be read, is no such table, or a line of it does not fit.
    """
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise BadInputError("the table of consents cannot be read", hint="Give a table in CSV and UTF-8.") from None
    names = lines[0] if lines else []
    if "label" not in names or not set(names) <= set(_COLUMNS) or len(set(names)) < len(names):
        raise BadInputError(
            "the first line of the table of consents does not name its columns", hint=f"They are {', '.join(_COLUMNS)}."
        )
    found: dict[str, Circumstances] = {}
    for number, cells in enumerate(lines[1:], 2):
        try:
            label, circumstances = _of_row(dict(zip(names, cells, strict=True)), path.parent)
        except FacekeepError as error:
            raise BadInputError(f"row {number} of the table of consents: {error.message}", hint=error.hint) from None
        except ValueError:
            hint = "A row has as many cells as the first, and ages are whole numbers."
            raise BadInputError(f"row {number} of the table of consents does not fit", hint=hint) from None
        if label in found:
            raise BadInputError(
                f"row {number} of the table of consents has a label of one before", hint="Give each once."
            )
        found[label] = circumstances
    return found


def _of_row(row: Mapping[str, str], folder: Path) -> tuple[str, Circumstances]:
    said = {name: row.get(name, "").strip() for name in _OPTIONS}
    age = said.pop("age")
    if age and not re.fullmatch("[0-9]{1,3}", age):
        raise ValueError("an age is a whole number")
    for name in ("evidence", "guardian_evidence"):
        said[name] = _from(folder, said[name] or "word")
    return normalised_label(row["label"]), _circumstances(age=int(age) if age else None, **said)


def _from(folder: Path, evidence: str) -> str:
    """Evidence whose file is named as seen from a folder."""
    kind, _, name = evidence.partition(":")
    is_file = kind == EvidenceKind.FORM and bool(name) and not re.fullmatch("[0-9a-f]{64}", name)
    return f"{kind}:{folder / name}" if is_file else evidence


def circumstances_document(consent: Consent) -> dict[str, object]:
    """How a consent came about, for programs."""
    guardian = consent.guardian
    return {
        "evidence": consent.evidence.written,
        "guardian": None
        if guardian is None
        else {"name": guardian.name, "relation": guardian.relation, "evidence": guardian.evidence.written},
        "of_age": consent.of_age,
        "age_given": consent.age_given,
    }

"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from facekeep.domain.consent import KnownNotice, Purpose
from facekeep.errors import BadInputError, UsageError

__all__ = [
    "CaseOption",
    "GalleryOption",
    "JsonOption",
    "KeepOption",
    "LabelArgument",
    "NoticeHashOption",
    "NoticeOption",
    "OperatorOption",
    "OrganisationOption",
    "SignOption",
    "purposes_of_text",
    "read_notice",
    "read_picture",
    "the_notice",
    "words_of_text",
]

KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="The keep's folder; else FACEKEEP_KEEP.", show_default=False),
]
OperatorOption = Annotated[
    str | None,
    typer.Option(
        "--operator",
        metavar="NAME",
        help="Who works, for the logs; else FACEKEEP_OPERATOR, else the account's name.",
        show_default=False,
    ),
]
SignOption = Annotated[
    Path | None,
    typer.Option(
        "--key",
        metavar="FILE",
        help="The operator's own key, which signs; else the keep's desk does. See facekeep operator.",
        show_default=False,
    ),
]
OrganisationOption = Annotated[
    str,
    typer.Option(
        "--organisation",
        metavar="NAME",
        help="For whom: it sees or files the reviews of this organisation alone. Without, the keep's own.",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.", show_default=False)
]
LabelArgument = Annotated[
    str, typer.Argument(metavar="LABEL", help="What you call the data subject by.", show_default=False)
]
GalleryOption = Annotated[str, typer.Option("--gallery", metavar="NAME", help="The group of references.")]
NoticeOption = Annotated[
    Path | None,
    typer.Option(
        "--notice", metavar="FILE", help="The notice that the data subject was shown, UTF-8.", show_default=False
    ),
]
NoticeHashOption = Annotated[
    str | None,
    typer.Option(
        "--notice-hash",
        metavar="HASH",
        help="A notice that the keep holds, in place of a file; see facekeep notice list.",
        show_default=False,
    ),
]
CaseOption = Annotated[
    str,
    typer.Option(
        "--case",
        metavar="CASE",
        help="What is searched for: see facekeep case open. Searches of one's own need none.",
        show_default=False,
    ),
]

_Word = TypeVar("_Word", bound=StrEnum)
_LARGEST_PICTURE: Final = 32 << 20
_LARGEST_NOTICE: Final = 1 << 20


def words_of_text(text: str, kind: type[_Word], *, one: str, several: str) -> tuple[_Word, ...]:
    """Words that are separated by commas, each once, in the order in which their kind lists them.

    Args:
        text: as it was given; there may be none in it.
        kind: of the words.
        one: what one is called in an error, with its article.
        several: what they are called at the beginning of a sentence.

    Raises:
        UsageError: one of them is of another kind.
    """
    try:
        chosen = {kind(word.strip()) for word in text.split(",") if word.strip()}
    except ValueError:
        raise UsageError(
            f"{one} is unknown", hint=f"{several} are {', '.join(kind)}; separate several by commas."
        ) from None
    return tuple(word for word in kind if word in chosen)


def purposes_of_text(text: str) -> tuple[Purpose, ...]:
    """Purposes that are separated by commas.

    Raises:
        UsageError: one of them is none, or there is none.
    """
    chosen = words_of_text(text, Purpose, one="a purpose", several="Purposes")
    if not chosen:
        raise UsageError("no purpose was named", hint=f"Purposes are {', '.join(Purpose)}.")
    return chosen


def the_notice(path: Path | None, digest: str | None) -> str | KnownNotice:
    """The notice that was shown: the text in a file, or one that the keep holds.

    Raises:
        UsageError: there is neither, or both.
        BadInputError: the file cannot be read, is empty, too long or not UTF-8.
    """
    if (path is None) == (digest is None):
        raise UsageError("a consent needs the notice that was shown", hint="Give --notice FILE, or --notice-hash HASH.")
    return KnownNotice(digest) if path is None and digest is not None else read_notice(path or Path())


def read_notice(path: Path) -> str:
    """The text of a notice.

    Raises:
        BadInputError: it cannot be read, is empty, too long or not UTF-8.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_NOTICE + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInputError(
            "the notice cannot be read", hint="Give --notice a text file in UTF-8: what the data subject was shown."
        ) from None
    if not text.strip() or len(data) > _LARGEST_NOTICE:
        raise BadInputError(
            "the notice is empty or too long", hint="Give the text that the data subject was shown, at most 1 MiB."
        )
    return text


def read_picture(path: Path) -> bytes:
    """The bytes of a picture; ``-`` is the standard input. One byte more than allowed is read, and refused later.

    Raises:
        BadInputError: it cannot be read.
    """
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(_LARGEST_PICTURE + 1)
        with path.open("rb") as file:
            return file.read(_LARGEST_PICTURE + 1)
    except OSError:
        raise BadInputError(
            "a picture cannot be read", hint="Check that the file exists and that this account may read it."
        ) from None

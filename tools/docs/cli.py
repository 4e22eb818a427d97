"""Write docs/reference/cli.md from the command line itself: ``python tools/docs/cli.py``.

A test compares the page with what this makes, so that it cannot drift.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from facekeep.interfaces.cli.app import build
from facekeep.interfaces.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"

_HEAD = """\
# The command line

This page is made from the program by `python tools/docs/cli.py`; do not edit it.

Every command that answers takes `--json`: one JSON document on the standard output and nothing else, errors too, as
`{"error": TYPE, "message": …, "hint": …}`. Exit codes are the same with and without: see [exit codes](exit-codes.md).
Commands with `--server` work on a keep here or on one that is [served](http.md) elsewhere, with the same documents
and exit codes. The token for it is in `FACEKEEP_TOKEN` or a file that nobody else may read, never on the command
line; a command that names a person needs the scope `read` beside its own, `verify` does not. TLS is always verified,
and plain HTTP reaches this machine only unless `--insecure-plain-http` says otherwise. The others work on this
machine only: keys and stores never go over the network.
A picture given as `-` is read from the standard input. Times are UTC.

## Environment

Settings are read once. A variable that begins with `FACEKEEP_` and is not one of these is refused.

"""


def page() -> str:
    """The text of the page."""
    return _HEAD + "\n".join([*_environment(), "", *_commands(typer.main.get_command(build()), "facekeep")])


def _environment() -> Iterator[str]:
    yield "| variable | meaning |"
    yield "|---|---|"
    described = dict(_attributes(Settings.__doc__ or ""))
    for name in Settings.model_fields:
        yield f"| `{PREFIX}{name.upper()}` | {_cell(described[name])} |"


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the section Attributes of a docstring in Google style."""
    name, words = "", [""]
    for line in docstring.partition("Attributes:")[2].splitlines():
        if line.startswith("        ") and not line.startswith("         "):
            if name:
                yield name, " ".join(words)
            name, _, text = line.strip().partition(": ")
            words = [text]
        elif line.strip():
            words.append(line.strip())
    yield name, " ".join(words)


def _commands(command: Any, path: str) -> Iterator[str]:
    if subcommands := getattr(command, "commands", None):
        if command.invoke_without_command:
            yield from _one(command, path)
        for name, child in subcommands.items():
            yield from _commands(child, f"{path} {name}")
        return
    yield from _one(command, path)


def _one(command: Any, path: str) -> Iterator[str]:
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [
        parameter for parameter in command.params if parameter.param_type_name == "option" and not parameter.hidden
    ]
    yield f"## {path.removeprefix('facekeep ')}"
    yield ""
    yield f"`{' '.join([path, '[OPTIONS]', *map(_usage, arguments)])}`"
    yield ""
    yield from (command.help or "").strip().splitlines()
    yield ""
    yield "| argument or option | meaning | default |"
    yield "|---|---|---|"
    for argument in arguments:
        yield f"| `{_cell(_usage(argument))}` | {_cell(argument.help)} | |"
    for option in options:
        shape = "" if option.is_flag else f" {option.metavar}"
        yield f"| `{', '.join(option.opts)}{_cell(shape)}` | {_cell(option.help)} |{_default(option)} |"
    yield ""


def _usage(argument: Any) -> str:
    name = f"{argument.metavar}{'…' if argument.nargs == -1 else ''}"
    return name if argument.required else f"[{name}]"


def _default(option: Any) -> str:
    if option.required:
        return " required"
    if option.default is None or option.default is False or option.default in ("", ()):
        return ""
    return f" `{option.default}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("``", "`")


def main() -> int:
    """Command line; 0 when the page is written."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

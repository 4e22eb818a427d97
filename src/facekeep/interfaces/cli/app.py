"""The command line as one typer application. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from inspect import signature
from typing import Annotated

import typer

from facekeep.interfaces.cli import (
    accounts,
    auditing,
    backing,
    comparing,
    consents,
    demonstration,
    hooking,
    keeping,
    measuring,
    operating,
    pairing,
    people,
    records,
    reporting,
    retaining,
    reviewing,
    rights,
    robbing,
    serving,
    watching,
)
from facekeep.interfaces.cli.place import here_only

__all__ = ["build"]

_EPILOG = "Exit codes: 0 yes, 1 no or unknown, 2 usage, 3 refused, 4 bad input, 5 damaged store."


def build() -> typer.Typer:
    """The application, with every command."""
    app = typer.Typer(
        name="facekeep",
        help="Face recognition with nothing worth stealing.",
        epilog=_EPILOG,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    demonstration.add_commands(app)
    keeping.add_commands(app)
    people.add_commands(app)
    comparing.add_commands(app)
    consents.add_commands(app)
    records.add_commands(app)
    rights.add_commands(app)
    retaining.add_commands(app)
    operating.add_commands(app)
    measuring.add_commands(app)
    robbing.add_commands(app)
    serving.add_commands(app)
    hooking.add_commands(app)
    accounts.add_commands(app)
    reviewing.add_commands(app)
    watching.add_commands(app)
    auditing.add_commands(app)
    backing.add_commands(app)
    reporting.add_commands(app)
    pairing.add_commands(app)
    _keep_here(app)
    return app


def _keep_here(app: typer.Typer) -> None:
    """Have every command that takes no server say so, in place of "no such option"."""
    for group in (app, *(group.typer_instance for group in app.registered_groups)):
        for command in () if group is None else group.registered_commands:
            if command.callback is not None and "server" not in signature(command.callback).parameters:
                command.callback = here_only(command.callback)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("facekeep"))
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and end.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """Face recognition with nothing worth stealing."""

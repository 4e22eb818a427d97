"""What a running command needs from its surroundings, built when it is first asked for."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from facekeep.errors import UsageError

if TYPE_CHECKING:
    from facekeep.interfaces.composition import Composition

__all__ = ["composition"]


def composition(context: typer.Context) -> Composition:
    """The parts of this process, with settings that are read from the environment once.

    Raises:
        UsageError: the environment holds an unknown variable, or one that does not fit.
    """
    root = context.find_root()
    if root.obj is None:
        from facekeep.interfaces.composition import Composition
        from facekeep.interfaces.settings import Settings

        root.obj = Composition(Settings.from_environment(os.environ), _ask)
    built: Composition = root.obj
    return built


def _ask(role: str, new: bool) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            f"the passphrase of the {role} keys is needed, and there is no terminal to ask at",
            hint=f"Set FACEKEEP_PASSPHRASE_FD or FACEKEEP_PASSPHRASE_{role.upper()}.",
        )
    answer: str = typer.prompt(
        f"Passphrase of the {role} keys (12 characters at least)" if new else f"Passphrase of the {role} keys",
        hide_input=True,
        confirmation_prompt=new,
        err=True,
    )
    return answer

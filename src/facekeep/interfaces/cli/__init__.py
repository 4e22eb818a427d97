"""The command line: ``facekeep`` and ``python -m facekeep``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the console script.

    Args:
        arguments: without the program's name; those of the process by default. None at all shows the help.

    Returns:
        The exit code, see docs/reference/exit-codes.md. No exception leaves this function, save those that end the
        process.
    """
    from facekeep.interfaces.cli.reply import Exit

    given = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        return _run(given)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; pointing it at nothing keeps the interpreter's last flush quiet.
        sys.stdout = None
        return Exit.NO
    except Exception as error:  # noqa: BLE001 - the last net of the process: no traceback may show values
        return _explain(error, as_json="--json" in (given[: given.index("--")] if "--" in given else given))


def _run(arguments: list[str]) -> int:
    import typer

    from facekeep.interfaces.cli.app import build

    command = typer.main.get_command(build())
    return int(command.main(arguments, prog_name="facekeep", standalone_mode=False) or 0)


def _explain(error: Exception, *, as_json: bool) -> int:
    """Say what went wrong, without a traceback: it may show what a variable held."""
    import typer

    from facekeep.errors import FacekeepError
    from facekeep.interfaces.cli.reply import Exit, exit_code, extra_of, print_error

    if isinstance(error, FacekeepError):
        print_error(type(error).__name__, error.message, error.hint, as_json=as_json, extra=extra_of(error))
        return exit_code(error)
    if isinstance(error, typer.TyperException):
        hint = "See facekeep --help, and facekeep COMMAND --help."
        print_error("UsageError", error.format_message().rstrip("."), hint, as_json=as_json)
        return Exit.USAGE
    if isinstance(error, typer.Abort):
        print_error("Abort", "stopped before anything was done", "Nothing was changed.", as_json=as_json)
        return Exit.NO
    print_error(
        "InternalError",
        f"Facekeep failed in a way that nobody foresaw ({type(error).__name__}); sorry",
        "What was acknowledged is safe. Run facekeep doctor, and report the command that did this.",
        as_json=as_json,
    )
    return Exit.UNEXPECTED

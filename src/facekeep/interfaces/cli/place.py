"""Where a command works: on a keep on this machine, or on one that is served elsewhere."""

from __future__ import annotations

import functools
import inspect
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from facekeep.errors import UsageError

if TYPE_CHECKING:
    from facekeep.interfaces.settings import Settings

__all__ = ["Place", "here_only", "placed", "read_token", "with_options"]

_LARGEST_TOKEN: Final = 4096

_OPTIONS: Final = {
    "keep": (
        Path | None,
        typer.Option("--keep", metavar="DIR", help="The keep's folder; else FACEKEEP_KEEP.", show_default=False),
        None,
    ),
    "server": (
        str | None,
        typer.Option(
            "--server", metavar="URL", help="A served keep in place of a folder; else FACEKEEP_SERVER.",
            show_default=False,
        ),
        None,
    ),
    "token_file": (
        Path | None,
        typer.Option(
            "--token-file", metavar="FILE", help="Holds the token for the server; else FACEKEEP_TOKEN is the token.",
            show_default=False,
        ),
        None,
    ),
    "authorities": (
        Path | None,
        typer.Option(
            "--authorities", metavar="FILE",
            help="Certificates to trust for the server, PEM; else FACEKEEP_AUTHORITIES.",
            show_default=False,
        ),
        None,
    ),
    "insecure_plain_http": (
        bool,
        typer.Option(
            "--insecure-plain-http", help="Send pictures and token in clear beyond this machine.", show_default=False
        ),
        False,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where to work, as the options of a command say.

    Attributes:
        keep: a folder.
        server: an address.
        token_file: holds the token for it.
        authorities: certificates to trust for it.
        insecure_plain_http: whether it may be asked in clear beyond this machine.
    """

    keep: Path | None = None
    server: str | None = None
    token_file: Path | None = None
    authorities: Path | None = None
    insecure_plain_http: bool = False

    def served(self, settings: Settings) -> str | None:
        """The address of the server to work on, or None for a keep on this machine.

        Raises:
            UsageError: it is not clear which of the two, or an option of one was given with the other.
        """
        if self.keep is not None and self.server is not None:
            raise UsageError("--keep and --server exclude each other", hint="Give one of them.")
        if self.keep is None and self.server is None and None not in (settings.keep, settings.server):
            raise UsageError(
                "FACEKEEP_KEEP and FACEKEEP_SERVER are both set", hint="Unset one, or give --keep or --server."
            )
        address = self.server if self.server is not None or self.keep is not None else settings.server
        if address is None and (self.token_file or self.authorities or self.insecure_plain_http):
            raise UsageError("this option is for a server, and none was named", hint="Give --server URL.")
        return address


def placed(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say where it works; it takes them as one ``place``."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        place = Place(**{name: given.pop(name) for name in _OPTIONS})
        command(**given, place=place)

    return with_options(run, command, _OPTIONS, instead_of="place")


def here_only(command: Callable[..., None]) -> Callable[..., None]:
    """Have a command that works on this machine only say so when it is given a server."""

    @functools.wraps(command)
    def run(**given: Any) -> None:
        if given.pop("server") is not None or given.pop("token_file") is not None:
            raise UsageError(
                "this command works on this machine only, not on a server",
                hint="Run it on the machine of the keep, while it is not served.",
            )
        command(**given)

    hidden = {}
    for name in ("server", "token_file"):
        kind, option, default = _OPTIONS[name]
        hidden[name] = kind, typer.Option(*option.param_decls, help=option.help, hidden=True), default
    return with_options(run, command, hidden, instead_of="place")


def with_options(
    run: Callable[..., None], command: Callable[..., None], options: Any, *, instead_of: str
) -> Callable[..., None]:
    """``run`` with the signature of ``command``, but for one parameter, and with these options before ``--json``.

    Args:
        run: calls the command.
        command: is called.
        options: by name: type, option, default.
        instead_of: the parameter of the command in which it gets them.
    """
    signature = inspect.signature(command, eval_str=True)
    kept = [parameter for name, parameter in signature.parameters.items() if name != instead_of]
    made = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
        for name, (kind, option, default) in options.items()
    ]
    last = [kept.pop()] if kept and kept[-1].name == "as_json" else []
    parameters = [*(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in kept), *made, *last]
    run.__signature__ = signature.replace(parameters=parameters, return_annotation=None)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def read_token(path: Path) -> str:
    """The token in a file. A file that others may read is refused; a pipe is taken as it is.

    Raises:
        UsageError: it cannot be read, or others may read it.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError(
                    "others may read the file that --token-file names",
                    hint="chmod 600 it, and put a new token into it: others could read this one.",
                )
            return file.read(_LARGEST_TOKEN).decode().strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            "the file of the token cannot be read", hint="Put into it what facekeep token create printed."
        ) from None

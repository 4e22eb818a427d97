"""Commands for roles on hosts of their own: pair them, and serve a half or the registrar."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Rows, print_json, reply

if TYPE_CHECKING:
    from facekeep.interfaces.composition import Composition, KeyRecord
    from facekeep.interfaces.pairing.folder import RoleFolder

__all__ = ["add_commands"]

_ROLES = ("gate", "registrar", "left", "right")

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="The folder of the role on this host.", show_default=False)
]
ListenOption = Annotated[
    str,
    typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.", show_default=False),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "Several hosts"
    group = typer.Typer(help="Set up the roles of a keep on hosts of their own.")
    group.command()(new)
    group.command()(add)
    group.command()(show)
    group.command()(finish)
    group.command()(split)
    app.add_typer(group, name="pair", rich_help_panel=panel)
    app.command(rich_help_panel=panel)(vault)
    app.command(rich_help_panel=panel)(registrar)


def new(
    context: typer.Context,
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new folder.", show_default=False)],
    role: Annotated[
        str, typer.Option("--role", metavar="|".join(_ROLES), help="What this host is to be.", show_default=False)
    ],
    address: Annotated[
        str | None,
        typer.Option(
            "--address", metavar="HOST:PORT", help="Where the others reach it; not for the gate.", show_default=False
        ),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="DIR", help="Folder of the keys; else DIR/keys.", show_default=False),
    ] = None,
    keyring: Annotated[
        bool,
        typer.Option(
            "--keyring", help="Keep the epoch keys in the keyring of the operating system.", show_default=False
        ),
    ] = False,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Put the epoch keys under a passphrase.", show_default=False)
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="For the gate: thresholds of an own model; see evaluate --write-calibration.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make the folder of one role, with keys that never leave it, and its public card for the others."""
    from datetime import UTC, datetime

    from facekeep.interfaces.pairing import making
    from facekeep.interfaces.pairing.cards import read_address
    from facekeep.interfaces.vault.handlers import NAMES
    from facekeep.split.wire.methods import Role

    parts = composition(context)
    if role not in _ROLES:
        raise UsageError("a role is unknown", hint=f"Roles are {', '.join(_ROLES)}.")
    if (role == "gate") != (address is None):
        raise UsageError(
            "each role but the gate has an address, where the others reach it", hint="Give --address HOST:PORT."
        )
    store = "registry" if role == "registrar" else role
    if role == "gate" and (keyring or passphrase):
        raise UsageError("the gate has no epoch keys", hint="Leave --keyring and --passphrase away.")
    if calibration is not None and role != "gate":
        raise UsageError("thresholds are the gate's to give", hint="Give --calibration at the gate.")
    record = parts.key_record(keys, {store} if keyring else (), {store} if passphrase else ())
    plan, now = parts.plan(record, new=True), datetime.now(UTC)
    if address is None:
        levels, text, dimension = parts.calibration(calibration)
        folder = making.new_gate(
            directory, plan, calibration=levels, calibration_text=text, dimension=dimension, now=now
        )
    else:
        folder = making.new_role(directory, Role(role), plan, read_address(address), now=now)
    record.write(directory)
    _, pin = folder.card()
    reply(
        {"role": role, "card": folder.card_path.absolute(), "pin": pin},
        [
            f"made the folder of the {NAMES[folder.role]}. Its card, for the three others: {folder.card_path.name}",
            f"The pin of the card: {pin}",
            "Carry the card over in any way; tell the pin in another, for instance by telephone.",
        ],
        as_json=as_json,
    )


def add(
    context: typer.Context,
    *,
    directory: FolderArgument,
    card: Annotated[
        Path, typer.Argument(metavar="CARD", help="The card of another role, from its host.", show_default=False)
    ],
    pin: Annotated[
        str,
        typer.Option("--pin", metavar="PIN", help="Its pin, as its own administrator told you.", show_default=False),
    ],
    address: Annotated[
        str | None,
        typer.Option(
            "--address", metavar="HOST:PORT", help="Where it is reached from here, if elsewhere.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let this host know another role by its card, once its pin was compared."""
    from facekeep.interfaces.pairing.cards import CARD_BYTES_MAX, read_address
    from facekeep.interfaces.pairing.folder import RoleFolder

    composition(context)  # refuses unknown variables of the environment, as every command does
    folder = RoleFolder.read(directory)
    try:
        with card.open("rb") as file:
            stored = file.read(CARD_BYTES_MAX + 1)
    except OSError:
        raise UsageError("the card cannot be read", hint="Give the file that facekeep pair new made there.") from None
    added = folder.add(stored, pin, None if address is None else read_address(address))
    left = [role for role in _ROLES if role != folder.role and role not in folder.known]
    lines = [f"the {added.role} is known on this host by its card."]
    lines.append(f"Still to add: {', '.join(left)}." if left else _next(folder))
    reply({"added": added.role, "missing": left}, lines, as_json=as_json)


def _next(folder: RoleFolder) -> str:
    if folder.role == "gate":
        return "All are known. Once the others run: facekeep serve --keep DIR."
    return "All are known. Make the store: facekeep pair finish DIR."


def show(context: typer.Context, *, directory: FolderArgument, as_json: JsonOption = False) -> None:
    """Show this host's role, its card's pin, and whom it knows."""
    from facekeep.interfaces.pairing.cards import show_address
    from facekeep.interfaces.pairing.folder import RoleFolder

    composition(context)
    folder = RoleFolder.read(directory)
    card, pin = folder.card()
    cards = {folder.role: (card, pin), **folder.known}
    entries = []
    for role, (each, its_pin) in cards.items():
        reached = None if each.address is None else folder.addresses.get(role, show_address(each.address))
        entries.append({"role": role, "own": role is folder.role, "address": reached, "pin": its_pin})
    rows = Rows(
        ("role", "address", "pin of its card"),
        [
            (f"{e['role']}{' (this host)' if e['own'] else ''}", str(e["address"] or "–"), str(e["pin"]))
            for e in entries
        ],
    )
    reply({"role": folder.role, "cards": entries}, [rows], as_json=as_json)


def finish(context: typer.Context, *, directory: FolderArgument, as_json: JsonOption = False) -> None:
    """Make the store of a half or of the registrar, once it knows the three others."""
    from facekeep.interfaces.pairing import making
    from facekeep.interfaces.vault.handlers import NAMES

    parts = composition(context)
    folder, record = _of(parts, directory)
    making.finish(folder, parts.plan(record, new=True))
    reply({"finished": folder.role}, [f"the {NAMES[folder.role]} has its store and can be served."], as_json=as_json)


def split(
    context: typer.Context,
    *,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="An empty or new folder.", show_default=False)],
    registrar: Annotated[
        str, typer.Option("--registrar", metavar="HOST:PORT", help="Where it will be reached.", show_default=False)
    ],
    left: Annotated[
        str, typer.Option("--left", metavar="HOST:PORT", help="Where it will be reached.", show_default=False)
    ],
    right: Annotated[
        str, typer.Option("--right", metavar="HOST:PORT", help="Where it will be reached.", show_default=False)
    ],
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a keep of one folder apart into the folders of four roles, to be carried to their hosts."""
    from datetime import UTC, datetime

    from facekeep.interfaces.pairing.cards import read_address
    from facekeep.interfaces.pairing.splitting import split as take_apart
    from facekeep.split.wire.methods import Role

    parts = composition(context)
    directory = parts.directory(keep)
    texts = {Role.REGISTRAR: registrar, Role.LEFT: left, Role.RIGHT: right}
    addresses = {role: read_address(text) for role, text in texts.items()}
    record = parts.record(directory)
    with parts.open(directory) as opened:  # finishes or undoes what was under way
        if opened.is_apart:
            raise UsageError("the keep is apart already", hint="Name the folder of a keep on one host.")
        opened.check()
    folders = take_apart(directory, record, parts.plan(record), out, addresses, now=datetime.now(UTC))
    lines = [
        f"took the keep apart: {', '.join(sorted(folders))}. Each folder knows the cards of the others.",
        "Carry each to its host over a line that nobody reads, under the account of its role.",
        "Then destroy OUT and the keep here, with their backups, and give: facekeep refresh --keep GATE.",
    ]
    reply({role: folder.directory.absolute() for role, folder in folders.items()}, lines, as_json=as_json)


def vault(
    context: typer.Context,
    *,
    directory: FolderArgument,
    side: Annotated[
        str, typer.Option("--side", metavar="left|right", help="Which half the folder holds.", show_default=False)
    ],
    listen: ListenOption,
    as_json: JsonOption = False,
) -> None:
    """Serve one half to the gate, and to its twin what that needs, until interrupted."""
    if side not in ("left", "right"):
        raise UsageError("a half is left or right", hint="Give --side left or --side right.")
    _serve(context, directory, side, listen, as_json)


def registrar(
    context: typer.Context, *, directory: FolderArgument, listen: ListenOption, as_json: JsonOption = False
) -> None:
    """Serve the registry to the gate, and the selector to the halves, until interrupted."""
    _serve(context, directory, "registrar", listen, as_json)


def _of(parts: Composition, directory: Path) -> tuple[RoleFolder, KeyRecord]:
    from facekeep.interfaces.pairing.folder import RoleFolder

    return RoleFolder.read(directory), parts.record(directory)


def _serve(context: typer.Context, directory: Path, role: str, listen: str, as_json: bool) -> None:
    from facekeep.interfaces.cli.waiting import until_told
    from facekeep.interfaces.memory import harden
    from facekeep.interfaces.pairing.cards import read_address, show_address
    from facekeep.interfaces.pairing.hosting import serve_role

    weak = harden()
    parts = composition(context)
    folder, record = _of(parts, directory)
    if folder.role != role:
        raise UsageError(
            f"this is the folder of the {folder.role}", hint="Name the folder that facekeep pair new made."
        )
    plan, address = parts.plan(record), read_address(listen)  # a question for a passphrase can be interrupted
    with until_told() as wait, serve_role(folder, plan, address, weak=weak) as bound:
        told = show_address(bound)
        if as_json:
            print_json({"listening": told})
            sys.stdout.flush()
        else:
            typer.echo(f"Listening on {told}", err=True)
        wait()

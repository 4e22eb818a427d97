"""Commands about backups: backup, backup-identity, restore."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Final

import typer

from facekeep.errors import BadInputError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Heading, Line, Rows, reply, when

__all__ = ["LeftRecipient", "RegistryRecipient", "RightRecipient", "add_commands", "recipients_of"]

_LARGEST: Final = 1 << 16


def _recipient(store: str, called: str) -> object:
    return typer.Option(
        f"--recipient-{store}",
        metavar="AGE1…|FILE",
        help=f"Who can open the archive of {called}: a recipient of age, or a file of some. Can be given again.",
        show_default=False,
    )


def _identity(store: str, called: str) -> object:
    return typer.Option(
        f"--identity-{store}",
        metavar="FILE",
        help=f"Opens the archive of {called}: a file of age identities.",
        show_default=False,
    )


RegistryRecipient = Annotated[list[str] | None, _recipient("registry", "the registry")]
LeftRecipient = Annotated[list[str] | None, _recipient("left", "the left half")]
RightRecipient = Annotated[list[str] | None, _recipient("right", "the right half")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "Safety"
    app.command(rich_help_panel=panel)(backup)
    app.command("backup-identity", rich_help_panel=panel)(identity)
    app.command(rich_help_panel=panel)(restore)


def identity(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where the identity shall be; a new file.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Make an identity of age, which opens archives of backups, and show its recipient, for which they are made.

    Make one for each store, and keep each away from the keep and from the others. age-keygen makes the same.
    """
    from facekeep.store.archives import new_identity

    text, recipient = new_identity()
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        raise UsageError(
            "the identity cannot be written", hint="Name a file that is not there yet, in a folder that is."
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(text)
    reply({"recipient": recipient}, ["The recipient, which is no secret:", recipient], as_json=as_json)


def backup(
    context: typer.Context,
    *,
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder of backups; each gets a folder in it.", show_default=False),
    ],
    registry: RegistryRecipient = None,
    left: LeftRecipient = None,
    right: RightRecipient = None,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Remove older backups there that nobody can open any more, or that hold somebody who was erased.",
            show_default=False,
        ),
    ] = False,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Back the three stores up: three archives of one moment, each encrypted for recipients of its own.

    No key is in them: see docs/how-to/backup.md for what else to keep. Of a keep that is served, the service makes
    backups itself: facekeep serve --backup-to DIR.
    """
    recipients = recipients_of(registry, left, right)
    parts = composition(context)
    if parts.role_folder(parts.directory(keep)) is not None:
        raise UsageError(
            "the stores of this keep are on several hosts", hint="docs/how-to/backup.md says how each is backed up."
        )
    with parts.open(keep) as opened:
        made = opened.backup(directory, recipients, prune=prune)
    rows = Rows(
        ("archive", "bytes", "SHA-256"),
        [(f"{store}.age", f"{made.sizes[store]:,}", digest) for store, digest in made.digests.items()],
        numbers=frozenset({1}),
    )
    lines: list[Line] = [f"backed up in {made.folder.name}, as of {when(made.made)} UTC.", rows]
    if prune:
        lines.append(f"Older backups removed: {made.removed}.")
    lines.append(
        "Bring each archive to a place of its own. The next refresh makes them unreadable: make new ones then."
    )
    document = {
        "folder": made.folder.absolute(),
        "made": made.made,
        "generation": made.generation,
        "archives": {store: {"sha256": made.digests[store], "bytes": made.sizes[store]} for store in made.digests},
        "removed": made.removed,
    }
    reply(document, lines, as_json=as_json)


def restore(
    context: typer.Context,
    *,
    backup: Annotated[
        Path,
        typer.Argument(
            metavar="BACKUP", help="Folder with registry.age, left.age and right.age of one backup.", show_default=False
        ),
    ],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The keep to be; an empty or new folder.", show_default=False)
    ],
    registry: Annotated[Path | None, _identity("registry", "the registry")] = None,
    left: Annotated[Path | None, _identity("left", "the left half")] = None,
    right: Annotated[Path | None, _identity("right", "the right half")] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="DIR",
            help="Folder of the keep's keys, where it is to stay; else FACEKEEP_KEYS. No key is in a backup.",
            show_default=False,
        ),
    ] = None,
    keyring: Annotated[
        list[str] | None,
        typer.Option(
            "--keyring",
            metavar="left|right|registry",
            help="The epoch keys of this store are in the keyring of the operating system. Can be given again.",
            show_default=False,
        ),
    ] = None,
    passphrase: Annotated[
        list[str] | None,
        typer.Option(
            "--passphrase-half",
            metavar="left|right|registry",
            help="The epoch keys of this store are under a passphrase, which is asked for, or read as facekeep init "
            "does.",
            show_default=False,
        ),
    ] = None,
    erased_since: Annotated[
        list[Path] | None,
        typer.Option(
            "--erased-since",
            metavar="FILE",
            help="Tells who was erased after the backup: a bundle of the ledger, a receipt of an erasure, or the "
            "registry.db that survived. Can be given again.",
            show_default=False,
        ),
    ] = None,
    accept_unknown_erasures: Annotated[
        bool,
        typer.Option(
            "--accept-unknown-erasures",
            help="Go on where nothing tells of every erasure after the backup.",
            show_default=False,
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a keep from a backup into a new folder, checked as a whole; whoever was erased since stays erased."""
    parts = composition(context)
    named = {"registry": registry, "left": left, "right": right}
    identities = {store: _identity_text(path) for store, path in named.items() if path is not None}
    record = parts.key_record(keys, keyring or (), passphrase or ())
    done = parts.restore(
        backup,
        directory,
        identities,
        record,
        erased_since=erased_since or (),
        accept_unknown_erasures=accept_unknown_erasures,
    )
    known = done.known_until or done.made
    lines: list[Line] = [
        f"restored, as of {when(done.made)} UTC: {done.people:,} people, {done.references:,} references.",
        f"Erased anew, since they were erased after the backup: {done.erased}.",
        f"Consents withdrawn anew, and memberships of “never return me” taken up: {done.withdrawn}.",
        f"References removed anew: {done.removed}.",
        f"Erasures after {when(known)} UTC are unknown, but for those of receipts that were given.",
        Heading("Next"),
        f"What else was done after {when(done.made)} UTC is lost. Before the keep is used, put right by hand: consents "
        "that were withdrawn, people who joined “never return me”, references that were removed, names and attributes "
        "that were put right, rules of retention and of consent that were set (all but the names and attributes a "
        "registry that survived puts right by itself), and tokens, accounts and operators' keys that were revoked.",
        "Then: facekeep refresh, which makes the backup unreadable; and back up anew.",
    ]
    document = {
        "keep": directory.absolute(),
        "made": done.made,
        "generation": done.generation,
        "people": done.people,
        "references": done.references,
        "erased": done.erased,
        "withdrawn": done.withdrawn,
        "references_removed": done.removed,
        "erasures_known_until": done.known_until,
    }
    reply(document, lines, as_json=as_json)


def recipients_of(
    registry: list[str] | None, left: list[str] | None, right: list[str] | None
) -> dict[str, tuple[str, ...]]:
    """The recipients of each store, as options name them: as texts, or by files that hold one in a line.

    Raises:
        UsageError: a file cannot be read.
    """
    named = {"registry": registry, "left": left, "right": right}
    return {store: tuple(one for text in texts or () for one in _recipients_in(text)) for store, texts in named.items()}


def _recipients_in(text: str) -> list[str]:
    if text.startswith("age1"):
        return [text]
    try:
        with Path(text).open(encoding="ascii") as file:
            lines = file.read(_LARGEST).splitlines()
    except (OSError, ValueError):
        raise UsageError(
            "a recipient is neither one of age nor a file of some", hint="A recipient begins with age1."
        ) from None
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _identity_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise UsageError("others may read the file of an identity", hint="chmod 600 it.")
            return file.read(_LARGEST).decode("ascii")
    except (OSError, UnicodeDecodeError):
        raise BadInputError(
            "a file of identities cannot be read",
            hint="Name the file that facekeep backup-identity or age-keygen made.",
        ) from None

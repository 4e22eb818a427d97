"""Commands about the ledger: audit key, head, export; and audit verify, which needs no keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facekeep.errors import BadInputError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Exit, reply

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Show and check the ledger, which tells of all that was done and cannot be rewritten.")
    group.command()(key)
    group.command()(head)
    group.command()(export)
    group.command()(verify)
    app.add_typer(group, name="audit", rich_help_panel="Safety")


def key(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Show the key by which heads and bundles of the ledger are checked. Publish it where the keep cannot change it."""
    with composition(context).open(keep) as opened:
        text = opened.ledger_key
    reply({"key": text}, [text], as_json=as_json)


def head(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Sign the newest head of the ledger. Keep it elsewhere: a log that is rewritten later does not fit it."""
    with composition(context).open(keep) as opened:
        signed = opened.ledger_head()
    reply({"size": signed.size, "note": signed.note}, [signed.note.rstrip("\n")], as_json=as_json)


def export(
    context: typer.Context,
    *,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the bundle; there must be nothing yet.")],
    label: Annotated[
        str | None, typer.Option("--label", help="Only what is about this person, opened, with proofs.")
    ] = None,
    since: Annotated[
        list[int] | None,
        typer.Option("--since", min=1, metavar="SIZE", help="Also show that the log grew from a head of this size."),
    ] = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the ledger as a bundle that anybody can check offline: facekeep audit verify."""
    if since and label is None:
        raise UsageError(
            "a bundle of the whole log has every leaf in it, and needs no proof", hint="Leave --since away."
        )
    parts = composition(context)
    with parts.open(keep) as opened:
        by = parts.operator(None)
        data = opened.ledger_bundle(by=by) if label is None else opened.ledger_bundle_of(label, seen=since or (), by=by)
    try:
        with to.open("xb") as file:
            file.write(data)
    except OSError:
        raise BadInputError(
            "the bundle cannot be written", hint="Name a file that is not there yet, in a folder that is."
        ) from None
    reply({"bytes": len(data)}, [f"A bundle of {len(data)} bytes. Check it: facekeep audit verify."], as_json=as_json)


def verify(
    *,
    bundle: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle.")],
    key: Annotated[str, typer.Option("--key", help="The ledger's key, from somewhere else than the bundle.")],
    seen: Annotated[
        list[Path] | None,
        typer.Option("--seen", metavar="HEAD", help="A file with a head that was got before; may be repeated."),
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option("--witness", help="The key of who must have co-signed; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a bundle offline. Exit code 1 says that something is wrong, and where."""
    from facekeep import ledger_verifier

    try:
        ours = ledger_verifier.VerifierKey.read(key)
        witnesses = [ledger_verifier.VerifierKey.read(text) for text in witness or ()]
        heads = [ledger_verifier.read_head(file.read_text(encoding="utf-8")) for file in seen or ()]
        data = bundle.read_bytes()
    except (OSError, ValueError):
        raise BadInputError(
            "a key, a head or the bundle cannot be read",
            hint="Keys are as facekeep audit key shows them, heads as facekeep audit head does, to the last line.",
        ) from None
    report = ledger_verifier.verify(data, ours, seen=heads, witnesses=witnesses)
    faults = [
        {"kind": fault.kind, "said": fault.said, "first": fault.first, "end": fault.end} for fault in report.faults
    ]
    document = {
        "origin": report.origin,
        "size": report.size,
        "heads": report.heads,
        "opened": [{"leaf": leaf, **entry} for leaf, entry in sorted(report.opened.items())],
        "witnessed": sorted(report.witnessed),
        "faults": faults,
    }
    reply(document, report.lines, as_json=as_json, code=Exit.NO if report.faults else Exit.YES)

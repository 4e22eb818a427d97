"""Commands about the ledger: audit key, head, export, witnesses; and audit verify, which needs no keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facekeep.errors import BadInputError, NotFoundError, UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import connected
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.place import Place
from facekeep.interfaces.cli.reply import Exit, Rows, reply, shown

__all__ = ["add_commands"]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Show and check the ledger, which tells of all that was done and cannot be rewritten.")
    group.command()(key)
    group.command()(head)
    group.command()(export)
    group.command()(verify)
    group.command()(cosign)
    group.command("witness-add")(add_witness)
    group.command("witness-remove")(remove_witness)
    group.command("witness-list")(list_witnesses)
    group.command("witness-key")(witness_key)
    app.add_typer(group, name="audit", rich_help_panel="Safety")


def key(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Show the key by which heads and bundles of the ledger are checked. Publish it where the keep cannot change it."""
    with composition(context).open(keep) as opened:
        text = opened.ledger_key
    reply({"key": text}, [text], as_json=as_json)


def head(
    context: typer.Context,
    *,
    witnessed: Annotated[
        bool, typer.Option("--witnessed", help="The largest that a witness has co-signed, not the newest.")
    ] = False,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign the newest head of the ledger. Keep it elsewhere: a log that is rewritten later does not fit it."""
    with composition(context).open(keep) as opened:
        signed = opened.witnessed_head() if witnessed else opened.ledger_head()
    if signed is None:
        raise NotFoundError("no head was co-signed by a witness", hint="facekeep audit witness-list shows them.")
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


def cosign(
    context: typer.Context,
    *,
    server: Annotated[str, typer.Argument(metavar="URL", help="The served keep whose ledger is to be co-signed.")],
    key: Annotated[str, typer.Option("--key", help="The key of its ledger, from somewhere else than the server.")],
    token_file: Annotated[
        Path | None,
        typer.Option("--token-file", metavar="FILE", help="Holds the token for it; else FACEKEEP_TOKEN is the token."),
    ] = None,
    authorities: Annotated[
        Path | None,
        typer.Option(
            "--authorities", metavar="FILE", help="Certificates to trust for it, PEM; else FACEKEEP_AUTHORITIES."
        ),
    ] = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Be a witness of another keep: see that its ledger only grew since the last time, and co-sign its head.

    Exit code 1 says that it did not, and between which leaves it was forked or cut.
    """
    parts = composition(context)
    with (
        parts.open(keep) as opened,
        connected(parts, Place(token_file=token_file, authorities=authorities), server) as client,
    ):
        note = client.ledger_head().note
        done = opened.cosign(note, key, client.ledger_consistency, by=parts.operator(None))
        if done.fault is None:
            client.cosign_ledger(done.size, done.cosignature)
    fault = done.fault
    document = {
        "size": done.size,
        "cosignature": done.cosignature,
        "fault": None
        if fault is None
        else {"kind": fault.kind, "said": fault.said, "first": fault.first, "end": fault.end},
    }
    line = f"Co-signed {done.size} leaves: the log only grew." if fault is None else f"Not co-signed. {fault}"
    reply(document, [line], as_json=as_json, code=Exit.YES if fault is None else Exit.NO)


def add_witness(
    context: typer.Context,
    *,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As facekeep audit witness-key shows it at the witness.")],
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the co-signatures of a witness, in place of one of the same name."""
    parts = composition(context)
    with parts.open(keep) as opened:
        witness = opened.add_witness(key, by=parts.operator(None))
    reply({"name": witness.name, "key": witness.key}, [f"{shown(witness.name)} is a witness."], as_json=as_json)


def remove_witness(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As facekeep audit witness-list shows it.")],
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take no co-signatures of a witness any more."""
    parts = composition(context)
    with parts.open(keep) as opened:
        opened.remove_witness(name, by=parts.operator(None))
    reply({"removed": name}, [f"{shown(name)} is no witness any more."], as_json=as_json)


def list_witnesses(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """List the witnesses, and how many leaves each has co-signed."""
    with composition(context).open(keep) as opened:
        found = opened.witnesses()
    rows = Rows(("witness", "leaves", "key"), [(one.name, f"{one.size:,}", one.key) for one in found], frozenset({1}))
    document = {"witnesses": [{"name": one.name, "size": one.size, "key": one.key} for one in found]}
    reply(document, [rows] if found else ["there is no witness."], as_json=as_json)


def witness_key(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Show the key by which this keep co-signs heads of others. They add it: facekeep audit witness-add KEY."""
    with composition(context).open(keep) as opened:
        text = opened.witness_key
    reply({"key": text}, [text], as_json=as_json)


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
        {"kind": fault.kind, "said": fault.said, "first": fault.first, "end": fault.end, "log": fault.log}
        for fault in report.faults
    ]
    document = {
        "origin": report.origin,
        "size": report.size,
        "heads": report.heads,
        "opened": [{"leaf": leaf, **entry} for leaf, entry in sorted(report.opened.items())],
        "witnessed": dict(sorted(report.witnessed.items())),
        "logs": dict(sorted(report.logs.items())),
        "faults": faults,
    }
    reply(document, report.lines, as_json=as_json, code=Exit.NO if report.faults else Exit.YES)

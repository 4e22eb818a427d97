"""Commands about the keys by which operators sign their searches."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.consent import Purpose
from facekeep.errors import UsageError
from facekeep.interfaces.cli.accounts import OriginOption
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.office import DEFAULT_ORIGIN
from facekeep.interfaces.cli.options import JsonOption, KeepOption, purposes_of_text
from facekeep.interfaces.cli.reply import Line, Rows, reply, shown, when
from facekeep.interfaces.cli.vouching import RequestOption, apply_word, read_file, requested, sign_request

if TYPE_CHECKING:
    from facekeep.domain.accounts import Operator
    from facekeep.service.keep import Keep
    from facekeep.service.keep_signing import SigningKey

__all__ = ["add_commands"]

KeyIdArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="Identifier of the key; see facekeep operator list.", show_default=False)
]


class _Kind(StrEnum):
    """What the name of an operator names."""

    OPERATOR = "operator"
    CLIENT = "client"
    ACCOUNT = "account"


KindOption = Annotated[
    _Kind,
    typer.Option(
        "--kind", help="What the name names: an operator at the keep itself, a token's client, or a person's account."
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Make, register, list and revoke the keys by which operators sign searches.")
    group.command("key")(make_key)
    group.command("add")(add_key)
    group.command("passkeys")(trust_passkeys)
    group.command("list")(list_keys)
    group.command("revoke")(revoke_key)
    group.command("desk")(limit_desk)
    group.command("sign")(sign_request)
    group.command("apply")(apply_word)
    app.add_typer(group, name="operator", rich_help_panel="The service")


def make_key(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key shall be; a new file.")],
    as_json: JsonOption = False,
) -> None:
    """Make a key that signs searches, where they are asked for. The public part is written to FILE.pub.

    The private key stays where it is. An administrator registers the public part: facekeep operator add.
    """
    from facekeep.service.operator_keys import make_operator_key, public_pem

    key = make_operator_key(file)
    public = file.with_name(f"{file.name}.pub")
    try:
        with public.open("xb") as out:
            out.write(public_pem(key))
    except OSError:
        file.unlink()
        raise UsageError(
            "the public part cannot be written", hint="Remove FILE.pub if there is one, and check the folder."
        ) from None
    lines: list[Line] = [
        f"The key is {key.id}.",
        "Have FILE.pub registered: facekeep operator add NAME --public FILE.pub.",
    ]
    reply({"key": key.id}, lines, as_json=as_json)


def add_key(
    context: typer.Context,
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="The operator, as --operator names it at searches; with --kind a client's or an account's name.",
            show_default=False,
        ),
    ],
    public: Annotated[
        Path, typer.Option("--public", metavar="FILE", help="The public key, PEM or DER.", show_default=False)
    ],
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose",
            metavar="PURPOSE[,PURPOSE]",
            help=f"What it may sign for: {', '.join(Purpose)}.",
            show_default=False,
        ),
    ],
    days: Annotated[int, typer.Option("--days", metavar="N", help="For how long, 1 to 366.")] = 90,
    rp: Annotated[
        str, typer.Option("--rp", metavar="DOMAIN", help="Of a passkey: its relying party.", show_default=False)
    ] = "",
    origin: Annotated[
        str,
        typer.Option("--origin", metavar="URL", help="Of a passkey: the origin of its page.", show_default=False),
    ] = "",
    kind: KindOption = _Kind.OPERATOR,
    request: RequestOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register an operator's public key with both halves: it signs searches from then on."""
    from facekeep.service.operator_keys import read_public_key

    purposes = purposes_of_text(purpose)
    der = read_public_key(read_file(public, "the public key"))
    with requested(request, as_json=as_json), composition(context).open(keep) as opened:
        whose = _operator(opened, kind, name)
        key = opened.add_operator_key(whose, der, purposes=purposes, days=days, rp=rp, origin=origin)
    _reply(key, f"The key {key.id} signs for {shown(name)}, for these purposes", as_json=as_json)


def trust_passkeys(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose passkeys.", show_default=False)],
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose",
            metavar="PURPOSE[,PURPOSE]",
            help=f"What they may sign for: {', '.join(Purpose)}.",
            show_default=False,
        ),
    ],
    days: Annotated[int, typer.Option("--days", metavar="N", help="For how long, 1 to 366.")] = 90,
    origin: OriginOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a person sign searches by the passkeys of an account, as they are now."""
    purposes = purposes_of_text(purpose)
    parts = composition(context)
    at = origin or parts.settings.origin or DEFAULT_ORIGIN
    with parts.open(keep) as opened:
        keys = opened.trust_passkeys(name, origin=at, purposes=purposes, days=days)
    lines: list[Line] = [f"{len(keys)} passkeys of {shown(name)} sign searches at {at}."]
    reply({"keys": [_document(key) for key in keys]}, lines, as_json=as_json)


def list_keys(
    context: typer.Context,
    *,
    name: Annotated[
        str, typer.Option("--of", metavar="NAME", help="Only those of this operator.", show_default=False)
    ] = "",
    kind: KindOption = _Kind.OPERATOR,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys that sign searches. The halves know operators by pseudonyms: ask by name with --of."""
    with composition(context).open(keep) as opened:
        keys = opened.operator_keys()
        wanted = opened.operator_pseudonym(_operator(opened, kind, name)) if name else ""
    keys = tuple(key for key in keys if not name or key.operator == wanted)
    rows = Rows(
        ("key", "kind", "operator", "purposes", "ends (UTC)"),
        [
            (
                key.id,
                key.kind,
                key.operator[:12] or "desk",
                ", ".join(key.purposes),
                "never" if key.expires is None else when(key.expires),
            )
            for key in keys
        ],
    )
    reply({"keys": [_document(key) for key in keys]}, [rows] if keys else ["there is no key."], as_json=as_json)


def revoke_key(
    context: typer.Context,
    *,
    key: KeyIdArgument,
    request: RequestOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Revoke an operator's key in both halves; it signs nothing from now on."""
    with requested(request, as_json=as_json), composition(context).open(keep) as opened:
        opened.revoke_operator_key(key)
    reply({"revoked": key}, [f"The key {key} is revoked."], as_json=as_json)


def limit_desk(
    context: typer.Context,
    *,
    purpose: Annotated[
        str,
        typer.Option(
            "--purpose",
            metavar="PURPOSE[,PURPOSE]",
            help="What it may sign for; for all else an operator needs a key.",
            show_default=False,
        ),
    ] = "",
    nothing: Annotated[
        bool, typer.Option("--nothing", help="It signs for no operator any more.", show_default=False)
    ] = False,
    request: RequestOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the keep's own desk may sign for. It always looks into the list of those never returned."""
    if nothing == bool(purpose):
        raise UsageError("say what the desk may sign for", hint="Give --purpose, or --nothing, and not both.")
    purposes = () if nothing else purposes_of_text(purpose)
    with requested(request, as_json=as_json), composition(context).open(keep) as opened:
        key = opened.limit_desk(purposes)
    _reply(key, "The desk signs for these purposes", as_json=as_json)


def _operator(keep: Keep, kind: _Kind, name: str) -> Operator:
    if kind is _Kind.OPERATOR:
        return name
    return keep.client_named(name) if kind is _Kind.CLIENT else keep.account_named(name)


def _reply(key: SigningKey, what: str, *, as_json: bool) -> None:
    ends = "" if key.expires is None else f", until {when(key.expires)}"
    purposes = ", ".join(key.purposes) or "nothing"
    reply(_document(key), [f"{what}: {purposes}{ends}."], as_json=as_json)


def _document(key: SigningKey) -> dict[str, object]:
    return {
        "key": key.id,
        "kind": key.kind,
        "operator": key.operator,
        "purposes": list(key.purposes),
        "expires": key.expires,
    }

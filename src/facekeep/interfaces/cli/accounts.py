"""Commands about people who sign in: invite, list, roles, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.accounts import Account, Role
from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.reply import Rows, reply, shown, when

if TYPE_CHECKING:
    from facekeep.service.accounts import AccountDetails, Invited

__all__ = ["DEFAULT_ORIGIN", "OriginOption", "add_commands", "invitation_document", "link_of"]

DEFAULT_ORIGIN = "http://localhost:8744"

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What you call the account by.", show_default=False)]
OriginOption = Annotated[
    str | None,
    typer.Option(
        "--origin",
        metavar="URL",
        help=f"Where people sign in, for the link; else FACEKEEP_ORIGIN, else {DEFAULT_ORIGIN}.",
        show_default=False,
    ),
]
_ROLES = ", ".join(Role)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Invite people who sign in, list them, change their roles, revoke them.")
    group.command()(invite)
    group.command("list")(list_accounts)
    group.command()(roles)
    group.command()(revoke)
    app.add_typer(group, name="account", rich_help_panel="The service")


def invite(
    context: typer.Context,
    *,
    name: NameArgument,
    role: Annotated[
        str,
        typer.Option(
            "--role",
            metavar="ROLE[,ROLE]",
            help=f"What the person is: {_ROLES}. Without, an account that there is gets a new link.",
            show_default=False,
        ),
    ] = "",
    subject: Annotated[
        str | None,
        typer.Option(
            "--subject", metavar="LABEL", help="Who the person is, with the role data-subject.", show_default=False
        ),
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(
            "--oidc-issuer", metavar="URL", help="Who else vouches for the person, by OpenID.", show_default=False
        ),
    ] = None,
    oidc_subject: Annotated[
        str | None,
        typer.Option(
            "--oidc-subject", metavar="SUB", help="By which name (sub) the issuer knows the person.", show_default=False
        ),
    ] = None,
    origin: OriginOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an account and show the link by which its person registers a passkey, once, within three days."""
    parts = composition(context)
    if (issuer is None) != (oidc_subject is None):
        raise UsageError("an identity elsewhere is an issuer and a subject", hint="Give both options, or none.")
    identity = None if issuer is None or oidc_subject is None else (issuer, oidc_subject)
    if not role and (identity or subject):
        raise UsageError("a new account needs a role", hint=f"Roles are {_ROLES}.")
    wanted = _roles_of_text(role)
    at = origin or parts.settings.origin or DEFAULT_ORIGIN
    with parts.open(keep) as opened:
        invited = opened.invite(name, wanted, label=subject, identity=identity) if role else opened.invite_again(name)
    account = invited.account
    lines = [
        f"{shown(account.name)} is {', '.join(sorted(account.roles))}.",
        f"The link works once, until {when(invited.invitation.expires)}, and is not shown again:",
        link_of(invited, at),
    ]
    reply(invitation_document(invited, at), lines, as_json=as_json)


def list_accounts(context: typer.Context, *, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """List the accounts of people: roles, passkeys, and when they were last seen."""
    with composition(context).open(keep) as opened:
        found = opened.accounts()
    rows = Rows(
        ("account", "roles", "passkeys", "last seen"),
        [
            (
                shown(details.account.name),
                ", ".join(sorted(details.account.roles)),
                str(details.passkeys),
                "–" if details.last_seen is None else when(details.last_seen),
            )
            for details in found
        ],
    )
    reply({"accounts": [_details_document(details) for details in found]}, [rows], as_json=as_json)


def roles(
    context: typer.Context,
    *,
    name: NameArgument,
    role: Annotated[
        str,
        typer.Option("--role", metavar="ROLE[,ROLE]", help=f"All that it shall have: {_ROLES}.", show_default=False),
    ],
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account other roles, from its next request on."""
    wanted = _roles_of_text(role)
    with composition(context).open(keep) as opened:
        account = opened.change_roles(name, wanted)
    reply(
        _document(account),
        [f"{shown(account.name)} is {', '.join(sorted(account.roles))} from now on."],
        as_json=as_json,
    )


def revoke(context: typer.Context, *, name: NameArgument, keep: KeepOption = None, as_json: JsonOption = False) -> None:
    """Revoke an account with its passkeys, sessions and invitations."""
    with composition(context).open(keep) as opened:
        opened.revoke_account(name)
    reply({"revoked": name}, [f"The account of {shown(name)} is revoked."], as_json=as_json)


def link_of(invited: Invited, origin: str) -> str:
    """The link of an invitation. What is behind the # is not sent to servers and is in no log of a proxy."""
    return f"{origin}/sign-up#{invited.secret}"


def invitation_document(invited: Invited, origin: str) -> dict[str, object]:
    """An invitation as JSON."""
    expires = invited.invitation.expires.isoformat()
    return {**_document(invited.account), "link": link_of(invited, origin), "link_expires": expires}


def _document(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "roles": sorted(account.roles),
        "subject": None if account.subject is None else account.subject.hex(),
        "created": account.created.isoformat(),
    }


def _details_document(details: AccountDetails) -> dict[str, object]:
    return {
        **_document(details.account),
        "passkeys": details.passkeys,
        "identities": [{"issuer": issuer, "subject": subject} for issuer, subject in details.identities],
        "last_seen": None if details.last_seen is None else details.last_seen.isoformat(),
    }


def _roles_of_text(text: str) -> frozenset[Role]:
    try:
        return frozenset(Role(word.strip()) for word in text.split(",") if word.strip())
    except ValueError:
        raise UsageError("a role is unknown", hint=f"Roles are {_ROLES}; separate several by commas.") from None

"""Commands about people who sign in: invite, list, roles, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.accounts import Role
from facekeep.errors import UsageError
from facekeep.interfaces.cli.office import DEFAULT_ORIGIN, office
from facekeep.interfaces.cli.options import JsonOption, OrganisationOption, words_of_text
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Rows, reply, shown, when

if TYPE_CHECKING:
    from facekeep.client import AccountSummary

__all__ = ["OriginOption", "add_commands", "invitation_document"]

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
    group.command()(placed(invite))
    group.command("list")(placed(list_accounts))
    group.command()(placed(roles))
    group.command("sign-out")(placed(sign_out))
    group.command()(placed(revoke))
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
    organisation: OrganisationOption = "",
    origin: OriginOption = None,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Make an account and show the link by which its person registers a passkey, once, within three days."""
    if (issuer is None) != (oidc_subject is None):
        raise UsageError("an identity elsewhere is an issuer and a subject", hint="Give both options, or none.")
    identity = None if issuer is None or oidc_subject is None else (issuer, oidc_subject)
    if not role and (identity or subject or organisation):
        raise UsageError("a new account needs a role", hint=f"Roles are {_ROLES}.")
    wanted = words_of_text(role, Role, one="a role", several="Roles")
    with office(context, place, origin) as at:
        account = at.invite(name, wanted, subject, identity, organisation) if role else at.invite_again(name)
    works_for = f", for {shown(account.organisation)}" if account.organisation else ""
    lines = [f"{shown(account.name)} is {', '.join(sorted(account.roles))}{works_for}."]
    if account.link_expires is not None:
        lines.append(f"The link works once, until {when(account.link_expires)}, and is not shown again:")
    reply(invitation_document(account), [*lines, account.link], as_json=as_json)


def list_accounts(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the accounts of people: organisations, roles, passkeys, and when they were last seen."""
    with office(context, place) as at:
        found = at.accounts()
    rows = Rows(
        ("account", "organisation", "roles", "passkeys", "last seen"),
        [
            (
                shown(account.name),
                shown(account.organisation) or "–",
                ", ".join(sorted(account.roles)),
                str(account.passkeys),
                "–" if account.last_seen is None else when(account.last_seen),
            )
            for account in found
        ],
    )
    reply({"accounts": [_details_document(account) for account in found]}, [rows], as_json=as_json)


def roles(
    context: typer.Context,
    *,
    name: NameArgument,
    role: Annotated[
        str,
        typer.Option("--role", metavar="ROLE[,ROLE]", help=f"All that it shall have: {_ROLES}.", show_default=False),
    ],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Give an account other roles, from its next request on."""
    wanted = words_of_text(role, Role, one="a role", several="Roles")
    with office(context, place) as at:
        account = at.change_roles(name, wanted)
    reply(
        _document(account),
        [f"{shown(account.name)} is {', '.join(sorted(account.roles))} from now on."],
        as_json=as_json,
    )


def sign_out(context: typer.Context, *, name: NameArgument, place: Place, as_json: JsonOption = False) -> None:
    """End every session of an account; its person may sign in again."""
    with office(context, place) as at:
        at.sign_out(name)
    reply({"signed_out": name}, [f"{shown(name)} is signed out everywhere."], as_json=as_json)


def revoke(context: typer.Context, *, name: NameArgument, place: Place, as_json: JsonOption = False) -> None:
    """Revoke an account with its passkeys, sessions and invitations."""
    with office(context, place) as at:
        at.revoke_account(name)
    reply({"revoked": name}, [f"The account of {shown(name)} is revoked."], as_json=as_json)


def invitation_document(account: AccountSummary) -> dict[str, object]:
    """An invitation as JSON."""
    expires = None if account.link_expires is None else account.link_expires.isoformat()
    return {**_document(account), "link": account.link, "link_expires": expires}


def _document(account: AccountSummary) -> dict[str, object]:
    return {
        "id": account.id,
        "name": account.name,
        "roles": sorted(account.roles),
        "subject": account.subject,
        "created": account.created.isoformat(),
        "organisation": account.organisation,
    }


def _details_document(account: AccountSummary) -> dict[str, object]:
    return {
        **_document(account),
        "passkeys": account.passkeys,
        "identities": [{"issuer": issuer, "subject": subject} for issuer, subject in account.identities],
        "last_seen": None if account.last_seen is None else account.last_seen.isoformat(),
    }

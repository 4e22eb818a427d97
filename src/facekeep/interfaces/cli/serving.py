"""Commands about the service: serve, and the tokens of machine clients."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.access import Scope
from facekeep.errors import UsageError
from facekeep.interfaces.cli.backing import LeftRecipient, RegistryRecipient, RightRecipient, recipients_of
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import connected
from facekeep.interfaces.cli.office import office
from facekeep.interfaces.cli.options import JsonOption, KeepOption, OrganisationOption, words_of_text
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Rows, print_json, reply, shown, when

if TYPE_CHECKING:
    from facekeep.client import TokenDetails
    from facekeep.interfaces.http.provider import ProviderSettings
    from facekeep.interfaces.settings import Settings

__all__ = ["add_commands"]

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What you call the client by.", show_default=False)]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    panel = "The service"
    app.command(rich_help_panel=panel)(serve)
    app.command(rich_help_panel=panel)(placed(ready))
    group = typer.Typer(help="Make, list and revoke the tokens of machine clients.")
    group.command()(placed(create))
    group.command("list")(placed(list_tokens))
    group.command()(placed(revoke))
    app.add_typer(group, name="token", rich_help_panel=panel)


def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes a free one.")] = 8744,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="Certificate chain for TLS, PEM.", show_default=False),
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Its private key, PEM.", show_default=False)
    ] = None,
    insecure_plain_http: Annotated[
        bool,
        typer.Option(
            "--insecure-plain-http",
            help="Listen without TLS beyond this machine; only behind a proxy that has it.",
            show_default=False,
        ),
    ] = False,
    traces: Annotated[
        str | None,
        typer.Option(
            "--traces",
            metavar="URL",
            help="Send traces to an OpenTelemetry collector, by OTLP over HTTP.",
            show_default=False,
        ),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            "--origin",
            metavar="URL",
            help="Where people sign in, as their browsers write it; else FACEKEEP_ORIGIN. Default: localhost.",
            show_default=False,
        ),
    ] = None,
    policies: Annotated[
        Path | None,
        typer.Option(
            "--policies",
            metavar="DIR",
            help="Folder of Cedar policies, *.cedar, that forbid more than the built-in ones.",
            show_default=False,
        ),
    ] = None,
    face_sign_in: Annotated[
        bool,
        typer.Option(
            "--face-sign-in",
            help="Let people sign in with a live face too. Who knows an account can use up its rejected comparisons.",
            show_default=False,
        ),
    ] = False,
    backup_to: Annotated[
        Path | None,
        typer.Option(
            "--backup-to",
            metavar="DIR",
            help="Folder to make backups in, and to remove old ones from; each store needs a recipient.",
            show_default=False,
        ),
    ] = None,
    backup_hours: Annotated[
        int, typer.Option("--backup-hours", metavar="N", min=1, max=720, help="How often, in hours.")
    ] = 24,
    recipient_registry: RegistryRecipient = None,
    recipient_left: LeftRecipient = None,
    recipient_right: RightRecipient = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the keep over HTTP until interrupted; no other process can open it meanwhile."""
    from facekeep.interfaces.http.rates import Rate, Rates
    from facekeep.interfaces.http.serving import Listening, run
    from facekeep.interfaces.mail_server import mail_server
    from facekeep.interfaces.memory import harden
    from facekeep.service.policies import Policies
    from facekeep.service.recurring_backups import BackupPlan

    weak = harden()
    parts = composition(context)

    def told(address: str) -> None:
        at = listening.origin
        if as_json:
            print_json({"listening": address, **({"origin": at} if at else {})})
            sys.stdout.flush()
            return
        typer.echo(f"Listening on {address}", err=True)
        if at:  # they cannot at the address above
            typer.echo(f"People sign in at {at}/sign-in, review at {at}/review", err=True)

    proxies = tuple(proxy.strip() for proxy in parts.settings.proxies.split(",") if proxy.strip())
    listening = Listening(
        host,
        port,
        certificate,
        key,
        insecure_plain_http=insecure_plain_http,
        origin=origin or parts.settings.origin or "",
        traces=traces,
        proxies=proxies,
    )
    rates = Rates(Rate.read(parts.settings.rate_client), Rate.read(parts.settings.rate_address))
    chosen = None if policies is None else Policies.tightened(policies)
    provider = _provider(parts.settings)
    mail = mail_server(parts.settings)
    recipients = recipients_of(recipient_registry, recipient_left, recipient_right)
    if backup_to is None and any(recipients.values()):
        raise UsageError("backups have recipients and no folder", hint="Give --backup-to DIR.")
    backups = None if backup_to is None else BackupPlan.of(backup_to, timedelta(hours=backup_hours), recipients)
    with parts.open(keep) as opened:
        run(
            opened,
            listening,
            rates=rates,
            told=told,
            policies=chosen,
            provider=provider,
            private=parts.settings.webhooks_private,
            mail=mail,
            authorities=parts.settings.authorities,
            face_sign_in=face_sign_in,
            backups=backups,
            weak=weak,
        )


def _provider(settings: Settings) -> ProviderSettings | None:
    """The provider of identities that the environment names, or None."""
    from facekeep.interfaces.http.provider import Authentication, ProviderSettings

    how = Authentication(settings.oidc_authentication)
    if settings.oidc_issuer is None:
        if settings.oidc_client_id or settings.oidc_secret or settings.oidc_secret_file:
            raise UsageError("a provider of identities has an issuer", hint="Set FACEKEEP_OIDC_ISSUER.")
        return None
    if how is Authentication.NONE and settings.oidc_secret is None and settings.oidc_secret_file is None:
        return ProviderSettings(settings.oidc_issuer, settings.oidc_client_id or "", "", how)
    if (settings.oidc_secret is None) == (settings.oidc_secret_file is None):
        raise UsageError(
            "a provider of identities needs the service's secret there, once",
            hint="Set either FACEKEEP_OIDC_SECRET or FACEKEEP_OIDC_SECRET_FILE.",
        )
    if settings.oidc_secret is not None:
        secret = settings.oidc_secret.get_secret_value()
    else:
        try:
            secret = (settings.oidc_secret_file or Path()).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UsageError("the file of FACEKEEP_OIDC_SECRET_FILE cannot be read") from None
    return ProviderSettings(settings.oidc_issuer, settings.oidc_client_id or "", secret, how)


def ready(
    context: typer.Context,
    *,
    counters: Annotated[
        bool, typer.Option("--counters", help="Show the counters too, as Prometheus reads them.", show_default=False)
    ] = False,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Say whether a served keep can work at present, and which version it is."""
    parts = composition(context)
    address = place.served(parts.settings)
    if address is None:
        raise UsageError("this command asks a served keep", hint="Give --server URL; for a folder: facekeep doctor.")
    with connected(parts, place, address) as client:
        version = client.version()
        client.check_ready()
        counted = client.metrics() if counters else ""
    document = {"ready": True, "version": version} | ({"counters": counted} if counters else {})
    reply(document, [f"Ready, version {version}.", *counted.splitlines()], as_json=as_json)


def create(
    context: typer.Context,
    *,
    name: NameArgument,
    scope: Annotated[
        str,
        typer.Option(
            "--scope",
            metavar="SCOPE[,SCOPE]",
            help=f"What it may do: {', '.join(Scope)}.",
            show_default=False,
        ),
    ],
    days: Annotated[int, typer.Option("--days", metavar="N", help="For how long, 1 to 366.")] = 30,
    organisation: OrganisationOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Make a machine client and show its token, this once: only a digest is kept."""
    scopes = words_of_text(scope, Scope, one="a scope", several="Scopes")
    with office(context, place) as at:
        made = at.create_token(name, scopes, days, organisation)
    asks_for = f", for {shown(made.organisation)}" if made.organisation else ""
    lines = [
        f"{shown(made.name)} may {', '.join(sorted(made.scopes))} until {when(made.expires)}{asks_for}.",
        "Its token, which is not shown again:",
        made.token,
    ]
    reply({**_document(made), "token": made.token}, lines, as_json=as_json)


def list_tokens(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the machine clients; never their tokens."""
    with office(context, place) as at:
        found = at.tokens()
    rows = Rows(
        ("client", "organisation", "scopes", "expires"),
        [
            (
                shown(token.name),
                shown(token.organisation) or "–",
                ", ".join(sorted(token.scopes)),
                when(token.expires),
            )
            for token in found
        ],
    )
    reply({"clients": [_document(token) for token in found]}, [rows], as_json=as_json)


def revoke(context: typer.Context, *, name: NameArgument, place: Place, as_json: JsonOption = False) -> None:
    """Revoke the token of a machine client; it is refused from now on."""
    with office(context, place) as at:
        at.revoke_token(name)
    reply({"revoked": name}, [f"The token of {shown(name)} is revoked."], as_json=as_json)


def _document(token: TokenDetails) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created": token.created.isoformat(),
        "expires": token.expires.isoformat(),
        "organisation": token.organisation,
    }

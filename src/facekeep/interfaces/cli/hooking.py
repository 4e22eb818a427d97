"""Commands about webhooks: endpoints that are told of events while the keep is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.domain.webhooks import EventKind
from facekeep.interfaces.cli.desk import desk
from facekeep.interfaces.cli.options import JsonOption, words_of_text
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Rows, reply, shown, when

if TYPE_CHECKING:
    from facekeep.client import WebhookDetails

__all__ = ["add_commands"]

WebhookArgument = Annotated[str, typer.Argument(metavar="WEBHOOK", help="As facekeep webhook list shows it.")]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Add, list, show and remove endpoints that are told of events.")
    group.command("add")(add_webhook)
    group.command("list")(list_webhooks)
    group.command("show")(show_webhook)
    group.command("remove")(remove_webhook)
    app.add_typer(group, name="webhook", rich_help_panel="The service")


@placed
def add_webhook(
    context: typer.Context,
    *,
    url: Annotated[str, typer.Argument(metavar="URL", help="https, beyond this machine; or mailto:ADDRESS.")],
    events: Annotated[
        str,
        typer.Option("--events", metavar="KIND[,KIND]", help=f"What it is told of: {', '.join(EventKind)}."),
    ],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Have an endpoint told of events, and show the secret that signs what is sent, this once; mail has none."""
    kinds = words_of_text(events, EventKind, one="a kind of event", several="Kinds")
    with desk(context, place) as opened:
        made = opened.add_webhook(url, kinds)
    document = {"webhook": made.id, "url": made.url, "events": list(made.events), "secret": made.secret or None}
    lines = [f"made the webhook {made.id}."]
    if made.secret:
        lines += ["Its secret, which is not shown again:", made.secret]
    reply(document, lines, as_json=as_json)


@placed
def list_webhooks(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the endpoints; never their secrets."""
    with desk(context, place) as opened:
        found = opened.webhooks()
    cells = [(w.id, w.url, _state(w), f"{w.waiting:,}", f"{w.delivered:,}", f"{w.dropped:,}") for w in found]
    rows = Rows(("webhook", "URL", "state", "waiting", "delivered", "dropped"), cells, frozenset({3, 4, 5}))
    reply(
        {"webhooks": [_document(webhook) for webhook in found]},
        [rows] if found else ["there is no webhook."],
        as_json=as_json,
    )


@placed
def show_webhook(
    context: typer.Context, *, webhook: WebhookArgument, place: Place, as_json: JsonOption = False
) -> None:
    """Show an endpoint: whether it is disabled, and what waits for it."""
    with desk(context, place) as opened:
        found = opened.webhook(webhook)
    cells = [
        ("URL", found.url),
        ("told of", ", ".join(found.events)),
        ("state", _state(found)),
        ("made (UTC)", when(found.created)),
        ("waiting", f"{found.waiting:,}"),
        ("delivered", f"{found.delivered:,}"),
        ("dropped", f"{found.dropped:,}"),
    ]
    reply(_document(found), [Rows(("what", "is"), cells)], as_json=as_json)


@placed
def remove_webhook(
    context: typer.Context, *, webhook: WebhookArgument, place: Place, as_json: JsonOption = False
) -> None:
    """Forget an endpoint and what waits for it."""
    with desk(context, place) as opened:
        opened.remove_webhook(webhook)
    reply({"removed": webhook}, [f"removed the webhook {shown(webhook)}."], as_json=as_json)


def _state(webhook: WebhookDetails) -> str:
    if webhook.disabled is not None:
        return f"disabled since {when(webhook.disabled)}"
    if not webhook.failures:
        return "well"
    return f"failed {webhook.failures} times" if webhook.failures > 1 else "failed once"


def _document(webhook: WebhookDetails) -> dict[str, object]:
    return {
        "webhook": webhook.id,
        "url": webhook.url,
        "events": list(webhook.events),
        "created": webhook.created,
        "disabled": webhook.disabled,
        "failures": webhook.failures,
        "retry": webhook.retry,
        "waiting": webhook.waiting,
        "delivered": webhook.delivered,
        "dropped": webhook.dropped,
    }

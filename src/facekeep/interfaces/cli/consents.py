"""Commands about what people agreed to: consent give, withdraw, show; and the switch of each purpose."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from facekeep.domain.consent import Purpose
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import desk
from facekeep.interfaces.cli.options import (
    JsonOption,
    KeepOption,
    LabelArgument,
    NoticeHashOption,
    NoticeOption,
    the_notice,
)
from facekeep.interfaces.cli.people import consent_document, consent_rows
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Rows, reply, shown

__all__ = ["add_commands"]

_PURPOSES = f"One of {', '.join(Purpose)}."
PurposeOption = Annotated[
    Purpose, typer.Option("--purpose", metavar="PURPOSE", help=f"Which use. {_PURPOSES}", show_default=False)
]


class OnOff(StrEnum):
    """A position of a switch."""

    ON = "on"
    OFF = "off"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Give, withdraw and show consents.")
    group.command()(give)
    group.command()(withdraw)
    group.command("show")(show_consents)
    app.add_typer(group, name="consent", rich_help_panel="Consent")
    app.command(rich_help_panel="Consent")(switch)


@placed
def give(
    context: typer.Context,
    *,
    label: LabelArgument,
    purpose: PurposeOption,
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Record that a data subject agreed to a purpose, after reading a notice."""
    text = the_notice(notice, notice_hash)
    with desk(context, place) as opened:
        opened.give_consent(label, purpose, text)
    reply({"label": label, "given": purpose}, [f"{shown(label)} agreed to {purpose}."], as_json=as_json)


@placed
def withdraw(
    context: typer.Context,
    *,
    label: LabelArgument,
    purpose: PurposeOption,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a consent; the next comparison for this purpose leaves the person out."""
    with desk(context, place) as opened:
        opened.withdraw_consent(label, purpose)
    lines = [f"{shown(label)} no longer agrees to {purpose}; both halves leave the person out from now on."]
    reply({"label": label, "withdrawn": purpose}, lines, as_json=as_json)


@placed
def show_consents(context: typer.Context, *, label: LabelArgument, place: Place, as_json: JsonOption = False) -> None:
    """Show every consent that a data subject ever gave."""
    with desk(context, place) as opened:
        consents = opened.consents(label)
    document = {"label": label, "consents": [consent_document(consent) for consent in consents]}
    reply(document, [consent_rows(consents)], as_json=as_json)


def switch(
    context: typer.Context,
    *,
    purpose: Annotated[
        Purpose | None,
        typer.Argument(metavar="PURPOSE", help=f"Which use; without one all switches are shown. {_PURPOSES}"),
    ] = None,
    position: Annotated[OnOff | None, typer.Argument(metavar="on|off", help="Its new position.")] = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the switches of the purposes, or turn one; each is kept by the registry and by both halves."""
    with composition(context).open(keep) as opened:
        if purpose is not None and position is not None:
            opened.switch(purpose, position is OnOff.ON)
        switches = opened.switches()
    chosen = {p: on for p, on in switches.items() if purpose in (None, p)}
    rows = Rows(("purpose", "switch"), [(p, "on" if on else "off") for p, on in chosen.items()])
    reply({"switches": {str(p): on for p, on in chosen.items()}}, [rows], as_json=as_json)

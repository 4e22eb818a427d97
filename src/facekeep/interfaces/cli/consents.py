"""Commands about what people agreed to: consent give, withdraw, show; and the switch of each purpose."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import GUARDIAN_UNDER_MAX, Circumstances, ConsentRules
from facekeep.interfaces.cli.circumstances import circumstanced
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
from facekeep.interfaces.cli.place import Place, here_only, placed
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
    group.command()(rules)
    app.add_typer(group, name="consent", rich_help_panel="Consent")
    app.command(rich_help_panel="Consent")(switch)


@placed
@circumstanced
def give(
    context: typer.Context,
    *,
    label: LabelArgument,
    purpose: PurposeOption,
    notice: NoticeOption = None,
    notice_hash: NoticeHashOption = None,
    circumstances: Circumstances,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Record that a data subject agreed to a purpose, after reading a notice; or a guardian for a minor."""
    text = the_notice(notice, notice_hash)
    with desk(context, place) as opened:
        opened.give_consent(label, purpose, text, circumstances)
    reply({"label": label, "given": purpose}, [f"{shown(label)} agreed to {purpose}."], as_json=as_json)


@placed
def withdraw(
    context: typer.Context,
    *,
    label: LabelArgument,
    purpose: PurposeOption,
    by_guardian: Annotated[
        bool, typer.Option("--by-guardian", help="The guardian of a minor withdraws.", show_default=False)
    ] = False,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a consent; the next comparison for this purpose leaves the person out."""
    with desk(context, place) as opened:
        opened.withdraw_consent(label, purpose, by_guardian=by_guardian)
    lines = [f"{shown(label)} no longer agrees to {purpose}; both halves leave the person out from now on."]
    reply({"label": label, "withdrawn": purpose}, lines, as_json=as_json)


@placed
def show_consents(context: typer.Context, *, label: LabelArgument, place: Place, as_json: JsonOption = False) -> None:
    """Show every consent that a data subject ever gave."""
    with desk(context, place) as opened:
        consents = opened.consents(label)
    document = {"label": label, "consents": [consent_document(consent) for consent in consents]}
    reply(document, [consent_rows(consents)], as_json=as_json)


@here_only
def rules(
    context: typer.Context,
    *,
    guardian_under: Annotated[
        int | None,
        typer.Option(
            "--guardian-under",
            metavar="YEARS",
            min=0,
            max=GUARDIAN_UNDER_MAX,
            help="Under which age a guardian has to consent; 0 for nobody.",
            show_default=False,
        ),
    ] = None,
    age_required: Annotated[
        OnOff | None,
        typer.Option("--age-required", metavar="on|off", help="Whether every age has to be said.", show_default=False),
    ] = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is asked of every consent, or ask something else from now on."""
    with composition(context).open(keep) as opened:
        found = opened.consent_rules()
        wanted = ConsentRules(
            found.guardian_under if guardian_under is None else guardian_under,
            found.age_required if age_required is None else age_required is OnOff.ON,
        )
        if wanted != found:
            opened.set_consent_rules(wanted)
    document = {"guardian_under": wanted.guardian_under, "age_required": wanted.age_required}
    under = wanted.guardian_under
    who = f"a guardian consents under {under} years" if under else "no guardian is asked for"
    said = "every age has to be said." if wanted.age_required else "nobody has to say an age."
    reply(document, [f"{who}; {said}"], as_json=as_json)


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

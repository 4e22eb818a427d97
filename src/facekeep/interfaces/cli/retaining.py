"""Commands about retention: its rules, what they will make go, and a run that lets it go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Protocol

import typer

from facekeep.domain.consent import Purpose
from facekeep.domain.retention import DAYS_MAX, OWN_RULE, PRESETS, Basis, Effect, Ending, RetentionRule
from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.desk import connected
from facekeep.interfaces.cli.options import JsonOption, KeepOption
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Line, Rows, reply, shown, when

if TYPE_CHECKING:
    from collections.abc import Iterable

    from facekeep.service.answers import Going
    from facekeep.service.keep import Keep

__all__ = ["add_commands"]

_DAYS = 90


class _Which(StrEnum):
    """Rules that have a name."""

    ILLINOIS = "illinois"
    TEXAS = "texas"
    OWN = "own"


class _Retention(Protocol):
    """A keep here, or a client of one that is served. See :class:`facekeep.service.keep.Keep`."""

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """All rules."""

    def set_retention(self, rules: Sequence[RetentionRule], *, sure: bool = ...) -> tuple[RetentionRule, ...]:
        """Add rules; gives all."""

    def remove_retention(self, law: str) -> tuple[RetentionRule, ...]:
        """Remove the rules of a law."""

    def retention_plan(self, days: int = ...) -> Iterable[Going]:
        """What will go."""


class _Here:
    """Implements :class:`_Retention` by an open keep, for one operator, of whom the ledger tells."""

    def __init__(self, keep: Keep, operator: str) -> None:
        self._keep, self._operator = keep, operator

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """See :meth:`Keep.retention_rules`."""
        return self._keep.retention_rules()

    def set_retention(self, rules: Sequence[RetentionRule], *, sure: bool = False) -> tuple[RetentionRule, ...]:
        """See :meth:`Keep.set_retention`."""
        return self._keep.set_retention(rules, sure=sure, by=self._operator)

    def remove_retention(self, law: str) -> tuple[RetentionRule, ...]:
        """See :meth:`Keep.remove_retention`."""
        return self._keep.remove_retention(law, by=self._operator)

    def retention_plan(self, days: int = _DAYS) -> Sequence[Going]:
        """See :meth:`Keep.retention_plan`."""
        going = tuple(self._keep.retention_plan(days))
        self._keep.tell_listed(sum(not one.is_case for one in going), by=self._operator)
        return going


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Say how long what is kept of people is kept, see what will go, and let it go.")
    group.command("rules")(list_rules)
    group.command("set")(set_rule)
    group.command("remove")(remove_rule)
    group.command("plan")(show_plan)
    group.command("run")(run_now)
    app.add_typer(group, name="retention", rich_help_panel="Consent")


@contextmanager
def _at(context: typer.Context, place: Place) -> Iterator[_Retention]:
    parts = composition(context)
    address = place.served(parts.settings)
    if address is None:
        with parts.open(place.keep) as keep:
            yield _Here(keep, parts.operator(None))
        return
    with connected(parts, place, address) as client:
        yield client


@placed
def list_rules(context: typer.Context, *, place: Place, as_json: JsonOption = False) -> None:
    """List the rules of retention."""
    with _at(context, place) as at:
        rules = at.retention_rules()
    _reply_rules(rules, [], as_json=as_json)


@placed
def set_rule(
    context: typer.Context,
    *,
    which: Annotated[
        _Which,
        typer.Argument(metavar="RULE", help="illinois, texas, or own: one of your own.", show_default=False),
    ],
    basis: Annotated[
        Basis | None,
        typer.Option("--basis", help="Of an own rule: from when on the days count.", show_default=False),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", metavar="N", min=1, max=DAYS_MAX, help="Of an own rule: how many.", show_default=False),
    ] = None,
    purpose: Annotated[
        Purpose | None,
        typer.Option(
            "--purpose", metavar="PURPOSE", help="Of an own rule: for this purpose alone.", show_default=False
        ),
    ] = None,
    law: Annotated[
        str | None,
        typer.Option(
            "--law", metavar="TEXT", help=f"Of an own rule: what asks for it; else “{OWN_RULE}”.", show_default=False
        ),
    ] = None,
    sure: Annotated[
        bool, typer.Option("--yes", "-y", help="Set it even if something is due at once.", show_default=False)
    ] = False,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Add rules of retention: those of a law, or one of your own. The next run lets go of what is due.

    If something is due at once, nothing is set without --yes.
    """
    rules = _named(which, basis, days, purpose, law)
    with _at(context, place) as at:
        every = at.set_retention(rules, sure=sure)
    _reply_rules(every, ["Set. A served keep lets go by itself; else: facekeep retention run."], as_json=as_json)


def _named(
    which: _Which, basis: Basis | None, days: int | None, purpose: Purpose | None, law: str | None
) -> tuple[RetentionRule, ...]:
    if which is _Which.OWN:
        if basis is None or days is None:
            raise UsageError("a rule of your own has a basis and days", hint="Give --basis and --days.")
        return (RetentionRule(OWN_RULE if law is None else law, basis, purpose, days),)
    if (basis, days, purpose, law) != (None, None, None, None):
        raise UsageError("a rule of a law is as the law has it", hint="For another one: facekeep retention set own.")
    return PRESETS[which.value]


@placed
def remove_rule(
    context: typer.Context,
    *,
    law: Annotated[
        str,
        typer.Argument(
            metavar="LAW", help="illinois, texas, or what facekeep retention rules shows.", show_default=False
        ),
    ],
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Remove every rule of a law. What it would have let go stays."""
    named = PRESETS[law][0].law if law in PRESETS else law
    with _at(context, place) as at:
        at.remove_retention(named)
        left = at.retention_rules()
    _reply_rules(left, [f"Removed what {shown(named)} asked for."], as_json=as_json)


@placed
def show_plan(
    context: typer.Context,
    *,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=0, max=DAYS_MAX, help="How far to look ahead; 0 for what is due.")
    ] = _DAYS,
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Show who and what will go, when and by which rule, unless somebody comes by before."""
    with _at(context, place) as at:
        going = sorted(at.retention_plan(days), key=lambda one: (one.endings[0].due, one.label))
    cells = [
        (shown(one.label), _effect(ending), when(ending.due), shown(ending.rule.law))
        for one in going
        for ending in one.endings
    ]
    lines: list[Line] = [Rows(("who or what", "goes", "due (UTC)", "law"), cells)] if cells else []
    reply(
        {"days": days, "people": _documents(going, cases=False), "cases": _documents(going, cases=True)},
        lines or [f"nothing will go within {days} days."],
        as_json=as_json,
    )


def run_now(
    context: typer.Context,
    *,
    days: Annotated[
        int,
        typer.Option(
            "--days",
            metavar="N",
            min=0,
            max=366,
            help="Also of what is due within N days: before the next run.",
        ),
    ] = 0,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let go of all that is due. A served keep does it by itself, at its start and every hour, an hour ahead."""
    with composition(context).open(keep) as opened:
        report = opened.keep_retention(timedelta(days=days))
    document = {
        "purposes": report.purposes,
        "people": report.people,
        "references": report.references,
        "cases": report.cases,
    }
    done = [
        (report.people, "people erased"),
        (report.purposes, "consents ended"),
        (report.references, "people on “never return me” without other references"),
        (report.cases, "cases removed"),
    ]
    lines = [f"{count:,} {what}." for count, what in done if count]
    reply(document, lines or ["nothing was due."], as_json=as_json)


def _effect(ending: Ending) -> str:
    if ending.effect is Effect.PURPOSE_ENDS:
        return f"consent to {ending.purpose}"
    return {
        Effect.PERSON_GOES: "the person",
        Effect.REFERENCES_GO: "references but “never return me”",
        Effect.CASE_GOES: "the case",
    }[ending.effect]


def _documents(going: Iterable[Going], *, cases: bool) -> list[dict[str, object]]:
    identifier, label = ("case", "title") if cases else ("subject", "label")
    return [
        {identifier: one.id, label: one.label, "endings": [_ending(ending) for ending in one.endings]}
        for one in going
        if one.is_case is cases
    ]


def _ending(ending: Ending) -> dict[str, object]:
    return {"effect": ending.effect, "due": ending.due, "purpose": ending.purpose, "rule": _rule(ending.rule)}


def _rule(rule: RetentionRule) -> dict[str, object]:
    return {"law": rule.law, "basis": rule.basis, "purpose": rule.purpose, "days": rule.days}


def _reply_rules(rules: Sequence[RetentionRule], lines: Sequence[Line], *, as_json: bool) -> None:
    cells = [(shown(rule.law), rule.basis, rule.purpose or "each", f"{rule.days:,}") for rule in rules]
    table = Rows(("law", "counts from", "purpose", "days"), cells, frozenset({3}))
    reply(
        {"rules": [_rule(rule) for rule in rules]},
        [*lines, table] if rules else [*lines, "there is no rule of retention: nothing goes by itself."],
        as_json=as_json,
    )

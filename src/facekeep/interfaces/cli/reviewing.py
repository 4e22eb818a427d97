"""Commands about reviews: have people look at pictures, see what came of it, how it goes, and who can open what."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, KeepOption, OperatorOption, read_picture
from facekeep.interfaces.cli.place import Place, placed
from facekeep.interfaces.cli.reply import Line, Rows, reply, shown, when
from facekeep.interfaces.cli.review_desk import review_desk

if TYPE_CHECKING:
    from facekeep.client import ReviewFigures
    from facekeep.domain.accounts import Account

__all__ = ["add_commands"]

_DAYS = 30
_LASTS = 3
_WEEK = 7
_QUARTER = 90


class _Kind(StrEnum):
    """What is asked; as facekeep.domain.review has it, which takes long to load."""

    PRESENTATION = "presentation"
    COMPARISON = "comparison"


class _Answer(StrEnum):
    """A known answer."""

    BONA_FIDE = "bona-fide"
    ATTACK = "attack"
    SAME_PERSON = "same-person"
    ANOTHER_PERSON = "another-person"

    @property
    def kind(self) -> _Kind:
        """What it answers."""
        return _Kind.PRESENTATION if self in (_Answer.BONA_FIDE, _Answer.ATTACK) else _Kind.COMPARISON


class _Reason(StrEnum):
    """Why people have to look at a question of known answer."""

    INCONCLUSIVE = "inconclusive"
    DOUBT_BAND = "doubt-band"
    LOW_QUALITY = "low-quality"
    REFUSAL = "refusal"
    ASKED = "asked"


PicturesArgument = Annotated[
    list[Path], typer.Argument(metavar="PICTURE", help="1 to 3, of one face each; - is the standard input.")
]
ReferenceOption = Annotated[
    Path | None,
    typer.Option("--reference", metavar="FILE", help="A picture to compare with, of one face.", show_default=False),
]
FiledByOption = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="NAME",
        help="Who files it, on this machine: an account. A server knows it by the token.",
        show_default=False,
    ),
]
ReviewArgument = Annotated[str, typer.Argument(metavar="REVIEW", help="As it was filed.", show_default=False)]
OrganisationOption = Annotated[
    str,
    typer.Option("--organisation", metavar="NAME", help="Whose; without, the keep's own.", show_default=False),
]
AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its name.", show_default=False)]


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Have people look where the machine must not decide, and see how they do.")
    group.command("list")(list_reviews)
    group.command("file")(placed(file))
    group.command("known")(placed(known))
    group.command("show")(placed(show))
    group.command("withdraw")(placed(withdraw))
    group.command("statistics")(placed(statistics))
    group.command("keys")(keys)
    group.command("revoke-key")(revoke_key)
    app.add_typer(group, name="review", rich_help_panel="The service")


def list_reviews(
    context: typer.Context,
    *,
    organisation: OrganisationOption = "",
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the open reviews of an organisation: the urgent first, then whatever ends first. No face, no vote."""
    with composition(context).open(keep) as opened:
        opened.check_organisation(organisation)
        found = opened.reviews_open(organisation)
    cells = [
        (r.id.hex(), r.kind, ", ".join(r.reasons), "yes" if r.urgent else "no", f"{len(r.ballots)}", when(r.deadline))
        for r in found
    ]
    rows = Rows(("review", "asks", "because", "urgent", "votes", "ends (UTC)"), cells, frozenset({4}))
    documents = [
        {
            "review": r.id.hex(),
            "kind": r.kind,
            "reasons": list(r.reasons),
            "urgent": r.urgent,
            "round": r.round,
            "votes": len(r.ballots),
            "created": r.created,
            "deadline": r.deadline,
        }
        for r in found
    ]
    reply({"reviews": documents}, [rows] if found else ["no review is open."], as_json=as_json)


def file(
    context: typer.Context,
    *,
    pictures: PicturesArgument,
    kind: Annotated[_Kind, typer.Option("--kind", help="Whether it is a live person, or the same one.")],
    reference: ReferenceOption = None,
    subject: Annotated[
        str, typer.Option("--subject", metavar="LABEL", help="Whom it is about, who is told.", show_default=False)
    ] = "",
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=_WEEK, help="For how long the pictures last at most.")
    ] = _LASTS,
    account: FiledByOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Have two people decide about pictures, of which they see the face alone."""
    from facekeep.domain.review import ReviewKind

    probes, other = _read(pictures, reference)
    with review_desk(context, place, account=account) as at:
        filed = at.file_review(ReviewKind(kind.value), probes, other, label=subject, days=days)
    lines: list[Line] = [f"filed the review {filed}."]
    if kind is _Kind.COMPARISON and not other:
        lines.append(_nothing_to_compare_with(filed))
    reply({"review": filed}, lines, as_json=as_json)


def known(
    context: typer.Context,
    *,
    pictures: PicturesArgument,
    answer: Annotated[_Answer, typer.Option("--answer", help="The right one, which says what is asked too.")],
    reason: Annotated[
        list[_Reason] | None,
        typer.Option("--reason", help="Why people have to look, as the queue has it; again for more. [default: asked]"),
    ] = None,
    reference: ReferenceOption = None,
    account: FiledByOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Have people decide what is known, to learn how well they do. Only statistics tell what they said."""
    from facekeep.domain.review import Decision, ReviewKind, ReviewReason

    probes, other = _read(pictures, reference)
    reasons = [ReviewReason(each.value) for each in reason or [_Reason.ASKED]]
    if answer.kind is _Kind.COMPARISON and not other:
        raise UsageError("there is nothing to compare with", hint="Give --reference FILE.")
    with review_desk(context, place, account=account) as at:
        filed = at.file_known_review(ReviewKind(answer.kind.value), Decision(answer.value), probes, other, reasons)
    reply({"review": filed}, [f"filed the review {filed}, of which the answer is known."], as_json=as_json)


def show(
    context: typer.Context,
    *,
    review: ReviewArgument,
    account: FiledByOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Show what came of a review that one filed."""
    from dataclasses import asdict

    from facekeep.domain.review import PictureRole, ReviewKind, ReviewState

    with review_desk(context, place, account=account) as at:
        found = at.review(review)
    cells = [
        ("asks", found.kind),
        ("because", ", ".join(found.reasons)),
        ("state", found.state),
        ("votes missing", f"{found.votes_missing}"),
        ("decision", found.decision or "–"),
        ("decided (UTC)", when(found.decided)),
        ("ends (UTC)", when(found.deadline)),
    ]
    lines: list[Line] = [Rows(("what", "is"), cells)]
    if (
        found.state == ReviewState.OPEN
        and found.kind == ReviewKind.COMPARISON
        and PictureRole.REFERENCE not in found.pictures
    ):
        lines.append(_nothing_to_compare_with(found.id))
    reply(asdict(found), lines, as_json=as_json)


def _nothing_to_compare_with(review: str) -> str:
    return (
        "There is no picture to compare with: until one is added, people can only say that it cannot be told. "
        f"Add it at the server: PUT /v1/reviews/{review}/reference, or Client.add_review_reference."
    )


def withdraw(
    context: typer.Context,
    *,
    review: ReviewArgument,
    account: FiledByOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Take back a review that one filed: its pictures are destroyed."""
    with review_desk(context, place, account=account) as at:
        at.withdraw_review(review)
    reply({"withdrawn": review}, [f"took the review {shown(review)} back."], as_json=as_json)


def statistics(
    context: typer.Context,
    *,
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=1, max=_QUARTER, help="Of what was filed in so many days.")
    ] = _DAYS,
    organisation: OrganisationOption = "",
    place: Place,
    as_json: JsonOption = False,
) -> None:
    """Show how reviews go: how long they wait, how they end, how reviewers do."""
    from dataclasses import asdict

    with review_desk(context, place, organisation=organisation) as at:
        found = at.review_statistics(days)
    reply(asdict(found), _statistics_lines(found), as_json=as_json)


def _statistics_lines(found: ReviewFigures) -> list[Line]:
    cells = [
        ("filed", f"{found.opened:,}"),
        ("of captures", f"{found.escalated:,}"),
        ("open", f"{found.open:,}"),
        ("of these urgent", f"{found.urgent:,}"),
        ("the oldest waits", _time(found.oldest_waiting_seconds)),
        ("until the first vote", _times(found.waiting)),
        ("until the decision", _times(found.deciding)),
        ("decided", f"{found.decided:,}"),
        ("not decided in time", f"{found.expired:,}"),
        ("appealed", f"{found.appeals:,}"),
        ("of these decided otherwise", f"{found.overturned:,}"),
        ("faces shown, a review", f"{found.views_per_review:.1f}" if found.opened else "–"),
    ]
    share = found.captures
    if share is not None:
        since = f"{share.since:%Y-%m-%d %H:%M}"
        cells.append((f"captures since {since}", f"{share.captures:,}, {share.escalated:,} of them went to people"))
    lines: list[Line] = [Rows(("what", "is"), cells)]
    if found.by_reason:
        counts = [(r, f"{c.opened:,}", f"{c.decided:,}", f"{c.views:,}") for r, c in found.by_reason.items()]
        lines.append(Rows(("reason", "filed", "decided", "views"), counts, frozenset({1, 2, 3})))
    if found.reviewers:
        people = [
            (
                shown(each.name) or "–",
                f"{each.votes:,}",
                f"{each.agreed:,} of {each.agreed + each.disagreed:,}",
                f"{each.known_right:,} of {each.known_right + each.known_wrong:,}",
                _time(each.median_seconds),
                f"{each.views:,}",
            )
            for each in found.reviewers
        ]
        heads = ("reviewer", "votes", "as decided", "known ones right", "median time", "views")
        lines.append(Rows(heads, people, frozenset({1, 2, 3, 4, 5})))
    return lines


def keys(
    context: typer.Context, *, account: AccountArgument, keep: KeepOption = None, as_json: JsonOption = False
) -> None:
    """List the keys of a reviewer or an officer, one for each browser, and whether they are on duty."""
    with composition(context).open(keep) as opened:
        who = opened.account_named(account)
        reviewer = opened.reviewer(who).reviewer
    found = [{"key": key.id.hex(), "added": key.added} for key in reviewer.keys]
    lines: list[Line] = [
        "on duty." if reviewer.since is not None else "not on duty.",
        Rows(("key", "added (UTC)"), [(key.id.hex(), when(key.added)) for key in reviewer.keys]),
    ]
    if not found:
        lines = [_why_no_key(who)]
    reply({"keys": found, "on_duty": reviewer.since is not None}, lines, as_json=as_json)


def _why_no_key(who: Account) -> str:
    from facekeep.domain.accounts import Role

    if {Role.REVIEWER, Role.OFFICER}.isdisjoint(who.roles):
        return f"{shown(who.name)} is no reviewer and no officer, and has no key."
    return f"{shown(who.name)} has no key yet: it is made at /review, in the browser of whoever reviews."


def revoke_key(
    context: typer.Context,
    *,
    account: AccountArgument,
    key: Annotated[str, typer.Argument(metavar="KEY", help="As facekeep review keys shows it.", show_default=False)],
    operator: OperatorOption = None,
    keep: KeepOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a key open nothing any more, as when a browser was lost. Who leaves loses all: facekeep account revoke."""
    parts = composition(context)
    with parts.open(keep) as opened:
        opened.revoke_reviewer_key(key, who=opened.account_named(account), by=parts.operator(operator))
    reply({"revoked": key}, [f"the key {shown(key)} opens nothing any more."], as_json=as_json)


def _read(pictures: Sequence[Path], reference: Path | None) -> tuple[list[bytes], bytes]:
    return [read_picture(path) for path in pictures], b"" if reference is None else read_picture(reference)


def _times(found: tuple[float | None, float | None]) -> str:
    median, most = found
    return "–" if median is None else f"{_time(median)}; 9 of 10 within {_time(most)}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"

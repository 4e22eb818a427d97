"""demo: the whole of it in a minute, on real pictures, in a keep that is gone afterwards."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from facekeep.domain.consent import Purpose
from facekeep.errors import UsageError
from facekeep.interfaces.cli.context import composition
from facekeep.interfaces.cli.options import JsonOption, read_picture
from facekeep.interfaces.cli.reply import (
    Exit,
    Heading,
    band,
    console,
    print_hanging,
    print_json,
    print_line,
    show,
    shown,
)
from facekeep.interfaces.cli.robbing import robbed

if TYPE_CHECKING:
    from rich.console import Console

    from facekeep.service.answers import Identification, Verification
    from facekeep.service.keep import Keep

__all__ = ["add_commands"]

_PICTURES = Path(".cache/pictures")
_NEEDED = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg", "astronaut.png")
_NOTICE = "This demonstration keeps templates of two public pictures for a minute, in a folder that is then removed.\n"
_OPERATOR = "demonstration"
_CASE = "demo"


def add_commands(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(rich_help_panel="Begin here")(demo)


@dataclass(slots=True)
class _Story:
    """Tells what happens while it happens, or collects it for JSON.

    Attributes:
        screen: where it is told; None to collect alone.
        steps: what happened.
        as_expected: whether every answer was the one that the story is about.
    """

    screen: Console | None
    steps: list[dict[str, object]] = field(default_factory=list)
    as_expected: bool = True

    def heading(self, text: str) -> None:
        if self.screen is not None:
            show(self.screen, Heading(text))

    def say(self, text: str) -> None:
        if self.screen is not None:
            print_line(self.screen, text)

    def command(self, text: str) -> None:
        """The command that does on a keep of one's own what is done here."""
        if self.screen is not None:
            print_hanging(self.screen, "$ ", f"facekeep {text}", style="cyan")

    def answer(self, step: str, text: str, *, expected: bool, **facts: object) -> None:
        self.steps.append({"step": step, "answer": text, "as_expected": expected, **facts})
        self.as_expected = self.as_expected and expected
        if self.screen is not None:
            print_hanging(self.screen, "  ", shown(text), style="green" if expected else "bold red")

    @contextlib.contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        if self.screen is None or not self.screen.is_terminal:
            yield
        else:
            with self.screen.status(text):
                yield


def demo(
    context: typer.Context,
    *,
    pictures: Annotated[
        Path, typer.Option("--pictures", metavar="DIR", help="Where tools/pictures/fetch.py put its pictures.")
    ] = _PICTURES,
    as_json: JsonOption = False,
) -> None:
    """Enrol real people, verify, search, erase and be robbed, in a keep that is gone a minute later."""
    missing = [name for name in _NEEDED if not (pictures / name).is_file()]
    if missing:
        raise UsageError(
            f"{len(missing)} of the demonstration's {len(_NEEDED)} pictures are missing",
            hint="In a clone of the project: make demo, or python tools/pictures/fetch.py. Else give --pictures DIR.",
        )
    started = time.monotonic()
    story = _Story(None if as_json else console())
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="facekeep-demo-") as folder:
        _tell(context, story, Path(folder) / "keep", {name: read_picture(pictures / name) for name in _NEEDED})
    seconds = time.monotonic() - started
    _next(story, seconds)
    if as_json:
        print_json({"as_expected": story.as_expected, "seconds": round(seconds, 1), "steps": story.steps})
    raise typer.Exit(Exit.YES if story.as_expected else Exit.NO)


def _tell(context: typer.Context, story: _Story, directory: Path, pictures: dict[str, bytes]) -> None:
    from facekeep.interfaces.composition import KeyRecord

    story.heading("1. A keep is three stores")
    story.command("init my-keep")
    with (
        story.waiting("loading the models …"),
        composition(context).create(directory, KeyRecord()) as keep,
    ):
        made = sorted(path.name for path in directory.iterdir() if path.is_dir() and path.name != "keys")
        story.answer("init", "made: " + ", ".join(made), expected=made == ["left", "registry", "right"], stores=made)
        story.say("The registry holds names, sealed. Each half holds one of two random shares of every template.")
        _enrol(story, keep, pictures)
        _compare(story, keep, pictures)
        _search(story, keep, pictures)
        _withdraw(story, keep, pictures)
        _erase(story, keep, pictures)
    _drill(context, story)


def _enrol(story: _Story, keep: Keep, pictures: dict[str, bytes]) -> None:
    story.heading("2. Nobody is enrolled without consent")
    for label in ("obama", "biden"):
        story.command(f"enrol {label} {label}.jpg --consent verify,identify --notice NOTICE.txt")
        with story.waiting("finding the face …"):
            done = keep.enrol(
                label,
                [pictures[f"{label}.jpg"]],
                purposes=[Purpose.VERIFY, Purpose.IDENTIFY],
                notice=_NOTICE,
                operator=_OPERATOR,
            )
        text = f"enrolled {done.label}, for {' and '.join(done.purposes)}"
        story.answer("enrol", text, expected=done.references == 1, label=done.label)


def _compare(story: _Story, keep: Keep, pictures: dict[str, bytes]) -> None:
    story.heading("3. Is it the person it claims to be? (1:1)")
    for name, expected in (("obama2.jpg", True), ("biden.jpg", False)):
        story.command(f"verify obama {name}")
        _verified(story, keep.verify("obama", pictures[name], operator=_OPERATOR), expected=expected)
    story.say("The answer is a band, never a score: scores are what an attacker climbs on.")


def _search(story: _Story, keep: Keep, pictures: dict[str, bytes]) -> None:
    story.heading("4. Who is it? (1:N)")
    story.command(f"case open {_CASE}")
    keep.open_case(_CASE, purpose=Purpose.IDENTIFY, operator=_OPERATOR, days=1)
    story.answer("case", "opened, for one day: no search without a case", expected=True)
    story.command(f"identify obama3.jpg --case {_CASE}")
    _identified(story, _identify(keep, pictures["obama3.jpg"]), expected="obama")
    story.command(f"identify astronaut.png --case {_CASE}")
    _identified(story, _identify(keep, pictures["astronaut.png"]), expected=None)
    story.say("She is in no gallery here, so she is nobody: unknown is the default answer.")


def _withdraw(story: _Story, keep: Keep, pictures: dict[str, bytes]) -> None:
    story.heading("5. Off is off")
    story.command("consent withdraw obama --purpose identify")
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    story.answer("withdraw", "withdrawn; both halves know", expected=True)
    story.command(f"identify obama3.jpg --case {_CASE}")
    _identified(story, _identify(keep, pictures["obama3.jpg"]), expected=None)
    story.command("verify obama obama3.jpg")
    _verified(story, keep.verify("obama", pictures["obama3.jpg"], operator=_OPERATOR), expected=True)
    story.say("Verification was not withdrawn: each purpose is a consent of its own. A new one may be given:")
    story.command("consent give obama --purpose identify --notice NOTICE.txt")
    keep.give_consent("obama", Purpose.IDENTIFY, _NOTICE)
    story.command(f"identify obama3.jpg --case {_CASE}")
    _identified(story, _identify(keep, pictures["obama3.jpg"]), expected="obama")


def _erase(story: _Story, keep: Keep, pictures: dict[str, bytes]) -> None:
    story.heading("6. Gone is gone")
    story.command("erase obama")
    erasure = keep.erase("obama")
    left = [person.label for person in keep.subjects()]
    text = f"erased: {erasure.references} reference, the record, and the keys of both; left are: {', '.join(left)}"
    story.answer("erase", text, expected=left == ["biden"])
    story.command("verify obama obama2.jpg")
    _verified(story, keep.verify("obama", pictures["obama2.jpg"], operator=_OPERATOR), expected=False)
    story.command(f"identify obama3.jpg --case {_CASE}")
    _identified(story, _identify(keep, pictures["obama3.jpg"]), expected=None)


def _drill(context: typer.Context, story: _Story) -> None:
    story.heading("7. And if it is stolen?")
    story.command("drill --quick")
    story.say("A keep with 64 made-up people is robbed in every way, for about half a minute.")
    with story.waiting("robbing …"):
        report = robbed(composition(context), None, quick=True, tell=lambda _what, _done, _of: None)
    for thief in report.thieves:
        text = f"{'noise' if thief.passed else 'LEAK'}: {thief.title[:1].lower()}{thief.title[1:]}"
        story.answer("thief", text, expected=thief.passed, name=thief.name)
    story.say("Would these attacks have found a face? They do where there is one:")
    for control in report.controls:
        text = f"face: {control.title[:1].lower()}{control.title[1:]}"
        story.answer("control", text, expected=control.passed, name=control.name)
    verdict = "nobody who steals one store gets a face" if report.passed else "; ".join(report.reasons)
    text = f"{'passed' if report.passed else 'FAILED'}: {verdict}"
    story.answer("drill", text, expected=report.passed, passed=report.passed, warnings=list(report.warnings))
    if report.warnings:
        story.say("What remains is a gate that asks and asks; facekeep drill measures how far it gets.")


def _identify(keep: Keep, picture: bytes) -> Identification:
    return keep.identify(picture, case=_CASE, operator=_OPERATOR)


def _verified(story: _Story, answer: Verification, *, expected: bool) -> None:
    text = "no: not verified"
    if answer.verified and answer.one_in is not None:
        text = f"yes: verified; {band(answer.one_in, extrapolated=answer.extrapolated)}"
    story.answer("verify", text, expected=answer.verified is expected, verified=answer.verified, one_in=answer.one_in)


def _identified(story: _Story, answer: Identification, *, expected: str | None) -> None:
    labels = [candidate.label for candidate in answer.candidates]
    text = "unknown"
    if answer.candidates:
        first = answer.candidates[0]
        text = f"{first.label}; {band(first.one_in, extrapolated=first.extrapolated)}"
    found = labels == ([] if expected is None else [expected])
    story.answer("identify", text, expected=found, candidates=labels)


def _next(story: _Story, seconds: float) -> None:
    story.heading("Where to go next")
    story.say(f"That took {seconds:.0f} seconds; the keep, its keys and everything in it are gone.")
    story.say("Your first own keep: docs/tutorial/first-keep.md, or facekeep init DIR.")
    story.say("All commands: facekeep --help. What is weak about a keep: facekeep doctor.")


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a polite end of the process clean up as an interruption from the keyboard does."""

    def end(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

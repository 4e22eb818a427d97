"""Giving out all that is held of a person, and answering what they object to, by the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from facekeep.service.keep import Keep
from tests.cli.conftest import Ran

Run = Callable[..., Ran]


def test_all_that_is_held_is_written_for_one_person(run: Run, keep: Path, tmp_path: Path) -> None:
    wrote = run("export", "obama", tmp_path / "own.json", "--operator", "desk", "--keep", keep)
    assert (wrote.code, "give it to the person alone" in wrote.out) == (0, True)
    assert (tmp_path / "own.json").stat().st_mode & 0o777 == 0o600
    own = json.loads((tmp_path / "own.json").read_text(encoding="utf-8"))
    assert own["subject"]["label"] == "obama"
    assert own["entries"][-1]["entry"]["kind"] == "exported"
    page = run("export", "obama", tmp_path / "own.html", "--language", "zh-Hans", "--keep", keep, "--json")
    assert page.document["references"] == 1
    assert '<html lang="zh-Hans">' in (tmp_path / "own.html").read_text(encoding="utf-8")
    again = run("export", "obama", tmp_path / "own.json", "--keep", keep)
    assert (again.code, "not there yet" in again.error) == (4, True)
    other = run("export", "obama", tmp_path / "other.html", "--language", "tlh", "--keep", keep)
    assert (other.code, "en or zh-Hans" in other.error) == (4, True)


def accesses(keep: Path) -> list[str]:
    with Keep.open(keep) as opened:
        return [access.kind for access in opened.accesses("obama")]


def test_an_appeal_is_filed_listed_and_answered(run: Run, keep: Path) -> None:
    assert "nobody objects" in run("appeal", "list", "--keep", keep).out
    nothing = run("appeal", "file", "obama", "--keep", keep)
    assert (nothing.code, "write why" in nothing.error) == (2, True)
    filed = run("appeal", "file", "obama", "--not-me", "--text", "I was away.", "--keep", keep, "--json")
    assert filed.document["kind"] == "not-me"
    before = accesses(keep)
    listed = run("appeal", "list", "--keep", keep).out
    assert accesses(keep) == ["viewed", *before]  # who read the words of a person is told to the person
    assert "I was away." in listed
    assert "open" in listed
    identifier = filed.document["id"]
    answer = ("appeal", "answer", identifier, "--upheld", "--text", "Right.", "--operator", "officer", "--keep", keep)
    assert run(*answer).out.strip() == "answered."
    assert run(*answer).code == 2
    told = run("appeal", "list", "--answered", "--keep", keep, "--json").document["appeals"]
    assert [(one["label"], one["upheld"], one["answer"]) for one in told] == [("obama", True, "Right.")]

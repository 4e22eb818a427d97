"""Papers by the command line: JSON and HTML of each, and nobody named where nobody is to be."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Ran

Run = Callable[..., Ran]


def test_each_paper_is_json_and_a_page(run: Run, keep: Path, tmp_path: Path) -> None:
    about = tmp_path / "about.toml"
    assert run("report", "about", about).code == 0
    assert run("report", "about", about).code == 4  # nothing is written over
    text = about.read_text(encoding="utf-8").replace('name = ""', 'name = "Lock & Co"', 1)
    about.write_text(text, encoding="utf-8")
    for name in ("register", "dpia", "transparency"):
        page = tmp_path / f"{name}.html"
        ran = run("report", name, "--about", about, "--html", page, "--keep", keep, "--json")
        assert (ran.code, ran.error) == (0, "")
        assert ran.document["format"] == f"facekeep-{name}/1"
        html = page.read_text(encoding="utf-8")
        assert "Lock &amp; Co" in html
        for text in (html, ran.out):
            assert "obama" not in text
            assert "biden" not in text
        assert run("report", name, "--keep", keep).code == 0
    assert run("report", "register", "--keep", keep, "--json").document["keep"]["people"] == 2


def test_a_breach_pack_names_people_in_json_and_html_alone(run: Run, keep: Path, tmp_path: Path) -> None:
    page = tmp_path / "breach.html"
    options = ["--lost", "registry,keys-registry", "--from", "2020-01-01", "--until", "2100-01-01T00:00+02:00"]
    options += ["--known-at", "2020-01-02T12:00Z", "--keep", keep]
    shown = run("report", "breach", *options, "--html", page)
    assert (shown.code, shown.error) == (0, "")
    assert "obama" not in shown.out
    assert "People: 2, named in --json and --html alone." in shown.out
    assert "obama" in page.read_text(encoding="utf-8")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    told = run("report", "breach", *options, "--json").document
    assert {one["label"] for one in told["affected"]["list"]} == {"obama", "biden"}
    assert (told["notify_until"], told["risk"]) == ("2020-01-05T12:00:00+00:00", "high")
    assert told["hours_left"] < 0
    # Nobody was there before the keep was made.
    early = run("report", "breach", *options[:3], "2020-01-01", "--until", "2020-02-01", *options[6:], "--json")
    assert early.document["affected"]["people"] == 0


def test_what_does_not_fit_is_told(run: Run, keep: Path, tmp_path: Path) -> None:
    times = ["--from", "2026-01-01", "--until", "2026-01-02", "--known-at", "2026-01-02", "--keep", keep]
    for options, code, said in (
        (["breach", "--lost", "the van", *times], 2, "a thing that was lost is unknown"),
        (["breach", "--lost", "left", "--from", "yesterday", *times[2:]], 2, "--from is no time"),
        (["transparency", "--until", "2026", "--keep", keep], 2, "no quarter"),
        (["dpia", "--drill", tmp_path / "none", "--keep", keep], 4, "not what facekeep drill --json prints"),
        (["register", "--about", tmp_path / "none", "--keep", keep], 4, "cannot be read"),
    ):
        ran = run("report", *options)
        assert (ran.code, said in ran.error) == (code, True), ran.error
    json.loads(run("report", "transparency", "--unfinished", "--keep", keep, "--json").out)


def test_the_doctor_holds_the_keep_against_a_law(run: Run, keep: Path, tmp_path: Path) -> None:
    ran = run("doctor", "--law", "eu", "--law", "india", "--keep", keep, "--json")
    assert (ran.code, ran.error) == (1, "")
    eu, india = ran.document["laws"]
    assert (eu["law"], india["law"], eu["met"]) == ("eu", "india", False)
    found = {one["rule"]: one for one in eu["findings"]}
    assert found["consent-names-notice"]["outcome"] == "met"
    assert found["emotion"]["outcome"] == found["scraping"]["outcome"] == found["categorisation"]["outcome"] == "met"
    assert found["two-people"]["outcome"] == "not met"  # nobody could confirm a hit
    assert found["automated-decision"]["outcome"] == "not met"
    assert "--role reviewer" in found["automated-decision"]["found"]
    assert found["public-spaces"]["outcome"] == "to be done by people"
    assert all(set(one) == {"rule", "article", "checked", "outcome", "found"} for one in eu["findings"])
    assert "obama" not in ran.out
    shown = run("doctor", "--law", "texas", "--keep", keep)
    assert "503.001(c)(3): references go within a year" in shown.out
    plain = run("doctor", "--keep", keep, "--json")
    assert (plain.code, plain.document["laws"]) == (0, [])
    assert run("doctor", "--law", "atlantis", "--keep", keep).code == 2
    assert run("doctor", "--drill", tmp_path / "drill.json", "--keep", keep).code == 2  # it would be ignored
    # What cannot be looked at is not met.
    assert run("doctor", "--law", "eu", "--keep", tmp_path).code == 1

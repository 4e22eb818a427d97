"""The demonstration in a process of its own, and the drill once for all tests that look at what it prints."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.interfaces.cli import demonstration, robbing
from facekeep.interfaces.composition import Composition
from facekeep.interfaces.settings import Settings
from facekeep.service.drill_report import DrillReport
from tests.cli.conftest import Ran, clean_environment, process

pytestmark = pytest.mark.extended

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> DrillReport:
    """A real drill with two real people among the made-up ones."""
    folder = tmp_path_factory.mktemp("people")
    for name, sources in (("a", ["obama.jpg", "obama2.jpg"]), ("b", ["biden.jpg"])):
        (folder / name).mkdir()
        for source in sources:
            (folder / name / source).symlink_to(pictures / source)
    parts = Composition(Settings(), lambda _role, _new: pytest.fail("nobody is asked"))
    told: list[str] = []
    made = robbing.robbed(parts, folder, quick=True, tell=lambda stage, _done, _all: told.append(stage))
    assert "embedding" in told
    return made


def test_the_demonstration_tells_its_story_and_leaves_nothing_behind(tmp_path: Path, pictures: Path) -> None:
    ran = process(["demo", "--pictures", str(pictures)], TMPDIR=str(tmp_path))
    assert (ran.code, ran.error) == (0, ""), ran
    headings = [line for line in ran.out.splitlines() if line[:1].isdigit()]
    assert [line[0] for line in headings] == list("1234567")
    for text in ("enrolled obama", "yes: verified", "no: not verified", "unknown", "erased", "noise: ", "passed: "):
        assert text in ran.out
    assert "Where to go next" in ran.out
    assert list(tmp_path.iterdir()) == []


def test_a_demonstration_that_is_ended_leaves_nothing_behind(tmp_path: Path, pictures: Path) -> None:
    command = [sys.executable, "-m", "facekeep", "demo", "--pictures", str(pictures)]
    environment = clean_environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as running:
        assert running.stdout is not None
        assert any(line.startswith(b"2. ") for line in running.stdout)
        assert list(tmp_path.iterdir())
        running.send_signal(signal.SIGTERM)
        _, error = running.communicate(timeout=60)
    assert (running.returncode, error) == (130, b"")
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_as_json(
    run: Run, monkeypatch: pytest.MonkeyPatch, pictures: Path, report: DrillReport
) -> None:
    monkeypatch.setattr(demonstration, "robbed", lambda *_args, **_options: report)
    ran = run("demo", "--pictures", pictures, "--json")
    assert (ran.code, ran.error) == (0, "")
    assert ran.document["as_expected"] is True
    steps = ran.document["steps"]
    searches = [step["candidates"] for step in steps if step["step"] == "identify"]
    assert searches == [["obama"], [], [], ["obama"], []]
    assert [step["verified"] for step in steps if step["step"] == "verify"] == [True, False, True, False]


def test_a_demonstration_without_pictures_says_where_they_are(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--pictures", tmp_path)
    assert ran.code == 2
    assert "fetch.py" in ran.error


def test_an_answer_that_is_not_expected_fails_the_demonstration(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pictures: Path, report: DrillReport
) -> None:
    for name in ("obama.jpg", "obama3.jpg", "biden.jpg"):
        (tmp_path / name).symlink_to(pictures / name)
    (tmp_path / "obama2.jpg").symlink_to(pictures / "biden.jpg")
    (tmp_path / "astronaut.png").symlink_to(pictures / "obama3.jpg")
    monkeypatch.setattr(demonstration, "robbed", lambda *_args, **_options: report)
    ran = run("demo", "--pictures", tmp_path, "--json")
    assert ran.code == 1
    assert ran.document["as_expected"] is False


def test_the_drill_reports(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, report: DrillReport) -> None:
    monkeypatch.setattr(robbing, "robbed", lambda *_args, **_options: report)
    code = 0 if report.passed else 1
    page = tmp_path / "drill.html"
    as_json = run("drill", "--quick", "--html", page, "--json")
    assert as_json.code == code
    assert as_json.document["passed"] is report.passed
    assert as_json.document["people"]["given"] == 2
    assert as_json.document["written"] == {"html": str(page)}
    assert "<svg" in page.read_text(encoding="utf-8")
    as_text = run("drill", "--quick")
    assert as_text.code == code
    assert as_text.out.splitlines() == report.as_text().splitlines()
    assert run("drill", "--html", tmp_path / "none" / "drill.html").code == 4


def test_a_failed_drill_is_a_no(run: Run, monkeypatch: pytest.MonkeyPatch, report: DrillReport) -> None:
    from dataclasses import replace

    weak = replace(report, controls=tuple(replace(one, achieved={"d_sys": 0.5}) for one in report.controls))
    monkeypatch.setattr(robbing, "robbed", lambda *_args, **_options: weak)
    ran = run("drill", "--quick", "--json")
    assert (ran.code, ran.document["passed"]) == (1, False)


def test_a_drill_with_people_who_have_no_faces(run: Run, tmp_path: Path) -> None:
    assert run("drill", "--people", tmp_path / "none").code == 4

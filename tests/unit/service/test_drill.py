from __future__ import annotations

import json
import re
import stat
import tempfile
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from facekeep.errors import BadInputError, UsageError
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline
from facekeep.service import drill
from facekeep.service.calibration import shipped_calibration
from facekeep.service.claims import CLAIMS, OPEN_BY_DESIGN
from facekeep.service.drill import LEAST_PEOPLE, TYPICAL, DrillSettings, run_drill
from facekeep.service.drill_html import html_report
from facekeep.service.drill_people import gather_people
from facekeep.service.drill_report import CONTROL_AT_LEAST, DrillReport
from facekeep.service.measured import DrillSummary, EvaluationSummary
from facekeep.service.risks import RISKS
from tests.unit.service.drill_runs import SMALL, sound_drill

THIEVES = {
    "left-without-keys",
    "left-with-keys",
    "right-without-keys",
    "right-with-keys",
    "registry-without-keys",
    "registry-with-keys",
    "left-backups",
    "right-backups",
    "left-hoard",
    "right-hoard",
    "two-epochs",
    "two-epochs-hoard",
    "both-without-keys",
    "evidence-without-keys",
    "evidence-with-gate-keys",
    "evidence-with-reviewer-key",
    "evidence-later",
}


@pytest.fixture
def report() -> DrillReport:
    return sound_drill()


def test_a_sound_keep_passes(report: DrillReport) -> None:
    assert report.passed, report.reasons
    assert {thief.name for thief in report.thieves} == THIEVES
    assert all(control.passed for control in report.controls)
    assert not report.curious.leaks
    assert report.curious.same_bands


def test_every_thief_tries_everything(report: DrillReport) -> None:
    always = {"uniformity", "d_sys", "linked_rank_1", "reconstruction", "identified_rank_1", "byte_search"}
    for thief in report.thieves:
        tried = {finding.attack for finding in thief.findings}
        assert tried - {"old_backups", "pictures_seen"} == always
        assert ("pictures_seen" in tried) == thief.name.startswith("evidence-")
        assert ("old_backups" in tried) == (thief.name in {"left-backups", "right-backups", "two-epochs"})


def test_controls_succeed(report: DrillReport) -> None:
    assert {control.name for control in report.controls} == {
        "plaintext",
        "masks-used-again",
        "both-halves-with-keys",
        "evidence-with-every-key",
    }
    assert {control.name: control.achieved.get("pictures_seen") for control in report.controls}[
        "evidence-with-every-key"
    ] == 1.0
    for control in report.controls:
        assert control.achieved["d_sys"] >= CONTROL_AT_LEAST
        assert control.achieved["linked_rank_1"] >= CONTROL_AT_LEAST
        assert control.achieved["reconstruction"] >= CONTROL_AT_LEAST
    assert report.curious.control.by_elimination >= CONTROL_AT_LEAST


def test_json_is_plain_and_complete(report: DrillReport) -> None:
    read = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert read["passed"] is True
    assert read["reasons"] == []
    assert {thief["name"] for thief in read["thieves"]} == THIEVES
    for thief in read["thieves"]:
        for finding in thief["findings"].values():
            assert {"value", "floor", "limit", "leaks", "detail", "title", "interval"} == set(finding)
    assert read["curious_gate"]["passed"] is True
    assert read["curious_gate"]["control_without_pads"] >= CONTROL_AT_LEAST
    climbs = read["active_gate"]["without_budgets"] + read["active_gate"]["with_budgets"]
    assert len(climbs) == 8
    assert all(climb["curve"][-1][0] == climb["queries"] for climb in climbs)


def test_text_names_every_thief_and_the_outcome(report: DrillReport) -> None:
    text = report.as_text()
    assert all(thief.title in text for thief in report.thieves)
    assert text.rstrip().endswith("PASSED: nobody who steals one store gets a face.")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "line", "rect", "path", "circle"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"meta", "br", "line", "rect", "path", "circle"}:
            assert self.open.pop() == tag


def test_html_is_one_well_formed_page_without_scripts(report: DrillReport) -> None:
    page = html_report(report, title="Drill <of today>")
    parser = _Page()
    parser.feed(page)
    assert parser.open == []
    names = {tag for tag, _ in parser.tags}
    assert not names & {"script", "link", "img", "iframe", "object"}
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "url(" not in page
    assert [tag for tag, _ in parser.tags].count("svg") == 3
    assert "Drill &lt;of today&gt;" in page
    for thief in report.thieves:
        assert f'id="{thief.name}"' in page
    assert "Passed." in page


def test_html_of_a_failure_says_why(monkeypatch: pytest.MonkeyPatch, report: DrillReport) -> None:
    monkeypatch.setattr(type(report.curious), "leaks", True)
    page = html_report(report)
    assert "Failed." in page
    assert "Curious gate: LEAK" in page


def test_nothing_is_left_and_nobody_else_may_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[int] = []

    def stop(*_: object, **__: object) -> None:
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*"))
        raise KeyboardInterrupt

    monkeypatch.setattr(drill, "controls", stop)
    with pytest.raises(KeyboardInterrupt):
        run_drill(None, SMALL)
    assert len(seen) > 20
    assert not any(mode & 0o077 for mode in seen)
    assert list(tmp_path.iterdir()) == []


def test_given_templates_are_used_and_their_names_are_not_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    sound = sound_drill()
    monkeypatch.setattr(drill, "curious_gate", lambda *_, **__: sound.curious)
    found: list[bytes] = []

    def gather(*_: object, **__: object) -> object:
        found.extend(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        return sound.active

    monkeypatch.setattr(drill, "active_gate", gather)
    people = gather_people(None, 40, np.random.default_rng(5), dimension=64)
    given = {f"Real-Person-{i}": [people.references[i], people.probes[i]] for i in range(40)}
    steps: list[tuple[str, int, int]] = []
    report = run_drill(given, SMALL, lambda *step: steps.append(step))
    assert report.passed, report.reasons
    assert (report.people, report.given, report.dimension) == (LEAST_PEOPLE, 40, 64)
    assert found
    assert not any(b"Real-Person" in content for content in found)
    assert {what for what, _, _ in steps} >= {"building two keeps", "thieves", "controls"}
    assert all(0 <= done <= of for _, done, of in steps)


def test_budgets_of_the_keep_slow_a_climb_from_nothing() -> None:
    report = sound_drill()
    climb = next(climb for climb in report.active.with_budgets if climb.name == "1:1 from nothing")
    assert climb.days == -(-climb.rejected // 10), "ten rejections a day"


@pytest.mark.parametrize(
    "settings",
    [
        {"people": LEAST_PEOPLE - 1},
        {"verifications": 0},
        {"searches": 0},
        {"questions": 0},
    ],
)
def test_settings_that_prove_nothing_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        DrillSettings(**settings)


def test_too_few_transcripts_for_elimination_are_refused() -> None:
    with pytest.raises(UsageError, match="coordinates"):
        run_drill(None, DrillSettings(people=64, verifications=500))


def test_templates_of_two_models_are_refused() -> None:
    one, other = np.zeros(64, np.float32), np.zeros(128, np.float32)
    one[0] = other[0] = 1
    with pytest.raises(UsageError):
        run_drill({"a": [one], "b": [other]}, SMALL)
    with pytest.raises(UsageError):
        run_drill({"a": [2 * one]}, SMALL)


def test_the_quick_drill_keeps_enough_transcripts() -> None:
    quick = DrillSettings.quick(TYPICAL)
    assert quick.verifications > 512
    assert quick.calibration is TYPICAL


@pytest.mark.extended
def test_real_faces(data: Path, pack: ModelPack) -> None:
    pipeline = FacePipeline.build(pack)
    templates = {}
    for person in sorted((data / "london" / "people").iterdir()):
        acquired = pipeline.extract_many(decode(path.read_bytes()) for path in sorted(person.glob("*.jpg")))
        templates[person.name] = [one.template.vector for one in acquired if one is not None]
    calibration = shipped_calibration(pipeline.extractor.model)
    report = run_drill(templates, DrillSettings(calibration=calibration))
    assert report.passed, report.reasons
    assert report.given == len(templates) == 62
    assert all(control.passed for control in report.controls)
    assert report.active.without_budgets[0].reached > 0.95


def test_every_thief_of_a_risk_and_of_a_claim_is_one_that_a_drill_plays() -> None:
    played = {thief.name for thief in sound_drill().thieves}
    assert set(OPEN_BY_DESIGN) == played
    assert {name for risk in RISKS for name in risk.thieves} == played
    assert {claim.thief for claim in CLAIMS if claim.measured} <= played


def test_a_drill_and_an_evaluation_are_read_as_they_are_printed(tmp_path: Path) -> None:
    file = tmp_path / "drill.json"
    file.write_text(json.dumps({**sound_drill().as_json(), "made": "2027-03-01T12:00:00+00:00"}), encoding="utf-8")
    read = DrillSummary.read(file)
    assert (read.passed, read.made, len(read.thieves)) == (
        True,
        datetime(2027, 3, 1, 12, tzinfo=UTC),
        len(OPEN_BY_DESIGN),
    )
    for text in ("", "[]", "{}", '{"format": "facekeep-drill/2"}', '{"format": "facekeep-drill/1"}'):
        file.write_text(text, encoding="utf-8")
        for kind in (DrillSummary, EvaluationSummary):
            with pytest.raises(BadInputError):
                kind.read(file)

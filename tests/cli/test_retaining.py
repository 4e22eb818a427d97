"""Retention by the command line: what is due at once is set by --yes alone, and a run does what the plan showed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.retention import PRESETS
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service import keep_life
from facekeep.service.keep import Keep
from tests.cli.conftest import Ran, clean_environment

Run = Callable[..., Ran]


def test_a_run_lets_go_of_what_the_plan_showed(run: Run, keep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ["--keep", keep]
    assert "nothing goes by itself" in run("retention", "rules", *place).out
    assert run("retention", "run", *place).out == "nothing was due.\n"
    there = {person["label"] for person in run("list", *place, "--json").document["people"]}
    now = datetime.now(UTC) + timedelta(days=30)
    monkeypatch.setattr(keep_life.KeepLife, "_now", lambda _: now)
    rule = ["retention", "set", "own", "--basis", "last-contact", "--days", "30", *place]
    refused = run(*rule)
    assert (refused.code, f"due at once: {len(there)}" in refused.error) == (2, True)
    assert run("retention", "plan", "--days", "0", *place).out == "nothing will go within 0 days.\n"
    was_set = run(*rule, "--yes")
    assert (was_set.code, "own rule" in was_set.out) == (0, True)
    shown = run("retention", "plan", "--days", "0", *place)
    assert all(label in shown.out for label in there)
    assert "the person" in shown.out
    assert f"rules of retention say: {len(there)}" in run("doctor", *place).out
    plan = run("retention", "plan", "--days", "0", *place, "--json").document
    assert {person["label"] for person in plan["people"]} == there
    with Keep.open(keep) as opened:
        entries = verify(opened.ledger_bundle(), VerifierKey.read(opened.ledger_key)).opened
    by = {
        kind: [one for _, one in sorted(entries.items()) if one["kind"] == kind] for kind in ("listed", "retention-set")
    }
    assert by["listed"][-1]["people"] == str(len(there))
    assert by["listed"][-1]["operator"] == by["retention-set"][0]["operator"]
    ran = run("retention", "run", *place)
    assert ran.out == f"{len(there)} people erased.\n"
    assert run("list", *place, "--json").document["people"] == []
    assert run("retention", "plan", *place, "--json").document == {"days": 90, "people": [], "cases": []}
    assert run("retention", "remove", "own rule", *place).code == 0
    assert run("retention", "remove", "own rule", *place).code == 1


@pytest.mark.enable_socket
def test_a_served_keep_lets_go_by_itself(tmp_path: Path, pictures: Path) -> None:
    then = datetime.now(UTC) - timedelta(days=3 * 365)
    with Keep.create(tmp_path / "keep", clock=lambda: then) as keep:
        picture = (pictures / "obama.jpg").read_bytes()
        keep.enrol("obama", [picture], purposes=[Purpose.VERIFY], notice="A notice.", operator="op")
        keep.set_retention(PRESETS["illinois"])
    command = [sys.executable, "-m", "facekeep", "serve", "--port", "0", "--keep", str(tmp_path / "keep")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=clean_environment(), text=True) as serving:
        assert serving.stderr is not None
        assert serving.stderr.readline().startswith("Listening on ")
        told = json.loads(serving.stderr.readline())
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(30) == 0
    assert (told["event"], told["outcome"], told["people"]) == ("retention", "done", 1)
    with Keep.open(tmp_path / "keep") as keep:
        assert (list(keep.subjects()), keep.size()) == ([], 0)
        keep.check()

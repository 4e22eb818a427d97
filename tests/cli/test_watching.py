"""Canaries on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Ran

Run = Callable[..., Ran]


def test_canaries_are_planted_asked_for_and_seen_by_the_doctor(run: Run, tmp_path: Path) -> None:
    at = ("--keep", tmp_path / "keep")
    assert run("init", tmp_path / "keep").code == 0
    none = run("canary", "ask", *at, "--json")
    assert (none.code, none.document) == (0, {"canaries": 0, "asked": 0, "fault": None})
    codes = [finding["code"] for finding in run("doctor", *at, "--json").document["findings"]]
    assert "no-canaries" in codes
    assert run("canary", "plant", "--count", "2", *at, "--json").document == {"planted": 2}
    assert run("canary", "plant", "--count", "2", *at, "--json").document == {"planted": 0}
    assert run("canary", "plant", "--count", "17", *at).code == 2
    asked = run("canary", "ask", *at, "--json")
    assert (asked.code, asked.document) == (0, {"canaries": 2, "asked": 3, "fault": None})
    assert run("canary", "ask", *at).out == "right: 3 questions about one of 2 canaries.\n"
    codes = [finding["code"] for finding in run("doctor", *at, "--json").document["findings"]]
    assert not {"no-canaries", "canary"} & set(codes)
    listed = run("list", *at).out
    assert "canary 1" in listed
    assert "canary 2" in listed

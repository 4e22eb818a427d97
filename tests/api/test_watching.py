"""A served keep asks for its canaries by itself, and is not ready once one was answered wrongly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from starlette.testclient import TestClient

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.watching import watched
from facekeep.service.filing import FilingThreshold
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE, b64


@pytest.fixture
def canary_keep(tmp_path: Path, pictures: Path) -> Iterator[Keep]:
    """A keep of its own, since its halves are made to lie."""
    with Keep.create(tmp_path / "keep") as made:
        picture = (pictures / "obama.jpg").read_bytes()
        made.enrol("obama", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        made.plant_canaries(2)
        yield made


def _lie(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    half: Any = keep._roles.left
    honest = half._score_shares
    monkeypatch.setattr(half, "_score_shares", lambda *given: honest(*given) + np.uint16(20_000))


def test_a_half_that_lies_to_everybody_is_found_and_the_service_stops(
    canary_keep: Keep, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = canary_keep
    token = keep.issue_token("till", [Scope.VERIFY], days=1).token
    client = TestClient(build(keep, Rates(None, None)), headers={"Authorization": f"Bearer {token}"})
    body = {"subject": keep.subject("obama").id, "picture": b64((pictures / "obama2.jpg").read_bytes())}
    asked = threading.Semaphore(0)
    ask = keep.ask_canaries

    def asking() -> object:
        report = ask()
        asked.release()
        return report

    monkeypatch.setattr(keep, "ask_canaries", asking)
    with structlog.testing.capture_logs() as lines, watched(keep, seconds=0.05):
        assert asked.acquire(timeout=0)  # before anything is served
        assert client.get("/health/ready").status_code == 200
        assert client.post("/v1/verifications", json=body).json()["verified"] is True
        _lie(keep, monkeypatch)
        while client.get("/health/ready").status_code == 200:
            assert asked.acquire(timeout=20)
        answer = client.post("/v1/verifications", json=body)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:facekeep:problem:unavailable")
        assert "canary" in answer.json()["detail"]
        assert client.get("/health/live").status_code == 200
    outcomes = [line["outcome"] for line in lines if line["event"] == "canary"]
    assert outcomes[0] == "right"
    assert "wrong" in outcomes
    assert "facekeep-canaries" not in {thread.name for thread in threading.enumerate()}


def test_it_is_told_before_so_many_people_are_enrolled_that_they_have_to_be_filed(
    canary_keep: Keep, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, few = canary_keep, FilingThreshold(limit=2, ahead=1, working_days=30)
    counted = threading.Semaphore(0)
    filing = keep.filing

    def counting(threshold: FilingThreshold = few) -> object:
        found = filing(threshold)
        counted.release()
        return found

    monkeypatch.setattr(keep, "filing", counting)
    with structlog.testing.capture_logs() as lines, watched(keep, seconds=0.02, filing=few):
        for _ in range(4):
            assert counted.acquire(timeout=20)
        picture = (pictures / "biden.jpg").read_bytes()
        keep.enrol("biden", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        while filing(few).state.value not in [line["outcome"] for line in lines if line["event"] == "people"]:
            assert counted.acquire(timeout=20)
    told = [line for line in lines if line["event"] == "people"]
    # Once for each state, canaries left out, and nobody named.
    assert [(line["outcome"], line["ahead"], line["limit"]) for line in told] == [("near", 1, 2), ("reached", 1, 2)]
    assert set(told[0]) == {"event", "log_level", "outcome", "ahead", "limit"}
    token = keep.issue_token("prometheus", [Scope.METRICS], days=1).token
    client = TestClient(build(keep, Rates(None, None)), headers={"Authorization": f"Bearer {token}"})
    assert "facekeep_people 2.0" in client.get("/metrics").text

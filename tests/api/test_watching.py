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

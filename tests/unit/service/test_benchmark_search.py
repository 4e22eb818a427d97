"""The search benchmark on a small gallery: right answers, every field; nobody looks at the time."""

from __future__ import annotations

import os

import pytest

from facekeep.errors import UsageError
from facekeep.service.benchmark_search import SearchSettings, run


def test_every_probe_finds_its_nearest_row_and_peers_agree() -> None:
    cores = os.sched_getaffinity(0)
    told: list[str] = []
    settings = SearchSettings(rows=2500, probes=3, peers=("faiss", "usearch"), threads=1, repeats=1, candidates=2)
    result = run(settings, lambda stage, _done, _of: told.append(stage))
    assert result.recall_at_1 == 1.0
    assert result.cores == 1
    assert set(result.peers) == {"faiss", "usearch"}
    for peer in result.peers.values():
        assert peer.ratio == pytest.approx(peer.ms / result.ours_ms, abs=0.01)
    assert result.disk_bytes_per_row_and_half > 512
    assert result.as_json()["settings"]["rows"] == 2500
    assert "time ours" in told
    assert os.sched_getaffinity(0) == cores


def test_without_a_peer_recall_is_against_plain_arithmetic() -> None:
    result = run(SearchSettings(rows=1200, probes=2, peers=(), repeats=1))
    assert result.recall_at_1 == 1.0
    assert result.peers == {}


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"probes": 0}, {"peers": ("other",)}, {"rows": 5, "probes": 6}])
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SearchSettings(**wrong)  # type: ignore[arg-type]


def test_more_cores_than_there_are_is_refused() -> None:
    with pytest.raises(UsageError, match="fewer cores"):
        run(SearchSettings(rows=10, threads=10_000))

"""A run of retention that is killed at any step is taken up by the next, which leaves what an undisturbed one does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.retention import Basis, RetentionRule
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service.answers import RetentionReport
from facekeep.service.keep import Keep
from tests.crash.test_every_step import BOTH, NOTICE, State, Watch, _faces, _state, watch

__all__ = ["_faces", "watch"]

BEGUN = datetime(2027, 3, 1, tzinfo=UTC)
DUE = BEGUN + timedelta(days=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A keep in which two go, one loses a purpose, and one, on "never return me", loses all references."""
    rules = [
        RetentionRule("own rule", Basis.PURPOSE_ENDED, None, 10),
        RetentionRule("own rule", Basis.CONSENT_GIVEN, Purpose.IDENTIFY, 50),
        RetentionRule("own rule", Basis.CONSENT_GIVEN, Purpose.PAYMENT, 50),
    ]
    purposes = {"ada": BOTH, "bob": (Purpose.IDENTIFY,), "eve": (Purpose.PAYMENT,), "kim": (Purpose.IDENTIFY,)}
    with Keep.create(tmp_path / "keep", threads=1, clock=lambda: BEGUN) as keep:
        for label, wanted in purposes.items():
            keep.enrol(label, [label.encode()], purposes=wanted, notice=NOTICE, operator="op")
        keep.never_return("kim", b"kim", operator="op")
        keep.set_retention(rules)
    return tmp_path / "keep"


def _finished(keep: Keep) -> State:
    keep.keep_retention()
    assert keep.keep_retention() == RetentionReport()
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    # Each was done once, however often it was begun.
    assert sum(entry["kind"] == "erased" for entry in report.opened.values()) == 2
    return _state(keep)


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.extended)])
def test_a_kill_at_any_step_is_made_good_by_the_next_run(folder: Path, watch: Watch, every: int) -> None:
    with Keep.open(folder, threads=1, clock=lambda: DUE) as keep:
        with watch:
            assert keep.keep_retention() == RetentionReport(purposes=2, people=2, references=1)
        whole = _finished(keep)
    assert [(label, purposes, listed) for label, purposes, _, listed in whole[0]] == [
        ("ada", (Purpose.VERIFY,), False),
        ("kim", (), True),
    ]
    assert len(watch.taken) > 20
    counts = set()
    for copy in [*watch.taken[::every], watch.taken[-1]]:
        with Keep.open(copy, threads=1, clock=lambda: DUE) as keep:
            counts.add(len(list(keep.subjects())))
            assert _finished(keep) == whole, copy.name
    assert counts >= (
        {2, 3, 4} if every == 1 else {2, 4}
    )  # nobody gone, the two, and at every step one after the other

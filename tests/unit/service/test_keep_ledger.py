"""The ledger of a keep with real people: every deed is in it, each person's own opens for that person alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError, UsageError
from facekeep.ledger_verifier import Report, VerifierKey, read_head, verify
from facekeep.service.keep import Keep
from facekeep.service.opening import registry_path
from tests.unit.service.conftest import MovedClock

Picture = Callable[[str], bytes]


def whole(keep: Keep) -> Report:
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    return report


def own(keep: Keep, label: str) -> list[str]:
    report = verify(keep.ledger_bundle_of(label), VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    return [f"{entry['kind']} {entry.get('purpose', '')}".strip() for _, entry in sorted(report.opened.items())]


def test_every_deed_is_in_it(keep: Keep, picture: Picture, clock: MovedClock) -> None:
    first, *consents = own(keep, "obama")
    assert (first, sorted(consents)) == ("enrolled", ["consent-given identify", "consent-given verify"])
    before = whole(keep).size
    clock.forward(hours=1)
    keep.give_consent("obama", Purpose.ATTENDANCE, "Attendance.")
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    keep.add_references("obama", [picture("obama2.jpg")], operator="op")
    keep.remove_reference("obama", keep.references("obama")[0].id)
    keep.never_return("obama", picture("obama.jpg"), operator="op")
    assert own(keep, "obama")[3:] == [
        "consent-given attendance",
        "consent-withdrawn identify",
        "references-added",
        "reference-removed",
        "never-return-joined",
    ]
    assert own(keep, "biden")[3:] == []
    keep.switch(Purpose.PAYMENT, True)
    keep.open_case("found dog", operator="op")
    keep.close_case("found dog")
    keep.add_notice("Another.", language="en")
    keep.add_notice("Another.", language="en")  # as it was: nothing is done
    keep.erase("obama")
    report = whole(keep)
    assert report.size == before + 10
    told = [entry for leaf, entry in sorted(report.opened.items()) if leaf >= before]
    assert [entry["kind"] for entry in told] == ["switched", "case-opened", "case-closed", "notice-added", "erased"]
    assert {entry["time"][:13] for entry in told} == {"2027-03-01T13"}
    with pytest.raises(NotFoundError):
        keep.ledger_bundle_of("obama")


def test_a_bundle_names_nobody(keep: Keep) -> None:
    names = (b"obama", b"biden", b"Canary", b"lost child")
    for data in (keep.ledger_bundle(), keep.ledger_bundle_of("obama")):
        assert not [name for name in names if name in data]
    # What a bundle of the whole log opens is about nobody.
    assert {entry["kind"] for entry in whole(keep).opened.values()} <= {"case-opened", "notice-added", "switched"}


def test_who_kept_a_head_sees_that_the_log_only_grew(keep: Keep) -> None:
    key, head = VerifierKey.read(keep.ledger_key), keep.ledger_head()
    keep.withdraw_consent("obama", Purpose.VERIFY)
    seen = [read_head(head.note)]
    assert verify(keep.ledger_bundle(), key, seen=seen).faults == []
    report = verify(keep.ledger_bundle_of("obama", seen=[head.size]), key, seen=seen)
    assert (report.faults, report.size) == ([], head.size + 1)
    with pytest.raises(UsageError):
        keep.ledger_bundle_of("obama", seen=[1000])


def test_it_goes_on_after_the_keep_was_closed_refreshed_and_rotated(reopen: Callable[[], Keep]) -> None:
    keep = reopen()
    key, head = keep.ledger_key, keep.ledger_head()
    keep.refresh()
    keep.rotate()
    keep = reopen()
    assert keep.ledger_key == key
    keep.switch(Purpose.PAYMENT, True)
    assert verify(keep.ledger_bundle(), VerifierKey.read(key), seen=[read_head(head.note)]).faults == []
    assert own(keep, "obama")[0] == "enrolled"


def test_a_registry_that_was_put_back_is_found_out_by_a_head(
    reopen: Callable[[], Keep], folder: Path, clock: MovedClock
) -> None:
    reopen().close()
    old = registry_path(folder).read_bytes()
    keep = reopen()
    clock.forward(minutes=1)
    keep.add_notice("Another.")  # of the registry alone: the halves count nothing, and do not notice
    key, head = VerifierKey.read(keep.ledger_key), keep.ledger_head()
    keep.close()
    registry_path(folder).write_bytes(old)
    keep = reopen()
    report = verify(keep.ledger_bundle(), key, seen=[read_head(head.note)])
    assert [fault.kind for fault in report.faults] == ["dropped"]


def test_an_entry_is_kept_to_the_millisecond_of_the_deed(keep: Keep, clock: MovedClock) -> None:
    clock.now += timedelta(microseconds=123_456)
    keep.switch(Purpose.PAYMENT, True)
    report = whole(keep)
    assert report.opened[report.size - 1]["time"] == "2027-03-01T12:00:00.123Z"

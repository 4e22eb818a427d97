"""Somebody with all the keys of a half rewrites its log: the keep and any auditor see it, and where."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.errors import DamagedStoreError
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service.doctor_stores import examine_stores
from facekeep.service.keep import Keep
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.opening import log_path, open_half_store
from facekeep.store.half_log import FileHalfLog

Rewrite = Callable[[list[bytes]], list[bytes]]


def rewrite(folder: Path, side: str, how: Rewrite) -> None:
    """Put another log in the place of a half's, sealed and chained as a half would."""
    keep_id = KeepFile.read(folder).keep_id
    keys = KeyPlan().provider(folder, keep_id)
    store, log = open_half_store(folder, keys, side, keep_id)
    records, store_id = list(log.replay()), store.store_id
    log.close()
    store.close()
    log_path(folder, side).unlink()
    with FileHalfLog.create(log_path(folder, side), keys, side=side, store_id=store_id) as made:
        made.append_many(how(records), durable=True)


def altered(records: list[bytes]) -> list[bytes]:
    return [*records[:4], records[4].replace(b"identify", b"verify"), *records[5:]]


def dropped(records: list[bytes]) -> list[bytes]:
    return [*records[:4], *records[5:], records[-1]]  # as many as before: the half itself counts them


def moved(records: list[bytes]) -> list[bytes]:
    return [*records[:4], records[5], records[4], *records[6:]]


def added(records: list[bytes]) -> list[bytes]:
    return [*records[:4], records[4], *records[4:]]


@pytest.fixture
def logged(keep: Keep, picture: Callable[[str], bytes]) -> list[int]:
    """Sizes of the left log as the ledger has taken them down, between searches."""
    sizes = []
    for _ in range(3):
        keep.identify(picture("obama2.jpg"), operator="guard", case="lost child")
        keep.ledger_head()
        sizes.append(keep._roles.left.log_head().size)
    assert sizes == sorted(set(sizes))
    assert sizes[0] <= 4  # what is rewritten below, 4 and 5, is of the second search
    assert sizes[1] > 5
    return sizes


@pytest.mark.parametrize(("side", "how"), [("left", altered), ("right", dropped), ("left", moved), ("right", added)])
def test_a_log_that_was_rewritten_is_found_and_where(
    reopen: Callable[[], Keep], folder: Path, logged: list[int], how: Rewrite, side: str
) -> None:
    keep = reopen()
    key = VerifierKey.read(keep.ledger_key)
    assert verify(keep.ledger_bundle(), key).logs == {"left": logged[-1], "right": logged[-1]}
    keep.check()
    keep.close()
    assert list(examine_stores(folder, KeyPlan())) == []
    rewrite(folder, side, how)
    (finding,) = examine_stores(folder, KeyPlan())
    assert f"of its records {logged[0]} to {logged[1] - 1}" in finding.message
    keep = reopen()  # the half itself takes it for its own
    with pytest.raises(DamagedStoreError) as caught:
        keep.check()
    assert caught.value.store == side
    assert f"of its records {logged[0]} to {logged[1] - 1}" in caught.value.message
    (fault,) = verify(keep.ledger_bundle(), key).faults
    assert (fault.kind, fault.log, fault.first, fault.end) == ("altered", side, logged[0], logged[1])
    assert f"{side} records {logged[0]} to {logged[1] - 1}" in str(fault)


def test_what_is_logged_later_hides_nothing(
    reopen: Callable[[], Keep], keep: Keep, folder: Path, logged: list[int], picture: Callable[[str], bytes]
) -> None:
    keep.close()
    rewrite(folder, "left", altered)
    keep = reopen()
    keep.identify(picture("obama2.jpg"), operator="guard", case="lost child")
    keep.ledger_head()
    with pytest.raises(DamagedStoreError, match=f"records {logged[0]} to {logged[1] - 1}"):
        keep.check()


def test_the_logs_stay_what_they_were_under_other_keys(
    reopen: Callable[[], Keep], keep: Keep, logged: list[int]
) -> None:
    before = keep._roles.left.log_head()
    keep.rotate()
    assert keep._roles.left.log_head() == before
    keep.check()
    keep.refresh()
    keep.check()
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    assert (report.faults, report.logs["left"]) == ([], keep._roles.left.log_head().size)


def test_nothing_is_taken_down_twice(keep: Keep, logged: list[int]) -> None:
    size = keep.ledger_head().size
    assert keep.ledger_head().size == size
    entries = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key)).opened.values()
    told = [entry["left"].split(" ")[0] for entry in entries if entry["kind"] == "logs"]
    assert told == sorted(set(told), key=int)
    assert told[-3:] == [str(size) for size in logged]

"""Backups of a keep in use, and restoring them: all of it, or nothing; and whoever was erased stays erased."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pyrage
import pytest

from facekeep.domain.backups import archive_name
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import ConsentRules
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.retention import Basis, RetentionRule
from facekeep.domain.review import ReviewId
from facekeep.errors import BadInputError, DamagedStoreError, FacekeepError, KeyMissingError, UsageError
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.ledger_verifier import VerifierKey, read_head, verify
from facekeep.service import keep_life
from facekeep.service.keep import Keep
from facekeep.service.keep_backups import BackupSet
from facekeep.service.key_plan import KeyPlan
from facekeep.service.opening import evidence_path, log_path, registry_path
from facekeep.service.recurring_backups import BackupPlan, RecurringBackups
from facekeep.service.review_sealing import seal
from facekeep.store import half_file
from facekeep.store.transaction import Transaction
from tests.crash.faces import InventedFaces
from tests.unit.service.reviewing import a_person

from .backups import IDENTITIES, RECIPIENTS, STORES, Elsewhere, enrol, knows, labels, private
from .conftest import BOTH, NOTICE, MovedClock


@pytest.fixture(scope="module", autouse=True)
def _invented(pack: ModelPack) -> Iterator[None]:
    model = next(spec.sha256 for spec in pack.models if spec.role is ModelRole.EMBEDDING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keep_life, "_acquisition", lambda *_: InventedFaces(model))
        yield


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, _invented: None) -> Path:
    """The folder of a closed keep with two people; not to be opened, but copied."""
    folder = tmp_path_factory.mktemp("two") / "keep"
    with Keep.create(folder, clock=MovedClock(), threads=1) as keep:
        keep.open_case("case", operator="op", days=366)
        enrol(keep, "ada", "bob")
    return folder


@pytest.fixture
def small(two: Path, tmp_path: Path, clock: MovedClock) -> Iterator[Keep]:
    with Keep.open(Path(shutil.copytree(two, tmp_path / "keep")), clock=clock, threads=1) as keep:
        yield keep


@pytest.fixture
def elsewhere(tmp_path: Path, clock: MovedClock) -> Elsewhere:
    (tmp_path / "elsewhere").mkdir()
    return Elsewhere(tmp_path / "elsewhere", tmp_path / "keep", clock)


def opened(folder: Path, keys: KeyPlan, clock: MovedClock) -> Keep:
    return Keep.open(folder, keys=keys, clock=clock, threads=1)


def test_a_keep_comes_back_as_it_was_and_goes_on(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock
) -> None:
    small.withdraw_consent("ada", Purpose.IDENTIFY)
    small.switch(Purpose.PAYMENT, True)
    assert knows(small, "bob")  # the logs of the halves, too, have something that was taken down
    made = small.backup(elsewhere.backups, RECIPIENTS)
    before, head = small.status(), small.ledger_head()
    entries = verify(small.ledger_bundle(), VerifierKey.read(small.ledger_key)).opened
    assert [entry for entry in entries.values() if entry["kind"] == "backed-up"] == [
        {"kind": "backed-up", "time": "2027-03-01T12:00:00.000Z", "generation": str(made.generation), **made.digests}
    ]
    keys = elsewhere.keys()
    small.close()
    done = elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=keys)
    assert (done.made, done.people, done.references, done.erased, done.known_until) == (clock.now, 2, 2, 0, None)
    clock.forward(days=40)  # its refresh is overdue
    with opened(tmp_path / "new", keys, clock) as again:
        assert again.status() == before
        assert (knows(again, "bob"), knows(again, "ada")) == (True, False)
        assert again.verify("ada", b"ada/2", operator="op").verified
        report = verify(again.ledger_bundle(), VerifierKey.read(small.ledger_key))
        assert (report.faults, [entry["kind"] for entry in report.opened.values()].count("restored")) == ([], 1)
        # It is another log from there on: who kept a head from after the backup sees it.
        forked = verify(again.ledger_bundle(), VerifierKey.read(small.ledger_key), seen=[read_head(head.note)])
        assert [fault.kind for fault in forked.faults] == ["forked"]
        again.refresh()
        enrol(again, "eve")
        again.check()
        assert knows(again, "eve")
        again.erase("eve")


def test_no_key_of_a_reviewer_comes_back(small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock) -> None:
    person = a_person(small, "ann")
    made = small.backup(elsewhere.backups, RECIPIENTS)
    small.revoke_reviewer_key(person.key, who=person.account)
    keys = elsewhere.keys()
    small.close()
    elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=keys)
    with opened(tmp_path / "new", keys, clock) as again:
        reviewer = again.reviewer(again.account_named("ann")).reviewer
        assert (reviewer.keys, reviewer.since) == ((), None)
        told = verify(again.ledger_bundle(), VerifierKey.read(small.ledger_key)).opened.values()
        (revoked,) = [entry for entry in told if entry["kind"] == "reviewer-key-revoked"]
        assert (revoked["key"], revoked["by"]) == (person.key, "restore")


def test_no_key_and_nobody_is_in_an_archive_and_no_copy_stays(small: Keep, elsewhere: Elsewhere) -> None:
    review = ReviewId(b"Canary in review")
    small._evidence.put(
        review, datetime(2100, 1, 1, tzinfo=UTC), [seal(review, 0, b"\x89PNG\r\n\x1a\n", [b"\x09" + bytes(31)])]
    )
    assert review in evidence_path(elsewhere.keep).with_name("evidence.db-wal").read_bytes()
    made = small.backup(elsewhere.backups, RECIPIENTS)
    keys = [path.read_bytes()[8:40] for path in (elsewhere.keep / "keys").rglob("*.key")]
    assert len(keys) >= 10
    for store, digest in made.digests.items():
        archive = (made.folder / archive_name(store)).read_bytes()
        assert (len(archive), len(digest)) == (made.sizes[store], 64)
        plaintext = pyrage.decrypt(archive, [private(store)])
        assert not [needle for needle in (*keys, b"Canary") if needle in plaintext]
        for other in set(STORES) - {store}:
            with pytest.raises(pyrage.DecryptError):
                pyrage.decrypt(archive, [private(other)])
    assert {path.name for path in elsewhere.folder.rglob("*")} == {
        "backups",
        made.folder.name,
        *map(archive_name, STORES),
    }
    assert not list(elsewhere.keep.rglob("*.copy*"))
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "change",
    [
        {"left": RECIPIENTS["right"]},
        {"left": (*RECIPIENTS["left"], *RECIPIENTS["registry"])},
        {"left": ()},
        {"right": ("age1none",)},
    ],
)
def test_each_store_has_recipients_of_its_own(
    small: Keep, elsewhere: Elsewhere, change: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(UsageError, match="recipient"):
        small.backup(elsewhere.backups, RECIPIENTS | change)
    assert not elsewhere.backups.exists()


def test_a_backup_is_not_in_the_keep_nor_where_nothing_can_be_written(small: Keep, elsewhere: Elsewhere) -> None:
    with pytest.raises(BadInputError, match="inside the keep"):
        small.backup(elsewhere.keep / "left" / "backups", RECIPIENTS)
    (elsewhere.folder / "file").write_text("")
    with pytest.raises(BadInputError, match="cannot be written"):
        small.backup(elsewhere.folder / "file", RECIPIENTS)
    made = small.backup(elsewhere.backups, RECIPIENTS)
    with pytest.raises(UsageError, match="this very second"):
        small.backup(elsewhere.backups, RECIPIENTS)
    assert [path.name for path in elsewhere.backups.iterdir()] == [made.folder.name]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small keep is copied in many steps too."""
    monkeypatch.setattr(half_file, "STEP_PAGES", 1)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("turns", [1, pytest.param(12, marks=pytest.mark.extended)])
def test_it_is_of_one_moment_while_everybody_works(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock, turns: int
) -> None:
    ending, told, failed = threading.Event(), ["ada", "bob"], list[BaseException]()

    def work(act: Callable[[int], None]) -> threading.Thread:
        def run() -> None:
            turn = 0
            try:
                while not ending.is_set():
                    act(turn)
                    turn += 1
            except BaseException as error:  # noqa: BLE001 - looked at below
                failed.append(error)

        return threading.Thread(target=run)

    def write(turn: int) -> None:
        enrol(small, f"new{turn}")
        told.append(f"new{turn}")
        if turn % 4 == 3:
            small.erase(f"new{turn - 1}")
            told.remove(f"new{turn - 1}")
        if turn == 40:
            small.refresh()

    workers = [work(write), work(lambda _: assert_known(small))]
    for worker in workers:
        worker.start()
    try:
        for turn in range(turns):
            before = set(told)
            clock.forward(seconds=2)
            try:
                made = small.backup(elsewhere.backups, RECIPIENTS)
            except UsageError as error:  # it was refreshed during this very backup, and nothing was written
                assert "refreshed" in error.message  # noqa: PT017 - every other backup has to be made
                continue
            after = set(told) | {f"new{len(told)}"}
            keys = elsewhere.keys()
            try:
                done = elsewhere.restore(made.folder, tmp_path / f"new {turn}", accept=True, keys=keys)
            except KeyMissingError:
                continue  # it was refreshed meanwhile
            assert done.generation == made.generation
            with opened(tmp_path / f"new {turn}", keys, clock) as again:
                again.check()
                missing = before - labels(again)
                assert all(name.startswith("new") and name not in set(told) for name in missing), missing
                assert knows(again, "bob")
                assert labels(again) - after <= {f"new{number}" for number in range(10_000)}
    finally:
        ending.set()
        for worker in workers:
            worker.join(30)
    assert failed == []


def assert_known(keep: Keep) -> None:
    assert keep.verify("bob", b"bob/2", operator="op").verified


def test_searches_and_writes_go_on_between_two_steps(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_file, "STEP_PAGES", 2)
    goes_on, turns = small._check_goes_on, list[int]()

    def between() -> None:
        goes_on()
        if len(turns) < 6:
            turns.append(len(turns))
            enrol(small, f"new{len(turns)}")
            assert knows(small, f"new{len(turns)}")

    monkeypatch.setattr(small, "_check_goes_on", between)
    made = small.backup(elsewhere.backups, RECIPIENTS)
    keys = elsewhere.keys()
    elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=keys)
    with opened(tmp_path / "new", keys, clock) as again:
        assert labels(again) == {"ada", "bob", *(f"new{number}" for number in range(1, 7))}
        assert knows(again, "new6")


def test_an_erasure_does_not_wait_for_a_copy_and_is_tidied_up_after_it(
    small: Keep, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    wal, erased = registry_path(elsewhere.keep).with_name("registry.db-wal"), list[int]()
    registry = small._roles.registry
    copying = registry.copying

    @contextmanager
    def slow() -> Iterator[Callable[[Path], None]]:
        with copying() as copy:

            def erase_first(target: Path) -> None:
                small.erase("ada")
                erased.append(wal.stat().st_size)
                copy(target)

            yield erase_first

    monkeypatch.setattr(registry, "copying", slow)
    began = monotonic()
    made = small.backup(elsewhere.backups, RECIPIENTS)
    assert monotonic() - began < 9  # SQLite would wait for ten seconds
    assert erased[0] > 0
    assert (registry.log_is_empty, made.generation) == (True, 2)


def test_a_backup_whose_epoch_ends_before_it_is_written_is_none(
    small: Keep, elsewhere: Elsewhere, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = small.backup(elsewhere.backups, RECIPIENTS)
    clock.forward(minutes=1)
    write = small._write_set

    def refreshed_first(*given: Any) -> BackupSet:
        clock.forward(minutes=1)
        small.refresh()
        return write(*given)

    with monkeypatch.context() as patched:
        patched.setattr(small, "_write_set", refreshed_first)
        with pytest.raises(UsageError, match="refreshed while"):
            small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert [path.name for path in elsewhere.backups.iterdir()] == [older.folder.name]
    assert small.backup_is_due(elsewhere.backups, timedelta(days=1))  # that one opens no more
    small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert not small.backup_is_due(elsewhere.backups, timedelta(days=1))


def test_what_the_ledger_does_not_know_of_is_no_backup(
    small: Keep, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, full_at = Transaction.record, []

    def full(self: Transaction, entries: Sequence[LedgerEntry], *subject: Any) -> Any:
        if entries[0].kind is EntryKind.BACKED_UP:
            full_at.append([path.name for path in elsewhere.backups.iterdir()])
            raise DamagedStoreError("the disk is full", store="registry")
        return record(self, entries, *subject)

    monkeypatch.setattr(Transaction, "record", full)
    with pytest.raises(DamagedStoreError, match="full"):
        small.backup(elsewhere.backups, RECIPIENTS)
    assert [len(sets) for sets in full_at] == [1]
    assert not list(elsewhere.backups.iterdir())


def test_a_keep_that_is_closed_gives_a_backup_up(
    small: Keep, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, closing = small._check_goes_on, threading.Thread(target=small.close)

    def between() -> None:
        closing.start()
        while not small._ending:
            pass
        goes_on()

    monkeypatch.setattr(small, "_check_goes_on", between)
    with pytest.raises(UsageError, match="given up"):
        small.backup(elsewhere.backups, RECIPIENTS)
    closing.join(20)
    assert not closing.is_alive()
    assert not list(elsewhere.folder.iterdir())
    with Keep.open(elsewhere.keep, threads=1) as again:
        assert not list(elsewhere.keep.rglob("*.copy"))
        assert labels(again) == {"ada", "bob"}


def test_what_a_crash_left_of_a_backup_is_removed_when_the_keep_is_opened(small: Keep, elsewhere: Elsewhere) -> None:
    small.close()
    left = [registry_path(elsewhere.keep), log_path(elsewhere.keep, "right")]
    for path in left:
        path.with_name(f"{path.name}.copy").write_bytes(b"sealed")
    with Keep.open(elsewhere.keep, threads=1):
        assert not list(elsewhere.keep.rglob("*.copy"))


# Restoring


@pytest.fixture
def made(small: Keep, elsewhere: Elsewhere) -> BackupSet:
    return small.backup(elsewhere.backups, RECIPIENTS)


def _copied(made: BackupSet, folder: Path) -> Path:
    return Path(shutil.copytree(made.folder, folder))


def test_bad_archives_are_told_apart_and_leave_nothing(
    small: Keep, made: BackupSet, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock
) -> None:
    keys, new = elsewhere.keys(), tmp_path / "new"
    clock.forward(minutes=1)
    enrol(small, "eve")
    later = small.backup(elsewhere.backups, RECIPIENTS)

    def cut(folder: Path) -> None:
        (folder / "right.age").write_bytes((folder / "right.age").read_bytes()[:-1000])

    def flip(folder: Path) -> None:
        data = bytearray((folder / "registry.age").read_bytes())
        data[len(data) // 2] ^= 4
        (folder / "registry.age").write_bytes(data)

    def swap(folder: Path) -> None:
        (folder / "left.age").rename(folder / "x")
        (folder / "right.age").rename(folder / "left.age")
        (folder / "x").rename(folder / "right.age")

    def mix(folder: Path) -> None:
        shutil.copy(later.folder / "left.age", folder / "left.age")

    swapped = IDENTITIES | {"left": IDENTITIES["right"], "right": IDENTITIES["left"]}
    cases: list[tuple[Callable[[Path], object], dict[str, str], type[FacekeepError], str]] = [
        (lambda _: None, swapped, BadInputError, "left half does not open"),
        (lambda folder: (folder / "left.age").unlink(), IDENTITIES, BadInputError, "left half is not there"),
        (cut, IDENTITIES, DamagedStoreError, "right half was cut"),
        (flip, IDENTITIES, DamagedStoreError, "registry was cut or altered"),
        (swap, IDENTITIES, BadInputError, "left half does not open"),
        (swap, swapped, DamagedStoreError, "swapped: it is that of the right half"),
        (mix, IDENTITIES, DamagedStoreError, "not of one set: generation"),
        (lambda _: None, {"left": IDENTITIES["left"]}, UsageError, "registry, right"),
    ]
    for number, (harm, identities, kind, said) in enumerate(cases):
        folder = _copied(made, tmp_path / f"bad {number}")
        harm(folder)
        with pytest.raises(kind, match=said):
            elsewhere.restore(folder, new, accept=True, keys=keys, identities=identities)
        assert not new.exists(), number
    new.mkdir()
    with pytest.raises(DamagedStoreError):
        elsewhere.restore(tmp_path / "bad 2", new, accept=True, keys=keys)
    assert not list(new.iterdir())
    elsewhere.restore(made.folder, new, accept=True, keys=keys)


def test_nothing_is_restored_over_a_keep_or_with_its_keys(
    small: Keep, made: BackupSet, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="not empty"):
        elsewhere.restore(made.folder, elsewhere.keep, accept=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="where it shall be"):
        elsewhere.restore(made.folder, tmp_path / "file", accept=True)
    for plan, said in ((KeyPlan(elsewhere.keep / "keys"), "keep that is there"), (KeyPlan(), "needs the keys")):
        with pytest.raises(UsageError, match=said):
            elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=plan)
    assert not (tmp_path / "new").exists()
    small.check()


def test_a_backup_from_before_a_refresh_opens_no_more_and_harms_no_key(
    small: Keep, made: BackupSet, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    old = elsewhere.keys()
    small.refresh()
    now = elsewhere.keys()
    with pytest.raises(KeyMissingError, match="destroyed by a refresh"):
        elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=now)
    # With the keys of both epochs, the later would be destroyed as leftovers: it is refused.
    assert now.directory is not None
    assert old.directory is not None
    for path in old.directory.rglob("*.epoch.*.key"):
        shutil.copy(path, now.directory / path.parent.name)
    before = sorted(path.name for path in now.directory.rglob("*.key"))
    with pytest.raises(UsageError, match="later epoch"):
        elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=now)
    assert sorted(path.name for path in now.directory.rglob("*.key")) == before
    missing = elsewhere.keys()
    assert missing.directory is not None
    (missing.directory / "gate" / "gate.ledger.key").unlink()
    with pytest.raises(KeyMissingError):
        elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=missing)
    assert not (tmp_path / "new").exists()


def test_a_log_that_was_altered_before_the_backup_is_not_restored(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    with small._roles.registry.transaction() as tx:
        head = small._ledger.head(tx.ledger_size() - 1, lambda _: bytes(32), small._now())  # of quite another log
        tx.keep_ledger_head(head)
    made = small.backup(elsewhere.backups, RECIPIENTS)
    with pytest.raises(DamagedStoreError, match="ledger is not what its signed head says"):
        elsewhere.restore(made.folder, tmp_path / "new", accept=True)
    assert not (tmp_path / "new").exists()


# Gone is gone


@pytest.fixture
def erased(small: Keep, made: BackupSet, elsewhere: Elsewhere, clock: MovedClock) -> dict[str, Path]:
    """What tells that ada was erased after the backup, and somebody of whom the backup knows nothing."""
    clock.forward(hours=1)
    receipt, bundle, registry = (elsewhere.folder / name for name in ("receipt", "bundle", "registry.db"))
    receipt.write_text(small.erase("ada").receipt)
    enrol(small, "eve")
    small.erase("eve")
    small.switch(Purpose.IDENTIFY, False)
    small.withdraw_consent("bob", Purpose.IDENTIFY)
    small.never_return("bob", b"bob/2", operator="op")
    clock.forward(hours=1)
    bundle.write_bytes(small.ledger_bundle())
    with small._roles.registry.copying() as copy:
        copy(registry)
    return {"receipt": receipt, "bundle": bundle, "registry": registry}


@pytest.mark.parametrize("what", ["receipt", "bundle", "registry"])
def test_who_was_erased_after_the_backup_stays_erased(
    what: str, made: BackupSet, erased: dict[str, Path], elsewhere: Elsewhere, tmp_path: Path
) -> None:
    keys, clock = elsewhere.keys(), elsewhere.clock
    if what == "receipt":  # it tells of one person, and not that there were no others
        with pytest.raises(UsageError, match=r"2027-03-01T12:00:00\.000Z, the time of the backup, is not known"):
            elsewhere.restore(made.folder, tmp_path / "new", since=[erased[what]], keys=keys)
        assert not (tmp_path / "new").exists()
    done = elsewhere.restore(made.folder, tmp_path / "new", since=[erased[what]], keys=keys, accept=what == "receipt")
    assert (done.erased, done.people, done.references) == (1, 1, 1)
    assert done.withdrawn == (2 if what == "registry" else 0)
    assert done.known_until == (None if what == "receipt" else clock.now)
    with opened(tmp_path / "new", keys, clock) as again:
        assert labels(again) == {"bob"}
        assert not again.verify("ada", b"ada/2", operator="op").verified
        assert len(again._roles.left) == len(again._roles.right) == 1
        report = verify(again.ledger_bundle(), VerifierKey.read(again.ledger_key))
        told = [entry for _, entry in sorted(report.opened.items()) if entry["kind"] in ("erased", "restored")]
        assert [entry["kind"] for entry in told] == ["erased", "restored"]
        assert told[1]["erased"] == "1"
        assert again.switches()[Purpose.IDENTIFY] is (what == "receipt")
        bob = again.subject("bob")
        held = {consent.purpose for consent in bob.consents if consent.holds}
        assert (Purpose.IDENTIFY in held, bob.never_returned) == (what != "registry", what == "registry")
        enrol(again, "ada")  # somebody who consents anew is somebody new
        assert again.verify("ada", b"ada/2", operator="op").verified


def _registry_of(keep: Keep, path: Path) -> Path:
    with keep._roles.registry.copying() as copy:
        copy(path)
    return path


def test_a_registry_that_survived_tells_of_all_that_ended(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock
) -> None:
    small.give_consent("bob", Purpose.IDENTIFY, "Another notice.")  # two hold to one purpose
    clock.forward(minutes=1)
    small.enrol("bob", [b"mallory"], purposes=BOTH, notice=NOTICE, operator="op")
    small.set_retention(
        [RetentionRule("old", Basis.CASE_ENDED, None, 9), RetentionRule("same", Basis.CASE_ENDED, None, 9)]
    )
    assert small.verify("bob", b"mallory/2", operator="op").verified
    made, keys = small.backup(elsewhere.backups, RECIPIENTS), elsewhere.keys()
    clock.forward(days=1)
    small.remove_reference("bob", small.references("bob")[-1].id)
    small.withdraw_consent("bob", Purpose.IDENTIFY)
    small.never_return("bob", b"bob/2", operator="op")
    small.remove_retention("old")
    rules = (RetentionRule("new", Basis.LAST_CONTACT, None, 40), RetentionRule("same", Basis.CASE_ENDED, None, 9))
    assert small.set_retention(rules[:1]) == rules
    small.set_consent_rules(ConsentRules(age_required=True))
    survived = _registry_of(small, tmp_path / "registry.db")
    clock.forward(days=29)
    done = elsewhere.restore(made.folder, tmp_path / "new", since=[survived], keys=keys)
    assert (done.erased, done.withdrawn, done.removed, done.references) == (0, 3, 1, 2)
    with opened(tmp_path / "new", keys, clock) as again:
        assert not again.verify("bob", b"mallory/2", operator="op").verified
        assert again.verify("ada", b"ada/2", operator="op").verified
        assert again.retention_rules() == rules
        assert again.consent_rules().age_required
        assert again.subject("bob").purposes == (Purpose.VERIFY,)
        entries = verify(again.ledger_bundle(), VerifierKey.read(again.ledger_key)).opened
        told = [entry for _, entry in sorted(entries.items()) if entry.get("by") == "restore"]
        assert [entry["kind"] for entry in told] == ["consent-rules-set", "retention-removed", "retention-set"]
        own = verify(again.ledger_bundle_of("bob"), VerifierKey.read(again.ledger_key)).opened
        told = [entry for _, entry in sorted(own.items()) if entry.get("by") == "restore"]
        assert [entry["kind"] for entry in told] == ["consent-withdrawn", "never-return-joined", "reference-removed"]
        clock.forward(days=11)  # none of it was contact: bob was there 41 days ago, and ada now
        assert [going.label for going in again.retention_plan(0)] == ["bob"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_several_files_the_newest_is_right_and_every_erasure_counts(
    newest_first: bool, small: Keep, made: BackupSet, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    keys, clock = elsewhere.keys(), elsewhere.clock
    clock.forward(hours=1)
    small.switch(Purpose.PAYMENT, not small.switches()[Purpose.PAYMENT])
    small.withdraw_consent("bob", Purpose.VERIFY)
    old = [_registry_of(small, tmp_path / "old.db"), tmp_path / "old bundle"]
    old[1].write_bytes(small.ledger_bundle())
    small.switch(Purpose.PAYMENT, not small.switches()[Purpose.PAYMENT])
    small.withdraw_consent("bob", Purpose.IDENTIFY)
    new = [_registry_of(small, tmp_path / "new.db"), tmp_path / "receipt"]
    new[1].write_text(small.erase("ada").receipt)
    done = elsewhere.restore(
        made.folder, tmp_path / "new", since=[*new, *old] if newest_first else [*old, *new], keys=keys
    )
    assert (done.erased, done.withdrawn) == (1, 2)
    with opened(tmp_path / "new", keys, clock) as again:
        assert labels(again) == {"bob"}
        assert again.subject("bob").purposes == ()
        assert again.switches() == small.switches()


def test_what_tells_of_erasures_has_to_be_true(
    made: BackupSet, erased: dict[str, Path], elsewhere: Elsewhere, tmp_path: Path
) -> None:
    keys, clock = elsewhere.keys(), elsewhere.clock
    false = tmp_path / "false"
    altered = erased["receipt"].read_text().replace('"references":"1"', '"references":"2"')
    with Keep.create(tmp_path / "other", clock=clock, threads=1) as other:
        enrol(other, "ada")
        receipt = other.erase("ada").receipt
        with other._roles.registry.copying() as copy:
            copy(tmp_path / "foreign.db")
    for text in (altered, "", "{}\n", receipt):
        false.write_text(text)
        with pytest.raises(BadInputError, match="not what the ledger of this keep signed"):
            elsewhere.restore(made.folder, tmp_path / "new", since=[false], keys=keys, accept=True)
    with pytest.raises(BadInputError, match="cannot be read"):
        elsewhere.restore(made.folder, tmp_path / "new", since=[tmp_path / "none"], keys=keys, accept=True)
    with pytest.raises(FacekeepError):
        elsewhere.restore(made.folder, tmp_path / "new", since=[tmp_path / "foreign.db"], keys=keys, accept=True)
    assert not (tmp_path / "new").exists()


def test_a_bundle_from_before_the_backup_says_nothing_of_later(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock
) -> None:
    (tmp_path / "old").write_bytes(small.ledger_bundle())
    made = small.backup(elsewhere.backups, RECIPIENTS)
    with pytest.raises(UsageError, match="is not known"):
        elsewhere.restore(made.folder, tmp_path / "new", since=[tmp_path / "old"])


def test_a_bundle_of_another_future_is_refused(
    small: Keep, elsewhere: Elsewhere, tmp_path: Path, clock: MovedClock
) -> None:
    made, keys = small.backup(elsewhere.backups, RECIPIENTS), elsewhere.keys()
    elsewhere.restore(made.folder, tmp_path / "new", accept=True, keys=keys)
    small.close()
    clock.forward(minutes=1)
    with opened(tmp_path / "new", keys, clock) as again:
        clock.forward(minutes=1)
        second = again.backup(elsewhere.backups, RECIPIENTS)
    with Keep.open(elsewhere.keep, clock=clock, threads=1) as first:
        for _ in range(3):
            first.switch(Purpose.PAYMENT, True)
        (tmp_path / "bundle").write_bytes(first.ledger_bundle())
    with pytest.raises(BadInputError, match="none of the backup's continuations"):
        elsewhere.restore(second.folder, tmp_path / "third", since=[tmp_path / "bundle"])


# Old sets


def test_sets_that_nobody_may_or_can_use_are_pruned(small: Keep, elsewhere: Elsewhere, clock: MovedClock) -> None:
    elsewhere.backups.mkdir()
    foreign = elsewhere.backups / "facekeep-00000000-20270301T100000Z"
    foreign.mkdir()
    (elsewhere.backups / "notes").write_text("mine")
    first = small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    shutil.copytree(first.folder, first.folder.with_name(f"{first.folder.name}.part"))
    clock.forward(hours=1)
    second = small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert (second.removed, first.folder.exists()) == (0, True)
    assert not list(elsewhere.backups.glob("*.part"))
    clock.forward(hours=1)
    small.erase("ada")
    clock.forward(hours=1)
    third = small.backup(elsewhere.backups, RECIPIENTS)
    assert (third.removed, first.folder.exists()) == (0, True)
    clock.forward(hours=1)
    fourth = small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert fourth.removed == 2
    assert third.folder.exists()
    clock.forward(hours=1)
    small.refresh()
    clock.forward(hours=1)
    fifth = small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert fifth.removed == 2
    assert {path.name for path in elsewhere.backups.iterdir()} == {"notes", foreign.name, fifth.folder.name}


def test_a_served_keep_makes_them_by_itself(small: Keep, elsewhere: Elsewhere, clock: MovedClock) -> None:
    plan = BackupPlan.of(elsewhere.backups, timedelta(hours=24), RECIPIENTS)
    outcomes: list[BackupSet | FacekeepError] = []
    told = threading.Semaphore(0)

    def tell(outcome: BackupSet | FacekeepError) -> None:
        outcomes.append(outcome)
        told.release()

    with RecurringBackups(small, plan, told=tell, look=0.01):
        assert told.acquire(timeout=20)
        assert not small.backup_is_due(elsewhere.backups, plan.every)
        small.erase("ada")  # the set that holds her is replaced, once it is an hour old
        clock.forward(minutes=59)
        assert not small.backup_is_due(elsewhere.backups, plan.every)
        clock.forward(minutes=2)
        assert told.acquire(timeout=20)
        clock.forward(hours=24)
        assert told.acquire(timeout=20)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [BackupSet, BackupSet, BackupSet]
    assert [outcome.removed for outcome in outcomes if isinstance(outcome, BackupSet)] == [0, 1, 0]
    with pytest.raises(UsageError, match="given up"):  # nobody begins another while it ends
        small.backup(elsewhere.backups, RECIPIENTS)


def test_a_clock_that_was_ahead_once_stops_no_backups_and_keeps_nobody(
    small: Keep, elsewhere: Elsewhere, clock: MovedClock
) -> None:
    day, now = timedelta(hours=24), clock.now
    clock.forward(days=300)
    ahead = small.backup(elsewhere.backups, RECIPIENTS)
    clock.now = now
    assert small.backup_is_due(elsewhere.backups, day)
    small.erase("ada")
    clock.forward(minutes=1)
    made = small.backup(elsewhere.backups, RECIPIENTS, prune=True)
    assert (made.removed, ahead.folder.exists(), made.folder.exists()) == (1, False, True)
    assert not small.backup_is_due(elsewhere.backups, day)


def test_a_backup_that_fails_is_told_and_tried_again(small: Keep, elsewhere: Elsewhere) -> None:
    told = threading.Semaphore(0)
    outcomes: list[BackupSet | FacekeepError] = []

    def tell(outcome: BackupSet | FacekeepError) -> None:
        outcomes.append(outcome)
        told.release()

    elsewhere.backups.write_text("a file")
    plan = BackupPlan.of(elsewhere.backups, timedelta(hours=1), RECIPIENTS)
    with RecurringBackups(small, plan, told=tell, look=0.01):
        assert told.acquire(timeout=20)
        elsewhere.backups.unlink()
        while not isinstance(outcomes[-1], BackupSet):
            assert told.acquire(timeout=20)
    assert isinstance(outcomes[0], BadInputError)
    with pytest.raises(UsageError):
        BackupPlan.of(elsewhere.backups, timedelta(hours=1), {})

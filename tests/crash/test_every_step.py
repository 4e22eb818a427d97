"""A crash after every single step of every write: what each would leave on the disk opens, and is old or new, whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.row import RowFlag
from facekeep.errors import DamagedStoreError, UsageError
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.service import keep_life
from facekeep.service.keep import Keep
from facekeep.split.half import Half
from facekeep.split.left import LeftHalf
from facekeep.split.right import RightHalf
from facekeep.store.database import Database
from facekeep.store.half_file import HalfFile
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.registry import Registry
from tests.crash.faces import InventedFaces

BOTH = (Purpose.VERIFY, Purpose.IDENTIFY)
NOTICE = "Your face opens this door."

State = tuple[Any, ...]
Operation = Callable[[Keep], object]


def _enrol(keep: Keep, label: str) -> object:
    return keep.enrol(label, [label.encode()], purposes=BOTH, notice=NOTICE, operator="op")


OPERATIONS: dict[str, Operation] = {
    "enrol": lambda keep: _enrol(keep, "eve"),
    "erase": lambda keep: keep.erase("ada"),
    "withdraw": lambda keep: keep.withdraw_consent("ada", Purpose.IDENTIFY),
    "give": lambda keep: keep.give_consent("ada", Purpose.ATTENDANCE, NOTICE),
    "switch": lambda keep: keep.switch(Purpose.IDENTIFY, False),
    "never_return": lambda keep: keep.never_return("anon", b"ada/3", operator="op"),
    "refresh": lambda keep: keep.refresh(),
    "rotate": lambda keep: keep.rotate(),
}


@pytest.fixture(autouse=True)
def _faces(monkeypatch: pytest.MonkeyPatch, pack: ModelPack) -> None:
    model = next(spec.sha256 for spec in pack.models if spec.role is ModelRole.EMBEDDING)
    monkeypatch.setattr(keep_life, "_acquisition", lambda *_: InventedFaces(model))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Keep.create(tmp_path / "keep", threads=1) as keep:
        _enrol(keep, "ada")
        _enrol(keep, "bob")
    return tmp_path / "keep"


def _state(keep: Keep) -> State:
    """What is promised of a keep; raises if the three stores do not say the same."""
    keep.check()
    registry, left, right = keep._roles.registry, keep._roles.left, keep._roles.right
    assert registry.journal() == ()
    assert left.staged() == right.staged() == []
    people = []
    for person in keep.subjects():
        subject = keep._rights.subject(person.label).id
        references = registry.references_of(subject)
        heads = [left.head_of(r.pseudonym) for r in references]
        assert heads == [right.head_of(r.pseudonym) for r in references]
        marks = tuple((head.purposes, head.flags) for head in heads if head is not None)
        people.append((person.label, person.purposes, marks, keep.subject(person.label).never_returned))
    both = tuple(half._rules.purposes for half in (cast("Half", left), cast("Half", right)))
    assert both[0] == both[1]
    assert left.epoch == right.epoch
    return tuple(sorted(people)), tuple(sorted(keep.switches().items())), both[0]


def _digest(folder: Path) -> bytes:
    every = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith("-shm"):
            every.update(str(path.relative_to(folder)).encode() + b"\x00" + path.read_bytes())
    return every.digest()


class Watch:
    """Copies a folder, as a crash would leave it, around every step that changes the disk."""

    def __init__(self, folder: Path, copies: Path) -> None:
        self._folder, self._copies = folder, copies
        self._seen: set[bytes] = set()
        self._active = False
        self._lock = threading.Lock()  # the halves are asked from two threads
        self.taken: list[Path] = []

    def __enter__(self) -> None:
        self._active = True

    def __exit__(self, *_: object) -> None:
        self.look()
        self._active = False

    def look(self) -> None:
        with self._lock:
            if self._active and self._folder.is_dir() and (digest := _digest(self._folder)) not in self._seen:
                self._seen.add(digest)
                self.taken.append(Path(shutil.copytree(self._folder, self._copies / f"{len(self.taken)}")))

    def step(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **more: Any) -> Any:
            self.look()
            try:
                return done(*args, **more)
            finally:
                self.look()

        return watched

    def writing(self, done: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def watched(*args: Any) -> Iterator[Any]:
            with done(*args) as value:
                yield value
            self.look()

        return watched


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watching = Watch(tmp_path / "keep", tmp_path / "copies")
    with monkeypatch.context() as patch:
        for name in ("fsync", "fdatasync", "unlink", "replace", "rename", "ftruncate"):
            patch.setattr(os, name, watching.step(getattr(os, name)))
        patch.setattr(HalfFile, "writing", watching.writing(HalfFile.writing))
        patch.setattr(Database, "writing", watching.writing(Database.writing))
        yield watching


def _check_promises(keep: Keep, folder: Path) -> None:
    """What holds at every moment, be an operation done or not."""
    registry, left = keep._roles.registry, keep._roles.left
    assert registry.epoch > left.epoch, "the registry stayed behind in a refresh"
    for role in ("registry", "left", "right"):
        assert len(list((folder / "keys" / role).glob(f"{role}.epoch.*"))) == 1, role
    if registry.subject_by_label("anon") is not None:
        hidden = keep._roles.left.head_of(registry.references_of(keep._rights.subject("ada").id)[0].pseudonym)
        assert hidden is not None
        assert hidden.flags & RowFlag.SUPPRESSED


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_crash_at_any_step_leaves_the_old_or_the_new(folder: Path, watch: Watch, name: str) -> None:
    with Keep.open(folder, threads=1) as keep:
        old = _state(keep)
        with watch:
            OPERATIONS[name](keep)
        new = _state(keep)
    assert len(watch.taken) > 3
    seen_new = False
    for copy in watch.taken:
        with Keep.open(copy, threads=1) as keep:
            found = _state(keep)
            if name != "never_return":  # which is several transactions: see _check_promises
                assert found in (old, new), copy.name
                assert found == new or not seen_new, copy.name
            seen_new = seen_new or found == new != old
            _check_promises(keep, copy)
            assert copy != watch.taken[-1] or found == new
            assert keep.verify("bob", b"bob/2", operator="op").verified
            _enrol(keep, "later")
            keep.check()


def test_a_crash_while_a_keep_is_made_leaves_a_keep_or_none(tmp_path: Path, watch: Watch) -> None:
    with watch:
        Keep.create(tmp_path / "keep", threads=1).close()
    opened = 0
    for copy in watch.taken:
        if (copy / "keep.toml").exists():
            with Keep.open(copy, threads=1) as keep:
                _state(keep)
            opened += 1
        else:
            with pytest.raises(UsageError, match="no keep"):
                Keep.open(copy, threads=1)
    assert 0 < opened < len(watch.taken)


class _Failing:
    """Lets one call of several fail, before or after it did its work: a full disk, or Ctrl-C."""

    def __init__(self, at: int, error: BaseException, *, late: bool) -> None:
        self.calls, self.at, self.error, self.late = 0, at, error, late

    def around(self, done: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **more: Any) -> Any:
            self.calls += 1
            now = self.calls == self.at
            if now and not self.late:
                raise self.error
            value = done(*args, **more)
            if now:
                raise self.error
            return value

        return called

    def transaction(self, done: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def called(*args: Any) -> Iterator[Any]:
            self.calls += 1
            now = self.calls == self.at
            with done(*args) as value:
                yield value
                if now and not self.late:
                    raise self.error
            if now:
                raise self.error

        return called


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_keep_lives_on_after_any_step_failed(folder: Path, name: str) -> None:
    """Nothing is undone once it was decided, and nothing stays in memory that is not in the stores.

    Each step fails once, by turns before and after it did its work; each in both ways takes the long test.
    """
    _let_every_step_fail(folder, name, lambda at: at % 2 == 0)


@pytest.mark.extended
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_keep_lives_on_after_any_step_failed_in_either_way(folder: Path, name: str, late: bool) -> None:
    _let_every_step_fail(folder, name, lambda _: late)


def _let_every_step_fail(folder: Path, name: str, is_late: Callable[[int], bool]) -> None:
    """Do an operation again and again on copies of a keep, and let one more of its steps pass each time."""
    with Keep.open(Path(shutil.copytree(folder, folder.with_name("new"))), threads=1) as keep:
        OPERATIONS[name](keep)
        new = _state(keep)
    at = 0
    while True:
        at += 1
        copy = Path(shutil.copytree(folder, folder.with_name(f"{name}-{at}")))
        late = is_late(at)
        error = KeyboardInterrupt() if late else DamagedStoreError("the disk is full", store="test")
        failing = _Failing(at, error, late=late)
        with Keep.open(copy, threads=1) as keep:
            old = _state(keep)
            keep.open_case("case", operator="op")
            with pytest.MonkeyPatch.context() as patch:
                for kind in (LeftHalf, RightHalf):
                    for method in ("stage_enrol", "stage_erase", "stage_marks", "stage_switch", "stage_refresh"):
                        patch.setattr(kind, method, failing.around(getattr(kind, method)))
                for method in ("begin_epoch", "finish_epoch"):
                    patch.setattr(Registry, method, failing.around(getattr(Registry, method)))
                patch.setattr(SqliteHalfStore, "reseal", failing.around(SqliteHalfStore.reseal))
                patch.setattr(HalfFile, "scrub", failing.around(HalfFile.scrub))
                patch.setattr(FileHalfLog, "append_many", failing.around(FileHalfLog.append_many))
                patch.setattr(HalfFile, "writing", failing.transaction(HalfFile.writing))
                patch.setattr(Database, "writing", failing.transaction(Database.writing))
                failed = False
                try:
                    OPERATIONS[name](keep)
                except (DamagedStoreError, KeyboardInterrupt):
                    failed = True
            found = _state(keep)
            assert found in (old, new) or name == "never_return", at
            assert failed or found == new
            assert keep.verify("bob", b"bob/2", operator="op").verified
            if keep.switches()[Purpose.IDENTIFY]:
                candidates = keep.identify(b"bob/2", operator="op", case="case").candidates
                assert [candidate.label for candidate in candidates] == ["bob"]
            _check_promises(keep, copy)
        with Keep.open(copy, threads=1) as keep:
            assert _state(keep) == found
        if not failed:
            assert failing.calls < at
            return
        shutil.rmtree(copy)

"""The gate's store of evidence: what is put can be had, and what is destroyed is destroyed in every copy."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from facekeep.domain.review import PictureRole, ReviewId
from facekeep.domain.review_evidence import BLOCK_BYTES, SHARE_BYTES, WRAPPED_BYTES, SealedPicture, StoredPicture
from facekeep.domain.reviewer import ReviewerKeyId, key_id
from facekeep.errors import DamagedStoreError, GoneError, KeyMissingError, NotFoundError, UsageError
from facekeep.service.review_sealing import open_with, seal
from facekeep.store import evidence
from facekeep.store.evidence import EvidenceStore
from facekeep.store.evidence_keys import Bucket
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keys import MemoryKeyProvider

NOW = datetime(2026, 11, 27, 9, 12, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 30, 9, tzinfo=UTC)
LATER = DEADLINE + timedelta(hours=72)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
ANNA, BEN, CARA = (X25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
EVERYBODY = (ANNA, BEN, CARA)
ONE, TWO, THREE = (ReviewId(bytes([number]) * 16) for number in (17, 34, 51))


def public(key: X25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def of(key: X25519PrivateKey) -> ReviewerKeyId:
    return key_id(public(key))


def picture(
    review: ReviewId,
    index: int = 0,
    people: Sequence[X25519PrivateKey] = EVERYBODY,
    role: PictureRole = PictureRole.PROBE,
) -> SealedPicture:
    return seal(review, index, PNG + bytes([index]), [public(key) for key in people], role=role)


def random_picture(index: int, recipients: int = 5, blocks: int = 2) -> SealedPicture:
    """Of the right sizes, sealed to nobody: quick."""
    wraps = {ReviewerKeyId(os.urandom(16)): os.urandom(WRAPPED_BYTES) for _ in range(recipients)}
    return SealedPicture(
        index, PictureRole.PROBE, os.urandom(blocks * BLOCK_BYTES + 16), os.urandom(SHARE_BYTES), wraps
    )


def opened(review: ReviewId, stored: StoredPicture, key: X25519PrivateKey) -> bytes:
    return open_with(key, review, stored.index, sealed=stored.sealed, share=stored.share, wrapped=stored.wrapped)


def opens(store: EvidenceStore, review: ReviewId, key: X25519PrivateKey) -> list[bytes]:
    return [opened(review, stored, key) for stored in store.read(review, of(key))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "keep").mkdir()
    return tmp_path / "keep" / "evidence" / "evidence.db"


@pytest.fixture
def keys(path: Path) -> FileKeyProvider:
    return FileKeyProvider(path.parent.parent / "keys")


@pytest.fixture
def store(path: Path, keys: FileKeyProvider) -> Iterator[EvidenceStore]:
    with EvidenceStore(path, keys) as made:
        yield made


class Thief:
    """Copies the file, with its log, again and again; with the keys of whatever moment he opens any of his copies."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder, self._copies = path, folder, 0

    def copy(self) -> Path:
        self._copies += 1
        place = self._folder / f"stolen{self._copies}"
        shutil.copytree(self._path.parent, place)
        return place

    def has(self, copy: Path, *keys: FileKeyProvider) -> list[bytes]:
        """What he opens of a copy with these keys of the service and with the private keys of all recipients."""
        held = MemoryKeyProvider()
        for provider in keys:
            for name in set(provider.names()) - set(held.names()):
                held.put(name, provider.get(name))
        mine = self._folder / f"open{self._copies}"
        shutil.rmtree(mine, ignore_errors=True)
        shutil.copytree(copy, mine)
        found = []
        with EvidenceStore(mine / self._path.name, held) as store:
            for review in store.reviews():
                for key in EVERYBODY:
                    try:
                        found += opens(store, review, key)
                    except (NotFoundError, DamagedStoreError):
                        continue
        return found


@pytest.fixture
def thief(path: Path, tmp_path: Path) -> Thief:
    return Thief(path, tmp_path)


def test_nothing_is_made_before_it_is_needed(path: Path, store: EvidenceStore, keys: FileKeyProvider) -> None:
    store.destroy(ONE)
    store.check()
    assert store.expire(NOW) == store.reviews() == store.drop_wraps(of(ANNA)) == frozenset()
    for call in (
        lambda: store.read(ONE, of(ANNA)),
        lambda: store.add(ONE, picture(ONE)),
        lambda: store.reseal_until(ONE, LATER),
    ):
        with pytest.raises(GoneError):
            call()
    assert not path.parent.exists()
    assert keys.names() == ()


def test_what_was_put_is_there_for_those_it_was_sealed_to(
    path: Path, store: EvidenceStore, keys: FileKeyProvider
) -> None:
    reference = picture(ONE, 3, [ANNA], PictureRole.REFERENCE)
    store.put(ONE, DEADLINE, [picture(ONE, 1, [ANNA, BEN]), reference])
    store.put(TWO, DEADLINE, [picture(TWO, people=[BEN])])
    for again in range(2):
        assert opens(store, ONE, ANNA) == [PNG + b"\1", PNG + b"\3"]
        assert opens(store, ONE, BEN) == [PNG + b"\1"]
        assert store.reviews() == {ONE, TWO}
        found = {stored.index: stored.role for stored in store.read(ONE, of(ANNA))}
        assert found == {1: PictureRole.PROBE, 3: PictureRole.REFERENCE}
        for review, key in ((ONE, CARA), (TWO, ANNA)):
            with pytest.raises(NotFoundError) as caught:
                store.read(review, of(key))
            assert not isinstance(caught.value, GoneError)
        store.check()
        assert keys.names() == (Bucket(int(DEADLINE.timestamp() // 3600)).name,)
        if not again:
            store.close()
            store = EvidenceStore(path, keys)
    store.close()


def test_only_the_owner_can_read_it(path: Path, store: EvidenceStore) -> None:
    before = os.umask(0)
    try:
        store.put(ONE, DEADLINE, [picture(ONE)])
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in [path.parent, *path.parent.iterdir()]}
    assert modes.pop("evidence") == 0o700
    assert set(modes.values()) == {0o600}


def test_pictures_are_added_and_belong_to_the_others(store: EvidenceStore) -> None:
    store.put(ONE, DEADLINE, [picture(ONE)])
    store.add(ONE, picture(ONE, 1, [BEN], PictureRole.REFERENCE))
    assert opens(store, ONE, BEN) == [PNG + b"\0", PNG + b"\1"]
    with pytest.raises(ValueError, match="number"):
        store.add(ONE, picture(ONE, 1))
    with pytest.raises(GoneError):
        store.add(TWO, picture(TWO))
    assert store.expire(DEADLINE) == {ONE}


def test_what_makes_no_sense_is_refused(store: EvidenceStore) -> None:
    for deadline in (DEADLINE + timedelta(minutes=1), DEADLINE.replace(tzinfo=None), datetime(1969, 1, 1, tzinfo=UTC)):
        with pytest.raises(ValueError, match=r"full hour|time zone"):
            store.put(ONE, deadline, [picture(ONE)])
    for pictures in ([], [picture(ONE), picture(ONE)]):
        with pytest.raises(ValueError, match="number"):
            store.put(ONE, DEADLINE, pictures)
    store.put(ONE, DEADLINE, [picture(ONE)])
    with pytest.raises(UsageError):
        store.put(ONE, DEADLINE, [picture(ONE)])


def test_after_its_hour_no_copy_opens(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.put(ONE, DEADLINE, [picture(ONE)])
    store.put(TWO, DEADLINE + timedelta(hours=1), [picture(TWO, people=[BEN])])
    before = thief.copy()
    assert len(thief.has(before, keys)) == 4  # and the thief can read
    assert store.expire(DEADLINE - timedelta(seconds=1)) == frozenset()
    assert store.expire(DEADLINE) == {ONE}
    with pytest.raises(GoneError):
        store.read(ONE, of(ANNA))
    assert store.reviews() == {TWO}
    assert thief.has(before, keys) == [PNG + b"\0"]  # of TWO
    assert store.expire(DEADLINE + timedelta(days=9)) == {TWO}
    assert keys.names() == ()
    for copy in (before, thief.copy()):
        assert thief.has(copy, keys) == []


def test_after_its_destruction_no_copy_opens(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.put(ONE, DEADLINE, [picture(ONE), picture(ONE, 1)])
    store.put(TWO, DEADLINE, [picture(TWO, people=[BEN])])
    before = thief.copy()
    store.destroy(ONE)
    store.destroy(ONE)
    assert opens(store, TWO, BEN) == [PNG + b"\0"]
    # His copy holds both, under a key that is gone; the present file holds the other alone.
    assert thief.has(before, keys) == []
    assert thief.has(thief.copy(), keys) == [PNG + b"\0"]
    store.destroy(TWO)
    assert keys.names() == ()
    store.put(ONE, DEADLINE, [picture(ONE)])
    assert thief.has(before, keys) == []


def test_nothing_lingers_in_the_file_or_its_log(path: Path, store: EvidenceStore) -> None:
    sealed = picture(ONE)
    store.put(ONE, DEADLINE, [sealed])
    store.put(TWO, DEADLINE, [picture(TWO)])
    with closing(sqlite3.connect(path)) as raw:
        (outer,) = raw.execute("SELECT outer FROM outers WHERE review = ?", (ONE,)).fetchone()
    raw_bytes = [bytes(outer[at : at + 64]) for at in range(0, len(outer) - 64, 4096)]
    everything = b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))
    assert any(part in everything for part in raw_bytes)
    store.destroy(ONE)
    everything = b"".join(each.read_bytes() for each in sorted(path.parent.iterdir()))
    assert not any(part in everything for part in (*raw_bytes, ONE))


def test_a_revoked_key_opens_nothing_in_any_copy(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.put(ONE, DEADLINE, [picture(ONE, people=[ANNA, BEN]), picture(ONE, 1, [BEN])])
    store.put(TWO, LATER, [picture(TWO, people=[ANNA])])
    store.put(THREE, DEADLINE, [picture(THREE, people=[CARA])])
    before = thief.copy()
    assert store.drop_wraps(of(ANNA)) == {ONE, TWO}
    assert store.drop_wraps(of(ANNA)) == frozenset()
    for review in (ONE, TWO):
        with pytest.raises(NotFoundError):
            store.read(review, of(ANNA))
    assert opens(store, ONE, BEN) == [PNG + b"\0", PNG + b"\1"]
    assert opens(store, THREE, CARA) == [PNG + b"\0"]
    # Not the old wraps either, together with the new file: they were sealed in the old one.
    assert thief.has(before, keys) == []
    assert len(thief.has(thief.copy(), keys)) == 3
    store.check()


def test_an_outer_layer_is_sealed_anew_and_nothing_inside(path: Path, store: EvidenceStore) -> None:
    store.put(ONE, DEADLINE, [picture(ONE)])
    (before,), inner = _outers(path), store.read(ONE, of(BEN))
    store.drop_wraps(of(ANNA))
    (after,) = _outers(path)
    assert before != after
    assert store.read(ONE, of(BEN)) == inner


def test_who_is_recused_loses_one_review(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.put(ONE, DEADLINE, [picture(ONE)])
    store.put(TWO, DEADLINE, [picture(TWO, people=[ANNA])])
    before = thief.copy()
    store.drop_wrap(ONE, of(ANNA))
    store.drop_wrap(THREE, of(ANNA))
    with pytest.raises(NotFoundError):
        store.read(ONE, of(ANNA))
    assert opens(store, TWO, ANNA) == opens(store, ONE, BEN) == [PNG + b"\0"]
    assert thief.has(before, keys) == []


def test_an_appeal_moves_the_end(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.put(ONE, DEADLINE, [picture(ONE), picture(ONE, 1, [BEN])])
    store.put(TWO, DEADLINE, [picture(TWO)])
    before = thief.copy()
    store.reseal_until(ONE, LATER)
    assert store.expire(DEADLINE) == {TWO}
    assert opens(store, ONE, BEN) == [PNG + b"\0", PNG + b"\1"]
    assert thief.has(before, keys) == []
    with pytest.raises(GoneError):
        store.reseal_until(TWO, LATER)
    assert store.expire(LATER) == {ONE}
    assert keys.names() == ()


def test_after_an_appeal_no_copy_from_before_opens(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    """Not even while the hour is still to come at which the review was to end, and others end then."""
    store.put(ONE, DEADLINE, [picture(ONE)])
    store.put(TWO, DEADLINE, [picture(TWO, people=[BEN])])
    before = thief.copy()
    store.reseal_until(ONE, LATER)
    assert thief.has(before, keys) == []
    store.destroy(ONE)
    assert thief.has(before, keys) == []
    assert opens(store, TWO, BEN) == [PNG + b"\0"]
    store.reseal_until(TWO, DEADLINE)
    assert opens(store, TWO, BEN) == [PNG + b"\0"]


def test_one_picture_is_destroyed_alone(store: EvidenceStore, keys: FileKeyProvider, thief: Thief) -> None:
    store.remove(ONE, 1)
    store.put(ONE, DEADLINE, [picture(ONE, people=[BEN]), picture(ONE, 1)])
    before = thief.copy()
    store.remove(ONE, 1)
    store.remove(ONE, 1)
    assert opens(store, ONE, BEN) == [PNG + b"\0"]
    assert thief.has(before, keys) == []
    store.add(ONE, picture(ONE, 1, [ANNA]))
    assert opens(store, ONE, ANNA) == [PNG + b"\1"]


def test_to_destroy_what_is_gone_writes_nothing_but_what_was_left_to_do(
    store: EvidenceStore, keys: FileKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for review in (ONE, TWO, THREE):
        store.put(review, DEADLINE, [picture(review)])
    names = keys.names()
    store.destroy(ReviewId(bytes(16)))
    assert store.expire(NOW) == frozenset()
    assert keys.names() == names  # nothing was sealed anew
    store.destroy(ONE, TWO)
    assert [Bucket(int(DEADLINE.timestamp() // 3600), 1).name] == list(keys.names())  # one turn for both
    with monkeypatch.context() as patch:
        patch.setattr(EvidenceStore, "_clear", crash)
        with pytest.raises(CrashError):
            store.destroy(THREE)
    assert keys.names() != ()
    store.destroy(THREE)
    assert keys.names() == ()


def crash(*_: object, **__: object) -> None:
    raise CrashError


class CrashError(Exception):
    """The power went."""


@pytest.mark.parametrize(
    ("what", "where"), tuple(product(("destroy", "drop", "expire", "reseal", "put"), ("before-commit", "before-keys")))
)
def test_a_crash_leaves_nothing_that_opens_too_much(
    path: Path, thief: Thief, monkeypatch: pytest.MonkeyPatch, what: str, where: str
) -> None:
    """Either nothing happened but a key that no row names, or all did but the destruction of the old key."""
    keys = FileKeyProvider(path.parent.parent / "keys")
    store = EvidenceStore(path, keys)
    store.put(ONE, DEADLINE, [picture(ONE)])
    store.put(TWO, DEADLINE, [picture(TWO)])
    before, names = thief.copy(), keys.names()
    calls = {
        "destroy": lambda: store.destroy(ONE),
        "drop": lambda: store.drop_wraps(of(ANNA)),
        "expire": lambda: store.expire(DEADLINE),
        "reseal": lambda: store.reseal_until(ONE, LATER),
        "put": lambda: store.put(THREE, LATER, [picture(THREE)]),
    }

    with monkeypatch.context() as patch:
        if where == "before-keys":
            patch.setattr(EvidenceStore, "_clear", crash)
        elif what in ("destroy", "drop"):
            patch.setattr(EvidenceStore, "_turn", crash)
        elif what == "expire":
            patch.setattr(evidence, "delete_rows", crash)
        else:
            patch.setattr(evidence, "insert_row" if what == "put" else "renew_row", crash)
        if (what, where) == ("put", "before-keys"):
            calls[what]()  # it ends nothing
        else:
            with pytest.raises(CrashError):
                calls[what]()
    store.close()
    with EvidenceStore(path, keys) as store:
        if where == "before-commit" and what != "expire":
            # Undone, whole, and no key of it is left.
            assert keys.names() == names
            assert opens(store, ONE, ANNA) == opens(store, TWO, ANNA) == [PNG + b"\0"]
        if what == "expire":
            assert thief.has(before, keys) == []
            assert store.expire(DEADLINE) == ({ONE, TWO} if where == "before-commit" else frozenset())
            assert keys.names() == ()
        elif where == "before-keys" and what in ("destroy", "drop"):
            assert thief.has(before, keys) == []
            assert len(keys.names()) == 1
        store.check()
        if where == "before-commit" and what != "expire":
            calls[what]()


def test_a_file_that_a_crash_left_empty_is_made_anew(path: Path, keys: FileKeyProvider) -> None:
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    keys.put("gate.evidence.12", bytes(32))
    keys.put("gate.evidence.12.3", bytes(32))
    with EvidenceStore(path, keys) as store:
        assert keys.names() == ()
        store.put(ONE, DEADLINE, [picture(ONE)])


def test_keys_of_others_are_left_alone(path: Path, keys: FileKeyProvider) -> None:
    others = ("gate.desk", "gate.evidence", "gate.evidence.x", "gate.evidence.1.0", "gate.sign", "left.epoch.3")
    for name in others:
        keys.put(name, bytes(32))
    with EvidenceStore(path, keys) as store:
        store.put(ONE, DEADLINE, [picture(ONE)])
        store.expire(LATER)
    assert keys.names() == tuple(sorted(others))


def _outers(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as raw:
        return [row[0] for row in raw.execute("SELECT outer FROM outers ORDER BY review, item")]


@pytest.mark.parametrize("change", ["keys", "wraps", "outer", "missing"])
def test_what_was_altered_does_not_open_and_holds_up_nothing(path: Path, store: EvidenceStore, change: str) -> None:
    for review in (ONE, TWO):
        store.put(review, DEADLINE, [picture(review)])
    with closing(sqlite3.connect(path)) as raw, raw:
        if change in ("keys", "wraps"):
            (cell,) = raw.execute(f"SELECT {change} FROM pictures WHERE review = ?", (ONE,)).fetchone()
            raw.execute(f"UPDATE pictures SET {change} = ? WHERE review = ?", (cell[:-1] + bytes([cell[-1] ^ 1]), ONE))
        elif change == "outer":
            raw.execute("UPDATE outers SET outer = zeroblob(99) WHERE review = ?", (ONE,))
        else:
            raw.execute("DELETE FROM outers WHERE review = ?", (ONE,))
    for call in (lambda: store.read(ONE, of(ANNA)), store.check, lambda: store.drop_wraps(of(ANNA))):
        with pytest.raises(DamagedStoreError) as caught:
            call()
        assert caught.value.store == "evidence"
    # From what does open the key was taken away all the same.
    with pytest.raises(NotFoundError):
        store.read(TWO, of(ANNA))
    assert opens(store, TWO, BEN) == [PNG + b"\0"]
    store.destroy(TWO)
    assert store.reviews() == {ONE}
    assert store.expire(DEADLINE) == {ONE}


def test_rows_that_were_exchanged_do_not_open(path: Path, store: EvidenceStore) -> None:
    for review in (ONE, TWO):
        store.put(review, DEADLINE, [picture(review)])
    with closing(sqlite3.connect(path)) as raw, raw:
        for old, new in ((ONE, THREE), (TWO, ONE), (THREE, TWO)):
            for table in ("pictures", "outers"):
                raw.execute(f"UPDATE {table} SET review = ? WHERE review = ?", (new, old))
    with pytest.raises(DamagedStoreError):
        store.read(ONE, of(ANNA))


@pytest.mark.parametrize("hour", [-1, 1 << 40])
def test_a_row_of_no_hour_is_told(path: Path, keys: FileKeyProvider, hour: int) -> None:
    with EvidenceStore(path, keys) as store:
        store.put(ONE, DEADLINE, [picture(ONE)])
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE pictures SET hour = ?", (hour,))
    if hour < 0:
        with pytest.raises(DamagedStoreError):
            EvidenceStore(path, keys)
    else:
        with EvidenceStore(path, keys) as store, pytest.raises(GoneError):
            store.read(ONE, of(ANNA))


def test_another_file_and_a_newer_one_are_refused(path: Path, keys: FileKeyProvider) -> None:
    EvidenceStore(path, keys).close()
    with EvidenceStore(path, keys) as store:
        store.put(ONE, DEADLINE, [picture(ONE)])
    for statement in ("PRAGMA user_version = 2", "PRAGMA application_id = 7"):
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute(statement)
        with pytest.raises(DamagedStoreError, match="something else"):
            EvidenceStore(path, keys)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DamagedStoreError, match="evidence") as caught:
        EvidenceStore(path, keys)
    assert "no backup" in caught.value.hint
    assert keys.names() != ()  # nothing is destroyed for a file that cannot be read


def test_a_key_that_cannot_be_read_stops_a_revocation(store: EvidenceStore, keys: FileKeyProvider, path: Path) -> None:
    """Or it would seem to have happened."""
    store.put(ONE, DEADLINE, [picture(ONE)])
    (key,) = (path.parent.parent / "keys" / "gate").iterdir()
    key.chmod(0o640)
    for call in (lambda: store.drop_wraps(of(ANNA)), lambda: store.read(ONE, of(ANNA))):
        with pytest.raises(KeyMissingError):
            call()
    key.chmod(0o600)
    assert store.drop_wraps(of(ANNA)) == {ONE}
    keys.delete(keys.names()[0])
    keys.put(Bucket(int(DEADLINE.timestamp() // 3600), 1).name, bytes(40))
    with pytest.raises(KeyMissingError, match="does not open"):
        store.read(ONE, of(BEN))


def test_sizes_tell_little(path: Path, store: EvidenceStore) -> None:
    """Of a picture in steps of 16 KiB, of the number of people in steps of 16."""
    store.put(ONE, DEADLINE, [picture(ONE, people=[ANNA]), picture(ONE, 1)])
    store.put(TWO, DEADLINE, [random_picture(0, recipients=16), random_picture(1, recipients=17)])
    with closing(sqlite3.connect(path)) as raw:
        sizes = raw.execute("SELECT length(keys), length(wraps) FROM pictures ORDER BY review, item").fetchall()
        assert raw.execute("SELECT max(length(outer)) FROM outers WHERE review = ?", (ONE,)).fetchone() == (
            BLOCK_BYTES + 16 + 28,
        )
        readable = b"".join(bytes(value) for row in raw.execute("SELECT keys, wraps FROM pictures") for value in row)
    assert len(set(sizes[:3])) == 1 < len(set(sizes))
    assert not any(of(key) in readable for key in EVERYBODY)


def test_a_thousand_pictures_are_put_and_expired(tmp_path: Path) -> None:
    """250 reviews over three days: seconds, even where each write is awaited."""
    keys = FileKeyProvider(tmp_path / "keys")
    random = [random_picture(index, blocks=1) for index in range(4)]
    with EvidenceStore(tmp_path / "evidence" / "evidence.db", keys) as store:
        for number in range(250):
            store.put(ReviewId(number.to_bytes(16, "big")), DEADLINE + timedelta(hours=number % 72), random)
        assert len(keys.names()) == 72
        assert len(store.expire(DEADLINE + timedelta(hours=35))) == 142
        assert len(store.drop_wraps(next(iter(random[0].wraps)))) == 108
        assert len(store.expire(DEADLINE + timedelta(hours=72))) == 108
        assert keys.names() == ()

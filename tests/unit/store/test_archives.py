"""Archives: read as they were written, by who has the identity; everything else is refused and told apart."""

from __future__ import annotations

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.backups import FILES, Manifest
from facekeep.errors import BadInputError, DamagedStoreError, FacekeepError, UsageError
from facekeep.store.archives import Identities, Recipients, describe, new_identity, read_archive, write_archive

TEXT, RECIPIENT = new_identity()
OURS, THEIRS = Identities(TEXT), Identities(new_identity()[0])
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
CONTENTS = {"half.db": os.urandom(100_000), "half.log": b"FKLOG"}


def archived(folder: Path, contents: dict[str, bytes] = CONTENTS, store: str = "left") -> tuple[Path, Manifest]:
    files = {name: folder / name for name in contents}
    for name, content in contents.items():
        files[name].write_bytes(content)
    described = tuple(describe(files[name], name) for name in FILES[store])
    manifest = Manifest(store, "ab" * 16, "cd" * 32, 7, 2, NOW, NOW, "head", described)
    write_archive(folder / "archive.age", manifest, files, Recipients([RECIPIENT]))
    return folder / "archive.age", manifest


def forged(path: Path, plaintext: bytes) -> Path:
    """What anybody can make: recipients are public."""
    path.write_bytes(pyrage.encrypt(plaintext, [pyrage.x25519.Recipient.from_str(RECIPIENT)]))
    return path


@pytest.mark.parametrize("sizes", [(0, 0), (1, 511), (512, 513), (65_536, 200_000)])
def test_what_was_written_is_read(tmp_path: Path, sizes: tuple[int, int]) -> None:
    contents = dict(zip(FILES["left"], map(os.urandom, sizes), strict=True))
    path, manifest = archived(tmp_path, contents)
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "into").mkdir()
    assert read_archive(path, OURS, "left", tmp_path / "into") == manifest
    for name, content in contents.items():
        assert (tmp_path / "into" / name).read_bytes() == content
        assert (tmp_path / "into" / name).stat().st_mode & 0o777 == 0o600


def test_who_has_the_identity_reads_it_without_this_program(tmp_path: Path) -> None:
    path, manifest = archived(tmp_path)
    plaintext = pyrage.decrypt(path.read_bytes(), list(OURS.keys))
    with tarfile.open(fileobj=io.BytesIO(plaintext)) as tar:
        assert tar.getnames() == ["manifest.json", "half.db", "half.log"]
        member = tar.extractfile("half.db")
        assert member is not None
        assert member.read() == CONTENTS["half.db"]
    assert manifest.written in plaintext


def test_another_identity_another_store_and_no_archive_are_told_apart(tmp_path: Path) -> None:
    path, _ = archived(tmp_path)
    (tmp_path / "into").mkdir()
    with pytest.raises(BadInputError, match="left half does not open"):
        read_archive(path, THEIRS, "left", tmp_path / "into")
    with pytest.raises(DamagedStoreError, match="swapped: it is that of the left half"):
        read_archive(path, OURS, "right", tmp_path / "into")
    with pytest.raises(BadInputError, match="not there"):
        read_archive(tmp_path / "none", OURS, "right", tmp_path / "into")
    (tmp_path / "text").write_text("something else")
    with pytest.raises(BadInputError, match="does not open"):
        read_archive(tmp_path / "text", OURS, "right", tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(place=st.one_of(st.integers(0, 100_000), st.integers(0, 300)), bit=st.integers(0, 7), how=st.integers(0, 2))
def test_no_bit_can_be_changed_and_no_byte_cut_or_added(
    place: int, bit: int, how: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    path, _ = archived(folder)
    whole = path.read_bytes()
    flipped = whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
    path.write_bytes([flipped, whole[:place], whole + whole[place : place + 1]][how])
    (folder / "into").mkdir()
    with pytest.raises((BadInputError, DamagedStoreError)):
        read_archive(path, OURS, "left", folder / "into")


def test_what_a_stranger_encrypted_for_us_is_compared_byte_by_byte(tmp_path: Path) -> None:
    path, manifest = archived(tmp_path)
    plaintext = pyrage.decrypt(path.read_bytes(), list(OURS.keys))
    text = manifest.written
    other = text.replace(b'"generation":7', b'"generation": 7')
    places = {
        "a name": plaintext.replace(b"half.db\0", b"../evil\0", 1),
        "a link": plaintext[:156] + b"2" + plaintext[157:],
        "an owner": plaintext[:108] + b"0000777" + plaintext[115:],
        "the padding": plaintext[: 512 + len(text)] + b"x" + plaintext[513 + len(text) :],
        "a content": plaintext.replace(CONTENTS["half.db"], CONTENTS["half.db"][:-1] + b"x"),
        "the end": plaintext + bytes(512),
        "too short": plaintext[:-1],
        "nothing": b"",
        "another way of writing": plaintext.replace(text + b"\0", other, 1),
        "another version": plaintext.replace(b"facekeep-backup-1", b"facekeep-backup-2"),
        "no tar": b"x" * 2048,
    }
    for number, (what, changed) in enumerate(places.items()):
        assert changed != plaintext, what
        (into := tmp_path / str(number)).mkdir()
        with pytest.raises(DamagedStoreError):
            read_archive(forged(tmp_path / "forged.age", changed), OURS, "left", into)
        assert not (tmp_path / "evil").exists()


# Identities are made anew in each process, and a test goes by one name in all of them.
@pytest.mark.parametrize(
    "text",
    ["", "age1xyz", "ssh-ed25519 AAAA", TEXT.splitlines()[1], RECIPIENT[:-1]],
    ids=["nothing", "short", "ssh", "identity", "cut"],
)
def test_what_is_no_recipient_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Recipients([RECIPIENT, text])
    assert not text or text not in str(refused.value) + refused.value.hint


@pytest.mark.parametrize(
    "text",
    ["", "# nothing", RECIPIENT, "AGE-SECRET-KEY-1XYZ", TEXT + "more"],
    ids=["nothing", "comment", "recipient", "short", "more"],
)
def test_what_is_no_identity_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Identities(text)
    assert "XYZ" not in str(refused.value)
    with pytest.raises(UsageError):
        Recipients([])


@pytest.mark.parametrize(
    "change",
    [
        {"store": "middle"},
        {"keep": "AB" * 16},
        {"model": ""},
        {"generation": -1},
        {"epoch": True},
        {"made": datetime(2027, 3, 1)},  # noqa: DTZ001
        {"files": ()},
        {"more": 1},
    ],
)
def test_a_manifest_that_says_something_else_is_none(change: dict[str, object], tmp_path: Path) -> None:
    _, manifest = archived(tmp_path)
    values = {name: getattr(manifest, name) for name in manifest.__slots__} | change
    with pytest.raises((ValueError, TypeError)):
        Manifest(**values)
    assert Manifest.read(manifest.written) == manifest
    for text in (b"", b"[]", b"{}", manifest.written + b" ", b'{"format":"facekeep-backup-1"}', b"[" * 10_000):
        with pytest.raises(ValueError, match=r"."):
            Manifest.read(text)


def test_a_disk_that_fails_is_no_archive_that_is_damaged(tmp_path: Path) -> None:
    path, _ = archived(tmp_path)
    with pytest.raises(OSError, match="No such file") as failed:
        read_archive(path, OURS, "left", tmp_path / "absent")
    assert not isinstance(failed.value, FacekeepError)

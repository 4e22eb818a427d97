"""Operators' keys on the command line: made, registered, used, revoked; and what the desk may sign for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, new_keep

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, notice: Path, pictures: Path) -> Path:
    return new_keep(tmp_path_factory.mktemp("signing"), notice, pictures, "obama")


def _key(run: Run, folder: Path, name: str) -> str:
    made = run("operator", "key", folder / name, "--json")
    assert made.code == 0, made
    key: str = made.document["key"]
    return key


def test_a_key_is_made_where_it_is_used(run: Run, tmp_path: Path) -> None:
    key = _key(run, tmp_path, "anna.key")
    assert (tmp_path / "anna.key").stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" in (tmp_path / "anna.key").read_text()
    assert "PRIVATE" not in (tmp_path / "anna.key.pub").read_text()
    assert len(key) == 32
    assert run("operator", "key", tmp_path / "anna.key").code == 2
    (tmp_path / "other.key.pub").write_text("mine")
    assert run("operator", "key", tmp_path / "other.key").code == 2
    assert not (tmp_path / "other.key").exists()
    assert (tmp_path / "other.key.pub").read_text() == "mine"


def test_an_operator_signs_by_a_key_of_their_own(run: Run, keep: Path, pictures: Path, tmp_path: Path) -> None:
    key = _key(run, tmp_path, "anna.key")
    at = ("--keep", keep)
    verify = ("verify", "obama", pictures / "obama2.jpg", *at, "--operator", "anna")
    assert run(*verify, "--key", tmp_path / "anna.key").code == 3  # not registered yet
    add = ("operator", "add", "anna", "--public", tmp_path / "anna.key.pub", "--purpose", "verify", *at)
    added = run(*add, "--json")
    assert (added.code, added.document["key"], added.document["purposes"]) == (0, key, ["verify"])
    assert run(*verify, "--key", tmp_path / "anna.key").code == 0
    assert run(*verify[:-1], "berta", "--key", tmp_path / "anna.key").code == 3  # it is anna's
    assert run(*verify).code == 0  # the desk signs too

    listed = run("operator", "list", *at, "--json").document["keys"]
    assert [each["key"] for each in listed][1:] == [key]
    assert [each["operator"] for each in listed][:1] == [""]
    assert run("operator", "list", *at, "--of", "anna", "--json").document["keys"] == listed[1:]
    assert run("operator", "list", *at, "--of", "berta", "--json").document["keys"] == []

    assert run("operator", "desk", "--nothing", *at).code == 0
    refused = run(*verify, "--json")
    assert (refused.code, json.loads(refused.out)["error"]) == (3, "TicketError")
    assert "facekeep operator" in json.loads(refused.out)["hint"]
    assert run(*verify, "--key", tmp_path / "anna.key").code == 0
    enrol = ("enrol", "biden", pictures / "biden.jpg", "--consent", "verify", "--notice", tmp_path / "notice.txt", *at)
    (tmp_path / "notice.txt").write_text("a notice")
    assert run(*enrol).code == 0
    assert run("operator", "desk", "--purpose", "verify", *at).code == 0
    assert run(*verify).code == 0

    assert run("operator", "revoke", key, *at).code == 0
    assert run("operator", "revoke", key, *at).code == 1
    assert run(*verify, "--key", tmp_path / "anna.key").code == 3


def test_what_cannot_be_is_refused(run: Run, keep: Path, tmp_path: Path) -> None:
    _key(run, tmp_path, "anna.key")
    at, public = ("--keep", keep), tmp_path / "anna.key.pub"
    add = ("operator", "add", "anna", *at, "--public")
    assert run(*add, public, "--purpose", "emotion").code == 2
    assert run(*add, public, "--purpose", "verify", "--days", "367").code == 2
    assert run(*add, public, "--purpose", "verify", "--rp", "faces.example").code == 4
    assert run(*add, tmp_path / "absent", "--purpose", "verify").code == 4
    assert run(*add, tmp_path / "anna.key", "--purpose", "verify").code == 4  # the private one
    assert run("operator", "desk", *at).code == 2
    assert run("operator", "desk", "--nothing", "--purpose", "verify", *at).code == 2
    desk = run("operator", "list", *at, "--json").document["keys"][0]["key"]
    assert run("operator", "revoke", desk, *at).code == 2
    (tmp_path / "anna.key").chmod(0o644)
    loose = run("verify", "obama", public, *at, "--key", tmp_path / "anna.key", "--json")
    assert (loose.code, json.loads(loose.out)["message"]) == (4, "others may read the operator's key")

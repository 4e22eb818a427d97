"""Backups by the command line: made, lost, restored; and whoever was erased since stays erased."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, clean_environment

Run = Callable[..., Ran]
STORES = ("registry", "left", "right")


@pytest.fixture
def mine(keep: Path, tmp_path: Path) -> Path:
    """A keep with two people, of this test alone."""
    return Path(shutil.copytree(keep, tmp_path / "mine"))


@pytest.fixture
def recipients(run: Run, tmp_path: Path) -> list[str]:
    """Options that name a recipient for each store; the identities are in files beside."""
    options = []
    for store in STORES:
        made = run("backup-identity", tmp_path / f"{store}.id", "--json")
        assert made.code == 0
        options += [f"--recipient-{store}", made.document["recipient"]]
    return options


def identities(folder: Path) -> list[str]:
    return [part for store in STORES for part in (f"--identity-{store}", str(folder / f"{store}.id"))]


def test_a_lost_keep_is_restored_without_whom_was_erased(
    run: Run, mine: Path, recipients: list[str], tmp_path: Path, pictures: Path
) -> None:
    made = run("backup", tmp_path / "backups", *recipients, "--prune", "--keep", mine, "--json")
    assert (made.code, made.document["removed"]) == (0, 0)
    folder = Path(made.document["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["left.age", "registry.age", "right.age"]
    assert [made.document["archives"][store]["bytes"] > 1000 for store in STORES] == [True] * 3
    shutil.copytree(mine / "keys", tmp_path / "keys")
    assert run("erase", "obama", "--yes", "--receipt", tmp_path / "receipt", "--keep", mine).code == 0
    assert run("audit", "export", tmp_path / "bundle", "--keep", mine).code == 0
    shutil.rmtree(mine)

    asked = ["restore", folder, tmp_path / "new", "--keys", tmp_path / "keys", *identities(tmp_path)]
    unknown = run(*asked, "--erased-since", tmp_path / "receipt")
    assert (unknown.code, "--accept-unknown-erasures" in unknown.error) == (2, True)
    assert "the time of the backup, is not known" in unknown.error
    assert not (tmp_path / "new").exists()
    done = run(*asked, "--erased-since", tmp_path / "bundle")
    assert (done.code, done.error) == (0, "")
    assert "1 people, 1 references" in done.out
    assert "Erased anew, since they were erased after the backup: 1." in done.out
    assert "facekeep refresh" in done.out
    people = run("list", "--keep", tmp_path / "new", "--json").document["people"]
    assert [person["label"] for person in people] == ["biden"]
    for label, code in (("biden", 0), ("obama", 1)):
        assert run("verify", label, pictures / f"{label}.jpg", "--keep", tmp_path / "new").code == code
    # Once more, over what is there now, it is not restored.
    assert run(*asked, "--erased-since", tmp_path / "bundle").code == 2
    assert run("refresh", "--keep", tmp_path / "new").code == 0
    assert run("doctor", "--deep", "--keep", tmp_path / "new", "--json").document["status"]["people"] == 1
    asked[2] = tmp_path / "again"
    dead = run(*asked, "--accept-unknown-erasures")
    assert (dead.code, "destroyed by a refresh" in dead.error) == (5, True)
    shown = json.dumps([done.out, unknown.error, dead.error])
    assert not [secret for secret in ("AGE-SECRET", "obama", str(tmp_path)) if secret in shown]


def test_what_is_refused_and_with_which_exit_code(run: Run, mine: Path, recipients: list[str], tmp_path: Path) -> None:
    to = tmp_path / "backups"
    same = [*recipients[:-1], recipients[1]]
    (tmp_path / "list").write_text(f"# ours\n{recipients[1]}\n\n{recipients[3]}\n", encoding="ascii")
    refused = [
        (same, "two stores have the same recipient"),
        (recipients[:4], "has no recipient"),
        ([*recipients[:-1], tmp_path / "list"], "two stores have the same recipient"),
        ([*recipients[:-1], tmp_path / "none"], "neither one of age nor a file"),
        ([*recipients[:-1], "age1x"], "not one of age"),
        ([*recipients[:-1], tmp_path / "left.id"], "not one of age"),
    ]
    for options, said in refused:
        ran = run("backup", to, *options, "--keep", mine)
        assert (ran.code, said in ran.error, "AGE-SECRET" in ran.error) == (2, True, False), ran
    assert run("backup", mine / "backups", *recipients, "--keep", mine).code == 4
    assert run("backup-identity", tmp_path / "left.id").code == 2
    assert not to.exists()

    folder = Path(run("backup", to, *recipients, "--keep", mine, "--json").document["folder"])
    shutil.copytree(mine / "keys", tmp_path / "keys")
    asked = ["restore", folder, tmp_path / "new", "--keys", tmp_path / "keys", "--accept-unknown-erasures"]
    mixed = identities(tmp_path)
    mixed[1], mixed[3] = mixed[3], mixed[1]
    (tmp_path / "left.id").chmod(0o644)
    for options, code, said in (
        (mixed[:4], 2, "others may read the file of an identity"),
        (identities(tmp_path)[:2], 2, "no identity was given for: left, right"),
        ([*identities(tmp_path)[:2], "--identity-left", tmp_path / "none"], 4, "cannot be read"),
    ):
        ran = run(*asked, *options)
        assert (ran.code, said in ran.error) == (code, True), ran
    (tmp_path / "left.id").chmod(0o600)
    assert run(*asked, *mixed).code == 4
    (folder / "right.age").write_bytes((folder / "right.age").read_bytes()[:-1])
    cut = run(*asked, *identities(tmp_path), "--json")
    assert (cut.code, cut.document["error"], cut.document["store"]) == (5, "DamagedStoreError", "right")
    assert not (tmp_path / "new").exists()
    without = run("serve", *recipients, "--keep", mine)
    assert (without.code, "no folder" in without.error) == (2, True)


def test_a_role_on_a_host_of_its_own_is_backed_up_there(run: Run, recipients: list[str], tmp_path: Path) -> None:
    assert run("pair", "new", tmp_path / "right", "--role", "right", "--address", "localhost:8747").code == 0
    ran = run("backup", tmp_path / "backups", *recipients, "--keep", tmp_path / "right")
    assert (ran.code, "on several hosts" in ran.error, "docs/how-to/backup.md" in ran.error) == (2, True, True)


@pytest.mark.enable_socket
def test_a_served_keep_backs_itself_up(run: Run, mine: Path, recipients: list[str], tmp_path: Path) -> None:
    to = tmp_path / "backups"
    serving = subprocess.Popen(
        [sys.executable, "-m", "facekeep", *("serve", "--port", "0"), "--keep", mine, "--backup-to", to, *recipients],
        stderr=subprocess.PIPE,
        env=clean_environment(),
        text=True,
    )
    try:
        assert serving.stderr is not None
        told = next(json.loads(line) for line in serving.stderr if line.startswith("{"))
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=30)
    assert serving.returncode == 0
    assert told["event"] == "backed up"
    shutil.copytree(mine / "keys", tmp_path / "keys")
    asked = ["restore", to / told["folder"], tmp_path / "new", "--keys", tmp_path / "keys"]
    done = run(*asked, "--accept-unknown-erasures", *identities(tmp_path), "--json")
    assert (done.code, done.document["people"], done.document["erased"]) == (0, 2, 0)
    assert done.document["erasures_known_until"] is None

"""What only a process of its own shows: standard input, descriptors, passphrases, pipes that close."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import clean_environment, process

_LEFT, _RIGHT = "a passphrase for the left", "and one for the right"


def test_passphrases(tmp_path: Path) -> None:
    keep = str(tmp_path / "keep")
    halves = ["--passphrase-half", "left", "--passphrase-half", "right"]
    nobody = process(["init", keep, *halves, "--json"])
    assert (nobody.code, nobody.document["error"]) == (2, "UsageError")
    both = {"FACEKEEP_PASSPHRASE_LEFT": _LEFT, "FACEKEEP_PASSPHRASE_RIGHT": _RIGHT}
    short = process(["init", keep, *halves, "--json"], **{**both, "FACEKEEP_PASSPHRASE_LEFT": "short"})
    assert (short.code, short.document["error"]) == (2, "UsageError")
    made = process(["init", keep, *halves, "--json"], **both)
    assert made.code == 0, made
    assert "keys-in-files" not in {finding["code"] for finding in made.document["findings"]}
    wrong = process(["list", "--keep", keep, "--json"], **{**both, "FACEKEEP_PASSPHRASE_RIGHT": "this is not the one"})
    assert (wrong.code, wrong.document["error"]) == (5, "KeyMissingError")
    assert process(["list", "--keep", keep], **both).code == 0
    for path in (tmp_path / "keep").rglob("*"):
        if path.is_file():
            assert _RIGHT.encode() not in path.read_bytes()


def test_passphrases_from_a_descriptor(tmp_path: Path) -> None:
    keep = str(tmp_path / "keep")
    for arguments in (["init", keep, "--passphrase-half", "right", "--json"], ["list", "--keep", keep]):
        reading, writing = os.pipe()
        os.write(writing, f"{_RIGHT}\n".encode())
        os.close(writing)
        ran = subprocess.run(
            [sys.executable, "-m", "facekeep", *arguments],
            pass_fds=[reading],
            env=clean_environment(FACEKEEP_PASSPHRASE_FD=str(reading)),
            capture_output=True,
            check=False,
        )
        os.close(reading)
        assert ran.returncode == 0, ran


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m facekeep --help | true; echo ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, env=clean_environment(), check=True, text=True)
    assert "Traceback" not in ran.stderr


def test_a_picture_from_a_pipe(tmp_path: Path, notice: Path, pictures: Path) -> None:
    keep = str(tmp_path / "keep")
    assert process(["init", keep]).code == 0
    consent = ["--consent", "verify", "--notice", str(notice), "--keep", keep]
    assert process(["enrol", "obama", "-", *consent], stdin=(pictures / "obama.jpg").read_bytes()).code == 0
    ran = process(["verify", "obama", "-", "--keep", keep], stdin=(pictures / "obama2.jpg").read_bytes())
    assert ran.code == 0
    assert process(["verify", "obama", "-", "--keep", keep, "--json"], stdin=b"").code == 4

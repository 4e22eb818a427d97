"""kill -9 at any moment: what was acknowledged is there in three stores alike, the rest is finished or undone."""

from __future__ import annotations

import random
import selectors
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.service.keep import Keep


def _live_and_die(keep: Path, picture: Path, seed: int, choose: random.Random) -> list[tuple[str, ...]]:
    """Run a victim, kill it at a random moment of its work, give what it said."""
    command = [sys.executable, "-m", "tests.crash.victim", str(keep), str(picture), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as victim:
        assert victim.stdout is not None
        said = b""
        until = None
        with selectors.DefaultSelector() as waiting:
            waiting.register(victim.stdout, selectors.EVENT_READ)
            while True:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    break
                if not waiting.select(left):
                    break
                more = victim.stdout.read(65536)
                assert more, "the victim died by itself"
                said += more
                if until is None and said.startswith(b"open\n"):
                    until = time.monotonic() + choose.random() * 0.6
        victim.kill()
        said += victim.stdout.read()
    lines = said.decode().split("\n")[:-1]  # a line that was cut is no acknowledgement
    return [tuple(line.split(" ")) for line in lines[1:]]


def _expect(said: list[tuple[str, ...]], people: dict[str, bool], unsure: set[str]) -> None:
    """Follow what was acknowledged; ``people`` says of each whether IDENTIFY still holds."""
    unsure.clear()
    for state, what, label in said:
        if state == "begin":
            unsure.clear()
            if what in ("enrol", "erase", "withdraw"):
                unsure.add(label)
            continue
        unsure.clear()
        if what == "enrol":
            people[label] = True
        elif what == "erase":
            del people[label]
        elif what == "withdraw":
            people[label] = False


def _run(folder: Path, picture: Path, calibration: Path | None, lives: int) -> tuple[int, int]:
    choose = random.Random(2)
    keep = folder / "keep"
    Keep.create(keep, calibration=calibration).close()
    people: dict[str, bool] = {}
    operations = interrupted = 0
    for seed in range(lives):
        unsure: set[str] = set()
        said = _live_and_die(keep, picture, seed, choose)
        _expect(said, people, unsure)
        operations += sum(line[0] == "done" for line in said)
        interrupted += bool(said) and said[-1][0] == "begin"
        with Keep.open(keep) as opened:  # recovers, and holds the three stores against each other
            found = {person.label: Purpose.IDENTIFY in person.purposes for person in opened.subjects()}
            sure = {label: on for label, on in people.items() if label not in unsure}
            assert {label: on for label, on in found.items() if label not in unsure} == sure
            assert not opened._roles.registry.journal()
            assert not opened._roles.left.staged()
            assert not opened._roles.right.staged()
            if sure:
                label = choose.choice(sorted(sure))
                assert opened.verify(label, picture.read_bytes(), operator="test").verified
            people = found
    return operations, interrupted


def test_ten_kills_lose_nothing_acknowledged(tmp_path: Path, pictures: Path) -> None:
    operations, _ = _run(tmp_path, pictures / "obama.jpg", None, 10)
    assert operations > 0


@pytest.mark.extended
def test_two_hundred_kills_lose_nothing_acknowledged(tmp_path: Path, pictures: Path, record_property) -> None:
    operations, interrupted = _run(tmp_path, pictures / "obama.jpg", None, 200)
    record_property("operations", operations)
    record_property("interrupted", interrupted)
    sys.stdout.write(f"200 kills: {operations} operations acknowledged, {interrupted} interrupted\n")
    assert operations > 200
    assert interrupted > 50

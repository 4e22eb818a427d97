"""A half whose process is killed at random points keeps what it acknowledged, and never half a transaction."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keyfiles import FileKeyProvider

from . import half_victim as victim

KILLS = 25


def check(directory: Path, acknowledged: int) -> int:
    keys = FileKeyProvider(directory / "keys")
    with SqliteHalfStore.open(directory / "left.db", keys, side="left", keep_id=b"keep") as store:
        turn = store.generation
        assert acknowledged <= turn <= acknowledged + 1
        if turn:
            rows = {int.from_bytes(row.head.pseudonym, "big"): row for row in store.rows()}
            assert {rows[number].head.version for number in range(victim.ROWS)} == {turn}
            assert {rows[number].quick for number in range(victim.ROWS)} == {turn.to_bytes(32, "big")}
            assert set(rows) - set(range(victim.ROWS)) == {
                1000 + number for number in range(max(1, turn - 4), turn + 1)
            }
            assert store.state("turn") == turn.to_bytes(4, "big")
            deep = store.deep([rows[number].slot for number in range(victim.ROWS)])
            assert deep == [turn.to_bytes(64, "big")] * victim.ROWS
        assert store.epoch == turn // 5
        store.verify()
        for transaction in store.staged():
            store.abort(transaction)
        assert keys.names() == ("left", f"left.epoch.{turn // 5}")
        with FileHalfLog.open(directory / "left.log", keys, side="left", store_id=store.store_id) as log:
            records = list(log.replay())
            assert b"turn %d" % turn in records or not turn
            assert len(log) >= turn
        return turn


def test_killed_at_any_point(tmp_path: Path) -> None:
    keys = FileKeyProvider(tmp_path / "keys")
    with SqliteHalfStore.create(tmp_path / "left.db", keys, side="left", keep_id=b"keep") as store:
        FileHalfLog.create(tmp_path / "left.log", keys, side="left", store_id=store.store_id).close()
    dice, acknowledged = random.Random(20), 0
    for _ in range(KILLS):
        command = [sys.executable, victim.__file__, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(dice.randrange(1, 8)):
                acknowledged = int(process.stdout.readline())
            # It is anywhere in the transactions that follow: burn a random while, then end it.
            for _ in range(dice.randrange(60_000)):
                pass
            process.kill()
            for line in process.stdout.read().splitlines():
                acknowledged = int(line)
        acknowledged = check(tmp_path, acknowledged)
    assert acknowledged >= KILLS

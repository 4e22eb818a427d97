"""A process that writes transactions to a half until it is killed, telling each commit on standard output."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from facekeep.domain.row import Change, Pseudonym, PutRow, PutState, RemoveRow, RowHead, TransactionId
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keyfiles import FileKeyProvider

ROWS = 12


def row(pseudonym: int, turn: int) -> PutRow:
    """The row of a person as transaction ``turn`` writes it."""
    head = RowHead(Pseudonym(pseudonym.to_bytes(16, "big")), 0, turn, "all", 1)
    return PutRow(head, turn.to_bytes(32, "big"), turn.to_bytes(64, "big"))


def changes(turn: int) -> list[Change]:
    """What transaction ``turn`` does: rewrite the common rows, add one of its own, remove an old one."""
    made: list[Change] = [row(number, turn) for number in range(ROWS)]
    made += [row(1000 + turn, turn), RemoveRow(Pseudonym((1000 + turn - 5).to_bytes(16, "big")))]
    return [*made, PutState("turn", turn.to_bytes(4, "big"))]


def main(directory: Path) -> None:
    """Write until killed; every fifth transaction begins an epoch."""
    keys = FileKeyProvider(directory / "keys")
    store = SqliteHalfStore.open(directory / "left.db", keys, side="left", keep_id=b"keep")
    log = FileHalfLog.open(directory / "left.log", keys, side="left", store_id=store.store_id)
    while True:
        turn = store.generation + 1
        transaction = TransactionId(turn.to_bytes(16, "big"))
        log.append(b"turn %d" % turn, durable=True)
        if turn % 5:
            store.stage(transaction, changes(turn))
        else:
            old = range(max(1, turn - 4), turn)
            own = [row(1000 + number, turn) for number in (*old, turn)]
            states = [PutState("turn", turn.to_bytes(4, "big"))]
            everything: list[Change] = [*(row(number, turn) for number in range(ROWS)), *own, *states]
            store.stage(transaction, everything, new_epoch=True)
        store.commit(transaction)
        os.write(1, b"%d\n" % turn)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

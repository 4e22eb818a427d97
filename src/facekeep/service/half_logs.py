"""The logs of the halves, held against what the ledger has of them.

With its signed heads the ledger takes down how many records the log of each half has, and the head of their tree. A log
that was altered, cut or put in another order later does not lead to these heads any more, whoever sealed it anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from facekeep.errors import DamagedStoreError
from facekeep.split.log_tree import LogTree
from facekeep.split.messages import LogHead
from facekeep.split.roles import LOG_TOGETHER, HalfPort
from facekeep.store.view import View

__all__ = ["check_log", "commitments", "log_name", "noted_heads", "written_log_head"]


def commitments(half: HalfPort, size: int) -> Iterator[bytes]:
    """What stands for the first records of a half's log in its tree; fewer if it has not so many."""
    first = 0
    while first < size and (some := half.log_commitments(first, min(LOG_TOGETHER, size - first))):
        yield from some
        first += len(some)


def check_log(side: str, records: Iterable[bytes], noted: Sequence[LogHead]) -> None:
    """Hold the log of a half against heads that were taken down of it; takes time in proportion to the log.

    Args:
        side: ``left`` or ``right``.
        records: commitments of all its records, read to the end if nothing is wrong.
        noted: heads, in the order in which they were taken down.

    Raises:
        DamagedStoreError: the log is not the one that was. It says between which records it differs.
    """
    tree, good, records = LogTree(), 0, iter(records)
    for head in noted:
        tree.grow(islice(records, max(0, head.size - tree.size)))
        if tree.size < head.size:
            raise _damaged(side, f"has {tree.size} records, and had {head.size}")
        if tree.size > head.size or tree.root != head.root:
            raise _damaged(side, f"was rewritten: of its records {good} to {head.size - 1} one is another than it was")
        good = head.size
    for _ in records:
        pass


def log_name(side: str) -> str:
    """What the log of a half is called among those that are watched: no other has a plus in its name, as of keys."""
    return f"half+{side}"


def noted_heads(view: View, side: str) -> tuple[LogHead, ...]:
    """The heads of the log of a half that the ledger took down last, in their order."""
    log = view.watched_log(log_name(side))
    return () if log is None else tuple(_read_log_head(note) for note in log.notes)


def written_log_head(head: LogHead) -> str:
    """A head as it is taken down."""
    return f"{head.size} {head.root.hex()}"


def _read_log_head(text: str) -> LogHead:
    """A head that was taken down."""
    size, root = text.split(" ")
    return LogHead(int(size), bytes.fromhex(root))


def _damaged(side: str, what: str) -> DamagedStoreError:
    return DamagedStoreError(
        f"the log of the {side} half {what}", store=side, hint="Compare it with a backup of the time before."
    )

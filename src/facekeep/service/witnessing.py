"""What a witness does before it co-signs the head of another log: it sees whether the log only grew.

A witness remembers the heads that it co-signed. The branches of a forked log have in common the leaves before the first
difference, which lies between the newest remembered head that the log still grew from, and the next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeAlias

from facekeep.ledger_verifier import Fault, Head, VerifierKey, grew, read_head

__all__ = ["Prove", "examined"]

Prove: TypeAlias = "Callable[[int, int], Sequence[bytes]]"
"""Gives the log's proof of consistency from a smaller number of leaves to a larger one."""


def examined(note: str, key: VerifierKey, seen: Sequence[str], prove: Prove) -> tuple[Head | None, Fault | None]:
    """The head in a note, if the log grew to it from the newest that was seen; or what is wrong.

    Args:
        note: a head that the log gave.
        key: of the log, from elsewhere.
        seen: heads of this log that were seen before, in the order of their sizes.
        prove: asked for proofs.
    """
    try:
        head = read_head(note)
    except ValueError:
        return None, Fault("malformed", "what the log gave is no head")
    if head.origin != key.name or not head.is_signed_by(key):
        return None, Fault("unsigned", "the head is not signed by the log's key")
    known = [read_head(each) for each in seen]
    if known and head.size < known[-1].size:
        said = f"a head of {known[-1].size} leaves was seen, and {head.size} are there"
        return None, Fault("dropped", said, head.size, known[-1].size)
    if not known or _is_before(known[-1], head, prove):
        return head, None
    # Once a head is of the other branch, so are all that come after it.
    first = bisect_left(known, True, key=lambda one: not _is_before(one, head, prove))
    said = "a head was seen of which this log is no continuation"
    return None, Fault("forked", said, known[first - 1].size if first else 0, known[first].size)


def _is_before(old: Head, new: Head, prove: Prove) -> bool:
    if old.size == new.size:
        return old.root == new.root
    return old.size == 0 or grew(old, new, prove(old.size, new.size))

"""Counts of what is written under people's own keys, as they are published: once, by tens, and for ever the same.

What people's own entries say goes with these people. Counted anew after an erasure, a quarter would be short of what
the erased person did, and two reports would tell it by their difference. So when a quarter is over it is counted once,
and the ledger keeps the counts, rounded down to tens, as an entry about nobody. A report has them from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.service.facts import Quarter, ToldOf

__all__ = ["OWN_KINDS", "counted_entry", "counted_quarters", "quarters_between"]

OWN_KINDS: Final = frozenset(
    {
        EntryKind.VERIFIED,
        EntryKind.CONSENT_GIVEN,
        EntryKind.CONSENT_WITHDRAWN,
        EntryKind.NEVER_RETURN_JOINED,
        EntryKind.VIEWED,
        EntryKind.EXPORTED,
        EntryKind.APPEALED,
        EntryKind.APPEAL_ANSWERED,
        EntryKind.REVIEW_OPENED,
        EntryKind.REVIEW_VIEWED,
        EntryKind.REVIEW_DECIDED,
    }
)
"""What is published of people's own entries. What is of such a kind and about nobody known is counted with them."""
_NONE: Final = "-"


def counted_entry(quarter: Quarter, told: Mapping[ToldOf, int], now: datetime) -> LedgerEntry:
    """The entry that keeps the counts of a quarter that is over.

    Args:
        quarter: which.
        told: entries of people, counted; true counts, which do not leave this function.
        now: when.
    """
    counts = sorted(
        f"{of.kind} {of.purpose or _NONE} {of.outcome or _NONE} {count // 10 * 10}"
        for of, count in told.items()
        if of.quarter == quarter and of.kind in OWN_KINDS and count >= 10
    )
    return LedgerEntry(EntryKind.COUNTED, now, {"quarter": str(quarter), "counts": "; ".join(counts)})


def counted_quarters(entries: Iterable[tuple[int, LedgerEntry]]) -> Mapping[Quarter, Mapping[ToldOf, int]]:
    """The counts that the ledger keeps. Of two entries of a quarter the first is the one, by its leaf."""
    found: dict[Quarter, Mapping[ToldOf, int]] = {}
    for _, entry in sorted(entries, key=lambda one: one[0]):
        if entry.kind is EntryKind.COUNTED:
            quarter = Quarter.read(entry.facts["quarter"])
            found.setdefault(quarter, dict(_read(quarter, entry.facts["counts"])))
    return found


def quarters_between(first: Quarter, end: Quarter) -> tuple[Quarter, ...]:
    """Quarters from one to before another."""
    found: list[Quarter] = []
    while first < end:
        found.append(first)
        first = first.next
    return tuple(found)


def _read(quarter: Quarter, counts: str) -> Iterable[tuple[ToldOf, int]]:
    for line in filter(None, counts.split("; ")):
        kind, purpose, outcome, count = line.split(" ")
        known = ("" if said == _NONE else said for said in (purpose, outcome))
        yield ToldOf(EntryKind(kind), quarter, *known), int(count)

"""Which rows a half has, in memory: 28 bytes a row beside its codes; and the row set of a search.

The order of a row set is by pseudonym, which is random and known to both halves alike: slots differ between them and
tell nothing. Rows of people on "never return me" are left out here, before anything is permuted or compared.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Set
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym, RowFlag, RowHead
from facekeep.errors import UsageError
from facekeep.split.transcript import row_set_root

NEVER_RETURN_BIT = 1 << 7
"""Purpose bit of the rows of the list "never return me"; no other purpose reaches them, and they reach no other row."""

EVERY_ROW = 0xFF
"""In place of purpose bits: every row but those of that list. Whoever joins it is found under whatever purposes, also
where all consents were withdrawn, since a consent may be given again."""

_KEY = np.dtype([("high", ">u8"), ("low", ">u8"), ("epoch", ">u4"), ("version", ">u4")])
_MARK = np.dtype([("gallery", "<u2"), ("purposes", "u1"), ("flags", "u1")])
_CACHED_SETS = 4
_RUN = 4096
_GALLERIES_MAX = 65_535


@dataclass(frozen=True, slots=True)
class RowSet:
    """The rows that one search compares.

    Attributes:
        slots: ordered by pseudonym, int32.
        root: 32 bytes over (pseudonym, epoch, version) of them.
    """

    slots: NDArray[np.int32]
    root: bytes

    def __len__(self) -> int:
        return len(self.slots)


class RowTable:
    """The heads of all rows, by slot. Not safe for threads: the half holds its lock."""

    def __init__(self, capacity: int = 0) -> None:
        """An empty table with room for ``capacity`` rows."""
        self._keys = np.zeros(max(64, capacity), _KEY)
        self._marks = np.zeros(max(64, capacity), _MARK)
        self._galleries: list[str] = [""]  # index 0 marks a free slot
        self._gallery_numbers: dict[str, int] = {"": 0}
        self._order: NDArray[np.int32] | None = None
        self._sets: OrderedDict[tuple[str, int], RowSet] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, slot: int, head: RowHead) -> None:
        """Take a row in, in place of what the slot held."""
        if slot >= len(self._keys):
            # Not np.concatenate: it would turn the big-endian fields into native ones.
            size = max(slot + 1, len(self._keys) * 5 // 4)
            keys, marks = np.zeros(size, _KEY), np.zeros(size, _MARK)
            keys[: len(self._keys)] = self._keys
            marks[: len(self._marks)] = self._marks
            self._keys, self._marks = keys, marks
        self._count += self._marks["gallery"][slot] == 0
        self._keys[slot] = (
            int.from_bytes(head.pseudonym[:8], "big"),
            int.from_bytes(head.pseudonym[8:], "big"),
            head.epoch,
            head.version,
        )
        self._marks[slot] = (self._gallery_index(head.gallery), head.purposes, int(head.flags))
        self._sets.clear()
        self._order = None

    def remove(self, slot: int) -> None:
        """Forget the row in a slot."""
        self._count -= self._marks["gallery"][slot] != 0
        self._keys[slot] = 0
        self._marks[slot] = 0
        self._sets.clear()
        self._order = None

    def head(self, slot: int) -> RowHead:
        """The row in a slot."""
        key, mark = self._keys[slot], self._marks[slot]
        return RowHead(
            self.pseudonym(slot),
            int(key["epoch"]),
            int(key["version"]),
            self._galleries[int(mark["gallery"])],
            int(mark["purposes"]),
            RowFlag(int(mark["flags"])),
        )

    def key(self, slot: int) -> bytes:
        """Pseudonym ‖ epoch ‖ version of the row in a slot, as masks and roots take them, 24 bytes."""
        key: bytes = self._keys[slot].tobytes()
        return key

    def pseudonym(self, slot: int) -> Pseudonym:
        """The pseudonym of the row in a slot."""
        return Pseudonym(self.key(slot)[:16])

    def slots(self) -> NDArray[np.int32]:
        """The slots in use, rising."""
        return np.flatnonzero(self._marks["gallery"]).astype(np.int32)

    def row_set(self, gallery: str, purposes: int) -> RowSet:
        """The rows of a gallery ("" for all) with any of the purpose bits, less those that are never returned.

        In place of the bits may be ``EVERY_ROW``.

        The last few row sets are kept until a row changes: the root of a million rows takes longer than a search.
        """
        key = (gallery, purposes)
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = self._build(gallery, purposes)
            if len(self._sets) > _CACHED_SETS:
                self._sets.popitem(last=False)
        self._sets.move_to_end(key)
        return found

    def _build(self, gallery: str, purposes: int) -> RowSet:
        marks = self._marks
        fit = marks["purposes"] != NEVER_RETURN_BIT if purposes == EVERY_ROW else (marks["purposes"] & purposes) != 0
        chosen = fit & ((marks["flags"] & RowFlag.SUPPRESSED) == 0)
        if gallery:
            index = self._gallery_numbers.get(gallery)
            chosen &= False if index is None else marks["gallery"] == index
        else:
            chosen &= marks["gallery"] != 0
        ordered = self.ordered()
        chosen = chosen[ordered]
        slots = ordered if chosen.all() else ordered[chosen]
        return RowSet(slots, row_set_root(self._runs(slots)))

    def single(self, slot: int | None) -> RowSet:
        """The row set of a 1:1 comparison: one row, or none where the person is absent."""
        slots = np.asarray([] if slot is None else [slot], np.int32)
        return RowSet(slots, row_set_root(self._runs(slots)))

    def root(self) -> bytes:
        """A hash over every row with all its marks: equal in two halves that hold the same rows."""
        slots = self.ordered()
        marks = self._marks[slots]
        # Not by np.unique, whose first call loads masked arrays: longer than many a command takes for all the rest.
        used = sorted(self._galleries[number] for number in np.flatnonzero(np.bincount(marks["gallery"])))
        rank = np.zeros(len(self._galleries), "<u2")
        for place, name in enumerate(used):
            rank[self._gallery_numbers[name]] = place
        marks["gallery"] = rank[marks["gallery"]]
        listed = b"".join(len(name.encode()).to_bytes(1, "big") + name.encode() for name in used)
        label = b"facekeep/1/table\x00" + len(slots).to_bytes(8, "big")
        root = sha256(label)
        for run in self._runs(slots):
            root.update(run)
        root.update(marks.tobytes() + listed)
        return root.digest()

    def _runs(self, slots: NDArray[np.int32]) -> Iterator[bytes]:
        for start in range(0, len(slots), _RUN):
            yield self._keys[slots[start : start + _RUN]].tobytes()

    def ordered(self) -> NDArray[np.int32]:
        """All slots in use by pseudonym; kept, for sorting takes several times the memory of the order itself."""
        if self._order is None:
            self._order = self._sorted(self.slots())
        return self._order

    def _sorted(self, slots: NDArray[np.int32]) -> NDArray[np.int32]:
        high = self._keys["high"][slots].astype(np.uint64)
        order = np.argsort(high)
        ranked = high[order]
        if np.any(ranked[1:] == ranked[:-1]):  # two equal 64-bit halves: possible, though not by chance
            order = np.lexsort((self._keys["low"][slots].astype(np.uint64), high))
        return slots[order]

    def check_galleries(self, names: Set[str]) -> None:
        """Refuse rows whose galleries would be too many, before they are stored.

        Raises:
            UsageError: there would be more than 65,535 since the table was loaded.
        """
        if len(self._galleries) + len(names - self._gallery_numbers.keys()) > 1 + _GALLERIES_MAX:
            raise UsageError("a keep has at most 65,535 galleries", hint="Put rows into galleries that are there.")

    def _gallery_index(self, gallery: str) -> int:
        number = self._gallery_numbers.get(gallery)
        if number is None:
            self.check_galleries({gallery})
            number = len(self._galleries)
            self._galleries.append(gallery)
            self._gallery_numbers[gallery] = number
        return number

"""A row of one half of the split gallery, and the changes that a transaction makes to rows.

Invariants: a pseudonym is 16 random bytes, one per reference, the only name that both halves and the registry share;
a row of the left half carries a seed, one of the right half carries masked codes; neither tells anything of the face.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag
from typing import NewType

Pseudonym = NewType("Pseudonym", bytes)
TransactionId = NewType("TransactionId", bytes)

PSEUDONYM_BYTES = 16
TRANSACTION_BYTES = 16
GALLERY_BYTES_MAX = 64


class RowFlag(IntFlag):
    """Marks of a row, one byte. The values are part of the stored format."""

    NONE = 0
    SUPPRESSED = 1
    """The person joined "never return me": the row is left out of every 1:N row set."""


@dataclass(frozen=True, slots=True)
class RowHead:
    """What a half knows of a row besides its secret.

    Attributes:
        pseudonym: 16 bytes.
        epoch: number of the refresh that last wrote the row, 0 to 2³²−1.
        version: counts the writes of this row, 0 to 2³²−1. (pseudonym, epoch, version) never returns with another seed.
        gallery: the group it belongs to, 1 to 64 bytes of UTF-8.
        purposes: purpose bits (domain.consent.purpose_bits), 0 to 63.
        flags: marks.
    """

    pseudonym: Pseudonym
    epoch: int
    version: int
    gallery: str
    purposes: int
    flags: RowFlag = RowFlag.NONE

    def __post_init__(self) -> None:
        if len(self.pseudonym) != PSEUDONYM_BYTES:
            raise ValueError(f"a pseudonym has {PSEUDONYM_BYTES} bytes")
        if not 1 <= len(self.gallery.encode()) <= GALLERY_BYTES_MAX:
            raise ValueError(f"a gallery name has 1 to {GALLERY_BYTES_MAX} bytes")
        if not (0 <= self.epoch < 2**32 and 0 <= self.version < 2**32 and 0 <= self.purposes < 2**8):
            raise ValueError("epoch, version or purposes out of range")


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A committed row as it is loaded when a half opens.

    Attributes:
        slot: its place in the store and in memory; small, re-used after removal.
        head: see there.
        quick: the part needed for the coarse scan; left: the 32-byte seed; right: the masked coarse code, D bytes.
    """

    slot: int
    head: RowHead
    quick: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PutRow:
    """Write a row, new or in place of the one with the same pseudonym.

    Attributes:
        head: see there.
        quick: as in StoredRow.
        deep: the part read only for rows under comparison; left: empty; right: the masked fine code, 2·D bytes.
    """

    head: RowHead
    quick: bytes = field(repr=False)
    deep: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RemoveRow:
    """Remove a row and destroy its secret. A pseudonym that has no row is no error: it is gone as asked."""

    pseudonym: Pseudonym


@dataclass(frozen=True, slots=True)
class PutState:
    """Write a small named value of the half (its rules, its budgets), at most 16 MiB, in the same transaction."""

    name: str
    value: bytes = field(repr=False)


Change = PutRow | RemoveRow | PutState


@dataclass(frozen=True, slots=True)
class Applied:
    """What a commit did to one row; ``row`` is None where it was removed.

    Attributes:
        slot: the slot concerned.
        row: the row as it is now.
    """

    slot: int
    row: StoredRow | None

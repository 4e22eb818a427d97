"""The rows of evidence: tables, and what of a row is sealed under which key.

::

    pictures.keys   under the bucket's key: outer key (32 bytes) ‖ the server's share (32) ‖ role (1)
    pictures.wraps  under the outer key: count (2 bytes) ‖ (key identifier (16) ‖ wrapped share (80))…, padded
    outers.outer    under the outer key: the sealed picture

A sealed picture lies apart, so that its row is written once and not each time that the bucket's key is turned. Each
cell is AES-256-GCM-SIV with a random nonce before it; its additional data names table, review, number and column.
docs/reference/stores.md says what a thief learns: keep both in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeAlias

from sqlalchemy import Column, Integer, MetaData, Row, Table

from facekeep.domain.review import PictureRole
from facekeep.domain.review_evidence import KEY_ID_BYTES, SHARE_BYTES, WRAPPED_BYTES, SealedPicture
from facekeep.domain.reviewer import ReviewerKeyId
from facekeep.errors import DamagedStoreError
from facekeep.store.evidence_keys import STORE, Bucket
from facekeep.store.keys import new_key
from facekeep.store.sealing import KEY_BYTES, Sealer, cell_aad
from facekeep.store.tables import Blob

__all__ = ["APPLICATION_ID", "FORMAT", "AnyRow", "Held", "bucket_of", "metadata", "outers", "pictures", "turned_keys"]

FORMAT: Final = 1
"""Version of the file, kept in SQLite's ``user_version``."""
APPLICATION_ID: Final = 0x464B4531
"""“FKE1”, so that file(1) can tell it from other databases."""

AnyRow: TypeAlias = "Row[*tuple[Any, ...]]"

metadata: Final = MetaData()


def _row_id() -> tuple[Column[bytes], Column[int]]:
    return (
        Column("review", Blob, primary_key=True, nullable=False),
        Column("item", Integer, primary_key=True, autoincrement=False, nullable=False),
    )


pictures: Final = Table(
    "pictures",
    metadata,
    *_row_id(),
    Column("hour", Integer, nullable=False, index=True),
    Column("turn", Integer, nullable=False),
    Column("keys", Blob, nullable=False),
    Column("wraps", Blob, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)
outers: Final = Table(
    "outers", metadata, *_row_id(), Column("outer", Blob, nullable=False), sqlite_with_rowid=False, sqlite_strict=True
)

_ROLES: Final = {PictureRole.PROBE: b"\0", PictureRole.REFERENCE: b"\1"}
_ROLE_OF: Final = {written: role for role, written in _ROLES.items()}
_COUNT_BYTES: Final = 2
_WRAP_BYTES: Final = KEY_ID_BYTES + WRAPPED_BYTES
_TOGETHER: Final = 16  # wrapped shares are padded to a multiple of so many: how many recipients there are is rough


@dataclass(frozen=True, slots=True)
class Held:
    """The inside of a row, as far as this store sees it: never the picture's own key.

    Attributes:
        review: of which review.
        index: the picture's number there.
        role: what the picture is.
        key: the outer key.
        share: the server's share.
        wraps: wrapped shares by the identifiers of keys.
    """

    review: bytes
    index: int
    role: PictureRole
    key: bytes = field(repr=False)
    share: bytes = field(repr=False)
    wraps: Mapping[ReviewerKeyId, bytes] = field(repr=False)

    @classmethod
    def of(cls, review: bytes, picture: SealedPicture) -> Self:
        """A new one, with an outer key of its own."""
        return cls(review, picture.index, picture.role, new_key(), picture.share, picture.wraps)

    @classmethod
    def read(cls, row: AnyRow, bucket: Sealer) -> Self:
        """What a row of ``pictures`` holds.

        Raises:
            DamagedStoreError: a cell does not open.
        """
        opened = bucket.open(row.keys, _place(row.review, row.item, "keys"))
        role = _ROLE_OF.get(opened[KEY_BYTES + SHARE_BYTES :])
        if role is None:
            raise _strange()
        key, share = opened[:KEY_BYTES], opened[KEY_BYTES : KEY_BYTES + SHARE_BYTES]
        packed = _sealer(key).open(row.wraps, _place(row.review, row.item, "wraps"))
        count = int.from_bytes(packed[:_COUNT_BYTES], "big")
        starts = range(_COUNT_BYTES, _COUNT_BYTES + count * _WRAP_BYTES, _WRAP_BYTES)
        wraps = {
            ReviewerKeyId(packed[at : at + KEY_ID_BYTES]): packed[at + KEY_ID_BYTES : at + _WRAP_BYTES] for at in starts
        }
        return cls(row.review, row.item, role, key, share, wraps)

    def row(self, bucket: Bucket, sealer: Sealer) -> dict[str, Any]:
        """Itself as a row of ``pictures``, without its identifier."""
        wraps = b"".join(key + wrapped for key, wrapped in sorted(self.wraps.items()))
        packed = len(self.wraps).to_bytes(_COUNT_BYTES, "big") + wraps
        padded = packed.ljust(_COUNT_BYTES + -(-max(1, len(self.wraps)) // _TOGETHER) * _TOGETHER * _WRAP_BYTES, b"\0")
        return {
            "hour": bucket.hour,
            "turn": bucket.turn,
            "keys": sealer.seal(self.key + self.share + _ROLES[self.role], _place(self.review, self.index, "keys")),
            "wraps": _sealer(self.key).seal(padded, _place(self.review, self.index, "wraps")),
        }

    def seal_outer(self, sealed: bytes) -> bytes:
        """A sealed picture as it is kept."""
        return _sealer(self.key).seal(sealed, _place(self.review, self.index, "outer"))

    def open_outer(self, outer: bytes) -> bytes:
        """The sealed picture in ``outers``.

        Raises:
            DamagedStoreError: it was altered, moved, or is sealed under another outer key.
        """
        return _sealer(self.key).open(outer, _place(self.review, self.index, "outer"))


def bucket_of(row: AnyRow) -> Bucket:
    """The bucket that a row names.

    Raises:
        DamagedStoreError: it names none.
    """
    if type(row.hour) is not int or type(row.turn) is not int or min(row.hour, row.turn) < 0:
        raise _strange()
    return Bucket(row.hour, row.turn)


def turned_keys(row: AnyRow, old: Sealer, new: Sealer) -> bytes:
    """The cell ``keys`` of a row, sealed under another key of its bucket.

    Raises:
        DamagedStoreError: it does not open.
    """
    place = _place(row.review, row.item, "keys")
    return new.seal(old.open(row.keys, place), place)


def _sealer(key: bytes) -> Sealer:
    return Sealer.of_key(key, role=STORE)


def _place(review: bytes, index: int, cell: str) -> bytes:
    # In a damaged table a cell may hold anything.
    if not isinstance(review, bytes) or type(index) is not int or not 0 <= index <= 255:
        raise _strange()
    return cell_aad("facekeep/1/evidence", review, bytes([index]), cell)


def _strange() -> DamagedStoreError:
    return DamagedStoreError("a row of the evidence is of no form that is known", store=STORE)

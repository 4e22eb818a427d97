"""How the rows and values of one half look when they are sealed.

A head is packed to a fixed length whatever the gallery's name, so that nothing is told by length::

    pseudonym (16) ‖ epoch (4) ‖ version (4) ‖ purposes (1) ‖ flags (1) ‖ 1 if there is a deep part (1)
    ‖ length of the gallery (1) ‖ gallery (64, zeros behind) ‖ quick (32 in a left half, D in a right one)

All integers are big-endian.

A row is looked up by its *tag*, a blind index of its pseudonym under a key of both the role and the epoch: tags of one
person do not agree between epochs, nor between the halves. Every sealed cell is bound to the kind of cell and to the
tag, and a deep part also to the last 16 bytes of its sealed head, so that neither another row's nor an older deep part
fits. The slot is bound to nothing: it is only a place, given at commit, while cells are sealed when they are staged.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from facekeep.domain.row import GALLERY_BYTES_MAX, Pseudonym, PutRow, RowFlag, RowHead, StoredRow, TransactionId
from facekeep.errors import DamagedStoreError
from facekeep.store.half_keys import NO_EPOCH
from facekeep.store.sealing import Sealer, blind_index, cell_aad, derive_key

__all__ = ["BOUND_BYTES", "Counts", "RoleCodec", "RowCodec", "StagedDigest", "damaged", "states_digest"]

BOUND_BYTES: Final = 16
"""How many of a sealed cell's last bytes (its authentication tag) stand for the whole cell."""

_HEAD: Final = struct.Struct(f">16sIIBBBB{GALLERY_BYTES_MAX}s")
_COUNTS: Final = struct.Struct(">QQI32s")
_EPOCH: Final = struct.Struct(">I")
_TRANSACTION: Final = struct.Struct(">16sBQ32s")
_FLAGS: Final = tuple(RowFlag(value) for value in range(256))


def damaged(side: str, what: str, *, hint: str | None = None) -> DamagedStoreError:
    """The error of a damaged half: ``what`` completes "the left half …"."""
    return DamagedStoreError(f"the {side} half {what}", store=side, hint=hint)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a store knows of itself, sealed, so that nothing can go missing from it unnoticed.

    Attributes:
        generation: number of committed transactions.
        rows: number of committed rows.
        staged: number of staged transactions.
        states: of each named value, by its tag, the last 16 bytes of its sealed form; never changed in place.
    """

    generation: int
    rows: int
    staged: int
    states: dict[bytes, bytes]


def states_digest(states: dict[bytes, bytes]) -> bytes:
    """SHA-256 over the named values of a store, 32 bytes.

    Raises:
        TypeError: a damaged table gave something else than bytes.
    """
    return hashlib.sha256(b"".join(tag + states[tag] for tag in sorted(states))).digest()


class RoleCodec:
    """Seals what outlives epochs: the number of the epoch itself. It also tells keys apart by their fingerprint.

    Args:
        side: ``left`` or ``right``.
        role_key: 32 bytes.
        store_id: the identifier of the store.
        keep_id: the identifier of the keep; a store of another keep does not open.
    """

    __slots__ = ("_aad", "_sealer", "_side", "fingerprint")

    def __init__(self, side: str, role_key: bytes, *, store_id: bytes, keep_id: bytes) -> None:
        self._side = side
        self._aad = cell_aad("meta", "epoch", keep_id)
        self._sealer = Sealer.derive(role_key, NO_EPOCH, store=store_id, use=f"{side}.meta")
        key = derive_key(role_key, salt=NO_EPOCH, purpose="index", use=f"{side}.meta", store=store_id)
        self.fingerprint: bytes = blind_index(key, b"fingerprint")
        """16 bytes that tell which role key seals the store, and nothing about the key."""

    def seal_epoch(self, epoch: int) -> bytes:
        """The sealed number of an epoch."""
        return self._sealer.seal(_EPOCH.pack(epoch), self._aad)

    def open_epoch(self, sealed: bytes) -> int:
        """The number of the epoch.

        Raises:
            DamagedStoreError: it does not open.
        """
        try:
            (epoch,) = _EPOCH.unpack(self._sealer.open(sealed, self._aad))
        except (struct.error, DamagedStoreError):
            raise damaged(self._side, "is damaged, or is that of another keep") from None
        return int(epoch)


class RowCodec:
    """Seals everything else of one half, under the role key and the key of one epoch.

    Args:
        side: ``left`` or ``right``.
        role_key: 32 bytes.
        epoch_key: 32 bytes.
        store_id: the identifier of the store.
        keep_id: the identifier of the keep.
    """

    __slots__ = ("_counts_aad", "_galleries", "_rows", "_side", "_state_key", "_tag_key")

    def __init__(self, side: str, role_key: bytes, epoch_key: bytes, *, store_id: bytes, keep_id: bytes) -> None:
        use = f"{side}.rows"
        self._side = side
        self._rows = Sealer.derive(role_key, epoch_key, store=store_id, use=use)
        self._tag_key = derive_key(role_key, salt=epoch_key, purpose="index", use=use, store=store_id)
        self._state_key = derive_key(role_key, salt=epoch_key, purpose="index", use=f"{side}.states", store=store_id)
        self._counts_aad = cell_aad("meta", "counts", keep_id)
        self._galleries: dict[bytes, str] = {}

    def tag(self, pseudonym: Pseudonym) -> bytes:
        """The 16 bytes under which a row is looked up."""
        return blind_index(self._tag_key, pseudonym)

    def state_tag(self, name: str) -> bytes:
        """The 16 bytes under which a named value is looked up."""
        return blind_index(self._state_key, name.encode())

    def seal_row(self, row: PutRow, tag: bytes) -> tuple[bytes, bytes | None]:
        """The sealed head, and the sealed deep part if there is one."""
        head = row.head
        gallery = head.gallery.encode()
        packed = _HEAD.pack(
            head.pseudonym,
            head.epoch,
            head.version,
            head.purposes,
            head.flags,
            bool(row.deep),
            len(gallery),
            gallery,
        )
        sealed = self._rows.seal(packed + row.quick, b"head" + tag)
        if not row.deep:
            return sealed, None
        return sealed, self._rows.seal(row.deep, b"deep" + tag + sealed[-BOUND_BYTES:])

    def open_row(self, slot: int, tag: bytes, sealed: bytes) -> StoredRow:
        """The row of a sealed head.

        Raises:
            DamagedStoreError: it does not open.
        """
        return self._open_head(slot, tag, sealed)[0]

    def open_whole(self, tag: bytes, sealed: bytes, deep: bytes | None) -> PutRow:
        """A row with its deep part, as it was put.

        Raises:
            DamagedStoreError: a part does not open, or the deep part is missing or too much.
        """
        row, has_deep = self._open_head(0, tag, sealed)
        if has_deep != (deep is not None):
            raise damaged(self._side, "holds a row whose deep part is missing")
        return PutRow(row.head, row.quick, b"" if deep is None else self.open_deep(tag, sealed[-BOUND_BYTES:], deep))

    def _open_head(self, slot: int, tag: bytes, sealed: bytes) -> tuple[StoredRow, bool]:
        try:
            packed = self._rows.open(sealed, b"head" + tag)
            pseudonym, epoch, version, purposes, flags, has_deep, length, padded = _HEAD.unpack_from(packed)
            gallery = self._galleries.get(padded)
            if gallery is None:
                gallery = self._galleries[padded] = padded[:length].decode()
            head = RowHead(pseudonym, epoch, version, gallery, purposes, _FLAGS[flags])
        except (DamagedStoreError, TypeError, ValueError, struct.error):
            raise damaged(self._side, "holds a row that does not open") from None
        return StoredRow(slot, head, packed[_HEAD.size :]), bool(has_deep)

    def open_deep(self, tag: bytes, bound: bytes, sealed: bytes) -> bytes:
        """The deep part whose sealed head ends with ``bound``.

        Raises:
            DamagedStoreError: it does not open.
        """
        try:
            return self._rows.open(sealed, b"deep" + tag + bound)
        except (DamagedStoreError, TypeError):
            raise damaged(self._side, "holds a row whose deep part does not open") from None

    def reseal_row(
        self, sealed: bytes, deep: bytes | None, tag: bytes, old: RowCodec
    ) -> tuple[bytes, bytes, bytes | None]:
        """A row sealed by another codec, sealed by this one: tag, head, deep part.

        Raises:
            DamagedStoreError: it does not open.
        """
        row = old.open_whole(tag, sealed, deep)
        moved = self.tag(row.head.pseudonym)
        return moved, *self.seal_row(row, moved)

    def seal_removal(self, tag: bytes) -> bytes:
        """A sealed mark that says: remove the row of this tag."""
        return self._rows.seal(b"\0", b"gone" + tag)

    def seal_state(self, name: str, value: bytes, tag: bytes) -> bytes:
        """A sealed named value. It carries its name, so that it can be sealed again under another key."""
        encoded = name.encode()
        return self._rows.seal(len(encoded).to_bytes(2, "big") + encoded + value, b"stat" + tag)

    def open_state(self, tag: bytes, sealed: bytes) -> tuple[str, bytes]:
        """Name and value.

        Raises:
            DamagedStoreError: it does not open.
        """
        try:
            packed = self._rows.open(sealed, b"stat" + tag)
        except (DamagedStoreError, TypeError):
            raise damaged(self._side, "holds a value that does not open") from None
        end = 2 + int.from_bytes(packed[:2], "big")
        return packed[2:end].decode(), packed[end:]

    def seal_counts(self, counts: Counts) -> bytes:
        """The sealed counters of the store."""
        digest = states_digest(counts.states)
        return self._rows.seal(_COUNTS.pack(counts.generation, counts.rows, counts.staged, digest), self._counts_aad)

    def open_counts(self, sealed: bytes, states: dict[bytes, bytes]) -> Counts:
        """The counters, if they agree with the named values that were found.

        Raises:
            DamagedStoreError: they do not open, or a value is missing, too much, or an older one.
        """
        try:
            generation, rows, staged, digest = _COUNTS.unpack(self._rows.open(sealed, self._counts_aad))
        except (DamagedStoreError, struct.error):
            raise damaged(self._side, "is damaged, or its epoch key is that of another store") from None
        if digest != states_digest(states):
            raise damaged(self._side, "lacks a value that it had, or has an older one")
        return Counts(generation, rows, staged, states)

    def seal_transaction(
        self, number: int, transaction: TransactionId, digest: StagedDigest, *, new_epoch: bool
    ) -> bytes:
        """The sealed record that makes staged changes a transaction."""
        packed = _TRANSACTION.pack(transaction, new_epoch, digest.count, digest.digest())
        return self._rows.seal(packed, b"txn:" + number.to_bytes(8, "big"))

    def open_transaction(self, number: int, sealed: bytes) -> tuple[TransactionId, bool, int, bytes]:
        """Its id, whether it begins an epoch, how many changes it has, and their digest.

        Raises:
            DamagedStoreError: it does not open.
        """
        try:
            packed = self._rows.open(sealed, b"txn:" + (number & (1 << 64) - 1).to_bytes(8, "big"))
            transaction, new_epoch, count, digest = _TRANSACTION.unpack(packed)
        except (DamagedStoreError, struct.error):
            raise damaged(self._side, "holds a transaction that does not open") from None
        return TransactionId(transaction), bool(new_epoch), count, digest


class StagedDigest:
    """Runs over the changes of a transaction in their order, so that none can be dropped, added or exchanged."""

    __slots__ = ("_sha256", "count")

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.count = 0
        """How many changes were added."""

    def add(self, kind: int, tag: bytes, sealed: bytes) -> None:
        """Add a change; its sealed cell is known by its last 16 bytes."""
        self._sha256.update(b"%d" % kind + tag + sealed[-BOUND_BYTES:])
        self.count += 1

    def digest(self) -> bytes:
        """32 bytes."""
        return self._sha256.digest()

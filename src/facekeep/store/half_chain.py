r"""How the records of a log are framed, sealed and chained.

The layout, also written down in docs/reference/half-store.md::

    file   = "FKLOG\x01" ‖ side (1: 1 left, 2 right) ‖ 0 ‖ fingerprint of the key (16) ‖ record*
    record = length of sealed (4, big-endian) ‖ check (4) ‖ sealed
    check  = the first 4 bytes of SHA-256(chain ‖ length)
    chain  : SHA-256(header) before the first record, then SHA-256(chain ‖ sealed) after each
    sealed : additional data "log:" ‖ index (8, big-endian) ‖ chain

The additional data of a record holds the chain, so if it opens, every record before it is the one that was written, in
its place. The check keeps a damaged length from being taken for a record that a crash cut short.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Final, NamedTuple

from facekeep.errors import DamagedStoreError
from facekeep.store.half_keys import NO_EPOCH, SIDES
from facekeep.store.sealing import OVERHEAD_BYTES, Sealer, blind_index, derive_key

__all__ = [
    "HEADER_BYTES",
    "MAGIC",
    "RECORD_BYTES_MAX",
    "Mark",
    "damaged_log",
    "first_mark",
    "log_header",
    "log_sealer",
    "open_record",
    "seal_record",
    "walk",
]

RECORD_BYTES_MAX: Final = 64 * 2**10
"""The longest record, in bytes."""

MAGIC: Final = b"FKLOG\x01"
"""The first bytes of a log."""

HEADER_BYTES: Final = len(MAGIC) + 2 + 16
"""Length of what stands before the first record."""

_PREFIX_BYTES: Final = 8
_READ_BYTES: Final = 2**20
_SEALED_MIN: Final = OVERHEAD_BYTES + 1
_SEALED_MAX: Final = OVERHEAD_BYTES + RECORD_BYTES_MAX


class Mark(NamedTuple):
    """A place between two records.

    Attributes:
        number: how many records stand before it; the index of the next one.
        offset: where the next one begins in the file.
        chain: SHA-256 over everything before it, 32 bytes.
    """

    number: int
    offset: int
    chain: bytes


def damaged_log(side: str, what: str, *, hint: str | None = None) -> DamagedStoreError:
    """The error of a damaged log: ``what`` completes "the log of the left half …"."""
    return DamagedStoreError(f"the log of the {side} half {what}", store=side, hint=hint)


def log_sealer(side: str, role_key: bytes, store_id: bytes) -> Sealer:
    """What seals the records. The log outlives epochs, so its key comes from the role key alone."""
    return Sealer.derive(role_key, NO_EPOCH, store=store_id, use=f"{side}.log")


def log_header(side: str, role_key: bytes, store_id: bytes) -> bytes:
    """The first 24 bytes of a log."""
    key = derive_key(role_key, salt=NO_EPOCH, purpose="index", use=f"{side}.log", store=store_id)
    return MAGIC + bytes((SIDES.index(side) + 1, 0)) + blind_index(key, b"fingerprint")


def first_mark(header: bytes) -> Mark:
    """The place behind the header."""
    return Mark(0, HEADER_BYTES, hashlib.sha256(header).digest())


def seal_record(sealer: Sealer, mark: Mark, record: bytes) -> tuple[bytes, Mark]:
    """A record as it stands in the file, and the place behind it."""
    sealed = sealer.seal(record, _aad(mark))
    length = len(sealed).to_bytes(4, "big")
    framed = length + _check(mark.chain, length) + sealed
    return framed, _after(mark, sealed)


def open_record(sealer: Sealer, mark: Mark, sealed: bytes, side: str) -> bytes:
    """What a record holds that was found at ``mark``.

    Raises:
        DamagedStoreError: it is not the one that was written there.
    """
    try:
        return sealer.open(sealed, _aad(mark))
    except DamagedStoreError:
        raise damaged_log(side, f"is damaged at record {mark.number}") from None


def walk(descriptor: int, mark: Mark, size: int, side: str) -> Iterator[tuple[Mark, bytes]]:
    """The sealed records from ``mark`` on, each with the mark behind it, in the first ``size`` bytes of the file.

    It ends before a record that is incomplete: too short for its prefix, or for the length in a prefix that is intact.

    Raises:
        DamagedStoreError: the prefix of a record is damaged.
    """
    buffer, start, at = b"", 0, mark.offset
    while True:
        body = start + _PREFIX_BYTES
        prefix = buffer[start:body]
        length = int.from_bytes(prefix[:4], "big")
        if len(prefix) == _PREFIX_BYTES:
            if not _SEALED_MIN <= length <= _SEALED_MAX or prefix[4:] != _check(mark.chain, prefix[:4]):
                raise damaged_log(side, f"is damaged at record {mark.number}")
            sealed = buffer[body : body + length]
            if len(sealed) == length:
                mark, start = _after(mark, sealed), body + length
                yield mark, sealed
                continue
        more = os.pread(descriptor, min(_READ_BYTES, size - at), at)
        if not more:
            return
        buffer, start = buffer[start:] + more, 0
        at += len(more)


def _after(mark: Mark, sealed: bytes) -> Mark:
    chain = hashlib.sha256(mark.chain + sealed).digest()
    return Mark(mark.number + 1, mark.offset + _PREFIX_BYTES + len(sealed), chain)


def _aad(mark: Mark) -> bytes:
    return b"log:" + mark.number.to_bytes(8, "big") + mark.chain


def _check(chain: bytes, length: bytes) -> bytes:
    return hashlib.sha256(chain + length).digest()[:4]

"""The stream from left to right by which rows get new masks: sealed chunks under the session's channel key.

A chunk is a random 12-byte nonce and AES-256-GCM over its rows, each pseudonym ‖ epoch ‖ version ‖ fine delta ‖ coarse
delta, with the transaction and the chunk's number as associated data. The coordinator, which only sees chunks pass,
learns nothing; a chunk left out or moved is found by its number or by the count of rows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekeep.domain.row import PSEUDONYM_BYTES, Pseudonym, TransactionId
from facekeep.errors import RefusedError
from facekeep.split.masks import Delta

CHUNK_ROWS = 256
_NONCE = 12


@dataclass(frozen=True, slots=True)
class DeltaRow:
    """New masks for one row.

    Attributes:
        pseudonym: 16 bytes.
        epoch: epoch of the row after the change.
        version: version of the row after the change.
        delta: what to subtract.
    """

    pseudonym: Pseudonym
    epoch: int
    version: int
    delta: Delta = field(repr=False)


def _associated(transaction: TransactionId, number: int) -> bytes:
    return b"facekeep/1/deltas\x00" + transaction + number.to_bytes(4, "big")


def encode_chunk(channel: AESGCM, transaction: TransactionId, number: int, rows: Sequence[DeltaRow]) -> bytes:
    """Seal up to 256 rows."""
    plain = b"".join(
        row.pseudonym
        + row.epoch.to_bytes(4, "big")
        + row.version.to_bytes(4, "big")
        + row.delta.fine.astype("<u2").tobytes()
        + row.delta.coarse.tobytes()
        for row in rows
    )
    nonce = os.urandom(_NONCE)
    return nonce + channel.encrypt(nonce, plain, _associated(transaction, number))


def decode_chunk(
    channel: AESGCM, transaction: TransactionId, number: int, dimension: int, chunk: bytes
) -> list[DeltaRow]:
    """The rows of a chunk.

    Raises:
        RefusedError: it is not the twin's, not of this transaction, out of order, or malformed.
    """
    try:
        plain = channel.decrypt(chunk[:_NONCE], chunk[_NONCE:], _associated(transaction, number))
    except (InvalidTag, ValueError) as problem:
        raise RefusedError("a change of masks does not come from the twin", hint="Open the keep again.") from problem
    head = PSEUDONYM_BYTES + 8
    size = head + 3 * dimension
    if not plain or len(plain) % size:
        raise RefusedError("a change of masks has the wrong size", hint="Open the keep again.")
    rows = []
    for start in range(0, len(plain), size):
        row = plain[start : start + size]
        rows.append(
            DeltaRow(
                Pseudonym(row[:PSEUDONYM_BYTES]),
                int.from_bytes(row[PSEUDONYM_BYTES : PSEUDONYM_BYTES + 4], "big"),
                int.from_bytes(row[PSEUDONYM_BYTES + 4 : head], "big"),
                Delta(
                    np.frombuffer(row[head : head + 2 * dimension], "<u2"),
                    np.frombuffer(row[head + 2 * dimension :], np.uint8),
                ),
            )
        )
    return rows

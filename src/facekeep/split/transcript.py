"""The transcript of a search: what both halves must agree on before their randomness fits together.

Each stage hashes the one before and what was added since. All hashes are SHA-256 over a label, a zero byte and fields
of fixed length (docs/spec/split-gallery.md, "Transcript").
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray


def search_hash(ticket: bytes, probe: bytes, epoch: int, root: bytes, rows: int) -> bytes:
    """H₀ = H("facekeep/1/search" ‖ 0 ‖ H(ticket) ‖ H(probe) ‖ epoch ‖ row-set root ‖ number of rows).

    Args:
        ticket: the signed payload.
        probe: the probe as sent.
        epoch: the half's epoch, four bytes in the hash.
        root: 32 bytes over (pseudonym, epoch, version) of the row set.
        rows: size of the row set, eight bytes in the hash.
    """
    return sha256(
        b"facekeep/1/search\x00"
        + sha256(ticket).digest()
        + sha256(probe).digest()
        + epoch.to_bytes(4, "big")
        + root
        + rows.to_bytes(8, "big")
    ).digest()


def positions_hash(before: bytes, positions: NDArray[np.int32]) -> bytes:
    """H₁ = H("facekeep/1/positions" ‖ 0 ‖ H₀ ‖ positions), four bytes each, little-endian, in the order used."""
    return sha256(b"facekeep/1/positions\x00" + before + positions.astype("<i4").tobytes()).digest()


def chosen_hash(before: bytes, chosen: NDArray[np.int32]) -> bytes:
    """H₂ = H("facekeep/1/chosen" ‖ 0 ‖ H₁ ‖ indices), of the positions for which tokens are asked."""
    return sha256(b"facekeep/1/chosen\x00" + before + chosen.astype("<i4").tobytes()).digest()


def row_set_root(keys: Iterable[bytes]) -> bytes:
    """The root over a row set: SHA-256 of (pseudonym ‖ epoch ‖ version), 24 bytes a row, ordered by pseudonym.

    Args:
        keys: the rows, in runs of any length: those of a million together would take 24 MB once more.
    """
    root = sha256(b"facekeep/1/rows\x00")
    for run in keys:
        root.update(run)
    return root.digest()

"""Reviews of a keep that is robbed: pictures that hold what is known of each person, sealed to reviewers of the drill.

A picture of the drill shows no face. Its pixels are the person's code, byte for byte, so that whoever sees a picture
has the person, and every attack that finds faces elsewhere finds them here.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from numpy.typing import NDArray

from facekeep.domain.review import DEADLINE_DEFAULT, REVIEW_ID_BYTES, ReviewId, deadline_at
from facekeep.service.drill_people import Vectors
from facekeep.service.review_sealing import seal
from facekeep.split.codes import fine_code
from facekeep.store.evidence import EvidenceStore
from facekeep.store.keys import KeyProvider

__all__ = ["REVIEWERS", "DrillReviews", "TakenEvidence", "canary_picture", "code_in"]

REVIEWERS: Final = 3
"""Who each picture is sealed to."""
PICTURES: Final = 4
"""Of each review, as at most in the product; here of one person each."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_ROW: Final = b"\0"  # of a row that no filter was used on


@dataclass(frozen=True, slots=True)
class TakenEvidence:
    """The evidence of a keep as a thief took it, while all of it was open.

    Attributes:
        file: the database.
        keys: the gate's keys of evidence at that moment, by name.
        later: those that there were when the hour was over.
        reviewers: private keys of all reviewers, which lie in their browsers and nowhere here.
        person_of: the person behind each picture, by review and number, which only the drill knows.
    """

    file: bytes = field(repr=False)
    keys: dict[str, bytes] = field(repr=False)
    later: dict[str, bytes] = field(repr=False)
    reviewers: tuple[bytes, ...] = field(repr=False)
    person_of: dict[tuple[bytes, int], int] = field(repr=False)


class DrillReviews:
    """The gate's own store of evidence, over a folder, with open reviews that hold a picture of each person.

    Args:
        folder: an own folder is made in it.
        keys: of the keep.
    """

    def __init__(self, folder: Path, keys: KeyProvider) -> None:
        self._path = folder / "evidence" / "evidence.db"
        self._keys = keys
        self._store = EvidenceStore(self._path, keys)
        self._reviewers = [X25519PrivateKey.generate() for _ in range(REVIEWERS)]
        self._filed: list[tuple[bytes, int]] = []
        self._deadline = datetime.fromtimestamp(0, UTC)

    def file(self, references: Vectors, now: int) -> None:
        """Have people look at everybody.

        Args:
            references: of each person, shape (n, D).
            now: seconds since 1970.
        """
        publics = [key.public_key().public_bytes_raw() for key in self._reviewers]
        self._deadline = deadline_at(datetime.fromtimestamp(now, UTC), DEADLINE_DEFAULT)
        for start in range(0, len(references), PICTURES):
            review = ReviewId(os.urandom(REVIEW_ID_BYTES))
            few = references[start : start + PICTURES]
            sealed = [seal(review, index, canary_picture(one), publics) for index, one in enumerate(few)]
            self._store.put(review, self._deadline, sealed)
            self._filed += [(review, index) for index in range(len(few))]

    def steal(self, persons: Sequence[int]) -> TakenEvidence:
        """Take file and keys, let the hour go by, and take the keys again. Nothing more can be filed.

        Args:
            persons: who was filed, in order.
        """
        self.close()
        file, keys = self._path.read_bytes(), self._held()
        with EvidenceStore(self._path, self._keys) as store:
            store.expire(self._deadline + timedelta(seconds=1))
        return TakenEvidence(
            file,
            keys,
            self._held(),
            tuple(key.private_bytes_raw() for key in self._reviewers),
            dict(zip(self._filed, persons, strict=True)),
        )

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _held(self) -> dict[str, bytes]:
        return {name: self._keys.get(name) for name in self._keys.names() if name.startswith("gate.")}


def canary_picture(reference: NDArray[np.float32]) -> bytes:
    """A PNG of one row of grey pixels: the fine code of a template, little-endian, not compressed."""
    row = fine_code(reference).astype("<i2").tobytes()
    header = struct.pack(">IIBBBBB", len(row), 1, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(_ROW + row, 0)), (b"IEND", b""))
    return _PNG + b"".join(_chunk(name, content) for name, content in parts)


def code_in(picture: bytes) -> bytes:
    """The code that is in such a picture."""
    start = picture.index(b"IDAT") + 4
    return zlib.decompress(picture[start : picture.rindex(b"IEND") - 8])[1:]


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

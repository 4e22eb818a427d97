"""The pictures of a review, sealed: format facekeep-review/1 (docs/spec/review.md, "Evidence").

Invariants: nothing here holds a pixel that can be seen, or a key that opens one alone; of a picture the server's share
and each wrapped share are needed together, and the private key of a recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from facekeep.domain.review import PictureRole
from facekeep.domain.reviewer import ReviewerKeyId

__all__ = [
    "BLOCK_BYTES",
    "KEY_ID_BYTES",
    "SEALED_BYTES_MAX",
    "SHARE_BYTES",
    "TAG_BYTES",
    "WRAPPED_BYTES",
    "SealedPicture",
    "StoredPicture",
]

BLOCK_BYTES: Final = 1 << 14
"""What is sealed is padded to a multiple of this, in bytes, so that its length tells little."""
TAG_BYTES: Final = 16
SEALED_BYTES_MAX: Final = 10 * BLOCK_BYTES + TAG_BYTES
"""The longest sealed picture: 224 × 224 pixels of noise as PNG fit."""
SHARE_BYTES: Final = 32
KEY_ID_BYTES: Final = 16
WRAPPED_BYTES: Final = 32 + SHARE_BYTES + TAG_BYTES
"""A wrapped share: the encapsulated key of HPKE, the share, a tag."""


@dataclass(frozen=True, slots=True)
class SealedPicture:
    """A picture as it is handed to the store, for all of its recipients.

    Attributes:
        index: 0 to 255, of this review alone.
        role: what it is.
        sealed: ciphertext and tag.
        share: the server's share of the key, 32 bytes.
        wraps: the other share, wrapped for each recipient: 80 bytes by the identifier of the recipient's key.
    """

    index: int
    role: PictureRole
    sealed: bytes = field(repr=False)
    share: bytes = field(repr=False)
    wraps: Mapping[ReviewerKeyId, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        whole, rest = divmod(len(self.sealed) - TAG_BYTES, BLOCK_BYTES)
        if rest or whole < 1 or len(self.sealed) > SEALED_BYTES_MAX:
            raise ValueError("a sealed picture is made of 1 to 10 blocks and a tag")
        if len(self.share) != SHARE_BYTES or not 0 <= self.index <= 255:
            raise ValueError("a share has 32 bytes, an index is a byte")
        if not self.wraps or any(
            len(key) != KEY_ID_BYTES or len(wrapped) != WRAPPED_BYTES for key, wrapped in self.wraps.items()
        ):
            raise ValueError("a picture is sealed to somebody, and each wrapped share has 80 bytes")
        object.__setattr__(self, "wraps", MappingProxyType(dict(self.wraps)))


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture as it is sent to one recipient.

    Attributes:
        index: 0 to 255, of this review alone.
        role: what it is.
        sealed: ciphertext and tag.
        share: the server's share of the key, 32 bytes.
        wrapped: the other share, wrapped for this recipient, 80 bytes.
    """

    index: int
    role: PictureRole
    sealed: bytes = field(repr=False)
    share: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

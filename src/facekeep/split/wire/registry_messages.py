"""What is said to the registry: which it is, and the frame around its operations (docs/spec/registry-protocol.md)."""

from __future__ import annotations

from dataclasses import dataclass

from facekeep.split.wire.primitives import BOOL, U32, blob, record, rest, text

CALL_BYTES_MAX = 8 << 20
ANSWER_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True)
class RegistryIdentity:
    """Which registry this is.

    Attributes:
        keep_id: what the halves know the keep by.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        epoch: the number of its epoch.
    """

    keep_id: bytes
    model: str
    epoch: int


REGISTRY_IDENTITY = record(
    RegistryIdentity, ("keep_id", blob(64, 1, prefix=1)), ("model", text(64, 1, prefix=1)), ("epoch", U32)
)
WRITES = BOOL
"""Whether what is opened is a transaction and no mere snapshot."""

COMMITS = BOOL
"""Whether what is closed is kept; a snapshot has nothing to keep."""

CALL = rest(1, CALL_BYTES_MAX)
"""An operation with its arguments, which fills the body. Operations are known to interfaces.registry alone."""

ANSWER = rest(0, ANSWER_BYTES_MAX)
"""What an operation gave."""

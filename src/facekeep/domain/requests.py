"""Requests that a caller may send again without their being done twice.

Invariants: a request is kept under a digest of who sent it and of its key; it has an answer or none yet, and an answer
never changes, but is forgotten with the data subject of whom it speaks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from facekeep.domain.subject import SubjectId

RequestId = NewType("RequestId", bytes)

REQUEST_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered.

    Attributes:
        status: as a number.
        body: as it was sent.
        subject: of whom it speaks, if of anybody; what is kept goes when that person is erased.
    """

    status: int
    body: bytes = field(repr=False)
    subject: SubjectId | None = None


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request that was begun.

    Attributes:
        id: 16 random bytes.
        digest: SHA-256 of the client and the key, 32 bytes.
        fingerprint: SHA-256 of what was asked, 32 bytes.
        begun: when, with time zone.
        answer: None while it is under way, after a crash in the middle of it, and once its subject was erased, when the
            fingerprint is zeros too.
    """

    id: RequestId
    digest: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    begun: datetime
    answer: KeptAnswer | None

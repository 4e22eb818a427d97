"""Searches that operators sign themselves, in two steps: what to sign, and then the signature.

Between the two the server keeps the probe's code in memory, never the picture; five minutes at most, and once.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.capture import Assurance
from facekeep.errors import NotFoundError, UsageError
from facekeep.interfaces.http.bodies import Body, Bytes, documented_body, read
from facekeep.interfaces.http.comparing import (
    COMPARING,
    IdentificationAnswer,
    IdentificationRequest,
    VerificationAnswer,
    VerificationRequest,
    identification_answer,
    label_of,
    search_of,
    verification_answer,
)
from facekeep.interfaces.http.problems import documented
from facekeep.interfaces.http.security import KeepOf, check, may
from facekeep.service.answers import Identification, Verification
from facekeep.service.comparison import Planned
from facekeep.service.keep import Keep
from facekeep.service.keep_signing import PreparedSearch
from facekeep.split.approval import (
    AUTHENTICATOR_BYTES_MAX,
    CLIENT_DATA_BYTES_MAX,
    PASSKEY_SIGNATURE_BYTES_MAX,
    SIGNATURE_BYTES,
    Approval,
    KeyApproval,
    PasskeyApproval,
)
from facekeep.split.statement import statement_digest

__all__ = ["Waiting", "router"]

router = APIRouter(prefix="/v1")

OF_ONE: Final = 32
"""Searches of one caller that wait for their signature; of more the oldest is dropped."""

OF_ALL: Final = 4096
"""Searches that wait, of all callers."""

_FINISHING = (*COMPARING, "not-found")


@dataclass(frozen=True, slots=True)
class _Entry:
    who: bytes
    search: PreparedSearch
    one_to_one: bool


class Waiting:
    """Searches that wait for their signature, by the digest of their statement. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """Be empty.

        Args:
            clock: seconds since 1970, UTC.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._entries)

    def put(self, who: bytes, search: PreparedSearch, *, one_to_one: bool) -> str:
        """Keep a search until it is taken or its statement ends; the digest of its statement."""
        digest = statement_digest(search.statement).hex()
        with self._lock:
            self._drop_ended()
            own = [name for name, entry in self._entries.items() if entry.who == who]
            for name in own[: max(0, len(own) + 1 - OF_ONE)]:
                del self._entries[name]
            while len(self._entries) >= OF_ALL:
                self._entries.popitem(last=False)
            self._entries[digest] = _Entry(who, search, one_to_one)
        return digest

    def take(self, who: bytes, digest: str, *, one_to_one: bool) -> PreparedSearch:
        """Give a search, once, to the one who prepared it.

        Raises:
            NotFoundError: there is none, not any more, or it is another's.
        """
        with self._lock:
            self._drop_ended()
            entry = self._entries.get(digest)
            if entry is None or entry.who != who or entry.one_to_one != one_to_one:
                raise NotFoundError(
                    "no search waits for this signature",
                    hint="Prepare it again: it waits five minutes, for one answer.",
                )
            del self._entries[digest]
            return entry.search

    def _drop_ended(self) -> None:
        now = self._clock()
        for name in [name for name, entry in self._entries.items() if entry.search.expires.timestamp() <= now]:
            del self._entries[name]


_KEY = Field(description="Identifier of the operator's key that will sign.", pattern="^[0-9a-f]{32}$")


class StatedVerificationRequest(VerificationRequest):
    """A claim, a picture, and who will sign."""

    key: str = _KEY


class StatedIdentificationRequest(IdentificationRequest):
    """A picture to search for, and who will sign."""

    key: str = _KEY


class StatementAnswer(BaseModel):
    """What to sign; nothing if the picture could not be used."""

    id: str | None = Field(description="Digest of the statement: its name here, and the challenge of a passkey.")
    statement: Bytes | None = Field(description="What to sign, in base64: canonical JSON.")
    salt: Bytes | None = Field(description="Opens the statement's commitment to the crop, in base64.")
    expires: datetime | None = Field(description="Until when the signature is waited for.")


class VerificationStatement(StatementAnswer):
    """What to sign for a verification, or its answer."""

    answer: VerificationAnswer | None = Field(description="If the picture could not be used; else none yet.")


class IdentificationStatement(StatementAnswer):
    """What to sign for an identification, or its answer."""

    answer: IdentificationAnswer | None = Field(description="If the picture could not be used; else none yet.")


class ApprovalRequest(Body):
    """An operator's signature: of a key, or with the other two fields of a passkey."""

    signature: Bytes = Field(min_length=1, max_length=PASSKEY_SIGNATURE_BYTES_MAX, description="In base64.")
    authenticator_data: Bytes = Field(b"", max_length=AUTHENTICATOR_BYTES_MAX, description="Of a passkey, in base64.")
    client_data: Bytes = Field(b"", max_length=CLIENT_DATA_BYTES_MAX, description="Of a passkey, in base64.")

    def approval(self) -> Approval:
        """The signature.

        Raises:
            UsageError: it is neither of a key nor of a passkey.
        """
        if self.authenticator_data and self.client_data:
            return PasskeyApproval(self.authenticator_data, self.client_data, self.signature)
        if self.authenticator_data or self.client_data or len(self.signature) != SIGNATURE_BYTES:
            raise UsageError(
                "this is neither the signature of a key nor that of a passkey",
                hint="Send 64 bytes of Ed25519, or all three fields of an assertion.",
            )
        return KeyApproval(self.signature)


Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The statement's digest.")]
Verifying = Annotated[Principal, Depends(may(Action.VERIFY))]
Identifying = Annotated[Principal, Depends(may(Action.IDENTIFY))]


def _waiting(request: Request) -> Waiting:
    waiting: Waiting = request.app.state.waiting
    return waiting


WaitingOf = Annotated[Waiting, Depends(_waiting)]


def _to_sign(waiting: Waiting, who: Principal, search: PreparedSearch) -> dict[str, Any]:
    digest = waiting.put(who.id, search, one_to_one=not isinstance(search.meaning, Planned))
    return {"id": digest, "statement": search.statement, "salt": search.salt, "expires": search.expires, "answer": None}


_NOTHING: Final[dict[str, Any]] = dict.fromkeys(("id", "statement", "salt", "expires"))


@router.post(
    "/verifications/statements",
    responses=documented(*COMPARING),
    openapi_extra=documented_body(StatedVerificationRequest),
)
async def state_verification(
    request: Request, keep: KeepOf, waiting: WaitingOf, who: Verifying
) -> VerificationStatement:
    """Say what an operator has to sign for a verification; the signature makes it."""
    asked = await read(request, StatedVerificationRequest)
    check(request, who, Action.VERIFY, purpose=asked.purpose, assurance=Assurance.PHOTO)
    return await run_sync(_state_verification, keep, waiting, who, asked)


def _state_verification(
    keep: Keep, waiting: Waiting, who: Principal, asked: StatedVerificationRequest
) -> VerificationStatement:
    found = keep.prepare_verification(
        label_of(keep, asked),
        asked.picture,
        operator=who,
        key=asked.key,
        fmr=asked.fmr,
        purpose=asked.purpose,
    )
    if isinstance(found, Verification):
        return VerificationStatement(**_NOTHING, answer=verification_answer(found))
    return VerificationStatement(**_to_sign(waiting, who, found))


@router.post(
    "/verifications/statements/{statement}",
    responses=documented(*_FINISHING),
    openapi_extra=documented_body(ApprovalRequest),
)
async def sign_verification(
    request: Request, keep: KeepOf, waiting: WaitingOf, who: Verifying, statement: Digest
) -> VerificationAnswer:
    """Give an operator's signature, once, and get the verification's answer."""
    approval = (await read(request, ApprovalRequest)).approval()
    search = waiting.take(who.id, statement, one_to_one=True)
    return verification_answer(await run_sync(keep.finish_verification, search, approval))


@router.post(
    "/identifications/statements",
    responses=documented(*COMPARING, "not-found"),
    openapi_extra=documented_body(StatedIdentificationRequest),
)
async def state_identification(
    request: Request, keep: KeepOf, waiting: WaitingOf, who: Identifying
) -> IdentificationStatement:
    """Say what an operator has to sign for an identification; the signature makes it."""
    asked = await read(request, StatedIdentificationRequest)
    return await run_sync(_state_identification, keep, waiting, who, asked)


def _state_identification(
    keep: Keep, waiting: Waiting, who: Principal, asked: StatedIdentificationRequest
) -> IdentificationStatement:
    found = keep.prepare_identification(asked.picture, search_of(asked, who), key=asked.key)
    if isinstance(found, Identification):
        return IdentificationStatement(**_NOTHING, answer=identification_answer(found))
    return IdentificationStatement(**_to_sign(waiting, who, found))


@router.post(
    "/identifications/statements/{statement}",
    responses=documented(*_FINISHING),
    openapi_extra=documented_body(ApprovalRequest),
)
async def sign_identification(
    request: Request, keep: KeepOf, waiting: WaitingOf, who: Identifying, statement: Digest
) -> IdentificationAnswer:
    """Give an operator's signature, once, and get the identification's answer."""
    approval = (await read(request, ApprovalRequest)).approval()
    search = waiting.take(who.id, statement, one_to_one=False)
    return identification_answer(await run_sync(keep.finish_identification, search, approval))

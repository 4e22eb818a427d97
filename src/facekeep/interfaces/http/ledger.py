"""The ledger: its key, signed heads and proofs, co-signatures, the whole log, and to each person their own entries."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.problems import ALWAYS, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may

__all__ = ["router"]

router = APIRouter(prefix="/v1")


class LedgerKeyAnswer(BaseModel):
    """The key of the ledger. Compare it with one that was got in another way: whoever lies here signs with his own."""

    ledger_key: str


_LEAVES_MAX = 2**62


class LedgerHeadAnswer(BaseModel):
    """A signed head. Whoever keeps it sees later whether the log was rewritten."""

    size: int = Field(ge=0, description="Leaves.")
    note: str = Field(description="A checkpoint, docs/spec/ledger.md, with the co-signatures that it has.")


class NewestHeadAnswer(LedgerHeadAnswer):
    """The newest head, and the largest one that a witness of the keep has co-signed."""

    witnessed: str | None = Field(description="That one; the newest, if it is.")


class InclusionAnswer(BaseModel):
    """A proof that a leaf is in the tree of the first leaves: RFC 9162, section 2.1.3."""

    leaf: int = Field(ge=0)
    size: int = Field(ge=1)
    proof: list[str] = Field(description="Nodes, hexadecimal digits, the lowest first.")


class ConsistencyAnswer(BaseModel):
    """A proof that the log only grew: RFC 9162, section 2.1.4."""

    old: int = Field(ge=1, description="Leaves of the smaller tree.")
    size: int = Field(ge=1, description="Leaves of the larger one.")
    proof: list[str] = Field(description="Nodes, hexadecimal digits, the lowest first.")


class CosignatureRequest(Body):
    """What a witness says of a head."""

    size: int = Field(ge=1, le=_LEAVES_MAX, description="Leaves of the head, as the keep gave it out.")
    cosignature: str = Field(
        max_length=1024, description="The line that goes under the head: a dash, the witness's name, Base64."
    )


class LedgerBundleAnswer(BaseModel):
    """A bundle that is checked offline: facekeep audit verify."""

    bundle: str = Field(description="Lines of JSON, docs/spec/ledger.md, to be kept to the byte.")


@router.get("/ledger/key", responses=documented("too-many-requests"))
async def ledger_key(keep: KeepOf) -> LedgerKeyAnswer:
    """The key by which heads and bundles of the ledger are checked."""
    return LedgerKeyAnswer(ledger_key=keep.ledger_key)


@router.get("/ledger/head", responses=documented(*ALWAYS))
async def ledger_head(keep: KeepOf, _: Annotated[Principal, Depends(may(Action.READ_LEDGER_HEAD))]) -> NewestHeadAnswer:
    """The newest head of the ledger, signed now unless nothing was recorded since the last one."""

    def heads() -> NewestHeadAnswer:
        head, witnessed = keep.ledger_head(), keep.witnessed_head()
        return NewestHeadAnswer(size=head.size, note=head.note, witnessed=None if witnessed is None else witnessed.note)

    return await run_sync(heads)


@router.get("/ledger/proofs/inclusion", responses=documented(*ALWAYS, "invalid-request"))
async def prove_inclusion(
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.PROVE_LEDGER_INCLUSION))],
    leaf: Annotated[int, Query(ge=0, le=_LEAVES_MAX, description="Its number, from 0.")],
    size: Annotated[int, Query(ge=1, le=_LEAVES_MAX, description="Leaves of the tree.")],
) -> InclusionAnswer:
    """The proof that a leaf is in the tree of the first leaves."""
    proof = await run_sync(keep.ledger_inclusion, leaf, size)
    return InclusionAnswer(leaf=leaf, size=size, proof=[node.hex() for node in proof])


@router.get("/ledger/proofs/consistency", responses=documented(*ALWAYS, "invalid-request"))
async def prove_consistency(
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.PROVE_LEDGER_CONSISTENCY))],
    old: Annotated[int, Query(ge=1, le=_LEAVES_MAX, description="Leaves of the smaller tree.")],
    size: Annotated[int, Query(ge=1, le=_LEAVES_MAX, description="Leaves of the larger one.")],
) -> ConsistencyAnswer:
    """The proof that the log only grew from the first leaves."""
    proof = await run_sync(keep.ledger_consistency, old, size)
    return ConsistencyAnswer(old=old, size=size, proof=[node.hex() for node in proof])


@router.post(
    "/ledger/cosignatures",
    responses=documented(*WITH_BODY, "not-found"),
    openapi_extra=documented_body(CosignatureRequest),
)
async def cosign(
    request: Request, keep: KeepOf, _: Annotated[Principal, Depends(may(Action.COSIGN_LEDGER))]
) -> LedgerHeadAnswer:
    """Give the co-signature of a witness to a head that the keep gave out. Given twice, it is kept once."""
    asked = await read(request, CosignatureRequest)
    head = await run_sync(keep.add_cosignature, asked.size, asked.cosignature)
    return LedgerHeadAnswer(size=head.size, note=head.note)


@router.get("/ledger", responses=documented(*ALWAYS))
async def export_ledger(
    keep: KeepOf, who: Annotated[Principal, Depends(may(Action.EXPORT_LEDGER))]
) -> LedgerBundleAnswer:
    """The whole ledger as a bundle: every leaf and signed head, and opened what is about nobody."""
    return LedgerBundleAnswer(bundle=(await run_sync(lambda: keep.ledger_bundle(by=who))).decode())


@router.get("/subjects/{subject}/ledger", responses=documented(*ALWAYS, "not-found", "invalid-request"))
async def own_ledger(
    subject: str,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.READ_SUBJECT_LEDGER))],
    since: Annotated[
        int | None,
        Query(ge=1, description="Leaves of a head that the person has: the log is shown to have grown from it."),
    ] = None,
) -> LedgerBundleAnswer:
    """What the ledger has about a person, opened and proved, for that person alone."""

    def bundle() -> bytes:
        return keep.ledger_bundle_of(keep.label_of(subject), seen=() if since is None else (since,), by=who)

    return LedgerBundleAnswer(bundle=(await run_sync(bundle)).decode())

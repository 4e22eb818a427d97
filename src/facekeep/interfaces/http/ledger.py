"""The ledger: its key, its signed head, the whole log for auditors, and to each person their own entries."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.interfaces.http.problems import ALWAYS, documented
from facekeep.interfaces.http.security import KeepOf, may

__all__ = ["router"]

router = APIRouter(prefix="/v1")


class LedgerKeyAnswer(BaseModel):
    """The key of the ledger. Compare it with one that was got in another way: whoever lies here signs with his own."""

    ledger_key: str


class LedgerHeadAnswer(BaseModel):
    """A signed head. Whoever keeps it sees later whether the log was rewritten."""

    size: int = Field(ge=0, description="Leaves.")
    note: str = Field(description="A checkpoint, docs/spec/ledger.md.")


class LedgerBundleAnswer(BaseModel):
    """A bundle that is checked offline: facekeep audit verify."""

    bundle: str = Field(description="Lines of JSON, docs/spec/ledger.md, to be kept to the byte.")


@router.get("/ledger/key", responses=documented("too-many-requests"))
async def ledger_key(keep: KeepOf) -> LedgerKeyAnswer:
    """The key by which heads and bundles of the ledger are checked."""
    return LedgerKeyAnswer(ledger_key=keep.ledger_key)


@router.get("/ledger/head", responses=documented(*ALWAYS))
async def ledger_head(keep: KeepOf, _: Annotated[Principal, Depends(may(Action.READ_LEDGER_HEAD))]) -> LedgerHeadAnswer:
    """The newest head of the ledger, signed now."""
    head = await run_sync(keep.ledger_head)
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

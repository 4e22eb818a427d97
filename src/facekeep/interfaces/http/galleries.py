"""Galleries: groups of references that a search may be limited to. One is there while a reference is in it."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.interfaces.http.paging import AfterHash, Limit, Next, page
from facekeep.interfaces.http.problems import ALWAYS, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.interfaces.http.tags import NOT_MODIFIED, tagged

__all__ = ["router"]

router = APIRouter(prefix="/v1/galleries")


class GalleryAnswer(BaseModel):
    """A gallery."""

    name: str
    references: int


class GalleryPage(BaseModel):
    """A page of galleries, in the order of the hashes of their names: names are in no address."""

    galleries: list[GalleryAnswer]
    next: Next


@router.get("", response_model=GalleryPage, responses={**documented(*ALWAYS, "invalid-request"), **NOT_MODIFIED})
async def list_galleries(
    request: Request,
    keep: KeepOf,
    _: Annotated[Principal, Depends(may(Action.LIST_GALLERIES))],
    after: AfterHash = None,
    limit: Limit = 50,
) -> Response:
    """A page of galleries, with their numbers of references."""
    every = await run_sync(keep.galleries)
    found, following = page(every, lambda gallery: sha256(gallery.name.encode()).hexdigest(), after, limit)
    answers = [GalleryAnswer(name=gallery.name, references=gallery.references) for gallery in found]
    return tagged(request, GalleryPage(galleries=answers, next=following))

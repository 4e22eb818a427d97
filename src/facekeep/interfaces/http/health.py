"""Health and version: what a supervisor asks, without a token."""

from __future__ import annotations

from importlib.metadata import version

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from pydantic import BaseModel

from facekeep.errors import UnavailableError
from facekeep.interfaces.http.problems import documented
from facekeep.interfaces.http.security import KeepOf
from facekeep.service.tending import Tending

__all__ = ["router"]

router = APIRouter()


class Health(BaseModel):
    """That it lives, or is ready."""

    status: str


class Version(BaseModel):
    """Which Facekeep this is."""

    version: str


@router.get("/health/live")
async def live() -> Health:
    """Whether the process answers."""
    return Health(status="live")


@router.get("/health/ready", responses=documented("unavailable"))
async def ready(request: Request, keep: KeepOf) -> Health:
    """Whether the stores can be read, those on other hosts too, and no canary was answered wrongly."""
    tending: Tending | None = request.app.state.tending
    if tending is None:
        await run_sync(keep.switches)
    elif not tending.well:
        raise UnavailableError("a store cannot be used at present", hint="It is tried again every second.")
    keep.check_canaries()
    return Health(status="ready")


@router.get("/v1/version", responses=documented("too-many-requests"))
async def tell_version() -> Version:
    """Which Facekeep this is."""
    return Version(version=version("facekeep"))

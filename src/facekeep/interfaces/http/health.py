"""Health and version: what a supervisor asks, without a token."""

from __future__ import annotations

from importlib.metadata import version

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel

from facekeep.interfaces.http.problems import documented
from facekeep.interfaces.http.security import KeepOf

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
async def ready(keep: KeepOf) -> Health:
    """Whether the stores can be read, and no canary was answered wrongly."""
    await run_sync(keep.switches)
    keep.check_canaries()
    return Health(status="ready")


@router.get("/v1/version", responses=documented("too-many-requests"))
async def tell_version() -> Version:
    """Which Facekeep this is."""
    return Version(version=version("facekeep"))

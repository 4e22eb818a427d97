"""The deep part of ``facekeep doctor``: every cell of the three stores is opened and every count compared.

The keep must not be open meanwhile. Each store is looked at on its own, so that a damaged one does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from facekeep.errors import FacekeepError
from facekeep.service.doctor import Finding, error_finding
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.opening import half_path, log_path, registry_path
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import KeyProvider
from facekeep.store.registry import Registry

__all__ = ["examine_stores"]


def examine_stores(directory: Path, plan: KeyPlan) -> Iterator[Finding]:
    """Read everything in the registry, both halves and their logs; a finding for each that is not sound."""
    try:
        file = KeepFile.read(directory)
        keys = plan.provider(directory, file.keep_id)
    except FacekeepError as error:
        yield error_finding(error)
        return
    checks: list[Callable[[], None]] = [lambda: _registry(directory, keys)]
    checks += [lambda side=side: _half(directory, side, keys, file.keep_id) for side in ("left", "right")]  # type: ignore[misc]
    for check in checks:
        try:
            check()
        except FacekeepError as error:
            yield error_finding(error)


def _registry(directory: Path, keys: KeyProvider) -> None:
    with Registry.open(registry_path(directory), keys) as registry:
        registry.check()


def _half(directory: Path, side: str, keys: KeyProvider, keep_id: bytes) -> None:
    with (
        SqliteHalfStore.open(half_path(directory, side), keys, side=side, keep_id=keep_id) as store,
        FileHalfLog.open(log_path(directory, side), keys, side=side, store_id=store.store_id) as log,
    ):
        store.verify()
        for _ in log.replay():
            pass

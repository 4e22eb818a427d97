"""The deep part of ``facekeep doctor``: every cell of the stores is opened and every count compared.

The logs of the halves are held against what the ledger has taken down of them. The keep must not be open
meanwhile. Each store is looked at on its own, so that a damaged one does not hide another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from facekeep.errors import FacekeepError
from facekeep.service.doctor import Finding, error_finding
from facekeep.service.half_logs import check_log, noted_heads
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.opening import evidence_path, half_path, log_path, registry_path
from facekeep.split.log_tree import commitment_of
from facekeep.split.messages import LogHead
from facekeep.store.evidence import EvidenceStore
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import KeyProvider
from facekeep.store.registry import Registry

__all__ = ["check_stores", "examine_stores"]

_SIDES = ("left", "right")


def examine_stores(directory: Path, plan: KeyPlan) -> Iterator[Finding]:
    """Read everything in the three stores, the logs and the evidence; a finding for each that is not sound."""
    try:
        file = KeepFile.read(directory)
        keys = plan.provider(directory, file.keep_id)
    except FacekeepError as error:
        yield error_finding(error)
        return
    noted: dict[str, tuple[LogHead, ...]] = {}  # of a registry that cannot be read: nothing
    checks: list[Callable[[], None]] = [lambda: _registry(directory, keys, noted)]
    checks += [lambda side=side: _half(directory, side, keys, file.keep_id, noted) for side in _SIDES]  # type: ignore[misc]
    checks.append(lambda: _evidence(directory, keys))
    for check in checks:
        try:
            check()
        except FacekeepError as error:
            yield error_finding(error)


def check_stores(directory: Path, keys: KeyProvider, keep_id: bytes) -> None:
    """Read everything in the three stores and the logs of the halves, which nobody else has open.

    Raises:
        DamagedStoreError: something is damaged or does not open; it is told of the first.
    """
    noted: dict[str, tuple[LogHead, ...]] = {}
    _registry(directory, keys, noted)
    for side in _SIDES:
        _half(directory, side, keys, keep_id, noted)


def _registry(directory: Path, keys: KeyProvider, noted: dict[str, tuple[LogHead, ...]]) -> None:
    with Registry.open(registry_path(directory), keys) as registry:
        registry.check()
        with registry.read() as view:
            noted |= {side: noted_heads(view, side) for side in _SIDES}


def _evidence(directory: Path, keys: KeyProvider) -> None:
    with EvidenceStore(evidence_path(directory), keys) as store:
        store.check()


def _half(
    directory: Path, side: str, keys: KeyProvider, keep_id: bytes, noted: Mapping[str, tuple[LogHead, ...]]
) -> None:
    with (
        SqliteHalfStore.open(half_path(directory, side), keys, side=side, keep_id=keep_id) as store,
        FileHalfLog.open(log_path(directory, side), keys, side=side, store_id=store.store_id) as log,
    ):
        store.verify()
        records = (commitment_of(store.store_id, record) for record in log.replay())
        check_log(side, records, noted.get(side, ()))

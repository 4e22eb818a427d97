"""Make and open the roles of a keep in one process: registry, halves, selector, gate, each on its own store and key."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.comparison import Calibration
from facekeep.domain.consent import Purpose, purpose_bits
from facekeep.errors import UsageError
from facekeep.service.coordinator import Coordinator
from facekeep.service.keep_file import KeepFile, write_private
from facekeep.service.key_plan import HeldKeys, KeyPlan
from facekeep.split.approval import ClientKey
from facekeep.split.budget import Limits
from facekeep.split.gate import Gate
from facekeep.split.half import Surroundings, install_rules
from facekeep.split.left import LeftHalf
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, client_key
from facekeep.split.right import RightHalf
from facekeep.split.roles import LeftPort, RightPort
from facekeep.split.rules import Rules
from facekeep.split.selector import Selector
from facekeep.store.database import sync_directory
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_rotation import rotate_half, settle_half
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import KeyProvider, new_key
from facekeep.store.registry import Registry

Clock = Callable[[], datetime]

CALIBRATION = "calibration.json"

_SIDES = ("left", "right")
_RESULTS = "gate.results"
_LEDGER = "gate.ledger"
_PEER = {"left": "right", "right": "left"}


def system_clock() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class HalfFiles:
    """The files of a half, open.

    Attributes:
        store: its rows.
        log: its log.
    """

    store: SqliteHalfStore
    log: FileHalfLog


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of an open keep.

    Attributes:
        registry: people, consents, cases.
        left: the left half, through its port.
        right: the right half, through its port.
        gate: asks the halves.
        coordinator: writes to all three stores.
        threads: where halves run parts of a scan, or None.
        desk: the keep's own key, which signs for operators who have none as far as the halves let it.
        registrar: says which keys sign for operators; None where it is on another host.
        files: of the left and the right half, for backups; none where they are on other hosts.
    """

    registry: Registry
    left: LeftPort
    right: RightPort
    gate: Gate
    coordinator: Coordinator
    threads: ThreadPoolExecutor | None
    desk: ClientKey
    registrar: Ed25519PrivateKey | None
    files: Mapping[str, HalfFiles] = field(default_factory=dict)

    def close(self) -> None:
        """Close everything, the registry last. What cannot be closed cleanly keeps nothing else open."""
        with ExitStack() as closing:
            if self.threads is not None:
                closing.callback(self.threads.shutdown)
            closing.callback(self.registry.close)
            closing.callback(self.right.close)
            closing.callback(self.left.close)
            closing.callback(self.gate.close)


def _identity(keys: KeyProvider, name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keys.get(name))


def _public(keys: KeyProvider, name: str) -> str:
    return _identity(keys, name).public_key().public_bytes_raw().hex()


def result_key(keys: KeyProvider) -> Ed25519PrivateKey:
    """The key that signs what captures came to.

    A keep that has none gets one when it is opened, since nothing was signed by it: results are of use for minutes,
    and whoever relies on one asks for the key at the same time.
    """
    return _made(keys, _RESULTS)


def ledger_key(keys: KeyProvider) -> Ed25519PrivateKey:
    """The key that signs heads of the ledger; of a keep from before the ledger, made when it is opened."""
    return _made(keys, _LEDGER)


def _made(keys: KeyProvider, name: str) -> Ed25519PrivateKey:
    if name not in keys.names():
        keys.put(name, new_key())
    return _identity(keys, name)


def registry_path(directory: Path) -> Path:
    """Where the registry of a keep lies."""
    return directory / "registry" / "registry.db"


def evidence_path(directory: Path) -> Path:
    """Where the evidence of reviews lies, with the gate and in no backup."""
    return directory / "evidence" / "evidence.db"


def half_path(directory: Path, side: str) -> Path:
    """Where a half of a keep lies."""
    return directory / side / "half.db"


def log_path(directory: Path, side: str) -> Path:
    """Where the log of a half lies."""
    return directory / side / "half.log"


def create_stores(
    directory: Path,
    plan: KeyPlan,
    *,
    dimension: int,
    calibration: Calibration,
    calibration_text: str,
    purposes: Sequence[Purpose],
    limits: Limits,
    now: datetime,
) -> None:
    """Make three stores and their keys in an empty folder. ``keep.toml`` comes last: without it there is no keep.

    Raises:
        UsageError: the folder is not empty, or the folder of keys holds keys.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise UsageError(
            "the folder is not empty",
            hint="Give facekeep init an empty or a new folder. What an init that was cut short left can be removed.",
        )
    keep_id = os.urandom(16)
    keys = plan.provider(directory, keep_id)
    if keys.names():
        raise UsageError("the folder for keys already holds keys", hint="Give each keep a folder of its own for keys.")
    for name in ("gate.sign", "gate.desk", "left.sign", "right.sign", "registrar.sign"):
        keys.put(name, new_key())
    create_registry(directory, keys, keep_id=keep_id, model=calibration.model, purposes=purposes)
    for side in _SIDES:
        rules = Rules(
            keep=keep_id.hex(),
            model=calibration.model,
            dimension=dimension,
            thresholds=calibration.integer_thresholds(),
            fmrs=tuple(level.fmr for level in calibration.levels),
            gate=_public(keys, "gate.sign"),
            peer=_public(keys, f"{_PEER[side]}.sign"),
            registrar=_public(keys, "registrar.sign"),
            purposes=purpose_bits(purposes),
            limits=limits,
            operators=(client_key(_identity(keys, "gate.desk").public_key(), ANYBODY, EVERY_PURPOSE),),
        )
        create_half(directory, keys, side, rules)
    write_private(directory / CALIBRATION, calibration_text)
    KeepFile(keep_id, calibration.model, now).write(directory)
    sync_directory(directory.absolute().parent)


def create_registry(
    directory: Path, keys: KeyProvider, *, keep_id: bytes, model: str, purposes: Sequence[Purpose]
) -> None:
    """Make a registry in its place below a folder, with some purposes on."""
    registry_path(directory).parent.mkdir(mode=0o700)
    made = Registry.create(registry_path(directory), keys, keep_id=keep_id, model=model)
    with made as registry, registry.transaction() as tx:
        for purpose in purposes:
            tx.set_switch(purpose, on=True)


def create_half(directory: Path, keys: KeyProvider, side: str, rules: Rules) -> None:
    """Make a half with its log in their place below a folder."""
    half_path(directory, side).parent.mkdir(mode=0o700)
    store = SqliteHalfStore.create(half_path(directory, side), keys, side=side, keep_id=bytes.fromhex(rules.keep))
    try:
        install_rules(store, rules)
        FileHalfLog.create(log_path(directory, side), keys, side=side, store_id=store.store_id).close()
    finally:
        store.close()


def rotate_stores(directory: Path, plan: KeyPlan, file: KeepFile) -> None:
    """Draw new role keys for the three stores of a closed keep; a crash is settled by the next open."""
    keys = plan.provider(directory, file.keep_id)
    for store in ("registry", *_SIDES):
        rotate_store(directory, keys, store, file.keep_id)


def rotate_store(directory: Path, keys: KeyProvider, name: str, keep_id: bytes) -> None:
    """Draw new role keys for one closed store: registry, left or right."""
    if name == "registry":
        with Registry.open(registry_path(directory), keys) as registry:
            registry.rotate()
        return
    store, log = open_half_store(directory, keys, name, keep_id)
    try:
        rotate_half(store, log, keys)
    finally:
        log.close()
        store.close()


def open_half_store(
    directory: Path, keys: KeyProvider, side: str, keep_id: bytes
) -> tuple[SqliteHalfStore, FileHalfLog]:
    """Open store and log of a half."""
    store = SqliteHalfStore.open(half_path(directory, side), keys, side=side, keep_id=keep_id)
    try:
        log = FileHalfLog.open(log_path(directory, side), keys, side=side, store_id=store.store_id)
    except BaseException:
        store.close()
        raise
    return store, log


def scan_threads(threads: int | None, *, halves: int = 1) -> tuple[ThreadPoolExecutor | None, int]:
    """Where halves run further parts of a scan, or None, and into how many parts each cuts it.

    Args:
        threads: cores that searches may use; None for all that this process has.
        halves: how many halves scan at the same time in this process.
    """
    parts = max(1, (threads or len(os.sched_getaffinity(0))) // halves)
    pool = ThreadPoolExecutor(halves * (parts - 1), thread_name_prefix="facekeep-scan") if parts > 1 else None
    return pool, parts


def open_roles(
    directory: Path,
    plan: KeyPlan | HeldKeys,
    file: KeepFile,
    *,
    levels: int,
    clock: Clock,
    threads: int | None = None,
    check_registry: bool = True,
) -> Roles:
    """Open all roles and recover what a crash left.

    Args:
        directory: the keep.
        plan: where its keys are.
        file: its ``keep.toml``.
        levels: number of levels of the calibration.
        clock: the time.
        threads: cores that searches may use; None for all that this process has.
        check_registry: whether the registry has to know the halves' rows; a benchmark's gallery has no people.

    Raises:
        DamagedStoreError: a store is damaged, swapped or older than its twins.
        KeyMissingError: a key is missing or wrong.
        UsageError: another process has the keep open.
    """
    keys = plan.provider(directory, file.keep_id)
    pool, parts = scan_threads(threads, halves=2)

    def seconds() -> int:
        return int(clock().timestamp())

    with ExitStack() as opened:
        if pool is not None:
            opened.callback(pool.shutdown)
        registry = Registry.open(registry_path(directory), keys)
        opened.callback(registry.close)
        around, files = {}, {}
        for side in _SIDES:
            store, log = open_half_store(directory, keys, side, file.keep_id)
            opened.callback(store.close)
            opened.callback(log.close)
            settle_half(store, log, keys)
            files[side] = HalfFiles(store, log)
            around[side] = Surroundings(store, log, _identity(keys, f"{side}.sign"), seconds, pool, parts)
        selector = Selector()
        left = LeftHalf(around["left"], selector)
        right = RightHalf(around["right"], selector, left)
        desk = ClientKey.of(_identity(keys, "gate.desk"))
        gate = Gate(
            left,
            right,
            _identity(keys, "gate.sign"),
            keep_id=file.keep_id,
            model=file.model,
            levels=levels,
            clock=seconds,
            desk=desk,
        )
        opened.callback(gate.close)
        coordinator = Coordinator(registry, left, right)
        if check_registry:
            coordinator.recover()
        opened.pop_all()
    return Roles(registry, left, right, gate, coordinator, pool, desk, _identity(keys, "registrar.sign"), files)

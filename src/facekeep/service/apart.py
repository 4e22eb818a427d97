"""The roles of a keep on hosts of their own: one store each for a half or the registrar, and none for the gate."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.errors import UsageError
from facekeep.service.coordinator import Coordinator
from facekeep.service.keep_file import KeepFile
from facekeep.service.opening import Clock, Roles, open_half_store, scan_threads
from facekeep.split.approval import ClientKey
from facekeep.split.gate import Gate
from facekeep.split.half import Surroundings
from facekeep.split.left import LeftHalf
from facekeep.split.right import RightHalf
from facekeep.split.roles import DeltaSource, LeftPort, RightPort, SelectorPort
from facekeep.store.half_rotation import settle_half
from facekeep.store.keys import KeyProvider
from facekeep.store.registry import Registry

_LOCK = "gate.lock"


@dataclass(frozen=True, slots=True)
class Ports:
    """The stores as the gate reaches them. Whoever opens the keep closes them with it."""

    registry: Registry
    left: LeftPort
    right: RightPort


Connect = Callable[[], Ports]
"""Gives ports on fresh connections; nothing need be reachable yet."""


def open_gate(connect: Connect, key: bytes, desk: ClientKey, file: KeepFile, *, levels: int, clock: Clock) -> Roles:
    """Reach the other roles, pair the halves and recover what was cut short.

    Args:
        connect: see there.
        key: the gate's Ed25519 private key, 32 bytes.
        desk: the keep's own key for operators who have none.
        file: its ``keep.toml``.
        levels: number of levels of the calibration.
        clock: the time.

    Raises:
        UnavailableError: one of them cannot be reached.
        DamagedStoreError: a store is older than its twins.
        UsageError: the registry is of another keep.
    """
    with ExitStack() as opened:
        ports = connect()
        for port in (ports.registry, ports.left, ports.right):
            opened.callback(port.close)
        if (ports.registry.keep_id, ports.registry.model) != (file.keep_id, file.model):
            hint = "Pair hosts of one keep only: facekeep pair show DIR lists whom a host knows."
            raise UsageError("the registrar serves another keep or another model", hint=hint)
        gate = Gate(
            ports.left,
            ports.right,
            Ed25519PrivateKey.from_private_bytes(key),
            keep_id=file.keep_id,
            model=file.model,
            levels=levels,
            clock=lambda: int(clock().timestamp()),
            desk=desk,
        )
        opened.callback(gate.close)
        coordinator = Coordinator(ports.registry, ports.left, ports.right)
        coordinator.recover()
        opened.pop_all()
    return Roles(ports.registry, ports.left, ports.right, gate, coordinator, None, desk, None)


class OneGate:
    """Held while a process is the gate of a folder, so that a second one does not pair the halves anew beneath it."""

    def __init__(self, directory: Path) -> None:
        """Hold it.

        Raises:
            UsageError: another process does.
        """
        self._descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            hint = "Close the other process, or talk to it instead."
            raise UsageError("another process is the gate of this keep", hint=hint) from None

    def release(self) -> None:
        """Let it go. The file stays; it is empty."""
        os.close(self._descriptor)


@dataclass(frozen=True, slots=True)
class OpenHalf:
    """A half that is open by itself.

    Attributes:
        left: it, if it is the left one.
        right: it, if it is the right one.
        threads: where it runs parts of a scan, or None.
    """

    left: LeftHalf | None
    right: RightHalf | None
    threads: ThreadPoolExecutor | None

    def close(self) -> None:
        """Save its counts and close store and log."""
        with ExitStack() as closing:
            if self.threads is not None:
                closing.callback(self.threads.shutdown)
            for half in (self.left, self.right):
                if half is not None:
                    closing.callback(half.close)


def open_half(
    directory: Path,
    keys: KeyProvider,
    side: str,
    *,
    keep_id: bytes,
    selector: SelectorPort,
    twin: DeltaSource | None,
    clock: Clock,
    threads: int | None = None,
) -> OpenHalf:
    """Open one half.

    Args:
        directory: its folder.
        keys: its keys.
        side: left or right.
        keep_id: 16 bytes.
        selector: where coarse sums go.
        twin: the left half, for the right one.
        clock: the time.
        threads: cores that searches may use; None for all that this process has.

    Raises:
        DamagedStoreError: the store is damaged or swapped.
        KeyMissingError: a key is missing or wrong.
        UsageError: another process has it open.
    """
    pool, parts = scan_threads(threads)
    with ExitStack() as opened:
        if pool is not None:
            opened.callback(pool.shutdown)
        store, log = open_half_store(directory, keys, side, keep_id)
        opened.callback(store.close)
        opened.callback(log.close)
        settle_half(store, log, keys)
        identity = Ed25519PrivateKey.from_private_bytes(keys.get(f"{side}.sign"))
        around = Surroundings(store, log, identity, lambda: int(clock().timestamp()), pool, parts)
        left = LeftHalf(around, selector) if twin is None else None
        right = None if twin is None else RightHalf(around, selector, twin)
        opened.pop_all()
    return OpenHalf(left, right, pool)

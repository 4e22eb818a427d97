"""Roles at work on hosts of their own: what is served, and how the gate reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from facekeep.errors import UsageError
from facekeep.interfaces.logs import log_to_stderr
from facekeep.interfaces.memory import Weakness, tell
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.making import has_store
from facekeep.interfaces.registry.client import RemoteRegistry
from facekeep.interfaces.registry.desk import desk_of
from facekeep.interfaces.vault.client import RemoteLeft, RemoteRight, RemoteSelector
from facekeep.interfaces.vault.handlers import NAMES, Service, serve_left, serve_registrar, serve_right
from facekeep.interfaces.vault.server import Event, Happening, VaultServer
from facekeep.service.apart import Connect, Ports, open_half
from facekeep.service.opening import registry_path, system_clock
from facekeep.service.warming import warm_up
from facekeep.split.selector import Selector
from facekeep.split.wire.methods import RIGHTS, Role
from facekeep.store.registry import Registry

if TYPE_CHECKING:
    from facekeep.interfaces.pairing.cards import Address
    from facekeep.service.key_plan import KeyPlan

__all__ = ["connecting", "serve_role"]

_log = structlog.get_logger("facekeep.hosting")


def connecting(folder: RoleFolder) -> Connect:
    """How the gate of a folder reaches the others.

    Raises:
        UsageError: it is the folder of another role, or one of the others is not known.
    """
    if folder.role is not Role.GATE:
        hint = f"This is the folder of the {NAMES[folder.role]}. Give commands about people to the gate."
        raise UsageError("this folder holds one role of a keep and not its gate", hint=hint)
    found = {
        role: (folder.address_of(role), folder.files, folder.peer(role).certificate.encode())
        for role in (Role.REGISTRAR, Role.LEFT, Role.RIGHT)
    }

    def connect() -> Ports:
        limits = folder.limits
        return Ports(
            RemoteRegistry(*found[Role.REGISTRAR], limits=limits),
            RemoteLeft(*found[Role.LEFT], limits=limits),
            RemoteRight(*found[Role.RIGHT], limits=limits),
        )

    return connect


@contextmanager
def serve_role(
    folder: RoleFolder, plan: KeyPlan, listen: Address, *, weak: Sequence[Weakness] = ()
) -> Iterator[Address]:
    """Serve a half or the registrar while the block lasts, and log what happens; gives the address.

    Args:
        folder: of the role.
        plan: where its keys are.
        listen: where.
        weak: what is to be logged of this process's memory.

    Raises:
        UsageError: it has no store yet, another process has it open, or the address cannot be listened at.
        DamagedStoreError: the store is damaged or swapped.
    """
    if folder.role is Role.GATE:
        raise UsageError("this is the folder of the gate", hint="Serve it with: facekeep serve --keep DIR.")
    if not has_store(folder):
        raise UsageError("this role has no store yet", hint="Make it: facekeep pair finish DIR.")
    callers = folder.peers(*RIGHTS[folder.role])
    with ExitStack() as opened:
        service = _open(folder, plan, opened)
        warm_up()  # whoever asks first waits for an answer and not for a compiler
        log_to_stderr()
        tell(weak)
        try:
            server = VaultServer(service, listen, folder.files, callers, tell=_teller(folder.role))
        except OSError:
            hint = "Choose another --listen, or an address of this machine."
            raise UsageError("the address cannot be listened at", hint=hint) from None
        opened.enter_context(server)
        yield server.address


def _open(folder: RoleFolder, plan: KeyPlan, opened: ExitStack) -> Service:
    keep_id = folder.facts().keep_id
    keys = plan.provider(folder.directory, keep_id)
    if folder.role is Role.REGISTRAR:
        registry = opened.enter_context(Registry.open(registry_path(folder.directory), keys))
        return serve_registrar(Selector(), desk_of(registry))
    registrar = folder.address_of(Role.REGISTRAR), folder.files, folder.peer(Role.REGISTRAR).certificate.encode()
    selector = RemoteSelector(*registrar, limits=folder.limits)
    opened.callback(selector.close)
    twin = None
    if folder.role is Role.RIGHT:
        left = folder.address_of(Role.LEFT), folder.files, folder.peer(Role.LEFT).certificate.encode()
        twin = RemoteLeft(*left, limits=folder.limits)
        opened.callback(twin.close)
    half = open_half(
        folder.directory, keys, folder.role, keep_id=keep_id, selector=selector, twin=twin, clock=system_clock
    )
    opened.callback(half.close)
    if half.left is not None:
        return serve_left(half.left)
    if half.right is not None:
        return serve_right(half.right)
    raise UsageError("a half is left or right")


def _teller(role: Role) -> Callable[[Event], None]:
    """Logs what a server tells of. Of an error only its kind: its text may hold paths, or anything."""

    def tell(event: Event) -> None:
        told = {
            "role": str(role),
            "happening": event.what.name.lower().replace("_", "-"),
            "address": event.address,
            "caller": "" if event.caller is None else str(event.caller),
            "pin": "" if event.pin is None else event.pin.hex(),
            "error": "" if event.error is None else type(event.error).__name__,
        }
        with suppress(OSError, ValueError):  # whoever reads the log has gone away: no reason to stop answering
            level = _log.error if event.what is Happening.FAILED else _log.warning
            level(event.what.value, **told)

    return tell

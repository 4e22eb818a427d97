"""How the folder of a role is made, and how it gets its store once the others are known."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.comparison import Calibration
from facekeep.errors import UsageError
from facekeep.interfaces.pairing.cards import PURPOSES, Address, Card, KeepFacts
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.vault.certificates import Made, make
from facekeep.service.keep_file import KeepFile, write_private
from facekeep.service.opening import CALIBRATION, create_half, create_registry, half_path, registry_path
from facekeep.split.wire.methods import Role
from facekeep.store.keys import KeyProvider, new_key

if TYPE_CHECKING:
    from facekeep.service.key_plan import KeyPlan

__all__ = ["finish", "has_store", "issue", "new_gate", "new_role", "public_key"]

NO_KEEP = bytes(16)
"""In place of a keep's identifier while none is known: only entries of a keyring are named after it."""

_PEER = {Role.LEFT: Role.RIGHT, Role.RIGHT: Role.LEFT}


def public_key(keys: KeyProvider, name: str) -> str:
    """The public part of an Ed25519 key, 64 hexadecimal digits."""
    return Ed25519PrivateKey.from_private_bytes(keys.get(name)).public_key().public_bytes_raw().hex()


def certified(role: Role, now: datetime) -> Made:
    """A new TLS key of a role, with its certificate."""
    return make(f"facekeep {role}", now=now)


def issue(folder: RoleFolder, made: Made, identity: str, address: Address | None, facts: KeepFacts | None) -> str:
    """Write a role's own card, and give its pin."""
    card = Card(folder.role, address, made.certificate.decode(), identity, facts)
    write_private(folder.card_path, card.to_bytes().decode("ascii"))
    return folder.card()[1]


def new_role(directory: Path, role: Role, plan: KeyPlan, address: Address, *, now: datetime) -> RoleFolder:
    """Make the folder of a half or of the registrar. It has no store until the others are known.

    Raises:
        UsageError: the folder is not empty, or the folder of keys holds keys of this role.
    """
    made = certified(role, now)
    folder = RoleFolder.make(directory, role, made.certificate, made.key)
    keys = plan.provider(directory, NO_KEEP)
    name = f"{role}.sign"
    keys.put(name, new_key())
    issue(folder, made, public_key(keys, name), address, None)
    return folder


def new_gate(
    directory: Path, plan: KeyPlan, *, calibration: Calibration, calibration_text: str, dimension: int, now: datetime
) -> RoleFolder:
    """Make the folder of a gate, and with it a new keep that the others build on: its identifier, model, thresholds."""
    made = certified(Role.GATE, now)
    folder = RoleFolder.make(directory, Role.GATE, made.certificate, made.key)
    keep_id = os.urandom(16)
    keys = plan.provider(directory, keep_id)
    for name in ("gate.sign", "gate.desk"):
        keys.put(name, new_key())
    rates = tuple(level.fmr for level in calibration.levels)
    desk = public_key(keys, "gate.desk")
    facts = KeepFacts(keep_id, calibration.model, dimension, calibration.integer_thresholds(), rates, desk)
    write_private(directory / CALIBRATION, calibration_text)
    issue(folder, made, public_key(keys, "gate.sign"), None, facts)
    KeepFile(keep_id, calibration.model, now).write(directory)
    return folder


def has_store(folder: RoleFolder) -> bool:
    """Whether the store of a half or of the registrar is there."""
    if folder.role is Role.REGISTRAR:
        return registry_path(folder.directory).exists()
    return half_path(folder.directory, folder.role).exists()


def finish(folder: RoleFolder, plan: KeyPlan) -> None:
    """Make the store of a half or of the registrar, from what was pinned.

    Raises:
        UsageError: it is the gate's, which keeps nothing; another role is not known yet; or there is a store.
    """
    if folder.role is Role.GATE:
        raise UsageError("the gate keeps no store", hint="Serve it once the others run: facekeep serve --keep DIR.")
    if has_store(folder):
        raise UsageError("the store is there already", hint=f"Serve it: facekeep {_command(folder.role)} DIR.")
    for other in Role:
        if other is not folder.role:
            folder.peer(other)
    facts = folder.facts()
    keys = plan.provider(folder.directory, facts.keep_id)
    if folder.role is Role.REGISTRAR:
        create_registry(folder.directory, keys, keep_id=facts.keep_id, model=facts.model, purposes=PURPOSES)
        return
    rules = facts.rules(
        gate=folder.peer(Role.GATE).identity,
        peer=folder.peer(_PEER[folder.role]).identity,
        registrar=folder.peer(Role.REGISTRAR).identity,
    )
    create_half(folder.directory, keys, folder.role, rules)


def _command(role: Role) -> str:
    return "registrar" if role is Role.REGISTRAR else f"vault --side {role}"

"""Taking a keep of one folder apart into the folders of four roles, to be carried to their hosts.

The keep itself is left as it is. What it held lies in one more place afterwards, until both are destroyed and the keep
is refreshed: a keep whose hosts made their own keys (``making``) never was in one place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from facekeep.errors import DamagedStoreError, UsageError
from facekeep.interfaces.composition import KeyRecord
from facekeep.interfaces.pairing.cards import Address, KeepFacts
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.making import certified, issue, public_key
from facekeep.service.keep_file import NAME, KeepFile
from facekeep.service.opening import CALIBRATION, half_path, log_path, open_half_store, registry_path
from facekeep.split.rules import Rules
from facekeep.split.wire.methods import Role

if TYPE_CHECKING:
    from facekeep.service.key_plan import KeyPlan
    from facekeep.store.keys import KeyProvider

__all__ = ["split"]

_KEYS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.GATE: ("gate",),
    Role.REGISTRAR: ("registry", "registrar"),
    Role.LEFT: ("left",),
    Role.RIGHT: ("right",),
}
"""The folders of keys that each role takes along."""

_STORE: Final[Mapping[Role, str]] = {Role.REGISTRAR: "registry", Role.LEFT: "left", Role.RIGHT: "right"}


def split(
    keep: Path, record: KeyRecord, plan: KeyPlan, out: Path, addresses: Mapping[Role, Address], *, now: datetime
) -> dict[Role, RoleFolder]:
    """Make the four folders below a new one, each with its own store and keys, and with the cards of the others.

    Args:
        keep: the keep, which no process has open; it was opened and closed before, so that nothing is under way.
        record: where its keys are.
        plan: the same, with passphrases.
        out: an empty or new folder.
        addresses: where registrar, left and right will be reached.
        now: the time.

    Raises:
        UsageError: the folder is not empty; keys are in a keyring, or another process has the keep open.
    """
    if record.keyring:
        hint = "They are bound to this account. Set up new hosts, and enrol again."
        raise UsageError("keys in the keyring of this machine cannot be carried to another", hint=hint)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise UsageError("the folder is not empty", hint="Give an empty or a new folder.")
    file = KeepFile.read(keep)
    keys = plan.provider(keep, file.keep_id)
    facts = _facts(keep, keys, file.keep_id)
    folders = {}
    for role, names in _KEYS.items():
        made = certified(role, now)
        folder = folders[role] = RoleFolder.make(out / role, role, made.certificate, made.key)
        for source in _files(keep, role):
            _copy(source, folder.directory / source.relative_to(keep))
        for name in names:
            for key in sorted((record.directory or keep / "keys").joinpath(name).glob("*.key")):
                # Evidence of reviews is in one place, or it could not be destroyed in time.
                if not key.name.startswith("gate.evidence."):
                    _copy(key, folder.directory / "keys" / name / key.name)
        passphrase = frozenset({_STORE[role]} & record.passphrase if role in _STORE else ())
        KeyRecord(None, frozenset(), passphrase).write(folder.directory)
        issue(folder, made, public_key(keys, f"{role}.sign"), addresses.get(role), facts if role is Role.GATE else None)
    for here in folders.values():
        for there in folders.values():
            if here is not there:
                here.add(there.card_path.read_bytes(), there.card()[1], None)
    return folders


def _facts(keep: Path, keys: KeyProvider, keep_id: bytes) -> KeepFacts:
    """What the left half's rules say of the keep. A keep that another process has open is refused here."""
    store, log = open_half_store(keep, keys, "left", keep_id)
    try:
        stored = store.state("rules")
    finally:
        log.close()
        store.close()
    if stored is None:
        raise DamagedStoreError("the left half has no rules", store="left half")
    rules = Rules.from_bytes(stored)
    desk = public_key(keys, "gate.desk")
    return KeepFacts(keep_id, rules.model, rules.dimension, rules.thresholds, rules.fmrs, desk)


def _files(keep: Path, role: Role) -> list[Path]:
    if role is Role.GATE:
        return [keep / NAME, keep / CALIBRATION]
    if role is Role.REGISTRAR:
        return [registry_path(keep)]
    return [half_path(keep, role), log_path(keep, role)]


def _copy(source: Path, target: Path) -> None:
    """Copy a file durably, with mode 0600, into folders of mode 0700."""
    for folder in reversed(target.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with source.open("rb") as original, os.fdopen(descriptor, "wb") as copy:
        shutil.copyfileobj(original, copy)
        copy.flush()
        os.fsync(copy.fileno())

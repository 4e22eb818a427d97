"""What the tests of backups share: a keep on invented faces, recipients, identities, and a copy of the keys."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pyrage

from facekeep.service.keep import Keep
from facekeep.service.key_plan import KeyPlan
from facekeep.service.restoring import Restored, restore
from facekeep.store.archives import new_identity

from .conftest import BOTH, NOTICE, MovedClock

STORES = ("registry", "left", "right")
_MADE = {store: new_identity() for store in STORES}
IDENTITIES = {store: text for store, (text, _) in _MADE.items()}
RECIPIENTS = {store: (recipient,) for store, (_, recipient) in _MADE.items()}


def private(store: str) -> pyrage.x25519.Identity:
    """What opens the archive of a store."""
    (line,) = [line for line in IDENTITIES[store].splitlines() if not line.startswith("#")]
    return pyrage.x25519.Identity.from_str(line)


def enrol(keep: Keep, *labels: str) -> None:
    """Enrol people of whom any picture that begins with their label is one."""
    for label in labels:
        keep.enrol(label, [label.encode()], purposes=BOTH, notice=NOTICE, operator="op", name=f"{label} Canary")


def labels(keep: Keep) -> set[str]:
    """Who is in a keep."""
    return {person.label for person in keep.subjects()}


def knows(keep: Keep, label: str) -> bool:
    """Whether somebody is found by a search."""
    found = keep.identify(f"{label}/2".encode(), operator="op", case="case").candidates
    return [candidate.label for candidate in found] == [label]


class Elsewhere:
    """What is kept away from a keep: the backups, and a copy of its keys."""

    def __init__(self, folder: Path, keep: Path, clock: MovedClock) -> None:
        self.folder = folder
        self.keep = keep
        self.clock = clock
        self._restored = 0

    @property
    def backups(self) -> Path:
        """Folder of backups."""
        return self.folder / "backups"

    def keys(self) -> KeyPlan:
        """A fresh copy of the keys as they are."""
        self._restored += 1
        return KeyPlan(Path(shutil.copytree(self.keep / "keys", self.folder / f"keys {self._restored}")))

    def restore(
        self,
        backup: Path,
        to: Path,
        *,
        since: Sequence[Path] = (),
        accept: bool = False,
        keys: KeyPlan | None = None,
        identities: dict[str, str] | None = None,
    ) -> Restored:
        """Restore with a copy of the keys."""
        return restore(
            backup,
            to,
            identities or IDENTITIES,
            keys=keys or self.keys(),
            erased_since=since,
            accept_unknown_erasures=accept,
            clock=self.clock,
        )

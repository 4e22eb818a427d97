"""What an archive of a backup says of itself: its manifest, written in one way.

A backup is a set of three archives, one for each store, all of one moment. Each has a manifest of its own; those of one
set agree in everything but the store, its epoch and its files.

Invariants: a manifest holds neither label nor name, and no key; the names of files are those that its store has.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Self

from facekeep.domain.canonical import canonical
from facekeep.domain.ledger import written

__all__ = [
    "FILES",
    "FORMAT",
    "MANIFEST_BYTES_MAX",
    "STORES",
    "ArchivedFile",
    "Manifest",
    "archive_name",
    "misfit",
    "set_name",
    "set_time",
]

FORMAT: Final = "facekeep-backup-1"
"""Names the format of archives; docs/reference/stores.md describes it."""

MANIFEST_BYTES_MAX: Final = 1 << 16
"""The longest manifest, in bytes."""

STORES: Final = ("registry", "left", "right")
"""The stores of a keep."""

FILES: Final = MappingProxyType(
    {
        "registry": ("calibration.json", "registry.db"),
        "left": ("half.db", "half.log"),
        "right": ("half.db", "half.log"),
    }
)
"""The files in the archive of each store, in their order."""

_PREFIX: Final = "facekeep"
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_KEEP_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file in an archive.

    Attributes:
        name: without folders.
        size: in bytes.
        sha256: 64 hexadecimal digits.
    """

    name: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size < 0 or not _is_hex(self.sha256, 64):
            raise ValueError("a file has a size and a SHA-256")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself.

    Attributes:
        store: registry, left or right.
        keep: identifier of the keep, 32 hexadecimal digits.
        model: SHA-256 of the embedding model.
        generation: of the three stores together.
        epoch: of this store; without the key of this epoch nothing of it opens.
        made: when, with time zone; kept to the millisecond.
        refreshed: when the epoch began.
        head: the ledger's signed head of that moment.
        files: in the order in which they follow.
    """

    store: str
    keep: str
    model: str
    generation: int
    epoch: int
    made: datetime
    refreshed: datetime
    head: str
    files: tuple[ArchivedFile, ...]

    def __post_init__(self) -> None:
        if self.store not in STORES or tuple(file.name for file in self.files) != FILES[self.store]:
            raise ValueError("an archive is of one of the three stores, and holds its files")
        if not _is_hex(self.keep, 32) or not _is_hex(self.model, 64):
            raise ValueError("keep and model are hexadecimal digits")
        if any(type(count) is not int or count < 0 for count in (self.generation, self.epoch)):
            raise ValueError("generation and epoch are counts")
        for name in ("made", "refreshed"):
            time = getattr(self, name)
            if time.tzinfo is None:
                raise ValueError("a time has a time zone")
            time = time.astimezone(UTC)
            object.__setattr__(self, name, time.replace(microsecond=time.microsecond // 1000 * 1000))

    @property
    def written(self) -> bytes:
        """The manifest as it stands in the archive."""
        files = [{"name": file.name, "sha256": file.sha256, "size": file.size} for file in self.files]
        return canonical(
            {
                "format": FORMAT,
                "store": self.store,
                "keep": self.keep,
                "model": self.model,
                "generation": self.generation,
                "epoch": self.epoch,
                "made": written(self.made),
                "refreshed": written(self.refreshed),
                "head": self.head,
                "files": files,
            }
        )

    @classmethod
    def read(cls, data: bytes) -> Self:
        """The manifest that was written.

        Raises:
            ValueError: it is none, of another version, or written in another way.
        """
        try:
            values: dict[str, Any] = json.loads(data)
            if values.pop("format") != FORMAT:
                raise ValueError("the manifest is of another format")
            files = tuple(ArchivedFile(**file) for file in values.pop("files"))
            made, refreshed = (datetime.fromisoformat(values.pop(name)) for name in ("made", "refreshed"))
            manifest = cls(**values, made=made, refreshed=refreshed, files=files)
            again = manifest.written
        except (KeyError, TypeError, AttributeError, RecursionError) as problem:
            raise ValueError("the manifest has other fields than it should") from problem
        if again != data:
            raise ValueError("the manifest is not written as manifests are")
        return manifest


def misfit(manifests: tuple[Manifest, ...]) -> str | None:
    """In what the manifests of a set first differ that ought to be the same in all, as a word; None if they fit."""
    own = ("store", "epoch", "files")
    for one in fields(Manifest):
        if one.name not in own and len({getattr(manifest, one.name) for manifest in manifests}) > 1:
            return one.name
    return None


def archive_name(store: str) -> str:
    """The name of a store's archive in the folder of a set."""
    return f"{store}.age"


def set_name(keep_id: bytes, made: datetime) -> str:
    """The name of a set's folder: of which keep, and when it was made."""
    return f"{_PREFIX}-{keep_id.hex()[:_KEEP_DIGITS]}-{made.astimezone(UTC).strftime(_STAMP)}"


def set_time(keep_id: bytes, name: str) -> datetime | None:
    """When the set was made whose folder has this name; None if it is that of no set of this keep."""
    before, _, stamp = name.rpartition("-")
    if before != f"{_PREFIX}-{keep_id.hex()[:_KEEP_DIGITS]}":
        return None
    try:
        made = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return made if set_name(keep_id, made) == name else None


def _is_hex(text: object, digits: int) -> bool:
    return isinstance(text, str) and len(text) == digits and set(text) <= set("0123456789abcdef")

"""``keep.toml``: what a folder needs to be known as a keep. Nothing in it is secret or personal."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from facekeep.errors import DamagedStoreError, UsageError

FORMAT = 2
NAME = "keep.toml"
_COMMENT = "# A Facekeep keep. Nothing in this file is secret; do not edit it.\n"


@dataclass(frozen=True, slots=True)
class KeepFile:
    """The contents.

    Attributes:
        keep_id: 16 random bytes.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        refreshed: when the present epoch began.
    """

    keep_id: bytes
    model: str
    refreshed: datetime

    def write(self, directory: Path) -> None:
        """Write the file whole and durably, in place of an old one."""
        text = (
            f'{_COMMENT}format = {FORMAT}\nkeep = "{self.keep_id.hex()}"\nmodel = "{self.model}"\n'
            f"refreshed = {self.refreshed.isoformat(timespec='seconds')}\n"
        )
        write_private(directory / NAME, text)

    @classmethod
    def read(cls, directory: Path) -> KeepFile:
        """Read the file.

        Raises:
            UsageError: the folder is no keep.
            DamagedStoreError: the file does not parse, or is of a newer version.
        """
        try:
            values = tomllib.loads((directory / NAME).read_text())
        except (FileNotFoundError, NotADirectoryError) as problem:
            raise UsageError("this folder is no keep", hint="Make one with: facekeep init DIR.") from problem
        except (OSError, ValueError) as problem:
            raise DamagedStoreError("keep.toml cannot be read", store="keep.toml") from problem
        try:
            if values["format"] != FORMAT:
                raise DamagedStoreError(
                    "keep.toml is of another version", store="keep.toml", hint="Use the version that made it, or newer."
                )
            if set(values) == {"format", "keep", "model", "refreshed"}:
                file = cls(bytes.fromhex(values["keep"]), str(values["model"]), values["refreshed"])
                if isinstance(file.refreshed, datetime) and file.refreshed.tzinfo and len(file.keep_id) == 16:
                    return file
        except (KeyError, ValueError, TypeError) as problem:
            raise DamagedStoreError("keep.toml does not parse", store="keep.toml") from problem
        raise DamagedStoreError("keep.toml holds other fields than it should", store="keep.toml")


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 whole and durably, in place of an old one."""
    fresh = path.with_name(f"{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

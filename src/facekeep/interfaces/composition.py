"""Putting the parts together: from settings and options to an open keep.

``keys.toml`` in the keep's folder notes where the keys are (a folder, roles in the keyring, roles under a passphrase),
so that only ``facekeep init`` has to be told. Nothing in it is secret, and somebody who alters it gains nothing: a
store opens with its own keys or not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from facekeep.errors import DamagedStoreError, UsageError
from facekeep.interfaces.settings import Settings

if TYPE_CHECKING:
    from facekeep.domain.comparison import Calibration
    from facekeep.face.models import ModelPack
    from facekeep.face.pipeline import PipelineSettings
    from facekeep.interfaces.pairing.folder import RoleFolder
    from facekeep.service.apart import Connect
    from facekeep.service.keep import Keep
    from facekeep.service.key_plan import KeyPlan
    from facekeep.service.restoring import Restored

__all__ = ["HERE", "ROLES", "Ask", "Composition", "KeyRecord"]

ROLES: Final = ("registry", "left", "right")
"""The roles whose epoch keys can be in the keyring or under a passphrase."""

HERE: Final = "Give --keep DIR, on the machine of the keep, while it is not served."

Ask = Callable[[str, bool], str]
"""Asks a person for the passphrase of a role; the flag says that it is new and has to be given twice."""

_RECORD: Final = "keys.toml"
_COMMENT: Final = "# Where the keys of this keep are. Nothing in this file is secret.\n"
_LARGEST_FD_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """Where the keys of a keep are.

    Attributes:
        directory: folder of key files, or None for ``keys`` inside the keep.
        keyring: roles whose epoch keys are in the keyring of the operating system.
        passphrase: roles whose epoch keys are wrapped in a passphrase.
    """

    directory: Path | None = None
    keyring: frozenset[str] = frozenset()
    passphrase: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if (self.keyring | self.passphrase) - set(ROLES):
            raise UsageError("only registry, left and right have epoch keys", hint="Name one of these three roles.")
        if self.keyring & self.passphrase:
            raise UsageError(
                "a role's epoch keys cannot be both in the keyring and under a passphrase", hint="Choose one of them."
            )

    def write(self, keep: Path) -> None:
        """Note it in the keep's folder, mode 0600."""
        lines = [_COMMENT]
        if self.directory is not None:
            # A JSON string without escapes above ASCII is a TOML string too.
            lines.append(f"directory = {json.dumps(str(self.directory), ensure_ascii=False)}\n")
        lines.append(f"keyring = {json.dumps(sorted(self.keyring))}\n")
        lines.append(f"passphrase = {json.dumps(sorted(self.passphrase))}\n")
        descriptor = os.open(keep / _RECORD, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, keep: Path) -> KeyRecord:
        """What is noted in the keep's folder; keys inside the keep if nothing is.

        Raises:
            DamagedStoreError: the note does not parse.
        """
        try:
            values = tomllib.loads((keep / _RECORD).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        except (OSError, ValueError):
            raise _damaged() from None
        directory, keyring, passphrase = (values.pop(key, None) for key in ("directory", "keyring", "passphrase"))
        sound = isinstance(directory, str | None) and all(
            isinstance(roles, list) and all(role in ROLES for role in roles) for roles in (keyring, passphrase)
        )
        if values or not sound:
            raise _damaged()
        return cls(None if directory is None else Path(directory), frozenset(keyring), frozenset(passphrase))


@dataclass(frozen=True, slots=True)
class Composition:
    """Builds what commands work with.

    Attributes:
        settings: of this process.
        ask: how a person is asked for a passphrase.
    """

    settings: Settings
    ask: Ask
    _passphrases: dict[str, str] = field(default_factory=dict, repr=False)

    def directory(self, keep: Path | None) -> Path:
        """The keep's folder, from ``--keep`` or FACEKEEP_KEEP.

        Raises:
            UsageError: neither was given.
        """
        chosen = keep or self.settings.keep
        if chosen is None and self.settings.server is not None:
            raise UsageError("this command works on a keep on this machine, not on a server", hint=HERE)
        if chosen is None:
            raise UsageError("no keep was named", hint="Give --keep DIR, or set FACEKEEP_KEEP.")
        return chosen

    def key_record(self, keys: Path | None, keyring: Iterable[str], passphrase: Iterable[str]) -> KeyRecord:
        """Where the keys of a keep are that is about to be made: in this folder, else in that of FACEKEEP_KEYS.

        Raises:
            UsageError: a role is none, or has its keys in two places.
        """
        folder = keys or self.settings.keys
        return KeyRecord(None if folder is None else folder.absolute(), frozenset(keyring), frozenset(passphrase))

    def operator(self, operator: str | None) -> str:
        """Who works: from ``--operator``, FACEKEEP_OPERATOR, or the account of the operating system."""
        return operator or self.settings.operator or account_name()

    def record(self, directory: Path) -> KeyRecord:
        """Where the keys of the keep in ``directory`` are; FACEKEEP_KEYS goes before what is noted."""
        noted = KeyRecord.read(directory)
        if self.settings.keys is None:
            return noted
        return KeyRecord(self.settings.keys, noted.keyring, noted.passphrase)

    def plan(self, record: KeyRecord, *, new: bool = False) -> KeyPlan:
        """The plan with its passphrases: from a file descriptor, the environment, or a person, in this order.

        Each is asked for once in a process: a descriptor can be read once only.

        Raises:
            UsageError: the descriptor holds too few lines.
        """
        from facekeep.service.key_plan import KeyPlan

        wanted = [role for role in ROLES if role in record.passphrase]
        missing = [role for role in wanted if role not in self._passphrases]
        self._passphrases.update(self._from_descriptor(missing))
        for role in wanted:
            kept = self.settings.passphrase(role)
            if role not in self._passphrases:
                self._passphrases[role] = self.ask(role, new) if kept is None else kept.get_secret_value()
        return KeyPlan(record.directory, record.keyring, {role: self._passphrases[role] for role in wanted})

    def models(self) -> tuple[ModelPack, PipelineSettings]:
        """The models at hand, and which of them are used. Their files are not read yet."""
        from facekeep.face.models import ModelPack
        from facekeep.face.pipeline import DEFAULT_DETECTOR, DEFAULT_EMBEDDING, PipelineSettings

        manifests = [Path(path) for path in self.settings.models.split(os.pathsep) if path]
        chosen = PipelineSettings(
            detector=self.settings.detector or DEFAULT_DETECTOR, embedding=self.settings.embedding or DEFAULT_EMBEDDING
        )
        return ModelPack.load(extra=manifests), chosen

    def create(self, directory: Path, record: KeyRecord, calibration: Path | None = None) -> Keep:
        """Make a keep and note where its keys are.

        Args:
            directory: an empty or new folder.
            record: where the keys shall be.
            calibration: thresholds of an own model; else those that come with Facekeep.
        """
        from facekeep.service.keep import Keep

        pack, chosen = self.models()
        plan = self.plan(record, new=True)
        try:
            keep = Keep.create(directory, keys=plan, pack=pack, settings=chosen, calibration=calibration)
        except BaseException:
            # So that the same command can be given again; a folder that holds anything stays.
            for folder in (record.directory or directory / "keys", directory):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise
        try:
            record.write(directory)
        except BaseException:
            keep.close()
            raise
        return keep

    def restore(
        self,
        backup: Path,
        directory: Path,
        identities: Mapping[str, str],
        record: KeyRecord,
        *,
        erased_since: Sequence[Path],
        accept_unknown_erasures: bool,
    ) -> Restored:
        """Restore a keep from a backup and note where its keys are. See :func:`facekeep.service.restoring.restore`."""
        from facekeep.service.restoring import restore

        done = restore(
            backup,
            directory,
            identities,
            keys=self.plan(record),
            erased_since=erased_since,
            accept_unknown_erasures=accept_unknown_erasures,
        )
        record.write(directory)
        return done

    def open(self, keep: Path | None) -> Keep:
        """Open a keep; to be used in a ``with`` block."""
        from facekeep.service.keep import Keep

        directory = self.directory(keep)
        pack, chosen = self.models()
        connect = self._connecting(directory)
        plan = self.plan(self.record(directory))
        return Keep.open(directory, keys=plan, pack=pack, settings=chosen, connect=connect)

    def calibration(self, path: Path | None) -> tuple[Calibration, str, int]:
        """The thresholds of the chosen embedding model, their file, and its dimension.

        Args:
            path: those of an own model; else the ones that come with Facekeep.
        """
        from facekeep.face.pipeline import FacePipeline
        from facekeep.service.calibration import read_calibration, shipped_calibration, shipped_calibration_text

        pack, chosen = self.models()
        extractor = FacePipeline.build(pack, chosen).extractor
        if path is None:
            text = shipped_calibration_text(extractor.model)
            return shipped_calibration(extractor.model), text, extractor.dimension
        levels = read_calibration(path, extractor.model)
        return levels, path.read_text(encoding="utf-8"), extractor.dimension

    @staticmethod
    def role_folder(directory: Path) -> RoleFolder | None:
        """The folder of one role on a host of its own; None for that of a whole keep."""
        from facekeep.interfaces.pairing.folder import ROLE_FILE, RoleFolder

        return RoleFolder.read(directory) if (directory / ROLE_FILE).exists() else None

    def _connecting(self, directory: Path) -> Connect | None:
        """How the other roles are reached, where the folder is that of a gate alone."""
        from facekeep.interfaces.pairing.hosting import connecting

        folder = self.role_folder(directory)
        return None if folder is None else connecting(folder)

    def _from_descriptor(self, roles: Iterable[str]) -> dict[str, str]:
        number, wanted = self.settings.passphrase_fd, list(roles)
        if number is None or not wanted:
            return {}
        try:
            with os.fdopen(number, "rb", closefd=False) as file:
                lines = file.read(_LARGEST_FD_BYTES).decode().splitlines()
        except (OSError, UnicodeDecodeError):
            raise UsageError(
                "passphrases cannot be read from the descriptor of FACEKEEP_PASSPHRASE_FD",
                hint="Open it for reading, for instance: facekeep … 3< FILE with FACEKEEP_PASSPHRASE_FD=3.",
            ) from None
        if len(lines) < len(wanted):
            raise UsageError(
                "the descriptor of FACEKEEP_PASSPHRASE_FD holds too few lines",
                hint=f"One line for each of: {', '.join(wanted)}.",
            )
        return dict(zip(wanted, lines, strict=False))


def account_name() -> str:
    """The name of the account that this process runs as; its number if it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _damaged() -> DamagedStoreError:
    return DamagedStoreError(
        "keys.toml, which says where the keys are, does not parse",
        store="keys.toml",
        hint="Restore the file, or remove it and set FACEKEEP_KEYS to the folder of the keys.",
    )

"""Backups of an open keep: three archives of one moment, each encrypted for recipients of its own.

How they come to be of one moment while the keep is used: the halves are copied in short steps, between which others
search and write, and what they write goes into the copies. Before the last step of each the keep is taken alone; then
the ledger's head is signed, and the registry and the logs are held at that moment. From there on everybody goes on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from facekeep.domain.backups import FILES, STORES, Manifest, archive_name, set_name, set_time
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.errors import BadInputError, DamagedStoreError, UsageError
from facekeep.service.keep_ledger import KeepLedger
from facekeep.service.opening import CALIBRATION, Roles, half_path, log_path, registry_path
from facekeep.store.archives import Recipients, describe, write_archive
from facekeep.store.database import sync_directory

__all__ = ["BackupSet", "KeepBackups", "newest_set", "read_recipients"]

_ENDING: Final = ".copy"
_UNFINISHED: Final = ".part"
_SOONEST: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BackupSet:
    """A backup that was made.

    Attributes:
        folder: of its three archives.
        made: of which moment it is.
        generation: of the three stores.
        digests: SHA-256 of each archive, by its store.
        sizes: bytes of each archive.
        removed: how many older sets were removed, since nobody may or can use them any more.
    """

    folder: Path
    made: datetime
    generation: int
    digests: Mapping[str, str]
    sizes: Mapping[str, int]
    removed: int = 0


@dataclass(frozen=True, slots=True)
class _Copies:
    """Copies of the stores, of one moment, and what their manifests say alike."""

    made: datetime
    refreshed: datetime
    generation: int
    head: str
    epochs: Mapping[str, int]
    files: Mapping[str, Mapping[str, Path]] = field(repr=False)


def read_recipients(named: Mapping[str, Iterable[str]]) -> dict[str, Recipients]:
    """For whom the archive of each store is encrypted.

    Raises:
        UsageError: a store has no recipient, or one that is none; or two stores have the same.
    """
    read = {store: Recipients(named.get(store, ())) for store in STORES}
    seen: set[str] = set()
    for recipients in read.values():
        if seen & recipients.names:
            raise UsageError(
                "two stores have the same recipient: one identity would open both",
                hint="Make an identity for each store, and keep each in another place: facekeep backup-identity FILE.",
            )
        seen |= recipients.names
    return read


class KeepBackups(KeepLedger):
    """The part of a keep that makes backups. See :class:`facekeep.service.keep.Keep`."""

    def _begin(self) -> None:
        super()._begin()
        self._remove_copies()

    def backup(self, to: Path, recipients: Mapping[str, Iterable[str]], *, prune: bool = False) -> BackupSet:
        """Make a backup while the keep is used. No key is in it.

        Needs as much room on the disks of the stores as the stores have, for copies that are removed at the end.

        Args:
            to: folder of backups; the set gets a folder of its own in it.
            recipients: public keys of age (``age1…``) by store: registry, left and right. No two have one in common.
            prune: whether older sets of this keep in the folder are removed that nobody can open any more, since the
                keep was refreshed after them, or that hold somebody who has been erased; and sets that say that they
                are from the future, of which nobody can tell.

        Raises:
            UsageError: a recipient is none, is missing, or serves two stores; the stores are on other hosts; another
                backup is under way; or the keep is closed meanwhile.
            BadInputError: the folder is inside the keep, or cannot be written.
            DamagedStoreError: a store cannot be read or copied.
        """
        chosen = read_recipients(recipients)
        self.check_backups_here()
        if to.resolve().is_relative_to(self._directory.resolve()):
            raise BadInputError("the folder of backups is inside the keep", hint="Name one on another disk.")
        if not self._copying.acquire(blocking=False):
            raise UsageError("another backup is under way", hint="Wait until it is done.")
        try:
            self._remove_copies()
            try:
                copies = self._copied()
                made = self._write_set(to, copies, chosen)
            finally:
                self._remove_copies()
        finally:
            self._copying.release()
        try:
            erased = self._record(made, copies.epochs["registry"])
        except BaseException:  # what the ledger does not know of is none
            shutil.rmtree(made.folder)
            raise
        removed = _prune(to, self._file.keep_id, made, self._file.refreshed, erased) if prune else 0
        return replace(made, removed=removed)

    def _record(self, made: BackupSet, epoch: int) -> datetime | None:
        """Tell the ledger of a backup; gives when somebody was erased last.

        Raises:
            UsageError: the epoch of the backup is over, so that nobody can open it.
        """
        with self._using(), self._roles.registry.transaction() as tx:
            if self._roles.registry.epoch != epoch:
                raise UsageError("the keep was refreshed while it was backed up", hint="Make the backup anew.")
            facts = {"generation": str(made.generation), **made.digests}
            tx.record([LedgerEntry(EntryKind.BACKED_UP, self._now(), facts)])
            return tx.last_erasure()

    def check_backups_here(self) -> None:
        """Refuse where the stores are on other hosts.

        Raises:
            UsageError: they are.
        """
        if self.is_apart:
            hint = "docs/how-to/backup.md says how each host backs its own store up."
            raise UsageError("the stores of this keep are on other hosts", hint=hint)

    def give_up_backup(self) -> None:
        """Have a backup under way end soon, and begin no other; before the keep is closed."""
        self._ending = True

    def backup_is_due(self, to: Path, every: timedelta) -> bool:
        """Whether a folder lacks a backup of this keep that is younger than this.

        Also if the keep was refreshed after the newest, which opens no more then; or if somebody was erased after it,
        and it is an hour old: a newer one takes its place.
        """
        now = self._now()
        newest = newest_set(to, self._file.keep_id, now)
        # Sets know their time to the second.
        if newest is None or now - newest >= every or newest < self._file.refreshed.replace(microsecond=0):
            return True
        if now - newest < _SOONEST:
            return False
        with self._reading(), self._roles.registry.read() as view:
            erased = view.last_erasure()
        return erased is not None and erased >= newest

    def _copied(self) -> _Copies:
        """Copy the stores, so that the copies are of one moment."""
        with self._reading():
            roles = self._roles
        try:
            return self._copied_from(roles)
        except OSError:
            hint = "Make room on the disks of the stores: a second copy of each is made beside it."
            raise BadInputError("the stores cannot be copied", hint=hint) from None

    def _copied_from(self, roles: Roles) -> _Copies:
        files = {store: _copies_of(self._directory, store) for store in STORES}
        left, right = roles.files["left"], roles.files["right"]
        with ExitStack() as held, ExitStack() as alone:

            def take() -> None:
                if not taken:
                    taken.append(True)
                    alone.enter_context(self._alone(roles))

            def between_right(last: bool) -> None:
                self._check_goes_on()
                if last:
                    take()

            def between_left(last: bool) -> None:
                self._check_goes_on()
                if last and not taken:  # the other half is copied while this one waits for its last step
                    right.store.backup(files["right"]["half.db"], between_right)
                    take()

            taken: list[bool] = []
            left.store.backup(files["left"]["half.db"], between_left)
            generation = roles.registry.generation
            if not taken or {left.store.generation, right.store.generation} != {generation}:
                raise DamagedStoreError("the stores are not of one moment", store="registry")
            head = self._sign_head()
            made, refreshed = self._now(), self._file.refreshed
            epochs = {"registry": roles.registry.epoch, "left": left.store.epoch, "right": right.store.epoch}
            copying: list[tuple[Callable[[Path], None], Path]] = [
                (held.enter_context(half.log.copying()), files[side]["half.log"])
                for side, half in (("left", left), ("right", right))
            ]
            copying.append((held.enter_context(roles.registry.copying()), files["registry"]["registry.db"]))
            alone.close()
            for copy, target in copying:
                copy(target)
        shutil.copyfile(self._directory / CALIBRATION, files["registry"][CALIBRATION])
        return _Copies(made, refreshed, generation, head.note, epochs, files)

    @contextmanager
    def _alone(self, roles: Roles) -> Iterator[None]:
        """Have the keep to oneself, as long as its stores are these."""
        with self._lock.exclusive():
            self._check_open()
            if self._roles is not roles or self._is_stale():
                raise UsageError("the stores were opened anew while they were copied", hint="Try again.")
            yield

    def _check_goes_on(self) -> None:
        if self._ending:
            raise UsageError("the backup was given up: the keep is being closed", hint="Make it later.")

    def _write_set(self, to: Path, copies: _Copies, recipients: Mapping[str, Recipients]) -> BackupSet:
        folder = to / set_name(self._file.keep_id, copies.made)
        unfinished = folder.with_name(folder.name + _UNFINISHED)
        try:
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
            if folder.exists():
                raise UsageError("there is a backup of this very second already", hint="Try again.")
            unfinished.mkdir(mode=0o700)
            try:
                digests = {}
                for store in STORES:
                    manifest = self._manifest(store, copies)
                    target = unfinished / archive_name(store)
                    digests[store] = write_archive(target, manifest, copies.files[store], recipients[store])
                sizes = {store: (unfinished / archive_name(store)).stat().st_size for store in STORES}
                sync_directory(unfinished)
                unfinished.rename(folder)
            except BaseException:
                shutil.rmtree(unfinished)
                raise
            sync_directory(to)
        except OSError:
            hint = "Check that the folder may be written and its disk has room. Nothing is left of the attempt."
            raise BadInputError("the backup cannot be written", hint=hint) from None
        return BackupSet(folder, copies.made, copies.generation, digests, sizes)

    def _manifest(self, store: str, copies: _Copies) -> Manifest:
        return Manifest(
            store=store,
            keep=self._file.keep_id.hex(),
            model=self._file.model,
            generation=copies.generation,
            epoch=copies.epochs[store],
            made=copies.made,
            refreshed=copies.refreshed,
            head=copies.head,
            files=tuple(describe(copies.files[store][name], name) for name in FILES[store]),
        )

    def _remove_copies(self) -> None:
        """Remove the copies that a backup made, or that a crash left of one."""
        for store in STORES:
            for path in _copies_of(self._directory, store).values():
                for left in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))):
                    left.unlink(missing_ok=True)


def _copies_of(directory: Path, store: str) -> dict[str, Path]:
    """Where the copies of a store's files are, by the names that they have in its archive: beside the store."""
    if store == "registry":
        registry = registry_path(directory)
        paths = {registry.name: registry, CALIBRATION: registry.with_name(CALIBRATION)}
    else:
        paths = {path.name: path for path in (half_path(directory, store), log_path(directory, store))}
    return {name: path.with_name(path.name + _ENDING) for name, path in paths.items()}


def _prune(to: Path, keep_id: bytes, newest: BackupSet, refreshed: datetime, erased: datetime | None) -> int:
    """Remove sets that the newest one takes the place of, and what was left unfinished; how many sets.

    The newest is the one that was just made. What says that it is of later was made while the clock was wrong.
    """
    began, removed = refreshed.replace(microsecond=0), 0
    try:
        for folder in sorted(to.iterdir()):
            made = set_time(keep_id, folder.name.removesuffix(_UNFINISHED))
            if made is None or folder == newest.folder or folder.is_symlink() or not folder.is_dir():
                continue
            unfinished = folder.name.endswith(_UNFINISHED)
            if unfinished or made < began or made > newest.made or (erased is not None and made <= erased):
                for store in STORES:
                    (folder / archive_name(store)).unlink(missing_ok=True)
                removed += not unfinished
                if not any(folder.iterdir()):  # else somebody else's files are in it
                    folder.rmdir()
    except OSError:
        hint = "Remove them by hand, and see that this account may. The new backup is whole."
        raise BadInputError("older backups cannot be removed", hint=hint) from None
    return removed


def newest_set(to: Path, keep_id: bytes, now: datetime) -> datetime | None:
    """When the newest set of a keep in a folder of backups was made, but for those of the future; None of none."""
    try:
        found = [set_time(keep_id, path.name) for path in to.iterdir()] if to.exists() else []
    except OSError:
        raise BadInputError("the folder of backups cannot be read", hint="See that this account may.") from None
    return max((made for made in found if made is not None and made <= now), default=None)

"""Restoring a keep from a backup: into a new folder, whole and checked, or not at all.

What is erased stays erased: who is known to have been erased after the backup is erased anew before there is a keep.
Keys are not in a backup. They are read once, and nothing is done to them where they lie: had the wrong ones been
given, another keep could need them.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from facekeep.domain.backups import STORES, Manifest, archive_name, misfit
from facekeep.domain.ledger import EntryKind, LedgerEntry, written
from facekeep.domain.retention import BY_RESTORE
from facekeep.domain.subject import SubjectId
from facekeep.errors import BadInputError, DamagedStoreError, KeyMissingError, UsageError
from facekeep.ledger_verifier import Head, VerifierKey, read_head, verify
from facekeep.service.calibration import read_calibration
from facekeep.service.doctor_stores import check_stores
from facekeep.service.keep_file import NAME, KeepFile
from facekeep.service.keep_ledger import whole_log
from facekeep.service.keep_retention import write_retention
from facekeep.service.key_plan import HeldKeys, KeyPlan
from facekeep.service.later_deeds import LaterDeeds, Survived
from facekeep.service.ledger_signing import LedgerSigner, ledger_origin
from facekeep.service.never_return import NeverReturn
from facekeep.service.opening import CALIBRATION, Clock, Roles, ledger_key, open_roles, system_clock
from facekeep.service.rights import RightsService, readable_until
from facekeep.store.archives import Identities, read_archive
from facekeep.store.database import sync_directory
from facekeep.store.keys import KeyProvider, MemoryKeyProvider

__all__ = ["Restored", "restore"]

_LEDGER_KEY: Final = "gate.ledger"


@dataclass(frozen=True, slots=True)
class Restored:
    """A keep that was restored.

    Attributes:
        made: of which moment the backup is.
        generation: of the three stores then.
        people: who is in the keep now.
        references: how many references they have.
        erased: how many people were erased anew.
        withdrawn: how many consents were withdrawn anew, and memberships of "never return me" taken up.
        removed: how many references of people who stay were removed anew.
        known_until: until when every erasure after the backup is known; None if none is but those that were named.
    """

    made: datetime
    generation: int
    people: int
    references: int
    erased: int
    withdrawn: int
    removed: int
    known_until: datetime | None


def restore(
    backup: Path,
    directory: Path,
    identities: Mapping[str, str],
    *,
    keys: KeyPlan,
    erased_since: Iterable[Path] = (),
    accept_unknown_erasures: bool = False,
    clock: Clock = system_clock,
) -> Restored:
    """Make a keep of a backup. Open it with the same keys; it goes on from the moment of the backup.

    Args:
        backup: folder of a set, with the archives of the three stores.
        directory: an empty or new folder.
        identities: private keys of age by store, as the text of their files.
        keys: where the keys of the keep are: a copy of theirs, since none is in a backup.
        erased_since: what tells of erasures after the backup: receipts, a bundle of the whole ledger, or the registry
            that survived.
        accept_unknown_erasures: whether to go on where nothing tells of every erasure after the backup.
        clock: the time.

    Raises:
        UsageError: the folder is not empty, the keys are in use, or later erasures are not known.
        BadInputError: an archive is missing or does not open with its identity; or what tells of erasures is false.
        DamagedStoreError: an archive or what is in it is damaged, swapped, or of another moment than the others.
        KeyMissingError: a key is missing, or was destroyed: the backup is of an epoch that is over.
    """
    opened = _identities(identities)
    _check_keys_apart(keys)
    with _new_folder(directory):
        manifests = {store: _unpacked(backup, directory, store, opened[store]) for store in STORES}
        if (differs := misfit(tuple(manifests.values()))) is not None:
            hint = "Put the three archives of one set into the folder. Nothing was restored."
            raise DamagedStoreError(f"the archives are not of one set: {differs} differs", store="backup", hint=hint)
        manifest = manifests["registry"]
        (directory / "registry" / CALIBRATION).rename(directory / CALIBRATION)
        calibration = read_calibration(directory / CALIBRATION, manifest.model)
        file = KeepFile(bytes.fromhex(manifest.keep), manifest.model, manifest.refreshed)
        held = _held(keys.provider(directory, file.keep_id), manifests)
        check_stores(directory, held, file.keep_id)
        with closing(open_roles(directory, HeldKeys(held), file, levels=len(calibration.levels), clock=clock)) as roles:
            _check_moment(roles, manifests)
            signer = LedgerSigner(ledger_origin(file.keep_id), ledger_key(held))
            key = VerifierKey.read(signer.key)
            head = _checked_ledger(roles, signer, key, manifest)
            later = LaterDeeds(key, head, file.keep_id, held)
            enrolled = [person.id for person in roles.registry.subjects()]
            for path in erased_since:
                later.add(path, enrolled)
            if later.known_until is None and not accept_unknown_erasures:
                raise UsageError(
                    f"who was erased after {written(manifest.made)}, the time of the backup, is not known",
                    hint="Give --erased-since FILE: a later bundle of the ledger, or the registry that survived; or, "
                    "if there is neither, what receipts there are, and --accept-unknown-erasures.",
                )
            now = clock()
            erased = _erase_anew(roles, later, enrolled, now, readable_until(manifest.refreshed, now))
            rights = RightsService(roles)
            _switch_anew(roles, rights, later, now)
            withdrawn = removed = 0
            if later.survived is not None:
                _take_rules_over(roles, rights, later.survived, now)
                staying = later.survived.consents.keys() - later.subjects
                withdrawn = _withdraw_anew(roles, rights, later.survived, staying, now)
                withdrawn += _join_anew(NeverReturn(roles, calibration), later.survived, staying, now)
                removed = _remove_anew(rights, later.survived, staying, now)
            _forget_reviewers_keys(roles, now)
            _tell(roles, manifest, erased, now)
            roles.coordinator.check()
            people, references = roles.registry.subject_count(), roles.registry.reference_count()
        sync_directory(directory)
        file.write(directory)  # last: without it there is no keep
    sync_directory(directory.absolute().parent)
    return Restored(
        manifest.made, manifest.generation, people, references, erased, withdrawn, removed, later.known_until
    )


def _identities(texts: Mapping[str, str]) -> dict[str, Identities]:
    if missing := [store for store in STORES if store not in texts]:
        raise UsageError(
            f"no identity was given for: {', '.join(missing)}", hint="Each archive is opened by one of its own."
        )
    return {store: Identities(texts[store]) for store in STORES}


def _check_keys_apart(keys: KeyPlan) -> None:
    """See that the keys are not those in the folder of a keep: two keeps on one folder destroy each other's.

    Of a keep whose keys lie elsewhere nothing at the keys tells.
    """
    if keys.directory is None or not keys.directory.is_dir():
        raise UsageError(
            "a restore needs the keys of the keep, which are in no backup",
            hint="Give --keys DIR, a copy of their folder. docs/how-to/backup.md says what to keep where.",
        )
    if (keys.directory.absolute().parent / NAME).exists():
        raise UsageError(
            "the keys are in the folder of a keep that is there",
            hint="Copy them to where those of the restored keep shall be: keeps that share keys destroy each other's.",
        )


@contextmanager
def _new_folder(directory: Path) -> Iterator[None]:
    """Make a folder, with one in it for each store; of a failure nothing is left."""
    there = directory.exists()
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(
                "the folder is not empty", hint="Restore into an empty or new one: a keep is never written over."
            )
        try:
            for store in STORES:
                (directory / store).mkdir(mode=0o700)
            yield
        except BaseException:
            for path in directory.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if not there:
                directory.rmdir()
            raise
    except OSError:
        hint = "Check that the folder may be written and its disk has room. Nothing was restored."
        raise BadInputError("the keep cannot be written where it shall be", hint=hint) from None


def _unpacked(backup: Path, directory: Path, store: str, identities: Identities) -> Manifest:
    manifest = read_archive(backup / archive_name(store), identities, store, directory / store)
    sync_directory(directory / store)
    return manifest


def _held(keys: KeyProvider, manifests: Mapping[str, Manifest]) -> MemoryKeyProvider:
    """A copy of the keys, in memory.

    Raises:
        KeyMissingError: that of the ledger is missing.
        UsageError: there are keys of later epochs.
    """
    names = keys.names()
    for store, manifest in manifests.items():
        prefix = f"{store}.epoch."
        epochs = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        if any(epoch.isdecimal() and int(epoch) > manifest.epoch for epoch in epochs):
            if str(manifest.epoch) not in epochs:
                raise KeyMissingError(
                    f"the backup is of an epoch whose key was destroyed by a refresh ({store})",
                    store=store,
                    hint="Restore a backup that was made after the refresh. This one opens no more.",
                )
            raise UsageError(
                "the keys are of a later epoch than the backup, and would be destroyed",
                hint="Restore a later backup, or give a copy of the keys without those of the later epoch.",
            )
    if _LEDGER_KEY not in names:
        raise KeyMissingError("the key of the ledger is missing", store="gate")
    held = MemoryKeyProvider()
    for name in names:
        held.put(name, keys.get(name))
    return held


def _check_moment(roles: Roles, manifests: Mapping[str, Manifest]) -> None:
    """Hold what the manifests say against what the stores say of themselves, under their seals."""
    registry, left, right = roles.registry, roles.left.status(), roles.right.status()
    found = {
        "registry": (registry.keep_id.hex(), registry.model, registry.generation, registry.epoch),
        "left": (manifests["left"].keep, manifests["left"].model, left.generation, left.epoch),
        "right": (manifests["right"].keep, manifests["right"].model, right.generation, right.epoch),
    }
    for store, manifest in manifests.items():
        if found[store] != (manifest.keep, manifest.model, manifest.generation, manifest.epoch):
            raise DamagedStoreError(f"the manifest of {store} says another moment than its store", store=store)


def _checked_ledger(roles: Roles, signer: LedgerSigner, key: VerifierKey, manifest: Manifest) -> Head:
    """The head that was signed at the backup, once the whole log is known to be what it and all before it say.

    Raises:
        DamagedStoreError: it is not.
    """
    try:
        head = read_head(manifest.head)
    except ValueError:
        raise DamagedStoreError("the manifest of the registry holds no head", store="registry") from None
    sides = (("left", roles.left), ("right", roles.right))
    with roles.registry.read() as view:
        report = verify(whole_log(signer, view, sides), key, seen=[head]) if view.ledger_heads() else None
        size = view.ledger_size()
    if report is None or report.faults or not size == report.size == head.size:
        half = next((fault.log for fault in (report.faults if report else ()) if fault.log), "")
        of = f"the log of the {half} half is not what the ledger" if half else "the ledger is not what its signed head"
        hint = "Take another copy of the archive, or another set."
        raise DamagedStoreError(f"{of} says", store=half or "registry", hint=hint)
    return head


def _erase_anew(roles: Roles, later: LaterDeeds, enrolled: Iterable[SubjectId], now: datetime, until: datetime) -> int:
    rights, erased = RightsService(roles), 0
    for subject in sorted(later.subjects.intersection(enrolled)):
        rights.erase(subject, now, until, BY_RESTORE)
        erased += 1
    return erased


def _switch_anew(roles: Roles, rights: RightsService, later: LaterDeeds, now: datetime) -> None:
    before = roles.registry.switches()
    for purpose, on in later.switched.items():
        if before[purpose] is not on:
            rights.switch(purpose, on, now, BY_RESTORE)


def _take_rules_over(roles: Roles, rights: RightsService, survived: Survived, now: datetime) -> None:
    rights.set_consent_rules(survived.consent_rules, now, BY_RESTORE)
    with roles.registry.transaction() as tx:
        write_retention(tx, survived.retention, now, because=BY_RESTORE)


def _withdraw_anew(
    roles: Roles, rights: RightsService, survived: Survived, staying: Iterable[SubjectId], now: datetime
) -> int:
    withdrawn = 0
    for subject in sorted(staying):
        holding = [consent.purpose for consent in roles.registry.consents_of(subject) if consent.holds]
        over = [purpose for purpose in holding if purpose not in survived.consents[subject]]
        if over:  # several may be to one purpose, and end together
            rights.end_purposes(subject, dict.fromkeys(sorted(set(over)), BY_RESTORE), now)
            withdrawn += len(over)
    return withdrawn


def _join_anew(never_return: NeverReturn, survived: Survived, staying: Collection[SubjectId], now: datetime) -> int:
    joining = sorted(survived.never_returned.intersection(staying) - never_return.listed())
    for subject in joining:
        never_return.join_known(subject, "", now, BY_RESTORE)
    return len(joining)


def _remove_anew(rights: RightsService, survived: Survived, staying: Iterable[SubjectId], now: datetime) -> int:
    return sum(
        rights.remove_comparable(subject, now, BY_RESTORE, but=survived.references[subject])
        for subject in sorted(staying)
    )


def _forget_reviewers_keys(roles: Roles, now: datetime) -> None:
    """Have no evidence sealed to a key that may have been revoked since: reviewers register theirs anew."""
    with roles.registry.transaction() as tx:
        for reviewer in tx.reviewers():
            tx.set_reviewer(replace(reviewer.off_duty(now), keys=()))
            told = [{"account": reviewer.account.hex(), "key": key.id.hex(), **BY_RESTORE} for key in reviewer.keys]
            tx.record([LedgerEntry(EntryKind.REVIEWER_KEY_REVOKED, now, facts) for facts in told])


def _tell(roles: Roles, manifest: Manifest, erased: int, now: datetime) -> None:
    facts = {"generation": str(manifest.generation), "made": written(manifest.made), "erased": str(erased)}
    with roles.registry.transaction() as tx:
        tx.record([LedgerEntry(EntryKind.RESTORED, now, facts)])

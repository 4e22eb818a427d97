"""A keep made to be robbed: the real stores, halves, keys and gate, on files in a folder of the drill.

Whoever is enrolled gets a made-up label and name, so that no real one is ever written. What is stolen is copied as it
lies on the disk, together with the keys that exist at that moment.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.comparison import Calibration
from facekeep.domain.consent import Notice, Purpose, purpose_bits
from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.service.drill_people import Vectors
from facekeep.service.drill_reviews import DrillReviews, TakenEvidence
from facekeep.split.approval import ClientKey
from facekeep.split.budget import Limits
from facekeep.split.codes import fine_code
from facekeep.split.gate import Gate, Question
from facekeep.split.half import Surroundings, install_rules
from facekeep.split.left import LeftHalf
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, client_key
from facekeep.split.right import RightHalf
from facekeep.split.roles import LeftPort, RightPort
from facekeep.split.rules import Rules
from facekeep.split.selector import Selector
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.registry import Registry

SIDES = ("left", "right")
GALLERY = "drill-gallery-of-the-keep"
OPERATOR = "drill-operator-on-duty"
BEGIN = 1_800_000_000
_PURPOSES = (Purpose.VERIFY, Purpose.IDENTIFY)


@dataclass(frozen=True, slots=True)
class Stolen:
    """One store as a thief took it.

    Attributes:
        store: ``registry``, ``left`` or ``right``.
        keep_id: which keep; not secret.
        epoch: of the half; 0 for the registry.
        files: name and content of each file.
        keys: the keys of this store that existed at that moment, by name.
    """

    store: str
    keep_id: bytes
    epoch: int
    files: dict[str, bytes] = field(repr=False)
    keys: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the drill calls a person by.

    Attributes:
        label: as the operator's identifier.
        name: as the person's name.
    """

    label: str
    name: str


def identities(count: int) -> list[Identity]:
    """Made-up labels and names, long enough that noise never spells one."""
    return [Identity(f"label-{secrets.token_hex(8)}", f"Name {secrets.token_hex(8)}") for _ in range(count)]


class DrillKeep:
    """Registry, left half, right half, selector and gate over a folder, with a clock of its own.

    Attributes:
        keep_id: 16 bytes.
        model: digest that everything is bound to.
        now: seconds since 1970.
        pseudonyms: of each person enrolled, in the order of enrolment.
        subjects: subject identifiers in the registry, likewise.
        gate: asks the halves.
    """

    def __init__(self, folder: Path, calibration: Calibration, dimension: int, limits: Limits | None = None) -> None:
        """Make the three stores with their keys.

        Args:
            folder: a new folder is made here.
            calibration: levels of the keep.
            dimension: coordinates of a template.
            limits: budgets of the halves.
        """
        folder.mkdir(mode=0o700)
        self._folder = folder
        self.keep_id = os.urandom(16)
        self.model = calibration.model
        self.now = BEGIN
        self.pseudonyms: list[Pseudonym] = []
        self.subjects: list[bytes] = []
        self._calibration = calibration
        self._keys = FileKeyProvider(folder / "keys")
        self._signers = {name: Ed25519PrivateKey.generate() for name in ("gate", "desk", "registrar", *SIDES)}
        self._stores: dict[str, SqliteHalfStore] = {}
        publics = {name: key.public_key().public_bytes_raw().hex() for name, key in self._signers.items()}
        for side, peer in (SIDES, SIDES[::-1]):
            with SqliteHalfStore.create(self._path(side), self._keys, side=side, keep_id=self.keep_id) as store:
                rules = Rules(
                    keep=self.keep_id.hex(),
                    model=self.model,
                    dimension=dimension,
                    thresholds=calibration.integer_thresholds(),
                    fmrs=tuple(level.fmr for level in calibration.levels),
                    gate=publics["gate"],
                    peer=publics[peer],
                    registrar=publics["registrar"],
                    operators=(client_key(self._signers["desk"].public_key(), ANYBODY, EVERY_PURPOSE),),
                    limits=limits or Limits(),
                )
                install_rules(store, rules)
                log = self._path(side, "log")
                FileHalfLog.create(log, self._keys, side=side, store_id=store.store_id).close()
        self._reviews = DrillReviews(folder, self._keys)
        self._registry = Registry.create(self._path("registry"), self._keys, keep_id=self.keep_id, model=self.model)
        self._open()

    def _path(self, store: str, kind: str = "db") -> Path:
        return self._folder / f"{store}.{kind}"

    def _around(self, side: str) -> Surroundings:
        store = SqliteHalfStore.open(self._path(side), self._keys, side=side, keep_id=self.keep_id)
        log = FileHalfLog.open(self._path(side, "log"), self._keys, side=side, store_id=store.store_id)
        self._stores[side] = store
        return Surroundings(store, log, self._signers[side], lambda: self.now)

    def _open(self) -> None:
        selector = Selector()
        self.left = LeftHalf(self._around("left"), selector)
        self.right = RightHalf(self._around("right"), selector, self.left)
        self.gate = self.gate_between(self.left, self.right)

    def gate_between(self, left: LeftPort, right: RightPort) -> Gate:
        """Another gate of this keep, for instance one that listens on the way to the halves."""
        return Gate(
            left,
            right,
            self._signers["gate"],
            keep_id=self.keep_id,
            model=self.model,
            levels=len(self._calibration.levels),
            clock=lambda: self.now,
            desk=ClientKey.of(self._signers["desk"]),
        )

    def close(self) -> None:
        """Close all stores. Nothing more can be asked."""
        self.gate.close()
        self.left.close()
        self.right.close()
        self._registry.close()
        self._reviews.close()

    def enrol(self, references: Vectors, people: Sequence[Identity], *, gallery: str = GALLERY) -> None:
        """Enrol people with one reference each: in the registry with consents, and in both halves."""
        epoch = self.left.status().epoch
        when = datetime.fromtimestamp(self.now, UTC)
        heads = []
        with self._registry.transaction() as transaction:
            notice = transaction.add_notice(Notice("Notice of the drill: nobody real is enrolled here."))
            for person in people:
                pseudonym = Pseudonym(os.urandom(16))
                subject = transaction.add_subject(person.label, person.name)
                transaction.add_reference(subject, pseudonym, gallery=gallery, model=self.model, created=when)
                for purpose in _PURPOSES:
                    transaction.give_consent(subject, purpose, notice, when)
                self.subjects.append(subject)
                heads.append(RowHead(pseudonym, epoch, 0, gallery, purpose_bits(_PURPOSES)))
        codes = [fine_code(reference) for reference in references]
        self._both(lambda number: self.gate.stage_enrol(number, list(zip(heads, codes, strict=True))))
        self.pseudonyms += [head.pseudonym for head in heads]

    def ask(self, probes: Vectors) -> None:
        """Ordinary traffic, so that the logs hold something: verify each, and search for the first few."""
        strictest = len(self._calibration.levels) - 1
        verify = next(i for i, level in enumerate(self._calibration.levels) if level.fmr <= 1e-4 * (1 + 1e-9))
        for pseudonym, probe in zip(self.pseudonyms, probes, strict=False):
            self.gate.search(Question("verify", verify, OPERATOR, row=pseudonym), fine_code(probe))
        for probe in probes[:2]:
            self.gate.search(Question("identify", strictest, OPERATOR, case="drill-case"), fine_code(probe))

    def have_looked_at(self, references: Vectors) -> None:
        """Have people look at a picture of each person, so that there is evidence."""
        self._reviews.file(references, self.now)

    def steal_evidence(self, persons: Sequence[int]) -> TakenEvidence:
        """Take the evidence of open reviews, once now and its keys once more when their hour is over.

        Args:
            persons: who was looked at, in order.
        """
        return self._reviews.steal(persons)

    def refresh(self) -> None:
        """New shares of every row, new epoch keys; the old ones are destroyed."""

        def stage(number: TransactionId) -> None:
            self.left.stage_refresh(number)
            self.right.stage_refresh(number)

        self._both(stage)

    def _both(self, stage: Callable[[TransactionId], None]) -> None:
        number = TransactionId(os.urandom(16))
        stage(number)
        self.left.commit(number)
        self.right.commit(number)

    def backup(self, side: str) -> Stolen:
        """A backup of one half, as its store makes it, and a copy of its keys as they are now."""
        store = self._stores[side]
        path = self._folder / f"{side}.{store.epoch}.backup"
        store.backup(path)
        return Stolen(side, self.keep_id, store.epoch, {path.name: path.read_bytes()}, self._keys_of(side))

    def steal(self) -> dict[str, Stolen]:
        """Close everything and take all three stores, by name."""
        epoch = self.left.status().epoch
        self.close()
        stolen = {}
        for name in ("registry", *SIDES):
            files = {path.name: path.read_bytes() for path in sorted(self._folder.glob(f"{name}.*")) if _live(path)}
            stolen[name] = Stolen(name, self.keep_id, 0 if name == "registry" else epoch, files, self._keys_of(name))
        return stolen

    def _keys_of(self, role: str) -> dict[str, bytes]:
        mine = [name for name in self._keys.names() if name.partition(".")[0] == role]
        return {name: self._keys.get(name) for name in mine}

    def shuffled(self, count: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """A random order in which to enrol, so that a place in a file tells nothing."""
        return np.asarray(secrets.SystemRandom().sample(range(count), count), np.intp)


def _live(path: Path) -> bool:
    return path.suffix != ".backup"

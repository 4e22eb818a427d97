"""Two real halves, a selector and a gate, with a clock that the test moves: on files in a folder, or in memory."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.split.approval import ClientKey
from facekeep.split.budget import Limits
from facekeep.split.codes import fine_code
from facekeep.split.forgiveness import Forgiveness, sign_forgiveness
from facekeep.split.gate import Gate, Hit, Question
from facekeep.split.half import Surroundings, install_rules
from facekeep.split.left import LeftHalf
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, KeyChange, OperatorKey, client_key, sign_change
from facekeep.split.right import RightHalf
from facekeep.split.rules import Rules
from facekeep.split.selector import Selector
from facekeep.split.word import SignedWord
from facekeep.store.half_log import FileHalfLog
from facekeep.store.half_store import SqliteHalfStore
from facekeep.store.keys import MemoryKeyProvider, new_key
from facekeep.store.memory import MemoryHalfLog, MemoryHalfStore

KEEP = bytes(range(16))
MODEL = "ab" * 32
REVIEWERS = ("a" * 32, "b" * 32)
FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
COSINES = (0.25, 0.33, 0.41, 0.48, 0.54)
THRESHOLDS = tuple(int(np.ceil(25600 * c)) for c in COSINES)


@dataclass
class Cluster:
    folder: Path | None = None
    dimension: int = 512
    limits: Limits = field(default_factory=Limits)
    now: int = 1_800_000_000
    serial: int = 0
    names: list[Pseudonym] = field(default_factory=list)
    people: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    keys: MemoryKeyProvider = field(default_factory=MemoryKeyProvider)
    identities: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    stores: dict[str, MemoryHalfStore] = field(default_factory=dict)
    logs: dict[str, MemoryHalfLog] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("gate", "desk", "registrar", "left", "right"):
            self.identities[name] = Ed25519PrivateKey.generate()
        for side, peer in (("left", "right"), ("right", "left")):
            rules = Rules(
                keep=KEEP.hex(),
                model=MODEL,
                dimension=self.dimension,
                thresholds=THRESHOLDS,
                fmrs=FMRS,
                gate=self._public("gate"),
                peer=self._public(peer),
                registrar=self._public("registrar"),
                limits=self.limits,
                operators=(client_key(self.identities["desk"].public_key(), ANYBODY, EVERY_PURPOSE),),
            )
            if self.folder is None:
                self.stores[side], self.logs[side] = MemoryHalfStore(side=side), MemoryHalfLog(side=side)
                install_rules(self.stores[side], rules)
                continue
            self.keys.put(side, new_key())
            store = SqliteHalfStore.create(self.folder / f"{side}.db", self.keys, side=side, keep_id=KEEP)
            install_rules(store, rules)
            FileHalfLog.create(self.folder / f"{side}.log", self.keys, side=side, store_id=store.store_id).close()
            store.close()
        self.open()

    def _public(self, name: str) -> str:
        return self.identities[name].public_key().public_bytes_raw().hex()

    def around(self, side: str) -> Surroundings:
        if self.folder is None:
            self.stores[side], self.logs[side] = self.stores[side].reopened(), self.logs[side].reopened()
            return Surroundings(self.stores[side], self.logs[side], self.identities[side], lambda: self.now)
        store = SqliteHalfStore.open(self.folder / f"{side}.db", self.keys, side=side, keep_id=KEEP)
        log = FileHalfLog.open(self.folder / f"{side}.log", self.keys, side=side, store_id=store.store_id)
        return Surroundings(store, log, self.identities[side], lambda: self.now)

    def open(self) -> None:
        self.selector = Selector()
        self.left = LeftHalf(self.around("left"), self.selector)
        self.right = RightHalf(self.around("right"), self.selector, self.left)
        self.gate = Gate(
            self.left,
            self.right,
            self.identities["gate"],
            keep_id=KEEP,
            model=MODEL,
            levels=len(FMRS),
            clock=lambda: self.now,
            desk=self.desk,
        )

    @property
    def desk(self) -> ClientKey:
        return ClientKey.of(self.identities["desk"])

    def change_keys(self, *, grant: OperatorKey | None = None, revoke: str = "") -> None:
        self.serial += 1
        change = sign_change(KeyChange(KEEP.hex(), self.serial, grant, revoke), self.identities["registrar"])
        transaction = TransactionId(os.urandom(16))
        for half in (self.left, self.right):
            half.stage_operators(transaction, change)
        for half in (self.left, self.right):
            half.commit(transaction)

    def forgiveness(self, *rows: Pseudonym, signer: str = "registrar", **change: object) -> SignedWord:
        """The registrar's word that two people reviewed these rows, or what somebody else makes of it."""
        fields: dict[str, object] = {
            "keep": KEEP.hex(),
            "rows": tuple(sorted(row.hex() for row in rows)),
            "reviewers": REVIEWERS,
            "nonce": os.urandom(16).hex(),
            "issued": self.now,
            "expires": self.now + 3600,
        }
        return sign_forgiveness(Forgiveness(**fields | change), self.identities[signer])  # type: ignore[arg-type]

    def close(self) -> None:
        self.gate.close()
        self.left.close()
        self.right.close()

    def enrol(
        self,
        vectors: NDArray[np.float32],
        *,
        gallery: str = "main",
        purposes: int = Purpose.VERIFY.bit | Purpose.IDENTIFY.bit,
    ) -> list[Pseudonym]:
        names = [Pseudonym(os.urandom(16)) for _ in vectors]
        epoch = self.left.epoch
        rows = [
            (RowHead(name, epoch, 0, gallery, purposes), fine_code(vector))
            for name, vector in zip(names, vectors, strict=True)
        ]
        transaction = TransactionId(os.urandom(16))
        self.gate.stage_enrol(transaction, rows)
        self.left.commit(transaction)
        self.right.commit(transaction)
        return names

    def verify(self, row: Pseudonym, vector: NDArray[np.float32], level: int = 2) -> tuple[Hit, ...]:
        return self.gate.search(Question("verify", level, "op", row=row), fine_code(vector))

    def identify(self, vector: NDArray[np.float32], level: int = 2, case: str = "c1", k: int = 3) -> tuple[Hit, ...]:
        return self.gate.search(Question("identify", level, "op", case=case, candidates=k), fine_code(vector))

    def refresh(self) -> None:
        transaction = TransactionId(os.urandom(16))
        self.left.stage_refresh(transaction)
        self.right.stage_refresh(transaction)
        self.left.commit(transaction)
        self.right.commit(transaction)


def units(count: int, dimension: int = 512, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def near(vector: NDArray[np.float32], cosine: float, seed: int = 0) -> NDArray[np.float32]:
    """A unit vector at the given cosine to another."""
    noise = np.random.default_rng([seed, 77]).standard_normal(vector.shape).astype(np.float32)
    noise -= vector * float(vector @ noise)
    noise /= np.linalg.norm(noise)
    return (cosine * vector + np.sqrt(1 - cosine**2) * noise).astype(np.float32)

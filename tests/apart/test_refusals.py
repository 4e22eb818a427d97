"""On four hosts: what no operator signed is refused by each half on its own, and stands in each half's own log."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym, TransactionId
from facekeep.errors import BudgetError, RefusedError, TicketError
from facekeep.interfaces.composition import Composition
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.hosting import connecting
from facekeep.interfaces.settings import Settings
from facekeep.service.apart import Ports
from facekeep.service.canary_labels import label_of
from facekeep.service.opening import open_half_store
from facekeep.split.approval import ClientKey
from facekeep.split.budget import Limits
from facekeep.split.forgiveness import FORGIVENESS
from facekeep.split.gate import Gate
from facekeep.split.operators import KeyChange, OperatorKey, sign_change
from facekeep.split.word import SignedWord
from facekeep.store.keyfiles import FileKeyProvider
from tests.apart.hosts import Hosts
from tests.unit.split.cluster import REVIEWERS
from tests.unit.split.forgeries import FORGERIES, ask

pytestmark = pytest.mark.enable_socket

SLOW = {"an operator's budget"}
"""Takes 500 searches, each on two disks: in process and over sockets it is tried in tests/unit."""


def _keys(hosts: Hosts, role: str) -> FileKeyProvider:
    return FileKeyProvider(hosts.directory(role) / "keys")


@dataclass
class Forger:
    """Has the gate's keys and certificate, and does with them what an honest gate does not; as forgeries.Cluster."""

    hosts: Hosts
    ports: Ports
    names: list[Pseudonym]
    people: NDArray[np.float32]
    limits: Limits = field(default_factory=lambda: Limits(searches_per_case=99))  # one was replayed before
    serial: int = field(default_factory=lambda: time.time_ns() // 1000)
    ahead: int = 0

    def __post_init__(self) -> None:
        folder = RoleFolder.read(self.hosts.directory("gate"))
        facts, keys = folder.facts(), _keys(self.hosts, "gate")
        self.keep = facts.keep_id
        self.left, self.right = self.ports.left, self.ports.right
        self.identities = {"gate": Ed25519PrivateKey.from_private_bytes(keys.get("gate.sign"))}
        self.desk = ClientKey.of(Ed25519PrivateKey.from_private_bytes(keys.get("gate.desk")))
        self.gate = Gate(
            self.left,
            self.right,
            self.identities["gate"],
            keep_id=self.keep,
            model=facts.model,
            levels=len(facts.thresholds),
            clock=lambda: self.now,
            desk=self.desk,
        )

    @property
    def now(self) -> int:
        """The gate's clock; the halves have their own, which nobody moves."""
        return int(time.time()) + self.ahead

    def change_keys(self, *, grant: OperatorKey | None = None, revoke: str = "") -> None:
        self.serial += 1
        registrar = Ed25519PrivateKey.from_private_bytes(_keys(self.hosts, "registrar").get("registrar.sign"))
        change = sign_change(KeyChange(self.keep.hex(), self.serial, grant, revoke), registrar)
        transaction = TransactionId(os.urandom(16))
        for half in (self.left, self.right):
            half.stage_operators(transaction, change)
        for half in (self.left, self.right):
            half.commit(transaction)

    def forgiveness(self, signer: str, **change: object) -> SignedWord:
        """The registrar's word on the first row, or what the gate makes of it."""
        keys = {"gate": "gate.sign", "registrar": "registrar.sign"}
        key = Ed25519PrivateKey.from_private_bytes(_keys(self.hosts, signer).get(keys[signer]))
        plain: dict[str, object] = {
            "keep": self.keep.hex(),
            "rows": [self.names[0].hex()],
            "reviewers": list(REVIEWERS),
            "nonce": os.urandom(16).hex(),
            "issued": self.now,
            "expires": self.now + 3600,
        }
        return FORGIVENESS.signed(plain | change, key)


@pytest.fixture(scope="module")
def forger(servers: Hosts) -> Iterator[Forger]:
    with Composition(Settings(), lambda *_: "").open(servers.directory("gate")) as keep:
        keep.plant_canaries(2)
        people = np.stack([keep._canaries.embedding(number) for number in (1, 2)])
        registry = keep._roles.registry
        names = []
        for number in (1, 2):
            subject = registry.subject_by_label(label_of(number))
            assert subject is not None
            names.append(registry.references_of(subject.id)[0].pseudonym)
    ports = connecting(RoleFolder.read(servers.directory("gate")))()
    made = Forger(servers, ports, names, people)
    yield made
    made.gate.close()
    for port in (ports.registry, ports.left, ports.right):
        port.close()


def _forge(forger: Forger, name: str) -> Any:
    forge: Any = FORGERIES[name][0]
    if name != "an expired ticket":
        return forge(forger)
    forger.ahead = -301  # made out by a clock that is behind: expired by the halves' own
    try:
        return ask(forger, forger.desk)  # type: ignore[arg-type]
    finally:
        forger.ahead = 0


def test_each_half_refuses_on_its_own_and_logs_on_its_own(servers: Hosts, forger: Forger) -> None:
    refused: list[str] = []
    for name, (_, why) in FORGERIES.items():
        if name in SLOW or name == "a desk that was limited":
            continue
        request = _forge(forger, name)
        for half in (forger.left, forger.right):
            (refusal,) = half.begin([request])
            assert type(refusal) is (BudgetError if "budget" in name else TicketError), name
            assert refusal.message == why
        refused.append(why)
    word = forger.forgiveness("registrar")
    for half in (forger.left, forger.right):
        half.forgive(word)
    forged = {
        "a forgiveness is not signed by the registrar": forger.forgiveness("gate"),
        "a forgiveness is for another keep": forger.forgiveness("registrar", keep="f" * 32),
        "a lock is released by two different reviewers": forger.forgiveness("registrar", reviewers=["a" * 32] * 2),
        "a forgiveness has expired": forger.forgiveness("registrar", issued=forger.now - 9, expires=forger.now - 1),
        "a forgiveness was used before": word,
    }
    for why, bad in forged.items():
        for half in (forger.left, forger.right):
            with pytest.raises(RefusedError) as denied:
                half.forgive(bad)
            assert denied.value.message == why
        refused.append(why)
    # Last of all that use these hosts: the logs are read once the halves have ended.
    for side in ("left", "right"):
        servers.kill(side, signal.SIGTERM)
        folder = RoleFolder.read(servers.directory(side))
        store, log = open_half_store(folder.directory, _keys(servers, side), side, folder.facts().keep_id)
        try:
            records = [json.loads(record) for record in log.replay()]
        finally:
            log.close()
            store.close()
        said = [record["what"] for record in records if record["kind"] == "refuse"]
        assert said[-len(refused) :] == refused
        given = [record for record in records if record["kind"] == "forgive"][-1]
        assert given["rows"] == [forger.names[0].hex()]
        assert given["reviewers"] == list(REVIEWERS)

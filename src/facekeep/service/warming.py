"""Having the kernels of the scan compiled, or loaded, before somebody waits for them.

A host that starts on an empty cache compiles for some seconds, longer than its first callers wait. So a made-up gallery
in memory is searched first, with throwaway keys: whatever a real search runs is run by it.
"""

from __future__ import annotations

import os

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym, RowHead, TransactionId
from facekeep.errors import FacekeepError
from facekeep.split.approval import ClientKey
from facekeep.split.asking import Question
from facekeep.split.codes import fine_code
from facekeep.split.gate import Gate
from facekeep.split.half import Surroundings, install_rules
from facekeep.split.left import LeftHalf
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, client_key
from facekeep.split.right import RightHalf
from facekeep.split.rules import Rules
from facekeep.split.searching import COARSE_ABOVE
from facekeep.split.selector import Selector
from facekeep.store.memory import MemoryHalfLog, MemoryHalfStore

__all__ = ["warm_up"]

_DIMENSION = 64
_THRESHOLD = 20_000  # a cosine of 0.78, which no two of the made-up rows reach
_PEER = {"left": "right", "right": "left"}


def warm_up() -> None:
    """Search a made-up gallery, with and without the coarse stage.

    Raises:
        FacekeepError: what was found is not what had to be found.
    """
    keys = {name: Ed25519PrivateKey.generate() for name in ("gate", "desk", "registrar", *_PEER)}
    public = {name: key.public_key().public_bytes_raw().hex() for name, key in keys.items()}
    keep_id, model = os.urandom(16), os.urandom(32).hex()
    around = {}
    for side, peer in _PEER.items():
        rules = Rules(
            keep=keep_id.hex(),
            model=model,
            dimension=_DIMENSION,
            thresholds=(_THRESHOLD,),
            fmrs=(1e-5,),
            gate=public["gate"],
            peer=public[peer],
            registrar=public["registrar"],
            operators=(client_key(keys["desk"].public_key(), ANYBODY, EVERY_PURPOSE),),
        )
        store = MemoryHalfStore(side=side)
        install_rules(store, rules)
        around[side] = Surroundings(store, MemoryHalfLog(side=side), keys[side], lambda: 1)
    selector = Selector()
    left = LeftHalf(around["left"], selector)
    right = RightHalf(around["right"], selector, left)
    desk = ClientKey.of(keys["desk"])
    gate = Gate(left, right, keys["gate"], keep_id=keep_id, model=model, levels=1, clock=lambda: 1, desk=desk)
    try:
        _search(gate, left, right)
    finally:
        gate.close()
        left.close()
        right.close()


def _search(gate: Gate, left: LeftHalf, right: RightHalf) -> None:
    random = np.random.default_rng(0)
    vectors = random.standard_normal((COARSE_ABOVE + 1, _DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [Pseudonym(os.urandom(16)) for _ in vectors]
    bits = Purpose.VERIFY.bit | Purpose.IDENTIFY.bit
    codes = [fine_code(vector) for vector in vectors]
    transaction = TransactionId(os.urandom(16))
    gate.stage_enrol(transaction, [(RowHead(n, 0, 0, "g", bits), c) for n, c in zip(names, codes, strict=True)])
    left.commit(transaction)
    right.commit(transaction)
    identify = Question("identify", 0, "warming", case="warming")
    verify = Question("verify", 0, "warming", row=names[0])
    for question in (identify, verify):
        (hit,) = gate.search(question, codes[0])
        if hit.pseudonym != names[0]:
            raise FacekeepError(
                "a search of made-up rows found something else than it had to",
                hint="This machine computes wrongly, or the installation is damaged: install Facekeep anew.",
            )
    gate.search_many([(identify, code) for code in codes[:2]])  # several probes share a pass

"""Write tests/vectors/ledger-v1.json: python -m tools.vectors.ledger. Inputs are fixed: it writes the same."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.ledger import EntryKind, LedgerEntry, Opening
from facekeep.domain.merkle import grown, inclusion_proof, leaf_hash, root
from facekeep.ledger_verifier import VerifierKey
from facekeep.service.ledger_signing import LedgerSigner, cosigned, opened_bundle, whole_bundle

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "ledger-v1.json"
_SIZE, _OLD = 70, 40
_TIME = datetime(2026, 11, 26, 12, 0, 0, 123000, UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
_ORIGIN = f"facekeep/{'5a' * 16}/registry"


def _opening(number: int, text: str = "é") -> Opening:
    facts = {"language": text, "notice": f"{number:064x}"}
    entry = LedgerEntry(EntryKind.NOTICE_ADDED, _TIME + timedelta(seconds=number), facts)
    return Opening(number.to_bytes(32), entry)


def _nodes(openings: list[Opening]) -> list[bytes]:
    return [node for _, node in grown(0, (opening.commitment for opening in openings), [].__getitem__)]


def vectors() -> dict[str, Any]:
    """The document."""
    openings = [_opening(number) for number in range(_SIZE)]
    nodes = _nodes(openings)
    other = _nodes([*openings[:50], _opening(50, "another"), *openings[51:]])
    signer = LedgerSigner(_ORIGIN, _KEY)
    old, new = (signer.head(size, nodes.__getitem__, _TIME) for size in (_OLD, _SIZE))
    forked_head = signer.head(60, other.__getitem__, _TIME)
    witnessed = cosigned(new, "auditor", _WITNESS, _TIME)
    shown = [(leaf, openings[leaf]) for leaf in (0, 69)]

    def text(lines: Any) -> str:
        return b"".join(lines).decode()

    whole = text(whole_bundle(signer, [old, witnessed], nodes.__getitem__, shown))
    own = text(opened_bundle(signer, witnessed, nodes.__getitem__, shown, [_OLD]))
    small = signer.head(3, nodes.__getitem__, _TIME)
    receipt = text(opened_bundle(signer, small, nodes.__getitem__, [(2, openings[2])]))
    rewritten = text(whole_bundle(signer, [old, signer.head(_SIZE, other.__getitem__, _TIME)], other.__getitem__, []))
    logs = _with_logs(signer)
    mixed = text(whole_bundle(signer, [new], other.__getitem__, []))
    return {
        "format": "facekeep-ledger-1",
        "key": signer.key,
        "witness": str(VerifierKey("auditor", 4, _WITNESS.public_key().public_bytes_raw())),
        "entry": {
            "salt": openings[7].salt.hex(),
            "written": openings[7].entry.written.decode(),
            "commitment": openings[7].commitment.hex(),
            "leaf": leaf_hash(openings[7].commitment).hex(),
            "proof_of_7_in_70": [node.hex() for node in inclusion_proof(7, _SIZE, nodes.__getitem__)],
            "head_of_70": root(_SIZE, nodes.__getitem__).hex(),
        },
        "heads": {"old": old.note, "new": new.note, "witnessed": witnessed.note, "forked": forked_head.note},
        "bundles": [
            {"what": "all leaves", "bundle": whole, "seen": [old.note], "findings": []},
            {"what": "two entries with proofs", "bundle": own, "seen": [old.note, new.note], "findings": []},
            {"what": "a receipt of one entry", "bundle": receipt, "seen": [], "findings": []},
            {"what": "a cut line", "bundle": whole[:-1], "seen": [], "findings": ["malformed"]},
            {
                "what": "a digit of a leaf",
                "bundle": _changed(whole),
                "seen": [],
                "findings": ["altered", "altered", "unopened"],
            },
            {"what": "capital digits", "bundle": _capital(own), "seen": [], "findings": ["malformed"]},
            {
                "what": "a log rewritten behind a kept head",
                "bundle": rewritten,
                "seen": [forked_head.note],
                "findings": [],
            },
            {"what": "a log rewritten before one", "bundle": rewritten, "seen": [new.note], "findings": ["forked"]},
            {"what": "leaves under an old head", "bundle": mixed, "seen": [], "findings": ["altered"]},
            *({"what": what, "bundle": bundle, "seen": [], "findings": said} for what, bundle, said in logs),
            {
                "what": "an origin that is not the key's",
                "bundle": text(LedgerSigner(_ORIGIN, _KEY).sign_bundle(_elsewhere(whole))),
                "seen": [],
                "findings": ["malformed"],
            },
            {"what": "a head from elsewhere", "bundle": own, "seen": [forked_head.note], "findings": ["unproven"]},
        ],
    }


def _with_logs(signer: LedgerSigner) -> list[tuple[str, str, list[str]]]:
    """Bundles with the logs of the halves: what, bundle and findings of each."""
    records = [hashlib.sha256(bytes([number])).digest() for number in range(_SIZE)]
    tree = [node for _, node in grown(0, records, [].__getitem__)]
    openings = [
        Opening(number.to_bytes(32), LedgerEntry(EntryKind.LOGS, _TIME, dict.fromkeys(("left", "right"), head)))
        for number, size in enumerate((66, 68))
        for head in [f"{size} {root(size, tree.__getitem__).hex()}"]
    ]
    nodes = _nodes(openings)
    heads = [signer.head(size, nodes.__getitem__, _TIME) for size in (1, 2)]

    def bundle(left: list[bytes], shown: tuple[int, ...] = (0, 1), right: list[bytes] = records[:68]) -> str:
        opened = [(leaf, openings[leaf]) for leaf in shown]
        logs = {"left": left, "right": right}
        return b"".join(whole_bundle(signer, heads, nodes.__getitem__, opened, logs=logs)).decode()

    right = records[:68]
    swapped = [*right[:66], right[67], right[66]]
    return [
        ("the logs of the halves", bundle(right), []),
        ("a log with two records swapped", bundle(swapped), ["altered"]),
        ("a log that was cut", bundle(right[:67]), ["dropped"]),
        ("a log with a record that is in no entry", bundle(records[:69]), ["unsigned"]),
        ("logs of which the newest entry is not opened", bundle(right, (0,)), ["unsigned", "unsigned"]),
        ("logs of which no entry is opened", bundle(swapped, ()), ["unsigned", "unsigned"]),
        ("logs without their lines", bundle([], right=[]), ["dropped", "dropped"]),
        ("neither lines nor entries of logs, which nobody sees", bundle([], (), []), []),
    ]


def _elsewhere(bundle: str) -> list[dict[str, Any]]:
    first, *lines = [json.loads(line) for line in bundle.splitlines()[:-1]]
    return [first | {"origin": f"facekeep/{'5b' * 16}/registry"}, *lines]


def _changed(bundle: str) -> str:
    place = bundle.index('"leaves":["') + 11
    return bundle[:place] + ("0" if bundle[place] != "0" else "1") + bundle[place + 1 :]


def _capital(bundle: str) -> str:
    place = bundle.index('"signature":"') + 13
    return bundle[:place] + bundle[place:].upper()


def main() -> None:
    """Write the file."""
    TARGET.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(TARGET.name)


if __name__ == "__main__":
    main()

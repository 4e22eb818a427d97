"""What a ledger signs: its heads, as checkpoints of C2SP, and the bundles that are checked offline.

The formats are in docs/spec/ledger.md. :mod:`facekeep.ledger_verifier` reads them; nothing here is used there.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facekeep.domain.canonical import canonical
from facekeep.domain.ledger import Opening, SignedHead, written
from facekeep.domain.merkle import Nodes, consistency_proof, inclusion_proof, leaf_hash, place_of, root

__all__ = ["LedgerSigner", "WitnessSigner", "cosigned", "ledger_origin", "opened_bundle", "whole_bundle"]

_FORMAT: Final = "facekeep-ledger-1"
_BLOCK_LEVEL: Final = 6
_BLOCK: Final = 1 << _BLOCK_LEVEL
_LOG, _WITNESS = b"\1", b"\4"  # kinds of keys, of C2SP signed notes and cosignatures


def ledger_origin(keep_id: bytes) -> str:
    """What the ledger of a keep is called."""
    return f"facekeep/{keep_id.hex()}/registry"


class LedgerSigner:
    """Signs for one log."""

    def __init__(self, origin: str, key: Ed25519PrivateKey) -> None:
        """Signs as a log.

        Args:
            origin: what the log is called, without spaces and plus signs.
            key: of the log.
        """
        if not origin or any(sign.isspace() or sign == "+" for sign in origin):
            raise ValueError("the origin of a log has neither spaces nor plus signs")
        self.origin, self._key = origin, key

    @property
    def key(self) -> str:
        """The public key, as verifiers take it."""
        public = _LOG + self._key.public_key().public_bytes_raw()
        return f"{self.origin}+{_key_hash(self.origin, public).hex()}+{_base64(public)}"

    def head(self, size: int, nodes: Nodes, now: datetime) -> SignedHead:
        """Sign the head of the first leaves.

        Args:
            size: how many.
            nodes: of the tree.
            now: with time zone.
        """
        text = f"{self.origin}\n{size}\n{_base64(root(size, nodes))}\ntime {written(now)}\n"
        public = _LOG + self._key.public_key().public_bytes_raw()
        signature = _key_hash(self.origin, public) + self._key.sign(text.encode())
        return SignedHead(size, f"{text}\n\N{EM DASH} {self.origin} {_base64(signature)}\n")

    def witness(self, name: str) -> WitnessSigner:
        """What co-signs for others: with a key of its own, which follows from the log's.

        Args:
            name: of the witness, without spaces and plus signs.
        """
        seed = HKDF(SHA256(), 32, salt=None, info=b"facekeep/1/witness").derive(self._key.private_bytes_raw())
        return WitnessSigner(name, Ed25519PrivateKey.from_private_bytes(seed))

    def sign_bundle(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        """The lines of a bundle as they are written, and the signature over them."""
        digest = hashlib.sha256(f"{_FORMAT}\n".encode())
        for line in lines:
            written = _written(line)
            digest.update(written)
            yield written
        yield _written({"signature": self._key.sign(digest.digest()).hex()})


class WitnessSigner:
    """Co-signs heads of other logs."""

    def __init__(self, name: str, key: Ed25519PrivateKey) -> None:
        self.name, self._key = name, key

    @property
    def key(self) -> str:
        """The public key, as verifiers take it."""
        public = _WITNESS + self._key.public_key().public_bytes_raw()
        return f"{self.name}+{_key_hash(self.name, public).hex()}+{_base64(public)}"

    def cosigned(self, head: SignedHead, now: datetime) -> SignedHead:
        """See :func:`cosigned`."""
        return cosigned(head, self.name, self._key, now)


def cosigned(head: SignedHead, name: str, key: Ed25519PrivateKey, now: datetime) -> SignedHead:
    """A head with the co-signature of a witness, who has seen that the log only grew.

    Args:
        head: signed.
        name: of the witness, without spaces and plus signs.
        key: of the witness.
        now: when, with time zone; kept to the second.
    """
    text = head.note.partition("\n\n")[0] + "\n"
    time = int(now.timestamp())
    signature = key.sign(f"cosignature/v1\ntime {time}\n{text}".encode())
    hashed = _key_hash(name, _WITNESS + key.public_key().public_bytes_raw())
    return SignedHead(head.size, f"{head.note}\N{EM DASH} {name} {_base64(hashed + time.to_bytes(8) + signature)}\n")


def whole_bundle(
    signer: LedgerSigner,
    heads: Sequence[SignedHead],
    nodes: Nodes,
    openings: Iterable[tuple[int, Opening]],
    *,
    logs: Mapping[str, Iterable[bytes]] | None = None,
) -> Iterator[bytes]:
    """A bundle with all leaves.

    Args:
        signer: of the log.
        heads: in the order of their sizes, at least one; leaves up to the last are in the bundle.
        nodes: of the tree.
        openings: leaf and opening of what is shown.
        logs: of each half's log what stands for its records in its tree.
    """

    def lines() -> Iterator[Mapping[str, Any]]:
        yield {"format": _FORMAT, "key": signer.key, "origin": signer.origin, "whole": True}
        for log, commitments in (logs or {}).items():
            records = iter(commitments)
            while some := [leaf_hash(commitment).hex() for commitment in islice(records, _BLOCK)]:
                yield {"leaves": some, "log": log}
        for first in range(0, heads[-1].size, _BLOCK):
            end = min(first + _BLOCK, heads[-1].size)
            line: dict[str, Any] = {"leaves": [nodes(place_of(0, leaf)).hex() for leaf in range(first, end)]}
            if end - first == _BLOCK:
                line["head"] = nodes(place_of(_BLOCK_LEVEL, first >> _BLOCK_LEVEL)).hex()
            yield line
        for head in heads:
            yield {"note": head.note}
        for leaf, opening in openings:
            yield _opened(leaf, opening)

    return signer.sign_bundle(lines())


def opened_bundle(
    signer: LedgerSigner,
    head: SignedHead,
    nodes: Nodes,
    openings: Iterable[tuple[int, Opening]],
    seen: Iterable[int] = (),
    *,
    witnessed: SignedHead | None = None,
) -> Iterator[bytes]:
    """A bundle of some entries, each with its proof: what one person gets, who learns nothing of the others.

    Args:
        signer: of the log.
        head: the newest.
        nodes: of the tree.
        openings: leaf and opening of each.
        seen: sizes of earlier heads from which it is proved that the log only grew.
        witnessed: an earlier head with co-signatures, which goes with it.
    """
    older = witnessed if witnessed is not None and witnessed.size < head.size else None

    def lines() -> Iterator[Mapping[str, Any]]:
        yield {"format": _FORMAT, "key": signer.key, "origin": signer.origin, "whole": False}
        if older is not None:
            yield {"note": older.note}
        yield {"note": head.note}
        for old in sorted({*seen, *(() if older is None else (older.size,))}):
            yield {"old": old, "proof": [node.hex() for node in consistency_proof(old, head.size, nodes)]}
        for leaf, opening in openings:
            proof = [node.hex() for node in inclusion_proof(leaf, head.size, nodes)]
            yield _opened(leaf, opening) | {"proof": proof}

    return signer.sign_bundle(lines())


def _opened(leaf: int, opening: Opening) -> dict[str, Any]:
    return {"entry": json.loads(opening.entry.written), "leaf": leaf, "salt": opening.salt.hex()}


def _written(line: Mapping[str, Any]) -> bytes:
    return canonical(line) + b"\n"


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + public).digest()[:4]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()

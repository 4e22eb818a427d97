"""The ledger of a served keep, as its client asks for it."""

from __future__ import annotations

from facekeep.client.calls import Call
from facekeep.domain.ledger import SignedHead

__all__ = ["bundle", "consistency", "cosign", "head", "inclusion", "key", "witnessed_head"]


def key() -> Call[str]:
    """See :meth:`facekeep.client.Client.ledger_key`."""
    return Call("GET", "/v1/ledger/key", lambda d: str(d["ledger_key"]))


def head() -> Call[SignedHead]:
    """See :meth:`facekeep.client.Client.ledger_head`."""
    return Call("GET", "/v1/ledger/head", lambda d: SignedHead(d["size"], d["note"]))


def witnessed_head() -> Call[str | None]:
    """See :meth:`facekeep.client.Client.witnessed_head`."""
    return Call("GET", "/v1/ledger/head", lambda d: None if d["witnessed"] is None else str(d["witnessed"]))


def inclusion(leaf: int, size: int) -> Call[tuple[bytes, ...]]:
    """See :meth:`facekeep.client.Client.ledger_inclusion`."""
    query = {"leaf": str(leaf), "size": str(size)}
    return Call("GET", "/v1/ledger/proofs/inclusion", lambda d: tuple(map(bytes.fromhex, d["proof"])), query=query)


def consistency(old: int, size: int) -> Call[tuple[bytes, ...]]:
    """See :meth:`facekeep.client.Client.ledger_consistency`."""
    query = {"old": str(old), "size": str(size)}
    return Call("GET", "/v1/ledger/proofs/consistency", lambda d: tuple(map(bytes.fromhex, d["proof"])), query=query)


def cosign(size: int, cosignature: str) -> Call[SignedHead]:
    """See :meth:`facekeep.client.Client.cosign_ledger`."""
    json = {"size": size, "cosignature": cosignature}
    return Call("POST", "/v1/ledger/cosignatures", lambda d: SignedHead(d["size"], d["note"]), json=json)


def bundle() -> Call[bytes]:
    """See :meth:`facekeep.client.Client.ledger_bundle`."""
    return Call("GET", "/v1/ledger", lambda d: d["bundle"].encode())

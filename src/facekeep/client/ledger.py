"""The ledger of a served keep, as its client asks for it."""

from __future__ import annotations

from facekeep.client.calls import Call
from facekeep.domain.ledger import SignedHead

__all__ = ["bundle", "head", "key"]


def key() -> Call[str]:
    """See :meth:`facekeep.client.Client.ledger_key`."""
    return Call("GET", "/v1/ledger/key", lambda d: str(d["ledger_key"]))


def head() -> Call[SignedHead]:
    """See :meth:`facekeep.client.Client.ledger_head`."""
    return Call("GET", "/v1/ledger/head", lambda d: SignedHead(d["size"], d["note"]))


def bundle() -> Call[bytes]:
    """See :meth:`facekeep.client.Client.ledger_bundle`."""
    return Call("GET", "/v1/ledger", lambda d: d["bundle"].encode())

"""Requests that a half has to refuse, each made out of an honest one, and why it refuses them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.consent import Purpose
from facekeep.split.approval import ClientKey, KeyApproval
from facekeep.split.asking import Approved, Question, Signer
from facekeep.split.codes import fine_code
from facekeep.split.gate import Gate
from facekeep.split.messages import SearchRequest
from facekeep.split.operators import EVERY_PURPOSE, client_key
from facekeep.split.statement import Claim, Statement, commit
from facekeep.split.ticket import SignedTicket, sign
from tests.authenticator import PRESENT, Authenticator
from tests.unit.split.cluster import Cluster

Forge = Callable[[Cluster], SearchRequest]


def approved(gate: Gate, question: Question, signer: Signer) -> Approved:
    """What an operator signed by a key of their own."""
    _, commitment = commit(os.urandom(32))
    prepared = gate.prepare([question], key=signer.id, commitment=commitment)
    (one,) = prepared.approved(signer.approve(prepared.statement))
    return one


def ask(cluster: Cluster, signer: Signer, *, one_to_one: bool = False, operator: str = "op") -> SearchRequest:
    """A search of the first person, signed by an operator."""
    row = cluster.names[0] if one_to_one else None
    question = Question("verify" if row else "identify", 2, operator, "" if row else "c", row=row)
    return cluster.gate.request(approved(cluster.gate, question, signer), probe(cluster))


def probe(cluster: Cluster) -> np.ndarray:
    return fine_code(cluster.people[0])


def signed_again(cluster: Cluster, ticket: SignedTicket, **change: object) -> SignedTicket:
    """A ticket that was changed, signed by the gate."""
    new = replace(ticket, **change)  # type: ignore[arg-type]
    return sign(new.statement, new.approval, cluster.identities["gate"], level=new.level, opening=new.opening)


def own_key(cluster: Cluster, purposes: int = EVERY_PURPOSE, not_after: int = 0, operator: str = "op") -> ClientKey:
    """A key of an operator that both halves know."""
    key = ClientKey.of(Ed25519PrivateKey.generate())
    cluster.change_keys(grant=client_key(key.public, operator, purposes, not_after))
    return key


def passkey(cluster: Cluster, **change: object) -> Authenticator:
    """A passkey of an operator that both halves know."""
    key = Authenticator(**change)  # type: ignore[arg-type]
    cluster.change_keys(grant=key.entry)
    return key


def expired(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk)
    cluster.now += 300
    return request


def foreign_gate(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk)
    ticket, key = request.ticket, Ed25519PrivateKey.generate()
    return replace(
        request, ticket=sign(ticket.statement, ticket.approval, key, level=ticket.level, opening=ticket.opening)
    )


def replayed(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk)
    for half in (cluster.left, cluster.right):
        assert half.begin([request]) == [None]
    return replace(request, turn=request.turn + 1)


def _wrong_approval(approve: Callable[[Cluster, Statement], tuple[str, bytes]]) -> Forge:
    def forge(cluster: Cluster) -> SearchRequest:
        request = ask(cluster, cluster.desk)
        statement = Statement.from_bytes(request.ticket.statement)
        key, approval = approve(cluster, statement)
        payload = replace(statement, key=key).to_bytes()
        return replace(request, ticket=signed_again(cluster, request.ticket, statement=payload, approval=approval))

    return forge


def _strangers_signature(cluster: Cluster, statement: Statement) -> tuple[str, bytes]:
    return cluster.desk.id, ClientKey.of(Ed25519PrivateKey.generate()).approve(statement.to_bytes()).to_bytes()


def _strangers_passkey(cluster: Cluster, statement: Statement) -> tuple[str, bytes]:
    known = passkey(cluster)
    return known.id, Authenticator().approve(replace(statement, key=known.id).to_bytes()).to_bytes()


def _passkey_for_sign_in(cluster: Cluster, _: Statement) -> tuple[str, bytes]:
    known = passkey(cluster)
    return known.id, known.get(os.urandom(32)).to_bytes()


def _passkey_untouched(cluster: Cluster, statement: Statement) -> tuple[str, bytes]:
    known = passkey(cluster, flags=PRESENT)
    return known.id, known.approve(replace(statement, key=known.id).to_bytes()).to_bytes()


def _no_signature(cluster: Cluster, _: Statement) -> tuple[str, bytes]:
    return cluster.desk.id, b""


def _zeros(cluster: Cluster, _: Statement) -> tuple[str, bytes]:
    return cluster.desk.id, KeyApproval(bytes(64)).to_bytes()


def unknown_key(cluster: Cluster) -> SearchRequest:
    return ask(cluster, ClientKey.of(Ed25519PrivateKey.generate()))


def revoked_key(cluster: Cluster) -> SearchRequest:
    key = own_key(cluster)
    request = ask(cluster, key)
    cluster.change_keys(revoke=key.id)
    return request


def ended_key(cluster: Cluster) -> SearchRequest:
    return ask(cluster, own_key(cluster, not_after=cluster.now))


def purpose_of_another_key(cluster: Cluster) -> SearchRequest:
    return ask(cluster, own_key(cluster, purposes=EVERY_PURPOSE & ~Purpose.IDENTIFY.bit))


def limited_desk(cluster: Cluster) -> SearchRequest:
    cluster.change_keys(grant=client_key(cluster.desk.public, "", EVERY_PURPOSE & ~Purpose.IDENTIFY.bit))
    return ask(cluster, cluster.desk)


def another_operators_key(cluster: Cluster) -> SearchRequest:
    return ask(cluster, own_key(cluster, operator="other"))


def another_row(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk, one_to_one=True)
    opening = Claim.of([cluster.names[1]]).opening(0)
    return replace(request, ticket=signed_again(cluster, request.ticket, opening=opening))


def laxer(cluster: Cluster) -> SearchRequest:
    request = ask(cluster, cluster.desk, one_to_one=True)
    return replace(request, ticket=signed_again(cluster, request.ticket, level=1))


def row_used_up(cluster: Cluster) -> SearchRequest:
    for _ in range(cluster.limits.rejects_per_day):
        _given_up(cluster, ask(cluster, cluster.desk, one_to_one=True))
    return ask(cluster, cluster.desk, one_to_one=True)


def case_used_up(cluster: Cluster) -> SearchRequest:
    for number in range(cluster.limits.searches_per_case):
        _given_up(cluster, ask(cluster, cluster.desk, operator=f"operator {number}"))
    return ask(cluster, cluster.desk, operator="another")


def operator_used_up(cluster: Cluster) -> SearchRequest:
    for number in range(cluster.limits.searches_per_operator_day):
        question = Question("identify", 2, "op", f"case {number}")
        _given_up(cluster, cluster.gate.request(question, probe(cluster)))
    return cluster.gate.request(Question("identify", 2, "op", "another"), probe(cluster))


def _given_up(cluster: Cluster, request: SearchRequest) -> None:
    for half in (cluster.left, cluster.right):
        assert half.begin([request]) == [None]


_NOT_SIGNED = "a statement is not signed by the operator's key"

FORGERIES: dict[str, tuple[Forge, str]] = {
    "an expired ticket": (expired, "a ticket has expired"),
    "a ticket of another gate": (foreign_gate, "a ticket is not signed by the pinned gate"),
    "a replayed nonce": (replayed, "a ticket was used before, or its nonce is another's"),
    "a stranger's signature": (
        _wrong_approval(_strangers_signature),
        "a statement is not signed by the operator's key",
    ),
    "a signature of zeros": (_wrong_approval(_zeros), _NOT_SIGNED),
    "no signature": (_wrong_approval(_no_signature), "an operator's signature does not parse"),
    "a stranger's passkey": (_wrong_approval(_strangers_passkey), _NOT_SIGNED),
    "a passkey's sign-in": (_wrong_approval(_passkey_for_sign_in), "a passkey signed another statement, or none"),
    "a passkey without its person": (
        _wrong_approval(_passkey_untouched),
        "a passkey was used without its person's verified presence",
    ),
    "an unknown key": (unknown_key, "a statement is signed by a key that is not an operator's, or was revoked"),
    "a revoked key": (revoked_key, "a statement is signed by a key that is not an operator's, or was revoked"),
    "a key whose time is over": (ended_key, "an operator's key has expired"),
    "a key for other purposes": (purpose_of_another_key, "an operator's key may not sign for this purpose"),
    "a desk that was limited": (limited_desk, "an operator's key may not sign for this purpose"),
    "another operator's key": (another_operators_key, "a statement is signed by another operator's key"),
    "a row that is not claimed": (another_row, "a ticket is for a row that its statement does not claim"),
    "a laxer threshold": (laxer, "a ticket asks for a laxer threshold than its statement"),
    "a row's budget": (row_used_up, "a reference is locked for today after too many rejected comparisons"),
    "a case's budget": (case_used_up, "the case has used up its searches"),
    "an operator's budget": (operator_used_up, "the operator has used up today's searches"),
}

"""The ledger over HTTP: what an auditor gets, and what a person gets who signed in, each checked by the verifier."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.errors import FacekeepError
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.site import Site
from facekeep.ledger_verifier import VerifierKey, climbed, grew, read_head, verify
from facekeep.service.keep import Keep
from facekeep.service.ledger_signing import WitnessSigner
from tests.api.conftest import Asking
from tests.api.test_client import Through

SITE = "http://localhost"


def signed_in(keep: Keep, account: str, role: Role, label: str | None = None) -> TestClient:
    secret, _ = keep.begin_session(keep.invite(account, [role], label=label).account.id)
    headers = {"Cookie": f"facekeep={secret}", "Sec-Fetch-Site": "same-origin"}
    return TestClient(build(keep, site=Site(SITE)), base_url=SITE, headers=headers)


def test_an_auditor_keeps_heads_and_checks_the_log(app: FastAPI, keep: Keep) -> None:
    with Client("http://keep", keep.issue_token("auditor", [Scope.READ], days=1).token, transport=Through(app)) as one:
        key, head = VerifierKey.read(one.ledger_key()), one.ledger_head()
        keep.withdraw_consent("biden", Purpose.VERIFY)
        report = verify(one.ledger_bundle(), key, seen=[read_head(head.note)])
    assert (report.faults, report.size) == ([], head.size + 3)  # the withdrawal, the export, the logs of the halves


def test_a_person_reads_who_asked_for_them_and_nobody_else_does(keep: Keep, asking: Asking, pictures: Path) -> None:
    keep.verify("obama", (pictures / "obama2.jpg").read_bytes(), operator="guard")
    obama, biden = (keep.subject(label).id for label in ("obama", "biden"))
    person = signed_in(keep, "barack", Role.DATA_SUBJECT, "obama")
    key = VerifierKey.read(person.get("/v1/ledger/key").json()["ledger_key"])
    answer = person.get(f"/v1/subjects/{obama}/ledger", params={"since": 1})
    report = verify(answer.json()["bundle"].encode(), key)
    assert report.faults == []
    told = [entry for _, entry in sorted(report.opened.items())]
    assert (told[0]["kind"], told[-1]["kind"]) == ("enrolled", "verified")
    assert told[-1]["operator"] == keep.operator_pseudonym("guard")
    assert person.get(f"/v1/subjects/{obama}/ledger", params={"since": 1_000_000}).status_code == 422
    others = [
        person.get(f"/v1/subjects/{biden}/ledger"),
        person.get("/v1/ledger"),
        signed_in(keep, "operator", Role.OPERATOR).get(f"/v1/subjects/{obama}/ledger"),
        signed_in(keep, "administrator", Role.ADMINISTRATOR).get(f"/v1/subjects/{obama}/ledger"),
        asking(*Scope).get(f"/v1/subjects/{obama}/ledger"),
    ]
    assert [other.status_code for other in others] == [403] * len(others)


@pytest.mark.parametrize("what", ["ledger", "ledger/head"])
def test_who_may_not_read_gets_nothing_of_it(asking: Asking, what: str) -> None:
    assert asking(Scope.VERIFY).get(f"/v1/{what}").status_code == 403
    assert asking().get(f"/v1/{what}").status_code == 401


def test_whoever_reads_a_record_is_told_of_to_the_person(keep: Keep, asking: Asking) -> None:
    """Every operation that shows a person's record, by whoever may, and nothing of what the person reads herself."""
    obama, first = keep.subject("obama").id, len(keep.accesses("obama"))
    person = signed_in(keep, "barack again", Role.DATA_SUBJECT, "obama")
    reader, ann = asking(Scope.READ), signed_in(keep, "watched", Role.OPERATOR)
    asked = {
        "record": lambda who: who.get(f"/v1/subjects/{obama}"),
        "references": lambda who: who.get(f"/v1/subjects/{obama}/references"),
        "consents": lambda who: who.get(f"/v1/subjects/{obama}/consents"),
    }
    for part, ask in asked.items():
        seen = len(keep.accesses("obama"))
        assert ask(person).status_code == 200
        assert len(keep.accesses("obama")) == seen
        for who in (reader, ann):
            assert ask(who).status_code == 200, part
        assert len(keep.accesses("obama")) == seen + 2
    for who in (reader, ann):
        assert who.post("/v1/subjects/lookups", json={"label": "obama"}).status_code == 200
    assert person.get(f"/v1/subjects/{obama}/ledger").status_code == 200
    since = keep.accesses("obama")[: -first or None]
    assert (len([each for each in since if each.operator == "account watched"]), len(since)) == (4, 8)


def test_whoever_reads_what_people_object_to_is_told_of(keep: Keep, asking: Asking) -> None:
    obama = keep.subject("obama").id
    person = signed_in(keep, "who objects", Role.DATA_SUBJECT, "obama")
    assert person.post(f"/v1/subjects/{obama}/appeals", json={"kind": "appeal", "text": "No."}).status_code == 201
    assert person.post(f"/v1/subjects/{obama}/appeals", json={"kind": "appeal", "text": "Nor this."}).status_code == 201
    seen = len(keep.accesses("obama"))
    assert person.get(f"/v1/subjects/{obama}/appeals").status_code == 200
    assert len(keep.accesses("obama")) == seen
    for who, path in (
        (signed_in(keep, "desk", Role.OPERATOR), f"/v1/subjects/{obama}/appeals"),
        (signed_in(keep, "who reviews", Role.REVIEWER), "/v1/appeals?limit=100"),
        (signed_in(keep, "who administers", Role.ADMINISTRATOR), "/v1/appeals?limit=100"),
    ):
        seen, others = len(keep.accesses("obama")), len(keep.accesses("biden"))
        assert who.get(path).json()["appeals"]
        assert len(keep.accesses("obama")) == seen + 1  # once for all of one person
        assert len(keep.accesses("biden")) == others
    operators = [access.operator for access in keep.accesses("obama")[:3]]
    assert operators == ["account who administers", "account who reviews", "account desk"]


def test_who_may_not_list_consents_is_answered_with_the_one_alone(keep: Keep, asking: Asking) -> None:
    obama = keep.subject("obama").id
    path, consent = f"/v1/subjects/{obama}/consents", {"purpose": "attendance", "notice": "A notice of attendance."}
    alone, reader = asking(Scope.CONSENT), asking(Scope.CONSENT, Scope.READ)
    seen = len(keep.accesses("obama"))
    given = alone.post(path, json=consent).json()
    assert [each["purpose"] for each in given] == ["attendance"]
    assert len(keep.accesses("obama")) == seen  # nothing was shown but what was said
    (left,) = alone.delete(f"{path}/attendance").json()
    assert (left["purpose"], left["withdrawn"] is None) == ("attendance", False)
    assert len(keep.accesses("obama")) == seen + 1
    assert len(reader.post(path, json=consent).json()) == len(keep.consents("obama")) > 1
    assert len(reader.delete(f"{path}/attendance").json()) == len(keep.consents("obama"))
    assert len(keep.accesses("obama")) == seen + 3


def test_a_list_of_people_is_one_entry_with_their_number(keep: Keep, asking: Asking) -> None:
    reader = asking(Scope.READ)
    size = keep.ledger_head().size
    people = len(reader.get("/v1/subjects").json()["subjects"])
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    (listed,) = [entry for entry in report.opened.values() if entry["kind"] == "listed"]
    assert (int(listed["people"]), people >= 2) == (people, True)
    assert report.size == size + 2  # the list, the export


def test_who_administers_is_told_of(keep: Keep) -> None:
    root = signed_in(keep, "chief", Role.ADMINISTRATOR)
    token = root.post("/v1/tokens", json={"name": "till", "scopes": ["read"], "days": 1}).json()["id"]
    account = root.post("/v1/accounts", json={"name": "eve", "roles": ["operator"]}).json()["id"]
    root.post(f"/v1/accounts/{account}/invitations", json={})
    root.patch(f"/v1/accounts/{account}", json={"roles": ["reviewer"]})
    root.delete(f"/v1/accounts/{account}")
    root.delete(f"/v1/tokens/{token}")
    by = keep.operator_pseudonym(keep.account_named("chief"))
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    told = [entry for _, entry in sorted(report.opened.items()) if entry.get("operator") == by]
    assert [(entry["kind"], entry.get("account") or entry["client"]) for entry in told] == [
        ("token-created", token),
        ("account-created", account),
        ("account-invited", account),
        ("account-changed", account),
        ("account-revoked", account),
        ("token-revoked", token),
    ]


def test_proofs_lead_to_the_head(keep: Keep, asking: Asking) -> None:
    reader = asking(Scope.READ)
    old = reader.get("/v1/ledger/head").json()
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    head = read_head(reader.get("/v1/ledger/head").json()["note"])
    answer = reader.get("/v1/ledger/proofs/consistency", params={"old": old["size"], "size": head.size}).json()
    proof = [bytes.fromhex(node) for node in answer["proof"]]
    assert grew(read_head(old["note"]), head, proof)
    assert not grew(read_head(old["note"]), head, proof[:-1])
    lines = [json.loads(line) for line in reader.get("/v1/ledger").json()["bundle"].splitlines()]
    leaves = [bytes.fromhex(leaf) for line in lines if "log" not in line for leaf in line.get("leaves", ())]
    for leaf in (0, 1, head.size - 1):
        answer = reader.get("/v1/ledger/proofs/inclusion", params={"leaf": leaf, "size": head.size}).json()
        path = [bytes.fromhex(node) for node in answer["proof"]]
        assert climbed(leaves[leaf], leaf, head.size, path) == head.root
        assert climbed(leaves[leaf], leaf, head.size, path[::-1]) != head.root
    for kind, wrong in (
        ("inclusion", {"leaf": head.size, "size": head.size}),
        ("inclusion", {"leaf": 0, "size": 10**9}),
        ("inclusion", {"leaf": 0}),
        ("consistency", {"old": 10**9, "size": 10**9}),
        ("consistency", {"old": 2, "size": 1}),
        ("consistency", {"old": 0, "size": 1}),
    ):
        assert reader.get(f"/v1/ledger/proofs/{kind}", params=wrong).status_code == 422, wrong
        assert asking(Scope.VERIFY).get(f"/v1/ledger/proofs/{kind}", params=wrong).status_code == 403


def test_a_witness_gives_its_co_signature_and_everybody_sees_it(app: FastAPI, keep: Keep) -> None:
    auditor = WitnessSigner("auditor", Ed25519PrivateKey.generate())
    keep.add_witness(auditor.key)
    token = keep.issue_token("witness", [Scope.READ], days=1).token
    with Client("http://keep", token, transport=Through(app)) as one:
        assert one.witnessed_head() is None
        head = one.ledger_head()
        note = auditor.cosigned(head, datetime.now(UTC)).note
        assert one.cosign_ledger(head.size, note.removeprefix(head.note)).note == note
        assert (one.ledger_head().note, one.witnessed_head()) == (note, note)
        assert one.ledger_inclusion(0, head.size) == keep.ledger_inclusion(0, head.size)
        assert one.ledger_consistency(1, head.size) == keep.ledger_consistency(1, head.size)
        with pytest.raises(FacekeepError):
            one.cosign_ledger(head.size, note.removeprefix(head.note).replace("auditor", "another"))
        report = verify(
            one.ledger_bundle(), VerifierKey.read(one.ledger_key()), witnesses=[VerifierKey.read(auditor.key)]
        )
    assert (report.faults, report.witnessed) == ([], {"auditor": head.size})

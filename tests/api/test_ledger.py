"""The ledger over HTTP: what an auditor gets, and what a person gets who signed in, each checked by the verifier."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.site import Site
from facekeep.ledger_verifier import VerifierKey, read_head, verify
from facekeep.service.keep import Keep
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
    assert (report.faults, report.size) == ([], head.size + 1)


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

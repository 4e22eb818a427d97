"""A person's rights over HTTP: signed in, the person does all alone, and nobody does it for another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import EvidenceKind
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service.keep import Keep
from tests.api.conftest import Asking
from tests.api.test_ledger import signed_in


@pytest.fixture(scope="module")
def person(keep: Keep) -> TestClient:
    return signed_in(keep, "barack", Role.DATA_SUBJECT, "obama")


@pytest.fixture(scope="module")
def path(keep: Keep) -> str:
    return f"/v1/subjects/{keep.subject('obama').id}"


def test_a_person_sees_who_asked_a_page_at_a_time(keep: Keep, person: TestClient, path: str, pictures: Path) -> None:
    probe = (pictures / "obama2.jpg").read_bytes()
    client = keep.issue_token("till", [Scope.VERIFY], days=1).client
    for _ in range(3):
        keep.verify("obama", probe, operator=client)
    first = person.get(f"{path}/accesses", params={"limit": 2}).json()
    second = person.get(f"{path}/accesses", params={"limit": 2, "after": first["next"]}).json()
    leaves = [access["leaf"] for access in first["accesses"] + second["accesses"]]
    assert leaves == sorted(leaves, reverse=True)
    assert (len(leaves), second["next"]) == (3, None)
    assert first["accesses"][0] | {"leaf": 0, "time": ""} == {
        "leaf": 0,
        "time": "",
        "kind": "verified",
        "purpose": "verify",
        "case": None,
        "operator": "client till",
        "outcome": "verified",
        "reason": None,
    }


def test_a_person_gets_all_that_is_held(keep: Keep, person: TestClient, path: str) -> None:
    got = person.get(f"{path}/export")
    assert got.headers["content-disposition"] == 'attachment; filename="facekeep-own-data.json"'
    own = got.json()
    assert (own["format"], own["subject"]["label"]) == ("facekeep-own-1", "obama")
    assert verify(own["ledger"].encode(), VerifierKey.read(keep.ledger_key)).faults == []
    page = person.get(f"{path}/export", params={"format": "html", "language": "zh-Hans"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<html lang="zh-Hans">' in page.text
    assert person.get(f"{path}/export", params={"format": "pdf"}).status_code == 422


def test_a_person_switches_a_purpose_on_by_a_notice_that_is_kept(keep: Keep, person: TestClient, path: str) -> None:
    notice = keep.add_notice("Attendance, and what it means.", language="en", purposes=[Purpose.ATTENDANCE])
    hashes = [each["hash"] for each in person.get("/v1/notices").json()["notices"]]
    assert notice.digest in hashes
    assert person.get(f"/v1/notices/{notice.digest}").json()["text"] == notice.text
    asked = {"purpose": "attendance", "notice_hash": notice.digest}
    assert person.post(f"{path}/consents", json=asked).status_code == 201
    assert Purpose.ATTENDANCE in {consent.purpose for consent in keep.consents("obama") if consent.holds}
    (given,) = [consent for consent in keep.consents("obama") if consent.purpose is Purpose.ATTENDANCE]
    assert given.evidence.kind is EvidenceKind.ACCOUNT
    # What is the relying party's to say is not the person's, nor that somebody else withdraws.
    for said in ({"age": 30}, {"age": 9, "guardian": "x"}, {"evidence": "form:" + "0" * 64}):
        assert person.post(f"{path}/consents", json=asked | said).status_code == 422
    assert person.delete(f"{path}/consents/attendance", params={"by": "guardian"}).status_code == 422
    assert person.post(f"{path}/consents", json=asked | {"evidence": given.evidence.written}).status_code == 422
    own_words = person.post(f"{path}/consents", json={"purpose": "payment", "notice": "I allow nothing."})
    assert own_words.status_code == 422
    assert "GET /v1/notices" in own_words.json()["hint"]
    assert "I allow nothing." not in {each.text for each in keep.notices()}


def test_a_person_reads_notices_for_everybody_and_those_of_own_consents(
    keep: Keep, person: TestClient, path: str
) -> None:
    keep.give_consent("biden", Purpose.ATTENDANCE, "I, Joe, agree to be known at the gate.")
    of_biden = next(notice.digest for notice in keep.notices() if notice.text.startswith("I, Joe"))
    hashes = {each["hash"] for each in person.get("/v1/notices").json()["notices"]}
    own = {consent.notice for consent in keep.consents("obama")}
    assert own <= hashes
    assert of_biden not in hashes
    assert person.get(f"/v1/notices/{of_biden}").status_code == 404
    asked = {"purpose": "attendance", "notice_hash": of_biden}
    assert person.post(f"{path}/consents", json=asked).status_code == 404
    assert of_biden in {
        each["hash"] for each in signed_in(keep, "desk", Role.OPERATOR).get("/v1/notices").json()["notices"]
    }


def test_operators_write_down_objections_without_learning_which_entries_are_about_whom(
    keep: Keep, person: TestClient, path: str
) -> None:
    desk = signed_in(keep, "front desk", Role.OPERATOR)
    leaf = json.loads(person.get(f"{path}/export").text)["entries"][0]["leaf"]
    answers = [desk.post(f"{path}/appeals", json={"kind": "appeal", "about": at, "text": "x"}) for at in (leaf, 10_000)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json() | {"request_id": ""} == answers[1].json() | {"request_id": ""}
    assert desk.post(f"{path}/appeals", json={"kind": "appeal", "text": "Told at the desk."}).status_code == 201


def test_a_person_is_never_returned_from_then_on(keep: Keep, person: TestClient, path: str, pictures: Path) -> None:
    assert person.put(f"{path}/never-return").json() == {"references": 1}
    assert person.put(f"{path}/never-return").json() == {"references": 0}
    assert keep.subject("obama").never_returned


def test_an_appeal_goes_to_a_reviewer_and_its_answer_back(keep: Keep, person: TestClient, path: str) -> None:
    reviewer = signed_in(keep, "a reviewer of one", Role.REVIEWER)
    leaf = json.loads(person.get(f"{path}/export").text)["entries"][0]["leaf"]
    filed = person.post(f"{path}/appeals", json={"kind": "appeal", "about": leaf, "text": "I never agreed."})
    assert (filed.status_code, filed.json()["state"]) == (201, "open")
    waiting = reviewer.get("/v1/appeals", params={"limit": 100}).json()["appeals"][-1]
    assert waiting == filed.json() | {"subject": keep.subject("obama").id}
    decided = {"upheld": True, "text": "You are right."}
    assert reviewer.post(f"/v1/appeals/{waiting['id']}/answer", json=decided).status_code == 201
    assert reviewer.post(f"/v1/appeals/{waiting['id']}/answer", json=decided).status_code == 422
    for answered in (False, True):
        listed = reviewer.get("/v1/appeals", params={"answered": answered}).json()["appeals"]
        assert (waiting["id"] in {each["id"] for each in listed}) == answered
    told = next(each for each in person.get(f"{path}/appeals").json()["appeals"] if each["id"] == waiting["id"])
    assert (told["state"], told["upheld"], told["answer"]) == ("answered", True, "You are right.")


def test_appeals_come_a_page_at_a_time(keep: Keep, person: TestClient, path: str) -> None:
    for number in range(3):
        person.post(f"{path}/appeals", json={"kind": "appeal", "text": f"{number}"})
    for reader, address in ((person, f"{path}/appeals"), (signed_in(keep, "reviewer", Role.REVIEWER), "/v1/appeals")):
        page = reader.get(address, params={"limit": 2}).json()
        texts = [each["text"] for each in page["appeals"]]
        while page["next"] is not None:
            page = reader.get(address, params={"limit": 2, "after": page["next"]}).json()
            texts += [each["text"] for each in page["appeals"]]
        assert texts[-3:] == ["0", "1", "2"]


def test_nobody_does_it_for_another(app: FastAPI, keep: Keep, asking: Asking, person: TestClient, path: str) -> None:
    other = f"/v1/subjects/{keep.subject('biden').id}"
    alone = ("accesses", "export")
    statuses = [person.get(f"{other}/{what}").status_code for what in (*alone, "appeals")]
    statuses += [person.put(f"{other}/never-return").status_code]
    statuses += [person.post(f"{other}/appeals", json={"kind": "appeal", "text": "x"}).status_code]
    for role in (Role.OPERATOR, Role.ADMINISTRATOR, Role.AUDITOR, Role.REVIEWER):
        staff = signed_in(keep, f"a {role}", role)
        statuses += [staff.get(f"{path}/{what}").status_code for what in alone]
    statuses += [asking(*Scope).get(f"{path}/{what}").status_code for what in alone]
    statuses += [asking(*Scope).post(f"/v1/appeals/{'0' * 32}/answer", json={}).status_code]
    assert set(statuses) == {403}

"""Writes that are sent again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.errors import DamagedStoreError, NotFoundError, UsageError
from facekeep.service.keep import Keep
from facekeep.store import tables
from tests.api.conftest import NOTICE, Asking, b64
from tests.api.test_client import Through


def test_an_enrolment_that_is_sent_again_is_not_done_again(asking: Asking, keep: Keep, pictures: Path) -> None:
    client = asking(Scope.ENROL, Scope.READ, Scope.ERASE)
    picture, key = (pictures / "astronaut.png").read_bytes(), {"Idempotency-Key": "enrol-1"}
    fields = {"label": "eileen", "purposes": ["verify"], "notice": NOTICE}
    first = client.post("/v1/subjects", data=fields, files={"pictures": ("a", picture)}, headers=key)
    assert first.status_code == 201
    # As a form with another boundary, and as JSON: it is the same request.
    again = client.post("/v1/subjects", data=fields, files={"pictures": ("b", picture)}, headers=key)
    other = client.post("/v1/subjects", json={**fields, "pictures": [b64(picture)]}, headers=key)
    assert (again.status_code, again.json()) == (other.status_code, other.json()) == (201, first.json())
    assert keep.subject("eileen").references == 1
    reused = client.post("/v1/subjects", json={**fields, "name": "E", "pictures": [b64(picture)]}, headers=key)
    assert (reused.status_code, reused.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")
    plain = client.post("/v1/subjects", json={**fields, "pictures": [b64(picture)]})
    assert (plain.status_code, keep.subject("eileen").references) == (201, 2)
    client.delete(f"/v1/subjects/{first.json()['id']}")


def test_what_is_kept_about_somebody_goes_at_the_erasure_and_is_not_done_again(
    asking: Asking, keep: Keep, pictures: Path
) -> None:
    client, administrator = asking(Scope.ENROL, Scope.CONSENT, Scope.ERASE), asking(Scope.ADMINISTER)

    def send(by: TestClient, method: str, path: str, key: str, **body: object) -> httpx2.Response:
        headers = {"Idempotency-Key": f"gone-{key}"}
        answer: httpx2.Response = by.request(method, f"/v1{path}", headers=headers, json=body or None)
        return answer

    def kept() -> dict[bytes, bytes]:
        """The sealed cells of what is kept, as they lie in the file."""
        with keep._roles.registry.read() as view:
            rows = view._connection.execute(select(tables.requests)).all()
            return {row.id: row.sealed for row in rows}

    before = kept().keys()
    enrolment = {"label": "gone", "purposes": ["verify"], "notice": NOTICE}
    picture = b64((pictures / "astronaut.png").read_bytes())
    who = send(client, "POST", "/subjects", "1", **enrolment, pictures=[picture]).json()["id"]
    made = send(administrator, "POST", "/accounts", "2", name="A Name", roles=["data-subject"], subject=who)
    assert made.status_code == 201, made.text
    consent = {"purpose": "payment", "notice": NOTICE}
    assert send(client, "POST", f"/subjects/{who}/consents", "3", **consent).status_code == 201
    sealed = {name: cell for name, cell in kept().items() if name not in before}
    assert len(sealed) == 3
    erased = send(client, "DELETE", f"/subjects/{who}", "4")
    assert erased.status_code == 200
    # Of what was kept about the person nothing is left, opened or sealed, in any file.
    with keep._roles.registry.read() as view:
        for request in view.requests():
            if request.id in sealed:
                assert (request.answer, request.fingerprint) == (None, bytes(32))
    files = b"".join(file.read_bytes() for file in keep._directory.rglob("*") if file.is_file())
    assert [name for name, cell in sealed.items() if cell in files] == []
    again = send(client, "POST", "/subjects", "1", **enrolment, pictures=[picture])
    assert (again.status_code, again.json()["type"]) == (409, "urn:facekeep:problem:request-under-way")
    with pytest.raises(NotFoundError):
        keep.subject("gone")
    assert send(client, "DELETE", f"/subjects/{who}", "4").json() == erased.json()  # which speaks of nobody


def test_what_was_refused_may_be_sent_again_under_its_key(asking: Asking, pictures: Path) -> None:
    client, key = asking(Scope.CASES, Scope.READ), {"Idempotency-Key": "case-1"}
    assert client.post("/v1/cases", json={"title": "once"}).status_code == 201
    for _ in range(2):
        taken = client.post("/v1/cases", json={"title": "once"}, headers=key)
        assert taken.json()["type"] == "urn:facekeep:problem:invalid-request"
    fresh = client.post("/v1/cases", json={"title": "once more"}, headers=key)
    assert fresh.status_code == 201
    assert client.post("/v1/cases", json={"title": "once more"}, headers=key).json() == fresh.json()
    bad = client.post("/v1/cases", json={"title": "x"}, headers={"Idempotency-Key": "two words"})
    assert bad.status_code == 422


def test_a_write_that_failed_in_the_middle_is_not_done_again(
    asking: Asking, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, key = asking(Scope.CASES), {"Idempotency-Key": "case-2"}

    def fail(*_: object, **__: object) -> str:
        raise DamagedStoreError("the disk is full", store="registry")

    with monkeypatch.context() as patched:
        patched.setattr(keep, "open_case", fail)
        assert client.post("/v1/cases", json={"title": "perhaps"}, headers=key).status_code == 503
    again = client.post("/v1/cases", json={"title": "perhaps"}, headers=key)
    assert (again.status_code, again.json()["type"]) == (409, "urn:facekeep:problem:request-under-way")


def test_many_at_once_do_it_once(asking: Asking, keep: Keep) -> None:
    client, key = asking(Scope.CONSENT), {"Idempotency-Key": "consent-1"}
    who, before = keep.subject("biden").id, len(keep.consents("biden"))
    with ThreadPoolExecutor(6) as threads:
        body = {"purpose": "attendance", "notice": NOTICE}
        sent = [threads.submit(client.post, f"/v1/subjects/{who}/consents", json=body, headers=key) for _ in range(6)]
        statuses = {job.result().status_code for job in sent}
    assert 201 in statuses
    assert statuses <= {201, 409}
    assert len(keep.consents("biden")) == before + 1


def test_the_client_sends_keys(asking: Asking, keep: Keep) -> None:
    token = asking(Scope.CASES, Scope.CONSENT, Scope.ENROL).headers["Authorization"].removeprefix("Bearer ")
    app = asking().app
    with Client("http://keep", token, transport=Through(app)) as client:  # type: ignore[arg-type]
        opened = client.open_case("by the client", key="k1")
        assert client.open_case("by the client", key="k1") == opened
        with pytest.raises(UsageError, match="another request"):
            client.open_case("another by the client", key="k1")
        who = keep.subject("obama").id
        given = client.give_consent(who, opened.purpose, NOTICE, key="k2")
        assert client.give_consent(who, opened.purpose, NOTICE, key="k2") == given

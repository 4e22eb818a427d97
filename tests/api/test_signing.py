"""Searches that operators sign themselves, over HTTP: by a key and by a passkey."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from facekeep.client import AsyncClient, Client
from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError, RefusedError
from facekeep.interfaces.http.signing import OF_ALL, OF_ONE, Waiting
from facekeep.service.keep import Keep
from facekeep.service.keep_signing import PreparedSearch
from facekeep.split.approval import Approval, ClientKey, KeyApproval, PasskeyApproval
from facekeep.split.statement import Statement, commitment_of, statement_digest
from tests.api.conftest import b64
from tests.authenticator import ORIGIN, RP, Authenticator

Identifier = Callable[[str], str]
_SPKI = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
BOTH = [Purpose.VERIFY, Purpose.IDENTIFY]


@pytest.fixture(scope="module")
def tokens(keep: Keep) -> dict[str, str]:
    return {name: keep.issue_token(name, list(Scope), days=1).token for name in ("till", "other")}


@pytest.fixture
def till(app: FastAPI, tokens: dict[str, str]) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {tokens['till']}"})


@pytest.fixture
def other(app: FastAPI, tokens: dict[str, str]) -> TestClient:
    return TestClient(app, headers={"Authorization": f"Bearer {tokens['other']}"})


@pytest.fixture(scope="module")
def picture(pictures: Path) -> bytes:
    return (pictures / "obama2.jpg").read_bytes()


@pytest.fixture(scope="module")
def key(keep: Keep) -> ClientKey:
    made = ClientKey.of(Ed25519PrivateKey.generate())
    keep.add_operator_key(keep.client_named("till"), made.public.public_bytes(*_SPKI), purposes=BOTH, days=1)
    return made


@pytest.fixture(scope="module")
def passkey(keep: Keep) -> Authenticator:
    made = Authenticator()
    public = made.key.public_key().public_bytes(*_SPKI)
    added = keep.add_operator_key(keep.client_named("till"), public, purposes=BOTH, days=1, rp=RP, origin=ORIGIN)
    assert added.id == made.id
    return made


@pytest.fixture
def signers(key: ClientKey, passkey: Authenticator) -> tuple[ClientKey, Authenticator]:
    return key, passkey


@pytest.fixture
def no_desk(keep: Keep) -> Iterator[None]:
    keep.limit_desk([])
    yield
    keep.limit_desk(list(Purpose))


def _sent(approval: Approval) -> dict[str, str]:
    parts = {"signature": approval.signature}
    if isinstance(approval, PasskeyApproval):
        parts |= {"authenticator_data": approval.authenticator_data, "client_data": approval.client_data}
    return {name: b64(part) for name, part in parts.items()}


def _state(client: TestClient, subject: str, picture: bytes, key: str) -> dict[str, Any]:
    asked = {"subject": subject, "picture": b64(picture), "key": key}
    answer = client.post("/v1/verifications/statements", json=asked)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _statement(stated: dict[str, Any]) -> bytes:
    return base64.b64decode(stated["statement"])


@pytest.mark.usefixtures("no_desk")
def test_where_the_desk_may_not_sign_an_operator_signs_by_key_or_passkey(
    till: TestClient, identifier: Identifier, picture: bytes, signers: tuple[ClientKey, Authenticator], keep: Keep
) -> None:
    refused = till.post("/v1/verifications", json={"subject": identifier("obama"), "picture": b64(picture)})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:facekeep:problem:refused")
    for signer in signers:
        for who, verified in (("obama", True), ("biden", False)):
            stated = _state(till, identifier(who), picture, signer.id)
            statement = _statement(stated)
            assert stated["id"] == statement_digest(statement).hex()
            path = f"/v1/verifications/statements/{stated['id']}"
            answer = till.post(path, json=_sent(signer.approve(statement)))
            assert answer.status_code == 200, answer.text
            assert answer.json()["verified"] is verified
            crop = keep._acquisition.for_probe(picture).crop
            opened = commitment_of(base64.b64decode(stated["salt"]), crop).hex()
            assert Statement.from_bytes(statement).commitment == opened


def test_an_identification_is_signed_too(till: TestClient, pictures: Path, passkey: Authenticator) -> None:
    till.post("/v1/cases", json={"title": "signed", "purpose": "identify", "days": 2})
    form = {"case": "signed", "candidates": "3", "key": passkey.id}
    files = {"picture": ("probe", (pictures / "obama3.jpg").read_bytes())}
    stated = till.post("/v1/identifications/statements", data=form, files=files).json()
    path = f"/v1/identifications/statements/{stated['id']}"
    approval = passkey.approve(_statement(stated))
    parts = {name: (name, base64.b64decode(part)) for name, part in _sent(approval).items()}
    answer = till.post(path, files=parts)
    assert answer.status_code == 200, answer.text
    assert [candidate["label"] for candidate in answer.json()["candidates"]] == ["obama"]


def test_a_case_that_was_closed_meanwhile_is_not_searched_for(
    till: TestClient, pictures: Path, passkey: Authenticator
) -> None:
    case = till.post("/v1/cases", json={"title": "closed soon", "purpose": "identify", "days": 2}).json()["id"]
    files = {"picture": ("probe", (pictures / "obama3.jpg").read_bytes())}
    form = {"case": "closed soon", "key": passkey.id}
    stated = till.post("/v1/identifications/statements", data=form, files=files).json()
    assert till.post(f"/v1/cases/{case}/closure").status_code == 200
    sent = _sent(passkey.approve(_statement(stated)))
    answer = till.post(f"/v1/identifications/statements/{stated['id']}", json=sent)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:facekeep:problem:refused")
    assert "closed" in answer.json()["detail"]


def test_a_signature_serves_once_for_its_own_client_and_kind(
    till: TestClient, other: TestClient, identifier: Identifier, picture: bytes, key: ClientKey
) -> None:
    stated = _state(till, identifier("obama"), picture, key.id)
    body = _sent(key.approve(_statement(stated)))
    of_another_kind = f"/v1/identifications/statements/{stated['id']}"
    path = f"/v1/verifications/statements/{stated['id']}"
    for client, where in (
        (other, path),
        (till, of_another_kind),
        (till, path[:-1] + "x"),
        (till, path[:-64] + "0" * 64),
    ):
        assert client.post(where, json=body).status_code in (404, 422)
    assert till.post(path, json=body).status_code == 200
    again = till.post(path, json=body)
    assert (again.status_code, again.json()["type"]) == (404, "urn:facekeep:problem:not-found")


def test_a_forged_signature_is_refused_and_ends_the_search(
    till: TestClient, identifier: Identifier, pictures: Path, key: ClientKey, passkey: Authenticator
) -> None:
    picture = (pictures / "obama2.jpg").read_bytes()
    stranger = ClientKey.of(Ed25519PrivateKey.generate())
    for signer, forged in (
        (key, stranger.approve),
        (key, lambda _: KeyApproval(bytes(64))),
        (key, passkey.approve),
        (passkey, lambda _: passkey.get(bytes(32))),
        (passkey, key.approve),
    ):
        stated = _state(till, identifier("obama"), picture, signer.id)
        path = f"/v1/verifications/statements/{stated['id']}"
        refused = till.post(path, json=_sent(forged(_statement(stated))))
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:facekeep:problem:refused")
        assert till.post(path, json=_sent(signer.approve(_statement(stated)))).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"signature": ""},
        {"signature": b64(bytes(63))},
        {"signature": b64(bytes(81))},
        {"signature": "no base64!"},
        {"signature": b64(bytes(64)), "client_data": b64(b"{}")},
        {"signature": b64(bytes(64)), "authenticator_data": b64(bytes(37))},
        {"signature": b64(bytes(64)), "authenticator_data": b64(bytes(513)), "client_data": b64(b"{}")},
        {"signature": b64(bytes(64)), "score": 1},
    ],
)
def test_what_is_no_signature_leaves_the_search_waiting(
    till: TestClient, identifier: Identifier, pictures: Path, key: ClientKey, body: dict[str, str]
) -> None:
    stated = _state(till, identifier("obama"), (pictures / "obama2.jpg").read_bytes(), key.id)
    path = f"/v1/verifications/statements/{stated['id']}"
    assert till.post(path, json=body).status_code == 422
    assert till.post(path, json=_sent(key.approve(_statement(stated)))).status_code == 200


def test_a_statement_tells_nobody_who_is_enrolled(
    till: TestClient, identifier: Identifier, pictures: Path, key: ClientKey
) -> None:
    picture = (pictures / "obama2.jpg").read_bytes()
    stated = [_state(till, subject, picture, key.id) for subject in (identifier("obama"), "0" * 32, "0" * 32)]
    statements = [Statement.from_bytes(_statement(one)) for one in stated]
    hidden = {"claim": "0" * 64, "commitment": "0" * 64, "nonce": "0" * 32, "issued": 0, "expires": 300}
    assert len({replace(one, **hidden) for one in statements}) == 1  # type: ignore[arg-type]
    assert len({one.claim for one in statements}) == 3
    assert len({one.commitment for one in statements}) == 3


def test_a_picture_without_a_face_is_answered_at_once(
    till: TestClient, identifier: Identifier, key: ClientKey, app: FastAPI
) -> None:
    file = io.BytesIO()
    Image.new("RGB", (400, 400), "grey").save(file, "PNG")
    waiting = len(app.state.waiting)
    stated = _state(till, identifier("obama"), file.getvalue(), key.id)
    assert stated["answer"]["acquired"] is False
    assert stated["answer"]["reasons"]
    assert (stated["id"], stated["statement"], stated["salt"], stated["expires"]) == (None,) * 4
    assert len(app.state.waiting) == waiting


# What waits


@pytest.fixture(scope="module")
def prepared(keep: Keep, key: ClientKey, pictures: Path) -> PreparedSearch:
    picture = (pictures / "obama2.jpg").read_bytes()
    found = keep.prepare_verification("obama", picture, operator=keep.client_named("till"), key=key.id)
    assert isinstance(found, PreparedSearch)
    return found


def test_what_waits_is_bounded_and_ends(prepared: PreparedSearch) -> None:
    now = prepared.expires.timestamp() - 300
    waiting = Waiting(lambda: now)

    def put(client: int, number: int) -> str:
        search = replace(prepared, statement=b"%d/%d" % (client, number))
        return waiting.put(client.to_bytes(16), search, one_to_one=True)

    first = put(0, 0)
    mine = [put(1, number) for number in range(OF_ONE + 1)]
    assert len(waiting) == OF_ONE + 1
    with pytest.raises(NotFoundError):
        waiting.take((1).to_bytes(16), mine[0], one_to_one=True)
    assert waiting.take((1).to_bytes(16), mine[1], one_to_one=True).statement == b"1/1"
    assert waiting.take(bytes(16), first, one_to_one=True).statement == b"0/0"
    for number in range(OF_ALL + 5):
        put(2 + number // OF_ONE, number)
    assert len(waiting) == OF_ALL
    last = put(9999, 0)
    now += 300
    with pytest.raises(NotFoundError):
        waiting.take((9999).to_bytes(16), last, one_to_one=True)
    assert len(waiting) == 0
    assert "statement" not in repr(prepared)


# The Python client


class Through(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """To the application in this process; what it states may be exchanged on the way."""

    def __init__(self, app: FastAPI, change: Callable[[bytes], bytes] = lambda statement: statement) -> None:
        self._inner, self._change = TestClient(app), change
        self.signatures = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url, headers = str(request.url), dict(request.headers)
        answer = self._inner.request(request.method, url, content=request.read(), headers=headers)
        document = answer.json()
        if document.get("statement"):
            statement = self._change(base64.b64decode(document["statement"]))
            document |= {"statement": b64(statement), "id": statement_digest(statement).hex()}
        self.signatures += "/statements/" in url
        return httpx2.Response(answer.status_code, json=document)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return await anyio.to_thread.run_sync(self.handle_request, request)


@pytest.mark.usefixtures("no_desk")
def test_the_client_signs_by_itself(
    app: FastAPI, tokens: dict[str, str], identifier: Identifier, pictures: Path, key: ClientKey
) -> None:
    picture, subject = (pictures / "obama2.jpg").read_bytes(), identifier("obama")
    with Client("http://keep", tokens["till"], transport=Through(app)) as client:
        with pytest.raises(RefusedError):
            client.verify(subject, picture)
        assert client.verify(subject, picture, signer=key).verified
        case = client.open_case("by the client's key", days=2)
        found = client.identify(picture, case=case.title, gallery="Main ", signer=key)
        assert [candidate.label for candidate in found.candidates] == []
        found = client.identify(picture, case=case.title, signer=key)
        assert [candidate.label for candidate in found.candidates] == ["obama"]
        file = io.BytesIO()
        Image.new("RGB", (400, 400), "grey").save(file, "PNG")
        assert not client.verify(subject, file.getvalue(), signer=key).acquired
        nobody = client.identify(file.getvalue(), case=case.title, signer=key)
        assert (nobody.acquired, nobody.searched) == (False, 2)

    async def asynchronously() -> None:
        async with AsyncClient("http://keep", tokens["till"], transport=Through(app)) as client:
            assert (await client.verify(subject, picture, signer=key)).verified
            found = await client.identify(picture, case="by the client's key", signer=key)
            assert [candidate.label for candidate in found.candidates] == ["obama"]

    anyio.run(asynchronously)


@pytest.mark.parametrize(
    "change",
    [
        {"purpose": "payment"},
        {"purpose": "identify", "claim": "", "case": "c"},
        {"gallery": "other"},
        {"candidates": 10},
        {"key": "0" * 32},
    ],
)
def test_the_client_signs_nothing_else_than_it_asked(
    app: FastAPI, tokens: dict[str, str], picture: bytes, key: ClientKey, change: dict[str, object]
) -> None:
    def another(statement: bytes) -> bytes:
        return replace(Statement.from_bytes(statement), **change).to_bytes()  # type: ignore[arg-type]

    for exchanged, why in ((another, "another search"), (lambda _: b"sign this", "no statement")):
        through = Through(app, exchanged)
        client = Client("http://keep", tokens["till"], transport=through)
        with client, pytest.raises(RefusedError, match=why):
            client.verify("0" * 32, picture, signer=key)
        assert through.signatures == 0

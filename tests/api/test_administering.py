"""Tokens and accounts over HTTP and by the client: told once, listed without secrets, revoked at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import httpx2
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.client import AsyncClient, Client
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.errors import (
    AuthenticationError,
    FormatError,
    NotFoundError,
    RefusedError,
    RepeatedError,
    UnsignedError,
    UsageError,
)
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from tests.api.conftest import Asking
from tests.api.test_client import Through
from tests.unit.service.authenticator import Authenticator

NOBODY = "0" * 32
HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def client(app: FastAPI, keep: Keep) -> Iterator[Client]:
    token = keep.issue_token("administering", [Scope.ADMINISTER], days=1).token
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made
    keep.revoke_token("administering")


def test_tokens_come_and_go(client: Client, app: FastAPI, keep: Keep) -> None:
    made = client.create_token("door", [Scope.READ, Scope.VERIFY], days=3, key="t1")
    assert (made.scopes, (made.expires - made.created).days) == ({Scope.READ, Scope.VERIFY}, 3)
    assert made.token not in repr(made)
    with Client("http://keep", made.token, transport=Through(app)) as door:
        assert [person.label for person in door.subjects()]
        with pytest.raises(RefusedError):
            door.tokens()
        # Sent again it is not done again, and the token is kept nowhere.
        again = client.create_token("door", [Scope.READ, Scope.VERIFY], days=3, key="t1")
        assert (again.id, again.token) == (made.id, "")
        listed = {found.name: found for found in client.tokens()}
        assert (listed["door"].id, listed["door"].token, listed["door"].scopes) == (made.id, "", made.scopes)
        with pytest.raises(UsageError, match="already"):
            client.create_token("door", [Scope.READ])
        client.revoke_token(made.id)
        with pytest.raises(AuthenticationError):
            door.page()
    for gone in (made.id, NOBODY, "door"):
        with pytest.raises(NotFoundError):
            client.revoke_token(gone)
    assert "door" not in {found.name for found in keep.clients()}


def test_a_revocation_that_leaves_keys_to_the_registrar_is_not_forgotten(
    app: FastAPI, keep: Keep, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = keep.issue_token("door", [Scope.VERIFY], days=1).client
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = keep.add_operator_key(door, public, purposes=[Purpose.VERIFY], days=1).id
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(keep, "_roles", replace(keep._roles, registrar=None))
        with pytest.raises(UnsignedError) as told:
            client.revoke_token(door.id.hex(), key="r1")
    assert key in told.value.hint
    assert "door" not in {found.name for found in keep.clients()}
    # Something was done: the request is not one that changed nothing, and may be sent again.
    with pytest.raises(RepeatedError):
        client.revoke_token(door.id.hex(), key="r1")
    keep.revoke_operator_key(key)


def test_the_service_makes_no_token_that_administers(client: Client, keep: Keep) -> None:
    before = keep.clients()
    with structlog.testing.capture_logs() as lines, pytest.raises(RefusedError):
        client.create_token("more", [Scope.READ, Scope.ADMINISTER])
    assert [line["refusal"] for line in lines] == ["no-token-administers"]
    assert keep.clients() == before


def test_accounts_come_change_and_go(client: Client, keep: Keep, identifier: Callable[[str], str]) -> None:
    made = client.create_account("ada", [Role.OPERATOR], identity=("https://id.example", "4711"), key="a1")
    assert made.link.startswith("/sign-up#fki1_")
    again = client.create_account("ada", [Role.OPERATOR], identity=("https://id.example", "4711"), key="a1")
    assert (again.id, again.link) == (made.id, "")
    link = client.invite_account(made.id, key="a2").link
    assert link != made.link
    assert client.invite_account(made.id, key="a2").link == ""
    keep.begin_registration(link.partition("#")[2], "http://localhost")
    with pytest.raises(AuthenticationError):
        keep.begin_registration(made.link.partition("#")[2], "http://localhost")
    person = client.create_account("biden online", [Role.DATA_SUBJECT], subject=identifier("biden"))
    assert person.subject == identifier("biden")
    assert client.change_account(made.id, [Role.AUDITOR, Role.REVIEWER]).roles == {Role.AUDITOR, Role.REVIEWER}
    listed = {found.name: found for found in client.accounts()}
    assert listed["ada"].roles == {Role.AUDITOR, Role.REVIEWER}
    assert (listed["ada"].identities, listed["ada"].passkeys) == ((("https://id.example", "4711"),), 0)
    assert all(found.link == "" for found in listed.values())
    for roles, subject in (([Role.DATA_SUBJECT], ""), ([Role.OPERATOR], identifier("biden"))):
        with pytest.raises(UsageError):
            client.create_account("eve", roles, subject=subject)
    with pytest.raises(UsageError):
        client.create_account("eve", [Role.OPERATOR], identity=("https://id.example", ""))
    with pytest.raises(NotFoundError):
        client.create_account("eve", [Role.DATA_SUBJECT], subject=NOBODY)
    with pytest.raises(UsageError):
        client.change_account(person.id, [Role.OPERATOR])
    for account in (made.id, person.id):
        client.revoke_account(account)
        for call in (
            client.revoke_account,
            client.invite_account,
            lambda one: client.change_account(one, [Role.AUDITOR]),
        ):
            with pytest.raises(NotFoundError):
                call(account)
    assert {found.name for found in client.accounts()} == set(listed) - {"ada", "biden online"}


def test_a_reviewer_and_a_client_of_one_organisation(
    client: Client, keep: Keep, identifier: Callable[[str], str]
) -> None:
    client.create_account("ada of acme", [Role.REVIEWER], organisation=" Acme ")
    client.create_account("own reviewer", [Role.REVIEWER])
    client.create_token("acme", [Scope.READ], organisation="Acme")
    client.create_token("own", [Scope.READ])
    found = {one.name: one.organisation for one in (*client.accounts(), *client.tokens())}
    assert (found["ada of acme"], found["own reviewer"], found["acme"], found["own"]) == ("Acme", "", "Acme", "")
    ada = keep.account_named("ada of acme")
    assert (ada.organisation, keep.client_named("acme").organisation) == ("Acme", "Acme")
    # It never changes: there is no field for it where roles are.
    assert client.change_account(ada.id.hex(), [Role.AUDITOR]).organisation == "Acme"
    for wrong in ("x" * 65, " ", "a\nb"):
        with pytest.raises((UsageError, FormatError)):
            client.create_account("eve", [Role.REVIEWER], organisation=wrong)
        with pytest.raises((UsageError, FormatError)):
            client.create_token("eve", [Scope.READ], organisation=wrong)
    with pytest.raises(UsageError, match="no organisation"):
        client.create_account("eve", [Role.DATA_SUBJECT], subject=identifier("biden"), organisation="Acme")
    for name in ("ada of acme", "own reviewer"):
        keep.revoke_account(name)
    for name in ("acme", "own"):
        keep.revoke_token(name)


def test_what_is_known_already_is_not_sent_again(asking: Asking) -> None:
    client = asking(Scope.ADMINISTER)
    for path in ("/v1/tokens", "/v1/accounts"):
        tag = client.get(path).headers["etag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_lists_come_in_pages_and_writes_are_done_once(client: Client, asking: Asking) -> None:
    raw, made = asking(Scope.ADMINISTER), [client.create_token(f"page {n}", [Scope.READ]).id for n in range(3)]
    people = [client.create_account(f"page {n}", [Role.AUDITOR]).id for n in range(3)]
    for path, name, ids in (("/v1/tokens", "tokens", made), ("/v1/accounts", "accounts", people)):
        seen, after = [], None
        while True:
            got = raw.get(path, params={"limit": 2} | ({"after": after} if after else {})).json()
            seen += [one["id"] for one in got[name]]
            if (after := got["next"]) is None:
                break
        assert seen == sorted(seen)
        assert set(ids) <= set(seen)
        assert raw.get(path, params={"limit": 0}).status_code == 422
    assert client.change_account(people[0], [Role.REVIEWER], key="c") == client.change_account(
        people[0], [Role.REVIEWER], key="c"
    )
    for number, token in enumerate(made):
        for _ in range(2):
            client.revoke_token(token, key=f"t{number}")
    client.sign_out_account(people[0], key="s")
    for number, account in enumerate(people):
        for _ in range(2):
            client.revoke_account(account, key=f"a{number}")


def test_no_secret_lies_on_the_disk(client: Client, tmp_path: Path, keep: Keep) -> None:
    token = client.create_token("on disk", [Scope.READ], key="d1")
    link = client.create_account("on disk", [Role.AUDITOR], key="d2").link
    with keep._roles.registry.read() as view:
        kept = [request.answer.body for request in view.requests() if request.answer is not None]
    assert any(token.id.encode() in body for body in kept)
    assert not any(token.token.encode() in body or link[-40:].encode() in body for body in kept)
    client.revoke_token(token.id)
    keep.revoke_account("on disk")


def test_an_administrator_invites_and_the_invited_signs_up(keep: Keep) -> None:
    """The whole way over HTTP, as the pages go it."""
    site = Site("http://localhost")
    app = build(keep, site=site)
    root = keep.invite("root", [Role.ADMINISTRATOR]).account
    secret, _ = keep.begin_session(root.id)
    boss = TestClient(app, base_url="http://localhost", headers={"Cookie": f"facekeep={secret}", **HERE})
    made = boss.post("/v1/accounts", json={"name": "eve", "roles": ["auditor"]}).json()
    assert made["link"].startswith("http://localhost/sign-up#")
    link, device = made["link"].partition("#")[2], Authenticator("http://localhost")
    person = TestClient(app, base_url="http://localhost", headers=HERE)
    begun = person.post("/v1/registrations/options", json={"link": link}).json()
    body = {"link": link, "ceremony": begun["ceremony"], "credential": device.make(begun["options"])}
    assert person.post("/v1/registrations", json=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    done = person.post("/v1/registrations", json=body)
    assert (done.status_code, done.json()["account"], done.json()["roles"]) == (201, "eve", ["auditor"])
    assert person.get("/v1/accounts").status_code == 200
    assert person.post("/v1/accounts", json={"name": "x", "roles": ["auditor"]}).status_code == 403
    assert person.post("/v1/registrations", json=body).status_code == 401
    # Signed out and in; then an administrator revokes the account, and the session with it.
    assert person.delete("/v1/session").status_code == 204
    assert person.get("/v1/session").status_code == 401
    begun = person.post("/v1/sessions/options").json()
    body = {"ceremony": begun["ceremony"], "credential": device.answer(begun["options"])}
    assert person.post("/v1/sessions", json=body, headers={"Origin": "https://elsewhere.example"}).status_code == 403
    assert person.post("/v1/sessions", json=body).status_code == 201
    assert person.get("/v1/session").json()["account"] == "eve"
    assert boss.delete(f"/v1/accounts/{made['id']}/sessions").status_code == 200
    assert person.get("/v1/session").status_code == 401
    begun = person.post("/v1/sessions/options").json()
    body = {"ceremony": begun["ceremony"], "credential": device.answer(begun["options"])}
    assert person.post("/v1/sessions", json=body).status_code == 201
    assert boss.delete(f"/v1/accounts/{made['id']}").status_code == 200
    assert person.get("/v1/session").status_code == 401
    keep.revoke_account("root")


def test_bodies_of_strangers_are_small(keep: Keep) -> None:
    client = TestClient(build(keep, site=Site("http://localhost")), base_url="http://localhost", headers=HERE)
    for path in ("/v1/registrations/options", "/v1/registrations", "/v1/sessions"):
        answer = client.post(path, content=b" " * (65 << 10), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["detail"]) == (413, "A body has at most 64 KiB.")


def test_without_an_origin_nobody_signs_in(app: FastAPI) -> None:
    client = TestClient(app, headers=HERE)
    for path in ("/v1/registrations/options", "/v1/registrations", "/v1/sessions/options", "/v1/sessions"):
        assert client.post(path).json()["type"] == "urn:facekeep:problem:not-found"


def test_the_asynchronous_client_administers_too(app: FastAPI, keep: Keep) -> None:
    token = keep.issue_token("administering", [Scope.ADMINISTER], days=1).token

    async def run() -> None:
        transport = httpx2.ASGITransport(app=app)
        async with AsyncClient("http://keep", token, transport=transport) as client:
            made = await client.create_token("soon gone", [Scope.READ])
            assert made.id in {found.id for found in await client.tokens()}
            await client.revoke_token(made.id)
            account = await client.create_account("soon gone", [Role.REVIEWER])
            assert (await client.invite_account(account.id)).link != account.link
            assert (await client.change_account(account.id, [Role.AUDITOR])).roles == {Role.AUDITOR}
            assert account.id in {found.id for found in await client.accounts()}
            await client.sign_out_account(account.id)
            await client.revoke_account(account.id)

    anyio.run(run)
    keep.revoke_token("administering")

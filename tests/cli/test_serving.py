"""`facekeep serve` as a process of its own, and the tokens of its clients."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from facekeep.interfaces.http.serving import listen
from tests.cli.conftest import Ran, clean_environment, process

Run = Callable[..., Ran]


@pytest.fixture
def keep(tmp_path: Path, run: Run, notice: Path, pictures: Path) -> Path:
    folder = tmp_path / "keep"
    assert run("init", folder).code == 0
    consent = ["--consent", "verify", "--notice", notice, "--keep", folder]
    assert run("enrol", "obama", pictures / "obama.jpg", *consent).code == 0
    return folder


def test_tokens_are_made_listed_and_revoked(run: Run, keep: Path) -> None:
    made = run("token", "create", "till", "--scope", "verify, read", "--days", "3", "--keep", keep, "--json")
    assert made.code == 0, made
    assert made.document["scopes"] == ["read", "verify"]
    listed = run("token", "list", "--keep", keep)
    assert "till" in listed.out
    assert made.document["token"] not in listed.out
    shown = run("token", "create", "other", "--scope", "erase", "--keep", keep)
    assert "fkt1_" in shown.out
    assert run("token", "create", "third", "--scope", "everything", "--keep", keep).code == 2
    assert run("token", "create", "third", "--scope", "read", "--days", "400", "--keep", keep).code == 2
    assert run("token", "create", "till", "--scope", "read", "--keep", keep).code == 2
    assert run("token", "revoke", "till", "--keep", keep).code == 0
    assert run("token", "revoke", "till", "--keep", keep).code == 1
    assert [c["name"] for c in run("token", "list", "--keep", keep, "--json").document["clients"]] == ["other"]


@pytest.mark.enable_socket
def test_a_served_keep_verifies_and_ends_when_it_is_told(run: Run, keep: Path, pictures: Path, tmp_path: Path) -> None:
    made = run("token", "create", "till", "--scope", "verify,read", "--keep", keep, "--json").document
    serving = subprocess.Popen(
        [sys.executable, "-m", "facekeep", "serve", "--port", "0", "--keep", str(keep)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(TMPDIR=str(tmp_path), FACEKEEP_PROXIES="127.0.0.1", FACEKEEP_RATE_ADDRESS="2/3600"),
        text=True,
    )
    try:
        assert serving.stderr is not None
        address = serving.stderr.readline().split()[-1]
        with httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {made['token']}"}) as client:
            assert client.get("/health/ready").json() == {"status": "ready"}
            assert client.get("/health/live").headers.get("server") is None
            (person,) = client.get("/v1/subjects").json()["subjects"]
            for picture, verified in (("obama2.jpg", True), ("biden.jpg", False)):
                with (pictures / picture).open("rb") as file:
                    answer = client.post(
                        "/v1/verifications", data={"subject": person["id"]}, files={"picture": file}, timeout=30
                    )
                assert answer.json()["verified"] is verified
            assert client.get("/v1/subjects", headers={"Authorization": "Bearer x"}).status_code == 401
            # A proxy says who asks: who guesses tokens there is refused, and nobody else.
            guesser = {"Authorization": "Bearer x", "X-Forwarded-For": "192.0.2.9"}
            statuses = [client.get("/v1/subjects", headers=guesser).status_code for _ in range(4)]
            assert statuses == [401, 401, 429, 429]
            assert client.get("/v1/subjects").status_code == 200
        # Nobody else can open the keep meanwhile.
        assert process(["list", "--keep", str(keep)]).code == 2
    finally:
        serving.send_signal(signal.SIGTERM)
        out, error = serving.communicate(timeout=30)
    assert serving.returncode == 0, error
    assert "Traceback" not in error
    assert made["token"] not in out + error
    lines = [json.loads(line) for line in error.splitlines()]
    # What was refused before its token was looked at has no operation.
    assert {line["operation"] for line in lines} == {"GET /v1/subjects", "POST /v1/verifications", "unknown"}
    assert all(line["timestamp"] and line["request_id"] for line in lines)
    assert person["id"] not in error
    assert process(["list", "--keep", str(keep)]).code == 0


@pytest.mark.enable_socket
def test_where_people_sign_in_is_told_beside_the_address(keep: Path) -> None:
    asked = ["serve", "--port", "0", "--origin", "https://faces.example", "--keep", str(keep)]
    serving = subprocess.Popen(
        [sys.executable, "-m", "facekeep", *asked], stderr=subprocess.PIPE, env=clean_environment(), text=True
    )
    try:
        assert serving.stderr is not None
        address = serving.stderr.readline().split()[-1]
        signing_in = "People sign in at https://faces.example/sign-in, review at https://faces.example/review\n"
        assert serving.stderr.readline() == signing_in
        assert httpx2.get(f"{address}/health/live").status_code == 200
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.communicate(timeout=30)


def test_plain_http_does_not_leave_the_machine(run: Run, keep: Path) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.invalid", "::"):  # noqa: S104 - that it is refused is the point
        ran = run("serve", "--host", host, "--keep", keep)
        assert (ran.code, "--insecure-plain-http" in ran.error) == (2, True)
    assert run("serve", "--certificate", "x.pem", "--keep", keep).code == 2
    missing = run("serve", "--certificate", "x.pem", "--key", "y.pem", "--keep", keep)
    assert (missing.code, "Traceback" in missing.error) == (2, False)


def test_policies_and_origins_that_do_not_serve(run: Run, keep: Path, tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "more.cedar").write_text("permit (principal, action, resource);")
    ran = run("serve", "--port", "0", "--policies", folder, "--keep", keep)
    assert (ran.code, "permits something" in ran.error) == (2, True)
    for origin in ("faces.example", "http://faces.example", "https://faces.example/", "https://faces.example:443", "x"):
        ran = run("serve", "--port", "0", "--origin", origin, "--keep", keep)
        assert (ran.code, "origin" in ran.error) == (2, True), origin


def test_accounts_are_invited_listed_changed_and_revoked(
    run: Run, tmp_path: Path, notice: Path, pictures: Path
) -> None:
    folder = tmp_path / "accounts"
    made = run("init", folder, "--origin", "https://faces.example", "--json").document["administrator"]
    assert (made["name"], made["roles"]) == ("administrator", ["administrator"])
    assert made["link"].startswith("https://faces.example/sign-up#fki1_")
    at = ["--keep", folder]
    again = run("account", "invite", "administrator", *at)
    assert "http://localhost:8744/sign-up#fki1_" in again.out
    assert made["link"].partition("#")[2] not in again.out
    consent = ["--consent", "verify", "--notice", notice, *at]
    assert run("enrol", "obama", pictures / "obama.jpg", *consent).code == 0
    assert run("account", "invite", "barack", "--role", "data-subject", "--subject", "obama", *at).code == 0
    acme = ["--organisation", "Acme"]
    oidc = ["--oidc-issuer", "https://id.example", "--oidc-subject", "4711"]
    assert run("account", "invite", "ada", "--role", "operator, auditor", *oidc, *acme, *at).code == 0
    for wrong, code in (
        (["ada", "--role", "operator"], 2),
        (["eve", "--role", "king"], 2),
        (["eve", "--role", "data-subject"], 2),
        (["eve", "--role", "operator", "--subject", "obama"], 2),
        (["eve", "--role", "data-subject", "--subject", "nobody"], 1),
        (["eve", "--role", "operator", "--oidc-issuer", "https://id.example"], 2),
        (["eve"], 1),
        (["ada", *oidc], 2),
        (["ada", *acme], 2),
        (["eve", "--role", "data-subject", "--subject", "obama", *acme], 2),
    ):
        assert run("account", "invite", *wrong, *at).code == code, wrong
    assert run("account", "roles", "ada", "--role", "reviewer", *at).code == 0
    assert run("account", "roles", "barack", "--role", "reviewer", *at).code == 2
    listed = {found["name"]: found for found in run("account", "list", *at, "--json").document["accounts"]}
    assert {name: found["roles"] for name, found in listed.items()} == {
        "administrator": ["administrator"], "barack": ["data-subject"], "ada": ["reviewer"]
    }  # fmt: skip
    assert [listed[name]["organisation"] for name in ("ada", "administrator")] == ["Acme", ""]
    assert "Acme" in run("account", "list", *at).out
    assert listed["ada"]["identities"] == [{"issuer": "https://id.example", "subject": "4711"}]
    assert run("account", "revoke", "ada", *at).code == 0
    assert run("account", "revoke", "ada", *at).code == 1
    assert run("erase", "obama", "--yes", *at).code == 0
    assert "barack" not in run("account", "list", *at).out


def test_a_provider_of_identities_is_named_wholly(
    run: Run, keep: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    issuer = {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "us"}
    for given in (
        {"OIDC_CLIENT_ID": "us"},
        {"OIDC_SECRET": "s"},
        {**issuer, "OIDC_SECRET": "s", "OIDC_AUTHENTICATION": "none"},
        {**issuer, "OIDC_AUTHENTICATION": "client_secret_post"},
        {**issuer, "OIDC_SECRET": "s", "OIDC_AUTHENTICATION": "private_key_jwt"},
        issuer,
        {**issuer, "OIDC_SECRET": "s", "OIDC_SECRET_FILE": str(secret)},
        {**issuer, "OIDC_SECRET_FILE": str(secret)},
        {"OIDC_ISSUER": "https://id.example", "OIDC_SECRET": "s"},
        {**issuer, "OIDC_ISSUER": "http://id.example", "OIDC_SECRET": "s"},
    ):
        with monkeypatch.context() as environment:
            for name, value in given.items():
                environment.setenv(f"FACEKEEP_{name}", value)
            ran = run("serve", "--port", "0", "--keep", keep)
        assert (ran.code, "Traceback" in ran.error) == (2, False), given


def test_mail_needs_a_server_that_is_named_wholly(run: Run, keep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add = ["webhook", "add", "mailto:duty@example.org", "--events", "review.urgent", "--keep", keep]
    refused = run(*add)
    assert (refused.code, "FACEKEEP_MAIL_SERVER" in refused.error) == (2, True)
    monkeypatch.setenv("FACEKEEP_MAIL_SERVER", "smtp://localhost:25")
    assert run("serve", "--port", "0", "--keep", keep).code == 2, "nobody whom letters are from"
    assert run("webhook", "add", "mailto:a@b.example,c@d.example", *add[3:]).code == 2
    made = run(*add, "--json")
    assert (made.code, made.document["secret"], made.document["url"]) == (0, None, "mailto:duty@example.org")
    assert "ecret" not in run(*add).out
    for webhook in run("webhook", "list", "--keep", keep, "--json").document["webhooks"]:
        assert run("webhook", "remove", webhook["webhook"], "--keep", keep).code == 0


@pytest.mark.enable_socket
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_answers_do_not_wait_for_acknowledgements(host: str) -> None:
    async def switched_off() -> int:
        seen: list[int] = []

        class Looking(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = transport.get_extra_info("socket")
                seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                transport.close()

        with listen(host, 0) as bound:
            serving = await asyncio.get_running_loop().create_server(Looking, sock=bound)
            async with serving:
                reader, writer = await asyncio.open_connection(*bound.getsockname()[:2])
                await reader.read()
                writer.close()
        return seen[0]

    assert asyncio.run(switched_off()) != 0

"""Every operation, as nobody, as every role and with every scope, over real HTTP: each cell of the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import structlog
from starlette.testclient import TestClient
from tools.docs.access import NO, OWN, PAGE, YES, matrix, page

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.actions import Action
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import PARTS, build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.security import action_of
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service import policies
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE
from tests.api.serving import served

OPEN = {"GET /health/live", "GET /health/ready", "GET /v1/version"}
OPEN |= {"GET /v1/keys", "GET /v1/ledger/key"}
OPEN |= {"GET /v1/sessions/ways", "POST /v1/sessions/face/captures", "POST /v1/sessions/face"}
OPEN |= {"POST /v1/registrations/options", "POST /v1/registrations", "POST /v1/sessions/options", "POST /v1/sessions"}
# The page of a capture has a cookie of its own, and is nobody: tests/api/test_captures.py.
OPEN |= {"POST /v1/capture", "GET /v1/capture", "DELETE /v1/capture", "PUT /v1/capture/frames"}
OPEN |= {f"POST /v1/capture/{what}" for what in ("tries", "steps", "passkey/options", "passkey")}
NOBODY = "0" * 32
SCHEMA = (Path(policies.__file__).parents[1] / "policies" / "facekeep.cedarschema").read_text(encoding="utf-8")
HERE = {"Sec-Fetch-Site": "same-origin"}


def _cells() -> dict[tuple[str, str], str]:
    """Operation and role or scope, and what the committed page says of them."""
    people, _, rest = PAGE.read_text(encoding="utf-8").partition("## Machine clients")
    cells: dict[tuple[str, str], str] = {}
    for line in people.splitlines():
        if line.startswith("| `"):
            operation, *row = (cell.strip(" `") for cell in line.strip("|").split("|"))
            cells |= {(operation, role.value): cell for role, cell in zip(Role, row, strict=True)}
    operations = {operation for operation, _ in cells}
    for line in rest.splitlines():
        if line.startswith("| `"):
            scope, allowed = (cell.strip() for cell in line.strip("| ").split("|"))
            for operation in operations:
                cells[operation, scope.strip("`")] = YES if f"`{operation}`" in allowed else NO
    return cells


def test_the_page_is_what_the_policies_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tools.docs.access"
    cells = _cells()
    assert len(cells) == len(matrix()) * (len(Role) + len(Scope))


def test_every_operation_is_in_it_or_needs_nobody() -> None:
    operations = {f"{next(iter(r.methods))} {r.path}": action_of(r) for part in PARTS for r in part.router.routes}
    assert {operation for operation, action in operations.items() if action is None} == OPEN
    assert set(matrix()) | OPEN == set(operations)
    # A search that its operator signs in two further steps is the same action: who may not do the one may not do these.
    steps = {operation: operation.partition("/statements")[0] for operation in operations if "/statements" in operation}
    assert all(operations[step] == operations[whole] for step, whole in steps.items())
    actions = [action for operation, action in operations.items() if action is not None and operation not in steps]
    assert len(actions) == len(set(actions)), "an action is one operation"


@pytest.fixture
def site_keep(tmp_path: Path, pictures: Path) -> Iterator[Keep]:
    """A keep of its own, since people are erased from it."""
    with Keep.create(tmp_path / "keep") as made:
        picture = (pictures / "obama.jpg").read_bytes()
        made.enrol("barack", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        yield made


@pytest.mark.enable_socket
def test_every_cell(site_keep: Keep) -> None:
    keep, cells = site_keep, _cells()
    own = keep.subject("barack").id
    accounts = {
        role: keep.invite(role, [role], label="barack" if role is Role.DATA_SUBJECT else None).account for role in Role
    }
    tokens = {scope: keep.issue_token(scope, [scope], days=1).token for scope in Scope}
    bound = listen("127.0.0.1", 0)
    app = build(keep, Rates(None, None), site=Site(f"http://localhost:{bound.getsockname()[1]}"))
    seen: dict[tuple[str, str], str] = {}
    sessions: dict[Role, str] = {}
    with served(app, bound) as address, httpx2.Client(base_url=address, trust_env=False) as client:

        def ask(operation: str, subject: str, headers: dict[str, str]) -> int:
            method, path = operation.split(" ")
            url = path.replace("{subject}", subject).replace("{purpose}", "verify")
            url = re.sub(r"{[a-z]+}", NOBODY, url.replace("{statement}", "0" * 64))
            return client.request(method, url, headers=headers).status_code

        def ask_as(role: Role, operation: str, subject: str) -> int:
            if operation == "DELETE /v1/session" or role not in sessions:
                sessions[role], _ = keep.begin_session(accounts[role].id)
            status = ask(operation, subject, {"Cookie": f"facekeep={sessions[role]}", **HERE})
            if operation == "DELETE /v1/session":
                del sessions[role]
            return status

        for operation in {operation for operation, _ in cells}:
            assert ask(operation, NOBODY, {}) == 401

        # The data subject erases herself, and her account with it: last of all.
        for operation, role in sorted(
            cells, key=lambda cell: cell == ("DELETE /v1/subjects/{subject}", "data-subject")
        ):
            if role in tokens:
                status = ask(operation, NOBODY, {"Authorization": f"Bearer {tokens[Scope(role)]}"})
                seen[operation, role] = NO if status == 403 else YES
                assert status != 401
                continue
            status, on_own = ask_as(Role(role), operation, NOBODY), None
            if role == Role.DATA_SUBJECT and "{subject}" in operation:
                on_own = ask_as(Role.DATA_SUBJECT, operation, own)
                assert on_own in {200, 403, 415}  # without the body that some need
            assert 401 not in {status, on_own}
            allowed = status != 403
            seen[operation, role] = OWN if on_own in {200, 415} and not allowed else YES if allowed else NO
    assert seen == cells
    # Erased, a data subject has no account any more.
    assert [details.account.name for details in keep.accounts()] == [role for role in Role if role != "data-subject"]


def test_an_account_that_may_more_is_still_forbidden_what_a_role_forbids(site_keep: Keep) -> None:
    keep = site_keep
    app = build(keep, site=Site("http://localhost"))
    account = keep.invite("both", [Role.OPERATOR]).account
    secret, _ = keep.begin_session(account.id)
    client = TestClient(app, base_url="http://localhost", headers={"Cookie": f"facekeep={secret}", **HERE})
    assert client.post("/v1/identifications").status_code == 415
    for role, reason in ((Role.AUDITOR, "auditors-compare-nothing"), (Role.REVIEWER, "reviewers-compare-nothing")):
        keep.change_roles("both", [Role.OPERATOR, role])
        with structlog.testing.capture_logs() as lines:
            assert client.post("/v1/identifications").json()["type"] == "urn:facekeep:problem:forbidden"
        (line,) = lines
        assert (line["refusal"], line["client"]) == (reason, account.id.hex())
    keep.change_roles("both", [Role.AUDITOR])
    text = client.get("/metrics").text
    assert 'facekeep_refusals_total{reason="auditors-compare-nothing"} 1.0' in text
    assert 'facekeep_refusals_total{reason="reviewers-compare-nothing"} 1.0' in text
    assert account.id.hex() not in text


@pytest.mark.parametrize(
    ("headers", "method", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, "DELETE", 204),
        ({"Origin": "http://localhost"}, "DELETE", 204),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, "DELETE", 204),
        ({}, "DELETE", 403),
        ({"Sec-Fetch-Site": "none"}, "DELETE", 403),
        ({"Sec-Fetch-Site": "same-site"}, "DELETE", 403),
        ({"Sec-Fetch-Site": "cross-site"}, "DELETE", 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:81"}, "DELETE", 403),
        ({"Origin": "https://localhost"}, "DELETE", 403),
        ({"Origin": "null"}, "DELETE", 403),
        ({}, "GET", 200),
        ({"Sec-Fetch-Site": "none"}, "GET", 200),
        ({"Sec-Fetch-Site": "cross-site"}, "GET", 403),
    ],
)
def test_a_cookie_serves_the_own_pages_only(keep: Keep, headers: dict[str, str], method: str, status: int) -> None:
    name = f"visitor {method} {sorted(headers.items())}"
    account = keep.invite(name, [Role.REVIEWER]).account
    secret, _ = keep.begin_session(account.id)
    app = build(keep, site=Site("http://localhost"))
    client = TestClient(app, base_url="http://localhost", headers={"Cookie": f"facekeep={secret}", **headers})
    with structlog.testing.capture_logs() as lines:
        answer = client.request(method, "/v1/session")
    assert answer.status_code == status
    assert lines[0]["refusal"] == ("other-site" if status == 403 else "")
    alone = TestClient(app, base_url="http://localhost", headers={"Cookie": f"facekeep={secret}"})
    if status == 204:
        assert "Max-Age=0" in answer.headers["set-cookie"]
    assert alone.get("/v1/session").status_code == (401 if status == 204 else 200)
    keep.revoke_account(name)
    assert alone.get("/v1/session").status_code == 401


def test_refusals_are_counted_by_what_was_wrong(keep: Keep) -> None:
    client = TestClient(build(keep, site=Site("http://localhost")), base_url="http://localhost")
    client.get("/v1/cases")
    client.get("/v1/cases", headers={"Authorization": "Bearer fkt1_no"})
    client.get("/v1/cases", headers={"Cookie": "facekeep=fks1_no"})
    token = keep.issue_token("counting", [Scope.METRICS], days=1).token
    bearer = {"Authorization": f"Bearer {token}"}
    client.get("/v1/cases", headers=bearer)
    text = client.get("/metrics", headers=bearer).text
    for reason in ("no-credentials", "unknown-token", "unknown-session", "not-permitted"):
        assert f'facekeep_refusals_total{{reason="{reason}"}} 1.0' in text
    keep.revoke_token("counting")


def test_names_of_actions_are_those_of_the_schema() -> None:
    named = re.findall(
        r'^action ((?:"[a-z-]+",? ?)+)(?:in|$|;)', policies._shipped("facekeep.cedarschema"), re.MULTILINE
    )
    words = {word for group in named for word in json.loads(f"[{group.strip().rstrip(',')}]")}
    groups = {"comparing", "reading", "writing", "administering", "own-session"}
    assert words == {action.value for action in Action} | groups

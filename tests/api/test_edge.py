"""What holds for every operation: who may, bounds, problems, headers, memory only."""

from __future__ import annotations

import logging
from collections.abc import Iterator, MutableMapping
from pathlib import Path

import anyio
import pytest
import structlog
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.domain.access import Scope
from facekeep.interfaces.http import bodies
from facekeep.interfaces.http.problems import PROBLEMS
from facekeep.service.keep import Keep
from tests.api.conftest import Asking, b64


def test_tokens_end(asking: Asking, keep: Keep, app: FastAPI) -> None:
    issued = keep.issue_token("for a moment", [Scope.READ], days=1)
    client = TestClient(app, headers={"Authorization": f"Bearer {issued.token}"})
    assert client.get("/v1/subjects").status_code == 200
    keep.revoke_token("for a moment")
    assert client.get("/v1/subjects").status_code == 401
    for wrong in ("Bearer", "Bearer ", "Basic YTpi", f"Bearer {issued.token}x", "Bearer \xff"):
        answer = TestClient(app).get("/v1/subjects", headers={"Authorization": wrong.encode("latin-1")})
        assert answer.json()["type"] == "urn:facekeep:problem:unauthenticated"


def test_open_operations_need_no_token(asking: Asking) -> None:
    client = asking()
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {"status": "ready"}
    assert client.get("/v1/version").json().keys() == {"version"}
    assert client.get("/v1/openapi.json").json()["openapi"].startswith("3.1")


def test_what_is_not_there_is_a_problem_too(asking: Asking) -> None:
    client = asking()
    for method, path, status in (("GET", "/", 404), ("GET", "/v1/nothing", 404), ("PUT", "/v1/cases", 405)):
        answer = client.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.json().keys() >= {"type", "title", "status", "detail", "hint", "request_id"}


def test_answers_carry_a_number_and_careful_headers(asking: Asking) -> None:
    client = asking()
    numbers = {client.get("/health/live").headers["x-request-id"] for _ in range(3)}
    assert len(numbers) == 3
    assert client.get("/x", headers={"X-Request-Id": "from-the-caller"}).json()["request_id"] == "from-the-caller"
    assert client.get("/x", headers={"X-Request-Id": "<script>"}).json()["request_id"] != "<script>"
    headers = client.get("/health/live").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def _sent(
    app: FastAPI, headers: dict[str, str], *, path: str = "/v1/verifications", leaves: bool = False
) -> tuple[int, int]:
    """Status and number of chunks read, of a request whose body never ends."""
    read, statuses = 0, []

    async def receive() -> dict[str, object]:
        nonlocal read
        read += 1
        if leaves and read == 2:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": bytes(1 << 20), "more_body": True}

    async def send(message: MutableMapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    pairs = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": pairs, "scheme": "http", "server": ("x", 80),
    }  # fmt: skip
    anyio.run(app, scope, receive, send)
    (status,) = statuses
    assert isinstance(status, int)
    return status, read


def test_a_body_is_not_read_before_it_is_known_that_it_may_be(app: FastAPI, asking: Asking) -> None:
    token = asking(Scope.VERIFY).headers["Authorization"]
    kind = {"Content-Type": "application/json"}
    assert _sent(app, {"Authorization": token, **kind, "Content-Length": str(1 << 40)}) == (413, 0)
    assert _sent(app, {**kind}) == (401, 0)
    assert _sent(app, {"Authorization": token, **kind}, path="/v1/identifications") == (403, 0)
    assert _sent(app, {"Authorization": token, "Content-Type": "text/plain"}) == (415, 0)
    status, read = _sent(app, {"Authorization": token, **kind})
    assert (status, read) == (413, (bodies.BODY_BYTES_MAX >> 20) + 1)


def test_a_sender_who_goes_away_is_no_fault_of_the_server(app: FastAPI, asking: Asking) -> None:
    token = asking(Scope.VERIFY).headers["Authorization"]
    with structlog.testing.capture_logs() as lines:
        sent = _sent(app, {"Authorization": token, "Content-Type": "application/json"}, leaves=True)
    assert sent == (422, 2)
    assert [line["event"] for line in lines] == ["request"]


def test_a_body_that_states_no_length_is_cut_off(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_BYTES_MAX", 1000)

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(100)

    headers = {"Content-Type": "application/json"}
    answer = asking(Scope.VERIFY).post("/v1/verifications", content=chunks(), headers=headers)
    assert answer.status_code == 413


_PART = b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\n'


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("text/plain", b"x", 415),
        ("", b"{}", 415),
        ("multipart/form-data", b"x", 415),
        ("application/json", b"{", 422),
        ("application/json", b"[]", 422),
        ("application/json", b"[" * 100_000, 422),
        ("application/json", b"\xff", 422),
        ("multipart/form-data; boundary=x", b"--y\r\n", 422),
        ("multipart/form-data; boundary=x", _PART + b"\xff\r\n--x--", 422),
        ("multipart/form-data; boundary=x", (_PART + b"1\r\n") * 65 + b"--x--", 422),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 100 + b"\r\n1\r\n--x--", 422),
    ],
)  # fmt: skip
def test_bodies_that_do_not_parse(asking: Asking, kind: str, content: bytes, status: int) -> None:
    answer = asking(Scope.VERIFY).post("/v1/verifications", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.json()["hint"]


def test_a_body_without_pictures_is_small(asking: Asking) -> None:
    body = b'{"title": "' + bytes(5 << 20)
    headers = {"Content-Type": "application/json"}
    answer = asking(Scope.CASES).post("/v1/cases", content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (413, "A body has at most 64 KiB.")
    notice = asking(Scope.CONSENT).post("/v1/notices", content=body, headers=headers)
    assert (notice.status_code, notice.json()["detail"]) == (413, "A body has at most 4096 KiB.")


def test_a_field_given_twice_is_refused(asking: Asking) -> None:
    files = [("picture", ("a", b"x")), ("picture", ("b", b"y"))]
    answer = asking(Scope.VERIFY).post("/v1/verifications", data={"subject": "x"}, files=files)
    assert answer.status_code == 422


def test_an_error_that_nobody_meant_tells_nothing(
    asking: Asking, keep: Keep, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("a secret in a message")

    monkeypatch.setattr(keep, "cases", fail)
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.DEBUG):
        answer = asking(Scope.READ).get("/v1/cases")
    unexpected, request = lines
    assert (unexpected["event"], unexpected["error"], unexpected["log_level"]) == (
        "unexpected", "ZeroDivisionError", "error"
    )  # fmt: skip
    assert unexpected["place"].startswith("fail:")
    assert unexpected["request_id"] == request["request_id"] == answer.json()["request_id"]
    assert "secret" not in str(lines) + caplog.text
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:facekeep:problem:internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_nothing_personal_is_logged(
    asking: Asking, keep: Keep, pictures: Path, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "Canary-Person-4711"
    with caplog.at_level(logging.DEBUG), structlog.testing.capture_logs() as lines:
        client = asking(Scope.ENROL, Scope.READ, Scope.ERASE, Scope.METRICS)
        body = {"label": canary, "name": canary, "purposes": ["verify"], "notice": canary}
        made = client.post("/v1/subjects", json={**body, "pictures": [b64((pictures / "astronaut.png").read_bytes())]})
        client.post("/v1/subjects", json={**body, "pictures": [b64(canary.encode())]})
        client.post("/v1/subjects", json={**body, canary: canary, "pictures": []})
        client.get("/v1/subjects")
        client.delete(f"/v1/subjects/{made.json()['id']}")
    ours = [record for record in caplog.records if not record.name.startswith(("httpx", "httpcore", "asyncio"))]
    assert not any(canary in record.getMessage() for record in ours)
    assert canary not in str(lines) + client.get("/metrics").text
    assert [line["status"] for line in lines] == [201, 422, 422, 200, 200]
    assert {line["operation"] for line in lines} == {
        "POST /v1/subjects", "GET /v1/subjects", "DELETE /v1/subjects/{subject}"
    }  # fmt: skip
    assert made.json()["id"] not in str(lines)
    assert all(len(line["client"]) == 32 for line in lines)


def test_counters(asking: Asking) -> None:
    client = asking(Scope.METRICS, Scope.READ)
    client.get("/v1/cases")
    client.get("/v1/subjects/nobody")
    client.get("/v1/nothing/at/all")
    text = client.get("/metrics").text
    assert 'facekeep_request_seconds_count{operation="GET /v1/cases",status="200"}' in text
    assert 'facekeep_request_seconds_count{operation="GET /v1/subjects/{subject}",status="404"}' in text
    assert 'operation="unknown",status="404"' in text
    assert 'facekeep_problems_total{problem="not-found"}' in text
    assert "facekeep_references 2.0" in text
    assert "facekeep_searches_waiting 0.0" in text
    assert "nobody" not in text


def test_the_description_names_every_problem_it_may_give(app: FastAPI) -> None:
    document = app.openapi()
    given = {
        int(status)
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
    }
    # 405 and 404 of an unknown path belong to no operation; 500 is never meant.
    assert given - {200, 201, 204, 304} == {kind.status for kind in PROBLEMS.values()} - {405, 500}

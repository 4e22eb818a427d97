"""A served keep from outside: no file by an upload, nothing personal in a log, a counter, a trace or an error."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from facekeep.domain.access import Scope
from facekeep.service.keep import Keep
from tests.cli.conftest import ROOT, clean_environment
from tests.hunting import CARELESS
from tests.watching import watching

pytestmark = pytest.mark.enable_socket

CANARY = "Canary-Person-4711"


@dataclass
class Served:
    """A keep that is served by a process of its own.

    Attributes:
        pid: of the process.
        folder: where it runs, with its keep, its home and its temporary files.
        client: may do everything.
        log: what it said; complete once it ended.
    """

    pid: int
    folder: Path
    client: httpx2.Client
    log: list[str] = field(default_factory=list)


@contextmanager
def served(
    folder: Path,
    *more: str,
    program: str = "facekeep",
    prepare: Callable[[Keep], object] = lambda _: None,
    **variables: str,
) -> Iterator[Served]:
    """A new keep, served. What is counted of a process that guards its memory is shown to root alone."""
    if os.geteuid() != 0:
        program = CARELESS
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    with Keep.create(folder / "keep") as keep:
        token = keep.issue_token("everything", list(Scope), days=1).token
        prepare(keep)
    command = [sys.executable, "-m", program, "serve", "--port", "0", "--keep", str(folder / "keep"), *more]
    variables["PYTHONPATH"] = str(ROOT)  # of the tests, for the careless one
    environment = clean_environment(TMPDIR=str(folder / "tmp"), HOME=str(folder / "home"), **variables)
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, cwd=folder, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
            it = Served(process.pid, folder, client)
            reading = threading.Thread(target=lambda: it.log.extend(process.stderr or ()))
            reading.start()
            try:
                yield it
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
                reading.join()


def written_bytes(pid: int) -> int:
    """What a process has written to files so far, be they on a disk or in memory; what it sends does not count."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar:")).split()[1])


@pytest.mark.parametrize("uploads", [200, pytest.param(1000, marks=pytest.mark.extended)])
def test_uploads_of_all_sizes_make_no_file(tmp_path: Path, pictures: Path, uploads: int) -> None:
    """Two hundred of the same sizes; a thousand of them take the long test."""
    picture, other = ((pictures / name).read_bytes() for name in ("obama.jpg", "obama2.jpg"))
    chance = random.Random(4711)
    sizes = [int(2 ** chance.uniform(0, 24)) for _ in range(uploads - 40)]

    with served(tmp_path, FACEKEEP_RATE_CLIENT="none") as it:
        person = {"label": "obama", "purposes": ["verify"], "notice": "A notice."}
        made = it.client.post("/v1/subjects", data=person, files=[("pictures", picture)])
        assert made.status_code == 201, made.text
        who = made.json()["id"]

        def junk(size: int) -> int:
            files = {"picture": ("x.jpg", chance.randbytes(16) * (size // 16 + 1))}
            return it.client.post("/v1/verifications", data={"subject": who}, files=files).status_code

        def real(padding: int) -> int:
            files = {"picture": ("x.jpg", other + bytes(padding))}
            answer = it.client.post("/v1/verifications", data={"subject": who}, files=files)
            assert answer.json()["verified"] is True
            return answer.status_code

        before = written_bytes(it.pid)
        with watching(tmp_path / "tmp", tmp_path) as seen, ThreadPoolExecutor(4) as threads:
            statuses = [*threads.map(junk, sizes), *threads.map(real, [int(1.5**n) for n in range(40)])]
        assert (len(statuses), set(statuses[:-40]), set(statuses[-40:])) == (uploads, {422}, {200})
        assert seen.made == set()
        # The logs of the halves grow, by their search before it is computed; and nothing else is written.
        assert "half.log" in seen.changed
        assert seen.changed <= {
            "half.log",
            "half.db-wal",
            "half.db",
            "half.db-shm",
            "registry.db-wal",
            "registry.db-shm",
        }
        assert sum(sizes) > uploads << 19
        written = written_bytes(it.pid) - before
        assert 0 < written < 8 << 20, written


class Collector:
    """A collector of traces, as an operator would run one."""

    def __init__(self) -> None:
        self.spans: list[ExportTraceServiceRequest] = []
        self.paths: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.paths.add(self.path)
                collector.spans.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_request(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def test_nothing_personal_leaves_a_served_keep(tmp_path: Path, pictures: Path, collector: Collector) -> None:
    portrait = (pictures / "astronaut.png").read_bytes()
    body = {"label": CANARY, "name": CANARY, "notice": CANARY, "purposes": ["verify", "identify"]}
    answers: list[str] = []
    # The framework would send spans and logs of its own, with paths and messages, on these variables alone.
    tempting = {"FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
    with served(tmp_path, "--traces", collector.address, **tempting) as it:

        def post(path: str, expected: int, **content: object) -> httpx2.Response:
            answer = it.client.post(path, **content)  # type: ignore[arg-type]
            assert answer.status_code == expected, answer.text
            return answer

        parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        files = [("pictures", (f"{CANARY}.png", portrait))]
        made = post("/v1/subjects", 201, data=body, files=files, headers={"traceparent": parent})
        verified = post(
            "/v1/verifications", 200, data={"subject": made.json()["id"]}, files={"picture": (CANARY, portrait)}
        )
        assert verified.json()["verified"] is True
        post("/v1/cases", 201, json={"title": CANARY, "purpose": "identify"})
        found = post("/v1/identifications", 200, data={"case": CANARY}, files={"picture": portrait})
        assert found.json()["candidates"][0]["label"] == CANARY

        wrong = [
            post("/v1/subjects", 422, data=body, files=[("pictures", (CANARY, CANARY.encode()))]),
            post("/v1/subjects", 422, data={**body, CANARY: CANARY}, files=files),
            post("/v1/subjects", 422, data={**body, "purposes": CANARY}, files=files),
            post("/v1/subjects", 422, content=f'{{"{CANARY}": '.encode(), headers={"Content-Type": "application/json"}),
            post("/v1/cases", 422, json={"title": CANARY, "purpose": "identify"}),
            post("/v1/cases", 422, json={"title": CANARY, "purpose": CANARY, "days": CANARY}),
            post("/v1/identifications", 404, data={"case": CANARY + "2"}, files={"picture": portrait}),
            post(f"/v1/{CANARY}", 404),
            post(f"/v1/subjects/{CANARY}/consents", 404, json={"purpose": "verify", "notice": CANARY}),
            it.client.get("/v1/subjects", params={"after": CANARY, CANARY: CANARY}),
            it.client.get("/v1/subjects", headers={"Authorization": f"Bearer {CANARY}"}),
            it.client.request(CANARY, "/v1/subjects"),
            post("/v1/cases", 422, json={}, headers={"Idempotency-Key": CANARY * 9, "X-Request-Id": f"{CANARY} x"}),
        ]
        answers = [answer.text + str(answer.headers) for answer in wrong]
        counted = it.client.get("/metrics").text
        it.client.delete(f"/v1/subjects/{made.json()['id']}")
    log = "".join(it.log)
    traced = [span for sent in collector.spans for r in sent.resource_spans for s in r.scope_spans for span in s.spans]
    told = {"log": log, "metrics": counted, "traces": str(collector.spans), "errors": "".join(answers)}
    for secret in (CANARY, CANARY.lower(), made.json()["id"]):
        assert [where for where, text in told.items() if secret in text] == []
    assert collector.paths == {"/v1/traces"}
    # And all four did speak of these requests.
    assert [json.loads(line)["operation"] for line in it.log][:2] == ["POST /v1/subjects", "POST /v1/verifications"]
    assert 'facekeep_stage_seconds_count{stage="embed"}' in counted
    names = {span.name for span in traced}
    stages = {"decode", "detect", "assess", "embed", "search", "pass", "write"}
    assert {f"facekeep {stage}" for stage in stages} <= names
    assert {"POST /v1/subjects", "POST /v1/identifications", "unknown"} <= names
    (enrolling, *_) = [span for span in traced if span.name == "POST /v1/subjects"]
    assert (enrolling.trace_id.hex(), enrolling.parent_span_id.hex()) == (parent[3:35], parent[36:52])
    inside = {span.name for span in traced if span.parent_span_id == enrolling.span_id}
    assert {"facekeep decode", "facekeep embed"} <= inside
    assert {a.key for a in enrolling.attributes} == {
        "http.request.method", "http.route", "http.response.status_code", "facekeep.problem", "facekeep.request_id"
    }  # fmt: skip
    assert all(not span.events for span in traced)

"""How the page of a capture is served: compressed, cached by its names, under a policy that lets nothing else in."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from starlette.testclient import TestClient

from facekeep.face.models import ModelPack
from facekeep.interfaces.http import built, capture_page
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep

SCRIPT = b"console.log('a face')" * 100
POLICY = {
    "default-src": "'none'",
    "script-src": "'self' 'wasm-unsafe-eval'",
    "worker-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' blob:",
    "media-src": "'self' blob:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
def http() -> TestClient:
    return TestClient(build(create_autospec(Keep, instance=True), Rates(None, None), site=Site("http://localhost")))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "assets").mkdir()
    monkeypatch.setattr(built, "_folder", lambda _: tmp_path)
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    built._files.cache_clear()
    built._content.cache_clear()


@pytest.fixture
def page(folder: Path) -> Path:
    (folder / "index.html").write_text("<!doctype html><title>Face check</title>")
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "assets" / "main-B1a2.js").write_bytes(SCRIPT)
    (folder / "assets" / "main-B1a2.js.gz").write_bytes(gzip.compress(SCRIPT))
    (folder / "assets" / "main-B1a2.js.br").write_bytes(b"as brotli")
    (folder / "assets" / "run.wasm").write_bytes(b"\0asm")
    return folder


@pytest.mark.usefixtures("page")
def test_the_page_lets_nothing_else_in(http: TestClient) -> None:
    answer = http.get("/capture")
    assert answer.text.endswith("<title>Face check</title>")
    given = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert given == POLICY
    assert answer.headers["permissions-policy"] == "camera=(self)"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.usefixtures("page")
def test_files_are_sent_as_the_browser_takes_them(http: TestClient) -> None:
    for taken, way, size in (
        ("", None, len(SCRIPT)),
        ("gzip", "gzip", None),
        ("br;q=0, gzip;q=0.5", "gzip", None),
        ("identity;q=0.1, zstd", None, len(SCRIPT)),
    ):
        answer = http.get("/capture/assets/main-B1a2.js", headers={"Accept-Encoding": taken})
        assert answer.headers.get("content-encoding") == way
        assert answer.content == SCRIPT
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert size is None or int(answer.headers["content-length"]) == size
    with http.stream("GET", "/capture/assets/main-B1a2.js", headers={"Accept-Encoding": "gzip, br"}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert b"".join(answer.iter_raw()) == b"as brotli"
    assert http.get("/capture/assets/run.wasm").headers["content-type"] == "application/wasm"
    assert http.get("/capture/icon.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    "path",
    [
        "/capture/assets/other.js",
        "/capture/assets/main-B1a2.js.gz",
        "/capture/assets/..%2Findex.html",
        "/capture/assets/%2e%2e",
        "/capture/..",
        "/capture/assets/.hidden",
        "/capture/assets",
        "/capture/nothing.html",
        "/capture/assets/a%00b",
        "/capture/models/fr_feature.onnx",
        "/capture/models/fr_liveness.onnx",
        "/capture/models/..%2Fmanifest.json",
    ],
)
def test_nothing_else_is_sent(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


def test_what_was_not_built_is_told(http: TestClient, folder: Path) -> None:
    answer = http.get("/capture")
    assert answer.status_code == 503
    assert "make web" in answer.json()["hint"]


def test_three_models_and_no_other(http: TestClient, pack: ModelPack) -> None:
    assert {"fr_detect", "fr_landmark", "fr_eye"} == capture_page.MODELS
    for name in capture_page.MODELS:
        answer = http.get(f"/capture/models/{name}.onnx")
        assert sha256(answer.content).hexdigest() == pack.spec(name).sha256
        assert answer.headers["content-type"] == "application/octet-stream"
        again = http.get(f"/capture/models/{name}.onnx", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")

"""How the reviewers' console is served: under which addresses, and what it lets in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from starlette.testclient import TestClient

from facekeep.interfaces.http import built
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}
REVIEW = "0123456789abcdef" * 2


@pytest.fixture
def http() -> TestClient:
    return TestClient(build(create_autospec(Keep, instance=True), Rates(None, None), site=Site("http://localhost")))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "review-B1a2.js").write_text("0")
    (tmp_path / "review.html").write_text("<!doctype html><title>Reviews</title>")
    (tmp_path / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    monkeypatch.setattr(built, "_folder", lambda name: tmp_path / {"review": "."}[name])
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    built._files.cache_clear()
    built._content.cache_clear()


@pytest.mark.parametrize("path", ["/review", "/review/concerns", f"/review/{REVIEW}"])
def test_the_page_lets_nothing_else_in(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.text.endswith("<title>Reviews</title>")
    parts = (part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert dict(parts) == POLICY
    assert answer.headers["permissions-policy"] == "camera=(), microphone=()"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_what_it_loads(http: TestClient) -> None:
    assert http.get("/review/assets/review-B1a2.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert http.get("/review/icon.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path",
    ["/review/", "/review/review.html", f"/review/{REVIEW.upper()}", f"/review/{REVIEW}/x", "/review/assets/x.js"],
)
def test_nothing_else_is_sent(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


def test_what_was_not_built_is_told(http: TestClient, folder: Path) -> None:
    (folder / "review.html").unlink()
    answer = http.get("/review")
    assert answer.status_code == 503
    assert "make web" in answer.json()["hint"]

"""How the reviewers' console is served: under which addresses, and what it lets in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.api.built_pages import POLICY, page_client, page_files

REVIEW = "0123456789abcdef" * 2


@pytest.fixture
def http() -> TestClient:
    return page_client()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with page_files(tmp_path, monkeypatch, "review", "Reviews") as made:
        yield made


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

"""How the page of the enrolled person is served: what it lets in, and what checks files without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from facekeep import ledger_verifier
from facekeep.interfaces.http import built
from tests.api.built_pages import POLICY, page_client, page_files


@pytest.fixture
def http() -> TestClient:
    return page_client()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with page_files(tmp_path, monkeypatch, "me", "My face data") as made:
        yield made


@pytest.mark.parametrize("path", ["/me", "/me/check"])
def test_the_page_lets_nothing_else_in(http: TestClient, path: str) -> None:
    answer = http.get(path)
    assert answer.text.endswith("<title>My face data</title>")
    parts = (part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert dict(parts) == POLICY
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_what_it_loads_never_changes(http: TestClient) -> None:
    assert http.get("/me/assets/me-B1a2.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert http.get("/me/icon.svg").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize("path", ["/me/", "/me/me.html", "/me/assets/..%2Fme.html", "/me/assets/x.js", "/me/check/x"])
def test_nothing_else_is_sent(http: TestClient, path: str) -> None:
    assert http.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/me/assets/", "/me/"])
def test_names_of_nothing_are_neither_looked_for_nor_remembered(http: TestClient, path: str) -> None:
    http.get("/me/assets/me-B1a2.js")
    before = built._content.cache_info().currsize
    for name in ("a" * 300, "a" * 256, *(f"x{number}.js" for number in range(20))):
        assert http.get(f"{path}{name}").status_code == 404
    assert built._content.cache_info().currsize == before


def test_the_verifier_is_that_of_the_package(http: TestClient) -> None:
    answer = http.get("/me/ledger_verifier.py")
    assert answer.content == Path(str(ledger_verifier.__file__)).read_bytes()
    assert answer.headers["content-type"].startswith("text/x-python")


def test_what_was_not_built_is_told(http: TestClient, folder: Path) -> None:
    (folder / "me.html").unlink()
    answer = http.get("/me")
    assert answer.status_code == 503
    assert "make web" in answer.json()["hint"]

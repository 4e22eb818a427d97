"""Pages that ``make web`` built, in tests that build none: files of the same names, and what every page lets in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


def page_client() -> TestClient:
    return TestClient(build(create_autospec(Keep, instance=True), Rates(None, None), site=Site("http://localhost")))


@contextmanager
def page_files(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, title: str) -> Iterator[Path]:
    """The files of a page, as long as a block lasts.

    Args:
        folder: for the files.
        monkeypatch: undone by the test.
        name: of the page.
        title: of the page.
    """
    (folder / "assets").mkdir()
    (folder / "assets" / f"{name}-B1a2.js").write_text("0")
    (folder / f"{name}.html").write_text(f"<!doctype html><title>{title}</title>")
    (folder / "icon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    monkeypatch.setattr(built, "_folder", lambda asked: folder / {name: "."}[asked])
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    built._files.cache_clear()
    built._content.cache_clear()

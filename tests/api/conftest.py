"""What the tests of the service share: a keep with real people, and clients with tokens."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.service.keep import Keep

NOTICE = "We keep two random halves of your template, to verify and to find you."
Asking = Callable[..., TestClient]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    """A keep in which obama and biden are enrolled."""
    with Keep.create(tmp_path_factory.mktemp("api") / "keep") as made:
        for label in ("obama", "biden"):
            purposes = [Purpose.VERIFY, Purpose.IDENTIFY]
            picture = (pictures / f"{label}.jpg").read_bytes()
            made.enrol(label, [picture], purposes=purposes, notice=NOTICE, operator="desk", name=f"Name of {label}")
        yield made


@pytest.fixture(scope="module")
def app(keep: Keep) -> FastAPI:
    """The application around the keep."""
    return build(keep, Rates(None, None))


@pytest.fixture(scope="module")
def asking(app: FastAPI, keep: Keep) -> Asking:
    """Makes a client with the scopes named; without any, one without a token."""
    tokens: dict[frozenset[Scope], str] = {}

    def make(*scopes: Scope) -> TestClient:
        wanted = frozenset(scopes)
        if wanted and wanted not in tokens:
            tokens[wanted] = keep.issue_token(f"client {len(tokens)}", wanted, days=1).token
        headers = {"Authorization": f"Bearer {tokens[wanted]}"} if wanted else {}
        return TestClient(app, headers=headers, raise_server_exceptions=False)

    return make


@pytest.fixture(scope="module")
def identifier(keep: Keep) -> Callable[[str], str]:
    """The identifier of a person by label."""
    return lambda label: keep.subject(label).id

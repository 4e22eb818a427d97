"""The service against its own description: whatever fits it, and much that does not, gets a documented answer."""

from __future__ import annotations

from typing import Any
from unittest.mock import create_autospec

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.metrics import Metrics
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SITE = Site("http://localhost")


# Described when the tests are collected, served when they run.
APP = build(create_autospec(Keep, instance=True), Rates(None, None))
SCHEMA = schemathesis.openapi.from_asgi("/v1/openapi.json", APP)


HOW: dict[str, Any] = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
    "database": None,
}


@pytest.fixture(scope="module")
def people(keep: Keep) -> list[dict[str, str]]:
    """Headers of nobody, of each role, and of a client that may everything."""
    APP.state.keep, APP.state.metrics, APP.state.site = keep, Metrics(keep), SITE
    found: list[dict[str, str]] = [{}]
    for role in Role:
        label = "biden" if role is Role.DATA_SUBJECT else None
        secret, _ = keep.begin_session(keep.invite(f"schema {role}", [role], label=label).account.id)
        found.append({"Cookie": f"{SITE.cookie}={secret}", "Sec-Fetch-Site": "same-origin"})
    # A program cannot end a person's session, which others here still need.
    token = keep.issue_token("schema", list(Scope), days=1).token
    return [*found, {"Authorization": f"Bearer {token}"}]


@pytest.fixture(scope="module")
def clients(keep: Keep) -> list[dict[str, str]]:
    """Headers of a client of each scope."""
    APP.state.keep, APP.state.metrics, APP.state.site = keep, Metrics(keep), SITE
    tokens = [keep.issue_token(f"schema {scope}", [scope], days=1).token for scope in Scope]
    return [{"Authorization": f"Bearer {token}"} for token in tokens]


@pytest.mark.extended
@SCHEMA.parametrize()
@settings(max_examples=150, **HOW)
def test_every_answer_is_documented_at_length(
    case: schemathesis.Case, people: list[dict[str, str]], clients: list[dict[str, str]]
) -> None:
    for headers in (*people, *clients):
        case.call_and_validate(headers=headers, checks=CHECKS)


@SCHEMA.parametrize()
@settings(max_examples=4, **HOW)
def test_every_answer_is_documented(case: schemathesis.Case, people: list[dict[str, str]]) -> None:
    for headers in people:
        case.call_and_validate(headers=headers, checks=CHECKS)

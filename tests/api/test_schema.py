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
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.metrics import Metrics
from facekeep.interfaces.http.rates import Rates
from facekeep.service.keep import Keep

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROLES = [(), *((scope,) for scope in Scope), tuple(Scope)]


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
def authorizations(keep: Keep) -> list[dict[str, str]]:
    APP.state.keep, APP.state.metrics = keep, Metrics(keep)
    tokens = [keep.issue_token(f"role {n}", role, days=1).token if role else "" for n, role in enumerate(ROLES)]
    return [{"Authorization": f"Bearer {token}"} if token else {} for token in tokens]


@pytest.mark.extended
@SCHEMA.parametrize()
@settings(max_examples=150, **HOW)
def test_every_answer_is_documented_at_length(case: schemathesis.Case, authorizations: list[dict[str, str]]) -> None:
    for headers in authorizations:
        case.call_and_validate(headers=headers, checks=CHECKS)


@SCHEMA.parametrize()
@settings(max_examples=4, **HOW)
def test_every_answer_is_documented(case: schemathesis.Case, authorizations: list[dict[str, str]]) -> None:
    for headers in authorizations:
        case.call_and_validate(headers=headers, checks=CHECKS)

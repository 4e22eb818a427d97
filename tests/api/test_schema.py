"""The service against its own description: whatever fits it, and much that does not, gets a documented answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, cycle
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
from facekeep.domain.accounts import Account, Role
from facekeep.errors import NotFoundError
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.capture import MEDIA_TYPE
from facekeep.interfaces.http.metrics import Metrics
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.review_filing import MEDIA_TYPES
from facekeep.interfaces.http.site import Site
from facekeep.service.capture_engine import shipped_captures
from facekeep.service.keep import Keep
from facekeep.service.review_filing import shipped_filing

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CLIENTS = [(), *((scope,) for scope in Scope), tuple(Scope)]
SITE = Site("http://localhost:1")
Headers = Callable[[], dict[str, str]]


@schemathesis.serializer(MEDIA_TYPE, *MEDIA_TYPES)
def _as_it_is(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


# Described when the tests are collected, served when they run.
APP = build(create_autospec(Keep, instance=True), Rates(None, None), site=SITE)
SCHEMA = schemathesis.openapi.from_asgi("/v1/openapi.json", APP)


HOW: dict[str, Any] = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.generate],
    "suppress_health_check": list(HealthCheck),
    "database": None,
}


@pytest.fixture(scope="module")
def everybody(keep: Keep) -> list[Headers]:
    """The headers of nobody, of machine clients with each scope and with all, and of people with each role."""
    APP.state.keep, APP.state.metrics, APP.state.captures = keep, Metrics(keep), shipped_captures(keep)
    APP.state.filing = shipped_filing(keep)
    tokens = [
        keep.issue_token(f"client {n}", scopes, days=1).token if scopes else "" for n, scopes in enumerate(CLIENTS)
    ]
    clients = [{"Authorization": f"Bearer {token}"} if token else {} for token in tokens]
    people = [
        keep.invite(f"person {role}", [role], label="biden" if role is Role.DATA_SUBJECT else None).account
        for role in Role
    ]

    def signed_in(account: Account) -> dict[str, str]:
        # Anew each time: a case may have signed out, or have had its account revoked by an administrator.
        try:
            secret, _ = keep.begin_session(account.id)
        except NotFoundError:
            secret = "fks1_of-an-account-that-was-revoked"
        return {"Cookie": f"{SITE.cookie}={secret}", "Sec-Fetch-Site": "same-origin"}

    return [
        *(partial(dict[str, str], client) for client in clients),
        *(partial(signed_in, account) for account in people),
    ]


@pytest.mark.extended
@SCHEMA.parametrize()
@settings(max_examples=25, **HOW)
def test_every_answer_is_documented_at_length(case: schemathesis.Case, everybody: list[Headers]) -> None:
    for headers in everybody:
        case.call_and_validate(headers=headers(), checks=CHECKS)


@pytest.fixture(scope="module")
def turns(everybody: list[Headers]) -> Iterator[list[Headers]]:
    """Of each case: a client that may do everything, and of every fourth the others in turn."""
    able, others = everybody[len(CLIENTS) - 1], cycle(everybody)
    return ([able, next(others)] if number % 4 == 0 else [able] for number in count())


@SCHEMA.parametrize()
@settings(max_examples=1, **HOW)
def test_every_answer_is_documented(case: schemathesis.Case, turns: Iterator[list[Headers]]) -> None:
    """All of it by all takes the long test; what each of them may is tested by itself (test_access.py)."""
    for headers in next(turns):
        case.call_and_validate(headers=headers(), checks=CHECKS)

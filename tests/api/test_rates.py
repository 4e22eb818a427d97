"""Who asks too often is told so, and told when to ask again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import httpx2
import pytest
from starlette.testclient import TestClient

from facekeep import errors
from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rate, Rates
from facekeep.service.keep import Keep
from tests.api.test_client import Through

Made = Callable[..., TestClient]
HOUR = 3600


@pytest.fixture
def tokens(keep: Keep) -> tuple[str, str]:
    for name in ("one", "two"):
        if name in {client.name for client in keep.clients()}:
            keep.revoke_token(name)
    one, two = (keep.issue_token(name, [Scope.READ], days=1).token for name in ("one", "two"))
    return one, two


def _asking(keep: Keep, rates: Rates) -> Callable[[str], httpx2.Response]:
    client = TestClient(build(keep, rates))

    def ask(token: str, path: str = "/v1/cases") -> httpx2.Response:
        answer: httpx2.Response = client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})
        return answer

    return ask


def test_a_client_that_asks_too_often_and_another_that_does_not(keep: Keep, tokens: tuple[str, str]) -> None:
    ask, (one, two) = _asking(keep, Rates(Rate(2, HOUR), None)), tokens
    assert [ask(one).headers["ratelimit"] for _ in range(2)] == [
        '"client";r=1;t=1800', '"client";r=0;t=3600'
    ]  # fmt: skip
    refused = ask(one)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:facekeep:problem:too-many-requests")
    assert 0 < int(refused.headers["retry-after"]) <= 1800
    assert refused.headers["ratelimit-policy"] == '"client";q=2;w=3600'
    assert ask(one, "/v1/subjects").status_code == 429  # whatever it asks for
    assert ask(two).status_code == 200


def test_tokens_cannot_be_guessed_at_leisure(keep: Keep, tokens: tuple[str, str]) -> None:
    ask = _asking(keep, Rates(None, Rate(3, HOUR)))
    assert [ask(tokens[0]).status_code for _ in range(5)] == [200] * 5  # what is known does not count
    assert [ask(f"guess-{n}").status_code for n in range(5)] == [401, 401, 401, 429, 429]
    # Not even the right one is looked at now.
    right = ask(tokens[0])
    assert (right.status_code, right.headers["ratelimit"]) == (429, '"address";r=0;t=3600')
    assert ask("", "/v1/version").status_code == 429
    assert ask("", "/v1/openapi.json").status_code == 429
    assert [ask("", f"/health/{kind}").status_code for kind in ("live", "ready") * 5] == [200] * 10


def _burst(keep: Keep, rates: Rates, tokens: Sequence[str]) -> list[int]:
    """The statuses of requests that have all come before the first of them is decided."""

    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(build(keep, rates))
        async with httpx2.AsyncClient(transport=transport, base_url="http://keep") as client:
            asked = [client.get("/v1/cases", headers={"Authorization": f"Bearer {token}"}) for token in tokens]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    return asyncio.run(ask())


def test_guesses_that_come_together_are_counted_as_those_that_come_one_by_one(
    keep: Keep, tokens: tuple[str, str]
) -> None:
    limit = Rates(None, Rate(3, HOUR))
    assert sorted(_burst(keep, limit, [f"guess-{n}" for n in range(30)])) == [401] * 3 + [429] * 27


def test_known_clients_that_come_together_are_not_refused_for_each_other(keep: Keep, tokens: tuple[str, str]) -> None:
    limit = Rates(None, Rate(3, HOUR))
    assert _burst(keep, limit, [tokens[n % 2] for n in range(40)]) == [200] * 40
    mixed = [*tokens * 10, "guess-1", *tokens * 10, "guess-2", *tokens * 10]
    statuses = _burst(keep, limit, mixed)
    assert [s for s, token in zip(statuses, mixed, strict=True) if "guess" in token] == [401, 401]
    assert [s for s, token in zip(statuses, mixed, strict=True) if "guess" not in token] == [200] * 60


def test_what_needs_no_token_counts_for_the_address(keep: Keep) -> None:
    ask = _asking(keep, Rates(None, Rate(3, HOUR)))
    paths = ("/v1/version", "/v1/openapi.json", "/v1/nothing", "/v1/version")
    assert [ask("", path).status_code for path in paths] == [200, 200, 404, 429]


def test_pages_count_for_nobody(keep: Keep) -> None:
    """One is a page with six files, and a whole office may be behind one address."""
    ask = _asking(keep, Rates(None, Rate(2, HOUR)))
    paths = ("/review", "/review/icon.svg", "/capture", "/capture/assets/none.js", "/me", "/sign-in", "/sign.js")
    assert [ask("", path).status_code for path in paths] == [200, 200, 200, 404, 200, 200, 200]
    assert [ask("", "/v1/version").status_code for _ in range(3)] == [200, 200, 429]
    assert ask("", "/review").status_code == 429  # as everything of who asked too often


def test_without_limits_nothing_is_told(keep: Keep) -> None:
    answer = _asking(keep, Rates(None, None))("", "/v1/version")
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(answer.headers)


def test_the_client_tells_it_as_an_error(keep: Keep, tokens: tuple[str, str]) -> None:
    app = build(keep, Rates(Rate(1, HOUR), None))
    with Client("http://keep", tokens[0], transport=Through(app)) as client:
        client.cases()
        with pytest.raises(errors.RateError) as slow:
            client.cases()
        assert "Retry-After" in slow.value.hint


def test_every_counted_operation_says_that_it_may_refuse(keep: Keep) -> None:
    for path, item in build(keep).openapi()["paths"].items():
        for operation in item.values():
            assert ("429" in operation["responses"]) == (not path.startswith("/health/")), path
            if "429" in operation["responses"]:
                assert "Retry-After" in operation["responses"]["429"]["headers"]

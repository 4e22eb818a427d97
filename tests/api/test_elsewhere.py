"""Signing in by OpenID Connect, against a provider that is a process of its own and can be told to lie."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog

from facekeep.domain.accounts import Role
from facekeep.errors import AuthenticationError, UsageError
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.elsewhere import Elsewhere
from facekeep.interfaces.http.provider import Authentication, Provider, ProviderSettings
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from tests.api.provider import CLIENT, SECRET
from tests.api.serving import served

HERE = {"Sec-Fetch-Site": "same-origin"}
ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def provider() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.provider"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(timeout=20)
        if process.stdout is not None:
            process.stdout.close()


def _browser(address: str) -> httpx2.Client:
    return httpx2.Client(base_url=address, trust_env=False, follow_redirects=False)


def _there_and_back(browser: httpx2.Client) -> httpx2.Response:
    """As a browser goes: to the provider, which sends it back at once, and back."""
    left = browser.get("/v1/elsewhere", headers=HERE)
    assert left.status_code == 303, left.text
    there = browser.get(left.headers["location"], headers={"Cookie": ""})
    return browser.get(there.headers["location"], headers={"Sec-Fetch-Site": "cross-site"})


@pytest.mark.enable_socket
def test_identities_elsewhere(keep: Keep) -> None:
    with provider() as issuer, listen("127.0.0.1", 0) as bound:
        origin = f"http://localhost:{bound.getsockname()[1]}"
        settings, now = ProviderSettings(issuer, CLIENT, SECRET), 0.0
        assert SECRET not in repr(settings)
        app = build(keep, Rates(None, None), site=Site(origin), elsewhere=Elsewhere(Provider(settings, lambda: now)))
        ada = keep.invite("ada there", [Role.AUDITOR], identity=(issuer, "ada at the provider")).account
        capturing = structlog.testing.capture_logs()
        with (
            capturing as lines,
            served(app, bound) as address,
            httpx2.Client(base_url=issuer, trust_env=False) as teller,
        ):

            def lie(**lies: Any) -> None:
                teller.post("/lie", json=lies)

            _good(address, issuer, keep)
            _lies(address, lie)
            _ways(address)
            # A provider takes a new key: found within a minute, and not asked for at every word that is not believed.
            lie(rotate=True)
            for now, status in ((0.0, 401), (61.0, 200)):  # noqa: B007 - the provider looks at it
                with _browser(address) as browser:
                    assert _there_and_back(browser).status_code == status
            lie(claims={"sub": "eve at the provider"})
            with _browser(address) as browser:
                answer = _there_and_back(browser)
            assert (answer.status_code, "set-cookie" in answer.headers) == (401, True)
            assert not browser.cookies.get("facekeep")
            number = answer.headers["x-request-id"]
            assert [found.account.name for found in keep.accounts()].count("ada there") == 1
            assert len(keep.accounts()) == 1, "no account is made for who is not known"
            # Revoked here, the provider's word is worth nothing.
            lie()
            keep.revoke_account("ada there")
            with _browser(address) as browser:
                assert _there_and_back(browser).status_code == 401
        assert ada.roles == {Role.AUDITOR}
        (line,) = (line for line in lines if line["request_id"] == number)
        assert (line["refusal"], line["problem"], line["client"]) == ("not-proved", "unauthenticated", "")
        assert "at the provider" not in str(lines)


def _good(address: str, issuer: str, keep: Keep) -> None:
    with _browser(address) as browser:
        assert "Sign in at 127.0.0.1" in browser.get("/sign-in").text
        answer = _there_and_back(browser)
        assert (answer.status_code, "Signed in" in answer.text) == (200, True)
        cookies = answer.headers.get_list("set-cookie")
        (session,) = (cookie for cookie in cookies if cookie.startswith("facekeep="))
        assert all(word in session for word in ("HttpOnly", "SameSite=strict", "Path=/"))
        assert browser.get("/v1/session", headers=HERE).json()["account"] == "ada there"
        assert browser.get("/metrics", headers=HERE).status_code == 200


def _lies(address: str, lie: Callable[..., None]) -> None:
    for lies in (
        {"claims": {"iss": "https://elsewhere.example"}},
        {"claims": {"iss": None}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": ["another"]}},
        {"claims": {"aud": [CLIENT, "another"]}},
        {"claims": {"aud": CLIENT, "azp": "another"}},
        {"claims": {"aud": None}},
        {"claims": {"nonce": "another"}},
        {"claims": {"nonce": None}},
        {"expired": True},
        {"claims": {"exp": None}},
        {"claims": {"iat": None}},
        {"claims": {"sub": ""}},
        {"claims": {"sub": None}},
        {"claims": {"sub": "x" * 256}},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
        {"algorithm": "other"},
        {"answered": "https://elsewhere.example"},
        {"error": "access_denied"},
    ):
        lie(**lies)
        with _browser(address) as browser:
            answer = _there_and_back(browser)
            assert (answer.status_code, "not signed in" in answer.text) == (401, True), lies
            assert browser.get("/v1/session", headers=HERE).status_code == 401
    lie(claims={"aud": [CLIENT, "another"], "azp": CLIENT})
    with _browser(address) as browser:
        assert _there_and_back(browser).status_code == 200
    lie()


def _ways(address: str) -> None:
    with _browser(address) as browser, _browser(address) as other:
        # Another site cannot send a browser on the way.
        assert browser.get("/v1/elsewhere", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
        left = browser.get("/v1/elsewhere", headers=HERE)
        there = browser.get(left.headers["location"], headers={"Cookie": ""})
        # Another browser cannot come back in its place; and the way is used up then.
        assert other.get(there.headers["location"]).status_code == 401
        assert browser.get(there.headers["location"]).status_code == 401
        # Nobody comes back twice, or from nowhere.
        left = browser.get("/v1/elsewhere", headers=HERE)
        there = browser.get(left.headers["location"], headers={"Cookie": ""})
        assert browser.get(there.headers["location"]).status_code == 200
        assert browser.get(there.headers["location"]).status_code == 401
        assert browser.get("/v1/elsewhere/back?code=x&state=y").status_code == 401
        assert browser.get("/v1/elsewhere/back").status_code == 401
        # A code of one's own does not serve another's way.
        left = browser.get("/v1/elsewhere", headers=HERE)
        state = httpx2.URL(left.headers["location"]).params["state"]
        assert browser.get(f"/v1/elsewhere/back?code=guessed&state={state}").status_code == 401


@pytest.mark.enable_socket
def test_a_provider_that_is_none(keep: Keep) -> None:
    with provider() as issuer, httpx2.Client(base_url=issuer, trust_env=False) as teller:
        teller.post("/lie", json={"described": "https://elsewhere.example"})
        for named in (issuer, f"{issuer}/nothing", "http://localhost:9"):
            elsewhere = Elsewhere(Provider(ProviderSettings(named, CLIENT, SECRET)))
            with served(build(keep, site=Site("http://localhost"), elsewhere=elsewhere)) as address:
                with _browser(address) as browser:
                    answer = browser.get("/v1/elsewhere", headers=HERE)
                assert answer.json()["type"] == "urn:facekeep:problem:unavailable", named
    with served(build(keep, site=Site("http://localhost"))) as address, _browser(address) as browser:
        assert browser.get("/v1/elsewhere", headers=HERE).status_code == 404
        assert 'id="elsewhere"' not in browser.get("/sign-in").text


@pytest.mark.parametrize(
    ("issuer", "client", "secret"),
    [
        ("http://id.example", "a", "b"), ("id.example", "a", "b"), ("https://id.example?x=y", "a", "b"), ("", "a", "b"),
        ("https://[", "a", "b"), ("https://id.example", "", "b"), ("https://id.example", "a", ""),
    ],
)  # fmt: skip
def test_settings_that_are_none(issuer: str, client: str, secret: str) -> None:
    with pytest.raises(UsageError):
        ProviderSettings(issuer, client, secret)


def test_a_public_client_has_no_secret() -> None:
    with pytest.raises(UsageError, match="public client"):
        ProviderSettings("https://id.example", CLIENT, SECRET, Authentication.NONE)


@pytest.mark.enable_socket
def test_the_service_shows_who_it_is_as_the_provider_wants(keep: Keep) -> None:
    with provider() as issuer:
        keep.invite("ways", [Role.AUDITOR], identity=(issuer, "ada at the provider"))
        for how in Authentication:
            secret = "" if how is Authentication.NONE else SECRET
            settings = ProviderSettings(issuer, CLIENT, secret, how)
            with listen("127.0.0.1", 0) as bound:
                site = Site(f"http://localhost:{bound.getsockname()[1]}")
                app = build(keep, Rates(None, None), site=site, elsewhere=Elsewhere(Provider(settings)))
                with served(app, bound) as address, _browser(address) as browser:
                    for wanted in Authentication:
                        httpx2.post(f"{issuer}/lie", json={"authentication": wanted}, trust_env=False)
                        assert _there_and_back(browser).status_code == (200 if wanted is how else 401), (how, wanted)
        keep.revoke_account("ways")


def test_a_way_ends() -> None:
    now = 0.0
    elsewhere = Elsewhere(Provider(ProviderSettings("https://id.example", CLIENT, SECRET)), lambda: now)
    state, way = elsewhere.leave()
    now = 599.0
    assert elsewhere.come_back(state, way.browser) == way
    state, way = elsewhere.leave()
    now += 600.0
    with pytest.raises(AuthenticationError):
        elsewhere.come_back(state, way.browser)

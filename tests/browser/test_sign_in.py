"""Signing up and in with a passkey, in a real browser with a virtual authenticator, by the keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from facekeep.domain.accounts import Role
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from tests.api.serving import served
from tests.browser.devtools import Page, chromium

AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
NAME = "Canary-4711"
GOOD = "document.querySelector('#state').dataset.kind === 'good'"
BAD = "document.querySelector('#state').dataset.kind === 'bad'"


@pytest.fixture
def keep(tmp_path: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path / "keep") as made:
        yield made


FOCUSED = """new Promise(done => {
  const look = () => document.activeElement !== document.body ? done(true) : requestAnimationFrame(look);
  look();
})"""


def _enter(page: Page) -> None:
    page.evaluate(FOCUSED)  # the browser gives the focus with the first frame, which may come after the page
    page.press("Enter", 13, "\r")


def _ask(page: Page, method: str, path: str) -> Any:
    return page.evaluate(f"fetch('{path}', {{method: '{method}'}}).then(answer => answer.status)")


@pytest.mark.enable_socket
def test_a_person_signs_up_out_and_in(keep: Keep, tmp_path: Path) -> None:
    bound = listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    invited = keep.invite(NAME, [Role.ADMINISTRATOR])
    link = f"{origin}/sign-up#{invited.secret}"
    app = build(keep, site=Site(origin))
    with structlog.testing.capture_logs() as lines, served(app, bound), chromium(tmp_path) as page:
        page.call("WebAuthn.enable")
        (authenticator,) = page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR).values()
        # By the link, the button has the focus: Enter is enough.
        page.open(link)
        page.picture(tmp_path / "sign-up.png")
        _enter(page)
        page.until(GOOD)
        assert "Signed in as Canary-4711 (administrator)" in page.text()
        page.picture(tmp_path / "signed-up.png")
        assert invited.secret not in page.evaluate("location.href")
        (details,) = keep.accounts()
        assert (details.passkeys, details.last_seen is not None) == (1, True)
        # The session is a cookie that no script reads, and it may what the role may.
        assert page.evaluate("document.cookie") == ""
        assert (_ask(page, "GET", "/metrics"), _ask(page, "POST", "/v1/identifications")) == (200, 403)
        # The link works no more.
        page.open(link)
        _enter(page)
        page.until(BAD)
        assert "This link does not work: it was used, is too old, or never was. Ask an administrator" in page.text()
        page.picture(tmp_path / "link-used.png")
        # Out.
        page.open(f"{origin}/sign-in")
        page.until(GOOD)
        page.picture(tmp_path / "signed-in.png")
        _enter(page)
        page.until("document.querySelector('#state').textContent === 'You are signed out.'")
        assert (_ask(page, "GET", "/metrics"), _ask(page, "GET", "/v1/session")) == (401, 401)
        page.picture(tmp_path / "signed-out.png")
        # In again.
        _enter(page)
        page.until("document.querySelector('#state').textContent.startsWith('Signed in as Canary-4711')")
        assert _ask(page, "GET", "/metrics") == 200
        # The count of the authenticator is set back, as a copy's would be: refused.
        (credential,) = page.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]
        assert credential["signCount"] > 0
        page.call("WebAuthn.removeCredential", authenticatorId=authenticator, credentialId=credential["credentialId"])
        page.call("WebAuthn.addCredential", authenticatorId=authenticator, credential={**credential, "signCount": 0})
        _sign_out_and_try_to_sign_in(page)
        # The person is not verified: refused.
        page.call("WebAuthn.setUserVerified", authenticatorId=authenticator, isUserVerified=False)
        page.open(f"{origin}/sign-in")
        _enter(page)
        page.until(BAD)
        # Revoked, the passkey is nobody's.
        page.call("WebAuthn.setUserVerified", authenticatorId=authenticator, isUserVerified=True)
        keep.revoke_account(NAME)
        page.open(f"{origin}/sign-in")
        _enter(page)
        page.until(BAD)
        assert "This passkey is not known here" in page.text()
        assert _ask(page, "GET", "/metrics") == 401
        assert all(address.startswith((origin, "data:,", "about:")) for address in page.asked), page.asked
        # The browser notes each refused request there, and nothing else: no violation of the policy, no error.
        assert {text for text in page.console if "the server responded with a status of" not in text} == set()
    refusals = [(line["operation"], line["refusal"]) for line in lines if line["status"] == 401]
    assert ("POST /v1/registrations/options", "not-proved") in refusals
    assert ("POST /v1/sessions", "not-proved") in refusals
    assert NAME not in str(lines)
    assert invited.secret not in str(lines)


def _sign_out_and_try_to_sign_in(page: Page) -> None:
    page.until(GOOD)
    _enter(page)
    page.until("document.querySelector('#state').textContent === 'You are signed out.'")
    _enter(page)
    page.until(BAD)
    assert "could not be verified" in page.text()


@pytest.mark.enable_socket
def test_a_link_without_its_secret_and_a_page_before_signing_in(keep: Keep, tmp_path: Path) -> None:
    bound = listen("127.0.0.1", 0)
    origin = f"http://localhost:{bound.getsockname()[1]}"
    with served(build(keep, site=Site(origin)), bound), chromium(tmp_path) as page:
        page.open(f"{origin}/sign-up")
        assert "no invitation" in page.text()
        assert page.evaluate("document.querySelector('#act').disabled") is True
        page.open(f"{origin}/sign-in")
        assert page.evaluate("document.activeElement.id") == "act"
        # No other site can read it, frame it, or make the browser ask.
        assert page.evaluate("document.querySelectorAll('[style],style,script:not([src])').length") == 0

"""The example shop and its element <face-keep>, in a real browser: signing in, paying, and what must not pass.

The person takes the way without a face, a passkey of a virtual authenticator: what is tested is the shop's side. The
way by the face is in test_capture.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from examples.shop.shop import Shop, Visit
from examples.shop.shop import build as build_shop

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.serving import listen
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from tests.api.serving import served
from tests.browser.devtools import Page, chromium
from tests.browser.test_sign_in import AUTHENTICATOR

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

NOTICE = "We compare your face with your reference, to sign you in and to confirm payments."
VIEW = "document.body.dataset.view === '%s'"
BUTTON = "[...document.querySelectorAll('button, a')].find(one => one.textContent.startsWith('%s'))"
STATE = "document.querySelector('#state')?.textContent"


@dataclass
class Scene:
    """A browser before a shop, and the keep that the shop asks."""

    page: Page
    shop: Shop
    origin: str
    credential: dict[str, Any]

    @property
    def visit(self) -> Visit:
        (visit,) = self.shop.visits.values()
        return visit


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("shop") / "keep") as made:
        picture = (pictures / "astronaut.png").read_bytes()
        made.switch(Purpose.PAYMENT, True)
        made.enrol("ada", [picture], purposes=[Purpose.VERIFY, Purpose.PAYMENT], notice=NOTICE, operator="test")
        yield made


@pytest.fixture
def scene(keep: Keep, tmp_path: Path) -> Iterator[Scene]:
    bound, bound_shop = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    origin, shop_origin = (f"http://localhost:{each.getsockname()[1]}" for each in (bound, bound_shop))
    issued = keep.issue_token(f"shop {bound.getsockname()[1]}", [Scope.CAPTURE], days=1)
    account = f"ada {bound.getsockname()[1]}"
    invited = keep.invite(account, [Role.DATA_SUBJECT], label="ada")
    (notice,) = keep.subject("ada").consents[:1]
    with served(build(keep, site=Site(origin)), bound), Client(origin, issued.token) as client:
        shop = Shop(client, keep=origin, origin=shop_origin, client_id=issued.client.id.hex(), notices=(notice.notice,))
        with served(build_shop(shop), bound_shop), chromium(tmp_path) as page:
            with _authenticator(page) as authenticator:
                page.open(f"{origin}/sign-up#{invited.secret}")
                page.evaluate("document.querySelector('button').click()")
                page.until("document.querySelector('#state').dataset.kind === 'good'")
                (credential,) = page.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]
                page.evaluate("fetch('/v1/session', {method: 'DELETE'})")
            page.open(f"{shop_origin}/")
            yield Scene(page, shop, shop_origin, credential)
            assert not [text for text in page.console if "the server responded with a status of" not in text]
    keep.revoke_account(account)


@contextmanager
def _authenticator(page: Page, credential: dict[str, Any] | None = None) -> Iterator[str]:
    page.call("WebAuthn.enable")
    (authenticator,) = page.call("WebAuthn.addVirtualAuthenticator", options=AUTHENTICATOR).values()
    if credential is not None:
        page.call("WebAuthn.addCredential", authenticatorId=authenticator, credential=credential)
    yield authenticator
    page.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=authenticator)


def _click(page: Page, text: str) -> None:
    page.evaluate("document.querySelector('face-keep') && customElements.whenDefined('face-keep').then(() => true)")
    # By the protocol's own input would need coordinates; userGesture lets the page open a window, as a click does.
    page.call("Runtime.evaluate", expression=f"{BUTTON % text}.click()", userGesture=True)


def _confirm(scene: Scene, window: Page) -> None:
    """Take the way without a face in the capture's window."""
    window.until(VIEW % "notice")
    with _authenticator(window, scene.credential) as authenticator:
        _click(window, "Use a passkey instead")
        window.until(VIEW % "passkey")
        _click(window, "Use my passkey")
        window.until(VIEW % "result")
        (scene.credential,) = window.call("WebAuthn.getCredentials", authenticatorId=authenticator)["credentials"]


def _sign_in(scene: Scene) -> None:
    scene.page.evaluate(
        "document.querySelector('#customer').value = 'ada';"
        "document.querySelector('#customer').dispatchEvent(new Event('input'))"
    )
    _click(scene.page, "Sign in")
    with scene.page.window() as window:
        _confirm(scene, window)
        _click(window, "Go back to")
    scene.page.until("document.body.innerText.includes('Signed in as ada')")


def test_a_customer_signs_in_and_pays(scene: Scene, tmp_path: Path) -> None:
    _sign_in(scene)
    _click(scene.page, "Confirm the payment")
    with scene.page.window() as window:
        window.until(VIEW % "notice")
        shown = window.text()
        assert all(part in shown for part in ("12.50", "EUR", "Example Shop"))
        window.picture(tmp_path / "payment.png")
        _confirm(scene, window)
        _click(window, "Go back to")
    scene.page.until("document.querySelector('#paid')?.textContent.includes('Paid 12.50 EUR')")
    scene.page.picture(tmp_path / "paid.png")
    assert scene.visit.paid == ["12.50 EUR"]


def test_what_was_confirmed_pays_for_nothing_else(scene: Scene) -> None:
    _sign_in(scene)
    _click(scene.page, "Confirm the payment")
    with scene.page.window() as window:
        _confirm(scene, window)
        scene.visit.order = "12.60"
        _click(window, "Go back to")
    scene.page.until(f"{STATE}.startsWith('Not confirmed')")
    assert scene.visit.paid == []


def test_a_window_that_is_closed_confirms_nothing(scene: Scene) -> None:
    _sign_in(scene)
    _click(scene.page, "Confirm the payment")
    with scene.page.window() as window:
        window.until(VIEW % "notice")
        window.call("Page.close")
    scene.page.until(f"{STATE}.startsWith('The window was closed')")
    assert scene.visit.paid == []


def test_a_link_that_somebody_was_sent_signs_in_nobody(scene: Scene) -> None:
    """The attacker begins a sign-in as ada and sends ada the link; her browser goes through, and back to the shop."""
    own = {"Origin": scene.origin}
    with httpx2.Client(base_url=scene.origin, headers=own, trust_env=False) as attacker:
        attacker.get("/")
        link = attacker.post("/sign-in/ada").json()["link"]
        assert [visit.pending is not None for visit in scene.shop.visits.values()].count(True) == 1
        scene.page.call("Page.navigate", url=link)
        _confirm(scene, scene.page)
        _click(scene.page, "Go back to")
        scene.page.until("document.title === 'Not begun here'")
        returned = scene.page.evaluate("location.href")
        refused = attacker.post("/finish")
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            "This browser did not come back from the capture.",
        )
        assert "Signed in" not in attacker.get("/").text
    # Nor does a visit that has come back from nothing finish by the secret of another, or by none.
    for query in ("", "?state=", "?state=" + "0" * 43, "?" + returned.partition("?")[2]):
        with httpx2.Client(base_url=scene.origin, headers=own, trust_env=False) as other:
            other.get("/")
            other.post("/sign-in/ada")
            assert other.get(f"/back{query}").status_code == 403, query
            assert other.post("/finish").status_code == 409, query
    assert not any(visit.customer for visit in scene.shop.visits.values())


def test_without_a_window_the_page_goes_there_itself(scene: Scene) -> None:
    scene.page.evaluate("window.open = () => null")
    scene.page.evaluate(
        "document.querySelector('#customer').value = 'ada';"
        "document.querySelector('#customer').dispatchEvent(new Event('input'))"
    )
    _click(scene.page, "Sign in")
    scene.page.until(VIEW % "notice")
    _confirm(scene, scene.page)
    _click(scene.page, "Go back to")
    scene.page.until("document.body.innerText.includes('Signed in as ada')")


def test_another_site_starts_no_payment(scene: Scene) -> None:
    _sign_in(scene)
    status = scene.page.evaluate("fetch('/pay', {method: 'POST'}).then(answer => answer.status)")
    assert status == 200
    for origin in ({}, {"Origin": "https://elsewhere.example"}):
        assert httpx2.post(f"{scene.origin}/pay", headers=origin, trust_env=False).status_code == 403

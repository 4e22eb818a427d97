"""Captures over HTTP: the whole way of an honest page and an integrator, and attacks on the protocol.

Pictures, crops, chain, container, gate, keep and signatures are real. What is found of the face is chosen here.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep.client import AsyncClient, CaptureOrder, CaptureResult, Client, NewCapture, Newcomer, read_result
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.capture import Assurance, Intent, Statement
from facekeep.domain.capture_container import BODY_BYTES_MAX
from facekeep.domain.capture_session import CaptureOutcome, CaptureState
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import Evidence, Guardian
from facekeep.domain.review import Decision, ReasonCode
from facekeep.errors import AuthenticationError, NotFoundError, PurposeOffError, RefusedError
from facekeep.face.models import ModelPack
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.capture import NAMING, PERSON_KEY
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from facekeep.service.policies import Policies
from tests.booth import captures_with
from tests.capturing import ATTACK, LIFELESS, ChosenDetector, Clock, Crops, Studio, Taker, finding
from tests.unit.service.authenticator import Authenticator
from tests.unit.service.reviewing import look

ORIGIN = "http://localhost"
GUARDIAN = Guardian("Ann's mother", "mother", Evidence.form(b"a scan"))
PURPOSES = [Purpose.VERIFY, Purpose.PAYMENT]
NOTICE = "We compare your face with two halves of your template. MARKED-NOTICE"
KIND = "application/vnd.facekeep.capture"
SHOP = Statement("12.50", "EUR", "Bakery Miller")


class Page:
    """A browser with the page of a capture, as far as the server can see it."""

    def __init__(self, app: FastAPI, clock: Clock) -> None:
        self.http = TestClient(app, base_url=ORIGIN, headers={"Sec-Fetch-Site": "same-origin"})
        self._app, self._clock = app, clock

    def open(self, link: str) -> dict[str, Any]:
        answer = self.http.post("/v1/capture", json={"link": link.partition("#")[2]})
        assert answer.status_code == 201, answer.text
        self.http.headers[NAMING] = answer.json()["id"]
        return dict(answer.json())

    def beside(self, link: str) -> Page:
        """Another window of the same browser, in which a link is opened: the cookies are those of this one."""
        window = Page(self._app, self._clock)
        window.open(link)
        self.http.cookies = window.http.cookies  # which the answer has replaced
        return window

    def look(self) -> dict[str, Any]:
        return dict(self.http.get("/v1/capture").json())

    def go_through(self, crops: Crops, notice: str) -> Taker:
        begun = self.http.post("/v1/capture/tries", json={"notice": notice}).json()
        taker = Taker(crops, self._clock, begun["try"], bytes.fromhex(begun["nonce"]))
        step = begun["step"]
        while step is not None:
            taker.take(step["index"], frames=6)
            said = {"try": taker.number, "frames": len(taker.frames), "head": taker.head.hex()}
            answer = self.http.post("/v1/capture/steps", json=said)
            assert answer.status_code == 200, answer.text
            step = answer.json()["step"]
        return taker

    def send(self, body: bytes, *, key: str = "") -> httpx2.Response:
        headers = {"Content-Type": KIND} | ({PERSON_KEY: key} if key else {})
        return self.http.put("/v1/capture/frames", content=body, headers=headers)


@dataclass
class Scene:
    """A served keep with an integrator, and all that a test moves."""

    keep: Keep
    app: FastAPI
    clock: Clock
    detector: ChosenDetector
    shop: Client
    notice: str
    crops: Callable[[str], Crops]

    def order(self, **changed: Any) -> CaptureOrder:
        usual: dict[str, Any] = {"intent": Intent.VERIFY, "purpose": Purpose.VERIFY, "notices": (self.notice,)}
        return CaptureOrder(**usual | {"label": "marked-label"} | changed)

    def page(self) -> Page:
        return Page(self.app, self.clock)

    def opened(self, **changed: Any) -> tuple[NewCapture, Page]:
        """An order, and a page that opened its link."""
        made, page = self.shop.create_capture(self.order(**changed)), self.page()
        page.open(made.link)
        return made, page

    def done(self, page: Page, picture: str = "obama2") -> httpx2.Response:
        """Go through a try and send it."""
        return page.send(page.go_through(self.crops(picture), self.notice).body())

    def read(self, made: NewCapture, **changed: Any) -> CaptureResult:
        """The signed result, as an integrator reads it."""
        usual = {
            "audience": self.keep.client_named("shop").id.hex(),
            "nonce": made.nonce,
            "issuer": ORIGIN,
            "now": self.clock.now,
        }
        return read_result(self.shop.capture(made.id).result or "", self.shop.result_keys(), **usual | changed)

    def client(self, token: str) -> Client:
        return Client(ORIGIN, token, transport=Through(self.app))


class Through(httpx2.BaseTransport):
    """To the application in this process, by starlette's own client."""

    def __init__(self, app: FastAPI) -> None:
        self._inner = TestClient(app, base_url=ORIGIN, raise_server_exceptions=False)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = dict(request.headers)
        answer = self._inner.request(request.method, str(request.url), content=request.read(), headers=headers)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture(scope="module")
def studio(pack: ModelPack) -> Studio:
    return Studio(pack)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("captures") / "keep", purposes=PURPOSES) as made:
        picture = (pictures / "obama.jpg").read_bytes()
        made.enrol("marked-label", [picture], purposes=PURPOSES, notice=NOTICE, operator="desk", name="MARKED-NAME")
        made.enrol("biden", [(pictures / "biden.jpg").read_bytes()], purposes=PURPOSES, notice=NOTICE, operator="desk")
        yield made


@pytest.fixture
def scene(keep: Keep, studio: Studio, pictures: Path) -> Iterator[Scene]:
    clock, detector = Clock(), ChosenDetector()
    captures = captures_with(keep, studio, detector, clock)
    app = build(keep, Rates(None, None), site=Site(ORIGIN), captures=captures)
    token = keep.issue_token("shop", [Scope.CAPTURE], days=1).token
    notice = keep.notices()[0].digest
    with Client(ORIGIN, token, transport=Through(app)) as shop:
        yield Scene(keep, app, clock, detector, shop, notice, lambda name: studio.crops(pictures / f"{name}.jpg"))
    keep.revoke_token("shop")


def _problem(answer: httpx2.Response) -> tuple[int, str, list[str]]:
    document = answer.json()
    return answer.status_code, document["type"].rpartition(":")[2], document.get("reasons", [])


# The whole way


def test_a_payment_that_a_live_face_confirms(scene: Scene) -> None:
    made = scene.shop.create_capture(
        scene.order(purpose=Purpose.PAYMENT, statement=SHOP, return_url="https://shop.example/paid", light=True)
    )
    assert made.link.startswith(f"{ORIGIN}/capture#fkl1_")
    assert scene.shop.capture(made.id).state == "waiting"
    page = scene.page()
    view = page.open(made.link)
    assert view["statement"] == {"amount": "12.50", "currency": "EUR", "payee": "Bakery Miller"}
    unsaid = {"retention": "", "recipients": "", "alternative": ""}
    assert view["notices"] == [{"digest": scene.notice, "language": "", "text": NOTICE} | unsaid]
    assert (view["camera"], view["alternative"], view["decided_by"]) == (True, "passkey", None)
    assert (view["asked_by"], view["return_url"], view["tries_left"]) == ("shop", "https://shop.example/paid", 3)
    taker = page.go_through(scene.crops("obama2"), scene.notice)
    assert {frame.step for frame in taker.frames} == {0, 1, 2, 3, 4}
    answer = page.send(taker.body())
    assert (answer.json()["outcome"], answer.json()["camera"]) == ("passed", False)
    found = scene.shop.capture(made.id)
    assert (found.outcome, found.state) == (CaptureOutcome.PASSED, "done")
    assert found.pad is not None
    assert found.pad["decision"] == "bona-fide"
    assert found.result is not None
    who = scene.keep.client_named("shop").id.hex()
    believed = {"audience": who, "nonce": made.nonce, "issuer": ORIGIN, "now": scene.clock.now}
    result = read_result(found.result, scene.shop.result_keys(), statement=SHOP, **believed)
    assert (result.assurance, result.subject) == (Assurance.LIVE, scene.keep.subject("marked-label").id)
    assert (result.capture, result.notice, result.fmr) == (made.id, scene.notice, 1e-4)
    assert result.reaches(Assurance.LIVE)
    assert not result.reaches(Assurance.LIVE_PASSKEY)
    # What the page learns tells nothing more than it has to.
    assert {"fmr", "sub", "subject", "result", "pad", "nonce"}.isdisjoint(page.look())
    assert page.look()["id"] == view["id"] == made.id


def test_a_result_of_anything_else_is_not_believed(scene: Scene) -> None:
    made, page = scene.opened(purpose=Purpose.PAYMENT, statement=SHOP)
    scene.done(page)
    token, keys = scene.shop.capture(made.id).result or "", scene.shop.result_keys()
    usual: dict[str, Any] = {
        "audience": scene.keep.client_named("shop").id.hex(),
        "nonce": made.nonce,
        "statement": SHOP,
        "now": scene.clock.now,
    }
    assert read_result(token, keys, **usual).outcome is CaptureOutcome.PASSED
    late = scene.clock.now + timedelta(minutes=10, seconds=31)
    for changed in (
        {"statement": Statement("12.51", "EUR", "Bakery Miller")},
        {"statement": Statement("12.5", "EUR", "Bakery Miller")},
        {"statement": Statement("12.50", "USD", "Bakery Miller")},
        {"statement": Statement("12.50", "EUR", "Bakery Muller")},
        {"statement": None},
        {"nonce": "0" * 32},
        {"audience": "0" * 32},
        {"issuer": "https://elsewhere.example"},
        {"now": late},
        {"now": scene.clock.now - timedelta(seconds=31)},
    ):
        with pytest.raises(AuthenticationError):
            read_result(token, keys, **usual | changed)
    # One character of any part changed: another signature, another claim, another header.
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(AuthenticationError):
            read_result(token[:place] + other + token[place + 1 :], keys, **usual)
    head, body, seal = token.split(".")
    none = "eyJhbGciOiJub25lIn0"
    for forged in ("", token + "A", f"{none}.{body}.", f"{none}.{body}.{seal}", f"{head}.{body}.", token + ".x"):
        with pytest.raises(AuthenticationError):
            read_result(forged, keys, **usual)
    other_key = {"keys": [{**keys["keys"][0], "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}
    for unfit in (other_key, {"keys": []}):
        with pytest.raises(AuthenticationError):
            read_result(token, unfit, **usual)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")
def test_another_library_reads_results_too(scene: Scene) -> None:
    from joserfc import jws
    from joserfc.jwk import KeySet

    made, page = scene.opened(statement=SHOP)
    assert page.http.delete("/v1/capture").status_code == 204
    token = scene.shop.capture(made.id).result or ""
    keys = scene.shop.result_keys()
    read = jws.deserialize_compact(token, KeySet.import_key_set(dict(keys)), algorithms=["EdDSA"])
    claims = json.loads(read.payload or b"")
    assert (claims["outcome"], claims["jti"]) == ("declined", made.id)
    assert read.headers()["typ"] == "facekeep-capture+jwt"
    (key,) = KeySet.import_key_set(dict(keys)).keys
    assert key.thumbprint() == keys["keys"][0]["kid"]


def test_somebody_is_enrolled_by_a_capture(scene: Scene) -> None:
    ann = Newcomer("ann", "Ann", (Purpose.VERIFY,), GUARDIAN, 9)
    enrolment = scene.order(intent=Intent.ENROL, label="", newcomer=ann)
    with pytest.raises(RefusedError):  # the scope capture alone enrols nobody
        scene.shop.create_capture(enrolment)
    token = scene.keep.issue_token("desk", [Scope.CAPTURE, Scope.ENROL], days=1).token
    with scene.client(token) as desk:
        made = desk.create_capture(enrolment)
        page = scene.page()
        page.open(made.link)
        assert scene.done(page, "biden").json()["outcome"] == "passed"
        result = desk.capture(made.id).result
        assert result is not None
    assert scene.keep.subject("ann").references == 3
    (consent,) = scene.keep.consents("ann")
    assert (consent.guardian, consent.evidence.written) == (GUARDIAN, f"capture:{made.id}")
    scene.keep.erase("ann")
    scene.keep.revoke_token("desk")


def test_only_who_administers_measures_reviewers_by_a_capture(scene: Scene) -> None:
    with pytest.raises(RefusedError, match="create-known-review"):
        scene.shop.create_capture(scene.order(known=Decision.ATTACK))
    token = scene.keep.issue_token("measuring", [Scope.CAPTURE, Scope.ADMINISTER], days=1).token
    with scene.client(token) as measuring:
        made = measuring.create_capture(scene.order(known=Decision.ATTACK))
        page = scene.page()
        assert page.open(made.link)["alternative"] is None
        assert scene.done(page).json()["reasons"] == ["known-answer"]
        assert measuring.capture(made.id).outcome is CaptureOutcome.INCONCLUSIVE
    scene.keep.revoke_token("measuring")


@pytest.mark.parametrize("about", ["label", "subject"])
def test_further_references_take_the_scope_enrol_too(scene: Scene, about: str) -> None:
    known = {"label": "marked-label", "subject": scene.keep.subject("marked-label").id}
    further = scene.order(intent=Intent.ENROL, **{"label": "", about: known[about]})
    before = scene.keep.subject("marked-label").references
    with pytest.raises(RefusedError, match="enrol"):
        scene.shop.create_capture(further)
    with pytest.raises(RefusedError, match="enrol"):  # and learns nothing of who is known
        scene.shop.create_capture(scene.order(intent=Intent.ENROL, label="nobody"))
    token = scene.keep.issue_token("desk", [Scope.CAPTURE, Scope.ENROL], days=1).token
    with scene.client(token) as desk:
        page, made = scene.page(), desk.create_capture(further)
        page.open(made.link)
        assert scene.done(page).json()["outcome"] == "passed"
        with pytest.raises(NotFoundError):
            desk.create_capture(scene.order(intent=Intent.ENROL, label="nobody"))
    for reference in scene.keep.references("marked-label")[before:]:
        scene.keep.remove_reference("marked-label", reference.id)
    scene.keep.revoke_token("desk")


def test_policies_see_whom_further_references_are_for_and_every_purpose(scene: Scene, tmp_path: Path) -> None:
    subject = scene.keep.subject("marked-label").id
    (tmp_path / "house.cedar").write_text(
        f"""
        forbid (principal, action == Action::"add-references", resource == Subject::"{subject}");
        forbid (principal, action == Action::"create-capture", resource)
        when {{ context has purpose && context.purpose == "identify" }};
        """
    )
    scene.app.state.policies = Policies.tightened(tmp_path)
    token = scene.keep.issue_token("desk", [Scope.CAPTURE, Scope.ENROL], days=1).token
    several = Newcomer("ann", "", (Purpose.VERIFY, Purpose.IDENTIFY))
    with scene.client(token) as desk:
        for refused, why in (
            ({"label": "marked-label"}, "add-references"),
            ({"label": "", "subject": subject}, "add-references"),
            ({"label": "", "newcomer": several}, "create-capture"),
        ):
            with pytest.raises(RefusedError, match=why):
                desk.create_capture(scene.order(intent=Intent.ENROL, **refused))
        desk.create_capture(scene.order(intent=Intent.ENROL, label="biden"))
        desk.create_capture(scene.order(intent=Intent.ENROL, label="", newcomer=Newcomer("ann")))
    scene.keep.revoke_token("desk")


def test_the_asynchronous_client_orders_too(scene: Scene) -> None:
    import anyio

    token = scene.keep.issue_token("other", [Scope.CAPTURE], days=1).token

    async def work() -> None:
        async with AsyncClient(ORIGIN, token, transport=httpx2.ASGITransport(scene.app)) as client:
            made = await client.create_capture(scene.order())
            assert (await client.capture(made.id)).outcome is None
            await client.cancel_capture(made.id)
            with pytest.raises(NotFoundError):
                await client.capture(made.id)
            assert (await client.result_keys())["keys"][0]["crv"] == "Ed25519"

    anyio.run(work)
    scene.keep.revoke_token("other")


def test_a_person_orders_too(scene: Scene) -> None:
    operator = scene.keep.invite("op", [Role.OPERATOR]).account
    auditor = scene.keep.invite("audit", [Role.AUDITOR]).account
    for account, status in ((operator, 201), (auditor, 403)):
        secret, _ = scene.keep.begin_session(account.id)
        http = TestClient(scene.app, base_url=ORIGIN, headers={"Cookie": f"facekeep={secret}", "Origin": ORIGIN})
        answer = http.post("/v1/capture-sessions", json={"label": "marked-label", "notices": [scene.notice]})
        assert answer.status_code == status, answer.text
        if status == 201:
            assert http.get(f"/v1/capture-sessions/{answer.json()['id']}").json()["state"] == "waiting"
    scene.keep.revoke_account("op")
    scene.keep.revoke_account("audit")


# People


def test_what_the_machine_cannot_decide_people_do(scene: Scene) -> None:
    for name in ("rita", "rob"):
        account = scene.keep.invite(name, [Role.REVIEWER]).account
        scene.keep.add_reviewer_key(X25519PrivateKey.generate().public_key().public_bytes_raw(), who=account)
    made, page = scene.opened()
    key = _base64url(X25519PrivateKey.generate().public_key().public_bytes_raw())
    body = page.go_through(scene.crops("obama2"), scene.notice).body()
    for bad in (key[:-1], key + "AA", _base64url(bytes(32)), "?" + key[1:], "A" * 65):
        assert _problem(page.send(body, key=bad))[:2] == (422, "invalid-request"), bad
    assert page.look()["tries_left"] == 2  # the try is still under way: a key that is none uses none up
    with finding(scene.detector, LIFELESS):
        view = page.send(body, key=key).json()
    found = scene.shop.capture(made.id)
    assert (view["state"], view["outcome"], view["camera"]) == ("review", None, False)
    assert datetime.fromisoformat(view["review_until"]) == found.expires
    assert page.look() == view
    assert (found.state, found.outcome, found.result) == (CaptureState.REVIEW, None, None)
    assert found.review is not None
    for name in ("rita", "rob"):
        account = scene.keep.account_named(name)
        scene.keep.claim_review(found.review, who=account)
        look(scene.keep, found.review, account)
        scene.keep.vote(found.review, Decision.ATTACK, ReasonCode.SCREEN, who=account)
    result = scene.read(made, now=datetime.now(UTC))
    assert (result.outcome, result.decided_by, result.review) == (CaptureOutcome.REFUSED, "people", found.review)
    assert (page.look()["state"], page.look()["outcome"]) == ("done", "refused")
    for name in ("rita", "rob"):
        scene.keep.revoke_account(name)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# Off


def test_a_payment_that_is_switched_off_starts_no_camera(scene: Scene) -> None:
    waiting = scene.shop.create_capture(scene.order(purpose=Purpose.PAYMENT, statement=SHOP))
    scene.keep.switch(Purpose.PAYMENT, False)
    try:
        with pytest.raises(PurposeOffError):
            scene.shop.create_capture(scene.order(purpose=Purpose.PAYMENT))
        view = scene.page().open(waiting.link)
    finally:
        scene.keep.switch(Purpose.PAYMENT, True)
    assert (view["state"], view["outcome"], view["camera"], view["alternative"]) == ("done", "off", False, None)
    assert scene.shop.capture(waiting.id).outcome is CaptureOutcome.OFF


def test_a_photo_pays_for_nothing(scene: Scene, pictures: Path) -> None:
    token = scene.keep.issue_token("till", [Scope.VERIFY], days=1).token
    picture = (pictures / "obama2.jpg").read_bytes()
    with scene.client(token) as till:
        assert till.verify("marked-label", picture, by_label=True).verified
        with pytest.raises(RefusedError, match="verify"), structlog.testing.capture_logs() as lines:
            till.verify("marked-label", picture, by_label=True, purpose=Purpose.PAYMENT)
    assert lines[-1]["refusal"] == "payment-needs-a-live-face"
    http = TestClient(scene.app, base_url=ORIGIN, headers={"Authorization": f"Bearer {token}"})
    said = {"label": "marked-label", "purpose": "payment", "key": "0" * 32}
    answer = http.post("/v1/verifications/statements", data=said, files={"picture": picture})
    assert _problem(answer)[:2] == (403, "forbidden")
    scene.keep.revoke_token("till")


# Attacks on the protocol


def test_a_link_opens_once_and_for_one_browser(scene: Scene) -> None:
    made = scene.shop.create_capture(scene.order())
    first, second = scene.page(), scene.page()
    first.open(made.link)
    secret = made.link.partition("#")[2]
    for page in (first, second):
        answer = page.http.post("/v1/capture", json={"link": secret})
        assert _problem(answer)[:2] == (401, "unauthenticated")
    assert second.http.get("/v1/capture").status_code == 401
    assert first.look()["state"] == "open"


EVERY_ACT = (
    ("POST", "/tries"),
    ("POST", "/steps"),
    ("PUT", "/frames"),
    ("POST", "/passkey/options"),
    ("POST", "/passkey"),
    ("DELETE", ""),
)
ANOTHER = (409, "another-capture")


def test_another_link_in_the_same_browser_swaps_nothing(scene: Scene, owner: Authenticator) -> None:
    """Somebody has tab 1 show a small amount, and another window of the browser open a link of a large one."""
    small = scene.shop.create_capture(scene.order(purpose=Purpose.PAYMENT, statement=Statement("1.00", "EUR", "Shop")))
    large = scene.shop.create_capture(
        scene.order(purpose=Purpose.PAYMENT, statement=Statement("9000.00", "EUR", "Eve"))
    )
    tab = scene.page()
    assert tab.open(small.link)["statement"]["amount"] == "1.00"
    window = tab.beside(large.link)
    # Whatever the person does before the tab, nothing of it counts for the large amount.
    for method, path in EVERY_ACT:
        assert _problem(tab.http.request(method, f"/v1/capture{path}"))[:2] == ANOTHER, (method, path)
    assert _problem(tab.http.get("/v1/capture"))[:2] == ANOTHER
    assert _problem(tab.http.post("/v1/capture/tries", json={"notice": scene.notice}))[:2] == ANOTHER
    # Nor where the window began a try, or a ceremony, and the tab sends the frames or the key.
    body = window.go_through(scene.crops("obama2"), scene.notice).body()
    begun = window.http.post("/v1/capture/passkey/options").json()
    said = {"ceremony": begun["ceremony"], "credential": owner.answer(begun["options"])}
    assert _problem(tab.send(body))[:2] == ANOTHER
    assert _problem(tab.http.post("/v1/capture/passkey", json=said))[:2] == ANOTHER
    for made in (small, large):
        assert scene.shop.capture(made.id).outcome is None
    assert window.look()["tries_left"] == 2
    # The window itself goes on, with the amount that it shows.
    assert window.look()["statement"]["amount"] == "9000.00"
    assert window.send(body).json()["outcome"] == "passed"
    assert scene.shop.capture(small.id).outcome is None


def test_only_a_page_that_was_loaded_anew_names_no_capture(scene: Scene) -> None:
    made, page = scene.opened()
    page.http.headers.pop(NAMING)
    assert page.look()["id"] == made.id
    for method, path in EVERY_ACT:
        assert _problem(page.http.request(method, f"/v1/capture{path}"))[:2] == ANOTHER, (method, path)
        for other in ("0" * 32, made.id.upper() + "0", f"{made.id}, {made.id}"):
            answer = page.http.request(method, f"/v1/capture{path}", headers={NAMING: other})
            assert _problem(answer)[:2] == ANOTHER, (method, path, other)
    assert (page.look()["state"], page.look()["tries_left"]) == ("open", 3)


def test_the_cookie_is_kept_from_scripts_and_other_sites(scene: Scene) -> None:
    made = scene.shop.create_capture(scene.order())
    page = scene.page()
    answer = page.http.post("/v1/capture", json={"link": made.link.partition("#")[2]})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("facekeep-capture=fkc1_")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert Site("https://faces.example").capture_cookie == "__Host-facekeep-capture"
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
    ):
        for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/frames"), ("POST", "/tries"), ("POST", "")):
            refused = page.http.request(method, f"/v1/capture{path}", headers=headers)
            assert _problem(refused)[:2] == (403, "other-site"), (method, path, headers)
    assert page.look()["state"] == "open"


def test_nobody_else_reads_a_capture(scene: Scene) -> None:
    made = scene.shop.create_capture(scene.order())
    token = scene.keep.issue_token("rival", [Scope.CAPTURE], days=1).token
    with scene.client(token) as rival:
        for act in (rival.capture, rival.cancel_capture):
            with pytest.raises(NotFoundError):
                act(made.id)
    assert scene.shop.capture(made.id).outcome is None
    scene.keep.revoke_token("rival")


def test_frames_that_were_changed_are_refused(scene: Scene) -> None:
    _, page = scene.opened()
    taker = page.go_through(scene.crops("obama2"), scene.notice)
    frames = taker.frames
    exchanged = [*frames[:3], *page.go_through(scene.crops("obama3"), scene.notice).frames[3:]]
    assert _problem(page.send(taker.body())) == (409, "capture-refused", ["order"])  # of the first try
    assert _problem(page.send(taker.body())) == (409, "capture-refused", ["over"])
    third = page.go_through(scene.crops("obama2"), scene.notice)
    assert _problem(page.send(third.body(exchanged))) == (409, "capture-refused", ["chain"])
    assert page.look()["outcome"] == "inconclusive"
    assert _problem(page.http.post("/v1/capture/tries", json={"notice": scene.notice})) == (
        409,
        "capture-refused",
        ["over"],
    )


def test_a_body_that_passed_does_not_pass_again(scene: Scene) -> None:
    made, again = scene.shop.create_capture(scene.order()), scene.shop.create_capture(scene.order())
    page, thief = scene.page(), scene.page()
    page.open(made.link)
    body = page.go_through(scene.crops("obama2"), scene.notice).body()
    assert page.send(body).json()["outcome"] == "passed"
    assert _problem(page.send(body)) == (409, "capture-refused", ["over"])
    thief.open(again.link)
    scene.clock.wait(5)
    thief.go_through(scene.crops("biden"), scene.notice)
    assert _problem(thief.send(body)) == (409, "capture-refused", ["chain"])


def test_who_is_late_and_who_asks_out_of_order(scene: Scene) -> None:
    _, page = scene.opened()
    page.http.post("/v1/capture/tries", json={"notice": scene.notice})
    scene.clock.wait(14.5)
    said = {"try": 1, "frames": 4, "head": "0" * 64}
    assert _problem(page.http.post("/v1/capture/steps", json=said)) == (409, "capture-refused", ["late"])
    page.http.post("/v1/capture/tries", json={"notice": scene.notice})
    assert _problem(page.http.post("/v1/capture/steps", json=said)) == (409, "capture-refused", ["order"])
    page.http.post("/v1/capture/tries", json={"notice": scene.notice})
    answer = page.http.post("/v1/capture/steps", json=said | {"try": 3, "frames": 0})
    assert _problem(answer) == (409, "capture-refused", ["count"])
    assert (page.look()["tries_left"], page.look()["outcome"]) == (0, "inconclusive")


def test_bodies_are_bounded_and_of_their_kind(scene: Scene) -> None:
    _, page = scene.opened()
    assert _problem(page.send(bytes(BODY_BYTES_MAX + 1)))[:2] == (413, "body-too-large")
    answer = page.http.put("/v1/capture/frames", content=b"x", headers={"Content-Type": "image/jpeg"})
    assert _problem(answer)[:2] == (415, "media-type")
    assert page.look()["tries_left"] == 3  # nothing of these reached the capture
    page.go_through(scene.crops("obama2"), scene.notice)
    assert _problem(page.send(b"no container"))[:2] == (422, "invalid-request")
    assert (page.look()["tries_left"], page.look()["reasons"]) == (2, ["unreadable"])


def test_a_wide_frame_is_refused(scene: Scene) -> None:
    _, page = scene.opened()
    usual = scene.crops("obama2")
    wide = Crops(usual.face, usual.face, usual.box, usual.width, usual.height)  # another size than thumbnails have
    assert _problem(page.send(page.go_through(wide, scene.notice).body()))[:2] == (422, "frame-too-wide")
    assert page.look()["reasons"] == ["frame-too-wide"]
    assert scene.detector.seen == []


# Passkeys


@pytest.fixture
def owner(keep: Keep) -> Iterator[Authenticator]:
    """The passkey of the person who is claimed."""
    yield _registered(keep, "owner", "marked-label")
    keep.revoke_account("owner")


def _registered(keep: Keep, name: str, label: str | None, role: Role = Role.DATA_SUBJECT) -> Authenticator:
    invited, made = keep.invite(name, [role], label=label), Authenticator(ORIGIN)
    begun = keep.begin_registration(invited.secret, ORIGIN)
    keep.finish_registration(invited.secret, begun.name, made.make(begun.options), ORIGIN)
    return made


def _answered(page: Page, authenticator: Authenticator) -> httpx2.Response:
    begun = page.http.post("/v1/capture/passkey/options").json()
    said = {"ceremony": begun["ceremony"], "credential": authenticator.answer(begun["options"])}
    return page.http.post("/v1/capture/passkey", json=said)


def test_a_passkey_in_place_of_a_face(scene: Scene, owner: Authenticator) -> None:
    made, page = scene.opened(purpose=Purpose.PAYMENT, statement=SHOP)
    answer = _answered(page, owner)
    assert answer.json()["outcome"] == "passed", answer.text
    assert "set-cookie" not in answer.headers  # nobody is signed in by it
    result = scene.read(made, statement=SHOP)
    assert (result.assurance, result.fmr) == (Assurance.PASSKEY, None)
    assert not result.reaches(Assurance.LIVE)
    assert result.reaches(Assurance.PASSKEY)
    assert scene.detector.seen == []


def test_a_passkey_after_a_face_that_was_none_of_the_person(scene: Scene, owner: Authenticator) -> None:
    made, page = scene.opened()
    assert scene.done(page, "biden").json()["reasons"] == ["claim"]
    assert _answered(page, owner).json()["outcome"] == "passed"
    result = scene.read(made)
    assert (result.assurance, result.fmr) == (Assurance.PASSKEY, None)
    assert result.subject == scene.keep.subject("marked-label").id
    assert scene.shop.capture(made.id).pad is not None


def test_passkeys_of_others_prove_nothing(scene: Scene, owner: Authenticator) -> None:
    _, page = scene.opened()
    others = [_registered(scene.keep, "joe", "biden"), _registered(scene.keep, "operator", None, Role.OPERATOR)]
    for other in others:
        assert _problem(_answered(page, other))[:2] == (401, "unauthenticated")
    stranger = page.http.post("/v1/capture/passkey", json={"ceremony": "0" * 32, "credential": "{}"})
    assert _problem(stranger)[:2] == (401, "unauthenticated")
    # A challenge is answered once, soon, in the capture that gave it, and not where people sign in.
    begun = page.http.post("/v1/capture/passkey/options").json()
    said = {"ceremony": begun["ceremony"], "credential": owner.answer(begun["options"])}
    _, elsewhere = scene.opened()
    assert elsewhere.http.post("/v1/capture/passkey", json=said).status_code == 401
    assert page.http.post("/v1/sessions", json=said).status_code == 401
    sign_in = page.http.post("/v1/sessions/options").json()
    foreign = {"ceremony": begun["ceremony"], "credential": owner.answer(sign_in["options"])}
    assert page.http.post("/v1/capture/passkey", json=foreign).status_code == 401
    assert page.http.post("/v1/capture/passkey", json=said).status_code == 401  # used up
    assert page.look()["state"] == "open"
    assert _answered(page, owner).json()["outcome"] == "passed"
    scene.keep.revoke_account("joe")
    scene.keep.revoke_account("operator")


@pytest.mark.parametrize("alternatives", [True, False])
def test_face_and_passkey_where_both_are_wanted(scene: Scene, owner: Authenticator, alternatives: bool) -> None:
    made = scene.shop.create_capture(scene.order(assurance=Assurance.LIVE_PASSKEY, alternatives=alternatives))
    page = scene.page()
    assert page.open(made.link)["alternative"] is None
    view = scene.done(page).json()
    assert (view["state"], view["outcome"], view["decided_by"]) == ("open", None, "passkey")
    assert (view["camera"], view["alternative"]) == (False, None)
    answer = page.http.post("/v1/capture/tries", json={"notice": scene.notice})
    assert _problem(answer) == (409, "capture-refused", ["over"])
    assert _answered(page, owner).json()["outcome"] == "passed"
    result = scene.read(made)
    assert result.reaches(Assurance.LIVE_PASSKEY)


def test_where_no_alternative_is_allowed_a_passkey_passes_nothing_by_itself(scene: Scene, owner: Authenticator) -> None:
    _, page = scene.opened(alternatives=False)
    answer = page.http.post("/v1/capture/passkey/options")
    assert _problem(answer) == (409, "capture-refused", ["over"])


@pytest.mark.parametrize("alternatives", [True, False])
def test_a_passkey_that_comes_first_waits_for_the_face(scene: Scene, owner: Authenticator, alternatives: bool) -> None:
    made, page = scene.opened(assurance=Assurance.LIVE_PASSKEY, alternatives=alternatives)
    view = _answered(page, owner).json()
    assert (view["state"], view["outcome"], view["camera"], view["alternative"]) == ("open", None, True, None)
    again = page.http.post("/v1/capture/passkey/options")
    assert _problem(again) == (409, "capture-refused", ["over"])
    assert scene.done(page, "biden").json()["reasons"] == ["claim"]
    assert scene.done(page).json()["outcome"] == "passed"
    assert scene.read(made).reaches(Assurance.LIVE_PASSKEY)
    # The way without a face.
    made, page = scene.opened(assurance=Assurance.LIVE_PASSKEY, alternatives=alternatives)
    _answered(page, owner)
    assert page.http.delete("/v1/capture").status_code == 204
    assert scene.read(made).assurance is None


# Nothing of a person, and nothing of a frame


@pytest.mark.parametrize("finds", [ATTACK, LIFELESS])
def test_nothing_of_a_frame_or_a_person_is_told(scene: Scene, finds: Any, capfd: pytest.CaptureFixture[str]) -> None:
    with structlog.testing.capture_logs() as lines, finding(scene.detector, finds):
        made, page = scene.opened(statement=Statement("1", "EUR", "MARKED-PAYEE"), purpose=Purpose.PAYMENT)
        taker = page.go_through(scene.crops("obama2"), scene.notice)
        answers = [page.send(taker.body()), page.send(taker.body()), page.send(b"\xff\xd8MARKED-PIXELS")]
        answers.append(page.http.get("/v1/capture"))
    logged = repr(lines) + "".join(capfd.readouterr())
    assert not re.search(r"marked", logged, re.IGNORECASE)
    for secret in (made.link.partition("#")[2], page.http.cookies["facekeep-capture"], taker.frames[0].face.hex()[:64]):
        assert secret not in logged
    told = "".join(answer.text for answer in answers[:3])
    assert not re.search(r"marked-(label|name|pixels)", told, re.IGNORECASE)
    assert all(line["client"] for line in lines if "tries" in line["operation"])


def test_nothing_is_written_to_a_disk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    _, page = scene.opened()
    taker = page.go_through(scene.crops("obama2"), scene.notice)

    def never(*_: object, **__: object) -> None:
        pytest.fail("a file was made")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, never)
    assert page.send(taker.body()).json()["outcome"] == "passed"


def test_where_no_browser_comes_there_are_no_captures(keep: Keep) -> None:
    token = keep.issue_token("alone", [Scope.CAPTURE], days=1).token
    http = TestClient(build(keep, Rates(None, None)), headers={"Authorization": f"Bearer {token}"})
    answer = http.post("/v1/capture-sessions", json={"label": "x", "notices": [keep.notices()[0].digest]})
    assert _problem(answer)[:2] == (404, "not-found")
    assert http.get("/v1/capture").status_code == 404
    keep.revoke_token("alone")

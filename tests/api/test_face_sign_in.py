"""Signing in with a live face: in one browser, once, and nobody learns by it who has an account.

Pictures, crops, chain, container, gate, keep and sessions are real. What is found of the face is chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.webhooks import EventKind
from facekeep.face.models import ModelPack
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.capture import NAMING
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service import capture_sessions
from facekeep.service.answers import AccessOutcome
from facekeep.service.capture_judging import Judge
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from tests.api.test_captures import ORIGIN, Page
from tests.capturing import ATTACK, ChosenDetector, Clock, Crops, Studio

NOTICE = "We compare your face when you sign in."


@pytest.fixture(scope="module")
def studio(pack: ModelPack) -> Studio:
    return Studio(pack)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Iterator[Keep]:
    with Keep.create(tmp_path_factory.mktemp("face") / "keep", purposes=[Purpose.VERIFY]) as made:
        notice = made.add_notice(NOTICE, language="en", purposes=[Purpose.VERIFY])
        for label in ("obama", "biden"):
            picture = (pictures / f"{label}.jpg").read_bytes()
            made.enrol(label, [picture], purposes=[Purpose.VERIFY], notice=notice.text, operator="desk")
            made.invite(f"{label} at home", [Role.DATA_SUBJECT], label=label)
        made.invite("an operator", [Role.OPERATOR])
        yield made


class Scene:
    """A served keep, and browsers."""

    def __init__(self, keep: Keep, studio: Studio, pictures: Path) -> None:
        self.keep, self.clock, self.detector = keep, Clock(), ChosenDetector()
        judge = Judge(keep, lambda: studio.gate, lambda: self.detector, lambda: studio.masker)
        captures = CaptureService(keep, judge, clock=self.clock)
        self.app: FastAPI = build(keep, Rates(None, None), site=Site(ORIGIN), captures=captures, face_sign_in=True)
        self.crops: Callable[[str], Crops] = lambda name: studio.crops(pictures / f"{name}.jpg")

    def begun(self, account: str) -> Page:
        """A browser in which somebody wants to sign in."""
        page = Page(self.app, self.clock)
        answer = page.http.post("/v1/sessions/face/captures", json={"account": account})
        assert (answer.status_code, answer.json()) == (201, {"capture": "/capture"})
        page.http.headers[NAMING] = page.look()["id"]
        return page

    def tried(self, page: Page, picture: str) -> httpx2.Response:
        """Go through a try."""
        return page.send(page.go_through(self.crops(picture), page.look()["notices"][0]["digest"]).body())


@pytest.fixture
def scene(keep: Keep, studio: Studio, pictures: Path) -> Scene:
    return Scene(keep, studio, pictures)


def finish(page: Page) -> httpx2.Response:
    return page.http.post("/v1/sessions/face")


def test_a_live_face_signs_its_person_in_once(scene: Scene) -> None:
    page = scene.begun("obama at home")
    view = page.look()
    assert (view["state"], view["asked_by"], view["alternative"]) == ("open", "localhost", None)
    assert (view["return_url"], [each["text"] for each in view["notices"]]) == (f"{ORIGIN}/me", [NOTICE])
    assert finish(page).status_code == 401  # not before the face was found
    assert scene.tried(page, "obama2").json()["outcome"] == "passed"
    done = finish(page)
    assert (done.status_code, done.json()["account"], done.json()["roles"]) == (201, "obama at home", ["data-subject"])
    assert "httponly" in done.headers["set-cookie"].lower()
    own = page.http.get(f"/v1/subjects/{done.json()['subject']}/accesses").json()["accesses"]
    assert (own[0]["outcome"], own[0]["operator"]) == (AccessOutcome.VERIFIED, "sign-in by face")
    assert finish(page).status_code == 401


def test_another_face_a_name_that_nobody_has_and_a_withdrawal_end_alike(scene: Scene, keep: Keep) -> None:
    ends = []
    for account, picture in (
        ("obama at home", "biden"),
        ("nobody of this name", "biden"),
        ("an operator", "biden"),
        ("\u200b" * 3 + "no name \n", "biden"),
    ):
        page = scene.begun(account)
        view = page.look()
        told = [scene.tried(page, picture).json() for _ in range(3)]
        assert finish(page).status_code == 401
        volatile = {"id", "expires"}
        ends.append([{k: v for k, v in each.items() if k not in volatile} for each in (view, *told)])
    assert all(end == ends[0] for end in ends)
    assert (ends[0][-1]["outcome"], ends[0][-1]["reasons"]) == ("inconclusive", ["claim"])
    keep.withdraw_consent("biden", Purpose.VERIFY)
    page = scene.begun("biden at home")
    told = [scene.tried(page, "biden").json() for _ in range(3)]
    assert [each["reasons"] for each in told] == [["claim"]] * 3
    assert finish(page).status_code == 401


def test_an_attack_signs_nobody_in(scene: Scene) -> None:
    page = scene.begun("obama at home")
    scene.detector.finds = ATTACK
    assert scene.tried(page, "obama2").json()["outcome"] is None
    assert finish(page).status_code == 401


def test_a_capture_that_was_ordered_for_something_else_signs_nobody_in(scene: Scene, keep: Keep) -> None:
    token = keep.issue_token("shop", [Scope.CAPTURE], days=1).token
    shop = Page(scene.app, scene.clock).http
    order = {"subject": keep.subject("obama").id, "notices": [keep.notices()[0].digest]}
    made = shop.post("/v1/capture-sessions", json=order, headers={"Authorization": f"Bearer {token}"})
    page = Page(scene.app, scene.clock)
    page.open(made.json()["link"])
    assert scene.tried(page, "obama2").json()["outcome"] == "passed"
    assert finish(page).status_code == 401


def test_an_account_that_is_revoked_meanwhile_is_not_signed_in(scene: Scene, keep: Keep) -> None:
    keep.invite("obama at work", [Role.DATA_SUBJECT], label="obama")
    page = scene.begun("obama at work")
    assert scene.tried(page, "obama2").json()["outcome"] == "passed"
    keep.revoke_account("obama at work")
    assert finish(page).status_code == 401


def test_who_withdrew_between_the_face_and_the_session_is_not_signed_in(scene: Scene, keep: Keep) -> None:
    page = scene.begun("obama at home")
    assert scene.tried(page, "obama2").json()["outcome"] == "passed"
    keep.withdraw_consent("obama", Purpose.VERIFY)
    try:
        assert finish(page).status_code == 401
    finally:
        keep.give_consent("obama", Purpose.VERIFY, NOTICE)


def test_strangers_neither_take_the_room_of_others_nor_have_webhooks_told(
    scene: Scene, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = keep.add_webhook("https://hooks.example.org/", [EventKind.CAPTURE_FINISHED])
    monkeypatch.setattr(capture_sessions, "SESSIONS_OF_ONE", 2)
    busy = scene.begun("obama at home")
    busy.go_through(scene.crops("obama2"), busy.look()["notices"][0]["digest"])  # who began a try is not put out
    idle = scene.begun("nobody of this name")
    scene.begun("nobody of this name")
    assert idle.http.get("/v1/capture").status_code == 401
    assert busy.look()["state"] == "open"
    scene.clock.wait(200)
    assert busy.look()["outcome"] == "expired"
    assert keep.waiting_deliveries(hook.id) == ()
    keep.remove_webhook(hook.id.hex())


def test_a_version_that_was_replaced_is_not_shown(scene: Scene, keep: Keep) -> None:
    (first,) = [notice for notice in keep.notices() if notice.text == NOTICE]
    newer = keep.add_notice(
        NOTICE, language="en", purposes=[Purpose.VERIFY], retention="A year.", replaces=first.digest
    )
    shown = [each["digest"] for each in scene.begun("obama at home").look()["notices"]]
    assert shown == [newer.digest]


def test_it_is_off_unless_the_service_is_started_with_it(keep: Keep, scene: Scene) -> None:
    off = Page(build(keep, Rates(None, None), site=Site(ORIGIN)), Clock()).http
    assert off.get("/v1/sessions/ways").json() == {"passkey": True, "face": False, "elsewhere": None}
    assert off.post("/v1/sessions/face/captures", json={"account": "obama at home"}).status_code == 404
    assert off.post("/v1/sessions/face").status_code == 404
    on = Page(scene.app, scene.clock).http
    assert on.get("/v1/sessions/ways").json()["face"]
    other_site = {"Sec-Fetch-Site": "cross-site"}
    answer = on.post("/v1/sessions/face/captures", json={"account": "obama at home"}, headers=other_site)
    assert answer.status_code == 403


def test_a_switch_that_is_off_and_a_missing_notice_are_told(scene: Scene, keep: Keep, tmp_path: Path) -> None:
    page = Page(scene.app, scene.clock).http
    keep.switch(Purpose.VERIFY, False)
    try:
        answer = page.post("/v1/sessions/face/captures", json={"account": "obama at home"})
        assert answer.json()["type"].endswith("purpose-off")
    finally:
        keep.switch(Purpose.VERIFY, True)
    with Keep.create(tmp_path / "keep", purposes=[Purpose.VERIFY]) as empty:
        app = build(empty, Rates(None, None), site=Site(ORIGIN), face_sign_in=True)
        answer = Page(app, scene.clock).http.post("/v1/sessions/face/captures", json={"account": "x"})
        assert "facekeep notice add" in answer.json()["hint"]

"""Reviews over HTTP: four eyes, a masked face in one browser, and nobody else's business."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from httpx2 import Response
from PIL import Image
from starlette.testclient import TestClient

from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.review import Decision, PictureRole, Review, ReviewId, ReviewKind, ReviewReason, ReviewState
from facekeep.domain.reviewer import key_id
from facekeep.errors import GoneError, NotFoundError, ReviewConflictError
from facekeep.face.images import decode
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.site import Site
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import NewReview
from facekeep.service.review_filing import ReviewFiling
from facekeep.service.review_sealing import open_with
from tests.api.conftest import NOTICE, b64
from tests.api.test_client import Through

SITE = "http://localhost"
LIVE = {"decision": "bona-fide", "code": "looks-live"}
ATTACK = {"decision": "attack", "code": "screen"}
FIGURES: dict[str, Any] = {
    "intent": "verify",
    "purpose": "verify",
    "assurance": "live",
    "pad": {
        "decision": "inconclusive",
        "reasons": ["flat"],
        "findings": [{"voice": "depth", "verdict": "doubts", "reasons": [], "figures": {"depth": 0.5}}],
    },
    "curves": [{"name": "yaw", "unit": "degrees", "at": [0.0, 0.5], "values": [1.0, -2.5]}],
    "comparison": {"fmr": 1e-4, "holds_at": 1e-3},
}


def raw(text: str) -> bytes:
    """Of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Clock:
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Person:
    """Somebody in a browser, with a private key that stays there."""

    keep: Keep
    app: FastAPI
    name: str
    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @property
    def key(self) -> str:
        return key_id(self.public).hex()

    def ask(self, method: str, path: str, **more: Any) -> Response:
        secret, _ = self.keep.begin_session(self.keep.account_named(self.name).id)
        headers = {"Cookie": f"facekeep={secret}", "Sec-Fetch-Site": "same-origin"}
        client = TestClient(self.app, base_url=SITE, headers=headers, raise_server_exceptions=False)
        return client.request(method, path, **more)

    def get(self, path: str, **more: Any) -> Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, document: object = None) -> Response:
        return self.ask("POST", path, json=document)

    def register(self) -> None:
        told = self.post("/v1/reviewer/keys", {"public": base64.urlsafe_b64encode(self.public).rstrip(b"=").decode()})
        assert told.json() == {"id": self.key}

    def look(self, review: str, reason: str = "figures-undecided") -> Response:
        return self.post(f"/v1/reviews/{review}/views", {"reason": reason, "key": self.key})

    def opened(self, review: str, pictures: list[dict[str, Any]]) -> list[bytes]:
        return [
            open_with(
                self.private,
                ReviewId(bytes.fromhex(review)),
                each["index"],
                sealed=raw(each["sealed"]),
                share=raw(each["share"]),
                wrapped=raw(each["wrapped"]),
            )
            for each in pictures
        ]

    def vote(self, review: str, said: dict[str, str], *, look: bool = True) -> Response:
        """Claim, look, and say it."""
        assert self.post(f"/v1/reviews/{review}/claim").status_code == 200
        if look:
            assert self.look(review).status_code == 201
        return self.post(f"/v1/reviews/{review}/votes", said)


@dataclass
class Office:
    """A keep with reviewers of two organisations, and clients of both."""

    keep: Keep
    app: FastAPI
    clock: Clock
    people: dict[str, Person] = field(default_factory=dict)

    def invite(self, name: str, role: Role, organisation: str = "", label: str | None = None) -> Person:
        self.keep.invite(name, [role], organisation=organisation, label=label)
        self.people[name] = Person(self.keep, self.app, name)
        return self.people[name]

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    @staticmethod
    def called(organisation: str, *scopes: Scope) -> str:
        return f"client of {organisation or 'the keep'} with {' '.join(scopes or (Scope.REVIEW,))}"

    def client(self, organisation: str = "", *scopes: Scope) -> TestClient:
        name = self.called(organisation, *scopes)
        if name not in {each.name for each in self.keep.clients()}:
            made = self.keep.issue_token(name, scopes or [Scope.REVIEW], days=30, organisation=organisation)
            self._tokens[name] = made.token
        headers = {"Authorization": f"Bearer {self._tokens[name]}"}
        return TestClient(self.app, base_url=SITE, headers=headers, raise_server_exceptions=False)

    _tokens: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def masker() -> FaceMasker:
    return FaceMasker.build(ModelPack.load())


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, pictures: Path, masker: FaceMasker) -> Iterator[Office]:
    clock = Clock()
    with Keep.create(tmp_path_factory.mktemp("reviews") / "keep", clock=clock) as keep:
        picture = (pictures / "obama.jpg").read_bytes()
        keep.enrol("obama", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, operator="desk")
        app = build(keep, Rates(None, None), site=Site(SITE), filing=ReviewFiling(keep, lambda: masker))
        made = Office(keep, app, clock)
        for name in ("ann", "bob", "cyd", "dan"):
            made.invite(name, Role.REVIEWER).register()
        for name in ("eve", "fay"):
            made.invite(name, Role.REVIEWER, "other").register()
        made.invite("olga", Role.OFFICER).register()
        made.invite("adam", Role.ADMINISTRATOR)
        made.invite("barack", Role.DATA_SUBJECT, label="obama")
        yield made


@pytest.fixture(scope="module")
def probe(pictures: Path) -> bytes:
    return (pictures / "obama2.jpg").read_bytes()


@pytest.fixture(scope="module")
def masked(masker: FaceMasker, probe: bytes) -> bytes:
    return masker.picture(decode(probe))


File = Callable[..., str]


@pytest.fixture
def file(office: Office, masked: bytes) -> File:
    """Files a review in the keep, as a capture does; gives its identifier."""
    office.client("", Scope.CAPTURE)
    owner = office.keep.client_named(office.called("", Scope.CAPTURE))

    def filed(**more: Any) -> str:
        wanted = {"kind": ReviewKind.PRESENTATION, "reasons": (ReviewReason.INCONCLUSIVE,), "owner": owner}
        review = office.keep.file_review(NewReview(**{**wanted, "probes": (masked,), **more}))
        assert isinstance(review, Review)
        return review.id.hex()

    return filed


def form(kind: str, *probes: bytes, reference: bytes = b"", **fields: str) -> dict[str, Any]:
    files = [("probe", ("a", each, "image/jpeg")) for each in probes]
    return {"data": {"kind": kind, **fields}, "files": files + ([("reference", ("b", reference))] if reference else [])}


def test_two_people_decide_by_a_masked_face(office: Office, probe: bytes) -> None:
    client, ann, bob = office.client(), office["ann"], office["bob"]
    filed = client.post("/v1/reviews", **form("presentation", probe))
    assert filed.status_code == 201, filed.text
    assert (filed.json()["state"], filed.json()["reasons"], filed.json()["evidence"]) == ("open", ["asked"], None)
    review = filed.json()["id"]
    assert ann.look(review).json()["type"].endswith("review-conflict")  # without a claim
    claimed = ann.post(f"/v1/reviews/{review}/claim").json()
    assert (claimed["votes_missing"], claimed["evidence"]["pad"], claimed["mine"]) == (2, None, None)
    assert claimed["claim"]["until"] == (office.clock.now + timedelta(minutes=15)).isoformat().replace("+00:00", "Z")
    without = ann.post(f"/v1/reviews/{review}/views", {"key": ann.key})
    assert (without.status_code, without.json()["faults"][0]["field"]) == (422, "reason")
    early = ann.post(f"/v1/reviews/{review}/votes", LIVE)
    assert (early.status_code, early.json()["detail"]) == (422, "whoever says so has looked at the face")
    shown = ann.look(review)
    assert (shown.status_code, shown.json()["reviewer"]) == (201, "ann")
    (png,) = ann.opened(review, shown.json()["pictures"])
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    assert pixels.shape[0] == pixels.shape[1] <= 224
    grey = (pixels == 128).all(axis=2)
    side = len(pixels)
    assert grey[0].all()
    assert grey[-1].all()
    assert grey[:, 0].all()
    assert grey[:, -1].all()
    assert not grey[side // 3 : side // 2, side // 3 : 2 * side // 3].any()
    voted = ann.post(f"/v1/reviews/{review}/votes", LIVE).json()
    assert (voted["mine"]["decision"], voted["votes_missing"], voted["votes"]) == ("bona-fide", 1, [])
    again = ann.post(f"/v1/reviews/{review}/votes", LIVE)
    assert (again.status_code, again.json()["type"]) == (409, "urn:facekeep:problem:review-conflict")
    assert ann.post(f"/v1/reviews/{review}/claim").status_code == 409
    told = bob.get(f"/v1/reviews/{review}").json()
    assert (told["mine"], told["votes"], told["decision"]) == (None, [], None)
    assert bob.vote(review, LIVE).json()["decision"] == "bona-fide"
    done = client.get(f"/v1/reviews/{review}").json()
    assert (done["state"], done["decision"], done["votes_missing"]) == ("decided", "bona-fide", 0)
    assert [vote["decision"] for vote in done["votes"]] == ["bona-fide"] * 2
    assert "ann" not in client.get(f"/v1/reviews/{review}").text
    gone = bob.look(review)
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:facekeep:problem:gone")


def test_the_urgent_come_first_a_page_at_a_time(office: Office, file: File) -> None:
    ann = office["ann"]
    late, soon = file(length=timedelta(hours=100)), file(length=timedelta(hours=5))
    urgent = file(reasons=(ReviewReason.EYES_CLOSED,), length=timedelta(hours=168))
    found, after = [], None
    while True:
        page = ann.get("/v1/reviews", params={"limit": 2} | ({"after": after} if after else {})).json()
        found += page["reviews"]
        if (after := page["next"]) is None:
            break
    names = [each["id"] for each in found]
    assert [names.index(each) for each in (urgent, soon, late)] == sorted(map(names.index, (urgent, soon, late)))
    assert (names[0], len(names)) == (urgent, len(set(names)))
    assert "evidence" not in found[0]
    assert [each["id"] for each in ann.get("/v1/reviews", params={"urgent": True}).json()["reviews"]] == [urgent]
    some = ann.get("/v1/reviews", params={"reason": "inconclusive", "kind": "presentation"}).json()["reviews"]
    assert {late, soon} <= {each["id"] for each in some}
    assert urgent not in {each["id"] for each in some}
    ann.post(f"/v1/reviews/{soon}/claim")
    assert soon in [each["id"] for each in ann.get("/v1/reviews", params={"mine": True}).json()["reviews"]]
    assert ann.get("/v1/reviews", params={"mine": True, "kind": "comparison"}).json()["reviews"] == []
    assert ann.ask("DELETE", f"/v1/reviews/{soon}/claim").status_code == 204
    assert ann.get("/v1/reviews", params={"mine": True, "state": "open", "urgent": False}).json()["reviews"] == []
    over = ann.get("/v1/reviews", params={"state": "decided", "limit": 1}).json()
    assert {each["state"] for each in over["reviews"]} <= {"decided"}


def test_whoever_watches_the_service_sees_how_long_an_urgent_one_waits(office: Office, file: File) -> None:
    def counted() -> list[float]:
        lines = office.client("", Scope.METRICS).get("/metrics").text.splitlines()
        names = ("facekeep_reviews_open ", "facekeep_reviews_urgent ", "facekeep_reviews_urgent_seconds ")
        return [float(line.removeprefix(name)) for name in names for line in lines if line.startswith(name)]

    open_before, urgent_before, waited_before = counted()
    file()
    file(reasons=(ReviewReason.EYES_CLOSED,))
    office.clock.now += timedelta(seconds=90)
    file(reasons=(ReviewReason.SECOND_FACE,))
    assert counted() == [open_before + 3, urgent_before + 2, waited_before + 90]


def test_counters_tell_no_known_question_and_no_other_organisation(office: Office, probe: bytes) -> None:
    def counted(operation: str) -> int:
        text = office.client("", Scope.METRICS).get("/metrics").text
        start = f'facekeep_request_seconds_count{{operation="{operation}",status="201"}} '
        return sum(int(float(line.removeprefix(start))) for line in text.splitlines() if line.startswith(start))

    before = counted("POST /v1/reviews")
    document = {"kind": "presentation", "answer": "attack", "probe": [b64(probe)]}
    assert office["adam"].post("/v1/reviews/known", document).status_code == 201
    assert counted("POST /v1/reviews") == before + 1  # as every other that is filed
    assert "known" not in office.client("", Scope.METRICS).get("/metrics").text.replace("unknown", "")
    office.keep.invite("rae", [Role.REVIEWER, Role.ADMINISTRATOR])
    rae = Person(office.keep, office.app, "rae")
    assert [rae.get(path).status_code for path in ("/metrics", "/v1/review-statistics")] == [403, 403]
    office.keep.change_roles("rae", [Role.ADMINISTRATOR])
    assert rae.get("/metrics").status_code == 200
    office.keep.revoke_account("rae")
    assert office.client("other", Scope.METRICS).get("/metrics").status_code == 403


def test_as_many_claim_it_as_have_to_vote(office: Office, file: File) -> None:
    review = file()
    for name in ("ann", "bob"):
        assert office[name].post(f"/v1/reviews/{review}/claim").status_code == 200
    assert office["cyd"].post(f"/v1/reviews/{review}/claim").status_code == 409
    assert office["cyd"].get(f"/v1/reviews/{review}").json()["claimed"]
    office["bob"].ask("DELETE", f"/v1/reviews/{review}/claim")
    assert office["cyd"].post(f"/v1/reviews/{review}/claim").status_code == 200


def test_another_organisation_has_no_such_review(office: Office, probe: bytes) -> None:
    review = office.client().post("/v1/reviews", **form("comparison", probe)).json()["id"]
    eve, path = office["eve"], f"/v1/reviews/{review}"
    asked = [
        eve.get(path),
        eve.post(f"{path}/claim"),
        eve.ask("DELETE", f"{path}/claim"),
        eve.post(f"{path}/recusal"),
        eve.look(review),
        eve.post(f"{path}/votes", LIVE),
        eve.post(f"{path}/concerns", {"concern": "harm"}),
    ]
    other = office.client("other")
    asked += [
        other.get(path),
        other.delete(path),
        other.put(f"{path}/reference", content=probe, headers={"Content-Type": "image/jpeg"}),
    ]
    assert [answer.status_code for answer in asked] == [404] * len(asked)
    assert {answer.json()["detail"] for answer in asked} == {"there is no such review"}
    assert review not in eve.get("/v1/reviews", params={"limit": 100}).text
    # Nor does another client of the same organisation get it, or a reviewer who is told of it.
    assert office.client("", Scope.REVIEW, Scope.READ).get(path).status_code == 404
    theirs = other.post("/v1/reviews", **form("presentation", probe)).json()["id"]
    assert eve.get(f"/v1/reviews/{theirs}").status_code == 200
    assert office["ann"].get(f"/v1/reviews/{theirs}").status_code == 404
    assert office["olga"].get(f"/v1/reviews/{theirs}").status_code == 404
    assert other.delete(f"/v1/reviews/{theirs}").status_code == 204
    assert other.delete(f"/v1/reviews/{theirs}").status_code == 409
    assert other.get(f"/v1/reviews/{theirs}").json()["state"] == "withdrawn"
    over = {"state": "withdrawn", "limit": 100}
    assert theirs in eve.get("/v1/reviews", params=over).text
    assert theirs not in office["ann"].get("/v1/reviews", params=over).text


def test_evidence_is_gone_at_its_deadline(office: Office, file: File) -> None:
    review, ann = file(length=timedelta(hours=2)), office["ann"]
    assert ann.post(f"/v1/reviews/{review}/claim").status_code == 200
    office.clock.now += timedelta(hours=2)
    for answer in (
        ann.post(f"/v1/reviews/{review}/claim"),
        ann.look(review),
        ann.post(f"/v1/reviews/{review}/votes", ATTACK),
    ):
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:facekeep:problem:gone")
    office.keep.tend()
    assert ann.get(f"/v1/reviews/{review}").json()["state"] == "expired"
    over = ann.get("/v1/reviews", params={"state": "expired", "limit": 100}).json()["reviews"]
    assert review in [each["id"] for each in over]


def test_who_knows_the_person_neither_looks_nor_decides(office: Office, file: File) -> None:
    review, ann, bob = file(), office["ann"], office["bob"]
    ann.post(f"/v1/reviews/{review}/claim")
    assert ann.post(f"/v1/reviews/{review}/recusal").status_code == 204
    assert ann.post(f"/v1/reviews/{review}/recusal").status_code == 204
    answers = [ann.post(f"/v1/reviews/{review}/claim"), ann.look(review)]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert ann.get(f"/v1/reviews/{review}").json()["recused"]
    bob.post(f"/v1/reviews/{review}/claim")
    assert bob.opened(review, bob.look(review).json()["pictures"])


def test_a_third_decides_where_two_disagree(office: Office, file: File) -> None:
    review = file()
    assert office["ann"].vote(review, LIVE).json()["votes_missing"] == 1
    second = office["bob"].vote(review, ATTACK).json()  # the figures told it
    assert (second["state"], second["votes_missing"], second["decision"]) == ("open", 1, None)
    third = office["cyd"].vote(review, ATTACK).json()
    assert (third["state"], third["decision"]) == ("decided", "attack")
    assert sorted(vote["decision"] for vote in third["votes"]) == ["attack", "attack", "bona-fide"]


def test_an_appeal_goes_to_others_and_the_person_sees_it_all(office: Office, file: File) -> None:
    person, subject = office["barack"], office.keep.subject("obama").id
    review = file(subject=bytes.fromhex(subject), person=person.public, figures=json.dumps(FIGURES))
    own = f"/v1/subjects/{subject}/reviews"
    said = person.post(f"{own}/{review}/statement", {"text": "I wore a scarf."})
    assert (said.status_code, said.json()["statement"]) == (201, "I wore a scarf.")
    assert person.post(f"{own}/{review}/statement", {"text": "And a hat."}).status_code == 409
    office["ann"].post(f"/v1/reviews/{review}/claim")
    evidence = office["ann"].get(f"/v1/reviews/{review}").json()["evidence"]
    assert evidence == {**FIGURES, "statement": "I wore a scarf.", "appeal": ""}
    office["ann"].vote(review, ATTACK)
    assert person.post(f"{own}/{review}/appeal", {"text": "No."}).status_code == 409
    office["bob"].vote(review, ATTACK)
    (told,) = person.get(own).json()["reviews"]
    assert (told["state"], told["decision"], told["against"], told["may_appeal"]) == ("decided", "attack", True, True)
    looks = [(view["reviewer"], view["reason"]) for view in told["views"]]
    assert looks == [("ann", "figures-undecided"), ("bob", "figures-undecided")]
    shown = person.post(f"{own}/{review}/views", {"key": person.key})
    assert shown.status_code == 201
    assert person.opened(review, shown.json()["pictures"])[0].startswith(b"\x89PNG")
    for key in ("0" * 32, office["ann"].key):
        assert person.post(f"{own}/{review}/views", {"key": key}).status_code == 404
    appealed = person.post(f"{own}/{review}/appeal", {"text": "It was me."}).json()
    assert (appealed["state"], appealed["appeal"], appealed["may_appeal"]) == ("open", "It was me.", False)
    assert [office[name].post(f"/v1/reviews/{review}/claim").status_code for name in ("ann", "bob")] == [409, 409]
    second = office["cyd"].get(f"/v1/reviews/{review}").json()
    assert (second["round"], second["reasons"][-1], second["votes"]) == (2, "appeal", [])
    assert second["evidence"]["appeal"] == "It was me."
    office["cyd"].vote(review, LIVE)
    assert office["dan"].vote(review, LIVE).json()["decision"] == "bona-fide"
    (told,) = person.get(own).json()["reviews"]
    assert (told["decision"], told["against"], told["may_appeal"], told["pictures"]) == ("bona-fide", False, False, [])
    assert told["measured"] is False
    assert person.post(f"{own}/{review}/views", {"key": person.key}).status_code == 410
    # Nobody else, whoever it is.
    assert [office[name].get(own).status_code for name in ("ann", "olga", "adam")] == [403, 403, 403]


def test_whoever_filed_it_adds_what_to_compare_with(office: Office, probe: bytes, pictures: Path) -> None:
    client, ann = office.client(), office["ann"]
    subject = office.keep.subject("obama").id
    review = client.post("/v1/reviews", **form("comparison", probe, subject=subject, days="1")).json()["id"]
    ann.post(f"/v1/reviews/{review}/claim")
    same = {"decision": "same-person", "code": "features-agree"}
    assert ann.post(f"/v1/reviews/{review}/votes", same).status_code == 422
    path, jpeg = f"/v1/reviews/{review}/reference", {"Content-Type": "image/jpeg"}
    assert client.put(path, content=probe, headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.put(path, content=b"no picture", headers=jpeg).json()["type"].endswith("picture-unreadable")
    reference = (pictures / "obama3.jpg").read_bytes()
    assert client.put(path, content=reference, headers=jpeg).status_code == 204
    assert client.put(path, content=reference, headers=jpeg).status_code == 409
    shown = ann.look(review, "compare-faces").json()["pictures"]
    assert [each["role"] for each in shown] == ["probe", "reference"]
    first, second = ann.opened(review, shown)
    assert first != second
    assert ann.post(f"/v1/reviews/{review}/votes", same).json()["mine"]["decision"] == "same-person"
    assert office["bob"].vote(review, same).json()["decision"] == "same-person"


def test_whoever_ordered_the_capture_adds_it_too(office: Office, file: File, probe: bytes) -> None:
    path, jpeg = f"/v1/reviews/{file(kind=ReviewKind.COMPARISON)}", {"Content-Type": "image/jpeg"}
    orders, others = office.client("", Scope.CAPTURE), office.client()
    assert others.put(f"{path}/reference", content=probe, headers=jpeg).status_code == 404
    assert orders.put(f"{path}/reference", content=probe, headers=jpeg).status_code == 204
    assert [each["role"] for each in office["ann"].get(path).json()["pictures"]] == ["probe", "reference"]
    assert orders.delete(path).status_code == 403


def test_a_key_that_is_revoked_opens_nothing_any_more(office: Office, file: File) -> None:
    gus = office.invite("gus", Role.REVIEWER)
    gus.register()
    review, ann = file(), office["ann"]
    for who in (gus, ann):
        who.post(f"/v1/reviews/{review}/claim")
    assert gus.look(review).status_code == 201
    assert gus.ask("DELETE", f"/v1/reviewer/keys/{ann.key}").status_code == 404
    assert gus.ask("DELETE", f"/v1/reviewer/keys/{gus.key}").status_code == 204
    assert gus.look(review).status_code == 409  # nor is it claimed any more
    gus.post(f"/v1/reviews/{review}/claim")
    assert gus.look(review).status_code == 404
    assert gus.get("/v1/reviewer").json()["keys"] == []
    assert ann.opened(review, ann.look(review).json()["pictures"])
    # Whoever leaves opens nothing any more.
    hal = office.invite("hal", Role.REVIEWER)
    hal.register()
    of_both = file()
    ann.post(f"/v1/reviews/{of_both}/claim")
    sealed = (ReviewId(bytes.fromhex(of_both)), key_id(hal.public))
    assert office.keep._evidence.read(*sealed)
    office.keep.revoke_account("hal", by="desk")
    with pytest.raises(NotFoundError):
        office.keep._evidence.read(*sealed)
    assert ann.opened(of_both, ann.look(of_both).json()["pictures"])


def test_a_reviewer_registers_keys_and_goes_on_duty(office: Office) -> None:
    ivy = office.invite("ivy", Role.REVIEWER)
    assert ivy.ask("PUT", "/v1/reviewer/duty", json={"on": True}).status_code == 422
    order_four = "AQ" + "A" * 41  # a point with which every secret is the same: sealing to it fails, for everybody
    for public in ("", "AA", "!" * 43, "A" * 43, order_four):
        assert ivy.post("/v1/reviewer/keys", {"public": public}).status_code == 422
    ivy.register()
    assert ivy.ask("PUT", "/v1/reviewer/duty", json={"on": True}).status_code == 204
    office.clock.now += timedelta(minutes=30)
    told = ivy.get("/v1/reviewer").json()
    assert (told["name"], told["organisation"], told["on_duty"]) == ("ivy", "", True)
    assert [each["id"] for each in told["keys"]] == [ivy.key]
    assert sum(each["seconds"] for each in told["hours"]) == 1800
    assert ivy.ask("PUT", "/v1/reviewer/duty", json={"on": False}).status_code == 204
    assert not ivy.get("/v1/reviewer").json()["on_duty"]
    office.keep.revoke_account("ivy", by="desk")


def test_a_concern_reaches_the_officer_who_alone_looks_then(office: Office, file: File) -> None:
    review, ann, olga = file(), office["ann"], office["olga"]
    assert olga.look(review, "concern").status_code == 409
    reported = ann.post(f"/v1/reviews/{review}/concerns", {"concern": "harm", "text": "A hand at the throat."})
    assert reported.status_code == 201
    (told,) = olga.get("/v1/review-concerns").json()["concerns"]
    assert told | {"reported": ""} == {
        "id": reported.json()["id"],
        "review": review,
        "concern": "harm",
        "text": "A hand at the throat.",
        "reported": "",
        "reporter": "ann",
        "answer": "",
        "answered": None,
    }
    assert ann.get(f"/v1/reviews/{review}").json()["concerns"] == ["harm"]
    listed = ann.get("/v1/reviews", params={"limit": 100}).json()["reviews"]
    assert next(each for each in listed if each["id"] == review)["concerns"] == ["harm"]
    assert olga.opened(review, olga.look(review, "concern").json()["pictures"])
    answer = f"/v1/review-concerns/{told['id']}/answer"
    elsewhere = office.invite("oscar", Role.OFFICER, "other")
    assert elsewhere.get("/v1/review-concerns").json() == {"concerns": [], "next": None}
    assert elsewhere.post(answer, {"text": "Not mine."}).status_code == 404
    both = office.invite("una", Role.REVIEWER)
    office.keep.change_roles("una", [Role.REVIEWER, Role.OFFICER])
    own = both.post(f"/v1/reviews/{review}/concerns", {"concern": "minor"}).json()["id"]
    refused = both.post(f"/v1/review-concerns/{own}/answer", {"text": "It was nothing."})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "review-conflict")
    assert olga.post(f"/v1/review-concerns/{own}/answer", {"text": "The parents were told."}).status_code == 201
    office.keep.revoke_account("una", by="desk")
    assert olga.post(answer, {"text": "The police were told."}).json()["answer"] == "The police were told."
    assert olga.post(answer, {"text": "Again."}).status_code == 422
    assert olga.post(f"/v1/review-concerns/{'0' * 32}/answer", {"text": "x"}).status_code == 404
    assert ann.get(f"/v1/reviews/{review}").json()["concerns"] == []
    assert olga.look(review, "concern").status_code == 409
    assert [ann.get("/v1/review-concerns").status_code, olga.post(f"/v1/reviews/{review}/votes", LIVE).status_code] == [
        403,
        403,
    ]


def test_known_answers_are_told_by_the_statistics_alone(office: Office, probe: bytes) -> None:
    adam, ann = office["adam"], office["ann"]
    before = adam.get("/v1/review-statistics").json()
    document = {"kind": "presentation", "answer": "attack", "probe": [b64(probe)]}
    for wrong in ({"answer": "same-person"}, {"reasons": ["appeal"]}, {"reasons": ["eyes-closed"]}, {"reasons": []}):
        assert adam.post("/v1/reviews/known", {**document, **wrong}).status_code == 422
    filed = adam.post("/v1/reviews/known", {**document, "reasons": ["low-quality", "inconclusive", "low-quality"]})
    assert filed.status_code == 201
    review = filed.json()["id"]
    told = ann.get(f"/v1/reviews/{review}")
    assert told.json()["reasons"] == ["low-quality", "inconclusive"]
    assert "known" not in told.text
    ann.vote(review, LIVE)
    office["bob"].vote(review, ATTACK)
    office["cyd"].vote(review, ATTACK)
    after = adam.get("/v1/review-statistics").json()
    assert [after[name] - before[name] for name in ("opened", "decided", "open")] == [1, 1, 0]
    of = {each["name"]: each for each in after["reviewers"]}
    assert (of["ann"]["known_wrong"], of["bob"]["known_right"], of["cyd"]["known_right"]) == (1, 1, 1)
    assert "eve" not in of
    assert after["by_reason"]["inconclusive"]["opened"] >= 1
    assert ann.get("/v1/review-statistics").status_code == 403
    other = office.client("other", Scope.ADMINISTER).get("/v1/review-statistics").json()
    assert "ann" not in {each["name"] for each in other["reviewers"]}
    assert (after["captures"]["captures"], after["captures"]["escalated"]) == (0, 0)
    assert other["captures"] is None


def test_pictures_are_of_one_face_each(office: Office, probe: bytes, pictures: Path) -> None:
    client = office.client()
    nobody = io.BytesIO()
    Image.new("RGB", (300, 300), (90, 120, 60)).save(nobody, "PNG")
    for wrong, problem in ((nobody.getvalue(), "picture-not-fit"), (b"text", "picture-unreadable")):
        answer = client.post("/v1/reviews", **form("presentation", wrong))
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:facekeep:problem:{problem}")
    assert client.post("/v1/reviews", **form("presentation", *[probe] * 4)).status_code == 422
    assert client.post("/v1/reviews", json={"kind": "presentation", "probe": []}).status_code == 422
    assert client.post("/v1/reviews", **form("presentation", probe, subject="0" * 32)).status_code == 404
    assert office.client("", Scope.VERIFY).post("/v1/reviews").status_code == 403


def test_who_has_no_reviewers_is_told_so(office: Office, probe: bytes) -> None:
    answer = office.client("nobody's").post("/v1/reviews", **form("presentation", probe))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:facekeep:problem:review-conflict")
    assert "register keys" in answer.json()["hint"]


def test_sent_again_it_is_not_filed_again(office: Office, probe: bytes) -> None:
    client, headers = office.client(), {"Idempotency-Key": "file-it-once"}
    document = {"kind": "presentation", "probe": [b64(probe)]}
    first, second = (client.post("/v1/reviews", json=document, headers=headers) for _ in range(2))
    assert (first.status_code, second.content) == (201, first.content)


def test_the_client_files_reads_completes_and_takes_back(office: Office, probe: bytes) -> None:
    token = office.keep.issue_token("by client", [Scope.REVIEW, Scope.ADMINISTER], days=30).token
    with Client("http://keep", token, transport=Through(office.app)) as client:
        filed = client.file_review(ReviewKind.COMPARISON, [probe], days=1)
        assert (filed.state, filed.votes_missing, filed.pictures) == (ReviewState.OPEN, 2, (PictureRole.PROBE,))
        client.add_review_reference(filed.id, probe)
        with pytest.raises(ReviewConflictError):
            client.add_review_reference(filed.id, probe)
        assert client.review(filed.id).pictures == (PictureRole.PROBE, PictureRole.REFERENCE)
        client.withdraw_review(filed.id)
        with pytest.raises(GoneError):
            client.add_review_reference(filed.id, probe)
        known = client.file_known_review(ReviewKind.PRESENTATION, Decision.ATTACK, [probe])
        office["ann"].vote(known, ATTACK)
        office["bob"].vote(known, ATTACK)
        figures = client.review_statistics()
        assert {each.name: each.known_right for each in figures.reviewers}["ann"] >= 1
        assert figures.by_reason[ReviewReason.ASKED].opened >= 1

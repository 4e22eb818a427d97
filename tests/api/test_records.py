"""Galleries, references, notices, cases and consents as resources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from facekeep import errors
from facekeep.client import Client
from facekeep.domain.access import Scope
from facekeep.domain.consent import KnownNotice, Purpose
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE, Asking, b64
from tests.api.test_client import Through

ALL = tuple(Scope)
TEXT = "Wir bewahren zwei Hälften auf, um die Tür zu öffnen."


@pytest.fixture
def client(app: FastAPI, keep: Keep) -> Iterator[Client]:
    token = keep.issue_token("records", ALL, days=1).token
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made
    keep.revoke_token("records")


@pytest.fixture
def eileen(client: Client, pictures: Path) -> Iterator[str]:
    """The identifier of somebody with one reference in the gallery crew."""
    picture = (pictures / "astronaut.png").read_bytes()
    who = client.enrol("eileen", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, gallery="crew").id
    yield who
    client.erase(who)


def _pages(client: TestClient, path: str, name: str, limit: int = 1) -> list[dict[str, object]]:
    found, after = [], None
    while True:
        page = client.get(path, params={"limit": limit} | ({"after": after} if after else {})).json()
        assert len(page[name]) <= limit
        found += page[name]
        after = page["next"]
        if after is None:
            return found


def test_a_notice_is_kept_and_named_by_its_hash(asking: Asking) -> None:
    client = asking(*ALL)
    body = {"text": TEXT, "language": "de", "purposes": ["verify", "payment"]}
    made = client.post("/v1/notices", json=body)
    digest = sha256(TEXT.encode()).hexdigest()
    summary = {**body, "hash": digest, "characters": len(TEXT), "replaces": "", "replaced_by": ""}
    unsaid = {"retention": "", "recipients": "", "alternative": ""}
    assert (made.status_code, made.json()) == (201, {**summary, **unsaid})
    assert client.post("/v1/notices", json=body).json() == made.json()
    assert client.get(f"/v1/notices/{digest}").json() == made.json()
    assert client.get(f"/v1/notices/{'0' * 64}").status_code == 404
    for change in ({"language": "en"}, {"purposes": ["verify"]}):
        other = client.post("/v1/notices", json={**body, **change})
        assert (other.status_code, "never changes" in other.json()["hint"]) == (422, True)
    for change in ({"language": ""}, {"language": "not a tag"}, {"purposes": []}, {"text": ""}):
        assert client.post("/v1/notices", json={**body, **change}).status_code == 422
    listed = _pages(client, "/v1/notices", "notices")
    assert [notice["hash"] for notice in listed] == sorted(str(notice["hash"]) for notice in listed)
    assert {name: said for name, said in summary.items() if name != "text"} in listed
    # The text of the people who are enrolled came with them, and nobody said what it speaks of.
    assert [n["purposes"] for n in listed if n["hash"] == sha256(NOTICE.encode()).hexdigest()] == [[]]


def test_a_consent_names_a_notice_that_is_kept_and_speaks_of_it(
    asking: Asking, client: Client, eileen: str, keep: Keep
) -> None:
    notice = client.add_notice(TEXT, language="de", purposes=[Purpose.VERIFY, Purpose.PAYMENT])
    given = client.give_consent(eileen, Purpose.PAYMENT, KnownNotice(notice.digest))
    assert (given[-1].purpose, given[-1].notice) == (Purpose.PAYMENT, notice.digest)
    with pytest.raises(errors.ConsentError, match="does not speak"):
        client.give_consent(eileen, Purpose.IDENTIFY, KnownNotice(notice.digest))
    with pytest.raises(errors.ConsentError, match="does not speak"):
        client.give_consent(eileen, Purpose.IDENTIFY, TEXT)
    with pytest.raises(errors.UsageError, match="no notice of this hash"):
        client.give_consent(eileen, Purpose.PAYMENT, KnownNotice("0" * 64))
    assert client.consents(eileen) == given == keep.consents("eileen")
    raw, path = asking(*ALL), f"/v1/subjects/{eileen}/consents"
    assert [c["purpose"] for c in _pages(raw, path, "consents")] == ["verify", "payment"]
    for both in ({}, {"notice": "x", "notice_hash": "0" * 64}, {"notice_hash": "x"}):
        assert raw.post(path, json={"purpose": "verify", **both}).status_code == 422


def test_an_enrolment_names_a_notice(client: Client, pictures: Path, keep: Keep) -> None:
    picture = [(pictures / "astronaut.png").read_bytes()]
    notice = KnownNotice(client.add_notice(TEXT, language="de", purposes=[Purpose.VERIFY, Purpose.PAYMENT]).digest)
    before = keep.status()
    for wrong, kind in ((KnownNotice("0" * 64), errors.UsageError), (notice, errors.ConsentError)):
        with pytest.raises(kind):
            client.enrol("x", picture, purposes=[Purpose.VERIFY, Purpose.IDENTIFY], notice=wrong)
    assert (keep.status().people, keep.status().references) == (before.people, before.references)
    done = client.enrol("x", picture, purposes=[Purpose.VERIFY], notice=notice)
    assert client.subject(done.id).consents[0].notice == notice.digest
    client.erase(done.id)
    keep.check()


def test_references_come_and_go_one_by_one(client: Client, eileen: str, pictures: Path, keep: Keep) -> None:
    picture = (pictures / "astronaut.png").read_bytes()
    (first,) = client.references(eileen)
    assert (first.gallery, first.locked) == ("crew", False)
    added = client.add_references(eileen, [picture], gallery="alumni")
    assert (added.references, added.gallery, added.never_returned) == (1, "alumni", False)
    assert [r.gallery for r in client.references(eileen)] == ["crew", "alumni"]
    assert [(g.name, g.references) for g in client.galleries()] == [("alumni", 1), ("crew", 1), ("main", 2)]
    assert client.subject(eileen).purposes == (Purpose.VERIFY,)
    with pytest.raises(errors.QualityError):
        client.add_references(eileen, [(pictures / "obama_partial_face2.jpg").read_bytes()])
    obama = next(person.id for person in client.subjects() if person.label == "obama")
    with pytest.raises(errors.NotFoundError):
        client.remove_reference(obama, first.id)  # somebody else's
    assert client.remove_reference(eileen, first.id) == 1
    with pytest.raises(errors.NotFoundError):
        client.remove_reference(eileen, first.id)
    assert [g.name for g in client.galleries()] == ["alumni", "main"]
    assert client.verify(eileen, picture).verified  # by the other one
    keep.check()
    assert client.remove_reference(eileen, client.references(eileen)[0].id) == 0
    assert not client.verify(eileen, picture).verified
    assert client.subject(eileen).references == 0
    keep.check()
    client.withdraw_consent(eileen, Purpose.VERIFY)
    with pytest.raises(errors.ConsentError, match="nothing at present"):
        client.add_references(eileen, [picture])
    with pytest.raises(errors.NotFoundError):
        client.add_references("0" * 32, [picture])


def test_an_identifier_of_a_reference_is_not_what_the_halves_know_it_by(keep: Keep, client: Client) -> None:
    person = next(person for person in client.subjects() if person.label == "obama")
    (shown,) = client.references(person.id)
    (kept,) = keep._roles.registry.references_of(keep._rights.subject("obama").id)
    assert shown.id != kept.pseudonym.hex()
    assert len(shown.id) == 32


def test_a_case_is_closed_for_good(client: Client, pictures: Path) -> None:
    case = client.open_case("closing")
    assert client.case(case.id) == case
    picture = (pictures / "obama2.jpg").read_bytes()
    assert client.identify(picture, case="closing").candidates
    closed = client.close_case(case.id)
    assert closed.closed is not None
    assert client.close_case(case.id) == closed == client.case(case.id)
    with pytest.raises(errors.RefusedError):
        client.identify(picture, case="closing")
    for wrong in ("0" * 32, "x"):
        with pytest.raises(errors.NotFoundError):
            client.case(wrong)
        with pytest.raises(errors.NotFoundError):
            client.close_case(wrong)


def test_every_list_has_pages_and_a_tag(asking: Asking, client: Client, eileen: str, pictures: Path) -> None:
    for title in ("page one", "page two", "page three"):
        client.open_case(title)
    client.add_references(eileen, [(pictures / "astronaut.png").read_bytes()] * 2, gallery="third")
    raw = asking(*ALL)
    lists = {
        "/v1/cases": ("cases", "id", 3),
        "/v1/galleries": ("galleries", "name", 3),
        "/v1/notices": ("notices", "hash", 1),
        f"/v1/subjects/{eileen}/references": ("references", "id", 3),
        f"/v1/subjects/{eileen}/consents": ("consents", "purpose", 1),
    }
    for path, (name, key, least) in lists.items():
        one, many = _pages(raw, path, name), _pages(raw, path, name, 100)
        assert one == many, path
        assert len({each[key] for each in one}) == len(one) >= least, path
        tag = raw.get(path).headers["etag"]
        assert raw.get(path, headers={"If-None-Match": tag}).status_code == 304
        for wrong in ("after=x", "limit=0", "limit=101"):
            assert raw.get(f"{path}?{wrong}").status_code == 422, path


def test_deletions_may_be_sent_again_under_a_key(client: Client, pictures: Path) -> None:
    picture = (pictures / "astronaut.png").read_bytes()
    who = client.enrol("again", [picture] * 2, purposes=[Purpose.VERIFY], notice=NOTICE).id
    first, _ = client.references(who)
    twice: list[Callable[[], object]] = [
        lambda: client.remove_reference(who, first.id, key="r"),
        lambda: client.withdraw_consent(who, Purpose.VERIFY, key="w"),
        lambda: client.erase(who, key="e"),
    ]
    for act in twice:
        assert act() == act()
    with pytest.raises(errors.NotFoundError):
        client.erase(who)
    with pytest.raises(errors.UsageError, match="another request"):
        client.erase("0" * 32, key="e")


@pytest.mark.parametrize(("gallery", "status"), [("", 422), ("never-return", 422), ("ä" * 33, 422), ("a\nb", 422)])
def test_names_that_no_gallery_can_have(asking: Asking, pictures: Path, gallery: str, status: int) -> None:
    body = {"label": "g", "purposes": ["verify"], "notice": NOTICE, "gallery": gallery}
    picture = b64((pictures / "astronaut.png").read_bytes())
    assert asking(*ALL).post("/v1/subjects", json={**body, "pictures": [picture]}).status_code == status

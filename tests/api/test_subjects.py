"""Enrolling, listing, consents, erasing."""

from __future__ import annotations

from pathlib import Path

from facekeep.domain.access import Scope
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE, Asking, b64


def test_an_identifier_is_written_in_one_way(asking: Asking, keep: Keep) -> None:
    """Policies name people by it: written otherwise it would get around what they forbid."""
    client, who = asking(*Scope), keep.subject("obama").id
    assert client.get(f"/v1/subjects/{who}").status_code == 200
    for other in (who.upper(), f"{who[:16]}%20{who[16:]}", who[:30], f"{who}0", "%00" * 16):
        for path in (f"/v1/subjects/{other}", f"/v1/subjects/{other}/references", f"/v1/subjects/{other}/consents"):
            assert client.get(path).json()["type"] == "urn:facekeep:problem:not-found"
        assert client.delete(f"/v1/subjects/{other}").status_code == 404
    assert keep.subject("obama").references == 1


def test_a_person_comes_and_goes(asking: Asking, pictures: Path) -> None:
    client = asking(Scope.ENROL, Scope.READ, Scope.ERASE, Scope.VERIFY, Scope.CONSENT)
    made = client.post(
        "/v1/subjects",
        data={"label": "eileen", "name": "Eileen C.", "purposes": ["verify"], "notice": NOTICE, "gallery": "crew"},
        files=[("pictures", ("a", (pictures / "astronaut.png").read_bytes()))],
    )
    assert made.status_code == 201, made.text
    who = made.json()["id"]
    assert made.json() == {
        "id": who, "references": 1, "gallery": "crew", "purposes": ["verify"], "never_returned": False
    }  # fmt: skip
    shown = client.get(f"/v1/subjects/{who}").json()
    assert (shown["label"], shown["galleries"], shown["purposes"]) == ("eileen", ["crew"], ["verify"])
    probe = {"subject": who, "picture": b64((pictures / "astronaut.png").read_bytes())}
    assert client.post("/v1/verifications", json=probe).json()["verified"] is True
    # Withdrawn, the very next comparison knows; given anew, it may again.
    left = client.delete(f"/v1/subjects/{who}/consents/verify")
    assert [consent["withdrawn"] is None for consent in left.json()] == [False]
    assert client.post("/v1/verifications", json=probe).json()["verified"] is False
    assert client.delete(f"/v1/subjects/{who}/consents/verify").status_code == 404
    given = client.post(f"/v1/subjects/{who}/consents", json={"purpose": "verify", "notice": NOTICE})
    assert (given.status_code, len(given.json())) == (201, 2)
    assert client.post("/v1/verifications", json=probe).json()["verified"] is True
    gone = client.delete(f"/v1/subjects/{who}")
    assert gone.json()["references"] == 1
    assert client.get(f"/v1/subjects/{who}").json()["type"] == "urn:facekeep:problem:not-found"
    assert client.delete(f"/v1/subjects/{who}").status_code == 404
    assert client.post("/v1/verifications", json=probe).json()["verified"] is False


def test_whoever_may_enrol_does_not_undo_a_withdrawal(asking: Asking, pictures: Path) -> None:
    consents, client = asking(Scope.CONSENT), asking(Scope.ENROL)
    astronaut = (pictures / "astronaut.png").read_bytes()
    asked = {"label": "wanda", "purposes": ["verify", "identify"], "notice": NOTICE, "pictures": [b64(astronaut)]}
    who = client.post("/v1/subjects", json=asked).json()["id"]
    assert consents.delete(f"/v1/subjects/{who}/consents/identify").status_code == 200
    again = client.post("/v1/subjects", json=asked, headers={"Idempotency-Key": "again"})
    assert (again.status_code, again.json()["type"]) == (403, "urn:facekeep:problem:consent-missing")
    assert "POST /v1/subjects/{subject}/consents" in again.json()["hint"]
    given = {"purpose": "identify", "notice": NOTICE}
    assert client.post(f"/v1/subjects/{who}/consents", json=given).status_code == 403
    assert consents.post(f"/v1/subjects/{who}/consents", json=given).status_code == 201
    done = client.post("/v1/subjects", json=asked, headers={"Idempotency-Key": "again"})
    assert (done.status_code, done.json()["id"]) == (201, who)
    assert asking(Scope.ERASE).delete(f"/v1/subjects/{who}").status_code == 200


def test_pages_give_everybody_once(asking: Asking) -> None:
    client, labels, after = asking(Scope.READ), [], None
    while True:
        page = client.get("/v1/subjects", params={"limit": 1} | ({"after": after} if after else {})).json()
        labels += [subject["label"] for subject in page["subjects"]]
        after = page["next"]
        if after is None:
            break
    assert sorted(labels) == ["biden", "obama"]


def test_what_is_known_already_is_not_sent_again(asking: Asking, keep: Keep) -> None:
    client, who = asking(Scope.READ, Scope.CONSENT, Scope.CASES), keep.subject("biden").id
    client.post("/v1/cases", json={"title": "a case with a tag"})
    for path in (f"/v1/subjects/{who}", "/v1/subjects", "/v1/cases"):
        first = client.get(path)
        tag = first.headers["etag"]
        assert client.get(path).headers["etag"] == tag
        for known in (tag, f'"other", W/{tag}', "*"):
            again = client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = client.get(path, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.json()) == (200, first.json())
    before = client.get(f"/v1/subjects/{who}").headers["etag"]
    client.post(f"/v1/subjects/{who}/consents", json={"purpose": "payment", "notice": NOTICE})
    after = client.get(f"/v1/subjects/{who}", headers={"If-None-Match": before})
    assert (after.status_code, after.headers["etag"] != before) == (200, True)


def test_parameters_that_do_not_fit(asking: Asking) -> None:
    client = asking(Scope.READ)
    for query in ("limit=0", "limit=101", "limit=x", "after=zz"):
        answer = client.get(f"/v1/subjects?{query}")
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")
    assert client.get("/v1/subjects/nobody").status_code == 404
    assert client.get(f"/v1/subjects/{'0' * 32}").status_code == 404


def test_an_enrolment_that_cannot_be_is_told_and_nothing_is_kept(asking: Asking, pictures: Path) -> None:
    client = asking(Scope.ENROL, Scope.READ)
    good = {
        "label": "nobody", "purposes": ["verify"], "notice": NOTICE,
        "pictures": [b64((pictures / "astronaut.png").read_bytes())],
    }  # fmt: skip
    before = client.get("/v1/subjects").json()
    for change, problem in (
        ({"purposes": []}, "invalid-request"),
        ({"notice": ""}, "invalid-request"),
        ({"notice": " \n "}, "consent-missing"),
        ({"pictures": []}, "invalid-request"),
        ({"pictures": good["pictures"] * 17}, "invalid-request"),
        ({"pictures": [b64(b"nothing")]}, "picture-unreadable"),
        ({"pictures": [b64((pictures / "obama_partial_face2.jpg").read_bytes())]}, "picture-not-fit"),
        ({"label": "a\u0000b"}, "invalid-request"),
    ):
        answer = client.post("/v1/subjects", json={**good, **change})
        assert answer.json()["type"] == f"urn:facekeep:problem:{problem}", (change, answer.text)
    assert client.get("/v1/subjects").json() == before
    # A picture that is not fit says why.
    assert answer.json()["hint"]

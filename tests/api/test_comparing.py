"""Verifications, identifications and cases, with real pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.face.provenance import REPLACED_XMP
from facekeep.service.keep import Keep
from tests.api.conftest import Asking, b64

Identifier = Callable[[str], str]


@pytest.mark.parametrize("form", [False, True])
def test_a_claim_is_verified_and_another_face_is_not(
    asking: Asking, identifier: Identifier, pictures: Path, form: bool
) -> None:
    client = asking(Scope.VERIFY)

    def verify(subject: str, picture: str) -> dict[str, object]:
        data = (pictures / picture).read_bytes()
        if form:
            fields = {"subject": subject, "fmr": "0.0001"}
            answer = client.post("/v1/verifications", data=fields, files={"picture": (picture, data)})
        else:
            answer = client.post("/v1/verifications", json={"subject": subject, "picture": b64(data)})
        assert answer.status_code == 200, answer.text
        document: dict[str, object] = answer.json()
        return document

    yes = verify(identifier("obama"), "obama2.jpg")
    assert yes["verified"] is True
    assert isinstance(yes["one_in"], int)
    assert yes["one_in"] >= 10_000
    no = {"verified": False, "one_in": None, "extrapolated": False, "acquired": True, "reasons": []}
    assert verify(identifier("biden"), "obama2.jpg") == no
    assert verify("0" * 32, "obama2.jpg") == no  # nobody, and the same answer
    assert verify("somebody else", "obama2.jpg") == no
    for claim in ({}, {"subject": identifier("obama"), "label": "obama"}):
        answer = client.post("/v1/verifications", json={**claim, "picture": ""})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")
    for label, expected in (("obama", yes), ("biden", no), ("nobody", no)):
        body = {"label": label, "picture": b64((pictures / "obama2.jpg").read_bytes())}
        assert client.post("/v1/verifications", json=body).json() == expected


@pytest.mark.parametrize("form", [False, True])
def test_two_pictures_of_one_person_and_of_two(asking: Asking, keep: Keep, pictures: Path, form: bool) -> None:
    client, data = asking(Scope.COMPARE), {name: (pictures / name).read_bytes() for name in ("obama.jpg", "obama2.jpg")}
    data["biden.jpg"] = (pictures / "biden.jpg").read_bytes()

    def compare(one: bytes, other: bytes) -> dict[str, object]:
        if form:
            answer = client.post("/v1/comparisons", files={"picture": ("a", one), "other_picture": ("b", other)})
        else:
            answer = client.post("/v1/comparisons", json={"picture": b64(one), "other_picture": b64(other)})
        assert answer.status_code == 200, answer.text
        document: dict[str, object] = answer.json()
        return document

    rows = keep.status().references
    assert compare(data["obama.jpg"], data["obama2.jpg"])["verified"] is True
    assert compare(data["obama.jpg"], data["biden.jpg"])["verified"] is False
    assert compare(data["biden.jpg"], data["biden.jpg"])["verified"] is True
    assert keep.status().references == rows


def test_a_picture_without_a_face_says_why(asking: Asking, identifier: Identifier) -> None:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (400, 400), "grey").save(file, "PNG")
    answer = asking(Scope.VERIFY).post(
        "/v1/verifications", json={"subject": identifier("obama"), "picture": b64(file.getvalue())}
    )
    assert answer.status_code == 200
    assert answer.json()["verified"] is False
    assert answer.json()["acquired"] is False
    assert answer.json()["reasons"]


def test_a_search_under_a_case(asking: Asking, pictures: Path) -> None:
    client = asking(Scope.IDENTIFY, Scope.CASES, Scope.READ)
    assert client.get("/v1/cases").json() == {"cases": [], "next": None}
    opened = client.post("/v1/cases", json={"title": "lost at the fair", "purpose": "identify", "days": 2})
    assert opened.status_code == 201
    assert opened.json()["closed"] is None
    assert client.get("/v1/cases").json() == {"cases": [opened.json()], "next": None}
    files = {"picture": ("probe", (pictures / "obama3.jpg").read_bytes())}
    found = client.post("/v1/identifications", data={"case": "lost at the fair", "candidates": "3"}, files=files)
    assert found.status_code == 200, found.text
    document = found.json()
    assert [candidate["label"] for candidate in document["candidates"]] == ["obama"]
    assert document["candidates"][0]["name"] == "Name of obama"
    assert document["searched"] == 2
    unknown = {"picture": ("probe", (pictures / "astronaut.png").read_bytes())}
    nobody = client.post("/v1/identifications", data={"case": "lost at the fair"}, files=unknown)
    assert nobody.json()["candidates"] == []
    again = client.post("/v1/cases", json={"title": "lost at the fair"})
    assert (again.status_code, again.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")


def test_a_search_without_a_case_is_refused(asking: Asking, pictures: Path) -> None:
    picture = b64((pictures / "obama3.jpg").read_bytes())
    client = asking(Scope.IDENTIFY)
    none = client.post("/v1/identifications", json={"picture": picture})
    assert (none.status_code, none.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")
    unknown = client.post("/v1/identifications", json={"picture": picture, "case": "never opened"})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:facekeep:problem:not-found")
    off = client.post("/v1/identifications", json={"picture": picture, "purpose": "attendance"})
    assert (off.status_code, off.json()["type"]) == (403, "urn:facekeep:problem:purpose-off")


def test_off_is_off(asking: Asking, keep: Keep, identifier: Identifier, pictures: Path) -> None:
    body = {"subject": identifier("obama"), "picture": b64((pictures / "obama2.jpg").read_bytes())}
    client = asking(Scope.VERIFY)
    keep.switch(Purpose.VERIFY, False)
    try:
        off = client.post("/v1/verifications", json=body)
        assert (off.status_code, off.json()["type"]) == (403, "urn:facekeep:problem:purpose-off")
        assert off.headers["content-type"] == "application/problem+json"
    finally:
        keep.switch(Purpose.VERIFY, True)
    assert client.post("/v1/verifications", json=body).json()["verified"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"picture": "AAAA"}, ""),
        ({"subject": "x"}, "picture"),
        ({"subject": "x", "picture": "not base64!"}, "picture"),
        ({"subject": "x", "picture": "AAAA", "fmr": 0.5}, "fmr"),
        ({"subject": "x", "picture": "AAAA", "fmr": "nan"}, "fmr"),
        ({"subject": "x", "picture": "AAAA", "purpose": "fun"}, "purpose"),
        ({"subject": "x", "picture": "AAAA", "secret-word": 1}, ""),
        ({"subject": 7, "picture": "AAAA"}, "subject"),
    ],
)
def test_what_does_not_fit_is_named_and_not_repeated(asking: Asking, body: dict[str, object], field: str) -> None:
    answer = asking(Scope.VERIFY).post("/v1/verifications", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")
    assert [fault["field"] for fault in answer.json()["faults"]] == [field]
    assert "secret-word" not in answer.text
    assert "not base64!" not in answer.text


def marked(picture: bytes) -> bytes:
    """A JPEG with Facekeep's mark that its face was replaced."""
    body = b"http://ns.adobe.com/xap/1.0/\0" + REPLACED_XMP
    return picture[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + picture[2:]


def test_a_marked_picture_is_refused_wherever_one_is_shown(
    asking: Asking, identifier: Identifier, pictures: Path
) -> None:
    good = (pictures / "obama2.jpg").read_bytes()
    bad = b64(marked(good))
    client = asking(Scope.VERIFY, Scope.COMPARE, Scope.IDENTIFY, Scope.ENROL, Scope.CASES)
    assert client.post("/v1/cases", json={"title": "marks", "purpose": "identify", "days": 2}).status_code == 201
    obama = identifier("obama")
    enrolment = {"label": "replaced", "purposes": ["verify"], "notice": "A notice.", "pictures": [bad]}
    for path, body in (
        ("/v1/verifications", {"subject": obama, "picture": bad}),
        ("/v1/comparisons", {"picture": b64(good), "other_picture": bad}),
        ("/v1/identifications", {"picture": bad, "case": "marks"}),
        ("/v1/subjects", enrolment),
        (f"/v1/subjects/{obama}/references", {"pictures": [bad]}),
    ):
        answer = client.post(path, json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:picture-marked"), (
            path,
            answer.text,
        )
        assert answer.json()["reasons"] == ["marked-replaced"]
        assert answer.json()["hint"]


def test_a_damaged_picture_is_told(asking: Asking, identifier: Identifier) -> None:
    answer = asking(Scope.VERIFY).post(
        "/v1/verifications", json={"subject": identifier("obama"), "picture": b64(b"\xff\xd8\xff no picture")}
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:picture-unreadable")
    assert answer.json()["hint"]

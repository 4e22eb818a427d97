"""How consents come about, over HTTP: whole notices and their versions, evidence, guardians of minors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from fastapi import FastAPI

from facekeep import errors
from facekeep.client import AsyncClient, Circumstances, Client, Evidence, Guardian
from facekeep.domain.access import Scope
from facekeep.domain.consent import KnownNotice, Notice, Purpose
from facekeep.domain.evidence import ConsentRules
from facekeep.service.keep import Keep
from tests.api.conftest import NOTICE, Asking
from tests.api.test_client import Through

ALL = tuple(Scope)
TEXT = "Wir bewahren zwei Hälften auf."
SAID = {"retention": "30 Tage", "recipients": "niemand", "alternative": "die Karte"}
SCAN = Evidence.form(b"a scanned form")
GUARDIAN = Guardian("Ada\u2019s mother", "mother", Evidence.form(b"a birth certificate"))
MINOR = Circumstances(SCAN, GUARDIAN, 9)
BOTH = [Purpose.VERIFY, Purpose.PAYMENT]


@pytest.fixture
def client(app: FastAPI, keep: Keep) -> Iterator[Client]:
    token = keep.issue_token("consents", ALL, days=1).token
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made
    keep.revoke_token("consents")


@pytest.fixture
def obama(keep: Keep) -> Iterator[str]:
    """Somebody who consents to verify and identify, and to no more again when the test is over."""
    yield keep.subject("obama").id
    for purpose in {c.purpose for c in keep.consents("obama") if c.holds} - {Purpose.VERIFY, Purpose.IDENTIFY}:
        keep.withdraw_consent("obama", purpose)


def test_all_that_a_notice_says_is_told_and_named_by_its_hash(client: Client, asking: Asking) -> None:
    purposes = [Purpose.VERIFY, Purpose.PAYMENT]
    first = client.add_notice(TEXT, language="de", purposes=purposes, **SAID)
    assert first == Notice(TEXT, "de", frozenset(purposes), **SAID)
    newer = SAID | {"retention": "7 Tage", "replaces": first.digest}
    second = client.add_notice(TEXT, language="de", purposes=purposes, **newer)
    assert client.notice(first.digest) == first
    assert client.notice(second.digest) == second
    known = {notice.hash: notice for notice in client.notices()}
    assert (known[first.digest].replaced_by, known[second.digest].replaces) == (second.digest, first.digest)
    assert known[second.digest].replaced_by == ""
    shown = asking(*ALL).get(f"/v1/notices/{first.digest}").json()
    assert (shown["replaced_by"], {name: shown[name] for name in SAID}) == (second.digest, SAID)
    with pytest.raises(errors.UsageError, match="replaced before"):
        client.add_notice("Another.", language="de", purposes=purposes, replaces=first.digest)
    with pytest.raises(errors.UsageError, match="no notice"):
        client.add_notice("Another.", language="de", purposes=purposes, replaces="0" * 64)
    body = {"text": "x", "language": "de", "purposes": ["verify"]}
    for wrong in ({"retention": "x" * 10_001}, {"replaces": "x"}, {"retention": 1}):
        assert asking(*ALL).post("/v1/notices", json=body | wrong).status_code == 422


def test_an_older_version_that_was_shown_is_named_by_consents(client: Client, obama: str) -> None:
    first = client.add_notice("Erstens.", language="de", purposes=[Purpose.PAYMENT], retention="ein Jahr")
    client.add_notice("Zweitens.", language="de", purposes=[Purpose.PAYMENT], replaces=first.digest)
    given = client.give_consent(obama, Purpose.PAYMENT, KnownNotice(first.digest))
    assert (given[-1].notice, given[-1].holds) == (first.digest, True)


def test_evidence_and_guardian_are_told_and_the_age_is_not(client: Client, asking: Asking, obama: str) -> None:
    given = client.give_consent(obama, Purpose.ATTENDANCE, NOTICE, circumstances=MINOR)[-1]
    assert (given.evidence, given.guardian, given.age_given) == (SCAN, GUARDIAN, True)
    assert given.of_age is not None
    assert given.of_age.year == given.given.year + 9
    assert client.subject(obama).consents[-1] == given == client.consents(obama)[-1]
    told = asking(*ALL).get(f"/v1/subjects/{obama}/consents", params={"limit": 100}).json()["consents"][-1]
    assert told["guardian"] == {"name": GUARDIAN.name, "relation": "mother", "evidence": GUARDIAN.evidence.written}
    assert set(told) & {"age", "years", "birthday", "born"} == set()
    # The guardian withdraws, and nobody's guardian withdraws what the person gave.
    with pytest.raises(errors.ConsentError, match="guardian"):
        client.withdraw_consent(obama, Purpose.VERIFY, by_guardian=True)
    after = client.withdraw_consent(obama, Purpose.ATTENDANCE, by_guardian=True)
    assert not any(c.holds for c in after if c.purpose is Purpose.ATTENDANCE)


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ({"age": 17}, 403, "consent-missing"),
        ({"age": 18, "guardian": "x"}, 403, "consent-missing"),
        ({"guardian": "x"}, 422, "invalid-request"),
        ({"age": 9, "guardian_relation": "mother"}, 422, "invalid-request"),
        ({"age": -1}, 422, "invalid-request"),
        ({"age": 151}, 422, "invalid-request"),
        ({"age": "about ten"}, 422, "invalid-request"),
        ({"evidence": "capture:x"}, 422, "invalid-request"),
        ({"evidence": "capture:" + "0" * 32}, 422, "invalid-request"),
        ({"age": 9, "guardian": "x", "guardian_evidence": "capture:" + "0" * 32}, 422, "invalid-request"),
        ({"evidence": "form:" + "0" * 64 + "\n"}, 422, "invalid-request"),
        ({"age": 9, "guardian": "x", "guardian_evidence": "seen"}, 422, "invalid-request"),
        ({"age": 9, "guardian": "x" * 513}, 422, "invalid-request"),
        ({"age": 9, "guardian": " "}, 422, "invalid-request"),
        ({"notice": ""}, 422, "invalid-request"),
    ],
)
def test_what_is_no_consent_records_none(
    asking: Asking, keep: Keep, said: dict[str, object], status: int, kind: str
) -> None:
    before = keep.consents("biden")
    path = f"/v1/subjects/{keep.subject('biden').id}/consents"
    answer = asking(*ALL).post(path, json={"purpose": "payment", "notice": NOTICE} | said)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (status, kind)
    assert keep.consents("biden") == before


def test_minors_are_enrolled_with_a_guardian_alone(
    app: FastAPI, client: Client, asking: Asking, keep: Keep, pictures: Path
) -> None:
    picture = (pictures / "astronaut.png").read_bytes()
    before = keep.status()
    for wrong in (Circumstances(age=9), Circumstances(guardian=GUARDIAN, age=18)):
        with pytest.raises(errors.ConsentError):
            client.enrol("eileen", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, circumstances=wrong)
    unread = asking(*ALL).post(
        "/v1/subjects", data={"label": "eileen", "purposes": "verify"}, files=[("pictures", ("x", picture))]
    )
    assert unread.status_code == 422  # no notice, and so no hash of one
    after = keep.status()
    assert (after.people, after.references) == (before.people, before.references)
    token = keep.issue_token("waiting", ALL, days=1).token

    async def otherwise() -> str:
        async with AsyncClient("http://keep", token, transport=httpx2.ASGITransport(app)) as waiting:
            who = await waiting.enrol("eileen", [picture], purposes=BOTH, notice=NOTICE, circumstances=MINOR)
            given = await waiting.consents(who.id)
            assert {(consent.guardian, consent.evidence) for consent in given} == {(GUARDIAN, SCAN)}
            assert (await waiting.verify(who.id, picture)).verified
            await waiting.withdraw_consent(who.id, Purpose.VERIFY, by_guardian=True)
            assert not (await waiting.verify(who.id, picture)).verified
            return who.id

    who = anyio.run(otherwise)
    # No consent to anything is left: nothing more is taken of the person.
    client.withdraw_consent(who, Purpose.PAYMENT)
    refused = asking(*ALL).post(f"/v1/subjects/{who}/references", files=[("pictures", ("x", picture))])
    assert (refused.status_code, refused.json()["type"][-15:]) == (403, "consent-missing")
    keep.revoke_token("waiting")
    client.erase(who)
    keep.check()


def test_without_consent_403_and_who_withdrew_is_not_returned_by_the_next_search(
    client: Client, asking: Asking, keep: Keep, pictures: Path
) -> None:
    """GDPR 9 and 7(3), BIPA 15(b), PIPL 29."""
    probe = (pictures / "biden.jpg").read_bytes()
    biden, case = keep.subject("biden").id, client.open_case("consents").title
    assert [found.label for found in client.identify(probe, case=case).candidates] == ["biden"]
    client.withdraw_consent(biden, Purpose.IDENTIFY)
    assert not client.identify(probe, case=case).candidates
    body = {"label": "biden", "purposes": ["identify"], "notice": NOTICE}
    again = asking(*ALL).post("/v1/subjects", data=body, files=[("pictures", ("x", probe))])
    assert (again.status_code, again.json()["type"]) == (403, "urn:facekeep:problem:consent-missing")
    client.give_consent(biden, Purpose.IDENTIFY, NOTICE)
    assert [found.label for found in client.identify(probe, case=case).candidates] == ["biden"]


def test_without_the_hash_of_a_notice_422(asking: Asking, keep: Keep, pictures: Path) -> None:
    """GDPR 13."""
    client, before = asking(*ALL), keep.consents("biden")
    picture = [("pictures", ("x", (pictures / "astronaut.png").read_bytes()))]
    for notice in ({}, {"notice": ""}, {"notice_hash": ""}, {"notice_hash": "0" * 64}):
        consent = {"purpose": "payment"} | notice
        given = client.post(f"/v1/subjects/{keep.subject('biden').id}/consents", json=consent)
        enrolled = client.post("/v1/subjects", data={"label": "x", "purposes": "verify"} | notice, files=picture)
        assert (given.status_code, enrolled.status_code) == (422, 422)
    assert keep.consents("biden") == before


def test_under_14_with_a_guardian_alone(client: Client, keep: Keep, obama: str) -> None:
    """China's measures of 2025."""
    keep.set_consent_rules(ConsentRules(14))
    try:
        with pytest.raises(errors.ConsentError, match="under 14 years"):
            client.give_consent(obama, Purpose.PAYMENT, NOTICE, circumstances=Circumstances(age=13))
        by_guardian = Circumstances(guardian=GUARDIAN, age=13)
        assert client.give_consent(obama, Purpose.PAYMENT, NOTICE, circumstances=by_guardian)[-1].guardian == GUARDIAN
        alone = client.give_consent(obama, Purpose.ATTENDANCE, NOTICE, circumstances=Circumstances(age=14))
        assert alone[-1].guardian is None
    finally:
        keep.set_consent_rules(ConsentRules())


def test_a_keep_that_asks_for_ages_takes_no_consent_without(client: Client, keep: Keep, obama: str) -> None:
    keep.set_consent_rules(ConsentRules(14, age_required=True))
    try:
        with pytest.raises(errors.ConsentError, match="age"):
            client.give_consent(obama, Purpose.PAYMENT, NOTICE)
        given = client.give_consent(obama, Purpose.PAYMENT, NOTICE, circumstances=Circumstances(age=14))
        assert (given[-1].age_given, given[-1].of_age) == (True, None)
    finally:
        keep.set_consent_rules(ConsentRules())

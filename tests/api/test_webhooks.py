"""What is told of events by a keep, to whom, and what is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI

from facekeep import errors
from facekeep.client import Client, verify_webhook
from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.domain.webhooks import EventKind
from facekeep.interfaces.mail_server import MailServer, Security
from facekeep.interfaces.mailing import MailPost
from facekeep.interfaces.posting import EveryPost, HttpsPost
from facekeep.service.keep import Keep
from facekeep.service.webhooks import Courier
from tests.api.conftest import NOTICE, Asking
from tests.api.test_client import Through
from tests.mail_receiver import receiving_mail
from tests.receiver import receiving


@pytest.fixture
def client(app: FastAPI, keep: Keep) -> Iterator[Client]:
    app.state.private = True
    token = keep.issue_token("hooks", list(Scope), days=1).token
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made
    keep.revoke_token("hooks")
    app.state.private = False


@pytest.mark.enable_socket
def test_everything_that_happens_is_told_by_identifiers_alone(
    client: Client, keep: Keep, app: FastAPI, pictures: Path
) -> None:
    picture = (pictures / "astronaut.png").read_bytes()
    now = datetime.now(UTC)
    with receiving() as receiver:
        made = client.add_webhook(receiver.url, list(EventKind))
        who = client.enrol("a label", [picture], purposes=[Purpose.VERIFY], notice=NOTICE, name="A Name").id
        reference = client.references(who)[0].id
        client.add_references(who, [picture])
        client.remove_reference(who, reference)
        client.give_consent(who, Purpose.PAYMENT, NOTICE)
        client.withdraw_consent(who, Purpose.PAYMENT)
        case = client.open_case("a title")
        for _ in range(2):
            client.close_case(case.id)  # the second time nothing happens
        client.erase(who)
        with pytest.raises(errors.NotFoundError):
            client.erase(who)
        bad = (pictures / "obama_partial_face2.jpg").read_bytes()
        with pytest.raises(errors.QualityError):
            client.enrol("nobody", [bad], purposes=[Purpose.VERIFY], notice=NOTICE)
        waiting = client.webhook(made.id)
        post = HttpsPost(private=True)
        Courier(keep, post, lambda: now, app.state.metrics.sent).round()
        came = receiver.all()
        assert waiting.waiting == len(came) == client.webhook(made.id).delivered
    messages = [verify_webhook(r.body, r.headers, made.secret, now) for r in came]
    told = sorted((m.kind, sorted(m.data.items())) for m in messages)
    person, it = ("subject", who), ("case", case.id)
    assert told == sorted(
        [
            ("subject.enrolled", [person]),
            ("consent.given", [("purpose", "verify"), person]),
            ("references.added", [person]),
            ("reference.removed", [person]),
            ("consent.given", [("purpose", "payment"), person]),
            ("consent.withdrawn", [("purpose", "payment"), person]),
            ("case.opened", [it, ("purpose", "identify")]),
            ("case.closed", [it, ("purpose", "identify")]),
            ("subject.erased", [person]),
        ]
    )
    everything = b"".join(r.body for r in came) + json.dumps([r.headers for r in came]).encode()
    for personal in (b"a label", b"A Name", b"a title", NOTICE.encode(), reference.encode(), b"client hooks"):
        assert personal not in everything
    assert 'facekeep_webhook_messages_total{outcome="delivered"}' in app.state.metrics.text().decode()
    client.remove_webhook(made.id)
    with pytest.raises(errors.NotFoundError):
        client.webhook(made.id)


def test_an_endpoint_is_shown_without_its_secret(client: Client, asking: Asking) -> None:
    raw = asking(Scope.WEBHOOKS)
    body = {"url": "https://example.org/hook", "events": ["subject.erased"]}
    made = raw.post("/v1/webhooks", json=body)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    who = made.json()["id"]
    shown = raw.get(f"/v1/webhooks/{who}")
    assert shown.json() == {
        **body, "id": who, "created": made.json()["created"], "disabled": None, "failures": 0, "retry": None,
        "waiting": 0, "delivered": 0, "dropped": 0,
    }  # fmt: skip
    assert made.json()["secret"] not in shown.text + raw.get("/v1/webhooks").text
    assert [webhook.id for webhook in client.webhooks()] == [who]
    tag = {"If-None-Match": shown.headers["etag"]}
    assert raw.get(f"/v1/webhooks/{who}", headers=tag).status_code == 304
    again = [client.add_webhook("https://example.org/", [EventKind.CASE_OPENED], key="w") for _ in range(2)]
    assert (again[0].id, again[0].url, again[0].events) == (again[1].id, again[1].url, again[1].events)
    assert (again[0].secret != "", again[1].secret) == (True, ""), "told once, even if the request is sent again"
    for webhook in client.webhooks():
        client.remove_webhook(webhook.id)
    assert client.webhooks() == ()


def test_endpoints_of_another_organisation_are_not_there(client: Client, keep: Keep, app: FastAPI) -> None:
    own = client.add_webhook("https://example.org/", [EventKind.CASE_OPENED]).id
    token = keep.issue_token("hooks there", [Scope.WEBHOOKS], days=1, organisation="other").token
    with Client("http://keep", token, transport=Through(app)) as there:
        theirs = there.add_webhook("https://example.org/", list(EventKind)).id
        assert [[each.id for each in at.webhooks()] for at in (client, there)] == [[own], [theirs]]
        for at, other in ((client, theirs), (there, own)):
            with pytest.raises(errors.NotFoundError):
                at.webhook(other)
            with pytest.raises(errors.NotFoundError):
                at.remove_webhook(other)
        client.close_case(client.open_case("not theirs").id)
        assert (client.webhook(own).waiting, there.webhook(theirs).waiting) == (1, 0)
        there.remove_webhook(theirs)
    client.remove_webhook(own)
    keep.revoke_token("hooks there")


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://example.org/", "events": ["subject.erased"]},
        {"url": "https://127.0.0.1/", "events": ["subject.erased"]},
        {"url": "https://169.254.169.254/latest", "events": ["subject.erased"]},
        {"url": "https://a..example/", "events": ["subject.erased"]},
        {"url": f"https://{'a' * 64}.example/", "events": ["subject.erased"]},
        {"url": "https://[64:ff9b:1::7f00:1]/", "events": ["subject.erased"]},
        {"url": "mailto:duty@example.org", "events": ["subject.erased"]},
        {"url": "https://example.org/", "events": []},
        {"url": "https://example.org/", "events": ["verification.failed"]},
        {"url": "https://example.org/"},
    ],
)
def test_what_is_refused(asking: Asking, app: FastAPI, body: dict[str, object]) -> None:
    assert app.state.private is False
    answer = asking(Scope.WEBHOOKS).post("/v1/webhooks", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:facekeep:problem:invalid-request")


@pytest.mark.enable_socket
def test_letters_go_where_a_mail_server_is_named(client: Client, keep: Keep, app: FastAPI, asking: Asking) -> None:
    app.state.mail, raw, now = True, asking(Scope.WEBHOOKS), datetime.now(UTC)
    try:
        made = client.add_webhook("mailto:duty@example.org", [EventKind.CASE_OPENED])
        several = {"url": "mailto:duty@example.org,other@example.org", "events": ["case.opened"]}
        head = {"url": "mailto:duty@example.org\r\nBcc: other@example.org", "events": ["case.opened"]}
        assert [raw.post("/v1/webhooks", json=body).status_code for body in (several, head)] == [422, 422]
    finally:
        app.state.mail = False
    assert (made.url, made.secret) == ("mailto:duty@example.org", "")
    client.close_case(client.open_case("of letters").id)
    with receiving_mail(["550 nobody of that name"]) as receiver:
        server = MailServer("localhost", receiver.port, Security.PLAIN, "facekeep@keep.example")
        post = EveryPost(HttpsPost(), MailPost(server, lookup=lambda *_: ["127.0.0.1"]))
        due = Courier(keep, post, lambda: now, app.state.metrics.sent).round()
        assert due is not None
        assert (receiver.all(), client.webhook(made.id).failures) == ([], 1)
        assert Courier(keep, post, lambda: due, app.state.metrics.sent).round() is None
        (arrived,) = receiver.all()
    assert (arrived.to, b"of letters" in arrived.raw) == (["duty@example.org"], False)
    after = client.webhook(made.id)
    assert (after.failures, after.waiting, after.delivered) == (0, 0, 1)
    client.remove_webhook(made.id)

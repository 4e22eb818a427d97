"""Whether a message is from the keep, as its receiver finds out."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.client import verify_webhook
from facekeep.domain.webhooks import (
    Delivery,
    DeliveryId,
    Event,
    EventKind,
    WebhookId,
    headers_of,
    shown_secret,
    signature,
)
from facekeep.errors import AuthenticationError, FormatError, UsageError

SECRET = bytes(range(32))
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
EVENT = Event(EventKind.CONSENT_GIVEN, NOW - timedelta(hours=3), {"subject": "ab" * 16, "purpose": "verify"})
DELIVERY = Delivery(DeliveryId(bytes(16)), WebhookId(bytes(16)), EVENT)
HEADERS = headers_of(SECRET, DELIVERY, int(NOW.timestamp()))


def test_the_vector_of_standard_webhooks() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_sent_is_what_is_received() -> None:
    message = verify_webhook(DELIVERY.body(), HEADERS, shown_secret(SECRET), NOW)
    assert (message.id, message.kind, message.time) == ("0" * 32, "consent.given", EVENT.time)
    assert message.data == EVENT.about
    assert json.loads(DELIVERY.body()).keys() == {"type", "timestamp", "data"}


def test_names_of_headers_in_any_case_and_several_signatures() -> None:
    shouted = {name.upper(): value for name, value in HEADERS.items()}
    shouted["WEBHOOK-SIGNATURE"] = "v1a,else v1,wrong " + HEADERS["webhook-signature"]
    assert verify_webhook(DELIVERY.body(), shouted, shown_secret(SECRET), NOW).kind == "consent.given"


@pytest.mark.parametrize("seconds", [-301, 301, 86_400, -86_400])
def test_a_message_of_another_time_is_denied(seconds: int) -> None:
    with pytest.raises(AuthenticationError):
        verify_webhook(DELIVERY.body(), HEADERS, shown_secret(SECRET), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_the_window(seconds: int) -> None:
    verify_webhook(DELIVERY.body(), HEADERS, shown_secret(SECRET), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "x", "1" * 13, "²", "v1,", "v1,ü\ud800", HEADERS["webhook-id"][:-1] + "1"])
def test_another_header_is_denied(name: str, value: str | None) -> None:
    changed = {key: given for key, given in HEADERS.items() if key != name} | ({} if value is None else {name: value})
    with pytest.raises(AuthenticationError):
        verify_webhook(DELIVERY.body(), changed, shown_secret(SECRET), NOW)


@given(st.integers(0, len(DELIVERY.body()) - 1), st.integers(1, 255))
def test_a_body_that_was_altered_anywhere_is_denied(place: int, change: int) -> None:
    body = bytearray(DELIVERY.body())
    body[place] ^= change
    with pytest.raises(AuthenticationError):
        verify_webhook(bytes(body), HEADERS, shown_secret(SECRET), NOW)


def test_another_secret_is_denied() -> None:
    with pytest.raises(AuthenticationError):
        verify_webhook(DELIVERY.body(), HEADERS, shown_secret(bytes(32)), NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!", base64.b64encode(SECRET).decode(), "fkt1_x"])
def test_what_is_no_secret(secret: str) -> None:
    with pytest.raises(UsageError):
        verify_webhook(DELIVERY.body(), HEADERS, secret, NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"type":1}', b'{"type":"x","timestamp":"y","data":[]}', b"\xff"])
def test_a_signed_message_of_another_form(body: bytes) -> None:
    stamp = int(NOW.timestamp())
    headers = {**HEADERS, "webhook-signature": signature(SECRET, HEADERS["webhook-id"], stamp, body)}
    with pytest.raises(FormatError):
        verify_webhook(body, headers, shown_secret(SECRET), NOW)


@given(
    st.binary(min_size=16, max_size=16),
    st.sampled_from(EventKind),
    st.dictionaries(st.sampled_from(["subject", "case", "purpose"]), st.text("0123456789abcdef", max_size=32)),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_message_comes_back(identifier: bytes, kind: EventKind, about: dict[str, str], time: datetime) -> None:
    delivery = Delivery(DeliveryId(identifier), WebhookId(bytes(16)), Event(kind, time, about))
    headers = headers_of(SECRET, delivery, int(NOW.timestamp()))
    message = verify_webhook(delivery.body(), headers, shown_secret(SECRET), NOW)
    assert (message.id, message.kind, message.time, message.data) == (identifier.hex(), kind, time, about)

"""Messages reach their endpoints at least once, signed, in order, and nobody whom they must not reach."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509

from facekeep.client import verify_webhook
from facekeep.domain.webhooks import Delivery, Event, EventKind, Webhook, WebhookId, shown_secret
from facekeep.errors import AuthenticationError, NotFoundError, UnavailableError, UsageError
from facekeep.interfaces.posting import HttpsPost
from facekeep.service import webhooks
from facekeep.service.endpoints import check_url, is_public
from facekeep.service.webhooks import (
    FAILURES_MAX,
    Courier,
    Outcome,
    WebhookService,
    WebhookStatus,
)
from facekeep.store import webhook_writing
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.registry import Registry
from tests.receiver import Received, certificate, dripping, receiving

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


class Outbox:
    """A registry's messages without the rest of a keep, and a clock that is moved by hand."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.service = WebhookService(registry)
        self.now = NOW

    def clock(self) -> datetime:
        return self.now

    def webhooks(self) -> tuple[WebhookStatus, ...]:
        return self.service.statuses()

    def webhook(self, webhook: str) -> WebhookStatus:
        return self.service.status(webhook)

    def waiting_deliveries(self, webhook: WebhookId) -> tuple[Delivery, ...]:
        return self.service.deliveries(webhook)

    def delivery_taken(self, delivery: Delivery) -> None:
        self.service.delivered(delivery)

    def delivery_failed(self, webhook: WebhookId, *, jitter: float, gone: bool) -> int:
        return self.service.failed(webhook, self.now, jitter=jitter, gone=gone)

    def watch_events(self, told: Callable[[], None]) -> None:
        self.registry.watch_events(told)

    def add(self, url: str, *kinds: EventKind) -> Webhook:
        return self.service.add(url, kinds or list(EventKind), self.now, private=True)

    def tell(self, kind: EventKind = EventKind.SUBJECT_ERASED, subject: int = 1) -> None:
        with self.registry.transaction() as tx:
            tx.tell(Event(kind, self.now, {"subject": f"{subject:032x}"}))

    def only(self) -> WebhookStatus:
        (status,) = self.webhooks()
        return status


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, FileKeyProvider]:
    (tmp_path / "keys").mkdir(mode=0o700)
    return tmp_path / "registry.db", FileKeyProvider(tmp_path / "keys")


@pytest.fixture
def outbox(place: tuple[Path, FileKeyProvider]) -> Iterator[Outbox]:
    with Registry.create(*place, keep_id=b"keep", model="ab" * 32) as registry:
        yield Outbox(registry)


@pytest.fixture
def post() -> HttpsPost:
    return HttpsPost(private=True)


def courier(outbox: Outbox, post: webhooks.Post, told: list[tuple[Outcome, int]] | None = None) -> Courier:
    heard = [] if told is None else told
    return Courier(outbox, post, outbox.clock, lambda *what: heard.append(what), jitter=lambda: 1.0)


def _subject(received: Received, webhook: Webhook, now: datetime) -> int:
    message = verify_webhook(received.body, received.headers, shown_secret(webhook.secret), now)
    return int(message.data["subject"], 16)


@pytest.mark.enable_socket
def test_an_endpoint_that_fails_is_asked_again_until_it_takes_the_message(outbox: Outbox, post: HttpsPost) -> None:
    told: list[tuple[Outcome, int]] = []
    with receiving([500, 503]) as receiver:
        webhook = outbox.add(receiver.url)
        for number in (1, 2, 3):
            outbox.tell(subject=number)
            outbox.now += timedelta(seconds=1)
        sender = courier(outbox, post, told)
        assert sender.round() == outbox.now + timedelta(seconds=10)
        assert (outbox.only().webhook.failures, outbox.only().waiting) == (1, 3)
        assert sender.round() == outbox.now + timedelta(seconds=10)  # not yet
        outbox.now += timedelta(seconds=10)
        assert sender.round() == outbox.now + timedelta(seconds=20)
        outbox.now += timedelta(seconds=20)
        assert sender.round() is None
        came = receiver.all()
        # The first three are attempts of one message, which is the same each time but for the time of sending.
        assert len({r.body for r in came[:3]}) == len({r.headers["webhook-id"] for r in came[:3]}) == 1
        assert len({r.headers["webhook-signature"] for r in came[:3]}) == 3
        assert [_subject(r, webhook, outbox.now) for r in came] == [1, 1, 1, 2, 3]
        assert (outbox.only().waiting, outbox.only().webhook.delivered, outbox.only().webhook.failures) == (0, 3, 0)
    assert told == [(Outcome.FAILED, 1), (Outcome.FAILED, 1)] + [(Outcome.DELIVERED, 1)] * 3


@pytest.mark.enable_socket
def test_a_receiver_knows_a_forgery_and_a_replay(outbox: Outbox, post: HttpsPost) -> None:
    with receiving() as receiver:
        webhook, other = outbox.add(receiver.url), outbox.add(receiver.url)
        outbox.tell()
        courier(outbox, post).round()
        for received in receiver.all():
            fitting = [w for w in (webhook, other) if _fits(received, w, outbox.now)]
            assert len(fitting) == 1  # each endpoint has a secret of its own
            assert not _fits(received, fitting[0], outbox.now + timedelta(minutes=6))
            forged = Received(received.path, received.headers, received.body.replace(b"erased", b"enrolled"))
            assert not _fits(forged, fitting[0], outbox.now)
            later = str(int(outbox.now.timestamp()) + 360)
            moved = Received(received.path, {**received.headers, "webhook-timestamp": later}, received.body)
            assert not _fits(moved, fitting[0], outbox.now + timedelta(minutes=6))


def _fits(received: Received, webhook: Webhook, now: datetime) -> bool:
    try:
        _subject(received, webhook, now)
    except AuthenticationError:
        return False
    return True


@pytest.mark.enable_socket
def test_a_crash_between_event_and_delivery_loses_nothing(
    outbox: Outbox, place: tuple[Path, FileKeyProvider], post: HttpsPost
) -> None:
    path, _ = place
    with receiving() as receiver:
        webhook = outbox.add(receiver.url)
        outbox.registry.close()
        program = (
            "import os, sys; from datetime import UTC, datetime as D; from pathlib import Path\n"
            "from facekeep.domain.webhooks import Event, EventKind\n"
            "from facekeep.store.keyfiles import FileKeyProvider; from facekeep.store.registry import Registry\n"
            f"registry = Registry.open(Path({str(path)!r}), FileKeyProvider(Path({str(path.parent / 'keys')!r})))\n"
            "for subject in (7, 8):\n"
            "    with registry.transaction() as tx:\n"
            "        about = {'subject': f'{subject:032x}'}\n"
            "        tx.tell(Event(EventKind.CONSENT_GIVEN, D(2026, 11, 26, 12, 0, subject, tzinfo=UTC), about))\n"
            "        if subject == 8: os._exit(9)\n"  # before the commit: it never happened
        )
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
        with Registry.open(*place) as again:
            survivor = Outbox(again)
            courier(survivor, post).round()
            assert [_subject(r, webhook, NOW) for r in receiver.all()] == [7]
            assert survivor.only().waiting == 0


@pytest.mark.enable_socket
def test_a_crash_between_taking_and_recording_sends_the_same_message_again(outbox: Outbox, post: HttpsPost) -> None:
    class Crashed(Exception):  # noqa: N818
        pass

    def crash(_: Delivery) -> None:
        raise Crashed

    with receiving() as receiver:
        outbox.add(receiver.url)
        outbox.tell()
        sender, recorded = courier(outbox, post), outbox.delivery_taken
        outbox.delivery_taken = crash  # type: ignore[method-assign]
        with pytest.raises(Crashed):
            sender.round()
        outbox.delivery_taken = recorded  # type: ignore[method-assign]
        assert sender.round() is None
        first, second = receiver.all()
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


def test_a_dead_endpoint_is_disabled_after_about_a_day(outbox: Outbox) -> None:
    def refuse(*_: object) -> int:
        raise UnavailableError("nobody there")

    told: list[tuple[Outcome, int]] = []
    sender = courier(outbox, refuse, told)
    outbox.add("https://example.org/")
    outbox.tell()
    waits = []
    for attempt in range(FAILURES_MAX):
        if attempt == 3:
            outbox.tell()
        due = sender.round()
        if due is not None:
            waits.append(due - outbox.now)
            outbox.now = due
    assert waits[:4] == [timedelta(seconds=10 * 2**n) for n in range(4)]
    assert max(waits) == timedelta(hours=4)
    assert timedelta(hours=18) < sum(waits, timedelta()) < timedelta(hours=30)
    status = outbox.only()
    assert (status.webhook.disabled, status.waiting, status.webhook.dropped) == (outbox.now, 0, 2)
    assert (Outcome.FAILED, 1) in told
    assert sum(n for outcome, n in told if outcome is Outcome.DROPPED) == 2
    outbox.tell()  # nothing is kept for it any more
    assert (sender.round(), outbox.only().waiting) == (None, 0)


def test_an_endpoint_at_which_sending_fails_in_a_way_nobody_meant_ends_no_other(outbox: Outbox) -> None:
    def odd(url: str, *_: object) -> int:
        if "odd" in url:
            raise UnicodeError("label empty or too long")
        return 200

    outbox.add("https://odd.example/")
    outbox.add("https://example.org/")
    outbox.tell()
    told: list[tuple[Outcome, int]] = []
    unmeant: list[Exception] = []
    sender = Courier(outbox, odd, outbox.clock, lambda *what: told.append(what), unmeant=unmeant.append)
    assert sender.round() is not None
    assert [type(error) for error in unmeant] == [UnicodeError]
    assert sorted(outcome for outcome, _ in told) == sorted([Outcome.FAILED, Outcome.DELIVERED])


def test_waits_are_spread(outbox: Outbox) -> None:
    def refuse(*_: object) -> int:
        raise UnavailableError("nobody there")

    for drawn, wait in ((0.0, 5), (0.5, 7.5), (1.0, 10)):
        webhook = outbox.add("https://example.org/")
        outbox.tell()
        due = Courier(outbox, refuse, outbox.clock, jitter=lambda drawn=drawn: drawn).round()  # type: ignore[misc]
        assert due == outbox.now + timedelta(seconds=wait)
        outbox.service.remove(webhook.id.hex(), NOW)


def test_an_old_message_is_given_up_when_it_fails_once_more(outbox: Outbox) -> None:
    answers = iter([500, 200])
    outbox.add("https://example.org/")
    outbox.tell(subject=1)
    outbox.now += timedelta(days=1, seconds=1)
    outbox.tell(subject=2)
    sender = courier(outbox, lambda *_: next(answers))
    due = sender.round()
    assert (outbox.only().waiting, outbox.only().webhook.dropped) == (1, 1)
    assert due is not None
    outbox.now = due
    assert sender.round() is None
    assert outbox.only().webhook.delivered == 1


def test_who_says_gone_is_not_asked_again(outbox: Outbox) -> None:
    outbox.add("https://example.org/")
    outbox.tell()
    assert courier(outbox, lambda *_: 410).round() is None
    assert (outbox.only().webhook.disabled, outbox.only().waiting) == (outbox.now, 0)


def test_one_that_fails_holds_up_nobody_else(outbox: Outbox) -> None:
    for n in range(6):
        outbox.add(f"https://{n}.example.org/")
    outbox.tell()
    courier(outbox, lambda url, *_: 500 if "3." in url else 200).round()
    assert [(s.waiting, s.webhook.failures) for s in outbox.webhooks()] == [
        (1, 1) if "3." in s.webhook.url else (0, 0) for s in outbox.webhooks()
    ]
    assert sum(s.waiting for s in outbox.webhooks()) == 1


def test_only_what_was_asked_for_is_told(outbox: Outbox) -> None:
    webhook = outbox.add("https://example.org/", EventKind.CASE_OPENED)
    outbox.tell(EventKind.SUBJECT_ERASED)
    outbox.tell(EventKind.CASE_OPENED)
    (delivery,) = outbox.waiting_deliveries(webhook.id)
    assert delivery.event.kind is EventKind.CASE_OPENED


def test_too_many_that_wait_disable_an_endpoint(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_writing, "WAITING_MAX", 3)
    outbox.add("https://example.org/")
    for _ in range(5):
        outbox.tell()
    status = outbox.only()
    assert (status.waiting, status.webhook.dropped, status.webhook.disabled) == (0, 4, outbox.now)


def test_one_that_is_removed_meanwhile(outbox: Outbox) -> None:
    for answer in (200, 500):
        webhook = outbox.add("https://example.org/")
        outbox.tell()

        def post(*_: object, webhook: Webhook = webhook, answer: int = answer) -> int:
            outbox.service.remove(webhook.id.hex(), NOW)
            return answer

        assert courier(outbox, post).round() is None
        assert outbox.webhooks() == ()
    for wrong in ("0" * 32, "x"):
        with pytest.raises(NotFoundError):
            outbox.service.remove(wrong, NOW)
        with pytest.raises(NotFoundError):
            outbox.service.status(wrong)


@pytest.mark.enable_socket
def test_a_redirect_is_an_answer_and_not_followed(outbox: Outbox, post: HttpsPost) -> None:
    with receiving([307]) as receiver:
        outbox.add(receiver.url)
        outbox.tell()
        courier(outbox, post).round()
        assert [r.path for r in receiver.all()] == ["/hook"]
        assert outbox.only().webhook.failures == 1


@pytest.mark.enable_socket
def test_a_thread_sends_what_is_told_and_ends(outbox: Outbox, post: HttpsPost) -> None:
    with receiving() as receiver:
        webhook = outbox.add(receiver.url)
        with courier(outbox, post).working():
            for number in (1, 2):
                outbox.tell(subject=number)
                assert _subject(receiver.came.get(timeout=10), webhook, outbox.now) == number


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.enable_socket
@pytest.mark.parametrize(
    ("scheme", "first", "then"),
    [("http", b"", b""), ("http", HEAD + b"x: ", b"y"), ("http", b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
     ("https", b"", b""), ("https", b"\x16\x03\x03\x40\x00", b"\x00")],
    ids=["silent", "head", "early hints", "handshake", "handshake in drops"],
)  # fmt: skip
def test_an_attempt_ends_at_its_deadline_whatever_drips(scheme: str, first: bytes, then: bytes) -> None:
    with dripping(first, then) as receiver:
        began = monotonic()
        with pytest.raises(UnavailableError, match="in time"):
            HttpsPost(private=True, seconds=0.3)(receiver.url.replace("http", scheme), {}, b"{}")
        assert monotonic() - began < 5
        assert receiver.came.get(timeout=10).body  # it was reached


def test_a_name_that_is_looked_up_for_ever_ends_at_the_deadline_too() -> None:
    for_ever = threading.Event()

    def lookup(*_: object) -> list[str]:
        for_ever.wait(60)
        return []

    began = monotonic()
    with pytest.raises(UnavailableError, match="in time"):
        HttpsPost(lookup=lookup, seconds=0.1)("https://example.org/", {}, b"{}")
    assert monotonic() - began < 5
    for_ever.set()


@pytest.mark.enable_socket
def test_of_an_answer_its_head_is_read_and_no_more_of_it_than_100_kib(outbox: Outbox) -> None:
    patient = HttpsPost(private=True, seconds=60)
    began = monotonic()
    with dripping(HEAD + b"content-length: 1000000000\r\n\r\n", b"y") as receiver:
        assert patient(receiver.url, {}, b"{}") == 200
    with dripping(HEAD + b"x: ", b"y" * 50_000) as receiver, pytest.raises(UnavailableError, match=r"did not answer$"):
        patient(receiver.url, {}, b"{}")
    assert monotonic() - began < 30


@pytest.mark.enable_socket
def test_slow_endpoints_hold_up_neither_others_nor_the_end_and_lose_nothing(outbox: Outbox) -> None:
    patient = HttpsPost(private=True, seconds=60)
    sender = Courier(outbox, patient, outbox.clock, cut=patient.cut)
    with dripping(HEAD + b"x: ", b"y") as slow, receiving() as receiver:
        for _ in range(8):
            outbox.add(slow.url)
        outbox.tell(subject=1)
        with sender.working():
            for _ in range(8):
                assert slow.came.get(timeout=10)  # all of them are being sent to
            webhook = outbox.add(receiver.url)
            for number in (2, 3):
                outbox.tell(subject=number)
                assert _subject(receiver.came.get(timeout=10), webhook, outbox.now) == number
            ending = monotonic()
        assert monotonic() - ending < 10
        statuses = outbox.webhooks()
        assert sorted((s.waiting, s.webhook.failures) for s in statuses if s.webhook.url == slow.url) == [(3, 0)] * 8
        with pytest.raises(UnavailableError):
            patient(receiver.url, {}, b"{}")  # nothing begins any more
        assert receiver.all() == []


def test_nothing_is_sent_to_an_endpoint_that_was_removed_or_disabled_since_its_messages_were_read(
    outbox: Outbox,
) -> None:
    sent: list[bytes] = []
    webhook = outbox.add("https://example.org/")

    def removing(_: str, __: object, body: bytes) -> int:
        sent.append(body)
        outbox.service.remove(webhook.id.hex(), NOW)
        return 200

    for number in (1, 2, 3):
        outbox.tell(subject=number)
    assert courier(outbox, removing).round() is None
    assert len(sent) == 1


def test_what_cannot_be_read_for_one_endpoint_is_told_and_stops_no_other(outbox: Outbox) -> None:
    broken = outbox.add("https://odd.example/")
    outbox.add("https://example.org/")
    sent, unmeant, reading = threading.Event(), list[Exception](), outbox.waiting_deliveries

    def read(webhook: WebhookId) -> tuple[Delivery, ...]:
        if webhook == broken.id:
            raise ValueError("anything")
        return reading(webhook)

    def post(*_: object) -> int:
        sent.set()
        return 200

    outbox.waiting_deliveries = read  # type: ignore[method-assign]
    sender = Courier(outbox, post, outbox.clock, unmeant=unmeant.append)
    with sender.working():
        for _ in range(3):
            sent.clear()
            outbox.tell()
            assert sent.wait(10)
    assert [type(error) for error in unmeant] == [ValueError]  # once: it is not tried again at once


@pytest.mark.enable_socket
@pytest.mark.parametrize("private", [False, True])
def test_nothing_in_this_network_is_reached_unless_that_is_allowed(private: bool) -> None:
    looked: list[str] = []

    def lookup(host: str, _: int) -> list[str]:
        looked.append(host)
        return {"mixed": ["1.1.1.1", "10.0.0.1"], "nowhere": []}.get(host, ["127.0.0.1"])

    with receiving() as receiver:
        post = HttpsPost(private=private, lookup=lookup)
        url = receiver.url.replace("127.0.0.1", "receiver.example")
        if private:
            assert post(url, {"x": "y"}, b"{}") == 200
            (received,) = receiver.all()
            assert received.headers["host"].startswith("receiver.example:")
            assert looked == ["receiver.example"]  # once: a second time it could point elsewhere
        else:
            for host in ("receiver.example", "mixed", "nowhere"):
                with pytest.raises(UnavailableError):
                    post(receiver.url.replace("127.0.0.1", host), {}, b"{}")
            assert receiver.all() == []
        with pytest.raises(UnavailableError):
            post("https://nowhere/", {}, b"{}")


@pytest.mark.enable_socket
def test_who_answers_has_to_be_who_the_name_says(tmp_path: Path) -> None:
    certificate(tmp_path, x509.DNSName("receiver.example"))
    with receiving(tls=tmp_path) as receiver:
        believing = HttpsPost(private=True, authorities=tmp_path / "cert.pem", lookup=lambda *_: ["127.0.0.1"])
        other = HttpsPost(private=True, lookup=lambda *_: ["127.0.0.1"])
        named = receiver.url.replace("127.0.0.1", "receiver.example")
        assert believing(named, {}, b"{}") == 200
        for post, url in ((believing, named.replace("receiver", "other")), (believing, receiver.url), (other, named)):
            with pytest.raises(UnavailableError):
                post(url, {}, b"{}")
        assert len(receiver.all()) == 1


@pytest.mark.enable_socket
def test_nobody_there() -> None:
    post = HttpsPost(private=True, lookup=lambda *_: ["127.0.0.1"])
    with pytest.raises(UnavailableError):
        post("https://example.org:1/", {}, b"{}")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1"),
        *("::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::1", "ff02::1"),
    ],
)
def test_addresses_that_are_not_of_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "ftp://example.org", "http://example.org/", "https://", "https://user@example.org/"),
        *("https://example.org/#part", "https://exa mple.org", "https://example.org:99999/", "https://ü.example/"),
        *("https://example.org/" + "x" * 2048, "https://[::1", "javascript:alert(1)"),
    ],
)
def test_what_is_no_address_of_a_webhook(url: str) -> None:
    for private in (False, True):
        with pytest.raises(UsageError):
            check_url(url, private=private, mail=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost:8080/x", "https://[::1]/", "https://10.0.0.1/"])
def test_addresses_here_need_to_be_allowed(url: str) -> None:
    check_url(url, private=True, mail=False)
    with pytest.raises(UsageError, match="in this network"):
        check_url(url, private=False, mail=False)


def test_an_address_elsewhere_is_fine() -> None:
    check_url("https://hooks.example.org:8443/a?b=c", private=False, mail=False)


def test_what_cannot_be_added(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="at least one"):
        outbox.service.add("https://example.org/", [], NOW, private=False)
    monkeypatch.setattr(webhooks, "_WEBHOOKS_MAX", 1)
    outbox.add("https://example.org/")
    with pytest.raises(UsageError, match="at most"):
        outbox.add("https://example.org/")


def test_secrets_and_messages_are_sealed(outbox: Outbox, place: tuple[Path, FileKeyProvider]) -> None:
    webhook = outbox.add("https://canary.example.org/")
    outbox.tell(subject=0xCAFE)
    kept = b"".join(file.read_bytes() for file in place[0].parent.iterdir() if file.is_file())
    for plain in (b"canary", webhook.secret, f"{0xCAFE:032x}".encode(), b"subject.erased"):
        assert plain not in kept
    assert webhook.secret.hex() not in repr(webhook)
    assert "canary" not in repr(webhook)

"""Alerts by mail: letters reach one mailbox, over TLS, and say nothing of anybody; nothing gets into their heads."""

from __future__ import annotations

import socket
import string
import threading
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from cryptography import x509
from hypothesis import example, given, settings
from hypothesis import strategies as st

from facekeep.domain.mailbox import MAILBOX_MAX, mailbox, mailbox_of
from facekeep.domain.webhooks import Delivery, DeliveryId, Event, EventKind, WebhookId, event_of, headers_of
from facekeep.errors import UnavailableError, UsageError
from facekeep.interfaces.letters import SENTENCES, letter
from facekeep.interfaces.mail_server import MailServer, Security, mail_server
from facekeep.interfaces.mailing import MailPost
from facekeep.interfaces.posting import EveryPost, HttpsPost
from facekeep.interfaces.settings import PREFIX, Settings
from tests.mail_receiver import receiving_mail
from tests.receiver import certificate, dripping, receiving

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
REVIEW = "0f" * 16
ABOUT = {"review": REVIEW, "reasons": "no-vital-signs", "urgent": "yes", "concern": "minor", "decision": "attack"}
EVENT = Event(EventKind.REVIEW_URGENT, NOW, ABOUT)
DELIVERY = Delivery(DeliveryId(bytes(range(16))), WebhookId(bytes(16)), EVENT)
HEADERS = headers_of(bytes(32), DELIVERY, int(NOW.timestamp()) + 60)
TO = "mailto:duty@example.org"
NAMED = "mail.example"
SIGNS = st.sampled_from([*"@,;:<>()[]\"'\\ %?&=+-_.!|\r\n\t\0é\u2028", "\r\nBcc: b@c", "?cc=b@c"])
NAME = st.from_regex(r"[a-z]{1,9}(\.[a-z]{1,9}){0,2}", fullmatch=True)
PART = NAME | st.builds("{}{}{}".format, NAME, SIGNS, NAME | st.just(""))
NEARLY_ONE = st.builds("{}@{}".format, PART, PART)
LONGEST = f"{'a' * 64}@{'.'.join(['b' * 63] * 2 + ['c' * 61])}"


def _post(port: int, security: Security = Security.PLAIN, **more: object) -> MailPost:
    host = "localhost" if security is Security.PLAIN else NAMED
    user = {name: str(more.pop(name)) for name in ("user", "password") if name in more}
    server = MailServer(host, port, security, "facekeep@keep.example", **user)
    how = {"lookup": lambda *_: ["127.0.0.1"], "origin": "https://keep.example", "seconds": 20.0, **more}
    return MailPost(server, **how)  # type: ignore[arg-type]


def _sent(post: MailPost | EveryPost, to: str = TO) -> int:
    return post(to, HEADERS, DELIVERY.body())


def _nobody_is_left() -> bool:
    """Whether whoever spoke with a server has hung up, or does at once."""
    speaking = [thread for thread in threading.enumerate() if thread.name == "facekeep-aside"]
    for thread in speaking:
        thread.join(5)
    return not any(thread.is_alive() for thread in speaking)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder, x509.DNSName(NAMED))
    return folder


@pytest.mark.enable_socket
def test_a_letter_says_that_there_is_something_to_see_and_not_what() -> None:
    with receiving_mail() as receiver:
        assert _sent(_post(receiver.port)) == 200
        assert _sent(_post(receiver.port)) == 200
        first, again = receiver.all()
    assert (first.sender, first.to) == ("facekeep@keep.example", ["duty@example.org"])
    made = first.letter
    assert dict(made.items()) == {
        "From": "Facekeep <facekeep@keep.example>",
        "To": "duty@example.org",
        "Subject": "Facekeep: a review is urgent",
        "Date": "Thu, 26 Nov 2026 12:01:00 +0000",
        "Message-ID": "<000102030405060708090a0b0c0d0e0f@keep.example>",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    }
    assert again.letter["Message-ID"] == made["Message-ID"], "a mailbox can tell what came twice"
    said = made.get_content().splitlines()
    assert f"https://keep.example/review/{REVIEW}" in said
    assert {"What: review.urgent", "When: 2026-11-26 12:00:00 UTC", f"Review: {REVIEW}"} <= set(said)
    for told in ("no-vital-signs", "minor", "attack", socket.gethostname()):
        assert told.encode() not in first.raw
    assert first.greeted == "keep.example", "not the name of this machine"


def test_every_kind_of_event_has_a_letter_without_anything_of_it() -> None:
    secret = dict.fromkeys(("purpose", "outcome", "reasons", "decision", "concern", "urgent"), "a-secret-word")
    assert set(SENTENCES) == set(EventKind)
    for kind in EventKind:
        event = Event(kind, NOW, {"subject": "ab" * 16, "case": "cd" * 16, **secret})
        made = letter(event, "ef" * 16, NOW, sender="a@b.example", to="c@d.example", origin="https://keep.example")
        assert b"a-secret-word" not in made.as_bytes()
        assert f"Subject: {'ab' * 16}\nCase" not in made.get_content()
        assert "/review/" not in made.get_content()
        assert "cd" * 16 in made.get_content()
    assert "danger" not in SENTENCES[EventKind.REVIEW_CONCERN][1], "it may be of a minor, or of somebody dead"


@given(st.sampled_from(EventKind), st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_event_comes_back_from_what_is_sent(kind: EventKind, time: datetime) -> None:
    event = Event(kind, time, {"review": REVIEW})
    assert event_of(Delivery(DeliveryId(bytes(16)), WebhookId(bytes(16)), event).body()) == event


@given(NEARLY_ONE | st.text(max_size=300))
@example(LONGEST)
@settings(deadline=None)
def test_an_address_is_refused_or_is_one_plain_address_in_a_letter(text: str) -> None:
    try:
        address = mailbox_of(f"mailto:{text}")
    except UsageError:
        return
    assert address == text
    assert text.isascii()
    assert len(text) <= MAILBOX_MAX
    assert text.count("@") == 1
    assert not set(text) & set(' \r\n\t\0,;:<>()[]"\\%?&#/')
    made = letter(EVENT, "ab" * 16, NOW, sender="a@b.example", to=text)
    (to,) = made["To"].addresses
    assert to.addr_spec == text
    lines = made.as_bytes().split(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line.split(b":")[0] for line in lines] == [name.encode() for name in made]
    assert f"To: {text}".encode() in lines


@pytest.mark.parametrize(("form", "signs"), [("a{}b@c.example", "_+'=~-."), ("a@b{}c.example", "-.")])
def test_no_other_sign_is_in_an_address(form: str, signs: str) -> None:
    taken = set()
    for sign in map(chr, range(0x3000)):
        try:
            mailbox(form.format(sign))
        except UsageError:
            continue
        taken.add(sign)
    assert taken == set(signs + string.ascii_letters + string.digits)


@pytest.mark.parametrize(
    "text",
    [
        *("duty@example.org", "Duty_1@example.org", "a.b+c-d@mail.example.org", "o'neil@localhost", LONGEST),
        "x@1.example",
    ],
)
def test_addresses_of_mail(text: str) -> None:
    assert mailbox_of(f"mailto:{text}") == mailbox_of(f"MAILTO:{text}").removeprefix("MAILTO:") == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a@b,c@d",
            "a@b;c@d",
            "a@b c",
            " a@b",
            "a@b\n",
            "a@b\r\nBcc: c@d",
            "a b@c",
            "a,b@c",
        ),
        *('"a"@b', "<a@b>", "A <a@b>", "a@[127.0.0.1]", "a@127.0.0.1", ".a@b", "a.@b", "a..b@c", "a@b.", "a@.b"),
        *("a@b?subject=x", "a?cc=c@b", "a%40c@b", "a@b%2Cc@d", "a@-b", "a@b-", "ä@b", "a@ä.example", "-oQ@b", "a!b@c"),
        *(LONGEST + "c", "a" * 65 + "@b", f"a@{'b' * 64}", "//a@b", "a@b#c", "a(c)@b", "\u212a@b"),
    ],
)
def test_what_is_no_address_of_mail(text: str) -> None:
    with pytest.raises(UsageError):
        mailbox_of(f"mailto:{text}")


def test_what_is_not_of_mail_at_all() -> None:
    with pytest.raises(UsageError):
        mailbox_of("https://example.org/")
    assert mailbox("a@b.example") == "a@b.example"


@pytest.mark.enable_socket
@pytest.mark.parametrize("at_once", [False, True])
def test_beyond_this_machine_nothing_is_said_but_over_tls_to_who_should_be_there(tls: Path, at_once: bool) -> None:
    security = Security.TLS if at_once else Security.STARTTLS
    known = {"user": "keep", "password": "a password", "authorities": tls / "cert.pem"}
    with receiving_mail(tls=tls, at_once=at_once, password="a password") as receiver:
        assert _sent(_post(receiver.port, security, **known)) == 200
        (came,) = receiver.all()
        assert (came.encrypted, came.known, came.greeted) == (True, True, "keep.example")
        unbelieving = _post(receiver.port, security, **{**known, "authorities": None})
        wrong = _post(receiver.port, security, **{**known, "password": "another"})
        nobody = _post(receiver.port, security, authorities=tls / "cert.pem")
        other = MailServer("other.example", receiver.port, security, "facekeep@keep.example", "keep", "a password")
        elsewhere = MailPost(other, authorities=tls / "cert.pem", lookup=lambda *_: ["127.0.0.1"])
        for post in (unbelieving, wrong, nobody, elsewhere):
            with pytest.raises(UnavailableError, match="did not take"):
                _sent(post)
        assert receiver.all() == []


@pytest.mark.enable_socket
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_server_without_tls_gets_nothing(security: Security) -> None:
    with receiving_mail() as receiver:
        with pytest.raises(UnavailableError, match="did not take"):
            _sent(_post(receiver.port, security))
        assert receiver.all() == []


@pytest.mark.enable_socket
def test_what_is_said_in_clear_does_not_leave_this_machine() -> None:
    with receiving_mail() as receiver:
        for addresses in (["192.0.2.1"], ["127.0.0.1", "192.0.2.1"], []):
            with pytest.raises(UnavailableError, match="no address"):
                _sent(_post(receiver.port, lookup=lambda *_, found=addresses: found))
        assert _sent(_post(receiver.port, lookup=lambda *_: ["::1", "127.0.0.1"])) == 200
        assert len(receiver.all()) == 1


@pytest.mark.enable_socket
@pytest.mark.parametrize("answer", ["550 nobody of that name", "450 later", "421 bye"])
def test_a_refusal_is_a_failure_like_others_and_the_next_attempt_may_pass(
    answer: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving_mail([answer]) as receiver:
        post = _post(receiver.port)
        with pytest.raises(UnavailableError, match="did not take"):
            _sent(post)
        assert _sent(post) == 200
        assert len(receiver.all()) == 1
    said = caplog.text + "".join(capsys.readouterr())
    assert "duty" not in said
    assert answer[:3] in said


@pytest.mark.enable_socket
@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize(
    ("first", "then"), [(b"", b""), (b"", b"220-a\r\n"), (b"2", b"2"), (b"220 a\r\n", b"250-b\r\n")]
)
def test_an_attempt_ends_at_its_deadline_whatever_drips(security: Security, first: bytes, then: bytes) -> None:
    began = monotonic()
    with dripping(first, then, asked=False) as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        with pytest.raises(UnavailableError, match=r"in time|did not take"):
            _sent(_post(port, security, seconds=0.3))
        assert _nobody_is_left()
    assert monotonic() - began < 10


@pytest.mark.enable_socket
def test_an_attempt_can_be_cut_short_and_none_begins_after_that() -> None:
    with dripping(asked=False) as silent, receiving_mail() as receiver:
        web, mail = HttpsPost(private=True), _post(int(silent.url.split(":")[2].split("/")[0]), seconds=60)
        failed: list[str] = []

        def send() -> None:
            try:
                _sent(EveryPost(web, mail))
            except UnavailableError as error:
                failed.append(error.message)

        sending = threading.Thread(target=send)
        sending.start()
        assert silent.came.get(timeout=10)
        EveryPost(web, mail).cut()
        sending.join(10)
        assert failed == ["sending was ended"]
        assert _nobody_is_left()
        after = _post(receiver.port)
        after.cut()
        with pytest.raises(UnavailableError):
            _sent(after)
        assert receiver.all() == []


@pytest.mark.enable_socket
def test_each_endpoint_is_reached_in_its_way() -> None:
    with receiving_mail() as mail, receiving() as web:
        post = EveryPost(HttpsPost(private=True), _post(mail.port))
        assert (_sent(post), _sent(post, web.url)) == (200, 200)
        assert (len(mail.all()), len(web.all())) == (1, 1)
        with pytest.raises(UnavailableError, match="no mail"):
            _sent(EveryPost(HttpsPost(private=True), None))


def _settings(**given: str) -> Settings:
    return Settings.from_environment({PREFIX + "MAIL_" + name: value for name, value in given.items()})


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("smtps://mail.example.org:465", ("mail.example.org", 465, Security.TLS)),
        ("smtp://mail.example.org:587", ("mail.example.org", 587, Security.STARTTLS)),
        ("smtp://10.0.0.1:25", ("10.0.0.1", 25, Security.STARTTLS)),
        ("smtps://localhost:465", ("localhost", 465, Security.TLS)),
        ("smtp://localhost:25", ("localhost", 25, Security.PLAIN)),
        ("smtp://[::1]:25", ("::1", 25, Security.PLAIN)),
    ],
)
def test_a_mail_server_is_named(address: str, place: tuple[str, int, Security], tmp_path: Path) -> None:
    made = mail_server(_settings(SERVER=address, FROM="facekeep@keep.example"))
    assert made == MailServer(*place, "facekeep@keep.example")
    (tmp_path / "p").write_text("a password\n")
    more = {"SERVER": address, "FROM": "facekeep@keep.example", "USER": "keep"}
    for known in ({"PASSWORD": "a password"}, {"PASSWORD_FILE": str(tmp_path / "p")}):
        found = mail_server(_settings(**more, **known))
        assert found == MailServer(*place, "facekeep@keep.example", "keep", "a password")
        assert "a password" not in repr(found)
    assert mail_server(Settings()) is None


WHOLE = {"SERVER": "smtps://mail.example.org:465", "FROM": "facekeep@keep.example"}


@pytest.mark.parametrize(
    "given",
    [
        {"FROM": "facekeep@keep.example"},
        {"USER": "keep"},
        {"PASSWORD": "p"},
        {"PASSWORD_FILE": "p"},
        {"SERVER": WHOLE["SERVER"]},
        {**WHOLE, "USER": "keep"},
        {**WHOLE, "PASSWORD": "p"},
        {**WHOLE, "USER": "keep", "PASSWORD": "p", "PASSWORD_FILE": "p"},
        {**WHOLE, "USER": "keep", "PASSWORD_FILE": "/nowhere/p"},
        {**WHOLE, "USER": "keep", "PASSWORD": "é"},
        {**WHOLE, "FROM": "Facekeep <facekeep@keep.example>"},
        *(
            {**WHOLE, "SERVER": f"smtp{rest}"}
            for rest in ("://h", "://h:0", "://h:99999", "://u:p@h:25", "://h:25/x", "")
        ),
        *(
            {**WHOLE, "SERVER": other}
            for other in ("http://h:25", "h:25", "smtp:h:25", "smtp://h:25?x=y", "smtp://h\n:25")
        ),
    ],
)
def test_a_mail_server_is_named_wholly(given: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        mail_server(_settings(**given))
    assert "FACEKEEP_MAIL_" in caught.value.hint + caught.value.message
